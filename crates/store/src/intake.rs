//! The queue of what has to be applied.

use journeyman_domain::row::Place;
use journeyman_domain::{EventId, PersonId, Shard, ShopTime};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use crate::{Error, row, statements};

/// The kind of a row that is an event.
pub const KIND_EVENT: i16 = 1;
/// The kind of a row that says that a channel took a message.
pub const KIND_ACCEPTED: i16 = 2;
/// The kind of a row that says that a channel refused a message for good.
pub const KIND_REJECTED: i16 = 3;

/// The kind of a row that is news for many.
pub use journeyman_domain::row::KIND_NEWS;

/// One waiting input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its key.
    pub place: Place,
    /// What `ref` refers to: [`KIND_EVENT`] an event, the others a message.
    pub kind: i16,
    /// Whose.
    pub person: PersonId,
    /// The event's id, or the message's.
    pub event: EventId,
    /// When it came through the door.
    pub received_at: ShopTime,
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
