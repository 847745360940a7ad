//! What is told to many people at once: one row for up to 500 of a shard, of which each hears what concerns them.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::catalog::{Item, Move, moved};
use crate::interest::{Interest, Kind};
use crate::value::{Currency, Value};
use crate::{EventId, PersonId, SeenKey, Shard, ShopTime, digest};

/// How many people one row is for.
pub const PEOPLE: usize = 500;
/// How many items one event tells of: those that dropped most.
pub const ITEMS: usize = 10;

/// What the news is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Items cost less: one event with all of them.
    PriceDropped,
    /// An item is there again: one event each.
    BackInStock,
    /// Journeys went live that watch people: what they are is to be seen before anything happens to them.
    Deployed,
}

impl Topic {
    /// All.
    pub const ALL: [Self; 3] = [Self::PriceDropped, Self::BackInStock, Self::Deployed];
    /// Those of the catalog.
    pub const OF_CATALOG: [Self; 2] = [Self::PriceDropped, Self::BackInStock];

    /// The event's name.
    pub fn event(self) -> &'static str {
        match self {
            Self::PriceDropped => "Price Dropped",
            Self::BackInStock => "Back In Stock",
            Self::Deployed => "Journeys Deployed",
        }
    }

    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        match self {
            Self::PriceDropped => 1,
            Self::BackInStock => 2,
            Self::Deployed => 3,
        }
    }

    /// The topic of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.code() == code)
    }
}

/// An item and why somebody is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Which of the news' items, from 0.
    pub item: u16,
    /// Their interest.
    pub interest: Kind,
    /// Since when.
    pub since: ShopTime,
}

/// What all of a row's people hear.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// The row's id.
    pub id: EventId,
    /// What it is about.
    pub topic: Topic,
    /// When the catalog changed.
    pub occurred_at: ShopTime,
    /// When it was written.
    pub received_at: ShopTime,
    /// The items, as records; made once for all people of the row.
    pub items: Arc<[Value]>,
}

/// What one person hears.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The news.
    pub news: Arc<News>,
    /// What of it concerns them, at least one.
    pub mentions: Arc<[Mention]>,
}

impl Heard {
    /// The event's properties.
    pub fn properties(&self) -> Value {
        let mut items = self.mentions.iter().filter_map(|mention| self.item(mention));
        match self.news.topic {
            Topic::PriceDropped => Value::record([("items", Value::List(items.collect()))]),
            Topic::BackInStock => items.next().unwrap_or_default(),
            Topic::Deployed => Value::record([]),
        }
    }

    fn item(&self, mention: &Mention) -> Option<Value> {
        let Value::Record(fields) = self.news.items.get(usize::from(mention.item))? else { return None };
        let since = match mention.interest {
            Kind::Subscribed => "subscribed_at",
            _ => "interested_at",
        };
        let theirs =
            [("interest", Value::text(mention.interest.name())), (since, Value::Time(mention.since))];
        let theirs = theirs.into_iter().map(|(name, value)| (name.into(), value));
        Some(Value::Record(fields.iter().cloned().chain(theirs).collect()))
    }

    /// The event's id, each person's own.
    pub fn event(&self, person: PersonId) -> EventId {
        let bits = digest::first_128(&[self.news.id.0.as_bytes(), &person.0.to_be_bytes()]);
        EventId(Uuid::new_v8(bits.to_be_bytes()))
    }

    /// What `from` hears, for `to` alone: for themselves, or for whom they turned out to be. A row of its own, whose id says both: two
    /// who turned out to be the same have a row each.
    pub fn alone(&self, from: PersonId, to: PersonId, now: ShopTime) -> NewsRow {
        let key = alone_key(self.news.id, from, to);
        NewsRow {
            id: EventId::new(now, key),
            topic: self.news.topic,
            shard: Shard::of(to),
            occurred_at: self.news.occurred_at,
            received_at: now,
            items: self.news.items.iter().map(Value::to_json).collect(),
            mentions: self.mentions.iter().map(|mention| (to, *mention)).collect(),
        }
    }
}

