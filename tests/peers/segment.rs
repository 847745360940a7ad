//! The real Segment client for Node.js, unchanged, against our door.

use std::collections::BTreeSet;

use journeyman_api::ingest::Limits;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{Client, Heard};
use crate::harness::checker::{Findings, check};
use crate::harness::daemon::Daemon;
use crate::harness::door::Door;
use crate::harness::postgres::Database;
use crate::harness::proxy::Proxy;
use crate::relay::{Relay, Target};

/// Everything the client holds for delivered is in the database exactly once, and nothing else is.
async fn nothing_lost(database: &Database, heard: &Heard, messages: usize) {
    assert_eq!((heard.failed.as_slice(), heard.delivered.len()), ([].as_slice(), messages));
    assert_eq!(check(&database.pool, &heard.delivered).await, Findings::default());
    let ids: Vec<String> = sqlx::query_scalar("SELECT payload ->> 'messageId' FROM events")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), heard.delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_client_arrives_as_it_was_meant() {
    for gzip in [false, true] {
        let database = Database::new().await;
        let daemon = Daemon::start(&database.url()).await;
        let settings = json!({"gzip": gzip, "behindHours": 3});
        let heard = Client::start(&daemon.public, "everything", &settings).end().await;
        assert_eq!((heard.statuses.as_slice(), heard.retries), ([200].as_slice(), 0));
        // Its own requests are not compressed, and it has no option for that.
        assert!(heard.requests.iter().all(|headers| headers.get("Content-Encoding").is_none()));
        nothing_lost(&database, &heard, 8).await;
        as_meant(&database).await;
        assert_eq!(daemon.stop().await.0, Some(0));
    }
}

