//! What the door takes, and what becomes of it.

use crate::harness::door::{Door, KEY, answer, batch, track};
use crate::harness::postgres::Database;

#[tokio::test]
async fn every_endpoint_stores_its_event() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    for (path, body, kind, name) in [
        (
            "/v1/track",
            r#"{"userId":"u","event":"Cart Viewed","properties":{"value":12.50}}"#,
            0,
            "Cart Viewed",
        ),
        ("/v1/identify", r#"{"userId":"u","traits":{"first_name":"Ada"}}"#, 1, ""),
        ("/v1/alias", r#"{"userId":"u","previousId":"a"}"#, 2, ""),
        ("/v1/page", r#"{"userId":"u","name":"Home"}"#, 3, "Home"),
        ("/v1/screen", r#"{"anonymousId":"a","name":"Start"}"#, 4, "Start"),
        ("/v1/group", r#"{"userId":"u","groupId":"g"}"#, 5, ""),
        ("/v1/t", r#"{"userId":"u","event":"Short"}"#, 0, "Short"),
        ("/v1/batch", r#"{"batch":[{"type":"track","userId":"u","event":"In Batch"}]}"#, 0, "In Batch"),
    ] {
        let said = door.take(path, body).await;
        assert_eq!(said.to_string(), r#"{"success":true,"accepted":1,"duplicates":0,"errors":[]}"#, "{path}");
        let row: (i16, String, String, bool, i16) = sqlx::query_as(
            "SELECT kind, name, source, historical, payload_version FROM events ORDER BY id DESC LIMIT 1",
        )
        .fetch_one(&database.pool)
        .await
        .unwrap();
        assert_eq!(row, (kind, name.to_owned(), "web".to_owned(), false, 1), "{path}");
    }
    assert_eq!(database.count("SELECT count(*) FROM events").await, 8);
    assert_eq!(database.count("SELECT count(DISTINCT person_id) FROM events").await, 1);
    assert_eq!(
        database
            .count(
                "SELECT count(*) FROM events e JOIN intake i ON i.ref = e.id AND i.person_id = e.person_id
                 WHERE i.lane = 0 AND i.kind = 1 AND i.received_at = e.received_at"
            )
            .await,
        8
    );
    let payload = database.text("SELECT payload::text FROM events WHERE name = 'Cart Viewed'").await;
    assert_eq!(payload, r#"{"event": "Cart Viewed", "userId": "u", "properties": {"value": 12.50}}"#);
}

#[tokio::test]
async fn a_retry_changes_nothing() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let body = batch(&[track("m1", "u"), track("m2", "u"), track("m1", "u")]);
    let said = door.take("/v1/batch", body.clone()).await;
    assert_eq!((said["accepted"].as_u64(), said["duplicates"].as_u64()), (Some(2), Some(1)));
    let said = door.take("/v1/batch", body).await;
    assert_eq!((said["accepted"].as_u64(), said["duplicates"].as_u64()), (Some(0), Some(3)));
    let single = r#"{"event":"Product Viewed","userId":"u","messageId":"m2"}"#;
    let said = door.take("/v1/track", single).await;
    assert_eq!(said["duplicates"].as_u64(), Some(1));
    assert_eq!(database.count("SELECT count(*) FROM events").await, 2);
    assert_eq!(database.count("SELECT count(*) FROM intake").await, 2);
}

#[tokio::test]
async fn a_wish_that_a_journey_begins_is_stored_once() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let wish = r#"{"userId":"u","journey":"win-back","messageId":"w1","with":{"invoice":7.50},"timestamp":"2026-01-05T10:00:00Z"}"#;
    let said = door.take("/v1/start", wish).await;
    assert_eq!((said["accepted"].as_u64(), said["duplicates"].as_u64()), (Some(1), Some(0)));
    let said = door.take("/v1/start", wish).await;
    assert_eq!((said["accepted"].as_u64(), said["duplicates"].as_u64()), (Some(0), Some(1)));
    let stored = database.text("SELECT name || ' ' || payload::text FROM events").await;
    assert_eq!(
        stored,
        r#"Journey Requested {"type": "track", "event": "Journey Requested", "properties": {"with": {"invoice": 7.50}, "journey": "win-back"}}"#
    );
    assert_eq!(database.count("SELECT count(*) FROM intake WHERE lane = 0").await, 1);
    for (body, field, reason) in [
        (r#"{"userId":"u","journey":"win-back"}"#, "messageId", "missing"),
        (r#"{"userId":"u","messageId":"w2"}"#, "journey", "missing"),
        (r#"{"journey":"win-back","messageId":"w2"}"#, "userId", "no_identity"),
        (r#"{"userId":"u","journey":"win-back","messageId":"w2","with":[7]}"#, "with", "wrong_type"),
        (r#"{"userId":"u","journey":["win-back"],"messageId":"w2"}"#, "journey", "wrong_type"),
        (r#"["win-back"]"#, "", "wrong_type"),
    ] {
        let answer = door.post("/v1/start", body).await;
        assert_eq!(answer.status, 400, "{body}");
        let error = &answer.body["errors"][0];
        assert_eq!(
            (error["field"].as_str(), error["reason"].as_str()),
            (Some(field), Some(reason)),
            "{answer:?}"
        );
    }
    assert_eq!(database.count("SELECT count(*) FROM events").await, 1);
    assert_eq!(database.count("SELECT count(*) FROM rejected_events").await, 6);
}

#[tokio::test]
async fn the_same_batch_from_8_clients_at_once_is_stored_once() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let messages: Vec<String> = (0..100).map(|n| track(&format!("m{n}"), &format!("u{}", n % 7))).collect();
    let mut reversed = messages.clone();
    reversed.reverse();
    let bodies = [batch(&messages), batch(&reversed)];
    let answers =
        futures::future::join_all((0..8).map(|n| door.take("/v1/batch", bodies[n % 2].clone()))).await;
    let accepted: u64 = answers.iter().map(|said| said["accepted"].as_u64().unwrap()).sum();
    let duplicates: u64 = answers.iter().map(|said| said["duplicates"].as_u64().unwrap()).sum();
    assert_eq!((accepted, duplicates), (100, 700));
    assert_eq!(database.count("SELECT count(*) FROM events").await, 100);
    assert_eq!(database.count("SELECT count(*) FROM intake").await, 100);
    assert_eq!(database.count("SELECT count(*) FROM heads").await, 7);
}

#[tokio::test]
async fn a_commit_rings_for_its_shards_and_requests_share_commits() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let singles = (0..64)
        .map(|n| door.take("/v1/track", format!(r#"{{"event":"X","userId":"u{n}","messageId":"m{n}"}}"#)));
    futures::future::join_all(singles).await;
    let counts = door.ingest.counts();
    assert_eq!((counts.requests, counts.events), (64, 64));
    assert!(counts.groups <= 32, "{counts:?}: requests hardly share commits");
    let rung = door.bell.rung();
    let shards: Vec<i16> = sqlx::query_scalar("SELECT DISTINCT shard FROM intake ORDER BY 1")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    assert_eq!(rung.iter().map(|shard| i16::from(shard.0)).collect::<Vec<_>>(), shards);
}

#[tokio::test]
async fn clocks_are_corrected() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    // A client whose clock stands at 2001 and who waited 90 s before it sent.
    door.take(
        "/v1/batch",
        r#"{"sentAt":"2001-01-01T00:01:30Z","batch":[{"type":"track","event":"A","userId":"u",
            "timestamp":"2001-01-01T00:00:00Z"}]}"#,
    )
    .await;
    door.take("/v1/track", r#"{"event":"B","userId":"u","timestamp":"2999-01-01T00:00:00Z"}"#).await;
    door.take("/v1/track", r#"{"event":"C","userId":"u","timestamp":"1970-01-01T00:00:00Z"}"#).await;
    let late = "SELECT extract(epoch FROM received_at - occurred_at)::bigint FROM events WHERE name = 'A'";
    assert_eq!(database.count(late).await, 90);
    assert_eq!(
        database.count("SELECT count(*) FROM events WHERE name = 'B' AND occurred_at = received_at").await,
        1
    );
    let first = "SELECT extract(epoch FROM occurred_at)::bigint FROM events WHERE name = 'C'";
    assert_eq!(database.count(first).await, 0);
}

#[tokio::test]
async fn who_may_write() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let body = r#"{"event":"X","userId":"u"}"#;
    for request in [
        door.bare("/v1/track"),
        door.bare("/v1/track").basic_auth("wk_other", Some("")),
        door.bare("/v1/track").basic_auth("", Some(KEY)),
        door.bare("/v1/track").bearer_auth(KEY),
        door.bare("/v1/track").header("authorization", "Basic !!"),
    ] {
        let answer = answer(request.body(body)).await;
        assert_eq!((answer.status, answer.body["reason"].as_str()), (401, Some("unauthorized")));
    }
    assert_eq!(
        answer(door.bare("/v1/track").body(r#"{"event":"X","userId":"u","writeKey":"no"}"#)).await.status,
        401
    );
    assert_eq!(database.count("SELECT count(*) FROM events").await, 0);
    assert_eq!(database.count("SELECT count(*) FROM rejected_events").await, 0);
    // Browsers' clients put the key into the body, and ask first whether they may.
    let keyed = format!(r#"{{"event":"X","userId":"u","writeKey":"{KEY}"}}"#);
    assert_eq!(answer(door.bare("/v1/t").header("content-type", "text/plain").body(keyed)).await.status, 200);
    let keyed = format!(r#"{{"writeKey":"{KEY}","batch":[{{"type":"page","anonymousId":"a"}}]}}"#);
    assert_eq!(answer(door.bare("/v1/batch").body(keyed)).await.status, 200);
    let preflight = crate::harness::door::builder().build().unwrap();
    let preflight = preflight
        .request(reqwest::Method::OPTIONS, format!("{}/v1/t", door.url))
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert_eq!(preflight.headers()["access-control-allow-headers"], "authorization,content-type");
}

#[tokio::test]
async fn gzip_is_read() {
    use std::io::Write as _;
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(batch(&[track("m1", "u")]).as_bytes()).unwrap();
    let request = door.request("/v1/batch").header("content-encoding", "gzip").body(packed.finish().unwrap());
    assert_eq!(answer(request).await.status, 200);
    let broken = door.request("/v1/batch").header("content-encoding", "gzip").body("not gzip at all");
    assert_eq!(answer(broken).await.status, 400);
    let unknown = door.request("/v1/batch").header("content-encoding", "br").body("x");
    assert_eq!(answer(unknown).await.status, 415);
    assert_eq!(database.count("SELECT count(*) FROM events").await, 1);
}
