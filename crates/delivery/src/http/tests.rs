use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use journeyman_channels::codec::{Call, Notification};
use journeyman_channels::push::fcm::Fcm;
use journeyman_channels::sms::gateway::Gateway;
use journeyman_channels::webhook::Webhook;
use journeyman_channels::{Reason, codec};
use journeyman_domain::MessageId;
use serde_json::json;
use uuid::Uuid;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const NOW: i64 = 1_767_607_200;
const KEY: &str = include_str!("../../../channels/src/dkim/samples/rsa-pkcs8.pem");

fn call() -> Content {
    Content::Webhook(Call { message: MessageId(Uuid::from_u128(7)), body: "{}".to_owned() })
}

fn sms() -> Content {
    let (message, to) = (MessageId(Uuid::from_u128(7)), "+4915112345678".to_owned());
    Content::Sms(codec::Text { message, to, text: "Hello".to_owned() })
}

fn webhook(url: &str, answer: Duration) -> Sender {
    let webhook = Webhook::new(url, &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()]).unwrap();
    Sender::new(Arc::new(webhook), 4, answer).unwrap()
}

/// A gateway under an id of which a message told twice goes out twice.
fn gateway(url: &str, answer: Duration) -> Sender {
    let description = json!({
        "url": url, "json": { "to": "{{to}}", "text": "{{text}}" },
        "success": { "status": [200], "at": "/ok" }, "id": "/ok",
    });
    let description = serde_json::from_value(description).unwrap();
    Sender::new(Arc::new(Gateway::new(description).unwrap()), 4, answer).unwrap()
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted { provider_id } => format!("accepted {}", provider_id.as_deref().unwrap_or("-")),
        Verdict::Rejected { reason, .. } => format!("rejected {reason}"),
        Verdict::Retry { host, .. } => format!("retry{}", if *host { " host" } else { "" }),
        Verdict::Unknown { .. } => "unknown".to_owned(),
    }
}

/// A server of one answer, byte for byte, that then closes; or that never answers.
fn bare(answer: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            match answer {
                Some(answer) => stream.write_all(answer).unwrap(),
                None => held.push(stream),
            }
        }
    });
    url
}

