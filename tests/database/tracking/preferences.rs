//! The preference page: what it shows, what it changes.

use journeyman_domain::person::Consents;
use journeyman_domain::plan::Channel;
use journeyman_store::suppressions::{self, Kind, Suppression};
use serde_json::{Value, json};

use super::{ANNA, SHOP, Stage, page};

/// A marketing journey by two channels.
const OFFERS: &str = "journey: offers
topic: offers
enter:
  on: Signed Up
  again: always
steps:
  - send: offer
    channel: [email, sms]
";

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.deploy(&[("journeyman.yaml", SHOP), ("journeys/offers.yaml", OFFERS)]).await;
    stage.known(json!({ "email": "anna@shop.example", "phone": "+4366412345" }), Consents::default()).await;
    stage.queue().await;
    stage
}

/// What a page shows: of each box `value`, ticked `+`, not `-`, not to be chosen `x`.
fn boxes(html: &str) -> Vec<String> {
    let boxes = html.split("<input type=\"checkbox\" name=\"on\" value=\"").skip(1).map(|rest| {
        let (value, rest) = rest.split_once('"').unwrap();
        let attributes = rest.split('>').next().unwrap();
        let sign = if attributes.contains("disabled") {
            'x'
        } else if attributes.contains("checked") {
            '+'
        } else {
            '-'
        };
        format!("{sign}{value}")
    });
    boxes.collect()
}

/// What the browser would post of a page, with these boxes ticked.
fn form<'a>(html: &'a str, ticked: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let hidden = html.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        (name, rest.split('"').next().unwrap())
    });
    let mut form: Vec<(&str, &str)> = hidden.collect();
    form.extend(ticked.iter().map(|value| ("on", *value)));
    form
}

fn told(told: &[(String, i64, Value)]) -> Vec<String> {
    let line = |(name, person, properties): &(String, i64, Value)| {
        assert_eq!((*person, &properties["via"]), (ANNA.0, &json!("preferences")));
        let text = |field: &str| properties.get(field).and_then(Value::as_str).unwrap_or("*").to_owned();
        format!("{name} {} {}", text("channel"), text("topic"))
    };
    told.iter().map(line).collect()
}

