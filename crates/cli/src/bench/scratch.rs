//! A database for a bench, gone afterwards.

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
        Ok(Self { server: server.clone(), name, options, pool })
    }

    /// Empties every table the door writes.
    pub(super) async fn clear(&self) -> anyhow::Result<()> {
        self.pool
            .execute("TRUNCATE seen, heads, identities, merge_requests, events, intake, rejected_events")
            .await?;
        Ok(())
    }

    pub(super) async fn drop(self) -> anyhow::Result<()> {
        self.pool.close().await;
        let mut admin = self.server.connect().await?;
        admin.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name))).await?;
        admin.close().await?;
        Ok(())
    }
}
