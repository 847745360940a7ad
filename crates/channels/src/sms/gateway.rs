//! Any gateway that takes text messages over HTTP, as a configuration describes it: what it is told, which answer is its
//! success, what its failures mean, how it reports.
//!
//! ```yaml
//! url: https://sms.example/v1/send
//! headers: { authorization: Bearer s3cret }
//! json: { to: "{{to}}", text: "{{text}}", ref: "{{message}}" }
//! success: { status: [200, 202], at: /result/status, is: [queued] }
//! id: /result/id
//! failures:
//!   - { status: [400], at: /error/code, is: [bad_number], then: dead }
//!   - { status: [429], then: retry }
//! ```

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER_PERMISSIVE;
use journeyman_domain::plan::Channel;
use serde::Deserialize;
use serde_json::Value;

use super::checked;
use crate::codec::{Codec, Content, News, Permit, Text, Unread, What, Wish, misplaced};
use crate::http::{Arrived, Mac, Method, Request, Response, base};
use crate::verdict::quoted;
use crate::{Reason, Refusal, Verdict, phone};

/// A gateway, as it is described. Holds secrets: no `Debug`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Where it is told.
    pub url: String,
    /// `POST` unless said.
    #[serde(default)]
    pub method: Verb,
    /// What goes with every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as a form: each value a text with `{{to}}`, `{{text}}`, `{{message}}`, `{{digits}}`.
    pub form: Option<BTreeMap<String, String>>,
    /// The body as JSON, its texts likewise.
    pub json: Option<Value>,
    /// Which answer says that it took the message.
    pub success: Answer,
    /// Where in that answer the gateway's id stands, as a JSON pointer.
    pub id: Option<String>,
    /// What other answers mean, the first that fits; what none fits follows from its status.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// Whether a message told twice under the same `{{message}}` goes out once.
    #[serde(default)]
    pub repeatable: bool,
    /// How it reports; `None` of one that does not.
    pub reports: Option<Reports>,
}

/// How a request is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Verb {
    /// POST
    #[default]
    #[serde(rename = "POST")]
    Post,
    /// PUT
    #[serde(rename = "PUT")]
    Put,
}

/// An answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// One of these; any where none is named.
    #[serde(default)]
    pub status: Vec<u16>,
    /// And here, as a JSON pointer,
    pub at: Option<String>,
    /// stands one of these; something, where none is named.
    #[serde(default)]
    pub is: Vec<String>,
}

/// What an answer means that is none of success.
#[derive(Clone, Debug, Deserialize)]
pub struct Failure {
    /// One of these; any where none is named.
    #[serde(default)]
    pub status: Vec<u16>,
    /// And here, as a JSON pointer,
    pub at: Option<String>,
    /// stands one of these; something, where none is named.
    #[serde(default)]
    pub is: Vec<String>,
    /// What follows.
    pub then: Then,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The number is dead: suppressed.
    Dead,
    /// It can't be reached.
    Unreachable,
    /// Its owner has said no.
    Unsubscribed,
    /// What it says is refused.
    Content,
    /// Refused.
    Refused,
    /// Another time.
    Retry,
    /// Another time, and so for all messages.
    RetryLater,
}

/// How a gateway reports.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// Which header holds the signature: HMAC-SHA256 of the body.
    pub header: String,
    /// With which secret.
    pub secret: String,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before it in the header.
    #[serde(default)]
    pub prefix: String,
    /// Where our id stands, as a JSON pointer.
    pub message: Option<String>,
    /// Where the gateway's id stands.
    pub id: Option<String>,
    /// Where the state stands.
    pub status: String,
    /// Which states mean that it arrived.
    #[serde(default)]
    pub delivered: Vec<String>,
    /// Which that it failed for good.
    #[serde(default)]
    pub failed: Vec<String>,
    /// Which that it failed for good and the number is dead.
    #[serde(default)]
    pub dead: Vec<String>,
    /// Of what somebody says: where their number stands, and their words.
    pub from: Option<String>,
    /// Their words.
    pub text: Option<String>,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// 2a4f…
    #[default]
    Hex,
    /// Base64.
    Base64,
}

/// A gateway, ready to be spoken to.
pub struct Gateway {
    description: Description,
    mac: Option<Mac>,
}

/// What a text of a description may name.
const NAMES: [&str; 4] = ["{{to}}", "{{digits}}", "{{text}}", "{{message}}"];

