//! Calls to the shop's own systems, signed as Standard Webhooks has it: <https://www.standardwebhooks.com>.
//!
//! The id is the message's and the same at every attempt, so that a receiver knows what it has seen; the moment and with it
//! the signature are each attempt's own, since receivers refuse what is older than some minutes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;

use crate::codec::{Codec, Content, News, Permit, Unread, misplaced};
use crate::http::{Arrived, Mac, Method, Request, Response, base};
use crate::{Reason, Refusal, Verdict};

/// The most that a body has, bytes.
const BODY_BYTES: usize = 64 * 1024;

/// A receiver. Holds a secret: no `Debug`.
pub struct Webhook {
    url: String,
    signer: Signer,
}

/// What signs a call. Holds secrets: no `Debug`.
pub struct Signer(Vec<Mac>);

impl Signer {
    /// `secrets`: `whsec_…` each, base64 of 24 to 64 bytes; with several, each signs, so that one can take another's place.
    ///
    /// # Errors
    /// A [`Refusal`] of a secret that is none, and where there is none.
    pub fn new(secrets: &[String]) -> Result<Self, Refusal> {
        let mac = |secret: &String| {
            let refused = || Refusal::new("secret", "write whsec_ and base64 of 24 to 64 bytes");
            let secret = secret.strip_prefix("whsec_").ok_or_else(refused)?;
            let bytes = STANDARD.decode(secret).map_err(|_| refused())?;
            if (24..=64).contains(&bytes.len()) { Ok(Mac::sha256(&bytes)) } else { Err(refused()) }
        };
        let macs: Vec<Mac> = secrets.iter().map(mac).collect::<Result<_, _>>()?;
        if macs.is_empty() {
            return Err(Refusal::new(
                "secret",
                "a call is signed: write whsec_ and base64 of 24 to 64 bytes",
            ));
        }
        Ok(Self(macs))
    }

    /// The three headers of the standard. `now`: seconds since 1970.
    pub fn headers(&self, message: MessageId, now: i64, body: &str) -> [(String, String); 3] {
        let id = message.to_string();
        let signed = format!("{id}.{now}.{body}");
        let signatures: Vec<String> =
            self.0.iter().map(|mac| format!("v1,{}", STANDARD.encode(mac.sign(signed.as_bytes())))).collect();
        [
            ("webhook-id".to_owned(), id),
            ("webhook-timestamp".to_owned(), now.to_string()),
            ("webhook-signature".to_owned(), signatures.join(" ")),
        ]
    }
}

impl Webhook {
    /// A receiver at `url`. `secrets`: `whsec_…` each, base64 of 24 to 64 bytes; with several, each signs, so that one can
    /// take another's place.
    ///
    /// # Errors
    /// A [`Refusal`] of an address or secret that is none.
    pub fn new(url: &str, secrets: &[String]) -> Result<Self, Refusal> {
        base("url", url)?;
        let signer = Signer::new(secrets)?;
        Ok(Self { url: url.trim().to_owned(), signer })
    }
}

impl Codec for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn channel(&self) -> Channel {
        Channel::Webhook
    }

    fn request(&self, content: &Content, _permit: Option<&str>, now: i64) -> Result<Request, Refusal> {
        let Content::Webhook(call) = content else { return Err(misplaced()) };
        if call.body.len() > BODY_BYTES {
            return Err(Refusal::new("body", "a call has 64 KiB at most"));
        }
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(self.signer.headers(call.message, now, &call.body));
        Ok(Request {
            method: Method::Post,
            url: self.url.clone(),
            headers,
            body: call.body.clone().into_bytes(),
        })
    }

    fn judge(&self, response: &Response) -> Verdict {
        match response.status {
            // The standard has no other word for success, and takes any body.
            200..=299 => Verdict::Accepted { provider_id: None },
            410 => Verdict::Rejected { reason: Reason::Refused, detail: response.words(), suppress: false },
            // The standard tells everything again that was not taken. What a receiver says of one body is not its host's fault.
            status => {
                let host = status >= 500 || matches!(status, 401 | 403 | 404 | 429);
                Verdict::Retry { after: response.retry_after(), reason: response.words(), host }
            }
        }
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn probe(&self) -> Option<Request> {
        // The standard has no call that means nothing.
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

    fn read(&self, _arrived: &Arrived<'_>) -> Result<Vec<News>, Unread> {
        Err(Unread::Nothing)
    }
}

#[cfg(test)]
mod tests;
