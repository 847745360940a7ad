//! The envelope of `/v1/batch`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::timestamp;
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
    /// Some browser clients put the write key here.
    pub write_key: Option<String>,
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
    #[serde(default)]
    write_key: Option<String>,
}

/// Finds the messages of a batch, each to be read on its own, so that one bad message spoils no other.
///
/// # Errors
/// A [`Reject`] when the body is not JSON or has no list `batch`.
pub fn batch(body: &[u8]) -> Result<Batch<'_>, Reject> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("{error}. Send an object with a list `batch` of messages.");
        match error.classify() {
            serde_json::error::Category::Data => Reject::new("batch", Reason::WrongType, detail),
            _ => Reject::new("", Reason::Malformed, detail),
        }
    })?;
    let object = |raw: &&RawValue| raw.get().starts_with('{');
    Ok(Batch {
        messages: wire.batch,
        sent_at: wire
            .sent_at
            .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .and_then(|text| timestamp::parse(&text)),
        // A default context must be as storable as a message's own; one that is not is no context.
        context: wire.context.filter(object).filter(|raw| super::scan::scan("context", raw.get()).is_ok()),
        write_key: wire.write_key,
    })
}
