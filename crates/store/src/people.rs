//! Finding and making the people of events.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::people::{Found, Plan, Who, names_of, plan};
use journeyman_domain::{Event, Identity, IdentityKind, PersonId};
use sqlx::{Executor as _, PgConnection};

use crate::{Error, row, statements};

/// How often names may be lost to others before the transaction gives up and is written again from its start.
const ROUNDS: usize = 8;

/// The person of each event. Names and people that are new are written, merges asked for are recorded.
///
/// Somebody else may take a name between looking and writing. Then what was written is taken back and planned again
/// on what they committed.
pub(crate) async fn resolve(tx: &mut PgConnection, events: &[&Event]) -> Result<Vec<PersonId>, Error> {
    for _ in 0..ROUNDS {
        let mut found = Found::new(find(tx, names_of(events)).await?);
        let aliased = found.aliased(events);
        if !aliased.is_empty() {
            found.names.extend(find(tx, aliased).await?);
        }
        found.known.extend(find_known(tx, found.doubtful(events)).await?);
        let plan = plan(events, &found);
        if plan.names.is_empty() {
            return finish(tx, events, &plan, &[]).await;
        }
        tx.execute("SAVEPOINT names").await?;
        let born = reserve(tx, plan.births.len()).await?;
        if insert_names(tx, &plan, &born).await? == plan.names.len() as u64 {
            insert_heads(tx, &plan, &born).await?;
            return finish(tx, events, &plan, &born).await;
        }
        tx.execute("ROLLBACK TO SAVEPOINT names").await?;
    }
    Err(Error::Busy(sqlx::Error::Protocol("names kept being taken by others".to_owned())))
}

#[tracing::instrument(level = "debug", skip_all)]
async fn find(
    tx: &mut PgConnection,
    names: BTreeSet<Identity>,
) -> Result<BTreeMap<Identity, PersonId>, Error> {
    let kinds: Vec<i16> = names.iter().map(|name| name.kind.code()).collect();
    let values: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
    let rows: Vec<(i16, String, i64)> =
        sqlx::query_as(statements::FIND_PEOPLE).bind(kinds).bind(values).fetch_all(tx).await?;
    let found = rows.into_iter().filter_map(|(kind, value, person)| {
        Some((Identity { kind: IdentityKind::from_code(kind)?, value }, PersonId(person)))
    });
    Ok(found.collect())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn find_known(tx: &mut PgConnection, people: BTreeSet<PersonId>) -> Result<Vec<PersonId>, Error> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let known: Vec<i64> = sqlx::query_scalar(statements::FIND_KNOWN).bind(ids).fetch_all(tx).await?;
    Ok(known.into_iter().map(PersonId).collect())
}

#[tracing::instrument(level = "debug", skip(tx))]
async fn reserve(tx: &mut PgConnection, people: usize) -> Result<Vec<PersonId>, Error> {
    if people == 0 {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> =
        sqlx::query_scalar(statements::RESERVE_PERSON_IDS).bind(people as i64).fetch_all(tx).await?;
    Ok(ids.into_iter().map(PersonId).collect())
}

fn id(who: Who, born: &[PersonId]) -> PersonId {
    match who {
        Who::Here(person) => person,
        Who::Born(nth) => born[nth],
    }
}

#[tracing::instrument(level = "debug", skip_all)]
async fn insert_names(tx: &mut PgConnection, plan: &Plan, born: &[PersonId]) -> Result<u64, Error> {
    let kinds: Vec<i16> = plan.names.keys().map(|name| name.kind.code()).collect();
    let values: Vec<&str> = plan.names.keys().map(|name| name.value.as_str()).collect();
    let people: Vec<i64> = plan.names.values().map(|who| id(*who, born).0).collect();
    let done = sqlx::query(statements::INSERT_IDENTITIES).bind(kinds).bind(values).bind(people);
    Ok(done.execute(tx).await?.rows_affected())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn insert_heads(tx: &mut PgConnection, plan: &Plan, born: &[PersonId]) -> Result<(), Error> {
    if born.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = born.iter().map(|person| person.0).collect();
    let keys: Vec<i64> = plan.births.iter().map(|birth| birth.assignment_key).collect();
    let at: Vec<_> = plan.births.iter().map(|birth| row::time(birth.at)).collect();
    sqlx::query(statements::INSERT_HEADS).bind(ids).bind(keys).bind(at).execute(tx).await?;
    Ok(())
}

/// Records merges and answers who each event is about.
#[tracing::instrument(level = "debug", skip_all)]
async fn finish(
    tx: &mut PgConnection,
    events: &[&Event],
    plan: &Plan,
    born: &[PersonId],
) -> Result<Vec<PersonId>, Error> {
    if !plan.merges.is_empty() {
        let losers: Vec<i64> = plan.merges.iter().map(|merge| id(merge.loser, born).0).collect();
        let winners: Vec<i64> = plan.merges.iter().map(|merge| id(merge.winner, born).0).collect();
        let ids: Vec<_> = plan.merges.iter().map(|merge| events[merge.event].id.0).collect();
        let reasons: Vec<i16> = plan.merges.iter().map(|merge| merge.reason.code()).collect();
        let at: Vec<_> = plan.merges.iter().map(|merge| row::time(events[merge.event].received_at)).collect();
        sqlx::query(statements::INSERT_MERGE_REQUESTS)
            .bind(losers)
            .bind(winners)
            .bind(ids)
            .bind(reasons)
            .bind(at)
            .execute(tx)
            .await?;
    }
    Ok(plan.of.iter().map(|who| id(*who, born)).collect())
}
