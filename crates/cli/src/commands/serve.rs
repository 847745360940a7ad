//! `journeyman serve`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use journeyman_api::ingest::{Limits as IngestLimits, WriteKeys};
use journeyman_api::{Health, Ingest, server};
use journeyman_domain::ShopClock as _;
use journeyman_engine::Doorbell;
use journeyman_store::{Limits, installation, partitions, retention};
use sqlx::postgres::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::SystemClock;
use crate::config::{Config, DEV_KEY};
use crate::doorway::{self, Database, Stop, Waiting};
use crate::postgres::Found;

/// How long the database's connections may take to close.
const GOODBYE: Duration = Duration::from_secs(5);
/// How often it is looked whether the private cluster's server still runs.
const LOOK: Duration = Duration::from_secs(1);
/// How often partitions are made ahead and old rows forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// Run the daemon
///
/// The public listener takes events (POST /v1/track, /v1/batch, …), the private one tells /healthz and /readyz.
/// SIGTERM ends it cleanly: requests under way are answered first.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman serve\n  \
                        DATABASE_URL=postgres://shop@db/journeyman journeyman serve\n  \
                        JOURNEYMAN_LISTEN_PUBLIC=0.0.0.0:80 journeyman serve --wait-database 300")]
pub(super) struct Serve {
    /// How many seconds to wait for the database at the start before giving up with exit code 1
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait_database: u64,
}

impl Serve {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let public = bind(config.public, "JOURNEYMAN_LISTEN_PUBLIC").await?;
        let private = bind(config.private, "JOURNEYMAN_LISTEN_PRIVATE").await?;
        let waiting = Waiting::new(Duration::from_secs(self.wait_database));
        let mut stop = Stop::listen()?;
        let mut found: Found = tokio::select! {
            found = doorway::find(config, &waiting) => found?,
            name = stop.wait() => {
                eprintln!("stopped by {name}");
                return Ok(());
            }
        };
        println!("{}", found.why());
        let options = found.options();
        let opened = tokio::select! {
            opened = doorway::open(&options, &waiting) => opened,
            name = stop.wait() => Err(anyhow::anyhow!("stopped by {name}")),
        };
        let served = match opened {
            Ok(database) => serve(config, &mut found, database, [public, private], &mut stop).await,
            Err(error) => Err(error),
        };
        found.stop().await?;
        served
    }
}

async fn bind(address: std::net::SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address}; free it, or set {variable} to another address"))
}

async fn serve(
    config: &Config,
    found: &mut Found,
    database: Database,
    [public, private]: [TcpListener; 2],
    signals: &mut Stop,
) -> anyhow::Result<()> {
    let guard = installation::guard(&database.pool, config.environment.name(), SystemClock.now()).await?;
    let door = journeyman_store::connect(&database.options, Limits::INGEST);
    let doorbell = Doorbell::default();
    let keys = WriteKeys::new(config.write_keys.iter().map(|(source, key)| (source.as_str(), key.as_str())));
    let wake = Arc::new(move |shards| doorbell.ring(shards));
    let ingest = Ingest::start(door.clone(), keys, Arc::new(SystemClock), wake, IngestLimits::DEFAULT);
    let stop = CancellationToken::new();

    println!("{guard}");
    if config.write_keys.values().any(|key| key == DEV_KEY) {
        println!("write key: {DEV_KEY} (for development; name your own under write_keys)");
    }
    println!("public  http://{}", public.local_addr()?);
    println!("private http://{}", private.local_addr()?);

    let health = Health { pool: database.pool.clone(), ingest: ingest.clone(), guard, stop: stop.clone() };
    let public = tokio::spawn(server::serve(public, journeyman_api::public(ingest), stop.clone()));
    // The private listener outlives the public one, so that a stop can be watched.
    let watched = CancellationToken::new();
    let private = tokio::spawn(server::serve(private, journeyman_api::private(health), watched.clone()));
    let housekeeping = tokio::spawn(keep_house(database.pool.clone()));
    println!("ready");

    let name = tokio::select! {
        name = signals.wait() => name,
        never = keep_postgres(config, found, [&door, &database.pool]) => match never {},
    };
    tracing::info!("{name}: ending requests under way");
    stop.cancel();
    public.await.context("the public listener broke")?;
    housekeeping.abort();
    watched.cancel();
    private.await.context("the private listener broke")?;
    for pool in [door, database.pool] {
        // A database that does not answer any more is no reason to stay.
        if tokio::time::timeout(GOODBYE, pool.close()).await.is_err() {
            tracing::warn!("the database's connections did not close within {} s", GOODBYE.as_secs());
        }
    }
    println!("stopped");
    Ok(())
}

/// Starts the private cluster again when its server has fallen, and leads the pools to where it listens then. A given
/// URL's server is somebody else's to start.
async fn keep_postgres(config: &Config, found: &mut Found, pools: [&PgPool; 2]) -> std::convert::Infallible {
    let mut every = tokio::time::interval(LOOK);
    loop {
        every.tick().await;
        if found.lives() {
            continue;
        }
        tracing::error!(
            "the private PostgreSQL has fallen; starting it again (its log: postgres.log in the data folder)"
        );
        match doorway::find(config, &Waiting::new(Duration::ZERO)).await {
            Ok(again) => {
                tracing::info!("{}", again.why());
                for pool in pools {
                    pool.set_connect_options(again.options().application_name("journeyman"));
                }
                // Our share in the fallen one; the new share keeps the new one running.
                if let Err(error) = std::mem::replace(found, again).stop().await {
                    tracing::warn!(%error, "could not give up the fallen server's share");
                }
            }
            Err(error) => tracing::error!("it does not start; trying again: {}", crate::told(&error)),
        }
    }
}

/// What has to be done from time to time. A failure is for the next hour: partitions reach weeks ahead.
async fn keep_house(pool: PgPool) {
    let mut every = tokio::time::interval(HOUSEKEEPING);
    loop {
        every.tick().await;
        let now = SystemClock.now();
        if let Err(error) = partitions::ensure(&pool, now).await {
            tracing::error!(%error, "can't make partitions ahead; trying again in an hour");
        }
        match retention::forget_seen(&pool, now).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "forgot messages older than {} days", retention::SEEN_DAYS),
            Err(error) => tracing::error!(%error, "can't forget old messages; trying again in an hour"),
        }
    }
}
