//! Connections.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor as _, PgConnection, Postgres};

use crate::{Error, nodelay, statements};

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
    /// Whether its statements always go by key. The server otherwise plans by what it last knew of a table's size, and
    /// a queue that was empty when it was counted is read from end to end once it is full.
    pub by_key: bool,
    /// Whether a commit is answered only once it is on the disk.
    pub durable: bool,
}

impl Limits {
    /// For the door: few connections that commit in groups, and answers in seconds. What broke while it lay idle,
    /// the door's `begin` finds.
    pub const INGEST: Self = Self {
        connections: 4,
        acquire: Duration::from_secs(3),
        statement_ms: 10_000,
        ping: false,
        by_key: true,
        durable: true,
    };
    /// For batches. A statement, and a transaction nobody goes on with, end before a lease of
    /// [`LEASE`](crate::slices::LEASE) does, so that who takes over does not wait long for who is stuck.
    ///
    /// A batch is not durable by itself, and need not be: nothing of it leaves the database before a message's `started`
    /// is committed, which is, and the log is flushed in its order. What a server that falls has lost was never heard
    /// of: its inputs wait as before, and the same follows from them again.
    pub const ENGINE: Self = Self {
        connections: 4,
        acquire: Duration::from_secs(3),
        statement_ms: 4_000,
        ping: false,
        by_key: true,
        durable: false,
    };
    /// For dispatchers, as [`Limits::ENGINE`]: apart from batches, which must not wait for lanes that wait for each other.
    pub const DISPATCH: Self = Self { connections: 6, durable: true, ..Self::ENGINE };
    /// For everything that people wait for: reports, commands, health.
    pub const REPORTS: Self = Self {
        connections: 3,
        acquire: Duration::from_secs(5),
        statement_ms: 60_000,
        ping: true,
        by_key: false,
        durable: true,
    };
}

/// Reads a Postgres URL.
///
/// # Errors
/// When it is none; the message does not repeat it, since it may hold a password.
pub fn options(url: &str) -> Result<PgConnectOptions, Error> {
    Ok(url.parse::<PgConnectOptions>()?.application_name("journeyman"))
}

/// A pool that connects when first used. Its connections commit as `limits` say, whatever the server's default is.
pub fn connect(options: &PgConnectOptions, limits: Limits) -> PgPool {
    let statement_ms = limits.statement_ms;
    let port = options.get_port();
    let switch = |name: &str| format!(", set_config('{name}', 'off', false)");
    let by_key: String = if limits.by_key { BY_KEY.map(switch).concat() } else { String::new() };
    PgPoolOptions::new()
        .max_connections(limits.connections)
        .acquire_timeout(limits.acquire)
        .test_before_acquire(limits.ping)
        .after_connect(move |connection, _| {
            let by_key = by_key.clone();
            let commits = if limits.durable { DURABLE } else { QUICK };
            Box::pin(async move {
                nodelay::switch(port);
                let session = format!(
                    "SELECT set_config('statement_timeout', '{statement_ms}', false),
                            set_config('idle_in_transaction_session_timeout', '{statement_ms}', false),
                            set_config('TimeZone', 'UTC', false),
                            {commits}{by_key}"
                );
                connection.execute(sqlx::AssertSqlSafe(session)).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.clone())
}

/// Where a server has it off it is turned on; what is stronger than `on` stays.
const DURABLE: &str = "CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END";
/// The log is flushed a moment later.
const QUICK: &str = "set_config('synchronous_commit', 'off', false)";
/// What is switched off where statements go by key. Compiling too: where a way that is switched off is the only one, it
/// costs so much on paper that the server would compile the statement.
const BY_KEY: [&str; 5] =
    ["enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"];

/// How long a transaction of the door's may take, from our side: longer than the server's own limit on a statement, so
/// that it strikes only where nobody answers at all (a host that vanished, a wire that swallows).
pub(crate) const SILENCE: Duration = Duration::from_secs(12);
/// The same of one step of a batch, and of a dispatcher's or a lease's transaction.
pub const ENGINE_SILENCE: Duration = Duration::from_secs(5);
/// The same of what people wait for, and of housekeeping.
pub const REPORT_SILENCE: Duration = Duration::from_secs(62);

/// A connection in a transaction that was begun on it.
///
/// A connection that broke while it lay idle is found here, and nothing was sent on it yet, so that the next one is
/// tried. One on which nobody answers is closed, not returned: the pool would wait on it for ever.
pub(crate) async fn begin(pool: &PgPool, silence: Duration) -> Result<PoolConnection<Postgres>, Error> {
    for _ in 0..=pool.options().get_max_connections() {
        let mut connection = pool.acquire().await?;
        match tokio::time::timeout(silence, connection.execute("BEGIN")).await {
            Ok(Ok(_)) => return Ok(connection),
            Ok(Err(_)) => connection.close_on_drop(),
            Err(_) => {
                connection.close_on_drop();
                return Err(silent());
            }
        }
    }
    Err(Error::Unavailable(sqlx::Error::PoolTimedOut))
}

/// Runs what stands between BEGIN and the end, COMMIT included; takes back what failed.
pub(crate) async fn in_time<T>(
    connection: PoolConnection<Postgres>,
    silence: Duration,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let (connection, done) = answered(connection, silence, work).await?;
    if done.is_err() {
        take_back(connection, silence).await;
    }
    done
}

/// Reads, or writes in one statement, where no transaction is needed. `silence` is longer than the pool's own limit on a
/// statement; a connection on which nobody answers for as long is closed.
///
/// # Errors
/// [`Error::Unavailable`] where nobody answers; else as the work's.
pub async fn read<T>(
    pool: &PgPool,
    silence: Duration,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    answered(pool.acquire().await?, silence, work).await?.1
}

/// The connection and what came of the work, where the server answered in time.
async fn answered<T>(
    connection: PoolConnection<Postgres>,
    silence: Duration,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
) -> Result<(PoolConnection<Postgres>, Result<T, Error>), Error> {
    let mut lent = Lent(Some(connection));
    let working = async {
        let done = work(lent.0.as_mut()?).await;
        Some((lent.0.take()?, done))
    };
    tokio::time::timeout(silence, working).await.ok().flatten().ok_or_else(silent)
}

/// A connection at work. Who lets it go in the middle of a statement closes it: the pool would wait for its answer.
struct Lent(Option<PoolConnection<Postgres>>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

/// Ends a transaction without its writes; closes the connection where that does not succeed.
pub(crate) async fn take_back(mut connection: PoolConnection<Postgres>, silence: Duration) {
    let taken_back = tokio::time::timeout(silence, connection.execute("ROLLBACK")).await;
    if !matches!(taken_back, Ok(Ok(_))) {
        connection.close_on_drop();
    }
}

/// What is said of a database that does not answer.
pub(crate) fn silent() -> Error {
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
        read(pool, REPORT_SILENCE, async |connection| {
            Ok(sqlx::query_as(statements::DURABILITY).fetch_one(connection).await?)
        })
        .await?;
    Ok(Durability { fsync, synchronous_commit, version, number, encoding })
}
