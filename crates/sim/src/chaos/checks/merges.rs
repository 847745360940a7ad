//! What must hold of people who turned out to be one.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::PersonId;
use journeyman_domain::row::{Applied, JournalRow, KIND_CLOSE, KIND_TAKE};

use crate::memory::Memory;

/// Whoever lost is closed and nothing of them is left behind; their state was taken over once, by whom they are now. What
/// could not be applied stands among what was moved aside.
pub(super) fn all(memory: &Memory) -> Result<(), String> {
    let mut closed: BTreeMap<PersonId, usize> = BTreeMap::new();
    let mut taken: BTreeMap<PersonId, Vec<PersonId>> = BTreeMap::new();
    for row in &memory.journal {
        match row.what {
            Applied::Closed { merge, .. } => *closed.entry(merge.loser).or_default() += 1,
            Applied::Taken { merge, .. } => taken.entry(merge.loser).or_default().push(row.person),
            _ => {}
        }
    }
    let aside = |kind: i16, loser: PersonId| {
        memory
            .parked
            .iter()
            .filter(|row| row.kind == kind && row.reference.as_u64_pair().0 == loser.0 as u64)
            .count()
    };
    for loser in memory.merged() {
        let (closings, takers) =
            (closed.remove(&loser).unwrap_or(0), taken.remove(&loser).unwrap_or_default());
        if closings + aside(KIND_CLOSE, loser) != 1 {
            return Err(format!("{loser} was closed {closings} times"));
        }
        if takers.len() + aside(KIND_TAKE, loser) != 1 {
            return Err(format!("the state of {loser} was taken by {takers:?}"));
        }
        if takers.iter().any(|taker| memory.head(*taker) != memory.head(loser)) {
            return Err(format!("the state of {loser} was taken by {takers:?}, who are not them"));
        }
        let row = memory.people.get(&loser);
        if closings == 1 {
            let left = memory.runs.keys().any(|(person, _)| *person == loser)
                || memory.due.iter().any(|due| due.person == loser)
                || row.is_none_or(|row| row.merged_into.is_none());
            if left {
                return Err(format!("{loser} was closed, and something of them is left"));
            }
        }
        if memory.handovers.contains_key(&loser) && aside(KIND_TAKE, loser) == 0 {
            return Err(format!("the state of {loser} is on its way still"));
        }
    }
    match closed.keys().chain(taken.keys()).next() {
        Some(person) => Err(format!("{person} was closed or taken, and nobody had said so")),
        None => Ok(()),
    }
}

/// Everybody with a journal, each behind all whose states went to them.
pub(super) fn losers_first(journal: &BTreeMap<PersonId, Vec<&JournalRow>>) -> Vec<PersonId> {
    let mut order = Vec::new();
    let mut done = BTreeSet::new();
    let mut asked: Vec<PersonId> = journal.keys().copied().collect();
    while let Some(person) = asked.last().copied() {
        let losers = journal.get(&person).into_iter().flatten().filter_map(|row| match row.what {
            Applied::Taken { merge, .. } => Some(merge.loser),
            _ => None,
        });
        let open: Vec<PersonId> = losers.filter(|loser| !done.contains(loser)).collect();
        if open.is_empty() {
            asked.pop();
            if done.insert(person) {
                order.push(person);
            }
        } else {
            asked.extend(open);
        }
    }
    order
}
