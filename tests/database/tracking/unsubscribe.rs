//! Unsubscribing: by one click, and by hand.

use journeyman_domain::person::Consents;
use journeyman_domain::plan::Channel;
use journeyman_store::outbox::{self, SUPPRESSED, State};
use journeyman_store::queues;
use journeyman_store::slices::LEASE;
use journeyman_store::{Limits, connect, messages};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ANNA, SHOP, Stage, page};

fn said(stage: &Stage, topic: Option<&str>, via: &str) -> (String, i64, Value) {
    let mut properties = json!({ "message_id": stage.message.to_string(), "via": via, "channel": "email" });
    if let Some(topic) = topic {
        properties["topic"] = topic.into();
    }
    ("Unsubscribed".to_owned(), ANNA.0, properties)
}

#[tokio::test]
async fn only_a_post_unsubscribes() {
    let stage = Stage::new().await;
    stage.deploy(&[("journeyman.yaml", SHOP)]).await;
    stage.queue().await;
    let html = page(stage.get(&stage.unsubscribe()), 200).await;
    for part in [
        "You get “Reminders” by email.",
        "Stop “Reminders”",
        "Stop all marketing by email",
        "The Shop",
        "href=\"../p/",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    page(stage.http.get(format!("{}{}", stage.url, stage.unsubscribe())), 200).await;
    let head = stage.http.head(format!("{}{}", stage.url, stage.unsubscribe())).send().await.unwrap();
    assert_eq!(head.status().as_u16(), 200);
    for method in ["PUT", "DELETE", "PATCH"] {
        let request =
            stage.http.request(method.parse().unwrap(), format!("{}{}", stage.url, stage.unsubscribe()));
        assert_eq!(request.send().await.unwrap().status().as_u16(), 405, "{method}");
    }
    assert_eq!((stage.told().await, stage.suppressed().await), (vec![], vec![]));
    // The page leads on to the other, signed.
    let path = html.split("href=\"..").nth(1).unwrap().split('"').next().unwrap();
    stage.known(json!({ "email": "anna@shop.example" }), Consents::default()).await;
    assert!(page(stage.get(path), 200).await.contains("What do you want to hear from us?"));
}

#[tokio::test]
async fn one_click_takes_any_form() {
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n",
        ),
        ("text/plain", "List-Unsubscribe=One-Click"),
        ("application/json", "{}"),
        ("", ""),
    ] {
        let stage = Stage::new().await;
        stage.queue().await;
        // As mail programs' servers do it: no browser, no cookie, no origin.
        let mut request = stage.http.post(format!("{}{}", stage.url, stage.unsubscribe()));
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let html = page(request.body(body), 200).await;
        assert!(html.contains("You are unsubscribed"), "{html}");
        // Durable when answered: no waiting here.
        assert_eq!(stage.told().await, [said(&stage, Some("reminders"), "one_click")], "{content_type}");
        assert_eq!(stage.suppressed().await, ["0 anna@shop.example reminders 1 told"], "{content_type}");
        assert!(!stage.bell.rung().is_empty());
    }
}

#[tokio::test]
async fn said_again_it_changes_nothing() {
    let stage = Stage::new().await;
    stage.queue().await;
    let form = [("List-Unsubscribe", "One-Click")];
    page(stage.post(&stage.unsubscribe(), &form), 200).await;
    page(stage.post(&stage.unsubscribe(), &form), 200).await;
    assert_eq!(stage.told().await.len(), 1);
    // A second later it is said again, in case somebody said yes between: never swallowed.
    stage.later(1_000);
    page(stage.post(&stage.unsubscribe(), &form), 200).await;
    assert_eq!(stage.told().await.len(), 2);
    assert_eq!(stage.suppressed().await.len(), 1);
}

#[tokio::test]
async fn by_hand_from_more() {
    let stage = Stage::new().await;
    stage.deploy(&[("journeyman.yaml", SHOP)]).await;
    stage.queue().await;
    let html = page(stage.post(&stage.unsubscribe(), &[("scope", "less"), ("lang", "de")]), 200).await;
    assert!(html.contains("Sie sind abgemeldet"), "{html}");
    let html = page(stage.post(&stage.unsubscribe(), &[("scope", "channel"), ("lang", "en")]), 200).await;
    assert!(html.contains("We will not send you any marketing by email any more."), "{html}");
    let told = stage.told().await;
    assert_eq!(told, [said(&stage, Some("reminders"), "page"), said(&stage, None, "page")]);
    let both = ["0 anna@shop.example * 1 told", "0 anna@shop.example reminders 1 told"];
    assert_eq!(stage.suppressed().await, both);
}

#[tokio::test]
async fn a_message_nobody_knows_any_more() {
    let stage = Stage::new().await;
    // Nobody knows the address either: it is still said.
    page(stage.post(&stage.unsubscribe(), &[("List-Unsubscribe", "One-Click")]), 200).await;
    assert_eq!(stage.told().await, [said(&stage, None, "one_click")]);
    assert!(stage.suppressed().await.is_empty());
    stage.known(json!({ "email": "Anna@Home.example" }), Consents::default()).await;
    stage.later(1_000);
    page(stage.post(&stage.unsubscribe(), &[("List-Unsubscribe", "One-Click")]), 200).await;
    assert_eq!(stage.suppressed().await, ["0 anna@home.example * 1 told"]);
    let html = page(stage.get(&stage.unsubscribe()), 200).await;
    assert!(html.contains("Stop these messages"), "{html}");
}

#[tokio::test]
async fn nothing_that_has_not_started_leaves_afterwards() {
    let stage = Stage::new().await;
    stage.queue().await;
    let pool = connect(&stage.database.options, Limits::ENGINE);
    let own = queues::lease(&pool, Uuid::from_u128(1), LEASE).await.unwrap();
    let own = own.into_iter().find(|queue| queue.channel == Channel::Email).unwrap();
    let claimed =
        outbox::claim(&pool, Channel::Email, Channel::Email.code(), 0, 10, stage.at()).await.unwrap();
    assert_eq!(claimed.len(), 1);
    // Claimed, its connection open, its first byte about to be sent.
    page(stage.post(&stage.unsubscribe(), &[("List-Unsubscribe", "One-Click")]), 200).await;
    let about = [(stage.message, "{}".to_owned())];
    let started = outbox::start(&pool, &own, &about, stage.at()).await.unwrap();
    assert_eq!((started.started, started.suppressed), (vec![], vec![stage.message]));
    let found = messages::find(&pool, stage.message).await.unwrap().unwrap();
    assert_eq!((found.state, found.reason.as_deref()), (State::Rejected, Some(SUPPRESSED)));
}