/// Kinds, names, people, times, and the parts of a payload that the client adds.
async fn as_meant(database: &Database) {
    let rows: Vec<(i16, String, String)> = sqlx::query_as(
        "SELECT e.kind, e.name, string_agg(i.value, ' ' ORDER BY i.kind, i.value)
         FROM events e JOIN identities i USING (person_id) GROUP BY e.id, e.kind, e.name ORDER BY e.kind, e.name",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    let rows: Vec<(i16, &str, &str)> =
        rows.iter().map(|(kind, name, who)| (*kind, &**name, &**who)).collect();
    assert_eq!(
        rows,
        [
            (0, "Order Completed", "u1 a1"),
            (0, "Product Viewed", "u1 a1"),
            (0, "Signed In", "u2 a3"),
            (1, "", "u1 a1"),
            (2, "", "u2 a3"),
            (3, "Pricing", "u1 a1"),
            (4, "Home", "a2"),
            (5, "", "u1 a1"),
        ]
    );
    // The client's clock is 3 hours slow. One event says that it was a day ago, the others are just now.
    let of_now = "SELECT count(*) FROM events
                  WHERE name <> 'Order Completed' AND received_at - occurred_at BETWEEN '0' AND interval '1 minute'";
    assert_eq!(database.count(of_now).await, 7);
    let a_day_ago = "SELECT count(*) FROM events WHERE name = 'Order Completed'
                     AND received_at - occurred_at - interval '1 day' BETWEEN '-1 ms' AND interval '1 minute'";
    assert_eq!(database.count(a_day_ago).await, 1);
    let library = "SELECT count(*) FROM events WHERE payload #>> '{context,library,name}' = '@segment/analytics-node'
                   AND payload #>> '{context,library,version}' = '3.1.0' AND payload #>> '{_metadata,jsRuntime}' = 'node'";
    assert_eq!(database.count(library).await, 8);
    for (kind, path, value) in [
        (0, "{properties,price}", "19.9"),
        (1, "{traits,email}", "one@example.com"),
        (2, "{previousId}", "a3"),
        (3, "{properties,category}", "Docs"),
        (5, "{groupId}", "g1"),
    ] {
        let found: i64 =
            sqlx::query_scalar("SELECT count(*) FROM events WHERE kind = $1 AND payload #>> $2::text[] = $3")
                .bind(kind)
                .bind(path)
                .bind(value)
                .fetch_one(&database.pool)
                .await
                .unwrap();
        assert_eq!(found, 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_database_is_bridged_by_the_clients_own_retry() {
    let database = Database::new().await;
    let wire = Proxy::to(&database.options).await;
    let daemon = Daemon::start(&wire.url(&database.options)).await;
    wire.cut();
    let mut client = Client::start(&daemon.public, "ten", &json!({"flushAt": 5}));
    let refused = client.until("response").await;
    assert_eq!(
        (refused["status"].as_u64(), refused["headers"]["retry-after"].as_str()),
        (Some(503), Some("1"))
    );
    assert_eq!(database.count("SELECT count(*) FROM events").await, 0);
    wire.mend();
    let heard = client.end().await;
    println!("answers: {:?}, {} retries", heard.statuses, heard.retries);
    assert!(heard.statuses.iter().all(|status| [200, 503].contains(status)), "{:?}", heard.statuses);
    assert_eq!(heard.statuses.iter().filter(|status| **status == 200).count(), 2);
    nothing_lost(&database, &heard, 10).await;
}

/// A request that leaves no room for a batch as long as it is open; none where the batch that looked took the room first.
async fn no_room(door: &Door) -> Option<TcpStream> {
    // 31,500 bytes that are there and not whole, as soon as the server has read them.
    let mut waiting = TcpStream::connect(door.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = "POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 32000\r\n\r\n";
    waiting.write_all(head.as_bytes()).await.unwrap();
    waiting.write_all(&[b' '; 31_500]).await.unwrap();
    while door.post("/v1/batch", vec![b' '; 2000]).await.status != 429 {
        if waiting.try_read(&mut [0; 64]).is_ok() {
            return None;
        }
    }
    Some(waiting)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_waited_out_and_counts_as_no_retry() {
    let database = Database::new().await;
    let limits = Limits { in_flight_kib: 64, ..Limits::DEFAULT };
    let door = Door::with(&database.options, limits).await;
    let waiting = loop {
        if let Some(waiting) = no_room(&door).await {
            break waiting;
        }
    };
    // Without a Retry-After that it understands, the client would have given up at once.
    let mut client = Client::start(&door.url, "ten", &json!({"maxRetries": 0}));
    let refused = client.until("response").await;
    assert_eq!(
        (refused["status"].as_u64(), refused["headers"]["retry-after"].as_str()),
        (Some(429), Some("10"))
    );
    drop(waiting);
    let heard = client.end().await;
    println!("answers: {:?}", heard.statuses);
    assert_eq!(heard.statuses.last(), Some(&200));
    nothing_lost(&database, &heard, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_take_no_good_ones_with_them() {
    let database = Database::new().await;
    let daemon = Daemon::start(&database.url()).await;
    let heard = Client::start(&daemon.public, "bad", &json!({})).end().await;
    // One batch, one answer. The client does not read it: for it everything is delivered, and nothing comes again.
    assert_eq!((heard.statuses.as_slice(), heard.retries, heard.delivered.len()), ([200].as_slice(), 0, 14));
    assert!(heard.failed.is_empty(), "{:?}", heard.failed);
    assert_eq!(database.count("SELECT count(*) FROM events WHERE name = 'Product Viewed'").await, 7);
    assert_eq!(database.count("SELECT count(DISTINCT payload ->> 'messageId') FROM events").await, 7);
    assert_eq!(database.count("SELECT count(*) FROM events").await, 7);
    let reasons =
        "SELECT string_agg(index || ' ' || field || ' ' || reason, ', ' ORDER BY index) FROM rejected_events";
    assert_eq!(
        database.text(reasons).await,
        "1  too_large, 3 userId nul_character, 5 properties lone_surrogate, 7 timestamp bad_timestamp, \
         9 event missing, 11 userId too_long, 12 userId no_identity"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_doubles_nothing() {
    let database = Database::new().await;
    let daemon = Daemon::start(&database.url()).await;
    let relay = Relay::to(Target::daemon(&daemon.public)).await;
    relay.lose(2);
    let host = format!("http://127.0.0.1:{}", relay.port);
    let heard = Client::start(&host, "ten", &json!({"flushAt": 5})).end().await;
    // Both batches were stored before their answers went astray.
    assert_eq!((heard.statuses.as_slice(), heard.retries), ([200, 200].as_slice(), 2));
    nothing_lost(&database, &heard, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_is_killed_3_times_under_the_client() {
    let database = Database::new().await;
    let url = database.url();
    let relay = Relay::to(Target::Nowhere).await;
    let host = format!("http://127.0.0.1:{}", relay.port);
    let mut client = Client::start(&host, "waves", &json!({"flushAt": 5}));
    let mut daemon = Daemon::start(&url).await;
    // Each wave meets another kind of death: before a request, with requests on their way, after the first answer.
    for moment in [None, Some("request"), Some("response")] {
        if let Some(said) = moment {
            relay.turn(Target::daemon(&daemon.public));
            client.wave().await;
            client.until(said).await;
            daemon.kill().await;
        } else {
            daemon.kill().await;
            client.wave().await;
            client.until("request").await;
        }
        relay.turn(Target::Nowhere);
        daemon = Daemon::start(&url).await;
    }
    relay.turn(Target::daemon(&daemon.public));
    client.wave().await;
    let heard = client.end().await;
    println!(
        "{} requests, {} of them again, {} answers",
        heard.requests.len(),
        heard.retries,
        heard.statuses.len()
    );
    assert!(heard.retries >= 10, "the first wave met no daemon: {} retries", heard.retries);
    nothing_lost(&database, &heard, 200).await;
    assert_eq!(daemon.stop().await.0, Some(0));
}

/// The version the messages above are the shapes of.
#[test]
fn the_client_is_pinned() {
    let manifest: Value = serde_json::from_str(include_str!("package.json")).unwrap();
    assert_eq!(manifest["dependencies"]["@segment/analytics-node"], "3.1.0");
}
