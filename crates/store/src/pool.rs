//! Connections.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, PgConnection, Postgres};

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

/// How long a transaction of the door's may take, from our side: longer than the server's own limit on a statement, so
/// that it strikes only where nobody answers at all (a host that vanished, a wire that swallows).
const SILENCE: Duration = Duration::from_secs(12);

/// A connection in a transaction that was begun on it.
///
/// A connection that broke while it lay idle is found here, and nothing was sent on it yet, so that the next one is
/// tried. One on which nobody answers is closed, not returned: the pool would wait on it for ever.
pub(crate) async fn begin(pool: &PgPool) -> Result<PoolConnection<Postgres>, Error> {
    for _ in 0..=pool.options().get_max_connections() {
        let mut connection = pool.acquire().await?;
        match tokio::time::timeout(SILENCE, connection.execute("BEGIN")).await {
            Ok(Ok(_)) => return Ok(connection),
            Ok(Err(_)) => connection.close_on_drop(),
            Err(_) => return Err(silent(connection)),
        }
    }
    Err(Error::Unavailable(sqlx::Error::PoolTimedOut))
}

/// Runs what stands between BEGIN and the end, COMMIT included; takes back what failed.
pub(crate) async fn in_time<T>(
    mut connection: PoolConnection<Postgres>,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    match tokio::time::timeout(SILENCE, work(&mut connection)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            let taken_back = tokio::time::timeout(SILENCE, connection.execute("ROLLBACK")).await;
            if !matches!(taken_back, Ok(Ok(_))) {
                connection.close_on_drop();
            }
            Err(error)
        }
        Err(_) => Err(silent(connection)),
    }
}

fn silent(mut connection: PoolConnection<Postgres>) -> Error {
    connection.close_on_drop();
    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer from the database");
    Error::Unavailable(sqlx::Error::Io(error))
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
    /// In what characters are kept; anything but `UTF8` can't hold every name.
    pub encoding: String,
}

/// Asks the server.
///
/// # Errors
/// [`Error::Unavailable`] while it is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn durability(pool: &PgPool) -> Result<Durability, Error> {
    let (fsync, synchronous_commit, version, number, encoding) =
        sqlx::query_as(statements::DURABILITY).fetch_one(pool).await?;
    Ok(Durability { fsync, synchronous_commit, version, number, encoding })
}
