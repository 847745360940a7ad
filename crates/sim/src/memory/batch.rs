//! A worker's transaction: what it reads, and what it writes whole or not at all.

use journeyman_domain::merge::Merge;
use journeyman_domain::row::{
    Applied, Arrival, Arrived, Arriving, Due, EndedRow, KIND_CLOSE, KIND_NEWS, KIND_TAKE, PersonRow, Place,
    RunRow, StoredFeature, StoredPerson, Write,
};
use journeyman_domain::{EventId, Lane, MessageId, PersonId, Shard, ShardSet, ShopTime};
use journeyman_engine::machine::{Fault, Held, Reply};
use uuid::Uuid;

use super::{Defect, Memory, Poison, Session, Waiting};

/// How large a person's state, or a run's, may be: what the schema says.
const STATE_BYTES: usize = 65_536;
/// How large what a message's template is given may be.
const DATA_BYTES: usize = 8_192;

impl Memory {
    pub(super) fn begin(&mut self, session: &mut Session, worker: Uuid, held: &[Held]) -> Reply {
        self.broken(session);
        session.open = true;
        let is_held = |held: &Held| self.slices.is_held(usize::from(held.slice), worker, held.epoch);
        let deployment = self.deployments.len() as i64;
        if matches!(self.defect, Some(Defect::NoFence | Defect::NoVersions)) {
            return Reply::Begun { held: true, deployment };
        }
        if !held.iter().all(is_held) {
            return Reply::Begun { held: false, deployment: 0 };
        }
        for held in held {
            self.slices.rows[usize::from(held.slice)].locks += 1;
            session.fenced.push(held.slice);
        }
        Reply::Begun { held: true, deployment }
    }

    pub(super) fn read_intake(
        &mut self,
        lane: Lane,
        from: &[(Shard, i64)],
        per_shard: usize,
        total: usize,
    ) -> Vec<Arrived> {
        // Most shards are empty: only those that are not are looked into.
        let wait: ShardSet = self.intake.keys().map(|(shard, ..)| *shard).collect();
        let of_shard = |(shard, low): &(Shard, i64)| {
            let (shard, low) = (*shard, *low);
            self.intake.range((shard, lane, low)..=(shard, lane, i64::MAX)).take(per_shard)
        };
        let from = from.iter().filter(|(shard, _)| wait.contains(*shard));
        let mut arrived: Vec<Arrived> = Vec::new();
        for ((shard, lane, seq), waiting) in from.flat_map(of_shard) {
            // A row of news counts as many inputs as it has people.
            if arrived.len() >= total {
                break;
            }
            let place = Place { shard: *shard, lane: *lane, seq: *seq };
            match self.catalog.news.get(&EventId(waiting.reference)).filter(|_| waiting.kind == KIND_NEWS) {
                Some(row) => {
                    let heard = row.heard();
                    let alone = heard.len() == 1;
                    let what = |heard| Arrival::News { heard, alone };
                    arrived.extend(heard.into_iter().map(|(person, heard)| Arrived {
                        place,
                        person,
                        what: what(heard),
                    }));
                }
                None => arrived.push(Arrived { place, person: waiting.person, what: self.arrival(waiting) }),
            }
        }
        if self.defect == Some(Defect::AckFirst) {
            arrived.iter().for_each(|input| {
                self.intake.remove(&(input.place.shard, input.place.lane, input.place.seq));
            });
        }
        arrived
    }

    fn arrival(&self, waiting: &Waiting) -> Arrival {
        let (kind, reference) = (waiting.kind, waiting.reference);
        match kind {
            1 => match self.events.get(&EventId(reference)) {
                Some(event) => Arrival::Event(event.clone()),
                None => Arrival::Unknown { kind, reference },
            },
            2 | 3 => Arrival::Report {
                message: MessageId(reference),
                accepted: kind == 2,
                at: waiting.received_at,
            },
            KIND_CLOSE => Arrival::Close { merge: Merge::of_reference(reference), at: waiting.received_at },
            KIND_TAKE => {
                let merge = Merge::of_reference(reference);
                let state = match self.handovers.get(&merge.loser).map(|handed| &handed.state) {
                    None => Arriving::Awaited,
                    Some(None) => Arriving::Lost,
                    Some(Some(state)) => Arriving::Here(state.clone(), self.features_of(merge.loser)),
                };
                Arrival::Take { merge, at: waiting.received_at, state }
            }
            _ => Arrival::Unknown { kind, reference },
        }
    }

