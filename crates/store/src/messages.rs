//! Messages for people who ask, and for what comes back: whose a message was, what became of it, and settling by hand
//! those of which nobody knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::Channel;
use journeyman_domain::row::QueuedRow;
use journeyman_domain::{MessageId, PersonId, ShopTime};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::outbox::{self, Ended, State};
use crate::pool::{REPORT_SILENCE, SILENCE, begin, in_time, read};
use crate::{Error, row, statements};

/// The reason of a message that somebody said was never sent.
pub const FAILED_BY_HAND: &str = "failed_by_hand";

/// A message, on its way or over, with all that it takes to render it again.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// The message.
    pub message: QueuedRow,
    /// Where it stands.
    pub state: State,
    /// The deployment it was queued under; 0 where it never was, or a version before 0003 queued it.
    pub deployment: i64,
    /// What its first attempt fixed; `None` where there was none.
    pub context: Option<String>,
    /// What the channel that took it calls it.
    pub provider_id: Option<String>,
    /// Of one to be tried again: not before.
    pub not_before: Option<ShopTime>,
    /// Of one that is over: since when.
    pub finished_at: Option<ShopTime>,
    /// How often it was started.
    pub attempts: u32,
    /// Why it was refused, or is tried again.
    pub reason: Option<String>,
}

/// A message of a row whose columns are those of `find_message`.
pub(crate) fn message(row: &PgRow) -> Result<MessageRow, Error> {
    let state: i16 = row.try_get("state")?;
    let (message, person) = (MessageId(row.try_get("message_id")?), PersonId(row.try_get("person_id")?));
    Ok(MessageRow {
        message: outbox::queued(row, message, person)?,
        state: State::from_code(state).ok_or_else(|| row::unknown("state", state))?,
        deployment: row.try_get("deployment")?,
        context: row.try_get("context")?,
        provider_id: row.try_get("provider_id")?,
        not_before: row.try_get::<Option<_>, _>("not_before")?.map(row::shop_time),
        finished_at: row.try_get::<Option<_>, _>("finished_at")?.map(row::shop_time),
        attempts: row.try_get::<i32, _>("attempts")? as u32,
        reason: row.try_get("reason")?,
    })
}

/// Which messages to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; in any where none is named.
    pub states: Vec<State>,
    /// To this person alone.
    pub person: Option<PersonId>,
    /// By this channel alone.
    pub channel: Option<Channel>,
    /// Of this journey alone.
    pub journey: Option<String>,
    /// Older than this one alone: what follows a page that ended with it.
    pub before: Option<MessageId>,
    /// At most so many.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self { states: Vec::new(), person: None, channel: None, journey: None, before: None, limit: 100 }
    }
}

/// Messages on their way and over, by the start of their runs, the newest first.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn list(pool: &PgPool, filter: &Filter) -> Result<Vec<MessageRow>, Error> {
    let states = if filter.states.is_empty() { &State::ALL[..] } else { &filter.states };
    let rows = sqlx::query(statements::LIST_MESSAGES)
        .bind(states.iter().map(|state| state.code()).collect::<Vec<_>>())
        .bind(filter.person.map(|person| person.0))
        .bind(filter.channel.map(Channel::code))
        .bind(filter.journey.as_deref())
        .bind(filter.limit as i64)
        .bind(filter.before.map(|before| before.0))
        // Planned for what is asked, every time: by person it goes another way than by time.
        .persistent(false)
        .fetch_all(pool)
        .await?;
    rows.iter().map(message).collect()
}

/// One message.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn find(pool: &PgPool, id: MessageId) -> Result<Option<MessageRow>, Error> {
    let found = sqlx::query(statements::FIND_MESSAGE).bind(id.0).fetch_optional(pool).await?;
    found.as_ref().map(message).transpose()
}

