//! WhatsApp's Cloud API: <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>.
//!
//! A business speaks by templates that Meta has approved; within 24 h of a person's last message it may use words of its
//! own. Our id travels as `biz_opaque_callback_data` and comes back with every status.

use std::sync::LazyLock;

use data_encoding::HEXLOWER_PERMISSIVE;
use journeyman_domain::plan::Channel;
use serde_json::{Value, json};

use crate::codec::{Button, Codec, Content, News, Permit, Unread, What, Whatsapp, Wish, misplaced};
use crate::errors::{self, Rule};
use crate::http::{Arrived, Mac, Method, Request, Response, base};
use crate::verdict::quoted;
use crate::{Refusal, Verdict, phone};

pub(crate) const ERRORS: &str = include_str!("../data/whatsapp_errors.yaml");
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| errors::read(ERRORS));
/// Where its API is.
pub const API: &str = "https://graph.facebook.com";
/// The version of it that is spoken unless said.
pub const VERSION: &str = "v23.0";
/// The longest text, characters.
const TEXT_LETTERS: usize = 4096;
/// The most buttons of a template.
const BUTTONS: usize = 10;

/// What a number is reached with. Holds secrets: no `Debug`.
#[derive(Clone)]
pub struct Account {
    /// The id of the business's number, digits.
    pub phone_number_id: String,
    /// The access token.
    pub token: String,
    /// The app's secret: it signs what Meta tells us. `None` believes nothing.
    pub app_secret: Option<String>,
    /// The word that Meta says when the webhook is set up.
    pub verify_token: Option<String>,
    /// [`VERSION`] unless said.
    pub version: String,
    /// [`API`], but for a test.
    pub base_url: String,
}

/// A number, ready to be spoken by.
pub struct Cloud {
    account: Account,
    url: String,
    mac: Option<Mac>,
}

impl Cloud {
    /// A number as a configuration has it.
    ///
    /// # Errors
    /// A [`Refusal`] of what can't be.
    pub fn new(account: Account) -> Result<Self, Refusal> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(&account.phone_number_id) {
            return Err(Refusal::new(
                "phone_number_id",
                "is a number of digits: the id, not the number itself",
            ));
        }
        let version = account.version.strip_prefix('v').and_then(|version| version.split_once('.'));
        if !version.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
            return Err(Refusal::new("version", "write it as v23.0"));
        }
        if account.token.is_empty() {
            return Err(Refusal::new("token", "is empty"));
        }
        let base = base("base_url", &account.base_url)?;
        let url = format!("{base}/{}/{}/messages", account.version, account.phone_number_id);
        let mac = account.app_secret.as_ref().map(|secret| Mac::sha256(secret.as_bytes()));
        Ok(Self { account, url, mac })
    }
}

fn component(kind: &str, parameters: Vec<Value>) -> Value {
    json!({ "type": kind, "parameters": parameters })
}

fn text_parameter(text: &str) -> Result<Value, Refusal> {
    // Meta refuses a parameter with these; here it is known which message it was.
    if text.trim().is_empty() || text.chars().any(char::is_control) || text.contains("     ") {
        let detail = "a parameter says something, on one line, without five spaces in a row";
        return Err(Refusal::new("parameter", detail));
    }
    Ok(json!({ "type": "text", "text": text }))
}

fn template(said: &Whatsapp) -> Result<Value, Refusal> {
    let name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !name(&said.template) || !name(&said.language) {
        return Err(Refusal::new(
            "template",
            "a template and its language are names like cart_reminder and en_US",
        ));
    }
    let mut components = Vec::new();
    if let Some(header) = &said.header {
        components.push(component("header", vec![text_parameter(header)?]));
    }
    if !said.body.is_empty() {
        let parameters: Result<Vec<Value>, Refusal> =
            said.body.iter().map(|text| text_parameter(text)).collect();
        components.push(component("body", parameters?));
    }
    if said.buttons.len() > BUTTONS {
        return Err(Refusal::new("buttons", "a template has 10 buttons at most"));
    }
    for (nth, button) in said.buttons.iter().enumerate() {
        let (kind, parameter) = match button {
            Button::Url(end) => ("url", text_parameter(end)?),
            Button::Payload(payload) => ("quick_reply", json!({ "type": "payload", "payload": payload })),
        };
        let mut component = component("button", vec![parameter]);
        component["sub_type"] = kind.into();
        component["index"] = nth.to_string().into();
        components.push(component);
    }
    Ok(json!({ "name": said.template, "language": { "code": said.language }, "components": components }))
}

