//! The door's one transaction.

use std::collections::BTreeSet;
use std::ops::Range;

use journeyman_domain::{Event, PersonId, Reason, Reject, SeenKey, Shard, ShardSet, ShopTime};
use sqlx::postgres::PgPool;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use crate::copy::Rows;
use crate::imports::Advance;
use crate::pool::{begin, in_time};
use crate::{Error, partitions, people, row, statements};

/// How often a transaction that was broken off is written again at once.
const ATTEMPTS: usize = 5;
/// The kind of an intake row that is an event.
pub const INTAKE_EVENT: i16 = 1;

/// A message that could not be an event, as it is kept.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// When its request arrived.
    pub received_at: ShopTime,
    /// Which source sent it.
    pub source: String,
    /// Where in the batch, or which line of the file, from 0 and 1.
    pub index: u32,
    /// Why.
    pub reject: Reject,
    /// As it was written, at most [`Rejected::BODY_BYTES`]; what is beyond is cut.
    pub body: Vec<u8>,
}

impl Rejected {
    /// The most that is kept of a message, bytes.
    pub const BODY_BYTES: usize = 32 * 1024;
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored, durable, in intake.
    Accepted,
    /// Its message was stored before.
    Duplicate,
    /// The database would not store it; recorded in `rejected_events`.
    Refused(Reject),
}

/// What [`write`] has written.
#[derive(Debug)]
pub struct Written {
    /// Of each event, in their order.
    pub outcomes: Vec<Outcome>,
    /// Where intake has grown.
    pub shards: ShardSet,
}

/// What decides whether a message was stored before.
#[derive(Clone, Copy)]
enum Once<'a> {
    /// `seen`.
    Seen,
    /// The row of `imports`, moved on in the same transaction.
    Import(&'a Advance),
}

/// Writes events and rejects in one transaction. `Ok` means durable.
///
/// Transactions broken off are written again; a missing partition is made; rows the database refuses are found by
/// halving and recorded.
///
/// # Errors
/// As [`Error`] says. Whether the transaction had committed may be unknown when the connection broke at its end; to
/// write the same again is safe, since `seen` knows what was stored.
pub async fn write(pool: &PgPool, events: &[Event], rejected: &[Rejected]) -> Result<Written, Error> {
    write_once(pool, events, rejected, Once::Seen).await
}

/// Writes lines of an import and moves its progress on, in one transaction.
///
/// # Errors
/// [`Error::Conflict`] when another process has read these lines meanwhile; nothing is written then.
pub async fn write_import(
    pool: &PgPool,
    events: &[Event],
    rejected: &[Rejected],
    advance: &Advance,
) -> Result<Written, Error> {
    write_once(pool, events, rejected, Once::Import(advance)).await
}

#[tracing::instrument(level = "debug", skip_all, fields(events = events.len(), rejected = rejected.len()))]
async fn write_once(
    pool: &PgPool,
    events: &[Event],
    rejected: &[Rejected],
    once: Once<'_>,
) -> Result<Written, Error> {
    let mut halving = false;
    let mut attempt = 1;
    loop {
        let done = match begin(pool).await {
            Ok(tx) => in_time(tx, async |tx| transaction(tx, events, rejected, once, halving).await).await,
            Err(error) => Err(error),
        };
        match done {
            Err(Error::Refused(error)) if !halving => {
                // Its code alone: the server's words may quote what a person sent.
                let code =
                    error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
                tracing::warn!(
                    ?code,
                    events = events.len(),
                    "the database refuses a row of this group; looking for it"
                );
                halving = true;
            }
            Err(Error::NoPartition(_)) if attempt < ATTEMPTS => {
                let latest = events.iter().map(|event| event.received_at);
                let latest = latest.chain(rejected.iter().map(|rejected| rejected.received_at)).max();
                partitions::ensure(pool, latest.unwrap_or(ShopTime::EPOCH)).await?;
            }
            Err(Error::Busy(error)) if attempt < ATTEMPTS => {
                tracing::debug!(%error, attempt, "broken off; writing again");
            }
            done => return done,
        }
        attempt += 1;
    }
}

async fn transaction(
    tx: &mut PgConnection,
    events: &[Event],
    rejected: &[Rejected],
    once: Once<'_>,
    halving: bool,
) -> Result<Written, Error> {
    let mut outcomes = vec![Outcome::Duplicate; events.len()];
    let mut shards = ShardSet::default();
    if halving {
        insert_by_halves(tx, events, once, &mut outcomes, &mut shards).await?;
    } else {
        insert(tx, events, 0..events.len(), once, &mut outcomes, &mut shards).await?;
    }
    let refused = outcomes.iter().zip(events).filter_map(|(outcome, event)| {
        let Outcome::Refused(reject) = outcome else { return None };
        Some(Rejected {
            received_at: event.received_at,
            source: event.source.clone(),
            index: event.index,
            reject: reject.clone(),
            body: event.payload.clone().into_bytes(),
        })
    });
    let refused: Vec<Rejected> = refused.collect();
    if refused.len() > 1 && refused.len() == events.len() {
        return Err(Error::RefusesAll(refused[0].reject.detail.clone()));
    }
    insert_rejected(tx, rejected.iter().chain(&refused)).await?;
    if let Once::Import(advance) = once {
        advance.run(tx, refused.len() as i64).await?;
    }
    tx.execute("COMMIT").await?;
    Ok(Written { outcomes, shards })
}

