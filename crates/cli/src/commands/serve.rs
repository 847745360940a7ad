//! `journeyman serve`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use journeyman_api::ingest::{Limits as IngestLimits, WriteKeys};
use journeyman_api::tracking::Limits as TrackingLimits;
use journeyman_api::{Catalog, Health, Ingest, Reports, Tracking, Wake, server};
use journeyman_domain::plan::Channel;
use journeyman_domain::{ShopClock as _, ShopTime};
use journeyman_engine::{Engine, Pools, Teacher};
use journeyman_store::{Limits, installation, interests, partitions, retention};
use sqlx::postgres::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::archive::console;
use crate::SystemClock;
use crate::config::{Config, DEV_KEY, Environment};
use crate::doorway::{self, Database, Stop, Waiting};
use crate::postgres::Found;

/// How long the database's connections may take to close.
const GOODBYE: Duration = Duration::from_secs(5);
/// How often it is looked whether the private cluster's server still runs.
const LOOK: Duration = Duration::from_secs(1);
/// How often reports that came too soon are looked at again.
const MATCHING: Duration = Duration::from_secs(2);
/// How often partitions are made ahead and old rows forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// Run the daemon
///
/// The public listener takes events (POST /v1/track, /v1/batch, …), the private one tells /healthz and /readyz and
/// shows the console: journeys and who stands where, messages, people and why. Journeys
/// that `journeyman apply` put live run; any number of daemons share one database and divide its people.
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
    let pools = Pools::open(&database.options);
    let pages = journeyman_store::connect(&database.options, Limits::REPORTS);
    let leave = CancellationToken::new();
    let outlet = crate::outlet::of(config, public.local_addr()?)?;
    let limits = crate::outlet::limits(config);
    let engine = Engine::new(pools.clone(), Arc::new(SystemClock), outlet, limits, leave.clone());
    let bell = engine.clone();
    let keys = WriteKeys::new(config.write_keys.iter().map(|(source, key)| (source.as_str(), key.as_str())));
    let wake: Wake = Arc::new(move |shards| bell.ring(shards));
    let reported = wake.clone();
    let ingest =
        Ingest::start(door.clone(), keys, Arc::new(SystemClock), wake.clone(), IngestLimits::DEFAULT);
    let tracking = Tracking::start(
        database.pool.clone(),
        ingest.clone(),
        config.channels.links.clone(),
        Arc::new(SystemClock),
        &config.data_dir.join("spool"),
        wake.clone(),
        TrackingLimits::DEFAULT,
    )?;
    let stop = CancellationToken::new();
    let codecs = config.channels.http.values().map(|provider| provider.codec.clone());
    let base =
        config.channels.reports.clone().unwrap_or_else(|| format!("http://{}", public_address(&public)));
    let reports =
        Reports::new(ingest.clone(), database.pool.clone(), Arc::new(SystemClock), reported, codecs, base);

    println!("{guard}");
    if config.write_keys.values().any(|key| key == DEV_KEY) {
        println!("write key: {DEV_KEY} (for development; name your own under write_keys)");
    }
    println!("{}", told_of_mail(config));
    for line in told_of_providers(config) {
        println!("{line}");
    }
    println!("public  http://{}", public.local_addr()?);
    println!("private http://{}", private.local_addr()?);
    println!("console http://{}/", private.local_addr()?);

    // A copy of a database, or one of another environment, moves nothing: what it would queue must not leave later.
    let engine = guard.may_send().then(|| tokio::spawn(engine.run(Uuid::new_v4)));
    let lessons = journeyman_store::connect(&database.options, super::learn::LIMITS);
    let teaching = config.learn_every.filter(|_| guard.may_send()).map(|every| {
        let teacher = Teacher::new(lessons.clone(), Arc::new(SystemClock), every, wake);
        tokio::spawn(teacher.run(leave.clone()))
    });
    let health = Health { pool: database.pool.clone(), ingest: ingest.clone(), guard, stop: stop.clone() };
    let keys = config.catalog_keys.iter().map(|(name, key)| (name.as_str(), key.as_str()));
    let catalog = Catalog {
        ingest: ingest.clone(),
        keys: WriteKeys::new(keys),
        pool: database.pool.clone(),
        clock: Arc::new(SystemClock),
    };
    let routes = journeyman_api::public(ingest)
        .merge(tracking.routes())
        .merge(reports.routes())
        .merge(catalog.routes());
    let public = tokio::spawn(server::serve(public, routes, stop.clone()));
    // The private listener outlives the public one, so that a stop can be watched.
    let watched = CancellationToken::new();
    let routes = journeyman_api::private(health).merge(console(pages.clone(), Arc::new(SystemClock)));
    let private = tokio::spawn(server::serve(private, routes, watched.clone()));
    let housekeeping = tokio::spawn(keep_house(database.pool.clone()));
    let matching = tokio::spawn(keep_matching(reports));
    println!("ready");

    let kept = [&[&door, &database.pool, &pages, &lessons][..], &pools.all()[..]].concat();
    let name = tokio::select! {
        name = signals.wait() => name,
        never = keep_postgres(config, found, &kept) => match never {},
    };
    tracing::info!("{name}: ending requests under way");
    stop.cancel();
    public.await.context("the public listener broke")?;
    tracking.finish().await;
    housekeeping.abort();
    matching.abort();
    leave.cancel();
    if let Some(engine) = engine {
        engine.await.context("the engine broke")?;
    }
    if let Some(teaching) = teaching {
        // It may be in the middle of reading every event: what it has told until now is told.
        teaching.abort();
    }
    watched.cancel();
    private.await.context("the private listener broke")?;
    // A database that does not answer any more is no reason to stay.
    let closed = futures::future::join_all(kept.iter().map(|pool| pool.close()));
    if tokio::time::timeout(GOODBYE, closed).await.is_err() {
        tracing::warn!("the database's connections did not close within {} s", GOODBYE.as_secs());
    }
    println!("stopped");
    Ok(())
}

