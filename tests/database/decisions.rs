//! Learned choices, end to end: made by a daemon, rewarded, learned from, made again by what was learned; told and exported.

use std::time::Duration;

use jiff::tz::TimeZone;
use journeyman_engine::models;
use serde_json::{Value, json};

use crate::harness::Folder;
use crate::harness::daemon::{Ended, command, run};
use crate::harness::door::now;
use crate::harness::shop::{Shop, happens};
use crate::harness::until::until;

const DAY: Duration = Duration::from_secs(86_400);
const PATIENCE: Duration = Duration::from_secs(60);

/// Two channels that reach everybody, at an hour that is free now and for a while.
const NUDGE: &str = "journey: nudge
kind: transactional
enter:
  on: Cart Viewed
  again: always
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
steps:
  - send: nudge
    best_of: [in_app, inbox]
    at: best
    within: 2h
  - wait: 3d
";

async fn call(shop: &Shop, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    run(command(folder.path(), Some(&shop.database.url()), arguments)).await
}

fn read(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// Until everything that came through the door is applied and everything queued has left.
async fn settled(shop: &Shop) {
    until("quiet", PATIENCE, async || {
        let left = "SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox)";
        (shop.database.count(left).await == 0).then_some(())
    })
    .await;
}

async fn views(shop: &Shop, daemon: &crate::harness::daemon::Daemon, people: std::ops::Range<usize>) {
    let viewed: Vec<String> =
        people.map(|nth| happens("Cart Viewed", &nth.to_string(), &format!("person{nth}"), "")).collect();
    shop.take(daemon, &viewed).await;
    settled(shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_is_logged_rewarded_told_and_exported() {
    let shop = Shop::with(&[NUDGE]).await;
    let daemon = shop.daemon().await;
    views(&shop, &daemon, 0..20).await;
    let choices = "SELECT string_agg(DISTINCT what || ' ' || rule || ' ' || snapshot, ', ') FROM decisions";
    assert_eq!(shop.database.text(choices).await, "2 3 0, 3 3 0");
    assert_eq!(shop.database.count("SELECT count(*) FROM decisions WHERE what = 2").await, 20);
    // Drawn evenly: of twenty, some take each.
    assert_eq!(shop.database.count("SELECT count(DISTINCT choice) FROM decisions WHERE what = 2").await, 2);

    let message = "SELECT 'msg_' || replace(message_id::text, '-', '') FROM decisions d
                   JOIN identities i ON i.person_id = d.person_id AND i.value = 'person0' WHERE what = 2";
    let message = shop.database.text(message).await;
    let clicked = happens("Message Clicked", "c", "person0", &format!(r#""message_id":"{message}""#));
    shop.take(&daemon, &[clicked, happens("Order Completed", "o", "person1", r#""revenue":25"#)]).await;
    settled(&shop).await;
    assert_eq!(
        shop.database.text("SELECT string_agg(goal::text, ',' ORDER BY goal) FROM rewards").await,
        "false,true"
    );

    let exported = read(&call(&shop, &["decisions", "export", "--what", "channel", "--json"]).await);
    let rows = exported["decisions"].as_array().unwrap();
    assert_eq!(rows.len(), 20);
    let rewarded: Vec<&Value> = rows.iter().filter(|row| row["reward"] == 1).collect();
    assert_eq!(rewarded.len(), 2, "{exported}");
    assert!(rewarded.iter().any(|row| row["clicked_at"].is_string() && row["goal_at"].is_null()));
    assert!(rewarded.iter().any(|row| row["goal_at"].is_string() && row["value"] == 25.0));
    let row = rows.iter().find(|row| row["reward"].is_null()).expect("the window is open");
    let told = [&row["rule"], &row["snapshot"], &row["propensity"], &row["journey"], &row["step"]];
    assert_eq!(told, [&json!("no_model"), &Value::Null, &json!(0.5), &json!("nudge"), &json!("nudge")]);
    assert_eq!(row["features"], json!({ "cohort": "fresh" }));
    let csv = call(&shop, &["decisions", "export", "--journey", "nudge"]).await;
    let lines: Vec<&str> = csv.out.lines().collect();
    assert_eq!((csv.code, lines.len()), (Some(0), 41), "{}", csv.out);
    assert!(lines[0].starts_with("at,person,journey,run,step,visit,what,choice,propensity,options,"));
    assert!(
        lines[1].contains(r#","{""cohort"":""fresh""}","#) || lines[1].contains("active_hours"),
        "{}",
        lines[1]
    );
    let ndjson = call(&shop, &["decisions", "export", "--format", "ndjson", "--what", "send_time"]).await;
    assert_eq!(ndjson.out.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 20);
    let none = read(&call(&shop, &["decisions", "export", "--json", "--to", "2020-01-01"]).await);
    assert_eq!(none["decisions"], json!([]));
    let wrong = call(&shop, &["decisions", "export", "--what", "colour"]).await;
    assert!(wrong.code == Some(2) && wrong.err.contains("option, channel, send_time"), "{wrong:?}");

    moved(&shop).await;
    let why = call(&shop, &["why", "person0"]).await;
    assert!(
        why.out.contains("no model yet: drawn evenly") && why.out.contains("no model yet: sent at once"),
        "{}",
        why.out
    );
    let audit = call(&shop, &["audit", "--sample", "50", "--json"]).await;
    assert_eq!(read(&audit)["people"], 20);
    assert_eq!(daemon.stop().await.0, Some(0));
}

/// Somebody waits for their best hour and turns out to be another, and that one another again, before the message leaves: what
/// comes of it is what came of the choice. Made of person0's: their choice was made under another id, for a message that never
/// left under its first name.
async fn moved(shop: &Shop) {
    let made = "WITH them AS (SELECT person_id FROM identities WHERE value = 'person0'),
        moved AS (INSERT INTO moved_runs (person_id, number, winner, becomes)
                  SELECT 9001, 4, 9002, 7 UNION ALL SELECT 9002, 7, person_id, 1 FROM them)
        INSERT INTO decisions (person_id, run, journey, step, visit, at, options, choice, propensities, what, rule, snapshot, message_id,
                               features)
        SELECT 9001, 4, journey, step, visit, at, options, choice, propensities, what, rule, snapshot, gen_random_uuid(), features
        FROM decisions JOIN them USING (person_id) WHERE what = 3";
    sqlx::query(made).execute(&shop.database.pool).await.unwrap();
    let exported = read(&call(shop, &["decisions", "export", "--what", "send_time", "--json"]).await);
    let of = |person: &str| {
        let rows = exported["decisions"].as_array().unwrap();
        rows.iter().find(|row| row["person"] == person).unwrap_or_else(|| panic!("{person}: {exported}"))
    };
    let before = of("person_9001");
    assert_eq!((&before["reward"], &before["run"]), (&json!(1), &json!(4)), "{before}");
    let rewarded = exported["decisions"].as_array().unwrap().iter().filter(|row| row["reward"] == 1);
    assert_eq!(rewarded.count(), 3, "{exported}");
    let forget = "WITH gone AS (DELETE FROM moved_runs) DELETE FROM decisions WHERE person_id = 9001";
    sqlx::query(forget).execute(&shop.database.pool).await.unwrap();
}

/// Four days ago one channel was clicked, the other was not; people were active at one hour of the day.
async fn history(shop: &Shop) {
    let mut connection = shop.database.pool.acquire().await.unwrap();
    let decisions = "INSERT INTO decisions (person_id, run, journey, step, visit, at, options, choice, propensities, what, rule, message_id,
                                            features)
        SELECT n, 1, 'nudge', 'nudge', 1, now() - interval '4 days', '{in_app,inbox}', CASE WHEN n % 2 = 0 THEN 'inbox' ELSE 'in_app' END,
               '{0.5,0.5}', 2, 3, md5(n::text)::uuid, '{\"cohort\":\"fresh\"}'
        FROM generate_series(1000, 1399) n";
    let rewards = "INSERT INTO rewards (person_id, message_id, goal, at)
        SELECT n, md5(n::text)::uuid, false, now() - interval '4 days' + CASE WHEN n % 2 = 0 THEN interval '1 hour' ELSE interval '80 hours' END
        FROM generate_series(1000, 1399) n WHERE n % 4 < 2";
    for statement in [decisions, rewards] {
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_choices_is_learned_and_used_and_the_past_stays_as_it_was() {
    let shop = Shop::with(&[NUDGE]).await;
    let daemon = shop.daemon().await;
    views(&shop, &daemon, 0..5).await;
    history(&shop).await;
    let mut connection = shop.database.pool.acquire().await.unwrap();
    let trained = models::train(&mut connection, now(), &TimeZone::UTC, DAY).await.unwrap();
    assert_eq!(trained.len(), 1, "nobody was active often enough for hours: {trained:?}");
    assert!(trained[0].name == "channel" && trained[0].promoted, "{trained:?}");
    // Clicks after the window do not count.
    let card = &trained[0].card;
    assert_eq!((&card["messages"], &card["rewarded"]), (&json!(400), &json!(100)));
    // Fitted today: not again.
    assert!(models::train(&mut connection, now(), &TimeZone::UTC, DAY).await.unwrap().is_empty());
    // The daemon takes it over.
    let mut next = 100;
    until("a choice by the model", PATIENCE, async || {
        views(&shop, &daemon, next..next + 10).await;
        next += 10;
        let learned = shop.database.count("SELECT count(*) FROM decisions WHERE what = 2 AND rule = 2").await;
        (learned >= 40).then_some(())
    })
    .await;
    let inbox = "SELECT count(*) FROM decisions WHERE what = 2 AND rule = 2 AND choice = 'inbox'";
    let learned = "SELECT count(*) FROM decisions WHERE what = 2 AND rule = 2";
    let (inbox, learned) = (shop.database.count(inbox).await, shop.database.count(learned).await);
    assert!(inbox * 10 >= learned * 7, "{inbox} of {learned} took the better one");
    let why = call(&shop, &["why", &format!("person{}", next - 1)]).await;
    assert!(why.out.contains(&format!("learned, snapshot {}", trained[0].snapshot)), "{}", why.out);
    // What it was made of, and what came of its choices so far: no window is over yet.
    let models = read(&call(&shop, &["learn", "models", "--json"]).await);
    let model = models["models"].as_array().unwrap().iter().find(|model| model["name"] == "channel").unwrap();
    assert_eq!((&model["choices"]["decisions"], &model["choices"]["over"]), (&json!(learned), &json!(0)));
    assert_eq!(model["choices"]["reward_rate"], Value::Null);
    let earlier = &models["without_model"]["channel"];
    assert_eq!((&earlier["over"], &earlier["rewarded"]), (&json!(400), &json!(100)), "{models}");
    let bounds = earlier["reward_rate_95"].as_array().unwrap();
    assert!(bounds[0].as_f64() < Some(0.25) && bounds[1].as_f64() > Some(0.25), "{models}");
    let shown = call(&shop, &["learn", "models"]).await;
    let line = shown
        .out
        .lines()
        .find(|line| line.trim_start().starts_with("channel") && line.contains('*'))
        .unwrap();
    assert!(line.contains("400 messages, 100 rewarded"), "{shown:?}");
    assert!(line.contains(&format!("{learned} choices: no window of 72 h is over")), "{shown:?}");
    assert!(shown.out.contains("25.0 % of 400 rewarded (21.0 to 29.5 %)"), "{shown:?}");

    // All of it applied again: choices are as they were, though the models are others now.
    let people = 5 + next - 100;
    let audit = read(&call(&shop, &["audit", "--sample", &people.to_string(), "--json"]).await);
    assert_eq!(audit["people"], people, "{audit}");
    // Without the log it can't be known, and is not guessed.
    sqlx::query("DELETE FROM decisions WHERE rule = 2").execute(&shop.database.pool).await.unwrap();
    let why = call(&shop, &["why", &format!("person{}", next - 1)]).await;
    assert!(why.out.contains("the choice that row") || why.err.contains("the choice that row"), "{why:?}");
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_are_learned_from_what_people_do() {
    let shop = Shop::with(&[NUDGE]).await;
    let number = journeyman_domain::person::FeatureKey::activity().number();
    // Sixty people, half of them active at eight, half at eight in the evening, for sixty days.
    let active = "WITH people AS (SELECT n, 8 + 12 * (n % 2) AS hour FROM generate_series(5000, 5059) n)
        INSERT INTO features (person_id, feature, last_at, times, amounts, \"values\", days, day_counts, day_sums)
        SELECT n, $1, NULL, array_agg((extract(epoch FROM date_trunc('day', now()) - d * interval '1 day') * 1000000)::bigint
               + hour * 3600000000 ORDER BY d DESC), array_agg(0.0::float8), '{}', '{}', '{}', '{}'
        FROM people, generate_series(1, 60) d GROUP BY n";
    let people = "INSERT INTO persons (person_id, version, n, assignment_key, has_traits, hot)
        SELECT n, 1, 0, n, false, '' FROM generate_series(5000, 5059) n";
    let mut connection = shop.database.pool.acquire().await.unwrap();
    sqlx::query(people).execute(&mut *connection).await.unwrap();
    sqlx::query(active).bind(number).execute(&mut *connection).await.unwrap();
    let trained = models::train(&mut connection, now(), &TimeZone::UTC, DAY).await.unwrap();
    assert_eq!(
        trained.iter().map(|made| (made.name, made.promoted)).collect::<Vec<_>>(),
        [("send_time", true)]
    );
    let card = &trained[0].card;
    assert!(card["personal"].as_f64() > card["everyone"].as_f64(), "{card}");
    let snapshot = models::load(&mut connection).await.unwrap();
    assert_eq!(snapshot.send_time.as_ref().map(|fitted| fitted.number), Some(trained[0].snapshot));
    assert!(snapshot.channels.is_none());
    // One that nobody can read is left out.
    sqlx::query("UPDATE models SET parameters = '{}'").execute(&mut *connection).await.unwrap();
    assert!(models::load(&mut connection).await.unwrap().send_time.is_none());
}
