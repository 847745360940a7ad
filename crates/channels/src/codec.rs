//! The seam of every provider that is spoken to over HTTP: what it is told, what its answers mean, what it tells us.

use std::time::Duration;

use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;
use serde::{Deserialize, Serialize};

pub use journeyman_domain::content::{Button, Call, Content, Notification, Text, Whatsapp};

use crate::http::{Arrived, Request, Response};
use crate::{Reason, Refusal, Verdict};

/// How long before its end a permit is replaced.
const PERMIT_MARGIN: Duration = Duration::from_secs(120);

/// A provider. No answer has a default: the compiler asks each of them for all.
pub trait Codec: Send + Sync {
    /// Its name: of its place in the configuration, and of `/webhooks/<name>`.
    fn name(&self) -> &'static str;

    /// By which channel it speaks.
    fn channel(&self) -> Channel;

    /// What the provider is told. `permit`: what [`Codec::permitted`] answered last, of a provider that wants one. `now`:
    /// seconds since 1970 on the machine's clock.
    ///
    /// # Errors
    /// A [`Refusal`] of what can't be said.
    fn request(&self, content: &Content, permit: Option<&str>, now: i64) -> Result<Request, Refusal>;

    /// What its answer means. Only what the provider documents as success is one.
    fn judge(&self, response: &Response) -> Verdict;

    /// Whether the same message may be told again without anybody getting it twice: the provider knows it by its id. Then
    /// it is tried again where nobody knows whether it was taken.
    fn repeatable(&self) -> bool;

    /// A question that sends nothing, whose success shows that the provider takes our credentials; `None` of one that knows no such
    /// question, or whose leave to speak shows it already.
    fn probe(&self) -> Option<Request>;

    /// How it is asked for leave to speak; `None` of a provider whose secret goes with every request.
    ///
    /// # Errors
    /// A [`Refusal`] where the key does not sign.
    fn permit(&self, now: i64) -> Result<Option<Request>, Refusal>;

    /// The leave, and for how long it is given.
    ///
    /// # Errors
    /// What became of the message that waits for it.
    fn permitted(&self, response: &Response) -> Result<Permit, Verdict>;

    /// What a report is answered with that only asks whether we are here; `None` of everything else.
    fn greet(&self, arrived: &Arrived<'_>) -> Option<String>;

    /// What it tells us. The signature is checked before anything is parsed.
    ///
    /// # Errors
    /// [`Unread`].
    fn read(&self, arrived: &Arrived<'_>) -> Result<Vec<News>, Unread>;
}

/// Leave to speak. Holds a secret: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Permit {
    /// What goes with every request.
    pub token: String,
    /// For how long.
    pub lasts: Duration,
}

impl Permit {
    /// For how long it is used.
    pub fn used(&self) -> Duration {
        self.lasts.saturating_sub(PERMIT_MARGIN)
    }
}

/// Why nothing was read of what arrived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is not signed, or not by the provider.
    #[error("the signature is not the provider's: {0}")]
    Signature(&'static str),
    /// It is signed, and not what the provider documents.
    #[error("signed, but not what the provider documents: {0}")]
    Malformed(String),
    /// This provider tells nothing.
    #[error("this provider reports nothing here")]
    Nothing,
}

/// Something a provider tells of a message, or somebody says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Which message, where it brings our id.
    pub message: Option<MessageId>,
    /// What the provider calls the message that it speaks of.
    pub provider_id: Option<String>,
    /// What makes it one thing: the same said again is nothing new.
    pub key: String,
    /// What it is.
    pub what: What,
}

/// What a provider tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// On its way to the person's network.
    Sent,
    /// It arrived.
    Delivered,
    /// The person has opened it.
    Opened,
    /// It failed for good.
    Failed {
        /// Why, as a code.
        reason: Reason,
        /// The provider's own code.
        code: String,
        /// In words, without addresses.
        detail: String,
        /// The address is dead.
        suppress: bool,
    },
    /// Somebody says something to us.
    Said {
        /// From which address, as the provider writes it.
        from: String,
        /// What.
        text: String,
        /// What they wish by it.
        wish: Option<Wish>,
    },
}

/// What somebody wishes by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// No more of it.
    Stop,
    /// It again.
    Start,
    /// To know what this is.
    Help,
}

impl Wish {
    /// What a whole message means that is one of the words carriers and providers know.
    pub fn of(text: &str) -> Option<Self> {
        const STOP: [&str; 13] = [
            "stop",
            "stopall",
            "stop all",
            "unsubscribe",
            "cancel",
            "end",
            "quit",
            "optout",
            "revoke",
            "stopp",
            "abmelden",
            "arrêt",
            "baja",
        ];
        const START: [&str; 3] = ["start", "unstop", "yes"];
        const HELP: [&str; 3] = ["help", "info", "hilfe"];
        let word = text.trim().trim_end_matches(['.', '!']).to_lowercase();
        let is = |words: &[&str]| words.contains(&word.as_str());
        match () {
            () if is(&STOP) => Some(Self::Stop),
            () if is(&START) => Some(Self::Start),
            () if is(&HELP) => Some(Self::Help),
            () => None,
        }
    }
}

/// A verdict, as the message's provider lets it be: what nobody knows of is told again where nobody gets it twice.
pub fn settled(codec: &dyn Codec, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Unknown { reason } if codec.repeatable() => {
            Verdict::Retry { after: None, reason, host: false }
        }
        verdict => verdict,
    }
}

/// What is handed to a provider that does not speak that channel.
pub(crate) fn misplaced() -> Refusal {
    Refusal::new("channel", "this provider does not speak by this channel")
}
