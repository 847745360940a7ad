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
    /// Walks a run on from a step, on the run's own clock.
    pub(super) fn walk(&mut self, nth: usize, plan: &Arc<Plan>, from: Option<usize>, clock: ShopTime) {
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
        // The language has no way back to an earlier step, so this is a defect of ours.
        self.end(nth, Some(plan), EndReason::Failed);
    }

    fn reach(&mut self, nth: usize, plan: &Arc<Plan>, node: &Node, clock: ShopTime) -> Move {
        let on = Move::To(node.next);
        if let (Some(guard), false) = (&node.guard, matches!(node.step, Step::Send(_)))
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
            Step::Exit(reason) => Move::End(EndReason::ExitStep(reason.clone())),
            Step::Choose(shares) => Move::To(self.choose(nth, plan, node, shares).or(node.next)),
        }
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
            visit: 1,
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
