//! What has come of the demo, read from the tables.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use journeyman_domain::Refused;
use journeyman_domain::person::{HeldOut, decode_run};
use journeyman_domain::plan::Channel;
use journeyman_store::outbox::State;
use journeyman_store::tally::{self, Totals};
use serde_json::{Value, json};

use super::checker::{self, Found};
use super::house::House;
use super::interval::{Share, difference};
use super::life::Done;

/// What came of a journey.
#[derive(Clone, Debug, Default)]
pub(super) struct Journey {
    /// Runs of people who were spoken to, and how many of them reached the goal.
    pub(super) treated: Share,
    /// The same of those held out.
    pub(super) held_out: Share,
    /// The same of those who may have been both, since two people turned out to be one: they count for neither.
    pub(super) mixed: Share,
    /// What became of messages, by channel.
    pub(super) by: BTreeMap<Channel, Messages>,
    /// What was refused, by reason.
    pub(super) refusals: BTreeMap<Refused, u64>,
}

/// Messages of a journey by one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Messages {
    /// Those that left.
    pub(super) sent: u64,
    /// Those that somebody opened or clicked.
    pub(super) opened: u64,
    /// Those that somebody clicked.
    pub(super) clicked: u64,
}

impl Journey {
    pub(super) fn entered(&self) -> u64 {
        self.treated.of + self.held_out.of + self.mixed.of
    }

    pub(super) fn reached(&self) -> u64 {
        self.treated.hits + self.held_out.hits + self.mixed.hits
    }

    pub(super) fn messages(&self) -> u64 {
        self.by.values().map(|messages| messages.sent).sum()
    }

    pub(super) fn opened(&self) -> u64 {
        self.by.values().map(|messages| messages.opened).sum()
    }

    pub(super) fn clicked(&self) -> u64 {
        self.by.values().map(|messages| messages.clicked).sum()
    }

    /// Where a run counts.
    fn share(&mut self, mixed: bool, held_out: bool) -> &mut Share {
        match (mixed, held_out) {
            (true, _) => &mut self.mixed,
            (false, true) => &mut self.held_out,
            (false, false) => &mut self.treated,
        }
    }
}

/// What came of it all.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) accepted: u64,
    pub(super) totals: Totals,
    pub(super) unsubscribed: u64,
    /// What was ordered since the first day, in the shop's currency.
    pub(super) revenue: f64,
    /// By name; what is refused to a person outside any journey stands under no name.
    pub(super) journeys: BTreeMap<String, Journey>,
    pub(super) found: Found,
}

/// Reads it.
///
/// # Errors
/// As the store's; and of a run that this version can't read.
pub(super) async fn read(house: &House, done: &Done) -> anyhow::Result<Outcome> {
    let pool = &house.pool;
    let mut journeys: BTreeMap<String, Journey> = BTreeMap::new();
    for ended in tally::ended_runs(pool).await? {
        let journey = journeys.entry(ended.journey).or_default();
        let share = journey.share(ended.mixed, ended.held_out);
        share.add(ended.reached, ended.runs.unsigned_abs());
    }
    for (name, state, mixed) in tally::live_runs(pool).await? {
        let run = decode_run(&state).with_context(|| format!("a run of {name}"))?;
        let journey = journeys.entry(name).or_default();
        journey.share(mixed, run.held_out != HeldOut::No).add(run.goal.is_some(), 1);
    }
    for messages in tally::messages(pool).await? {
        if messages.state == State::Accepted {
            let journey = journeys.entry(messages.journey).or_default();
            journey.by.entry(messages.channel).or_default().sent += messages.count.unsigned_abs();
        }
    }
    for engaged in tally::engaged(pool).await? {
        let journey = journeys.entry(engaged.journey).or_default();
        let messages = journey.by.entry(engaged.channel).or_default();
        (messages.opened, messages.clicked) = (engaged.opened.unsigned_abs(), engaged.clicked.unsigned_abs());
    }
    for (name, reason, times) in tally::refusals(pool).await? {
        *journeys.entry(name).or_default().refusals.entry(reason).or_default() += times.unsigned_abs();
    }
    let unsubscribed = tally::unsubscribed(pool).await?;
    Ok(Outcome {
        accepted: done.events(),
        totals: tally::totals(pool).await?,
        unsubscribed: unsubscribed.unsigned_abs(),
        revenue: tally::revenue(pool, house.clock.at(0)).await?,
        journeys,
        found: checker::check(house, done).await?,
    })
}

impl Outcome {
    /// A count of every journey, summed.
    pub(super) fn sum(&self, of: impl Fn(&Journey) -> u64) -> u64 {
        self.journeys.values().map(of).sum()
    }

    /// As one object. All but `wall_s` is the same whenever the seed is.
    pub(super) fn json(&self, wall: Duration) -> Value {
        let with_holdout = self.journeys.iter().filter(|(_, journey)| journey.held_out.of > 0);
        let holdout: BTreeMap<&str, Value> =
            with_holdout.map(|(name, journey)| (name.as_str(), holdout(journey))).collect();
        let journeys: BTreeMap<&str, Value> =
            self.journeys.iter().map(|(name, journey)| (name.as_str(), told(journey))).collect();
        let mut refusals: BTreeMap<&str, u64> = BTreeMap::new();
        for (reason, times) in self.journeys.values().flat_map(|journey| &journey.refusals) {
            *refusals.entry(reason.code()).or_default() += times;
        }
        json!({
            "events_accepted": self.accepted,
            "events_processed": self.totals.applied,
            "people": self.totals.people,
            "runs_entered": self.sum(Journey::entered),
            "messages": {
                "sent": self.sum(Journey::messages),
                "opened": self.sum(Journey::opened),
                "clicked": self.sum(Journey::clicked),
                "unsubscribed": self.unsubscribed,
            },
            "revenue": (self.revenue * 100.0).round() / 100.0,
            "conversions": self.sum(Journey::reached),
            "holdout": holdout,
            "journeys": journeys,
            "refusals": refusals,
            "rejected": self.totals.rejected,
            "parked": self.totals.parked,
            "duplicates": self.found.duplicates,
            "lost": self.found.lost,
            "wall_s": (wall.as_secs_f64() * 10.0).round() / 10.0,
        })
    }
}

fn told(journey: &Journey) -> Value {
    let by = |count: fn(&Messages) -> u64| -> BTreeMap<&str, u64> {
        journey.by.iter().map(|(by, messages)| (by.name(), count(messages))).collect()
    };
    json!({
        "entered": journey.entered(),
        "sent": by(|messages| messages.sent),
        "opened": by(|messages| messages.opened),
        "clicked": by(|messages| messages.clicked),
        "reached_goal": journey.reached(),
    })
}

fn holdout(journey: &Journey) -> Value {
    let of = |share: Share| json!({ "runs": share.of, "reached_goal": share.hits, "share": share.value().map(rounded) });
    let difference = difference(journey.treated, journey.held_out);
    json!({
        "treated": of(journey.treated),
        "held_out": of(journey.held_out),
        "left_out": journey.mixed.of,
        "difference": difference.map(|found| rounded(found.value)),
        "interval_95": difference.map(|found| [rounded(found.low), rounded(found.high)]),
    })
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
