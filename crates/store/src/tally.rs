//! What has come of it all: counts for the end of a demo, and a check that shares nothing with the engine but the tables.
//!
//! These read whole tables: they are for a shop of some thousand people, not for one that runs for years.

use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, Refused, ShopTime};
use sqlx::Row as _;
use sqlx::postgres::{PgPool, PgRow};
use uuid::Uuid;

use crate::outbox::State;
use crate::pool::{REPORT_SILENCE, read};
use crate::{Error, row, statements};

/// What is to be done now, and when there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Inputs that wait to be applied.
    pub inputs: i64,
    /// People with timers that are due.
    pub timers: i64,
    /// Messages that may leave now, or are leaving.
    pub messages: i64,
    /// When the next timer is due or the next message may be tried again.
    pub next_at: Option<ShopTime>,
}

impl Waiting {
    /// Nothing is to be done at this moment.
    pub fn is_quiet(&self) -> bool {
        self.inputs == 0 && self.timers == 0 && self.messages == 0
    }
}

/// What waits at a moment of shop time.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip(pool))]
pub async fn waiting(pool: &PgPool, now: ShopTime) -> Result<Waiting, Error> {
    let row = one(pool, sqlx::query(statements::TALLY_WAITING).bind(row::time(now))).await?;
    Ok(Waiting {
        inputs: row.try_get("inputs")?,
        timers: row.try_get("timers")?,
        messages: row.try_get("messages")?,
        next_at: row.try_get::<Option<_>, _>("next_at")?.map(row::shop_time),
    })
}

/// Counts of whole tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events stored.
    pub events: i64,
    /// Events applied to somebody.
    pub applied: i64,
    /// People, each once however many names they have.
    pub people: i64,
    /// What came through the door and could not be an event.
    pub rejected: i64,
    /// Inputs that could not be applied.
    pub parked: i64,
}

/// Counts of whole tables.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn totals(pool: &PgPool) -> Result<Totals, Error> {
    let row = one(pool, sqlx::query(statements::TALLY_TOTALS)).await?;
    Ok(Totals {
        events: row.try_get("events")?,
        applied: row.try_get("applied")?,
        people: row.try_get("people")?,
        rejected: row.try_get("rejected")?,
        parked: row.try_get("parked")?,
    })
}

/// Runs that are over, of one journey and one fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which journey.
    pub journey: String,
    /// Whether its person was held out, by the journey or everywhere.
    pub held_out: bool,
    /// Whether the goal was reached.
    pub reached: bool,
    /// Whether its person may have been held out and spoken to, or in two options, since two turned out to be one: no lift
    /// is told of them.
    pub mixed: bool,
    /// How many.
    pub runs: i64,
}

/// Runs that are over.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn ended_runs(pool: &PgPool) -> Result<Vec<Ended>, Error> {
    let rows = all(pool, sqlx::query(statements::TALLY_ENDED_RUNS)).await?;
    let ended = rows.iter().map(|row| {
        Ok(Ended {
            journey: row.try_get("journey")?,
            held_out: row.try_get::<i16, _>("held_out")? != 0,
            reached: row.try_get("reached")?,
            mixed: row.try_get("mixed")?,
            runs: row.try_get("runs")?,
        })
    });
    ended.collect()
}

/// Runs under way: their journeys, their state as `domain` decodes it, and whether their people are [`Ended::mixed`].
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn live_runs(pool: &PgPool) -> Result<Vec<(String, Vec<u8>, bool)>, Error> {
    let rows = all(pool, sqlx::query(statements::TALLY_LIVE_RUNS)).await?;
    let run = |row: &PgRow| Ok((row.try_get("journey")?, row.try_get("state")?, row.try_get("mixed")?));
    rows.iter().map(run).collect()
}

/// Messages of one journey, channel and state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    /// Which journey.
    pub journey: String,
    /// By what.
    pub channel: Channel,
    /// Where they stand.
    pub state: State,
    /// How many.
    pub count: i64,
}

/// Messages, on their way and over.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn messages(pool: &PgPool) -> Result<Vec<Messages>, Error> {
    let rows = all(pool, sqlx::query(statements::TALLY_MESSAGES)).await?;
    let messages = rows.iter().map(|row| {
        let state: i16 = row.try_get("state")?;
        Ok(Messages {
            journey: row.try_get("journey")?,
            channel: channel(row)?,
            state: State::from_code(state).ok_or_else(|| row::unknown("messages.state", state))?,
            count: row.try_get("messages")?,
        })
    });
    messages.collect()
}

