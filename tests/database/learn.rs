//! `journeyman learn`: on tables without a database, and in the daemon's.

use serde_json::{Value, json};

use crate::harness::daemon::{Daemon, Ended, command, run, serve};
use crate::harness::postgres::Database;
use crate::harness::shop::{PATIENCE, Shop, happens};
use crate::harness::until::{settle, until};
use crate::harness::{Folder, real_data};

async fn call(folder: &Folder, database: &Database, arguments: &[&str]) -> Ended {
    run(command(folder.path(), Some(&database.url()), arguments)).await
}

async fn done(folder: &Folder, database: &Database, arguments: &[&str]) -> Value {
    let ended = call(folder, database, &[arguments, &["--json"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.out))
}

async fn clv(arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    run(command(
        folder.path(),
        Some("postgres://nobody@127.0.0.1:1/nothing"),
        &[&["learn", "clv"], arguments].concat(),
    ))
    .await
}

fn near(said: &Value, path: &str, wanted: f64, within: f64) {
    let value = said.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    assert!((value - wanted).abs() <= within, "{path} is {value}, not {wanted}");
}

/// Fader, Hardie and Lee (2005), table 2; Fader and Hardie (2013), section 5; the authors' spreadsheets.
#[tokio::test]
async fn cdnow_is_learned_as_its_authors_did() {
    let Some(file) = real_data("cdnow-sample.txt") else { return };
    let file = file.to_string_lossy();
    let columns = ["--transactions", &file, "--customer", "1", "--date", "3", "--value", "5"];
    let holdout = ["--calibration-end", "1997-09-30", "--horizon", "39w"];
    let ended = clv(&[&columns[..], &holdout, &["--json"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said: Value = serde_json::from_str(&ended.out).unwrap();
    near(&said, "/bg_nbd/r", 0.243, 0.0005);
    near(&said, "/bg_nbd/alpha", 4.414, 0.0005);
    near(&said, "/bg_nbd/a", 0.793, 0.0005);
    near(&said, "/bg_nbd/b", 2.426, 0.0005);
    near(&said, "/bg_nbd/log_likelihood", -9582.4, 0.05);
    near(&said, "/gamma_gamma/p", 6.25, 0.005);
    near(&said, "/gamma_gamma/q", 3.74, 0.005);
    near(&said, "/gamma_gamma/v", 15.44, 0.005);
    near(&said, "/holdout/correlation", 0.626, 0.0005);
    near(&said, "/holdout/mse", 2.59, 0.005);
    near(&said, "/holdout/cumulative_error", -0.041, 0.0005);
    let ended = clv(&[&columns[..], &holdout].concat()).await;
    assert!(
        ended.out.contains("r 0.243  alpha 4.414")
            && ended.out.lines().all(|line| line.chars().count() <= 100)
    );
}

#[tokio::test]
async fn online_retail_is_learned_though_nobody_leaves() {
    let Some(file) = real_data("online-retail.csv.gz") else { return };
    let file = file.to_string_lossy();
    let columns = [
        "--transactions",
        &file,
        "--customer",
        "customer",
        "--date",
        "t",
        "--value",
        "price",
        "--quantity",
        "qty",
    ];
    let ended =
        clv(&[&columns[..], &["--calibration-end", "2011-08-31", "--horizon", "13w", "--json"]].concat())
            .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&said["bg_nbd"]["converged"], &said["gamma_gamma"]["converged"]),
        (&json!(true), &json!(true))
    );
    near(&said, "/bg_nbd/a", 0.0, 0.001);
    assert!(said["holdout"]["correlation"].as_f64().unwrap() > 0.7, "{said}");
}

#[tokio::test]
async fn what_is_no_table_of_purchases_is_told_so() {
    let folder = Folder::new();
    folder.write("t.csv", "who,when\n1,2026-01-01\n2,2026-01-02\n");
    let file = folder.path().join("t.csv");
    let file = file.to_string_lossy();
    let cases = [
        (["nowhere.csv", "who", "when"], "nowhere.csv"),
        ([&file, "whom", "when"], "there is no column `whom`; the first line has: who, when"),
        ([&file, "who", "when"], "nobody bought again on another day"),
    ];
    for ([file, customer, date], wanted) in cases {
        let ended = clv(&["--transactions", file, "--customer", customer, "--date", date]).await;
        assert!(ended.code == Some(1) && ended.err.contains(wanted), "{wanted}: {ended:?}");
    }
}

/// Orders of people each with a rhythm of their own until today; every third has stopped.
fn orders(people: i64) -> String {
    let now = crate::harness::door::now().timestamp();
    let mut csv = String::from("who,t,worth\n");
    for person in 0..people {
        let (gap, until) = (4 + person * 7 % 30, if person % 3 == 0 { 150 + person % 40 } else { 0 });
        let mut days = 300 - person % 30;
        while days > until {
            let at = now - jiff::SignedDuration::from_hours(24 * days);
            csv.push_str(&format!("user-{person},{at},{}\n", 10 + person % 9));
            days -= gap;
        }
    }
    csv
}

async fn load(folder: &Folder, database: &Database, people: i64) {
    folder.write("orders.csv", orders(people));
    let mapping = ["--set", "event=Order Completed", "--map", "userId=who", "--map", "timestamp=t"];
    let worth = ["--map", "properties.revenue:number=worth"];
    done(folder, database, &[&["import", "orders.csv"], &mapping[..], &worth].concat()).await;
}

const BACK: &str = "journey: back
kind: transactional
enter:
  on: Score Changed
  if: event.was == 'high' and scores.churn_band == 'low' and scores.clv >= 0 EUR
  again: always
steps:
  - send: hello-again
    channel: inbox
";

#[tokio::test]
async fn everybody_who_bought_is_scored_and_who_comes_back_is_met() {
    let shop = Shop::with(&[BACK]).await;
    let (database, folder) = (&shop.database, Folder::new());
    load(&folder, database, 240).await;
    let daemon = shop.daemon().await;
    settle(database, PATIENCE).await;
    let taught = done(&folder, database, &["learn", "run"]).await;
    assert_eq!(
        (&taught["customers"], &taught["told"], &taught["by"]),
        (&240.into(), &240.into(), &"bg-nbd 1".into())
    );
    settle(database, PATIENCE).await;
    // Who stopped five months ago has lost their rhythm, who goes on has not; the database says so as the answer does.
    let lost = "SELECT count(*) FROM traits t JOIN identities i USING (person_id)
                WHERE t.traits -> '$scores' ->> 'churn_band' = 'high' AND substr(i.value, 6)::int % 3 = 0";
    let others = "SELECT count(*) FROM traits t JOIN identities i USING (person_id)
                  WHERE t.traits -> '$scores' ->> 'churn_band' = 'high' AND substr(i.value, 6)::int % 3 <> 0";
    let (lost, others) = (database.count(lost).await, database.count(others).await);
    assert!(lost >= 76 && others <= 16, "{lost} {others}");
    assert_eq!(taught["bands"]["high"], lost + others);
    let worth = "SELECT count(*) FROM traits WHERE (traits -> '$scores' ->> 'clv')::float8 > 0
                 AND traits -> '$scores' ->> 'currency' = 'EUR'";
    assert!(database.count(worth).await >= 160);
    // Nobody enters for having been scored first.
    assert_eq!(database.count("SELECT count(*) FROM inbox").await, 0);
    let models = done(&folder, database, &["learn", "models"]).await;
    let model = &models["models"][0];
    assert_eq!(
        (&model["name"], &model["version"], &model["promoted"]),
        (&"churn".into(), &1.into(), &true.into())
    );
    assert_eq!(model["card"]["customers"], 240);
    assert_eq!(models["churn_last_learned"]["done"]["by"], "bg-nbd 1");

    // Learned again at once nothing is news; the fits are kept side by side.
    let again = done(&folder, database, &["learn", "run"]).await;
    assert_eq!((&again["told"], &again["fit"]), (&0.into(), &2.into()));
    let back = done(&folder, database, &["learn", "rollback", "churn"]).await;
    assert_eq!(back, json!({ "name": "churn", "before": 2, "now": 1 }));
    assert_eq!(database.count("SELECT version FROM models WHERE promoted").await, 1);
    let wrong = call(&folder, database, &["learn", "rollback", "churn", "--to", "9"]).await;
    assert!(
        wrong.code == Some(1) && wrong.err.contains("`churn` has no fit 9; nothing was changed"),
        "{wrong:?}"
    );

    // One of the lost buys: silent no more, at once.
    shop.take(&daemon, &[happens("Order Completed", "o", "user-0", r#""order_id":"o","revenue":20"#)]).await;
    settle(database, PATIENCE).await;
    assert_eq!(database.count("SELECT count(*) FROM inbox WHERE template = 'hello-again'").await, 1);
    let audit = done(&folder, database, &["audit", "--sample", "240"]).await;
    assert_eq!(
        (&audit["people"], &audit["differs"], &audit["not_replayable"]),
        (&240.into(), &json!([]), &json!([]))
    );
    let why = call(&folder, database, &["why", "user-0"]).await;
    assert!(why.code == Some(0) && why.out.contains("Scores Computed"), "{why:?}");
}

#[tokio::test]
async fn with_too_little_to_learn_from_silence_alone_counts_and_is_said_to() {
    let shop = Shop::with(&[BACK]).await;
    let (database, folder) = (&shop.database, Folder::new());
    load(&folder, database, 30).await;
    // The daemon does it by itself, and once.
    let place = Folder::new();
    let mut serving = serve(place.path(), Some(&database.url()), &[]);
    serving.env("JOURNEYMAN_LEARN_EVERY", "1d");
    let daemon = Daemon::from(serving, place).await;
    let learned = async || (database.count("SELECT count(*) FROM learned").await > 0).then_some(());
    until("a lesson", PATIENCE, learned).await;
    settle(database, PATIENCE).await;
    let models = done(&folder, database, &["learn", "models"]).await;
    let last = &models["churn_last_learned"]["done"];
    assert_eq!(
        (&last["by"], &last["customers"], &models["models"]),
        (&"recency".into(), &30.into(), &json!([]))
    );
    assert_eq!(last["why"], "nothing new was learned: 30 customers; it takes 100; silence alone counts");
    let by = "SELECT count(*) FROM traits WHERE traits -> '$scores' ->> 'model' = 'recency'
              AND traits -> '$scores' -> 'alive' IS NULL";
    assert_eq!(database.count(by).await, 30);
    assert_eq!(daemon.stop().await.0, Some(0));
}
