//! Storms: several workers and dispatchers over one store in memory, under faults at every request, all of it from one
//! seed. While it storms and when it has settled, what must always hold is checked.

mod checks;
mod faults;
mod machines;
mod requests;
mod scenery;
mod time;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use journeyman_domain::catalog::Patch;
use journeyman_domain::row::{Applied, JournalRow, StoredEvent};
use journeyman_domain::{EventId, Identity, PersonId, SeenKey, ShopTime, assignment_key};

use crate::memory::{Defect, Poison};
use crate::{Memory, Random, Session};
use checks::Witness;
use faults::Weather;
use machines::{Machine, Next};
use time::ShopHand;

pub use faults::{Tally, Trouble};
pub use scenery::{Scene, Scenery};

/// After how long without a word the server closes a connection that has a transaction open.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(4);
/// How long it may take from the end of the storm until nothing is left to do.
const SETTLING: Duration = Duration::from_secs(90);
/// How many wake-ups are waited for after the storm.
const LATER: usize = 40;
/// How many requests a second of machine time a machine may make that has nothing to do, or no database.
const IDLE_PACE: u32 = 60;

/// A defect put into the engine, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// Into the store.
    Store(Defect),
    /// Neither fence nor versions are looked at, and nobody watches who writes: only what comes of it tells.
    Unwatched,
    /// Workers never read a queue from its beginning.
    NoFullScan,
}

/// What a storm is made of, beside its seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// A defect.
    pub plant: Option<Plant>,
    /// Whether every request is written down.
    pub traced: bool,
}

/// What did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The storm's seed.
    pub seed: u64,
    /// What is wrong.
    pub what: String,
    /// The last requests, where they were written down.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        self.trace.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// What happens to the shop, whatever the machines do.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody does something, at so long before it comes through the door.
    Arrive { person: PersonId, event: StoredEvent, slow: Duration },
    /// The door's transaction commits.
    Commit { seq: i64, person: PersonId, event: StoredEvent },
    /// Two people turn out to be one; the door knows who stays.
    Merge { loser: PersonId, winner: PersonId },
    /// The shop says something of a product.
    Change(Patch),
    /// Somebody tells people of it, a step.
    Tell,
    /// The next deployment.
    Deploy(usize),
    /// The shop's clock jumps.
    Jump(SignedDuration),
    /// The database is away, until then.
    Outage(Duration),
}

/// One storm.
struct Storm<'a> {
    seed: u64,
    options: Options,
    scenery: &'a mut Scenery,
    random: Random,
    memory: Memory,
    machines: Vec<Machine>,
    /// Connections of machines that are gone, which the server has not noticed yet.
    orphans: Vec<(Duration, Session)>,
    schedule: BTreeMap<(Duration, u64), Event>,
    scheduled: u64,
    now: Duration,
    hand: ShopHand,
    weather: Option<Weather>,
    /// How long a request, or its answer, is under way at most, milliseconds.
    slowness: i64,
    away_until: Duration,
    witness: Witness,
    tally: Tally,
    trace: Vec<String>,
}

/// Lets one storm happen.
///
/// # Errors
/// What did not hold, with what led to it.
pub fn storm(scenery: &mut Scenery, seed: u64, options: Options) -> Result<Tally, Box<Failure>> {
    let mut storm = Storm::new(scenery, seed, options);
    let done = storm.happen();
    match done {
        Ok(()) => Ok(storm.tally),
        Err(what) => Err(Box::new(Failure { seed, what, trace: storm.trace })),
    }
}

impl<'a> Storm<'a> {
    fn new(scenery: &'a mut Scenery, seed: u64, options: Options) -> Self {
        let mut random = Random::new(seed);
        let begin = ShopTime::from_millisecond(1_767_225_600_000 + random.between(0, 86_400_000));
        let hand = ShopHand::new(begin.unwrap_or_default(), random.among(&[1, 60, 3_600]));
        let mut memory = Memory::new();
        let mut watched = true;
        match options.plant {
            Some(Plant::Store(defect)) => memory.defect = Some(defect),
            Some(Plant::Unwatched) => (memory.defect, watched) = (Some(Defect::NoVersions), false),
            Some(Plant::NoFullScan) | None => {}
        }
        memory.deploy(scenery.deployments[0].clone());
        let machines = Vec::new();
        let weather = Some(Weather::draw(&mut random));
        let slowness = random.among(&[2, 20, 300]);
        Self {
            seed,
            options,
            scenery,
            random,
            memory,
            machines,
            orphans: Vec::new(),
            schedule: BTreeMap::new(),
            scheduled: 0,
            now: Duration::ZERO,
            hand,
            weather,
            slowness,
            away_until: Duration::ZERO,
            witness: Witness::new(watched),
            tally: Tally { seeds: 1, ..Tally::default() },
            trace: Vec::new(),
        }
    }

