//! The last check, just before the first byte.

use std::collections::BTreeMap;

use journeyman_domain::{MessageId, ShopTime};
use sqlx::postgres::PgPool;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use super::{Ended, State, make_weeks, report};
use crate::pool::{ENGINE_SILENCE, begin, in_time};
use crate::queues::{self, Queue};
use crate::{Error, row, statements};

/// The reason of a message whose address is suppressed.
pub const SUPPRESSED: &str = "suppressed";

/// The reason of a message that somebody has stopped and discarded.
pub const STOPPED: &str = "stopped";

/// What may leave now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// These.
    pub started: Vec<MessageId>,
    /// These are over: nothing is sent to their addresses any more. Their people's intake has grown.
    pub suppressed: Vec<MessageId>,
    /// These somebody has stopped: they are held.
    pub held: Vec<MessageId>,
    /// These likewise, and they are over. Their people's intake has grown.
    pub discarded: Vec<MessageId>,
}

/// Where a claimed message lies, and which it is.
type Locked = (String, Uuid);

/// Says that these claimed messages leave now, each with what is fixed for all its attempts, which is kept where nothing
/// was fixed yet; committed when it answers. Only those it answers as started may be sent: the address of some is
/// suppressed, others were cancelled or held meanwhile.
///
/// What was suppressed before this was asked is seen, however long it has to wait for somebody's cancel.
///
/// # Errors
/// [`Error::Lost`] where the queue is another's: nothing may be sent.
#[tracing::instrument(level = "debug", skip_all, fields(channel = queue.channel.name(), messages = messages.len()))]
pub async fn start(
    pool: &PgPool,
    queue: &Queue,
    messages: &[(MessageId, String)],
    now: ShopTime,
) -> Result<Started, Error> {
    if messages.is_empty() {
        return Ok(Started::default());
    }
    match once(pool, queue, messages, now).await {
        Err(Error::NoPartition(_)) => {
            make_weeks(pool, messages.iter().map(|(message, _)| *message)).await?;
            once(pool, queue, messages, now).await
        }
        done => done,
    }
}

async fn once(
    pool: &PgPool,
    queue: &Queue,
    messages: &[(MessageId, String)],
    now: ShopTime,
) -> Result<Started, Error> {
    let tx = begin(pool, ENGINE_SILENCE).await?;
    in_time(tx, ENGINE_SILENCE, async |tx| {
        // In the order in which everybody locks messages.
        let contexts: BTreeMap<Uuid, &str> =
            messages.iter().map(|(message, context)| (message.0, context.as_str())).collect();
        let locked = lock(tx, queue, contexts.keys().copied().collect(), now).await?;
        let mut over = set_out(tx, &locked, &contexts, now).await?;
        if over.len() != locked.len() {
            return Err(Error::Conflict(format!("{} of {} locked messages", over.len(), locked.len())));
        }
        let mut all = Started::default();
        let mut ended: Vec<Ended> = Vec::new();
        for (message, _) in messages {
            let Some((person, state)) = over.remove(&message.0) else { continue };
            let of = match State::from_code(state) {
                Some(State::Held) => &mut all.held,
                Some(State::Rejected) => &mut all.suppressed,
                Some(State::Cancelled) => &mut all.discarded,
                _ => &mut all.started,
            };
            of.push(*message);
            ended.extend(person.map(|person| (message.0, person, state)));
        }
        report(tx, &ended, now).await?;
        tx.execute("COMMIT").await?;
        Ok(all)
    })
    .await
}

/// Those that wait still, under the fence.
#[tracing::instrument(level = "debug", skip_all)]
async fn lock(
    tx: &mut PgConnection,
    queue: &Queue,
    messages: Vec<Uuid>,
    now: ShopTime,
) -> Result<Vec<Locked>, Error> {
    let rows: Vec<(Option<String>, Option<Uuid>)> = sqlx::query_as(statements::LOCK_OUTBOX)
        .bind(queue.channel.code())
        .bind(queue.worker)
        .bind(queue.epoch)
        .bind(messages)
        .bind(row::time(now))
        .fetch_all(tx)
        .await?;
    if rows.is_empty() {
        return Err(queues::lost(queue));
    }
    Ok(rows.into_iter().filter_map(|(place, message)| place.zip(message)).collect())
}

/// Starts what is locked, holds it or ends it: whose each is that is over, and the state it has now.
#[tracing::instrument(level = "debug", skip_all)]
async fn set_out(
    tx: &mut PgConnection,
    locked: &[Locked],
    contexts: &BTreeMap<Uuid, &str>,
    now: ShopTime,
) -> Result<BTreeMap<Uuid, (Option<i64>, i16)>, Error> {
    if locked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let started: Vec<(Uuid, Option<i64>, i16)> = sqlx::query_as(statements::START_OUTBOX)
        .bind(locked.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>())
        .bind(locked.iter().map(|(_, message)| contexts.get(message).copied()).collect::<Vec<_>>())
        .bind(row::time(now))
        .bind(SUPPRESSED)
        .bind(STOPPED)
        .fetch_all(tx)
        .await?;
    Ok(started.into_iter().map(|(message, person, state)| (message, (person, state))).collect())
}