#[tokio::test]
async fn what_is_chosen_is_told_and_shown() {
    let stage = stage().await;
    let html = page(stage.get(&stage.preferences()), 200).await;
    let shown = ["-email:offers", "-sms:offers", "+email:reminders", "+sms:reminders"];
    assert_eq!(boxes(&html), shown);
    for part in ["For a•••@shop.example", "<legend>Offers &#38; more</legend>", "The Shop"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!((stage.told().await.len(), stage.suppressed().await.len()), (0, 0));

    let saved =
        page(stage.post(&stage.preferences(), &form(&html, &["email:offers", "sms:reminders"])), 200).await;
    assert!(saved.contains("Saved."), "{saved}");
    // What was chosen, before anybody has applied it.
    assert_eq!(boxes(&saved), ["+email:offers", "-sms:offers", "-email:reminders", "+sms:reminders"]);
    assert_eq!(told(&stage.told().await), ["Unsubscribed email reminders", "Subscribed email offers"]);
    assert_eq!(stage.suppressed().await, ["0 anna@shop.example reminders 1 told"]);

    // Changed back at once: what was said a moment ago and is not applied yet does not hide it.
    stage.later(1_000);
    let back =
        page(stage.post(&stage.preferences(), &form(&saved, &["email:reminders", "sms:reminders"])), 200)
            .await;
    assert_eq!(boxes(&back), shown);
    assert_eq!(told(&stage.told().await)[2..], ["Unsubscribed email offers", "Subscribed email reminders"]);
    assert_eq!(stage.suppressed().await, ["0 anna@shop.example offers 1 told"]);

    // Nothing changed, nothing told.
    stage.later(1_000);
    page(stage.post(&stage.preferences(), &form(&back, &["email:reminders", "sms:reminders"])), 200).await;
    assert_eq!(stage.told().await.len(), 4);
}

#[tokio::test]
async fn nothing_any_more_and_a_little_again() {
    let stage = stage().await;
    let html = page(stage.get(&stage.preferences()), 200).await;
    let mut all = form(&html, &["email:reminders", "sms:reminders"]);
    all.push(("nothing", "1"));
    let done = page(stage.post(&stage.preferences(), &all), 200).await;
    assert!(done.contains("You will not get any marketing from us any more."), "{done}");
    assert_eq!(told(&stage.told().await), ["Unsubscribed * *"]);
    assert_eq!(
        stage.suppressed().await,
        ["0 anna@shop.example * 1 told", "1 +4366412345 * 1 told", "3 +4366412345 * 1 told",]
    );

    // It is as it was said to be, once it is applied and shown again.
    let mut consents = Consents::default();
    consents.say(None, None, false, stage.at());
    stage.known(json!({ "email": "anna@shop.example", "phone": "+4366412345" }), consents).await;
    let html = page(stage.get(&stage.preferences()), 200).await;
    assert_eq!(boxes(&html), ["-email:offers", "-sms:offers", "-email:reminders", "-sms:reminders"]);
    stage.later(1_000);
    page(stage.post(&stage.preferences(), &form(&html, &["email:reminders"])), 200).await;
    assert_eq!(told(&stage.told().await)[1..], ["Subscribed email reminders"]);
    // A no to everything by mail has become a no to everything else.
    assert_eq!(
        stage.suppressed().await,
        ["0 anna@shop.example offers 1 told", "1 +4366412345 * 1 told", "3 +4366412345 * 1 told",]
    );
}

#[tokio::test]
async fn a_page_left_open_takes_nothing_back() {
    let stage = stage().await;
    let html = page(stage.get(&stage.preferences()), 200).await;
    page(stage.post(&stage.unsubscribe(), &[("List-Unsubscribe", "One-Click")]), 200).await;
    stage.later(1_000);
    // Ticked all the time, and saved as it was: no word about it.
    page(stage.post(&stage.preferences(), &form(&html, &["email:reminders", "sms:reminders"])), 200).await;
    assert_eq!(stage.told().await.len(), 1);
    assert_eq!(stage.suppressed().await, ["0 anna@shop.example reminders 1 told"]);
}

#[tokio::test]
async fn what_can_not_be_reached_can_not_be_chosen() {
    let stage = stage().await;
    let dead = Suppression {
        channel: Channel::Email,
        address: "anna@shop.example".to_owned(),
        topic: None,
        kind: Kind::Bounced,
        at: stage.at(),
        event: None,
    };
    suppressions::add(&stage.database.pool, &[dead]).await.unwrap();
    let html = page(stage.get(&stage.preferences()), 200).await;
    assert_eq!(boxes(&html), ["xemail:offers", "-sms:offers", "xemail:reminders", "+sms:reminders"]);
    assert!(html.contains("Messages by email come back to us"), "{html}");
    // Whoever sends it all the same: the address stays dead.
    page(stage.post(&stage.preferences(), &[("was_not", "email:offers"), ("on", "email:offers")]), 200).await;
    assert_eq!(stage.suppressed().await, ["0 anna@shop.example * 2"]);
}

#[tokio::test]
async fn who_complained_may_come_back() {
    let stage = stage().await;
    let complained = Suppression {
        channel: Channel::Email,
        address: "anna@shop.example".to_owned(),
        topic: None,
        kind: Kind::Complained,
        at: stage.at(),
        event: None,
    };
    suppressions::add(&stage.database.pool, &[complained]).await.unwrap();
    let html = page(stage.get(&stage.preferences()), 200).await;
    assert_eq!(boxes(&html), ["-email:offers", "-sms:offers", "-email:reminders", "+sms:reminders"]);
    page(stage.post(&stage.preferences(), &form(&html, &["email:reminders", "sms:reminders"])), 200).await;
    assert_eq!(stage.suppressed().await, ["0 anna@shop.example offers 1 told"]);
}

#[tokio::test]
async fn in_the_persons_language() {
    let stage = stage().await;
    for (traits, header, lang, words) in [
        (json!({}), "", "en", "What do you want"),
        (json!({}), "fr, de;q=0.5", "de", "Was möchten Sie"),
        (json!({ "locale": "de-AT" }), "en", "de", "Was möchten Sie"),
        (json!({ "locale": "fr" }), "en", "en", "What do you want"),
    ] {
        stage.known(traits, Consents::default()).await;
        let html = page(stage.get(&stage.preferences()).header("accept-language", header), 200).await;
        assert!(html.contains(&format!("lang=\"{lang}\"")) && html.contains(words), "{html}");
        let topic = if lang == "de" { "Erinnerungen" } else { "Reminders" };
        assert!(html.contains(topic), "{html}");
        let html = page(stage.get(&stage.unsubscribe()).header("accept-language", header), 200).await;
        assert!(html.contains(&format!("lang=\"{lang}\"")), "{html}");
    }
}

#[tokio::test]
async fn nonsense_is_nothing() {
    let stage = stage().await;
    for form in [
        &[("was", "email"), ("was", ":"), ("was", "fax:offers"), ("was", "email:"), ("was", "\u{0}:\u{0}")][..],
        &[("was_not", "email:unheard-of"), ("on", "email:unheard-of")],
        &[("on", "email:offers")],
    ] {
        page(stage.post(&stage.preferences(), form), 200).await;
    }
    assert_eq!(stage.told().await.len(), 0);
    let long = format!("email:{}", "x".repeat(81));
    page(stage.post(&stage.preferences(), &[("was", long.as_str())]), 200).await;
    let many: Vec<String> = (0..500).map(|nth| format!("email:t{nth}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|value| ("was", value.as_str())).collect();
    page(stage.post(&stage.preferences(), &many), 200).await;
    assert_eq!(stage.told().await.len(), 100, "no more than one person may speak of");
    let huge = "x".repeat(100_000);
    page(stage.post(&stage.preferences(), &[("on", huge.as_str())]), 200).await;
    assert_eq!(stage.told().await.len(), 100);
}
