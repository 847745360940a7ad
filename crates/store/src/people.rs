//! Finding and making the people of events.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::merge::{Merge, Settled, Standing, settle};
use journeyman_domain::people::{Found, MergeRequest, Plan, Who, names_of, plan};
use journeyman_domain::{Event, Identity, IdentityKind, PersonId, ShopTime};
use sqlx::{Executor as _, PgConnection};

use crate::{Error, row, statements};

/// How often names may be lost to others before the transaction gives up and is written again from its start.
const ROUNDS: usize = 8;

/// Where people known by id lead to, merges followed; who is nobody is not in it.
pub(crate) type Heads = BTreeMap<PersonId, PersonId>;

/// The heads of those whom events name by id; mostly none does.
#[tracing::instrument(level = "debug", skip_all)]
pub(crate) async fn heads(tx: &mut PgConnection, events: &[Event]) -> Result<Heads, Error> {
    let asked: BTreeSet<i64> =
        events.iter().filter_map(|event| event.person.map(|person| person.0)).collect();
    if asked.is_empty() {
        return Ok(Heads::new());
    }
    let asked: Vec<i64> = asked.into_iter().collect();
    let rows: Vec<(i64, i64)> = sqlx::query_as(statements::FIND_HEADS).bind(asked).fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(asked, head)| (PersonId(asked), PersonId(head))).collect())
}

/// Who some events are about.
pub(crate) struct Resolved {
    /// The person of each event.
    pub(crate) people: Vec<PersonId>,
    /// Merges that are carried out with them, and when they were asked for.
    pub(crate) merges: Vec<(Merge, ShopTime)>,
}

/// The person of each event: the one it names by id, of `heads`, else the one its names lead to.
pub(crate) async fn resolve(
    tx: &mut PgConnection,
    events: &[&Event],
    heads: &Heads,
) -> Result<Resolved, Error> {
    let by_id = |event: &Event| event.person.and_then(|person| heads.get(&person).copied());
    let named: Vec<&Event> = events.iter().copied().filter(|event| by_id(event).is_none()).collect();
    if named.len() == events.len() {
        return by_name(tx, &named).await;
    }
    if named.is_empty() {
        return Ok(Resolved {
            people: events.iter().filter_map(|event| by_id(event)).collect(),
            merges: Vec::new(),
        });
    }
    let Resolved { people, merges } = by_name(tx, &named).await?;
    let mut people = people.into_iter();
    let people = events.iter().filter_map(|event| by_id(event).or_else(|| people.next())).collect();
    Ok(Resolved { people, merges })
}

/// The person whom the names of each event lead to. Names and people that are new are written, merges asked for are
/// carried out or refused, and recorded.
///
/// Somebody else may take a name, or merge one of the people, between looking and writing. Then what was written is taken
/// back, locks with it, and planned again on what they committed.
async fn by_name(tx: &mut PgConnection, events: &[&Event]) -> Result<Resolved, Error> {
    for _ in 0..ROUNDS {
        let mut found = Found::new(find(tx, names_of(events)).await?);
        let aliased = found.aliased(events);
        if !aliased.is_empty() {
            found.names.extend(find(tx, aliased).await?);
        }
        found.known.extend(find_known(tx, found.doubtful(events)).await?);
        let plan = plan(events, &found);
        if plan.names.is_empty() && plan.merges.is_empty() {
            return Ok(Resolved {
                people: plan.of.iter().map(|who| id(*who, &[])).collect(),
                merges: Vec::new(),
            });
        }
        tx.execute("SAVEPOINT names").await?;
        let born = reserve(tx, plan.births.len()).await?;
        if insert_names(tx, &plan, &born).await? == plan.names.len() as u64 {
            insert_heads(tx, &plan, &born).await?;
            if let Some(merges) = merge(tx, events, &plan, &born).await? {
                return Ok(Resolved {
                    people: after(&plan, &born, &merges),
                    merges: moments(events, &merges),
                });
            }
        }
        tx.execute("ROLLBACK TO SAVEPOINT names").await?;
    }
    Err(Error::Busy(sqlx::Error::Protocol("names kept being taken by others".to_owned())))
}

