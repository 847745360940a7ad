//! Who says yes to a plan before it goes live.

use journeyman_domain::ShopTime;
use journeyman_domain::plan::PlanHash;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, row, statements};

/// The longest name, bytes.
pub const NAME_BYTES: usize = 200;

/// Somebody says yes to a plan; who did before does again without effect.
///
/// # Errors
/// As [`Error`] says; a name that is empty or longer than [`NAME_BYTES`] is the database's to refuse.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn approve(
    connection: &mut PgConnection,
    plan: PlanHash,
    who: &str,
    at: ShopTime,
) -> Result<(), Error> {
    let query = sqlx::query(statements::APPROVE).bind(Uuid::from_u128(plan.0)).bind(who).bind(row::time(at));
    query.execute(connection).await?;
    Ok(())
}

/// Who has said yes to a plan, the first first.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn of(connection: &mut PgConnection, plan: PlanHash) -> Result<Vec<String>, Error> {
    let query = sqlx::query_scalar(statements::APPROVALS).bind(Uuid::from_u128(plan.0));
    Ok(query.fetch_all(connection).await?)
}

/// Notes with a deployment who had said yes to it.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn note(tx: &mut PgConnection, deployment: i64, who: &[String]) -> Result<(), Error> {
    sqlx::query(statements::SET_APPROVED).bind(deployment).bind(who).execute(tx).await?;
    Ok(())
}