    fn features_of(&self, person: PersonId) -> Vec<StoredFeature> {
        let features = self.features.range((person, i64::MIN)..=(person, i64::MAX));
        features.map(|(_, feature)| feature.clone()).collect()
    }

    pub(super) fn read_due(
        &self,
        from: &[(Shard, ShopTime)],
        now: ShopTime,
        per_shard: usize,
        total: usize,
    ) -> Vec<Due> {
        let wait: ShardSet = self.due.iter().map(|due| due.shard).collect();
        let of_shard = |(shard, low): &(Shard, ShopTime)| {
            let first = |due_at, person| Due { shard: *shard, due_at, person: PersonId(person) };
            self.due.range(first(*low, i64::MIN)..=first(now, i64::MAX)).take(per_shard)
        };
        let from = from.iter().filter(|(shard, low)| *low <= now && wait.contains(*shard));
        from.flat_map(of_shard).take(total).copied().collect()
    }

    /// A person's rows; counters only where they are asked for.
    pub fn load(&self, person: PersonId, features: bool) -> Option<StoredPerson> {
        let assignment_key = *self.heads.get(&person)?;
        let mut stored = StoredPerson { id: person.0, assignment_key, ..StoredPerson::default() };
        if let Some(row) = self.people.get(&person) {
            (stored.version, stored.n, stored.armed) = (row.version, row.n, row.armed);
            stored.hot.clone_from(&row.hot);
            stored.merged_into = row.merged_into;
        }
        stored.traits = self.traits.get(&person).cloned();
        let runs = self.runs.range((person, 0)..=(person, u32::MAX));
        stored.runs = runs.map(|((_, number), run)| (*number, run.state.clone())).collect();
        if features {
            stored.features = self.features_of(person);
        }
        Some(stored)
    }

    /// All of a batch, or nothing.
    pub(super) fn commit(&mut self, write: Write) -> Result<(), Fault> {
        self.check(&write)?;
        for row in write.people {
            self.people.insert(row.person, PersonRow { version: row.version + 1, ..row });
        }
        self.traits.extend(write.traits.into_iter().map(|(person, traits, times)| (person, (traits, times))));
        for run in write.begun.into_iter().chain(write.moved) {
            self.runs.insert((run.person, run.number), run);
        }
        for ended in write.ended.iter().filter(|ended| ended.stored) {
            self.runs.remove(&(ended.person, ended.number));
        }
        for (person, number) in &write.moved_out {
            self.runs.remove(&(*person, *number));
        }
        self.ended.extend(write.ended);
        for (person, feature) in write.features {
            self.features.insert((person, feature.feature), feature);
        }
        write.disarmed.iter().for_each(|due| {
            self.due.remove(due);
        });
        self.due.extend(write.armed);
        self.outbox.queue(write.queued, write.deployment);
        self.outbox.cancel(&write.cancelled, write.now);
        self.outbox.withhold(write.withheld, write.deployment, write.now);
        self.suppressions.lift(&write.lifted);
        self.decisions.extend(write.decisions);
        self.rewards.extend(write.rewards);
        self.applied_under.extend(write.journal.iter().map(|row| ((row.person, row.n), write.deployment)));
        if let Some(number) = write.catalog {
            self.saw.extend(write.journal.iter().map(|row| ((row.person, row.n), number)));
        }
        for row in &write.journal {
            if let Applied::Taken { merge, .. } = row.what {
                self.catalog.hand_over(merge.loser, row.person);
            }
        }
        self.catalog.care(write.interests);
        self.write_news(write.retold);
        self.journal.extend(write.journal);
        for place in write.done.iter().chain(write.parked.iter().filter_map(|parked| parked.place.as_ref())) {
            self.intake.remove(&(place.shard, place.lane, place.seq));
        }
        self.parked.extend(write.parked);
        for stray in write.forwarded {
            let waiting = Waiting {
                kind: stray.kind,
                person: stray.person,
                reference: stray.reference,
                received_at: stray.received_at,
            };
            self.wait_in(stray.lane, waiting);
        }
        for handed in write.handed {
            self.bell.insert(Shard::of(handed.merge.winner));
            self.handovers.insert(handed.merge.loser, handed);
        }
        for loser in &write.taken {
            self.handovers.remove(loser);
        }
        self.mixed.extend(write.mixed);
        self.moved_runs.extend(write.moved_in);
        Ok(())
    }

