//! A disk that is really full (ENOSPC), under the database of a daemon that keeps running.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use journeyman_cli::postgres::{Found, Places, Source, Wanted, find};
use journeyman_store::{Limits, connect};
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use sqlx::{ConnectOptions as _, Executor as _};

use crate::harness::Folder;
use crate::harness::checker::{Findings, check};
use crate::harness::daemon::Daemon;
use crate::harness::door::{Answer, KEY, answer, batch, client};
use crate::relay::{Relay, Target};

/// The disk, MiB: a fresh cluster, its log of 64 MiB at most, and some room.
const DISK_MIB: u32 = 300;
/// Messages in a batch, and the text in each.
const MESSAGES: usize = 15;
const TEXT_BYTES: usize = 30_000;
/// How many batches are taken before the disk fills up.
const BEFORE: usize = 20;
/// How many are refused while it is full.
const REFUSED: usize = 40;

/// A file system of a fixed size, unmounted at the end.
struct Disk {
    folder: Folder,
}

impl Disk {
    fn mount() -> Self {
        let folder = Folder::new();
        let options = format!("size={DISK_MIB}m,mode=0755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .output()
            .unwrap_or_else(|error| panic!("mount does not run ({error}): install util-linux"));
        let said = String::from_utf8_lossy(&mounted.stderr).into_owned();
        assert!(
            mounted.status.success(),
            "a tmpfs can't be mounted ({}): run this target as root, in a container with CAP_SYS_ADMIN",
            said.trim()
        );
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Writes until there is no room, then gives `spare_kib` back.
    fn fill(&self, spare_kib: u64) {
        let mut ballast = File::create(self.ballast()).unwrap();
        let block = [0; 4096];
        let full = loop {
            if let Err(full) = ballast.write_all(&block) {
                break full;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
        let length = ballast.metadata().unwrap().len();
        ballast.set_len(length - spare_kib * 1024).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: what a failed assertion left running holds it no longer than it lives.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// A daemon on a private cluster on a small disk, reached over a relay: the server's port changes with every start.
struct Shop {
    daemon: Daemon,
    found: Option<Found>,
    relay: Relay,
    /// How often the server had to be started again.
    restarts: usize,
    acknowledged: BTreeSet<String>,
    batches: usize,
    /// Dropped last.
    disk: Disk,
}

impl Shop {
    async fn open() -> Self {
        let disk = Disk::mount();
        let found = start(&disk).await;
        let relay = Relay::to(Target::database(&found.options())).await;
        let url = format!("postgres://journeyman@127.0.0.1:{}/journeyman?sslmode=disable", relay.port);
        let daemon = Daemon::start(&url).await;
        Self {
            daemon,
            found: Some(found),
            relay,
            restarts: 0,
            acknowledged: BTreeSet::new(),
            batches: 0,
            disk,
        }
    }

    /// The nth batch: always the same messages.
    async fn post(&mut self, number: usize) -> Answer {
        let ids: Vec<String> = (0..MESSAGES).map(|n| format!("b{number}-{n}")).collect();
        let messages: Vec<String> =
            ids.iter().enumerate().map(|(n, id)| message(id, number * MESSAGES + n)).collect();
        let request = client().post(format!("{}/v1/batch", self.daemon.public)).basic_auth(KEY, Some(""));
        let answer = answer(request.body(batch(&messages))).await;
        if answer.status == 200 {
            self.acknowledged.extend(ids);
        } else {
            // Refused for now, and told so: never a 4xx, for which clients throw events away.
            assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("1")), "{:?}", answer.body);
        }
        answer
    }

    async fn health(&mut self) -> (u16, u16) {
        assert!(self.daemon.child.try_wait().unwrap().is_none(), "the daemon has ended");
        let get = |path: &str| answer(client().get(format!("{}{path}", self.daemon.private)));
        (get("/healthz").await.status, get("/readyz").await.status)
    }

    fn server_lives(&self) -> bool {
        let pid = self.found.as_ref().and_then(Found::postmaster_pid).expect("a private cluster");
        Path::new(&format!("/proc/{pid}")).exists()
    }

    /// What an operator does, where the server itself has gone.
    async fn start_again_if_gone(&mut self) {
        if self.server_lives() {
            return;
        }
        self.restarts += 1;
        self.found.take().unwrap().stop().await.unwrap();
        let found = start(&self.disk).await;
        self.relay.turn(Target::database(&found.options()));
        self.found = Some(found);
    }
}

async fn start(disk: &Disk) -> Found {
    let small = [("min_wal_size", "32MB"), ("max_wal_size", "64MB"), ("shared_buffers", "32MB")];
    let settings = small.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let data_dir = disk.path().join("data");
    let wanted = Wanted { database_url: None, data_dir, source: Source::Auto, settings };
    find(&wanted, &Places::from_environment()).await.unwrap_or_else(|error| panic!("no Postgres: {error}"))
}

/// A message whose text does not compress, the same for the same number.
fn message(id: &str, number: usize) -> String {
    let mut state = number as u64 * 2 + 1;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[(state >> 58) as usize],
        )
    };
    let text: String = (0..TEXT_BYTES).map(letter).collect();
    format!(
        r#"{{"type":"track","event":"Noted","userId":"u{}","messageId":"{id}","properties":{{"text":"{text}"}}}}"#,
        number % 50
    )
}

/// What was seen while the disk was full.
#[derive(Debug, Default)]
struct Seen {
    refused: Vec<usize>,
    taken: usize,
    ready: usize,
    unready: usize,
    messages: BTreeSet<String>,
}

/// Posts batches until so many were refused.
async fn under_pressure(shop: &mut Shop, refusals: usize) -> Seen {
    let mut seen = Seen::default();
    while seen.refused.len() < refusals {
        let number = shop.batches;
        shop.batches += 1;
        let answer = shop.post(number).await;
        if answer.status == 200 {
            seen.taken += 1;
            continue;
        }
        seen.refused.push(number);
        seen.messages.insert(answer.body["message"].as_str().unwrap().to_owned());
        match shop.health().await {
            (200, 200) => seen.ready += 1,
            (200, 503) => seen.unready += 1,
            other => panic!("healthz and readyz: {other:?}"),
        }
    }
    seen
}

/// Sends everything that was refused again, until it is taken.
async fn again(shop: &mut Shop, refused: &[usize]) -> usize {
    let mut tries = 0;
    for number in refused {
        loop {
            tries += 1;
            if shop.post(*number).await.status == 200 {
                break;
            }
            shop.start_again_if_gone().await;
        }
    }
    assert_eq!(shop.health().await, (200, 200));
    tries
}

/// Another writer on the same server uses up what is left of its log. A server that can't write its log can't go on.
async fn exhaust_the_log(shop: &Shop) {
    let superuser = shop.found.as_ref().and_then(Found::superuser_options).expect("a private cluster");
    let mut writer = superuser.connect().await.unwrap();
    let write = "SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 1 << 20))";
    for written_mib in 0..2 * DISK_MIB {
        let Err(ended) = writer.execute(write).await else { continue };
        let severity =
            ended.as_database_error().map(|error| error.downcast_ref::<PgDatabaseError>().severity());
        if severity != Some(PgSeverity::Error) {
            println!("the other writer wrote {written_mib} MiB until: {ended}");
            return;
        }
    }
    panic!("the server's log found room on a full disk");
}

/// The disk fills up, stays full for a while, and has room again.
async fn full_and_free(spare_kib: u64, log_too: bool) -> Seen {
    let mut shop = Shop::open().await;
    for number in 0..BEFORE {
        assert_eq!(shop.post(number).await.status, 200);
    }
    shop.batches = BEFORE;
    shop.disk.fill(spare_kib);
    if log_too {
        exhaust_the_log(&shop).await;
    }
    let seen = under_pressure(&mut shop, REFUSED).await;
    println!(
        "full: {} batches still taken, {} refused 503, readyz {} x 200 and {} x 503, the server {}; said: {:?}",
        seen.taken,
        seen.refused.len(),
        seen.ready,
        seen.unready,
        if shop.server_lives() { "lives" } else { "is gone" },
        seen.messages
    );
    shop.disk.free();
    let tries = again(&mut shop, &seen.refused).await;
    println!("free: {tries} requests until all were taken, the server was started {} times", shop.restarts);
    all_taken_once(shop).await;
    seen
}

/// Every batch was acknowledged in the end, and is there exactly once.
async fn all_taken_once(shop: Shop) {
    // In the order in which they must not end: the last one is dropped first.
    let Shop { disk, found, daemon, acknowledged, batches, .. } = shop;
    let found = found.unwrap();
    let pool = connect(&found.options(), Limits::REPORTS);
    assert_eq!(check(&pool, &acknowledged).await, Findings::default());
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&pool).await.unwrap();
    assert_eq!((events, acknowledged.len()), ((batches * MESSAGES) as i64, batches * MESSAGES));
    pool.close().await;
    assert_eq!(daemon.stop().await.0, Some(0));
    found.stop().await.unwrap();
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_data_everything_is_refused_until_there_is_some() {
    let seen = full_and_free(1024, false).await;
    assert!(seen.taken < 5, "{} batches found room on a full disk", seen.taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_for_want_of_room_for_its_log_is_waited_for() {
    let seen = full_and_free(0, true).await;
    assert!(seen.unready > 0, "the server never fell");
}
