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
    let kept = text.lines().filter(|line| !line.starts_with("holdout:"));
    kept.map(|line| line.replace("channel: email", "channel: inbox") + "\n").collect()
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
