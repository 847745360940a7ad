//! `journeyman import`.

use std::io::Write as _;

use serde_json::Value;

use crate::harness::daemon::{command, run};
use crate::harness::postgres::Database;
use crate::harness::{Folder, real_data};

async fn import(folder: &Folder, database: &Database, arguments: &[&str]) -> Value {
    let arguments = [&["import"], arguments, &["--json"]].concat();
    let ended = run(command(folder.path(), Some(&database.url()), &arguments)).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.out))
}

async fn refused(folder: &Folder, database: &Database, arguments: &[&str]) -> String {
    let ended = run(command(folder.path(), Some(&database.url()), &[&["import"], arguments].concat())).await;
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    ended.err
}

const ORDERS: [&str; 10] = [
    "--set",
    "event=Order Completed",
    "--map",
    "userId=who",
    "--map",
    "timestamp=t",
    "--map",
    "properties.price:number=price",
    "--zone",
    "Europe/London",
];

#[tokio::test]
async fn lines_become_historical_events_once() {
    let database = Database::new().await;
    let folder = Folder::new();
    // Two equal lines stay two; one line is bad.
    let csv = "t,who,price\n2011-07-01 09:00:00,17,2.10\n2011-07-01 09:00:00,17,2.10\nyesterday,17,1\n2010-12-01,18,\n";
    folder.write("orders.csv", csv);
    let arguments = [&["orders.csv"][..], &ORDERS].concat();
    let said = import(&folder, &database, &arguments).await;
    assert_eq!((&said["lines"], &said["accepted"], &said["rejected"]), (&5.into(), &3.into(), &1.into()));
    let at =
        "SELECT string_agg(occurred_at::text || ' ' || coalesce(payload #>> '{properties,price}', '-'), ', '
              ORDER BY occurred_at) FROM events WHERE historical AND source = 'import'";
    assert_eq!(
        database.text(at).await,
        "2010-12-01 00:00:00+00 -, 2011-07-01 08:00:00+00 2.10, 2011-07-01 08:00:00+00 2.10"
    );
    assert_eq!(database.count("SELECT count(*) FROM intake WHERE lane = 1").await, 3);
    assert_eq!(database.count("SELECT count(*) FROM seen").await, 0);
    let rejects = std::fs::read_to_string(folder.path().join("orders.csv.rejects.csv")).unwrap();
    assert!(rejects.starts_with("line,field,reason,detail,text\n4,timestamp,bad_timestamp,"), "{rejects}");
    assert_eq!(database.text("SELECT index::text || reason FROM rejected_events").await, "4bad_timestamp");

    // Again, and packed: the same file.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(csv.as_bytes()).unwrap();
    folder.write("other-name.csv.gz", packed.finish().unwrap());
    for name in ["orders.csv", "other-name.csv.gz"] {
        let said = import(&folder, &database, &[&[name][..], &ORDERS].concat()).await;
        assert_eq!((&said["finished_before"], &said["lines_this_run"]), (&true.into(), &0.into()));
        assert_eq!((&said["accepted"], &said["rejected"]), (&3.into(), &1.into()));
    }
    assert_eq!(database.count("SELECT count(*) FROM events").await, 3);
    // With another mapping it would be another file under the same name.
    let other =
        refused(&folder, &database, &[&["orders.csv"][..], &ORDERS, &["--set", "type=track"]].concat()).await;
    assert!(other.contains("with other settings") && other.contains("--source"), "{other}");
}

#[tokio::test]
async fn ndjson_is_the_tracking_form() {
    let database = Database::new().await;
    let folder = Folder::new();
    let lines = [
        r#"{"type":"track","event":"A","userId":"u","timestamp":"2020-01-01T00:00:00Z","messageId":"same"}"#,
        r#"{"type":"track","event":"B","userId":"u","timestamp":"2020-01-01T00:00:00Z","messageId":"same"}"#,
        "",
        r#"{"type":"track","event":"C","userId":"u"}"#,
        "not json",
    ];
    folder.write("events.ndjson", lines.join("\n"));
    let said = import(&folder, &database, &["events.ndjson", "--source", "old-shop"]).await;
    assert_eq!((&said["lines"], &said["accepted"], &said["rejected"]), (&5.into(), &2.into(), &2.into()));
    assert_eq!(
        database.text("SELECT string_agg(name || source, ',' ORDER BY name) FROM events").await,
        "Aold-shop,Bold-shop"
    );
    let error = refused(&folder, &database, &["events.ndjson", "--set", "event=X"]).await;
    assert!(error.contains("are for CSV"), "{error}");
    let error = refused(&folder, &database, &["nothing.ndjson"]).await;
    assert!(error.contains("nothing.ndjson"), "{error}");
    let error = refused(&folder, &database, &["events.parquet"]).await;
    assert!(error.contains("name it .ndjson"), "{error}");
}

