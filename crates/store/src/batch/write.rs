//! What a batch writes: state that is replaced, and rows that go.

use std::collections::BTreeSet;

use journeyman_domain::row::{Due, EndedRow, ParkedRow, PersonRow, Place, RunRow, Write};
use journeyman_domain::{MessageId, PersonId, ShopTime};
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use super::places::Places;
use super::{append, in_time, merges};
use crate::copy::Rows;
use crate::few::FEW;
use crate::lines::{self, Lines};
use crate::{Error, features, intake, interests, news, row, statements, suppressions};

/// Every statement that has rows, one after the other; each in the time of one step.
pub(super) async fn all(
    tx: &mut PgConnection,
    write: &Write,
    places: &mut Places,
    lines: Option<&Lines>,
) -> Result<(), Error> {
    let talkative: BTreeSet<PersonId> = write.traits.iter().map(|(person, ..)| *person).collect();
    let (born, known): (Vec<&PersonRow>, Vec<&PersonRow>) =
        write.people.iter().partition(|person| person.version == 0);
    in_time(insert_persons(tx, &born, &talkative)).await?;
    in_time(update_persons(tx, &known, &talkative, places)).await?;
    in_time(upsert_traits(tx, &write.traits)).await?;
    in_time(append::runs(tx, &write.begun)).await?;
    in_time(update_runs(tx, &write.moved, places)).await?;
    in_time(append::ended_runs(tx, &write.ended)).await?;
    in_time(delete_runs(tx, &write.ended, &write.moved_out)).await?;
    in_time(features::upsert(tx, &write.features)).await?;
    in_time(delete_due(tx, &write.disarmed, places)).await?;
    in_time(insert_due(tx, &write.armed)).await?;
    in_time(outbox(tx, write, lines)).await?;
    in_time(cancel(tx, &write.cancelled, write.now)).await?;
    in_time(append::withheld(tx, &write.withheld, write.deployment, write.now)).await?;
    in_time(suppressions::lift(tx, &write.lifted)).await?;
    in_time(append::decisions(tx, &write.decisions)).await?;
    in_time(append::rewards(tx, &write.rewards)).await?;
    in_time(append::journal(tx, &write.journal, write.deployment, write.catalog)).await?;
    in_time(append::parked(tx, &write.parked)).await?;
    in_time(merges::all(tx, write)).await?;
    in_time(interests::upsert(tx, &write.interests)).await?;
    in_time(news::write(tx, &write.retold)).await?;
    in_time(delete_intake(tx, &write.done, &write.parked)).await
}

/// Messages, each into its line. Who has not asked for the deployment does not know the lines.
async fn outbox(tx: &mut PgConnection, write: &Write, known: Option<&Lines>) -> Result<(), Error> {
    let read;
    let lines = match known {
        Some(known) => known,
        None => {
            let needed = write.queued.iter().any(|message| message.sender.is_some());
            read = if needed { lines::all(tx).await? } else { Lines::default() };
            &read
        }
    };
    append::outbox(tx, &write.queued, lines, write.deployment).await
}

/// As many rows as were sent, or somebody else has been there.
fn all_of(sent: usize, done: u64, what: &str) -> Result<(), Error> {
    if done == sent as u64 {
        return Ok(());
    }
    Err(Error::Conflict(format!("{done} of {sent} {what} were as they had been read")))
}

#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
async fn insert_persons(
    tx: &mut PgConnection,
    people: &[&PersonRow],
    talkative: &BTreeSet<PersonId>,
) -> Result<(), Error> {
    if people.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(statements::INSERT_PERSONS)
        .bind(people.iter().map(|row| row.person.0).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.n).collect::<Vec<_>>())
        .bind(people.iter().map(|row| talkative.contains(&row.person)).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.zone.as_deref()).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.armed.map(row::time)).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.hot.as_slice()).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.merged_into.map(|winner| winner.0)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    all_of(people.len(), done.rows_affected(), "people to be made")
}

