//! `apply`, `why` and `audit`, as people use them.

use std::time::Duration;

use serde_json::Value;

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, Ended, command, run};
use crate::harness::door::{KEY, answer, batch, client};
use crate::harness::postgres::Database;

const SHOP: &str = "topics:\n  news: { consent: opt_out }\n  offers: { consent: opt_in }\n";
const HELLO: &str = "journey: hello
topic: news
enter:
  on: Signed Up
  if: event.plan == 'pro' and count('Product Viewed', 30d) >= 2
  again: never
steps:
  - send: hello
    channel: inbox
";
const OFFER: &str = "journey: offer
topic: offers
enter:
  on: Signed Up
  again: always
steps:
  - send: offer
    channel: inbox
";

fn shop(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path().join("journeys/segments")).unwrap();
    for (name, text) in files {
        folder.write(name, text);
    }
    folder
}

async fn call(database: &Database, folder: &Folder, arguments: &[&str]) -> Ended {
    run(command(folder.path(), Some(&database.url()), arguments)).await
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

async fn track(daemon: &Daemon, body: &str) {
    let request = client().post(format!("{}/v1/track", daemon.public)).basic_auth(KEY, Some(""));
    assert_eq!(answer(request.body(body.to_owned())).await.status, 200, "{body}");
}

/// Until everything that came through the door is applied and everything queued has left.
async fn settled(database: &Database) {
    let quiet = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            let left = "SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox)";
            if database.count(left).await == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), quiet).await.expect("the engine settles");
}

