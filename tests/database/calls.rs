//! `call` by a real daemon: from an event by HTTP to the shop's own system and back.

use journeyman_channels::webhook::Signer;
use serde_json::Value;
use wiremock::matchers::{header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, serve};
use crate::harness::mail::{MailShop, identify};
use crate::harness::shop::{PATIENCE, happens};
use crate::harness::until::until;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A shop that asks for a link and sends it to the inbox.
async fn open(server: &MockServer, allow: &str, within: &str) -> MailShop {
    let journey = format!(
        "journey: dunning
kind: transactional
enter:
  on: Payment Failed
  per: invoice_id
steps:
  - id: portal
    call: POST {}/links
    body:
      customer: = profile.id
      invoice: = entry.invoice_id
    headers:
      X-Shop: seven
    secret: BILLING_KEY
    within: {within}
    retry: 5
    else:
      - exit: no-link
  - send: pay-now
    channel: inbox
    with:
      link: = portal.url
  - wait_for: Never Happens
    within: 5m
",
        server.uri()
    );
    let policies = format!("currency: EUR\ntime_zone: UTC\nlocales: [en]\ncalls: {{ allow: [{allow}] }}\n");
    MailShop::open(&[
        ("journeyman.yaml", policies.as_str()),
        ("journeys/dunning.yaml", journey.as_str()),
        ("templates/pay-now/sms.hbs", "Pay at {{link}}\n"),
    ])
    .await
}

async fn daemon(shop: &MailShop) -> Daemon {
    let home = Folder::new();
    let mut command = serve(shop.folder.path(), Some(&shop.database.url()), &[]);
    command.env("JOURNEYMAN_DATA_DIR", home.path()).env("BILLING_KEY", SECRET);
    Daemon::from(command, home).await
}

