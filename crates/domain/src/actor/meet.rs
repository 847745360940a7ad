//! What a run makes of what happens to its person: goal first, then exit, then wait.

use std::sync::Arc;

use super::{Actor, Happening, Past, goal_until};
use crate::ShopTime;
use crate::person::{EndReason, Entry, GoalReached, Position, Run, Waiting, Watching};
use crate::plan::{Branch, Plan, Since, Step, Trigger};
use crate::value::Value;

impl Actor<'_> {
    /// Every run meets the event, the highest priority first; without one (a report) only conditions are asked.
    pub(super) fn meet_all(&mut self, event: Option<&Happening>) {
        self.meet_these(event, |_| true);
    }

    /// As [`Actor::meet_all`], but for some runs alone.
    pub(super) fn meet_these(&mut self, event: Option<&Happening>, which: impl Fn(&Run) -> bool) {
        let mut order: Vec<(u8, u32)> = self
            .person
            .runs
            .iter()
            .filter(|run| which(run))
            .map(|run| (self.plans.version(run.plan).map_or(0, |plan| run.priority(plan)), run.number))
            .collect();
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, number) in order {
            // A run before it may have ended it.
            if let Some(nth) = self.person.runs.iter().position(|run| run.number == number) {
                self.meet(nth, event);
            }
        }
    }

    fn meet(&mut self, nth: usize, event: Option<&Happening>) {
        let Some(plan) = self.plan_of(nth) else { return };
        if let Some(event) = event
            && self.goal(nth, &plan, event)
        {
            return;
        }
        if !self.person.runs[nth].walks() {
            // Its last message may not have left yet.
            if plan.exits.iter().any(|exit| self.satisfied(nth, &plan, exit, event, "exit")) {
                self.call_off_queued(nth);
            }
            return;
        }
        if !self.exits(nth, &plan, event) && self.past != Some(Past::Ends) {
            match self.person.runs[nth].position {
                Position::At { waiting: Waiting::Held { .. }, .. } => self.let_go(nth, &plan, self.now),
                _ => self.wait_for(nth, &plan, event),
            }
        }
    }

    /// Whether the run leaves by an `exit` of the header; without an event only conditions are asked.
    fn exits(&mut self, nth: usize, plan: &Plan, event: Option<&Happening>) -> bool {
        let leaves = plan.exits.iter().any(|exit| self.satisfied(nth, plan, exit, event, "exit"));
        if leaves {
            self.end(nth, Some(plan), EndReason::Exit);
        }
        leaves
    }

    /// Whether a run that is about to go on by itself leaves instead: what time alone has made true is noticed then, and
    /// nothing is sent to somebody who should be out.
    pub(super) fn leaves(&mut self, nth: usize, plan: &Plan) -> bool {
        self.exits(nth, plan, None)
    }

    /// Whether the run ended with its goal.
    fn goal(&mut self, nth: usize, plan: &Plan, event: &Happening) -> bool {
        let Some(goal) = &plan.goal else { return false };
        let run = &self.person.runs[nth];
        if run.goal.is_some() || !goal.trigger.on.contains(&event.name) || event.at < run.entry.at {
            return false;
        }
        // Without a time of its own it counts as long as the run walks.
        if goal.within.is_none() && !run.walks() {
            return false;
        }
        // On an event that also starts the journey the goal is free of the key: the next order never has this order's.
        let starts = plan.enter.on.contains(&event.name);
        if !starts && !agrees(plan, run.key.as_ref(), event) {
            return false;
        }
        let since = match goal.since {
            Since::Entry => Some(run.entry.at),
            Since::FirstSend => run.first_send,
        };
        let in_time = since.is_some_and(|since| event.at >= since)
            && goal_until(goal, run, &self.zone).is_none_or(|until| event.at <= until);
        if !in_time {
            return false;
        }
        if let Some(condition) = &goal.trigger.condition {
            let held = condition.compiled.holds(&self.scope(Some(event), Some(run)));
            if !self.told_condition(&plan.name, "goal", condition, held) {
                return false;
            }
        }
        let run = &self.person.runs[nth];
        let value =
            goal.value.as_ref().map(|value| value.compiled.value(&self.scope(Some(event), Some(run))));
        // Nothing else has a worth, and nothing else is small for certain.
        let value = value.filter(|value| matches!(value, Value::Number(_) | Value::Money(_)));
        let reached = GoalReached { event: event.id, at: event.at, value: value.unwrap_or(Value::Missing) };
        let run = &mut self.person.runs[nth];
        run.goal = Some(reached);
        run.dirty = true;
        self.goal_rewards(nth, plan);
        let run = &mut self.person.runs[nth];
        match run.position.clone() {
            Position::Watching(watching) => {
                if goal.exit {
                    self.call_off_queued(nth);
                }
                // A message of a journey that goes on after its goal may still turn out not to have come.
                match self
                    .legs_until(nth, plan, &watching.reason)
                    .filter(|until| !goal.exit && *until > self.now)
                {
                    Some(until) => {
                        let watching = Watching { until, ..watching };
                        self.person.runs[nth].position = Position::Watching(watching);
                    }
                    None => self.finish(nth, watching.ended_at, watching.reason),
                }
                true
            }
            Position::At { .. } if goal.exit => {
                self.end(nth, Some(plan), EndReason::Goal);
                true
            }
            Position::At { .. } => false,
        }
    }

    /// Whether a run that has stopped walking would have left meanwhile, had it gone on: what happened since is remembered
    /// for as long as somebody may turn out to be another.
    pub(super) fn would_have_left(&mut self, nth: usize, plan: &Plan, since: ShopTime) -> bool {
        let met: Vec<Entry> = self.person.hot.met.iter().filter(|entry| entry.at >= since).cloned().collect();
        let met: Vec<Happening<'static>> = met
            .into_iter()
            .map(|entry| Happening::of_timer(entry.event, &entry.name, entry.at, entry.properties))
            .collect();
        plan.exits.iter().any(|exit| {
            let mut events = met.iter();
            self.satisfied(nth, plan, exit, None, "exit")
                || events.any(|event| self.satisfied(nth, plan, exit, Some(event), "exit"))
        })
    }

    /// Whether a trigger is satisfied for a run: by the event where it names events, and by its condition.
    fn satisfied(
        &mut self,
        nth: usize,
        plan: &Plan,
        trigger: &Trigger,
        event: Option<&Happening>,
        place: &str,
    ) -> bool {
        let run = &self.person.runs[nth];
        let event = if trigger.on.is_empty() {
            None
        } else {
            let met = event.filter(|event| {
                trigger.on.contains(&event.name)
                    && event.at >= run.entry.at
                    && agrees(plan, run.key.as_ref(), event)
            });
            if met.is_none() {
                return false;
            }
            met
        };
        let Some(condition) = &trigger.condition else { return true };
        let held = condition.compiled.holds(&self.scope(event, Some(run)));
        self.told_condition(&plan.name, place, condition, held)
    }

    /// The first branch that is satisfied wins at once.
    fn wait_for(&mut self, nth: usize, plan: &Arc<Plan>, event: Option<&Happening>) {
        let Position::At { step, waiting: Waiting::Until(_), reached } = &self.person.runs[nth].position
        else {
            return;
        };
        let reached = *reached;
        // What happened to them under another id before the step was reached was no news to it either.
        if self.past.is_some() && event.is_some_and(|event| event.at < reached) {
            return;
        }
        let Some(node) = plan.node(step) else { return };
        let Step::WaitFor { branches, .. } = &plan.nodes[node].step else { return };
        if let Some(then) = self.branch(nth, plan, node, branches, event) {
            let clock = event.map_or(self.now, |event| event.at.max(reached));
            self.walk(nth, plan, then, clock);
        }
    }

    /// Where the first satisfied branch goes, if one is.
    pub(super) fn branch(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: usize,
        branches: &[Branch],
        event: Option<&Happening>,
    ) -> Option<Option<usize>> {
        let id = plan.nodes[node].id.clone();
        let won = branches.iter().find(|branch| self.satisfied(nth, plan, &branch.trigger, event, &id))?;
        Some(won.then.or(plan.nodes[node].next))
    }
}

/// Whether an event concerns a run, or a start that is awaited, of a key: one that has the property must agree, one that
/// lacks it counts for all.
pub(super) fn agrees(plan: &Plan, key: Option<&Arc<str>>, event: &Happening) -> bool {
    let (Some(per), Some(key)) = (&plan.enter.per, key) else { return true };
    match property(per, event) {
        Value::Missing => true,
        Value::Text(text) if text.is_empty() => true,
        // What can be no key is the key of no run.
        value => value.key().is_some_and(|of_event| of_event == *key),
    }
}

/// The value of `per` in an event, where it can key a run.
pub(super) fn key_of(per: &[Arc<str>], event: &Happening) -> Option<Arc<str>> {
    property(per, event).key()
}

fn property<'v>(per: &[Arc<str>], event: &'v Happening) -> &'v Value {
    event.properties().at(per.iter().map(AsRef::as_ref))
}
