//! A worker: leases slices and applies, batch by batch, what waits in their shards.

mod read;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::actor::Shared;
use journeyman_domain::catalog::{self, Products};
use journeyman_domain::decision::Models;
use journeyman_domain::plan::Plans;
use journeyman_domain::row::{Arrived, Due, Place, StoredPerson};
use journeyman_domain::{PersonId, SHARDS, SLICES, Shard, ShardSet, ShopTime, batch};
use journeyman_store::slices::Held;
use uuid::Uuid;

use super::awaited::Awaited;
use super::marks::Marks;
use super::portion::{Item, Portion, aside};
use super::shards::{both, either, from};
use super::{Clock, Fault, Reply, Request};
use crate::deploy;

/// What a worker allows itself.
#[derive(Clone, Copy, Debug)]
pub struct WorkerLimits {
    /// Inputs and wake-ups in one batch.
    pub batch: usize,
    /// How often leases are renewed; a third of how long they last.
    pub renew: Duration,
    /// How often every timer and the bulk lane are looked at, whatever rings: how late a timer may be noticed.
    pub patience: Duration,
    /// How far apart batches begin that the bell asks for: what comes meanwhile shares one. The first after a silence waits
    /// for nothing, and neither does what was left over by the batch before.
    pub pace: Duration,
    /// How long it waits after a failure, at first; doubled up to 16 times that.
    pub backoff: Duration,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self {
            batch: 2_000,
            renew: Duration::from_secs(2),
            patience: Duration::from_millis(250),
            pace: Duration::from_millis(5),
            backoff: Duration::from_millis(100),
        }
    }
}

/// After how long a deployment that this program can't run is looked at again. Meanwhile the worker holds nothing, so that
/// one that can has all: longer than a lease.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How many shards a slice has.
const PER_SLICE: u8 = (SHARDS / SLICES) as u8;

/// A product of the catalog by its id.
type Product = (Arc<str>, catalog::Item);

/// What the worker has asked for.
#[derive(Debug)]
enum State {
    Idle,
    Leasing,
    Leaving,
    GivingUp,
    Beginning,
    Deploying(i64),
    ReadingLive,
    ReadingBulk {
        live: Vec<Arrived>,
    },
    ReadingDue {
        arrived: Vec<Arrived>,
    },
    Loading {
        arrived: Vec<Arrived>,
        due: Vec<Due>,
    },
    Looking {
        people: Vec<StoredPerson>,
        arrived: Vec<Arrived>,
        due: Vec<Due>,
    },
    Committing(Box<Committing>),
    /// Then rest so long, where it says so.
    RollingBack(Option<Duration>),
    Resting,
    Left,
}

/// A batch that is being committed.
#[derive(Debug)]
struct Committing {
    places: Vec<Place>,
    /// Inputs that were read and wait on.
    held: Vec<Place>,
    due: Vec<Due>,
    armed: Vec<Due>,
    parked: u64,
    now: ShopTime,
    /// The first of its items and whose it is.
    first: Option<(Item, PersonId)>,
    /// Whether it moves that one aside instead of applying it.
    aside: bool,
}

/// A worker without IO: tell it what came of its last request, and it says the next.
pub struct Worker {
    id: Uuid,
    limits: WorkerLimits,
    plans: Option<Arc<Plans>>,
    /// The models that learned choices ask, where somebody has told of some.
    models: Option<Arc<dyn Models>>,
    /// The deployment that this program can't run, and why, where there is one: nothing is done then.
    pub unrunnable: Option<(i64, String)>,
    /// Until when it holds nothing and does nothing.
    idle_until: Option<Duration>,
    held: Vec<Held>,
    /// The shards of these slices.
    mine: ShardSet,
    state: State,
    marks: Marks,
    /// Shards to look at in this round.
    round: Vec<Shard>,
    /// Shards whose live queue is read to its end in this round.
    exhausted: Vec<Shard>,
    /// When there was live input last, and whether that was lately as this batch was read.
    live_at: Option<Duration>,
    live_lately: bool,
    /// Shards that may hold more than was read.
    more: ShardSet,
    /// Shards rung for: their live queues have grown.
    rung: ShardSet,
    /// Shards of this round whose bulk queue and timers are looked at too.
    whole: ShardSet,
    leased_at: Option<Duration>,
    looked_at: Option<Duration>,
    /// When the last batch began.
    began_at: Option<Duration>,
    failures: u32,
    portion: Portion,
    /// Where a round begins, so that a shard with much to do does not starve those behind it.
    start: Shard,
    /// Where the next one begins, if this batch is written.
    next_start: Option<Shard>,
    leaving: bool,
    /// States that are waited for.
    awaited: Awaited,
    /// What the worker has done so far.
    pub done: Done,
}

