//! Who sends what: the queues of the outbox, leased as slices are, among the processes that dispatch.

use std::time::Duration;

use journeyman_domain::plan::Channel;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::lease::{self, Lot};
use crate::{Error, statements};

const LOT: Lot = Lot {
    role: 1,
    rows: Channel::ALL.len() as i64,
    renew: statements::RENEW_QUEUES,
    give_up: statements::GIVE_UP_QUEUES,
    take: statements::TAKE_QUEUES,
    release: statements::RELEASE_QUEUES,
};

/// A queue that is ours, as long as nobody has taken it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The channel whose messages wait in it.
    pub channel: Channel,
    /// Who leased it.
    pub worker: Uuid,
    /// Grows whenever it is taken.
    pub epoch: i64,
}

/// One round of `worker`'s lease, as [`crate::slices::lease`]. A queue that comes with a new epoch is to be
/// [recovered](crate::outbox::recover) first.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip(pool))]
pub async fn lease(pool: &PgPool, worker: Uuid, ttl: Duration) -> Result<Vec<Queue>, Error> {
    let held = lease::lease(pool, &LOT, worker, ttl).await?;
    let queue = |(queue, epoch)| Channel::from_code(queue).map(|channel| Queue { channel, worker, epoch });
    Ok(held.into_iter().filter_map(queue).collect())
}

/// Gives up all queues of a worker that leaves.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn release(pool: &PgPool, worker: Uuid) -> Result<(), Error> {
    lease::release(pool, &LOT, worker).await
}

/// Keeps the queue ours until the transaction ends.
///
/// # Errors
/// [`Error::Lost`] where it is another's.
#[tracing::instrument(level = "trace", skip_all)]
pub(crate) async fn fence(tx: &mut PgConnection, queue: &Queue) -> Result<(), Error> {
    let locked: Option<i16> = sqlx::query_scalar(statements::FENCE_QUEUE)
        .bind(queue.channel.code())
        .bind(queue.worker)
        .bind(queue.epoch)
        .fetch_optional(tx)
        .await?;
    match locked {
        Some(_) => Ok(()),
        None => Err(lost(queue)),
    }
}

/// What is said where a queue is another's.
pub(crate) fn lost(queue: &Queue) -> Error {
    Error::Lost(format!("queue {}", queue.channel.name()))
}
