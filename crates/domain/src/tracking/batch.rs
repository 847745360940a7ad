//! The envelope of `/v1/batch`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{BATCH_MESSAGES, timestamp};
use crate::{Reason, Reject, ShopTime};

/// A batch whose messages are found but not read.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The messages, as they were written.
    pub messages: Vec<&'a RawValue>,
    /// When the client sent it; nothing where that is missing or can't be read (then no clock is corrected).
    pub sent_at: Option<ShopTime>,
    /// A context for messages without one of their own.
    pub context: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    sent_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
}

/// Finds the messages of a batch, each to be read on its own, so that one bad message spoils no other.
///
/// # Errors
/// A [`Reject`] when the body is not JSON, has no list `batch`, or has too many messages in it.
pub fn batch(body: &str) -> Result<Batch<'_>, Reject> {
    let wire: Wire<'_> = serde_json::from_str(body).map_err(|error| {
        let detail = format!("{error}. Send an object with a list `batch` of messages.");
        match error.classify() {
            serde_json::error::Category::Data => Reject::new("batch", Reason::WrongType, detail),
            _ => Reject::new("", Reason::Malformed, detail),
        }
    })?;
    let object = |raw: &&RawValue| raw.get().starts_with('{');
    if wire.batch.len() > BATCH_MESSAGES {
        let detail = format!("{} messages; a batch may have {BATCH_MESSAGES}. Send fewer.", wire.batch.len());
        return Err(Reject::new("batch", Reason::TooLarge, detail));
    }
    Ok(Batch {
        messages: wire.batch,
        sent_at: wire
            .sent_at
            .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .and_then(|text| timestamp::parse(&text)),
        // A default context must be as storable as a message's own; one that is not is no context.
        context: wire.context.filter(object).filter(|raw| super::scan::scan("context", raw.get()).is_ok()),
    })
}
