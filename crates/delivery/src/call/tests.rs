//! Calls over real sockets.

use journeyman_domain::call::Method;
use wiremock::matchers::{body_string, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn message() -> MessageId {
    "00000000-0000-7000-8000-000000000001".parse().unwrap()
}

fn asked(url: &str) -> Asked {
    let body = r#"{"customer":"ada"}"#.into();
    let secret = Some("BILLING_KEY".into());
    Asked {
        method: Method::Post,
        url: url.into(),
        headers: Vec::new(),
        body,
        secret,
        within_ms: 500,
        retry: 0,
    }
}

fn caller(allowed: &[&str], production: bool) -> Caller {
    let secrets: Secrets = Arc::new(|name| (name == "BILLING_KEY").then(|| SECRET.to_owned()));
    Caller::new(allowed.iter().map(|host| (*host).to_owned()).collect(), production, secrets).unwrap()
}

async fn told(caller: &Caller, asked: &Asked) -> String {
    match caller.call(asked, message(), 1_614_265_330).await {
        Ok(answer) => answer,
        Err(Verdict::Rejected { detail, .. }) => format!("never: {detail}"),
        Err(Verdict::Retry { reason, .. }) => format!("again: {reason}"),
        Err(other) => format!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_answered_comes_back_and_the_call_was_signed() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/links"))
        .and(body_string(r#"{"customer":"ada"}"#))
        .and(header_exists("webhook-id"))
        .and(header_exists("webhook-signature"))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"url":"https://pay.example/1"}"#))
        .mount(&server)
        .await;
    let url = format!("{}/v1/links", server.uri());
    let answer = told(&caller(&["127.0.0.1"], false), &asked(&url)).await;
    assert_eq!(answer, r#"{"url":"https://pay.example/1"}"#);
    let nobody = told(&caller(&["127.0.0.1"], true), &asked(&format!("{}/other", server.uri()))).await;
    assert!(nobody.starts_with("never: 404"), "{nobody}");
}

#[tokio::test]
async fn private_networks_are_called_only_where_that_is_allowed() {
    let server = MockServer::start().await;
    let port = server.address().port();
    for host in ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "[::ffff:127.0.0.1]", "169.254.169.254"] {
        let said = told(&caller(&[], true), &asked(&format!("http://{host}:{port}/"))).await;
        assert!(said.contains("private network"), "{host}: {said}");
    }
    let outside = told(&caller(&[], false), &asked("https://billing.example/")).await;
    assert!(outside.contains("outside production"), "{outside}");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn slow_answers_broken_hosts_and_missing_secrets() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(5));
    Mock::given(path("/slow")).respond_with(slow).mount(&server).await;
    Mock::given(path("/broken")).respond_with(ResponseTemplate::new(503)).mount(&server).await;
    let large = ResponseTemplate::new(200).set_body_string("x".repeat(16 * 1024 + 1));
    Mock::given(path("/large")).respond_with(large).mount(&server).await;
    let moved = ResponseTemplate::new(302).insert_header("location", "/slow");
    Mock::given(path("/moved")).respond_with(moved).mount(&server).await;
    let caller = caller(&["127.0.0.1"], true);
    for (at, expected) in [
        ("slow", "again: no answer in time"),
        ("broken", "again: 503"),
        ("large", "never: the answer has more than"),
        ("moved", "never: 302"),
    ] {
        let said = told(&caller, &asked(&format!("{}/{at}", server.uri()))).await;
        assert!(said.starts_with(expected), "{at}: {said}");
    }
    let other = Asked { secret: Some("OTHER".into()), ..asked(&server.uri()) };
    assert_eq!(told(&caller, &other).await, "never: the secret is not in the environment");
}

#[test]
fn which_addresses_are_private() {
    for (ip, private) in [
        ("8.8.8.8", false),
        ("172.15.0.1", false),
        ("172.16.0.1", true),
        ("192.168.1.1", true),
        ("100.64.0.1", true),
        ("0.0.0.0", true),
        ("2606:4700::1111", false),
        ("fd00::1", true),
        ("fe80::1", true),
        ("::", true),
        ("64:ff9b::a00:1", true),
        ("64:ff9b::808:808", false),
        ("2002:a00:1::1", true),
        ("::127.0.0.1", true),
    ] {
        assert_eq!(is_private(ip.parse().unwrap()), private, "{ip}");
    }
}
