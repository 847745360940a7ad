//! The daemon in this process: door, tracking and engine, as `journeyman serve` has them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use journeyman_api::ingest::{Limits as IngestLimits, WriteKeys};
use journeyman_api::tracking::Limits as TrackingLimits;
use journeyman_api::{Ingest, Tracking, public, server};
use journeyman_domain::ShardSet;
use journeyman_engine::machine::DispatcherLimits;
use journeyman_engine::outlet::Outlet;
use journeyman_engine::{Counts, Engine, Pools};
use journeyman_store::{Limits, connect};
use sqlx::postgres::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::door::{BATCH, CONNECTIONS, KEY, client};
use super::super::scratch::Scratch;
use crate::SystemClock;

/// How long anything may take before it counts as broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// How often a count is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// A dispatcher that leases its queues and sends nothing: what is queued stays.
pub(super) fn closed() -> DispatcherLimits {
    DispatcherLimits { channels: &[], ..DispatcherLimits::default() }
}

/// The daemon.
pub(super) struct House {
    pub(super) address: SocketAddr,
    pub(super) counts: Arc<Counts>,
    tracking: Arc<Tracking>,
    spool: PathBuf,
    door: PgPool,
    engines: Pools,
    stop: CancellationToken,
    leave: CancellationToken,
    server: JoinHandle<()>,
    engine: JoinHandle<()>,
}

impl House {
    /// Opens it on a free port; its workers have their slices when this answers.
    pub(super) async fn open(
        scratch: &Scratch,
        outlet: Outlet,
        limits: DispatcherLimits,
    ) -> anyhow::Result<Self> {
        let (door, engines) = (connect(&scratch.options, Limits::INGEST), Pools::open(&scratch.options));
        let (stop, leave) = (CancellationToken::new(), CancellationToken::new());
        let clock = Arc::new(SystemClock);
        let keys = outlet.keys.clone();
        let engine = Engine::new(engines.clone(), clock.clone(), outlet, limits, leave.clone());
        let (counts, bell) = (engine.counts(), engine.clone());
        let wake: journeyman_api::Wake = Arc::new(move |shards: ShardSet| bell.ring(shards));
        let write_keys = WriteKeys::new([("bench", KEY)]);
        let ingest =
            Ingest::start(door.clone(), write_keys, clock.clone(), wake.clone(), IngestLimits::DEFAULT);
        let spool = std::env::temp_dir().join(format!("journeyman-bench-{}", Uuid::new_v4().simple()));
        let tracking = Tracking::start(
            door.clone(),
            ingest.clone(),
            keys,
            clock,
            &spool,
            wake,
            TrackingLimits::DEFAULT,
        )?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = public(ingest).merge(tracking.routes());
        let server = tokio::spawn(server::serve(listener, router, stop.clone()));
        let engine = tokio::spawn(engine.run(Uuid::new_v4));
        let house = Self { address, counts, tracking, spool, door, engines, stop, leave, server, engine };
        scratch.settled().await?;
        Ok(house)
    }

    /// Sends messages of the tracking form, in batches.
    pub(super) async fn take(&self, messages: &[String]) -> anyhow::Result<()> {
        let bodies =
            messages.chunks(BATCH).map(|chunk| Bytes::from(format!(r#"{{"batch":[{}]}}"#, chunk.join(","))));
        client::send(self.address, "/v1/batch", KEY, CONNECTIONS, Arc::new(bodies.collect())).await?;
        Ok(())
    }

    /// How many inputs its workers have applied.
    pub(super) fn inputs(&self) -> u64 {
        self.counts.inputs.load(Ordering::Relaxed)
    }

    /// How many messages are finished.
    pub(super) fn messages(&self) -> u64 {
        self.counts.messages.load(Ordering::Relaxed)
    }

    /// How many clicks and opens had no room and went to the disk, or nowhere.
    pub(super) fn aside(&self) -> u64 {
        let counts = self.tracking.counts();
        counts.spooled + counts.lost
    }

    /// Ends it, all committed.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.server.await?;
        self.tracking.finish().await;
        self.leave.cancel();
        self.engine.await?;
        drop(self.tracking);
        self.door.close().await;
        self.engines.close().await;
        let _ = std::fs::remove_dir_all(&self.spool);
        Ok(())
    }
}

/// Waits until a count reaches `goal`.
pub(super) async fn reached(count: impl Fn() -> u64, goal: u64, what: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    while count() < goal {
        anyhow::ensure!(began.elapsed() < PATIENCE, "{what}: {} of {goal} after {PATIENCE:?}", count());
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
