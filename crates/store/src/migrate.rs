//! The schema, forward only.

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;

use crate::Error;

/// The migrations of `migrations/`, embedded.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Brings the schema up to this program's, under an advisory lock, so that several processes may start at once.
///
/// # Errors
/// [`Error::Schema`] when a landed migration was edited, or a newer program migrated this database already.
#[tracing::instrument(skip_all)]
pub async fn migrate(pool: &PgPool) -> Result<(), Error> {
    Ok(MIGRATIONS.run(pool).await?)
}