/// What a worker has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// Batches committed.
    pub batches: u64,
    /// Inputs applied.
    pub inputs: u64,
    /// Wake-ups dealt with.
    pub wakes: u64,
    /// Inputs parked.
    pub parked: u64,
}

impl Worker {
    /// A worker of that name, which is used once: after a restart it is another.
    pub fn new(id: Uuid, limits: WorkerLimits) -> Self {
        Self {
            id,
            limits,
            plans: None,
            models: None,
            unrunnable: None,
            idle_until: None,
            held: Vec::new(),
            mine: ShardSet::default(),
            state: State::Idle,
            marks: Marks::default(),
            round: Vec::new(),
            exhausted: Vec::new(),
            live_at: None,
            live_lately: false,
            more: ShardSet::default(),
            rung: ShardSet::default(),
            whole: ShardSet::default(),
            leased_at: None,
            looked_at: None,
            began_at: None,
            failures: 0,
            portion: Portion::new(limits.batch),
            start: Shard(0),
            next_start: None,
            leaving: false,
            awaited: Awaited::default(),
            done: Done::default(),
        }
    }

    /// Asks it to leave: it ends what it does, gives up its slices and answers `None`.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// From the next batch on it asks these models.
    pub fn choose_by(&mut self, models: Arc<dyn Models>) {
        self.models = Some(models);
        self.plans = self.plans.take().map(|plans| self.choosing(plans));
    }

    fn choosing(&self, plans: Arc<Plans>) -> Arc<Plans> {
        match &self.models {
            Some(models) => Arc::new(plans.with_models(models.clone())),
            None => plans,
        }
    }

    /// What it holds, as far as it knows.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// The next request; `None` when it has left.
    pub fn next(&mut self, reply: Reply, clock: Clock) -> Option<Request> {
        let state = std::mem::replace(&mut self.state, State::Idle);
        Some(match (state, reply) {
            (State::Left, _) => return None,
            (State::Leaving, _) => {
                self.state = State::Left;
                return None;
            }
            (state, Reply::Failed(fault)) => self.failed(state, fault, clock),
            (State::Leasing, Reply::Leased(held)) => {
                self.leased(held, clock);
                self.round(clock)
            }
            (State::Beginning, Reply::Begun { held, deployment }) => self.begun(held, deployment, clock),
            (State::Deploying(number), Reply::Deployment(sources)) => {
                match deploy::compile(number, &sources) {
                    Ok(deployment) => {
                        self.unrunnable = None;
                        self.plans = Some(self.choosing(Arc::new(Plans::new(deployment))));
                        self.read_live(clock)
                    }
                    // Going on with what went before would run journeys that are no longer meant.
                    Err(error) => {
                        self.unrunnable = Some((number, error));
                        self.idle_until = Some(clock.machine + LOOK_AGAIN);
                        self.roll_back(None)
                    }
                }
            }
            (State::Deploying(_), Reply::Plans(plans)) => {
                self.plans = Some(self.choosing(plans));
                self.read_live(clock)
            }
            (State::RollingBack(Some(patience)), _) => self.rest(patience),
            (State::ReadingLive, Reply::Intake(live)) => self.read_bulk(live, clock),
            (State::ReadingBulk { live }, Reply::Intake(bulk)) => self.bulk_read(live, bulk, clock),
            (State::ReadingDue { arrived }, Reply::Due(due)) => self.due_read(arrived, due),
            (State::Loading { arrived, due }, Reply::People(people)) => {
                self.loaded(people, arrived, due, clock)
            }
            (State::Looking { people, arrived, due }, Reply::Products(number, items)) => {
                self.apply(&people, arrived, due, Some((number, &items)), clock)
            }
            (State::Committing(batch), Reply::Committed) => {
                self.committed(&batch);
                self.round(clock)
            }
            (State::Resting, Reply::Rested(rung)) => {
                self.rung = either(self.rung, rung);
                self.round(clock)
            }
            // The start, the end of a transaction, and answers to questions nobody asked.
            (_, _) => self.round(clock),
        })
    }

