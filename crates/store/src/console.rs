//! What the console shows of a shop: figures by journey and step, and people by what somebody knows of them.
//!
//! Figures are counted set by set in one snapshot. What is under way is read whole: a row each of `runs` and `outbox`. What is
//! over is read since a moment, by partitions: `ended_runs` and `messages`. Of events only those are read that the index
//! `events_tracked` holds. Who shows them keeps them for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::{EventId, Identity, IdentityKind, MessageId, PersonId, ShopTime};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::outbox::State;
use crate::{Error, REPORT_SILENCE, read, row, statements};

/// Runs that stand at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of which journey.
    pub journey: Arc<str>,
    /// At which step; empty where all is walked and only the goal is looked for.
    pub step: Arc<str>,
    /// How many.
    pub runs: u64,
    /// How many of them began since.
    pub entered: u64,
}

/// Runs that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Of which journey.
    pub journey: Arc<str>,
    /// Why: as `ended_runs.reason` has it.
    pub reason: Arc<str>,
    /// Whether their people were held out.
    pub held_out: bool,
    /// How many.
    pub runs: u64,
    /// How many of them began since.
    pub entered: u64,
    /// How many reached the goal.
    pub goals: u64,
}

/// Messages of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Of which journey.
    pub journey: Arc<str>,
    /// Of which step.
    pub step: Arc<str>,
    /// Where they stand.
    pub state: State,
    /// How many.
    pub messages: u64,
}

/// Messages of a step that came back to our door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engaged {
    /// Of which journey.
    pub journey: Arc<str>,
    /// Of which step.
    pub step: Arc<str>,
    /// Of how many anything was seen.
    pub opened: u64,
    /// Of how many a link was followed.
    pub clicked: u64,
}

/// All figures, of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// What is under way.
    pub standing: Vec<Standing>,
    /// What ended since.
    pub ended: Vec<Ended>,
    /// Messages on their way, and those of runs that began since.
    pub sent: Vec<Sent>,
    /// Of those, what our door saw.
    pub engaged: Vec<Engaged>,
}

/// How long one statement of a count may take, minutes: a large shop's takes longer than people wait for.
pub const COUNT_MINUTES: u64 = 5;
/// How long a count may take in all: as long as it holds its snapshot nothing that was deleted is cleared away.
const COUNT_SILENCE: Duration = Duration::from_secs(2 * COUNT_MINUTES * 60);

/// Counts everything since a moment.
///
/// # Errors
/// As [`Error`] says; [`Error::took_too_long`] of a shop that is too large to be counted so.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn figures(pool: &PgPool, since: ShopTime) -> Result<Figures, Error> {
    read(pool, COUNT_SILENCE, async |connection| {
        let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let patient = format!("SET LOCAL statement_timeout = '{COUNT_MINUTES}min'");
        tx.execute(sqlx::AssertSqlSafe(patient)).await?;
        let floor = EventId::floor(since);
        let figures = Figures {
            standing: standing(&mut tx, since).await?,
            ended: ended(&mut tx, since).await?,
            sent: sent(&mut tx, floor).await?,
            engaged: engaged(&mut tx, floor).await?,
        };
        tx.commit().await?;
        Ok(figures)
    })
    .await
}

#[tracing::instrument(level = "debug", skip_all)]
async fn standing(connection: &mut PgConnection, since: ShopTime) -> Result<Vec<Standing>, Error> {
    let rows = sqlx::query(statements::CONSOLE_RUNS).bind(row::time(since)).fetch_all(connection).await?;
    let standing = |row: &PgRow| {
        Ok(Standing {
            journey: text(row, "journey")?,
            step: text(row, "step")?,
            runs: count(row, "runs")?,
            entered: count(row, "entered")?,
        })
    };
    rows.iter().map(standing).collect()
}

#[tracing::instrument(level = "debug", skip_all)]
async fn ended(connection: &mut PgConnection, since: ShopTime) -> Result<Vec<Ended>, Error> {
    let rows = sqlx::query(statements::CONSOLE_ENDED).bind(row::time(since)).fetch_all(connection).await?;
    let ended = |row: &PgRow| {
        Ok(Ended {
            journey: text(row, "journey")?,
            reason: text(row, "reason")?,
            held_out: row.try_get("held_out")?,
            runs: count(row, "runs")?,
            entered: count(row, "entered")?,
            goals: count(row, "goals")?,
        })
    };
    rows.iter().map(ended).collect()
}

