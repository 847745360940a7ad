//! `call`: a step's question to the shop's own systems, signed as [Standard Webhooks](https://www.standardwebhooks.com) has it where
//! the step names a secret, and what its answer means.

use std::time::Duration;

pub use journeyman_domain::MessageId;
use journeyman_domain::call::ANSWER_BYTES;
pub use journeyman_domain::call::Asked;

use crate::http::{Request, Response};
use crate::webhook::Signer;
use crate::{Reason, Verdict};

/// How long one attempt may take at most.
pub const ATTEMPT: Duration = Duration::from_secs(30);

/// What is asked. The id is the same at every attempt; the moment, seconds since 1970, and with it the signature are each
/// attempt's own.
pub fn request(asked: &Asked, message: MessageId, signer: Option<&Signer>, now: i64) -> Request {
    let mut headers: Vec<(String, String)> =
        asked.headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    if !asked.body.is_empty() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    match signer {
        Some(signer) => headers.extend(signer.headers(message, now, &asked.body)),
        None => headers.push(("webhook-id".to_owned(), message.to_string())),
    }
    Request {
        method: asked.method,
        url: asked.url.to_string(),
        headers,
        body: asked.body.as_bytes().to_vec(),
    }
}

/// How long one attempt may take.
pub fn patience(asked: &Asked) -> Duration {
    ATTEMPT.min(Duration::from_millis(asked.within_ms))
}

/// The answer; or what became of the call.
///
/// # Errors
/// A [`Verdict`] that is no success. The receiver knows the call by its id, so that it may always be asked again.
pub fn judge(response: &Response) -> Result<String, Verdict> {
    let refused = |reason, detail| Err(Verdict::Rejected { reason, detail, suppress: false });
    match response.status {
        200..=299 if response.body.len() > ANSWER_BYTES => {
            refused(Reason::TooLarge, format!("the answer has more than {ANSWER_BYTES} bytes"))
        }
        200..=299 => Ok(String::from_utf8_lossy(&response.body).into_owned()),
        408 | 425 | 429 | 500..=599 => {
            let host = response.status >= 500 || response.status == 429;
            Err(Verdict::Retry { after: response.retry_after(), reason: response.words(), host })
        }
        _ => refused(Reason::Refused, response.words()),
    }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::call::Method;

    use super::*;

    fn asked() -> Asked {
        Asked {
            method: Method::Post,
            url: "https://billing.example/v1/links".into(),
            headers: vec![("x-shop".into(), "7".into())],
            body: r#"{"customer":"ada"}"#.into(),
            secret: Some("BILLING_KEY".into()),
            within_ms: 2_000,
            retry: 1,
        }
    }

    #[test]
    fn a_call_says_who_it_is_and_is_signed_where_there_is_a_secret() {
        let message: MessageId = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
        let signer = Signer::new(&[secret]).unwrap();
        let signed = request(&asked(), message, Some(&signer), 1_614_265_330);
        let names: Vec<&str> = signed.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-shop", "content-type", "webhook-id", "webhook-timestamp", "webhook-signature"]);
        let plain = request(&Asked { body: "".into(), ..asked() }, message, None, 0);
        let names: Vec<&str> = plain.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-shop", "webhook-id"]);
        assert_eq!(patience(&asked()), Duration::from_secs(2));
        assert_eq!(patience(&Asked { within_ms: 3_600_000, ..asked() }), ATTEMPT);
    }

    #[test]
    fn only_success_is_an_answer() {
        let response =
            |status, body: &str| Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        assert_eq!(judge(&response(200, "{}")).unwrap(), "{}");
        assert_eq!(judge(&response(204, "")).unwrap(), "");
        for status in [301, 400, 401, 404, 410, 422] {
            assert!(matches!(judge(&response(status, "")), Err(Verdict::Rejected { .. })), "{status}");
        }
        for status in [408, 429, 500, 503] {
            assert!(matches!(judge(&response(status, "")), Err(Verdict::Retry { .. })), "{status}");
        }
        assert!(judge(&response(200, &"x".repeat(ANSWER_BYTES))).is_ok());
        assert!(judge(&response(200, &"x".repeat(ANSWER_BYTES + 1))).is_err());
    }
}