impl Gateway {
    /// A gateway as it is described.
    ///
    /// # Errors
    /// A [`Refusal`] that says where and what: two bodies or none, a pointer that is none, a name that nobody knows, headers
    /// that can't be, a success that says nothing.
    pub fn new(mut description: Description) -> Result<Self, Refusal> {
        base("url", &description.url)?;
        let mut texts: Vec<&str> = Vec::new();
        match (&description.form, &description.json) {
            (Some(form), None) => texts.extend(form.values().map(String::as_str)),
            (None, Some(json)) => gather(json, &mut texts),
            _ => return Err(Refusal::new("gateway", "write `json:` or `form:`, one of them")),
        }
        let mut rests = texts
            .iter()
            .map(|text| NAMES.iter().fold((*text).to_owned(), |text, name| text.replace(name, "")));
        if rests.any(|rest| rest.contains("{{")) {
            return Err(Refusal::new("gateway", format!("a body speaks of {} only", NAMES.join(", "))));
        }
        if !["{{to}}", "{{digits}}"].iter().any(|name| texts.iter().any(|text| text.contains(name)))
            || !texts.iter().any(|text| text.contains("{{text}}"))
        {
            return Err(Refusal::new("gateway", "a body needs {{to}} or {{digits}}, and {{text}}"));
        }
        let named = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let headers = std::mem::take(&mut description.headers).into_iter();
        description.headers = headers.map(|(name, value)| (name.to_lowercase(), value)).collect();
        for (name, value) in &description.headers {
            if !named(name) || !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
                return Err(Refusal::new("headers", format!("`{name}` can't stand in a request")));
            }
        }
        if description.success.status.is_empty()
            || !description.success.status.iter().all(|status| (200..300).contains(status))
        {
            return Err(Refusal::new(
                "success",
                "write `status:` with the statuses of success, from 200 to 299",
            ));
        }
        let mut pointers: Vec<&Option<String>> = vec![&description.success.at, &description.id];
        pointers.extend(description.failures.iter().map(|failure| &failure.at));
        let status = description.reports.as_ref().map(|reports| Some(reports.status.clone()));
        if let Some(reports) = &description.reports {
            pointers.extend([&reports.message, &reports.id, &reports.from, &reports.text]);
            if reports.message.is_none() && reports.id.is_none() {
                return Err(Refusal::new(
                    "reports",
                    "write where the message's id stands: `message:` or `id:`",
                ));
            }
            if reports.secret.is_empty() {
                return Err(Refusal::new("reports", "a report is signed; write its `secret:`"));
            }
        }
        pointers.extend(&status);
        if let Some(pointer) = pointers.into_iter().flatten().find(|pointer| !pointer.starts_with('/')) {
            return Err(Refusal::new("gateway", format!("`{pointer}` is no JSON pointer; write /result/id")));
        }
        let mac = description.reports.as_ref().map(|reports| Mac::sha256(reports.secret.as_bytes()));
        if let Some(reports) = &mut description.reports {
            reports.header = reports.header.to_lowercase();
        }
        Ok(Self { description, mac })
    }
}

/// Every text of a JSON.
fn gather<'j>(json: &'j Value, texts: &mut Vec<&'j str>) {
    match json {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(fields) => fields.values().for_each(|value| gather(value, texts)),
        _ => {}
    }
}

/// Fills in the names of a text, once: what is put in is not looked at again.
fn filled(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find("{{") {
        out.push_str(&rest[..start]);
        let known = values.iter().find(|(name, _)| rest[start..].starts_with(name));
        let (name, value) = known.map_or(("{{", "{{"), |(name, value)| (*name, *value));
        out.push_str(value);
        rest = &rest[start + name.len()..];
    }
    out + rest
}

fn filled_json(json: &Value, values: &[(&str, &str)]) -> Value {
    match json {
        Value::String(text) => filled(text, values).into(),
        Value::Array(items) => items.iter().map(|item| filled_json(item, values)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled_json(value, values))).collect()
        }
        plain => plain.clone(),
    }
}

