//! The door's one transaction.

use std::collections::BTreeSet;
use std::ops::Range;

use journeyman_domain::merge::Merge;
use journeyman_domain::row::{KIND_CLOSE, KIND_TAKE};
use journeyman_domain::{Event, Lane, PersonId, Reason, Reject, SeenKey, Shard, ShardSet, ShopTime};
use sqlx::postgres::PgPool;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use crate::copy::Rows;
use crate::imports::Advance;
use crate::intake::KIND_EVENT;
use crate::people::{Heads, Resolved};
use crate::pool::{SILENCE, begin, in_time};
use crate::suppressions::{self, Suppression};
use crate::{Error, few, partitions, people, row, statements};

/// How often a transaction that was broken off is written again at once.
const ATTEMPTS: usize = 5;

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
    /// The database would not store it, or it is about nobody; recorded in `rejected_events`.
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
pub(crate) enum Once<'a> {
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
    write_once(pool, events, rejected, Once::Seen, &[]).await
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
    write_once(pool, events, rejected, Once::Import(advance), &[]).await
}

#[tracing::instrument(level = "debug", skip_all, fields(events = events.len(), rejected = rejected.len()))]
pub(crate) async fn write_once(
    pool: &PgPool,
    events: &[Event],
    rejected: &[Rejected],
    once: Once<'_>,
    said: &[(usize, &Suppression, bool)],
) -> Result<Written, Error> {
    let mut halving = false;
    let mut attempt = 1;
    loop {
        let done = match begin(pool, SILENCE).await {
            Ok(tx) => {
                in_time(tx, SILENCE, async |tx| {
                    let written = transaction(tx, events, rejected, once, halving).await?;
                    // Whether the event is new or not: what it says of addresses is to hold in any case.
                    let said = of_stored(said, &written.outcomes);
                    let said: Vec<(&Suppression, bool)> = said.iter().map(|(one, on)| (one, *on)).collect();
                    suppressions::change(tx, &said).await?;
                    tx.execute("COMMIT").await?;
                    Ok(written)
                })
                .await
            }
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

/// What events say of addresses, each with the place of its event: what came with none that is stored now names none, since
/// a duplicate has another id than the first.
fn of_stored(said: &[(usize, &Suppression, bool)], outcomes: &[Outcome]) -> Vec<(Suppression, bool)> {
    let stored = |nth: usize| outcomes.get(nth) == Some(&Outcome::Accepted);
    let word = |(nth, one, on): &(usize, &Suppression, bool)| {
        let event = one.event.filter(|_| stored(*nth));
        (Suppression { event, ..(*one).clone() }, *on)
    };
    said.iter().map(word).collect()
}

async fn transaction(
    tx: &mut PgConnection,
    events: &[Event],
    rejected: &[Rejected],
    once: Once<'_>,
    halving: bool,
) -> Result<Written, Error> {
    let heads = people::heads(tx, events).await?;
    let mut written =
        Written { outcomes: vec![Outcome::Duplicate; events.len()], shards: ShardSet::default() };
    if halving {
        insert_by_halves(tx, events, once, &heads, &mut written).await?;
    } else {
        insert(tx, events, 0..events.len(), once, &heads, &mut written).await?;
    }
    let refused = written.outcomes.iter().zip(events).filter_map(|(outcome, event)| {
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
    let by_database = |refused: &&Rejected| refused.reject.reason == Reason::DatabaseRefused;
    if refused.len() > 1 && refused.iter().filter(by_database).count() == events.len() {
        return Err(Error::RefusesAll(refused[0].reject.detail.clone()));
    }
    insert_rejected(tx, rejected.iter().chain(&refused)).await?;
    if let Once::Import(advance) = once {
        advance.run(tx, refused.len() as i64).await?;
    }
    Ok(written)
}

/// Inserts what of `range` is new, and says so in `outcomes`.
async fn insert(
    tx: &mut PgConnection,
    events: &[Event],
    range: Range<usize>,
    once: Once<'_>,
    heads: &Heads,
    written: &mut Written,
) -> Result<(), Error> {
    let (about, nobodys): (Vec<usize>, Vec<usize>) =
        range.partition(|nth| events[*nth].person.is_none_or(|person| heads.contains_key(&person)));
    for nth in nobodys {
        let reject = Reject::new("", Reason::NoPerson, "there is no person of that id");
        written.outcomes[nth] = Outcome::Refused(reject);
    }
    let fresh = match once {
        Once::Seen => unseen(tx, events, about).await?,
        Once::Import(_) => about,
    };
    if fresh.is_empty() {
        return Ok(());
    }
    let new: Vec<&Event> = fresh.iter().map(|nth| &events[*nth]).collect();
    let Resolved { people, merges } = people::resolve(tx, &new, heads).await?;
    copy_events(tx, &new, &people).await?;
    copy_intake(tx, &new, &people, &merges).await?;
    for nth in fresh {
        written.outcomes[nth] = Outcome::Accepted;
    }
    let merged = merges.iter().flat_map(|(merge, _)| [merge.loser, merge.winner]);
    people.into_iter().chain(merged).for_each(|person| written.shards.insert(Shard::of(person)));
    Ok(())
}

/// As [`insert`], each part behind a savepoint, and halved where the database refuses it, down to the one at fault.
async fn insert_by_halves(
    tx: &mut PgConnection,
    events: &[Event],
    once: Once<'_>,
    heads: &Heads,
    written: &mut Written,
) -> Result<(), Error> {
    let mut parts = Vec::from([Range { start: 0, end: events.len() }]);
    while let Some(part) = parts.pop() {
        tx.execute("SAVEPOINT part").await?;
        match insert(tx, events, part.clone(), once, heads, written).await {
            Ok(()) => {
                tx.execute("RELEASE SAVEPOINT part").await?;
            }
            Err(Error::Refused(error)) => {
                tx.execute("ROLLBACK TO SAVEPOINT part").await?;
                if part.len() <= 1 {
                    let detail = error.to_string();
                    written.outcomes[part.start] =
                        Outcome::Refused(Reject::new("", Reason::DatabaseRefused, detail));
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

/// Which of these events are new, each message once: the first of equals.
#[tracing::instrument(level = "debug", skip_all)]
async fn unseen(tx: &mut PgConnection, events: &[Event], of: Vec<usize>) -> Result<Vec<usize>, Error> {
    let Some(first) = of.first() else { return Ok(Vec::new()) };
    let keys: BTreeSet<SeenKey> = of.iter().map(|nth| events[*nth].key).collect();
    let sorted: Vec<Uuid> = keys.iter().map(|key| key.uuid()).collect();
    let day = events[*first].received_at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    let new: Vec<Uuid> = sqlx::query_scalar(statements::INSERT_SEEN)
        .bind(sorted)
        .bind(jiff_sqlx::ToSqlx::to_sqlx(day))
        .fetch_all(tx)
        .await?;
    let mut new: BTreeSet<u128> = new.iter().map(Uuid::as_u128).collect();
    Ok(of.into_iter().filter(|nth| new.remove(&events[*nth].key.0)).collect())
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
    rows.send_or(tx, statements::COPY_EVENTS, &few::EVENTS).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn copy_intake(
    tx: &mut PgConnection,
    events: &[&Event],
    people: &[PersonId],
    merges: &[(Merge, ShopTime)],
) -> Result<(), Error> {
    let mut rows = Rows::new(6, (events.len() + merges.len() * 2) * 80);
    for (event, person) in events.iter().zip(people) {
        rows.row()
            .smallint(i16::from(Shard::of(*person).0))
            .smallint(event.lane().code())
            .smallint(KIND_EVENT)
            .bigint(person.0)
            .uuid(event.id.0)
            .timestamptz(event.received_at);
    }
    // Behind what the same requests say of either: the loser is closed when it is applied.
    for (merge, at) in merges {
        for (kind, person) in [(KIND_CLOSE, merge.loser), (KIND_TAKE, merge.winner)] {
            rows.row()
                .smallint(i16::from(Shard::of(person).0))
                .smallint(Lane::Live.code())
                .smallint(kind)
                .bigint(person.0)
                .uuid(merge.reference())
                .timestamptz(*at);
        }
    }
    rows.send_or(tx, statements::COPY_INTAKE, &few::INTAKE).await?;
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
