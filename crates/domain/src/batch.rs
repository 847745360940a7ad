//! The batch: all waiting inputs of its people, due timers and events together, and what of it is written.

mod person;
mod products;

use std::collections::BTreeMap;

use crate::actor::Shared;
use crate::row::{Arrived, Due, ParkedRow, StoredPerson, Write};
use crate::{PersonId, Shard, ShardSet, ShopTime};

pub use person::{Done, Living, restore, stored_feature};
pub use products::{products, products_of};

/// Applies everything to everybody. `people` holds each person of `arrived` and `due` once; the inputs of somebody who
/// does not exist are parked. Timers of people of `unread` wait: more may have happened to them than was read, and what
/// has happened goes before what is due.
pub fn apply<'a>(
    shared: impl Into<Shared<'a>>,
    now: ShopTime,
    people: &[StoredPerson],
    arrived: Vec<Arrived>,
    due: Vec<Due>,
    unread: ShardSet,
) -> Write {
    let shared = shared.into();
    let mut write = Write { now, deployment: shared.plans.deployment, ..Write::default() };
    let mut inputs: BTreeMap<PersonId, Vec<Arrived>> = BTreeMap::new();
    for input in arrived {
        inputs.entry(input.person).or_default().push(input);
    }
    let mut wakes: BTreeMap<PersonId, Vec<Due>> = BTreeMap::new();
    for wake in due {
        wakes.entry(wake.person).or_default().push(wake);
    }
    for stored in people {
        let id = PersonId(stored.id);
        let inputs = inputs.remove(&id).unwrap_or_default();
        let wakes = wakes.remove(&id).unwrap_or_default();
        let timers = !unread.contains(Shard::of(id));
        person::apply(shared, now, stored, inputs, &wakes, timers, &mut write);
    }
    // Nobody has such a person: whoever looks can see what was meant.
    for input in inputs.into_values().flatten() {
        let (kind, reference) = input.what.reference();
        let detail = "there is no person of that id".to_owned();
        write.handed.extend(input.what.undelivered(now));
        let (place, person) = (Some(input.place), input.person);
        write.parked.push(ParkedRow { place, person, kind, reference, at: now, reason: "no_person", detail });
    }
    write.disarmed.extend(wakes.into_values().flatten());
    write
}

#[cfg(test)]
mod tests;
