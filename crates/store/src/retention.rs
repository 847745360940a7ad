//! Forgetting what need not be kept.

use jiff::{ToSpan, tz::TimeZone};
use journeyman_domain::ShopTime;
use sqlx::postgres::PgPool;

use crate::pool::{REPORT_SILENCE, read};
use crate::{Error, partitions, statements};

/// For how many days a message is known to have been stored.
pub const SEEN_DAYS: i64 = 7;
/// How many rows of `seen` a statement deletes.
const PIECE: i64 = 10_000;

/// Deletes what of `seen` is older than [`SEEN_DAYS`], in pieces; returns how many rows.
///
/// # Errors
/// As [`Error`] says; what was deleted until then stays deleted.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn forget_seen(pool: &PgPool, now: ShopTime) -> Result<u64, Error> {
    let today = now.timestamp().to_zoned(TimeZone::UTC).date();
    let Ok(before) = today.checked_sub(SEEN_DAYS.days()) else { return Ok(0) };
    let mut rows = 0;
    loop {
        let piece = read(pool, REPORT_SILENCE, async |connection| {
            let delete = sqlx::query(statements::DELETE_SEEN_BEFORE)
                .bind(jiff_sqlx::ToSqlx::to_sqlx(before))
                .bind(PIECE);
            Ok(delete.execute(connection).await?.rows_affected())
        })
        .await?;
        rows += piece;
        if piece < PIECE as u64 {
            return Ok(rows);
        }
    }
}

/// For how many days a report waits for its message.
pub const UNMATCHED_DAYS: i64 = 7;
/// For how many days a message is known by what its provider calls it.
pub const PROVIDER_ID_DAYS: i64 = 30;

/// Deletes reports that have waited for [`UNMATCHED_DAYS`] and answers how many; and what messages were called that are older
/// than [`PROVIDER_ID_DAYS`].
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn forget_reports(pool: &PgPool, now: ShopTime) -> Result<u64, Error> {
    let before =
        |days: i64| crate::row::time(now.saturating_add(jiff::SignedDuration::from_hours(-24 * days)));
    read(pool, REPORT_SILENCE, async |connection| {
        let ids = sqlx::query(statements::DELETE_PROVIDER_IDS_BEFORE).bind(before(PROVIDER_ID_DAYS));
        ids.execute(&mut *connection).await?;
        let delete = sqlx::query(statements::DELETE_UNMATCHED_BEFORE).bind(before(UNMATCHED_DAYS));
        Ok(delete.execute(&mut *connection).await?.rows_affected())
    })
    .await
}

/// What was forgotten of the catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Weeks of news, by the name of their partition.
    pub news: Vec<String>,
    /// Versions of products.
    pub versions: u64,
}

/// The moment that nothing kept of events and journals looks back beyond: a week before the first week of either that is there.
/// `None` where one of them has none.
///
/// # Errors
/// As [`Error`] says.
pub async fn horizon(pool: &PgPool) -> Result<Option<ShopTime>, Error> {
    let mut first = None;
    for table in ["events", "journal"] {
        let weeks = partitions::weeks(pool, table).await?;
        let Some(week) = weeks.into_keys().next() else { return Ok(None) };
        first = Some(first.map_or(week, |first: ShopTime| first.min(week)));
    }
    // What was applied late refers to the week before.
    Ok(first.map(|first| first.saturating_add(jiff::SignedDuration::from_hours(-24 * 7))))
}

/// Forgets the news and the versions of products that lie behind the [`horizon`]: whoever drops a week of events and journals
/// drops these with it.
///
/// # Errors
/// As [`Error`] says; what was forgotten until then stays forgotten.
#[tracing::instrument(level = "debug", skip_all, fields(%horizon))]
pub async fn forget_catalog(pool: &PgPool, horizon: ShopTime) -> Result<Forgotten, Error> {
    let mut forgotten = Forgotten { news: partitions::drop_bulk(pool, horizon).await?, versions: 0 };
    loop {
        let piece = read(pool, REPORT_SILENCE, async |connection| {
            let delete = sqlx::query(statements::DELETE_SUPERSEDED_PRODUCTS)
                .bind(crate::row::time(horizon))
                .bind(PIECE);
            Ok(delete.execute(connection).await?.rows_affected())
        })
        .await?;
        forgotten.versions += piece;
        if piece < PIECE as u64 {
            return Ok(forgotten);
        }
    }
}
