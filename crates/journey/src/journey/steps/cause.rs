//! `update`, `track`, `start`: what a step does beside speaking.

use std::sync::Arc;

use journeyman_domain::actor::REQUESTED;
use journeyman_domain::catalog::PRODUCT_ID;
use journeyman_domain::expr::Expr;
use journeyman_domain::news::Topic;
use journeyman_domain::plan::{Setting, Step};
use journeyman_domain::score;

use super::{Reader, Reading};
use crate::block;
use crate::diagnostic::{FIELD, NAME, NO_JOURNEY, OURS};
use crate::literal::{self, Fault, TEXT_BYTES, short};
use crate::tree::Entry;

/// What is known of a person whatever anybody says.
const KEPT: [&str; 6] = ["id", "first_seen", "last_seen", "sessions", "time_zone", score::TRAIT];
/// Events that say what happened to us or them, and that no step can make happen.
const HAPPEN: [&str; 5] = [REQUESTED, score::SCORED, "Score Changed", "Cart Updated", "Subscribed"];

impl<'t> Reader<'_, '_, '_> {
    pub(super) fn update(&mut self, reading: &mut Reading<'_, 't>) -> Option<Step> {
        let entry = reading.block.take("update")?;
        let lines = self.lines(entry)?;
        Some(Step::Update(lines.iter().filter_map(|entry| self.said_of_them(entry)).collect()))
    }

    fn said_of_them(&mut self, entry: &Entry) -> Option<(Arc<str>, Setting)> {
        let name = block::said(trait_name(&entry.key), NAME, entry.place, self.report);
        if KEPT.contains(&entry.key.as_str()) {
            let message = format!("`profile.{}` is ours: nobody says it", entry.key);
            self.report.say(OURS, entry.place, message, "give it another name");
        }
        let scope = self.here("`update`");
        let (setting, _) = self.assigned(entry, &scope)?;
        Some((name?, setting))
    }

    pub(super) fn track(&mut self, reading: &mut Reading<'_, 't>) -> Option<Step> {
        let entry = reading.block.take("track")?;
        let event = self.parsed(entry, NAME, event);
        if let Some(event) = &event {
            self.event_lints(event, entry.value.place, false);
            let news = Topic::ALL.into_iter().any(|topic| topic.event() == event.as_ref());
            if news || event.starts_with("Message ") || HAPPEN.contains(&event.as_ref()) {
                let message = format!("`{event}` says what has happened, and no step makes it happen");
                self.report.say(OURS, entry.value.place, message, "give the event a name of its own");
            }
        }
        let with = self.properties(reading);
        Some(Step::Track { event: event?, with })
    }

    pub(super) fn start(&mut self, reading: &mut Reading<'_, 't>) -> Option<Step> {
        let entry = reading.block.take("start")?;
        let journey = self.parsed(entry, NAME, literal::name);
        if let Some(journey) = &journey {
            self.may_be_started(journey, entry);
        }
        let with = self.properties(reading);
        Some(Step::Start { journey: journey?, with })
    }

    /// `with`: the properties of an event.
    fn properties(&mut self, reading: &mut Reading<'_, 't>) -> Vec<(Arc<str>, Setting)> {
        let place = reading.block.entries().iter().find(|entry| entry.key == "with");
        let product = place.and_then(|with| with.value.as_map()).and_then(|map| map.get(PRODUCT_ID));
        let settings = self.with(reading.block).settings;
        // Which products anybody asks of is known before a person is stepped: those that something of theirs names.
        let named = |setting: &Setting| match setting {
            Setting::Text(_) => false,
            Setting::Computed(condition) => {
                let expr = match condition.expr.as_ref() {
                    Expr::As(_, inner) => inner,
                    expr => expr,
                };
                matches!(expr, Expr::Path(_, path) if path.last().is_some_and(|name| **name == *PRODUCT_ID))
            }
        };
        if let Some(entry) = product
            && settings.iter().any(|(name, setting)| **name == *PRODUCT_ID && !named(setting))
        {
            let message = format!("`{PRODUCT_ID}` is taken from where one stands");
            let help = format!("write `{PRODUCT_ID}: = entry.{PRODUCT_ID}`, or give it another name");
            self.report.say(FIELD, entry.value.place, message, help);
        }
        settings
    }

    fn may_be_started(&mut self, journey: &str, entry: &Entry) {
        let names = self.known.around.names;
        match names.journeys.get(journey) {
            _ if names.old => {}
            Some(true) => {}
            Some(false) => {
                let message = format!("steps can't begin `{journey}`");
                let help = format!("write `api: yes` in the `enter:` of {journey}.yaml");
                self.report.say(NO_JOURNEY, entry.value.place, message, help);
            }
            None => {
                let started = names.journeys.iter().filter(|(_, api)| **api).map(|(name, _)| name.as_ref());
                let message = format!("there is no journey `{}`", short(journey));
                let help =
                    format!("write it to journeys/{}.yaml, with `enter:` and `api: yes`", short(journey));
                self.report.unknown(NO_JOURNEY, entry.value.place, message, journey, started, help);
            }
        }
    }
}

/// The name of an event, as the shop would send it.
fn event(text: &str) -> Result<Arc<str>, Fault> {
    if text.trim().is_empty() || text.len() > TEXT_BYTES {
        return Err(Fault::new(
            "this is no name of an event",
            "write it as the shop would send it: Subscription Lapsed",
        ));
    }
    Ok(text.into())
}

/// What `profile.` can be followed by.
fn trait_name(text: &str) -> Result<Arc<str>, Fault> {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text.len() > literal::NAME_LENGTH
        || !text.starts_with(|first: char| first.is_ascii_alphabetic())
        || !text.bytes().all(inside)
    {
        let help = "letters, digits and `_`, a letter first: `tier: gold`";
        return Err(Fault::new(format!("`{}` can't stand in expressions", short(text)), help));
    }
    Ok(text.into())
}
