//! What pages ask of the rest of the house: what is deployed, what a message says, what happened to a person. The engine's
//! side compiles, renders and replays; here is only what comes of it, as text.

use std::pin::Pin;
use std::sync::Arc;

use journeyman_domain::plan::Deployment;
use journeyman_domain::{MessageId, PersonId, ShopTime};
use journeyman_store::Error;
use journeyman_store::messages::MessageRow;

/// An answer that takes a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Who answers. Each may fail as the store does.
pub trait Archive: Send + Sync {
    /// What is live; number 0 where nothing is. Or why this version can't read it.
    fn live(&self) -> Answer<'_, Result<Arc<Deployment>, String>>;

    /// What a message says, by the templates it was queued under; or why nothing.
    fn words<'a>(&'a self, message: &'a MessageRow) -> Answer<'a, Result<Words, String>>;

    /// A person's past, the latest `last` of what happened to them; `None` of somebody to whom nothing has.
    fn story(&self, person: PersonId, last: usize) -> Answer<'_, Option<Story>>;
}

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// From, to, subject and the others, as its channel has them.
    pub headers: Vec<(&'static str, String)>,
    /// Its subject or title; empty where the channel has none.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Its HTML, whole, where the channel has it.
    pub html: Option<String>,
    /// As which channel's it is shown: `sms`, `push`, `whatsapp`, `webhook`; empty of mail.
    pub look: &'static str,
    /// What its buttons carry.
    pub buttons: Vec<String>,
}

/// A person's past and present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// How much was applied to them.
    pub inputs: i64,
    /// Their time zone, where it is known.
    pub zone: Option<String>,
    /// When they were first heard of.
    pub first_seen: Option<ShopTime>,
    /// When they did something last.
    pub last_seen: Option<ShopTime>,
    /// What was said of them, by name.
    pub traits: Vec<(String, String)>,
    /// Where they stand in journeys.
    pub runs: Vec<Underway>,
    /// What was applied, the latest first.
    pub chapters: Vec<Chapter>,
    /// How much older there is that is not told here.
    pub more: usize,
    /// Who turned out to be them: what was applied to those is told here too.
    pub earlier: Vec<PersonId>,
    /// Journeys in which they may have been in two options, since two people turned out to be one.
    pub mixed: Vec<String>,
    /// Why it could be recomputed only so far.
    pub broken: Option<String>,
    /// Where what is stored differs from what was recomputed.
    pub differs: Vec<String>,
}

/// A run under way, or a start that waits for silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Underway {
    /// Of which journey.
    pub journey: String,
    /// What keys it.
    pub key: Option<String>,
    /// Where it stands, and until when.
    pub stands: String,
}

/// One thing that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Which of theirs, from 1.
    pub n: i64,
    /// When it was applied.
    pub at: ShopTime,
    /// What it was: an event's name, a timer, a report.
    pub what: String,
    /// When an event happened, where that is another moment; that it was imported.
    pub aside: String,
    /// What came of it.
    pub items: Vec<Item>,
}

/// What came of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Recorded when it happened; else recomputed by applying the past again.
    pub recorded: bool,
    /// `asked`, `began`, `reached`, `ended`, `refused`, `message`, `chose`, …
    pub what: &'static str,
    /// Of which journey; empty where of none.
    pub journey: String,
    /// The rest.
    pub words: String,
    /// The message it speaks of.
    pub message: Option<MessageId>,
}
