//! `journeyman backtest`: each count against one made in another way, of small data of our own and of the real sets.

mod browse;
mod goods;
mod retail;
mod said;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use journeyman_sim::Random;
use serde_json::{Value, json};

use crate::harness::daemon::{Ended, command, run};
use crate::harness::postgres::Database;
use crate::harness::shop::{ORDERS, PATIENCE, Shop, happens, order};
use crate::harness::until::settle;
use crate::harness::{Folder, real_data, root};

/// What happened, in words, and how often.
type Counts = BTreeMap<String, u64>;

/// How the orders' columns are mapped; of a return the quantity is negative.
const RETAIL: [&str; 14] = [
    "--set",
    "event=Order Completed",
    "--map",
    "timestamp=t",
    "--time-format",
    "%Y-%m-%d %H:%M",
    "--map",
    "userId=customer",
    "--map",
    "properties.products.0.product_id=product",
    "--map",
    "properties.products.0.quantity:number=qty",
    "--map",
    "properties.products.0.price:number=price",
];
const BROWSE: [&str; 14] = [
    "--map",
    "timestamp=ts_ms",
    "--time-format",
    "epoch-ms",
    "--map",
    "anonymousId=visitor",
    "--map",
    "event=event",
    "--values",
    "event:view=Product Viewed,addtocart=Product Added,transaction=Order Completed",
    "--map",
    "properties.product_id=item",
    "--map",
    "properties.order_id=tx",
];

fn shop(name: &str) -> String {
    root().join("tests/database/backtest").join(name).to_string_lossy().into_owned()
}

/// Runs it where no database is; a file needs none.
async fn offline(folder: &Folder, arguments: &[&str]) -> Ended {
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    run(command(folder.path(), Some(nowhere), &[&["backtest"], arguments].concat())).await
}

async fn backtest(folder: &Folder, database: Option<&Database>, arguments: &[&str]) -> Value {
    let arguments = [&["backtest"], arguments, &["--json"]].concat();
    let url = database.map(Database::url);
    let ended = run(command(folder.path(), url.as_deref(), &arguments)).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.out))
}

/// The answer in the words of the counts it is checked against.
fn counted(answer: &Value) -> Counts {
    let mut counts = Counts::new();
    let mut note = |what: String, count: &Value| {
        let count = count.as_u64().unwrap();
        if count > 0 {
            counts.insert(what, count);
        }
    };
    for (name, of) in answer["journeys"].as_object().unwrap() {
        note(format!("{name} entered"), &of["entered"]);
        note(format!("{name} goal"), &of["goals"]);
        note(format!("{name} under_way"), &of["under_way"]);
        for (reason, count) in of["refused"].as_object().unwrap() {
            note(format!("{name} refused {reason}"), count);
        }
        for (reason, count) in of["ended"].as_object().unwrap() {
            note(format!("{name} ended {reason}"), count);
        }
        for (step, count) in of["sent_by_step"].as_object().unwrap() {
            note(format!("{name} sent {step}"), count);
        }
        for said in of["not_sent"].as_array().unwrap() {
            let (step, reason) = (said["step"].as_str().unwrap(), said["reason"].as_str().unwrap());
            note(format!("{name} not_sent {step} {reason}"), &said["count"]);
        }
        for (day, happened) in of["days"].as_object().unwrap() {
            note(format!("{name} sent on {day}"), happened["sent"].get("inbox").unwrap_or(&json!(0)));
        }
    }
    counts
}

/// What of the answer is the same wherever the events come from.
fn happened(answer: &Value) -> Value {
    let same = ["events", "people", "from", "until", "zone", "currency", "journeys", "left_out", "parked"];
    Value::Object(same.iter().map(|name| ((*name).to_owned(), answer[*name].clone())).collect())
}

