//! What comes back of a message by its links: clicks, opens, unsubscribes, preferences, and its bounces.

mod endpoint;
mod hit;
mod keeper;
mod machines;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use journeyman_domain::ShopClock;
use journeyman_domain::link::KeyRing;
use sqlx::postgres::PgPool;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use self::endpoint::{Token, robots};
use self::hit::Hit;
pub use self::keeper::Counts;
use self::keeper::Keeper;
use self::machines::Machines;
use crate::pages::{Pages, preferences, unsubscribe};
use crate::shop::Shop;
use crate::{Ingest, Wake, bounces};

/// What tracking allows itself. Production uses [`Limits::DEFAULT`]; tests make them small.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many clicks and opens may wait in memory.
    pub waiting: usize,
    /// How many are written together at most.
    pub group: usize,
    /// How long clicks and opens wait for their commit; then they go to the spool. More than this is never lost with the
    /// process.
    pub patience: Duration,
    /// How long somebody who unsubscribes waits for the commit; then it goes to the spool. How long a page waits for what
    /// it shows.
    pub page_patience: Duration,
    /// After how long it is tried again to write what is in the spool.
    pub retry: Duration,
    /// How much of clicks and opens the spool takes, bytes; some 300 each.
    pub spool_bytes: u64,
    /// How much of what people wish it takes beside that, bytes.
    pub wish_bytes: u64,
}

impl Limits {
    /// For a machine of 2 cores and more. An hour without the database at 200 clicks a second.
    pub const DEFAULT: Self = Self {
        waiting: 50_000,
        group: 1_000,
        patience: Duration::from_millis(100),
        page_patience: Duration::from_secs(2),
        retry: Duration::from_millis(250),
        spool_bytes: 256 << 20,
        wish_bytes: 64 << 20,
    };
}

/// Why tracking can't start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the spool can't be used.
    #[error("can't keep what the database can't take in {folder}: {error}")]
    Spool {
        /// Which.
        folder: String,
        /// Why.
        error: io::Error,
    },
    /// A file that is part of this program is not what it should be.
    #[error("{file}: {fault}")]
    Data {
        /// Which.
        file: &'static str,
        /// What is wrong.
        fault: String,
    },
}

/// The state of the endpoints that answer what stands in messages.
pub struct Tracking {
    pub(crate) keys: KeyRing,
    pub(crate) clock: Arc<dyn ShopClock>,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) pages: Pages,
    machines: Machines,
    hits: mpsc::Sender<Hit>,
    stop: CancellationToken,
    work: Mutex<Vec<JoinHandle<()>>>,
}

impl Tracking {
    /// Starts it. What an earlier process left in `spool` is written as soon as the database answers. Events go by
    /// `ingest` into its groups; `pool` is for what is read and for what people wish; `wake` rings where intake has grown.
    ///
    /// # Errors
    /// [`Error`].
    pub fn start(
        pool: PgPool,
        ingest: Arc<Ingest>,
        keys: KeyRing,
        clock: Arc<dyn ShopClock>,
        spool: &Path,
        wake: Wake,
        limits: Limits,
    ) -> Result<Arc<Self>, Error> {
        let data = |file, fault| Error::Data { file, fault };
        let machines = Machines::read().map_err(|fault| data("data/machines.json", fault))?;
        let pages = Pages::read().map_err(|fault| data("data/words.json", fault))?;
        let folder = |error| Error::Spool { folder: spool.display().to_string(), error };
        let shop = Shop::new(pool);
        let keeper = Arc::new(Keeper::open(shop, ingest, wake, spool, limits).map_err(folder)?);
        let (hits, queue) = mpsc::channel(limits.waiting);
        let stop = CancellationToken::new();
        let collecting = tokio::spawn(keeper.clone().collect(queue, stop.clone()));
        let draining = tokio::spawn(keeper.clone().drain(stop.clone()));
        let work = Mutex::new(vec![collecting, draining]);
        Ok(Arc::new(Self { keys, clock, keeper, pages, machines, hits, stop, work }))
    }

    /// The endpoints, to be merged into the public router.
    pub fn routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/c/{token}", get(endpoint::click))
            .route("/o/{token}", get(endpoint::open))
            .route("/u/{token}", get(unsubscribe::ask).post(unsubscribe::done))
            .route("/p/{token}", get(preferences::show).post(preferences::save))
            .route("/v1/bounces", post(bounces::endpoint))
            .with_state(self.clone())
    }

    /// What is asked of the database for a page, if it comes in time. While the database is away it is not asked.
    pub(crate) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, journeyman_store::Error>>,
    ) -> Option<T> {
        if self.keeper.is_away() {
            return None;
        }
        match tokio::time::timeout(self.keeper.limits.page_patience, asked).await {
            Ok(Ok(known)) => Some(known),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a page does without what the database knows");
                None
            }
            Err(_) => None,
        }
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.keeper.counts()
    }

    /// Writes what waits, or puts it on the disk, and ends. Call it when no request is under way any more.
    pub async fn finish(&self) {
        self.stop.cancel();
        let work = std::mem::take(&mut *self.work.lock().unwrap_or_else(PoisonError::into_inner));
        for task in work {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of tracking broke");
            }
        }
        self.keeper.give_up();
    }
}
