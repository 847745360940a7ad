//! The database goes away and comes back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};

use crate::harness::Folder;
use crate::harness::checker::{Findings, check};
use crate::harness::daemon::{Daemon, serve};
use crate::harness::door::{Answer, KEY, answer, batch, client, track};
use crate::harness::postgres::Database;
use crate::harness::proxy::Proxy;

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

/// The process id of the server in a data folder.
fn postmaster(data_dir: &Path) -> Pid {
    let lodged =
        std::fs::read_to_string(data_dir.join("postgres.path")).map(|path| PathBuf::from(path.trim()));
    let home = lodged.unwrap_or_else(|_| data_dir.join("postgres"));
    let text = std::fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
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
    let fallen = postmaster(&data_dir);
    rustix::process::kill_process(fallen, Signal::KILL).unwrap();
    let mut refused = 0;
    while post(&daemon, &second).await.status != 200 {
        refused += 1;
    }
    println!("{refused} requests were answered 503 until it ran again");
    let again = post(&daemon, &[first, second].concat()).await;
    assert_eq!((again.body["accepted"].as_u64(), again.body["duplicates"].as_u64()), (Some(0), Some(20)));
    let running = postmaster(&data_dir);
    assert_ne!(running, fallen);
    assert_eq!(daemon.stop().await.0, Some(0));
    assert!(rustix::process::test_kill_process(running).is_err(), "the server outlived the daemon");
}
