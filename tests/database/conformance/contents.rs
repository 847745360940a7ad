//! Everything a store holds in the end, in words that do not depend on which it is.

use std::collections::BTreeMap;

use journeyman_domain::person::Traits;
use journeyman_domain::row::{PersonRow, RewardRow, StoredFeature};
use journeyman_domain::{EventId, MessageId, PersonId, ShopTime};
use journeyman_sim::{Memory, MessageState};
use journeyman_store::Batch;
use journeyman_store::history;
use sqlx::Row as _;
use uuid::Uuid;

use super::backend::InPostgres;

/// What a store holds: a line for each thing, by kind, in an order of its own.
pub type Contents = BTreeMap<&'static str, Vec<String>>;

fn sorted(contents: &mut Contents) {
    contents.values_mut().for_each(|lines| lines.sort());
}

/// Traits as they are read: the database writes JSON its own way.
fn traits(person: PersonId, traits: &str, times: &str) -> String {
    let traits = Traits::read(traits, times).unwrap();
    format!("{person} {:?}", traits.iter().collect::<Vec<_>>())
}

fn feature(person: PersonId, feature: &StoredFeature) -> String {
    format!("{person} {feature:?}")
}

fn state(state: MessageState) -> i16 {
    match state {
        MessageState::Queued => 0,
        MessageState::Started => 2,
        MessageState::Unknown => 4,
        MessageState::Accepted => 10,
        MessageState::Rejected => 11,
        MessageState::Cancelled => 12,
        MessageState::Withheld => 13,
    }
}

pub fn of_memory(memory: &Memory) -> Contents {
    let mut contents = Contents::new();
    let mut say = |kind, line| contents.entry(kind).or_default().push(line);
    memory.people.values().for_each(|row| say("people", format!("{row:?}")));
    memory.traits.iter().for_each(|(person, (said, times))| say("traits", traits(*person, said, times)));
    memory.runs.values().for_each(|run| say("runs", format!("{run:?}")));
    for run in &memory.ended {
        let mut run = run.clone();
        run.stored = false;
        say("ended", format!("{run:?}"));
    }
    memory.features.iter().for_each(|((person, _), row)| say("features", feature(*person, row)));
    memory.due.iter().for_each(|due| say("due", format!("{} {}", due.person, due.due_at)));
    for row in &memory.journal {
        say("journal", format!("{row:?} under {}", memory.applied_under[&(row.person, row.n)]));
    }
    memory.decisions.iter().for_each(|row| say("decisions", format!("{row:?}")));
    memory.rewards.iter().for_each(|row| say("rewards", format!("{row:?}")));
    for outgoing in memory.outbox.messages.values() {
        let (row, at, attempts) = (&outgoing.row, outgoing.finished_at, outgoing.attempts);
        let (deployment, context, id) = (outgoing.deployment, &outgoing.context, &outgoing.provider_id);
        let (later, reason) = (outgoing.not_before, &outgoing.reason);
        let state = state(outgoing.state);
        let of = format!("{state} {at:?} {attempts} {deployment} {context:?} {id:?} {later:?} {reason:?}");
        say("messages", format!("{row:?} {of}"));
    }
    for (channel, address, topic, kind, at) in memory.suppressions.iter() {
        say("suppressions", format!("{} {address} {topic} {kind} {at}", channel.code()));
    }
    memory.outbox.inbox.iter().for_each(|message| say("inbox", message.to_string()));
    for row in &memory.parked {
        say("parked", format!("{} {} {} {}", row.person, row.kind, row.reference, row.reason));
    }
    for (loser, handed) in &memory.handovers {
        let (winner, plans) = (handed.merge.winner, handed.plans.len());
        say("handovers", format!("{loser} {winner} {plans} {:?}", handed.state));
    }
    for run in &memory.moved_runs {
        say("moved runs", format!("{} {} {} {}", run.from, run.number, run.to, run.becomes));
    }
    memory.mixed.iter().for_each(|(person, journey)| say("mixed", format!("{person} {journey}")));
    for (person, kind, reference) in memory.intake() {
        say("intake", format!("{person} {kind} {reference}"));
    }
    sorted(&mut contents);
    contents
}

