//! The lines of a channel's queue: one a sender, so that one whose rate is spent holds nobody up. A channel's own line, of
//! messages without a sender, has its code for a number; the others are made by deployments, and no number is used again.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::Channel;
use sqlx::PgConnection;

use crate::{Error, statements};

/// A line in which messages wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub line: i16,
    /// Whose messages wait in it; `None` of the channel's own.
    pub sender: Option<Arc<str>>,
}

/// The lines of a channel: its own, then those of senders by the order in which they came.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn of(connection: &mut PgConnection, channel: Channel) -> Result<Vec<Line>, Error> {
    let rows: Vec<(i16, String)> =
        sqlx::query_as(statements::LINES_OF_CHANNEL).bind(channel.code()).fetch_all(connection).await?;
    let own = Line { line: channel.code(), sender: None };
    let senders = rows.into_iter().map(|(line, sender)| Line { line, sender: Some(sender.into()) });
    Ok(std::iter::once(own).chain(senders).collect())
}

/// Sees to it that each of these senders has a line of the channel's.
///
/// The caller holds [`crate::slices::lock_all`], as for a deployment, so that no two get one number.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(tx))]
pub async fn ensure(tx: &mut PgConnection, channel: Channel, senders: &[&str]) -> Result<(), Error> {
    sqlx::query(statements::ENSURE_LINES).bind(channel.code()).bind(senders).execute(tx).await?;
    Ok(())
}

/// Where whose messages wait.
#[derive(Debug, Default)]
pub(crate) struct Lines(BTreeMap<(i16, Arc<str>), i16>);

impl Lines {
    pub(crate) fn new(rows: impl IntoIterator<Item = (i16, i16, String)>) -> Self {
        Self(rows.into_iter().map(|(line, channel, sender)| ((channel, sender.into()), line)).collect())
    }

    /// A message's line. Of a sender that has none it waits in the channel's own, where it is as well off.
    pub(crate) fn of(&self, channel: Channel, sender: Option<&Arc<str>>) -> i16 {
        let line = sender.and_then(|sender| self.0.get(&(channel.code(), sender.clone())));
        line.copied().unwrap_or_else(|| channel.code())
    }
}

/// All there are.
#[tracing::instrument(level = "trace", skip_all)]
pub(crate) async fn all(tx: &mut PgConnection) -> Result<Lines, Error> {
    let rows: Vec<(i16, i16, String)> = sqlx::query_as(statements::ALL_LINES).fetch_all(tx).await?;
    Ok(Lines::new(rows))
}
