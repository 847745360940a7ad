//! One person in a batch: from stored rows to the rows that change.

mod agenda;
mod living;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use uuid::Uuid;

use crate::actor::{self, Input, Outcome, Shared};
use crate::expr::Demands;
use crate::interest::InterestRow;
use crate::merge::{Merge, MovedRun};
use crate::news::NewsRow;
use crate::person::{
    Day, Feature, FeatureKey, Handover, Occurrence, Person, Position, Traits, Undecodable, decode_handover,
    decode_hot, decode_run, encode_handover, encode_hot, encode_run,
};
use crate::row::{
    Arrival, Arrived, Arriving, Due, ForwardedRow, HandedRow, JournalRow, ParkedRow, PersonRow, Place,
    RunRow, StoredFeature, StoredPerson, Write,
};
use crate::{PersonId, Shard, ShopTime};

use agenda::{Agenda, agenda};
pub use living::{Done, Living};

/// The kind under which a person's timers are parked.
const TIMERS: i16 = 0;
/// How many timers of a person may fire between two inputs; what is still due then stays so.
const TIMERS_AT_ONCE: usize = 1_000;

/// Why an input can't be applied: a code, and words.
type Fault = (&'static str, String);

/// One person at work.
struct Applying<'a> {
    shared: Shared<'a>,
    now: ShopTime,
    person: Person,
    /// Whether an input that panics is to be found.
    careful: bool,
    /// Whether timers fire: not where more may have happened than was read.
    fires: bool,
    /// What was done, input by input.
    outcomes: Vec<Outcome>,
    journal: Vec<JournalRow>,
    parked: Vec<ParkedRow>,
    /// Strays.
    forwarded: Vec<ForwardedRow>,
    /// News that goes on to somebody alone.
    retold: Vec<NewsRow>,
    /// What is handed over of a person who was closed.
    handed: Option<(Merge, Box<Handover>)>,
    /// Whose state was taken over.
    taken: Vec<PersonId>,
    /// The runs that came with it.
    moved_in: Vec<MovedRun>,
}

/// A person from their rows. Counters that no deployed plan asks for are left alone.
///
/// # Errors
/// [`Undecodable`] where a row was written by a later version of this program, or is damaged.
pub fn restore(stored: &StoredPerson, demands: &Demands) -> Result<Person, Undecodable> {
    let mut person = Person::new(PersonId(stored.id), stored.assignment_key);
    (person.version, person.n, person.armed) = (stored.version, stored.n, stored.armed);
    person.merged_into = stored.merged_into;
    if !stored.hot.is_empty() {
        person.hot = decode_hot(&stored.hot)?;
    }
    if let Some((traits, times)) = &stored.traits {
        person.traits = Traits::read(traits, times).map_err(|error| Undecodable::traits(&error))?;
    }
    for (_, state) in &stored.runs {
        person.runs.push(decode_run(state)?);
    }
    person.runs.sort_by_key(|run| run.number);
    for row in &stored.features {
        if let Some(key) = demands.numbered(row.feature) {
            person.features.insert(key.clone(), Feature::from(row));
        }
    }
    Ok(person)
}

/// Applies what waits for one person and appends what changes to `write`.
pub(super) fn apply(
    shared: Shared<'_>,
    now: ShopTime,
    stored: &StoredPerson,
    inputs: Vec<Arrived>,
    wakes: &[Due],
    timers: bool,
    write: &mut Write,
) {
    let demands = &shared.plans.demands;
    let person = match restore(stored, demands) {
        Ok(person) => person,
        // Nothing of theirs can be done until somebody looks; everybody else goes on.
        Err(error) => return set_aside(now, stored, inputs, wakes, &error, write),
    };
    let Agenda { inputs, held, timers_from } = agenda(inputs);
    // News that others hear too can't wait in its place: it goes on in one of its own.
    let mut waits = Vec::new();
    for input in held {
        match &input.what {
            Arrival::News { heard, alone: false } => {
                write.retold.push(heard.alone(PersonId(stored.id), PersonId(stored.id), now));
                write.done.push(input.place);
            }
            _ => waits.push(input.place),
        }
    }
    let held = waits;
    let run = |person: Person, careful: bool| {
        let mut applying = Applying::new(shared, now, person, careful);
        applying.fires = timers;
        applying.inputs(&inputs, timers_from);
        applying
    };
    // A defect that panics costs its own input alone: all is done again, with a copy of the person before each.
    let applying = catch_unwind(AssertUnwindSafe(|| run(person, false)));
    let applying = applying.or_else(|_| restore(stored, demands).map(|person| run(person, true)));
    match applying {
        // All that there is waits: nothing of theirs is touched.
        Ok(applying) if !held.is_empty() && applying.is_idle() => {}
        Ok(applying) => applying.finish(&inputs, wakes, write),
        Err(error) => set_aside(now, stored, inputs, wakes, &error, write),
    }
    write.held.extend(held);
}

