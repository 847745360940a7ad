//! Messages on their way, for who sends them. The actor queues and cancels in its batch; here is what comes after.
//!
//! What is claimed stands in the memory of the queue's one dispatcher alone; `started` is committed just before the first
//! byte. Whatever the lease of a queue lets two processes believe, what they write is fenced by the queue's epoch, so that
//! only one of them can start a message. A channel is one queue; within it each sender's messages wait in a line of their own, as [`crate::lines`] has it.

mod answers;
mod finish;
mod start;
mod state;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use journeyman_domain::plan::Channel;
use journeyman_domain::row::QueuedRow;
use journeyman_domain::{Lane, MessageId, PersonId, Shard, ShopTime};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Executor as _, PgConnection, Row as _};
use uuid::Uuid;

pub use finish::{Outcome, finish};
pub use start::{STOPPED, SUPPRESSED, Started, start};
pub use state::State;

use crate::copy::Rows;
use crate::intake::{KIND_ACCEPTED, KIND_REJECTED};
use crate::pool::{ENGINE_SILENCE, begin, in_time, read};
use crate::queues::{self, Queue};
use crate::{Error, few, partitions, row, statements};

/// How much of a reason is kept, bytes.
pub const REASON_BYTES: usize = 512;
/// How much of the name is kept that a channel gives a message, bytes.
pub const PROVIDER_ID_BYTES: usize = 512;
/// How large what a first attempt fixed may be, bytes.
pub const CONTEXT_BYTES: usize = 8 * 1024;

/// A message to be sent, in its dispatcher's memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// Where it stands in its line.
    pub seq: i64,
    /// Its line.
    pub line: i16,
    /// How often it was started before.
    pub attempts: u32,
    /// The deployment whose templates and senders it means; 0 where a version before 0003 queued it.
    pub deployment: i64,
    /// What its first attempt fixed; `None` before that.
    pub context: Option<String>,
    /// The message.
    pub message: QueuedRow,
}

/// What becomes of messages that had started and were lost sight of: perhaps they have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnUnknown {
    /// Marketing is held back as unknown; else it is sent again.
    pub marketing_hold: bool,
    /// So is the rest.
    pub transactional_hold: bool,
    /// The channel delivers to the inbox, by our own commit: what is not finished has not arrived, and is sent again.
    pub inbox: bool,
}

impl OnUnknown {
    /// Whether such a message waits for somebody to say what became of it.
    pub fn holds(self, marketing: bool) -> bool {
        !self.inbox && if marketing { self.marketing_hold } else { self.transactional_hold }
    }
}

/// What is put in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// All that is started, in every line: what an earlier owner of the queue left behind.
    All,
    /// These, as far as they are started.
    These {
        /// Which.
        messages: Vec<MessageId>,
        /// Whether none of them has left for certain: then they wait again, whatever else holds.
        unsent: bool,
    },
}

/// What was found of messages that somebody had left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Messages that wait again.
    pub queued: u64,
    /// Messages that perhaps left.
    pub unknown: u64,
}

/// Puts right what was left behind: of an earlier owner, the first thing a queue's new owner does; of a transaction of its
/// own of which nobody knows whether it stands. They wait again, or are unknown, as `on_unknown` has it.
///
/// # Errors
/// [`Error::Lost`] where the queue is another's.
#[tracing::instrument(level = "debug", skip(pool, whose))]
pub async fn recover(
    pool: &PgPool,
    queue: &Queue,
    whose: &Whose,
    on_unknown: OnUnknown,
) -> Result<Recovered, Error> {
    // In the order in which everybody locks messages.
    let ids = |messages: &[MessageId]| {
        let ids: BTreeSet<Uuid> = messages.iter().map(|message| message.0).collect();
        ids.into_iter().collect::<Vec<Uuid>>()
    };
    let channel = queue.channel.code();
    let recovered = match whose {
        Whose::All => sqlx::query_scalar(statements::RECOVER_OUTBOX)
            .bind(channel)
            .bind(on_unknown.holds(true))
            .bind(on_unknown.holds(false)),
        Whose::These { messages, unsent } => sqlx::query_scalar(statements::RECOVER_THESE)
            .bind(channel)
            .bind(!unsent && on_unknown.holds(true))
            .bind(!unsent && on_unknown.holds(false))
            .bind(ids(messages)),
    };
    let states: Vec<i16> = fenced(pool, queue, async |tx| Ok(recovered.fetch_all(tx).await?)).await?;
    let unknown = states.iter().filter(|state| **state == State::Unknown.code()).count() as u64;
    Ok(Recovered { queued: states.len() as u64 - unknown, unknown })
}

