//! What keeps a run from walking on: `hold` of its journey, `hold_marketing` of the shop.

use std::sync::Arc;

use super::Actor;
use crate::ShopTime;
use crate::person::{EndReason, HeldBy, Position, Waiting};
use crate::plan::{Hold, JourneyKind, Plan, Step};

impl Actor<'_> {
    /// What holds a run that would go on now; `inside`: it stands at its step already. The journey's own word is asked first.
    pub(super) fn held(&mut self, nth: usize, plan: &Plan, inside: bool) -> Option<Waiting> {
        for by in [HeldBy::Journey, HeldBy::Shop] {
            let Some(hold) = self.hold_of(plan, by) else { continue };
            let holds = self.holds(nth, plan, by, &hold);
            let run = &mut self.person.runs[nth];
            if !holds {
                run.dirty |= run.outlasted.contains(&by);
                run.outlasted.retain(|outlasted| *outlasted != by);
            } else if !run.outlasted.contains(&by) {
                return Some(Waiting::Held { by, until: hold.within.after(self.now, &self.zone), inside });
            }
        }
        None
    }

    fn hold_of(&self, plan: &Plan, by: HeldBy) -> Option<Hold> {
        match by {
            HeldBy::Journey => plan.hold.clone(),
            HeldBy::Shop if plan.kind == JourneyKind::Marketing => self.plans.hold_marketing.clone(),
            HeldBy::Shop => None,
        }
    }

    fn holds(&mut self, nth: usize, plan: &Plan, by: HeldBy, hold: &Hold) -> bool {
        let condition = &hold.condition;
        let held = condition.compiled.holds(&self.scope(None, self.person.runs.get(nth)));
        self.told_condition(&plan.name, by.word(), condition, held)
    }

    /// A held run goes on as soon as nothing holds it any more.
    pub(super) fn let_go(&mut self, nth: usize, plan: &Arc<Plan>, clock: ShopTime) {
        let Position::At { step, reached, waiting: Waiting::Held { by, inside, .. } } =
            self.person.runs[nth].position.clone()
        else {
            return;
        };
        if let Some(waiting) = self.held(nth, plan, inside) {
            // It is held no longer for being asked again; by another word it is from now on.
            if !matches!(waiting, Waiting::Held { by: now_by, .. } if now_by == by) {
                let run = &mut self.person.runs[nth];
                run.position = Position::At { step, reached, waiting };
                run.dirty = true;
            }
            return;
        }
        let Some(index) = plan.node(&step) else {
            return self.end(nth, Some(plan), EndReason::Failed);
        };
        let node = &plan.nodes[index];
        match &node.step {
            // It has the time again that it may wait for its moment: what it was held for does not count.
            Step::Send(send) if inside => {
                let deadline = send.within.after(clock, &self.zone).max(self.now);
                self.resume_send(nth, plan, node, send, (clock, clock), deadline);
            }
            _ => self.walk_freely(nth, plan, Some(index), clock),
        }
    }

    /// A run was held for as long as it may be.
    pub(super) fn held_long_enough(&mut self, nth: usize, plan: &Arc<Plan>, by: HeldBy, clock: ShopTime) {
        if let Some(hold) = self.hold_of(plan, by)
            && self.holds(nth, plan, by, &hold)
        {
            if hold.exit {
                return self.end(nth, Some(plan), EndReason::Held);
            }
            let run = &mut self.person.runs[nth];
            run.outlasted.push(by);
            run.dirty = true;
        }
        self.let_go(nth, plan, clock);
    }
}
