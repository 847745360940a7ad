//! The catalog through real daemons: items by HTTP and by file, what people care for, and news of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::daemon::{Daemon, Ended, command, run};
use crate::harness::door::{KEY, answer, client};
use crate::harness::postgres::Database;
use crate::harness::shop::{PATIENCE, days_ago};
use crate::harness::until::until;
use crate::harness::{Folder, root};

const SHOP: &str = "topics:\n  news: { consent: opt_out }\n  reminders: { consent: opt_out }\n";
/// The key of the catalog in development.
const CATALOG: &str = "dev";

/// A journey that is shipped, into the inbox and without a holdout.
fn shipped(name: &str) -> String {
    let text = std::fs::read_to_string(root().join(format!("journeys/{name}.yaml"))).unwrap();
    let kept =
        text.lines().filter(|line| !line.starts_with("holdout:") && !line.trim().starts_with("at: best"));
    let by_inbox = |line: &str| match line.find("channel:").or(line.find("best_of:")) {
        Some(indent) => format!("{}channel: inbox\n", &line[..indent]),
        None => format!("{line}\n"),
    };
    kept.map(by_inbox).collect()
}

fn folder(journeys: &[(&str, String)]) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("journeys")).unwrap();
    folder.write("journeyman.yaml", SHOP);
    for (name, text) in journeys {
        folder.write(&format!("journeys/{name}.yaml"), text);
    }
    folder
}

async fn call(database: &Database, folder: &Folder, arguments: &[&str]) -> Ended {
    run(command(folder.path(), Some(&database.url()), arguments)).await
}

