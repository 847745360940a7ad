//! Text messages, push, WhatsApp and webhooks by a real daemon: from an event by HTTP to providers that are played, and what
//! they report back.

use data_encoding::{BASE64, HEXLOWER};
use reqwest::StatusCode;
use ring::hmac;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, header_exists, method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::harness::daemon::{Daemon, command, run};
use crate::harness::mail::MailShop;
use crate::harness::root;
use crate::harness::shop::{PATIENCE, happens};
use crate::harness::until::until;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const HOOKS: &str = "https://hooks.shop.example";
const PHONE: &str = "+49 151 1234-5678";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A shop whose providers are all played by one server.
struct Played {
    shop: MailShop,
    server: MockServer,
    daemon: Daemon,
}

impl Played {
    /// `channel` of the one journey.
    async fn open(channel: &str, mocks: Vec<Mock>) -> Self {
        let server = MockServer::start().await;
        for mock in mocks {
            mock.mount(&server).await;
        }
        let url = server.uri();
        let account = json!({
            "project_id": "shop-1", "client_email": "a@b.example", "token_uri": format!("{url}/token"),
            "private_key": std::fs::read_to_string(root().join("crates/channels/src/dkim/samples/rsa-pkcs8.pem")).unwrap(),
        });
        let policies = format!(
            "currency: EUR
time_zone: Europe/Berlin
locales: [en]
topics:
  news: {{ name: News, consent: opt_out }}
allow_only: ['+4915112345678', device-1, 127.0.0.1]
links: {{ keys: {{ 1: 0123456789abcdef0123 }}, domain: 'https://go.shop.example' }}
channels:
  reports: {HOOKS}
  sms:
    twilio: {{ account: {ACCOUNT}, token: the token, from: '+4930123456', base_url: '{url}' }}
  push:
    fcm: {{ service_account_file: fcm.json, base_url: '{url}' }}
  whatsapp: {{ phone_number_id: 1060, token: EAAG, app_secret: app secret, verify_token: our word, base_url: '{url}' }}
  webhook: {{ url: '{url}/hook', secret: {SECRET} }}
"
        );
        let journey = format!(
            "journey: hello
topic: news
enter:
  on: Signed Up
  per: signup_id
steps:
  - send: hello
    channel: {channel}
  - wait_for: Never Happens
    within: 5m
"
        );
        let account = account.to_string();
        let files = [
            ("journeyman.yaml", policies.as_str()),
            ("fcm.json", account.as_str()),
            ("journeys/hello.yaml", journey.as_str()),
            ("templates/hello/sms.hbs", "Hello {{default profile.first_name 'you'}}: 5 €\n"),
            (
                "templates/hello/push.yaml",
                "title: Hello\nbody: \"This is {{entry.signup_id}}\"\nurl: https://shop.example/start\n",
            ),
            (
                "templates/hello/whatsapp.yaml",
                "template: hello_1\nlanguage: { en: en_US }\nbody: [\"{{default profile.first_name 'you'}}\"]\nbuttons:\n  - url: https://shop.example/start\n  - payload: STOP\ntext: \"Hi again, {{default profile.first_name 'you'}}\"\n",
            ),
            ("templates/hello/webhook.yaml", "type: signed.up\ndata:\n  signup: \"{{entry.signup_id}}\"\n"),
        ];
        let shop = MailShop::open(&files).await;
        let daemon = shop.daemon().await;
        let who = format!(
            r#"{{"type":"identify","userId":"ada","messageId":"i","traits":{{"first_name":"Ada","phone":"{PHONE}","push_token":"device-1"}}}}"#
        );
        shop.take(&daemon, &[who]).await;
        let played = Self { shop, server, daemon };
        played.signs_up("one").await;
        played
    }