/// Eleven months of a small gift shop: some customers stay away for long, some order in the evening, some return things.
fn orders() -> String {
    let mut random = Random::new(11);
    let mut csv = "t,customer,product,qty,price,country\n".to_owned();
    let first = jiff::civil::date(2019, 1, 3).at(0, 0, 0, 0);
    for customer in 1..=60 {
        let mut minutes = random.between(0, 200 * 1_440);
        for _ in 0..random.between(1, 14) {
            let rest = random.among(&[1, 3, 10, 25, 40, 70, 100, 200]);
            minutes += random.between(1, rest * 1_440);
            if minutes > 330 * 1_440 {
                break;
            }
            // Where clocks change nothing is open, so that each time names one moment.
            let at = first.checked_add(jiff::Span::new().minutes(minutes)).unwrap();
            let at = if at.hour() < 4 { at.with().hour(21).build().unwrap() } else { at };
            let quantity = if random.chance(150) { -1 } else { random.between(1, 12) };
            for product in 0..random.between(1, 3) {
                let at = at.strftime("%Y-%m-%d %H:%M");
                csv.push_str(&format!("{at},{customer},{product},{quantity},2.50,United Kingdom\n"));
            }
        }
    }
    csv
}

/// Some weeks of browsers.
fn log() -> String {
    let mut random = Random::new(12);
    let mut lines = Vec::new();
    for visitor in 1..=80 {
        let mut at = 1_560_000_000_000 + random.between(0, 20 * 86_400_000);
        for _ in 0..random.between(1, 40) {
            let most = random.among(&[2, 20, 50, 300, 3_000, 9_000]);
            at += random.between(1_000, most * 60_000);
            let action =
                random.among(&["view", "view", "view", "view", "addtocart", "addtocart", "transaction"]);
            lines.push((at, format!("{at},{visitor},{action},{},", random.below(3))));
        }
    }
    lines.sort();
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    format!("ts_ms,visitor,event,item,tx\n{}\n", lines.join("\n"))
}

async fn agrees(folder: &Folder, shop_name: &str, file: &Path, mapping: &[&str], expected: &Counts) -> Value {
    let (shop, file) = (shop(shop_name), file.to_string_lossy());
    let answer = backtest(folder, None, &[&[shop.as_str(), "--events", &file], mapping].concat()).await;
    let counts = counted(&answer);
    let only = |some: &Counts, others: &Counts| -> Vec<String> {
        let differs = some.iter().filter(|(what, count)| others.get(*what) != Some(count));
        differs.map(|(what, count)| format!("{what} {count}")).collect()
    };
    assert_eq!(
        (only(&counts, expected), only(expected, &counts)),
        (Vec::new(), Vec::new()),
        "what the backtest says, and what was counted"
    );
    answer
}

#[tokio::test]
async fn orders_bring_thanks_and_silence_brings_people_back() {
    let folder = Folder::new();
    let csv = orders();
    let expected = retail::count(&csv);
    let file = folder.write("orders.csv", &csv);
    agrees(&folder, "retail", &file, &RETAIL, &expected).await;
    // The small shop has all of it.
    for what in [
        "post-purchase refused again",
        "post-purchase goal",
        "post-purchase under_way",
        "win-back refused again",
        "win-back ended goal",
        "win-back sent gift",
        "post-purchase not_sent thanks cap",
    ] {
        assert!(expected.contains_key(what), "no {what}: {expected:?}");
    }
}

#[tokio::test]
async fn views_and_carts_bring_reminders() {
    let folder = Folder::new();
    let csv = log();
    let expected = browse::count(&csv);
    let file = folder.write("log.csv", &csv);
    agrees(&folder, "browse", &file, &BROWSE, &expected).await;
    for what in [
        "browse-abandonment refused cancelled",
        "browse-abandonment refused again",
        "browse-abandonment refused lane_busy",
        "browse-abandonment ended lane_taken",
        "browse-abandonment goal",
        "cart-abandonment refused cancelled",
        "cart-abandonment refused joined",
        "cart-abandonment sent cart_last_call",
        "cart-abandonment ended goal",
    ] {
        assert!(expected.contains_key(what), "no {what}: {expected:?}");
    }
}

#[tokio::test]
async fn online_retail_is_as_counted() {
    let Some(file) = real_data("online-retail.csv.gz") else { return };
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(&file).unwrap()).read_to_string(&mut text).unwrap();
    let expected = retail::count(&text);
    let answer = agrees(&Folder::new(), "retail", &file, &RETAIL, &expected).await;
    assert_eq!(answer["events"], text.lines().count() - 1);
    println!("{} s, {} events/s", answer["lived_s"], answer["events_per_second"]);
}

