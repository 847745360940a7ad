//! `wait` and `wait_until`.

use journeyman_domain::plan::Step;

use super::{Reader, Reading};
use crate::block;
use crate::diagnostic::WHEN;
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
            self.report.not_yet(entry.value.place, "wait_until: = …");
            return None;
        }
        block::said(literal::when(text), WHEN, entry.value.place, self.report).map(Step::WaitUntil)
    }
}
