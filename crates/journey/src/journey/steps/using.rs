//! `use`: the steps of a snippet, which a copy of stands below it by now.

use std::sync::Arc;

use journeyman_domain::plan::{Setting, Step};

use super::{Reader, Reading};
use crate::diagnostic::NAME;
use crate::expr::{Bare, BareNames, Inside};
use crate::literal;
use crate::snippet;

impl<'t> Reader<'_, '_, '_> {
    /// The step, and whether anybody comes out of it.
    pub(super) fn using(&mut self, reading: &mut Reading<'_, 't>) -> (Option<Step>, bool) {
        let Some(entry) = reading.block.take("use") else { return (None, true) };
        let name = self.parsed(entry, NAME, literal::name);
        let id = self.nodes.get(reading.node).map_or_else(|| Arc::from(""), |node| node.id.clone());
        let mut inside = Inside { id, with: BareNames::new() };
        let with = self.given(reading, &mut inside);
        let else_first = reading.else_before(snippet::STEPS);
        if else_first {
            self.guarded_else(reading);
        }
        // What is wrong with the snippet was said when it was looked for.
        let steps = reading.block.take(snippet::STEPS);
        let around = self.snippet.replace(Arc::new(inside));
        let (then, open) = self.then(reading, steps);
        self.snippet = around;
        let out = !else_first && self.guarded_else(reading);
        (
            name.map(|snippet| Step::Use { snippet, with, then }),
            open || reading.guarded && (out || else_first),
        )
    }

    /// What the snippet is given, under the names of the variables that keep it; each line speaks of what stands around the
    /// step.
    fn given(&mut self, reading: &mut Reading<'_, 't>, inside: &mut Inside) -> Vec<(Arc<str>, Setting)> {
        let Some(entry) = reading.block.take("with") else { return Vec::new() };
        let mut settings = Vec::new();
        for entry in self.lines(entry).unwrap_or_default() {
            let scope = self.here("`with`");
            let value = self.assigned(entry, &scope);
            let bare = match &value {
                Some((Setting::Text(_), _)) => Bare::text(),
                Some((Setting::Computed(condition), of)) => {
                    Bare::computed(&condition.expr, of.clone(), &scope)
                }
                None => Bare::refused(),
            };
            settings.extend(value.map(|(setting, _)| (inside.variable(&entry.key), setting)));
            inside.with.insert(entry.key.as_str().into(), bare);
        }
        settings
    }
}
