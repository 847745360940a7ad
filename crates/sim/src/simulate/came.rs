//! What a simulation comes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use journeyman_domain::{Refused, ShopTime};

use crate::backtest::{Line, Tally, What};
use crate::shoppers::Reaction;

/// What people did with messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reactions {
    /// Messages that were looked at.
    pub opened: u64,
    /// Messages of which a link was followed.
    pub clicked: u64,
    /// Wishes to get no more.
    pub unsubscribed: u64,
}

impl Reactions {
    pub(super) fn note(&mut self, reaction: Reaction) {
        match reaction {
            Reaction::Opens => self.opened += 1,
            Reaction::Clicks(_) => self.clicked += 1,
            Reaction::UnsubscribesByButton | Reaction::UnsubscribesByPage => self.unsubscribed += 1,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Came {
    /// What happened in journeys.
    pub tally: Tally,
    /// People to whom anything happened.
    pub people: u64,
    /// Events that were applied, those before the first day included.
    pub events: u64,
    /// What people did with messages, of whichever kind the shop hears.
    pub reactions: Reactions,
    /// People who were under way in both of two journeys at one moment, by the journeys in the order of their names.
    pub overlaps: BTreeMap<(Arc<str>, Arc<str>), u64>,
    /// Messages of a journey that were not sent, and triggers that began nothing, where another journey was in the way: for which
    /// reason, and which journey had written to the person last, or began last where it is about a lane.
    pub pressure: BTreeMap<(Arc<str>, Refused, Arc<str>), u64>,
    /// How many people got so many messages.
    pub messages_each: BTreeMap<u64, u64>,
}

impl Came {
    /// Counts what happened to one person; days are those of `zone`.
    pub(super) fn add(&mut self, lines: &[Line], zone: &TimeZone) {
        self.people += 1;
        self.tally.add(lines, zone);
        self.overlap(lines);
        self.press(lines);
        let sent = lines.iter().filter(|line| matches!(line.what, What::Sent(_))).count();
        *self.messages_each.entry(sent as u64).or_default() += 1;
    }

    fn overlap(&mut self, lines: &[Line]) {
        let mut runs: BTreeMap<u32, (Arc<str>, ShopTime, Option<ShopTime>)> = BTreeMap::new();
        for line in lines {
            match &line.what {
                What::Entered { journey, run, held_out: false, .. } => {
                    runs.insert(*run, (journey.clone(), line.at, None));
                }
                What::Ended { run, .. } => {
                    if let Some((_, _, ended)) = runs.get_mut(run) {
                        *ended = Some(line.at);
                    }
                }
                _ => {}
            }
        }
        let runs: Vec<_> = runs.into_values().collect();
        let mut both = std::collections::BTreeSet::new();
        for (nth, (one, began, ended)) in runs.iter().enumerate() {
            for (other, then, over) in runs.iter().skip(nth + 1).filter(|(other, ..)| other != one) {
                let meet = ended.is_none_or(|ended| *then < ended) && over.is_none_or(|over| *began < over);
                if meet {
                    both.insert((one.min(other).clone(), one.max(other).clone()));
                }
            }
        }
        for pair in both {
            *self.overlaps.entry(pair).or_default() += 1;
        }
    }

    fn press(&mut self, lines: &[Line]) {
        let (mut wrote, mut began): (Option<&Arc<str>>, Option<&Arc<str>>) = (None, None);
        for line in lines {
            let (journey, reason, by) = match &line.what {
                What::Sent(message) => {
                    wrote = Some(&message.journey);
                    continue;
                }
                What::Entered { journey, .. } => {
                    began = Some(journey);
                    continue;
                }
                What::NotSent { journey, reason: reason @ (Refused::Cap | Refused::Gap), .. } => {
                    (journey, *reason, wrote)
                }
                What::Refused { journey, reason: reason @ Refused::LaneBusy } => (journey, *reason, began),
                _ => continue,
            };
            if let Some(by) = by {
                *self.pressure.entry((journey.clone(), reason, by.clone())).or_default() += 1;
            }
        }
    }

    /// Adds what others came to.
    pub fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.people += other.people;
        self.events += other.events;
        self.reactions.opened += other.reactions.opened;
        self.reactions.clicked += other.reactions.clicked;
        self.reactions.unsubscribed += other.reactions.unsubscribed;
        add(&mut self.overlaps, other.overlaps);
        add(&mut self.pressure, other.pressure);
        add(&mut self.messages_each, other.messages_each);
    }
}

fn add<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key).or_default() += count;
    }
}
