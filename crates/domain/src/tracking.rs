//! Segment's tracking form: how a message of it becomes an [`Event`].
//!
//! Source: Segment, "HTTP Tracking API" and "Spec: Common Fields" (public documentation). Taken from there: the six
//! types, the fields, 32 KB a message and 500 KB a batch, and the correction of a client's clock,
//! `occurred_at = received_at - (sentAt - timestamp)`.

mod batch;
mod item;
mod scan;
mod timestamp;

use serde_json::value::RawValue;

pub use self::batch::{Batch, batch};
use self::item::Item;
pub use self::timestamp::parse as parse_timestamp;
use crate::actor::REQUESTED;
use crate::{Event, EventId, Identity, Kind, Reason, Reject, SeenKey, ShopTime};

/// The largest message, in bytes of JSON.
pub const EVENT_BYTES: usize = 32 * 1024;
/// The largest batch, in bytes of JSON, decompressed.
pub const BATCH_BYTES: usize = 500 * 1024;
/// The most messages in a batch.
pub const BATCH_MESSAGES: usize = 2_500;
/// The longest event name and messageId, in bytes of UTF-8.
pub const NAME_BYTES: usize = 512;
/// The longest number, in characters; far more digits than a double tells apart.
pub const NUMBER_CHARACTERS: usize = 400;
/// How deep objects and lists may nest in a field.
pub const DEPTH: usize = 32;

/// What a message's surroundings say for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults<'a> {
    /// The kind the path names; in a batch each message names its own.
    pub kind: Option<Kind>,
    /// The batch's `sentAt`, for messages without their own.
    pub sent_at: Option<ShopTime>,
    /// The batch's `context`, for messages without their own.
    pub context: Option<&'a RawValue>,
}

/// What the door knows of a message.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// The key the client gave: part of what makes a message one message.
    pub write_key: &'a str,
    /// The name of that key, which rows carry.
    pub source: &'a str,
    /// When the request arrived.
    pub received_at: ShopTime,
    /// Where the message stands: in its request from 0, or its line in a file.
    pub index: u32,
    /// The message's id where the door gives it: an import's (file digest, line).
    pub message_id: Option<&'a str>,
    /// Imported history: its timestamps are the truth, so no clock is corrected and none may be missing.
    pub historical: bool,
}

/// Reads one message.
///
/// `drawn` is 128 random bits for a message without a messageId; it is asked only then.
///
/// # Errors
/// A [`Reject`] naming the field, when the message can't be an event. Nothing of it is kept by this function.
pub fn read(
    raw: &str,
    defaults: &Defaults<'_>,
    door: &Door<'_>,
    drawn: impl FnOnce() -> u128,
) -> Result<Event, Reject> {
    fits(raw.len())?;
    let item = Item::read(raw)?;
    let kind = item.kind(defaults.kind)?;
    let name = item.name(kind)?;
    let (external, anonymous, previous) = item.people(kind)?;
    let given = item.text("messageId", item.message_id, NAME_BYTES)?;
    let key = match door.message_id.or(given.as_deref()) {
        Some(message_id) => SeenKey::new(door.write_key, message_id),
        None => SeenKey(drawn()),
    };
    let timestamp = item.timestamp()?;
    let sent_at = item.sent_at().or(defaults.sent_at).filter(|_| !door.historical);
    if door.historical && timestamp.is_none() {
        return Err(Reject::new("timestamp", Reason::Missing, "missing. History needs to say when it was."));
    }
    let payload = item.payload(raw, defaults.context);
    fits(payload.len())?;
    Ok(Event {
        key,
        id: EventId::new(door.received_at, key),
        kind,
        name,
        occurred_at: occurred_at(timestamp, sent_at, door.received_at),
        received_at: door.received_at,
        person: None,
        external,
        anonymous,
        previous,
        source: door.source.to_owned(),
        index: door.index,
        historical: door.historical,
        payload,
    })
}

/// Reads a wish that a journey begins: `journey`, its name, `with`, what its `entry` is, who it is, and `messageId`, a key of the
/// caller's own by which the same wish sent again is the same. It is an event like any other from here on.
///
/// # Errors
/// As [`read`].
pub fn start(raw: &str, door: &Door<'_>) -> Result<Event, Reject> {
    fits(raw.len())?;
    let item = Item::read(raw)?;
    let (journey, with) = item.wish()?;
    let (external, anonymous, _) = item.people(Kind::Track)?;
    let Some(key) = item.text("messageId", item.message_id, NAME_BYTES)? else {
        let detail = "missing. Send a key of your own: the same wish with the same key is done once.";
        return Err(Reject::new("messageId", Reason::Missing, detail));
    };
    let key = SeenKey::new(door.write_key, &key);
    let timestamp = item.timestamp()?;
    let journey = serde_json::Value::from(journey);
    let payload = format!(
        r#"{{"type":"track","event":"{REQUESTED}","properties":{{"journey":{journey},"with":{with}}}}}"#
    );
    fits(payload.len())?;
    Ok(Event {
        key,
        id: EventId::new(door.received_at, key),
        kind: Kind::Track,
        name: REQUESTED.to_owned(),
        occurred_at: occurred_at(timestamp, item.sent_at(), door.received_at),
        received_at: door.received_at,
        person: None,
        external,
        anonymous,
        previous: None,
        source: door.source.to_owned(),
        index: door.index,
        historical: false,
        payload,
    })
}

fn fits(bytes: usize) -> Result<(), Reject> {
    if bytes <= EVENT_BYTES {
        return Ok(());
    }
    let detail = format!("{bytes} bytes; a message may have {EVENT_BYTES}. Send less in it.");
    Err(Reject::new("", Reason::TooLarge, detail))
}

/// Segment's correction of a client's clock, `received_at - (sent_at - timestamp)`, held between 1970 and receipt.
/// Without `sent_at` the timestamp is taken as it is; without a timestamp the event happened when it arrived.
fn occurred_at(timestamp: Option<ShopTime>, sent_at: Option<ShopTime>, received_at: ShopTime) -> ShopTime {
    let Some(timestamp) = timestamp else { return received_at };
    let corrected = match sent_at {
        Some(sent_at) => received_at.saturating_add(timestamp.since(sent_at)),
        None => timestamp,
    };
    corrected.clamp(ShopTime::EPOCH, received_at.max(ShopTime::EPOCH))
}

/// A person's name as a client wrote it, or nothing where it stands for nobody.
fn named(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty() && !Identity::is_placeholder(value))
}

#[cfg(test)]
mod tests;