async fn told(database: &Database, folder: &Folder, arguments: &[&str]) -> Value {
    let ended = call(database, folder, arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

async fn live(database: &Database, folder: &Folder) {
    let ended = call(database, folder, &["apply"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

async fn track(daemon: &Daemon, messages: &[Value]) {
    let body = json!({ "batch": messages }).to_string();
    let request = client().post(format!("{}/v1/batch", daemon.public)).basic_auth(KEY, Some(""));
    assert_eq!(answer(request.body(body)).await.status, 200, "{messages:?}");
}

async fn items(daemon: &Daemon, body: impl ToString, key: &str) -> (u16, Value) {
    let request = client().post(format!("{}/v1/catalog/items", daemon.public)).basic_auth(key, Some(""));
    let answer = answer(request.body(body.to_string())).await;
    (answer.status, answer.body)
}

async fn change(daemon: &Daemon, body: Value) -> i64 {
    let (status, said) = items(daemon, &body, CATALOG).await;
    assert_eq!(status, 200, "{said}");
    said["number"].as_i64().unwrap()
}

fn identify(user: &str) -> Value {
    json!({ "type": "identify", "userId": user, "traits": { "email": format!("{user}@example.com") } })
}

fn does(user: &str, event: &str, properties: Value) -> Value {
    json!({ "type": "track", "userId": user, "event": event, "properties": properties })
}

/// Until nothing waits, and people were told of all that changed.
async fn settled(database: &Database) {
    let left = "SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox)
                + (SELECT count(*) FROM catalog WHERE told < number OR telling IS NOT NULL)";
    until("quiet", PATIENCE, async || (database.count(left).await == 0).then_some(())).await;
}

async fn messages(database: &Database) -> String {
    database
        .text(
            "SELECT coalesce(string_agg(i.value || ' ' || template, ', ' ORDER BY i.value, template), '')
             FROM messages m JOIN identities i USING (person_id) WHERE state = 10 AND i.kind = 0",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cares_is_told_once_of_prices_that_dropped_and_of_what_is_back() {
    let database = Database::new().await;
    let journeys = ["wishlist-price-drop", "back-in-stock"].map(|name| (name, shipped(name)));
    let folder = folder(&journeys);
    live(&database, &folder).await;
    let daemon = Daemon::start(&database.url()).await;
    let at_first = json!([
        { "product_id": "lamp", "name": "Linen Lamp", "price": 100, "stock": 5 },
        { "product_id": "vase", "name": "Vase", "price": 50, "stock": 3 },
        { "product_id": "mug", "name": "Mug", "price": 20, "stock": 0 },
    ]);
    assert_eq!(change(&daemon, at_first.clone()).await, 1);
    // What says nothing new is no change.
    assert_eq!(change(&daemon, at_first).await, 1);
    let product = |id: &str| json!({ "product_id": id });
    let wish = "Product Added to Wishlist";
    let mut events: Vec<Value> = ["ada", "ben", "cleo", "dan", "eve"].map(identify).to_vec();
    events.extend([
        does("ada", wish, product("lamp")),
        does("ada", wish, product("vase")),
        does("ben", "Product Subscribed", product("mug")),
        does("cleo", "Product Viewed", product("lamp")),
        // Taken off again, and bought meanwhile.
        does("dan", wish, product("lamp")),
        does("eve", "Product Subscribed", product("mug")),
    ]);
    track(&daemon, &events).await;
    settled(&database).await;
    track(
        &daemon,
        &[
            does("dan", "Product Removed from Wishlist", product("lamp")),
            does("eve", "Order Completed", json!({ "order_id": "o", "products": [product("mug")] })),
        ],
    )
    .await;
    settled(&database).await;
    assert_eq!(messages(&database).await, "", "nothing has dropped yet");

    // All of an import is told as one.
    folder.write(
        "products.ndjson",
        "{\"product_id\":\"lamp\",\"price\":80}\n{\"product_id\":\"vase\",\"price\":30}\n{\"product_id\":\"mug\",\"stock\":4}\n",
    );
    let imported = told(&database, &folder, &["catalog", "import", "products.ndjson", "--json"]).await;
    assert_eq!((&imported["changed"], &imported["rejected"]), (&3.into(), &0.into()), "{imported}");
    let there = async || (messages(&database).await == "ada price-drop, ben back-in-stock").then_some(());
    until("both messages", PATIENCE, there).await;
    settled(&database).await;
    // Each hears once: of both drops in one event.
    let heard = "SELECT string_agg(i.value || ' ' || n, ', ' ORDER BY i.value)
                 FROM (SELECT person_id, count(*) AS n FROM journal WHERE what = 7 GROUP BY 1) h
                 JOIN identities i USING (person_id) WHERE i.kind = 0";
    assert_eq!(database.text(heard).await, "ada 1, ben 1, cleo 1, eve 1");
    assert_eq!(database.count("SELECT count(*) FROM parked").await, 0);
    let entries = "SELECT string_agg(journey || ' ' || coalesce(key, '-'), ', ' ORDER BY journey)
                   FROM (SELECT journey, key FROM ended_runs UNION ALL SELECT journey, 'runs' FROM runs) r";
    assert_eq!(database.text(entries).await, "back-in-stock runs, wishlist-price-drop runs");

    // Those lives lived again come to the same.
    let again = told(&database, &folder, &["backtest", "--events", "database", "--json"]).await;
    for journey in journeys.iter().map(|(name, _)| name) {
        let of = &again["journeys"][*journey];
        assert_eq!((&of["entered"], &of["sent"]), (&json!(1), &json!({ "inbox": 1 })), "{journey}: {again}");
    }
    assert_eq!(again["catalog"]["versions"], 6, "{again}");
    // As ada would get it: of products the catalog is asked, and not the sample.
    let by_push = self::folder(&[("wishlist-price-drop", journeys[0].1.replace("inbox", "push"))]);
    std::fs::create_dir_all(by_push.path().join("templates/price-drop")).unwrap();
    let sample = "sample:\n  run: { pick: { product: { name: Sample, stock: 99 } } }\n";
    by_push.write("templates/price-drop/template.yaml", sample);
    let words = "title: \"{{run.pick.product.name}}\"\nbody: \"{{run.pick.product.stock}} left\"\n";
    by_push.write("templates/price-drop/push.yaml", words);
    let arguments = ["preview", "price-drop", "--person", "ada", "--json"];
    let shown = told(&database, &by_push, &arguments).await;
    assert!(shown.to_string().contains("Vase") && shown.to_string().contains("3 left"), "{shown}");
    assert_eq!(shown["from_sample"], json!([]), "{shown}");

    // The catalog moves on, and what was decided is decided alike when it is applied again.
    change(
        &daemon,
        json!([{ "product_id": "vase", "price": 60, "stock": 0 }, { "product_id": "mug", "stock": 0 }]),
    )
    .await;
    settled(&database).await;
    let audit = call(&database, &folder, &["audit", "--sample", "10"]).await;
    assert_eq!(audit.code, Some(0), "{audit:?}");
    // That it would be noticed: with the versions of then gone, ada's run is another.
    let gone = "UPDATE products SET item = item || '{\"stock\": 0}' WHERE product_id IN ('lamp', 'vase')";
    sqlx::query(gone).execute(&database.pool).await.unwrap();
    let audit = call(&database, &folder, &["audit", "--sample", "10"]).await;
    assert_ne!(audit.code, Some(0), "{audit:?}");
    let why = call(&database, &folder, &["why", "ben"]).await;
    assert!(why.out.contains("event Back In Stock"), "{why:?}");
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_or_told_where_no_journey_listens_and_history_is_when_one_does() {
    let database = Database::new().await;
    let quiet = "journey: quiet\ntopic: news\nenter:\n  on: Signed Up\n  again: never\nsteps:\n  - send: hello\n    channel: inbox\n";
    let folder = folder(&[("quiet", quiet.to_owned())]);
    live(&database, &folder).await;
    let daemon = Daemon::start(&database.url()).await;
    change(&daemon, json!({ "product_id": "lamp", "price": 100, "stock": 5 })).await;
    let wish = does("ada", "Product Added to Wishlist", json!({ "product_id": "lamp" }));
    track(&daemon, &[identify("ada"), wish]).await;
    change(&daemon, json!({ "product_id": "lamp", "price": 50 })).await;
    settled(&database).await;
    let written = "SELECT (SELECT count(*) FROM interests) + (SELECT count(*) FROM bulk)
                   + (SELECT count(*) FROM journal WHERE catalog IS NOT NULL)";
    assert_eq!(database.count(written).await, 0);
    // A journey that listens knows of the wish that was made before it was there.
    folder.write("journeys/wishlist-price-drop.yaml", shipped("wishlist-price-drop"));
    live(&database, &folder).await;
    assert_eq!(database.count("SELECT count(*) FROM interests WHERE wished IS NOT NULL").await, 1);
    change(&daemon, json!({ "product_id": "lamp", "price": 40 })).await;
    let there = async || (messages(&database).await == "ada price-drop").then_some(());
    until("the message", PATIENCE, there).await;
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_cared_for_without_a_name_goes_with_them() {
    let database = Database::new().await;
    let folder = folder(&[("wishlist-price-drop", shipped("wishlist-price-drop"))]);
    live(&database, &folder).await;
    let daemon = Daemon::start(&database.url()).await;
    change(&daemon, json!({ "product_id": "lamp", "price": 100, "stock": 5 })).await;
    let wish = json!({ "type": "track", "anonymousId": "browser", "event": "Product Added to Wishlist",
                       "properties": { "product_id": "lamp" } });
    track(&daemon, &[identify("ada"), wish]).await;
    settled(&database).await;
    let mut known = identify("ada");
    known["anonymousId"] = "browser".into();
    track(&daemon, &[known]).await;
    settled(&database).await;
    let whose = "SELECT string_agg(i.value, ', ') FROM interests JOIN identities i USING (person_id) WHERE i.kind = 0";
    assert_eq!(database.text(whose).await, "ada");
    assert_eq!(database.count("SELECT count(*) FROM interests").await, 1);
    change(&daemon, json!({ "product_id": "lamp", "price": 70 })).await;
    let there = async || (messages(&database).await == "ada price-drop").then_some(());
    until("the message", PATIENCE, there).await;
    settled(&database).await;
    let audit = call(&database, &folder, &["audit", "--sample", "10"]).await;
    assert_eq!(audit.code, Some(0), "{audit:?}");
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_none_is_refused_with_its_field_and_the_others_are_taken() {
    let database = Database::new().await;
    let daemon = Daemon::start(&database.url()).await;
    let lamp = json!({ "product_id": "lamp", "price": 1 });
    for key in [KEY, "nobody's", ""] {
        assert_eq!(items(&daemon, &lamp, key).await.0, 401, "{key}");
    }
    for (body, status, changed, fields) in [
        (lamp.to_string(), 200, 1, vec![]),
        (json!({ "items": [{ "id": "a" }, { "id": "b", "price": "x" }] }).to_string(), 200, 1, vec!["price"]),
        (
            "{\"id\":\"c\"}\n{\"id\":\"d\",\"stock\":\"x\"}\n\n{\"id\":\"e\"}\n".to_owned(),
            200,
            2,
            vec!["stock"],
        ),
        (json!([{ "price": 3 }]).to_string(), 400, 0, vec!["product_id"]),
        (json!([]).to_string(), 200, 0, vec![]),
    ] {
        let (got, said) = items(&daemon, &body, CATALOG).await;
        let found: Vec<&str> =
            said["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!((got, &said["changed"], found), (status, &changed.into(), fields), "{body}: {said}");
    }
    for (body, status) in [("3", 400), ("{", 400), ("nonsense", 400)] {
        assert_eq!(items(&daemon, body, CATALOG).await.0, status, "{body}");
    }
    let many: Vec<Value> = (0..1_001).map(|nth| json!({ "id": nth })).collect();
    assert_eq!(items(&daemon, Value::from(many), CATALOG).await.0, 413);
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test]
async fn feeds_of_shop_systems_are_read_and_read_again_change_nothing() {
    let database = Database::new().await;
    let folder = folder(&[]);
    folder.write(
        "google.tsv",
        "id\ttitle\tlink\timage_link\tprice\tsale_price\tavailability\tproduct_type\n\
         g1\tLamp\thttps://shop.example/g1\thttps://shop.example/g1.jpg\t79.90 EUR\t59.90 EUR\tin stock\tLighting\n\
         g2\tMug\thttps://shop.example/g2\t\t12 EUR\t\tout of stock\tKitchen\n\
         \tNameless\t\t\t1 EUR\t\tin stock\t\n",
    );
    folder.write(
        "shopify.csv",
        "Handle,Title,Vendor,Type,Variant SKU,Variant Price,Variant Compare At Price,Variant Inventory Qty,Cost per item,Image Src\n\
         vase,Vase,Clay,Decor,V-S,30,40,2,10,https://shop.example/v.jpg\n\
         vase,,,,V-L,50,,0,20,\n",
    );
    folder.write("plain.csv", "product_id,price,stock,colour\np1,5,9,red\n");
    for (file, form, changed, rejected) in [
        ("google.tsv", "a Google feed", 2, 1),
        ("shopify.csv", "a Shopify export", 2, 0),
        ("plain.csv", "CSV", 1, 0),
    ] {
        let said =
            told(&database, &folder, &["catalog", "import", file, "--currency", "EUR", "--json"]).await;
        assert_eq!(
            (&said["form"], &said["changed"], &said["rejected"]),
            (&form.into(), &changed.into(), &rejected.into()),
            "{said}"
        );
        let again =
            told(&database, &folder, &["catalog", "import", file, "--currency", "EUR", "--json"]).await;
        assert_eq!((&again["changed"], &again["unchanged"]), (&0.into(), &changed.into()), "{again}");
    }
    let rejects = std::fs::read_to_string(folder.path().join("google.tsv.rejects.csv")).unwrap();
    assert!(rejects.starts_with("line,field,reason\n4,product_id,"), "{rejects}");
    let money = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    for (id, field, value) in [
        ("g1", "price", money("59.9")),
        ("g1", "regular_price", money("79.9")),
        ("g1", "stock", json!(1)),
        ("g2", "stock", json!(0)),
        ("g2", "category", json!("Kitchen")),
        ("V-S", "price", money("30")),
        ("V-S", "regular_price", money("40")),
        ("V-L", "name", json!("Vase")),
        ("V-L", "price", money("50")),
        ("V-L", "margin", json!(0.6)),
        ("p1", "colour", json!("red")),
    ] {
        let said = told(&database, &folder, &["catalog", "show", id, "--json"]).await;
        assert_eq!(said["product"][field], value, "{id} {field}: {said}");
    }
    let ended = call(&database, &folder, &["catalog", "show", "nothing"]).await;
    assert!(ended.code == Some(1) && ended.err.contains("no such item"), "{ended:?}");
    folder.write("other.csv", "a,b\n1,2\n");
    let ended = call(&database, &folder, &["catalog", "import", "other.csv"]).await;
    assert!(ended.code == Some(1) && ended.err.contains("columns"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_wishes_fade_and_late_news_starts_nothing() {
    let database = Database::new().await;
    let folder = folder(&[("wishlist-price-drop", shipped("wishlist-price-drop"))]);
    live(&database, &folder).await;
    let daemon = Daemon::start(&database.url()).await;
    change(&daemon, json!({ "product_id": "lamp", "price": 100, "stock": 5 })).await;
    let mut old = does("ada", "Product Added to Wishlist", json!({ "product_id": "lamp" }));
    old["timestamp"] = days_ago(400).into();
    track(&daemon, &[identify("ada"), old]).await;
    settled(&database).await;
    assert_eq!(database.count("SELECT count(*) FROM interests").await, 1);
    change(&daemon, json!({ "product_id": "lamp", "price": 50 })).await;
    settled(&database).await;
    assert_eq!(database.count("SELECT count(*) FROM bulk").await, 0, "nobody cares any more");
    // A daemon that was down for long tells of it, and it is late.
    track(&daemon, &[does("ada", "Product Added to Wishlist", json!({ "product_id": "lamp" }))]).await;
    settled(&database).await;
    assert_eq!(daemon.stop().await.0, Some(0));
    told(&database, &folder, &["catalog", "show", "lamp", "--json"]).await;
    folder.write("lamp.ndjson", "{\"id\":\"lamp\",\"price\":25}\n");
    told(&database, &folder, &["catalog", "import", "lamp.ndjson", "--json"]).await;
    sqlx::query("UPDATE products SET at = at - interval '2 days'").execute(&database.pool).await.unwrap();
    let daemon = Daemon::start(&database.url()).await;
    settled(&database).await;
    until("the news", Duration::from_secs(30), async || {
        (database.count("SELECT count(*) FROM journal WHERE what = 7").await == 1).then_some(())
    })
    .await;
    let refused = "SELECT refused::text FROM journal WHERE what = 7";
    assert_eq!(database.text(refused).await, "{wishlist-price-drop}");
    assert_eq!(messages(&database).await, "");
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_is_out_of_stock_and_no_news() {
    let database = Database::new().await;
    let folder = folder(&["wishlist-price-drop", "back-in-stock"].map(|name| (name, shipped(name))));
    live(&database, &folder).await;
    let daemon = Daemon::start(&database.url()).await;
    let all = "{\"product_id\":\"lamp\",\"price\":100,\"stock\":5}\n{\"product_id\":\"vase\",\"price\":50,\"stock\":3}\n";
    folder.write("all.ndjson", all);
    let whole = ["catalog", "import", "all.ndjson", "--complete", "--json"];
    assert_eq!(told(&database, &folder, &whole).await["withdrawn"], 0);
    let product = |id: &str| json!({ "product_id": id });
    let wish = does("ada", "Product Added to Wishlist", product("lamp"));
    track(
        &daemon,
        &[identify("ada"), identify("ben"), wish, does("ben", "Product Subscribed", product("vase"))],
    )
    .await;
    settled(&database).await;

    // The file is all that there is: the lamp is not in it. But where a line can't be read nobody knows.
    folder.write("all.ndjson", "{\"product_id\":\"vase\",\"price\":50,\"stock\":3}\nno item\n");
    let doubtful = told(&database, &folder, &whole).await;
    assert_eq!((&doubtful["withdrawn"], &doubtful["rejected"]), (&Value::Null, &json!(1)), "{doubtful}");
    folder.write("all.ndjson", "{\"product_id\":\"vase\",\"price\":50,\"stock\":3}\n");
    assert_eq!(told(&database, &folder, &whole).await["withdrawn"], 1);
    assert_eq!(told(&database, &folder, &whole).await["withdrawn"], 0, "once");
    let lamp = told(&database, &folder, &["catalog", "show", "lamp", "--json"]).await;
    let of = &lamp["product"];
    assert_eq!(
        (&of["withdrawn"], &of["stock"], &of["price"]["amount"]),
        (&json!(true), &json!(0), &json!("100")),
        "{lamp}"
    );
    // Cheaper than ever, and not sold: nobody hears.
    change(&daemon, json!({ "product_id": "lamp", "price": 10 })).await;
    settled(&database).await;

    let delete = async |id: &str, key: &str| {
        let url = format!("{}/v1/catalog/items/{id}", daemon.public);
        let answer = answer(client().delete(url).basic_auth(key, Some(""))).await;
        (answer.status, answer.body["changed"].clone())
    };
    assert_eq!(delete("vase", CATALOG).await, (200, json!(1)));
    assert_eq!(delete("vase", CATALOG).await, (200, json!(0)), "once");
    assert_eq!(delete("shelf", CATALOG).await.0, 404);
    assert_eq!(delete("lamp", KEY).await.0, 401, "write keys of events stand in web pages");
    settled(&database).await;
    assert_eq!(messages(&database).await, "");
    // Sold again: whoever asked hears of it.
    change(&daemon, json!({ "product_id": "vase", "withdrawn": false })).await;
    let there = async || (messages(&database).await == "ben back-in-stock").then_some(());
    until("the message", PATIENCE, there).await;
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test]
async fn what_the_catalog_was_is_forgotten_with_the_weeks_that_look_back_to_it() {
    let database = Database::new().await;
    let pool = &database.pool;
    let at = |text: &str| journeyman_domain::tracking::parse_timestamp(text).unwrap();
    // A shop in its third year, all of whose weeks are there.
    for week in ["2024-01-03", "2024-06-05", "2025-06-04"] {
        journeyman_store::partitions::ensure(pool, at(week)).await.unwrap();
    }
    let versions = "INSERT INTO products (product_id, number, at, item) VALUES
        ('lamp', 1, '2024-01-02', '{}'), ('lamp', 2, '2024-01-20', '{}'), ('lamp', 3, '2025-06-01', '{}'),
        ('vase', 4, '2024-01-03', '{}')";
    sqlx::query(versions).execute(pool).await.unwrap();
    sqlx::query("UPDATE catalog SET number = 4, told = 4").execute(pool).await.unwrap();
    let first = journeyman_store::retention::horizon(pool).await.unwrap().unwrap();
    assert_eq!(
        first.to_string(),
        "2023-12-18T00:00:00Z",
        "a week before the first, which was made for late clocks"
    );
    let forgotten = journeyman_store::retention::forget_catalog(pool, first).await.unwrap();
    assert_eq!(forgotten, Default::default());
    // Somebody drops the first half-year of events and journals.
    let old = "SELECT string_agg('DROP TABLE ' || inhrelid::regclass, '; ') FROM pg_inherits
               WHERE inhparent IN ('events'::regclass, 'journal'::regclass) AND inhrelid::regclass::text ~ '_2023|_20240[1-4]|_202402'";
    let drop = database.text(old).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(pool).await.unwrap();
    let horizon = journeyman_store::retention::horizon(pool).await.unwrap().unwrap();
    assert!(horizon > at("2024-05-01") && horizon < at("2024-06-03"), "{horizon}");
    let forgotten = journeyman_store::retention::forget_catalog(pool, horizon).await.unwrap();
    assert!(forgotten.news.first().is_some_and(|name| name.starts_with("bulk_2023122")), "{forgotten:?}");
    assert!(forgotten.news.iter().all(|name| &name[5..11] < "202406"), "{forgotten:?}");
    // What holds at the horizon stays, however old it is.
    assert_eq!(forgotten.versions, 1);
    let left = "SELECT string_agg(product_id || ' ' || number, ', ' ORDER BY number) FROM products";
    assert_eq!(database.text(left).await, "lamp 2, lamp 3, vase 4");
    // Not while news waits to be applied.
    sqlx::query("INSERT INTO intake (shard, lane, kind, ref, received_at) VALUES (0, 1, 6, $1, now())")
        .bind(journeyman_domain::EventId::floor(at("2024-06-05")))
        .execute(pool)
        .await
        .unwrap();
    let forgotten = journeyman_store::retention::forget_catalog(pool, at("2026-01-01")).await.unwrap();
    assert!(forgotten.news.iter().all(|name| &name[5..11] < "202406"), "{forgotten:?}");
}
