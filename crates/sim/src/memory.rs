//! A store in memory, with the transactions of the real one: what a batch writes stands whole or not at all, and only
//! where its slices are still its own.

mod asked;
mod batch;
mod catalog;
mod lease;
mod outbox;
mod suppressions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::merge::{Merge, MovedRun};
use journeyman_domain::plan::{Channel, PlanHash};
use journeyman_domain::row::{
    DecisionRow, Due, EndedRow, HandedRow, JournalRow, KIND_CLOSE, KIND_TAKE, ParkedRow, PersonRow,
    RewardRow, RunRow, StoredEvent, StoredFeature,
};
use journeyman_domain::{EventId, Lane, MessageId, PersonId, SLICES, Shard, ShardSet, ShopTime};
use journeyman_engine::machine::{Fault, Held, Reply, Request, StoredSource};
use uuid::Uuid;

pub use catalog::Catalog;
use lease::Lot;
pub use outbox::{MessageState, Outgoing};
pub use suppressions::Suppressions;

/// How long a lease lasts, in machine time.
pub const LEASE: Duration = Duration::from_secs(6);

/// The kind of a file that is a journey.
const JOURNEY: i16 = 1;

/// One connection: what stands between begin and commit.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The slices its transaction holds.
    fenced: Vec<u8>,
    open: bool,
}

impl Session {
    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.open
    }
}

/// What waits: kind and reference as in intake.
#[derive(Clone, Debug, PartialEq)]
struct Waiting {
    kind: i16,
    /// Of news nobody: its row says who.
    person: PersonId,
    reference: Uuid,
    received_at: ShopTime,
}

/// What the store refuses to write: the values that applying it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Poison {
    /// Of an event.
    Event(EventId),
    /// Of what became of a message.
    Report(MessageId),
    /// Of any timer of somebody.
    TimersOf(PersonId),
    /// Of closing somebody who turned out to be somebody else.
    Closing(PersonId),
    /// Of taking their state over.
    Taking(PersonId),
    /// Of any news that somebody hears.
    NewsTo(PersonId),
}

/// A defect put into the store, to see that the simulator finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A batch may begin whoever holds its slices.
    NoFence,
    /// Neither the fence nor versions and counts are looked at.
    NoVersions,
    /// Inputs are deleted when they are read, not when they are applied.
    AckFirst,
    /// What is delivered does not commit with the delivery, so that taking over sends it again.
    Redelivers,
    /// How far people were told of the catalog does not commit with their news.
    ForgetsWhereItTold,
}