    /// What the database's keys, versions, checks and counts would find, in the order in which it would.
    fn check(&self, write: &Write) -> Result<(), Fault> {
        let version = |person: &PersonId| self.people.get(person).map_or(0, |row| row.version);
        let stale = write.people.iter().any(|row| version(&row.person) != row.version);
        let live = |person, number| self.runs.contains_key(&(person, number));
        let begun =
            |person, number| write.begun.iter().any(|run| (run.person, run.number) == (person, number));
        let place_gone = |place: &Place| !self.intake.contains_key(&(place.shard, place.lane, place.seq));
        let places = write.done.iter().chain(write.parked.iter().filter_map(|parked| parked.place.as_ref()));
        let acknowledged = self.defect == Some(Defect::AckFirst);
        let moved_gone = |run: &RunRow| !live(run.person, run.number) && !begun(run.person, run.number);
        let gone = (!acknowledged && places.clone().any(place_gone))
            || write.moved.iter().any(moved_gone)
            || write.ended.iter().any(|run| run.stored && !live(run.person, run.number))
            || write.moved_out.iter().any(|(person, number)| !live(*person, *number));
        let ended = |row: &EndedRow| (row.person, row.number, row.ended_at);
        let large = write.people.iter().any(|row| row.hot.len() > STATE_BYTES)
            || write.begun.iter().chain(&write.moved).any(|run| run.state.len() > STATE_BYTES)
            || write.queued.iter().chain(&write.withheld).any(|row| row.data.len() > DATA_BYTES);
        let twice = write.begun.iter().any(|run| live(run.person, run.number))
            || write.queued.iter().any(|row| self.outbox.is_on_its_way(row.message))
            || write.withheld.iter().any(|row| self.outbox.is_over(row.message))
            || write.handed.iter().any(|handed| self.handovers.contains_key(&handed.merge.loser))
            || write.ended.iter().any(|row| self.ended.iter().any(|other| ended(row) == ended(other)))
            || write.retold.iter().enumerate().any(|(nth, row)| {
                let before = || write.retold[..nth].iter().any(|other| other.id == row.id);
                self.catalog.news.contains_key(&row.id) || before()
            });
        let poisoned = write.journal.iter().any(|row| {
            let poison = match row.what {
                Applied::Event(event) => Poison::Event(event),
                Applied::News { .. } => Poison::NewsTo(row.person),
                Applied::Timer(_) => Poison::TimersOf(row.person),
                Applied::Report { message, .. } => Poison::Report(message),
                Applied::Closed { merge, .. } => Poison::Closing(merge.loser),
                Applied::Taken { merge, .. } => Poison::Taking(merge.loser),
            };
            self.poison.contains(&poison)
        });
        match () {
            () if stale && self.defect != Some(Defect::NoVersions) => Err(Fault::Busy),
            () if large || twice || poisoned => Err(Fault::Refused),
            () if gone && self.defect != Some(Defect::NoVersions) => Err(Fault::Busy),
            () => Ok(()),
        }
    }
}
