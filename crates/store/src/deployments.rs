//! What is live: numbered sets of sources, and the counters they demand.

use std::collections::BTreeSet;
use std::sync::Arc;

use journeyman_domain::ShopTime;
use journeyman_domain::person::FeatureKey;
use journeyman_domain::plan::PlanHash;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::lines::Lines;
use crate::{Error, row, statements};

/// A file of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSource {
    /// Of its canonical form; of a journey, its version.
    pub hash: PlanHash,
    /// What kind of file it is, as the caller numbers them.
    pub kind: i16,
    /// Its name.
    pub name: String,
    /// Where it stood, from the folder that holds `journeyman.yaml`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// An older version that runs were pinned to when the deployment was made. Ignored where one is made.
    pub pinned: bool,
}

/// What is said of a deployment.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a> {
    /// When it goes live.
    pub at: ShopTime,
    /// What people say of it.
    pub note: &'a str,
    /// In which environment.
    pub environment: &'a str,
    /// Who does it, as they say.
    pub author: &'a str,
}

/// One of the deployments there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number, from 1.
    pub number: i64,
    /// When it went live.
    pub at: ShopTime,
    /// What people said of it.
    pub note: String,
    /// In which environment.
    pub environment: String,
    /// Who did it, as they said; empty where nobody said.
    pub author: String,
    /// How many files it has, older versions not counted.
    pub files: u64,
    /// Who had said yes to it, where that was asked for.
    pub approved_by: Vec<String>,
}

/// The deployments there were, the newest first, at most so many.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn list(connection: &mut PgConnection, limit: usize) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query(statements::LIST_DEPLOYMENTS).bind(limit as i64).fetch_all(connection).await?;
    let listed = rows.iter().map(|row| {
        Ok(Listed {
            number: row.try_get("number")?,
            at: row::shop_time(row.try_get("at")?),
            note: row.try_get("note")?,
            environment: row.try_get("environment")?,
            author: row.try_get("author")?,
            files: row.try_get::<i64, _>("files")? as u64,
            approved_by: row.try_get("approved_by")?,
        })
    });
    listed.collect()
}

/// Runs under way: how many stand at each step of each version of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Of which journey.
    pub journey: String,
    /// In which version.
    pub plan: PlanHash,
    /// At which step; empty of those that are over but for their goal.
    pub step: String,
    /// How many.
    pub runs: u64,
}

/// Who is under way, by journey, version and step. Reads every live run once.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn in_flight(connection: &mut PgConnection) -> Result<Vec<InFlight>, Error> {
    let rows: Vec<(String, Uuid, String, i64)> =
        sqlx::query_as(statements::RUNS_IN_FLIGHT).fetch_all(connection).await?;
    let of = |(journey, plan, step, runs): (_, Uuid, _, i64)| InFlight {
        journey,
        plan: PlanHash(plan.as_u128()),
        step,
        runs: runs as u64,
    };
    Ok(rows.into_iter().map(of).collect())
}

/// The number of what is live, 0 before the first.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "trace", skip_all)]
pub async fn current(connection: &mut PgConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(statements::CURRENT_DEPLOYMENT).fetch_one(connection).await?)
}

/// The number of what is live, and the lines in which messages wait: both stay so as long as a batch holds its slices.
#[tracing::instrument(level = "trace", skip_all)]
pub(crate) async fn live(connection: &mut PgConnection) -> Result<(i64, Lines), Error> {
    type Row = (i64, Option<i16>, Option<i16>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(statements::LIVE).fetch_all(connection).await?;
    let number = rows.first().map_or(0, |(number, ..)| *number);
    let lines = rows.into_iter().filter_map(|(_, line, channel, sender)| Some((line?, channel?, sender?)));
    Ok((number, Lines::new(lines)))
}

/// The files of a deployment: deployed ones, then pinned ones, each by kind and name. None of a number that is none.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn load(connection: &mut PgConnection, number: i64) -> Result<Vec<StoredSource>, Error> {
    let rows: Vec<(Uuid, i16, String, String, String, bool)> =
        sqlx::query_as(statements::LOAD_DEPLOYMENT).bind(number).fetch_all(connection).await?;
    let source = |(hash, kind, name, path, text, pinned): (Uuid, _, _, _, _, _)| StoredSource {
        hash: PlanHash(hash.as_u128()),
        kind,
        name,
        path,
        text,
        pinned,
    };
    Ok(rows.into_iter().map(source).collect())
}

