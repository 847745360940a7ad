//! The catalog beside recorded history: what products were when, and when people were told of what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::ShopTime;
use journeyman_domain::catalog::{Catalog, Item};
use journeyman_domain::news::{Moves, Topic};
use journeyman_domain::plan::Plans;
use journeyman_domain::value::{Currency, Value};

/// How long the daemon lets the catalog rest before it tells anybody, and how long it waits for that.
const STILL: Duration = Duration::from_secs(1);
const RESTLESS: Duration = Duration::from_secs(30);

/// Changes that people are told of together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The first change of it.
    first: ShopTime,
    /// The last.
    last: ShopTime,
    /// When they are told.
    pub at: ShopTime,
}

/// When people are told of changes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tellings(Vec<Telling>);

impl Tellings {
    /// Of all moments in which the catalog changed, in any order: told is what has come to rest, as the daemon does.
    pub fn of(changes: impl IntoIterator<Item = ShopTime>) -> Self {
        let changes: BTreeSet<ShopTime> = changes.into_iter().collect();
        let mut tellings: Vec<Telling> = Vec::new();
        for change in changes {
            match tellings.last_mut().filter(|telling| change <= telling.at) {
                Some(telling) => {
                    telling.last = change;
                    telling.at = later(change, STILL).min(later(telling.first, RESTLESS));
                }
                None => tellings.push(Telling { first: change, last: change, at: later(change, STILL) }),
            }
        }
        Self(tellings)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When people are told for the last time; `None` where they never are.
    pub fn last(&self) -> Option<ShopTime> {
        self.0.last().map(|telling| telling.at)
    }

    /// The one that a change is told by.
    fn with(&self, change: ShopTime) -> Option<usize> {
        let nth = self.0.partition_point(|telling| telling.last < change);
        self.0.get(nth).filter(|telling| telling.first <= change).map(|_| nth)
    }
}

fn later(at: ShopTime, by: Duration) -> ShopTime {
    at.saturating_add(jiff::SignedDuration::try_from(by).unwrap_or_default())
}

/// One version of a product.
#[derive(Debug)]
struct Version {
    since: ShopTime,
    item: Item,
    view: Value,
}

/// Every version of some products: of all that the lives beside it speak of.
#[derive(Debug)]
pub struct Timeline {
    products: BTreeMap<Arc<str>, Vec<Version>>,
    tellings: Arc<Tellings>,
    base: Currency,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new(Arc::default(), Currency::EUR)
    }
}

impl Timeline {
    /// With nothing in it. `base` is the currency of items that name none.
    pub fn new(tellings: Arc<Tellings>, base: Currency) -> Self {
        Self { products: BTreeMap::new(), tellings, base }
    }

    /// Adds a version; those of one product in their order.
    pub fn add(&mut self, id: &Arc<str>, since: ShopTime, item: Item) {
        let view = item.view(id, self.base);
        let versions = self.products.entry(id.clone()).or_default();
        // A clock may have gone back between two; which was later is known.
        let since = versions.last().map_or(since, |last| last.since.max(since));
        versions.push(Version { since, item, view });
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// The catalog as it was at a moment. Before its first version a product is as that says.
    pub fn at(&self, moment: ShopTime) -> At<'_> {
        At { timeline: self, moment }
    }

    /// What people who speak of these products may be told, in its order: by which telling, and of which of them.
    pub(crate) fn tellings(&self, products: &BTreeSet<Arc<str>>) -> Vec<(Telling, Vec<Arc<str>>)> {
        let mut told: BTreeMap<usize, BTreeSet<&Arc<str>>> = BTreeMap::new();
        for (id, versions) in products.iter().filter_map(|id| self.products.get_key_value(id)) {
            // Of the first version nobody is told: nothing is known of what was before.
            for version in versions.iter().skip(1) {
                if let Some(nth) = self.tellings.with(version.since) {
                    told.entry(nth).or_default().insert(id);
                }
            }
        }
        let told = told
            .into_iter()
            .filter_map(|(nth, ids)| Some((*self.tellings.0.get(nth)?, ids.into_iter().cloned().collect())));
        told.collect()
    }

    /// What became of these products by a telling, as far as a journey hears it.
    pub(super) fn moves<'p>(
        &self,
        telling: Telling,
        products: impl IntoIterator<Item = &'p Arc<str>>,
        plans: &Plans,
    ) -> Moves {
        let mut moves = Moves::default();
        for id in products {
            let versions = self.products.get(id).map_or(&[][..], Vec::as_slice);
            let (before, until) = versions.split_at(versions.partition_point(|of| of.since < telling.first));
            let within = until.partition_point(|of| of.since <= telling.last);
            if let Some((old, new)) = before.last().zip(until[..within].last()) {
                let hears = |topic: Topic| plans.hears(topic.event());
                moves.add((id, new.since), (&old.item, &new.item), self.base, hears);
            }
        }
        moves
    }
}

/// The catalog at one moment.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    timeline: &'a Timeline,
    moment: ShopTime,
}

impl Catalog for At<'_> {
    fn product(&self, id: &str) -> Option<&Value> {
        let versions = self.timeline.products.get(id)?;
        let later = versions.partition_point(|version| version.since <= self.moment);
        versions.get(later.saturating_sub(1)).map(|version| &version.view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> ShopTime {
        ShopTime::from_microsecond(second * 1_000_000).unwrap()
    }

    #[test]
    fn what_changes_without_rest_is_told_together() {
        let restless: Vec<i64> = (0..=70).collect();
        for (changes, told) in [
            (&[][..], vec![]),
            (&[5], vec![(5, 5, 6)]),
            (&[7, 5, 6], vec![(5, 7, 8)]),
            (&[5, 8], vec![(5, 5, 6), (8, 8, 9)]),
            (&restless, vec![(0, 30, 30), (31, 61, 61), (62, 70, 71)]),
        ] {
            let tellings = Tellings::of(changes.iter().map(|second| at(*second)));
            let told: Vec<Telling> = told
                .into_iter()
                .map(|(first, last, told)| Telling { first: at(first), last: at(last), at: at(told) })
                .collect();
            assert_eq!(tellings.0, told, "{changes:?}");
        }
    }

    #[test]
    fn a_product_is_what_it_was_and_before_that_what_it_was_first() {
        let mut timeline = Timeline::new(Arc::new(Tellings::of([at(10), at(20)])), Currency::EUR);
        for (since, stock) in [(10, 1), (20, 2)] {
            timeline.add(&"p".into(), at(since), Item::stored(&format!("{{\"stock\":{stock}}}")));
        }
        for (moment, stock) in [(0, 1), (10, 1), (19, 1), (20, 2), (99, 2)] {
            let then = timeline.at(at(moment));
            let found = then.product("p").unwrap().field("stock").clone();
            assert_eq!(found, Value::number(f64::from(stock)), "at {moment}");
        }
        assert!(timeline.at(at(20)).product("q").is_none());
    }
}
