//! What must always hold, and what must hold when all has settled. None of it knows how the machines work.

mod merges;
mod news;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::actor::Shared;
use journeyman_domain::merge::Merge;
use journeyman_domain::person::Handover;
use journeyman_domain::plan::Plans;
use journeyman_domain::replay::Replay;
use journeyman_domain::row::{Applied, JournalRow, KIND_CLOSE, KIND_NEWS, KIND_TAKE, ParkedRow, Write};
use journeyman_domain::{EventId, MessageId, PersonId, Shard, ShopTime, batch};
use journeyman_engine::machine::{Answer, Held, Reply};
use uuid::Uuid;

use super::faults::Tally;
use super::machines::Told;
use super::scenery::Scenery;
use crate::memory::{Memory, MessageState, Poison};

/// Watches every commit.
pub(super) struct Witness {
    /// Whether it looks at who writes.
    watches: bool,
    inbox: BTreeSet<MessageId>,
    seen: usize,
}

/// What a commit must not change, or must change by one.
pub(super) struct Before {
    versions: BTreeMap<PersonId, i64>,
    /// Somebody who is written by one who does not own them.
    stranger: Option<PersonId>,
}

impl Witness {
    pub(super) fn new(watches: bool) -> Self {
        Self { watches, inbox: BTreeSet::new(), seen: 0 }
    }

    pub(super) fn heard(&mut self, told: &Told, tally: &mut Tally) {
        let fenced_off = matches!(
            told,
            Told::Work(Reply::Begun { held: false, .. })
                | Told::Send(Answer::Started(None) | Answer::Finished(false))
        );
        tally.fenced_off += u64::from(fenced_off);
    }

    pub(super) fn before(&self, memory: &Memory, machine: Uuid, begun: &[Held], write: &Write) -> Before {
        let version = |person| memory.people.get(&person).map_or(0, |row| row.version);
        let people = write.people.iter().map(|row| row.person);
        let written = people.clone().chain(write.parked.iter().map(|row| row.person));
        let owns = |person: &PersonId| {
            let shard = Shard::of(*person);
            let epoch = begun.iter().find(|held| held.slice == shard.slice()).map(|held| held.epoch);
            epoch.is_some() && memory.owner(shard) == epoch.map(|epoch| (machine, epoch))
        };
        Before {
            versions: people.map(|person| (person, version(person))).collect(),
            stranger: written.into_iter().find(|person| self.watches && !owns(person)),
        }
    }

    pub(super) fn committed(&mut self, memory: &Memory, before: Before) -> Result<(), String> {
        if let Some(person) = before.stranger {
            return Err(format!("{person} was written under a lease that was lost"));
        }
        for (person, version) in before.versions {
            let now = memory.people.get(&person).map_or(0, |row| row.version);
            if self.watches && now != version + 1 {
                return Err(format!("{person} went from version {version} to {now}"));
            }
        }
        Ok(())
    }

    pub(super) fn delivered(&mut self, memory: &Memory) -> Result<(), String> {
        for message in &memory.outbox.inbox[self.seen..] {
            if !self.inbox.insert(*message) {
                return Err(format!("{message} arrived twice"));
            }
        }
        self.seen = memory.outbox.inbox.len();
        Ok(())
    }
}

/// Checks all that must hold when nothing is left to do at `now`.
pub(super) fn settled(memory: &Memory, scenery: &mut Scenery, now: ShopTime) -> Result<(), String> {
    if memory.waiting() > 0 {
        return Err(format!("{} inputs wait", memory.waiting()));
    }
    if let Some(due) = memory.due.iter().find(|due| due.due_at <= now) {
        return Err(format!("{due:?} is forgotten at {now}"));
    }
    let mut journal: BTreeMap<PersonId, Vec<&JournalRow>> = BTreeMap::new();
    memory.journal.iter().for_each(|row| journal.entry(row.person).or_default().push(row));
    messages(memory)?;
    once(memory)?;
    news::all(memory)?;
    parked(memory)?;
    merges::all(memory)?;
    let current = memory.applied_under.values().copied().max().unwrap_or(0);
    journal.values_mut().for_each(|lines| lines.sort_by_key(|line| line.n));
    let mut handed = BTreeMap::new();
    for person in merges::losers_first(&journal) {
        let lines = journal.get(&person).map_or(&[][..], Vec::as_slice);
        if let Some(state) = again(memory, scenery, person, lines, current, &handed)
            .map_err(|what| format!("{person}: {what}"))?
        {
            handed.insert(person, state);
        }
    }
    for (person, row) in &memory.people {
        let lines = journal.remove(person).unwrap_or_default();
        if row.n != lines.len() as i64 {
            return Err(format!("{person} counts {} inputs, their journal {}", row.n, lines.len()));
        }
        if let Some(odd) = (1..).zip(&lines).find(|(n, line)| line.n != *n) {
            return Err(format!("{person}: the journal has {} where {} should be", odd.1.n, odd.0));
        }
    }
    match journal.keys().next() {
        Some(person) => Err(format!("{person} has a journal and no state")),
        None => Ok(()),
    }
}

