//! Mail: what `render` made, put into MIME (RFC 5322, 2045 to 2047) and signed, as bytes that depend on
//! nothing but the arguments.

mod wire;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use journeyman_domain::ShopTime;
use journeyman_domain::content::Email;
use mail_builder::headers::Header;
use mail_builder::headers::address::EmailAddress;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

pub use wire::{LINE_BYTES, MAIL_BYTES, Wire};

pub use crate::dkim;
use crate::{Refusal, address};

/// The longest subject, bytes.
pub const SUBJECT_BYTES: usize = 998;
/// The longest name of a sender, bytes.
pub const NAME_BYTES: usize = 256;
/// The longest address of a link to unsubscribe: its header can't be folded.
pub const UNSUBSCRIBE_BYTES: usize = 900;
/// The largest text or HTML, bytes.
pub const BODY_BYTES: usize = 4 * 1024 * 1024;
/// The header by which a message is known again when it comes back in a bounce.
pub const MESSAGE_HEADER: &str = "X-Journeyman-Message";

/// Puts a mail into the form of the wire. `at` is the moment of its first attempt, so that every later one
/// sends the same bytes. `back` is the address to which its bounces return (VERP), else its sender's. It is
/// signed with each of `keys`.
///
/// # Errors
/// A [`Refusal`] of what can't be put on the wire: addresses that are none, line breaks where a header has
/// one line, limits.
pub fn compose(email: &Email, at: ShopTime, back: Option<&str>, keys: &[dkim::Key]) -> Result<Wire, Refusal> {
    let from = address::checked("from", &email.from)?;
    let to = address::checked("to", &email.to)?;
    let reply_to =
        email.reply_to.as_deref().map(|reply_to| address::checked("reply_to", reply_to)).transpose()?;
    let name = one_line("from_name", &email.from_name, NAME_BYTES)?;
    let subject = one_line("subject", &email.subject, SUBJECT_BYTES)?;
    let locale = locale(&email.locale)?;
    let id = email.message.to_string();

    let mut mail = Vec::with_capacity(2048 + (email.html.len() + email.text.len()) * 5 / 4);
    header(&mut mail, "Date", &Date::new(at.timestamp().as_second()));
    header(&mut mail, "From", &mailbox(Some(name).filter(|name| !name.is_empty()), &from));
    if let Some(reply_to) = &reply_to {
        header(&mut mail, "Reply-To", &mailbox(None, reply_to));
    }
    header(&mut mail, "To", &mailbox(None, &to));
    subject_line(&mut mail, subject);
    line(&mut mail, &["Message-ID: <", &id, "@", address::domain(&from), ">"]);
    line(&mut mail, &["MIME-Version: 1.0"]);
    line(&mut mail, &["Content-Language: ", &locale]);
    if let Some(unsubscribe) = &email.unsubscribe {
        line(&mut mail, &["List-Unsubscribe: <", unsubscribe_url(unsubscribe)?, ">"]);
        line(&mut mail, &["List-Unsubscribe-Post: List-Unsubscribe=One-Click"]);
    }
    line(&mut mail, &[MESSAGE_HEADER, ": ", &id]);
    parts(email, &id)?.write_part(&mut mail);

    if !keys.is_empty() {
        let mut signed =
            dkim::sign(&mail, at, keys).map_err(|error| Refusal::new("dkim", error.to_string()))?;
        signed.append(&mut mail);
        mail = signed;
    }
    Wire::new(back.unwrap_or(&from), &to, mail)
}

/// Both bodies; the boundary is made of the message's id, and `=_` stands in no quoted-printable text.
fn parts<'x>(email: &'x Email, id: &str) -> Result<MimePart<'x>, Refusal> {
    let part = |kind: &'static str, field: &'static str, body: &'x str| {
        let kind = ContentType::new(kind).attribute("charset", "utf-8");
        Ok(MimePart::new(kind, BodyPart::Text(lines(field, body)?)))
    };
    let bodies = vec![part("text/plain", "text", &email.text)?, part("text/html", "html", &email.html)?];
    let kind = ContentType::new("multipart/alternative").attribute("boundary", format!("=_{id}"));
    Ok(MimePart::new(kind, bodies))
}

fn header(mail: &mut Vec<u8>, name: &str, value: &impl Header) {
    mail.extend_from_slice(name.as_bytes());
    mail.extend_from_slice(b": ");
    value.write_header(mail, name.len() + 2);
}

/// A header that is ASCII and short, or can't be folded.
fn line(mail: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        mail.extend_from_slice(part.as_bytes());
    }
    mail.extend_from_slice(b"\r\n");
}

fn mailbox<'x>(name: Option<&'x str>, email: &'x str) -> EmailAddress<'x> {
    EmailAddress { name: name.map(Cow::Borrowed), email: Cow::Borrowed(email) }
}

/// A subject. One that looks like an encoded word would be decoded by its reader, so that it is encoded
/// itself.
fn subject_line(mail: &mut Vec<u8>, subject: &str) {
    // So many bytes fill an encoded word without making its line longer than 76 (RFC 2047 2).
    const WORD: usize = 39;
    if !subject.contains("=?") {
        return header(mail, "Subject", &Text::new(subject));
    }
    mail.extend_from_slice(b"Subject:");
    let mut rest = subject;
    while !rest.is_empty() {
        let end =
            (1..=WORD.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        line(mail, &[" =?utf-8?B?", &STANDARD.encode(word), "?="]);
        rest = after;
    }
}

/// What stands in a header has one line.
fn one_line<'x>(field: &'static str, text: &'x str, bytes: usize) -> Result<&'x str, Refusal> {
    if text.len() > bytes {
        return Err(Refusal::new(field, format!("longer than {bytes} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::new(field, "has a line break or another control character"));
    }
    Ok(text)
}

fn locale(locale: &str) -> Result<String, Refusal> {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
    if locale.len() > 35 || !locale.split(['-', '_']).all(word) {
        return Err(Refusal::new("locale", "is no language tag, like en or de-AT"));
    }
    Ok(locale.replace('_', "-"))
}

fn unsubscribe_url(url: &str) -> Result<&str, Refusal> {
    let printable = url.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"\\".contains(&b));
    let known = url.starts_with("https://") || url.starts_with("http://");
    if !(printable && known) || url.len() > UNSUBSCRIBE_BYTES {
        return Err(Refusal::new("unsubscribe", "is no http address of 900 characters at most"));
    }
    Ok(url)
}

/// A body in the form that MIME wants of every text (RFC 2046 4.1.1), also inside base64: lines end with
/// CRLF. A lone CR, which old editors and pasted text have, is a line end too.
fn lines<'x>(field: &'static str, body: &'x str) -> Result<Cow<'x, str>, Refusal> {
    if body.len() > BODY_BYTES {
        return Err(Refusal::new(field, "larger than 4 MB"));
    }
    let bytes = body.as_bytes();
    if memchr::memchr(0, bytes).is_some() {
        return Err(Refusal::new(field, "has a NUL"));
    }
    let mut out = String::new();
    let mut from = 0;
    for at in memchr::memchr2_iter(b'\r', b'\n', bytes) {
        let after = bytes.get(at + 1);
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let ended = if bytes[at] == b'\r' { after == Some(&b'\n') } else { before == Some(&b'\r') };
        if !ended {
            if from == 0 {
                out.reserve(body.len() + body.len() / 16);
            }
            out.push_str(&body[from..at]);
            out.push_str("\r\n");
            from = at + 1;
        }
    }
    if from == 0 {
        return Ok(Cow::Borrowed(body));
    }
    out.push_str(&body[from..]);
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests;
