//! Bad input: a clear answer, nothing else changed, and what was dropped is kept with its reason.

use std::io::Write as _;
use std::time::Duration;

use journeyman_api::ingest::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::door::{Door, KEY, answer, batch, track};
use crate::harness::postgres::Database;

/// One door: a body to a path, to status and `index field reason` of each error.
async fn check(door: &Door, path: &str, body: impl Into<reqwest::Body>, status: u16, errors: &[&str]) {
    let answer = door.post(path, body).await;
    let said: Vec<String> = match answer.body["errors"].as_array() {
        Some(errors) => errors
            .iter()
            .map(|fault| {
                let text = |key: &str| fault[key].as_str().unwrap().to_owned();
                assert!(!text("message").is_empty());
                format!("{} {} {}", fault["index"], text("field"), text("reason"))
            })
            .collect(),
        None => vec![answer.body["reason"].as_str().unwrap_or_default().to_owned()],
    };
    assert_eq!((answer.status, said), (status, errors.iter().map(|e| (*e).to_owned()).collect()), "{path}");
}

#[tokio::test]
async fn single_messages() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    check(&door, "/v1/track", "{", 400, &["0  malformed"]).await;
    check(&door, "/v1/track", "", 400, &["0  malformed"]).await;
    check(&door, "/v1/track", "[]", 400, &["0  wrong_type"]).await;
    check(&door, "/v1/track", &b"\xff\xfe"[..], 400, &["0  malformed"]).await;
    let page = br#"{"type":"page","userId":"u"}"#.as_slice();
    let spoilt = [b"{\"batch\":[", page, b",{\"type\":\"page\",\"userId\":\"\xff\"}]}"].concat();
    check(&door, "/v1/batch", spoilt, 200, &["1  malformed"]).await;
    let clear = "TRUNCATE events, heads, identities, rejected_events";
    sqlx::raw_sql(clear).execute(&database.pool).await.unwrap();
    check(&door, "/v1/track", r#"{"userId":"u"}"#, 400, &["0 event missing"]).await;
    check(&door, "/v1/track", r#"{"event":5.5,"userId":"u"}"#, 400, &["0 event wrong_type"]).await;
    check(&door, "/v1/track", r#"{"event":"X","userId":{"id":1}}"#, 400, &["0 userId wrong_type"]).await;
    check(&door, "/v1/track", r#"{"event":"X","userId":"\u0000"}"#, 400, &["0 userId nul_character"]).await;
    check(&door, "/v1/track", r#"{"event":"X","userId":"\ud800"}"#, 400, &["0 userId lone_surrogate"]).await;
    check(&door, "/v1/identify", r#"{"userId":"u","traits":7}"#, 400, &["0 traits wrong_type"]).await;
    check(&door, "/v1/purchase", r#"{"userId":"u"}"#, 404, &["not_found"]).await;
    let big = format!(r#"{{"event":"X","userId":"u","properties":{{"a":"{}"}}}}"#, "x".repeat(33 * 1024));
    check(&door, "/v1/track", big, 413, &["too_large"]).await;
    assert_eq!(database.count("SELECT count(*) FROM events").await, 0);
    assert_eq!(database.count("SELECT count(*) FROM heads").await, 0);
    assert_eq!(database.count("SELECT count(*) FROM rejected_events").await, 7);
    let kept = "SELECT reason || ' ' || convert_from(body, 'UTF8') FROM rejected_events WHERE field = 'event'
                ORDER BY id LIMIT 1";
    assert_eq!(database.text(kept).await, r#"missing {"userId":"u"}"#);
    // Unknown keys are no fault; they stay in the payload.
    door.take("/v1/track", r#"{"event":"X","userId":"u","surprise":{"a":[1]}}"#).await;
    assert_eq!(database.text("SELECT payload ->> 'surprise' FROM events").await, r#"{"a": [1]}"#);
}

#[tokio::test]
async fn a_batch_that_is_half_bad() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let big = format!(
        r#"{{"type":"track","event":"X","userId":"u","properties":{{"a":"{}"}}}}"#,
        "x".repeat(33_000)
    );
    let messages = [
        track("m0", "u"),
        r#"{"type":"track","userId":"u"}"#.to_owned(),
        track("m2", "u"),
        big,
        r#"{"type":"track","event":"X","userId":"u","properties":{"a":"\ud83d"}}"#.to_owned(),
        "17".to_owned(),
        track("m6", "v"),
        r#"{"type":"track","event":"X","userId":"u","properties":{"a":1e999}}"#.to_owned(),
    ];
    let errors = [
        "1 event missing",
        "3  too_large",
        "4 properties lone_surrogate",
        "5  wrong_type",
        "7 properties number_out_of_range",
    ];
    check(&door, "/v1/batch", batch(&messages), 200, &errors).await;
    assert_eq!(database.count("SELECT count(*) FROM events").await, 3);
    assert_eq!(database.count("SELECT count(*) FROM rejected_events").await, 5);
    assert_eq!(database.count("SELECT max(octet_length(body))::bigint FROM rejected_events").await, 32_768);
    // Nothing usable at all.
    check(&door, "/v1/batch", r#"{"batch":[{},1]}"#, 400, &["0 type missing", "1  wrong_type"]).await;
    check(&door, "/v1/batch", r#"{"batch":{}}"#, 400, &["0 batch wrong_type"]).await;
    check(&door, "/v1/batch", r#"{"batch":[}"#, 400, &["0  malformed"]).await;
    // An empty batch is no fault.
    check(&door, "/v1/batch", r#"{"batch":[]}"#, 200, &[]).await;
}

#[tokio::test]
async fn sizes() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let pad = |bytes: usize| {
        let frame = r#"{"batch":[],"pad":""}"#;
        frame.replace(r#""""#, &format!(r#""{}""#, "x".repeat(bytes - frame.len())))
    };
    check(&door, "/v1/batch", pad(500 * 1024), 200, &[]).await;
    check(&door, "/v1/batch", pad(500 * 1024 + 1), 413, &["too_large"]).await;
    check(&door, "/v1/batch", pad(501 * 1024), 413, &["too_large"]).await;
    // 10,000 keys: beside a batch they are passed over; in a message they are over its limit.
    let keys: Vec<String> = (0..10_000).map(|n| format!(r#""key{n}":{n}"#)).collect();
    let beside = format!(r#"{{"batch":[{}],{}}}"#, track("m1", "u"), keys.join(","));
    check(&door, "/v1/batch", beside, 200, &[]).await;
    let inside =
        format!(r#"{{"type":"track","event":"X","userId":"u","properties":{{{}}}}}"#, keys.join(","));
    check(&door, "/v1/batch", batch(&[inside]), 400, &["0  too_large"]).await;
    let many = format!(r#"{{"batch":[{}1]}}"#, "1,".repeat(2_500));
    check(&door, "/v1/batch", many, 413, &["too_large"]).await;
    // A bomb: 1 GB of nothing in 1 MB. It is read up to the limit and no further.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let before = peak_kib();
    let answer = answer(door.request("/v1/batch").header("content-encoding", "gzip").body(bomb)).await;
    assert_eq!((answer.status, answer.body["reason"].as_str()), (413, Some("too_large")));
    assert!(peak_kib() - before < 256 * 1024, "the bomb was unpacked into memory");
    assert_eq!(database.count("SELECT count(*) FROM rejected_events WHERE reason = 'too_large'").await, 5);
}

/// The most this process has held, KiB.
fn peak_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().to_owned();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let database = Database::new().await;
    let limits = Limits { body_deadline: Duration::from_millis(200), ..Limits::DEFAULT };
    let door = Door::with(&database.options, limits).await;
    let mut slow = TcpStream::connect(door.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /v1/track HTTP/1.1\r\nhost: x\r\nauthorization: Basic {}\r\ncontent-length: 1000\r\n\r\n{{",
        base64(&format!("{KEY}:"))
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut said = String::new();
    // A byte now and then, for as long as the server listens.
    let (mut answers, mut trickle) = slow.into_split();
    let trickling = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            if trickle.write_all(b" ").await.is_err() {
                break;
            }
        }
    });
    let mut answer = [0; 512];
    while !said.contains("\r\n\r\n") {
        let read = answers.read(&mut answer).await.unwrap();
        said.push_str(std::str::from_utf8(&answer[..read]).unwrap());
    }
    trickling.abort();
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(said.contains("connection: close"), "{said}");
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * n)) as usize & 63] as char;
            out.push(if n <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

#[tokio::test]
async fn what_is_more_than_can_be_held_is_told_to_come_again() {
    let database = Database::new().await;
    let limits = Limits { in_flight_kib: 3, ..Limits::DEFAULT };
    let door = Door::with(&database.options, limits).await;
    let mut waiting = TcpStream::connect(door.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /v1/track HTTP/1.1\r\nhost: x\r\nauthorization: Basic {}\r\ncontent-length: 2000\r\n\r\n",
        base64(&format!("{KEY}:"))
    );
    waiting.write_all(head.as_bytes()).await.unwrap();
    // What is only announced takes no room.
    let event = r#"{"event":"X","userId":"u","messageId":"m"}"#;
    assert_eq!(door.post("/v1/track", event).await.status, 200);
    // 1,500 bytes that are there and not whole take all of it, as soon as the server has read them.
    waiting.write_all(&[b' '; 1500]).await.unwrap();
    let refused = loop {
        let answer = door.post("/v1/track", event).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((refused.status, refused.retry_after.as_deref()), (429, Some("10")));
    // A client that is still sending hears it too, instead of a reset.
    let large = door.post("/v1/batch", vec![b' '; 400 * 1024]).await;
    assert_eq!((large.status, large.retry_after.as_deref()), (429, Some("10")));
    drop(waiting);
    // The room is free again as soon as the server has noticed.
    while door.post("/v1/track", event).await.status != 200 {}
    assert_eq!(database.count("SELECT count(*) FROM events").await, 1);
}

#[tokio::test]
async fn a_row_the_database_refuses_takes_no_other_with_it() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    // A rule of the database that the door knows nothing of.
    sqlx::raw_sql("ALTER TABLE events ADD CONSTRAINT a_trap CHECK (name <> 'Trap')")
        .execute(&database.pool)
        .await
        .unwrap();
    let message = |n: usize| {
        let event = if n % 33 == 5 { "Trap" } else { "Fine" };
        format!(r#"{{"type":"track","event":"{event}","userId":"u{n}","messageId":"m{n}"}}"#)
    };
    let messages: Vec<String> = (0..100).map(message).collect();
    let kept = "SELECT string_agg(index::text, ' ' ORDER BY index) FROM rejected_events";
    let errors = ["5  database_refused", "38  database_refused", "71  database_refused"];
    check(&door, "/v1/batch", batch(&messages), 200, &errors).await;
    assert_eq!(database.count("SELECT count(*) FROM events").await, 97);
    assert_eq!(database.count("SELECT count(*) FROM intake").await, 97);
    assert_eq!(
        database.count("SELECT count(*) FROM rejected_events WHERE reason = 'database_refused'").await,
        3
    );
    assert_eq!(database.text(kept).await, "5 38 71");
    // Every row of several is refused: not the rows are at fault, and nobody is told to drop them.
    let all: Vec<String> = [5, 38].map(|n| message(n + 33 * 3)).to_vec();
    assert_eq!(door.post("/v1/batch", batch(&all)).await.status, 503);
}
