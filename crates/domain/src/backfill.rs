//! Counters that a new deployment asks for, made of what was applied before: by the same code that counts what comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::Happening;
use crate::expr::Demands;
use crate::interest::{self, Interest, InterestRow};
use crate::person::{ANY_EVENT, CART_EVENTS, Carts, Feature, FeatureKey, Occurrence};
use crate::row::StoredEvent;
use crate::value::{Rates, Value};
use crate::{Kind, PersonId};

/// The event that the actor itself makes of the events of carts.
const CART_UPDATED: &str = "Cart Updated";

/// Which events of history `demands` has to be made of; [`ANY_EVENT`] among them stands for all.
pub fn wanted(demands: &Demands) -> Vec<&str> {
    let mut names: Vec<&str> = demands.iter().map(|key| key.event.as_ref()).collect();
    if names.contains(&CART_UPDATED) {
        names.extend(CART_EVENTS);
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// What somebody's past, and that of those who turned out to be them, says of products.
pub fn interests(person: PersonId, past: &BTreeMap<PersonId, Vec<Past>>) -> Vec<InterestRow> {
    let mut lives = vec![person];
    let mut nth = 0;
    let mut known: BTreeMap<Arc<str>, Interest> = BTreeMap::new();
    while let Some(life) = lives.get(nth) {
        nth += 1;
        let mut losers = Vec::new();
        for past in past.get(life).into_iter().flatten() {
            match past {
                Past::Taken(loser) => losers.push(*loser),
                Past::Event(event) => {
                    let Ok(event) = Happening::read(event) else { continue };
                    for (product, word) in interest::words(&event) {
                        known.entry(product).or_default().merge(&word);
                    }
                }
            }
        }
        lives.extend(losers);
    }
    let row = |(product, interest)| InterestRow { person, product, interest };
    known.into_iter().map(row).collect()
}

/// What one input of a person's journal counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Past {
    /// An event.
    Event(StoredEvent),
    /// Somebody else turned out to be them.
    Taken(PersonId),
}

/// The counters of one person, of all that was applied to them and to those who turned out to be them, each in the order in
/// which it was. An event that can't be read counts nothing, as it did when it was parked.
pub fn counters(
    demands: &Demands,
    person: PersonId,
    past: &BTreeMap<PersonId, Vec<Past>>,
    rates: &Rates,
) -> BTreeMap<FeatureKey, Feature> {
    let mut losers = vec![person];
    let mut nth = 0;
    while let Some(loser) = losers.get(nth) {
        let taken = past.get(loser).into_iter().flatten().filter_map(|past| match past {
            Past::Taken(loser) => Some(*loser),
            Past::Event(_) => None,
        });
        losers.extend(taken.collect::<Vec<_>>());
        nth += 1;
    }
    let mut counted: BTreeMap<PersonId, Counted> = BTreeMap::new();
    // Each before whom they ended in.
    for loser in losers.into_iter().rev() {
        let mut of = Counted::default();
        for past in past.get(&loser).into_iter().flatten() {
            match past {
                Past::Event(event) => of.event(demands, event, rates),
                Past::Taken(loser) => {
                    if let Some(theirs) = counted.remove(loser) {
                        of.take(&theirs);
                    }
                }
            }
        }
        counted.insert(loser, of);
    }
    counted.remove(&person).unwrap_or_default().counters
}

/// What is counted of one person so far.
#[derive(Default)]
struct Counted {
    counters: BTreeMap<FeatureKey, Feature>,
    carts: Carts,
}

impl Counted {
    fn event(&mut self, demands: &Demands, event: &StoredEvent, rates: &Rates) {
        let track = event.kind == Kind::Track;
        let Ok(event) = Happening::read(event) else { return };
        for key in demands.of_event(ANY_EVENT).filter(|_| event.by_them()) {
            self.counters.entry(key.clone()).or_default().observe_hour(event.at);
        }
        if !track {
            return;
        }
        self.count(demands, &event.name, &event, event.properties(), rates);
        let changed = self.carts.apply(&event.name, event.id, event.properties(), event.at, rates.base);
        let updated = changed.and_then(|id| self.carts.get(&id)).map(|cart| cart.updated(rates));
        if let Some(updated) = updated {
            self.count(demands, CART_UPDATED, &event, &updated, rates);
        }
    }

    fn count(&mut self, demands: &Demands, name: &str, event: &Happening, properties: &Value, rates: &Rates) {
        for key in demands.of_event(name).filter(|key| *key.event != *ANY_EVENT) {
            let feature = self.counters.entry(key.clone()).or_default();
            feature.observe(Occurrence::of(key, event.at, properties, rates), key.by.is_none());
        }
    }

    fn take(&mut self, theirs: &Self) {
        self.carts.merge(&theirs.carts);
        for (key, counter) in &theirs.counters {
            self.counters.entry(key.clone()).or_default().merge(counter, key.by.is_none());
        }
    }
}
