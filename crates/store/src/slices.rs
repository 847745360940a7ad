//! Who writes whom: the 32 slices of people, leased on the database's clock.

use std::time::Duration;

use journeyman_domain::SLICES;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::lease::{self, Lot};
use crate::{Error, statements};

/// How long a lease is meant to last; renew it every third of that.
pub const LEASE: Duration = Duration::from_secs(6);

const LOT: Lot = Lot {
    role: 0,
    rows: SLICES as i64,
    renew: statements::RENEW_SLICES,
    give_up: statements::GIVE_UP_SLICES,
    take: statements::TAKE_SLICES,
    release: statements::RELEASE_SLICES,
};

/// A slice that is ours, as long as nobody has taken it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Which, 0 to 31.
    pub slice: u8,
    /// Grows whenever the slice is taken: what was known of its people under another epoch may be wrong.
    pub epoch: i64,
}

/// One round of `worker`'s lease: it lives until `ttl` from now on the database's clock; its slices are renewed, their
/// epochs unchanged; free and expired ones are taken up to its fair share of all workers that live, those beyond it
/// given up. A slice that somebody's batch is being written under is left for the next round.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip(pool))]
pub async fn lease(pool: &PgPool, worker: Uuid, ttl: Duration) -> Result<Vec<Held>, Error> {
    let held = lease::lease(pool, &LOT, worker, ttl).await?;
    Ok(held.into_iter().map(|(slice, epoch)| Held { slice: slice as u8, epoch }).collect())
}

/// Gives up all slices of a worker that leaves, so that nobody has to wait for their end.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn release(pool: &PgPool, worker: Uuid) -> Result<(), Error> {
    lease::release(pool, &LOT, worker).await
}

/// Whether all of `held` are still `worker`'s; they stay so until the transaction ends.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip_all)]
pub async fn fence(tx: &mut PgConnection, worker: Uuid, held: &[Held]) -> Result<bool, Error> {
    let locked: Vec<i16> = sqlx::query_scalar(statements::FENCE_SLICES)
        .bind(worker)
        .bind(held.iter().map(|held| i16::from(held.slice)).collect::<Vec<_>>())
        .bind(held.iter().map(|held| held.epoch).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    Ok(locked.len() == held.len())
}

/// Waits for all batches under way and keeps others from beginning until the transaction ends: what a deployment is
/// made under.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn lock_all(tx: &mut PgConnection) -> Result<(), Error> {
    sqlx::query(statements::LOCK_SLICES).execute(tx).await?;
    Ok(())
}
