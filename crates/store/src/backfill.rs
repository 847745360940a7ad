//! Counters made of what was applied before anybody asked for them.

use std::collections::BTreeMap;

use journeyman_domain::PersonId;
use journeyman_domain::backfill::Past;
use journeyman_domain::merge::Merge;
use journeyman_domain::row::StoredFeature;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::{Error, features, statements, stored_events};

/// Keeps others from making counters until the connection closes; `false` where somebody does already.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn lock(connection: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(statements::LOCK_BACKFILL).fetch_one(connection).await?)
}

/// The next `people` people after `after`, in ascending order, each with how many inputs were applied to them.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn people(
    connection: &mut PgConnection,
    after: PersonId,
    people: usize,
) -> Result<Vec<(PersonId, i64)>, Error> {
    let next: Vec<(i64, i64)> = sqlx::query_as(statements::NEXT_PEOPLE)
        .bind(after.0)
        .bind(people as i64)
        .fetch_all(connection)
        .await?;
    Ok(next.into_iter().map(|(person, n)| (PersonId(person), n)).collect())
}

/// What was applied to these people, and to those who turned out to be them, of events of these names and of merges: by
/// person, in the order in which it was.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
pub async fn past(
    connection: &mut PgConnection,
    names: &[&str],
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Vec<Past>>, Error> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let rows = sqlx::query(statements::JOURNALED_EVENTS).bind(ids).bind(names).fetch_all(connection).await?;
    let mut past: BTreeMap<PersonId, Vec<Past>> = BTreeMap::new();
    for row in rows {
        let of = past.entry(PersonId(row.try_get("person_id")?)).or_default();
        match row.try_get::<Option<Uuid>, _>("merge")? {
            Some(merge) => of.push(Past::Taken(Merge::of_reference(merge).loser)),
            None => of.extend(stored_events::event(&row)?.map(Past::Event)),
        }
    }
    Ok(past)
}

/// Writes counters whole, each once.
///
/// # Errors
/// As [`Error`] says.
pub async fn write(
    connection: &mut PgConnection,
    features: &[(PersonId, StoredFeature)],
) -> Result<(), Error> {
    features::upsert(connection, features).await
}