/// What the id of a row is made of that takes what `from` hears of another row to `to`.
pub fn alone_key(news: EventId, from: PersonId, to: PersonId) -> SeenKey {
    SeenKey(digest::first_128(&[news.0.as_bytes(), &from.0.to_be_bytes(), &to.0.to_be_bytes()]))
}

/// A row of news, as it is written with its place in the queue of its shard.
#[derive(Clone, Debug, PartialEq)]
pub struct NewsRow {
    /// Its id.
    pub id: EventId,
    /// What it is about.
    pub topic: Topic,
    /// Of which shard all its people are.
    pub shard: Shard,
    /// When the catalog changed.
    pub occurred_at: ShopTime,
    /// When it is written.
    pub received_at: ShopTime,
    /// The items, as JSON records.
    pub items: Vec<serde_json::Value>,
    /// Who is told of which item, those of one person together; at most [`PEOPLE`] people.
    pub mentions: Vec<(PersonId, Mention)>,
}

impl NewsRow {
    /// The items as they are stored: a JSON list.
    pub fn items_json(&self) -> String {
        serde_json::to_string(&self.items).unwrap_or_default()
    }

    /// What each of its people hears, in their order.
    pub fn heard(&self) -> Vec<(PersonId, Heard)> {
        let items = Value::from_json(&serde_json::Value::Array(self.items.clone()));
        let news = Arc::new(News {
            id: self.id,
            topic: self.topic,
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            items: items.items().into(),
        });
        let each = self.mentions.chunk_by(|(one, _), (other, _)| one == other);
        let heard = each.filter_map(|of| {
            let (person, _) = of.first()?;
            let mentions = of.iter().map(|(_, mention)| *mention).collect();
            Some((*person, Heard { news: news.clone(), mentions }))
        });
        heard.collect()
    }
}

/// What there is to tell of items that have changed, by topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// Items that cost less.
    pub dropped: Items,
    /// Items that are there again.
    pub back: Items,
}

/// Items of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Items {
    /// Which products.
    pub products: Vec<Arc<str>>,
    /// Of each in that order how much it weighs, and what is told of it.
    pub items: Vec<(f64, serde_json::Value)>,
    /// When the last of them changed.
    pub at: ShopTime,
}

impl Items {
    /// The news of a shard, of which these people said something of these products: who, of which by its place, and what. What they
    /// care for is asked as of `begun`, however long telling takes; `told` is what makes the rows' ids.
    pub fn told_to(
        &self,
        (topic, shard): (Topic, Shard),
        people: impl IntoIterator<Item = (PersonId, usize, Interest)>,
        (begun, now): (ShopTime, ShopTime),
        told: &str,
    ) -> Vec<NewsRow> {
        let interested = people.into_iter().filter_map(|(person, item, interest)| {
            let (kind, since) = interest.strongest(begun)?;
            Some((person, item, kind, since))
        });
        // Never after it is told.
        let moments = (self.at.min(now), now);
        rows(topic, shard, moments, &self.items, interested.collect(), told)
    }

    fn add(&mut self, id: &Arc<str>, at: ShopTime, weight: f64, item: serde_json::Value) {
        self.products.push(id.clone());
        self.items.push((weight, item));
        self.at = self.at.max(at);
    }
}

impl Moves {
    /// Adds what a product has become since people were told last, as far as a journey hears it; `at` is since when it is so.
    pub fn add(
        &mut self,
        (id, at): (&Arc<str>, ShopTime),
        (old, new): (&Item, &Item),
        base: Currency,
        hears: impl Fn(Topic) -> bool,
    ) {
        for moved in moved(id, old, new, base) {
            match moved {
                Move::PriceDropped { drop, item } if hears(Topic::PriceDropped) => {
                    self.dropped.add(id, at, drop, item);
                }
                Move::BackInStock { item } if hears(Topic::BackInStock) => self.back.add(id, at, 1.0, item),
                Move::PriceDropped { .. } | Move::BackInStock { .. } => {}
            }
        }
    }

