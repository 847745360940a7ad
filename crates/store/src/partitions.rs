//! Weekly partitions, made ahead.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, tz::TimeZone};
use journeyman_domain::row::Write;
use journeyman_domain::{EventId, MessageId, ShopTime};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::pool::{REPORT_SILENCE, read};
use crate::{Error, statements};

/// How many weeks beyond the present one there are partitions for.
pub const WEEKS_AHEAD: i64 = 4;
/// How many weeks back: the clock of another process, or the one of a batch just received, may be behind.
const WEEKS_BACK: i64 = 1;

/// How a table's weeks are told apart.
#[derive(Clone, Copy)]
enum By {
    /// Ranges of UUIDv7.
    Id,
    /// Ranges of a moment.
    Time,
}

/// Every table that is partitioned by week.
const TABLES: [(&str, By); 8] = [
    ("events", By::Id),
    ("bulk", By::Id),
    ("rejected_events", By::Time),
    ("journal", By::Time),
    ("messages", By::Id),
    ("decisions", By::Time),
    ("rewards", By::Time),
    ("ended_runs", By::Time),
];

/// Makes the partitions around `now` that are missing; returns the names of those it made.
///
/// Each is made as a table of its own and attached, which does not block those who write (`CREATE … PARTITION OF`
/// would). Two processes at once wait for each other on an advisory lock.
///
/// # Errors
/// [`Error::Busy`] when a long transaction holds the table; nothing is half made.
#[tracing::instrument(level = "debug", skip_all, fields(%now))]
pub async fn ensure(pool: &PgPool, now: ShopTime) -> Result<Vec<String>, Error> {
    // What is ahead first: nothing that stands in the way of a past week may keep it from being made.
    let weeks = (0..=WEEKS_AHEAD).chain(-WEEKS_BACK..0);
    make(pool, weeks.filter_map(|week| Some((week_of(now, week)?, week < 0))).collect()).await
}

/// Makes the partitions of these moments' weeks: of what a batch was to write when it met
/// [`Error::NoPartition`], the weeks of its moments and of its messages' runs.
///
/// # Errors
/// As [`ensure`]; also where a week can't be made.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn ensure_for(pool: &PgPool, write: &Write) -> Result<Vec<String>, Error> {
    ensure_at(pool, moments(write)).await
}

/// Makes the partitions of the weeks of these moments.
pub(crate) async fn ensure_at(
    pool: &PgPool,
    moments: impl Iterator<Item = ShopTime>,
) -> Result<Vec<String>, Error> {
    let weeks: BTreeSet<(ShopTime, ShopTime)> = moments.filter_map(|moment| week_of(moment, 0)).collect();
    make(pool, weeks.into_iter().map(|week| (week, false)).collect()).await
}

/// What decides where the rows of a batch go.
fn moments(write: &Write) -> impl Iterator<Item = ShopTime> {
    let messages = write.queued.iter().chain(&write.withheld).map(|row| row.message);
    let messages = messages.chain(write.cancelled.iter().copied());
    std::iter::once(write.now)
        .chain(write.journal.iter().map(|row| row.at))
        .chain(write.decisions.iter().map(|row| row.at))
        .chain(write.rewards.iter().map(|row| row.at))
        .chain(write.ended.iter().map(|row| row.ended_at))
        .chain(messages.filter_map(moment))
}

/// The moment that decides in which week a message is kept: that of its run's start.
pub(crate) fn moment(message: MessageId) -> Option<ShopTime> {
    ShopTime::from_millisecond((message.0.as_u128() >> 80) as i64)
}