/// Every message that was queued is over, and in the inbox as often as it should be.
fn messages(memory: &Memory) -> Result<(), String> {
    let mut arrived: BTreeMap<MessageId, usize> = BTreeMap::new();
    memory.outbox.inbox.iter().for_each(|message| *arrived.entry(*message).or_default() += 1);
    for (message, outgoing) in &memory.outbox.messages {
        let times = arrived.remove(message).unwrap_or(0);
        let expected = match outgoing.state {
            MessageState::Accepted => 1,
            MessageState::Cancelled | MessageState::Withheld => 0,
            state => return Err(format!("{message} is left {state:?}")),
        };
        if times != expected {
            return Err(format!("{message}, {:?}, arrived {times} times", outgoing.state));
        }
    }
    match arrived.keys().next() {
        Some(message) => Err(format!("{message} arrived and nobody has queued it")),
        None => Ok(()),
    }
}

/// Each event, and each report, was applied once or is parked once.
fn once(memory: &Memory) -> Result<(), String> {
    let mut dealt: BTreeMap<Uuid, usize> = BTreeMap::new();
    for row in &memory.journal {
        match row.what {
            Applied::Event(event) => *dealt.entry(event.0).or_default() += 1,
            Applied::Report { message, .. } => *dealt.entry(message.0).or_default() += 1,
            Applied::News { .. } | Applied::Timer(_) | Applied::Closed { .. } | Applied::Taken { .. } => {}
        }
    }
    let merge = |row: &&ParkedRow| [KIND_CLOSE, KIND_TAKE, KIND_NEWS].contains(&row.kind);
    for row in memory.parked.iter().filter(|row| row.place.is_some() && !merge(row)) {
        *dealt.entry(row.reference).or_default() += 1;
    }
    let events = memory.events.keys().map(|EventId(event)| *event);
    for input in events.chain(memory.outbox.inbox.iter().map(|message| message.0)) {
        match dealt.remove(&input) {
            Some(1) => {}
            times => return Err(format!("{input} was dealt with {} times", times.unwrap_or(0))),
        }
    }
    match dealt.keys().next() {
        Some(input) => Err(format!("{input} was dealt with, and nobody sent it")),
        None => Ok(()),
    }
}

/// Only what is at fault is moved aside.
fn parked(memory: &Memory) -> Result<(), String> {
    let at_fault = |row: &&ParkedRow| {
        let loser = Merge::of_reference(row.reference).loser;
        memory.poison.contains(&Poison::Event(EventId(row.reference)))
            || memory.poison.contains(&Poison::TimersOf(row.person))
            || (row.kind == KIND_NEWS && memory.poison.contains(&Poison::NewsTo(row.person)))
            || (row.kind == KIND_CLOSE && memory.poison.contains(&Poison::Closing(loser)))
            || (row.kind == KIND_TAKE && memory.poison.contains(&Poison::Taking(loser)))
    };
    match memory.parked.iter().find(|row| row.reason == "refused" && !at_fault(row)) {
        Some(row) => Err(format!("{} of {} was moved aside for another's fault", row.reference, row.person)),
        None => Ok(()),
    }
}

/// A person's journal, applied again, gives what is stored; and their next wake-up stands. Answers with what they handed
/// over, where they were closed.
fn again(
    memory: &Memory,
    scenery: &mut Scenery,
    person: PersonId,
    lines: &[&JournalRow],
    current: i64,
    handed: &BTreeMap<PersonId, Handover>,
) -> Result<Option<Handover>, String> {
    let stored = memory.load(person, true).ok_or("there is no such person")?;
    let mut plans = |number| -> Result<Arc<Plans>, String> {
        if number == 0 { Ok(Arc::default()) } else { scenery.plans(number, memory.deployment(number)) }
    };
    let found = batch::restore(&stored, &plans(current)?.demands).map_err(|error| error.to_string())?;
    let chosen: Vec<_> = memory.decisions.iter().filter(|row| row.person == person).cloned().collect();
    let replay = Replay::new(person, stored.assignment_key).choosing(&chosen);
    let (mut replay, versions) = (replay.hearing(memory.catalog.heard(person)), memory.catalog.versions());
    for line in lines {
        let number = memory.applied_under.get(&(person, line.n)).copied().unwrap_or(0);
        let plans = plans(number)?;
        let saw = memory.saw.get(&(person, line.n));
        let catalog = saw.map(|number| versions.at(*number, plans.policies.rates.base)).unwrap_or_default();
        let shared = Shared { plans: &plans, catalog: &catalog, recorded: None };
        let replayed =
            replay.apply(line, shared, &memory.events, handed).map_err(|error| error.to_string())?;
        if !replayed.as_recorded {
            return Err(format!("row {} refuses {:?} when applied again", line.n, replayed.refusals));
        }
    }
    let differs = replay.differs(&found);
    if !differs.is_empty() {
        return Err(format!("applied again: {}", differs.join("; ")));
    }
    // Whose timers can't be fired are left as they were: what was parked says so.
    let state = replay.handed().cloned();
    if memory.parked.iter().any(|row| row.person == person && row.place.is_none()) {
        return Ok(state);
    }
    let standing: Vec<ShopTime> =
        memory.due.iter().filter(|due| due.person == person).map(|due| due.due_at).collect();
    let wanted = found.next_due();
    if standing.as_slice() != found.armed.as_slice() {
        return Err(format!("armed at {:?}, and in due stands {standing:?}", found.armed));
    }
    if wanted.is_some_and(|wanted| found.armed.is_none_or(|armed| armed > wanted)) {
        return Err(format!("due at {wanted:?}, and armed at {:?}", found.armed));
    }
    Ok(state)
}
