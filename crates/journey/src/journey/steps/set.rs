//! `set`: variables of the run. `with` of a send is written the same way.

use std::sync::Arc;

use journeyman_domain::expr::Type;
use journeyman_domain::plan::{Setting, Step};

use super::{Reader, Reading};
use crate::block::{self, Block};
use crate::diagnostic::{NAME, SHAPE};
use crate::expr::{self, Scope};
use crate::literal::{self, TEXT_BYTES, short};
use crate::tree::Entry;

/// The most variables of one step.
pub const VARIABLES: usize = 50;

impl<'t> Reader<'_, '_, '_> {
    pub(super) fn set(&mut self, reading: &mut Reading<'_, 't>) -> Option<Step> {
        let entry = reading.block.take("set")?;
        let lines = self.lines(entry)?;
        Some(Step::Set(lines.iter().filter_map(|entry| self.setting(entry)).collect()))
    }

    fn setting(&mut self, entry: &Entry) -> Option<(Arc<str>, Setting)> {
        let name = block::said(literal::snake(&entry.key), NAME, entry.place, self.report);
        let scope = self.here("`set`");
        let (setting, _) = self.assigned(entry, &scope)?;
        Some((name?, setting))
    }

    /// The lines `name: VALUE` of a block.
    pub(super) fn lines(&mut self, entry: &'t Entry) -> Option<&'t [Entry]> {
        let what = format!("`{}`", entry.key);
        let block = Block::of(&entry.value, &what, self.report)?;
        if block.entries().is_empty() || block.entries().len() > VARIABLES {
            let message = format!("{what} has {} lines", block.entries().len());
            let help = format!("write 1 to {VARIABLES} lines `name: value`");
            self.report.say(SHAPE, entry.place, message, help);
            return None;
        }
        let computed =
            |entry: &&Entry| entry.value.as_text().is_some_and(|text| text.trim_start().starts_with('='));
        if let Some(entry) = block.entries().iter().find(computed).filter(|_| block.braces()) {
            expr::in_braces(entry.value.place, self.report);
            return None;
        }
        Some(block.entries())
    }

    /// VALUE: text as it was written, or computed; and what it is.
    pub(super) fn assigned(&mut self, entry: &Entry, scope: &Scope<'_>) -> Option<(Setting, Type)> {
        let text = block::text(entry, self.report)?;
        if !text.trim_start().starts_with('=') {
            if text.len() > TEXT_BYTES {
                let message = format!("the text of `{}` has more than {TEXT_BYTES} bytes", short(&entry.key));
                self.report.say(SHAPE, entry.value.place, message, "shorten it");
            }
            return Some((Setting::Text(text.into()), Type::Text));
        }
        let from = text.len() - text.trim_start().len() + 1;
        let (condition, of) = expr::computed(text, from, &entry.value, scope, self.report)?;
        Some((Setting::Computed(condition), of))
    }
}