pub async fn of_postgres(postgres: &InPostgres, people: &[PersonId]) -> Contents {
    let mut contents = Contents::new();
    let mut say = |kind, line| contents.entry(kind).or_default().push(line);
    let mut connection = postgres.pool.acquire().await.unwrap();
    let mut batch = Batch::begin(&postgres.pool).await.unwrap();
    let zones: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT person_id, zone FROM persons").fetch_all(&mut *connection).await.unwrap();
    let zones: BTreeMap<i64, Option<String>> = zones.into_iter().collect();
    for stored in batch.load(people, true).await.unwrap() {
        let person = PersonId(stored.id);
        if let Some(zone) = zones.get(&stored.id) {
            let (version, n, armed, hot) = (stored.version, stored.n, stored.armed, stored.hot);
            let (zone, merged_into) = (zone.as_deref().map(Into::into), stored.merged_into);
            say("people", format!("{:?}", PersonRow { person, version, n, zone, armed, hot, merged_into }));
        }
        if let Some((said, times)) = &stored.traits {
            say("traits", traits(person, said, times));
        }
        stored.features.iter().for_each(|row| say("features", feature(person, row)));
    }
    batch.rollback().await;
    for person in people {
        let connection = &mut connection;
        for run in history::runs(connection, *person).await.unwrap() {
            say("runs", format!("{run:?}"));
        }
        for run in history::ended(connection, *person).await.unwrap() {
            say("ended", format!("{run:?}"));
        }
        for line in history::journal(connection, *person).await.unwrap() {
            say("journal", format!("{:?} under {}", line.row, line.deployment));
        }
        for row in history::decisions(connection, *person).await.unwrap() {
            say("decisions", format!("{row:?}"));
        }
        for line in history::messages(connection, *person).await.unwrap() {
            let (row, at, attempts) = (&line.message, line.finished_at, line.attempts);
            let (deployment, context, id) = (line.deployment, &line.context, &line.provider_id);
            let (later, reason) = (line.not_before, &line.reason);
            let state = line.state.code();
            let of =
                format!("{state} {at:?} {attempts} {deployment} {context:?} {id:?} {later:?} {reason:?}");
            say("messages", format!("{row:?} {of}"));
        }
    }
    let mut rows = async |sql: &'static str| sqlx::query(sql).fetch_all(&mut *connection).await.unwrap();
    for row in rows("SELECT person_id, (extract(epoch FROM due_at) * 1000000)::bigint AS at FROM due").await {
        let at = ShopTime::from_microsecond(row.get(1)).unwrap();
        say("due", format!("{} {at}", PersonId(row.get(0))));
    }
    let suppressions = "SELECT channel, address, topic, kind, (extract(epoch FROM at) * 1000000)::bigint
                        FROM suppressions";
    for row in rows(suppressions).await {
        let (channel, address, topic): (i16, String, String) = (row.get(0), row.get(1), row.get(2));
        let (kind, at): (i16, _) = (row.get(3), ShopTime::from_microsecond(row.get(4)).unwrap());
        say("suppressions", format!("{channel} {address} {topic} {kind} {at}"));
    }
    let rewards =
        "SELECT person_id, message_id, goal, (extract(epoch FROM at) * 1000000)::bigint, value FROM rewards";
    for row in rows(rewards).await {
        let reward = RewardRow {
            person: PersonId(row.get(0)),
            message: MessageId(row.get(1)),
            goal: row.get(2),
            at: ShopTime::from_microsecond(row.get(3)).unwrap(),
            value: row.get(4),
        };
        say("rewards", format!("{reward:?}"));
    }
    for row in rows("SELECT message_id FROM inbox").await {
        say("inbox", MessageId(row.get(0)).to_string());
    }
    for row in rows("SELECT person_id, kind, ref, reason FROM parked").await {
        let (kind, reference, reason): (i16, Uuid, String) = (row.get(1), row.get(2), row.get(3));
        say("parked", format!("{} {kind} {reference} {reason}", PersonId(row.get(0))));
    }
    for row in rows("SELECT person_id, winner, cardinality(plans), state FROM handovers").await {
        let (loser, winner): (i64, i64) = (row.get(0), row.get(1));
        let (plans, state): (i32, Option<Vec<u8>>) = (row.get(2), row.get(3));
        say("handovers", format!("{} {} {plans} {state:?}", PersonId(loser), PersonId(winner)));
    }
    for row in rows("SELECT person_id, number, winner, becomes FROM moved_runs").await {
        let (from, to) = (PersonId(row.get(0)), PersonId(row.get(2)));
        let (number, becomes): (i32, i32) = (row.get(1), row.get(3));
        say("moved runs", format!("{from} {number} {to} {becomes}"));
    }
    for row in rows("SELECT person_id, journey FROM mixed").await {
        say("mixed", format!("{} {}", PersonId(row.get(0)), row.get::<String, _>(1)));
    }
    for row in rows("SELECT person_id, kind, ref FROM intake").await {
        let (kind, reference): (i16, Uuid) = (row.get(1), row.get(2));
        say("intake", format!("{} {kind} {reference}", PersonId(row.get(0))));
    }
    sorted(&mut contents);
    contents
}

/// Compares, kind by kind.
#[track_caller]
pub fn same(memory: &Contents, postgres: &Contents, what: &str) {
    let kinds: std::collections::BTreeSet<_> = memory.keys().chain(postgres.keys()).collect();
    for kind in kinds {
        let (ours, theirs) = (memory.get(kind), postgres.get(kind));
        if ours == theirs {
            continue;
        }
        let lines = |lines: Option<&Vec<String>>| lines.cloned().unwrap_or_default();
        let (ours, theirs) = (lines(ours), lines(theirs));
        let only = |these: &[String], others: &[String]| {
            these.iter().filter(|line| !others.contains(line)).cloned().collect::<Vec<_>>().join("\n  ")
        };
        panic!(
            "{what}: {kind} differ\nonly in memory:\n  {}\nonly in Postgres:\n  {}",
            only(&ours, &theirs),
            only(&theirs, &ours)
        );
    }
}

/// An event's id of a test.
pub fn event_id(nth: u128) -> EventId {
    EventId::new(super::backend::start(), journeyman_domain::SeenKey(nth))
}
