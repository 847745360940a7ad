//! HTTP as values: what is asked, what was answered, what arrived.

use std::time::Duration;

pub use journeyman_domain::call::Method;
use ring::hmac;

use crate::verdict::{DETAIL_BYTES, quoted};
use crate::{Reason, Refusal, Verdict};

/// How much of an answer is read, bytes.
pub const ANSWER_BYTES: usize = 64 * 1024;
/// The longest wait that a provider's words can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// What is asked. Holds secrets and addresses: no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where, whole.
    pub url: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What was answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body, its first [`ANSWER_BYTES`].
    pub body: Vec<u8>,
}

/// What a provider sent us.
#[derive(Clone, Copy)]
pub struct Arrived<'a> {
    /// How.
    pub method: Method,
    /// The address as the provider was told it, with its query.
    pub url: &'a str,
    /// Names in small letters.
    pub headers: &'a [(String, String)],
    /// The body as it came.
    pub body: &'a [u8],
    /// Seconds since 1970.
    pub now: i64,
}

impl Request {
    pub(crate) fn json(url: String, headers: Vec<(&str, String)>, body: &serde_json::Value) -> Self {
        Self::post(url, headers, "application/json", body.to_string().into_bytes())
    }

    pub(crate) fn form(url: String, headers: Vec<(&str, String)>, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::post(url, headers, "application/x-www-form-urlencoded", body.into_bytes())
    }

    pub(crate) fn get(url: String, headers: Vec<(&str, String)>) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { method: Method::Get, url, headers, body: Vec::new() }
    }

    fn post(url: String, headers: Vec<(&str, String)>, kind: &str, body: Vec<u8>) -> Self {
        let mut all = vec![("content-type".to_owned(), kind.to_owned())];
        all.extend(headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self { method: Method::Post, url, headers: all, body }
    }
}

impl Response {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the status is one of success; by itself it says nothing.
    pub fn is_fine(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How long the provider wants to be left alone, where it says so in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }

    /// Status and body in words, without addresses.
    pub fn words(&self) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(4 * DETAIL_BYTES)]);
        quoted(&format!("{} {body}", self.status))
    }

    /// What the status alone says of the message, where the provider's own words say nothing that is known. A status of
    /// success without what is documented of it leaves it open whether the message was taken.
    pub(crate) fn verdict(&self) -> Verdict {
        let words = self.words();
        match self.status {
            // Who we are, where this is, how fast we may: nothing is wrong with the message.
            401 | 403 | 407 | 408 | 425 | 429 | 503 | 300..=399 => {
                Verdict::Retry { after: self.retry_after(), reason: words, host: true }
            }
            413 => Verdict::Rejected { reason: Reason::TooLarge, detail: words, suppress: false },
            400..=499 => Verdict::Rejected { reason: Reason::Refused, detail: words, suppress: false },
            _ => Verdict::Unknown { reason: words },
        }
    }
}

impl Arrived<'_> {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.headers, name)
    }

    /// A parameter of the address.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.url.split_once('?')?.1;
        form_urlencoded::parse(query.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The body's fields, as a form has them.
    pub fn form(&self) -> Vec<(String, String)> {
        let fields = form_urlencoded::parse(self.body);
        fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A key that what arrives is checked with. Its secret is never shown.
#[derive(Clone)]
pub(crate) struct Mac(hmac::Key);

impl Mac {
    pub(crate) fn sha256(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Twilio signs with nothing else.
    pub(crate) fn sha1(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret))
    }

    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, data).as_ref().to_vec()
    }

    /// Takes as long whatever the tag is.
    pub(crate) fn holds(&self, data: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, data, tag).is_ok()
    }
}

/// A base of addresses as it is written in a configuration: `https://api.provider.example`, without a slash at its end.
///
/// # Errors
/// Where it is no address of the web.
pub fn base(field: &'static str, url: &str) -> Result<String, Refusal> {
    let url = url.trim().trim_end_matches('/');
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or("");
    let fits = !host.is_empty() && url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b));
    if fits {
        Ok(url.to_owned())
    } else {
        Err(Refusal::new(field, "write an address such as https://api.example"))
    }
}