/// Reads up to `limit` messages of a channel's line that may be sent at `now`, from the mark `low` on, in the order of the
/// line. A line of another channel's has none. Nothing is written: who owns the queue reads alone, and whether a message
/// still waits is seen when it is started.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn claim(
    pool: &PgPool,
    channel: Channel,
    line: i16,
    low: i64,
    limit: usize,
    now: ShopTime,
) -> Result<Vec<Claimed>, Error> {
    let rows = read(pool, ENGINE_SILENCE, async |connection| {
        let rows = sqlx::query(statements::CLAIM_OUTBOX)
            .bind(line)
            .bind(low)
            .bind(row::time(now))
            .bind(limit as i64)
            .bind(channel.code());
        Ok(rows.fetch_all(connection).await?)
    })
    .await?;
    rows.iter().map(|row| claimed(row, line)).collect()
}

fn claimed(row: &PgRow, line: i16) -> Result<Claimed, Error> {
    let attempts: i32 = row.try_get("attempts")?;
    let message = MessageId(row.try_get("message_id")?);
    let person = PersonId(row.try_get("person_id")?);
    Ok(Claimed {
        seq: row.try_get("seq")?,
        line,
        attempts: attempts as u32,
        deployment: row.try_get("deployment")?,
        context: row.try_get("context")?,
        message: queued(row, message, person)?,
    })
}

/// A message of a row whose columns are named as those of `outbox`.
pub(crate) fn queued(row: &PgRow, message: MessageId, person: PersonId) -> Result<QueuedRow, Error> {
    let text = |name: &str| -> Result<Arc<str>, Error> { Ok(row.try_get::<&str, _>(name)?.into()) };
    let maybe = |name: &str| -> Result<Option<Arc<str>>, Error> {
        Ok(row.try_get::<Option<&str>, _>(name)?.map(Arc::from))
    };
    let channel: i16 = row.try_get("channel")?;
    Ok(QueuedRow {
        message,
        person,
        run: row.try_get::<i32, _>("run")? as u32,
        journey: text("journey")?,
        step: text("step")?,
        visit: row.try_get::<i32, _>("visit")? as u32,
        leg: row.try_get::<i16, _>("leg")? as u8,
        channel: Channel::from_code(channel).ok_or_else(|| row::unknown("channel", channel))?,
        address: text("address")?,
        template: text("template")?,
        marketing: row.try_get("marketing")?,
        topic: maybe("topic")?,
        sender: maybe("sender")?,
        data: text("data")?,
        queued_at: row::shop_time(row.try_get("queued_at")?),
    })
}

/// Message, person and final state of what has just moved to `messages`.
pub(crate) type Ended = (Uuid, i64, i16);

/// Tells people's intake what became of their messages.
#[tracing::instrument(level = "debug", skip_all)]
pub(crate) async fn report(tx: &mut PgConnection, ended: &[Ended], now: ShopTime) -> Result<(), Error> {
    if ended.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(6, ended.len() * 80);
    for (message, person, state) in ended {
        let kind = if *state == State::Accepted.code() { KIND_ACCEPTED } else { KIND_REJECTED };
        rows.row()
            .smallint(i16::from(Shard::of(PersonId(*person)).0))
            .smallint(Lane::Live.code())
            .smallint(kind)
            .bigint(*person)
            .uuid(*message)
            .timestamptz(now);
    }
    rows.send_or(tx, statements::COPY_INTAKE, &few::INTAKE).await?;
    Ok(())
}

/// A transaction of the queue's owner, committed.
async fn fenced<T>(
    pool: &PgPool,
    queue: &Queue,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let tx = begin(pool, ENGINE_SILENCE).await?;
    in_time(tx, ENGINE_SILENCE, async |tx| {
        queues::fence(tx, queue).await?;
        let done = work(&mut *tx).await?;
        tx.execute("COMMIT").await?;
        Ok(done)
    })
    .await
}

/// Makes the weeks in which these messages are kept: what has just met [`Error::NoPartition`] may then be done again.
pub(crate) async fn make_weeks(
    pool: &PgPool,
    messages: impl Iterator<Item = MessageId>,
) -> Result<(), Error> {
    let weeks: BTreeSet<ShopTime> = messages.filter_map(partitions::moment).collect();
    partitions::ensure_at(pool, weeks.into_iter()).await.map(drop)
}

/// A text as the schema bounds it, at most `bytes`.
fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    match row::text(text) {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..text.floor_char_boundary(bytes)]),
        Cow::Owned(mut text) => {
            text.truncate(text.floor_char_boundary(bytes));
            Cow::Owned(text)
        }
    }
}