    /// By topic, those of which there is something to tell.
    pub fn topics(&self) -> impl Iterator<Item = (Topic, &Items)> {
        let all = [(Topic::PriceDropped, &self.dropped), (Topic::BackInStock, &self.back)];
        all.into_iter().filter(|(_, items)| !items.products.is_empty())
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.topics().next().is_none()
    }
}

/// Tells people that journeys which watch them went live: rows by shard, in the order of `people`. `key` is what makes their
/// ids: the same gives the same.
pub fn deployed(people: &[PersonId], now: ShopTime, key: &str) -> Vec<NewsRow> {
    let mut shards: BTreeMap<Shard, Vec<PersonId>> = BTreeMap::new();
    for person in people {
        shards.entry(Shard::of(*person)).or_default().push(*person);
    }
    let mut rows = Vec::new();
    for (shard, people) in shards {
        for chunk in people.chunks(PEOPLE) {
            let mention = Mention { item: 0, interest: Kind::Viewed, since: now };
            let first = chunk.first().map_or(0, |person| person.0);
            rows.push(NewsRow {
                id: EventId::new(now, SeenKey::new("deployed", &format!("{key} {first}"))),
                topic: Topic::Deployed,
                shard,
                occurred_at: now,
                received_at: now,
                items: Vec::new(),
                mentions: chunk.iter().map(|person| (*person, mention)).collect(),
            });
        }
    }
    rows
}

/// The items of a stored row; of what is no JSON list none.
pub fn stored_items(text: &str) -> Arc<[Value]> {
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    match Value::from_json(&json) {
        Value::List(items) => items,
        _ => Arc::from([]),
    }
}

/// Someone's mentions on their way into rows.
struct Listener {
    person: PersonId,
    /// Which of all items, and the mention of it.
    mentions: Vec<(usize, Mention)>,
}

/// Makes rows of a shard's people. `items` are all there are, with how much each weighs: of more than [`ITEMS`] for one person
/// the heaviest are told. `interested` says who cares for which item; a person may stand there more than once, in any order.
/// `key` is what makes these rows' ids: the same gives the same.
pub fn rows(
    topic: Topic,
    shard: Shard,
    (occurred_at, now): (ShopTime, ShopTime),
    items: &[(f64, serde_json::Value)],
    mut interested: Vec<(PersonId, usize, Kind, ShopTime)>,
    key: &str,
) -> Vec<NewsRow> {
    let together = topic == Topic::PriceDropped;
    // One event with all of somebody's items, or one for each of them: then those of one item stand together.
    interested.sort_unstable_by_key(
        |(person, item, ..)| {
            if together { (0, *person, *item) } else { (*item, *person, 0) }
        },
    );
    let mut listeners: Vec<Listener> = Vec::new();
    for (person, item, interest, since) in interested {
        let mention = (item, Mention { item: 0, interest, since });
        match listeners.last_mut() {
            Some(last) if together && last.person == person => last.mentions.push(mention),
            _ => listeners.push(Listener { person, mentions: vec![mention] }),
        }
    }
    let mut rows = Vec::new();
    let mut rest = listeners.as_mut_slice();
    while !rest.is_empty() {
        let item_of = |listener: &Listener| listener.mentions.first().map(|(item, _)| *item);
        let first = item_of(&rest[0]);
        let alike = |listener: &&Listener| together || item_of(listener) == first;
        let count = rest.iter().take(PEOPLE).take_while(alike).count();
        let (chunk, behind) = rest.split_at_mut(count);
        rest = behind;
        let number = rows.len();
        rows.push(row(topic, shard, (occurred_at, now), items, chunk, &format!("{key} {number}")));
    }
    rows
}