#[tokio::test]
async fn a_folder_goes_live_whole_or_not_at_all() {
    let database = Database::new().await;
    let folder = shop(&[("journeyman.yaml", SHOP), ("journeys/hello.yaml", HELLO)]);
    folder.write("journeys/offer.yaml", OFFER.replace("offers", "ofers"));
    let ended = call(&database, &folder, &["apply"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("ofers") && ended.err.contains("offers"), "{}", ended.err);
    assert!(ended.err.contains("nothing was changed"), "{}", ended.err);
    assert_eq!(database.count("SELECT count(*) FROM sources").await, 0);

    folder.write("journeys/offer.yaml", OFFER);
    let told = json(&call(&database, &folder, &["apply", "--json", "--note", "first"]).await);
    assert_eq!((&told["deployment"], &told["changed"]), (&1.into(), &true.into()), "{told}");
    assert_eq!(database.text("SELECT note FROM deployments").await, "first");
    // Comments and spaces make no version.
    folder.write("journeys/hello.yaml", format!("# hello\n{HELLO}\n"));
    let told = json(&call(&database, &folder, &["apply", "--json"]).await);
    assert_eq!((&told["deployment"], &told["changed"]), (&1.into(), &false.into()), "{told}");
    // What is gone is removed, what is new is new.
    std::fs::remove_file(folder.path().join("journeys/offer.yaml")).unwrap();
    folder.write("journeys/segments/pro.yaml", "segment: pro\nif: profile.plan == 'pro'\n");
    let ended = call(&database, &folder, &["apply"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for line in ["removed  journey offer", "new  segment pro", "deployment 2 is live"] {
        assert!(ended.out.contains(line), "{line}: {}", ended.out);
    }
    assert!(!ended.out.contains("hello"), "{}", ended.out);
}

#[tokio::test]
async fn why_says_what_was_recorded_and_what_is_recomputed_and_audit_finds_what_differs() {
    let database = Database::new().await;
    let folder =
        shop(&[("journeyman.yaml", SHOP), ("journeys/hello.yaml", HELLO), ("journeys/offer.yaml", OFFER)]);
    assert_eq!(call(&database, &folder, &["apply"]).await.code, Some(0));
    let daemon = Daemon::start(&database.url()).await;
    for nth in 0..2 {
        track(&daemon, &format!(r#"{{"userId":"ada","event":"Product Viewed","messageId":"v{nth}"}}"#)).await;
    }
    for person in ["ada", "bob"] {
        track(
            &daemon,
            &format!(r#"{{"userId":"{person}","event":"Signed Up","properties":{{"plan":"pro"}}}}"#),
        )
        .await;
    }
    settled(&database).await;
    let ada = json(&call(&database, &folder, &["why", "ada", "--json"]).await);
    let items: Vec<&Value> = ada["journal"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|chapter| chapter["items"].as_array().unwrap())
        .collect();
    let told = |source: &str, what: &str, journey: &str| {
        let told = items
            .iter()
            .filter(|item| item["source"] == source && item["what"] == what && item["journey"] == journey);
        told.count()
    };
    assert_eq!(told("recorded", "message", "hello"), 1, "{ada}");
    // Consent is missing: a refusal of a message, recorded with its code.
    assert_eq!(told("recorded", "refused", "offer"), 1, "{ada}");
    assert_eq!(told("recomputed", "asked", "hello"), 1, "{ada}");
    assert!(ada["differs"].as_array().unwrap().is_empty(), "{ada}");
    let refused = items.iter().find(|item| item["what"] == "refused").unwrap();
    assert_eq!(refused["detail"]["code"], "no_consent");
    // Bob's condition was false: that is recorded nowhere, and recomputed.
    let bob = call(&database, &folder, &["why", "bob", "--journey", "hello"]).await;
    assert!(bob.out.contains("~ asked") && bob.out.contains("-> false"), "{}", bob.out);
    assert!(!bob.out.contains("offer"), "{}", bob.out);
    let nobody = call(&database, &folder, &["why", "nobody"]).await;
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.err.contains("there is nobody called nobody"), "{}", nobody.err);

    let audit = call(&database, &folder, &["audit", "--sample", "10", "--json"]).await;
    assert_eq!(audit.code, Some(0), "{audit:?}");
    assert_eq!(json(&audit)["people"], 2);
    // Somebody meddles.
    sqlx::query("UPDATE persons SET n = n + 1 WHERE person_id = (SELECT min(person_id) FROM persons)")
        .execute(&database.pool)
        .await
        .unwrap();
    let audit = call(&database, &folder, &["audit", "--sample", "10"]).await;
    assert_eq!(audit.code, Some(1), "{audit:?}");
    assert!(audit.out.contains("NOT AS STORED"), "{}", audit.out);
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test]
async fn why_tells_a_message_under_what_it_came_of() {
    let database = Database::new().await;
    let bye = OFFER.replace("offer", "bye").replace("Signed Up", "Signed Out").replace("byes", "news");
    let folder =
        shop(&[("journeyman.yaml", SHOP), ("journeys/hello.yaml", HELLO), ("journeys/bye.yaml", &bye)]);
    assert_eq!(call(&database, &folder, &["apply"]).await.code, Some(0));
    let daemon = Daemon::start(&database.url()).await;
    // One request, one commit, one batch: of one moment.
    let happens = |nth: usize, name: &str| {
        format!(
            r#"{{"type":"track","userId":"ada","event":"{name}","messageId":"m{nth}","properties":{{"plan":"pro"}}}}"#
        )
    };
    let names = ["Product Viewed", "Signed Out", "Product Viewed", "Signed Up", "Product Viewed"];
    let all: Vec<String> = names.iter().enumerate().map(|(nth, name)| happens(nth, name)).collect();
    let request = client().post(format!("{}/v1/batch", daemon.public)).basic_auth(KEY, Some(""));
    assert_eq!(answer(request.body(batch(&all))).await.status, 200);
    settled(&database).await;
    assert_eq!(database.count("SELECT count(DISTINCT at) FROM journal WHERE what = 1").await, 1);
    let told = json(&call(&database, &folder, &["why", "ada", "--json"]).await);
    let chapters = told["journal"].as_array().unwrap().iter().zip(names);
    for (chapter, name) in chapters {
        assert!(chapter["input"].as_str().unwrap().starts_with(&format!("event {name} ")), "{chapter}");
        let items = chapter["items"].as_array().unwrap().iter();
        let came: Vec<String> = items
            .filter(|item| item["source"] == "recorded")
            .map(|item| format!("{} {}", item["what"].as_str().unwrap(), item["journey"].as_str().unwrap()))
            .collect();
        let expected = match name {
            "Signed Out" => vec!["message bye", "ended bye"],
            "Signed Up" => vec!["message hello", "ended hello"],
            _ => vec![],
        };
        assert_eq!(came, expected, "{name}: {told}");
    }
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test]
async fn counters_of_a_new_journey_are_made_of_history() {
    let database = Database::new().await;
    let first = shop(&[("journeyman.yaml", SHOP), ("journeys/offer.yaml", OFFER)]);
    assert_eq!(call(&database, &first, &["apply"]).await.code, Some(0));
    let daemon = Daemon::start(&database.url()).await;
    for nth in 0..3 {
        track(&daemon, &format!(r#"{{"userId":"ada","event":"Product Viewed","messageId":"v{nth}"}}"#)).await;
    }
    settled(&database).await;
    assert_eq!(database.count("SELECT count(*) FROM features").await, 0);
    // The daemon goes on while the journey that counts goes live.
    let second = shop(&[("journeyman.yaml", SHOP), ("journeys/hello.yaml", HELLO)]);
    let told = json(&call(&database, &second, &["apply", "--json"]).await);
    assert_eq!((&told["counters_made"], &told["people_counted"]), (&1.into(), &1.into()), "{told}");
    track(&daemon, r#"{"userId":"ada","event":"Signed Up","properties":{"plan":"pro"}}"#).await;
    settled(&database).await;
    assert_eq!(database.text("SELECT string_agg(template, ',') FROM inbox").await, "hello");
    let audit = call(&database, &second, &["audit"]).await;
    assert_eq!(audit.code, Some(0), "{audit:?}");
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test]
async fn a_wish_a_snippet_and_what_steps_do_go_through_a_daemon() {
    let database = Database::new().await;
    let policies = format!("{SHOP}hold_marketing:\n  while: in_segment('unhappy')\n  within: 14d\n");
    let folder = shop(&[
        ("journeyman.yaml", &policies),
        ("journeys/segments/unhappy.yaml", "segment: unhappy\nif: profile.tickets > 0\n"),
        (
            "journeys/wish.yaml",
            "journey: wish\ntopic: news\nenter:\n  api: yes\n  per: order\nsteps:\n  - update: { tier: gold }\n  - use: tail\n    with:\n      who: = entry.who\n",
        ),
        (
            "journeys/done.yaml",
            "journey: done\ntopic: news\nenter:\n  on: Done\n  if: profile.tier == 'gold'\n  again: always\nsteps:\n  - repeat: 2\n    then:\n      - send: done\n        channel: inbox\n",
        ),
    ]);
    std::fs::create_dir_all(folder.path().join("journeys/snippets")).unwrap();
    let tail = "snippet: tail\nwith: who\nsteps:\n  - send: tail\n    channel: inbox\n    if: who == 'ada'\n  - track: Done\n";
    folder.write("journeys/snippets/tail.yaml", tail);
    assert_eq!(call(&database, &folder, &["apply"]).await.code, Some(0));
    let daemon = Daemon::start(&database.url()).await;
    let wish = |person: &str| {
        format!(
            r#"{{"userId":"{person}","journey":"wish","messageId":"{person}","with":{{"order":7,"who":"{person}"}}}}"#
        )
    };
    track(&daemon, r#"{"userId":"x","event":"Nothing"}"#).await;
    for (person, again) in [("ada", false), ("ada", true), ("bob", false)] {
        let request = client().post(format!("{}/v1/start", daemon.public)).basic_auth(KEY, Some(""));
        let said = answer(request.body(wish(person))).await;
        assert_eq!(
            (said.status, said.body["duplicates"].as_u64()),
            (200, Some(u64::from(again))),
            "{said:?}"
        );
    }
    settled(&database).await;
    let sent = "SELECT string_agg(template, ',' ORDER BY template) FROM inbox";
    assert_eq!(database.text(sent).await, "done,done,done,done,tail");
    let told = call(&database, &folder, &["why", "ada", "--journey", "wish"]).await;
    for line in ["did      wish update_1: update tier", "did      wish tail_track_1: track Done"] {
        assert!(told.out.contains(line), "{line}: {}", told.out);
    }
    // A snippet's words are part of the version of who uses it, and of nothing else.
    folder.write("journeys/snippets/tail.yaml", tail.replace("'ada'", "'bob'"));
    let ended = call(&database, &folder, &["apply"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("journey wish") && !ended.out.contains("journey done"), "{}", ended.out);
    let audit = call(&database, &folder, &["audit", "--sample", "10"]).await;
    assert_eq!(audit.code, Some(0), "{audit:?}");
    assert_eq!(daemon.stop().await.0, Some(0));
}