/// Makes what is missing of these weeks in every table. A week that `may_fail` is let go where something stands in its
/// way for good.
async fn make(pool: &PgPool, weeks: Vec<((ShopTime, ShopTime), bool)>) -> Result<Vec<String>, Error> {
    let mut made = Vec::new();
    for (table, by) in TABLES {
        let there: Vec<String> = read(pool, REPORT_SILENCE, async |connection| {
            Ok(sqlx::query_scalar(statements::PARTITION_NAMES).bind(table).fetch_all(connection).await?)
        })
        .await?;
        for ((from, to), may_fail) in &weeks {
            let name = format!("{table}_{}", from.timestamp().strftime("%Y%m%d"));
            if there.contains(&name) {
                continue;
            }
            let attached = read(pool, REPORT_SILENCE, async |connection| {
                attach(connection, table, &name, by, *from, *to).await
            });
            match attached.await {
                Ok(true) => made.push(name),
                Ok(false) => {}
                Err(error) if *may_fail && !error.is_passing() => {
                    tracing::warn!(%error, "no partition {name} for the past week, where nothing is expected");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(made)
}

/// The weeks of a table that are there: when each begins, and its partition's name. What does not carry our name is none.
pub(crate) async fn weeks(pool: &PgPool, table: &str) -> Result<BTreeMap<ShopTime, String>, Error> {
    let names: Vec<String> = read(pool, REPORT_SILENCE, async |connection| {
        Ok(sqlx::query_scalar(statements::PARTITION_NAMES).bind(table).fetch_all(connection).await?)
    })
    .await?;
    let week = |name: String| {
        let date = Date::strptime("%Y%m%d", name.strip_prefix(table)?.strip_prefix('_')?).ok()?;
        Some((ShopTime::new(date.to_zoned(TimeZone::UTC).ok()?.timestamp()), name))
    };
    Ok(names.into_iter().filter_map(week).collect())
}

/// Drops the weeks of news that end before a moment, but none of which any waits to be applied; answers with their names.
pub(crate) async fn drop_bulk(pool: &PgPool, before: ShopTime) -> Result<Vec<String>, Error> {
    let mut dropped = Vec::new();
    for (from, name) in weeks(pool, "bulk").await? {
        let Some((_, to)) = week_of(from, 0).filter(|(_, to)| *to <= before) else { break };
        let done = read(pool, REPORT_SILENCE, async |connection| {
            let mut tx = connection.begin().await?;
            tx.execute("SELECT set_config('lock_timeout', '3000', true), pg_advisory_xact_lock(7421001)")
                .await?;
            let waits = sqlx::query_scalar(statements::WAITS_FOR_NEWS_BEFORE).bind(EventId::floor(to));
            if waits.fetch_one(&mut *tx).await? {
                return Ok(false);
            }
            // Another process may have been here.
            let ddl = format!("DROP TABLE IF EXISTS {name}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(ddl)).execute(&mut *tx).await?;
            tx.commit().await?;
            Ok(true)
        });
        if !done.await? {
            break;
        }
        dropped.push(name);
    }
    Ok(dropped)
}

/// The Monday (UTC) of the week `weeks` after the one `now` is in, and the Monday after.
fn week_of(now: ShopTime, weeks: i64) -> Option<(ShopTime, ShopTime)> {
    let today = now.timestamp().to_zoned(TimeZone::UTC).date();
    let monday = today.checked_sub(jiff::Span::new().days(today.weekday().since(Weekday::Monday))).ok()?;
    let midnight = |weeks: i64| -> Option<ShopTime> {
        let date = monday.checked_add(jiff::Span::new().weeks(weeks)).ok()?;
        let at: Timestamp = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some(ShopTime::new(at))
    };
    Some((midnight(weeks)?, midnight(weeks + 1)?))
}

async fn attach(
    connection: &mut PgConnection,
    table: &str,
    name: &str,
    by: By,
    from: ShopTime,
    to: ShopTime,
) -> Result<bool, Error> {
    let bounds = match by {
        By::Id => format!("FROM ('{}') TO ('{}')", EventId::floor(from), EventId::floor(to)),
        By::Time => format!("FROM ('{from}') TO ('{to}')"),
    };
    let mut tx = connection.begin().await?;
    // The lock's key is a fixed number of ours; it ends with the transaction.
    tx.execute("SELECT set_config('lock_timeout', '3000', true), pg_advisory_xact_lock(7421001)").await?;
    let there: Vec<String> =
        sqlx::query_scalar(statements::PARTITION_NAMES).bind(table).fetch_all(&mut *tx).await?;
    if there.iter().any(|other| other == name) {
        return Ok(false);
    }
    let ddl = format!(
        "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(ddl)).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use journeyman_domain::tracking::parse_timestamp;

    use super::*;

    #[test]
    fn weeks_begin_on_monday_utc() {
        let check = |now: &str, weeks: i64, from: &str, to: &str| {
            let at = |text: &str| parse_timestamp(text).unwrap();
            assert_eq!(week_of(at(now), weeks), Some((at(from), at(to))), "{now} {weeks}");
        };
        check("2026-11-23T00:00:00Z", 0, "2026-11-23", "2026-11-30");
        check("2026-11-29T23:59:59Z", 0, "2026-11-23", "2026-11-30");
        check("2026-11-29T23:59:59Z", 1, "2026-11-30", "2026-12-07");
        check("2027-01-01T12:00:00Z", 0, "2026-12-28", "2027-01-04");
        check("1970-01-01T00:00:00Z", 0, "1969-12-29", "1970-01-05");
    }
}
