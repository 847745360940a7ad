//! Two people turn out to be one: the loser is closed, the winner takes their state over.
//!
//! The outcome is as if both had been one from the beginning, as far as it can be told from what is kept: what happened to
//! one is met by the runs of the other, of two runs where one would have been refused one goes on, and nothing that either
//! has declined or done leaves a message of the other's on its way.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::enter::remembered;
use super::send::held_out_of_send;
use super::walk::option_of;
use super::{Actor, Happening, Past};
use crate::person::{EndReason, Entered, Entry, Handover, Mark, RUNS, Run};
use crate::plan::{Again, IfRunning, Plan, Step};
use crate::value::Span;
use crate::{PersonId, Refused};

/// How long it is remembered what runs wait or end for, at least: as long as messages are.
const REMEMBERED: Span = Span::Days(35);

/// When somebody entered what, by the mark of journey and key.
type Entries = BTreeMap<Mark, Entered>;

impl Actor<'_> {
    /// Remembers an event that the runs of somebody else may turn out to be concerned by.
    pub(super) fn remember_met(&mut self, event: &Happening) {
        let Some(asked) = self.plans.met(&event.name) else { return };
        let forgotten = REMEMBERED.before(self.now, &self.zone);
        self.person.hot.remember_met(event.entry(asked), forgotten);
    }

    /// The person turned out to be somebody else.
    pub(super) fn close(&mut self, winner: PersonId) {
        self.outcome.handed = Some(Box::new(Handover::of(self.person)));
        self.person.merged_into = Some(winner);
    }

    /// Somebody else turned out to be this person.
    pub(super) fn take(&mut self, state: &Handover) {
        self.mix(state);
        let entries = |entered: &[Entered]| entered.iter().map(|one| (one.of, one.clone())).collect();
        let (our_entries, their_entries): (Entries, Entries) =
            (entries(&self.person.hot.entered), entries(&state.hot.entered));
        let (our_past, their_past) = (self.person.hot.met.clone(), state.hot.met.clone());
        if !self.person.traits.merge(&state.traits) {
            self.refuse("".into(), Refused::TooLarge);
        }
        for (key, theirs) in &state.features {
            let ours = self.person.features.entry(key.clone()).or_default();
            ours.merge(theirs, key.by.is_none());
        }
        let zones = self.zones(state);
        let spilt = self.person.hot.merge(state.hot.clone(), self.now, &self.zone);
        if spilt.entered > 0 {
            self.refuse("".into(), Refused::TooMany);
        }
        for journey in spilt.pending {
            self.refuse(journey, Refused::TooMany);
        }
        self.cancel_starts();

        let last_of_ours = self.person.hot.last_run;
        self.take_runs(&state.runs);
        if zones {
            self.rearm();
        }
        let is_ours = |run: &Run| run.number <= last_of_ours;
        // What happened to one is news to the runs of the other. A run that it ended takes nobody's place; what goes on in
        // the place of others then hears the rest.
        for past in [Past::Ends, Past::Everything] {
            self.past = Some(past);
            self.meet_past(&our_past, |run| !is_ours(run));
            self.meet_past(&their_past, is_ours);
            self.past = None;
            if past == Past::Ends {
                self.end_barred(&our_entries, &their_entries, last_of_ours);
                self.end_doubles();
                self.call_off_unwanted();
            }
        }
        self.go_on_without();
        self.meet_all(None);
    }

    /// Journeys in which the two may have been in different options. Who has never entered any was in none.
    fn mix(&mut self, state: &Handover) {
        if state.hot.last_run == 0 {
            return;
        }
        let (ours, theirs) = (self.person.assignment_key, state.assignment_key);
        let differs = |plan: &Plan| {
            self.held_out_by(plan, ours) != self.held_out_by(plan, theirs)
                || plan.nodes.iter().any(|node| match &node.step {
                    Step::Choose(shares) => {
                        let option = |key| option_of(plan, node, shares, key).map(|share| share.name.clone());
                        option(ours) != option(theirs)
                    }
                    _ => held_out_of_send(plan, node, ours) != held_out_of_send(plan, node, theirs),
                })
        };
        let mixed: BTreeSet<Arc<str>> =
            self.plans.versions().filter(|plan| differs(plan)).map(|plan| plan.name.clone()).collect();
        self.outcome.mixed.extend(mixed);
    }

    /// The later word about the zone counts. Whether a clock of either has moved.
    fn zones(&mut self, state: &Handover) -> bool {
        let zone_of = |zone: &Option<(Arc<str>, crate::ShopTime)>| {
            let known = zone.as_ref().and_then(|(name, _)| TimeZone::get(name).ok());
            known.unwrap_or_else(|| self.plans.policies.zone.clone())
        };
        let (ours, theirs) = (&self.person.hot.zone, &state.hot.zone);
        let rank = |zone: &Option<(Arc<str>, crate::ShopTime)>| zone.clone().map(|(name, at)| (at, name));
        let latest = if rank(theirs) > rank(ours) { theirs.clone() } else { ours.clone() };
        let (before, their_clock, after) = (self.zone.clone(), zone_of(theirs), zone_of(&latest));
        self.person.hot.zone = latest;
        self.zone = after.clone();
        before != after || (their_clock != after && !(state.runs.is_empty() && state.hot.pending.is_empty()))
    }

    /// Starts that await silence and were cancelled under the other id.
    fn cancel_starts(&mut self) {
        let pending = std::mem::take(&mut self.person.hot.pending);
        for awaited in pending {
            let plan = self.plans.live(&awaited.journey);
            let cancelled =
                plan.is_some_and(|plan| self.was_cancelled(plan, awaited.entry.at, awaited.key.as_deref()));
            if cancelled {
                self.refuse(awaited.journey, Refused::Cancelled);
            } else {
                self.person.hot.pending.push(awaited);
            }
        }
    }

    /// Runs get new numbers, in the order of their old ones. Of more than one may have those give way that only watch for
    /// their goal, then the latest.
    fn take_runs(&mut self, runs: &[Run]) {
        for run in runs {
            self.person.hot.last_run = self.person.hot.last_run.saturating_add(1);
            let number = self.person.hot.last_run;
            self.outcome.moved.push((run.number, number));
            self.person.runs.push(Run { number, dirty: true, stored: false, ..run.clone() });
        }
        while self.person.runs.len() > RUNS {
            let spare = self.person.runs.iter().rposition(|run| !run.walks());
            let nth = spare.unwrap_or(self.person.runs.len() - 1);
            let Some(run) = self.person.runs.get(nth) else { return };
            self.refuse(run.journey.clone(), Refused::TooMany);
            self.call_off_queued(nth);
            self.finish(nth, self.now, EndReason::Merged);
        }
    }

    /// A run that `again` would not have let begin, had it been known that this person had entered before.
    fn end_barred(&mut self, ours: &Entries, theirs: &Entries, last_of_ours: u32) {
        let barred = |run: &&Run| {
            let Some(plan) = self.plans.version(run.plan) else { return false };
            if !run.walks() || plan.enter.again == Again::Always {
                return false;
            }
            let others = if run.number <= last_of_ours { theirs } else { ours };
            others
                .get(&remembered(plan, &run.key))
                .is_some_and(|other| other.at < run.started_at && other.bars_at(run.started_at, &self.zone))
        };
        let barred: Vec<u32> = self.person.runs.iter().filter(barred).map(|run| run.number).collect();
        barred.into_iter().for_each(|number| self.end_number(number, EndReason::Merged));
    }

    /// Of two runs of the same journey and key the first goes on, or the last where another entry restarts it; of two in the
    /// same lane the one with the higher priority, else the first.
    fn end_doubles(&mut self) {
        let mut walking: Vec<(Arc<Plan>, Run)> = Vec::new();
        for run in self.person.runs.iter().filter(|run| run.walks()) {
            if let Some(plan) = self.plans.version(run.plan) {
                walking.push((plan.clone(), run.clone()));
            }
        }
        let age = |run: &Run| (run.entry.at, run.entry.event);
        walking.sort_by_key(|(_, run)| age(run));
        let mut over: Vec<(u32, EndReason)> = Vec::new();
        for (nth, (plan, run)) in walking.iter().enumerate() {
            let (earlier, later) = (&walking[..nth], &walking[nth + 1..]);
            let same = |(_, other): &(Arc<Plan>, Run)| other.journey == run.journey && other.key == run.key;
            let restarts = plan.enter.if_running == IfRunning::Restart;
            if if restarts { later.iter().any(same) } else { earlier.iter().any(same) } {
                over.push((run.number, EndReason::Merged));
            }
        }
        walking.retain(|(_, run)| !over.iter().any(|(number, _)| *number == run.number));
        walking.sort_by_key(|(plan, run)| (Reverse(plan.priority), age(run)));
        let mut lanes: BTreeSet<Arc<str>> = BTreeSet::new();
        for (plan, run) in &walking {
            if plan.lane.as_ref().is_some_and(|lane| !lanes.insert(lane.clone())) {
                over.push((run.number, EndReason::LaneTaken));
            }
        }
        over.into_iter().for_each(|(number, reason)| self.end_number(number, reason));
    }

    fn end_number(&mut self, number: u32, reason: EndReason) {
        let Some(nth) = self.person.runs.iter().position(|run| run.number == number) else { return };
        let Some(plan) = self.plan_of(nth) else { return };
        self.end(nth, Some(&plan), reason);
    }

    fn meet_past(&mut self, past: &[Entry], which: impl Fn(&Run) -> bool) {
        for met in past {
            let Entry { event, name, at, properties } = met.clone();
            let event = Happening::of_timer(event, &name, at, properties);
            self.meet_these(Some(&event), &which);
        }
    }
}

#[cfg(test)]
mod tests;
