//! What models are made of, and models as they are kept: numbered rows with a card.

use std::sync::Arc;

use futures::TryStreamExt as _;
use journeyman_domain::ShopTime;
use journeyman_domain::decision::{Choice, Rule};
use journeyman_domain::person::FeatureKey;
use journeyman_domain::row::DecisionRow;
use sqlx::{PgConnection, Row as _};

use crate::{Error, history, row, statements};

/// A model as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Which model: `channel`, `send_time`.
    pub name: String,
    /// Its number among those of its name, from 1: the snapshot's.
    pub snapshot: i64,
    /// When it was fitted.
    pub fitted_at: ShopTime,
    /// The model itself, as JSON.
    pub parameters: String,
}

/// A model that was just fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// How.
    pub method: String,
    /// The model itself, a JSON object.
    pub parameters: String,
    /// What it was made of and how good it is, a JSON object.
    pub card: String,
    /// Whether it is used from now on.
    pub promoted: bool,
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

/// When one person was active.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    /// Their zone, where it is known.
    pub zone: Option<String>,
    /// A moment of each hour in which they were.
    pub moments: Vec<ShopTime>,
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

/// What came of the choices that one rule made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// What was chosen.
    pub what: Choice,
    /// By which rule.
    pub rule: Rule,
    /// By whose beliefs; 0 where by none.
    pub snapshot: i64,
    /// How many choices, of those that anything can come of.
    pub decisions: u64,
    /// How many of them are older than the window.
    pub over: u64,
    /// Of how many of those something good came within it.
    pub rewarded: u64,
}

/// What came of choices within `window_seconds`, as of now, by kind, rule and snapshot. Reads the whole log.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn came(
    connection: &mut PgConnection,
    (window_seconds, now): (f64, ShopTime),
) -> Result<Vec<Came>, Error> {
    let rows = sqlx::query(statements::CAME_OF_CHOICES)
        .bind(row::time(now))
        .bind(window_seconds)
        .fetch_all(connection)
        .await?;
    let came = |row: &sqlx::postgres::PgRow| {
        let (what, rule): (i16, i16) = (row.try_get("what")?, row.try_get("rule")?);
        let count = |name| Ok::<u64, Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0));
        Ok(Came {
            what: Choice::from_code(what).ok_or_else(|| row::unknown("decisions.what", what))?,
            rule: Rule::from_code(rule).ok_or_else(|| row::unknown("decisions.rule", rule))?,
            snapshot: row.try_get("snapshot")?,
            decisions: count("decisions")?,
            over: count("over")?,
            rewarded: count("rewarded")?,
        })
    };
    rows.iter().map(came).collect()
}

/// Names of models that choose and were fitted after a moment, used or not.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn fitted_after(connection: &mut PgConnection, after: ShopTime) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(statements::CHOICE_MODELS_AFTER)
        .bind(row::time(after))
        .fetch_all(connection)
        .await?)
}

/// Keeps a model and answers its number; one that is promoted is used instead of the one before.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(tx, model))]
pub async fn insert(
    tx: &mut PgConnection,
    name: &str,
    fitted_at: ShopTime,
    model: &Made,
) -> Result<i64, Error> {
    if model.promoted {
        sqlx::query(statements::RETIRE_CHOICE_MODEL).bind(name).execute(&mut *tx).await?;
    }
    let kept = sqlx::query_scalar(statements::KEEP_CHOICE_MODEL)
        .bind(name)
        .bind(&model.method)
        .bind(row::time(fitted_at))
        .bind(&model.parameters)
        .bind(&model.card)
        .bind(model.promoted);
    Ok(kept.fetch_one(tx).await?)
}

/// The numbers of the models that are used to choose, by name.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip_all)]
pub async fn numbers(connection: &mut PgConnection) -> Result<Vec<(String, i64)>, Error> {
    Ok(sqlx::query_as(statements::CHOICE_MODEL_VERSIONS).fetch_all(connection).await?)
}

/// The models that are used to choose.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn promoted(connection: &mut PgConnection) -> Result<Vec<ModelRow>, Error> {
    let rows = sqlx::query(statements::CHOICE_MODELS).fetch_all(connection).await?;
    let model = |row: &sqlx::postgres::PgRow| {
        Ok(ModelRow {
            name: row.try_get("name")?,
            snapshot: row.try_get("version")?,
            fitted_at: row::shop_time(row.try_get("fitted_at")?),
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

/// When people were active, at most so many of them. Empty where no deployed journey asks.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn active(connection: &mut PgConnection, people: i64) -> Result<Vec<Active>, Error> {
    let rows: Vec<(Option<String>, Vec<i64>)> = sqlx::query_as(statements::ACTIVE_HOURS)
        .bind(FeatureKey::activity().number())
        .bind(people)
        .fetch_all(connection)
        .await?;
    let active = |(zone, times): (Option<String>, Vec<i64>)| Active {
        zone,
        moments: times.into_iter().filter_map(ShopTime::from_microsecond).collect(),
    };
    Ok(rows.into_iter().map(active).collect())
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
