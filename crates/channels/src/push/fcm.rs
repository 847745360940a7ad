//! Firebase Cloud Messaging, HTTP v1: <https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages>.
//!
//! Leave to speak is a token that Google gives for an assertion signed with the service account's key (RFC 7523). Each
//! notification carries our id as its tag, so that one told twice takes the place of the first on the device: what nobody
//! knows of may be told again.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use journeyman_domain::plan::Channel;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::codec::{Codec, Content, News, Notification, Permit, Unread, misplaced};
use crate::errors::{self, Rule};
use crate::http::{Arrived, Request, Response, base};
use crate::verdict::quoted;
use crate::{Reason, Refusal, Verdict};

pub(crate) const ERRORS: &str = include_str!("../../data/fcm_errors.yaml");
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| errors::read(ERRORS));
/// Where its API is.
pub const API: &str = "https://fcm.googleapis.com";
/// What a token is asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// How long an assertion holds, seconds: the most that Google takes.
const ASSERTION_SECONDS: i64 = 3600;
/// How long a token is, at most.
const TOKEN_BYTES: usize = 4096;
/// The largest message, bytes of what it says.
const PAYLOAD_BYTES: usize = 4096;

/// The file of a service account, as Google gives it out.
#[derive(Deserialize)]
struct File {
    project_id: String,
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    token_uri: String,
}

/// A project, ready to be spoken to. Holds a secret: no `Debug`.
pub struct Fcm {
    file: File,
    key: RsaKeyPair,
    url: String,
}

impl Fcm {
    /// A project by the JSON of its service account. `base_url`: [`API`], but for a test.
    ///
    /// # Errors
    /// A [`Refusal`] of a file that is none, or whose key is none.
    pub fn new(service_account: &str, base_url: &str) -> Result<Self, Refusal> {
        let refused = |detail: &str| Refusal::new("service_account", detail);
        let file: File = serde_json::from_str(service_account).map_err(|_| {
            refused("not the JSON of a service account: project_id, client_email, private_key, token_uri")
        })?;
        let key = match PrivateKeyDer::from_pem_slice(file.private_key.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(refused("its private_key is no key in PEM")),
        };
        let key = key.map_err(|_| refused("its private_key is no RSA key of 2048 to 4096 bits"))?;
        let named =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !named(&file.project_id) {
            return Err(refused("its project_id is no name of a project"));
        }
        base("service_account", &file.token_uri)?;
        let url = format!("{}/v1/projects/{}/messages:send", base("base_url", base_url)?, file.project_id);
        Ok(Self { file, key, url })
    }

    fn assertion(&self, now: i64) -> Result<String, Refusal> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.file.private_key_id });
        let claims = json!({
            "iss": self.file.client_email,
            "scope": SCOPE,
            "aud": self.file.token_uri,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        // Padding of PKCS #1 v1.5 has no chance in it.
        let done = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        done.map_err(|_| Refusal::new("service_account", "its private_key did not sign"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A token as a device gives it.
fn token(to: &str) -> Result<&str, Refusal> {
    let fits = (1..=TOKEN_BYTES).contains(&to.len()) && to.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(to) } else { Err(Refusal::new("to", "is no token of a device")) }
}

fn body(push: &Notification) -> Result<Value, Refusal> {
    let to = token(push.to.trim())?;
    let id = push.message.to_string();
    if push.body.trim().is_empty() {
        return Err(Refusal::new("body", "a notification says something"));
    }
    let said = push.body.len()
        + push.title.as_ref().map_or(0, String::len)
        + push.url.as_ref().map_or(0, String::len);
    if said > PAYLOAD_BYTES - 512 {
        return Err(Refusal::new("body", "a notification has some 3,500 bytes at most"));
    }
    let mut notification = json!({ "body": push.body });
    if let Some(title) = &push.title {
        notification["title"] = title.as_str().into();
    }
    // Our id, by which the app reports that it was opened, and which makes one told twice one on the screen.
    let mut message = json!({
        "token": to,
        "notification": notification,
        "data": { "message_id": id },
        "android": { "notification": { "tag": id } },
        "apns": { "headers": { "apns-collapse-id": id } },
        "webpush": { "notification": { "tag": id } },
    });
    if let Some(url) = &push.url {
        message["data"]["url"] = url.as_str().into();
        // A browser follows nothing else.
        if url.starts_with("https://") {
            message["webpush"]["fcm_options"] = json!({ "link": url });
        }
    }
    Ok(json!({ "message": message }))
}

impl Codec for Fcm {
    fn name(&self) -> &'static str {
        "fcm"
    }

    fn channel(&self) -> Channel {
        Channel::Push
    }

    fn request(&self, content: &Content, permit: Option<&str>, _now: i64) -> Result<Request, Refusal> {
        let Content::Push(push) = content else { return Err(misplaced()) };
        let bearer = format!("Bearer {}", permit.unwrap_or_default());
        Ok(Request::json(self.url.clone(), vec![("authorization", bearer)], &body(push)?))
    }

    fn judge(&self, response: &Response) -> Verdict {
        let json = response.json().unwrap_or(Value::Null);
        if response.is_fine() {
            let name = json["name"].as_str().filter(|name| name.starts_with("projects/"));
            return match name {
                Some(name) => Verdict::Accepted { provider_id: Some(name.to_owned()) },
                None => Verdict::Unknown { reason: response.words() },
            };
        }
        let error = &json["error"];
        let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let own = details.iter().find_map(|detail| detail["errorCode"].as_str());
        let said = quoted(&format!("{} {}", response.status, error["message"].as_str().unwrap_or_default()));
        let mut fields = details.iter().filter_map(|detail| detail["fieldViolations"].as_array()).flatten();
        let of_token = fields.any(|field| field["field"] == "message.token");
        // Firebase has one code for a bad field; of a bad token it says so.
        if own == Some("INVALID_ARGUMENT") && (of_token || said.contains("registration token")) {
            return Verdict::Rejected { reason: Reason::NoSuchAddress, detail: said, suppress: true };
        }
        let code = own.or(error["status"].as_str());
        code.and_then(|code| errors::verdict(&RULES, code, format!("{code}: {said}"), response.retry_after()))
            .unwrap_or_else(|| response.verdict())
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn probe(&self) -> Option<Request> {
        // Its leave to speak shows it.
        None
    }

    fn permit(&self, now: i64) -> Result<Option<Request>, Refusal> {
        let assertion = self.assertion(now)?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.as_str()),
        ];
        Ok(Some(Request::form(self.file.token_uri.clone(), Vec::new(), &fields)))
    }

    fn permitted(&self, response: &Response) -> Result<Permit, Verdict> {
        let json = response.json().unwrap_or(Value::Null);
        match (response.status, json["access_token"].as_str(), json["expires_in"].as_u64()) {
            (200, Some(token), Some(seconds)) if !token.is_empty() => {
                Ok(Permit { token: token.to_owned(), lasts: Duration::from_secs(seconds.min(24 * 3600)) })
            }
            // Nothing of the message has left; the account is what is wrong.
            _ => {
                let said = quoted(json["error"].as_str().unwrap_or("no access_token"));
                let reason = format!("the service account got no token: {} {said}", response.status);
                Err(Verdict::Retry { after: response.retry_after(), reason, host: true })
            }
        }
    }

    fn greet(&self, _arrived: &Arrived<'_>) -> Option<String> {
        None
    }

    fn read(&self, _arrived: &Arrived<'_>) -> Result<Vec<News>, Unread> {
        Err(Unread::Nothing)
    }
}

#[cfg(test)]
mod tests;
