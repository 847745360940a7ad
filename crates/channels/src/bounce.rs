//! What comes back by mail: delivery reports (RFC 3464), complaints (RFC 5965), and all that looks like them.
//! Nothing is believed that was not signed by us: a report says itself whether it came to an address that we
//! had signed.

mod arf;
mod dsn;
mod fields;

use std::io::{self, BufRead};

use journeyman_domain::link::KeyRing;
use journeyman_domain::{MessageId, PersonId};
use mail_parser::mailbox::mbox::MessageIterator;
use mail_parser::{MessageParser, MessagePart, MimeHeaders as _, PartType};

use fields::Fields;

use crate::email::MESSAGE_HEADER;

/// The largest mail that is read, bytes.
pub const MAIL_BYTES: usize = 10 * 1024 * 1024;
/// How much of its beginning may be headers.
const HEAD_BYTES: usize = 256 * 1024;

/// What a mail says of a message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What happened.
    pub kind: Kind,
    /// Which message it is about.
    pub message: Option<MessageId>,
    /// Whose message that is: known only where `signed`.
    pub person: Option<PersonId>,
    /// The address it is about, as the report writes it.
    pub recipient: Option<String>,
    /// Whether the mail came to, or names, a return address that our key has signed for this message. What is
    /// not signed may be anybody's: it is to be recorded, and to change nothing.
    pub signed: bool,
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was not delivered.
    Bounced {
        /// The address is dead: nothing may be sent to it any more.
        hard: bool,
        /// The enhanced code: `5.1.1`.
        status: String,
        /// The server's words, without addresses; at most [`crate::DETAIL_BYTES`].
        diagnostic: String,
    },
    /// It was not delivered yet.
    Delayed {
        /// The enhanced code: `4.4.1`.
        status: String,
        /// As of [`Self::Bounced`].
        diagnostic: String,
    },
    /// It was delivered.
    Delivered,
    /// Its reader has reported it.
    Complained {
        /// The report's own word: `abuse`, `fraud`, `opt-out`, …
        feedback_type: String,
    },
    /// Somebody's machine has answered: they are away, the ticket has a number. Says nothing of delivery.
    Automatic,
    /// None of these; it may still be a bounce that no standard describes.
    Unrecognised {
        /// What was found instead.
        why: &'static str,
    },
}

/// What one recipient's part of a report says.
struct Came {
    kind: Kind,
    recipient: Option<String>,
}

/// What a mail says: one report for each recipient it speaks of, at least one.
pub fn read(mail: &[u8], keys: &KeyRing) -> Vec<Report> {
    let unread = |why| vec![Report { kind: Kind::Unrecognised { why }, ..Report::none() }];
    if mail.len() > MAIL_BYTES {
        return unread("larger than any report");
    }
    let Some(parsed) = MessageParser::default().parse(mail) else { return unread("not a mail") };
    let head = String::from_utf8_lossy(&mail[..mail.len().min(HEAD_BYTES)]);
    let (head, _) = Fields::read(head.trim_start());
    let returned = parsed.parts.iter().skip(1).rev().find_map(returned).unwrap_or_default();
    let about = About { head: &head, returned: &returned, keys };

    for part in &parsed.parts {
        if kind_of(part, &["delivery-status", "global-delivery-status"]) {
            let came = dsn::read(&text_of(part));
            if !came.is_empty() {
                return came.into_iter().map(|came| about.report(came, &Fields::default())).collect();
            }
        }
        if kind_of(part, &["feedback-report"]) {
            let (came, fields) = arf::read(&text_of(part));
            return vec![about.report(came, &fields)];
        }
    }
    if let Some(came) = arf::reported(&returned) {
        return vec![about.report(came, &Fields::default())];
    }
    let kind = if of_a_mail_system(&head) {
        Kind::Unrecognised { why: "from a mail system, in a form of its own" }
    } else if automatic(&head) {
        Kind::Automatic
    } else {
        Kind::Unrecognised { why: "neither a delivery report nor a complaint in a standard form" }
    };
    vec![about.report(Came { kind, recipient: None }, &Fields::default())]
}