    async fn signs_up(&self, id: &str) {
        let event = happens("Signed Up", id, "ada", &format!(r#""signup_id":"{id}""#));
        self.shop.take(&self.daemon, &[event]).await;
    }

    /// Ada's messages, as `channel leg state`, once there are so many that are over.
    async fn over(&self, count: usize) -> Vec<String> {
        let rows =
            "SELECT channel || ' ' || leg || ' ' || state || coalesce(' ' || split_part(reason, ':', 1), '')
                    FROM messages ORDER BY finished_at, id";
        let look = async || {
            let found: Vec<String> =
                sqlx::query_scalar(rows).fetch_all(&self.shop.database.pool).await.unwrap();
            (found.len() >= count).then_some(found)
        };
        until("messages that are over", PATIENCE, look).await.0
    }

    async fn until(&self, what: &str, query: &'static str) {
        until(what, PATIENCE, async || (self.shop.database.count(query).await > 0).then_some(())).await;
    }

    async fn asked(&self, nth: usize) -> Request {
        self.server
            .received_requests()
            .await
            .unwrap()
            .into_iter()
            .filter(|one| one.url.path() != "/token")
            .nth(nth)
            .unwrap()
    }

    /// What a provider posts; `path` below /webhooks, with its query.
    async fn report(&self, path: &str, header: (&str, String), kind: &str, body: String) -> StatusCode {
        let request = self.shop.http.post(format!("{}/webhooks/{path}", self.daemon.public));
        request
            .header(header.0, header.1)
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap()
            .status()
    }

    /// Twilio's, as it signs.
    async fn twilio(&self, query: &str, fields: &[(&str, &str)]) -> StatusCode {
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        let signed = fields
            .iter()
            .fold(format!("{HOOKS}/webhooks/twilio{query}"), |text, (name, value)| text + name + value);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"the token");
        let tag = BASE64.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
        let escaped = |text: &str| text.replace('%', "%25").replace('+', "%2B").replace('&', "%26");
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let kind = "application/x-www-form-urlencoded";
        self.report(&format!("twilio{query}"), ("x-twilio-signature", tag), kind, body.join("&")).await
    }

    async fn whatsapp(&self, value: Value) -> StatusCode {
        let entry = json!([{ "id": "1", "changes": [{ "field": "messages", "value": value }] }]);
        let body = json!({ "object": "whatsapp_business_account", "entry": entry }).to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"app secret");
        let tag = format!("sha256={}", HEXLOWER.encode(hmac::sign(&key, body.as_bytes()).as_ref()));
        self.report("whatsapp", ("x-hub-signature-256", tag), "application/json", body).await
    }
}

