//! `with`: what a send gives its template. Its names stand bare in the send's own `if` and in the template.

use std::sync::Arc;

use journeyman_domain::plan::Setting;

use super::Reader;
use crate::block::{self, Block};
use crate::diagnostic::{NAME, WITH_NAME};
use crate::expr::{self, Bare, BareNames, Scope};
use crate::literal;
use crate::tree::Entry;

/// What stands in a `with`.
#[derive(Debug, Default)]
pub(super) struct With {
    pub(super) settings: Vec<(Arc<str>, Setting)>,
    /// What is known of its names, those that were refused among them.
    pub(super) bare: BareNames,
}

impl<'t> Reader<'_, '_, '_> {
    /// `with`, each line of which sees the names above it.
    pub(super) fn with(&mut self, block: &mut Block<'t>) -> With {
        let mut with = With::default();
        let Some(entry) = block.take("with") else { return with };
        let Some(lines) = self.lines(entry) else {
            let names = entry.value.as_map().into_iter().flat_map(|map| &map.entries);
            with.bare.extend(names.map(|entry| (entry.key.as_str().into(), Bare::refused())));
            return with;
        };
        for entry in lines {
            let name = self.free_name(entry);
            let scope = Scope { bare: Some(&with.bare), ..self.here("`with`") };
            let value = self.assigned(entry, &scope);
            let bare = match &value {
                Some((Setting::Text(_), _)) => Bare::text(),
                Some((Setting::Computed(condition), of)) => {
                    Bare::computed(&condition.expr, of.clone(), &scope)
                }
                None => Bare::refused(),
            };
            with.bare.insert(entry.key.as_str().into(), bare);
            with.settings.extend(name.zip(value).map(|(name, (setting, _))| (name, setting)));
        }
        with
    }

    /// A name that means nothing else in expressions.
    fn free_name(&mut self, entry: &Entry) -> Option<Arc<str>> {
        let name = block::said(literal::snake(&entry.key), NAME, entry.place, self.report)?;
        let other = if expr::ROOTS.contains(&name.as_ref()) {
            "a word of expressions"
        } else if self.known.leaves.contains_key(&name) {
            "the id of a step"
        } else {
            return Some(name);
        };
        let message = format!("`{name}` is {other} already");
        self.report.say(WITH_NAME, entry.place, message, "give it another name: bare names mean one thing");
        None
    }
}
