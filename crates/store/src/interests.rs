//! Who cares for what.

use std::sync::Arc;

use journeyman_domain::interest::{Interest, InterestRow, WORDS, forgotten_before};
use journeyman_domain::{PersonId, Shard, ShopTime};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{PgConnection, Row as _};

use crate::pool::{REPORT_SILENCE, read};
use crate::{Error, statements};

/// The columns of words, in their order.
const COLUMNS: [&str; WORDS] =
    ["viewed", "carted", "uncarted", "wished", "unwished", "bought", "subscribed", "withdrew"];
/// How many rows a statement deletes.
const PIECE: i64 = 10_000;

/// Adds what people said; of one person and product one row.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(rows = rows.len()))]
pub async fn upsert(tx: &mut PgConnection, rows: &[InterestRow]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut query = sqlx::query(statements::UPSERT_INTERESTS)
        .bind(rows.iter().map(|row| row.person.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.product).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| i16::from(Shard::of(row.person).0)).collect::<Vec<_>>());
    for word in 0..WORDS {
        query = query.bind(rows.iter().map(|row| row.interest.0[word]).collect::<Vec<_>>());
    }
    query.execute(tx).await?;
    Ok(())
}

/// Somebody who cares for an item, and how.
#[derive(Clone, Copy, Debug)]
pub struct Interested {
    /// Who.
    pub person: PersonId,
    /// Which of the products asked for, from 0.
    pub item: usize,
    /// What they said of it.
    pub interest: Interest,
}

/// Who cares for these products, of shards `from` to `to`, by shard.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(products = products.len(), ?from))]
pub async fn interested(
    connection: &mut PgConnection,
    products: &[Arc<str>],
    (from, to): (Shard, Shard),
) -> Result<Vec<(Shard, Vec<Interested>)>, Error> {
    let rows = sqlx::query(statements::INTERESTED)
        .bind(products.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
        .bind(i16::from(from.0))
        .bind(i16::from(to.0))
        .fetch_all(connection)
        .await?;
    rows.iter().map(of_shard).collect()
}

fn of_shard(row: &PgRow) -> Result<(Shard, Vec<Interested>), Error> {
    let people: Vec<i64> = row.try_get("people")?;
    let items: Vec<i32> = row.try_get("items")?;
    let mut found: Vec<Interested> = people
        .into_iter()
        .zip(items)
        .map(|(person, item)| Interested {
            person: PersonId(person),
            item: item as usize,
            interest: Interest::default(),
        })
        .collect();
    for (word, column) in COLUMNS.iter().enumerate() {
        let moments: Vec<Option<i64>> = row.try_get(column)?;
        found.iter_mut().zip(moments).for_each(|(one, at)| one.interest.0[word] = at);
    }
    // Its CHECK keeps it between 0 and 255.
    Ok((Shard(row.try_get::<i16, _>("shard")? as u8), found))
}

/// What one person cares for, by product.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn of_person(connection: &mut PgConnection, person: PersonId) -> Result<Vec<InterestRow>, Error> {
    let rows = sqlx::query(statements::INTERESTS_OF_PERSON).bind(person.0).fetch_all(connection).await?;
    let row = |row: &PgRow| {
        let mut interest = Interest::default();
        for (word, column) in COLUMNS.iter().enumerate() {
            interest.0[word] = row.try_get(column)?;
        }
        Ok(InterestRow { person, product: row.try_get::<&str, _>("product_id")?.into(), interest })
    };
    rows.iter().map(row).collect()
}

/// Deletes what history has put under the ids of people whose state was taken over: it was put under the others' too.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn forget_merged(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query(statements::DELETE_MERGED_INTERESTS).execute(connection).await?;
    Ok(())
}

/// Deletes what has faded for good, in pieces; returns how many rows.
///
/// # Errors
/// As [`Error`] says; what was deleted until then stays deleted.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn forget_faded(pool: &PgPool, now: ShopTime) -> Result<u64, Error> {
    let before = forgotten_before(now).as_microsecond();
    let mut rows = 0;
    loop {
        let piece = read(pool, REPORT_SILENCE, async |connection| {
            let delete = sqlx::query(statements::DELETE_FADED_INTERESTS).bind(before).bind(PIECE);
            Ok(delete.execute(connection).await?.rows_affected())
        })
        .await?;
        rows += piece;
        if piece < PIECE as u64 {
            return Ok(rows);
        }
    }
}