#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
async fn update_persons(
    tx: &mut PgConnection,
    people: &[&PersonRow],
    talkative: &BTreeSet<PersonId>,
    places: &mut Places,
) -> Result<(), Error> {
    if people.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(statements::UPDATE_PERSONS)
        .bind(places.of_people(tx, people).await?)
        .bind(people.iter().map(|row| row.person.0).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.version).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.n).collect::<Vec<_>>())
        .bind(people.iter().map(|row| talkative.contains(&row.person)).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.zone.as_deref()).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.armed.map(row::time)).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.hot.as_slice()).collect::<Vec<_>>())
        .bind(people.iter().map(|row| row.merged_into.map(|winner| winner.0)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    all_of(people.len(), done.rows_affected(), "people")
}

#[tracing::instrument(level = "debug", skip_all, fields(people = traits.len()))]
async fn upsert_traits(tx: &mut PgConnection, traits: &[(PersonId, String, String)]) -> Result<(), Error> {
    if traits.is_empty() {
        return Ok(());
    }
    sqlx::query(statements::UPSERT_TRAITS)
        .bind(traits.iter().map(|(person, ..)| person.0).collect::<Vec<_>>())
        .bind(traits.iter().map(|(_, traits, _)| traits.as_str()).collect::<Vec<_>>())
        .bind(traits.iter().map(|(_, _, times)| times.as_str()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(runs = runs.len()))]
async fn update_runs(tx: &mut PgConnection, runs: &[RunRow], places: &mut Places) -> Result<(), Error> {
    if runs.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(statements::UPDATE_RUNS)
        .bind(places.of_runs(tx, runs).await?)
        .bind(runs.iter().map(|run| run.person.0).collect::<Vec<_>>())
        .bind(runs.iter().map(|run| row::number(run.number)).collect::<Vec<_>>())
        .bind(runs.iter().map(|run| Uuid::from_u128(run.plan.0)).collect::<Vec<_>>())
        .bind(runs.iter().map(|run| &*run.step).collect::<Vec<_>>())
        .bind(runs.iter().map(|run| run.state.as_slice()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    all_of(runs.len(), done.rows_affected(), "runs to be moved")
}

#[tracing::instrument(level = "debug", skip_all)]
async fn delete_runs(
    tx: &mut PgConnection,
    ended: &[EndedRow],
    moved_out: &[(PersonId, u32)],
) -> Result<(), Error> {
    let ended = ended.iter().filter(|run| run.stored).map(|run| (run.person, run.number));
    let live: Vec<(PersonId, u32)> = ended.chain(moved_out.iter().copied()).collect();
    if live.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(statements::DELETE_RUNS)
        .bind(live.iter().map(|(person, _)| person.0).collect::<Vec<_>>())
        .bind(live.iter().map(|(_, number)| row::number(*number)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    all_of(live.len(), done.rows_affected(), "runs to be ended")
}

/// Who wrote these wake-ups wrote their people in the same transaction, and the people's versions were right: one that
/// is missing was taken by nobody who counts. The batch goes on, which puts it right; standing still would not.
#[tracing::instrument(level = "debug", skip_all, fields(wakes = wakes.len()))]
async fn delete_due(tx: &mut PgConnection, wakes: &[Due], places: &Places) -> Result<(), Error> {
    if wakes.is_empty() {
        return Ok(());
    }
    let mut wakes = wakes.to_vec();
    wakes.sort_unstable();
    wakes.dedup();
    let (read, others): (Vec<Due>, Vec<Due>) = wakes.iter().partition(|wake| places.due.contains_key(wake));
    let mut deleted = 0;
    if !read.is_empty() {
        let there: Vec<&str> =
            read.iter().filter_map(|wake| places.due.get(wake)).map(String::as_str).collect();
        let people: Vec<i64> = read.iter().map(|wake| wake.person.0).collect();
        let done =
            sqlx::query(statements::DELETE_DUE_READ).bind(there).bind(people).execute(&mut *tx).await?;
        deleted += done.rows_affected();
    }
    if !others.is_empty() {
        let (shards, at, people) = columns(&others);
        let done = sqlx::query(statements::DELETE_DUE).bind(shards).bind(at).bind(people).execute(tx).await?;
        deleted += done.rows_affected();
    }
    if deleted != wakes.len() as u64 {
        tracing::warn!(deleted, known = wakes.len(), "wake-ups that people are said to have were not there");
    }
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(wakes = wakes.len()))]
async fn insert_due(tx: &mut PgConnection, wakes: &[Due]) -> Result<(), Error> {
    if wakes.is_empty() {
        return Ok(());
    }
    if wakes.len() <= FEW {
        return insert_missing_due(tx, wakes).await;
    }
    // By COPY, which costs half as much as asking of each whether it is there. Should one be, nothing but that is lost.
    tx.execute("SAVEPOINT wakes").await?;
    let mut rows = Rows::new(3, wakes.len() * 40);
    for wake in wakes {
        rows.row().smallint(i16::from(wake.shard.0)).timestamptz(wake.due_at).bigint(wake.person.0);
    }
    match rows.send(tx, statements::COPY_DUE).await {
        Ok(_) => {
            tx.execute("RELEASE SAVEPOINT wakes").await?;
        }
        Err(Error::Refused(_)) => {
            tx.execute("ROLLBACK TO SAVEPOINT wakes").await?;
            insert_missing_due(tx, wakes).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn insert_missing_due(tx: &mut PgConnection, wakes: &[Due]) -> Result<(), Error> {
    let (shards, at, people) = columns(wakes);
    sqlx::query(statements::INSERT_DUE).bind(shards).bind(at).bind(people).execute(tx).await?;
    Ok(())
}

fn columns(wakes: &[Due]) -> (Vec<i16>, Vec<jiff_sqlx::Timestamp>, Vec<i64>) {
    (
        wakes.iter().map(|wake| i16::from(wake.shard.0)).collect(),
        wakes.iter().map(|wake| row::time(wake.due_at)).collect(),
        wakes.iter().map(|wake| wake.person.0).collect(),
    )
}

#[tracing::instrument(level = "debug", skip_all, fields(messages = messages.len()))]
async fn cancel(tx: &mut PgConnection, messages: &[MessageId], now: ShopTime) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = messages.iter().map(|message| message.0).collect();
    sqlx::query(statements::CANCEL_OUTBOX).bind(ids).bind(row::time(now)).execute(tx).await?;
    Ok(())
}

async fn delete_intake(tx: &mut PgConnection, done: &[Place], parked: &[ParkedRow]) -> Result<(), Error> {
    let mut places: Vec<Place> =
        done.iter().copied().chain(parked.iter().filter_map(|parked| parked.place)).collect();
    // News is one row for many people.
    places.sort_unstable();
    places.dedup();
    if places.is_empty() {
        return Ok(());
    }
    all_of(places.len(), intake::delete(tx, &places).await?, "inputs")
}
