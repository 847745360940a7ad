//! What a backtest comes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use journeyman_domain::plan::Channel;
use journeyman_domain::{Refused, ShopTime};

use super::{Line, What};

/// What happened on each day, of the shop's calendar: entries, and messages by channel.
pub type Days = BTreeMap<Date, (u64, BTreeMap<Channel, u64>)>;

/// What many people's lines come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// By journey; those to which nothing happened are not in it.
    pub journeys: BTreeMap<Arc<str>, JourneyTally>,
    /// What was refused of no journey: of which event, or empty where it is of the person.
    pub others: BTreeMap<(Arc<str>, Refused), u64>,
    /// What could not be applied, by code.
    pub parked: BTreeMap<&'static str, u64>,
}

/// What happened in one journey.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JourneyTally {
    /// Runs that began, those of people who are held out included.
    pub entered: u64,
    /// Of those, runs of people who are held out.
    pub held_out: u64,
    /// Triggers that had matched and began nothing.
    pub refused: BTreeMap<Refused, u64>,
    /// Messages that left.
    pub sent: BTreeMap<Channel, u64>,
    /// The same by step.
    pub sent_at: BTreeMap<Arc<str>, u64>,
    /// Messages that would have left, to people who are held out.
    pub withheld: BTreeMap<Channel, u64>,
    /// Messages called off in the moment they were queued.
    pub called_off: u64,
    /// Messages that were not sent, by step.
    pub not_sent: BTreeMap<(Arc<str>, Refused), u64>,
    /// Runs that stopped walking, by why.
    pub ended: BTreeMap<Arc<str>, u64>,
    /// Runs still walking when the window ended.
    pub under_way: u64,
    /// Goals reached by people who are spoken to.
    pub goals: u64,
    /// Goals reached by people who are held out.
    pub goals_held_out: u64,
    /// What the goals of people who are spoken to are worth together, in the shop's currency where they are money.
    pub goal_value: f64,
    /// By day.
    pub days: Days,
    /// Messages that left, by the hour of the shop's clock: 24 counts.
    pub hours: BTreeMap<Channel, [u64; 24]>,
}

impl Tally {
    /// Counts what happened to one person; days are those of `zone`.
    pub fn add(&mut self, lines: &[Line], zone: &TimeZone) {
        for line in lines {
            match &line.what {
                What::Entered { journey, held_out, .. } => {
                    let of = self.journey(journey);
                    of.entered += 1;
                    of.held_out += u64::from(*held_out);
                    of.day(line.at, zone).0 += 1;
                }
                What::Sent(message) => {
                    let of = self.journey(&message.journey);
                    *of.sent.entry(message.channel).or_default() += 1;
                    *of.sent_at.entry(message.step.clone()).or_default() += 1;
                    *of.day(line.at, zone).1.entry(message.channel).or_default() += 1;
                    let hour = line.at.timestamp().to_zoned(zone.clone()).hour();
                    let hours = of.hours.entry(message.channel).or_default();
                    if let Some(count) = usize::try_from(hour).ok().and_then(|hour| hours.get_mut(hour)) {
                        *count += 1;
                    }
                }
                What::Withheld(message) => {
                    *self.journey(&message.journey).withheld.entry(message.channel).or_default() += 1;
                }
                What::CalledOff(message) => self.journey(&message.journey).called_off += 1,
                What::NotSent { journey, step, reason } => {
                    *self.journey(journey).not_sent.entry((step.clone(), *reason)).or_default() += 1;
                }
                What::Refused { journey, reason } => {
                    *self.journey(journey).refused.entry(*reason).or_default() += 1;
                }
                What::LeftOut { of, reason } => {
                    *self.others.entry((of.clone(), *reason)).or_default() += 1;
                }
                What::Goal { journey, value, held_out, .. } => {
                    let of = self.journey(journey);
                    if *held_out {
                        of.goals_held_out += 1;
                    } else {
                        of.goals += 1;
                        of.goal_value += value.unwrap_or(0.0);
                    }
                }
                What::Ended { journey, reason, .. } => {
                    *self.journey(journey).ended.entry(reason.clone()).or_default() += 1;
                }
                What::UnderWay { journey, .. } => self.journey(journey).under_way += 1,
                What::Parked { reason } => *self.parked.entry(reason).or_default() += 1,
            }
        }
    }

    fn journey(&mut self, name: &Arc<str>) -> &mut JourneyTally {
        self.journeys.entry(name.clone()).or_default()
    }

    /// Adds what others came to.
    pub fn merge(&mut self, other: Self) {
        for (name, of) in other.journeys {
            self.journey(&name).merge(of);
        }
        add(&mut self.others, other.others);
        add(&mut self.parked, other.parked);
    }
}

impl JourneyTally {
    fn day(&mut self, at: ShopTime, zone: &TimeZone) -> &mut (u64, BTreeMap<Channel, u64>) {
        self.days.entry(at.timestamp().to_zoned(zone.clone()).date()).or_default()
    }

    fn merge(&mut self, other: Self) {
        self.entered += other.entered;
        self.held_out += other.held_out;
        add(&mut self.refused, other.refused);
        add(&mut self.sent, other.sent);
        add(&mut self.sent_at, other.sent_at);
        add(&mut self.withheld, other.withheld);
        self.called_off += other.called_off;
        add(&mut self.not_sent, other.not_sent);
        add(&mut self.ended, other.ended);
        self.under_way += other.under_way;
        self.goals += other.goals;
        self.goals_held_out += other.goals_held_out;
        self.goal_value += other.goal_value;
        for (channel, hours) in other.hours {
            let ours = self.hours.entry(channel).or_default();
            ours.iter_mut().zip(hours).for_each(|(ours, theirs)| *ours += theirs);
        }
        for (day, (entered, sent)) in other.days {
            let ours = self.days.entry(day).or_default();
            ours.0 += entered;
            add(&mut ours.1, sent);
        }
    }
}

fn add<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key).or_default() += count;
    }
}
