//! `if … then … else`, and `branch`, which is several of them.

use journeyman_domain::plan::{Arm, Step};

use super::{Reader, Reading};
use crate::block::Block;
use crate::diagnostic::{ELSE_WITHOUT, REQUIRED, SHAPE};
use crate::expr;
use crate::tree::{Entry, Kind};
use crate::words;

impl<'t> Reader<'_, '_, '_> {
    /// `if … then … else`
    pub(super) fn fork(&mut self, reading: &mut Reading<'_, 't>) -> (Option<Step>, bool) {
        let Some(entry) = reading.block.take("if") else { return (None, true) };
        let scope = self.here("`if`");
        let condition = expr::condition(&entry.value, reading.block.braces(), &scope, self.report);
        let else_first = reading.else_before("then");
        let mut open = false;
        if else_first {
            open |= self.otherwise(reading);
        }
        let then = reading.block.take("then");
        let (then, out) = self.then(reading, then);
        open |= out;
        if !else_first {
            open |= self.otherwise(reading);
        }
        (condition.map(|condition| Step::If(vec![Arm { condition, then }])), open)
    }

    /// `branch: [ { if, then } …, { else } ]`
    pub(super) fn branch(&mut self, reading: &mut Reading<'_, 't>) -> (Option<Step>, bool) {
        let Some(entry) = reading.block.take("branch") else { return (None, true) };
        if let Some(other) = reading.block.take("else") {
            let help = "write it as the last entry of the list: `- else:`";
            self.report.say(ELSE_WITHOUT, other.place, "the `else` of a `branch` stands in its list", help);
            self.block(&other.value);
        }
        let Kind::List(items) = &entry.value.kind else {
            if !matches!(entry.value.kind, Kind::Refused) {
                let message = format!("`branch` is a list, and {} stands here", entry.value.shape());
                self.report.say(SHAPE, entry.place, message, "write `- if: …` with a `then:` for each way");
            }
            return (None, true);
        };
        let (mut arms, mut open, mut closed) = (Vec::new(), false, false);
        for (nth, item) in items.iter().enumerate() {
            let Some(mut arm) = Block::of(item, "an entry of `branch`", self.report) else { continue };
            match arm.take("if") {
                Some(condition) => {
                    let (arm, out) = self.arm(reading, &mut arm, condition);
                    arms.extend(arm);
                    open |= out;
                }
                None => {
                    let last = nth + 1 == items.len();
                    open |= self.last_arm(reading, &mut arm, last);
                    closed |= last;
                }
            }
            arm.finish(&words::ARM, &[], self.report);
        }
        if items.is_empty() {
            self.report.say(
                SHAPE,
                entry.place,
                "`branch` is an empty list",
                "write `- if: …` with a `then:`",
            );
        }
        (Some(Step::If(arms)), open || !closed)
    }

    fn arm(
        &mut self,
        reading: &mut Reading<'_, 't>,
        arm: &mut Block<'t>,
        entry: &Entry,
    ) -> (Option<Arm>, bool) {
        let scope = self.here("`branch`");
        let condition = expr::condition(&entry.value, arm.braces(), &scope, self.report);
        let then = arm.require("then", &words::ARM, "write the steps below `then:`", self.report);
        let (then, open) = self.then(reading, then);
        if let Some(other) = arm.take("else") {
            let help = "write it as the last entry of the list: `- else:`";
            self.report.say(
                ELSE_WITHOUT,
                other.place,
                "the `else` of a `branch` is an entry of its own",
                help,
            );
        }
        (condition.map(|condition| Arm { condition, then }), open)
    }

    /// `{ else }`, which is the last.
    fn last_arm(&mut self, reading: &mut Reading<'_, 't>, arm: &mut Block<'t>, last: bool) -> bool {
        let Some(entry) = arm.take("else") else {
            let help = "write `if:` and `then:`, or `else:` in the last entry";
            if !arm.meant("if") {
                self.report.say(REQUIRED, arm.place, "an entry of `branch` needs `if:`", help);
            }
            let then = arm.take("then");
            self.then(reading, then);
            return true;
        };
        if !last {
            let help = "put it at the end of the list";
            self.report.say(ELSE_WITHOUT, entry.place, "what follows this `else` is never taken", help);
        }
        let (first, open) = self.then(reading, Some(entry));
        reading.otherwise = first;
        open
    }
}
