//! The catalog: versions of products, and how far people were told of what changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::ShopTime;
use journeyman_domain::catalog::{Fault, Item, Patch, Versions};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::pool::{REPORT_SILENCE, read};
use crate::{Error, row, statements};

/// How many items one change says at most: one number of the catalog.
pub const ITEMS: usize = 1_000;

/// What became of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Items that are another now.
    pub changed: usize,
    /// Items that say nothing new.
    pub unchanged: usize,
    /// Items that were refused: which of those given, and why.
    pub refused: Vec<(usize, Fault)>,
    /// The number of the catalog since.
    pub number: i64,
}

/// Says something of items, one after the other, in one transaction; at most [`ITEMS`]. What says nothing new writes nothing.
///
/// # Errors
/// As [`Error`] says; nothing is changed then.
#[tracing::instrument(level = "debug", skip_all, fields(items = patches.len()))]
pub async fn change(pool: &PgPool, patches: &[Patch], at: ShopTime) -> Result<Changed, Error> {
    read(pool, REPORT_SILENCE, async |connection| change_by(connection, patches, at).await).await
}

async fn change_by(connection: &mut PgConnection, patches: &[Patch], at: ShopTime) -> Result<Changed, Error> {
    let mut tx = connection.begin().await?;
    let number: i64 = sqlx::query_scalar(statements::LOCK_CATALOG).fetch_one(&mut *tx).await?;
    let ids: Vec<Arc<str>> = patches.iter().map(|patch| patch.id.clone()).collect();
    let known: BTreeMap<Arc<str>, Item> = products_at(&mut tx, &ids, number).await?.into_iter().collect();
    let mut now = known.clone();
    let mut done = Changed { number, ..Changed::default() };
    for (nth, patch) in patches.iter().enumerate() {
        match now.get(&patch.id).cloned().unwrap_or_default().patched(patch) {
            Ok(item) => {
                now.insert(patch.id.clone(), item);
            }
            Err(fault) => done.refused.push((nth, fault)),
        }
    }
    let news: Vec<(&Arc<str>, &Item)> =
        now.iter().filter(|(id, item)| known.get(*id) != Some(*item)).collect();
    done.changed = news.len();
    done.unchanged = now.len() - news.len();
    if !news.is_empty() {
        done.number = number + 1;
        let inserted = sqlx::query(statements::INSERT_PRODUCTS)
            .bind(news.iter().map(|(id, _)| &***id).collect::<Vec<&str>>())
            .bind(done.number)
            .bind(row::time(at))
            .bind(news.iter().map(|(_, item)| item.to_json()).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
        debug_assert_eq!(inserted.rows_affected(), news.len() as u64);
        sqlx::query(statements::ADVANCE_CATALOG).bind(done.number).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(done)
}

/// Products as they are now, and the number of the catalog that says so.
///
/// # Errors
/// As [`Error`] says.
pub async fn now(
    connection: &mut PgConnection,
    ids: &[Arc<str>],
) -> Result<(i64, Vec<(Arc<str>, Item)>), Error> {
    let number: i64 = sqlx::query_scalar(statements::CATALOG_NUMBER).fetch_one(&mut *connection).await?;
    Ok((number, products_at(connection, ids, number).await?))
}

/// The number of the catalog.
///
/// # Errors
/// As [`Error`] says.
pub async fn number(connection: &mut PgConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(statements::CATALOG_NUMBER).fetch_one(connection).await?)
}

#[tracing::instrument(level = "debug", skip_all, fields(products = ids.len()))]
async fn products_at(
    connection: &mut PgConnection,
    ids: &[Arc<str>],
    number: i64,
) -> Result<Vec<(Arc<str>, Item)>, Error> {
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    let rows: Vec<(String, String)> =
        sqlx::query_as(statements::PRODUCTS_AT).bind(ids).bind(number).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(id, item)| (id.into(), Item::stored(&item))).collect())
}

/// One version of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// Of which.
    pub id: Arc<str>,
    /// The number of the catalog since which it is so.
    pub number: i64,
    /// Since when.
    pub at: ShopTime,
    /// What it is.
    pub item: Item,
}

/// Every version of these products, by product and number.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(products = ids.len()))]
pub async fn versions(connection: &mut PgConnection, ids: &[Arc<str>]) -> Result<Vec<Version>, Error> {
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    let rows = sqlx::query(statements::PRODUCT_VERSIONS).bind(ids).fetch_all(connection).await?;
    let version = |row: &sqlx::postgres::PgRow| {
        Ok(Version {
            id: row.try_get::<&str, _>("product_id")?.into(),
            number: row.try_get("number")?,
            at: row::shop_time(row.try_get("at")?),
            item: Item::stored(row.try_get("item")?),
        })
    };
    rows.iter().map(version).collect()
}

