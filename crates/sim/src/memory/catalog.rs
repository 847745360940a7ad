//! The catalog of the store in memory: versions of products, what people care for, and news of what has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::catalog::{Item, Patch, Versions};
use journeyman_domain::interest::{Interest, InterestRow};
use journeyman_domain::news::{Heard, Moves, NewsRow, Topic};
use journeyman_domain::plan::Plans;
use journeyman_domain::row::KIND_NEWS;
use journeyman_domain::{EventId, Lane, PersonId, SHARDS, Shard, ShopTime};

use super::{Defect, Memory, Waiting};

/// How many shards a step tells.
const SHARDS_AT_ONCE: u8 = 8;

/// What is kept of it.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Every version of every product, by its number.
    products: BTreeMap<Arc<str>, Vec<(i64, ShopTime, Item)>>,
    /// The number of the latest change.
    number: i64,
    /// Up to which number people were told.
    told: i64,
    /// Up to which they are being told, since when, and the shard that is next.
    telling: Option<(i64, ShopTime, u8)>,
    /// What people said of products.
    interests: BTreeMap<(PersonId, Arc<str>), Interest>,
    /// Every row of news there ever was.
    pub news: BTreeMap<EventId, NewsRow>,
    /// Those of them that tellers have written, and not batches, each with the number up to which they tell.
    pub told_rows: Vec<(i64, EventId)>,
    /// Whether the planted defect has just struck.
    forgot: bool,
}

impl Catalog {
    /// Products as they are now, of those that are there, and the number that says so.
    pub(super) fn now(&self, ids: &[Arc<str>]) -> (i64, Vec<(Arc<str>, Item)>) {
        let latest = |id: &Arc<str>| Some((id.clone(), self.products.get(id)?.last()?.2.clone()));
        (self.number, ids.iter().filter_map(latest).collect())
    }

    /// Says something of a product. What says nothing new changes nothing.
    pub fn change(&mut self, patch: &Patch, at: ShopTime) {
        let versions = self.products.entry(patch.id.clone()).or_default();
        let before = versions.last().map(|(_, _, item)| item.clone());
        let Ok(item) = before.clone().unwrap_or_default().patched(patch) else { return };
        if before.as_ref() != Some(&item) {
            self.number += 1;
            versions.push((self.number, at, item));
        }
    }

    /// Every version, for a replay.
    pub fn versions(&self) -> Versions {
        let mut all = Versions::default();
        for (id, versions) in &self.products {
            for (number, _, item) in versions {
                all.add(id.clone(), *number, item.clone());
            }
        }
        all
    }

    /// Whether everybody was told of everything.
    pub fn is_told(&self) -> bool {
        self.told == self.number && self.telling.is_none()
    }

    /// What somebody hears of the rows of news, by row.
    pub fn heard(&self, person: PersonId) -> BTreeMap<EventId, Heard> {
        let heard = self.news.iter().flat_map(|(id, row)| {
            row.heard().into_iter().filter(|(one, _)| *one == person).map(|(_, heard)| (*id, heard))
        });
        heard.collect()
    }

    pub(super) fn care(&mut self, rows: Vec<InterestRow>) {
        for row in rows {
            self.interests.entry((row.person, row.product)).or_default().merge(&row.interest);
        }
    }

    /// What a loser cares for goes to who took their state over.
    pub(super) fn hand_over(&mut self, loser: PersonId, winner: PersonId) {
        let theirs: Vec<(Arc<str>, Interest)> = self
            .interests
            .iter()
            .filter(|((person, _), _)| *person == loser)
            .map(|((_, product), interest)| (product.clone(), *interest))
            .collect();
        for (product, interest) in theirs {
            self.interests.remove(&(loser, product.clone()));
            self.interests.entry((winner, product)).or_default().merge(&interest);
        }
    }

    /// What became of products between two numbers, as far as a journey hears it.
    fn moves(&self, (from, to): (i64, i64), plans: &Plans) -> Moves {
        let mut moves = Moves::default();
        if !plans.keeps_interest() {
            return moves;
        }
        for (id, versions) in &self.products {
            let at = |number: i64| versions.iter().rfind(|(known, ..)| *known <= number);
            if let Some(((was, _, old), (is, since, new))) = at(from).zip(at(to))
                && was != is
            {
                let hears = |topic: Topic| plans.hears(topic.event());
                moves.add((id, *since), (old, new), plans.policies.rates.base, hears);
            }
        }
        moves
    }
}

impl Memory {
    /// A step of telling people of what has changed: some shards, with how far that is, in one transaction. False where there is
    /// nothing to tell.
    pub fn tell(&mut self, plans: &Plans, now: ShopTime) -> bool {
        if self.catalog.is_told() {
            return false;
        }
        let (up_to, begun, next) = self.catalog.telling.unwrap_or((self.catalog.number, now, 0));
        let moves = self.catalog.moves((self.catalog.told, up_to), plans);
        let last = next.saturating_add(SHARDS_AT_ONCE - 1);
        let mut rows = Vec::new();
        for (topic, items) in moves.topics() {
            for shard in (next..=last).map(Shard) {
                let place = |id: &Arc<str>| items.products.iter().position(|product| product == id);
                let people = self.catalog.interests.iter().filter_map(|((person, product), interest)| {
                    let here = Shard::of(*person) == shard;
                    here.then(|| Some((*person, place(product)?, *interest))).flatten()
                });
                rows.extend(items.told_to((topic, shard), people, (begun, now), &up_to.to_string()));
            }
        }
        let forgets =
            self.defect == Some(Defect::ForgetsWhereItTold) && !rows.is_empty() && !self.catalog.forgot;
        self.catalog.forgot = forgets;
        self.catalog.told_rows.extend(rows.iter().map(|row| (up_to, row.id)));
        self.write_news(rows);
        if forgets {
            self.catalog.telling = Some((up_to, begun, next));
            return true;
        }
        if usize::from(last) + 1 >= SHARDS {
            (self.catalog.told, self.catalog.telling) = (up_to, None);
        } else {
            self.catalog.telling = Some((up_to, begun, last + 1));
        }
        true
    }

    /// Writes rows of news, each with its place in the queue of its shard.
    pub(super) fn write_news(&mut self, rows: Vec<NewsRow>) {
        for row in rows {
            let (kind, person, reference) = (KIND_NEWS, PersonId(0), row.id.0);
            let waiting = Waiting { kind, person, reference, received_at: row.received_at };
            self.intake.insert((row.shard, Lane::Bulk, self.next_seq), waiting);
            self.next_seq += 1;
            self.bell.insert(row.shard);
            self.catalog.news.insert(row.id, row);
        }
    }
}
