//! A database for a bench, gone afterwards.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use journeyman_domain::ShopClock as _;
use journeyman_store::{Limits, connect, migrate, partitions};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::SystemClock;

pub(super) struct Scratch {
    server: PgConnectOptions,
    name: String,
    pub(super) options: PgConnectOptions,
    pub(super) pool: PgPool,
    /// For what takes its time: filling tables, counting them.
    pub(super) slow: PgPool,
}

impl Scratch {
    /// A new database on the server `options` lead to, migrated.
    pub(super) async fn new(server: &PgConnectOptions) -> anyhow::Result<Self> {
        let name = format!("journeyman_bench_{}", uuid::Uuid::new_v4().simple());
        let mut admin = server.connect().await?;
        admin
            .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .context("a bench makes a database of its own; give the role CREATEDB")?;
        admin.close().await?;
        let options = server.clone().database(&name);
        let pool = connect(&options, Limits::REPORTS);
        migrate(&pool).await?;
        partitions::ensure(&pool, SystemClock.now()).await?;
        let slow = connect(&options, Limits { connections: 1, statement_ms: 3_600_000, ..Limits::REPORTS });
        Ok(Self { server: server.clone(), name, options, pool, slow })
    }

    /// Empties every table that the door and the engine write.
    pub(super) async fn clear(&self) -> anyhow::Result<()> {
        self.pool
            .execute(
                "TRUNCATE seen, heads, identities, merge_requests, events, intake, rejected_events, persons, traits, \
                 runs, ended_runs, features, due, outbox, messages, inbox, decisions, rewards, journal, parked, interests, \
                 bulk, products",
            )
            .await?;
        Ok(())
    }

    /// Writes out what is dirty, so that neither side pays for the other. Without the right to, it goes on.
    pub(super) async fn checkpoint(&self) -> anyhow::Result<()> {
        let _ = self.slow.execute("CHECKPOINT").await;
        Ok(())
    }

    /// How many bytes of WAL the server has written since it began.
    pub(super) async fn wal(&self) -> anyhow::Result<i64> {
        let bytes = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        Ok(sqlx::query_scalar(bytes).fetch_one(&self.pool).await?)
    }

    /// Waits until two workers share the slices.
    pub(super) async fn settled(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let owners: i64 =
                sqlx::query_scalar("SELECT count(DISTINCT worker) FROM slices WHERE until > now()")
                    .fetch_one(&self.pool)
                    .await?;
            if owners >= 2 {
                return Ok(());
            }
            anyhow::ensure!(began.elapsed() < Duration::from_secs(30), "the workers do not share the slices");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn drop(self) -> anyhow::Result<()> {
        self.pool.close().await;
        self.slow.close().await;
        let mut admin = self.server.connect().await?;
        admin.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name))).await?;
        admin.close().await?;
        Ok(())
    }
}
