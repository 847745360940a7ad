//! Which installation a database belongs to: the clone guard.

use journeyman_domain::ShopTime;
use sqlx::postgres::PgPool;

use crate::{Error, row, statements};

/// What the database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// `production`, `staging` or `dev`.
    pub environment: String,
    /// Cluster and database it was adopted on.
    pub cluster_id: String,
    /// When.
    pub adopted_at: ShopTime,
}

/// Whether this database may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It is the one that was adopted, in the environment the configuration names.
    Ours(Installation),
    /// The configuration names another environment.
    OtherEnvironment {
        /// What the database says.
        stored: Installation,
        /// What the configuration says.
        configured: String,
    },
    /// It was copied or restored from the one that was adopted.
    Copy {
        /// What the database says.
        stored: Installation,
        /// Where it stands now.
        cluster_id: String,
    },
}

impl Guard {
    /// Whether messages may leave.
    pub fn may_send(&self) -> bool {
        matches!(self, Self::Ours(_))
    }
}

impl std::fmt::Display for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ours(here) => write!(f, "environment {}", here.environment),
            Self::OtherEnvironment { stored, configured } => write!(
                f,
                "nothing is sent: the configuration says environment {configured}, this database belongs to {}; \
                 correct the one that is wrong, or run `journeyman adopt` to make it {configured}",
                stored.environment
            ),
            Self::Copy { stored, cluster_id } => write!(
                f,
                "nothing is sent: this database is a copy (it was adopted as {} on {}, and stands on {cluster_id}); \
                 run `journeyman adopt` if it takes the place of the original",
                stored.environment, stored.cluster_id
            ),
        }
    }
}

/// Compares the database with the configuration. A new database becomes the configuration's.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn guard(pool: &PgPool, environment: &str, now: ShopTime) -> Result<Guard, Error> {
    let cluster_id = cluster_id(pool).await?;
    insert(pool, environment, &cluster_id, now).await?;
    let stored = read(pool).await?;
    if stored.cluster_id != cluster_id {
        return Ok(Guard::Copy { stored, cluster_id });
    }
    if stored.environment != environment {
        return Ok(Guard::OtherEnvironment { stored, configured: environment.to_owned() });
    }
    Ok(Guard::Ours(stored))
}

#[tracing::instrument(level = "debug", skip_all)]
async fn cluster_id(pool: &PgPool) -> Result<String, Error> {
    Ok(sqlx::query_scalar(statements::CLUSTER_ID).fetch_one(pool).await?)
}

#[tracing::instrument(level = "debug", skip_all)]
async fn insert(pool: &PgPool, environment: &str, cluster_id: &str, now: ShopTime) -> Result<(), Error> {
    sqlx::query(statements::INSERT_INSTALLATION)
        .bind(environment)
        .bind(cluster_id)
        .bind(row::time(now))
        .execute(pool)
        .await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn read(pool: &PgPool) -> Result<Installation, Error> {
    let (environment, cluster_id, adopted_at): (String, String, jiff_sqlx::Timestamp) =
        sqlx::query_as(statements::READ_INSTALLATION).fetch_one(pool).await?;
    Ok(Installation { environment, cluster_id, adopted_at: row::shop_time(adopted_at) })
}

/// Makes this database, where it stands, the one of `environment`.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(skip(pool))]
pub async fn adopt(pool: &PgPool, environment: &str, now: ShopTime) -> Result<Installation, Error> {
    let cluster_id = cluster_id(pool).await?;
    sqlx::query(statements::ADOPT_INSTALLATION)
        .bind(environment)
        .bind(&cluster_id)
        .bind(row::time(now))
        .execute(pool)
        .await?;
    read(pool).await
}
