//! What every command does first and last: find Postgres, bring its schema up, and leave it as it should be left.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use journeyman_domain::ShopClock as _;
use journeyman_store::{Durability, Limits, partitions};
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    let waiting = Waiting::new(patience);
    let waiting = &waiting;
    with_server(config, waiting, |options| async move { work(open(&options, waiting).await?).await }).await
}

/// As [`with_database`], for work that makes databases of its own.
pub(crate) async fn with_server<T, W: Future<Output = anyhow::Result<T>>>(
    config: &Config,
    waiting: &Waiting,
    work: impl FnOnce(PgConnectOptions) -> W,
) -> anyhow::Result<T> {
    let mut stop = Stop::listen()?;
    let found = tokio::select! {
        found = find(config, waiting) => found?,
        name = stop.wait() => anyhow::bail!("stopped by {name}"),
    };
    eprintln!("{}", found.why());
    let done = tokio::select! {
        done = work(found.options()) => done,
        name = stop.wait() => Err(anyhow::anyhow!("stopped by {name}")),
    };
    found.stop().await?;
    done
}

/// Waits for the database as long as `waiting` has patience, and says so.
pub(crate) async fn find(config: &Config, waiting: &Waiting) -> anyhow::Result<Found> {
    let (wanted, places) = (config.wanted(), Places::from_environment());
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
pub(crate) async fn open(options: &PgConnectOptions, waiting: &Waiting) -> anyhow::Result<Database> {
    let options = options.clone().application_name("journeyman");
    let pool = journeyman_store::connect(&options, Limits::REPORTS);
    loop {
        match prepare(&pool).await {
            Ok(durability) if durability.encoding != "UTF8" => anyhow::bail!(
                "the database keeps its text in {}, which can't hold every name; make one with ENCODING 'UTF8'",
                durability.encoding
            ),
            Ok(_) => return Ok(Database { options, pool }),
            Err(error) if error.is_passing() => {
                waiting.again(&error).await.with_context(|| error.to_string())?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn prepare(pool: &PgPool) -> Result<Durability, journeyman_store::Error> {
    let durability = journeyman_store::durability(pool).await?;
    if !durability.fsync {
        tracing::warn!("this server runs with fsync off: a power cut can lose events that were answered 200");
    }
    journeyman_store::migrate(pool).await?;
    let made = partitions::ensure(pool, SystemClock.now()).await?;
    if !made.is_empty() {
        tracing::debug!(?made, "made partitions");
    }
    Ok(durability)
}

/// The wait for a database that is away, from the first look to the last.
pub(crate) struct Waiting {
    began: Instant,
    patience: Duration,
    said: std::cell::Cell<Option<Instant>>,
}

impl Waiting {
    pub(crate) fn new(patience: Duration) -> Self {
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

/// SIGTERM and SIGINT, listened for from the beginning, so that none falls between two waits.
pub(crate) struct Stop {
    term: Signal,
    int: Signal,
}

impl Stop {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them and answers which it was.
    pub(crate) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}
