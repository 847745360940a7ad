//! `wait` and `wait_until`.

use journeyman_domain::expr::{Expr, Type};
use journeyman_domain::plan::{Condition, Step};

use super::{Reader, Reading};
use crate::block;
use crate::diagnostic::{TYPES, WHEN};
use crate::expr;
use crate::literal;

impl Reader<'_, '_, '_> {
    pub(super) fn wait(&mut self, reading: &mut Reading<'_, '_>) -> Option<Step> {
        let entry = reading.block.take("wait")?;
        self.duration(entry).map(Step::Wait)
    }

    pub(super) fn wait_until(&mut self, reading: &mut Reading<'_, '_>) -> Option<Step> {
        let entry = reading.block.take("wait_until")?;
        let text = block::text(entry, self.report)?;
        if text.trim_start().starts_with('=') {
            if reading.block.braces() {
                expr::in_braces(entry.value.place, self.report);
                return None;
            }
            let scope = self.here("`wait_until`");
            let from = text.len() - text.trim_start().len() + 1;
            let (moment, of) = expr::computed(text, from, &entry.value, &scope, self.report)?;
            return match of {
                Type::Time => Some(Step::WaitUntilComputed(moment)),
                // What nobody has described may be text: then it is read as a moment.
                Type::Any => {
                    let expr = Expr::As(Type::Time, Box::new(moment.expr.as_ref().clone()));
                    Some(Step::WaitUntilComputed(Condition::new(&moment.text, expr)))
                }
                of => {
                    let message = format!("`wait_until` waits for a moment, and this is {of}");
                    let help = "compute a time: `= entry.at + 3d`; a duration is waited for with `wait: 3d`";
                    self.report.say(TYPES, entry.value.place, message, help);
                    None
                }
            };
        }
        block::said(literal::when(text), WHEN, entry.value.place, self.report).map(Step::WaitUntil)
    }
}
