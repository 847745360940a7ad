//! The catalog: what the shop sells, as it said so last; what it costs and whether it is there.

mod item;
mod moves;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::value::{Currency, Value};

pub use item::{Fault, ID_BYTES, ITEM_BYTES, Item, Patch};
pub use moves::{LEAST_DROP, Move, moved};

/// What a batch, or a replay, knows of the catalog.
pub trait Catalog: Send + Sync {
    /// A product as expressions see it, a record; `None` of one that is not there.
    fn product(&self, id: &str) -> Option<&Value>;
}

/// A catalog in which there is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Catalog for Nothing {
    fn product(&self, _: &str) -> Option<&Value> {
        None
    }
}

/// Products by id, as expressions see them: what was loaded for a batch.
#[derive(Clone, Debug, Default)]
pub struct Products(BTreeMap<Arc<str>, Value>);

impl Products {
    /// Of stored items. `base` is the currency of those that name none.
    pub fn new<'a>(items: impl IntoIterator<Item = (&'a Arc<str>, &'a Item)>, base: Currency) -> Self {
        Self(items.into_iter().map(|(id, item)| (id.clone(), item.view(id, base))).collect())
    }
}

impl Catalog for Products {
    fn product(&self, id: &str) -> Option<&Value> {
        self.0.get(id)
    }
}

/// Every version of some products: what a replay looks into, at the number that its journal has.
#[derive(Clone, Debug, Default)]
pub struct Versions(BTreeMap<Arc<str>, Vec<(i64, Item)>>);

impl Versions {
    /// Adds a version; those of one product in the order of their numbers.
    pub fn add(&mut self, id: Arc<str>, number: i64, item: Item) {
        self.0.entry(id).or_default().push((number, item));
    }

    /// The catalog as it was at a number.
    pub fn at(&self, number: i64, base: Currency) -> Products {
        let latest = |versions: &[(i64, Item)]| versions.iter().rposition(|(known, _)| *known <= number);
        let known = self.0.iter().filter_map(|(id, versions)| Some((id, &versions[latest(versions)?].1)));
        Products::new(known, base)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The field that makes a record a thing of the catalog.
pub const PRODUCT_ID: &str = "product_id";

/// Calls `found` with every `product_id` in a value, however deep.
pub fn product_ids(value: &Value, found: &mut impl FnMut(Arc<str>)) {
    match value {
        Value::Record(fields) => {
            for (name, value) in fields.iter() {
                if name.as_ref() == PRODUCT_ID {
                    value.key().into_iter().for_each(&mut *found);
                }
                product_ids(value, found);
            }
        }
        Value::List(items) => items.iter().for_each(|item| product_ids(item, found)),
        _ => {}
    }
}

/// As [`product_ids`], of a JSON text; of what is none nothing.
pub fn product_ids_of_json(text: &str, found: &mut impl FnMut(Arc<str>)) {
    if !text.contains(PRODUCT_ID) {
        return;
    }
    if let Ok(json) = serde_json::from_str::<Json>(text) {
        product_ids(&Value::from_json(&json), found);
    }
}

impl fmt::Debug for dyn Catalog + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalog")
    }
}

#[cfg(test)]
mod tests;
