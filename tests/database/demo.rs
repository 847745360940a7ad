//! `journeyman demo`: the whole of it, twice.

use std::process::Stdio;

use journeyman_store::{Limits, connect, tally};
use serde_json::Value;
use sqlx::postgres::PgPool;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use uuid::Uuid;

use crate::harness::Folder;
use crate::harness::daemon::{Ended, command, run};
use crate::harness::postgres::Database;

/// A demo's database, gone afterwards.
struct Shop {
    server: Database,
    name: String,
    pool: PgPool,
}

impl Shop {
    async fn new() -> Self {
        let server = Database::empty().await;
        let name = format!("demo_{}", Uuid::new_v4().simple());
        let pool = connect(&server.options.clone().database(&name), Limits::REPORTS);
        Self { server, name, pool }
    }

    /// Lets it live for so many days, with so many shoppers.
    async fn live(&self, seed: &str, days: &str, users: &str) -> Ended {
        let folder = Folder::new();
        let size = ["--seed", seed, "--days", days, "--users", users];
        let arguments = [&["demo", "--headless", "--json", "--database", &self.name], &size[..]].concat();
        run(command(folder.path(), Some(&self.server.url()), &arguments)).await
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn end(self) {
        self.pool.close().await;
        for name in [self.name.clone(), format!("{}_fixed", self.name)] {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&self.server.pool).await.expect("dropped");
        }
    }
}

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn number(json: &Value, pointer: &str) -> i64 {
    json.pointer(pointer).and_then(Value::as_i64).unwrap_or_else(|| panic!("no {pointer} in {json}"))
}

#[tokio::test]
async fn the_same_seed_gives_the_same_table_and_nothing_is_lost() {
    let shops = [Shop::new().await, Shop::new().await, Shop::new().await];
    let [one, same, other] = &shops;
    // At once, so that they get in each other's way as machines do.
    let (first, second, third) =
        tokio::join!(one.live("1", "2", "200"), same.live("1", "2", "200"), other.live("2", "2", "200"));
    let mut outcomes = [json(&first), json(&second), json(&third)];
    for outcome in &mut outcomes {
        let wall = outcome.as_object_mut().and_then(|outcome| outcome.remove("wall_s"));
        assert!(wall.and_then(|wall| wall.as_f64()).is_some_and(|wall| wall > 0.0));
    }
    let [first, second, third] = &outcomes;
    assert_eq!(first, second);
    assert_ne!(first, third);

    for (outcome, shop) in outcomes.iter().zip(&shops) {
        for nothing in ["/duplicates", "/lost", "/rejected", "/parked"] {
            assert_eq!(number(outcome, nothing), 0, "{nothing} of {outcome}");
        }
        let (accepted, processed) =
            (number(outcome, "/events_accepted"), number(outcome, "/events_processed"));
        assert_eq!(accepted, processed);
        assert_eq!(accepted, shop.count("SELECT count(*) FROM events").await);
        let people = "SELECT count(*) FROM heads WHERE merged_into IS NULL";
        assert_eq!(number(outcome, "/people"), shop.count(people).await);
        assert_eq!(
            number(outcome, "/messages/sent"),
            shop.count("SELECT count(*) FROM messages WHERE state = 10").await
        );
        let runs = "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM ended_runs)";
        assert_eq!(number(outcome, "/runs_entered"), shop.count(runs).await);
        // All that waits waits for later.
        let waiting = "SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox)";
        assert_eq!(shop.count(waiting).await, 0);

        let (sent, opened) = (number(outcome, "/messages/sent"), number(outcome, "/messages/opened"));
        let clicked = number(outcome, "/messages/clicked");
        assert!(accepted > 500 && sent >= 10, "{outcome}");
        assert!((sent / 10..=sent * 8 / 10).contains(&opened), "{opened} of {sent} opened");
        assert!(clicked <= opened && clicked <= sent / 3, "{clicked} of {sent} clicked");
        // They came as visitors do: more looking than buying.
        let of = "SELECT count(*) FROM events WHERE name = 'Product Viewed'";
        let orders = "SELECT count(*) FROM events
                      WHERE name = 'Order Completed' AND occurred_at >= '2026-09-07T00:00:00+02'";
        assert!(shop.count(of).await > 5 * shop.count(orders).await);
    }
    for shop in shops {
        shop.end().await;
    }
}

#[tokio::test]
async fn every_channel_speaks_and_the_nights_teach() {
    let shop = Shop::new().await;
    let outcome = json(&shop.live("1", "6", "250").await);
    assert_eq!((number(&outcome, "/lost"), number(&outcome, "/duplicates")), (0, 0), "{outcome}");
    // Mail, push and WhatsApp left; what was refused is the app that was removed, and nothing went to the inbox.
    for channel in [0, 2, 3] {
        let sent = "SELECT count(*) FROM messages WHERE state = 10 AND channel = ";
        let sent: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{sent}{channel}")))
            .fetch_one(&shop.pool)
            .await
            .unwrap();
        assert!(sent > 0, "nothing left by {channel}: {outcome}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM inbox").await, 0);
    let told = "SELECT count(*) FROM events WHERE name = 'Message Delivered' AND source = 'whatsapp'";
    assert!(shop.count(told).await > 0);
    // Scores and models are of each midnight.
    let midnights = "SELECT count(DISTINCT fitted_at) FROM models WHERE name = 'churn'";
    assert_eq!(shop.count(midnights).await, 6);
    assert!(shop.count("SELECT count(*) FROM models WHERE name = 'channel'").await > 0);
    assert!(shop.count("SELECT count(*) FROM decisions WHERE rule = 2").await > 0);
    assert!(shop.count("SELECT count(*) FROM events WHERE name = 'Scores Computed'").await > 100);
    shop.end().await;
}