#[tracing::instrument(level = "debug", skip_all)]
async fn find(
    tx: &mut PgConnection,
    names: BTreeSet<Identity>,
) -> Result<BTreeMap<Identity, PersonId>, Error> {
    let kinds: Vec<i16> = names.iter().map(|name| name.kind.code()).collect();
    let values: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
    let rows: Vec<(i16, String, i64)> =
        sqlx::query_as(statements::FIND_PEOPLE).bind(kinds).bind(values).fetch_all(tx).await?;
    let found = rows.into_iter().filter_map(|(kind, value, person)| {
        Some((Identity { kind: IdentityKind::from_code(kind)?, value }, PersonId(person)))
    });
    Ok(found.collect())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn find_known(tx: &mut PgConnection, people: BTreeSet<PersonId>) -> Result<Vec<PersonId>, Error> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let known: Vec<i64> = sqlx::query_scalar(statements::FIND_KNOWN).bind(ids).fetch_all(tx).await?;
    Ok(known.into_iter().map(PersonId).collect())
}

#[tracing::instrument(level = "debug", skip(tx))]
async fn reserve(tx: &mut PgConnection, people: usize) -> Result<Vec<PersonId>, Error> {
    if people == 0 {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> =
        sqlx::query_scalar(statements::RESERVE_PERSON_IDS).bind(people as i64).fetch_all(tx).await?;
    Ok(ids.into_iter().map(PersonId).collect())
}

fn id(who: Who, born: &[PersonId]) -> PersonId {
    match who {
        Who::Here(person) => person,
        Who::Born(nth) => born[nth],
    }
}

#[tracing::instrument(level = "debug", skip_all)]
async fn insert_names(tx: &mut PgConnection, plan: &Plan, born: &[PersonId]) -> Result<u64, Error> {
    let kinds: Vec<i16> = plan.names.keys().map(|name| name.kind.code()).collect();
    let values: Vec<&str> = plan.names.keys().map(|name| name.value.as_str()).collect();
    let people: Vec<i64> = plan.names.values().map(|who| id(*who, born).0).collect();
    let done = sqlx::query(statements::INSERT_IDENTITIES).bind(kinds).bind(values).bind(people);
    Ok(done.execute(tx).await?.rows_affected())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn insert_heads(tx: &mut PgConnection, plan: &Plan, born: &[PersonId]) -> Result<(), Error> {
    if born.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = born.iter().map(|person| person.0).collect();
    let keys: Vec<i64> = plan.births.iter().map(|birth| birth.assignment_key).collect();
    let at: Vec<_> = plan.births.iter().map(|birth| row::time(birth.at)).collect();
    sqlx::query(statements::INSERT_HEADS).bind(ids).bind(keys).bind(at).execute(tx).await?;
    Ok(())
}

/// Carries out what merges a plan asks for, or refuses them, and records both. `None`: somebody has merged one of the people
/// meanwhile.
#[tracing::instrument(level = "debug", skip_all)]
async fn merge(
    tx: &mut PgConnection,
    events: &[&Event],
    plan: &Plan,
    born: &[PersonId],
) -> Result<Option<Vec<(Merge, usize)>>, Error> {
    let locked: BTreeSet<PersonId> = plan.to_lock().into_iter().map(|who| id(who, born)).collect();
    let Some(people) = lock(tx, &locked).await? else { return Ok(None) };
    let asked = plan.merges.iter().filter(|merge| !merge.both_known);
    let pairs = asked.map(|merge| (id(merge.other, born), id(merge.who, born)));
    let mut settled = settle(&people, pairs).into_iter();
    let mut merges = Vec::new();
    let mut recorded = Vec::new();
    for request in &plan.merges {
        let pair = Merge { loser: id(request.other, born), winner: id(request.who, born) };
        let settled = if request.both_known { Some(Settled::BothKnown) } else { settled.next() };
        match settled {
            Some(Settled::Merged(merge)) => {
                merges.push((merge, request.event));
                recorded.push((merge, request, MERGED));
            }
            Some(Settled::BothKnown) => recorded.push((pair, request, REFUSED)),
            Some(Settled::One) | None => {}
        }
    }
    lead(tx, &merges).await?;
    record(tx, events, recorded).await?;
    Ok(Some(merges))
}

/// What became of a merge asked for, as Postgres keeps it.
const MERGED: i16 = 1;
/// See [`MERGED`].
const REFUSED: i16 = 2;

/// Locks people in the order of their ids, with whoever leads to them. `None` where one of them was merged meanwhile.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
async fn lock(
    tx: &mut PgConnection,
    people: &BTreeSet<PersonId>,
) -> Result<Option<BTreeMap<PersonId, Standing>>, Error> {
    if people.is_empty() {
        return Ok(Some(BTreeMap::new()));
    }
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let rows: Vec<(i64, Option<i64>, jiff_sqlx::Timestamp)> =
        sqlx::query_as(statements::LOCK_HEADS).bind(&ids).fetch_all(&mut *tx).await?;
    let (heads, signposts): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, into, _)| into.is_none());
    let leading: i64 = sqlx::query_scalar(statements::COUNT_SIGNPOSTS).bind(&ids).fetch_one(&mut *tx).await?;
    if heads.len() != people.len() || signposts.len() as i64 != leading {
        return Ok(None);
    }
    // Behind the lock: nobody becomes known any more without waiting for it.
    let known: BTreeSet<PersonId> = find_known(tx, people.clone()).await?.into_iter().collect();
    let standing = |(person, _, born_at)| {
        let person = PersonId(person);
        (person, Standing { known: known.contains(&person), born_at: row::shop_time(born_at) })
    };
    Ok(Some(heads.into_iter().map(standing).collect()))
}

