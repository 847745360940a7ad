//! An event as the actor sees it.

use std::cell::OnceCell;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::ANSWERED;
use crate::expr::Facts;
use crate::news::{Heard, Topic};
use crate::person::Entry;
use crate::row::StoredEvent;
use crate::score::SCORED;
use crate::value::Value;
use crate::{EventId, Kind, PersonId, ShopTime};

/// An event whose payload is none of the tracking form's. The door lets none through; a damaged row may be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the JSON of a message, at line {line}, character {column}")]
pub struct Unreadable {
    line: usize,
    column: usize,
}

/// Something that happened to a person.
#[derive(Clone, Debug)]
pub struct Happening<'a> {
    /// Its id; of one that the actor caused, made from its cause.
    pub id: EventId,
    /// What the message says.
    pub kind: Kind,
    /// Its name; empty of what is no track call: a page called `Order Completed` is no order.
    pub name: Arc<str>,
    /// When it happened.
    pub at: ShopTime,
    /// Imported history.
    pub historical: bool,
    /// The zone of the device it came from.
    pub zone: Option<Arc<str>>,
    /// Its locale.
    pub locale: Option<Arc<str>>,
    /// Its properties as JSON, parsed when first asked for: most events are of interest to nobody.
    raw: Option<&'a RawValue>,
    properties: OnceCell<Value>,
    /// Of identify: the shop's own id of the person.
    pub user: Option<Arc<str>>,
    /// Of identify: what is said of the person, as JSON.
    traits: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
    #[serde(borrow, default)]
    traits: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "userId")]
    user: Option<&'a RawValue>,
    #[serde(default)]
    context: Option<Context>,
}

#[derive(Deserialize)]
struct Context {
    // Whatever is no text is no zone and no locale.
    #[serde(default)]
    timezone: Option<serde_json::Value>,
    #[serde(default)]
    locale: Option<serde_json::Value>,
}

impl<'a> Happening<'a> {
    /// Reads a stored event.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(event: &'a StoredEvent) -> Result<Self, Unreadable> {
        // Where, but not what: the error's own words may quote somebody's data.
        let payload: Payload<'a> = serde_json::from_str(&event.payload)
            .map_err(|error| Unreadable { line: error.line(), column: error.column() })?;
        let (zone, locale) =
            payload.context.map_or((None, None), |context| (context.timezone, context.locale));
        let text = |json: Option<serde_json::Value>| json.and_then(|json| json.as_str().map(Arc::from));
        Ok(Self {
            id: event.id,
            kind: event.kind,
            name: if event.kind == Kind::Track { event.name.clone() } else { "".into() },
            at: event.occurred_at,
            historical: event.historical,
            zone: text(zone),
            locale: text(locale),
            raw: payload.properties,
            properties: OnceCell::new(),
            user: payload.user.filter(|_| event.kind == Kind::Identify).and_then(external),
            traits: payload.traits.filter(|_| event.kind == Kind::Identify),
        })
    }

    /// Whether it is something that they did in the shop: what a provider reports of a message is not, nor is what we compute or
    /// tell of.
    pub fn by_them(&self) -> bool {
        let ours = || {
            self.name.starts_with("Message ")
                || self.name.as_ref() == SCORED
                || self.name.as_ref() == ANSWERED
                || Topic::ALL.into_iter().any(|topic| topic.event() == self.name.as_ref())
        };
        matches!(self.kind, Kind::Track | Kind::Page | Kind::Screen) && !ours()
    }

    /// An event that applying this one caused: of the same moment, live where its cause is.
    pub fn caused(&self, nth: u32, name: &str, properties: Value) -> Happening<'static> {
        let caused = Happening::of_timer(self.id.caused(nth), name, self.at, properties);
        Happening { historical: self.historical, ..caused }
    }

    /// An event that a timer of the person's caused.
    pub fn of_timer(id: EventId, name: &str, at: ShopTime, properties: Value) -> Happening<'static> {
        Happening {
            id,
            kind: Kind::Track,
            name: name.into(),
            at,
            historical: false,
            zone: None,
            locale: None,
            raw: None,
            properties: OnceCell::from(properties),
            user: None,
            traits: None,
        }
    }

    /// News of what somebody cares for.
    pub fn of_news(person: PersonId, heard: &Heard) -> Happening<'static> {
        let (id, news) = (heard.event(person), &heard.news);
        Happening::of_timer(id, news.topic.event(), news.occurred_at, heard.properties())
    }

    /// Its properties; of a page or screen those of the message.
    pub fn properties(&self) -> &Value {
        self.properties.get_or_init(|| {
            let json = self.raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
            json.as_ref().map_or(Value::Missing, Value::from_json)
        })
    }

    /// Of identify: what is said of the person, a record.
    pub fn traits(&self) -> Value {
        let json = self.traits.and_then(|raw| serde_json::from_str(raw.get()).ok());
        json.as_ref().map_or(Value::Missing, Value::from_json)
    }

    /// As expressions see it.
    pub fn facts(&self) -> Facts<'_> {
        Facts { name: &self.name, at: self.at, properties: self.properties() }
    }

    /// As a run keeps it: the properties its journey asks for.
    pub fn entry(&self, wanted: &[Arc<str>]) -> Entry {
        let kept = wanted.iter().filter_map(|name| {
            let value = self.properties().field(name);
            (!value.is_missing()).then(|| (name.clone(), value.clone()))
        });
        let properties = Value::Record(kept.collect());
        Entry { event: self.id, name: self.name.clone(), at: self.at, properties }
    }
}

/// A `userId` as the door reads it: text, or a whole number's digits.
fn external(raw: &RawValue) -> Option<Arc<str>> {
    let json: serde_json::Value = serde_json::from_str(raw.get()).ok()?;
    match json {
        serde_json::Value::String(text) => Some(text.into()).filter(|text: &Arc<str>| !text.is_empty()),
        serde_json::Value::Number(_) => Some(raw.get().into()),
        _ => None,
    }
}
