//! `enter`: how runs begin.

use std::sync::Arc;

use journeyman_domain::expr::Type;
use journeyman_domain::plan::{Again, Enter, IfRunning};
use journeyman_domain::value::Span;

use super::Reader;
use crate::block::{self, Block};
use crate::diagnostic::{AGAIN, CHOICE, DURATION, FIELD, REQUIRED, TYPES};
use crate::expr::{self, Scope};
use crate::literal::{self, Fault, short};
use crate::source::Place;
use crate::tree::{Entry, Kind};
use crate::words;

impl Reader<'_, '_, '_> {
    pub(super) fn enter(&mut self, journey: &mut Block<'_>) -> Option<Enter> {
        let help = "say what begins a run: `enter:` and below it `on: Order Completed`";
        let entry = journey.require("enter", &words::JOURNEY, help, self.report)?;
        if let Kind::Nothing = entry.value.kind {
            self.report.say(REQUIRED, entry.place, "`enter` says nothing", help);
            return None;
        }
        let mut block = Block::of(&entry.value, "`enter`", self.report)?;
        let (watch, watches) = self.watch(&mut block);
        let api = block.take("api");
        let by_api = api.and_then(|entry| block::yes_no(entry, self.report)) == Some(true);
        let on = match block.take("on") {
            Some(on) => {
                if watches {
                    let message =
                        "`enter` has an event that begins it, or something that is watched, not both";
                    self.report.say(CHOICE, on.place, message, "make two journeys of it");
                }
                if let Some(api) = api.filter(|_| by_api) {
                    let message = "`enter` has `on` or `api`, not both";
                    let help = "make two journeys of it, or let a journey on the event `start:` this one";
                    self.report.say(CHOICE, api.place, message, help);
                }
                self.events(on, false)
            }
            None => {
                if !watches && !by_api {
                    self.report.say(REQUIRED, entry.place, "`enter` needs `on:`", help);
                }
                Vec::new()
            }
        };
        if let Some(api) = api.filter(|_| by_api && watches) {
            let message = "`enter` has `api` or something that is watched, not both";
            self.report.say(CHOICE, api.place, message, "make two journeys of it");
        }
        if watches {
            self.only_with_events(&block, &["idle", "unless", "each", "per"]);
        }
        let made = watch.as_ref().map(|watch| watch.what.event());
        let begins = on.iter().map(AsRef::as_ref).chain(made);
        let types = self.known.around.names.tracking.types(begins);
        let scope =
            Scope { entry: None, run: None, steps: None, ..self.known.scope("`enter`", Some(&types)) };
        let condition = block
            .take("if")
            .and_then(|entry| expr::condition(&entry.value, block.braces(), &scope, self.report));
        let to = block.take("to").map(|entry| self.segments(entry)).unwrap_or_default();
        let except = block.take("except").map(|entry| self.segments(entry)).unwrap_or_default();
        let idle = block.take("idle").and_then(|entry| self.duration(entry));
        let unless = self.unless(&mut block);
        let each_said = block.take("each");
        let each = each_said.and_then(|entry| self.list_field(entry));
        let per_said = block.take("per");
        let per = per_said.and_then(|entry| self.key(entry, each_said));
        if let (Some(each), None) = (each_said, per_said) {
            let help = "say what tells its runs apart: `per: item.product_id`";
            self.report.say(REQUIRED, each.place, "`each` needs `per:`", help);
        }
        if let (Some(each), Some(_)) = (each_said, idle) {
            self.report.not_yet(each.place, "each` with `idle");
        }
        let kinds =
            [("join", IfRunning::Join), ("restart", IfRunning::Restart), ("ignore", IfRunning::Ignore)];
        let if_running = block.take("if_running").and_then(|entry| block::choice(entry, &kinds, self.report));
        let again = self.again(&mut block, per_said.is_some(), entry.place);
        let max_age = block.take("max_age").and_then(|entry| self.duration(entry));
        block.finish(&words::ENTER, &[], self.report);
        Some(Enter {
            on,
            api: by_api,
            watch,
            each,
            condition,
            to,
            except,
            idle,
            unless,
            per,
            if_running: if_running.unwrap_or(IfRunning::Join),
            again,
            max_age: max_age.unwrap_or(Span::hours(24)),
        })
    }

    pub(super) fn duration(&mut self, entry: &Entry) -> Option<Span> {
        self.parsed(entry, DURATION, literal::duration)
    }

    fn unless(&mut self, block: &mut Block<'_>) -> Vec<Arc<str>> {
        let Some(entry) = block.take("unless") else { return Vec::new() };
        if !block.has("idle") {
            let help = "add `idle:`, how long to wait before the run begins";
            self.report.say(REQUIRED, entry.place, "`unless` cancels during `idle`, which is not said", help);
        }
        self.events(entry, false)
    }

    /// `per`: of the starting event, with `each` of its element.
    fn key(&mut self, entry: &Entry, each: Option<&Entry>) -> Option<Arc<[Arc<str>]>> {
        let text = block::text(entry, self.report)?;
        match (text.strip_prefix("item.").or((text == "item").then_some("")), each) {
            (Some(field), Some(_)) => self.field(entry, field),
            (Some(_), None) => {
                let help = "`item` is an element of a list: say which, `each: products`";
                self.report.say(FIELD, entry.value.place, "there is no `item` in `enter`", help);
                None
            }
            (None, Some(_)) => {
                let help = format!("write `per: item.{}`: one of its own for each", short(text));
                self.report.say(FIELD, entry.value.place, "with `each` the key is the item's", help);
                None
            }
            (None, None) => self.field(entry, text),
        }
    }

    /// `each`: a list of the starting event.
    fn list_field(&mut self, entry: &Entry) -> Option<Arc<[Arc<str>]>> {
        let text = block::text(entry, self.report)?;
        let path = self.field(entry, text)?;
        if let Some(of) = path.first().filter(|_| path.len() == 1).and_then(|name| self.known.entry.get(name))
            && !matches!(of, Type::List(_) | Type::Any)
        {
            let message = format!("`{}` is {of}, and `each` goes through a list", short(text));
            self.report.say(TYPES, entry.value.place, message, "name a list of the event: `each: products`");
        }
        Some(path)
    }

    fn field(&mut self, entry: &Entry, text: &str) -> Option<Arc<[Arc<str>]>> {
        let word = entry.key.as_str();
        let example = if word == "each" { "each: products" } else { "per: order_id" };
        let help = format!("write one property of the starting event: `{example}`");
        for scope in ["event.", "entry."] {
            if let Some(field) = text.strip_prefix(scope) {
                let help = format!("write `{word}: {}`", short(field));
                let message = format!("`{word}` is a property of the starting event anyway");
                self.report.say(FIELD, entry.value.place, message, help);
                return None;
            }
        }
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !text.split('.').all(part) {
            self.report.say(FIELD, entry.value.place, format!("`{}` is no property", short(text)), help);
            return None;
        }
        Some(text.split('.').map(Arc::from).collect())
    }

    fn again(&mut self, block: &mut Block<'_>, keyed: bool, place: Place) -> Again {
        let Some(entry) = block.take("again") else {
            if !keyed {
                let help =
                    "write `again: never`, `again: always` or `again: every 30d`; with `per:` it is always";
                self.report.say(AGAIN, place, "may somebody enter again? `enter` does not say", help);
            }
            return Again::Always;
        };
        let again = |text: &str| match text {
            "never" => Ok(Again::Never),
            "always" => Ok(Again::Always),
            text => match text.strip_prefix("every ") {
                Some(span) => literal::duration(span.trim()).map(Again::Every),
                None => Err(Fault::new(
                    format!("`again` can't be `{}`", short(text)),
                    "write never, always or every 30d",
                )),
            },
        };
        self.parsed(entry, CHOICE, again).unwrap_or(Again::Always)
    }
}
