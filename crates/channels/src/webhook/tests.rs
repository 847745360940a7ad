use journeyman_domain::MessageId;
use uuid::Uuid;

use super::*;
use crate::codec::Call;
use crate::conformance::{Conformance, NOW, hold, response, told};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn content() -> Content {
    let body = r#"{"type":"cart.left","timestamp":"2026-01-05T10:00:00Z","data":{"cart_id":"c"}}"#;
    Content::Webhook(Call { message: MessageId(Uuid::from_u128(7)), body: body.to_owned() })
}

#[test]
fn standard_webhooks_conform() {
    let webhook = Webhook::new("https://shop.example/hooks", &[SECRET.to_owned()]).unwrap();
    hold(&Conformance {
        codec: &webhook,
        content: content(),
        permit: None,
        request: "POST https://shop.example/hooks\ncontent-type: application/json\n\
                  webhook-id: msg_00000000000000000000000000000007\nwebhook-timestamp: 1767607200\n\
                  webhook-signature: v1,SIGNATURE\n\n\
                  {\"type\":\"cart.left\",\"timestamp\":\"2026-01-05T10:00:00Z\",\"data\":{\"cart_id\":\"c\"}}"
            .replace("SIGNATURE", &signature(NOW))
            .as_str(),
        answers: &[
            (200, &[], "", "accepted -"),
            (204, &[], "", "accepted -"),
            (202, &[], "<html>", "accepted -"),
            (410, &[], "", "rejected refused"),
            (400, &[], "", "retry"),
            (301, &[("location", "https://elsewhere")], "", "retry"),
            (429, &[("retry-after", "7")], "", "retry 7s host"),
            (500, &[], "", "retry host"),
        ],
        status_is_enough: true,
        reports: Vec::new(),
    });
    assert_eq!(told(&crate::codec::settled(&webhook, Verdict::Unknown { reason: String::new() })), "retry");
    assert_eq!(told(&webhook.judge(&response(503, &[], ""))), "retry host");
}

/// Made another way than the codec makes it.
fn signature(at: i64) -> String {
    let Content::Webhook(call) = content() else { return String::new() };
    let key = data_encoding::BASE64.decode(SECRET.trim_start_matches("whsec_").as_bytes()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let mut context = ring::hmac::Context::with_key(&key);
    for part in [call.message.to_string(), ".".to_owned(), at.to_string(), ".".to_owned(), call.body] {
        context.update(part.as_bytes());
    }
    data_encoding::BASE64.encode(context.sign().as_ref())
}

#[test]
fn each_attempt_is_signed_anew_and_with_every_secret() {
    let other = format!("whsec_{}", STANDARD.encode([7; 32]));
    let webhook = Webhook::new("https://shop.example/hooks", &[SECRET.to_owned(), other]).unwrap();
    let header = |at: i64| {
        let request = webhook.request(&content(), None, at).unwrap();
        request.headers.iter().find(|(name, _)| name == "webhook-signature").unwrap().1.clone()
    };
    let (first, later) = (header(NOW), header(NOW + 60));
    assert_eq!(first.split(' ').count(), 2);
    assert!(first != later && first.starts_with(&format!("v1,{}", signature(NOW))));
    assert!(later.starts_with(&format!("v1,{}", signature(NOW + 60))));
}

#[test]
fn what_can_not_be_is_refused() {
    let secret = |text: &str| vec![text.to_owned()];
    for (url, secrets) in [
        ("shop.example", secret(SECRET)),
        ("https://shop.example", Vec::new()),
        ("https://shop.example", secret("plain")),
        ("https://shop.example", secret("whsec_c2hvcnQ=")),
        ("https://shop.example", secret("whsec_***")),
    ] {
        assert!(Webhook::new(url, &secrets).is_err(), "{url} {secrets:?}");
    }
    let webhook = Webhook::new("https://shop.example/hooks", &secret(SECRET)).unwrap();
    let long = Call { message: MessageId(Uuid::from_u128(7)), body: "a".repeat(BODY_BYTES + 1) };
    assert_eq!(webhook.request(&Content::Webhook(long), None, NOW).err().unwrap().field, "body");
}
