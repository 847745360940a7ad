//! The clone guard, adopt, bench.

use serde_json::Value;

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, command, run, serve};
use crate::harness::door::{answer, client};
use crate::harness::postgres::Database;

async fn readiness(daemon: &Daemon) -> Value {
    answer(client().get(format!("{}/readyz", daemon.private))).await.body
}

#[tokio::test]
async fn a_copy_of_a_database_sends_nothing_until_it_is_adopted() {
    let original = Database::new().await;
    let daemon = Daemon::start(&original.url()).await;
    assert_eq!(readiness(&daemon).await["sending"], true);
    daemon.stop().await;
    original.pool.close().await;
    let copy = Database::copy_of(&original).await;
    let daemon = Daemon::start(&copy.url()).await;
    let ready = readiness(&daemon).await;
    assert_eq!((&ready["ready"], &ready["sending"]), (&true.into(), &false.into()));
    assert!(daemon.said.iter().any(|line| line.contains("this database is a copy")), "{:?}", daemon.said);
    daemon.stop().await;

    let folder = Folder::new();
    let adopt = || run(command(folder.path(), Some(&copy.url()), &["adopt", "--json"]));
    let said: Value = serde_json::from_str(&adopt().await.out).unwrap();
    assert_eq!((&said["environment"], &said["changed"]), (&"dev".into(), &true.into()));
    let said: Value = serde_json::from_str(&adopt().await.out).unwrap();
    assert_eq!(said["changed"], false);
    let daemon = Daemon::start(&copy.url()).await;
    assert_eq!(readiness(&daemon).await["sending"], true);
    daemon.stop().await;
}

#[tokio::test]
async fn another_environment_sends_nothing() {
    let database = Database::new().await;
    Daemon::start(&database.url()).await.stop().await;
    let folder = Folder::new();
    folder.write("journeyman.yaml", "environment: production\n");
    let in_production = serve(folder.path(), Some(&database.url()), &[]);
    let daemon = Daemon::from(in_production, folder).await;
    let ready = readiness(&daemon).await;
    assert_eq!(ready["sending"], false);
    assert!(ready["installation"].as_str().unwrap().contains("belongs to dev"), "{ready}");
}

#[tokio::test]
async fn the_quick_bench_runs_and_says_what_it_found() {
    let database = Database::empty().await;
    let folder = Folder::new();
    let ended =
        run(command(folder.path(), Some(&database.url()), &["bench", "ingest", "--size", "small", "--json"]))
            .await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let said: Value = serde_json::from_str(&ended.out).unwrap();
    println!("{said}");
    assert_eq!(
        (&said["bench"], &said["unit"], &said["goal"]),
        (&"ingest".into(), &"events/s".into(), &0.5.into())
    );
    let runs = said["runs"].as_array().unwrap();
    assert!(runs.len() >= 5);
    assert!(runs.iter().all(|run| run["ours"].as_f64() > Some(0.0) && run["limit"].as_f64() > Some(0.0)));
    let ratio = said["ratio"].as_f64().unwrap();
    assert!(runs.iter().any(|run| run["ratio"].as_f64() == Some(ratio)), "the ratio is no run's");
    assert_eq!(said["met"].as_bool(), Some(ratio >= 0.5));
    assert!(said["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().contains("p99")));
    // Its database is gone.
    assert_eq!(
        database.count("SELECT count(*) FROM pg_database WHERE datname LIKE 'journeyman_bench_%'").await,
        0
    );
}
