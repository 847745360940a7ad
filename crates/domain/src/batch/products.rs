//! Which products anybody in a batch may ask of.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Kind;
use crate::call::ANSWERED;
use crate::catalog::{product_ids, product_ids_of_json};
use crate::person::{CART_EVENTS, Hot, Person, Run, decode_handover, decode_hot, decode_run};
use crate::plan::Plans;
use crate::row::{Arrival, Arrived, Arriving, StoredPerson};

/// The products that expressions may ask of while these inputs and the timers of these people are applied: every
/// `product_id` in what waits, as far as a journey hears it, and in what is kept of people. Never fewer than are asked of, so
/// that a replay, which knows all products of a person's past, sees the same; nothing where no journey asks of any.
pub fn products(plans: &Plans, people: &[StoredPerson], arrived: &[Arrived]) -> BTreeSet<Arc<str>> {
    let mut wanted = BTreeSet::new();
    if !plans.demands.products {
        return wanted;
    }
    let mut found = |id: Arc<str>| {
        wanted.insert(id);
    };
    for input in arrived {
        match &input.what {
            Arrival::Event(event) => {
                let name = event.name.as_ref();
                let asked = event.kind == Kind::Identify
                    || plans.hears(name)
                    || CART_EVENTS.contains(&name)
                    || name == ANSWERED;
                if asked {
                    product_ids_of_json(&event.payload, &mut found);
                }
            }
            Arrival::News { heard, .. } => {
                for mention in heard.mentions.iter() {
                    if let Some(item) = heard.news.items.get(usize::from(mention.item)) {
                        product_ids(item, &mut found);
                    }
                }
            }
            Arrival::Take { state: Arriving::Here(bytes, _), .. } => {
                // One that can't be read is parked, and asks of nothing.
                if let Ok(state) = decode_handover(bytes) {
                    of_hot(&state.hot, &mut found);
                    state.runs.iter().for_each(|run| of_run(run, &mut found));
                    state.traits.iter().for_each(|(_, said)| product_ids(&said.value, &mut found));
                }
            }
            Arrival::Report { .. }
            | Arrival::Close { .. }
            | Arrival::Take { .. }
            | Arrival::Unknown { .. } => {}
        }
    }
    for person in people {
        if let Some(hot) = decode_hot(&person.hot).ok().filter(|_| !person.hot.is_empty()) {
            of_hot(&hot, &mut found);
        }
        if let Some((traits, _)) = &person.traits {
            product_ids_of_json(traits, &mut found);
        }
        for (_, state) in &person.runs {
            decode_run(state).iter().for_each(|run| of_run(run, &mut found));
        }
    }
    wanted
}

/// The products that somebody in memory, and runs that may be over, speak of.
pub fn products_of<'a>(person: &'a Person, runs: impl IntoIterator<Item = &'a Run>) -> BTreeSet<Arc<str>> {
    let mut spoken = BTreeSet::new();
    let mut found = |id: Arc<str>| {
        spoken.insert(id);
    };
    of_hot(&person.hot, &mut found);
    person.traits.iter().for_each(|(_, said)| product_ids(&said.value, &mut found));
    person.runs.iter().chain(runs).for_each(|run| of_run(run, &mut found));
    spoken
}

fn of_hot(hot: &Hot, found: &mut impl FnMut(Arc<str>)) {
    hot.carts.product_ids(found);
    hot.pending.iter().for_each(|pending| product_ids(&pending.entry.properties, found));
    hot.met.iter().for_each(|entry| product_ids(&entry.properties, found));
}

fn of_run(run: &Run, found: &mut impl FnMut(Arc<str>)) {
    product_ids(&run.entry.properties, found);
    product_ids(&run.item, found);
    run.variables.iter().for_each(|(_, value)| product_ids(value, found));
}