fn takes_sms(sid: &str) -> Mock {
    let answer = ResponseTemplate::new(201).set_body_json(json!({ "sid": sid, "status": "queued" }));
    Mock::given(method("POST"))
        .and(path(format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json")))
        .respond_with(answer)
}

fn whatsapp_answers(status: u16, body: Value) -> Mock {
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method("POST")).and(path("/v23.0/1060/messages")).respond_with(answer)
}

fn form(request: &Request, name: &str) -> String {
    let body = format!("http://x/?{}", String::from_utf8_lossy(&request.body));
    let url = reqwest::Url::parse(&body).unwrap();
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn query_of(request: &Request) -> String {
    format!("?{}", form(request, "StatusCallback").split_once('?').unwrap().1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_message_leaves_and_its_reports_come_back() {
    let played = Played::open("sms", vec![takes_sms("SM1").expect(1)]).await;
    assert_eq!(played.over(1).await, ["1 1 10"]);
    let asked = played.asked(0).await;
    assert_eq!(
        (form(&asked, "To").as_str(), form(&asked, "Body").as_str()),
        ("+4915112345678", "Hello Ada: 5 €")
    );
    assert!(
        played.daemon.said.iter().any(|line| line == "sms: to the inbox; allow_only by twilio"),
        "{:?}",
        played.daemon.said
    );

    let query = query_of(&asked);
    let delivered = [("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "+4915112345678")];
    // Somebody else's word is nobody's.
    let forged = ("x-twilio-signature", BASE64.encode(b"12345678901234567890"));
    let kind = "application/x-www-form-urlencoded";
    let body = "MessageSid=SM1&MessageStatus=delivered".to_owned();
    assert_eq!(played.report(&format!("twilio{query}"), forged, kind, body).await, 403);
    assert_eq!(played.twilio("?message=msg_00000000000000000000000000000001", &delivered).await, 200);
    assert_eq!(
        played.shop.database.count("SELECT count(*) FROM events WHERE name = 'Message Delivered'").await,
        0
    );
    // The same told twice is one event.
    assert_eq!(played.twilio(&query, &delivered).await, 200);
    assert_eq!(played.twilio(&query, &delivered).await, 200);
    assert_eq!(
        played.shop.database.count("SELECT count(*) FROM events WHERE name = 'Message Delivered'").await,
        1
    );
    // What is about no message that is known here waits, for days.
    assert_eq!(played.shop.database.count("SELECT count(*) FROM unmatched_reports").await, 1);

    // She has enough: nothing more by text message, however her number is written.
    let stop =
        [("MessageSid", "SM9"), ("From", "+4915112345678"), ("Body", "STOP"), ("SmsStatus", "received")];
    assert_eq!(played.twilio("", &stop).await, 200);
    played
        .until(
            "a number that is not written to",
            "SELECT count(*) FROM suppressions WHERE channel = 1 AND kind = 1",
        )
        .await;
    played.until("a no", "SELECT count(*) FROM events WHERE name = 'Unsubscribed'").await;
    played.signs_up("two").await;
    let refused = "SELECT count(*) FROM journal WHERE 21 = ANY (refusals)";
    played.until("a refusal", refused).await;
    let why = played.shop.call(&["why", "ada", "--json"]).await;
    assert!(why.out.contains("no_consent"), "{why:?}");
    assert_eq!(played.over(1).await, ["1 1 10"]);
    assert_eq!(played.report("nobody", ("x-y", String::new()), kind, String::new()).await, 404);
    assert_eq!(played.daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_keeps_back_goes_by_text_message_and_is_never_tried_again() {
    let kept = json!({ "error": { "code": 131_049, "message": "kept back", "error_data": { "details": "ecosystem" } } });
    let mocks = vec![whatsapp_answers(400, kept).expect(1), takes_sms("SM1").expect(2)];
    let played = Played::open("[whatsapp, sms]", mocks).await;
    assert_eq!(played.over(2).await, ["3 1 11 limited", "1 2 10"]);
    let asked: Value = serde_json::from_slice(&played.asked(0).await.body).unwrap();
    assert_eq!(asked["template"]["name"], "hello_1");
    assert_eq!(asked["template"]["components"][0]["parameters"][0]["text"], "Ada");
    // The button's link is the person's own.
    let link = asked["template"]["components"][1]["parameters"][0]["text"].as_str().unwrap();
    assert!(link.len() > 40 && !link.contains('/'), "{link}");
    played
        .until(
            "what closed it",
            "SELECT count(*) FROM traits WHERE traits ->> 'whatsapp_limited_at' IS NOT NULL",
        )
        .await;
    // Within the day it is not tried.
    played.signs_up("two").await;
    assert_eq!(played.over(3).await[2], "1 1 10");
    assert_eq!(played.daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_whatsapp_reports_later_goes_by_the_next_channel_and_a_reply_opens_a_session() {
    let taken = json!({ "messages": [{ "id": "wamid.1", "message_status": "accepted" }] });
    let mocks = vec![whatsapp_answers(200, taken), takes_sms("SM1").expect(1)];
    let played = Played::open("[whatsapp, sms]", mocks).await;
    assert_eq!(played.over(1).await, ["3 1 10"]);
    let first: Value = serde_json::from_slice(&played.asked(0).await.body).unwrap();
    let status = |id: &str, word: &str| {
        json!({ "statuses": [{
            "id": id, "status": word, "recipient_id": "4915112345678",
            "errors": [{ "code": 131_026, "title": "Message undeliverable" }],
            "biz_opaque_callback_data": first["biz_opaque_callback_data"],
        }] })
    };
    assert_eq!(played.whatsapp(status("wamid.1", "failed")).await, 200);
    assert_eq!(played.over(2).await, ["3 1 10", "1 2 10"]);

    let said = json!({ "messages": [{ "id": "wamid.9", "from": "4915112345678", "type": "text", "text": { "body": "Who is this?" } }] });
    assert_eq!(played.whatsapp(said).await, 200);
    played
        .until(
            "an open session",
            "SELECT count(*) FROM traits WHERE traits ->> 'whatsapp_replied_at' IS NOT NULL",
        )
        .await;
    played.signs_up("two").await;
    let third = until("the third", PATIENCE, async || {
        let all = played.server.received_requests().await.unwrap();
        all.into_iter().filter(|one| one.url.path() == "/v23.0/1060/messages").nth(1)
    });
    let third: Value = serde_json::from_slice(&third.await.0.body).unwrap();
    assert_eq!(third["text"]["body"], "Hi again, Ada");
    // Meta asks whether we are here.
    let asks = "hub.mode=subscribe&hub.verify_token=our%20word&hub.challenge=42";
    let greeted = played
        .shop
        .http
        .get(format!("{}/webhooks/whatsapp?{asks}", played.daemon.public))
        .send()
        .await
        .unwrap();
    assert_eq!((greeted.status().as_u16(), greeted.text().await.unwrap().as_str()), (200, "42"));
    assert_eq!(played.daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_is_not_written_to_again() {
    let token = json!({ "access_token": "t", "expires_in": 3600 });
    let dead = json!({ "error": { "code": 404, "status": "NOT_FOUND", "message": "gone", "details": [{ "errorCode": "UNREGISTERED" }] } });
    let mocks = vec![
        Mock::given(path("/token")).respond_with(ResponseTemplate::new(200).set_body_json(token)).expect(1),
        Mock::given(path("/v1/projects/shop-1/messages:send"))
            .and(body_string_contains("This is one"))
            .respond_with(ResponseTemplate::new(404).set_body_json(dead))
            .expect(1),
    ];
    let played = Played::open("push", mocks).await;
    assert_eq!(played.over(1).await, ["2 1 11 no_such_address"]);
    let push: Value = serde_json::from_slice(&played.asked(0).await.body).unwrap();
    assert_eq!(
        (&push["message"]["token"], &push["message"]["notification"]["title"]),
        (&json!("device-1"), &json!("Hello"))
    );
    assert!(push["message"]["data"]["url"].as_str().unwrap().starts_with("https://go.shop.example/c/"));
    played
        .until(
            "a token that is not written to",
            "SELECT count(*) FROM suppressions WHERE channel = 2 AND kind = 2",
        )
        .await;
    played.until("a bounce", "SELECT count(*) FROM events WHERE name = 'Message Bounced'").await;
    played.signs_up("two").await;
    played.until("a refusal", "SELECT count(*) FROM journal WHERE 30 = ANY (refusals)").await;
    assert_eq!(played.over(1).await.len(), 1);
    assert_eq!(played.daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_the_shop_is_signed_and_told_again_with_the_same_body() {
    let again = ResponseTemplate::new(503).insert_header("retry-after", "0");
    let mocks = vec![
        Mock::given(path_regex("/hook")).respond_with(again).up_to_n_times(1),
        Mock::given(path("/hook"))
            .and(header_exists("webhook-signature"))
            .respond_with(ResponseTemplate::new(200)),
    ];
    let played = Played::open("webhook", mocks).await;
    until("a first attempt", PATIENCE, async || {
        (!played.server.received_requests().await.unwrap().is_empty()).then_some(())
    })
    .await;
    until("a second", PATIENCE, async || {
        played.shop.hurry().await;
        (played.server.received_requests().await.unwrap().len() > 1).then_some(())
    })
    .await;
    assert_eq!(played.over(1).await, ["5 1 10"]);
    let (first, second) = (played.asked(0).await, played.asked(1).await);
    assert_eq!(first.body, second.body);
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"]);
    let body: Value = serde_json::from_slice(&second.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["signup"]), (&json!("signed.up"), &json!("one")));
    let key = BASE64.decode(SECRET.trim_start_matches("whsec_").as_bytes()).unwrap();
    let text = |name: &str| second.headers[name].to_str().unwrap().to_owned();
    let signed =
        [text("webhook-id").as_bytes(), b".", text("webhook-timestamp").as_bytes(), b".", &second.body]
            .concat();
    let tag = BASE64.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed).as_ref());
    assert_eq!(text("webhook-signature"), format!("v1,{tag}"));
    assert_eq!(played.daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_faster_than_its_message_waits_for_it() {
    let mocks = vec![takes_sms("SM1").up_to_n_times(1), takes_sms("SM2")];
    let played = Played::open("sms", mocks).await;
    assert_eq!(played.over(1).await, ["1 1 10"]);
    // By the provider's name for it alone.
    let delivered = [("MessageSid", "SM2"), ("MessageStatus", "delivered")];
    assert_eq!(played.twilio("", &delivered).await, 200);
    assert_eq!(
        played.shop.database.count("SELECT count(*) FROM unmatched_reports WHERE provider_id = 'SM2'").await,
        1
    );
    played.signs_up("two").await;
    assert_eq!(played.over(2).await.len(), 2);
    let of_it = "SELECT count(*) FROM events e JOIN messages m ON e.payload -> 'properties' ->> 'message_id' = 'msg_' || replace(m.id::text, '-', '')
                 WHERE e.name = 'Message Delivered' AND m.provider_id = 'SM2'";
    played.until("the report of the second", of_it).await;
    played.until("nothing that waits", "SELECT 1 - count(*) FROM unmatched_reports").await;
    assert_eq!(played.daemon.stop().await.0, Some(0));
}

/// One door: a command of the folder, to its exit code and what it says.
async fn says(played: &Played, arguments: &[&str]) -> (Option<i32>, String) {
    let ended = run(command(played.shop.folder.path(), Some(&played.shop.database.url()), arguments)).await;
    (ended.code, ended.out + &ended.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_goes_by_any_channel_and_the_doctor_asks_who_can_be_asked() {
    let taken = |sent: Value| ResponseTemplate::new(201).set_body_json(sent);
    let token = json!({ "access_token": "t", "expires_in": 3600, "token_type": "Bearer" });
    let messages = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    let mocks = vec![
        Mock::given(method("POST"))
            .and(path(&*messages))
            .respond_with(taken(json!({ "sid": "SM1", "status": "queued" }))),
        Mock::given(method("GET")).and(path(&*messages)).respond_with(ResponseTemplate::new(200)),
        Mock::given(method("POST"))
            .and(path("/token"))
            .respond_with(ResponseTemplate::new(200).set_body_json(token)),
        Mock::given(method("POST")).and(path("/v1/projects/shop-1/messages:send")).respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "name": "projects/shop-1/messages/1" })),
        ),
        Mock::given(method("GET"))
            .and(path_regex("^/v[0-9.]+/1060$"))
            .respond_with(ResponseTemplate::new(401).set_body_string("Session has expired")),
        Mock::given(method("POST")).and(path("/hook")).respond_with(ResponseTemplate::new(204)),
    ];
    let played = Played::open("inbox", mocks).await;
    for (arguments, code, words) in [
        (
            &["--channel", "sms", "--to", PHONE][..],
            0,
            "twilio took it for +4915112345678: queued there as SM1",
        ),
        (&["--channel", "push", "--to", "device-1"], 0, "fcm took it for device-1"),
        (&["--channel", "sms", "--to", PHONE, "--template", "hello"], 0, "twilio took it for +4915112345678"),
        (&["--channel", "webhook"], 0, "webhook took it: "),
        (&["--channel", "sms", "--to", "+4915199999999"], 1, "add it to allow_only"),
        (&["--channel", "sms", "--to", "nobody"], 1, "to"),
        (&["--channel", "sms"], 1, "say with --to where it goes: a number"),
        (&["--channel", "webhook", "--to", "x"], 1, "leave --to out"),
        (&["--channel", "whatsapp", "--to", PHONE], 1, "name one with --template"),
        (&["--channel", "in_app", "--to", "x"], 1, "nothing leaves by in_app"),
        (&["--channel", "sms", "--to", PHONE, "--sender", "shop"], 1, "--sender is for mail"),
    ] {
        let (ended, said) = says(&played, &[&["send-test"], arguments].concat()).await;
        assert!(ended == Some(code) && said.contains(words), "{arguments:?}: {ended:?} {said}");
    }
    let (_, said) = says(&played, &["send-test", "--channel", "sms", "--to", PHONE, "--json"]).await;
    let told: Value = serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!((&told["accepted"], &told["provider"]), (&json!(true), &json!("twilio")), "{told}");
    let sent = played.server.received_requests().await.unwrap();
    let bodies: Vec<String> =
        sent.iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
    assert!(
        bodies.iter().any(|body| body.contains("send-test") && body.contains("%5Btest%5D")),
        "{bodies:?}"
    );

    let before = sent.len();
    let (_, said) = says(&played, &["doctor", "--json"]).await;
    let told: Value = serde_json::from_str(said.lines().next().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {said}"));
    let of = |area: &str| {
        let findings = told["findings"].as_array().unwrap();
        let found =
            findings.iter().find(|one| one["area"] == area).unwrap_or_else(|| panic!("{area}: {told}"));
        (found["health"].as_str().unwrap().to_owned(), found["what"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("sms"), ("ok".to_owned(), "twilio answers and takes our credentials".to_owned()));
    assert_eq!(of("push"), ("ok".to_owned(), "fcm answers and takes our credentials".to_owned()));
    assert_eq!(of("whatsapp"), ("broken".to_owned(), "whatsapp: 401 Session has expired".to_owned()));
    assert!(of("webhook").0 == "ok" && of("webhook").1.contains("not checked"), "{told}");
    let asked = played.server.received_requests().await.unwrap().split_off(before);
    let sends = |one: &&Request| one.method.as_str() == "POST" && one.url.path() != "/token";
    assert_eq!(asked.iter().filter(sends).count(), 0, "a doctor sends nothing");
    assert_eq!(played.daemon.stop().await.0, Some(0));
}
