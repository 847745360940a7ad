//! The database goes away: links are followed all the same, and nothing is lost.

use std::time::{Duration, Instant};

use journeyman_api::tracking::{Counts, Limits};
use journeyman_domain::MessageId;
use journeyman_domain::link::{KeyRing, Link, Purpose};
use serde_json::Value;
use sqlx::Executor as _;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use super::{ANNA, CHROME, PATIENCE, Stage, TARGET, open, page, told};
use crate::harness::Folder;
use crate::harness::daemon::{Daemon, serve};
use crate::harness::door::{client, now};
use crate::harness::postgres::Database;
use crate::harness::proxy::Proxy;
use crate::harness::until::until;

/// A wire to a database, who stands behind it, and what is counted of a first click: a slow machine may have spooled it.
async fn wired(limits: Limits) -> (Proxy, Stage, Counts) {
    let database = Database::new().await;
    let wire = Proxy::to(&database.options).await;
    let options: PgConnectOptions = wire.url(&database.options).parse().unwrap();
    let stage = Stage::behind(database, &options, limits).await;
    stage.get(&stage.link(0, TARGET)).send().await.unwrap();
    stage.told_of(1).await;
    let counted = async || Some(stage.tracking.counts()).filter(|counts| counts.written > 0);
    let (first, _) = until("a first click", PATIENCE, counted).await;
    (wire, stage, first)
}

async fn follow(stage: &Stage, times: u16) -> Duration {
    let mut longest = Duration::ZERO;
    for position in 1..=times {
        let began = Instant::now();
        let response = stage.get(&stage.link(position, TARGET)).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["location"].as_bytes()),
            (302, TARGET.as_bytes())
        );
        longest = longest.max(began.elapsed());
    }
    longest
}

fn positions(told: &[(String, i64, Value)]) -> Vec<u64> {
    let mut positions: Vec<u64> = told.iter().filter_map(|(.., said)| said["link"].as_u64()).collect();
    positions.sort_unstable();
    positions
}

