//! Links that are followed and pixels that are loaded.

use journeyman_domain::link::Purpose;
use journeyman_domain::{MessageId, Shard};
use serde_json::{Value, json};

use super::{ANNA, BEN, CHROME, Stage, TARGET};

#[tokio::test]
async fn a_click_is_answered_and_told() {
    let stage = Stage::new().await;
    let response = stage.get(&stage.link(3, TARGET)).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 302);
    let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("location"), TARGET);
    assert_eq!(header("cache-control"), "no-store, private");
    assert_eq!(header("x-robots-tag"), "noindex, nofollow");
    assert_eq!((header("referrer-policy"), header("set-cookie")), ("", ""));
    let told = stage.told_of(1).await;
    let message = stage.message.to_string();
    let said = json!({ "message_id": message, "channel": "email", "link": 3, "url": TARGET });
    assert_eq!(told, [("Message Followed".to_owned(), ANNA.0, said)]);
    assert!(stage.bell.heard().await.contains(Shard::of(ANNA)));
    // Nothing of who it was but their number.
    let payload = stage.database.text("SELECT payload::text FROM events").await;
    assert!(!payload.contains("127.0.0.1") && !payload.contains("Mozilla"), "{payload}");

    // Whoever they were merged into is told from then on.
    sqlx::query("UPDATE heads SET merged_into = $1 WHERE person_id = $2")
        .bind(BEN.0)
        .bind(ANNA.0)
        .execute(&stage.database.pool)
        .await
        .unwrap();
    stage.later(1);
    stage.get(&stage.link(3, TARGET)).send().await.unwrap();
    assert_eq!(stage.told_of(2).await[1].1, BEN.0);
}

#[tokio::test]
async fn clicks_are_counted_and_pixels_once_a_second() {
    let stage = Stage::new().await;
    // The beginning of a second.
    stage.later(1_000 - stage.at().as_millisecond() % 1_000);
    for _ in 0..3 {
        stage.later(100);
        let response = stage.get(&stage.pixel()).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["content-type"].as_bytes()),
            (200, &b"image/gif"[..])
        );
        assert_eq!(response.headers()["cache-control"], "no-store, private");
        assert_eq!(response.bytes().await.unwrap().len(), 43);
    }
    let bare = stage.pixel().replace(".gif", "");
    assert_eq!(stage.get(&bare).send().await.unwrap().status().as_u16(), 200);
    stage.get(&stage.link(0, TARGET)).send().await.unwrap();
    stage.later(1);
    stage.get(&stage.link(0, TARGET)).send().await.unwrap();
    stage.later(1_000);
    stage.get(&stage.pixel()).send().await.unwrap();
    let mut names: Vec<String> = stage.told_of(4).await.into_iter().map(|(name, ..)| name).collect();
    names.sort();
    assert_eq!(names, ["Message Followed", "Message Followed", "Message Loaded", "Message Loaded"]);
    stage.tracking.finish().await;
    assert_eq!(stage.told().await.len(), 4);
    let seen = stage.database.count("SELECT count(*) FROM seen").await;
    assert_eq!(seen, 4);
}

/// One door: a request to what rule it was a machine by.
async fn check(
    stage: &Stage,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    status: u16,
    rule: Option<&str>,
) {
    stage.later(1_000);
    let before = stage.told().await.len();
    let mut request = stage.http.request(method.parse().unwrap(), format!("{}{path}", stage.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), status, "{method} {headers:?}");
    let told = stage.told_of(before + 1).await;
    let machine = told[before].2.get("machine").and_then(Value::as_str);
    assert_eq!(machine, rule, "{method} {path} {headers:?}");
}

#[tokio::test]
async fn machines_are_told_from_people() {
    let stage = Stage::new().await;
    let (link, pixel) = (stage.link(0, TARGET), stage.pixel());
    let trap = format!("/c/{}", stage.token(Purpose::Honeypot));
    let agent = |agent| ("user-agent", agent);
    check(&stage, "GET", &link, &[agent(CHROME)], 302, None).await;
    check(&stage, "HEAD", &link, &[agent(CHROME)], 302, Some("head")).await;
    check(&stage, "HEAD", &pixel, &[agent(CHROME)], 200, Some("head")).await;
    check(
        &stage,
        "GET",
        &link,
        &[agent(CHROME), ("sec-purpose", "prefetch;prerender")],
        302,
        Some("prefetch"),
    )
    .await;
    check(&stage, "GET", &link, &[], 302, Some("no_agent")).await;
    check(&stage, "GET", &link, &[agent("BarracudaCentral")], 302, Some("gateway")).await;
    check(&stage, "GET", &link, &[agent("Slackbot-LinkExpanding 1.0")], 302, Some("preview")).await;
    check(&stage, "GET", &pixel, &[agent("Mozilla/5.0")], 200, Some("apple_mpp")).await;
    check(
        &stage,
        "GET",
        &pixel,
        &[agent("Mozilla/5.0 Firefox/11.0 (via ggpht.com GoogleImageProxy)")],
        200,
        None,
    )
    .await;
    check(&stage, "GET", &trap, &[agent(CHROME)], 200, Some("honeypot")).await;
    // The trap leads nowhere and says nothing.
    let response = stage.get(&trap).send().await.unwrap();
    assert!(response.headers().get("location").is_none());
    assert_eq!(response.text().await.unwrap(), "");
}

#[tokio::test]
async fn who_is_nobody_is_kept_apart() {
    let stage = Stage::new().await;
    let link = journeyman_domain::link::Link {
        message: MessageId(uuid::Uuid::from_u128(1)),
        person: journeyman_domain::PersonId(99),
        purpose: Purpose::Click { position: 0, target: TARGET.to_owned() },
    };
    let path = format!("/c/{}", stage.keys.sign(1, &link));
    assert_eq!(stage.get(&path).send().await.unwrap().status().as_u16(), 302);
    stage.get(&stage.link(0, TARGET)).send().await.unwrap();
    stage.told_of(1).await;
    stage.tracking.finish().await;
    let kept = stage.database.text("SELECT reason || ' of ' || source FROM rejected_events").await;
    assert_eq!(kept, "no_person of tracking");
}
