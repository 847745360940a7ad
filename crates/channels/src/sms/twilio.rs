//! Twilio's Programmable Messaging: <https://www.twilio.com/docs/messaging/api/message-resource>.
//!
//! Twilio takes no key that would make a message told twice one: what nobody knows of is not told again by itself. Our id
//! travels in the address that it reports to.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;
use serde_json::Value;

use super::checked;
use crate::codec::{Codec, Content, News, Permit, Unread, What, Wish, misplaced};
use crate::errors::{self, Rule};
use crate::http::{Arrived, Mac, Method, Request, Response, base};
use crate::verdict::quoted;
use crate::{Refusal, Verdict, phone};

pub(crate) const ERRORS: &str = include_str!("../../data/twilio_errors.yaml");
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| errors::read(ERRORS));
/// Where its API is.
pub const API: &str = "https://api.twilio.com";

/// What an account is reached with. Holds secrets: no `Debug`.
#[derive(Clone)]
pub struct Account {
    /// `AC…`
    pub account: String,
    /// Its auth token: it signs what Twilio tells us.
    pub token: String,
    /// An API key and its secret, where requests go with them and not with the token.
    pub key: Option<(String, String)>,
    /// A number, a short code or a name; or the id of a messaging service, `MG…`.
    pub from: String,
    /// [`API`], but for a test.
    pub base_url: String,
    /// Where Twilio reaches us, with the path: `https://hooks.shop.example/webhooks/twilio`. `None` asks for no reports.
    pub reports: Option<String>,
}

/// An account, ready to be spoken to.
pub struct Twilio {
    account: Account,
    url: String,
    authorization: String,
    mac: Mac,
}

impl Twilio {
    /// An account as a configuration has it.
    ///
    /// # Errors
    /// A [`Refusal`] of what can't be: an id that is none, a sender that is none.
    pub fn new(mut account: Account) -> Result<Self, Refusal> {
        let id = account.account.strip_prefix("AC").unwrap_or("");
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Refusal::new("account", "the account's id is AC and 32 letters and digits"));
        }
        if account.token.is_empty() {
            return Err(Refusal::new("token", "is empty"));
        }
        account.base_url = base("base_url", &account.base_url)?;
        let from = &account.from;
        let plain = (1..=64).contains(&from.chars().count()) && !from.chars().any(char::is_control);
        if from.starts_with('+') {
            account.from = phone::checked("from", from)?;
        } else if !plain {
            return Err(Refusal::new("from", "write a number, a name, or the id of a messaging service"));
        }
        let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", account.base_url, account.account);
        let (user, password) =
            account.key.clone().unwrap_or_else(|| (account.account.clone(), account.token.clone()));
        let authorization = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let mac = Mac::sha1(account.token.as_bytes());
        Ok(Self { account, url, authorization, mac })
    }

    /// What Twilio signs: the address it was told, and the fields in the order of their names.
    fn signed(arrived: &Arrived<'_>, fields: &[(String, String)]) -> String {
        let mut fields: Vec<&(String, String)> = fields.iter().collect();
        fields.sort();
        // The same field said twice is signed once.
        fields.dedup();
        fields.iter().fold(arrived.url.to_owned(), |signed, (name, value)| signed + name + value)
    }
}