    fn leased(&mut self, held: Vec<Held>, clock: Clock) {
        // A slice with another epoch has been somebody else's meanwhile.
        if held != self.held {
            self.forget();
            self.looked_at = None;
        }
        let shards =
            held.iter().flat_map(|held| (0..PER_SLICE).map(|nth| Shard(held.slice * PER_SLICE + nth)));
        self.mine = shards.collect();
        self.held = held;
        self.leased_at = Some(clock.machine);
    }

    /// What is known of queues is true no longer.
    fn forget(&mut self) {
        self.marks.forget();
        self.awaited.forget();
    }

    /// Between two transactions: lease, leave, look, or rest.
    fn round(&mut self, clock: Clock) -> Request {
        if self.leaving {
            self.state = State::Leaving;
            return Request::Release { worker: self.id };
        }
        if let Some(left) = self.idle_until.and_then(|until| until.checked_sub(clock.machine)) {
            if self.held.is_empty() || left.is_zero() {
                return self.rest(left.max(Duration::from_millis(1)));
            }
            self.held.clear();
            self.mine = ShardSet::default();
            self.forget();
            self.leased_at = None;
            self.state = State::GivingUp;
            return Request::Release { worker: self.id };
        }
        self.idle_until = None;
        let leased = self.leased_at.map(|at| clock.machine.saturating_sub(at));
        let Some(leased) = leased.filter(|leased| *leased < self.limits.renew) else {
            self.state = State::Leasing;
            return Request::Lease { worker: self.id };
        };
        let patience = self.limits.patience;
        let mut since = self.looked_at.map_or(patience, |at| clock.machine.saturating_sub(at));
        // Who rings for all may have moved the clock.
        let look_at_all = since >= patience || self.rung == ShardSet::ALL;
        let soon =
            self.began_at.map(|at| clock.machine.saturating_sub(at)).filter(|ago| *ago < self.limits.pace);
        if let Some(ago) = soon.filter(|_| !look_at_all && both(self.more, self.mine).is_empty()) {
            return self.rest((self.limits.pace - ago).min(patience - since));
        }
        self.whole = if look_at_all { ShardSet::ALL } else { self.more };
        self.round = from(self.start, both(either(self.whole, self.rung), self.mine));
        self.next_start = None;
        self.rung = ShardSet::default();
        self.more = ShardSet::default();
        if look_at_all {
            self.looked_at = Some(clock.machine);
            since = Duration::ZERO;
        }
        if self.round.is_empty() {
            return self.rest((patience - since).min(self.limits.renew - leased));
        }
        self.began_at = Some(clock.machine);
        self.state = State::Beginning;
        Request::Begin { worker: self.id, held: self.held.clone() }
    }

    fn rest(&mut self, patience: Duration) -> Request {
        self.state = State::Resting;
        Request::Rest(patience)
    }

    fn roll_back(&mut self, then_rest: Option<Duration>) -> Request {
        self.state = State::RollingBack(then_rest);
        Request::Rollback
    }

    fn begun(&mut self, held: bool, deployment: i64, clock: Clock) -> Request {
        if !held {
            // Somebody else has taken over: nothing that was known of these shards is true any more.
            self.forget();
            self.held.clear();
            self.mine = ShardSet::default();
            self.leased_at = None;
            return self.roll_back(None);
        }
        if self.plans.as_ref().is_some_and(|plans| plans.deployment == deployment) {
            self.unrunnable = None;
            return self.read_live(clock);
        }
        if deployment == 0 {
            self.plans = Some(Arc::default());
            return self.read_live(clock);
        }
        self.state = State::Deploying(deployment);
        Request::Deployment(deployment)
    }

    /// Products that somebody may ask of are looked up first.
    fn loaded(
        &mut self,
        people: Vec<StoredPerson>,
        arrived: Vec<Arrived>,
        due: Vec<Due>,
        clock: Clock,
    ) -> Request {
        let wanted = self.plans.as_ref().map(|plans| batch::products(plans, &people, &arrived));
        let ids: Vec<Arc<str>> = wanted.into_iter().flatten().collect();
        if ids.is_empty() {
            return self.apply(&people, arrived, due, None, clock);
        }
        self.state = State::Looking { people, arrived, due };
        Request::Products { ids }
    }

