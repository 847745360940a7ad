//! From the answer to the database, and to the disk where that is away.
//!
//! Clicks and opens go into the door's own groups. What is not written in time goes to the spool, and from there to the
//! database when it answers again; what was written twice is one event, since its key is. What people wish comes before:
//! it has its own spool, and is written first.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use journeyman_domain::ShardSet;
use journeyman_store::told;
use serde::Serialize;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::hit::Hit;
use crate::shop::Shop;
use crate::spool::{Lines, Spool};
use crate::wishes::{self, Wish};
use crate::{Ingest, Wake};

/// How often it is said that something was lost.
const SAY: Duration = Duration::from_secs(1);

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Clicks and opens that are in the database; those that were written twice, twice.
    pub written: u64,
    /// Clicks, opens and wishes that went to the spool.
    pub spooled: u64,
    /// Clicks and opens for which there was no room anywhere.
    pub lost: u64,
}

/// Why a wish was not kept: neither database nor disk took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotKept;

/// What became of the first wish of the spool.
#[derive(PartialEq)]
enum Drained {
    /// Written, or there was none.
    Done,
    /// The database is away.
    Away,
    /// It answers, and does not take this one.
    Stuck,
}

/// Who keeps what was seen and wished.
pub(crate) struct Keeper {
    pub(crate) shop: Shop,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) limits: Limits,
    wake: Wake,
    hits: Arc<Spool>,
    wishes: Arc<Spool>,
    spooled: Notify,
    away: AtomicBool,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    written: AtomicU64,
    spooled: AtomicU64,
    lost: AtomicU64,
    said: Mutex<Option<Instant>>,
}

impl Keeper {
    pub(super) fn open(
        shop: Shop,
        ingest: Arc<Ingest>,
        wake: Wake,
        folder: &Path,
        limits: Limits,
    ) -> io::Result<Self> {
        Ok(Self {
            shop,
            ingest,
            limits,
            wake,
            hits: Arc::new(Spool::open(folder, "hits", limits.spool_bytes)?),
            wishes: Arc::new(Spool::open(folder, "wishes", limits.wish_bytes)?),
            spooled: Notify::new(),
            away: AtomicBool::new(false),
            counters: Counters::default(),
        })
    }

