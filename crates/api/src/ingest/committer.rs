//! Group commit: requests that wait at the same time share a transaction.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use journeyman_domain::Event;
use journeyman_store::Error;
use journeyman_store::ingest::{Outcome, Rejected, write};
use sqlx::postgres::PgPool;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::Limits;
use crate::Wake;

/// How long a group may wait for more while another is being written.
const LINGER: Duration = Duration::from_millis(2);

/// One request's messages on their way to the database.
struct Submission {
    events: Vec<Event>,
    rejected: Vec<Rejected>,
    reply: oneshot::Sender<Result<Vec<Outcome>, Arc<Error>>>,
}

/// What was committed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transactions.
    pub groups: u64,
    /// Requests in them.
    pub requests: u64,
    /// Events in them, duplicates too.
    pub events: u64,
}

#[derive(Default)]
struct Counters {
    /// Committers that are writing now.
    writing: AtomicU64,
    groups: AtomicU64,
    requests: AtomicU64,
    events: AtomicU64,
    /// Why the last group failed, if it did.
    failure: std::sync::Mutex<Option<String>>,
}

impl Counters {
    fn note(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// The way to the database. Its queue needs no bound of its own: every submission is a request that waits, and their
/// bytes are bounded at the door.
pub struct Committer {
    queue: mpsc::UnboundedSender<Submission>,
    counters: Arc<Counters>,
}

impl Committer {
    pub(super) fn start(pool: &PgPool, wake: &Wake, limits: Limits) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let counters = Arc::new(Counters::default());
        for _ in 0..limits.committers {
            let (pool, waiting) = (pool.clone(), waiting.clone());
            let (wake, counters) = (wake.clone(), counters.clone());
            tokio::spawn(async move {
                loop {
                    // A statement of its own: the lock is held while waiting for the first and gathering the rest,
                    // never while writing.
                    let busy = || counters.writing.load(Ordering::Relaxed) > 0;
                    let group = gather(&mut *waiting.lock().await, limits.group, busy).await;
                    let Some(group) = group else { break };
                    counters.writing.fetch_add(1, Ordering::Relaxed);
                    commit(&pool, group, &wake, &counters).await;
                    counters.writing.fetch_sub(1, Ordering::Relaxed);
                }
            });
        }
        Self { queue, counters }
    }

    /// Writes one request's messages; answers when they are durable, or why they are not.
    pub(super) async fn submit(
        &self,
        events: Vec<Event>,
        rejected: Vec<Rejected>,
    ) -> Result<Vec<Outcome>, Arc<Error>> {
        let (reply, answer) = oneshot::channel();
        let gone = || Arc::new(Error::Unavailable(sqlx::Error::PoolClosed));
        self.queue.send(Submission { events, rejected, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    pub(super) fn last_failure(&self) -> Option<String> {
        self.counters.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            groups: read(&self.counters.groups),
            requests: read(&self.counters.requests),
            events: read(&self.counters.events),
        }
    }
}

/// The first that waits, and whoever waits with it, up to `limit` events. While another group is being written, those
/// who are about to come are waited for, [`LINGER`] at most: fewer, larger transactions cost everybody less. An idle
/// door waits for nobody.
async fn gather(
    waiting: &mut mpsc::UnboundedReceiver<Submission>,
    limit: usize,
    busy: impl Fn() -> bool,
) -> Option<Vec<Submission>> {
    let first = waiting.recv().await?;
    let mut events = first.events.len();
    let mut group = vec![first];
    let lingering = tokio::time::sleep(LINGER);
    tokio::pin!(lingering);
    while events < limit {
        let next = match waiting.try_recv() {
            Ok(next) => next,
            Err(_) if !busy() => break,
            Err(_) => tokio::select! {
                Some(next) = waiting.recv() => next,
                () = &mut lingering => break,
            },
        };
        events += next.events.len();
        group.push(next);
    }
    Some(group)
}

async fn commit(pool: &PgPool, group: Vec<Submission>, wake: &Wake, counters: &Counters) {
    let (mut events, mut rejected, mut replies) = (Vec::new(), Vec::new(), Vec::with_capacity(group.len()));
    for submission in group {
        let start = events.len();
        events.extend(submission.events);
        rejected.extend(submission.rejected);
        replies.push((start..events.len(), submission.reply));
    }
    counters.groups.fetch_add(1, Ordering::Relaxed);
    counters.requests.fetch_add(replies.len() as u64, Ordering::Relaxed);
    counters.events.fetch_add(events.len() as u64, Ordering::Relaxed);
    let written = write(pool, &events, &rejected).await;
    counters.note(written.as_ref().err().map(ToString::to_string));
    if let Ok(written) = &written
        && !written.shards.is_empty()
    {
        wake(written.shards);
    }
    let written = written.map(|written| written.outcomes).map_err(|error| {
        tracing::error!(%error, events = events.len(), "events were not stored; their clients are told to retry");
        Arc::new(error)
    });
    for (range, reply) in replies {
        // A client that has gone away learns it by its retry.
        let _ = reply.send(of(&written, range));
    }
}

fn of(written: &Result<Vec<Outcome>, Arc<Error>>, range: Range<usize>) -> Result<Vec<Outcome>, Arc<Error>> {
    written.as_ref().map(|outcomes| outcomes[range].to_vec()).map_err(Arc::clone)
}