    fn happen(&mut self) -> Result<(), String> {
        for _ in 0..self.random.between(2, 4) {
            let at = self.random.millis(0, 500);
            let machine = Machine::worker(&mut self.random, at);
            self.machines.push(machine);
        }
        for _ in 0..self.random.between(2, 4) {
            let at = self.random.millis(0, 500);
            let parts = Machine::dispatcher(&mut self.random, at);
            self.machines.extend(parts);
        }
        let length = self.random.millis(5_000, 25_000);
        self.foretell(length);
        while self.now < length || !self.schedule.is_empty() {
            self.go_on()?;
        }
        self.weather = None;
        self.slowness = 2;
        self.hand.slow_down(self.now);
        self.settle()?;
        for _ in 0..LATER {
            let Some(next) = self.memory.due.iter().map(|due| due.due_at).min() else { break };
            // Beyond every machine's own clock.
            let by = next.since(self.hand.at(self.now)).saturating_add(SignedDuration::from_secs(5));
            self.hand.jump(self.now, by.max(SignedDuration::ZERO));
            self.settle()?;
        }
        self.rest()?;
        self.tally.delivered = self.memory.outbox.inbox.len() as u64;
        self.tally.applied = self.memory.journal.len() as u64;
        self.tally.parked = self.memory.parked.len() as u64;
        let news = |row: &&JournalRow| matches!(row.what, Applied::News { .. });
        self.tally.news = self.memory.journal.iter().filter(news).count() as u64;
        checks::settled(&self.memory, self.scenery, self.hand.at(self.now))
    }

    /// Draws what will happen to the shop.
    fn foretell(&mut self, length: Duration) {
        let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let people: Vec<PersonId> =
            (0..self.random.between(1, 6)).map(|_| PersonId(self.random.between(1, 40))).collect();
        for person in &people {
            self.memory.born(*person, assignment_key(&Identity::external(person.0.to_string())));
        }
        let mut sent: Vec<(PersonId, StoredEvent)> = Vec::new();
        for nth in 0..self.random.between(5, 40) {
            let at = self.random.millis(0, millis);
            let slow = if self.random.chance(150) { self.random.millis(10, 14_000) } else { Duration::ZERO };
            let again =
                (!sent.is_empty() && self.random.chance(100)).then(|| self.random.below(sent.len() as u64));
            let (person, event) = match again {
                Some(which) => sent[which as usize].clone(),
                None => self.invent(&people, nth, at),
            };
            sent.push((person, event.clone()));
            if self.random.chance(15) {
                self.memory.poison.insert(Poison::Event(event.id));
                self.tally.count("poisoned event");
            }
            self.plan(at, Event::Arrive { person, event, slow });
        }
        if self.random.chance(50) {
            self.memory.poison.insert(Poison::TimersOf(people[0]));
            self.tally.count("poisoned timers");
        }
        self.foretell_merges(&people, millis);
        self.foretell_catalog(&people, millis);
        for nth in 1..self.scenery.deployments.len() {
            if self.random.chance(500) {
                let at = self.random.millis(0, millis);
                self.plan(at, Event::Deploy(nth));
            }
        }
        for _ in 0..self.random.below(5) {
            let (at, unit) = (self.random.millis(0, millis), self.random.among(&[60, 3_600, 86_400]));
            let by = match self.random.chance(300) {
                true => -self.random.between(1, 300),
                false => self.random.between(1, 30) * unit,
            };
            self.plan(at, Event::Jump(SignedDuration::from_secs(by)));
        }
        if self.random.chance(250) {
            let (at, long) = (self.random.millis(0, millis), self.random.millis(100, 15_000));
            self.plan(at, Event::Outage(at + long));
        }
    }

