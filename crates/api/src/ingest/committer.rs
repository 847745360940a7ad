//! Group commit: requests that wait at the same time share a transaction.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use journeyman_domain::Event;
use journeyman_store::Error;
use journeyman_store::ingest::{Outcome, Rejected, write};
use sqlx::postgres::PgPool;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::Limits;
use super::body::Room;
use crate::Wake;

/// How many messages are worth a transaction of their own at once.
const FEW: usize = 50;

/// One request's messages on their way to the database.
struct Submission {
    events: Vec<Event>,
    rejected: Vec<Rejected>,
    /// Given back when the group is written, not when the client has gone: that is what bounds the queue.
    room: Room,
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

/// The way to the database. Its queue needs no bound of its own: a submission holds its request's room until it is
/// written, and all room is bounded.
pub struct Committer {
    queue: mpsc::UnboundedSender<Submission>,
    counters: Arc<Counters>,
}

impl Committer {
    pub(super) fn start(pool: &PgPool, wake: &Wake, limits: Limits) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(Waiting { queue: waiting, began: None }));
        // How many groups are being written.
        let writing = Arc::new(AtomicU64::new(0));
        let counters = Arc::new(Counters::default());
        for _ in 0..limits.committers {
            let (pool, waiting, writing) = (pool.clone(), waiting.clone(), writing.clone());
            let (wake, counters) = (wake.clone(), counters.clone());
            tokio::spawn(async move {
                loop {
                    // A statement of its own: the lock is held while waiting for the first and gathering the rest,
                    // never while writing.
                    let group = waiting.lock().await.gather(&limits, &writing).await;
                    let Some(group) = group else { break };
                    // A task of its own, so that a defect met by one group does not end the committer.
                    let (pool, wake, counters) = (pool.clone(), wake.clone(), counters.clone());
                    let committing =
                        tokio::spawn(async move { commit(&pool, group, &wake, &counters).await });
                    let committed = committing.await;
                    writing.fetch_sub(1, Ordering::Relaxed);
                    if let Err(error) = committed {
                        tracing::error!(%error, "a group was given up; its clients are told to retry");
                    }
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
        room: Room,
    ) -> Result<Vec<Outcome>, Arc<Error>> {
        let (reply, answer) = oneshot::channel();
        let gone = || Arc::new(Error::Unavailable(sqlx::Error::PoolClosed));
        self.queue.send(Submission { events, rejected, room, reply }).map_err(|_| gone())?;
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

/// Who waits to be written.
struct Waiting {
    queue: mpsc::UnboundedReceiver<Submission>,
    /// When the last group began.
    began: Option<Instant>,
}

impl Waiting {
    /// The first that waits, and whoever waits with it, up to a group's limit of messages. While another group is being
    /// written a small one waits a moment for more: a transaction costs as much for one event as for ten. Who has gone away
    /// meanwhile is passed over: their retry comes again.
    async fn gather(&mut self, limits: &Limits, writing: &AtomicU64) -> Option<Vec<Submission>> {
        let (mut messages, mut group, mut waited) = (0, Vec::new(), false);
        while messages < limits.group {
            let next = match self.queue.try_recv() {
                Ok(next) => next,
                Err(_) if group.is_empty() => self.queue.recv().await?,
                Err(_) => {
                    let apart = self.began.and_then(|began| limits.apart.checked_sub(began.elapsed()));
                    let lingers = !waited && messages < FEW && writing.load(Ordering::Relaxed) > 0;
                    let Some(apart) = apart.filter(|_| lingers) else { break };
                    waited = true;
                    tokio::time::sleep(apart).await;
                    continue;
                }
            };
            if !next.reply.is_closed() {
                messages += next.events.len() + next.rejected.len();
                group.push(next);
            }
        }
        self.began = Some(Instant::now());
        writing.fetch_add(1, Ordering::Relaxed);
        Some(group)
    }
}

async fn commit(pool: &PgPool, group: Vec<Submission>, wake: &Wake, counters: &Counters) {
    let (mut events, mut rejected) = (Vec::new(), Vec::new());
    let (mut replies, mut rooms) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
    for submission in group {
        rooms.push(submission.room);
        let start = events.len();
        events.extend(submission.events);
        rejected.extend(submission.rejected);
        replies.push((start..events.len(), submission.reply));
    }
    counters.groups.fetch_add(1, Ordering::Relaxed);
    counters.requests.fetch_add(replies.len() as u64, Ordering::Relaxed);
    counters.events.fetch_add(events.len() as u64, Ordering::Relaxed);
    let written = write(pool, &events, &rejected).await;
    drop(rooms);
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