/// Everything that is kept.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    heads: BTreeMap<PersonId, i64>,
    /// Who ended in whom, as the door has it: always where it leads in the end.
    merged: BTreeMap<PersonId, PersonId>,
    /// States on their way, by the loser.
    pub handovers: BTreeMap<PersonId, HandedRow>,
    /// Where runs went with the state of their person.
    pub moved_runs: BTreeSet<MovedRun>,
    /// Who may have been in two options, of which journey.
    pub mixed: BTreeSet<(PersonId, Arc<str>)>,
    /// People by id; the version in the row is the stored one.
    pub people: BTreeMap<PersonId, PersonRow>,
    /// Traits and their moments.
    pub traits: BTreeMap<PersonId, (String, String)>,
    /// Live runs.
    pub runs: BTreeMap<(PersonId, u32), RunRow>,
    /// Ended ones.
    pub ended: Vec<EndedRow>,
    /// Counters.
    pub features: BTreeMap<(PersonId, i64), StoredFeature>,
    /// Wake-ups.
    pub due: BTreeSet<Due>,
    /// Events.
    pub events: BTreeMap<EventId, StoredEvent>,
    seen: BTreeSet<EventId>,
    intake: BTreeMap<(Shard, Lane, i64), Waiting>,
    next_seq: i64,
    /// Messages that are not finished, and those that are.
    pub outbox: outbox::Outbox,
    /// What calls are answered, by `METHOD URL`; of others nothing is.
    pub answers: BTreeMap<Arc<str>, Arc<str>>,
    /// Addresses that are not written to.
    pub suppressions: Suppressions,
    /// What was applied.
    pub journal: Vec<JournalRow>,
    /// Under which deployment, by person and number.
    pub applied_under: BTreeMap<(PersonId, i64), i64>,
    /// Choices.
    pub decisions: Vec<DecisionRow>,
    /// What came of messages that something was chosen for.
    pub rewards: Vec<RewardRow>,
    /// What could not be applied.
    pub parked: Vec<ParkedRow>,
    /// What the shop sells, who cares for what, and news of it.
    pub catalog: Catalog,
    /// Which number of the catalog a batch saw, by person and number, where it asked of products.
    pub saw: BTreeMap<(PersonId, i64), i64>,
    deployments: Vec<Vec<StoredSource>>,
    /// Every journey ever deployed, by its version.
    journeys: BTreeMap<PlanHash, StoredSource>,
    slices: Lot,
    /// Shards rung for since somebody last asked.
    bell: ShardSet,
    /// What is refused.
    pub poison: BTreeSet<Poison>,
    /// A defect that was put in.
    pub defect: Option<Defect>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            slices: Lot::new(SLICES),
            outbox: outbox::Outbox::new(Channel::ALL.len()),
            answers: BTreeMap::new(),
            next_seq: 1,
            ..Self::default()
        }
    }

    /// A person is born.
    pub fn born(&mut self, person: PersonId, assignment_key: i64) {
        self.heads.entry(person).or_insert(assignment_key);
    }

    /// Whom a person turned out to be, as the door knows it; themselves where they are nobody else.
    pub fn head(&self, person: PersonId) -> PersonId {
        self.merged.get(&person).copied().unwrap_or(person)
    }

    /// Everybody who turned out to be somebody else.
    pub fn merged(&self) -> impl Iterator<Item = PersonId> {
        self.merged.keys().copied()
    }

    /// The door merges two people, of whom it knows who stays; false where they are one already.
    pub fn merge(&mut self, loser: PersonId, winner: PersonId, at: ShopTime) -> bool {
        let merge = Merge { loser: self.head(loser), winner: self.head(winner) };
        if merge.loser == merge.winner {
            return false;
        }
        self.merged.values_mut().filter(|head| **head == merge.loser).for_each(|head| *head = merge.winner);
        self.merged.insert(merge.loser, merge.winner);
        for (kind, person) in [(KIND_CLOSE, merge.loser), (KIND_TAKE, merge.winner)] {
            self.wait(Waiting { kind, person, reference: merge.reference(), received_at: at });
        }
        true
    }

    /// A deployment goes live; answers with its number. Versions that runs are pinned to stay with it.
    pub fn deploy(&mut self, mut sources: Vec<StoredSource>) -> i64 {
        let journeys = sources.iter().filter(|source| source.kind == JOURNEY);
        self.journeys.extend(journeys.map(|source| (source.hash, source.clone())));
        let moving = self.handovers.values().flat_map(|handed| handed.plans.iter().copied());
        let live: BTreeSet<PlanHash> = self.runs.values().map(|run| run.plan).chain(moving).collect();
        for version in live {
            if !sources.iter().any(|source| source.hash == version)
                && let Some(source) = self.journeys.get(&version)
            {
                sources.push(StoredSource { pinned: true, ..source.clone() });
            }
        }
        self.deployments.push(sources);
        self.deployments.len() as i64
    }

    /// The number of the deployment that is live; 0 where none is.
    pub fn deployed(&self) -> i64 {
        self.deployments.len() as i64
    }

    /// The sources of a deployment; none of a number that is none.
    pub fn deployment(&self, number: i64) -> &[StoredSource] {
        let nth = usize::try_from(number - 1).ok();
        nth.and_then(|nth| self.deployments.get(nth)).map_or(&[], Vec::as_slice)
    }

    /// Whether a batch is under way anywhere: a deployment waits for it.
    pub fn is_batch_open(&self) -> bool {
        self.slices.rows.iter().any(|row| row.locks > 0)
    }

    /// Who has a slice, and since which epoch.
    pub fn owner(&self, shard: Shard) -> Option<(Uuid, i64)> {
        let row = self.slices.rows.get(usize::from(shard.slice()))?;
        row.worker.map(|worker| (worker, row.epoch))
    }

    /// An event comes through the door, once: its id is what makes it one.
    pub fn receive(&mut self, person: PersonId, event: StoredEvent) -> bool {
        let Some(seq) = self.begin_receive(event.id) else { return false };
        self.end_receive(seq, person, event);
        true
    }

    /// The door begins to write an event: it gets its place in the queue. `None`: it is there already.
    pub fn begin_receive(&mut self, event: EventId) -> Option<i64> {
        if !self.seen.insert(event) {
            return None;
        }
        self.next_seq += 1;
        Some(self.next_seq - 1)
    }

    /// The door commits: the event is to be seen at its place, before which others may have been read meanwhile.
    pub fn end_receive(&mut self, seq: i64, person: PersonId, event: StoredEvent) {
        let lane = if event.historical { Lane::Bulk } else { Lane::Live };
        let waiting = Waiting { kind: 1, person, reference: event.id.0, received_at: event.received_at };
        self.events.insert(event.id, event);
        self.intake.insert((Shard::of(person), lane, seq), waiting);
        self.bell.insert(Shard::of(person));
    }

    /// Something else waits.
    fn wait(&mut self, waiting: Waiting) {
        self.wait_in(Lane::Live, waiting);
    }

    fn wait_in(&mut self, lane: Lane, waiting: Waiting) {
        let shard = Shard::of(waiting.person);
        self.intake.insert((shard, lane, self.next_seq), waiting);
        self.next_seq += 1;
        self.bell.insert(shard);
    }

    /// How many inputs wait.
    pub fn waiting(&self) -> usize {
        self.intake.len()
    }

    /// What waits: whose, its kind and what it refers to; in no order that means anything.
    pub fn intake(&self) -> Vec<(PersonId, i16, Uuid)> {
        self.intake.values().map(|waiting| (waiting.person, waiting.kind, waiting.reference)).collect()
    }

    /// The bell: which shards were rung for, once.
    pub fn rung(&mut self) -> ShardSet {
        std::mem::take(&mut self.bell)
    }

    /// A connection breaks: its transaction is rolled back.
    pub fn broken(&mut self, session: &mut Session) {
        for slice in session.fenced.drain(..) {
            let locks = &mut self.slices.rows[usize::from(slice)].locks;
            *locks = locks.saturating_sub(1);
        }
        session.open = false;
    }

    /// Does what a worker asks; resting is the caller's.
    pub fn ask(&mut self, session: &mut Session, request: Request, now: Duration) -> Reply {
        let outside = matches!(
            request,
            Request::Lease { .. }
                | Request::Release { .. }
                | Request::Begin { .. }
                | Request::Rollback
                | Request::Rest(_)
        );
        if !outside && !session.open {
            return Reply::Failed(Fault::Busy);
        }
        match request {
            Request::Lease { worker } => {
                let held = self.slices.lease(worker, now).into_iter();
                Reply::Leased(held.map(|(nth, epoch)| Held { slice: nth as u8, epoch }).collect())
            }
            Request::Release { worker } => {
                self.slices.release(worker);
                Reply::Released
            }
            Request::Begin { worker, held } => self.begin(session, worker, &held),
            Request::Deployment(number) => Reply::Deployment(self.deployment(number).to_vec()),
            Request::ReadIntake { lane, from, per_shard, total } => {
                Reply::Intake(self.read_intake(lane, &from, per_shard, total))
            }
            Request::ReadDue { from, now, per_shard, total } => {
                Reply::Due(self.read_due(&from, now, per_shard, total))
            }
            Request::Load { people, features } => {
                Reply::People(people.iter().filter_map(|person| self.load(*person, features)).collect())
            }
            Request::Products { ids } => {
                let (number, items) = self.catalog.now(&ids);
                Reply::Products(number, items)
            }
            Request::Commit(write) => {
                let reply = self.commit(*write);
                self.broken(session);
                reply.map_or_else(Reply::Failed, |()| Reply::Committed)
            }
            Request::Rollback => {
                self.broken(session);
                Reply::RolledBack
            }
            Request::Rest(_) => Reply::Rested(self.rung()),
        }
    }
}