/// Where mail goes, in a line.
fn told_of_mail(config: &Config) -> String {
    let channels = &config.channels;
    let Some(email) = &channels.email else {
        return "mail: to the inbox (channels.email names no relay)".to_owned();
    };
    let relays: BTreeSet<String> =
        email.relays.values().map(|relay| format!("{}:{}", relay.host, relay.port())).collect();
    let by = relays.into_iter().collect::<Vec<_>>().join(", ");
    if config.environment == Environment::Production {
        return format!("mail: by {by}");
    }
    match channels.redirect_all_to.get(&Channel::Email) {
        Some(to) => format!("mail: all of it to {to} by {by}, allow_only excepted"),
        None => format!("mail: to the inbox; allow_only by {by}"),
    }
}

/// Where messages of other channels go, a line each.
fn told_of_providers(config: &Config) -> Vec<String> {
    let channels = &config.channels;
    let told = channels.http.iter().map(|(channel, provider)| {
        let by = provider.codec.name();
        match channels.redirect_all_to.get(channel) {
            _ if config.environment == Environment::Production => format!("{channel}: by {by}"),
            Some(to) => format!("{channel}: all of it to {to} by {by}, allow_only excepted"),
            None => format!("{channel}: to the inbox; allow_only by {by}"),
        }
    });
    told.collect()
}

/// Starts the private cluster again when its server has fallen, and leads the pools to where it listens then. A given
/// URL's server is somebody else's to start.
async fn keep_postgres(config: &Config, found: &mut Found, pools: &[&PgPool]) -> std::convert::Infallible {
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

/// Where a listener listens, for a base of addresses.
fn public_address(listener: &TcpListener) -> String {
    listener.local_addr().map_or_else(|_| "127.0.0.1".to_owned(), |address| address.to_string())
}

/// Reports that came before their messages were known: looked at again. A failure is for the next time.
async fn keep_matching(reports: Arc<Reports>) {
    let mut every = tokio::time::interval(MATCHING);
    loop {
        every.tick().await;
        if let Err(error) = reports.matched().await {
            tracing::warn!(%error, "can't look at reports that wait for their messages; trying again");
        }
    }
}

/// What has to be done from time to time. A failure is for the next hour: partitions reach weeks ahead.
/// Forgets of the catalog what nothing looks back to, whenever somebody has dropped weeks of events and journals. All versions are
/// read for that, so that it is not done each hour.
async fn forget_catalog(pool: &PgPool, known: &mut Option<ShopTime>) -> Result<(), journeyman_store::Error> {
    let horizon = retention::horizon(pool).await?;
    let Some(moved) = horizon.filter(|horizon| known.is_none_or(|known| known < *horizon)) else {
        return Ok(());
    };
    let forgotten = retention::forget_catalog(pool, moved).await?;
    *known = horizon;
    if forgotten != retention::Forgotten::default() {
        let (weeks, versions) = (forgotten.news.len(), forgotten.versions);
        tracing::info!(weeks, versions, "forgot {weeks} weeks of news and {versions} versions of products");
    }
    Ok(())
}

async fn keep_house(pool: PgPool) {
    let mut every = tokio::time::interval(HOUSEKEEPING);
    let mut horizon = None;
    loop {
        every.tick().await;
        if let Err(error) = forget_catalog(&pool, &mut horizon).await {
            tracing::error!(%error, "can't forget what the catalog was long ago; trying again in an hour");
        }
        let now = SystemClock.now();
        if let Err(error) = partitions::ensure(&pool, now).await {
            tracing::error!(%error, "can't make partitions ahead; trying again in an hour");
        }
        match interests::forget_faded(&pool, now).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "forgot what people cared for and do no longer"),
            Err(error) => tracing::error!(%error, "can't forget faded interests; trying again in an hour"),
        }
        match retention::forget_seen(&pool, now).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "forgot messages older than {} days", retention::SEEN_DAYS),
            Err(error) => tracing::error!(%error, "can't forget old messages; trying again in an hour"),
        }
        match retention::forget_reports(&pool, now).await {
            Ok(0) => {}
            Ok(rows) => tracing::warn!(
                rows,
                "reports of {} days ago never found their messages",
                retention::UNMATCHED_DAYS
            ),
            Err(error) => tracing::error!(%error, "can't forget old reports; trying again in an hour"),
        }
    }
}