/// As [`versions`], for a replay.
///
/// # Errors
/// As [`Error`] says.
pub async fn history(connection: &mut PgConnection, ids: &[Arc<str>]) -> Result<Versions, Error> {
    let mut history = Versions::default();
    if !ids.is_empty() {
        for version in versions(connection, ids).await? {
            history.add(version.id, version.number, version.item);
        }
    }
    Ok(history)
}

/// The next `limit` products behind an id that are not withdrawn, by id.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn for_sale(
    connection: &mut PgConnection,
    after: &str,
    limit: usize,
) -> Result<Vec<Arc<str>>, Error> {
    let ids: Vec<String> = sqlx::query_scalar(statements::PRODUCTS_FOR_SALE)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(Arc::from).collect())
}

/// How much there is of the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many products.
    pub products: u64,
    /// How many versions of them.
    pub versions: u64,
    /// When the first was told; `None` where there is none.
    pub since: Option<ShopTime>,
}

/// How much there is. Reads every version.
///
/// # Errors
/// As [`Error`] says.
pub async fn extent(connection: &mut PgConnection) -> Result<Extent, Error> {
    let row = sqlx::query(statements::CATALOG_EXTENT).fetch_one(connection).await?;
    let count = |name| Ok::<u64, Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0));
    let since = row.try_get::<Option<_>, _>("since")?.map(row::shop_time);
    Ok(Extent { products: count("products")?, versions: count("versions")?, since })
}

/// The moments in which it changed, in order. Reads every version.
///
/// # Errors
/// As [`Error`] says.
pub async fn moments(connection: &mut PgConnection) -> Result<Vec<ShopTime>, Error> {
    let moments: Vec<jiff_sqlx::Timestamp> =
        sqlx::query_scalar(statements::CATALOG_MOMENTS).fetch_all(connection).await?;
    Ok(moments.into_iter().map(row::shop_time).collect())
}

/// A product that has changed between two numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// Which.
    pub id: Arc<str>,
    /// As it was at the first.
    pub old: Item,
    /// As it is at the second.
    pub new: Item,
    /// Since when it is so.
    pub at: ShopTime,
}

/// The products that were there at `from` and have changed until `to`.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn moved(connection: &mut PgConnection, from: i64, to: i64) -> Result<Vec<Moved>, Error> {
    let rows: Vec<(String, String, String, jiff_sqlx::Timestamp)> =
        sqlx::query_as(statements::MOVED_PRODUCTS).bind(from).bind(to).fetch_all(connection).await?;
    let moved = |(id, old, new, at): (String, String, String, jiff_sqlx::Timestamp)| Moved {
        id: id.into(),
        old: Item::stored(&old),
        new: Item::stored(&new),
        at: row::shop_time(at),
    };
    Ok(rows.into_iter().map(moved).collect())
}

/// How far people were told of what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The number of the catalog.
    pub number: i64,
    /// Up to which number they were told.
    pub told: i64,
    /// Up to which they are being told, since when, and the shard that is next.
    pub under_way: Option<(i64, ShopTime, u8)>,
}

fn telling((number, told, up_to, at, next): Stands) -> Telling {
    let under_way = up_to.zip(at).map(|(up_to, at)| (up_to, row::shop_time(at), next as u8));
    Telling { number, told, under_way }
}

/// The row: number, told, telling, its moment, the next shard.
type Stands = (i64, i64, Option<i64>, Option<jiff_sqlx::Timestamp>, i16);

/// How far people were told.
///
/// # Errors
/// As [`Error`] says.
pub async fn how_far(connection: &mut PgConnection) -> Result<Telling, Error> {
    Ok(telling(sqlx::query_as(statements::TELLING).fetch_one(connection).await?))
}

/// The same, and keeps others from telling until the transaction ends; `None` where somebody else is at it.
///
/// # Errors
/// As [`Error`] says.
pub async fn lock_telling(tx: &mut PgConnection) -> Result<Option<Telling>, Error> {
    Ok(sqlx::query_as(statements::LOCK_TELLING).fetch_optional(tx).await?.map(telling))
}

/// Says how far people were told; whoever does holds [`lock_telling`].
///
/// # Errors
/// As [`Error`] says.
pub async fn set_telling(
    tx: &mut PgConnection,
    told: i64,
    under_way: Option<(i64, ShopTime, u8)>,
) -> Result<(), Error> {
    sqlx::query(statements::SET_TELLING)
        .bind(told)
        .bind(under_way.map(|(up_to, ..)| up_to))
        .bind(under_way.map(|(_, at, _)| row::time(at)))
        .bind(under_way.map_or(0, |(.., next)| i16::from(next)))
        .execute(tx)
        .await?;
    Ok(())
}
