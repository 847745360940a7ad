//! What operators hold back at once: messages of a journey, of a channel, or all of them.
//!
//! A stop holds from its commit on, since `start` looks here just before the first byte. What waits is then marked as held,
//! so that it can be counted and nobody asks for it again and again.

use std::sync::Arc;

use journeyman_domain::ShopTime;
use journeyman_domain::plan::Channel;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use crate::outbox::{self, Ended, STOPPED};
use crate::pool::{REPORT_SILENCE, SILENCE, begin, in_time, read};
use crate::{Error, row, statements};

/// How many messages are held or discarded in one transaction.
const MESSAGES: usize = 5_000;

/// What is to be held back. Nothing named: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of this journey alone.
    pub journey: Option<Arc<str>>,
    /// By this channel alone.
    pub channel: Option<Channel>,
}

/// A stop in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Its number, from 1.
    pub id: i64,
    /// What it holds back.
    pub scope: Scope,
    /// Since when.
    pub at: ShopTime,
    /// What people said of it, at most 512 bytes.
    pub note: String,
    /// Whether what it meets is over, instead of being held.
    pub discards: bool,
    /// Messages it holds at this moment.
    pub held: u64,
}

/// Begins a stop and answers its number. From then on nothing of its scope starts; what has started may still leave.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn begin_stop(pool: &PgPool, scope: &Scope, note: &str, now: ShopTime) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(statements::INSERT_STOP)
        .bind(scope.journey.as_deref())
        .bind(scope.channel.map(Channel::code))
        .bind(row::time(now))
        .bind(note)
        .fetch_one(pool)
        .await?)
}

/// Marks as held what waits and a stop is about; `marked` hears how many there are so far. Answers how many there were. What is
/// queued later is held when its turn comes.
///
/// # Errors
/// As [`Error`] says; what is not marked then is held when its turn comes.
#[tracing::instrument(level = "debug", skip(pool, marked))]
pub async fn hold(pool: &PgPool, id: i64, mut marked: impl FnMut(u64)) -> Result<u64, Error> {
    let (mut after, mut held) = (Uuid::nil(), 0);
    loop {
        let tx = begin(pool, SILENCE).await?;
        let found: Vec<(Uuid, bool)> = in_time(tx, SILENCE, async |tx| {
            let hold = sqlx::query_as(statements::HOLD_OUTBOX).bind(id).bind(after).bind(MESSAGES as i64);
            let found = hold.fetch_all(&mut *tx).await?;
            tx.execute("COMMIT").await?;
            Ok(found)
        })
        .await?;
        let Some((last, _)) = found.last() else { return Ok(held) };
        after = *last;
        held += found.iter().filter(|(_, held)| *held).count() as u64;
        marked(held);
    }
}

/// The stops in force, the oldest first.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn list(pool: &PgPool) -> Result<Vec<Stop>, Error> {
    let rows = read(pool, REPORT_SILENCE, async |connection| {
        Ok(sqlx::query(statements::LIST_STOPS).fetch_all(connection).await?)
    })
    .await?;
    rows.iter().map(stop).collect()
}

fn stop(row: &PgRow) -> Result<Stop, Error> {
    let channel: Option<i16> = row.try_get("channel")?;
    let known = |code| Channel::from_code(code).ok_or_else(|| row::unknown("channel", code));
    Ok(Stop {
        id: row.try_get("id")?,
        scope: Scope {
            journey: row.try_get::<Option<&str>, _>("journey")?.map(Arc::from),
            channel: channel.map(known).transpose()?,
        },
        at: row::shop_time(row.try_get("at")?),
        note: row.try_get("note")?,
        discards: row.try_get("discards")?,
        held: row.try_get::<i64, _>("held")? as u64,
    })
}

/// Ends a stop: what it held and no other holds may leave. Answers how many; `None` where there is no such stop.
///
/// # Errors
/// As [`Error`] says; nothing is changed then.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn lift(pool: &PgPool, id: i64) -> Result<Option<u64>, Error> {
    let (over, freed): (Option<i64>, i64) =
        sqlx::query_as(statements::LIFT_STOP).bind(id).fetch_one(pool).await?;
    Ok(over.map(|_| freed as u64))
}

/// What a stop holds, and what it meets until it ends, is over: cancelled, with the reason [`STOPPED`], as their people are
/// told. `discarded` hears how many there are so far. Answers how many there were; `None` where there is no such stop.
///
/// # Errors
/// As [`Error`] says; done again it goes on.
#[tracing::instrument(level = "debug", skip(pool, discarded))]
pub async fn discard(
    pool: &PgPool,
    id: i64,
    now: ShopTime,
    mut discarded: impl FnMut(u64),
) -> Result<Option<u64>, Error> {
    let known = sqlx::query(statements::DISCARD_BY_STOP).bind(id).execute(pool).await?;
    if known.rows_affected() == 0 {
        return Ok(None);
    }
    // What waits and was not marked yet.
    hold(pool, id, |_| {}).await?;
    let mut over = 0;
    loop {
        let done = match discard_some(pool, id, now).await {
            Err(Error::NoPartition(_)) => {
                let held = sqlx::query_scalar(statements::HELD_BY_STOP).bind(id).fetch_all(pool).await?;
                outbox::make_weeks(pool, held.into_iter().map(journeyman_domain::MessageId)).await?;
                discard_some(pool, id, now).await?
            }
            done => done?,
        };
        if done == 0 {
            return Ok(Some(over));
        }
        over += done;
        discarded(over);
    }
}

async fn discard_some(pool: &PgPool, id: i64, now: ShopTime) -> Result<u64, Error> {
    let tx = begin(pool, SILENCE).await?;
    in_time(tx, SILENCE, async |tx| {
        let ended: Vec<Ended> = sqlx::query_as(statements::DISCARD_HELD)
            .bind(id)
            .bind(MESSAGES as i64)
            .bind(row::time(now))
            .bind(STOPPED)
            .fetch_all(&mut *tx)
            .await?;
        outbox::report(tx, &ended, now).await?;
        tx.execute("COMMIT").await?;
        Ok(ended.len() as u64)
    })
    .await
}