/// When an input happened: what orders a batch. Never after now.
fn moment(arrival: &Arrival) -> Option<ShopTime> {
    match arrival {
        Arrival::Event(event) => Some(event.occurred_at),
        Arrival::News { heard, .. } => Some(heard.news.occurred_at),
        Arrival::Report { at, .. } => Some(*at),
        Arrival::Close { .. } | Arrival::Take { .. } | Arrival::Unknown { .. } => None,
    }
}

/// By time, then by the queue's own order, which keeps what one client sent in one batch as it was sent.
fn order(input: &Arrived) -> (Option<ShopTime>, i64) {
    (moment(&input.what), input.place.seq)
}

impl<'a> Applying<'a> {
    fn new(shared: Shared<'a>, now: ShopTime, person: Person, careful: bool) -> Self {
        Self {
            shared,
            now,
            person,
            careful,
            fires: true,
            outcomes: Vec::new(),
            journal: Vec::new(),
            parked: Vec::new(),
            forwarded: Vec::new(),
            retold: Vec::new(),
            handed: None,
            taken: Vec::new(),
            moved_in: Vec::new(),
        }
    }

    /// Inputs in their order and the timers between them, from an input on; then those that are due by now.
    fn inputs(&mut self, inputs: &[Arrived], timers_from: Option<usize>) {
        self.fires &= timers_from.is_some();
        for (nth, input) in inputs.iter().enumerate() {
            let fires = timers_from.is_some_and(|from| nth >= from);
            if let Some(moment) = moment(&input.what).filter(|_| fires) {
                self.timers_before(moment);
            }
            self.input(input);
        }
        self.timers(self.now);
    }

    /// Whether nothing was done.
    fn is_idle(&self) -> bool {
        self.journal.is_empty()
            && self.parked.is_empty()
            && self.forwarded.is_empty()
            && self.retold.is_empty()
    }

    /// A stray: whoever they turned out to be hears of it.
    fn forward(&mut self, to: PersonId, arrived: &Arrived) {
        if let Arrival::News { heard, .. } = &arrived.what {
            self.retold.push(heard.alone(self.person.id, to, self.now));
            return;
        }
        let (kind, reference) = arrived.what.reference();
        let received_at = arrived.what.received_at().unwrap_or(self.now);
        let lane = arrived.place.lane;
        self.forwarded.push(ForwardedRow { person: to, lane, kind, reference, received_at });
    }

    /// They turned out to be somebody else.
    fn close(&mut self, merge: Merge, at: ShopTime) -> Result<(), Fault> {
        if merge.loser != self.person.id || self.person.merged_into.is_some() {
            return Err(("unknown_kind", format!("a merge of {merge}, and this is {}", self.person.id)));
        }
        self.step(Input::Close { merge, at })?;
        let handed = self.outcomes.last_mut().and_then(|outcome| outcome.handed.take());
        self.handed = handed.map(|handed| (merge, handed));
        Ok(())
    }

    /// The state of somebody who turned out to be them.
    fn take(&mut self, merge: Merge, at: ShopTime, state: &Arriving) -> Result<(), Fault> {
        let (bytes, features) = match state {
            Arriving::Here(bytes, features) => (bytes, features),
            Arriving::Lost => {
                self.taken.push(merge.loser);
                return Err(("no_state", format!("what would have closed {} was moved aside", merge.loser)));
            }
            // Held back by the agenda.
            Arriving::Awaited | Arriving::Overdue => return Ok(()),
        };
        let state = decode_handover(bytes).map_err(|error| ("undecodable", error.to_string()))?;
        let demands = &self.shared.plans.demands;
        let features = features
            .iter()
            .filter_map(|row| Some((demands.numbered(row.feature)?.clone(), Feature::from(row))));
        let state = Handover { features: features.collect(), ..state };
        self.step(Input::Take { merge, at, state: &state })?;
        let moved = self.outcomes.last_mut().map(|outcome| std::mem::take(&mut outcome.moved));
        let (from, to) = (merge.loser, self.person.id);
        let moved = moved.into_iter().flatten();
        self.moved_in.extend(moved.map(|(number, becomes)| MovedRun { from, number, to, becomes }));
        self.taken.push(merge.loser);
        Ok(())
    }

    /// Timers that came due before a moment: an event of the same moment goes first.
    fn timers_before(&mut self, moment: ShopTime) {
        let Some(just_before) = ShopTime::from_microsecond(moment.as_microsecond() - 1) else { return };
        self.timers(just_before.min(self.now));
    }

