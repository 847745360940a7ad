//! What of a file is still to be read.

use journeyman_domain::{FileDigest, ShopTime};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use crate::{Error, row, statements};

/// Where an import stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How its lines were mapped, as the first run said it.
    pub settings: String,
    /// Lines read, good and bad.
    pub lines_done: u64,
    /// Events stored.
    pub accepted: u64,
    /// Lines that could not be events.
    pub rejected: u64,
    /// Whether the file's end was reached.
    pub finished: bool,
}

/// One step of an import, written with its lines.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The source the events carry.
    pub source: String,
    /// The file.
    pub digest: FileDigest,
    /// Lines done before this step.
    pub from: u64,
    /// Lines done after it.
    pub to: u64,
    /// How many of them are events.
    pub accepted: u64,
    /// How many could not be.
    pub rejected: u64,
}

impl Advance {
    /// `refused` of the accepted turned out to be refused by the database.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn run(&self, tx: &mut PgConnection, refused: i64) -> Result<(), Error> {
        let done = sqlx::query(statements::ADVANCE_IMPORT)
            .bind(&self.source)
            .bind(&self.digest.0[..])
            .bind(self.from as i64)
            .bind(self.to as i64)
            .bind(self.accepted as i64 - refused)
            .bind(self.rejected as i64 + refused)
            .execute(tx)
            .await?;
        one_row(done.rows_affected())
    }
}

fn one_row(rows: u64) -> Result<(), Error> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::Conflict("another process imports this file; wait for it, then run this again".to_owned()))
}

/// Starts an import, or finds where it stands.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn start(
    pool: &PgPool,
    source: &str,
    digest: FileDigest,
    settings: &str,
    now: ShopTime,
) -> Result<Progress, Error> {
    let (settings, lines_done, accepted, rejected, finished_at): (
        String,
        i64,
        i64,
        i64,
        Option<jiff_sqlx::Timestamp>,
    ) = sqlx::query_as(statements::START_IMPORT)
        .bind(source)
        .bind(&digest.0[..])
        .bind(settings)
        .bind(row::time(now))
        .fetch_one(pool)
        .await?;
    Ok(Progress {
        settings,
        lines_done: lines_done as u64,
        accepted: accepted as u64,
        rejected: rejected as u64,
        finished: finished_at.is_some(),
    })
}

/// Marks a file as read to its end.
///
/// # Errors
/// [`Error::Conflict`] when another process has moved it meanwhile.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn finish(
    pool: &PgPool,
    source: &str,
    digest: FileDigest,
    lines: u64,
    now: ShopTime,
) -> Result<(), Error> {
    let done = sqlx::query(statements::FINISH_IMPORT)
        .bind(source)
        .bind(&digest.0[..])
        .bind(lines as i64)
        .bind(row::time(now))
        .execute(pool)
        .await?;
    one_row(done.rows_affected())
}
