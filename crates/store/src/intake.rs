//! The queue of what has to be applied.

use journeyman_domain::row::Place;
use sqlx::PgConnection;

use crate::{Error, statements};

/// The kind of a row that is an event.
pub const KIND_EVENT: i16 = 1;
/// The kind of a row that says that a channel took a message.
pub const KIND_ACCEPTED: i16 = 2;
/// The kind of a row that says that a channel refused a message for good.
pub const KIND_REJECTED: i16 = 3;

/// The kind of a row that is news for many.
pub use journeyman_domain::row::KIND_NEWS;

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