#[tokio::test]
async fn learned_choices_are_compared_with_fixed_ones_over_seeds() {
    let shop = Shop::new().await;
    let folder = Folder::new();
    let call = async |more: &[&str]| {
        let size = ["demo", "--headless", "--json", "--database", &shop.name, "--days", "2", "--users", "60"];
        run(command(folder.path(), Some(&shop.server.url()), &[&size[..], more].concat())).await
    };
    let outcome = json(&call(&["--compare", "--seeds", "2"]).await);
    assert_eq!(outcome["seeds"], serde_json::json!([1, 2]));
    assert_eq!(number(&outcome, "/duplicates_or_lost"), 0);
    for measure in
        ["clicks_per_100_messages", "goals_per_100_runs", "messages_per_shopper", "revenue_per_shopper"]
    {
        let measure = &outcome["measures"][measure];
        let [low, high] = [0, 1].map(|nth| measure["interval_95"][nth].as_f64().unwrap());
        let difference = measure["difference"].as_f64().unwrap();
        assert!(low <= difference && difference <= high, "{measure}");
        assert_eq!(measure["learned"].as_array().map(Vec::len), Some(2));
        // What can't be told from chance is not told.
        assert!(low > 0.0 || high < 0.0 || measure["verdict"] == "no difference shown", "{measure}");
    }
    let one = call(&["--compare", "--seeds", "1"]).await;
    assert!(one.code == Some(1) && one.err.contains("of one nothing is known"), "{one:?}");
    let alone = call(&["--seeds", "3"]).await;
    assert!(alone.code == Some(2) && alone.err.contains("--compare"), "{alone:?}");
    shop.end().await;
}

#[tokio::test]
async fn what_is_missing_or_done_twice_is_counted() {
    let shop = Shop::new().await;
    let outcome = json(&shop.live("1", "1", "40").await);
    assert_eq!((number(&outcome, "/lost"), number(&outcome, "/duplicates")), (0, 0));
    assert_eq!(tally::applied(&shop.pool).await.unwrap(), (0, 0));
    let spoil = async |sql: &'static str| {
        let spoiled = sqlx::query(sql).execute(&shop.pool).await.unwrap().rows_affected();
        assert_eq!(spoiled, 1, "{sql}");
    };
    spoil("INSERT INTO journal SELECT * FROM journal WHERE what = 1 ORDER BY at, person_id, n LIMIT 1").await;
    assert_eq!(tally::applied(&shop.pool).await.unwrap(), (0, 1));
    spoil(
        "DELETE FROM journal WHERE (person_id, n) IN
         (SELECT person_id, n FROM journal WHERE what = 1 ORDER BY at DESC, person_id, n DESC LIMIT 1)",
    )
    .await;
    assert_eq!(tally::applied(&shop.pool).await.unwrap(), (1, 1));
    shop.end().await;
}

#[tokio::test]
async fn a_database_that_is_not_its_own_is_not_touched() {
    let theirs = Database::new().await;
    let name = theirs.text("SELECT current_database()::text").await;
    let folder = Folder::new();
    let arguments = ["demo", "--headless", "--days", "1", "--users", "5", "--database", &name];
    let ended = run(command(folder.path(), Some(&theirs.url()), &arguments)).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("was not made by this command: nothing was touched"), "{ended:?}");
    assert_eq!(theirs.count("SELECT count(*) FROM deployments").await, 0);

    // Its own it replaces, unless somebody uses it.
    let shop = Shop::new().await;
    let first = json(&shop.live("1", "1", "5").await);
    let user = shop.pool.acquire().await.unwrap();
    let refused = shop.live("1", "1", "5").await;
    assert!(refused.code == Some(1) && refused.err.contains("is in use"), "{refused:?}");
    drop(user);
    shop.pool.close().await;
    let again = json(&shop.live("1", "1", "5").await);
    assert_eq!(first.get("events_accepted"), again.get("events_accepted"));
    shop.end().await;
}

#[tokio::test]
async fn it_serves_on_until_it_is_stopped() {
    let shop = Shop::new().await;
    let folder = Folder::new();
    let arguments = ["demo", "--days", "1", "--users", "30", "--database", &shop.name];
    let mut demo = command(folder.path(), Some(&shop.server.url()), &arguments);
    demo.env("JOURNEYMAN_LISTEN_PUBLIC", "127.0.0.1:0").env("JOURNEYMAN_LISTEN_PRIVATE", "127.0.0.1:0");
    let mut demo = demo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines();
    let (mut page, mut door) = (String::new(), String::new());
    while door.is_empty() || page.is_empty() {
        let line = lines.next_line().await.unwrap().expect("it goes on");
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_default();
        match line.as_str() {
            said if said.contains("look at it") => page = address.to_owned(),
            said if said.contains("its door") => door = address.to_owned(),
            _ => {}
        }
    }
    let http = crate::harness::door::builder().build().unwrap();
    let shown = http.get(&page).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    assert!(shown.text().await.unwrap().contains("cart-abandonment"));
    let body = r#"{"userId":"ada","event":"Product Viewed"}"#;
    let told =
        http.post(format!("{door}/v1/track")).basic_auth("dev", Some("")).body(body).send().await.unwrap();
    assert_eq!(told.status(), 200);
    // The shop's clock runs on from where it stood: the end of its day.
    let later = "SELECT count(*) FROM events WHERE received_at > '2026-09-08T00:00:00+02'";
    assert_eq!(shop.count(later).await, 1);
    let id = rustix::process::Pid::from_raw(i32::try_from(demo.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let ended = demo.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("0 duplicates, 0 lost"), "{ended:?}");
    shop.end().await;
}