#[tokio::test]
async fn what_was_asked_and_answered_is_what_the_codec_said() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/hook"))
        .and(header("webhook-id", "msg_00000000000000000000000000000007"))
        .and(header("webhook-timestamp", "1767607200"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let verdict = webhook(&format!("{}/hook", server.uri()), ANSWER).send(&call(), NOW).await;
    assert_eq!(told(&verdict), "accepted -");
    // What can't be said does not leave.
    let verdict = webhook(&format!("{}/hook", server.uri()), ANSWER).send(&sms(), NOW).await;
    assert_eq!(told(&verdict), "rejected unsendable");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = MockServer::start().await;
    let elsewhere = ResponseTemplate::new(307).insert_header("location", "/elsewhere");
    Mock::given(path("/hook")).respond_with(elsewhere).expect(1).mount(&server).await;
    Mock::given(path("/elsewhere")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let verdict = webhook(&format!("{}/hook", server.uri()), ANSWER).send(&call(), NOW).await;
    assert_eq!(told(&verdict), "retry");
}

/// One door: what the wire does, and what is known of a message that may be told once, and of one that may be told again.
async fn check(url: &str, once: &str, again: &str) {
    let answer = Duration::from_millis(300);
    assert_eq!(told(&gateway(url, answer).send(&sms(), NOW).await), once, "{url}");
    assert_eq!(told(&webhook(url, answer).send(&call(), NOW).await), again, "{url}");
}

#[tokio::test]
async fn a_broken_wire_leaves_unknown_what_may_have_been_read() {
    // Nobody listens: nothing left.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&format!("http://{free}/"), "retry host", "retry host").await;
    // Read, and never answered.
    check(&bare(None), "unknown", "retry").await;
    // Closed without a word, in the head, in the body of a success.
    check(&bare(Some(b"")), "unknown", "retry").await;
    check(&bare(Some(b"HTTP/1.1 200 O")), "unknown", "retry").await;
    check(&bare(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\":1}")), "unknown", "retry").await;
    // No HTTP at all.
    check(&bare(Some(b"SSH-2.0-OpenSSH\r\n")), "unknown", "retry").await;
    // A refusal is believed without its end.
    let broken = bare(Some(b"HTTP/1.1 400 Bad\r\ncontent-length: 100\r\n\r\n{"));
    check(&broken, "rejected refused", "retry").await;
}

#[tokio::test]
async fn an_answer_without_end_is_read_so_far() {
    let server = MockServer::start().await;
    let long = ResponseTemplate::new(200).set_body_string("a".repeat(4 * ANSWER_BYTES));
    Mock::given(method("POST")).respond_with(long).mount(&server).await;
    assert_eq!(told(&gateway(&server.uri(), ANSWER).send(&sms(), NOW).await), "unknown");
}

fn fcm(server: &MockServer) -> Sender {
    let account = json!({
        "project_id": "shop-1", "private_key": KEY, "client_email": "a@b.example",
        "token_uri": format!("{}/token", server.uri()),
    });
    Sender::new(Arc::new(Fcm::new(&account.to_string(), &server.uri()).unwrap()), 8, ANSWER).unwrap()
}

fn push() -> Content {
    let (message, to) = (MessageId(Uuid::from_u128(7)), "device".to_owned());
    Content::Push(Notification { message, to, title: None, body: "Hello".to_owned(), url: None })
}

#[tokio::test]
async fn leave_is_asked_for_once_and_again_when_it_is_taken_back() {
    let server = MockServer::start().await;
    let token = |name: &str| json!({ "access_token": name, "expires_in": 3600 });
    let once = ResponseTemplate::new(200).set_body_json(token("one"));
    Mock::given(path("/token")).respond_with(once).up_to_n_times(1).expect(1).mount(&server).await;
    let again = ResponseTemplate::new(200).set_body_json(token("two"));
    Mock::given(path("/token")).respond_with(again).expect(1).mount(&server).await;
    let taken_back = json!({ "error": { "status": "UNAUTHENTICATED" } });
    let send = "/v1/projects/shop-1/messages:send";
    let fine = ResponseTemplate::new(200).set_body_json(json!({ "name": "projects/shop-1/messages/1" }));
    let with = |token: &str| {
        Mock::given(path(send)).and(header("authorization", format!("Bearer {token}").as_str()))
    };
    with("one").respond_with(fine.clone()).up_to_n_times(8).mount(&server).await;
    let back = ResponseTemplate::new(401).set_body_json(taken_back);
    with("one").respond_with(back).expect(1).mount(&server).await;
    with("two").respond_with(fine).expect(1).mount(&server).await;
    let sender = fcm(&server);
    let content = push();
    let all = (0..8).map(|_| sender.send(&content, NOW));
    for verdict in futures::future::join_all(all).await {
        assert_eq!(told(&verdict), "accepted projects/shop-1/messages/1");
    }
    assert_eq!(told(&sender.send(&push(), NOW).await), "retry host");
    assert_eq!(told(&sender.send(&push(), NOW).await), "accepted projects/shop-1/messages/1");
}

#[tokio::test]
async fn without_leave_nothing_is_said() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(400).set_body_json(json!({ "error": "invalid_grant" }));
    // Asked once for many messages.
    Mock::given(path("/token")).respond_with(refused).expect(1).mount(&server).await;
    let sender = fcm(&server);
    for _ in 0..3 {
        assert_eq!(told(&sender.send(&push(), NOW).await), "retry host");
    }
    let dead = sender.codec().judge(&Response {
        status: 404,
        headers: Vec::new(),
        body: br#"{"error":{"details":[{"errorCode":"UNREGISTERED"}]}}"#.to_vec(),
    });
    assert!(matches!(dead, Verdict::Rejected { reason: Reason::NoSuchAddress, suppress: true, .. }));
}
