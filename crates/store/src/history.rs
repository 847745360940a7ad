//! What happened to a person and why, for people who ask.

use std::sync::Arc;

use journeyman_domain::decision::{Choice, Rule};
use journeyman_domain::merge::{Merge, MovedRun};
use journeyman_domain::plan::PlanHash;
use journeyman_domain::row::{Applied, DecisionRow, EndedRow, JournalRow, RunRow, StoredEvent};
use journeyman_domain::{EventId, Identity, MessageId, PersonId, Refusal, Refused};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

pub use crate::messages::MessageRow;
use crate::{Error, messages, row, statements, stored_events};

/// The person of a name; whoever they were merged into.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn person_named(connection: &mut PgConnection, name: &Identity) -> Result<Option<PersonId>, Error> {
    let named: Option<i64> = sqlx::query_scalar(statements::FIND_BY_NAME)
        .bind(name.kind.code())
        .bind(&name.value)
        .fetch_optional(&mut *connection)
        .await?;
    match named {
        Some(named) => person(connection, PersonId(named)).await,
        None => Ok(None),
    }
}

/// The person of an id; whoever they were merged into.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn person(connection: &mut PgConnection, id: PersonId) -> Result<Option<PersonId>, Error> {
    let head: Option<i64> =
        sqlx::query_scalar(statements::FIND_HEAD).bind(id.0).fetch_optional(connection).await?;
    Ok(head.map(PersonId))
}

/// Whom an event is about, where it is there.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn person_of(connection: &mut PgConnection, event: EventId) -> Result<Option<PersonId>, Error> {
    let person: Option<i64> =
        sqlx::query_scalar(statements::PERSON_OF_EVENT).bind(event.0).fetch_optional(connection).await?;
    Ok(person.map(PersonId))
}

/// An input that was applied, and under which deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalLine {
    /// The deployment.
    pub deployment: i64,
    /// The number of the catalog that was seen, where a product was asked for.
    pub catalog: Option<i64>,
    /// The input.
    pub row: JournalRow,
}

/// Everything applied to a person, in the order in which it was.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn journal(connection: &mut PgConnection, person: PersonId) -> Result<Vec<JournalLine>, Error> {
    let rows = sqlx::query(statements::JOURNAL_OF_PERSON).bind(person.0).fetch_all(connection).await?;
    rows.iter().map(|row| journal_line(row, person)).collect()
}

fn journal_line(row: &PgRow, person: PersonId) -> Result<JournalLine, Error> {
    let what: i16 = row.try_get("what")?;
    let reference = || row.try_get::<Uuid, _>("ref");
    let moment = || row.try_get("moment").map(row::shop_time);
    let what = match what {
        1 => Applied::Event(EventId(reference()?)),
        2 => Applied::Timer(moment()?),
        3 | 4 => Applied::Report { message: MessageId(reference()?), accepted: what == 3, at: moment()? },
        5 => Applied::Closed { merge: Merge::of_reference(reference()?), at: moment()? },
        6 => Applied::Taken { merge: Merge::of_reference(reference()?), at: moment()? },
        7 => Applied::News { news: EventId(reference()?), at: moment()? },
        _ => return Err(row::unknown("journal.what", what)),
    };
    let reasons: Option<Vec<i16>> = row.try_get("refusals")?;
    let of: Option<Vec<String>> = row.try_get("refused")?;
    let refusals = reasons.unwrap_or_default().into_iter().zip(of.unwrap_or_default()).map(|(reason, of)| {
        let known = Refused::from_number(reason).ok_or_else(|| row::unknown("journal.refusals", reason))?;
        Ok(Refusal { of: of.into(), reason: known })
    });
    Ok(JournalLine {
        deployment: row.try_get("deployment")?,
        catalog: row.try_get("catalog")?,
        row: JournalRow {
            person,
            n: row.try_get("n")?,
            what,
            at: row::shop_time(row.try_get("at")?),
            refusals: refusals.collect::<Result<_, Error>>()?,
        },
    })
}

/// Events by id, in the order asked for; those that are not there are left out.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(events = ids.len()))]
pub async fn events(connection: &mut PgConnection, ids: &[EventId]) -> Result<Vec<StoredEvent>, Error> {
    let found = stored_events::by_id(connection, ids.iter().map(|id| id.0).collect()).await?;
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

/// Where a person's runs went with their state when they turned out to be somebody else, by their old numbers.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn moved_runs(connection: &mut PgConnection, person: PersonId) -> Result<Vec<MovedRun>, Error> {
    let rows = sqlx::query(statements::MOVED_RUNS_OF_PERSON).bind(person.0).fetch_all(connection).await?;
    let moved = |row: &PgRow| {
        let number = |name: &str| Ok::<_, Error>(row.try_get::<i32, _>(name)?.unsigned_abs());
        let to = PersonId(row.try_get("winner")?);
        Ok(MovedRun { from: person, number: number("number")?, to, becomes: number("becomes")? })
    };
    rows.iter().map(moved).collect()
}