/// Makes `sources` what is live from the commit on, and answers its number. Every version that runs are pinned to and
/// that is not among them stays with it. `demands` are the counters kept from then on; those demanded no longer are
/// deleted.
///
/// The caller holds [`crate::slices::lock_all`], so that no batch runs and no two deployments get one number.
///
/// # Errors
/// [`Error::Conflict`] where runs are pinned to a version that was never stored.
#[tracing::instrument(level = "debug", skip_all, fields(sources = sources.len()))]
pub async fn insert(
    tx: &mut PgConnection,
    label: &Label<'_>,
    sources: &[StoredSource],
    demands: &[FeatureKey],
) -> Result<i64, Error> {
    let number: i64 = sqlx::query_scalar(statements::INSERT_DEPLOYMENT)
        .bind(row::time(label.at))
        .bind(label.note)
        .bind(label.environment)
        .bind(label.author)
        .fetch_one(&mut *tx)
        .await?;
    insert_sources(tx, number, sources).await?;
    pin_versions(tx, number, sources).await?;
    replace_demands(tx, number, demands).await?;
    Ok(number)
}

/// The versions of journeys that runs are under way in.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn live_versions(connection: &mut PgConnection) -> Result<BTreeSet<PlanHash>, Error> {
    let live: Vec<Uuid> = sqlx::query_scalar(statements::LIVE_VERSIONS).fetch_all(connection).await?;
    Ok(live.into_iter().map(|hash| PlanHash(hash.as_u128())).collect())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn insert_sources(tx: &mut PgConnection, number: i64, sources: &[StoredSource]) -> Result<(), Error> {
    let hashes: Vec<Uuid> = sources.iter().map(|source| Uuid::from_u128(source.hash.0)).collect();
    let kinds: Vec<i16> = sources.iter().map(|source| source.kind).collect();
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    sqlx::query(statements::INSERT_SOURCES)
        .bind(&hashes)
        .bind(&kinds)
        .bind(&names)
        .bind(sources.iter().map(|source| source.path.as_str()).collect::<Vec<_>>())
        .bind(sources.iter().map(|source| source.text.as_str()).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    sqlx::query(statements::INSERT_DEPLOYMENT_SOURCES)
        .bind(number)
        .bind(hashes)
        .bind(kinds)
        .bind(names)
        .execute(tx)
        .await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn pin_versions(tx: &mut PgConnection, number: i64, sources: &[StoredSource]) -> Result<(), Error> {
    let live = live_versions(tx).await?;
    let deployed: BTreeSet<PlanHash> = sources.iter().map(|source| source.hash).collect();
    let older: Vec<Uuid> = live.difference(&deployed).map(|hash| Uuid::from_u128(hash.0)).collect();
    if older.is_empty() {
        return Ok(());
    }
    let pinned: BTreeSet<Uuid> = sqlx::query_scalar(statements::PIN_VERSIONS)
        .bind(number)
        .bind(&older)
        .fetch_all(tx)
        .await?
        .into_iter()
        .collect();
    let lost: Vec<String> = older.iter().filter(|hash| !pinned.contains(hash)).map(Uuid::to_string).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(format!("runs are pinned to versions that are not in sources: {}", lost.join(", "))))
}

#[tracing::instrument(level = "debug", skip_all)]
async fn replace_demands(tx: &mut PgConnection, number: i64, demands: &[FeatureKey]) -> Result<(), Error> {
    let features: Vec<i64> = demands.iter().map(FeatureKey::number).collect();
    let gone: Vec<i64> =
        sqlx::query_scalar(statements::DELETE_DEMANDS).bind(&features).fetch_all(&mut *tx).await?;
    // Counters have no index by feature: their table is read from end to end, so only where some are gone.
    if !gone.is_empty() {
        sqlx::query(statements::DELETE_FEATURES).bind(gone).execute(&mut *tx).await?;
    }
    sqlx::query(statements::INSERT_DEMANDS)
        .bind(features)
        .bind(demands.iter().map(|key| &*key.event).collect::<Vec<_>>())
        .bind(demands.iter().map(|key| key.field.as_ref().map(|(field, _)| &**field)).collect::<Vec<_>>())
        .bind(
            demands.iter().map(|key| key.field.as_ref().is_some_and(|(_, money)| *money)).collect::<Vec<_>>(),
        )
        .bind(demands.iter().map(|key| key.by.as_deref()).collect::<Vec<_>>())
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}

/// The counters that are kept.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn demands(connection: &mut PgConnection) -> Result<Vec<FeatureKey>, Error> {
    let rows = sqlx::query(statements::READ_DEMANDS).fetch_all(connection).await?;
    let mut demands = Vec::with_capacity(rows.len());
    for row in rows {
        let (field, money): (Option<&str>, bool) = (row.try_get(1)?, row.try_get(2)?);
        demands.push(FeatureKey {
            event: Arc::from(row.try_get::<&str, _>(0)?),
            field: field.map(|field| (Arc::from(field), money)),
            by: row.try_get::<Option<&str>, _>(3)?.map(Arc::from),
        });
    }
    Ok(demands)
}