#[tracing::instrument(level = "debug", skip_all)]
async fn sent(connection: &mut PgConnection, floor: Uuid) -> Result<Vec<Sent>, Error> {
    let rows = sqlx::query(statements::CONSOLE_MESSAGES).bind(floor).fetch_all(connection).await?;
    let sent = |row: &PgRow| {
        let state: i16 = row.try_get("state")?;
        Ok(Sent {
            journey: text(row, "journey")?,
            step: text(row, "step")?,
            state: State::from_code(state).ok_or_else(|| row::unknown("state", state))?,
            messages: count(row, "messages")?,
        })
    };
    rows.iter().map(sent).collect()
}

#[tracing::instrument(level = "debug", skip_all)]
async fn engaged(connection: &mut PgConnection, floor: Uuid) -> Result<Vec<Engaged>, Error> {
    let rows = sqlx::query(statements::CONSOLE_ENGAGED).bind(floor).fetch_all(connection).await?;
    let engaged = |row: &PgRow| {
        Ok(Engaged {
            journey: text(row, "journey")?,
            step: text(row, "step")?,
            opened: count(row, "opened")?,
            clicked: count(row, "clicked")?,
        })
    };
    rows.iter().map(engaged).collect()
}

/// Of which of these messages, each with its person, our door saw something; true where a link was followed.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(messages = messages.len()))]
pub async fn engaged_of(
    pool: &PgPool,
    messages: &[(MessageId, PersonId)],
) -> Result<BTreeMap<MessageId, bool>, Error> {
    let (ids, people): (Vec<Uuid>, Vec<i64>) =
        messages.iter().map(|(message, person)| (message.0, person.0)).unzip();
    let rows: Vec<(Uuid, bool)> = read(pool, REPORT_SILENCE, async |connection| {
        let ask = sqlx::query_as(statements::CONSOLE_ENGAGED_OF).bind(ids).bind(people);
        Ok(ask.fetch_all(connection).await?)
    })
    .await?;
    Ok(rows.into_iter().map(|(message, clicked)| (MessageId(message), clicked)).collect())
}

/// What people are known by: the shop's id of each, else the first of their devices' ids.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
pub async fn names(pool: &PgPool, people: &[PersonId]) -> Result<BTreeMap<PersonId, Identity>, Error> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let rows = read(pool, REPORT_SILENCE, async |connection| {
        Ok(sqlx::query(statements::CONSOLE_NAMES).bind(ids).fetch_all(connection).await?)
    })
    .await?;
    let name = |row: &PgRow| Ok((PersonId(row.try_get("person_id")?), identity(row)?));
    rows.iter().map(name).collect()
}

/// Everything these people, who are one, are known by, at most so many.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn identities(pool: &PgPool, people: &[PersonId], limit: usize) -> Result<Vec<Identity>, Error> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let rows = read(pool, REPORT_SILENCE, async |connection| {
        let ask = sqlx::query(statements::CONSOLE_IDENTITIES).bind(ids).bind(limit as i64);
        Ok(ask.fetch_all(connection).await?)
    })
    .await?;
    rows.iter().map(identity).collect()
}

/// The people whose trait `email` is this address, however it is written; at most so many.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn people_by_email(pool: &PgPool, email: &str, limit: usize) -> Result<Vec<PersonId>, Error> {
    let people: Vec<i64> = read(pool, REPORT_SILENCE, async |connection| {
        let ask = sqlx::query_scalar(statements::CONSOLE_PEOPLE_BY_EMAIL);
        Ok(ask.bind(row::text(email)).bind(limit as i64).fetch_all(connection).await?)
    })
    .await?;
    Ok(people.into_iter().map(PersonId).collect())
}

fn identity(row: &PgRow) -> Result<Identity, Error> {
    let kind: i16 = row.try_get("kind")?;
    let kind = IdentityKind::from_code(kind).ok_or_else(|| row::unknown("identities.kind", kind))?;
    Ok(Identity { kind, value: row.try_get("value")? })
}

fn text(row: &PgRow, name: &str) -> Result<Arc<str>, Error> {
    Ok(row.try_get::<&str, _>(name)?.into())
}

fn count(row: &PgRow, name: &str) -> Result<u64, Error> {
    Ok(row.try_get::<i64, _>(name)?.unsigned_abs())
}
