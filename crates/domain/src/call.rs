//! `call`: what a step asks of the shop's own systems, and how the answer comes back.
//!
//! The call waits in the outbox as a message does, under the same kind of id, which the receiver knows it by; its answer is an
//! event of the person, [`ANSWERED`], written with the same commit that ends the call.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::MessageId;
use crate::row::QueuedRow;
use crate::value::Value;

/// The event of an answer: `message_id`, and the `answer` where it was a JSON object. The door takes it
/// from nobody.
pub const ANSWERED: &str = "Call Answered";
/// How large an answer may be, bytes.
pub const ANSWER_BYTES: usize = 16 * 1024;

/// How something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// All.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The word in files and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl FromStr for Method {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or(())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a call asks: the `data` of its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How.
    pub method: Method,
    /// Where, whole.
    pub url: Arc<str>,
    /// The step's own headers, names in small letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// A JSON object, or nothing.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub body: Arc<str>,
    /// The name of the secret that signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Arc<str>>,
    /// How long it may take with all its attempts, milliseconds.
    pub within_ms: u64,
    /// How often it is asked again.
    pub retry: u32,
}

/// Under which variable of its run the answer of a step is kept; no file can say it.
pub fn variable(step: &str) -> Arc<str> {
    format!("{step}/answer").into()
}

/// The payload of the event that an answer is. `answer`: what was answered; what is no JSON object leaves nothing.
pub fn answered(message: MessageId, answer: &str) -> String {
    let object = serde_json::from_str::<serde_json::Value>(answer).ok().filter(serde_json::Value::is_object);
    let mut properties = serde_json::Map::new();
    properties.insert("message_id".to_owned(), message.0.to_string().into());
    properties.extend(object.map(|answer| ("answer".to_owned(), answer)));
    serde_json::json!({ "type": "track", "event": ANSWERED, "properties": properties }).to_string()
}

/// What a row of the outbox asks; `None` of one that is no call, or can't be read.
pub fn asked(row: &QueuedRow) -> Option<Asked> {
    if row.channel != crate::plan::Channel::Call {
        return None;
    }
    serde_json::from_str(&row.data).ok()
}

/// Which call an event answers, and with what.
pub(crate) fn answered_of(properties: &Value) -> Option<(MessageId, &Value)> {
    let message = properties.field("message_id").as_text()?.parse().ok()?;
    Some((message, properties.field("answer")))
}
