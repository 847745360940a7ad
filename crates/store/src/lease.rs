//! Sharing rows out among processes that come and go: the same for slices and for queues.

use std::time::Duration;

use sqlx::postgres::PgPool;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use crate::pool::{ENGINE_SILENCE, begin, in_time};
use crate::{Error, statements};

/// What is shared out.
pub(crate) struct Lot {
    /// Who takes part, as `workers` has it.
    pub(crate) role: i16,
    /// How many rows there are.
    pub(crate) rows: i64,
    pub(crate) renew: &'static str,
    pub(crate) give_up: &'static str,
    pub(crate) take: &'static str,
    pub(crate) release: &'static str,
}

/// Says that `worker` lives, renews what it has, and moves it towards its fair share. Answers key and epoch of what it
/// has for `ttl` from now, in the order of the key.
pub(crate) async fn lease(
    pool: &PgPool,
    lot: &Lot,
    worker: Uuid,
    ttl: Duration,
) -> Result<Vec<(i16, i64)>, Error> {
    let tx = begin(pool, ENGINE_SILENCE).await?;
    in_time(tx, ENGINE_SILENCE, async |tx| {
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        beat(tx, lot, worker, ttl_ms).await?;
        let live = count_workers(tx, lot).await?;
        let mut held = renew(tx, lot, worker, ttl_ms).await?;
        held.sort_unstable();
        let fair = share(lot.rows, live);
        if held.len() > fair {
            let beyond: Vec<i16> = held.drain(fair..).map(|(key, _)| key).collect();
            give_up(tx, lot, worker, beyond).await?;
        } else if held.len() < fair {
            held.extend(take(tx, lot, worker, ttl_ms, fair - held.len()).await?);
            held.sort_unstable();
        }
        end_stuck(tx, ttl_ms).await?;
        tx.execute("COMMIT").await?;
        Ok(held)
    })
    .await
}

/// Gives up everything at once: `worker` leaves.
pub(crate) async fn release(pool: &PgPool, lot: &Lot, worker: Uuid) -> Result<(), Error> {
    let tx = begin(pool, ENGINE_SILENCE).await?;
    in_time(tx, ENGINE_SILENCE, async |tx| {
        sqlx::query(statements::DELETE_WORKER).bind(lot.role).bind(worker).execute(&mut *tx).await?;
        sqlx::query(lot.release).bind(worker).execute(&mut *tx).await?;
        tx.execute("COMMIT").await?;
        Ok(())
    })
    .await
}

/// Rows over workers, rounded up: together they cover all.
fn share(rows: i64, live: i64) -> usize {
    let live = live.max(1);
    usize::try_from((rows + live - 1) / live).unwrap_or_default()
}

#[tracing::instrument(level = "trace", skip_all)]
async fn beat(tx: &mut PgConnection, lot: &Lot, worker: Uuid, ttl_ms: i64) -> Result<(), Error> {
    sqlx::query(statements::BEAT).bind(lot.role).bind(worker).bind(ttl_ms).execute(&mut *tx).await?;
    sqlx::query(statements::FORGET_WORKERS).execute(tx).await?;
    Ok(())
}

#[tracing::instrument(level = "trace", skip_all)]
async fn count_workers(tx: &mut PgConnection, lot: &Lot) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(statements::COUNT_WORKERS).bind(lot.role).fetch_one(tx).await?)
}

#[tracing::instrument(level = "trace", skip_all)]
async fn renew(
    tx: &mut PgConnection,
    lot: &Lot,
    worker: Uuid,
    ttl_ms: i64,
) -> Result<Vec<(i16, i64)>, Error> {
    Ok(sqlx::query_as(lot.renew).bind(worker).bind(ttl_ms).fetch_all(tx).await?)
}

#[tracing::instrument(level = "debug", skip_all, fields(%worker, ?beyond))]
async fn give_up(tx: &mut PgConnection, lot: &Lot, worker: Uuid, beyond: Vec<i16>) -> Result<(), Error> {
    sqlx::query(lot.give_up).bind(worker).bind(beyond).execute(tx).await?;
    Ok(())
}

#[tracing::instrument(level = "trace", skip(tx, lot))]
async fn take(
    tx: &mut PgConnection,
    lot: &Lot,
    worker: Uuid,
    ttl_ms: i64,
    limit: usize,
) -> Result<Vec<(i16, i64)>, Error> {
    Ok(sqlx::query_as(lot.take).bind(worker).bind(ttl_ms).bind(limit as i64).fetch_all(tx).await?)
}

/// Slices that could not be taken, and events a client sends again, may be held by somebody who stands still.
#[tracing::instrument(level = "trace", skip(tx))]
async fn end_stuck(tx: &mut PgConnection, ttl_ms: i64) -> Result<(), Error> {
    let ended: i64 = sqlx::query_scalar(statements::END_STUCK).bind(ttl_ms).fetch_one(tx).await?;
    if ended > 0 {
        tracing::warn!(
            ended,
            "ended {ended} sessions of a process that stands still in the middle of writing"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_cover_all() {
        for rows in [7, 32] {
            for live in 0..=40 {
                let fair = share(rows, live) as i64;
                assert!(
                    fair * live.max(1) >= rows && (fair - 1) * live.max(1) < rows,
                    "{rows} {live}: {fair}"
                );
            }
        }
    }
}
