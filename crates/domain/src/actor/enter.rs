//! How runs begin.

use std::sync::Arc;

use super::meet::{agrees, key_of};
use super::{Actor, Happening, REQUESTED, Told};
use crate::draw::draw;
use crate::expr::{Facts, Scope};
use crate::person::{
    ENTRY_BYTES, EndReason, Entered, Entry, HeldOut, Mark, Pending, Position, RUNS, Run, Waiting, mark, size,
};
use crate::plan::{Again, IfRunning, JourneyKind, Plan};
use crate::value::{Span, Value};
use crate::{Refused, ShopTime};

/// The seed of everybody's holdout.
const GLOBAL: &str = "everybody";

impl Actor<'_> {
    /// The journeys that listen to an event, the highest priority first.
    pub(super) fn enter(&mut self, event: &Happening) {
        if event.name.as_ref() == REQUESTED {
            return self.requested(event);
        }
        let plans = self.plans;
        for listener in plans.listeners(&event.name) {
            match (listener.starts, listener.plan.enter.idle) {
                (false, _) => self.call_off(&listener.plan, event),
                (true, None) => self.enter_at_once(&listener.plan, event),
                (true, Some(idle)) => self.enter_after_silence(&listener.plan, event, idle),
            }
        }
    }

    fn matches(&mut self, plan: &Plan, event: Facts<'_>, item: Option<&Value>) -> bool {
        let Some(condition) = &plan.enter.condition else { return true };
        let scope = self.scope_of(Some(event), None);
        let held = condition.compiled.holds(&Scope { item, ..scope });
        self.told_condition(&plan.name, "enter", condition, held)
    }

    /// What keeps an event that matched from starting anything, but for what is only known when it starts.
    fn barred(&self, plan: &Plan, event: &Happening, keyless: bool) -> Option<Refused> {
        if event.historical || self.is_late(plan, event.at) {
            return Some(Refused::Late);
        }
        if keyless {
            return Some(Refused::NoKey);
        }
        self.not_meant(plan)
    }

    pub(super) fn is_late(&self, plan: &Plan, since: ShopTime) -> bool {
        plan.enter.max_age.after(since, &self.zone) < self.now
    }

    fn not_meant(&self, plan: &Plan) -> Option<Refused> {
        let (enter, scope) = (&plan.enter, self.scope(None, None));
        if !enter.to.is_empty() && !enter.to.iter().any(|segment| scope.in_segment(segment)) {
            return Some(Refused::NotInAudience);
        }
        enter.except.iter().any(|segment| scope.in_segment(segment)).then_some(Refused::Excepted)
    }

    /// Of an event that has a list, with `each`, every element begins a run of its own.
    pub(super) fn enter_at_once(&mut self, plan: &Arc<Plan>, event: &Happening) {
        let Some(each) = &plan.enter.each else { return self.enter_one(plan, event, None) };
        let list = event.properties().at(each.iter().map(AsRef::as_ref));
        if list.items().is_empty() {
            return self.refuse(plan.name.clone(), Refused::NoItem);
        }
        for item in list.items() {
            self.enter_one(plan, event, Some(item));
        }
    }

    fn enter_one(&mut self, plan: &Arc<Plan>, event: &Happening, item: Option<&Value>) {
        if !self.matches(plan, event.facts(), item) {
            return;
        }
        let key = plan.enter.per.as_ref().map(|per| match item {
            Some(item) => item.at(per.iter().map(AsRef::as_ref)).key(),
            None => key_of(per, event),
        });
        match self.barred(plan, event, key == Some(None)) {
            Some(reason) => self.refuse(plan.name.clone(), reason),
            None => {
                let entry = event.entry(&plan.entry_properties);
                self.start(plan, key.flatten(), entry, item.cloned().unwrap_or_default(), event.at);
            }
        }
    }

    /// Any event of the kind and key begins the silence anew, one that lacks the key for all of them; the last that matched
    /// is what the run begins with.
    fn enter_after_silence(&mut self, plan: &Arc<Plan>, event: &Happening, idle: Span) {
        let matched = self.matches(plan, event.facts(), None);
        let mut due = idle.after(event.at, &self.zone).max(self.now);
        for awaited in self.person.hot.pending.iter_mut().filter(|pending| pending.journey == plan.name) {
            if event.at >= awaited.since && agrees(plan, awaited.key.as_ref(), event) {
                (awaited.since, awaited.due) = (event.at, due);
            }
        }
        if !matched {
            return;
        }
        let key = plan.enter.per.as_ref().map(|per| key_of(per, event));
        let barred = self.barred(plan, event, key == Some(None));
        let key = key.flatten();
        let cancelled = || self.was_cancelled(plan, event.at, key.as_deref()).then_some(Refused::Cancelled);
        if let Some(reason) = barred.or_else(cancelled) {
            return self.refuse(plan.name.clone(), reason);
        }
        let (journey, mut entry, mut since) =
            (plan.name.clone(), event.entry(&plan.entry_properties), event.at);
        let mut pending = self.person.hot.pending.iter();
        if let Some(awaited) = pending.find(|known| known.journey == journey && known.key == key) {
            (since, due) = (awaited.since, awaited.due);
            if awaited.entry.at > entry.at {
                entry = awaited.entry.clone();
            }
        }
        if !self.person.hot.await_start(Pending { journey: journey.clone(), key, entry, since, due }) {
            return self.refuse(journey, Refused::TooMany);
        }
        self.tell(|| Told::Awaits { journey, until: due });
    }

    /// What cancels a start may have come through the door before what would have begun it.
    pub(super) fn was_cancelled(&self, plan: &Plan, since: ShopTime, key: Option<&str>) -> bool {
        plan.enter.unless.iter().any(|unless| {
            let feature = self.person.features.get(&plan.enter.cancels(unless));
            feature.is_some_and(|feature| feature.came_since(since, key))
        })
    }

    /// An event of `unless`: no start is awaited any more, of the key it names.
    fn call_off(&mut self, plan: &Arc<Plan>, event: &Happening) {
        let before = self.person.hot.pending.len();
        self.person.hot.pending.retain(|pending| {
            let agrees = agrees(plan, pending.key.as_ref(), event);
            !(pending.journey == plan.name && agrees && event.at >= pending.entry.at)
        });
        if self.person.hot.pending.len() < before {
            self.refuse(plan.name.clone(), Refused::Cancelled);
        }
    }

    /// The silence is over: the condition is asked once more, since the cart may have been emptied meanwhile. The silence may
    /// be longer than `max_age`; what counts is how long it is over.
    pub(super) fn silence_over(&mut self, pending: Pending) {
        let Some(plan) = self.plans.live(&pending.journey).cloned() else {
            return self.refuse(pending.journey, Refused::NoLonger);
        };
        if !self.matches(&plan, (&pending.entry).into(), None) {
            return self.refuse(pending.journey, Refused::NoLonger);
        }
        let late = self.is_late(&plan, pending.due).then_some(Refused::Late);
        match late.or_else(|| self.not_meant(&plan)) {
            Some(reason) => self.refuse(pending.journey, reason),
            None => {
                let clock = self.on_time(pending.due);
                self.start(&plan, pending.key, pending.entry, Value::Missing, clock);
            }
        }
    }

    /// Begins a run, unless what is under way or was before forbids it.
    fn start(&mut self, plan: &Arc<Plan>, key: Option<Arc<str>>, entry: Entry, item: Value, clock: ShopTime) {
        match self.room(plan, &key, size(&entry) + size(&item)) {
            Err(reason) => return self.refuse(plan.name.clone(), reason),
            Ok(over) => {
                for (number, reason) in over {
                    let Some(nth) = self.person.runs.iter().position(|run| run.number == number) else {
                        continue;
                    };
                    let old = self.plans.version(self.person.runs[nth].plan).cloned();
                    self.end(nth, old.as_deref(), reason);
                }
            }
        }
        self.remember(plan, &key);
        self.person.hot.last_run += 1;
        let number = self.person.hot.last_run;
        let held_out = self.held_out(plan);
        let (journey, told_key) = (plan.name.clone(), key.clone());
        self.tell(|| Told::Began { journey, run: number, key: told_key, held_out: held_out != HeldOut::No });
        self.person.runs.push(Run {
            number,
            journey: plan.name.clone(),
            plan: plan.hash,
            key,
            entry,
            started_at: self.now,
            held_out,
            // Overwritten by its first step, or at its end.
            position: Position::At { step: "".into(), reached: clock, waiting: Waiting::Until(clock) },
            variables: Vec::new(),
            results: Vec::new(),
            first_send: None,
            goal: None,
            item,
            turns: Vec::new(),
            outlasted: Vec::new(),
            dirty: true,
            stored: false,
        });
        let nth = self.person.runs.len() - 1;
        if !self.leaves(nth, plan) {
            self.walk(nth, plan, plan.first, clock);
        }
    }

    /// Which runs end where this one begins; or why it does not.
    fn room(
        &self,
        plan: &Plan,
        key: &Option<Arc<str>>,
        bytes: usize,
    ) -> Result<Vec<(u32, EndReason)>, Refused> {
        if bytes > ENTRY_BYTES {
            return Err(Refused::TooLarge);
        }
        let hot = &self.person.hot;
        match (plan.enter.again, hot.entered(remembered(plan, key))) {
            (Again::Never, Some(_)) => return Err(Refused::Again),
            (Again::Every(span), Some(entered)) if span.after(entered.at, &self.zone) > self.now => {
                return Err(Refused::Again);
            }
            (Again::Always, _) | (_, Some(_)) => {}
            (_, None) if !hot.may_enter(self.now, &self.zone) => return Err(Refused::TooMany),
            (_, None) => {}
        }
        let mut over = Vec::new();
        for run in self.person.runs.iter().filter(|run| run.walks()) {
            if run.journey == plan.name && run.key == *key {
                match plan.enter.if_running {
                    IfRunning::Join => return Err(Refused::Joined),
                    IfRunning::Ignore => return Err(Refused::AlreadyRunning),
                    IfRunning::Restart => over.push((run.number, EndReason::Restarted)),
                }
                continue;
            }
            let other = self.plans.version(run.plan);
            let (Some(lane), Some(other)) = (&plan.lane, other) else { continue };
            if other.lane.as_ref() != Some(lane) {
                continue;
            }
            if other.priority >= plan.priority {
                return Err(Refused::LaneBusy);
            }
            over.push((run.number, EndReason::LaneTaken));
        }
        // Who takes another's place needs none.
        let restarts = over.iter().any(|(_, reason)| *reason == EndReason::Restarted);
        if self.person.runs.len() >= RUNS + usize::from(restarts) {
            return Err(Refused::TooMany);
        }
        Ok(over)
    }

    fn remember(&mut self, plan: &Plan, key: &Option<Arc<str>>) {
        let bars = match plan.enter.again {
            Again::Always => return,
            Again::Never => None,
            Again::Every(span) => Some(span),
        };
        let entered = Entered { of: remembered(plan, key), at: self.now, bars };
        self.person.hot.remember_entered(entered, &self.zone);
    }

    fn held_out(&self, plan: &Plan) -> HeldOut {
        self.held_out_by(plan, self.person.assignment_key)
    }

    /// Whether somebody with that key is held out.
    pub(super) fn held_out_by(&self, plan: &Plan, key: i64) -> HeldOut {
        let global = self.plans.policies.holdout;
        if plan.kind == JourneyKind::Marketing && global > 0.0 && draw(key, &[GLOBAL, "holdout"]) < global {
            return HeldOut::Global;
        }
        if plan.holdout > 0.0 && draw(key, &[&plan.seed, "holdout"]) < plan.holdout {
            return HeldOut::Journey;
        }
        HeldOut::No
    }
}

/// What is remembered of an entry: journey and key.
pub(super) fn remembered(plan: &Plan, key: &Option<Arc<str>>) -> Mark {
    mark(&[&plan.name, key.as_deref().unwrap_or_default()])
}
