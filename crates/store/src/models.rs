//! What is learned: models by name and number, each with its card; when a job of learning was last done.

use journeyman_domain::ShopTime;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::types::JsonValue as Value;
use sqlx::{Executor as _, PgConnection, Row as _};

use crate::pool::{REPORT_SILENCE, begin, in_time, read};
use crate::{Error, row, statements};

/// A model as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What it is of: `churn`.
    pub name: String,
    /// Which fit of that name, from 1.
    pub version: i64,
    /// How it was learned.
    pub method: String,
    /// When, shop time.
    pub fitted_at: ShopTime,
    /// What was learned; a JSON object of the method's own.
    pub parameters: Value,
    /// What it was made of, how well it does, and why it is used or not; a JSON object.
    pub card: Value,
    /// Whether it is the one that is used.
    pub promoted: bool,
}

/// The one of a name that is used.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn promoted(pool: &PgPool, name: &str) -> Result<Option<Model>, Error> {
    read(pool, REPORT_SILENCE, async |connection| {
        let row = sqlx::query(statements::PROMOTED_MODEL).bind(name).fetch_optional(connection).await?;
        row.as_ref().map(model).transpose()
    })
    .await
}

/// All of them by name, the latest of each first, at most `limit`.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn list(pool: &PgPool, limit: usize) -> Result<Vec<Model>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    read(pool, REPORT_SILENCE, async |connection| {
        let rows = sqlx::query(statements::LIST_MODELS).bind(limit).fetch_all(connection).await?;
        rows.iter().map(model).collect()
    })
    .await
}

/// Keeps a fit, and lets it be used where `model.promoted`; answers its number, whatever `model.version` says.
///
/// # Errors
/// As [`Error`] says; nothing is changed then.
#[tracing::instrument(level = "debug", skip_all, fields(name = model.name))]
pub async fn insert(pool: &PgPool, model: &Model) -> Result<i64, Error> {
    let tx = begin(pool, REPORT_SILENCE).await?;
    in_time(tx, REPORT_SILENCE, async |tx| {
        let version: i64 = sqlx::query_scalar(statements::INSERT_MODEL)
            .bind(&model.name)
            .bind(&model.method)
            .bind(row::time(model.fitted_at))
            .bind(&model.parameters)
            .bind(&model.card)
            .fetch_one(&mut *tx)
            .await?;
        if model.promoted {
            change(tx, &model.name, Some(version)).await?;
        }
        tx.execute("COMMIT").await?;
        Ok(version)
    })
    .await
}

/// Lets another one of a name be used, or none; false where there is no such number.
///
/// # Errors
/// As [`Error`] says; nothing is changed then.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn promote(pool: &PgPool, name: &str, version: Option<i64>) -> Result<bool, Error> {
    let tx = begin(pool, REPORT_SILENCE).await?;
    in_time(tx, REPORT_SILENCE, async |tx| {
        let there = change(tx, name, version).await?;
        tx.execute(if there { "COMMIT" } else { "ROLLBACK" }).await?;
        Ok(there)
    })
    .await
}

async fn change(tx: &mut PgConnection, name: &str, version: Option<i64>) -> Result<bool, Error> {
    sqlx::query(statements::DEMOTE_MODELS).bind(name).bind(version).execute(&mut *tx).await?;
    let Some(version) = version else { return Ok(true) };
    let promoted = sqlx::query(statements::PROMOTE_MODEL).bind(name).bind(version).execute(tx).await?;
    Ok(promoted.rows_affected() == 1)
}

/// Keeps others from learning until the connection closes; `false` where somebody does already.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn lock(connection: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(statements::LOCK_LEARNING).fetch_one(connection).await?)
}

/// When a job was last done, shop time, and what came of it.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn learned(pool: &PgPool, job: &str) -> Result<Option<(ShopTime, Value)>, Error> {
    read(pool, REPORT_SILENCE, async |connection| {
        let row = sqlx::query(statements::LEARNED_AT).bind(job).fetch_optional(connection).await?;
        row.map(|row| Ok((row::shop_time(row.try_get("at")?), row.try_get("done")?))).transpose()
    })
    .await
}

/// A job was done.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool, done))]
pub async fn set_learned(pool: &PgPool, job: &str, at: ShopTime, done: &Value) -> Result<(), Error> {
    read(pool, REPORT_SILENCE, async |connection| {
        let set = sqlx::query(statements::SET_LEARNED).bind(job).bind(row::time(at)).bind(done);
        set.execute(connection).await?;
        Ok(())
    })
    .await
}

fn model(row: &PgRow) -> Result<Model, Error> {
    Ok(Model {
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        method: row.try_get("method")?,
        fitted_at: row::shop_time(row.try_get("fitted_at")?),
        parameters: row.try_get("parameters")?,
        card: row.try_get("card")?,
        promoted: row.try_get("promoted")?,
    })
}
