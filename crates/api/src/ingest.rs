//! Ingest: the tracking form over HTTP, to durable.

pub(crate) mod answer;
pub(crate) mod body;
mod committer;
mod endpoint;
mod keys;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use journeyman_domain::{Event, ShopClock};
use journeyman_store::Error;
use journeyman_store::ingest::{Outcome, Rejected};
use sqlx::postgres::PgPool;
use tokio::sync::Semaphore;

use self::body::Room;
pub use self::committer::{Committer, Counts};
pub(crate) use self::endpoint::endpoint;
pub use self::keys::WriteKeys;
pub(crate) use self::keys::of_header as key_of_header;
use crate::Wake;

/// What the door allows. Production uses [`Limits::DEFAULT`]; tests make them small.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many KiB may be under way, a request counting twice its body (the body, and the messages made of it); more
    /// are answered 429.
    pub in_flight_kib: u32,
    /// How long a body may take to arrive; then 408.
    pub body_deadline: Duration,
    /// How long a request waits for its commit; then 503, and the client's retry finds out.
    pub commit_deadline: Duration,
    /// How many transactions run at once.
    pub committers: usize,
    /// How many events are committed together at most.
    pub group: usize,
    /// How far apart groups begin while another is being written.
    pub apart: Duration,
}

impl Limits {
    /// For a machine of 2 cores and more.
    pub const DEFAULT: Self = Self {
        in_flight_kib: 64 * 1024,
        body_deadline: Duration::from_secs(10),
        commit_deadline: Duration::from_secs(15),
        committers: 3,
        group: 2_000,
        apart: Duration::from_millis(4),
    };
}

/// The ingest endpoints' state.
pub struct Ingest {
    keys: WriteKeys,
    clock: Arc<dyn ShopClock>,
    committer: Committer,
    limits: Limits,
    in_flight: Arc<Semaphore>,
}

impl Ingest {
    /// Starts the committers. They end, everything committed, when the last request has gone and this is dropped.
    pub fn start(
        pool: PgPool,
        keys: WriteKeys,
        clock: Arc<dyn ShopClock>,
        wake: Wake,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            keys,
            clock,
            committer: Committer::start(&pool, &wake, limits),
            limits,
            in_flight: Arc::new(Semaphore::new(limits.in_flight_kib as usize)),
        })
    }

    /// Why the last group could not be stored; nothing when it could.
    pub fn last_failure(&self) -> Option<String> {
        self.committer.last_failure()
    }

    /// What was committed so far.
    pub fn counts(&self) -> Counts {
        self.committer.counts()
    }

    /// Writes what another door took, in a group with whatever waits; how much of it may wait is that door's to bound.
    pub(crate) async fn submit(
        &self,
        events: Vec<Event>,
        rejected: Vec<Rejected>,
    ) -> Result<Vec<Outcome>, Arc<Error>> {
        self.committer.submit(events, rejected, self.room()).await
    }

    /// The name of the source whose write key a request carries.
    pub(crate) fn source(&self, headers: &HeaderMap) -> Option<&str> {
        self.keys.source(&keys::of_header(headers)?)
    }

    /// Room for a body that is about to be read.
    pub(crate) fn room(&self) -> Room {
        Room::new(&self.in_flight)
    }

    /// How long a body may take to arrive.
    pub(crate) fn body_deadline(&self) -> Duration {
        self.limits.body_deadline
    }
}
