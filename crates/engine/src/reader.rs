//! Reading intake: shard by shard, from a low-water mark, woken when there is something.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use journeyman_domain::{Lane, Shard, ShardSet};
use journeyman_store::Error;
use journeyman_store::intake::{Input, Place};

use crate::{Doorbell, EventLog};

/// How often every queue is read from its beginning. Rows get their `seq` when they are inserted and appear when
/// they commit, so one may appear behind the mark; it waits this long at most.
pub const FULL_SCAN: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Default)]
struct Mark {
    /// Nothing is known to wait below this `seq`.
    low: i64,
    /// When the queue was last read from its beginning.
    scanned: Option<Instant>,
}

/// Reads the queues of some shards. One reader for a shard: who that is, the lease says.
pub struct Reader<L> {
    log: L,
    bell: Doorbell,
    shards: ShardSet,
    marks: BTreeMap<(Shard, Lane), Mark>,
    /// Shards whose queue may hold more than was read.
    more: ShardSet,
    /// When all shards were last woken.
    all_at: Option<Instant>,
}

impl<L: EventLog> Reader<L> {
    /// A reader of `shards`; it looks at all of them first.
    pub fn new(log: L, bell: Doorbell, shards: ShardSet) -> Self {
        Self { log, bell, shards, marks: BTreeMap::new(), more: ShardSet::default(), all_at: None }
    }

    /// The queue's own face: to acknowledge and to forward.
    pub fn log(&self) -> &L {
        &self.log
    }

    /// What waits in one shard, at most `limit` inputs (2 or more), live ones first. While there are live ones, the bulk
    /// lane gets a quarter of the room, and no more.
    ///
    /// # Errors
    /// As the log's; the shard is then among those to be read again.
    pub async fn read(&mut self, shard: Shard, limit: usize, now: Instant) -> Result<Vec<Input>, Error> {
        let read = self.read_both(shard, limit, now).await;
        // A full answer may have more behind it; a failed one may have anything.
        if read.as_ref().map_or(true, |(_, more)| *more) {
            self.more.insert(shard);
        }
        Ok(read?.0)
    }

    async fn read_both(
        &mut self,
        shard: Shard,
        limit: usize,
        now: Instant,
    ) -> Result<(Vec<Input>, bool), Error> {
        let mut inputs = self.read_lane(shard, Lane::Live, limit, now).await?;
        let room = if inputs.is_empty() { limit } else { (limit / 4).max(1) };
        let bulk = self.read_lane(shard, Lane::Bulk, room, now).await?;
        let more = inputs.len() + bulk.len() >= limit || bulk.len() >= room;
        inputs.truncate(limit - bulk.len());
        inputs.extend(bulk);
        Ok((inputs, more))
    }

    async fn read_lane(
        &mut self,
        shard: Shard,
        lane: Lane,
        limit: usize,
        now: Instant,
    ) -> Result<Vec<Input>, Error> {
        let mark = self.marks.entry((shard, lane)).or_default();
        if mark.scanned.is_none_or(|scanned| now.duration_since(scanned) >= FULL_SCAN) {
            *mark = Mark { low: 0, scanned: Some(now) };
        }
        let low = mark.low;
        self.log.poll(shard, lane, low, limit).await
    }

    /// Inputs that are applied and committed: the marks move behind them.
    pub fn done(&mut self, places: &[Place]) {
        for place in places {
            let mark = self.marks.entry((place.shard, place.lane)).or_default();
            mark.low = mark.low.max(place.seq + 1);
        }
    }

    /// Waits until some shards want reading: those rung for, those that may hold more, and all of them whenever
    /// `patience` has passed since it was all of them, however much is rung for in between: other processes ring no
    /// bell here, and what commits behind a mark rings none at all.
    pub async fn wake(&mut self, patience: Duration, now: Instant) -> ShardSet {
        let more = std::mem::take(&mut self.more);
        let left = self.all_at.map_or(Duration::ZERO, |at| patience.saturating_sub(now.duration_since(at)));
        let woken = if left.is_zero() {
            self.bell.rung();
            None
        } else if more.is_empty() {
            tokio::time::timeout(left, self.bell.heard()).await.ok()
        } else {
            Some(more.iter().chain(self.bell.rung().iter()).collect())
        };
        let Some(woken) = woken else {
            self.all_at = Some(now + left);
            return self.shards;
        };
        woken.iter().filter(|shard| self.shards.contains(*shard)).collect()
    }
}