    fn apply(
        &mut self,
        people: &[StoredPerson],
        arrived: Vec<Arrived>,
        due: Vec<Due>,
        catalog: Option<(i64, &[Product])>,
        clock: Clock,
    ) -> Request {
        let mut places: Vec<Place> = arrived.iter().map(|input| input.place).collect();
        // News is one row for many people.
        places.dedup();
        let arrived = self.awaited.told(arrived, clock.machine);
        let first = arrived.first().map(|input| (Item::Input(input.place), input.person));
        let first = first.or(due.first().map(|wake| (Item::Wake(*wake), wake.person)));
        let alone = first.map(|(item, _)| item).filter(|_| places.len() + due.len() == 1);
        let plans = self.plans.clone().unwrap_or_default();
        let condemned = self.portion.condemns(alone);
        let mut write = if condemned {
            aside(arrived, &due, clock.shop)
        } else {
            let unread = self.round.iter().copied().filter(|shard| !self.exhausted.contains(shard)).collect();
            let known = catalog.into_iter().flat_map(|(_, items)| items.iter().map(|(id, item)| (id, item)));
            let catalog = Products::new(known, plans.policies.rates.base);
            let shared = Shared { plans: &plans, catalog: &catalog, recorded: None };
            batch::apply(shared, clock.shop, people, arrived, due.clone(), unread)
        };
        write.deployment = plans.deployment;
        write.catalog = catalog.map(|(number, _)| number);
        if write.is_empty() && !write.held.is_empty() {
            return self.wait_for_states(first.map(|(item, _)| item.shard()));
        }
        let held: BTreeSet<Place> = std::mem::take(&mut write.held).into_iter().collect();
        places.retain(|place| !held.contains(place));
        self.state = State::Committing(Box::new(Committing {
            places,
            held: held.into_iter().collect(),
            due,
            armed: write.armed.clone(),
            parked: write.parked.len() as u64,
            now: clock.shop,
            first,
            aside: condemned,
        }));
        Request::Commit(Box::new(write))
    }

    /// All that was read waits for states that are on their way: whoever else has something to do goes on meanwhile, and
    /// the bell tells when one has arrived.
    fn wait_for_states(&mut self, begins: Option<Shard>) -> Request {
        self.start = begins.map_or(self.start, behind);
        self.next_start = None;
        self.more = ShardSet::default();
        self.roll_back(Some(self.limits.patience))
    }

    fn committed(&mut self, batch: &Committing) {
        self.marks.done(&batch.places, &batch.due);
        self.marks.held(batch.held.iter().filter(|place| !self.awaited.is_overdue(place)));
        self.awaited.done(&batch.places);
        self.marks.armed(&batch.armed);
        self.done.batches += 1;
        self.done.inputs += batch.places.len() as u64;
        self.done.wakes += batch.due.len() as u64;
        self.done.parked += batch.parked;
        self.failures = 0;
        self.portion.written(batch.first.map(|(_, person)| person).filter(|_| batch.aside));
        self.start = self.next_start.take().unwrap_or(self.start);
        // Somebody's timers may be due again at once.
        let again = batch.armed.iter().filter(|wake| wake.due_at <= batch.now);
        again.for_each(|wake| self.more.insert(wake.shard));
    }

    /// A request failed: what was read is forgotten, and tried again from where it began.
    fn failed(&mut self, state: State, fault: Fault, clock: Clock) -> Request {
        self.failures = self.failures.saturating_add(1);
        self.round.iter().for_each(|shard| self.more.insert(*shard));
        let first = match &state {
            State::Committing(batch) => batch.first,
            _ => None,
        };
        let items = match &state {
            State::Committing(batch) => batch.places.len() + batch.held.len() + batch.due.len(),
            State::Loading { arrived, due } | State::Looking { arrived, due, .. } => {
                arrived.len() + due.len()
            }
            State::ReadingLive | State::ReadingBulk { .. } | State::ReadingDue { .. } => self.portion.size(),
            _ => 0,
        };
        let begins = first.map(|(item, _)| item.shard()).or(self.round.first().copied());
        let stuck = match (fault, first) {
            (Fault::Refused, Some((item, person))) => {
                if self.portion.refused(items, item, person) {
                    return self.round(clock);
                }
                true
            }
            _ => items > 0 && self.portion.broken_off(items),
        };
        // What can't be written keeps nobody else waiting.
        if stuck {
            self.start = begins.map_or(self.start, behind);
        }
        if fault == Fault::Busy && self.failures <= 3 {
            return self.round(clock);
        }
        let times = 1_u32 << self.failures.min(4);
        self.rest(self.limits.backoff * times)
    }
}

/// The next shard; behind the last is the first.
fn behind(shard: Shard) -> Shard {
    Shard(shard.0.wrapping_add(1))
}

// A slice is a run of shards, so that a set of shards says all there is to say of what is held.
const _: () = assert!(SHARDS.is_multiple_of(SLICES));