    fn timers(&mut self, until: ShopTime) {
        if !self.fires {
            return;
        }
        // Each pass moves what was due; what it arms again is due at now at the earliest.
        for _ in 0..TIMERS_AT_ONCE {
            let Some(due) = self.person.next_due().filter(|due| *due <= until) else { return };
            if let Err(fault) = self.step(Input::Timers(due)) {
                // So that the rest of the person goes on.
                actor::give_up(self.shared.plans, &mut self.person, due, self.now);
                self.park(None, (TIMERS, Uuid::nil()), fault);
            }
        }
    }

    fn input(&mut self, arrived: &Arrived) {
        let done = match &arrived.what {
            Arrival::Close { merge, at } => self.close(*merge, *at),
            Arrival::Unknown { kind, .. } => {
                Err(("unknown_kind", format!("an input of kind {kind}, or one whose event is gone")))
            }
            _ if self.person.merged_into.is_some() => {
                return self.person.merged_into.into_iter().for_each(|to| self.forward(to, arrived));
            }
            Arrival::Take { merge, at, state } => self.take(*merge, *at, state),
            Arrival::Event(event) => self.step(Input::Event(event)),
            Arrival::News { heard, .. } => self.step(Input::News(heard)),
            Arrival::Report { message, accepted, at } => {
                self.step(Input::Report { message: *message, accepted: *accepted, at: *at })
            }
        };
        if let Err(fault) = done {
            self.park(Some(arrived.place), arrived.what.reference(), fault);
        }
    }

    /// One input; where it can't be applied the person is as before.
    fn step(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let before = self.careful.then(|| self.person.clone());
        let (shared, now, person) = (self.shared, self.now, &mut self.person);
        let step = AssertUnwindSafe(|| actor::step(shared, person, input, now, None));
        let done = match before {
            None => Ok(step()),
            Some(before) => catch_unwind(step).inspect_err(|_| self.person = before),
        };
        let mut outcome = match done {
            Ok(done) => done.map_err(|error| ("undecodable", error.to_string()))?,
            Err(_) => return Err(("panicked", "a defect in this program; its log says where".to_owned())),
        };
        self.journal.push(JournalRow {
            person: self.person.id,
            n: self.person.n,
            what: input.applied(),
            at: self.now,
            refusals: std::mem::take(&mut outcome.refusals),
        });
        self.outcomes.push(outcome);
        Ok(())
    }

    fn park(&mut self, place: Option<Place>, (kind, reference): (i16, Uuid), (reason, detail): Fault) {
        let (person, at) = (self.person.id, self.now);
        self.parked.push(ParkedRow { place, person, kind, reference, at, reason, detail });
    }

    /// What changed, as rows.
    fn finish(mut self, inputs: &[Arrived], wakes: &[Due], write: &mut Write) {
        let id = self.person.id;
        self.rearm(wakes, write);
        write.forwarded.append(&mut self.forwarded);
        write.retold.append(&mut self.retold);
        write.taken.append(&mut self.taken);
        write.moved_in.append(&mut self.moved_in);
        for merge in self.parked.iter().filter_map(|parked| parked.place) {
            let input = inputs.iter().find(|input| input.place == merge);
            write.handed.extend(input.and_then(|input| input.what.undelivered(self.now)));
        }
        // Of somebody who was closed before, nothing changes.
        let untouched = self.journal.is_empty() && self.person.merged_into.is_some();
        let parked: BTreeSet<Place> = self.parked.iter().filter_map(|parked| parked.place).collect();
        write.done.extend(inputs.iter().map(|input| input.place).filter(|place| !parked.contains(place)));
        write.parked.append(&mut self.parked);
        write.journal.append(&mut self.journal);
        let mut interests: BTreeMap<_, InterestRow> = BTreeMap::new();
        for outcome in self.outcomes {
            for (product, interest) in outcome.interests {
                let row = InterestRow { person: id, product: product.clone(), interest: Default::default() };
                interests.entry(product).or_insert(row).interest.merge(&interest);
            }
            write.queued.extend(outcome.queued);
            write.cancelled.extend(outcome.cancelled);
            write.lifted.extend(outcome.lifted);
            write.withheld.extend(outcome.withheld);
            write.decisions.extend(outcome.decisions);
            write.rewards.extend(outcome.rewards);
            write.ended.extend(outcome.ended);
            write.mixed.extend(outcome.mixed.into_iter().map(|journey| (id, journey)));
        }
        write.interests.extend(interests.into_values());
        if let Some((merge, handed)) = self.handed {
            let stored = handed.runs.iter().filter(|run| run.stored);
            write.moved_out.extend(stored.map(|run| (id, run.number)));
            let (plans, state) = (handed.plans(), Some(encode_handover(&handed)));
            write.handed.push(HandedRow { merge, at: self.now, plans, state });
        }
        if untouched {
            return;
        }
        let person = &mut self.person;
        if person.traits.dirty {
            let (traits, times) = person.traits.write();
            write.traits.push((id, traits, times));
        }
        for run in person.runs.iter().filter(|run| run.dirty) {
            let step = match &run.position {
                Position::At { step, .. } => step.clone(),
                Position::Watching(_) => "".into(),
            };
            let row = RunRow {
                person: id,
                number: run.number,
                journey: run.journey.clone(),
                plan: run.plan,
                step,
                started_at: run.started_at,
                state: encode_run(run),
            };
            if run.stored { write.moved.push(row) } else { write.begun.push(row) }
        }
        for (key, feature) in person.features.iter().filter(|(_, feature)| feature.dirty) {
            write.features.push((id, stored_feature(key, feature)));
        }
        write.people.push(PersonRow {
            person: id,
            version: person.version,
            n: person.n,
            zone: person.hot.zone.as_ref().map(|(zone, _)| zone.clone()),
            armed: person.armed,
            hot: encode_hot(&person.hot),
            merged_into: person.merged_into,
        });
    }