fn row(
    topic: Topic,
    shard: Shard,
    (occurred_at, now): (ShopTime, ShopTime),
    items: &[(f64, serde_json::Value)],
    listeners: &mut [Listener],
    key: &str,
) -> NewsRow {
    let mut told: Vec<usize> = Vec::new();
    let mut mentions = Vec::with_capacity(listeners.len());
    for listener in listeners {
        let weight = |(item, _): &(usize, Mention)| items.get(*item).map_or(0.0, |(weight, _)| *weight);
        listener.mentions.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(a.0.cmp(&b.0)));
        for (item, mention) in listener.mentions.iter().take(ITEMS) {
            let place = told.iter().position(|known| known == item).unwrap_or_else(|| {
                told.push(*item);
                told.len() - 1
            });
            // 500 people with 10 items each: far below.
            let place = u16::try_from(place).unwrap_or(u16::MAX);
            mentions.push((listener.person, Mention { item: place, ..*mention }));
        }
    }
    let parts: [&[u8]; 4] = [b"news", &topic.code().to_be_bytes(), &[shard.0], key.as_bytes()];
    NewsRow {
        id: EventId::new(now, SeenKey(digest::first_128(&parts))),
        topic,
        shard,
        occurred_at,
        received_at: now,
        items: told.into_iter().filter_map(|item| Some(items.get(item)?.1.clone())).collect(),
        mentions,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(day: i64) -> ShopTime {
        ShopTime::from_millisecond(day * 86_400_000).unwrap()
    }

    fn items(many: usize) -> Vec<(f64, serde_json::Value)> {
        (0..many).map(|nth| (nth as f64, json!({ "product_id": nth.to_string() }))).collect()
    }

    fn rows_of(topic: Topic, many: usize, who: Vec<(PersonId, usize)>) -> Vec<NewsRow> {
        let who = who.into_iter().map(|(person, item)| (person, item, Kind::Viewed, at(1))).collect();
        rows(topic, Shard(7), (at(2), at(3)), &items(many), who, "5")
    }

    #[test]
    fn several_dropped_items_are_one_event_and_items_back_in_stock_one_each() {
        let who = || vec![(PersonId(2), 0), (PersonId(1), 1), (PersonId(2), 1)];
        let dropped = rows_of(Topic::PriceDropped, 2, who());
        assert_eq!(dropped.len(), 1);
        let told: Vec<(i64, &str)> = dropped[0]
            .mentions
            .iter()
            .map(|(person, mention)| {
                (person.0, dropped[0].items[usize::from(mention.item)]["product_id"].as_str().unwrap())
            })
            .collect();
        assert_eq!(told, [(1, "1"), (2, "1"), (2, "0")], "each with the largest drop first");
        let back = rows_of(Topic::BackInStock, 2, who());
        let told: Vec<Vec<i64>> =
            back.iter().map(|row| row.mentions.iter().map(|(person, _)| person.0).collect()).collect();
        assert_eq!(told, [vec![2], vec![1, 2]]);
        assert!(back.iter().all(|row| row.items.len() == 1));
        assert_ne!(back[0].id, back[1].id);
    }

    #[test]
    fn rows_are_of_500_people_at_most_and_events_of_10_items() {
        let many = |people: i64| (0..people).map(|person| (PersonId(person), 0)).collect::<Vec<_>>();
        for topic in Topic::ALL {
            for (people, sizes) in
                [(0, vec![]), (1, vec![1]), (500, vec![500]), (501, vec![500, 1]), (1_000, vec![500, 500])]
            {
                let rows = rows_of(topic, 1, many(people));
                let found: Vec<usize> = rows.iter().map(|row| row.mentions.len()).collect();
                assert_eq!(found, sizes, "{topic:?} of {people}");
            }
        }
        let rows = rows_of(Topic::PriceDropped, 12, (0..12).map(|item| (PersonId(1), item)).collect());
        let ids: Vec<&str> = rows[0].items.iter().map(|item| item["product_id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2"]);
    }
}