impl Codec for Cloud {
    fn name(&self) -> &'static str {
        "whatsapp"
    }

    fn channel(&self) -> Channel {
        Channel::Whatsapp
    }

    fn request(&self, content: &Content, _permit: Option<&str>, _now: i64) -> Result<Request, Refusal> {
        let Content::Whatsapp(said) = content else { return Err(misplaced()) };
        let to = phone::checked("to", &said.to)?;
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to.trim_start_matches('+'),
            "biz_opaque_callback_data": said.message.to_string(),
        });
        match said.text.as_ref().filter(|_| said.in_session) {
            Some(text) => {
                if text.trim().is_empty() || text.chars().count() > TEXT_LETTERS {
                    return Err(Refusal::new("text", "a message has 1 to 4096 characters"));
                }
                body["type"] = "text".into();
                body["text"] = json!({ "preview_url": true, "body": text });
            }
            None => {
                body["type"] = "template".into();
                body["template"] = template(said)?;
            }
        }
        let bearer = format!("Bearer {}", self.account.token);
        Ok(Request::json(self.url.clone(), vec![("authorization", bearer)], &body))
    }

    fn judge(&self, response: &Response) -> Verdict {
        let json = response.json().unwrap_or(Value::Null);
        if response.is_fine() {
            let message = &json["messages"][0];
            let id = message["id"].as_str().filter(|id| !id.is_empty());
            // A template that is paused is taken, and goes nowhere.
            let paused = message["message_status"] == "paused";
            return match id {
                Some(id) if !paused => Verdict::Accepted { provider_id: Some(id.to_owned()) },
                Some(_) => Verdict::Rejected {
                    reason: crate::Reason::Content,
                    detail: "the template is paused".to_owned(),
                    suppress: false,
                },
                None => Verdict::Unknown { reason: response.words() },
            };
        }
        let error = &json["error"];
        let details =
            error["error_data"]["details"].as_str().or(error["message"].as_str()).unwrap_or_default();
        let words = quoted(&format!("{} {details}", response.status));
        let code = error["code"].as_u64().map(|code| code.to_string());
        code.and_then(|code| {
            errors::verdict(&RULES, &code, format!("{code}: {words}"), response.retry_after())
        })
        .unwrap_or_else(|| response.verdict())
    }

    fn repeatable(&self) -> bool {
        false
    }

    fn probe(&self) -> Option<Request> {
        // Of the number itself: <https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account-to-number-current-status>.
        let url = self.url.strip_suffix("/messages").unwrap_or(&self.url);
        let bearer = format!("Bearer {}", self.account.token);
        Some(Request::get(format!("{url}?fields=id"), vec![("authorization", bearer)]))
    }

    fn permit(&self, _now: i64) -> Result<Option<Request>, Refusal> {
        Ok(None)
    }

    fn permitted(&self, response: &Response) -> Result<Permit, Verdict> {
        Err(response.verdict())
    }

    fn greet(&self, arrived: &Arrived<'_>) -> Option<String> {
        let known = self.account.verify_token.as_ref()?;
        let asks = arrived.method == Method::Get && arrived.query("hub.mode").as_deref() == Some("subscribe");
        let token = arrived.query("hub.verify_token")?;
        // Compared by what is made of them, so that it takes as long whatever is said.
        let mac = Mac::sha256(b"hub.verify_token");
        let same = mac.holds(token.as_bytes(), &mac.sign(known.as_bytes()));
        arrived.query("hub.challenge").filter(|_| asks && same)
    }

    fn read(&self, arrived: &Arrived<'_>) -> Result<Vec<News>, Unread> {
        let mac = self.mac.as_ref().ok_or(Unread::Signature("no app_secret is known here"))?;
        let said = arrived.header("x-hub-signature-256").ok_or(Unread::Signature("there is none"))?;
        let tag = said.trim().strip_prefix("sha256=").map(|tag| HEXLOWER_PERMISSIVE.decode(tag.as_bytes()));
        let Some(Ok(tag)) = tag else { return Err(Unread::Signature("it is not sha256= and hexadecimal")) };
        if !mac.holds(arrived.body, &tag) {
            return Err(Unread::Signature("it does not fit the body"));
        }
        let json: Value = serde_json::from_slice(arrived.body)
            .map_err(|error| Unread::Malformed(format!("no JSON at line {}", error.line())))?;
        let list = |json: &Value, name: &str| json[name].as_array().cloned().unwrap_or_default();
        if json["object"] != "whatsapp_business_account" {
            return Err(Unread::Malformed("its object is not whatsapp_business_account".to_owned()));
        }
        let mut news = Vec::new();
        for change in list(&json, "entry").iter().flat_map(|entry| list(entry, "changes")) {
            let value = &change["value"];
            news.extend(list(value, "statuses").iter().filter_map(status));
            news.extend(list(value, "messages").iter().filter_map(reply));
        }
        Ok(news)
    }
}

fn status(status: &Value) -> Option<News> {
    let id = status["id"].as_str()?;
    let word = status["status"].as_str()?;
    let what = match word {
        "sent" => What::Sent,
        "delivered" => What::Delivered,
        "read" | "played" => What::Opened,
        "failed" => {
            let error = &status["errors"][0];
            let code = error["code"].as_u64().map_or_else(|| "0".to_owned(), |code| code.to_string());
            let (reason, suppress) = errors::failure(&RULES, &code);
            let said = error["error_data"]["details"].as_str().or(error["title"].as_str());
            What::Failed { reason, code, detail: quoted(said.unwrap_or("failed")), suppress }
        }
        // `deleted`, `warning` and what is to come say nothing that anybody waits for.
        _ => return None,
    };
    let message = status["biz_opaque_callback_data"].as_str().and_then(|id| id.parse().ok());
    Some(News { message, provider_id: Some(id.to_owned()), key: format!("{id} {word}"), what })
}

fn reply(message: &Value) -> Option<News> {
    let (id, from) = (message["id"].as_str()?, message["from"].as_str()?);
    let interactive = &message["interactive"];
    let text = [
        &message["text"]["body"],
        &message["button"]["text"],
        &interactive["button_reply"]["title"],
        &interactive["list_reply"]["title"],
    ];
    let text = text.into_iter().find_map(Value::as_str).unwrap_or_default();
    let payload = message["button"]["payload"].as_str().or(interactive["button_reply"]["id"].as_str());
    let wish = Wish::of(text).or_else(|| payload.and_then(Wish::of));
    Some(News {
        message: None,
        provider_id: message["context"]["id"].as_str().map(str::to_owned),
        key: id.to_owned(),
        what: What::Said { from: format!("+{from}"), text: text.to_owned(), wish },
    })
}

#[cfg(test)]
mod tests;