    /// The one wake-up in `due`: the earliest timer, moved only earlier; an early wake arms the next.
    fn rearm(&mut self, wakes: &[Due], write: &mut Write) {
        let (id, now) = (self.person.id, self.now);
        let shard = Shard::of(id);
        let wanted = self.person.next_due();
        let stands = self.person.armed;
        if self.person.merged_into.is_some() {
            write.disarmed.extend(wakes);
            write.disarmed.extend(stands.map(|due_at| Due { shard, due_at, person: id }));
            self.person.armed = None;
            return;
        }
        // What was read is over, whether or not it is the one that should stand there.
        write.disarmed.extend(wakes.iter().filter(|wake| Some(wake.due_at) != stands));
        let keep = match (stands, wanted) {
            (Some(stands), _) if self.fires && stands <= now => false,
            (Some(stands), Some(wanted)) => stands <= wanted,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if keep {
            return;
        }
        write.disarmed.extend(stands.map(|due_at| Due { shard, due_at, person: id }));
        write.armed.extend(wanted.map(|due_at| Due { shard, due_at, person: id }));
        self.person.armed = wanted;
    }
}

/// A person whose rows can't be read: inputs and wake-ups are moved aside with why.
fn set_aside(
    now: ShopTime,
    stored: &StoredPerson,
    inputs: Vec<Arrived>,
    wakes: &[Due],
    error: &Undecodable,
    write: &mut Write,
) {
    let person = PersonId(stored.id);
    let mut row = |place, kind, reference| {
        let detail = error.to_string();
        write.parked.push(ParkedRow {
            place,
            person,
            kind,
            reference,
            at: now,
            reason: "undecodable",
            detail,
        });
    };
    let mut undelivered = Vec::new();
    for input in inputs {
        let (kind, reference) = input.what.reference();
        undelivered.extend(input.what.undelivered(now));
        row(Some(input.place), kind, reference);
    }
    if !wakes.is_empty() {
        row(None, TIMERS, Uuid::nil());
    }
    write.handed.extend(undelivered);
    write.disarmed.extend(wakes);
}

impl From<&StoredFeature> for Feature {
    fn from(row: &StoredFeature) -> Self {
        let value = |nth: usize| row.values.get(nth).map_or("", String::as_str).into();
        let recent = row.times.iter().enumerate().filter_map(|(nth, micros)| {
            let amount = row.amounts.get(nth).copied().unwrap_or_default();
            Some(Occurrence { at: ShopTime::from_microsecond(*micros)?, amount, value: value(nth) })
        });
        let days = row.days.iter().zip(&row.day_counts).zip(&row.day_sums);
        let day = |((day, count), sum): ((&i32, &i32), &f64)| Day {
            day: *day,
            count: u32::try_from(*count).unwrap_or(0),
            sum: *sum,
        };
        Self { last: row.last_at, recent: recent.collect(), days: days.map(day).collect(), dirty: false }
    }
}

/// A counter as it is stored.
pub fn stored_feature(key: &FeatureKey, feature: &Feature) -> StoredFeature {
    let values = feature.recent.iter().map(|occurrence| occurrence.value.to_string());
    StoredFeature {
        feature: key.number(),
        last_at: feature.last,
        times: feature.recent.iter().map(|occurrence| occurrence.at.as_microsecond()).collect(),
        amounts: feature.recent.iter().map(|occurrence| occurrence.amount).collect(),
        values: if key.by.is_some() { values.collect() } else { Vec::new() },
        days: feature.days.iter().map(|day| day.day).collect(),
        day_counts: feature.days.iter().map(|day| i32::try_from(day.count).unwrap_or(i32::MAX)).collect(),
        day_sums: feature.days.iter().map(|day| day.sum).collect(),
    }
}
