//! Recorded history, lived again by the actor under its own clock: who would have entered, and what would have been sent.
//!
//! Each person lives alone. What the daemon would have done at each moment is done at that moment by the code the daemon
//! uses: events are applied when they arrived, timers when they come due, and a message counts as accepted by its channel at
//! the moment it would have left. Nothing is stored and nothing is sent.

mod line;
mod record;
mod register;
mod tally;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use journeyman_domain::batch::{Done, Living};
use journeyman_domain::catalog::product_ids_of_json;
use journeyman_domain::interest::Interest;
use journeyman_domain::person::{HeldOut, Person, Position, Run};
use journeyman_domain::plan::{Channel, Plans};
use journeyman_domain::row::{Arrival, Arrived, EndedRow, Place, QueuedRow, StoredEvent};
use journeyman_domain::{Lane, PersonId, Refusal, Shard, ShopTime};

pub use line::{Line, Message, What};
pub use record::{Full, Record};
pub use register::Register;
pub use tally::{Days, JourneyTally, Tally};
pub use timeline::{At, Telling, Tellings, Timeline};

/// How many batches of one person may stand at one moment; more is a timer that never rests.
const BATCHES_AT_ONCE: usize = 1_000;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From this moment on events are live; what came before is history, and builds the profile alone.
    pub from: Option<ShopTime>,
    /// The last moment: what came later is not applied, and no timer fires after it.
    pub until: ShopTime,
}

impl Window {
    /// Whether a moment is before it.
    fn is_before(&self, at: ShopTime) -> bool {
        self.from.is_some_and(|from| at < from)
    }
}

/// All that is recorded of one person.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// Who.
    pub person: PersonId,
    /// What sticky draws hang on.
    pub assignment_key: i64,
    /// Their events in the order in which they arrived; `received_at` is when.
    pub events: Vec<StoredEvent>,
}

impl History {
    /// The products that their events speak of: all that journeys may ask of for them, and tell them of.
    pub fn products(&self) -> BTreeSet<Arc<str>> {
        let mut products = BTreeSet::new();
        for event in &self.events {
            product_ids_of_json(&event.payload, &mut |id| {
                products.insert(id);
            });
        }
        products
    }
}

/// What happens to one person in a window, in the order in which it does. `catalog` has the products that their events
/// speak of ([`History::products`]), as far as there are any.
///
/// `historical` of the events is set here: they are live from the beginning of the window on. News that was told before is
/// not heard.
pub fn live(plans: &Plans, window: Window, catalog: &Timeline, mut history: History) -> Vec<Line> {
    history.events.retain(|event| event.received_at <= window.until);
    for event in &mut history.events {
        event.historical = window.is_before(event.received_at);
    }
    let hears = plans.keeps_interest() && !catalog.is_empty();
    let tellings = if hears { catalog.tellings(&history.products()) } else { Vec::new() };
    let run = |careful: bool| {
        let person = Person::new(history.person, history.assignment_key);
        let mut life = Life::new(World { plans, window, catalog, tellings: &tellings }, person, careful);
        // What arrived at one moment is one batch.
        for events in history.events.chunk_by(|one, other| one.received_at == other.received_at) {
            life.arrive(events);
        }
        life.finish()
    };
    // A defect that panics costs its own input alone, as in the daemon: the whole life again, with care.
    catch_unwind(AssertUnwindSafe(|| run(false))).unwrap_or_else(|_| run(true))
}

/// What is around a person.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) plans: &'a Plans,
    pub(crate) window: Window,
    pub(crate) catalog: &'a Timeline,
    /// What they may be told of the catalog, in its order.
    pub(crate) tellings: &'a [(Telling, Vec<Arc<str>>)],
}

/// A life under way.
pub(crate) struct Life<'a> {
    plans: &'a Plans,
    living: Living<'a>,
    window: Window,
    catalog: &'a Timeline,
    /// What they may yet be told of the catalog, the next first.
    tellings: &'a [(Telling, Vec<Arc<str>>)],
    /// What was sent since it was last taken, where anybody takes it.
    post: Option<Vec<QueuedRow>>,
    /// What they care for.
    interests: BTreeMap<Arc<str>, Interest>,
    now: ShopTime,
    /// How many batches there were at `now`.
    at_once: usize,
    /// The number of the latest input.
    seq: i64,
    lines: Vec<Line>,
}

impl<'a> Life<'a> {
    /// Of somebody to whom nothing has happened yet; `careful` as [`Living::new`] has it.
    pub(crate) fn new(world: World<'a>, person: Person, careful: bool) -> Self {
        let World { plans, window, catalog, tellings } = world;
        Self {
            plans,
            living: Living::new(plans, person, careful),
            window,
            catalog,
            tellings,
            post: None,
            interests: BTreeMap::new(),
            now: ShopTime::EPOCH,
            at_once: 0,
            seq: 0,
            lines: Vec::new(),
        }
    }

