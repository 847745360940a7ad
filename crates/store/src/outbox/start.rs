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

/// What may leave now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// These.
    pub started: Vec<MessageId>,
    /// These are over: nothing is sent to their addresses any more. Their people's intake has grown.
    pub suppressed: Vec<MessageId>,
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
        let started = |message: &Uuid| over.get(message).is_some_and(Option::is_none);
        let ids = || messages.iter().map(|(message, _)| message.0);
        let mut all =
            Started { started: ids().filter(started).map(MessageId).collect(), ..Started::default() };
        let person = |message| Some((message, over.remove(&message)??, State::Rejected.code()));
        let suppressed: Vec<Ended> = ids().filter_map(person).collect();
        report(tx, &suppressed, now).await?;
        tx.execute("COMMIT").await?;
        all.suppressed.extend(suppressed.into_iter().map(|(message, ..)| MessageId(message)));
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

/// Starts what is locked; of those that were suppressed instead, also whose they are.
#[tracing::instrument(level = "debug", skip_all)]
async fn set_out(
    tx: &mut PgConnection,
    locked: &[Locked],
    contexts: &BTreeMap<Uuid, &str>,
    now: ShopTime,
) -> Result<BTreeMap<Uuid, Option<i64>>, Error> {
    if locked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let started: Vec<(Uuid, Option<i64>)> = sqlx::query_as(statements::START_OUTBOX)
        .bind(locked.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>())
        .bind(locked.iter().map(|(_, message)| contexts.get(message).copied()).collect::<Vec<_>>())
        .bind(row::time(now))
        .bind(SUPPRESSED)
        .fetch_all(tx)
        .await?;
    Ok(started.into_iter().collect())
}
