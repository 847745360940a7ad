//! `wait_for`: an event or a condition, whichever comes first.

use journeyman_domain::plan::{Branch, Step, Trigger};
use journeyman_domain::value::Span;

use super::{Reader, Reading};
use crate::block::{self, Block};
use crate::diagnostic::{REQUIRED, SHAPE, UNKNOWN_WORD};
use crate::tree::{Entry, Kind};
use crate::words;

impl<'t> Reader<'_, '_, '_> {
    /// The step, and whether anybody comes out of it.
    pub(super) fn wait_for(&mut self, reading: &mut Reading<'_, 't>) -> (Option<Step>, bool) {
        let Some(entry) = reading.block.take("wait_for") else { return (None, true) };
        let help = "a wait has an end: `within: 3d`, and `else:` for when the time is up";
        let within = reading.block.require("within", &words::WAIT_FOR, help, self.report);
        let within = within.and_then(|entry| self.duration(entry));
        // Blocks are read in the order of the source, since that is the order of nodes.
        let of_branches = if matches!(entry.value.kind, Kind::List(_)) { "wait_for" } else { "then" };
        let else_first = reading.else_before(of_branches);
        let mut open = false;
        if else_first {
            open |= self.otherwise(reading);
        }
        let (branches, out) = self.branches(reading, entry);
        open |= out;
        if !else_first {
            open |= self.otherwise(reading);
        }
        let step = within.map(|within: Span| Step::WaitFor { branches, within });
        (step, open)
    }

    fn branches(&mut self, reading: &mut Reading<'_, 't>, entry: &'t Entry) -> (Vec<Branch>, bool) {
        let mut branches = Vec::new();
        let trigger = match &entry.value.kind {
            Kind::Refused => None,
            Kind::Nothing => {
                let help = "name the event: `wait_for: Order Delivered`";
                self.report.say(REQUIRED, entry.place, "`wait_for` says nothing", help);
                None
            }
            Kind::Scalar(_) => {
                let on = block::events(entry, self.report);
                for (event, place) in &on {
                    self.event_lints(event, *place, true);
                }
                Some(Trigger { on: on.into_iter().map(|(event, _)| event).collect(), condition: None })
            }
            Kind::Map(_) => Block::of(&entry.value, "`wait_for`", self.report).and_then(|mut block| {
                let trigger =
                    self.trigger(&mut block, &words::WAIT_EVENT, "`wait_for`, without an `on:` beside it");
                block.finish(&words::WAIT_EVENT, &[], self.report);
                trigger
            }),
            Kind::List(_) => return self.many(reading, entry),
        };
        let then = reading.block.take("then");
        let (then, open) = self.then(reading, then);
        branches.extend(trigger.map(|trigger| Branch { trigger, then }));
        (branches, open)
    }

    /// `[ { on, if, then } … ]`
    fn many(&mut self, reading: &mut Reading<'_, 't>, entry: &'t Entry) -> (Vec<Branch>, bool) {
        let (mut branches, mut open) = (Vec::new(), false);
        let items = entry.value.one_or_more();
        if items.is_empty() {
            self.report.say(SHAPE, entry.place, "`wait_for` is an empty list", "write what it waits for");
        }
        for item in items {
            let Some(mut block) = Block::of(item, "a branch of `wait_for`", self.report) else { continue };
            let here = "a branch of `wait_for`, without an `on:` beside it";
            let trigger = self.trigger(&mut block, &words::WAIT_BRANCH, here);
            let then = block.take("then");
            let (then, out) = self.then(reading, then);
            open |= out;
            block.finish(&words::WAIT_BRANCH, &[], self.report);
            branches.extend(trigger.map(|trigger| Branch { trigger, then }));
        }
        if let Some(then) = reading.block.take("then") {
            let help = "write a `then:` in each branch that needs one";
            self.report.say(
                UNKNOWN_WORD,
                then.place,
                "the branches of this `wait_for` have a `then` of their own",
                help,
            );
        }
        (branches, open)
    }
}
