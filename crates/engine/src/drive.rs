//! Driving the machines over Postgres and the channels: the only place of the engine that waits for anything.

mod announce;
mod bells;
mod dead;
mod dispatch;
mod hand;
mod learn;
mod snapshots;
pub(crate) mod tell;
mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use journeyman_domain::decision::Models;
use journeyman_domain::{ShardSet, ShopClock};
use journeyman_store::{Error, Limits};
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::bells::Bells;
pub use self::learn::{CHURN, Taught, Teacher};
use crate::Doorbell;
use crate::machine::{Clock, DispatcherLimits, Fault, WorkerLimits};
use crate::outlet::{Cache, Outlet};

/// How many workers a process runs: batches are bound by the database, and two keep it busy while one decides.
pub const WORKERS: usize = 2;

/// After how long a loop that broke begins anew.
const AGAIN: Duration = Duration::from_secs(1);

/// The engine's connections: batches and dispatchers have their own, so that neither waits for the other's.
#[derive(Clone)]
pub struct Pools {
    batches: PgPool,
    messages: PgPool,
    models: PgPool,
}

impl Pools {
    /// Pools that connect when first used.
    pub fn open(options: &PgConnectOptions) -> Self {
        let connect = |limits| journeyman_store::connect(options, limits);
        let models = Limits { connections: 1, ..Limits::REPORTS };
        Self {
            batches: connect(Limits::ENGINE),
            messages: connect(Limits::DISPATCH),
            models: connect(models),
        }
    }

    /// Closes them; a connection under way is waited for.
    pub async fn close(&self) {
        self.batches.close().await;
        self.messages.close().await;
        self.models.close().await;
    }

    /// All of them.
    pub fn all(&self) -> [&PgPool; 3] {
        [&self.batches, &self.messages, &self.models]
    }
}

/// Everything the loops share.
#[derive(Clone)]
pub struct Engine {
    pools: Pools,
    clock: Arc<dyn ShopClock>,
    bells: Arc<[Doorbell]>,
    queued: Bells,
    outlet: Outlet,
    wordings: Cache,
    limits: DispatcherLimits,
    started: Instant,
    stop: CancellationToken,
    counts: Arc<Counts>,
    models: watch::Sender<Option<Arc<dyn Models>>>,
    by_hand: bool,
}

/// What the loops of a process have done since it started.
#[derive(Debug, Default)]
pub struct Counts {
    /// Inputs applied.
    pub inputs: AtomicU64,
    /// Wake-ups dealt with.
    pub wakes: AtomicU64,
    /// Batches committed.
    pub batches: AtomicU64,
    /// Inputs parked.
    pub parked: AtomicU64,
    /// Messages finished.
    pub messages: AtomicU64,
    /// How often a worker has taken newer models over.
    pub taken_over: AtomicU64,
}

impl Engine {
    /// The engine of this process. `pools` are its own; messages leave by `outlet`; `stop` asks it to
    /// leave.
    pub fn new(
        pools: Pools,
        clock: Arc<dyn ShopClock>,
        outlet: Outlet,
        limits: DispatcherLimits,
        stop: CancellationToken,
    ) -> Self {
        let bells = (0..WORKERS).map(|_| Doorbell::default()).collect();
        Self {
            pools,
            clock,
            bells,
            queued: Bells::default(),
            outlet,
            wordings: Cache::default(),
            limits,
            started: Instant::now(),
            stop,
            counts: Arc::default(),
            models: watch::Sender::new(None),
            by_hand: false,
        }
    }

    /// One that takes models over and tells news of the catalog when it is asked to ([`Engine::choose_by_latest`],
    /// [`Engine::tell_now`]) and at no other time: for whoever moves the shop's clock by hand.
    #[must_use]
    pub fn by_hand(self) -> Self {
        Self { by_hand: true, ..self }
    }

    /// What has been done so far.
    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    /// Tells the workers that something waits in these shards.
    pub fn ring(&self, shards: ShardSet) {
        self.bells.iter().for_each(|bell| bell.ring(shards));
    }

    /// The same of what nobody waits for.
    fn mention(&self, shards: ShardSet) {
        self.bells.iter().for_each(|bell| bell.mention(shards));
    }

    /// Runs workers and dispatcher until they are asked to leave; each under a fresh name.
    ///
    /// `name` gives the names: chance is the caller's.
    pub async fn run(self, name: fn() -> Uuid) {
        let mut loops = JoinSet::new();
        for nth in 0..WORKERS {
            let engine = self.clone();
            let work = move || work::run(engine.clone(), nth, name(), WorkerLimits::default());
            loops.spawn(keep_up(self.stop.clone(), work));
        }
        if !self.by_hand {
            let engine = self.clone();
            loops.spawn(keep_up(self.stop.clone(), move || snapshots::run(engine.clone())));
            let engine = self.clone();
            loops.spawn(keep_up(self.stop.clone(), move || tell::run(engine.clone())));
            let engine = self.clone();
            loops.spawn(keep_up(self.stop.clone(), move || announce::run(engine.clone())));
        }
        let engine = self.clone();
        let dispatch = move || dispatch::run(engine.clone(), name(), engine.limits);
        loops.spawn(keep_up(self.stop.clone(), dispatch));
        while loops.join_next().await.is_some() {}
    }

    fn now(&self) -> Clock {
        Clock { shop: self.clock.now(), machine: self.started.elapsed() }
    }
}

/// Begins a loop anew when it has panicked: that is a defect, and the others' people are no less important for it. What it
/// held goes to its successor, or to others, when its lease ends.
async fn keep_up<F: Future<Output = ()> + Send + 'static>(stop: CancellationToken, begin: impl Fn() -> F) {
    loop {
        match tokio::spawn(begin()).await {
            Ok(()) => return,
            Err(error) => tracing::error!(%error, "a loop of the engine broke; beginning it anew"),
        }
        rest(AGAIN, &stop, std::future::pending()).await;
        if stop.is_cancelled() {
            return;
        }
    }
}

/// What follows from an error; said once, here, where it is handled.
fn fault(error: &Error, doing: &str) -> Fault {
    match error {
        Error::Busy(_) | Error::Conflict(_) | Error::NoPartition(_) => {
            tracing::debug!(%error, doing, "broken off; again");
            Fault::Busy
        }
        Error::Refused(_) | Error::RefusesAll(_) => {
            tracing::warn!(doing, "the database refuses a value of this batch; looking for it");
            Fault::Refused
        }
        error => {
            tracing::warn!(%error, doing, "the database can't be used; trying again");
            Fault::Unavailable
        }
    }
}

/// Rests until a bell rings, somebody asks to leave, or the patience is over.
async fn rest(
    patience: Duration,
    stop: &CancellationToken,
    rung: impl Future<Output = ShardSet>,
) -> ShardSet {
    tokio::select! {
        shards = rung => shards,
        () = stop.cancelled() => ShardSet::default(),
        () = tokio::time::sleep(patience) => ShardSet::default(),
    }
}
