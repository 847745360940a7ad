//! What a shop has told, as far as journeys and models need it: which events with which properties, of how many people.
//!
//! The newest events are looked at, so many at most: what a shop sends now is what counts.

use std::collections::BTreeMap;

use journeyman_domain::ShopTime;
use sqlx::{PgConnection, Row as _};

use crate::{Error, row, statements};

/// What is told by one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many events.
    pub events: u64,
    /// Of how many people.
    pub people: u64,
    /// When the first of them happened.
    pub first: Option<ShopTime>,
    /// When the last of them happened.
    pub last: Option<ShopTime>,
    /// In how many of them each property stands; those of the elements of `products` as `products.NAME`.
    pub properties: BTreeMap<String, u64>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// By the event's name.
    pub events: BTreeMap<String, Told>,
    /// How many people were looked at.
    pub people: u64,
    /// How many of them have which trait.
    pub traits: BTreeMap<String, u64>,
    /// How many products the catalog has.
    pub products: u64,
    /// How many of them have which field.
    pub fields: BTreeMap<String, u64>,
    /// People who bought.
    pub buyers: u64,
    /// Those who did on more than one day.
    pub bought_again: u64,
    /// Over how many days what they bought lies.
    pub bought_days: u64,
}

/// Looks at the newest `events`, and at as many people.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn look(connection: &mut PgConnection, events: u32) -> Result<Found, Error> {
    let most = i64::from(events);
    let mut found = Found::default();
    for row in sqlx::query(statements::READINESS_EVENTS).bind(most).fetch_all(&mut *connection).await? {
        let told = Told {
            events: count(row.try_get("events")?),
            people: count(row.try_get("people")?),
            first: row.try_get::<Option<_>, _>("first")?.map(row::shop_time),
            last: row.try_get::<Option<_>, _>("last")?.map(row::shop_time),
            properties: BTreeMap::new(),
        };
        found.events.insert(row.try_get("name")?, told);
    }
    let properties: Vec<(String, String, i64)> =
        sqlx::query_as(statements::READINESS_PROPERTIES).bind(most).fetch_all(&mut *connection).await?;
    for (name, key, events) in properties {
        found.events.entry(name).or_default().properties.insert(key, count(events));
    }
    let traits: Vec<(String, i64)> =
        sqlx::query_as(statements::READINESS_TRAITS).bind(most).fetch_all(&mut *connection).await?;
    (found.people, found.traits) = apart(traits);
    let fields: Vec<(String, i64)> =
        sqlx::query_as(statements::READINESS_PRODUCTS).fetch_all(&mut *connection).await?;
    (found.products, found.fields) = apart(fields);
    let (buyers, again, days): (i64, i64, i64) =
        sqlx::query_as(statements::READINESS_BUYERS).bind(most).fetch_one(connection).await?;
    (found.buyers, found.bought_again, found.bought_days) = (count(buyers), count(again), count(days));
    Ok(found)
}

/// The count without a name, and the others.
fn apart(counts: Vec<(String, i64)>) -> (u64, BTreeMap<String, u64>) {
    let mut counts: BTreeMap<String, u64> =
        counts.into_iter().map(|(name, many)| (name, count(many))).collect();
    (counts.remove("").unwrap_or(0), counts)
}

fn count(many: i64) -> u64 {
    u64::try_from(many).unwrap_or(0)
}
