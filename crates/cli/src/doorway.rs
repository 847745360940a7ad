//! What every command does first and last: find Postgres, bring its schema up, and leave it as it should be left.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use journeyman_domain::ShopClock as _;
use journeyman_store::{Limits, partitions};
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::signal::unix::{SignalKind, signal};

use crate::SystemClock;
use crate::config::Config;
use crate::postgres::{self, Found, Places};

/// How often a database that is away is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the wait is spoken of.
const SAY: Duration = Duration::from_secs(5);

/// A database whose schema is this program's.
pub(crate) struct Database {
    /// Where.
    pub(crate) options: PgConnectOptions,
    /// For reports and commands.
    pub(crate) pool: PgPool,
}

/// Runs `work` on the configured database; a signal ends it, and either way a private cluster is stopped after.
pub(crate) async fn with_database<T, W: Future<Output = anyhow::Result<T>>>(
    config: &Config,
    patience: Duration,
    work: impl FnOnce(Database) -> W,
) -> anyhow::Result<T> {
    with_server(config, patience, |options| async move { work(open(&options, patience).await?).await }).await
}

/// As [`with_database`], for work that makes databases of its own.
pub(crate) async fn with_server<T, W: Future<Output = anyhow::Result<T>>>(
    config: &Config,
    patience: Duration,
    work: impl FnOnce(PgConnectOptions) -> W,
) -> anyhow::Result<T> {
    let found = tokio::select! {
        found = find(config, patience) => found?,
        name = stopped() => anyhow::bail!("stopped by {name}"),
    };
    eprintln!("{}", found.why());
    let done = tokio::select! {
        done = work(found.options()) => done,
        name = stopped() => Err(anyhow::anyhow!("stopped by {name}")),
    };
    found.stop().await?;
    done
}

/// Waits for the database until `patience` has passed, and says so.
pub(crate) async fn find(config: &Config, patience: Duration) -> anyhow::Result<Found> {
    let (wanted, places) = (config.wanted(), Places::from_environment());
    let waiting = Waiting::new(patience);
    loop {
        match postgres::find(&wanted, &places).await {
            Err(error @ (postgres::Error::Unreachable { .. } | postgres::Error::Silent { .. })) => {
                waiting.again(&error).await.with_context(|| error.to_string())?;
            }
            found => return Ok(found?),
        }
    }
}

/// Connects, migrates and makes partitions; waits through the moments in which a server is up and not ready.
pub(crate) async fn open(options: &PgConnectOptions, patience: Duration) -> anyhow::Result<Database> {
    let options = options.clone().application_name("journeyman");
    let pool = journeyman_store::connect(&options, Limits::REPORTS);
    let waiting = Waiting::new(patience);
    loop {
        match prepare(&pool).await {
            Ok(()) => return Ok(Database { options, pool }),
            Err(error) if error.is_passing() => {
                waiting.again(&error).await.with_context(|| error.to_string())?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn prepare(pool: &PgPool) -> Result<(), journeyman_store::Error> {
    let durability = journeyman_store::durability(pool).await?;
    if !durability.fsync {
        tracing::warn!("this server runs with fsync off: a power cut can lose events that were answered 200");
    }
    journeyman_store::migrate(pool).await?;
    let made = partitions::ensure(pool, SystemClock.now()).await?;
    if !made.is_empty() {
        tracing::debug!(?made, "made partitions");
    }
    Ok(())
}

/// The wait for a database that is away.
struct Waiting {
    began: Instant,
    patience: Duration,
    said: std::cell::Cell<Option<Instant>>,
}

impl Waiting {
    fn new(patience: Duration) -> Self {
        Self { began: Instant::now(), patience, said: std::cell::Cell::new(None) }
    }

    /// A moment's wait, or the end of patience.
    async fn again(&self, error: &impl std::fmt::Display) -> anyhow::Result<()> {
        let left = self.patience.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            anyhow::bail!("the database did not come within {} s", self.patience.as_secs());
        }
        if self.said.get().is_none_or(|said| said.elapsed() >= SAY) {
            self.said.set(Some(Instant::now()));
            eprintln!("waiting for the database, {} s more: {error}", left.as_secs().max(1));
        }
        tokio::time::sleep(AGAIN.min(left)).await;
        Ok(())
    }
}

/// Waits for SIGTERM or SIGINT and answers which it was.
pub(crate) async fn stopped() -> &'static str {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals end the process as they always do.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
    }
}