    pub(super) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { written, spooled, lost, .. } = &self.counters;
        Counts { written: read(written), spooled: read(spooled), lost: read(lost) }
    }

    /// Leaves the spool to whoever comes after.
    pub(super) fn give_up(&self) {
        self.hits.give_up();
        self.wishes.give_up();
    }

    /// Counts what is lost, and says so, once a second at most.
    pub(super) fn lose(&self, hits: usize, why: &str) {
        let lost = self.counters.lost.fetch_add(hits as u64, Ordering::Relaxed) + hits as u64;
        let mut said = self.counters.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| at.elapsed() >= SAY) {
            *said = Some(Instant::now());
            tracing::error!(lost, "clicks and opens are lost: {why}");
        }
    }

    /// Takes what was seen, until the stop and everything before it.
    pub(super) async fn collect(self: Arc<Self>, mut queue: mpsc::Receiver<Hit>, stop: CancellationToken) {
        let mut hits = Vec::new();
        loop {
            let waiting = tokio::select! {
                waiting = queue.recv_many(&mut hits, self.limits.group) => waiting,
                () = stop.cancelled(), if !queue.is_closed() => {
                    queue.close();
                    continue;
                }
            };
            if waiting == 0 {
                return;
            }
            // What comes faster than the database takes it goes by way of the disk before memory is full.
            let flood = queue.len() > self.limits.waiting / 2;
            self.keep(std::mem::take(&mut hits), flood).await;
        }
    }

    async fn keep(&self, hits: Vec<Hit>, flood: bool) {
        let tried = self.hits.is_empty() && !self.is_away() && !flood;
        if tried && self.write(&hits).await {
            return;
        }
        let kept = self.spool(&self.hits, &hits).await;
        let rest = hits.get(kept..).unwrap_or_default();
        if !rest.is_empty() && (tried || !self.write(rest).await) {
            self.lose(rest.len(), "the database does not take them and the spool is full");
        }
    }

    /// Whether these were written in time. They may have been where it is not known.
    async fn write(&self, hits: &[Hit]) -> bool {
        let events = hits.iter().map(Hit::event).collect();
        match tokio::time::timeout(self.limits.patience, self.ingest.submit(events, Vec::new())).await {
            Ok(Ok(_)) => {
                self.counters.written.fetch_add(hits.len() as u64, Ordering::Relaxed);
                true
            }
            Ok(Err(_)) => {
                self.left("does not take them");
                false
            }
            // Slow is not away.
            Err(_) => false,
        }
    }

    /// Appends what can be written as JSON; answers how much of it is on the disk.
    async fn spool<T: Serialize>(&self, spool: &Arc<Spool>, what: &[T]) -> usize {
        let lines: Vec<String> = what.iter().filter_map(|one| serde_json::to_string(one).ok()).collect();
        let appended = with(spool, move |spool| spool.append(&lines)).await;
        let kept = appended.unwrap_or_else(|error| {
            tracing::error!(%error, "the spool can't be written to");
            0
        });
        self.counters.spooled.fetch_add(kept as u64, Ordering::Relaxed);
        self.spooled.notify_one();
        kept
    }

    /// Keeps what somebody wishes: it is in the database, or on the disk. Never before what was wished earlier and waits.
    pub(crate) async fn wish(&self, wish: Wish) -> Result<(), NotKept> {
        if self.wishes.is_empty() && !self.is_away() {
            match tokio::time::timeout(self.limits.page_patience, self.fulfil(&wish)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => {
                    let message = wish.message;
                    tracing::warn!(%error, %message, "a wish about {message} goes to the spool");
                }
                Err(_) => {}
            }
        }
        if self.spool(&self.wishes, &[wish]).await == 1 { Ok(()) } else { Err(NotKept) }
    }

    async fn fulfil(&self, wish: &Wish) -> Result<(), journeyman_store::Error> {
        let told = wishes::told(&self.shop, wish).await?;
        let written = told::write(&self.shop.pool, &told).await?;
        self.ring(written.shards);
        Ok(())
    }

    /// Rings where intake has grown.
    pub(crate) fn ring(&self, shards: ShardSet) {
        if !shards.is_empty() {
            (self.wake)(shards);
        }
    }

    /// Writes what is in the spool whenever there is something, until the stop.
    pub(super) async fn drain(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if self.hits.is_empty() && self.wishes.is_empty() {
                self.back();
                tokio::select! {
                    () = self.spooled.notified() => {}
                    () = stop.cancelled() => {}
                }
            } else if self.drain_some().await {
                self.back();
            } else {
                self.left("does not answer");
                tokio::select! {
                    () = tokio::time::sleep(self.limits.retry) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    /// Whether a part of the spool was written. A wish that can't be, though the database answers, holds up the wishes after
    /// it and nothing else.
    async fn drain_some(&self) -> bool {
        let written = async {
            match self.drain_wishes().await? {
                Drained::Done if self.wishes.is_empty() => self.drain_hits().await,
                Drained::Stuck => self.drain_hits().await.and(Ok(false)),
                wishes => Ok(wishes == Drained::Done),
            }
        };
        written.await.unwrap_or_else(|error: io::Error| {
            tracing::error!(%error, "the spool can't be read");
            false
        })
    }

    async fn drain_hits(&self) -> io::Result<bool> {
        let most = self.limits.group;
        let read = with(&self.hits, move |spool| spool.read(most)).await?;
        let hits: Vec<Hit> = parsed(&read);
        let events = hits.iter().map(Hit::event).collect();
        if !hits.is_empty() && self.ingest.submit(events, Vec::new()).await.is_err() {
            return Ok(false);
        }
        self.counters.written.fetch_add(hits.len() as u64, Ordering::Relaxed);
        with(&self.hits, move |spool| spool.forget(&read)).await?;
        Ok(true)
    }

    /// One by one: what one of them asks for may depend on the one before.
    async fn drain_wishes(&self) -> io::Result<Drained> {
        let read = with(&self.wishes, |spool| spool.read(1)).await?;
        for wish in parsed::<Wish>(&read) {
            let message = wish.message;
            match self.fulfil(&wish).await {
                Ok(()) => {}
                Err(error) if error.is_passing() => return Ok(Drained::Away),
                Err(journeyman_store::Error::Refused(error)) => {
                    let code = error.as_database_error().and_then(|error| error.code());
                    tracing::error!(?code, %message, "the database will never take a wish about {message}; it is left out");
                }
                Err(error) => {
                    if !self.is_away() {
                        tracing::error!(%error, %message, "a wish about {message} can't be written; trying again");
                    }
                    return Ok(Drained::Stuck);
                }
            }
        }
        with(&self.wishes, move |spool| spool.forget(&read)).await?;
        Ok(Drained::Done)
    }

    /// Whether the last that was tried failed. What comes then goes to the disk at once.
    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    fn left(&self, what: &str) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!("clicks, opens and unsubscribes go to the spool: the database {what}");
        }
    }

    fn back(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the database answers again; what is in the spool is written");
        }
    }
}

/// What can be read of lines; the rest was written by a later version, and is left out.
fn parsed<T: serde::de::DeserializeOwned>(read: &Lines) -> Vec<T> {
    let parsed = read.lines.iter().filter_map(|line| match serde_json::from_str(line) {
        Ok(one) => Some(one),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            tracing::error!(line, column, "the spool holds what this version does not know; it is left out");
            None
        }
    });
    parsed.collect()
}

/// Does something with the spool where waiting for the disk holds nobody up.
async fn with<T: Send + 'static>(
    spool: &Arc<Spool>,
    work: impl FnOnce(&Spool) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let spool = spool.clone();
    tokio::task::spawn_blocking(move || work(&spool)).await.map_err(io::Error::other)?
}
