//! SMTP as a language (RFC 5321): commands, replies, and what a reply means for the message. Only a 250 after
//! the final dot is success. What fails before that dot is certainly not delivered; what fails after it is
//! unknown.

mod hello;
mod reply;
mod rules;

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::Deserialize;

pub use hello::{Hello, Mechanism};
pub use reply::{Enhanced, Garbage, LINE_BYTES, REPLY_BYTES, Reply};

pub(crate) use reply::enhanced;
use rules::Then;

use crate::email::Wire;
use crate::verdict::masked;
use crate::{Reason, Verdict};

/// The longest wait that a server's words can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Where in the dialogue something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Finding and reaching the host.
    Connect,
    /// TLS.
    Tls,
    /// The server's first word.
    Greeting,
    /// EHLO.
    Hello,
    /// STARTTLS.
    Starttls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// The mail's lines, before the final dot.
    Body,
    /// The final dot was written, at least in part.
    Dot,
    /// Later, in a bounce that came by mail.
    Report,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 12] = [
        Self::Connect,
        Self::Tls,
        Self::Greeting,
        Self::Hello,
        Self::Starttls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::Dot,
        Self::Report,
    ];
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "TLS",
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::Starttls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Body => "the mail's lines",
            Self::Dot => "the final dot",
            Self::Report => "a bounce",
        })
    }
}

/// Whether the dialogue goes on, or what became of the message.
pub type Next = ControlFlow<Verdict>;

/// What a reply means at a stage. `to` is whom the message is for: its address is kept out of the verdict's
/// words.
pub fn judge(stage: Stage, reply: &Reply, to: &str) -> Next {
    let code = reply.code;
    match (stage, code) {
        (Stage::Dot, 250) => return Next::Break(Verdict::Accepted { provider_id: provider_id(reply) }),
        (Stage::Greeting | Stage::Starttls, 220)
        | (Stage::Hello | Stage::Mail, 250)
        | (Stage::Rcpt, 250 | 251)
        | (Stage::Auth, 235 | 334)
        | (Stage::Data, 354) => return Next::Continue(()),
        _ => {}
    }
    let text = reply.text();
    let words = || masked(&format!("{code} {text}"), to);
    // Before MAIL nothing is this message's fault. A code of success where it is none says nothing of the
    // message either: behind the dot that leaves it open what became of it.
    let ours = stage >= Stage::Mail && code >= 400;
    if !ours {
        return Next::Break(match stage {
            Stage::Dot => Verdict::Unknown { reason: format!("{stage}: {}", words()) },
            _ => Verdict::Retry { after: None, reason: format!("{stage}: {}", words()), host: true },
        });
    }
    // What is said before the final dot of a mail is said of the mail.
    let stage = if stage == Stage::Body { Stage::Dot } else { stage };
    Next::Break(verdict(stage, code, reply.enhanced(), &text, words()))
}

/// What a refusal means, by the rules; without one that fits, by its class.
pub(crate) fn verdict(
    stage: Stage,
    code: u16,
    enhanced: Option<Enhanced>,
    text: &str,
    words: String,
) -> Verdict {
    let rule = rules::find(stage, code, enhanced, &text.to_lowercase());
    let then = rule.map_or(if code < 500 { Then::Retry } else { Then::Refused }, |rule| rule.then);
    let rejected = |reason, suppress| Verdict::Rejected { reason, detail: words.clone(), suppress };
    match then {
        Then::Dead => rejected(Reason::NoSuchAddress, true),
        Then::Full => rejected(Reason::MailboxFull, false),
        Then::Large => rejected(Reason::TooLarge, false),
        Then::Policy => rejected(Reason::Policy, false),
        Then::Content => rejected(Reason::Content, false),
        Then::Sender => rejected(Reason::Sender, false),
        Then::Refused => rejected(Reason::Refused, false),
        Then::Retry => {
            let known = rule.map(|rule| Duration::from_secs(rule.after_minutes * 60));
            let after = known.max(said_wait(text)).filter(|after| !after.is_zero());
            Verdict::Retry { after, reason: words, host: rule.is_some_and(|rule| rule.host) }
        }
    }
}

/// What follows when a connection breaks at a stage without a reply: certainly not delivered, unless the
/// final dot was written.
pub fn broken(stage: Stage, how: &str) -> Verdict {
    let reason = masked(&format!("{stage}: {how}"), "");
    match stage {
        Stage::Dot => Verdict::Unknown { reason },
        _ => Verdict::Retry { after: None, reason, host: true },
    }
}

/// EHLO, with its line end. `None` where the name is none.
pub fn ehlo(name: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b);
    (!name.is_empty() && name.len() <= 255 && name.bytes().all(plain)).then(|| format!("EHLO {name}\r\n"))
}

/// MAIL, RCPT and DATA of a mail, each with its line end. A server that announced SIZE is told it, so that it
/// can refuse a mail too large for it before it is written.
pub fn commands(wire: &Wire, hello: &Hello) -> [String; 3] {
    let size = if hello.offers("SIZE") { format!(" SIZE={}", wire.bytes().len()) } else { String::new() };
    [
        format!("MAIL FROM:<{}>{size}\r\n", wire.envelope_from()),
        format!("RCPT TO:<{}>\r\n", wire.to()),
        "DATA\r\n".to_owned(),
    ]
}

/// What a server calls a mail that it took: Postfix `queued as X`, Exim `id=X`, SES and others `Ok X`.
fn provider_id(reply: &Reply) -> Option<String> {
    let text = reply.text();
    let behind = |mark: &str| text.split_once(mark).map(|(_, rest)| rest);
    let alone = || {
        let words: Vec<&str> = text.split(' ').filter(|word| enhanced(word).is_none()).collect();
        match words.as_slice() {
            [ok, id] if ok.trim_end_matches(':').eq_ignore_ascii_case("ok") => Some(*id),
            _ => None,
        }
    };
    let id = behind("queued as ").or_else(|| behind(" id=")).or_else(alone)?;
    let id = id.split([' ', ',', ';', ')', '(']).next()?.trim_matches(['<', '>', '.', '[', ']']);
    (!id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic())).then(|| id.to_owned())
}

/// A wait that a text names: `try again in 300 seconds`, `Greylisted for 5 minutes`.
fn said_wait(text: &str) -> Option<Duration> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let waits = words.windows(2).filter_map(|pair| {
        let [number, unit] = pair else { return None };
        let number: u64 = number.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()?;
        let unit = match unit.to_ascii_lowercase() {
            unit if unit.starts_with("sec") => 1,
            unit if unit.starts_with("min") => 60,
            unit if unit.starts_with("hour") => 3600,
            _ => return None,
        };
        Some(Duration::from_secs(number.saturating_mul(unit)).min(LONGEST_WAIT))
    });
    waits.max()
}

#[cfg(test)]
mod tests;