/// A scalar at a pointer, as text.
fn text_at(json: &Value, pointer: Option<&String>) -> Option<String> {
    match json.pointer(pointer?)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn fits(answer: (&[u16], Option<&String>, &[String]), response: &Response, json: &Value) -> bool {
    let (status, at, is) = answer;
    (status.is_empty() || status.contains(&response.status))
        && (at.is_none() || text_at(json, at).is_some_and(|found| is.is_empty() || is.contains(&found)))
}

impl Codec for Gateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn request(&self, content: &Content, _permit: Option<&str>, _now: i64) -> Result<Request, Refusal> {
        let Content::Sms(Text { message, to, text }) = content else { return Err(misplaced()) };
        let (to, message) = (phone::checked("to", to)?, message.to_string());
        let values = [
            ("{{to}}", to.as_str()),
            ("{{digits}}", to.trim_start_matches('+')),
            ("{{text}}", checked(text)?),
            ("{{message}}", &message),
        ];
        let headers =
            self.description.headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let url = self.description.url.clone();
        let mut request = match (&self.description.json, &self.description.form) {
            (Some(json), _) => Request::json(url, headers, &filled_json(json, &values)),
            (None, form) => {
                let fields =
                    form.iter().flatten().map(|(name, pattern)| (name.as_str(), filled(pattern, &values)));
                let fields: Vec<(&str, String)> = fields.collect();
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                Request::form(url, headers, &fields)
            }
        };
        if self.description.method == Verb::Put {
            request.method = Method::Put;
        }
        Ok(request)
    }

    fn judge(&self, response: &Response) -> Verdict {
        let json = response.json().unwrap_or(Value::Null);
        let Description { success, failures, id, .. } = &self.description;
        let of =
            |failure: &Failure| fits((&failure.status, failure.at.as_ref(), &failure.is), response, &json);
        if fits((&success.status, success.at.as_ref(), &success.is), response, &json) {
            let provider_id = text_at(&json, id.as_ref());
            // Where an id is promised, its absence says that this is another answer.
            if id.is_none() || provider_id.is_some() {
                return Verdict::Accepted { provider_id };
            }
        }
        let Some(failure) = failures.iter().find(|failure| of(failure)) else { return response.verdict() };
        let words = response.words();
        let rejected = |reason, suppress| Verdict::Rejected { reason, detail: words.clone(), suppress };
        match failure.then {
            Then::Dead => rejected(Reason::NoSuchAddress, true),
            Then::Unreachable => rejected(Reason::Unreachable, false),
            Then::Unsubscribed => rejected(Reason::Unsubscribed, false),
            Then::Content => rejected(Reason::Content, false),
            Then::Refused => rejected(Reason::Refused, false),
            then => Verdict::Retry {
                after: response.retry_after(),
                reason: words,
                host: then == Then::RetryLater,
            },
        }
    }

    fn repeatable(&self) -> bool {
        self.description.repeatable
    }

    fn probe(&self) -> Option<Request> {
        // A description knows how a message is told, and nothing else.
        None
    }

    fn permit(&self, _now: i64) -> Result<Option<Request>, Refusal> {
        Ok(None)
    }

    fn permitted(&self, response: &Response) -> Result<Permit, Verdict> {
        Err(response.verdict())
    }

    fn greet(&self, _arrived: &Arrived<'_>) -> Option<String> {
        None
    }

    fn read(&self, arrived: &Arrived<'_>) -> Result<Vec<News>, Unread> {
        let (Some(reports), Some(mac)) = (&self.description.reports, &self.mac) else {
            return Err(Unread::Nothing);
        };
        let said = arrived.header(&reports.header).ok_or(Unread::Signature("there is none"))?;
        let said = said.trim().strip_prefix(&reports.prefix).unwrap_or_default();
        let tag = match reports.encoding {
            Encoding::Hex => HEXLOWER_PERMISSIVE.decode(said.as_bytes()).ok(),
            Encoding::Base64 => STANDARD.decode(said).ok(),
        };
        let tag = tag.ok_or(Unread::Signature("it is not written as described"))?;
        if !mac.holds(arrived.body, &tag) {
            return Err(Unread::Signature("it does not fit the body"));
        }
        let json: Value = serde_json::from_slice(arrived.body)
            .map_err(|error| Unread::Malformed(format!("no JSON at line {}", error.line())))?;
        let id = text_at(&json, reports.id.as_ref());
        let message = text_at(&json, reports.message.as_ref());
        let whose = id.clone().or(message.clone());
        let whose = whose.ok_or_else(|| Unread::Malformed("it names no message".to_owned()))?;
        if let (Some(from), Some(text)) =
            (text_at(&json, reports.from.as_ref()), text_at(&json, reports.text.as_ref()))
        {
            let wish = Wish::of(&text);
            let what = What::Said { from, text, wish };
            return Ok(vec![News { message: None, provider_id: None, key: whose, what }]);
        }
        let status = text_at(&json, Some(&reports.status));
        let status = status.ok_or_else(|| Unread::Malformed("it has no state".to_owned()))?;
        let failed = |reason, suppress| What::Failed {
            reason,
            code: status.clone(),
            detail: quoted(&status),
            suppress,
        };
        let what = match () {
            () if reports.delivered.contains(&status) => What::Delivered,
            () if reports.dead.contains(&status) => failed(Reason::NoSuchAddress, true),
            () if reports.failed.contains(&status) => failed(Reason::Refused, false),
            // What is on its way has not arrived, and nobody waits for it.
            () => return Ok(Vec::new()),
        };
        let message = message.and_then(|id| id.parse().ok());
        Ok(vec![News { message, provider_id: id, key: format!("{whose} {status}"), what }])
    }
}

#[cfg(test)]
mod tests;
