//! What scores are made of, and what people have of them.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use journeyman_domain::{PersonId, ShopTime};
use sqlx::types::JsonValue as Value;
use sqlx::{PgConnection, Row as _};

use crate::{Error, row, statements};

/// What somebody bought on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Bought {
    /// Who; of those who were merged, who they were when they bought.
    pub person: PersonId,
    /// On which day of the shop's calendar, counted from 1970-01-01.
    pub day: i32,
    /// Of `value`, ISO 4217.
    pub currency: String,
    /// For how much.
    pub value: f64,
}

/// Everything that was bought until `until`, by person and day. Days are of `zone`; an order that names no currency is in
/// `currency`. Reads every event.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn purchases(
    connection: &mut PgConnection,
    zone: &str,
    currency: &str,
    until: ShopTime,
) -> Result<Vec<Bought>, Error> {
    let query = sqlx::query(statements::READ_PURCHASES).bind(zone).bind(row::time(until)).bind(currency);
    let mut rows = query.fetch(connection);
    let mut bought = Vec::new();
    while let Some(row) = rows.try_next().await? {
        bought.push(Bought {
            person: PersonId(row.try_get("person_id")?),
            day: row.try_get("day")?,
            currency: row.try_get("currency")?,
            value: row.try_get("value")?,
        });
    }
    Ok(bought)
}

/// The scores these people have, of those who have any.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
pub async fn of(
    connection: &mut PgConnection,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Value>, Error> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let scores: Vec<(i64, Value)> =
        sqlx::query_as(statements::SCORES_OF_PEOPLE).bind(ids).fetch_all(connection).await?;
    Ok(scores.into_iter().map(|(person, scores)| (PersonId(person), scores)).collect())
}
