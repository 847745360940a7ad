//! What a batch reads.

use std::collections::BTreeMap;

use journeyman_domain::merge::Merge;
use journeyman_domain::news::Heard;
use journeyman_domain::row::{
    self as rows, Arrival, Arrived, Arriving, Due, KIND_CLOSE, KIND_TAKE, StoredEvent, StoredPerson,
};
use journeyman_domain::{Lane, MessageId, PersonId, Shard, ShopTime};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::places::{Place, Places};
use crate::intake::{KIND_ACCEPTED, KIND_EVENT, KIND_NEWS, KIND_REJECTED};
use crate::{Error, features, news, row, statements, stored_events};

fn codes(shards: &[Shard]) -> Vec<i16> {
    shards.iter().map(|shard| i16::from(shard.0)).collect()
}

fn shard(code: i16) -> Shard {
    // Its CHECK keeps it between 0 and 255.
    Shard(code as u8)
}

/// A live run: whose, its number, its state, and where its row lies.
type LiveRun = (i64, i32, Vec<u8>, Place);

/// A row of intake, and its event.
struct Input {
    shard: Shard,
    seq: i64,
    kind: i16,
    /// None where it is for many.
    person: Option<PersonId>,
    reference: Uuid,
    received_at: jiff_sqlx::Timestamp,
    event: Option<StoredEvent>,
}

impl Input {
    fn of(row: &PgRow) -> Result<Self, Error> {
        let event = match row.try_get::<Option<Uuid>, _>("id")? {
            Some(_) => stored_events::event(row)?,
            None => None,
        };
        Ok(Self {
            shard: shard(row.try_get("shard")?),
            seq: row.try_get("seq")?,
            kind: row.try_get("what")?,
            person: row.try_get::<Option<i64>, _>("person_id")?.map(PersonId),
            reference: row.try_get("ref")?,
            received_at: row.try_get("came_at")?,
            event,
        })
    }
}

#[tracing::instrument(level = "debug", skip_all, fields(?lane, shards = shards.len()))]
pub(super) async fn intake(
    tx: &mut PgConnection,
    shards: &[Shard],
    lane: Lane,
    lows: &[i64],
    per_shard: usize,
    total: usize,
) -> Result<Vec<Arrived>, Error> {
    let rows = sqlx::query(statements::READ_INTAKE)
        .bind(codes(shards))
        .bind(lane.code())
        .bind(lows)
        .bind(per_shard as i64)
        .bind(total as i64)
        .fetch_all(&mut *tx)
        .await?;
    let mut inputs = rows.iter().map(Input::of).collect::<Result<Vec<Input>, Error>>()?;
    let mut told = news(tx, &mut inputs, total).await?;
    let takes = inputs.iter().filter(|input| input.kind == KIND_TAKE);
    let losers = takes.map(|input| Merge::of_reference(input.reference).loser.0).collect();
    let mut states = handovers(tx, losers).await?;
    let mut arrived = Vec::with_capacity(inputs.len());
    for input in inputs {
        let Input { shard, seq, kind, person, reference, received_at, event } = input;
        let place = rows::Place { shard, lane, seq };
        if let Some(heard) = told.remove(&reference).filter(|_| kind == KIND_NEWS) {
            let alone = heard.len() == 1;
            let what = |heard| Arrival::News { heard, alone };
            arrived.extend(heard.into_iter().map(|(person, heard)| Arrived {
                place,
                person,
                what: what(heard),
            }));
            continue;
        }
        let what = match kind {
            KIND_EVENT => event.map(Arrival::Event),
            KIND_ACCEPTED | KIND_REJECTED => Some(Arrival::Report {
                message: MessageId(reference),
                accepted: kind == KIND_ACCEPTED,
                at: row::shop_time(received_at),
            }),
            KIND_CLOSE => {
                let merge = Merge::of_reference(reference);
                Some(Arrival::Close { merge, at: row::shop_time(received_at) })
            }
            KIND_TAKE => {
                let merge = Merge::of_reference(reference);
                let state = states.remove(&merge.loser.0).unwrap_or(Arriving::Awaited);
                Some(Arrival::Take { merge, at: row::shop_time(received_at), state })
            }
            _ => None,
        };
        arrived.push(Arrived {
            place,
            // News that is gone was anybody's: it is parked as nobody's.
            person: person.unwrap_or(PersonId(0)),
            what: what.unwrap_or(Arrival::Unknown { kind, reference }),
        });
    }
    Ok(arrived)
}

/// How many rows of news are read at first; then twice as many, and so on.
const NEWS_AT_FIRST: usize = 4;

/// The news among these rows, by its row. A row counts as many inputs as it has people: those behind the `total`th are left
/// for later, and stand in `rows` no more.
async fn news(
    tx: &mut PgConnection,
    rows: &mut Vec<Input>,
    total: usize,
) -> Result<BTreeMap<Uuid, Vec<(PersonId, Heard)>>, Error> {
    let ids: Vec<Uuid> = rows.iter().filter(|row| row.kind == KIND_NEWS).map(|row| row.reference).collect();
    let (mut told, mut asked, mut at_once) = (BTreeMap::new(), 0, NEWS_AT_FIRST);
    let (mut inputs, mut taken) = (0, 0);
    while let Some(row) = rows.get(taken)
        && inputs < total
    {
        if row.kind != KIND_NEWS {
            (inputs, taken) = (inputs + 1, taken + 1);
            continue;
        }
        if !told.contains_key(&row.reference) && asked < ids.len() {
            let more = &ids[asked..ids.len().min(asked + at_once)];
            told.extend(news::read(&mut *tx, more).await?);
            (asked, at_once) = (asked + more.len(), at_once * 2);
            // One that is gone is read no second time.
            told.entry(row.reference).or_default();
        }
        inputs += told.get(&row.reference).map_or(1, |heard| heard.len().max(1));
        taken += 1;
    }
    rows.truncate(taken);
    told.retain(|_, heard| !heard.is_empty());
    Ok(told)
}

