//! Low-water marks: below them nothing is known to wait. They only narrow the scan; no mark must be right.

use std::time::Duration;

use journeyman_domain::row::{Due, Place};
use journeyman_domain::{Lane, SHARDS, Shard, ShopTime};

/// How often every queue is read from its beginning. Rows get their `seq` when they are inserted and appear when
/// they commit, so one may appear behind the mark; it waits this long at most.
pub const FULL_SCAN: Duration = Duration::from_secs(10);
/// How long a mark stays behind what was dealt with. The door's transactions run side by side and commit in another order
/// than they took their numbers: what commits within this time is met at once, not by the next full scan.
pub const BEHIND: Duration = Duration::from_secs(2);

/// One queue's mark.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark<T> {
    low: T,
    /// Behind what was dealt with, as it was at `since`: where the mark goes when it is old enough.
    next: T,
    since: Duration,
    /// Behind what was dealt with.
    latest: T,
    /// When the queue was last read from its beginning.
    scanned: Duration,
}

/// The marks of all queues: of each shard's two lanes, and of its timers.
pub(super) struct Marks {
    intake: Vec<Option<Mark<i64>>>,
    due: Vec<Option<Mark<ShopTime>>>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { intake: vec![None; SHARDS * 2], due: vec![None; SHARDS] }
    }
}

fn queue(shard: Shard, lane: Lane) -> usize {
    usize::from(shard.0) * 2 + usize::from(lane == Lane::Bulk)
}

impl<T: Copy + Ord> Mark<T> {
    /// The mark, back at `beginning` where it is time.
    pub(super) fn low(mark: &mut Option<Self>, beginning: T, now: Duration) -> T {
        match mark {
            Some(mark) if now.saturating_sub(mark.scanned) < FULL_SCAN => {
                if now.saturating_sub(mark.since) >= BEHIND {
                    mark.low = mark.low.max(mark.next);
                    (mark.next, mark.since) = (mark.latest, now);
                }
                mark.low
            }
            _ => {
                let fresh =
                    Self { low: beginning, next: beginning, since: now, latest: beginning, scanned: now };
                mark.insert(fresh).low
            }
        }
    }

    /// All below was dealt with.
    pub(super) fn dealt(&mut self, below: T) {
        self.latest = self.latest.max(below);
    }
}

impl Marks {
    pub(super) fn intake(&mut self, shard: Shard, lane: Lane, now: Duration) -> i64 {
        Mark::low(&mut self.intake[queue(shard, lane)], 0, now)
    }

    pub(super) fn due(&mut self, shard: Shard, now: Duration) -> ShopTime {
        Mark::low(&mut self.due[usize::from(shard.0)], ShopTime::EPOCH, now)
    }

    /// What a batch has dealt with: the marks move behind it. A timer armed since is due after these.
    pub(super) fn done(&mut self, places: &[Place], wakes: &[Due]) {
        for place in places {
            if let Some(mark) = &mut self.intake[queue(place.shard, place.lane)] {
                mark.dealt(place.seq + 1);
            }
        }
        for wake in wakes {
            if let Some(mark) = &mut self.due[usize::from(wake.shard.0)] {
                mark.low = mark.low.max(wake.due_at);
            }
        }
    }

    /// What was read and waits on is met again: the marks stay before it.
    pub(super) fn held<'p>(&mut self, places: impl Iterator<Item = &'p Place>) {
        for place in places {
            if let Some(mark) = &mut self.intake[queue(place.shard, place.lane)] {
                mark.low = mark.low.min(place.seq);
                mark.next = mark.next.min(place.seq);
                mark.latest = mark.latest.min(place.seq);
            }
        }
    }

    /// A timer armed behind the mark (the clock was set back): the mark goes back.
    pub(super) fn armed(&mut self, wakes: &[Due]) {
        for wake in wakes {
            if let Some(mark) = &mut self.due[usize::from(wake.shard.0)] {
                mark.low = mark.low.min(wake.due_at);
            }
        }
    }

    /// All is forgotten: the shards have been somebody else's.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