    /// Some of them turn out to be one: now and then a chain, or the same pair twice.
    fn foretell_merges(&mut self, people: &[PersonId], millis: i64) {
        if people.len() < 2 || !self.random.chance(600) {
            return;
        }
        for _ in 0..self.random.between(1, 5) {
            let at = self.random.millis(0, millis);
            let (loser, winner) = (self.random.among(people), self.random.among(people));
            if self.random.chance(20) {
                self.memory.poison.insert(Poison::Closing(loser));
                self.tally.count("poisoned closing");
            }
            if self.random.chance(20) {
                self.memory.poison.insert(Poison::Taking(loser));
                self.tally.count("poisoned taking");
            }
            self.plan(at, Event::Merge { loser, winner });
        }
    }

    /// Prices and stock change now and then.
    fn foretell_catalog(&mut self, people: &[PersonId], millis: i64) {
        if self.scenery.items.is_empty() || !self.random.chance(700) {
            return;
        }
        for item in self.scenery.items.clone() {
            self.memory.catalog.change(&item, self.hand.at(Duration::ZERO));
        }
        for _ in 0..self.random.between(1, 6) {
            let at = self.random.millis(0, millis);
            let patch = (self.scenery.change)(&mut self.random);
            self.plan(at, Event::Change(patch));
        }
        if self.random.chance(50) {
            self.memory.poison.insert(Poison::NewsTo(people[0]));
            self.tally.count("poisoned news");
        }
    }

    /// A step of telling: it may never reach the store, or nobody hears that it did; whoever tells goes on where that says.
    fn tell_people(&mut self) {
        let away = self.now < self.away_until;
        if away || self.random.chance(200) {
            self.tally.count("lost step of telling");
            let later = self.now.max(self.away_until) + self.random.millis(10, 1_000);
            return self.plan(later, Event::Tell);
        }
        let number = self.memory.deployed();
        let sources = self.memory.deployment(number).to_vec();
        // One that can't be compiled is a defect that the machines tell of.
        let Ok(plans) = self.scenery.plans(number, &sources) else { return };
        if !self.memory.tell(&plans, self.hand.at(self.now)) {
            return;
        }
        self.tally.count("step of telling");
        self.ring();
        let later = self.now + self.random.millis(1, 200);
        self.plan(later, Event::Tell);
    }

    fn invent(&mut self, people: &[PersonId], nth: i64, at: Duration) -> (PersonId, StoredEvent) {
        let person = self.random.among(people);
        let scene = self.random.among(&self.scenery.scenes);
        // Moments are drawn as the clock would stand without jumps; the door never lets one be after its receipt.
        let received_at = self.hand.at(at);
        let late = match self.random.below(10) {
            0 => self.random.between(1, 3_600),
            1 => self.random.between(3_600, 200_000),
            _ => 0,
        };
        let occurred_at = received_at.saturating_add(SignedDuration::from_secs(-late));
        let key = SeenKey::new("storm", &format!("{}-{nth}", self.seed));
        let event = StoredEvent {
            id: EventId::new(received_at, key),
            kind: scene.kind,
            name: scene.name.into(),
            occurred_at,
            received_at,
            historical: self.random.chance(80),
            payload: (scene.payload)(&mut self.random),
        };
        (person, event)
    }

    fn plan(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        self.schedule.insert((at, self.scheduled), event);
    }

    /// The next thing that happens, to the shop or to a machine.
    fn go_on(&mut self) -> Result<(), String> {
        let first = self.schedule.first_key_value().map(|((at, _), _)| *at);
        let machine = (0..self.machines.len()).min_by_key(|nth| self.machines[*nth].at);
        let machine = machine.filter(|nth| first.is_none_or(|first| self.machines[*nth].at < first));
        match (machine, first) {
            (Some(nth), _) => {
                self.pass(self.machines[nth].at);
                self.machine(nth)
            }
            (None, Some(at)) => {
                self.pass(at);
                if let Some((_, event)) = self.schedule.pop_first() {
                    self.event(event);
                }
                Ok(())
            }
            (None, None) => Err("there is nobody left".to_owned()),
        }
    }

