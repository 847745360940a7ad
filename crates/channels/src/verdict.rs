//! What became of one attempt to send a message, and so what happens next.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most that a detail or a reason in words takes, bytes.
pub const DETAIL_BYTES: usize = 512;

/// What became of one attempt. Words in it hold no address, and at most [`DETAIL_BYTES`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider has taken it over.
    Accepted {
        /// What the provider calls it, where it said so.
        provider_id: Option<String>,
    },
    /// It was refused, and would be refused again.
    Rejected {
        /// Why, as a code.
        reason: Reason,
        /// Why, in the provider's words.
        detail: String,
        /// The address is dead: nothing may be sent to it any more.
        suppress: bool,
    },
    /// It was certainly not taken over, and may be another time.
    Retry {
        /// Not before this long from now, where the provider said so or is known to want it.
        after: Option<Duration>,
        /// Why, in words.
        reason: String,
        /// The whole host is in trouble, not this message: counts for its circuit breaker.
        host: bool,
    },
    /// Nobody knows whether it was taken over.
    Unknown {
        /// What happened, in words.
        reason: String,
    },
}

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The address does not exist, or its domain takes no mail.
    NoSuchAddress,
    /// The mailbox is full.
    MailboxFull,
    /// The message is larger than what is taken.
    TooLarge,
    /// A rule of the receiver forbids it: reputation, authentication, a block.
    Policy,
    /// What it says was refused.
    Content,
    /// The sender's address was refused.
    Sender,
    /// Refused without a known reason.
    Refused,
    /// It can't be put on the wire: an address that is none, a line break in the subject.
    Unsendable,
    /// The device can't be reached, or does not know the channel.
    Unreachable,
    /// They have said no to us at the provider.
    Unsubscribed,
    /// The provider lets them have no more for 24 h.
    Limited,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NoSuchAddress,
        Self::MailboxFull,
        Self::TooLarge,
        Self::Policy,
        Self::Content,
        Self::Sender,
        Self::Refused,
        Self::Unsendable,
        Self::Unreachable,
        Self::Unsubscribed,
        Self::Limited,
    ];

    /// The code as text, stable: it stands in the outbox and in events.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSuchAddress => "no_such_address",
            Self::MailboxFull => "mailbox_full",
            Self::TooLarge => "too_large",
            Self::Policy => "policy",
            Self::Content => "content",
            Self::Sender => "sender",
            Self::Refused => "refused",
            Self::Unsendable => "unsendable",
            Self::Unreachable => "unreachable",
            Self::Unsubscribed => "unsubscribed",
            Self::Limited => "limited",
        }
    }
}

/// Why something can't be put on the wire. Quotes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct Refusal {
    /// Which part of the message: `to`, `from`, `subject`, …
    pub field: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

impl Refusal {
    pub(crate) fn new(field: &'static str, detail: impl Into<String>) -> Self {
        Self { field, detail: detail.into() }
    }
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Rejected { reason: Reason::Unsendable, detail: refusal.to_string(), suppress: false }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A provider's words without mail addresses, numbers and tokens, on one line, cut to [`DETAIL_BYTES`].
pub(crate) fn quoted(text: &str) -> String {
    let personal = |word: &str| {
        word.len() > 48 || word.split(|letter: char| !letter.is_ascii_digit()).any(|run| run.len() >= 8)
    };
    let spaced = text.replace(['"', ','], " ");
    let words = spaced.split_whitespace().map(|word| if personal(word) { "(address)" } else { word });
    masked(&words.collect::<Vec<_>>().join(" "), "")
}

/// A provider's words without addresses, without `recipient`'s left side, on one line, cut to
/// [`DETAIL_BYTES`].
pub(crate) fn masked(text: &str, recipient: &str) -> String {
    const MASK: &str = "(address)";
    let left = recipient.rsplit_once('@').map_or("", |(left, _)| left).to_lowercase();
    let names: Vec<&str> =
        left.split(|c: char| c.is_whitespace() || c == '"').filter(|n| !n.is_empty()).collect();
    let personal = |word: &str| {
        let word = word.to_lowercase();
        let bare = word.trim_matches(|c: char| c.is_ascii_punctuation());
        // A name of one or two letters stands inside many words.
        ["@", "%40", "=40"].iter().any(|at| word.contains(at))
            || names.iter().any(|name| if name.len() < 3 { bare == *name } else { word.contains(name) })
    };
    let mut out = String::with_capacity(text.len().min(DETAIL_BYTES));
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let word = if personal(word) { MASK } else { word };
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > DETAIL_BYTES {
            let end = (0..=DETAIL_BYTES).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
            out.truncate(end);
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_of_a_provider_name_nobody() {
        let check =
            |text: &str, recipient: &str, said: &str| assert_eq!(masked(text, recipient), said, "{text}");
        check("5.1.1 <ada@x.example>: User unknown", "ada@x.example", "5.1.1 (address) User unknown");
        check("mailbox ADA.Lovelace unavailable", "ada.lovelace@x.example", "mailbox (address) unavailable");
        check("no user 'al' at al's", "al@x.example", "no user (address) at al's");
        check("see https://x.example/?to=ada%40y.example now", "bob@x.example", "see (address) now");
        check("a\r\nb\tc\u{0}d", "ada@x.example", "a b c d");
        check("  \"Ada L\" is gone ", "\"ada l\"@x.example", "(address) (address) is gone");
        check("", "ada@x.example", "");
        let long = "ü".repeat(DETAIL_BYTES);
        assert_eq!(masked(&long, "").len(), DETAIL_BYTES);
        assert_eq!(masked(&format!("a{long}"), "").len(), DETAIL_BYTES - 1);
    }

    #[test]
    fn every_reason_has_its_own_code() {
        let codes: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