    /// Keeps what is sent, for [`Life::post`].
    pub(crate) fn kept(mut self) -> Self {
        self.post = Some(Vec::new());
        self
    }

    /// What was sent since this was last asked.
    pub(crate) fn post(&mut self) -> Vec<QueuedRow> {
        self.post.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Events that arrive at one moment, after all that is due before it.
    pub(crate) fn arrive(&mut self, events: &[StoredEvent]) {
        let Some(arrival) = events.first().map(|event| event.received_at) else { return };
        self.meanwhile(|at| at < arrival);
        let inputs = events.iter().map(|event| Arrival::Event(event.clone())).collect();
        self.batch(arrival.max(self.now), inputs);
    }

    /// Time passes, up to this moment and with it.
    pub(crate) fn wait_until(&mut self, moment: ShopTime) {
        self.meanwhile(|at| at <= moment);
    }

    /// Time passes to the end of the window.
    pub(crate) fn wait_to_the_end(&mut self) {
        self.wait_until(self.window.until);
    }

    /// When something happens to them next without their doing, as far as is known now.
    pub(crate) fn next(&self) -> Option<ShopTime> {
        // Who cares for nothing is told nothing.
        let told =
            self.tellings.first().filter(|_| !self.interests.is_empty()).map(|(telling, _)| telling.at);
        self.living.person().next_due().into_iter().chain(told).min()
    }

    /// To the end of the window: all that happened.
    pub(crate) fn finish(mut self) -> Vec<Line> {
        self.wait_until(self.window.until);
        self.rest();
        self.lines
    }

    /// What happens without the person: news, and their timers.
    fn meanwhile(&mut self, is_due: impl Fn(ShopTime) -> bool) {
        while let Some(((telling, products), rest)) =
            self.tellings.split_first().filter(|((telling, _), _)| is_due(telling.at))
        {
            self.tellings = rest;
            self.timers(|due| due < telling.at);
            self.tell_of(*telling, products);
        }
        self.timers(is_due);
    }

    /// Tells them of what has changed and they care for.
    fn tell_of(&mut self, telling: Telling, products: &[Arc<str>]) {
        if self.window.is_before(telling.at) {
            return;
        }
        let cared_for = |id: &&Arc<str>| {
            self.interests.get(*id).is_some_and(|interest| interest.strongest(telling.at).is_some())
        };
        let moves = self.catalog.moves(telling, products.iter().filter(cared_for), self.plans);
        let person = self.living.person().id;
        let mut inputs = Vec::new();
        for (topic, items) in moves.topics() {
            let people = items.products.iter().enumerate();
            let people = people.filter_map(|(nth, id)| Some((person, nth, *self.interests.get(id)?)));
            let (of, moments) = ((topic, Shard::of(person)), (telling.at, telling.at));
            for row in items.told_to(of, people, moments, &telling.at.as_microsecond().to_string()) {
                let heard = row.heard().into_iter();
                inputs.extend(heard.map(|(_, heard)| Arrival::News { heard, alone: true }));
            }
        }
        if !inputs.is_empty() {
            self.batch(telling.at.max(self.now), inputs);
        }
    }

    /// Wakes the person at each moment that something of theirs is due.
    fn timers(&mut self, is_due: impl Fn(ShopTime) -> bool) {
        while let Some(due) = self.living.person().next_due().filter(|due| is_due(*due)) {
            let moment = due.max(self.now);
            if moment == self.now && self.at_once >= BATCHES_AT_ONCE {
                return self.tell(What::Parked { reason: "restless" });
            }
            self.batch(moment, Vec::new());
        }
    }

    /// A batch at a moment, and those that follow from its messages, which are accepted at once.
    fn batch(&mut self, now: ShopTime, inputs: Vec<Arrival>) {
        if now > self.now {
            (self.now, self.at_once) = (now, 0);
        }
        let mut waiting = inputs;
        loop {
            self.at_once += 1;
            let mut inputs: Vec<Arrived> = waiting.into_iter().map(|what| self.arrived(what)).collect();
            let runs = self.living.person().hot.last_run;
            let done = self.living.apply(now, &self.catalog.at(now), &mut inputs);
            for (product, said) in done.outcomes.iter().flat_map(|outcome| &outcome.interests) {
                self.interests.entry(product.clone()).or_default().merge(said);
            }
            waiting = self.note(done, runs);
            if waiting.is_empty() {
                return;
            }
        }
    }

    fn arrived(&mut self, what: Arrival) -> Arrived {
        self.seq += 1;
        let person = self.living.person().id;
        Arrived { place: Place { shard: Shard::of(person), lane: Lane::Live, seq: self.seq }, person, what }
    }

    /// Notes what a batch did; answers with what the channels would report of its messages.
    fn note(&mut self, done: Done, runs_before: u32) -> Vec<Arrival> {
        let ended: Vec<EndedRow> = done.outcomes.iter().flat_map(|outcome| &outcome.ended).cloned().collect();
        for number in runs_before + 1..=self.living.person().hot.last_run {
            if let Some(what) = self.began(number, &ended) {
                self.tell(what);
            }
        }
        let cancelled: Vec<_> =
            done.outcomes.iter().flat_map(|outcome| &outcome.cancelled).copied().collect();
        let mut reports = Vec::new();
        for (outcome, row) in done.outcomes.into_iter().zip(done.journal) {
            for message in outcome.withheld {
                self.tell(What::Withheld(told(message)));
            }
            for message in outcome.queued {
                // What was answered then is among the events, under the call's id; nobody else answers.
                if message.channel == Channel::Call {
                    continue;
                }
                // As the outbox has it: what its own batch called off never leaves.
                if cancelled.contains(&message.message) {
                    self.tell(What::CalledOff(told(message)));
                } else {
                    reports.push(Arrival::Report { message: message.message, accepted: true, at: self.now });
                    if let Some(post) = &mut self.post {
                        post.push(message.clone());
                    }
                    self.tell(What::Sent(told(message)));
                }
            }
            for refusal in row.refusals {
                let refused = self.refused(refusal);
                self.tell(refused);
            }
        }
        for row in ended {
            self.ended(row);
        }
        for parked in done.parked {
            // Whenever it was: nothing is lost silently.
            self.lines.push(Line { at: self.now, what: What::Parked { reason: parked.reason } });
        }
        reports
    }

    fn refused(&self, refusal: Refusal) -> What {
        let Refusal { of, reason } = refusal;
        match of.split_once('/') {
            Some((journey, step)) => What::NotSent { journey: journey.into(), step: step.into(), reason },
            None if self.plans.live(&of).is_some() => What::Refused { journey: of, reason },
            None => What::LeftOut { of, reason },
        }
    }

    fn began(&self, number: u32, ended: &[EndedRow]) -> Option<What> {
        let run = self.living.person().runs.iter().find(|run| run.number == number);
        let live = run.map(|run| (run.journey.clone(), run.key.clone(), run.held_out != HeldOut::No));
        let over = ended.iter().find(|row| row.number == number);
        let over = over.map(|row| (row.journey.clone(), row.key.clone(), row.held_out != 0));
        let (journey, key, held_out) = live.or(over)?;
        Some(What::Entered { journey, run: number, key, held_out })
    }

    fn ended(&mut self, row: EndedRow) {
        let (journey, run) = (row.journey, row.number);
        if let Some(at) = row.goal_at {
            let (value, held_out) = (row.goal_value, row.held_out != 0);
            self.tell_at(at, What::Goal { journey: journey.clone(), run, value, held_out });
        }
        self.tell_at(row.ended_at, What::Ended { journey, run, reason: row.reason.into() });
    }

    /// Where the runs stand that are not over when the window is.
    fn rest(&mut self) {
        let runs: Vec<Run> = self.living.person().runs.clone();
        for run in runs {
            let (journey, number) = (run.journey, run.number);
            if let Some(goal) = &run.goal {
                let value = self.plans.policies.rates.worth(&goal.value);
                let held_out = run.held_out != HeldOut::No;
                self.tell_at(goal.at, What::Goal { journey: journey.clone(), run: number, value, held_out });
            }
            match run.position {
                Position::At { step, .. } => {
                    self.tell_at(self.window.until, What::UnderWay { journey, run: number, step });
                }
                // It has stopped walking, and would only have waited for its goal.
                Position::Watching(watching) => {
                    let reason = watching.reason.to_string().into();
                    self.tell_at(watching.ended_at, What::Ended { journey, run: number, reason });
                }
            }
        }
        self.lines.sort_by_key(|line| line.at);
    }

    fn tell(&mut self, what: What) {
        self.tell_at(self.now, what);
    }

    fn tell_at(&mut self, at: ShopTime, what: What) {
        if !self.window.is_before(at) {
            self.lines.push(Line { at, what });
        }
    }
}

fn told(row: QueuedRow) -> Message {
    let QueuedRow { message, journey, run, step, channel, template, .. } = row;
    Message { message, journey, run, step, channel, template }
}