/// Journeys in which somebody known by these ids may have been in two options, since two were drawn before they turned out to be
/// one: what they did counts for no lift.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
pub async fn mixed(connection: &mut PgConnection, people: &[PersonId]) -> Result<Vec<String>, Error> {
    let people: Vec<i64> = people.iter().map(|person| person.0).collect();
    Ok(sqlx::query_scalar(statements::MIXED_OF_PEOPLE).bind(people).fetch_all(connection).await?)
}

/// A person's messages, by the moment they were queued.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn messages(connection: &mut PgConnection, person: PersonId) -> Result<Vec<MessageRow>, Error> {
    let rows = sqlx::query(statements::MESSAGES_OF_PERSON).bind(person.0).fetch_all(connection).await?;
    rows.iter().map(messages::message).collect()
}

/// A person's live runs, by number.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn runs(connection: &mut PgConnection, person: PersonId) -> Result<Vec<RunRow>, Error> {
    let rows = sqlx::query(statements::RUNS_OF_PERSON).bind(person.0).fetch_all(connection).await?;
    let run = |row: &PgRow| {
        Ok(RunRow {
            person,
            number: row.try_get::<i32, _>("number")? as u32,
            journey: text(row, "journey")?,
            plan: plan(row)?,
            step: text(row, "step")?,
            started_at: row::shop_time(row.try_get("started_at")?),
            state: row.try_get("state")?,
        })
    };
    rows.iter().map(run).collect()
}

/// A person's runs that are over, by number.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn ended(connection: &mut PgConnection, person: PersonId) -> Result<Vec<EndedRow>, Error> {
    let rows = sqlx::query(statements::ENDED_RUNS_OF_PERSON).bind(person.0).fetch_all(connection).await?;
    let run = |row: &PgRow| {
        Ok(EndedRow {
            person,
            number: row.try_get::<i32, _>("number")? as u32,
            journey: text(row, "journey")?,
            plan: plan(row)?,
            key: row.try_get::<Option<&str>, _>("key")?.map(Arc::from),
            started_at: row::shop_time(row.try_get("started_at")?),
            entered_at: row::shop_time(row.try_get("entered_at")?),
            ended_at: row::shop_time(row.try_get("ended_at")?),
            reason: row.try_get("reason")?,
            held_out: row.try_get("held_out")?,
            first_send: row.try_get::<Option<_>, _>("first_send")?.map(row::shop_time),
            goal_at: row.try_get::<Option<_>, _>("goal_at")?.map(row::shop_time),
            goal_value: row.try_get("goal_value")?,
            stored: false,
            state: row.try_get("state")?,
        })
    };
    rows.iter().map(run).collect()
}

/// Choices made for a person, by their moment.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn decisions(connection: &mut PgConnection, person: PersonId) -> Result<Vec<DecisionRow>, Error> {
    let rows = sqlx::query(statements::DECISIONS_OF_PERSON).bind(person.0).fetch_all(connection).await?;
    rows.iter().map(decision).collect()
}

/// A row of `decisions`.
pub(crate) fn decision(row: &PgRow) -> Result<DecisionRow, Error> {
    let (what, rule): (i16, i16) = (row.try_get("what")?, row.try_get("rule")?);
    Ok(DecisionRow {
        person: PersonId(row.try_get("person_id")?),
        run: row.try_get::<i32, _>("run")? as u32,
        journey: text(row, "journey")?,
        step: text(row, "step")?,
        visit: row.try_get::<i32, _>("visit")? as u32,
        at: row::shop_time(row.try_get("at")?),
        options: row.try_get::<Vec<String>, _>("options")?.into_iter().map(Arc::from).collect(),
        choice: text(row, "choice")?,
        propensities: row.try_get("propensities")?,
        what: Choice::from_code(what).ok_or_else(|| row::unknown("decisions.what", what))?,
        rule: Rule::from_code(rule).ok_or_else(|| row::unknown("decisions.rule", rule))?,
        snapshot: row.try_get("snapshot")?,
        message: row.try_get::<Option<Uuid>, _>("message_id")?.map(MessageId),
        features: text(row, "features")?,
    })
}

/// How many people there are to whom anything was applied, each once whoever they turned out to be.
///
/// # Errors
/// As [`Error`] says.
pub async fn count(connection: &mut PgConnection) -> Result<u64, Error> {
    let count: i64 = sqlx::query_scalar(statements::COUNT_PEOPLE).fetch_one(connection).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// `people` of those who have a state, drawn by `seed`. Reads all ids.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn sample(connection: &mut PgConnection, people: usize, seed: i64) -> Result<Vec<PersonId>, Error> {
    let drawn: Vec<i64> = sqlx::query_scalar(statements::SAMPLE_PEOPLE)
        .bind(seed)
        .bind(people as i64)
        .fetch_all(connection)
        .await?;
    Ok(drawn.into_iter().map(PersonId).collect())
}

fn text(row: &PgRow, name: &str) -> Result<Arc<str>, Error> {
    Ok(row.try_get::<&str, _>(name)?.into())
}

fn plan(row: &PgRow) -> Result<PlanHash, Error> {
    Ok(PlanHash(row.try_get::<Uuid, _>("plan")?.as_u128()))
}
