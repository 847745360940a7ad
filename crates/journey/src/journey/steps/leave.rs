//! `exit`: the run ends.

use journeyman_domain::plan::Step;

use super::{Reader, Reading};
use crate::diagnostic::NAME;
use crate::literal;

impl Reader<'_, '_, '_> {
    pub(super) fn leave(&mut self, reading: &mut Reading<'_, '_>) -> Option<Step> {
        let entry = reading.block.take("exit")?;
        self.parsed(entry, NAME, literal::name).map(Step::Exit)
    }
}
