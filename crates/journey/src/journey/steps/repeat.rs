//! `repeat`: the same steps several times.

use journeyman_domain::actor::STEPS_PER_INPUT;
use journeyman_domain::plan::Step;

use super::{Reader, Reading};
use crate::block;
use crate::diagnostic::{REQUIRED, TURNS};
use crate::expr;
use crate::words;

/// The most turns of a repeat.
pub const MOST_TURNS: u32 = 1_000;
/// How deep repeats may stand in repeats.
pub const REPEATS_DEEP: usize = 4;

impl<'t> Reader<'_, '_, '_> {
    pub(super) fn repeat(&mut self, reading: &mut Reading<'_, 't>) -> Option<Step> {
        let entry = reading.block.take("repeat")?;
        let times = block::integer(entry, 1, MOST_TURNS, self.report);
        let every = reading.block.take("every").and_then(|entry| self.duration(entry));
        self.repeats += 1;
        if self.repeats > REPEATS_DEEP {
            let message = format!("repeats stand {REPEATS_DEEP} deep at most");
            self.report.say(TURNS, entry.place, message, "make a journey of its own of the inner steps");
        }
        // Which turn it would be, it may ask.
        let scope = self.here("`while`");
        let braces = reading.block.braces();
        let condition = reading.block.take("while");
        let condition =
            condition.and_then(|entry| expr::condition(&entry.value, braces, &scope, self.report));
        let else_first = reading.else_before("then");
        if else_first {
            self.outside(reading);
        }
        let (from, taken) = (self.nodes.len(), self.taken);
        let help = "write the steps of a turn below `then:`";
        let then = reading.block.require("then", &words::REPEAT, help, self.report);
        let flow = then.map(|then| self.block(&then.value)).unwrap_or_default();
        if let Some(then) = then.filter(|_| flow.first.is_none() && !self.report.failed()) {
            self.report.say(REQUIRED, then.place, "a `repeat` without steps", help);
        }
        // The end of a turn is where the next begins.
        for tail in flow.tails {
            if let Some(node) = self.nodes.get_mut(tail) {
                node.next = Some(reading.node);
            }
        }
        let waits =
            every.is_some() || self.nodes.iter().skip(from).any(|node| matches!(node.step, Step::Wait(_)));
        if !waits {
            let inside = self.taken.saturating_sub(taken);
            let turns = times.map_or(1, |times| usize::try_from(times).unwrap_or(usize::MAX));
            self.taken = taken.saturating_add(inside.saturating_mul(turns));
            if self.taken > STEPS_PER_INPUT {
                let message = format!("this may take more than {STEPS_PER_INPUT} steps at once");
                let help = "say how long it waits after each turn, `every: 1d`, or take fewer turns";
                self.report.say(TURNS, entry.place, message, help);
            }
        }
        self.repeats -= 1;
        if !else_first {
            self.outside(reading);
        }
        Some(Step::Repeat { times: times?, every, condition, then: flow.first })
    }

    /// `else` of a guard: no turn is taken, and there is none in it.
    fn outside(&mut self, reading: &mut Reading<'_, 't>) {
        let repeats = std::mem::take(&mut self.repeats);
        self.guarded_else(reading);
        self.repeats = repeats;
    }
}
