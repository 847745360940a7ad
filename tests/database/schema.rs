//! Migrations, partitions, statements.

use std::collections::BTreeSet;

use journeyman_domain::tracking::parse_timestamp;
use journeyman_store::{Limits, STATEMENTS, connect, migrate, partitions, retention};
use sqlx::Executor as _;

use crate::harness::door::{Door, now};
use crate::harness::postgres::Database;
use crate::harness::root;

#[tokio::test]
async fn every_statement_prepares() {
    let database = Database::new().await;
    for (name, text) in STATEMENTS {
        if let Err(error) = database.pool.prepare(sqlx::SqlStr::from_static(text)).await {
            panic!("queries/{name}.sql: {error}");
        }
    }
    let files: BTreeSet<String> = std::fs::read_dir(root().join("crates/store/queries"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> = STATEMENTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, known, "a file without a name in statements.rs, or the other way round");
}

#[tokio::test]
async fn many_processes_migrate_at_once() {
    let database = Database::empty().await;
    let pools: Vec<_> = (0..8).map(|_| connect(&database.options, Limits::REPORTS)).collect();
    let migrated = futures::future::join_all(pools.iter().map(|pool| async move {
        migrate(pool).await?;
        partitions::ensure(pool, now()).await
    }))
    .await;
    let made: usize = migrated.into_iter().map(|made| made.unwrap().len()).sum();
    // This week, one back and four ahead, of eight tables, each made by exactly one.
    assert_eq!(made, 48);
    for pool in pools {
        pool.close().await;
    }
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let database = Database::new().await;
    sqlx::raw_sql(r"UPDATE _sqlx_migrations SET checksum = '\x00'").execute(&database.pool).await.unwrap();
    let refused = migrate(&database.pool).await.unwrap_err();
    assert!(matches!(refused, journeyman_store::Error::Schema(_)), "{refused}");
}

#[tokio::test]
async fn partitions_reach_ahead_and_a_missing_one_is_made_when_needed() {
    let database = Database::new().await;
    assert!(partitions::ensure(&database.pool, now()).await.unwrap().is_empty());
    let later = parse_timestamp("2031-03-05T12:00:00Z").unwrap();
    let made = partitions::ensure(&database.pool, later).await.unwrap();
    assert!(made.contains(&"events_20310303".to_owned()), "{made:?}");
    // All partitions lost: the door makes what it needs, and the client sees nothing of it.
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent IN ('events'::regclass, 'rejected_events'::regclass)",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    let drop = format!("DROP TABLE {}", names.join(", "));
    sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&database.pool).await.unwrap();
    let door = Door::open(&database).await;
    door.take("/v1/track", r#"{"event":"X","userId":"u"}"#).await;
    assert_eq!(door.post("/v1/track", "{}").await.status, 400);
    assert_eq!(database.count("SELECT count(*) FROM events").await, 1);
    assert_eq!(database.count("SELECT count(*) FROM rejected_events").await, 1);
}

#[tokio::test]
async fn a_look_up_by_id_reads_one_partition() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    door.take("/v1/track", r#"{"event":"X","userId":"u"}"#).await;
    let id = database.text("SELECT id::text FROM events").await;
    let explain = format!("EXPLAIN SELECT * FROM events WHERE id = '{id}'");
    let plan: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(explain)).fetch_all(&database.pool).await.unwrap();
    let scans = plan.iter().filter(|line| line.contains("Scan")).count();
    assert_eq!(scans, 1, "{plan:#?}");
}

#[tokio::test]
async fn seen_is_forgotten_after_its_days() {
    let database = Database::new().await;
    let days = "INSERT INTO seen SELECT gen_random_uuid(), day FROM generate_series(0, 14) AS ago,
                LATERAL (SELECT ('2026-11-23'::date - ago)) AS of (day), generate_series(1, 1500)";
    sqlx::raw_sql(days).execute(&database.pool).await.unwrap();
    let forgotten =
        retention::forget_seen(&database.pool, parse_timestamp("2026-11-23T23:00:00Z").unwrap()).await;
    assert_eq!(forgotten.unwrap(), 7 * 1500);
    assert_eq!(database.count("SELECT count(*) FROM seen").await, 8 * 1500);
    assert_eq!(database.text("SELECT min(day)::text FROM seen").await, "2026-11-16");
}