#[tokio::test]
async fn retailrocket_is_as_counted() {
    let Some(file) = real_data("retailrocket-sample.csv") else { return };
    let expected = browse::count(&std::fs::read_to_string(&file).unwrap());
    agrees(&Folder::new(), "browse", &file, &BROWSE, &expected).await;
}

/// A shop with one journey, asked of a database by plain SQL too.
const WELCOME: &str = "
journey: welcome
topic: news
enter:
  on: Signed Up
  again: never
steps:
  - send: hello
    channel: [email, inbox]
  - wait_for: Order Completed
    within: 2d
    then:
      - exit: bought
    else:
      - send: hello-again
        channel: inbox
        if: profile.group != 'staff'
";

fn welcome(folder: &Folder) {
    std::fs::create_dir_all(folder.path().join("journeys")).unwrap();
    folder.write("journeyman.yaml", "time_zone: UTC\ntopics:\n  news: { consent: opt_out }\n");
    folder.write("journeys/welcome.yaml", WELCOME);
}

fn line(kind: &str, person: &str, at: &str, rest: &str) -> String {
    format!(r#"{{"type":"{kind}",{person},"timestamp":"{at}"{rest}}}"#)
}

/// Signs up as a browser, becomes known later; a second device; somebody of the staff; somebody who only buys.
fn people() -> Vec<String> {
    let event = |name: &str| format!(r#","event":"{name}""#);
    let signed_up = event("Signed Up");
    let ordered = event("Order Completed");
    vec![
        line("track", r#""anonymousId":"a1""#, "2026-03-01T10:00:00Z", &signed_up),
        line(
            "identify",
            r#""userId":"ada","anonymousId":"a1""#,
            "2026-03-01T11:00:00Z",
            r#","traits":{"email":"ada@example.com"}"#,
        ),
        line("track", r#""anonymousId":"a2""#, "2026-03-02T09:00:00Z", &ordered),
        line("identify", r#""userId":"ada","anonymousId":"a2""#, "2026-03-02T09:30:00Z", ""),
        line(
            "identify",
            r#""userId":"bob""#,
            "2026-03-03T10:00:00Z",
            r#","traits":{"group":"staff","email":"bob@example.com"}"#,
        ),
        line("track", r#""userId":"bob""#, "2026-03-03T10:00:00Z", &signed_up),
        line("track", r#""userId":"bob""#, "2026-03-03T12:00:00Z", &signed_up),
        line("track", r#""userId":"cem""#, "2026-03-04T10:00:00Z", &signed_up),
        line("track", r#""userId":"dan""#, "2026-03-04T12:00:00Z", &ordered),
        line("track", r#""userId":"eve""#, "2026-03-20T10:00:00Z", &signed_up),
    ]
}

#[tokio::test]
async fn a_file_and_the_database_it_was_imported_into_say_the_same() {
    let (database, folder) = (Database::new().await, Folder::new());
    welcome(&folder);
    folder.write("events.ndjson", people().join("\n"));
    let of_file = backtest(&folder, Some(&database), &["--events", "events.ndjson"]).await;
    let import = run(command(folder.path(), Some(&database.url()), &["import", "events.ndjson"])).await;
    assert_eq!(import.code, Some(0), "{}", import.err);
    let of_database = backtest(&folder, Some(&database), &["--events", "database"]).await;
    let by_url = backtest(&folder, None, &["--events", &database.url()]).await;
    assert_eq!(happened(&of_file), happened(&of_database));
    assert_eq!(happened(&of_database), happened(&by_url));
    // Plain SQL knows who has signed up and what they did; ada's two devices are one person.
    let welcomed = "SELECT count(DISTINCT coalesce(h.merged_into, e.person_id))
        FROM events e JOIN heads h USING (person_id) WHERE e.name = 'Signed Up'";
    let of = &of_database["journeys"]["welcome"];
    assert_eq!(of["entered"], database.count(welcomed).await);
    let again = "SELECT count(*) - count(DISTINCT coalesce(h.merged_into, e.person_id))
        FROM events e JOIN heads h USING (person_id) WHERE e.name = 'Signed Up'";
    assert_eq!(of["refused"]["again"], database.count(again).await);
    let bought = "SELECT count(*) FROM events s JOIN events o ON o.name = 'Order Completed'
            AND o.occurred_at BETWEEN s.occurred_at AND s.occurred_at + interval '2 days'
        JOIN heads a ON a.person_id = s.person_id JOIN heads b ON b.person_id = o.person_id
        WHERE s.name = 'Signed Up'
            AND coalesce(a.merged_into, a.person_id) = coalesce(b.merged_into, b.person_id)";
    assert_eq!(of["ended"]["exit_step: bought"], database.count(bought).await);
    // Bob has mail; ada had none yet when she signed up. Eve signed up with the last event: she is still waited for.
    assert_eq!(of["sent"], json!({ "email": 1, "inbox": 4 }));
    assert_eq!(of["sent_by_step"], json!({ "hello": 4, "hello_again": 1 }));
    assert_eq!(of["not_sent"], json!([{ "step": "hello_again", "reason": "guard", "count": 1 }]));
    assert_eq!((&of["under_way"], &of_database["people"]), (&json!(1), &json!(5)));
    // Nothing was sent, and nothing written.
    for table in ["SELECT count(*) FROM outbox", "SELECT count(*) FROM persons", "SELECT count(*) FROM runs"]
    {
        assert_eq!(database.count(table).await, 0, "{table}");
    }
    assert_eq!(database.count("SELECT count(*) FROM intake WHERE kind = 1").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_met_the_events_had_sent_the_same() {
    let shop = Shop::with(&[ORDERS]).await;
    let daemon = shop.daemon().await;
    // Some are told twice: both come in one request, so that the second joins the run of the first on any machine.
    let user = |nth: u64| format!("u{}", nth % 7);
    let mut orders: Vec<String> = (0..40).map(|nth| order(&nth.to_string(), &user(nth))).collect();
    orders.extend((0..10).map(|nth| {
        let properties = format!(r#""order_id":"{nth}""#);
        happens("Order Placed", &format!("again {nth}"), &user(nth), &properties)
    }));
    shop.take(&daemon, &orders).await;
    settle(&shop.database, PATIENCE).await;
    assert_eq!(daemon.stop().await.0, Some(0));
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("journeys")).unwrap();
    folder.write("journeys/orders.yaml", ORDERS);
    // Beyond the last event, so that what waits is over too.
    let arguments = ["--events", "database", "--to", "2100-01-01"];
    let answer = backtest(&folder, Some(&shop.database), &arguments).await;
    let of = &answer["journeys"]["orders"];
    let sent = |step: &str| of["sent_by_step"][step].as_i64().unwrap();
    let database = &shop.database;
    assert_eq!(sent("first"), database.count("SELECT count(*) FROM messages WHERE step = 'first'").await);
    assert_eq!(sent("second"), database.count("SELECT count(*) FROM messages WHERE step = 'second'").await);
    assert_eq!(of["entered"], database.count("SELECT count(*) FROM ended_runs").await);
    assert_eq!((&answer["events"], &of["entered"]), (&json!(50), &json!(40)));
    assert_eq!((&of["refused"], &of["ended"]), (&json!({ "joined": 10 }), &json!({ "completed": 40 })));
}

#[tokio::test]
async fn the_window_is_from_a_moment_to_another() {
    let (database, folder) = (Database::new().await, Folder::new());
    welcome(&folder);
    folder.write("events.ndjson", people().join("\n"));
    let import = run(command(folder.path(), Some(&database.url()), &["import", "events.ndjson"])).await;
    assert_eq!(import.code, Some(0), "{}", import.err);
    let window = ["--from", "2026-03-03", "--to", "2026-03-04T10:00:00Z"];
    for (source, database) in [("events.ndjson", None), ("database", Some(&database))] {
        let answer = backtest(&folder, database, &[&["--events", source][..], &window].concat()).await;
        let of = &answer["journeys"]["welcome"];
        // Ada signed up before it, cem at its very end.
        assert_eq!((&of["entered"], &of["under_way"]), (&json!(1), &json!(1)), "{source}");
        assert_eq!(of["refused"], json!({ "again": 1 }), "{source}");
        assert_eq!(answer["until"], "2026-03-04T09:59:59.999999Z", "{source}");
        assert_eq!(answer["events"], 7, "{source}");
    }
}
