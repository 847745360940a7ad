//! What a worker reads for a batch: two lanes of inputs, timers, people.

use std::collections::BTreeSet;
use std::time::Duration;

use journeyman_domain::row::{Arrived, Due};
use journeyman_domain::{Lane, PersonId, Shard, ShardSet};

use super::{State, Worker, behind};
use crate::machine::shards::either;
use crate::machine::{Clock, Request};

/// For how long after a live input the bulk lane holds back.
const LATELY: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn read_live(&mut self, clock: Clock) -> Request {
        self.state = State::ReadingLive;
        self.read_intake(&self.round.clone(), Lane::Live, self.portion.size(), clock)
    }

    fn read_intake(&mut self, shards: &[Shard], lane: Lane, total: usize, clock: Clock) -> Request {
        let from =
            shards.iter().map(|shard| (*shard, self.marks.intake(*shard, lane, clock.machine))).collect();
        Request::ReadIntake { lane, from, per_shard: total, total }
    }

    /// Those of them that are not only looked at because their live queue has grown.
    fn whole(&self, shards: &[Shard]) -> Vec<Shard> {
        shards.iter().copied().filter(|shard| self.whole.contains(*shard)).collect()
    }

    /// How many more go into this batch: the bulk lane gets a quarter of it while the live one has work, and for a moment after
    /// that: whoever comes next waits for no more than a small batch.
    fn room(&self, taken: usize, lane: Option<Lane>) -> usize {
        let size = self.portion.size();
        match lane {
            // A portion that looks for an input at fault is no larger than it says.
            _ if self.portion.is_cautious() => size.saturating_sub(taken),
            Some(Lane::Bulk) if taken > 0 || self.live_lately => (size / 4).max(1),
            _ => size,
        }
    }

    pub(super) fn read_bulk(&mut self, live: Vec<Arrived>, clock: Clock) -> Request {
        self.exhausted = self.round.clone();
        if !live.is_empty() {
            self.live_at = Some(clock.machine);
        }
        self.live_lately = self.live_at.is_some_and(|at| clock.machine.saturating_sub(at) < LATELY);
        if live.len() >= self.portion.size() {
            let unread = self.stopped_at(&self.round.clone(), live.last().map(|input| input.place.shard));
            self.exhausted.retain(|shard| !unread.contains(*shard));
        }
        let shards = self.whole(&self.round);
        match self.room(live.len(), Some(Lane::Bulk)) {
            room if room > 0 && !shards.is_empty() => {
                self.state = State::ReadingBulk { live };
                self.read_intake(&shards, Lane::Bulk, room, clock)
            }
            _ => self.read_due(live, clock),
        }
    }

    pub(super) fn bulk_read(&mut self, live: Vec<Arrived>, bulk: Vec<Arrived>, clock: Clock) -> Request {
        if bulk.len() >= self.room(live.len(), Some(Lane::Bulk)) {
            self.stopped_at(&self.whole(&self.round), bulk.last().map(|input| input.place.shard));
        }
        let mut arrived = live;
        arrived.extend(bulk);
        self.read_due(arrived, clock)
    }

    /// Timers of a shard wait until its live queue is read to the end: an event that has happened goes before them. Whose
    /// queue has grown has their timers with them, read or not.
    fn read_due(&mut self, arrived: Vec<Arrived>, clock: Clock) -> Request {
        let total = self.room(arrived.len(), None);
        let shards = self.whole(&self.exhausted);
        if total == 0 || shards.is_empty() {
            return self.load(arrived, Vec::new());
        }
        let due = |shard: &Shard| (*shard, self.marks.due(*shard, clock.machine));
        let from = shards.iter().map(due).collect();
        self.state = State::ReadingDue { arrived };
        Request::ReadDue { from, now: clock.shop, per_shard: total, total }
    }

    pub(super) fn due_read(&mut self, arrived: Vec<Arrived>, due: Vec<Due>) -> Request {
        if due.len() >= self.room(arrived.len(), None) {
            self.stopped_at(&self.whole(&self.exhausted), due.last().map(|due| due.shard));
        }
        self.load(arrived, due)
    }

    /// A full answer stopped somewhere in the last shard it came to: that one and those behind it hold more. The next
    /// round begins there; behind it where that one has filled the answer alone, so that all have their turn.
    fn stopped_at(&mut self, asked: &[Shard], last: Option<Shard>) -> ShardSet {
        let Some((last, at)) = last.and_then(|last| Some((last, asked.iter().position(|one| *one == last)?)))
        else {
            return ShardSet::default();
        };
        self.next_start = Some(if at == 0 { behind(last) } else { last });
        let unread: ShardSet = asked[at..].iter().copied().collect();
        self.more = either(self.more, unread);
        unread
    }

    fn load(&mut self, arrived: Vec<Arrived>, due: Vec<Due>) -> Request {
        let people: BTreeSet<PersonId> =
            arrived.iter().map(|input| input.person).chain(due.iter().map(|wake| wake.person)).collect();
        if people.is_empty() {
            return self.roll_back(None);
        }
        if self.portion.is_cautious() {
            self.more = either(self.more, self.round.iter().copied().collect());
        }
        let features = self.plans.as_ref().is_some_and(|plans| !plans.demands.is_empty());
        self.state = State::Loading { arrived, due };
        Request::Load { people: people.into_iter().collect(), features }
    }
}
