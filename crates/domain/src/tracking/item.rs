//! One message, its fields found and checked.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{NAME_BYTES, named, scan, timestamp};
use crate::call::ANSWERED;
use crate::{Identity, Kind, Reason, Reject, ShopTime};

type Raw<'a> = Option<&'a RawValue>;

/// The fields the door reads; whatever else a message holds stays in its payload.
#[derive(Default)]
pub(super) struct Item<'a> {
    kind: Raw<'a>,
    pub(super) message_id: Raw<'a>,
    event: Raw<'a>,
    name: Raw<'a>,
    user_id: Raw<'a>,
    anonymous_id: Raw<'a>,
    previous_id: Raw<'a>,
    group_id: Raw<'a>,
    timestamp: Raw<'a>,
    original_timestamp: Raw<'a>,
    sent_at: Raw<'a>,
    context: Raw<'a>,
    journey: Raw<'a>,
    with: Raw<'a>,
}

/// Key and value of every field, in their order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(12);
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl<'a> Item<'a> {
    /// Finds the fields, and checks that everything in the message can be stored.
    pub(super) fn read(raw: &'a str) -> Result<Self, Reject> {
        let Fields(fields) = serde_json::from_str(raw).map_err(|error| {
            let detail = format!("{error}. Send one JSON object a message.");
            match error.classify() {
                serde_json::error::Category::Data => Reject::new("", Reason::WrongType, detail),
                _ => Reject::new("", Reason::Malformed, detail),
            }
        })?;
        let mut item = Self::default();
        for (key, value) in fields {
            if key.contains('\0') {
                let detail = "\\u0000 in a key. No text can hold it; leave it out.";
                return Err(Reject::new("", Reason::NulCharacter, detail));
            }
            scan::scan(&key, value.get())?;
            let slot = match key.as_str() {
                "type" => &mut item.kind,
                "messageId" => &mut item.message_id,
                "event" => &mut item.event,
                "name" => &mut item.name,
                "userId" => &mut item.user_id,
                "anonymousId" => &mut item.anonymous_id,
                "previousId" => &mut item.previous_id,
                "groupId" => &mut item.group_id,
                "timestamp" => &mut item.timestamp,
                "originalTimestamp" => &mut item.original_timestamp,
                "sentAt" => &mut item.sent_at,
                "context" => &mut item.context,
                "journey" => &mut item.journey,
                "with" => &mut item.with,
                "properties" | "traits" => {
                    object(&key, value)?;
                    continue;
                }
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Reject::new(key, Reason::DuplicateKey, "stands twice. Send it once."));
            }
        }
        if let Some(context) = item.context {
            object("context", context)?;
        }
        item.context = item.context.filter(|context| context.get() != "null");
        Ok(item)
    }

    /// Of a wish that a journey begins: its name, and what its `entry` is, JSON of an object.
    pub(super) fn wish(&self) -> Result<(String, &'a str), Reject> {
        let journey = self.text("journey", self.journey, NAME_BYTES)?;
        let journey = journey.ok_or_else(|| missing("journey", "the name of the journey"))?;
        let with = self.with.map(RawValue::get).filter(|with| *with != "null");
        if let Some(with) = self.with {
            object("with", with)?;
        }
        Ok((journey, with.unwrap_or("{}")))
    }

    /// The kind: the path's, else the message's own `type`.
    pub(super) fn kind(&self, of_path: Option<Kind>) -> Result<Kind, Reject> {
        if let Some(kind) = of_path {
            return Ok(kind);
        }
        let Some(name) = self.text("type", self.kind, NAME_BYTES)? else {
            return Err(missing("type", "track, identify, alias, page, screen or group"));
        };
        Kind::from_name(&name).ok_or_else(|| {
            let detail = format!("`{name}` is no type. Send track, identify, alias, page, screen or group.");
            Reject::new("type", Reason::UnknownType, detail)
        })
    }

    /// The event's name; the page's or screen's; empty for the other kinds.
    pub(super) fn name(&self, kind: Kind) -> Result<String, Reject> {
        match kind {
            Kind::Track => match self.text("event", self.event, NAME_BYTES)? {
                Some(name) if name == ANSWERED => {
                    let detail =
                        format!("`{ANSWERED}` is told by nobody but us. Give the event another name.");
                    Err(Reject::new("event", Reason::Ours, detail))
                }
                Some(name) if !name.trim().is_empty() => Ok(name),
                _ => Err(missing("event", "the event's name")),
            },
            Kind::Page | Kind::Screen => Ok(self.text("name", self.name, NAME_BYTES)?.unwrap_or_default()),
            Kind::Group => match self.text("groupId", self.group_id, NAME_BYTES)? {
                Some(_) => Ok(String::new()),
                None => Err(missing("groupId", "the group's id")),
            },
            Kind::Identify | Kind::Alias => Ok(String::new()),
        }
    }

    /// `userId`, `anonymousId` and, of an alias, `previousId`.
    #[allow(clippy::type_complexity, reason = "three names, used once")]
    pub(super) fn people(
        &self,
        kind: Kind,
    ) -> Result<(Option<String>, Option<String>, Option<String>), Reject> {
        let external = named(self.text("userId", self.user_id, Identity::VALUE_BYTES)?);
        let anonymous = named(self.text("anonymousId", self.anonymous_id, Identity::VALUE_BYTES)?);
        let previous = named(self.text("previousId", self.previous_id, Identity::VALUE_BYTES)?);
        if kind == Kind::Alias {
            if external.is_none() {
                return Err(missing("userId", "the name the person has from now on"));
            }
            if previous.is_none() {
                return Err(missing("previousId", "the name the person had before"));
            }
            return Ok((external, anonymous, previous));
        }
        if external.is_none() && anonymous.is_none() {
            return Err(self.nobody());
        }
        Ok((external, anonymous, None))
    }

    fn nobody(&self) -> Reject {
        for (field, raw) in [("userId", self.user_id), ("anonymousId", self.anonymous_id)] {
            if let Some(raw) = raw.filter(|raw| !matches!(raw.get(), "null" | "\"\"")) {
                let detail = format!("{} stands for nobody. Send who it was.", raw.get());
                return Reject::new(field, Reason::NoIdentity, detail);
            }
        }
        Reject::new("userId", Reason::NoIdentity, "missing, and so is anonymousId. Send one of them.")
    }

    /// When it happened by the client's clock.
    pub(super) fn timestamp(&self) -> Result<Option<ShopTime>, Reject> {
        for (field, raw) in [("timestamp", self.timestamp), ("originalTimestamp", self.original_timestamp)] {
            if let Some(text) = self.text(field, raw, NAME_BYTES)? {
                return timestamp::parse(&text).map(Some).ok_or_else(|| {
                    let detail =
                        format!("`{text}` is no time. Send ISO 8601, for example 2026-11-23T09:30:00.000Z.");
                    Reject::new(field, Reason::BadTimestamp, detail)
                });
            }
        }
        Ok(None)
    }

    /// When the client sent it. One that can't be read corrects nothing: it is about the clock, not the person.
    pub(super) fn sent_at(&self) -> Option<ShopTime> {
        let text: String = serde_json::from_str(self.sent_at?.get()).ok()?;
        timestamp::parse(&text)
    }

    /// A text field. Whole numbers count as their digits, since shops have numeric ids and clients don't quote them.
    pub(super) fn text(&self, field: &str, raw: Raw<'_>, bytes: usize) -> Result<Option<String>, Reject> {
        let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else { return Ok(None) };
        let number = || raw.bytes().enumerate().all(|(i, b)| b.is_ascii_digit() || (i == 0 && b == b'-'));
        let text = if raw.starts_with('"') {
            serde_json::from_str(raw)
                .map_err(|error| Reject::new(field, Reason::Malformed, format!("{error}. Send text.")))?
        } else if number() {
            raw.to_owned()
        } else {
            return Err(Reject::new(field, Reason::WrongType, format!("is {}. Send text.", shape(raw))));
        };
        if text.len() > bytes {
            let detail = format!("{} bytes; it may have {bytes}. Send a shorter one.", text.len());
            return Err(Reject::new(field, Reason::TooLong, detail));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The message as it was written, with the batch's context where it has none of its own.
    pub(super) fn payload(&self, raw: &str, context: Option<&RawValue>) -> String {
        match (self.context, context) {
            (None, Some(context)) => {
                // Behind the message's own fields, so that a `"context": null` of its own gives way to it.
                let own = raw.trim();
                let own = own.strip_prefix('{').unwrap_or(own);
                let own = own.strip_suffix('}').unwrap_or(own).trim();
                let comma = if own.is_empty() { "" } else { "," };
                format!("{{{own}{comma}\"context\":{}}}", context.get())
            }
            _ => raw.to_owned(),
        }
    }
}

fn object(field: &str, value: &RawValue) -> Result<(), Reject> {
    match value.get() {
        "null" => Ok(()),
        raw if raw.starts_with('{') => Ok(()),
        raw => Err(Reject::new(field, Reason::WrongType, format!("is {}. Send an object.", shape(raw)))),
    }
}

fn missing(field: &str, what: &str) -> Reject {
    Reject::new(field, Reason::Missing, format!("missing. Send {what}."))
}

/// What a JSON value is, in words.
fn shape(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}
