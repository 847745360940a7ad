//! Addresses that are not written to: who unsubscribed there, which bounced, who complained, and what was put here by hand.
//!
//! Addresses are compared without what stands around them and in small letters; the database's `plain_address` is the
//! rule, and refuses what was made plain by another. An entry that is there already stays, and takes the later moment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::Channel;
use journeyman_domain::row::Lifted;
use journeyman_domain::{EventId, ShopTime};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::pool::{REPORT_SILENCE, read};
use crate::{Error, row, statements};

/// Why an address is not written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody there unsubscribed: stops marketing.
    Unsubscribed,
    /// It does not exist: stops everything.
    Bounced,
    /// Somebody there complained: stops marketing.
    Complained,
    /// Somebody of the shop said so: stops everything.
    ByHand,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unsubscribed, Self::Bounced, Self::Complained, Self::ByHand];

    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        match self {
            Self::Unsubscribed => 1,
            Self::Bounced => 2,
            Self::Complained => 3,
            Self::ByHand => 4,
        }
    }

    /// The kind of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether it stops only marketing.
    pub fn spares_transactional(self) -> bool {
        matches!(self, Self::Unsubscribed | Self::Complained)
    }
}

/// An address that is not written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// By which channel.
    pub channel: Channel,
    /// The address, at most 1,024 bytes, however it is written.
    pub address: String,
    /// On which topic, at most 256 bytes; `None`: on every one.
    pub topic: Option<Arc<str>>,
    /// Why.
    pub kind: Kind,
    /// Since when; of one to be taken back: when that was said, and what was said later stays.
    pub at: ShopTime,
    /// The event it came with, if any.
    pub event: Option<EventId>,
}

/// What to list.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Of this channel alone.
    pub channel: Option<Channel>,
    /// Of this kind alone.
    pub kind: Option<Kind>,
    /// At most so many.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self { channel: None, kind: None, limit: 100 }
    }
}

/// What is suppressed, the latest first. Reads all of it: for people who ask.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn list(pool: &PgPool, filter: &Filter) -> Result<Vec<Suppression>, Error> {
    let rows = sqlx::query(statements::LIST_SUPPRESSIONS)
        .bind(filter.channel.map(Channel::code))
        .bind(filter.kind.map(Kind::code))
        .bind(filter.limit as i64)
        .fetch_all(pool)
        .await?;
    rows.iter().map(suppression).collect()
}

/// What is suppressed of one address.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(pool, address))]
pub async fn of_address(pool: &PgPool, channel: Channel, address: &str) -> Result<Vec<Suppression>, Error> {
    let rows = read(pool, REPORT_SILENCE, async |connection| {
        let ask = sqlx::query(statements::SUPPRESSIONS_OF_ADDRESS).bind(channel.code()).bind(plain(address));
        Ok(ask.fetch_all(connection).await?)
    })
    .await?;
    rows.iter().map(suppression).collect()
}

fn suppression(row: &PgRow) -> Result<Suppression, Error> {
    let (channel, kind): (i16, i16) = (row.try_get("channel")?, row.try_get("kind")?);
    let topic: &str = row.try_get("topic")?;
    Ok(Suppression {
        channel: Channel::from_code(channel).ok_or_else(|| row::unknown("suppressions.channel", channel))?,
        address: row.try_get("address")?,
        topic: (!topic.is_empty()).then(|| topic.into()),
        kind: Kind::from_code(kind).ok_or_else(|| row::unknown("suppressions.kind", kind))?,
        at: row::shop_time(row.try_get("at")?),
        event: row.try_get::<Option<Uuid>, _>("event")?.map(EventId),
    })
}

/// Suppresses. Where there is no address there is nothing to suppress.
///
/// # Errors
/// [`Error::Refused`] where an address or a topic is longer than it may be; nothing is written then.
#[tracing::instrument(level = "debug", skip_all, fields(suppressions = suppressions.len()))]
pub async fn add(pool: &PgPool, suppressions: &[Suppression]) -> Result<(), Error> {
    let said: Vec<(&Suppression, bool)> =
        suppressions.iter().map(|suppression| (suppression, true)).collect();
    insert(&mut *pool.acquire().await?, &latest(&said).0).await
}

/// Takes back, and answers how many were there: of the same channel, address, topic and kind, and not of later.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(suppressions = suppressions.len()))]
pub async fn remove(pool: &PgPool, suppressions: &[Suppression]) -> Result<u64, Error> {
    let said: Vec<(&Suppression, bool)> =
        suppressions.iter().map(|suppression| (suppression, false)).collect();
    delete(&mut *pool.acquire().await?, &latest(&said).1).await
}

