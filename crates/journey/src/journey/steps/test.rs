//! `test` of a send: variants of its template, compared.

use std::sync::Arc;

use journeyman_domain::template::{PLAIN, Signature};

use super::Reader;
use crate::block::{self, Block};
use crate::diagnostic::{REQUIRED, TEST};
use crate::literal::short;
use crate::tree::Entry;
use crate::words;

/// The most variants of one test.
const VARIANTS: usize = 10;

impl<'t> Reader<'_, '_, '_> {
    /// The names that are compared.
    pub(super) fn test(&mut self, entry: &'t Entry, signature: Option<&Signature>) -> Option<Vec<Arc<str>>> {
        let mut block = Block::of(&entry.value, "`test`", self.report)?;
        let of: Vec<&Entry> =
            ["subject", "preheader", "variant"].iter().filter_map(|key| block.take(key)).collect();
        let winner = block.take("winner");
        let known = [("opened", ()), ("clicked", ()), ("goal", ())];
        winner.and_then(|entry| block::choice(entry, &known, self.report));
        block.finish(&words::TEST, &[], self.report);
        let [named] = of.as_slice() else {
            let message = "a test is of `subject`, `preheader` or `variant`, and of one of them";
            self.report.say(
                REQUIRED,
                entry.place,
                message,
                "write `test: { subject: [plain, question], winner: clicked }`",
            );
            return None;
        };
        if winner.is_none() {
            let help = "write `winner: clicked`, `opened` or `goal`: what the report compares";
            self.report.say(REQUIRED, entry.place, "a test needs a `winner`", help);
        }
        let names = block::names(named, self.report);
        if names.len() < 2 || names.len() > VARIANTS {
            let message = format!("a test compares 2 to {VARIANTS} variants, and this one {}", names.len());
            self.report.say(
                TEST,
                named.value.place,
                message,
                "write `[plain, question]`: `plain` is the template as it stands",
            );
        }
        let said = signature.filter(|_| !self.known.around.names.old);
        for (name, place) in &names {
            let there = said.is_none_or(|said| said.variants.contains(name));
            if !there && name.as_ref() != PLAIN {
                let variants = said.into_iter().flat_map(|said| said.variants.iter().map(AsRef::as_ref));
                let message = format!("the template has no variant `{}`", short(name));
                let otherwise = "write it under `variants:` in its template.yaml";
                self.report.unknown(TEST, *place, message, name, variants, otherwise);
            }
        }
        Some(names.into_iter().map(|(name, _)| name).collect())
    }
}