async fn fails(shop: &MailShop, daemon: &Daemon) {
    let event = happens("Payment Failed", "p", "ada", r#""invoice_id":"i1""#);
    shop.take(daemon, &[identify("ada", ""), event]).await;
}

/// `channel state reason` of what is over, once there are so many.
async fn over(shop: &MailShop, count: usize) -> Vec<String> {
    let rows =
        "SELECT channel || ' ' || state || coalesce(' ' || split_part(reason, ':', 1), '') FROM messages
                ORDER BY finished_at, id";
    let look = async || {
        let found: Vec<String> = sqlx::query_scalar(rows).fetch_all(&shop.database.pool).await.unwrap();
        (found.len() >= count).then_some(found)
    };
    until("calls that are over", PATIENCE, look).await.0
}

async fn audited(shop: &MailShop) {
    let audit = shop.call(&["audit", "--sample", "10"]).await;
    assert_eq!(audit.code, Some(0), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_signed_asked_again_and_its_answer_goes_on() {
    let server = MockServer::start().await;
    let broken = Mock::given(path("/links")).respond_with(ResponseTemplate::new(503)).up_to_n_times(1);
    broken.mount(&server).await;
    Mock::given(method("POST"))
        .and(path("/links"))
        .and(header_exists("webhook-signature"))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"url":"https://pay.example/1"}"#))
        .mount(&server)
        .await;
    let shop = open(&server, "127.0.0.1", "30s").await;
    let daemon = daemon(&shop).await;
    fails(&shop, &daemon).await;
    assert_eq!(over(&shop, 2).await, ["7 10", "6 10"]);
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.len(), 2);
    let header = |nth: usize, name: &str| asked[nth].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(0, "webhook-id"), header(1, "webhook-id"), "known by its id");
    assert_eq!(header(1, "x-shop"), "seven");
    let body: Value = serde_json::from_slice(&asked[1].body).unwrap();
    assert_eq!(body, serde_json::json!({ "customer": "ada", "invoice": "i1" }));
    // As the standard has it: the receiver signs what it got, and finds the same.
    let signer = Signer::new(&[SECRET.to_owned()]).unwrap();
    let moment = header(1, "webhook-timestamp").parse().unwrap();
    let id = header(1, "webhook-id").parse().unwrap();
    let signed = signer.headers(id, moment, std::str::from_utf8(&asked[1].body).unwrap());
    assert_eq!(signed[2].1, header(1, "webhook-signature"));
    let said: String = sqlx::query_scalar("SELECT data FROM messages WHERE channel = 6")
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    assert!(said.contains("https://pay.example/1"), "{said}");
    assert_eq!(shop.database.count("SELECT count(*) FROM events WHERE name = 'Call Answered'").await, 1);
    audited(&shop).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_while_it_asks_asks_again_under_the_same_id() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(20));
    Mock::given(path("/links")).respond_with(slow).up_to_n_times(1).mount(&server).await;
    let answer = ResponseTemplate::new(200).set_body_string(r#"{"url":"https://pay.example/2"}"#);
    Mock::given(path("/links")).respond_with(answer).mount(&server).await;
    let shop = open(&server, "127.0.0.1", "10m").await;
    let first = daemon(&shop).await;
    fails(&shop, &first).await;
    let started = async || {
        let asked = server.received_requests().await.unwrap().len();
        (asked == 1).then_some(())
    };
    until("a call under way", PATIENCE, started).await;
    first.kill().await;
    shop.bury().await;
    let second = daemon(&shop).await;
    assert_eq!(over(&shop, 2).await, ["7 10", "6 10"]);
    let asked = server.received_requests().await.unwrap();
    let ids: Vec<&str> = asked.iter().map(|one| one.headers["webhook-id"].to_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(shop.database.count("SELECT count(*) FROM events WHERE name = 'Call Answered'").await, 1);
    audited(&shop).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_in_a_private_network_that_is_not_allowed() {
    let server = MockServer::start().await;
    let shop = open(&server, "billing.internal", "30s").await;
    let daemon = daemon(&shop).await;
    fails(&shop, &daemon).await;
    assert_eq!(over(&shop, 1).await, ["7 11 unsendable"]);
    let ended = async || {
        let rows = "SELECT reason FROM ended_runs";
        let found: Vec<String> = sqlx::query_scalar(rows).fetch_all(&shop.database.pool).await.unwrap();
        found.first().cloned()
    };
    assert_eq!(until("an end", PATIENCE, ended).await.0, "exit_step: no-link");
    assert!(server.received_requests().await.unwrap().is_empty());
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_takes_no_answer_from_anybody() {
    let server = MockServer::start().await;
    let shop = open(&server, "127.0.0.1", "30s").await;
    let daemon = daemon(&shop).await;
    let event = happens("Call Answered", "c", "ada", r#""message_id":"x""#);
    let request = shop.http.post(format!("{}/v1/batch", daemon.public));
    let request =
        request.basic_auth(crate::harness::door::KEY, Some("")).body(crate::harness::door::batch(&[event]));
    let answer = crate::harness::door::answer(request).await;
    assert!(answer.body.to_string().contains("\"ours\""), "{answer:?}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_holds_calls_back_until_it_is_released() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string(r#"{"url":"https://pay.example/3"}"#);
    Mock::given(path("/links")).respond_with(answer).mount(&server).await;
    let shop = open(&server, "127.0.0.1", "10m").await;
    let daemon = daemon(&shop).await;
    let stopped = shop.call(&["stop", "--channel", "call"]).await;
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    fails(&shop, &daemon).await;
    let held = async || {
        let held = shop.database.count("SELECT count(*) FROM outbox WHERE channel = 7 AND state = 3").await;
        (held == 1).then_some(())
    };
    until("a call that is held", PATIENCE, held).await;
    assert!(server.received_requests().await.unwrap().is_empty());
    let released = shop.call(&["stop", "release", "1"]).await;
    assert_eq!(released.code, Some(0), "{released:?}");
    assert_eq!(over(&shop, 2).await, ["7 10", "6 10"]);
    daemon.stop().await;
}