/// Inserts what of `range` is new, and says so in `outcomes`.
async fn insert(
    tx: &mut PgConnection,
    events: &[Event],
    range: Range<usize>,
    once: Once<'_>,
    outcomes: &mut [Outcome],
    shards: &mut ShardSet,
) -> Result<(), Error> {
    let fresh = match once {
        Once::Seen => unseen(tx, &events[range.clone()]).await?,
        Once::Import(_) => (0..range.len()).collect(),
    };
    if fresh.is_empty() {
        return Ok(());
    }
    let new: Vec<&Event> = fresh.iter().map(|nth| &events[range.start + nth]).collect();
    let people = people::resolve(tx, &new).await?;
    copy_events(tx, &new, &people).await?;
    copy_intake(tx, &new, &people).await?;
    for nth in fresh {
        outcomes[range.start + nth] = Outcome::Accepted;
    }
    people.iter().for_each(|person| shards.insert(Shard::of(*person)));
    Ok(())
}

/// As [`insert`], each part behind a savepoint, and halved where the database refuses it, down to the one at fault.
async fn insert_by_halves(
    tx: &mut PgConnection,
    events: &[Event],
    once: Once<'_>,
    outcomes: &mut [Outcome],
    shards: &mut ShardSet,
) -> Result<(), Error> {
    let mut parts = Vec::from([Range { start: 0, end: events.len() }]);
    while let Some(part) = parts.pop() {
        tx.execute("SAVEPOINT part").await?;
        match insert(tx, events, part.clone(), once, outcomes, shards).await {
            Ok(()) => {
                tx.execute("RELEASE SAVEPOINT part").await?;
            }
            Err(Error::Refused(error)) => {
                tx.execute("ROLLBACK TO SAVEPOINT part").await?;
                if part.len() <= 1 {
                    let detail = error.to_string();
                    outcomes[part.start] = Outcome::Refused(Reject::new("", Reason::DatabaseRefused, detail));
                    continue;
                }
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Which of the events are new, each message once: the first of equals.
#[tracing::instrument(level = "debug", skip_all)]
async fn unseen(tx: &mut PgConnection, events: &[Event]) -> Result<Vec<usize>, Error> {
    let Some(first) = events.first() else { return Ok(Vec::new()) };
    let keys: BTreeSet<SeenKey> = events.iter().map(|event| event.key).collect();
    let sorted: Vec<Uuid> = keys.iter().map(|key| key.uuid()).collect();
    let day = first.received_at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    let new: Vec<Uuid> = sqlx::query_scalar(statements::INSERT_SEEN)
        .bind(sorted)
        .bind(jiff_sqlx::ToSqlx::to_sqlx(day))
        .fetch_all(tx)
        .await?;
    let mut new: BTreeSet<u128> = new.iter().map(Uuid::as_u128).collect();
    Ok(events.iter().enumerate().filter(|(_, event)| new.remove(&event.key.0)).map(|(nth, _)| nth).collect())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn copy_events(tx: &mut PgConnection, events: &[&Event], people: &[PersonId]) -> Result<(), Error> {
    let payloads: usize = events.iter().map(|event| event.payload.len() + event.name.len()).sum();
    let mut rows = Rows::new(9, payloads + events.len() * 160);
    for (event, person) in events.iter().zip(people) {
        rows.row()
            .uuid(event.id.0)
            .bigint(person.0)
            .timestamptz(event.occurred_at)
            .timestamptz(event.received_at)
            .smallint(event.kind.code())
            .boolean(event.historical)
            .text(&event.source)
            .text(&event.name)
            .jsonb(&event.payload);
    }
    rows.send(tx, statements::COPY_EVENTS).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn copy_intake(tx: &mut PgConnection, events: &[&Event], people: &[PersonId]) -> Result<(), Error> {
    let mut rows = Rows::new(6, events.len() * 80);
    for (event, person) in events.iter().zip(people) {
        rows.row()
            .smallint(i16::from(Shard::of(*person).0))
            .smallint(event.lane().code())
            .smallint(INTAKE_EVENT)
            .bigint(person.0)
            .uuid(event.id.0)
            .timestamptz(event.received_at);
    }
    rows.send(tx, statements::COPY_INTAKE).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn insert_rejected(
    tx: &mut PgConnection,
    rejected: impl Iterator<Item = &Rejected>,
) -> Result<(), Error> {
    let rejected: Vec<&Rejected> = rejected.collect();
    if rejected.is_empty() {
        return Ok(());
    }
    // A detail may quote what was sent, and Postgres's own limits hold for it too.
    let text = |text: &str| text.replace('\0', "\u{fffd}");
    sqlx::query(statements::INSERT_REJECTED_EVENTS)
        .bind(rejected.iter().map(|r| row::time(r.received_at)).collect::<Vec<_>>())
        .bind(rejected.iter().map(|r| r.source.as_str()).collect::<Vec<_>>())
        .bind(rejected.iter().map(|r| i32::try_from(r.index).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(rejected.iter().map(|r| text(&r.reject.field)).collect::<Vec<_>>())
        .bind(rejected.iter().map(|r| r.reject.reason.code()).collect::<Vec<_>>())
        .bind(rejected.iter().map(|r| text(&r.reject.detail)).collect::<Vec<_>>())
        .bind(rejected.iter().map(|r| &r.body[..r.body.len().min(Rejected::BODY_BYTES)]).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}
