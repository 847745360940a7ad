//! `goal` and `exit`: what a run is for, and what ends it.

use journeyman_domain::expr::Type;
use journeyman_domain::plan::{Condition, Goal, Since, Trigger};

use super::Reader;
use crate::block::{self, Block};
use crate::diagnostic::{REQUIRED, SHAPE, TYPES};
use crate::expr::{self, Scope};
use crate::tree::{Entry, Kind};
use crate::words::{self, Words};

impl Reader<'_, '_, '_> {
    pub(super) fn goal(&mut self, entry: &Entry) -> Option<Goal> {
        let mut block = Block::of(&entry.value, "`goal`", self.report)?;
        let help = "name the event that reaches it: `on: Order Completed`";
        let on = block.require("on", &words::GOAL, help, self.report);
        let on = on.map(|entry| self.events(entry, true)).unwrap_or_default();
        let types = self.known.around.names.tracking.types(on.iter().map(AsRef::as_ref));
        let scope = self.known.scope("`goal`", Some(&types));
        let braces = block.braces();
        let condition =
            block.take("if").and_then(|entry| expr::condition(&entry.value, braces, &scope, self.report));
        let value = block.take("value").and_then(|entry| self.value(entry, braces, &scope));
        let within = block.take("within").and_then(|entry| self.duration(entry));
        let since = [("entry", Since::Entry), ("first_send", Since::FirstSend)];
        let since = block.take("since").and_then(|entry| block::choice(entry, &since, self.report));
        let exit = block.take("exit").and_then(|entry| block::yes_no(entry, self.report));
        block.finish(&words::GOAL, &[], self.report);
        Some(Goal {
            trigger: Trigger { on, condition },
            within,
            since: since.unwrap_or(Since::Entry),
            value,
            exit: exit.unwrap_or(true),
        })
    }

    /// What the goal is worth.
    fn value(&mut self, entry: &Entry, braces: bool, scope: &Scope<'_>) -> Option<Condition> {
        let (value, of) = expr::computation(&entry.value, braces, scope, self.report)?;
        if !matches!(of, Type::Money | Type::Number | Type::Any) {
            let message = format!("a goal is worth money or a number, and this is {of}");
            self.report.say(TYPES, entry.value.place, message, "write `value: event.revenue`");
        }
        Some(value)
    }

    pub(super) fn exits(&mut self, entry: &Entry) -> Vec<Trigger> {
        let Kind::List(items) = &entry.value.kind else {
            if !matches!(entry.value.kind, Kind::Refused) {
                let message = format!("`exit` is a list, and {} stands here", entry.value.shape());
                self.report.say(
                    SHAPE,
                    entry.place,
                    message,
                    "write `- on: Order Refunded` or `- if: …` below it",
                );
            }
            return Vec::new();
        };
        let mut exits = Vec::new();
        for item in items {
            let Some(mut block) = Block::of(item, "an entry of `exit`", self.report) else { continue };
            exits.extend(self.trigger(&mut block, &words::EXIT, "`exit`, without an `on:` beside it"));
            block.finish(&words::EXIT, &[], self.report);
        }
        exits
    }

    /// `on`, `if` or both.
    pub(super) fn trigger(
        &mut self,
        block: &mut Block<'_>,
        words: &Words,
        here: &'static str,
    ) -> Option<Trigger> {
        let (on, condition) = (block.take("on"), block.take("if"));
        if on.is_none() && condition.is_none() {
            if block.meant("on") || block.meant("if") {
                return None;
            }
            let message = format!("{} needs `on:`, `if:` or both", words.what);
            self.report.say(REQUIRED, block.place, message, "name an event, or write a condition");
            return None;
        }
        let events = on.map(|entry| self.events(entry, true)).unwrap_or_default();
        let types = self.known.around.names.tracking.types(events.iter().map(AsRef::as_ref));
        let scope = Scope { event: on.map(|_| &types), ..self.here(here) };
        let condition =
            condition.and_then(|entry| expr::condition(&entry.value, block.braces(), &scope, self.report));
        Some(Trigger { on: events, condition })
    }
}
