//! What comes back by mail.

use journeyman_domain::PersonId;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{ANNA, Stage, ring};
use crate::harness::door::{Answer, KEY, answer};

const FAILED: &str = include_str!("../../../crates/channels/src/bounce/samples/postfix_failed.eml");
const FULL: &str = include_str!("../../../crates/channels/src/bounce/samples/mailbox_full.eml");
const DELAYED: &str = include_str!("../../../crates/channels/src/bounce/samples/postfix_delayed.eml");
const COMPLAINT: &str = include_str!("../../../crates/channels/src/bounce/samples/yahoo_complaint.eml");
const DELIVERED: &str = include_str!("../../../crates/channels/src/bounce/samples/delivered.eml");
const LETTER: &str = include_str!("../../../crates/channels/src/bounce/samples/letter.eml");
const VACATION: &str = include_str!("../../../crates/channels/src/bounce/samples/vacation.eml");

/// A sample about Anna's message; signed by us, or by somebody else.
fn sample(stage: &Stage, text: &str, signed: bool) -> String {
    let keys = if signed { stage.keys.clone() } else { ring(&[3]) };
    let address = |keys: journeyman_domain::link::KeyRing| {
        let left = keys.return_address(keys.current(), stage.message, ANNA);
        format!("{left}@bounces.shop.example")
    };
    let text = text.replace("{return}", &address(keys)).replace("{forged}", &address(ring(&[3])));
    text.replace("{message}", &stage.message.to_string())
}

fn request(stage: &Stage, mail: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = stage.http.post(format!("{}/v1/bounces", stage.url)).basic_auth(KEY, Some(""));
    request.header("content-type", "message/rfc822").body(mail)
}

async fn post(stage: &Stage, mail: String) -> Answer {
    answer(request(stage, mail)).await
}

/// What is told, without what is the same everywhere.
async fn told(stage: &Stage) -> Vec<(String, Value)> {
    let line = |(name, person, mut said): (String, i64, Value)| {
        assert_eq!(
            (person, &said["message_id"], &said["channel"]),
            (ANNA.0, &json!(stage.message.to_string()), &json!("email"))
        );
        for field in ["message_id", "channel", "reason"] {
            said.as_object_mut().unwrap().remove(field);
        }
        (name, said)
    };
    stage.told().await.into_iter().map(line).collect()
}

#[tokio::test]
async fn what_comes_back_is_told_and_stops_what_is_dead() {
    let bounced = |kind, status, address| {
        ("Message Bounced", json!({ "kind": kind, "status": status, "address": address }))
    };
    let complained = ("Message Complained", json!({ "kind": "abuse", "address": "Anna@shop.example" }));
    let ours = "Anna@shop.example";
    for (text, signed, event, suppressed) in [
        (FAILED, true, bounced("hard", "5.1.1", ours), Some("0 anna@shop.example * 2 told")),
        (FULL, true, bounced("soft", "5.2.2", ours), None),
        (COMPLAINT, true, complained, Some("0 anna@shop.example * 3 told")),
        (DELIVERED, true, ("Message Delivered", json!({ "address": ours })), None),
        // Anybody may have written it: a note, and no consequences.
        (FAILED, false, bounced("soft", "5.1.1", ours), None),
    ] {
        let stage = Stage::new().await;
        stage.queue().await;
        let mail = sample(&stage, text, signed);
        let first = post(&stage, mail.clone()).await;
        assert_eq!(first.status, 200, "{first:?}");
        assert_eq!(first.body["reports"][0]["new"], true, "{first:?}");
        assert_eq!(first.body["reports"][0]["suppressed"], suppressed.is_some(), "{first:?}");
        stage.later(60_000);
        let again = post(&stage, mail).await;
        assert_eq!((again.status, &again.body["reports"][0]["new"]), (200, &json!(false)), "{again:?}");
        assert_eq!(told(&stage).await, [(event.0.to_owned(), event.1)]);
        assert_eq!(stage.suppressed().await, suppressed.map(str::to_owned).into_iter().collect::<Vec<_>>());
        assert!(!stage.bell.rung().is_empty());
    }
}

#[tokio::test]
async fn a_message_nobody_knows_any_more_is_its_persons_still() {
    let stage = Stage::new().await;
    let answer = post(&stage, sample(&stage, FAILED, true)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(told(&stage).await[0].1["address"], "ada@x.example");
    assert_eq!(stage.suppressed().await, ["0 ada@x.example * 2 told"]);
}

#[tokio::test]
async fn what_says_nothing_does_nothing() {
    let stage = Stage::new().await;
    stage.queue().await;
    for text in [DELAYED, VACATION] {
        let answer = post(&stage, sample(&stage, text, true)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!((stage.told().await.len(), stage.suppressed().await.len()), (0, 0));
    assert_eq!(stage.database.count("SELECT count(*) FROM rejected_events").await, 0);
}

#[tokio::test]
async fn what_is_not_understood_is_kept() {
    let stage = Stage::new().await;
    for (mail, why) in [
        (sample(&stage, LETTER, true), "neither a delivery report nor a complaint"),
        (String::new(), "not a mail"),
        // Of a message that is none of ours, in nobody's name.
        (sample(&stage, FAILED, false), "no message that is known here"),
        (sample(&stage, COMPLAINT, false), "signed here"),
    ] {
        let answer = post(&stage, mail).await;
        assert_eq!(
            (answer.status, answer.body["reason"].as_str()),
            (422, Some("unrecognised")),
            "{answer:?}"
        );
        assert!(answer.body["message"].as_str().unwrap().contains(why), "{why}: {answer:?}");
    }
    let kept = "SELECT count(*) FROM rejected_events WHERE source = 'web' AND reason = 'malformed'";
    assert_eq!(stage.database.count(kept).await, 4);
    assert_eq!((stage.told().await.len(), stage.suppressed().await.len()), (0, 0));
}

#[tokio::test]
async fn who_may_post_and_how_much() {
    let stage = Stage::new().await;
    let url = format!("{}/v1/bounces", stage.url);
    for request in [stage.http.post(&url), stage.http.post(&url).basic_auth("wk_other", Some(""))] {
        assert_eq!(answer(request.body(sample(&stage, FAILED, true))).await.status, 401);
    }
    let large = answer(request(&stage, "x".repeat(10 * 1024 * 1024 + 1))).await;
    assert_eq!((large.status, large.body["reason"].as_str()), (413, Some("too_large")), "{large:?}");
    assert_eq!(stage.database.count("SELECT count(*) FROM rejected_events").await, 0);
    // Signed for somebody who is nobody.
    let left = stage.keys.return_address(2, stage.message, PersonId(99));
    let mail = FAILED
        .replace("{return}", &format!("{left}@b.example"))
        .replace("{message}", &stage.message.to_string());
    assert_eq!(post(&stage, mail).await.status, 422);
}
