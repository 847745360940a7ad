//! Weekly partitions, made ahead.

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use journeyman_domain::{EventId, ShopTime};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::{Error, statements};

/// How many weeks beyond the present one there are partitions for.
pub const WEEKS_AHEAD: i64 = 4;
/// How many weeks back: the clock of another process, or the one of a batch just received, may be behind.
const WEEKS_BACK: i64 = 1;

/// A table partitioned by week, and what its bounds are made of.
#[derive(Clone, Copy)]
enum By {
    /// Ranges of UUIDv7.
    Id,
    /// Ranges of `received_at`.
    Time,
}

const TABLES: [(&str, By); 2] = [("events", By::Id), ("rejected_events", By::Time)];

/// Makes the partitions around `now` that are missing; returns the names of those it made.
///
/// Each is made as a table of its own and attached, which does not block those who write (`CREATE … PARTITION OF`
/// would). Two processes at once wait for each other on an advisory lock.
///
/// # Errors
/// [`Error::Busy`] when a long transaction holds the table; nothing is half made.
#[tracing::instrument(level = "debug", skip_all, fields(%now))]
pub async fn ensure(pool: &PgPool, now: ShopTime) -> Result<Vec<String>, Error> {
    let mut made = Vec::new();
    let mut connection = pool.acquire().await?;
    for (table, by) in TABLES {
        let there: Vec<String> =
            sqlx::query_scalar(statements::PARTITION_NAMES).bind(table).fetch_all(&mut *connection).await?;
        // What is ahead first: nothing that stands in the way of a past week may keep it from being made.
        for week in (0..=WEEKS_AHEAD).chain(-WEEKS_BACK..0) {
            let Some((from, to)) = week_of(now, week) else { continue };
            let name = format!("{table}_{}", from.timestamp().strftime("%Y%m%d"));
            if there.contains(&name) {
                continue;
            }
            match attach(&mut connection, table, &name, by, from, to).await {
                Ok(true) => made.push(name),
                Ok(false) => {}
                Err(error) if week < 0 && !error.is_passing() => {
                    tracing::warn!(%error, "no partition {name} for the past week, where nothing is expected");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(made)
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
