//! `migrate`: what becomes of the runs of older versions.

use journeyman_domain::plan::{Migrate, Plan};

use super::Reader;
use crate::block::{self, Block};
use crate::diagnostic::{MIGRATE, NAME};
use crate::literal::{self, short};
use crate::tree::{Entry, Kind};

impl Reader<'_, '_, '_> {
    pub(super) fn migrate(&mut self, entry: &Entry, plan: &Plan) -> Migrate {
        if !matches!(entry.value.kind, Kind::Map(_)) {
            let words = [("stay", false), ("exit", true)];
            let exit = block::choice(entry, &words, self.report).unwrap_or(false);
            return if exit { Migrate::Exit } else { Migrate::Stay };
        }
        let Some(block) = Block::of(&entry.value, "`migrate`", self.report) else { return Migrate::Stay };
        let mut steps = Vec::new();
        for entry in block.entries() {
            let old = block::said(literal::snake(&entry.key), NAME, entry.place, self.report);
            let Some(new) = block::text(entry, self.report) else { continue };
            let Some(node) = plan.node(new) else {
                let known = plan.nodes.iter().map(|node| node.id.as_ref());
                let message = format!("there is no step `{}` to go on at", short(new));
                let list: Vec<&str> = known.clone().collect();
                let otherwise = format!("the steps of this version are: {}", list.join(", "));
                self.report.unknown(MIGRATE, entry.value.place, message, new, known, otherwise);
                continue;
            };
            if plan.repeats(node) {
                let message =
                    format!("`{new}` stands inside a `repeat`: a run that comes to it is in no turn");
                let help = "let them go on at the `repeat` itself, or at a step outside of it";
                self.report.say(MIGRATE, entry.value.place, message, help);
                continue;
            }
            steps.extend(old.map(|old| (old, plan.nodes[node].id.clone())));
        }
        Migrate::To(steps)
    }
}