    /// Time passes. Who has been silent inside a transaction for too long is cut off.
    fn pass(&mut self, to: Duration) {
        self.now = self.now.max(to);
        let silent = |since: Duration| self.now.saturating_sub(since) > IDLE_IN_TRANSACTION;
        for machine in &mut self.machines {
            if machine.session.is_open() && silent(machine.spoke_at) {
                self.memory.broken(&mut machine.session);
                machine.cut = true;
            }
        }
        let memory = &mut self.memory;
        self.orphans.retain_mut(|(since, session)| {
            let gone = silent(*since);
            if gone {
                memory.broken(session);
            }
            !gone
        });
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Arrive { person, event, slow } => match self.memory.begin_receive(event.id) {
                None => self.tally.count("duplicate"),
                Some(seq) => {
                    if slow > Duration::ZERO {
                        self.tally.count("slow door");
                    }
                    // Whom the door finds now; they may be merged until it commits.
                    let person = self.memory.head(person);
                    self.plan(self.now + slow, Event::Commit { seq, person, event });
                }
            },
            Event::Commit { seq, person, event } => {
                self.note(|| format!("{person} {} {} at place {seq}", event.name, event.id));
                self.memory.end_receive(seq, person, event);
                self.ring();
            }
            Event::Merge { loser, winner } => {
                let at = self.hand.at(self.now);
                self.note(|| format!("{loser} turns out to be {winner}"));
                if self.memory.merge(loser, winner, at) {
                    self.tally.count("merge");
                }
                self.ring();
            }
            // It waits for batches under way.
            Event::Deploy(nth) if self.memory.is_batch_open() => {
                let later = self.now + self.random.millis(1, 30);
                self.plan(later, Event::Deploy(nth));
            }
            Event::Deploy(nth) => {
                let number = self.memory.deploy(self.scenery.deployments[nth].clone());
                self.note(|| format!("deployment {number}"));
                self.tally.count("deployment");
            }
            Event::Change(patch) => {
                self.note(|| format!("{patch:?}"));
                self.memory.catalog.change(&patch, self.hand.at(self.now));
                // More than one may look at it.
                for _ in 0..self.random.between(1, 2) {
                    let later = self.now + self.random.millis(500, 2_000);
                    self.plan(later, Event::Tell);
                }
            }
            Event::Tell => self.tell_people(),
            Event::Jump(by) => {
                self.hand.jump(self.now, by);
                self.note(|| format!("the shop's clock jumps by {by:#}"));
                self.tally.count(if by.is_negative() { "clock back" } else { "clock forward" });
            }
            Event::Outage(until) => {
                self.away_until = until;
                self.note(|| format!("the database is away until {until:?}"));
                self.tally.count("outage");
                for machine in &mut self.machines {
                    self.memory.broken(&mut machine.session);
                    machine.cut = true;
                }
            }
        }
    }

    /// The bell is rung; it may go unheard.
    fn ring(&mut self) {
        let rung = self.memory.rung();
        for machine in &mut self.machines {
            if self.random.chance(300) {
                continue;
            }
            machine.bell = machine.bell.iter().chain(rung.iter()).collect();
            if matches!(machine.next, Next::Wake) {
                machine.at = machine.at.min(self.now + Duration::from_millis(1));
            }
        }
    }

    /// Goes on until nothing is left to do at this moment.
    fn settle(&mut self) -> Result<(), String> {
        let until = self.now + SETTLING;
        while !self.is_quiet() {
            if self.now > until {
                let due = self.memory.due.iter().filter(|due| due.due_at <= self.hand.at(self.now)).count();
                let (waiting, unsent) = (self.memory.waiting(), self.memory.unsent());
                return Err(format!(
                    "{SETTLING:?} after the storm {waiting} inputs wait, {unsent} messages have not left, {due} \
                     wake-ups are due"
                ));
            }
            self.go_on()?;
        }
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        self.memory.waiting() == 0
            && self.memory.unsent() == 0
            && self.memory.due.first().is_none_or(|_| {
                let now = self.hand.at(self.now);
                !self.memory.due.iter().any(|due| due.due_at <= now)
            })
            && self.machines.iter().all(|machine| matches!(machine.next, Next::Wake | Next::Left))
    }

    /// With nothing to do, all rest.
    fn rest(&mut self) -> Result<(), String> {
        let (requests, long) = (self.tally.requests, 4);
        let until = self.now + Duration::from_secs(long);
        while self.now < until {
            self.go_on()?;
        }
        let pace = (self.tally.requests - requests) / long / self.machines.len() as u64;
        if pace > u64::from(IDLE_PACE) {
            return Err(format!("{pace} requests a second of each machine while there is nothing to do"));
        }
        Ok(())
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if self.options.traced {
            let line = format!("{:>12?} {} {}", self.now, self.hand.at(self.now), line());
            self.trace.push(line);
        }
    }
}
