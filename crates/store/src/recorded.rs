//! History as it was recorded, person by person: what a backtest lives again.

use std::collections::BTreeMap;

use journeyman_domain::row::StoredEvent;
use journeyman_domain::{Identity, IdentityKind, PersonId, ShopTime};
use sqlx::{PgConnection, Row as _};

use crate::{Error, row, statements, stored_events};

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many events.
    pub events: u64,
    /// When the first arrived.
    pub first: Option<ShopTime>,
    /// When the latest arrived; of imported ones, when it happened. `None` where there is none.
    pub last: Option<ShopTime>,
}

/// How much is recorded up to a moment, or in all. Reads every event.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn span(connection: &mut PgConnection, until: Option<ShopTime>) -> Result<Span, Error> {
    let row = sqlx::query(statements::RECORDED_SPAN).bind(until.map(row::time)).fetch_one(connection).await?;
    Ok(Span {
        events: u64::try_from(row.try_get::<i64, _>("events")?).unwrap_or(0),
        first: row.try_get::<Option<_>, _>("first")?.map(row::shop_time),
        last: row.try_get::<Option<_>, _>("last")?.map(row::shop_time),
    })
}

/// Who was merged, and into whom.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn merges(connection: &mut PgConnection) -> Result<BTreeMap<PersonId, PersonId>, Error> {
    let merged: Vec<(i64, i64)> = sqlx::query_as(statements::RECORDED_MERGES).fetch_all(connection).await?;
    Ok(merged.into_iter().map(|(loser, winner)| (PersonId(loser), PersonId(winner))).collect())
}

/// The next `people` people after `after` who were not merged into another, in ascending order, each with what their
/// sticky draws hang on.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn people(
    connection: &mut PgConnection,
    after: PersonId,
    people: usize,
) -> Result<Vec<(PersonId, i64)>, Error> {
    let next: Vec<(i64, i64)> = sqlx::query_as(statements::RECORDED_PEOPLE)
        .bind(after.0)
        .bind(i64::try_from(people).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    Ok(next.into_iter().map(|(person, key)| (PersonId(person), key)).collect())
}

/// The events of these people up to a moment, by person, each person's in the order in which they arrived. `received_at`
/// says when: of an imported event, when it happened.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
pub async fn events(
    connection: &mut PgConnection,
    people: &[PersonId],
    until: ShopTime,
) -> Result<Vec<(PersonId, StoredEvent)>, Error> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let rows = sqlx::query(statements::RECORDED_EVENTS)
        .bind(ids)
        .bind(row::time(until))
        .fetch_all(connection)
        .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(event) = stored_events::event(&row)? {
            events.push((PersonId(row.try_get("person_id")?), event));
        }
    }
    Ok(events)
}

/// The strongest name of each of these people who has one.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
pub async fn names(
    connection: &mut PgConnection,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Identity>, Error> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let named: Vec<(i64, i16, String)> =
        sqlx::query_as(statements::RECORDED_NAMES).bind(ids).fetch_all(connection).await?;
    let named = named.into_iter().map(|(person, kind, value)| {
        let known = IdentityKind::from_code(kind).ok_or_else(|| row::unknown("identities.kind", kind))?;
        Ok((PersonId(person), Identity { kind: known, value }))
    });
    named.collect()
}
