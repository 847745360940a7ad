//! How a run walks from step to step until it has to wait or is over.

use std::sync::Arc;

use super::{Actor, STEPS_PER_INPUT, Told};
use crate::decision::{Choice, Rule};
use crate::draw::draw;
use crate::expr::Scope;
use crate::person::{EndReason, Position, Waiting};
use crate::plan::{Condition, Node, Plan, Setting, Share, Step};
use crate::row::DecisionRow;
use crate::value::Value;
use crate::{Refused, ShopTime};

/// What a step does to the walk.
pub(super) enum Move {
    /// On to that step; `None` is the end.
    To(Option<usize>),
    /// Wait here.
    Wait(Waiting),
    /// Stop for good.
    End(EndReason),
}

impl Actor<'_> {
    /// Walks a run on from a step, on the run's own clock, unless something holds it.
    pub(super) fn walk(&mut self, nth: usize, plan: &Arc<Plan>, from: Option<usize>, clock: ShopTime) {
        if let Some(node) = from.and_then(|node| plan.nodes.get(node))
            && let Some(waiting) = self.held(nth, plan, false)
        {
            let run = &mut self.person.runs[nth];
            run.position = Position::At { step: node.id.clone(), reached: clock, waiting };
            run.dirty = true;
            return;
        }
        self.walk_freely(nth, plan, from, clock);
    }

    /// As [`Actor::walk`], where it was asked already whether anything holds the run.
    pub(super) fn walk_freely(&mut self, nth: usize, plan: &Arc<Plan>, from: Option<usize>, clock: ShopTime) {
        let mut next = from;
        for _ in 0..STEPS_PER_INPUT {
            let Some(node) = next.and_then(|node| plan.nodes.get(node)) else {
                return self.end(nth, Some(plan), EndReason::Completed);
            };
            if self.told.is_some() {
                let run = self.person.runs[nth].number;
                self.tell(|| Told::Reached { journey: plan.name.clone(), run, step: node.id.clone() });
            }
            match self.reach(nth, plan, node, clock) {
                Move::To(node) => next = node,
                Move::Wait(waiting) => {
                    let run = &mut self.person.runs[nth];
                    run.position = Position::At { step: node.id.clone(), reached: clock, waiting };
                    run.dirty = true;
                    return;
                }
                Move::End(reason) => return self.end(nth, Some(plan), reason),
            }
        }
        // Only a `repeat` leads back, and `check` lets none do so often without a wait: this is a defect of ours.
        self.end(nth, Some(plan), EndReason::Failed);
    }

    fn reach(&mut self, nth: usize, plan: &Arc<Plan>, node: &Node, clock: ShopTime) -> Move {
        let on = Move::To(node.next);
        // A send's guard is asked with what it is given; a repeat's before its first turn only.
        let passed = match node.step {
            Step::Send(_) => true,
            Step::Repeat { .. } => self.person.runs[nth].turn_of(&node.id).is_some(),
            _ => false,
        };
        if let (Some(guard), false) = (&node.guard, passed)
            && !self.asked(nth, plan, node, guard)
        {
            // The `else` of a `wait_for` is for the time that is up.
            let waits = matches!(node.step, Step::WaitFor { .. });
            return Move::To(node.otherwise.filter(|_| !waits).or(node.next));
        }
        match &node.step {
            Step::Send(send) => self.reach_send(nth, plan, node, send, clock),
            Step::Wait(span) => self.until(span.after(clock, &self.zone)),
            // Who comes late to `09:00` waits for the next one, and never gets it at another hour.
            Step::WaitUntil(when) => match when.next(self.on_time(clock), &self.zone) {
                moment if moment <= self.now => on,
                moment => self.until(moment),
            },
            Step::WaitUntilComputed(moment) => self.until_computed(nth, plan, node, moment),
            Step::WaitFor { branches, within } => {
                let Some(index) = plan.node(&node.id) else { return on };
                // What is true already passes; an event has to come.
                if let Some(then) = self.branch(nth, plan, index, branches, None) {
                    return Move::To(then);
                }
                self.until(within.after(clock, &self.zone))
            }
            Step::If(arms) => {
                let arm = arms.iter().find(|arm| self.asked(nth, plan, node, &arm.condition));
                Move::To(arm.map_or(node.otherwise, |arm| arm.then).or(node.next))
            }
            Step::Set(settings) => {
                for (name, setting) in settings {
                    self.set(nth, name, setting);
                }
                on
            }
            Step::Repeat { every, .. } => match (self.person.runs[nth].turn_of(&node.id), every) {
                (Some(_), Some(every)) => self.until(every.after(clock, &self.zone)),
                _ => Move::To(self.next_turn(nth, plan, node)),
            },
            Step::Update(settings) => {
                self.update(nth, plan, node, settings);
                on
            }
            Step::Track { event, with } => {
                self.track(nth, plan, node, event, with);
                on
            }
            Step::Start { journey, with } => {
                self.start_other(nth, plan, node, journey, with);
                on
            }
            Step::Call(call) => self.reach_call(nth, plan, node, call),
            Step::Use { with, then, .. } => {
                for (name, setting) in with {
                    self.set(nth, name, setting);
                }
                Move::To(then.or(node.next))
            }
            Step::Exit(reason) => Move::End(EndReason::ExitStep(reason.clone())),
            Step::Choose(shares) => Move::To(self.choose(nth, plan, node, shares).or(node.next)),
        }
    }

    /// The next turn of a repeat, where there is one; else where it goes on.
    pub(super) fn next_turn(&mut self, nth: usize, plan: &Plan, node: &Node) -> Option<usize> {
        let Step::Repeat { times, condition, then, .. } = &node.step else { return node.next };
        let run = &mut self.person.runs[nth];
        let turn = run.turn_of(&node.id).unwrap_or(0) + 1;
        // The condition may ask which turn it would be.
        run.take_turn(&node.id, Some(turn));
        let more = turn <= *times
            && condition.as_ref().is_none_or(|condition| self.asked(nth, plan, node, condition));
        if more {
            return *then;
        }
        self.person.runs[nth].take_turn(&node.id, None);
        node.next
    }

    /// Timers run from the run's own clock but are never due before now.
    fn until(&self, due: ShopTime) -> Move {
        Move::Wait(Waiting::Until(due.max(self.now)))
    }

    /// A moment that is over is not waited for; of one that is missing it is told.
    fn until_computed(&mut self, nth: usize, plan: &Plan, node: &Node, moment: &Condition) -> Move {
        match moment.compiled.value(&self.scope(None, self.person.runs.get(nth))) {
            Value::Time(at) if at > self.now => Move::Wait(Waiting::Until(at)),
            Value::Time(_) => Move::To(node.next),
            _ => {
                self.refuse(format!("{}/{}", plan.name, node.id).into(), Refused::NoMoment);
                Move::To(node.next)
            }
        }
    }

    pub(super) fn asked(&mut self, nth: usize, plan: &Plan, node: &Node, condition: &Condition) -> bool {
        let held = condition.compiled.holds(&self.scope(None, self.person.runs.get(nth)));
        self.told_condition(&plan.name, &node.id, condition, held)
    }

    /// As [`Actor::asked`], with names that stand bare.
    pub(super) fn asked_with(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        condition: &Condition,
        bare: &Value,
    ) -> bool {
        let scope = self.scope(None, self.person.runs.get(nth));
        let held = condition.compiled.holds(&Scope { element: Some(bare), ..scope });
        self.told_condition(&plan.name, &node.id, condition, held)
    }

    fn set(&mut self, nth: usize, name: &Arc<str>, setting: &Setting) {
        let value = match setting {
            Setting::Text(text) => Value::Text(text.clone()),
            Setting::Computed(condition) => {
                condition.compiled.value(&self.scope(None, self.person.runs.get(nth)))
            }
        };
        let run = &mut self.person.runs[nth];
        let journey = run.journey.clone();
        if !run.set(name, value) {
            self.refuse(journey, Refused::TooLarge);
        }
    }

    /// A fixed share of people takes each option: the same person always the same one.
    fn choose(&mut self, nth: usize, plan: &Plan, node: &Node, shares: &[Share]) -> Option<usize> {
        let chosen = option_of(plan, node, shares, self.person.assignment_key)?;
        let run = &self.person.runs[nth];
        self.outcome.decisions.push(DecisionRow {
            person: self.person.id,
            run: run.number,
            journey: plan.name.clone(),
            step: node.id.clone(),
            visit: plan.visit(&run.turns),
            at: self.now,
            options: shares.iter().map(|share| share.name.clone()).collect(),
            choice: chosen.name.clone(),
            propensities: shares.iter().map(|share| share.share).collect(),
            what: Choice::Option,
            rule: Rule::Fixed,
            snapshot: 0,
            message: None,
            features: "{}".into(),
        });
        chosen.then
    }
}

/// The option that somebody with that key takes.
pub(super) fn option_of<'s>(plan: &Plan, node: &Node, shares: &'s [Share], key: i64) -> Option<&'s Share> {
    let drawn = draw(key, &[&plan.seed, "choose", &node.id]);
    let mut upto = 0.0;
    let chosen = shares.iter().find(|share| {
        upto += share.share;
        drawn < upto
    });
    // Shares add up to 1 but for rounding: the last one takes what is left.
    chosen.or(shares.iter().rfind(|share| share.share > 0.0))
}
