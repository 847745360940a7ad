//! The database goes away and comes back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};
use sqlx::postgres::{PgConnectOptions, PgPool};

use crate::harness::Folder;
use crate::harness::checker::{self, Findings, check};
use crate::harness::daemon::{Daemon, command, run, serve};
use crate::harness::door::{Answer, KEY, answer, batch, client, track};
use crate::harness::postgres::Database;
use crate::harness::proxy::Proxy;
use crate::harness::shop::{ORDERS, PATIENCE, order};
use crate::harness::until::until;

async fn post(daemon: &Daemon, ids: &[String]) -> Answer {
    let messages: Vec<String> = ids.iter().map(|id| track(id, "u")).collect();
    let request = client().post(format!("{}/v1/batch", daemon.public));
    answer(request.basic_auth(KEY, Some("")).body(batch(&messages))).await
}

/// What a client does: the same again, until it is taken.
async fn until_taken(daemon: &Daemon, ids: &[String]) -> Answer {
    loop {
        let answer = post(daemon, ids).await;
        if answer.status == 200 {
            return answer;
        }
        assert_eq!(answer.status, 503, "{:?}", answer.body);
    }
}

async fn ready(daemon: &Daemon) -> u16 {
    answer(client().get(format!("{}/readyz", daemon.private))).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_answered_503_and_ends_by_itself() {
    let database = Database::new().await;
    let wire = Proxy::to(&database.options).await;
    let daemon = Daemon::start(&wire.url(&database.options)).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        let ids: Vec<String> = (0..10).map(|n| format!("r{round}-{n}")).collect();
        assert_eq!(post(&daemon, &ids[..5]).await.status, 200);
        wire.cut();
        let refused = post(&daemon, &ids).await;
        assert_eq!((refused.status, refused.retry_after.as_deref()), (503, Some("1")), "{:?}", refused.body);
        assert_eq!(ready(&daemon).await, 503);
        wire.mend();
        let taken = until_taken(&daemon, &ids).await;
        assert_eq!((taken.body["accepted"].as_u64(), taken.body["duplicates"].as_u64()), (Some(5), Some(5)));
        acknowledged.extend(ids);
    }
    assert_eq!(ready(&daemon).await, 200);
    assert_eq!(daemon.stop().await.0, Some(0));
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_ended_by_the_server_lose_nothing() {
    let database = Database::new().await;
    let daemon = Daemon::start(&database.url()).await;
    let mut acknowledged = BTreeSet::new();
    let (mut refused, mut round) = (0, 0);
    while acknowledged.len() < 300 {
        let ids: Vec<String> = (0..10).map(|n| format!("r{round}-{n}")).collect();
        round += 1;
        let kill = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        let (killed, mut answer) = tokio::join!(kill.execute(&database.pool), post(&daemon, &ids));
        // The killer's own pool may be hit by its neighbour's; what matters is that others were.
        drop(killed);
        while answer.status != 200 {
            assert_eq!(answer.status, 503, "{:?}", answer.body);
            refused += 1;
            answer = post(&daemon, &ids).await;
        }
        acknowledged.extend(ids);
    }
    println!("{refused} requests were answered 503");
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_falls_silent_is_left_for_one_that_answers() {
    let database = Database::new().await;
    let wire = Proxy::to(&database.options).await;
    let daemon = Daemon::start(&wire.url(&database.options)).await;
    let ids: Vec<String> = (0..10).map(|n| format!("m{n}")).collect();
    assert_eq!(post(&daemon, &ids[..5]).await.status, 200);
    wire.freeze();
    // Nobody answers on any connection there is: 503 after the door's own patience.
    assert_eq!(post(&daemon, &ids).await.status, 503);
    wire.thaw();
    let taken = until_taken(&daemon, &ids).await;
    assert_eq!((taken.body["accepted"].as_u64(), taken.body["duplicates"].as_u64()), (Some(5), Some(5)));
    // Nor is it waited for by a daemon that is to end.
    wire.freeze();
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_late_is_waited_for() {
    let database = Database::new().await;
    let wire = Proxy::to(&database.options).await;
    wire.cut();
    let mut refused = wire.refused.subscribe();
    let url = wire.url(&database.options);
    let (daemon, ()) = tokio::join!(Daemon::start(&url), async {
        refused.wait_for(|refused| *refused >= 2).await.unwrap();
        wire.mend();
    });
    assert_eq!(post(&daemon, &["m1".to_owned()]).await.status, 200);
}

/// Where the private cluster of a data folder lies.
fn cluster(data_dir: &Path) -> PathBuf {
    let lodged = std::fs::read_to_string(data_dir.join("postgres.path"));
    lodged.map_or_else(|_| data_dir.join("postgres"), |path| PathBuf::from(path.trim()))
}

/// The process id of the server in a data folder; none while one is about to take the place of another.
fn postmaster(data_dir: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(cluster(data_dir).join("data/postmaster.pid")).ok()?;
    Pid::from_raw(text.lines().next()?.parse().ok()?)
}

/// The private cluster of a data folder, once it runs: sessions outlive their server for a moment, so that what was taken by
/// one says nothing of the server.
async fn inside(data_dir: &Path) -> PgPool {
    let home = cluster(data_dir);
    let password = std::fs::read_to_string(home.join("journeyman.password")).unwrap();
    let connect = async || {
        let text = std::fs::read_to_string(home.join("data/postmaster.pid")).ok()?;
        let line = |nth: usize| Some(text.lines().nth(nth)?.trim().to_owned());
        let options = PgConnectOptions::new().socket(line(4)?).port(line(3)?.parse().ok()?);
        let options = options.username("journeyman").database("journeyman").password(password.trim());
        PgPool::connect_with(options).await.ok()
    };
    until("the private cluster", PATIENCE, connect).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_cluster_that_falls_is_started_again() {
    let folder = Folder::new();
    let data_dir = folder.path().join("data");
    let mut command = serve(folder.path(), None, &[]);
    command.env("JOURNEYMAN_DATA_DIR", &data_dir);
    let daemon = Daemon::from(command, folder).await;
    let first: Vec<String> = (0..10).map(|n| format!("before-{n}")).collect();
    let second: Vec<String> = (0..10).map(|n| format!("after-{n}")).collect();
    assert_eq!(post(&daemon, &first).await.status, 200);
    let fallen = postmaster(&data_dir).unwrap();
    rustix::process::kill_process(fallen, Signal::KILL).unwrap();
    let mut refused = 0;
    // Sessions outlive their server for a moment: a request that is taken says nothing of a new one.
    loop {
        let taken = post(&daemon, &second).await.status == 200;
        refused += u32::from(!taken);
        if taken && postmaster(&data_dir).is_some_and(|running| running != fallen) {
            break;
        }
    }
    println!("{refused} requests were answered 503 until it ran again");
    let again = until_taken(&daemon, &[first, second].concat()).await;
    assert_eq!((again.body["accepted"].as_u64(), again.body["duplicates"].as_u64()), (Some(0), Some(20)));
    let running = postmaster(&data_dir).unwrap();
    assert_eq!(daemon.stop().await.0, Some(0));
    assert!(rustix::process::test_kill_process(running).is_err(), "the server outlived the daemon");
}

/// A batch is answered before it is on the disk. What a server that is killed has lost of it follows from its inputs again,
/// and nothing of it had left: each order brings each message once.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_falling_server_forgets_follows_again() {
    const FALLS: usize = 5;
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("journeys")).unwrap();
    folder.write("journeys/orders.yaml", ORDERS);
    let data_dir = folder.path().join("data");
    let mut apply = command(folder.path(), None, &["apply"]);
    apply.env("JOURNEYMAN_DATA_DIR", &data_dir);
    let applied = run(apply).await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let mut command = serve(folder.path(), None, &[]);
    command.env("JOURNEYMAN_DATA_DIR", &data_dir);
    let daemon = Daemon::from(command, folder).await;
    let http = client();
    let send = async |messages: &[String]| {
        let request = http.post(format!("{}/v1/batch", daemon.public)).basic_auth(KEY, Some(""));
        request.body(batch(messages)).send().await.is_ok_and(|answer| answer.status() == 200)
    };
    let (mut fallen, mut sent) = (None, 0);
    for fall in 0..FALLS {
        // The server falls while batches are under way.
        for round in 0.. {
            let orders: Vec<String> =
                (0..10).map(|n| order(&format!("o{fall}-{round}-{n}"), &format!("u{n}"))).collect();
            while !send(&orders).await {}
            sent += orders.len();
            let running = postmaster(&data_dir).filter(|running| Some(*running) != fallen);
            if let Some(running) = running.filter(|_| round >= 20) {
                rustix::process::kill_process(running, Signal::KILL).unwrap();
                fallen = Some(running);
                break;
            }
        }
    }
    while !send(&[order("last", "u0")]).await {}
    let pool = inside(&data_dir).await;
    let rest =
        "SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM runs)";
    let settled = async || {
        sqlx::query_scalar(rest).fetch_one(&pool).await.is_ok_and(|rest: i64| rest == 0).then_some(())
    };
    until("nothing left", PATIENCE, settled).await;
    println!("{sent} orders over {FALLS} falls");
    assert_eq!(checker::settled(&pool).await, Vec::<String>::new());
    assert_eq!(checker::messages(&pool, "orders", &["first", "second"], &[10]).await, Vec::<String>::new());
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&pool).await.unwrap();
    assert_eq!(orders as usize, sent + 1);
    pool.close().await;
    assert_eq!(daemon.stop().await.0, Some(0));
}