/// What somebody says became of a message of which nobody knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// It arrived: it counts as accepted.
    Sent,
    /// It never left, and is not to: it counts as refused for good, with the reason [`FAILED_BY_HAND`].
    Failed,
    /// It is to be sent again.
    Again,
}

/// Settles a message that is unknown; `false` where it is not. Its person's intake has grown then, unless it is sent
/// again.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn settle(pool: &PgPool, id: MessageId, settle: Settle, now: ShopTime) -> Result<bool, Error> {
    match once(pool, id, settle, now).await {
        Err(Error::NoPartition(_)) => {
            outbox::make_weeks(pool, std::iter::once(id)).await?;
            once(pool, id, settle, now).await
        }
        done => done,
    }
}

async fn once(pool: &PgPool, id: MessageId, settle: Settle, now: ShopTime) -> Result<bool, Error> {
    let tx = begin(pool, SILENCE).await?;
    in_time(tx, SILENCE, async |tx| {
        let settled = match settle {
            Settle::Again => requeue(tx, id).await?,
            Settle::Sent => end(tx, id, State::Accepted, None, now).await?,
            Settle::Failed => end(tx, id, State::Rejected, Some(FAILED_BY_HAND), now).await?,
        };
        tx.execute("COMMIT").await?;
        Ok(settled)
    })
    .await
}

#[tracing::instrument(level = "debug", skip(tx))]
async fn requeue(tx: &mut PgConnection, id: MessageId) -> Result<bool, Error> {
    let done = sqlx::query(statements::REQUEUE_UNKNOWN).bind(id.0).execute(tx).await?;
    Ok(done.rows_affected() > 0)
}

#[tracing::instrument(level = "debug", skip(tx))]
async fn end(
    tx: &mut PgConnection,
    id: MessageId,
    state: State,
    reason: Option<&str>,
    now: ShopTime,
) -> Result<bool, Error> {
    let ended: Vec<Ended> = sqlx::query_as(statements::SETTLE_UNKNOWN)
        .bind(id.0)
        .bind(state.code())
        .bind(reason)
        .bind(row::time(now))
        .fetch_all(&mut *tx)
        .await?;
    outbox::report(tx, &ended, now).await?;
    Ok(!ended.is_empty())
}

/// Whose a message is, and what it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// To whom; they may have been merged since.
    pub person: PersonId,
    /// By which channel.
    pub channel: Channel,
    /// To which address.
    pub address: Arc<str>,
    /// On which topic.
    pub topic: Option<Arc<str>>,
    /// Whether it is marketing.
    pub marketing: bool,
    /// Of which journey.
    pub journey: Arc<str>,
    /// At which step.
    pub step: Arc<str>,
}

/// Whose these messages are, those that are there; on their way or over.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(messages = messages.len()))]
pub async fn addressed(
    pool: &PgPool,
    messages: &[MessageId],
) -> Result<BTreeMap<MessageId, Addressed>, Error> {
    if messages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = messages.iter().map(|message| message.0).collect();
    let rows = read(pool, REPORT_SILENCE, async |connection| {
        Ok(sqlx::query(statements::ADDRESSED_MESSAGES).bind(ids).fetch_all(connection).await?)
    })
    .await?;
    let addressed = |row: &PgRow| {
        let text = |name: &str| -> Result<Arc<str>, Error> { Ok(row.try_get::<&str, _>(name)?.into()) };
        let channel: i16 = row.try_get("channel")?;
        let addressed = Addressed {
            person: PersonId(row.try_get("person_id")?),
            channel: Channel::from_code(channel).ok_or_else(|| row::unknown("channel", channel))?,
            address: text("address")?,
            topic: row.try_get::<Option<&str>, _>("topic")?.map(Arc::from),
            marketing: row.try_get("marketing")?,
            journey: text("journey")?,
            step: text("step")?,
        };
        Ok((MessageId(row.try_get("message_id")?), addressed))
    };
    rows.iter().map(addressed).collect()
}
