//! What must hold of news: whoever it was for is stepped with it exactly once.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::news::alone_key;
use journeyman_domain::row::{Applied, KIND_NEWS};
use journeyman_domain::{EventId, PersonId};

use crate::memory::Memory;

/// How often a row's part of somebody was dealt with, by row and person.
type Dealt = BTreeMap<(EventId, PersonId), usize>;

/// Everybody was told of everything, and each hears each news exactly once: by the row itself, or by one that took their part of it
/// to themselves or to whom they turned out to be. What could not be applied stands among what was moved aside.
pub(super) fn all(memory: &Memory) -> Result<(), String> {
    if !memory.catalog.is_told() {
        return Err("not everybody was told of what has changed in the catalog".to_owned());
    }
    let mut dealt = Dealt::new();
    for row in &memory.journal {
        if let Applied::News { news, .. } = row.what {
            *dealt.entry((news, row.person)).or_default() += 1;
        }
    }
    for row in memory.parked.iter().filter(|row| row.kind == KIND_NEWS) {
        *dealt.entry((EventId(row.reference), row.person)).or_default() += 1;
    }
    let mut counted = BTreeSet::new();
    let mut told = BTreeSet::new();
    for (up_to, id) in &memory.catalog.told_rows {
        let Some(row) = memory.catalog.news.get(id) else { return Err(format!("the news {id} is gone")) };
        for (person, mention) in &row.mentions {
            let item = row.items.get(usize::from(mention.item)).map(ToString::to_string);
            if !told.insert((*up_to, row.topic, *person, item)) {
                return Err(format!("{person} was told twice of what changed up to {up_to}"));
            }
        }
        let people: BTreeSet<PersonId> = row.mentions.iter().map(|(one, _)| *one).collect();
        for person in people {
            match times(memory, &dealt, &mut counted, (*id, person)) {
                1 => {}
                times => return Err(format!("{person} was stepped with the news {id} {times} times")),
            }
        }
    }
    match dealt.keys().find(|part| !counted.contains(*part)) {
        Some((news, person)) => {
            Err(format!("{person} was stepped with the news {news}, which nobody has told them"))
        }
        None => Ok(()),
    }
}

/// How often somebody's part of a row was dealt with, there and by the rows that it went on in.
fn times(
    memory: &Memory,
    dealt: &Dealt,
    counted: &mut BTreeSet<(EventId, PersonId)>,
    (news, person): (EventId, PersonId),
) -> usize {
    counted.insert((news, person));
    let here = dealt.get(&(news, person)).copied().unwrap_or(0);
    let went_on: Vec<(EventId, PersonId)> = memory
        .catalog
        .news
        .values()
        .filter_map(|row| {
            let (to, _) = row.mentions.first()?;
            let taken = row.id == EventId::new(row.received_at, alone_key(news, person, *to));
            taken.then_some((row.id, *to))
        })
        .collect();
    here + went_on.into_iter().map(|part| times(memory, dealt, counted, part)).sum::<usize>()
}
