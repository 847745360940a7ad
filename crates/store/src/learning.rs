//! What models are made of, and models as they are kept: numbered rows with a card.

use std::sync::Arc;

use futures::TryStreamExt as _;
use journeyman_domain::ShopTime;
use journeyman_domain::decision::Choice;
use journeyman_domain::person::FeatureKey;
use journeyman_domain::row::DecisionRow;
use sqlx::{PgConnection, Row as _};

use crate::{Error, history, row, statements};

/// A model as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Which model: `channel`, `send_time`, ….
    pub name: String,
    /// Its number, from 1; higher is later.
    pub snapshot: i64,
    /// When it was fitted.
    pub fitted_at: ShopTime,
    /// How good it is and what it was made of, as JSON.
    pub card: String,
    /// The model itself, as JSON.
    pub parameters: String,
}

/// What came of a channel, summed.
#[derive(Clone, Debug, PartialEq)]
pub struct TriedRow {
    /// The journey.
    pub journey: Arc<str>,
    /// The step.
    pub step: Arc<str>,
    /// The cohort, where it was logged.
    pub cohort: Option<String>,
    /// The channel.
    pub channel: String,
    /// How many messages, weighted by age.
    pub tries: f64,
    /// How many of them were clicked or reached the goal, weighted.
    pub hits: f64,
    /// How many messages.
    pub messages: i64,
    /// How many of them were rewarded.
    pub rewarded: i64,
}

/// A choice with what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The choice.
    pub decision: DecisionRow,
    /// The first click of a human within the window.
    pub clicked_at: Option<ShopTime>,
    /// The goal, within the window.
    pub goal_at: Option<ShopTime>,
    /// What the goal is worth, in the shop's currency.
    pub value: Option<f64>,
    /// Whether the window is over.
    pub over: bool,
}

impl Exported {
    /// 1 as soon as something good came, 0 once the window is over without; `None` while it is open, and of what teaches nothing.
    pub fn reward(&self) -> Option<u8> {
        self.decision.message?;
        match self.clicked_at.or(self.goal_at) {
            Some(_) => Some(1),
            None => self.over.then_some(0),
        }
    }
}

/// Which choices.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Made then or later.
    pub from: Option<ShopTime>,
    /// Made before.
    pub to: Option<ShopTime>,
    /// Of this journey.
    pub journey: Option<String>,
    /// Of this kind.
    pub what: Option<Choice>,
}

/// Keeps other processes from training until the transaction ends; `false` where one does already.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn lock(tx: &mut PgConnection) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(statements::LOCK_TRAINING).fetch_one(tx).await?)
}

/// Names of models that were fitted after a moment, promoted or not.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn fitted_after(connection: &mut PgConnection, after: ShopTime) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(statements::FITTED_LATELY).bind(row::time(after)).fetch_all(connection).await?)
}

/// Keeps a model and returns its number.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection, card, parameters))]
pub async fn insert(
    connection: &mut PgConnection,
    name: &str,
    fitted_at: ShopTime,
    (card, parameters): (&str, &str),
    promoted: bool,
) -> Result<i64, Error> {
    let inserted = sqlx::query_scalar(statements::INSERT_MODEL)
        .bind(name)
        .bind(row::time(fitted_at))
        .bind(card)
        .bind(parameters)
        .bind(promoted);
    Ok(inserted.fetch_one(connection).await?)
}

/// The numbers of the latest promoted models, by name.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip_all)]
pub async fn numbers(connection: &mut PgConnection) -> Result<Vec<(String, i64)>, Error> {
    Ok(sqlx::query_as(statements::PROMOTED_NUMBERS).fetch_all(connection).await?)
}

/// The latest promoted model of each name.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn promoted(connection: &mut PgConnection) -> Result<Vec<ModelRow>, Error> {
    let rows = sqlx::query(statements::PROMOTED_MODELS).fetch_all(connection).await?;
    let model = |row: &sqlx::postgres::PgRow| {
        Ok(ModelRow {
            name: row.try_get("name")?,
            snapshot: row.try_get("snapshot")?,
            fitted_at: row::shop_time(row.try_get("fitted_at")?),
            card: row.try_get("card")?,
            parameters: row.try_get("parameters")?,
        })
    };
    rows.iter().map(model).collect()
}

/// What came of channels that were drawn between two moments and whose window is over: `window_seconds` long; each message counts
/// half after so many days.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn tried(
    connection: &mut PgConnection,
    (from, now): (ShopTime, ShopTime),
    window_seconds: f64,
    half_life_days: f64,
) -> Result<Vec<TriedRow>, Error> {
    let rows = sqlx::query(statements::TRIED_CHANNELS)
        .bind(row::time(now))
        .bind(row::time(from))
        .bind(window_seconds)
        .bind(half_life_days)
        .fetch_all(connection)
        .await?;
    let tried = |row: &sqlx::postgres::PgRow| {
        Ok(TriedRow {
            journey: row.try_get::<&str, _>("journey")?.into(),
            step: row.try_get::<&str, _>("step")?.into(),
            cohort: row.try_get("cohort")?,
            channel: row.try_get("choice")?,
            tries: row.try_get("tries")?,
            hits: row.try_get("hits")?,
            messages: row.try_get("messages")?,
            rewarded: row.try_get("rewarded")?,
        })
    };
    rows.iter().map(tried).collect()
}

/// When at most so many people were active, each with their zone, where it is known. Empty where no deployed journey asks.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn active(
    connection: &mut PgConnection,
    people: i64,
) -> Result<Vec<(Option<String>, Vec<ShopTime>)>, Error> {
    let rows: Vec<(Option<String>, Vec<i64>)> = sqlx::query_as(statements::ACTIVE_HOURS)
        .bind(FeatureKey::activity().number())
        .bind(people)
        .fetch_all(connection)
        .await?;
    let moments =
        |times: Vec<i64>| times.into_iter().filter_map(ShopTime::from_microsecond).collect::<Vec<_>>();
    Ok(rows.into_iter().map(|(zone, times)| (zone, moments(times))).collect())
}

/// Hands over choices with what came of them within `window_seconds`, as of now, one by one, by their moment, until `each` says
/// that it wants no more.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection, each))]
pub async fn export(
    connection: &mut PgConnection,
    filter: &Filter,
    (window_seconds, now): (f64, ShopTime),
    mut each: impl FnMut(Exported) -> bool,
) -> Result<(), Error> {
    let mut rows = sqlx::query(statements::EXPORT_DECISIONS)
        .bind(filter.from.map(row::time))
        .bind(filter.to.map(row::time))
        .bind(filter.journey.as_deref())
        .bind(filter.what.map(Choice::code))
        .bind(window_seconds)
        .bind(row::time(now))
        .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let exported = Exported {
            decision: history::decision(&row)?,
            clicked_at: row.try_get::<Option<_>, _>("clicked_at")?.map(crate::row::shop_time),
            goal_at: row.try_get::<Option<_>, _>("goal_at")?.map(crate::row::shop_time),
            value: row.try_get("value")?,
            over: row.try_get("over")?,
        };
        if !each(exported) {
            break;
        }
    }
    Ok(())
}