/// Names lead to the winners from now on.
#[tracing::instrument(level = "debug", skip_all, fields(merges = merges.len()))]
async fn lead(tx: &mut PgConnection, merges: &[(Merge, usize)]) -> Result<(), Error> {
    if merges.is_empty() {
        return Ok(());
    }
    let losers: Vec<i64> = merges.iter().map(|(merge, _)| merge.loser.0).collect();
    let winners: Vec<i64> = merges.iter().map(|(merge, _)| head(merges, merge.winner).0).collect();
    sqlx::query(statements::MERGE_HEADS).bind(losers).bind(winners).execute(tx).await?;
    Ok(())
}

/// Where these merges lead somebody.
fn head(merges: &[(Merge, usize)], mut person: PersonId) -> PersonId {
    while let Some((merge, _)) = merges.iter().find(|(merge, _)| merge.loser == person) {
        person = merge.winner;
    }
    person
}

#[tracing::instrument(level = "debug", skip_all)]
async fn record(
    tx: &mut PgConnection,
    events: &[&Event],
    mut merges: Vec<(Merge, &MergeRequest, i16)>,
) -> Result<(), Error> {
    // Each pair once, in an order that all keep: of those that were asked for twice the last.
    merges.reverse();
    merges.sort_by_key(|(merge, ..)| *merge);
    merges.dedup_by_key(|(merge, ..)| *merge);
    if merges.is_empty() {
        return Ok(());
    }
    sqlx::query(statements::INSERT_MERGE_REQUESTS)
        .bind(merges.iter().map(|(merge, ..)| merge.loser.0).collect::<Vec<_>>())
        .bind(merges.iter().map(|(merge, ..)| merge.winner.0).collect::<Vec<_>>())
        .bind(merges.iter().map(|(_, asked, _)| events[asked.event].id.0).collect::<Vec<_>>())
        .bind(merges.iter().map(|(_, asked, _)| asked.reason.code()).collect::<Vec<_>>())
        .bind(
            merges.iter().map(|(_, asked, _)| row::time(events[asked.event].received_at)).collect::<Vec<_>>(),
        )
        .bind(merges.iter().map(|(_, _, outcome)| *outcome).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Who each event is about: what came after a merge is about the winner.
fn after(plan: &Plan, born: &[PersonId], merges: &[(Merge, usize)]) -> Vec<PersonId> {
    let of = plan.of.iter().enumerate().map(|(nth, who)| {
        let before = merges.partition_point(|(_, event)| *event < nth);
        head(&merges[..before], id(*who, born))
    });
    of.collect()
}

fn moments(events: &[&Event], merges: &[(Merge, usize)]) -> Vec<(Merge, ShopTime)> {
    merges.iter().map(|(merge, event)| (*merge, events[*event].received_at)).collect()
}
