use journeyman_domain::MessageId;
use uuid::Uuid;

use super::*;
use crate::conformance::{Conformance, Report, hold, written};

const YAML: &str = r#"
url: https://sms.example/v1/send
headers: { Authorization: Bearer s3cret }
json: { to: "{{to}}", msg: [{ text: "{{text}}" }], ref: "{{message}}", unicode: true }
success: { status: [200, 202], at: /result/status, is: [queued] }
id: /result/id
failures:
  - { status: [400], at: /error/code, is: [bad_number], then: dead }
  - { status: [400], at: /error/code, is: ["77"], then: unsubscribed }
  - { at: /error/retry, is: ["true"], then: retry_later }
  - { status: [409], then: retry }
reports:
  header: X-Signature
  secret: hush
  prefix: "hmac "
  message: /ref
  id: /id
  status: /state
  delivered: [DELIVRD]
  failed: [UNDELIV]
  dead: [UNKNOWN_SUBSCRIBER]
  from: /from
  text: /text
"#;

fn gateway(yaml: &str) -> Result<Gateway, Refusal> {
    Gateway::new(serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}")))
}

fn content(text: &str) -> Content {
    let (message, to) = (MessageId(Uuid::from_u128(7)), "+49 151 12345678".to_owned());
    Content::Sms(Text { message, to, text: text.to_owned() })
}

fn report(body: &str, says: &'static str) -> Report {
    let tag = HEXLOWER_PERMISSIVE.encode(&Mac::sha256(b"hush").sign(body.as_bytes()));
    let headers = vec![("x-signature".to_owned(), format!("hmac {tag}"))];
    Report { url: "https://x/webhooks/gateway".to_owned(), headers, body: body.as_bytes().to_vec(), says }
}

#[test]
fn a_described_gateway_conforms() {
    let gateway = gateway(YAML).unwrap();
    hold(&Conformance {
        codec: &gateway,
        // What is put in is not looked at again.
        content: content("{{message}} \"quoted\""),
        permit: None,
        request: "POST https://sms.example/v1/send\ncontent-type: application/json\nauthorization: Bearer s3cret\n\n\
                  {\"to\":\"+4915112345678\",\"msg\":[{\"text\":\"{{message}} \\\"quoted\\\"\"}],\
                  \"ref\":\"msg_00000000000000000000000000000007\",\"unicode\":true}",
        answers: &[
            (200, &[], r#"{"result":{"status":"queued","id":"g-1"}}"#, "accepted g-1"),
            (202, &[], r#"{"result":{"status":"queued","id":17}}"#, "accepted 17"),
            (200, &[], r#"{"result":{"status":"dropped","id":"g-1"}}"#, "unknown"),
            (200, &[], r#"{"result":{"status":"queued"}}"#, "unknown"),
            (201, &[], r#"{"result":{"status":"queued","id":"g-1"}}"#, "unknown"),
            (400, &[], r#"{"error":{"code":"bad_number"}}"#, "rejected no_such_address dead"),
            (400, &[], r#"{"error":{"code":77}}"#, "rejected unsubscribed"),
            (400, &[], r#"{"error":{"code":"new"}}"#, "rejected refused"),
            (500, &[("retry-after", "9")], r#"{"error":{"retry":true}}"#, "retry 9s host"),
            (409, &[], "", "retry"),
            (500, &[], "", "unknown"),
        ],
        status_is_enough: false,
        reports: vec![
            report(
                r#"{"id":"g-1","ref":"msg_00000000000000000000000000000007","state":"DELIVRD"}"#,
                "msg_00000000000000000000000000000007 g-1 delivered",
            ),
            report(r#"{"id":"g-1","state":"UNDELIV"}"#, "- g-1 failed refused UNDELIV"),
            report(
                r#"{"id":"g-1","state":"UNKNOWN_SUBSCRIBER"}"#,
                "- g-1 failed no_such_address UNKNOWN_SUBSCRIBER dead",
            ),
            report(r#"{"id":"g-1","state":"ENROUTE"}"#, ""),
            report(
                r#"{"id":"g-2","from":"+4915112345678","text":"stop"}"#,
                "- - +4915112345678 says \"stop\" Some(Stop)",
            ),
        ],
    });
}

#[test]
fn a_form_is_filled_too() {
    let form = "url: http://sms.example/send\nmethod: PUT\nform: { n: '{{digits}}', m: '{{text}}!' }\nsuccess: { status: [200], at: /ok }\n";
    let request = gateway(form).unwrap().request(&content("a&b"), None, 0).unwrap();
    assert_eq!(
        written(&request),
        "PUT http://sms.example/send\ncontent-type: application/x-www-form-urlencoded\n\nm=a%26b%21&n=4915112345678"
    );
}

#[test]
fn a_description_that_can_not_be_is_refused() {
    let plain = "url: https://sms.example/send\njson: { a: '{{to}} {{text}}' }\nsuccess: { status: [200] }\n";
    assert!(gateway(plain).is_ok());
    for (from, to, why) in [
        ("https://sms.example/send", "sms.example", "such as https"),
        ("{{to}}", "{{phone}}", "speaks of"),
        ("{{to}} ", "", "needs {{to}}"),
        ("[200]", "[]", "from 200 to 299"),
        ("[200]", "[200, 400]", "from 200 to 299"),
        ("[200] }", "[200], at: id }", "no JSON pointer"),
        ("success", "form: { a: '{{to}}' }\nsuccess", "one of them"),
        ("success", "headers: { 'a b': c }\nsuccess", "can't stand"),
        ("success", "headers: { a: \"c\\nd\" }\nsuccess", "can't stand"),
        ("success", "reports: { header: a, secret: '', id: /id, status: /s }\nsuccess", "is signed"),
        ("success", "reports: { header: a, secret: b, status: /s }\nsuccess", "where the message's id"),
    ] {
        let refusal = gateway(&plain.replacen(from, to, 1)).err().expect(to);
        assert!(refusal.detail.contains(why), "{to}: {refusal}");
    }
}
