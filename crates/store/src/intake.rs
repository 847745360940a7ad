//! The queue of what has to be applied.

use journeyman_domain::{EventId, Lane, PersonId, Shard, ShopTime};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::{Error, row, statements};

/// Where a row of intake stands: its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whose queue.
    pub shard: Shard,
    /// Which of the shard's two.
    pub lane: Lane,
    /// In the order of insertion, which is not the order of commits.
    pub seq: i64,
}

/// One waiting input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its key.
    pub place: Place,
    /// What `ref` refers to; 1: an event.
    pub kind: i16,
    /// Whose.
    pub person: PersonId,
    /// The event.
    pub event: EventId,
    /// When it came through the door.
    pub received_at: ShopTime,
}

/// The first `limit` inputs of a queue at or above the mark `from`.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip(pool))]
pub async fn poll(
    pool: &PgPool,
    shard: Shard,
    lane: Lane,
    from: i64,
    limit: usize,
) -> Result<Vec<Input>, Error> {
    let rows: Vec<(i64, i16, i64, Uuid, jiff_sqlx::Timestamp)> = sqlx::query_as(statements::POLL_INTAKE)
        .bind(i16::from(shard.0))
        .bind(lane.code())
        .bind(from)
        .bind(limit as i64)
        .fetch_all(pool)
        .await?;
    let input = |(seq, kind, person, reference, received_at)| Input {
        place: Place { shard, lane, seq },
        kind,
        person: PersonId(person),
        event: EventId(reference),
        received_at: row::shop_time(received_at),
    };
    Ok(rows.into_iter().map(input).collect())
}

/// Deletes what was applied, in the transaction that applied it; returns how many were still there.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(places = places.len()))]
pub async fn delete(tx: &mut PgConnection, places: &[Place]) -> Result<u64, Error> {
    let done = sqlx::query(statements::DELETE_INTAKE)
        .bind(places.iter().map(|place| i16::from(place.shard.0)).collect::<Vec<_>>())
        .bind(places.iter().map(|place| place.lane.code()).collect::<Vec<_>>())
        .bind(places.iter().map(|place| place.seq).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

/// Puts inputs into the queue of another person: the strays of a merge.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(inputs = inputs.len()))]
pub async fn insert(tx: &mut PgConnection, to: PersonId, inputs: &[Input]) -> Result<(), Error> {
    sqlx::query(statements::INSERT_INTAKE)
        .bind(vec![i16::from(Shard::of(to).0); inputs.len()])
        .bind(inputs.iter().map(|input| input.place.lane.code()).collect::<Vec<_>>())
        .bind(inputs.iter().map(|input| input.kind).collect::<Vec<_>>())
        .bind(vec![to.0; inputs.len()])
        .bind(inputs.iter().map(|input| input.event.0).collect::<Vec<_>>())
        .bind(inputs.iter().map(|input| row::time(input.received_at)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// What waits in one lane, over all shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// 0 live, 1 bulk.
    pub lane: i16,
    /// How many inputs.
    pub inputs: i64,
    /// When the oldest came through the door.
    pub oldest: ShopTime,
}

/// Counts what waits. Reads the whole queue: for people who ask, not for loops.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn waiting(pool: &PgPool) -> Result<Vec<Waiting>, Error> {
    let rows: Vec<(i16, i64, jiff_sqlx::Timestamp)> =
        sqlx::query_as(statements::COUNT_INTAKE).fetch_all(pool).await?;
    let waiting = |(lane, inputs, oldest)| Waiting { lane, inputs, oldest: row::shop_time(oldest) };
    Ok(rows.into_iter().map(waiting).collect())
}
