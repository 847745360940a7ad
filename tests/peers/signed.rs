//! Signatures against the providers' own libraries: what Twilio's makes is believed, what we make Standard Webhooks' believes.

use std::path::Path;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use journeyman_channels::codec::{Call, Codec, Content, Unread, What};
use journeyman_channels::http::{Arrived, Method};
use journeyman_channels::sms::twilio::{API, Account, Twilio};
use journeyman_channels::webhook::Webhook;
use journeyman_domain::MessageId;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::client;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const HOOK: &str = "https://hooks.shop.example/webhooks/twilio";

async fn said(what: &str, asked: &Value) -> Vec<Value> {
    let libraries = client::folder().join("python");
    assert!(
        libraries.join("twilio").exists(),
        "twilio is not in {0}: run `python3 -m pip install --target {0} -r tests/peers/requirements.txt`",
        libraries.display()
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/signed_check.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(what).env("PYTHONPATH", libraries).kill_on_drop(true);
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(asked.to_string().as_bytes()).await.expect("written");
    drop(stdin);
    let output = child.wait_with_output().await.expect("python3");
    assert!(output.status.success(), "{what}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn what_twilio_signs_is_believed() {
    let account = Account {
        account: "AC0123456789abcdef0123456789abcdef".to_owned(),
        token: "12345".to_owned(),
        key: None,
        from: "Shop".to_owned(),
        base_url: API.to_owned(),
        reports: Some(HOOK.to_owned()),
    };
    let twilio = Twilio::new(account).expect("an account");
    let message = "msg_00000000000000000000000000000007";
    let cases = json!([
        { "url": format!("{HOOK}?message={message}"), "fields": { "MessageSid": "SM1", "MessageStatus": "delivered" } },
        { "url": HOOK, "fields": { "MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003", "To": "+4915112345678" } },
        { "url": HOOK, "fields": { "MessageSid": "SM2", "SmsStatus": "received", "From": "+4915112345678", "Body": "Grüße & 5 € + 🛒\nSTOP=no" } },
        { "url": format!("{HOOK}?b=2&a=%20x"), "fields": { "MessageSid": "SM2", "SmsStatus": "received", "From": "+4915112345678", "Body": "" } },
    ]);
    let tags = said("twilio", &json!({ "token": "12345", "cases": cases })).await;
    for (case, tag) in cases.as_array().expect("cases").iter().zip(&tags) {
        let fields = case["fields"].as_object().expect("fields").iter();
        let fields: Vec<(&str, &str)> =
            fields.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
        let body = reqwest::Url::parse_with_params("http://x/", &fields)
            .expect("a form")
            .query()
            .expect("fields")
            .to_owned();
        let headers = [("x-twilio-signature".to_owned(), tag.as_str().expect("a signature").to_owned())];
        let url = case["url"].as_str().expect("an address");
        let arrived = |url| {
            twilio.read(&Arrived {
                method: Method::Post,
                url,
                headers: &headers,
                body: body.as_bytes(),
                now: 0,
            })
        };
        let news = arrived(url).unwrap_or_else(|unread| panic!("{case}: {unread}"));
        let known = case["fields"]["Body"].as_str();
        assert!(
            known.is_none_or(|body| matches!(&news[0].what, What::Said { text, .. } if text == body)),
            "{news:?}"
        );
        assert!(matches!(arrived("https://elsewhere.example/webhooks/twilio"), Err(Unread::Signature(_))));
    }
}

#[tokio::test]
async fn what_we_sign_standard_webhooks_believe() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() as i64;
    let other = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned();
    let webhook = Webhook::new("https://shop.example/hook", &[other, SECRET.to_owned()]).expect("a receiver");
    let call = |body: &str, now: i64| {
        let message: MessageId = "msg_00000000000000000000000000000007".parse().expect("an id");
        let content = Content::Webhook(Call { message, body: body.to_owned() });
        let request = webhook.request(&content, None, now).expect("a request");
        let headers: serde_json::Map<String, Value> =
            request.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        json!({ "headers": headers, "body": String::from_utf8(request.body).expect("text") })
    };
    let body = r#"{"type":"signed.up","data":{"name":"Grüße, 🛒"}}"#;
    let mut changed = call(body, now);
    changed["body"] = body.replace("signed", "singed").into();
    let calls = json!([call(body, now), changed, call(body, now - 3600)]);
    let said = said("webhooks", &json!({ "secret": SECRET, "calls": calls })).await;
    assert_eq!(said[0]["says"]["data"]["name"], "Grüße, 🛒");
    assert!(said[1]["refused"].is_string() && said[2]["refused"].is_string(), "{said:?}");
}