async fn spooled(stage: &Stage, first: Counts, count: u64) {
    let look = async || (stage.tracking.counts().spooled >= first.spooled + count).then_some(());
    until(&format!("{count} in the spool"), PATIENCE, look).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_go_on_and_arrive_afterwards() {
    let (wire, stage, _) = wired(Limits::DEFAULT).await;
    wire.cut();
    let longest = follow(&stage, 200).await;
    println!("200 clicks without the database, the longest {longest:?}");
    assert!(longest < Limits::DEFAULT.page_patience, "{longest:?}");
    wire.mend();
    assert_eq!(positions(&stage.told_of(201).await), (0..=200).collect::<Vec<_>>());
    assert_eq!(stage.tracking.counts().lost, 0);
    // And all is as before.
    stage.later(1);
    follow(&stage, 1).await;
    stage.told_of(202).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_falls_silent_holds_nobody_up() {
    let (wire, stage, first) = wired(Limits::DEFAULT).await;
    wire.freeze();
    let longest = follow(&stage, 50).await;
    assert!(longest < Limits::DEFAULT.page_patience, "{longest:?}");
    // On the disk long before the door itself gives the silent connection up.
    spooled(&stage, first, 50).await;
    wire.thaw();
    assert_eq!(positions(&stage.told_of(51).await), (0..=50).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_after_writes_what_was_left() {
    let (wire, stage, first) = wired(Limits::DEFAULT).await;
    wire.cut();
    follow(&stage, 100).await;
    page(stage.post(&stage.unsubscribe(), &[("List-Unsubscribe", "One-Click")]), 200).await;
    spooled(&stage, first, 101).await;
    // What a SIGKILL leaves: the files as they are, the last line perhaps half written.
    let left = Folder::new();
    for entry in std::fs::read_dir(stage.spool.path()).unwrap() {
        let entry = entry.unwrap();
        let mut bytes = std::fs::read(entry.path()).unwrap();
        bytes.extend_from_slice(b"0123456789abcdef {\"message\":\"half a li");
        left.write(&entry.file_name().to_string_lossy(), bytes);
    }
    let options = &stage.database.options;
    let next = open(options, left.path(), stage.clock.clone(), Limits::DEFAULT).await;
    let told = stage.told_of(102).await;
    assert_eq!(positions(&told), (0..=100).collect::<Vec<_>>());
    // What people wish comes before what they looked at.
    assert_eq!(told[1].0, "Unsubscribed", "{:?}", told[1]);
    // The one before was not dead after all, and finds everything written.
    wire.mend();
    let empty = async || {
        let files = std::fs::read_dir(stage.spool.path()).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).all(|length| length == 0).then_some(())
    };
    until("an empty spool", PATIENCE, empty).await;
    assert_eq!(stage.told().await.len(), 102);
    next.3.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_leaves_it_to_the_next() {
    const CLICKS: u16 = 30;
    let database = Database::new().await;
    database.pool.execute("INSERT INTO heads VALUES (1, NULL, 100, now())").await.unwrap();
    let wire = Proxy::to(&database.options).await;
    let data = Folder::new();
    let start = async |url: &str| {
        let folder = Folder::new();
        let mut command = serve(folder.path(), Some(url), &[]);
        command.env("JOURNEYMAN_DATA_DIR", data.path());
        Daemon::from(command, folder).await
    };
    let daemon = start(&wire.url(&database.options)).await;
    wire.cut();
    // What development signs its links with where nothing else is named.
    let keys = KeyRing::new([(0, b"journeyman development links".to_vec())]).unwrap();
    let message = MessageId::new(ANNA, 1, now(), "hello", 1, 1);
    let http = client();
    for position in 0..CLICKS {
        // Shown by a browser that goes no further: a pixel is its own answer, and each message has one.
        let message = MessageId(Uuid::from_u128(message.0.as_u128() + u128::from(position)));
        let link = Link { message, person: ANNA, purpose: Purpose::Open };
        let pixel = format!("{}/o/{}.gif", daemon.public, keys.sign(0, &link));
        let response = http.get(pixel).header("user-agent", CHROME).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
    }
    let spool = data.path().join("spool/hits-0.spool");
    let on_disk = async || {
        let lines = std::fs::read(&spool).ok()?.iter().filter(|byte| **byte == b'\n').count();
        (lines == usize::from(CLICKS)).then_some(())
    };
    until("all of it on the disk", PATIENCE, on_disk).await;
    daemon.kill().await;
    let next = start(&database.url()).await;
    let told = "SELECT count(*) FROM events WHERE name = 'Message Loaded' AND person_id = 1";
    let look = async || (database.count(told).await == i64::from(CLICKS)).then_some(());
    until("all of it in the database", PATIENCE, look).await;
    assert_eq!(next.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_nothing_in_memory() {
    let (wire, stage, first) = wired(Limits::DEFAULT).await;
    wire.cut();
    follow(&stage, 20).await;
    stage.tracking.finish().await;
    let counts = stage.tracking.counts();
    assert_eq!((counts.spooled - first.spooled, counts.lost), (20, 0), "{counts:?}");
    let options = &stage.database.options;
    let left = open(options, stage.spool.path(), stage.clock.clone(), Limits::DEFAULT).await;
    assert_eq!(positions(&stage.told_of(21).await), (0..=20).collect::<Vec<_>>());
    left.0.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_counted() {
    let small = Limits { spool_bytes: 2_000, ..Limits::DEFAULT };
    let (wire, stage, first) = wired(small).await;
    wire.cut();
    let longest = follow(&stage, 50).await;
    assert!(longest < Limits::DEFAULT.page_patience, "{longest:?}");
    stage.tracking.finish().await;
    let counts = stage.tracking.counts();
    assert!(counts.spooled > 3 && counts.lost > 30, "{counts:?}");
    assert_eq!(counts.spooled - first.spooled + counts.lost, 50, "{counts:?}");
    wire.mend();
    assert_eq!(told(&stage.database).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_unsubscribes_meanwhile_is_unsubscribed() {
    let (wire, stage, _) = wired(Limits::DEFAULT).await;
    stage.queue().await;
    wire.cut();
    // Asked, the page knows little, and asks all the same.
    let html = page(stage.get(&stage.unsubscribe()).header("accept-language", "de"), 200).await;
    assert!(html.contains("Diese Nachrichten abbestellen"), "{html}");
    let html = page(stage.get(&stage.preferences()), 503).await;
    assert!(html.contains("Nothing was changed."), "{html}");
    follow(&stage, 5).await;
    for _ in 0..2 {
        let html = page(stage.post(&stage.unsubscribe(), &[("List-Unsubscribe", "One-Click")]), 200).await;
        assert!(html.contains("You are unsubscribed"), "{html}");
    }
    wire.mend();
    stage.told_of(7).await;
    assert_eq!(stage.suppressed().await, ["0 anna@shop.example reminders 1 told"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_not_be_kept_is_told_so() {
    let none = Limits { wish_bytes: 0, page_patience: Duration::from_millis(300), ..Limits::DEFAULT };
    let (wire, stage, _) = wired(none).await;
    wire.cut();
    let request = stage.post(&stage.unsubscribe(), &[("List-Unsubscribe", "One-Click")]);
    let response = request.try_clone().unwrap().send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "60");
    let html = page(request, 503).await;
    assert!(html.contains("Nothing was changed. Please try again in a minute."), "{html}");
    let html = page(stage.post(&stage.preferences(), &[("nothing", "1"), ("lang", "de")]), 503).await;
    assert!(html.contains("Es wurde nichts geändert."), "{html}");
    wire.mend();
    assert!(stage.suppressed().await.is_empty());
}
