//! Connections.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, Postgres, Transaction};

use crate::{Error, statements};

/// What a pool allows itself.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections at most.
    pub connections: u32,
    /// How long a caller waits for one.
    pub acquire: Duration,
    /// After how long the server gives a statement up, milliseconds.
    pub statement_ms: u32,
    /// Whether a connection is tried before it is handed out: a round trip that finds what broke while it lay idle.
    pub ping: bool,
}

impl Limits {
    /// For the door: few connections that commit in groups, and answers in seconds. What broke while it lay idle,
    /// the door's `begin` finds.
    pub const INGEST: Self =
        Self { connections: 4, acquire: Duration::from_secs(3), statement_ms: 10_000, ping: false };
    /// For everything that people wait for: reports, commands, health.
    pub const REPORTS: Self =
        Self { connections: 3, acquire: Duration::from_secs(5), statement_ms: 60_000, ping: true };
}

/// Reads a Postgres URL.
///
/// # Errors
/// When it is none; the message does not repeat it, since it may hold a password.
pub fn options(url: &str) -> Result<PgConnectOptions, Error> {
    Ok(url.parse::<PgConnectOptions>()?.application_name("journeyman"))
}

/// A pool that connects when first used. Every connection commits durably, whatever the server's default is.
pub fn connect(options: &PgConnectOptions, limits: Limits) -> PgPool {
    let statement_ms = limits.statement_ms;
    PgPoolOptions::new()
        .max_connections(limits.connections)
        .acquire_timeout(limits.acquire)
        .test_before_acquire(limits.ping)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let session = format!(
                    "SELECT set_config('statement_timeout', '{statement_ms}', false),
                            set_config('idle_in_transaction_session_timeout', '{statement_ms}', false),
                            set_config('TimeZone', 'UTC', false),
                            CASE current_setting('synchronous_commit')
                                WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END"
                );
                connection.execute(sqlx::AssertSqlSafe(session)).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.clone())
}

/// Begins a transaction. Connections that broke while they lay idle are found here, one after the other, and nothing
/// was sent on them yet, so that the next one may be tried.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    for _ in 0..pool.options().get_max_connections() {
        match pool.begin().await {
            Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => {}
            Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("57P")) => {
            }
            begun => return Ok(begun?),
        }
    }
    Ok(pool.begin().await?)
}

/// How far a commit on this server can be trusted.
#[derive(Clone, Debug)]
pub struct Durability {
    /// Whether the server flushes to disk at all. Off, a power cut can lose what was answered 200.
    pub fsync: bool,
    /// Whether this connection waits for the flush.
    pub synchronous_commit: bool,
    /// For people: `15.19 (Debian …)`.
    pub version: String,
    /// For comparing: 150019.
    pub number: i32,
}

/// Asks the server.
///
/// # Errors
/// [`Error::Unavailable`] while it is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn durability(pool: &PgPool) -> Result<Durability, Error> {
    let (fsync, synchronous_commit, version, number) =
        sqlx::query_as(statements::DURABILITY).fetch_one(pool).await?;
    Ok(Durability { fsync, synchronous_commit, version, number })
}
