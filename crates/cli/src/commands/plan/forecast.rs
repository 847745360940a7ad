//! What a plan would have done, beside what is live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::plan::Channel;
use journeyman_sim::backtest::{JourneyTally, Tally};

/// The same past, lived through twice.
pub(super) struct Forecast {
    /// How many days.
    pub(super) days: u16,
    /// All events there are: those before build profiles.
    pub(super) events: u64,
    /// People to whom any of them happened.
    pub(super) people: u64,
    /// With what is live.
    pub(super) now: Tally,
    /// With what is planned.
    pub(super) then: Tally,
}

/// One count, of both.
pub(super) struct Row {
    pub(super) journey: Arc<str>,
    /// `entered`, `sent by email`, `not sent: cap`, …
    pub(super) what: String,
    pub(super) now: u64,
    pub(super) then: u64,
}

impl Forecast {
    /// What differs, by journey; of entries and messages what does not, too.
    pub(super) fn rows(&self) -> Vec<Row> {
        let names: BTreeSet<&Arc<str>> = self.now.journeys.keys().chain(self.then.journeys.keys()).collect();
        let none = JourneyTally::default();
        let mut rows = Vec::new();
        for name in names {
            let now = counts(self.now.journeys.get(name).unwrap_or(&none));
            let then = counts(self.then.journeys.get(name).unwrap_or(&none));
            let what: BTreeSet<&(u8, String)> = now.keys().chain(then.keys()).collect();
            for key @ (order, what) in what {
                let (now, then) = (now.get(key).copied().unwrap_or(0), then.get(key).copied().unwrap_or(0));
                if now != then || *order <= 1 {
                    rows.push(Row { journey: name.clone(), what: what.clone(), now, then });
                }
            }
        }
        rows
    }

    /// Messages of all journeys by channel and hour of the shop's clock: with what is live, with what is planned.
    pub(super) fn hours(&self) -> BTreeMap<Channel, ([u64; 24], [u64; 24])> {
        let mut hours: BTreeMap<Channel, ([u64; 24], [u64; 24])> = BTreeMap::new();
        for (tally, planned) in [(&self.now, false), (&self.then, true)] {
            for (channel, counts) in tally.journeys.values().flat_map(|of| &of.hours) {
                let of = hours.entry(*channel).or_default();
                let of = if planned { &mut of.1 } else { &mut of.0 };
                of.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
            }
        }
        hours
    }
}

/// What is counted of a journey, in the order in which it is told.
fn counts(of: &JourneyTally) -> BTreeMap<(u8, String), u64> {
    let mut counts = BTreeMap::new();
    let mut add = |order: u8, what: String, count: u64| *counts.entry((order, what)).or_default() += count;
    add(0, "entered".to_owned(), of.entered);
    for (channel, sent) in &of.sent {
        add(1, format!("sent by {channel}"), *sent);
    }
    for ((_, reason), count) in &of.not_sent {
        add(2, format!("not sent: {}", reason.code()), *count);
    }
    for (reason, count) in &of.refused {
        add(3, format!("not entered: {}", reason.code()), *count);
    }
    for (reason, count) in &of.ended {
        add(4, format!("ended: {reason}"), *count);
    }
    add(5, "under way at the end".to_owned(), of.under_way);
    counts
}