/// What has arrived of the states of people who were closed. Their counters are read from where they are.
#[tracing::instrument(level = "debug", skip_all, fields(people = losers.len()))]
async fn handovers(tx: &mut PgConnection, losers: Vec<i64>) -> Result<BTreeMap<i64, Arriving>, Error> {
    if losers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, Option<Vec<u8>>)> =
        sqlx::query_as(statements::READ_HANDOVERS).bind(losers).fetch_all(&mut *tx).await?;
    let here: Vec<i64> = rows.iter().filter(|(_, state)| state.is_some()).map(|(loser, _)| *loser).collect();
    let mut counters: BTreeMap<i64, _> = if here.is_empty() {
        BTreeMap::new()
    } else {
        features::load(tx, &here).await?.into_iter().collect()
    };
    let arriving = |(loser, state): (i64, Option<Vec<u8>>)| {
        let counters = counters.remove(&loser).unwrap_or_default();
        (loser, state.map_or(Arriving::Lost, |state| Arriving::Here(state, counters)))
    };
    Ok(rows.into_iter().map(arriving).collect())
}

#[tracing::instrument(level = "debug", skip_all, fields(shards = shards.len()))]
pub(super) async fn due(
    tx: &mut PgConnection,
    shards: &[Shard],
    lows: &[ShopTime],
    now: ShopTime,
    per_shard: usize,
    total: usize,
    places: &mut Places,
) -> Result<Vec<Due>, Error> {
    let rows: Vec<(i16, jiff_sqlx::Timestamp, i64, Place)> = sqlx::query_as(statements::READ_DUE)
        .bind(codes(shards))
        .bind(lows.iter().copied().map(row::time).collect::<Vec<_>>())
        .bind(row::time(now))
        .bind(per_shard as i64)
        .bind(total as i64)
        .fetch_all(tx)
        .await?;
    let due = rows.into_iter().map(|(code, due_at, person, place)| {
        let due = Due { shard: shard(code), due_at: row::shop_time(due_at), person: PersonId(person) };
        places.due.insert(due, place);
        due
    });
    Ok(due.collect())
}

/// People as they are stored, in ascending order; counters only where `features` says so. Who has no row in `heads` is
/// nobody and left out.
///
/// # Errors
/// As [`Error`] says.
pub async fn people(
    tx: &mut PgConnection,
    people: &[PersonId],
    with_features: bool,
) -> Result<Vec<StoredPerson>, Error> {
    load(tx, people, with_features, &mut Places::default()).await
}

/// As [`people`], and remembers where their rows lie.
pub(super) async fn load(
    tx: &mut PgConnection,
    people: &[PersonId],
    with_features: bool,
    places: &mut Places,
) -> Result<Vec<StoredPerson>, Error> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let mut stored = persons(tx, &ids, places).await?;
    for (person, number, state, place) in runs(tx, &ids).await? {
        if let Some(person) = stored.get_mut(&person) {
            person.runs.push((number as u32, state));
        }
        places.runs.insert((person, number), place);
    }
    if with_features {
        for (person, counters) in features::load(tx, &ids).await? {
            if let Some(person) = stored.get_mut(&person) {
                person.features = counters;
            }
        }
    }
    Ok(stored.into_values().collect())
}

#[tracing::instrument(level = "debug", skip_all, fields(people = ids.len()))]
async fn persons(
    tx: &mut PgConnection,
    ids: &[i64],
    places: &mut Places,
) -> Result<BTreeMap<i64, StoredPerson>, Error> {
    let rows = sqlx::query(statements::LOAD_PEOPLE).bind(ids).fetch_all(&mut *tx).await?;
    let mut people = BTreeMap::new();
    for row in rows {
        let traits: Option<String> = row.try_get(8)?;
        let times: Option<String> = row.try_get(9)?;
        places.people.insert(row.try_get(0)?, row.try_get(6)?);
        let person = StoredPerson {
            id: row.try_get(0)?,
            assignment_key: row.try_get(1)?,
            version: row.try_get(2)?,
            n: row.try_get(3)?,
            armed: row.try_get::<Option<_>, _>(4)?.map(row::shop_time),
            hot: row.try_get(5)?,
            traits: traits.zip(times),
            runs: Vec::new(),
            features: Vec::new(),
            merged_into: row.try_get::<Option<i64>, _>(10)?.map(PersonId),
        };
        people.insert(person.id, person);
    }
    // To whom nothing has happened yet.
    let newborn: Vec<i64> = ids.iter().copied().filter(|id| !people.contains_key(id)).collect();
    if !newborn.is_empty() {
        let born: Vec<(i64, i64)> =
            sqlx::query_as(statements::LOAD_NEWBORN).bind(newborn).fetch_all(tx).await?;
        people.extend(born.into_iter().map(|(id, assignment_key)| {
            (id, StoredPerson { id, assignment_key, ..StoredPerson::default() })
        }));
    }
    Ok(people)
}

#[tracing::instrument(level = "debug", skip_all, fields(people = ids.len()))]
async fn runs(tx: &mut PgConnection, ids: &[i64]) -> Result<Vec<LiveRun>, Error> {
    Ok(sqlx::query_as(statements::LOAD_RUNS).bind(ids).fetch_all(tx).await?)
}