#[tokio::test]
async fn an_import_that_was_broken_off_goes_on() {
    let database = Database::new().await;
    let folder = Folder::new();
    let mut csv = String::from("t,who,price\n");
    for n in 0..9_000 {
        csv.push_str(&format!("2020-01-01T00:00:{:02}Z,u{},{n}\n", n % 60, n % 500));
    }
    folder.write("orders.csv", &csv);
    let arguments = [&["orders.csv"][..], &ORDERS].concat();
    // The database refuses to go beyond the second chunk: the import ends with an error, the first two stay.
    sqlx::raw_sql("ALTER TABLE imports ADD CONSTRAINT stop CHECK (lines_done < 5000)")
        .execute(&database.pool)
        .await
        .unwrap();
    refused(&folder, &database, &arguments).await;
    assert_eq!(database.count("SELECT count(*) FROM events").await, 4_000);
    sqlx::raw_sql("ALTER TABLE imports DROP CONSTRAINT stop").execute(&database.pool).await.unwrap();
    let said = import(&folder, &database, &arguments).await;
    assert_eq!((&said["lines_this_run"], &said["accepted"]), (&5_000.into(), &9_000.into()));
    let distinct = "SELECT count(DISTINCT payload #>> '{properties,price}') FROM events";
    assert_eq!(database.count(distinct).await, 9_000);
    assert_eq!(database.count("SELECT count(*) FROM intake").await, 9_000);
}

#[tokio::test]
async fn two_imports_of_one_file_at_once_store_it_once() {
    let database = Database::new().await;
    let folder = Folder::new();
    let lines = (0..9_000).map(|n| format!("2020-01-01T00:00:00Z,u{},{n}\n", n % 500));
    folder.write("orders.csv", format!("t,who,price\n{}", lines.collect::<String>()));
    let arguments = [&["import", "orders.csv"][..], &ORDERS].concat();
    let url = database.url();
    let start = || run(command(folder.path(), Some(&url), &arguments));
    let (one, other) = tokio::join!(start(), start());
    for ended in [&one, &other] {
        let beaten = ended.code == Some(1) && ended.err.contains("another process imports this file");
        assert!(ended.code == Some(0) || beaten, "{}", ended.err);
    }
    let said = import(&folder, &database, &arguments[1..]).await;
    assert_eq!((&said["accepted"], &said["lines"]), (&9_000.into(), &9_001.into()));
    assert_eq!(database.count("SELECT count(*) FROM events").await, 9_000);
}

#[tokio::test]
async fn retailrocket_imports_whole() {
    let Some(file) = real_data("retailrocket-sample.csv") else { return };
    let database = Database::new().await;
    let folder = Folder::new();
    let path = file.to_string_lossy();
    let arguments = [
        &path,
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
    let said = import(&folder, &database, &arguments).await;
    assert_eq!(said["rejected"], 0);
    // Counted independently: by splitting lines, knowing nothing of the importer.
    let text = std::fs::read_to_string(&file).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(database.count("SELECT count(*) FROM events").await, rows.len() as i64);
    let visitors: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[1]).collect();
    assert_eq!(database.count("SELECT count(*) FROM heads").await, visitors.len() as i64);
    for (value, sql) in [
        ("view", "SELECT count(*) FROM events WHERE name = 'Product Viewed'"),
        ("addtocart", "SELECT count(*) FROM events WHERE name = 'Product Added'"),
        ("transaction", "SELECT count(*) FROM events WHERE name = 'Order Completed'"),
    ] {
        let expected = rows.iter().filter(|row| row[2] == value).count() as i64;
        assert_eq!(database.count(sql).await, expected, "{value}");
    }
    let moments: i64 = rows.iter().map(|row| row[0].parse::<i64>().unwrap()).sum();
    let sum = "SELECT sum((extract(epoch FROM occurred_at) * 1000)::bigint)::bigint FROM events";
    assert_eq!(database.count(sum).await, moments);
}

#[tokio::test]
async fn online_retail_imports_whole() {
    let Some(file) = real_data("online-retail.csv.gz") else { return };
    let database = Database::new().await;
    let folder = Folder::new();
    let path = file.to_string_lossy();
    let mut text = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::MultiGzDecoder::new(std::fs::File::open(&file).unwrap()),
        &mut text,
    )
    .unwrap();
    let arguments = [
        &path,
        "--set",
        "event=Order Completed",
        "--map",
        "timestamp=t",
        "--zone",
        "Europe/London",
        "--map",
        "userId=customer",
        "--map",
        "properties.products.0.product_id=product",
        "--map",
        "properties.products.0.quantity:number=qty",
        "--map",
        "properties.products.0.price:number=price",
        "--map",
        "context.location.country=country",
    ];
    let said = import(&folder, &database, &arguments).await;
    println!("{said}");
    assert_eq!(said["rejected"], 0);
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(database.count("SELECT count(*) FROM events").await, rows.len() as i64);
    let customers: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[1]).collect();
    assert_eq!(database.count("SELECT count(*) FROM heads").await, customers.len() as i64);
    let returned = rows.iter().filter(|row| row[3].starts_with('-')).count() as i64;
    let returns =
        "SELECT count(*) FROM events WHERE (payload #>> '{properties,products,0,quantity}')::numeric < 0";
    assert_eq!(database.count(returns).await, returned);
    let pieces: i64 = rows.iter().map(|row| row[3].parse::<i64>().unwrap()).sum();
    let sum = "SELECT sum((payload #>> '{properties,products,0,quantity}')::bigint)::bigint FROM events";
    assert_eq!(database.count(sum).await, pieces);
}
