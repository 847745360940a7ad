//! What providers report: how it finds its message, and what waits until it does.

use std::collections::BTreeMap;

use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, ShopTime};
use sqlx::Row as _;
use sqlx::postgres::{PgPool, PgRow};
use uuid::Uuid;

use crate::pool::{REPORT_SILENCE, read};
use crate::{Error, row, statements};

/// How large a report may be that waits, bytes: less than the schema takes, which counts the blanks of its own form.
pub const NEWS_BYTES: usize = 12 * 1024;

/// A report whose message is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// What makes it one report.
    pub id: Uuid,
    /// Of which provider.
    pub provider: String,
    /// By which channel.
    pub channel: Channel,
    /// What the provider calls the message.
    pub provider_id: Option<String>,
    /// Our own id of it, where the provider brought it.
    pub message: Option<MessageId>,
    /// What it says, JSON.
    pub news: String,
    /// When it came.
    pub received_at: ShopTime,
}

/// Which messages a provider calls so.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(ids = ids.len()))]
pub async fn by_provider_id(
    pool: &PgPool,
    channel: Channel,
    ids: &[&str],
) -> Result<BTreeMap<String, MessageId>, Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = read(pool, REPORT_SILENCE, async |connection| {
        let ask = sqlx::query(statements::MESSAGES_BY_PROVIDER_ID).bind(channel.code()).bind(ids);
        Ok(ask.fetch_all(connection).await?)
    })
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("provider_id")?, MessageId(row.try_get::<Uuid, _>("message_id")?))))
        .collect()
}

/// The last message to a number, by its digits.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn contact(pool: &PgPool, channel: Channel, digits: &str) -> Result<Option<MessageId>, Error> {
    read(pool, REPORT_SILENCE, async |connection| {
        let ask = sqlx::query_scalar(statements::CONTACT).bind(channel.code()).bind(digits);
        let found: Option<Uuid> = ask.fetch_optional(connection).await?;
        Ok(found.map(MessageId))
    })
    .await
}

/// Keeps reports of one provider until their messages are known; durable when it returns.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(reports = reports.len()))]
pub async fn keep(pool: &PgPool, reports: &[Unmatched]) -> Result<(), Error> {
    let Some(first) = reports.first() else { return Ok(()) };
    let provider_ids = reports.iter().map(|one| one.provider_id.as_deref().map(row::text));
    let insert = sqlx::query(statements::KEEP_UNMATCHED)
        .bind(reports.iter().map(|one| one.id).collect::<Vec<_>>())
        .bind(&first.provider)
        .bind(first.channel.code())
        .bind(provider_ids.collect::<Vec<_>>())
        .bind(reports.iter().map(|one| one.message.map(|message| message.0)).collect::<Vec<_>>())
        .bind(reports.iter().map(|one| row::text(&one.news)).collect::<Vec<_>>())
        .bind(row::time(first.received_at));
    read(pool, REPORT_SILENCE, async |connection| Ok(insert.execute(connection).await.map(drop)?)).await
}

/// Reports whose messages are known by now, the oldest first.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn matched(pool: &PgPool, limit: usize) -> Result<Vec<Unmatched>, Error> {
    let rows = read(pool, REPORT_SILENCE, async |connection| {
        Ok(sqlx::query(statements::MATCHED_REPORTS).bind(limit as i64).fetch_all(connection).await?)
    })
    .await?;
    rows.iter().map(unmatched).collect()
}

fn unmatched(row: &PgRow) -> Result<Unmatched, Error> {
    let channel: i16 = row.try_get("channel")?;
    Ok(Unmatched {
        id: row.try_get("id")?,
        provider: row.try_get("provider")?,
        channel: Channel::from_code(channel)
            .ok_or_else(|| row::unknown("unmatched_reports.channel", channel))?,
        provider_id: None,
        message: None,
        news: row.try_get("news")?,
        received_at: row::shop_time(row.try_get("received_at")?),
    })
}

/// Forgets reports that have found their messages.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(reports = ids.len()))]
pub async fn forget(pool: &PgPool, ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let delete = sqlx::query(statements::DELETE_UNMATCHED).bind(ids);
    read(pool, REPORT_SILENCE, async |connection| Ok(delete.execute(connection).await.map(drop)?)).await
}