/// Messages of a journey and a channel that people did something with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engaged {
    /// Which journey.
    pub journey: String,
    /// By what.
    pub channel: Channel,
    /// How many were opened; who clicked has opened.
    pub opened: i64,
    /// How many were clicked.
    pub clicked: i64,
}

/// Messages that people did something with, by journey and channel.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn engaged(pool: &PgPool) -> Result<Vec<Engaged>, Error> {
    let rows = all(pool, sqlx::query(statements::TALLY_ENGAGED)).await?;
    let engaged = rows.iter().map(|row| {
        Ok(Engaged {
            journey: row.try_get("journey")?,
            channel: channel(row)?,
            opened: row.try_get("opened")?,
            clicked: row.try_get("clicked")?,
        })
    });
    engaged.collect()
}

/// How often something was refused, by journey and reason; the journey is empty where it is of the person.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn refusals(pool: &PgPool) -> Result<Vec<(String, Refused, i64)>, Error> {
    let rows = all(pool, sqlx::query(statements::TALLY_REFUSALS)).await?;
    let refusals = rows.iter().map(|row| {
        let reason: i16 = row.try_get("reason")?;
        let known = Refused::from_number(reason).ok_or_else(|| row::unknown("journal.refusals", reason))?;
        Ok((row.try_get("journey")?, known, row.try_get("refusals")?))
    });
    refusals.collect()
}

/// The client's ids of a source's events, and how often each is stored.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn events_of(pool: &PgPool, source: &str) -> Result<Vec<(String, i64)>, Error> {
    let rows = all(pool, sqlx::query(statements::CHECK_EVENTS).bind(source.to_owned())).await?;
    rows.iter().map(|row| Ok((row.try_get("message_id")?, row.try_get("events")?))).collect()
}

/// How many events were told of messages, by name: all but those of these sources.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn told(pool: &PgPool, but: &[&str]) -> Result<Vec<(String, i64)>, Error> {
    let but: Vec<String> = but.iter().map(|source| (*source).to_owned()).collect();
    let rows = all(pool, sqlx::query(statements::CHECK_TOLD).bind(but)).await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("events")?))).collect()
}

/// How many stored events were applied to nobody, and how often one was applied to the same person again.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn applied(pool: &PgPool) -> Result<(i64, i64), Error> {
    let row = one(pool, sqlx::query(statements::CHECK_APPLIED)).await?;
    Ok((row.try_get("missing")?, row.try_get("again")?))
}

/// How many people said that they want no more of a message that they got, by whatever channel.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn unsubscribed(pool: &PgPool) -> Result<i64, Error> {
    let row = one(pool, sqlx::query(statements::TALLY_UNSUBSCRIBED)).await?;
    Ok(row.try_get("events")?)
}

/// What orders since a moment came to, in whatever currency they say.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn revenue(pool: &PgPool, since: ShopTime) -> Result<f64, Error> {
    let row = one(pool, sqlx::query(statements::TALLY_REVENUE).bind(row::time(since))).await?;
    Ok(row.try_get("revenue")?)
}

/// The messages that the tables say were accepted by a channel that leads out of the house.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn accepted(pool: &PgPool) -> Result<Vec<MessageId>, Error> {
    let rows = all(pool, sqlx::query(statements::CHECK_ACCEPTED)).await?;
    rows.iter().map(|row| Ok(MessageId(row.try_get::<Uuid, _>("id")?))).collect()
}

fn channel(row: &PgRow) -> Result<Channel, Error> {
    let channel: i16 = row.try_get("channel")?;
    let known = Channel::ALL.into_iter().find(|known| *known as i16 == channel);
    known.ok_or_else(|| row::unknown("messages.channel", channel))
}

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

async fn one(pool: &PgPool, query: Query) -> Result<PgRow, Error> {
    read(pool, REPORT_SILENCE, async |connection| Ok(query.fetch_one(connection).await?)).await
}

async fn all(pool: &PgPool, query: Query) -> Result<Vec<PgRow>, Error> {
    read(pool, REPORT_SILENCE, async |connection| Ok(query.fetch_all(connection).await?)).await
}