/// Suppresses (`true`) and takes back what was said, in the order in which it was.
pub(crate) async fn change(tx: &mut PgConnection, said: &[(&Suppression, bool)]) -> Result<(), Error> {
    let (suppress, lift) = latest(said);
    delete(tx, &lift).await?;
    insert(tx, &suppress).await
}

/// Takes back what people said, unsubscriptions and complaints, who have subscribed again since.
#[tracing::instrument(level = "debug", skip_all, fields(lifted = lifted.len()))]
pub(crate) async fn lift(tx: &mut PgConnection, lifted: &[Lifted]) -> Result<(), Error> {
    if lifted.is_empty() {
        return Ok(());
    }
    sqlx::query(statements::LIFT_SUPPRESSIONS)
        .bind(lifted.iter().map(|one| one.channel.code()).collect::<Vec<_>>())
        .bind(lifted.iter().map(|one| plain(&one.address)).collect::<Vec<_>>())
        .bind(lifted.iter().map(|one| one.topic.as_deref().map(row::text)).collect::<Vec<_>>())
        .bind(lifted.iter().map(|one| row::time(one.at)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Where and on what, with the address as it is compared.
type Key<'a> = (Channel, String, Option<&'a str>, Kind);

/// A suppression by its key.
type Keyed<'a> = (Key<'a>, &'a Suppression);

/// What is to be suppressed and what taken back, in the order of the key: of the same thing the latest word counts, of
/// the same moment the last.
fn latest<'a>(said: &[(&'a Suppression, bool)]) -> (Vec<Keyed<'a>>, Vec<Keyed<'a>>) {
    let mut last: BTreeMap<Key<'a>, (&'a Suppression, bool)> = BTreeMap::new();
    for word in said {
        let one = word.0;
        let address = plain(&one.address);
        if address.is_empty() {
            continue;
        }
        let known = last.entry((one.channel, address, one.topic.as_deref(), one.kind)).or_insert(*word);
        if known.0.at <= one.at {
            *known = *word;
        }
    }
    let (suppress, lift): (Vec<_>, Vec<_>) = last.into_iter().partition(|(_, (_, stops))| *stops);
    let keyed = |words: Vec<(Key<'a>, (&'a Suppression, bool))>| {
        words.into_iter().map(|(key, (suppression, _))| (key, suppression)).collect()
    };
    (keyed(suppress), keyed(lift))
}

#[tracing::instrument(level = "debug", skip_all, fields(suppressions = suppressions.len()))]
async fn insert(connection: &mut PgConnection, suppressions: &[Keyed<'_>]) -> Result<(), Error> {
    if suppressions.is_empty() {
        return Ok(());
    }
    let (channels, addresses, topics, kinds) = columns(suppressions);
    sqlx::query(statements::INSERT_SUPPRESSIONS)
        .bind(channels)
        .bind(addresses)
        .bind(topics)
        .bind(kinds)
        .bind(suppressions.iter().map(|(_, one)| row::time(one.at)).collect::<Vec<_>>())
        .bind(suppressions.iter().map(|(_, one)| one.event.map(|event| event.0)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(suppressions = suppressions.len()))]
async fn delete(connection: &mut PgConnection, suppressions: &[Keyed<'_>]) -> Result<u64, Error> {
    if suppressions.is_empty() {
        return Ok(0);
    }
    let (channels, addresses, topics, kinds) = columns(suppressions);
    let done = sqlx::query(statements::DELETE_SUPPRESSIONS)
        .bind(channels)
        .bind(addresses)
        .bind(topics)
        .bind(kinds)
        .bind(suppressions.iter().map(|(_, one)| row::time(one.at)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

type Columns<'a> = (Vec<i16>, Vec<&'a str>, Vec<Cow<'a, str>>, Vec<i16>);

fn columns<'a>(suppressions: &'a [Keyed<'_>]) -> Columns<'a> {
    let keys = || suppressions.iter().map(|(key, _)| key);
    (
        keys().map(|(channel, ..)| channel.code()).collect(),
        keys().map(|(_, address, ..)| address.as_str()).collect(),
        keys().map(|(_, _, topic, _)| row::text(topic.unwrap_or_default())).collect(),
        keys().map(|(.., kind)| kind.code()).collect(),
    )
}

/// An address as it is compared: what `plain_address` of the database makes of it.
fn plain(address: &str) -> String {
    row::text(address.trim_matches([' ', '\t', '\r', '\n'])).to_ascii_lowercase()
}