impl Codec for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn request(&self, content: &Content, _permit: Option<&str>, _now: i64) -> Result<Request, Refusal> {
        let Content::Sms(sms) = content else { return Err(misplaced()) };
        let to = phone::checked("to", &sms.to)?;
        let from = if self.account.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let mut fields = vec![("To", to.as_str()), (from, &self.account.from), ("Body", checked(&sms.text)?)];
        let reports = self.account.reports.as_ref().map(|url| format!("{url}?message={}", sms.message));
        fields.extend(reports.as_deref().map(|url| ("StatusCallback", url)));
        Ok(Request::form(self.url.clone(), vec![("authorization", self.authorization.clone())], &fields))
    }

    fn judge(&self, response: &Response) -> Verdict {
        let json = response.json().unwrap_or(Value::Null);
        if response.is_fine() {
            // It is taken where it has a name and one of the states on the way out.
            let on_its_way = ["accepted", "scheduled", "queued", "sending", "sent", "delivered"];
            let taken = json["status"].as_str().is_some_and(|status| on_its_way.contains(&status));
            if let (true, Some(sid)) = (taken, json["sid"].as_str().filter(|sid| !sid.is_empty())) {
                return Verdict::Accepted { provider_id: Some(sid.to_owned()) };
            }
            let code = json["error_code"].as_u64().map(|code| code.to_string());
            let failed = matches!(json["status"].as_str(), Some("failed" | "undelivered" | "canceled"));
            if let (true, Some(code)) = (failed, code) {
                let (reason, suppress) = errors::failure(&RULES, &code);
                return Verdict::Rejected { reason, detail: response.words(), suppress };
            }
            return Verdict::Unknown { reason: response.words() };
        }
        let code = json["code"].as_u64().map(|code| code.to_string());
        let words = quoted(&format!("{} {}", response.status, json["message"].as_str().unwrap_or_default()));
        code.and_then(|code| {
            errors::verdict(&RULES, &code, format!("{code}: {words}"), response.retry_after())
        })
        .unwrap_or_else(|| response.verdict())
    }

    fn repeatable(&self) -> bool {
        false
    }

    fn probe(&self) -> Option<Request> {
        // Of the account's own messages: also a key that may do little else may look at those.
        let url = format!("{}?PageSize=1", self.url);
        Some(Request::get(url, vec![("authorization", self.authorization.clone())]))
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
        let said = arrived.header("x-twilio-signature").ok_or(Unread::Signature("there is none"))?;
        let tag = STANDARD.decode(said.trim()).map_err(|_| Unread::Signature("it is no base64"))?;
        // A form's fields have to be taken apart to be checked; nothing is believed of them before.
        let fields = if arrived.method == Method::Post { arrived.form() } else { Vec::new() };
        if !self.mac.holds(Self::signed(arrived, &fields).as_bytes(), &tag) {
            return Err(Unread::Signature("it does not fit the address and the fields"));
        }
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let sid = field("MessageSid").or(field("SmsSid"));
        let sid = sid.ok_or_else(|| Unread::Malformed("it has no MessageSid".to_owned()))?.to_owned();
        let news = |key: String, what: What| {
            let message: Option<MessageId> = arrived.query("message").and_then(|id| id.parse().ok());
            vec![News { message, provider_id: Some(sid.clone()), key, what }]
        };
        if let (Some(from), Some("received") | None) =
            (field("From"), field("MessageStatus").or(field("SmsStatus")))
        {
            let text = field("Body").unwrap_or_default().to_owned();
            // What Twilio itself has understood goes before the words.
            let wish = match field("OptOutType") {
                Some("STOP") => Some(Wish::Stop),
                Some("START") => Some(Wish::Start),
                Some("HELP") => Some(Wish::Help),
                _ => Wish::of(&text),
            };
            let what = What::Said { from: from.to_owned(), text, wish };
            return Ok(vec![News { message: None, provider_id: None, key: sid, what }]);
        }
        let status = field("MessageStatus").or(field("SmsStatus")).unwrap_or_default();
        let what = match status {
            "sent" => What::Sent,
            "delivered" => What::Delivered,
            "read" => What::Opened,
            "failed" | "undelivered" | "canceled" => {
                let code = field("ErrorCode").unwrap_or("0").to_owned();
                let (reason, suppress) = errors::failure(&RULES, &code);
                let detail = quoted(field("ErrorMessage").unwrap_or(status));
                What::Failed { reason, code, detail, suppress }
            }
            "accepted" | "scheduled" | "queued" | "sending" | "receiving" => return Ok(Vec::new()),
            _ => return Err(Unread::Malformed("its MessageStatus is none that is known".to_owned())),
        };
        Ok(news(format!("{sid} {status}"), what))
    }
}

#[cfg(test)]
mod tests;
