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
}

impl<L: EventLog> Reader<L> {
    /// A reader of `shards`; it looks at all of them first.
    pub fn new(log: L, bell: Doorbell, shards: ShardSet) -> Self {
        Self { log, bell, shards, marks: BTreeMap::new(), more: shards }
    }

    /// The queue's own face: to acknowledge and to forward.
    pub fn log(&self) -> &L {
        &self.log
    }

    /// What waits in one shard, at most `limit` inputs, live ones first. While there are live ones, the bulk lane
    /// gets at most a quarter.
    ///
    /// # Errors
    /// As the log's.
    pub async fn read(&mut self, shard: Shard, limit: usize, now: Instant) -> Result<Vec<Input>, Error> {
        let mut inputs = self.read_lane(shard, Lane::Live, limit, now).await?;
        let room = if inputs.is_empty() { limit } else { (limit / 4).min(limit - inputs.len().min(limit)) };
        let bulk = if room == 0 { Vec::new() } else { self.read_lane(shard, Lane::Bulk, room, now).await? };
        // A full answer, or a lane that got no room, may have more behind it.
        if inputs.len() >= limit || room == 0 || bulk.len() >= room {
            self.more.insert(shard);
        }
        inputs.extend(bulk);
        Ok(inputs)
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

    /// Waits until some shards want reading: those rung for, those that may hold more, or all of them when `patience`
    /// has passed, since other processes ring no bell here.
    pub async fn wake(&mut self, patience: Duration) -> ShardSet {
        let more = std::mem::take(&mut self.more);
        let woken = if more.is_empty() {
            tokio::time::timeout(patience, self.bell.heard()).await.unwrap_or(ShardSet::ALL)
        } else {
            let rung = self.bell.rung();
            more.iter().chain(rung.iter()).collect()
        };
        woken.iter().filter(|shard| self.shards.contains(*shard)).collect()
    }
}
