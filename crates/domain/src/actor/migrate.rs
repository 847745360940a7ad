//! Runs of older versions, where a new one says what becomes of them. Each person is looked at once: with the first thing that
//! happens to them after it went live, before that is applied. So just those move who stood there when it did.

use std::sync::Arc;

use super::{Actor, Told};
use crate::Refused;
use crate::person::{EndReason, Position, Seen, Waiting};
use crate::plan::{Destiny, Plan};

impl Actor<'_> {
    pub(super) fn migrate(&mut self) {
        let plans = self.plans;
        for (of, plan) in plans.migrations() {
            let seen = self.person.hot.watched.iter().any(|seen| seen.of == *of);
            if seen || self.person.merged_into.is_some() {
                continue;
            }
            let older = self.person.runs.iter();
            let older = older.filter(|run| run.journey == plan.name && run.plan != plan.hash && run.walks());
            let older: Vec<u32> = older.map(|run| run.number).collect();
            let mut stays = false;
            for number in older {
                stays |= !self.moves(number, plan);
            }
            // Of whom nobody is left, nobody need be remembered.
            if stays {
                self.person.hot.watched.push(Seen { of: *of, inside: false, due: None });
            }
        }
    }

    /// Whether a run does not stay in the version it began in.
    fn moves(&mut self, number: u32, plan: &Arc<Plan>) -> bool {
        let Some(nth) = self.person.runs.iter().position(|run| run.number == number) else { return true };
        let Position::At { step, reached, waiting } = self.person.runs[nth].position.clone() else {
            return true;
        };
        let node = match plan.destiny(&step) {
            Destiny::Stays => return false,
            Destiny::Ends => {
                let old = self.plans.version(self.person.runs[nth].plan).cloned();
                self.end(nth, old.as_deref(), EndReason::Migrated);
                return true;
            }
            Destiny::Goes(node) => node,
        };
        // What has left is waited for where it left: at a step of another version it would be sent again.
        if matches!(waiting, Waiting::Report { .. } | Waiting::Escalate { .. }) {
            self.refuse(format!("{}/{step}", plan.name).into(), Refused::Underway);
            return false;
        }
        let to = &plan.nodes[node].id;
        self.tell(|| Told::Migrated {
            journey: plan.name.clone(),
            run: number,
            from: step.clone(),
            to: to.clone(),
        });
        // Who stays at the same step has stood there as long as they have.
        let clock = if *to == step { reached } else { self.now };
        let run = &mut self.person.runs[nth];
        run.plan = plan.hash;
        run.turns.clear();
        run.dirty = true;
        if !self.leaves(nth, plan) {
            self.walk(nth, plan, Some(node), clock);
        }
        true
    }
}