/// The mails of an mbox.
pub fn mbox(reader: impl BufRead) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    MessageIterator::new(reader).map(|mail| match mail {
        Ok(mail) => Ok(mail.unwrap_contents()),
        Err(error) => Err(error),
    })
}

/// Where a report may say which message it is about.
struct About<'x> {
    head: &'x Fields,
    returned: &'x Fields,
    keys: &'x KeyRing,
}

impl About<'_> {
    fn report(&self, came: Came, feedback: &Fields) -> Report {
        let Came { kind, recipient } = came;
        if let Some((message, person)) = self.signed(feedback) {
            return Report { kind, message: Some(message), person: Some(person), recipient, signed: true };
        }
        Report { kind, message: self.named(), person: None, recipient, signed: false }
    }

    /// By a return address of ours: the one that the mail came to, else one that it quotes.
    fn signed(&self, feedback: &Fields) -> Option<(MessageId, PersonId)> {
        const CAME_TO: [&str; 6] =
            ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to"];
        let came_to = CAME_TO.iter().flat_map(|name| self.head.all(name));
        let reported = feedback.all("original-mail-from");
        let returned = self.returned.all("return-path");
        came_to
            .chain(reported)
            .chain(returned)
            .flat_map(addresses)
            .find_map(|address| self.keys.returned(address))
    }

    /// By the id that every mail of ours carries.
    fn named(&self) -> Option<MessageId> {
        let own = self.returned.get(&MESSAGE_HEADER.to_ascii_lowercase());
        let id = self.returned.get("message-id").or(self.head.get("in-reply-to"));
        let id = id.and_then(|id| id.trim_matches(['<', '>']).split('@').next());
        [own, id].into_iter().flatten().find_map(|id| id.strip_prefix("msg_")?.parse().ok())
    }
}

impl Report {
    fn none() -> Self {
        let kind = Kind::Unrecognised { why: "" };
        Self { kind, message: None, person: None, recipient: None, signed: false }
    }
}

/// What may be an address in a header's value.
fn addresses(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| c.is_whitespace() || "<>,;:()[]\"'".contains(c)).filter(|word| word.contains('@'))
}

fn kind_of(part: &MessagePart<'_>, subtypes: &[&str]) -> bool {
    part.content_type().is_some_and(|kind| {
        let subtype = kind.subtype().unwrap_or_default();
        kind.ctype().eq_ignore_ascii_case("message")
            && subtypes.iter().any(|known| subtype.eq_ignore_ascii_case(known))
    })
}

fn text_of(part: &MessagePart<'_>) -> String {
    String::from_utf8_lossy(part.contents()).into_owned()
}

/// The headers of a mail that is returned: whole, or its headers alone.
fn returned(part: &MessagePart<'_>) -> Option<Fields> {
    let headers = part.content_type().is_some_and(|kind| {
        kind.subtype().is_some_and(|subtype| subtype.to_ascii_lowercase().ends_with("rfc822-headers"))
    });
    let text = match &part.body {
        PartType::Message(message) => String::from_utf8_lossy(message.raw_message()).into_owned(),
        _ if headers => text_of(part),
        _ => return None,
    };
    let (fields, _) = Fields::read(text.trim_start());
    Some(fields)
}

/// A bounce without the standard's parts: old Exim, qmail, gateways.
fn of_a_mail_system(head: &Fields) -> bool {
    let from = head.get("from").unwrap_or_default().to_ascii_lowercase();
    head.get("x-failed-recipients").is_some()
        || ["mailer-daemon@", "postmaster@"].iter().any(|name| from.contains(name))
}

/// An answer that a machine has written (RFC 3834 5, and what was there before it).
fn automatic(head: &Fields) -> bool {
    let said = |name: &str| head.get(name).unwrap_or_default().to_ascii_lowercase();
    let submitted = said("auto-submitted");
    let subject = said("subject");
    (!submitted.is_empty() && submitted != "no")
        || ["x-autoreply", "x-autorespond"].iter().any(|name| head.get(name).is_some())
        || matches!(said("precedence").as_str(), "auto_reply" | "auto-reply")
        || ["out of office", "automatic reply", "automatische antwort", "autoreply", "abwesenheit"]
            .iter()
            .any(|words| subject.starts_with(words))
}

#[cfg(test)]
mod tests;
