//! The person actor's storage: what a batch reads and writes, and that it does so whole or not at all.

mod connections;
mod deployments;
mod leases;
mod lift;
mod mail;
mod outbox;
mod plans;
mod reads;
mod told;

use std::sync::Arc;

use journeyman_domain::decision::{Choice, Rule};
use journeyman_domain::plan::{Channel, PlanHash};
use journeyman_domain::row::{
    Applied, DecisionRow, Due, EndedRow, JournalRow, ParkedRow, PersonRow, Place, QueuedRow, RunRow,
    StoredFeature, StoredPerson, Write,
};
use journeyman_domain::{EventId, Lane, MessageId, PersonId, Refusal, Refused, SeenKey, Shard, ShopTime};
use journeyman_store::history::{self, JournalLine};
use journeyman_store::{Batch, Error, Limits, connect, partitions};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::harness::door::now;
use crate::harness::postgres::Database;

const ANNA: PersonId = PersonId(1);
const BEN: PersonId = PersonId(2);

/// A database with two people, and the engine's connections to it.
struct Stage {
    database: Database,
    pool: PgPool,
    now: ShopTime,
}

impl Stage {
    async fn new() -> Self {
        let database = Database::new().await;
        let pool = connect(&database.options, Limits::ENGINE);
        database.text("SELECT setval('person_ids', 100)::text").await;
        for person in [ANNA, BEN] {
            sqlx::query(
                "INSERT INTO heads (person_id, assignment_key, born_at) VALUES ($1, $1 * 100, now())",
            )
            .bind(person.0)
            .execute(&database.pool)
            .await
            .unwrap();
        }
        Self { database, pool, now: now() }
    }

    async fn write(&self, write: &Write) -> Result<(), Error> {
        let mut batch = Batch::begin(&self.pool).await?;
        match batch.write(write).await {
            Ok(()) => batch.commit().await,
            Err(error) => {
                batch.rollback().await;
                Err(error)
            }
        }
    }

    async fn load(&self, people: &[PersonId], features: bool) -> Vec<StoredPerson> {
        let mut batch = Batch::begin(&self.pool).await.unwrap();
        let people = batch.load(people, features).await.unwrap();
        batch.rollback().await;
        people
    }

    /// Puts a row into intake; answers where it stands.
    async fn put(&self, person: PersonId, lane: Lane, kind: i16, reference: Uuid) -> Place {
        let shard = Shard::of(person);
        let seq = sqlx::query_scalar(
            "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
             VALUES ($1, $2, $3, $4, $5, '2026-01-02T03:04:05Z') RETURNING seq",
        )
        .bind(i16::from(shard.0))
        .bind(lane.code())
        .bind(kind)
        .bind(person.0)
        .bind(reference)
        .fetch_one(&self.database.pool)
        .await
        .unwrap();
        Place { shard, lane, seq }
    }

    async fn connection(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.database.pool.acquire().await.unwrap()
    }

    fn minutes(&self, minutes: i64) -> ShopTime {
        ShopTime::from_microsecond(self.now.as_microsecond() + minutes * 60_000_000).unwrap()
    }

    fn person(&self, person: PersonId, version: i64) -> PersonRow {
        let (zone, armed) = (Some("Europe/Vienna".into()), Some(self.minutes(5)));
        PersonRow {
            person,
            version,
            n: version * 10,
            zone,
            armed,
            hot: vec![1, 0, 255, version as u8],
            merged_into: None,
        }
    }

    fn due(&self, person: PersonId, minutes: i64) -> Due {
        Due { shard: Shard::of(person), due_at: self.minutes(minutes), person }
    }

    fn run(&self, person: PersonId, number: u32, step: &str) -> RunRow {
        RunRow {
            person,
            number,
            journey: "welcome".into(),
            plan: PlanHash(7),
            step: step.into(),
            started_at: self.now,
            state: step.as_bytes().to_vec(),
        }
    }

    fn ended(&self, person: PersonId, number: u32, stored: bool) -> EndedRow {
        EndedRow {
            person,
            number,
            journey: "welcome".into(),
            plan: PlanHash(7),
            key: Some("cart \"1\"".into()),
            started_at: self.now,
            entered_at: self.minutes(-1),
            ended_at: self.now,
            reason: "exit_step: done".to_owned(),
            held_out: 2,
            first_send: None,
            goal_at: Some(self.minutes(1)),
            goal_value: Some(12.5),
            stored,
            state: vec![9],
        }
    }

    fn message(&self, person: PersonId, step: &str, leg: u8) -> QueuedRow {
        QueuedRow {
            message: MessageId::new(person, 1, self.now, step, 1, leg),
            person,
            run: 1,
            journey: "welcome".into(),
            step: step.into(),
            visit: 1,
            leg,
            channel: Channel::Email,
            address: "a@example.com".into(),
            template: "hello".into(),
            marketing: true,
            topic: Some("news".into()),
            sender: None,
            data: r#"{"zone":"UTC","vars":{}}"#.into(),
            queued_at: self.now,
        }
    }

    fn journal(&self, person: PersonId, n: i64, what: Applied, refusals: Vec<Refusal>) -> JournalRow {
        JournalRow { person, n, what, at: self.now, refusals }
    }
}

fn feature(feature: i64) -> StoredFeature {
    let words = ["", "{a,\"b\"}", "NULL", "käse 🧀"];
    StoredFeature {
        feature,
        last_at: ShopTime::from_microsecond(1_700_000_000_000_001),
        times: vec![-5, 0, i64::MAX, 4],
        amounts: vec![0.1 + 0.2, -0.0, 1e308, f64::MIN_POSITIVE],
        values: words.map(str::to_owned).to_vec(),
        days: vec![-1, 20_000],
        day_counts: vec![1, i32::MAX],
        day_sums: vec![2.5, -3.75],
    }
}

fn bare(feature: i64) -> StoredFeature {
    let (times, amounts, values) = (Vec::new(), Vec::new(), Vec::new());
    let (days, day_counts, day_sums) = (Vec::new(), Vec::new(), Vec::new());
    StoredFeature { feature, last_at: None, times, amounts, values, days, day_counts, day_sums }
}

#[tokio::test]
async fn what_is_written_is_what_is_loaded() {
    let stage = Stage::new().await;
    let nobody_yet = StoredPerson { id: 1, assignment_key: 100, ..StoredPerson::default() };
    assert_eq!(stage.load(&[ANNA, PersonId(99)], true).await, [nobody_yet]);
    let traits = |city: &str| (ANNA, format!(r#"{{"city": "{city}"}}"#), r#"{"city": 17}"#.to_owned());
    let write = Write {
        now: stage.now,
        people: vec![stage.person(ANNA, 0), stage.person(BEN, 0)],
        traits: vec![traits("Graz")],
        begun: vec![stage.run(ANNA, 1, "first"), stage.run(ANNA, 2, ""), stage.run(BEN, 1, "first")],
        features: vec![(ANNA, feature(8)), (ANNA, bare(-9)), (BEN, feature(8))],
        armed: vec![stage.due(ANNA, 5), stage.due(BEN, 5)],
        ..Write::default()
    };
    stage.write(&write).await.unwrap();
    let anna = StoredPerson {
        id: 1,
        assignment_key: 100,
        version: 1,
        n: 0,
        armed: Some(stage.minutes(5)),
        hot: vec![1, 0, 255, 0],
        traits: Some((traits("Graz").1, traits("Graz").2)),
        runs: vec![(1, b"first".to_vec()), (2, Vec::new())],
        features: vec![bare(-9), feature(8)],
        merged_into: None,
    };
    let loaded = stage.load(&[BEN, ANNA], true).await;
    assert_eq!(loaded[0], anna);
    assert_eq!((loaded[1].id, loaded[1].traits.as_ref(), loaded[1].runs.len()), (2, None, 1));
    assert!(stage.load(&[ANNA], false).await[0].features.is_empty());

    // Everything of hers changes; nothing of his does.
    let write = Write {
        people: vec![PersonRow { zone: None, armed: None, ..stage.person(ANNA, 1) }],
        traits: vec![traits("Linz")],
        moved: vec![stage.run(ANNA, 1, "second")],
        ended: vec![stage.ended(ANNA, 2, true), stage.ended(ANNA, 3, false)],
        features: vec![(ANNA, bare(8))],
        disarmed: vec![stage.due(ANNA, 5)],
        ..write
    };
    stage.write(&Write { begun: vec![], armed: vec![], ..write }).await.unwrap();
    let anna = StoredPerson {
        version: 2,
        n: 10,
        armed: None,
        hot: vec![1, 0, 255, 1],
        traits: Some((traits("Linz").1, traits("Linz").2)),
        runs: vec![(1, b"second".to_vec())],
        features: vec![bare(-9), bare(8)],
        ..anna
    };
    assert_eq!(stage.load(&[ANNA, BEN], true).await, [anna, loaded[1].clone()]);
    let mut connection = stage.connection().await;
    assert_eq!(history::runs(&mut connection, ANNA).await.unwrap(), [stage.run(ANNA, 1, "second")]);
    let ended = [stage.ended(ANNA, 2, false), stage.ended(ANNA, 3, false)];
    assert_eq!(history::ended(&mut connection, ANNA).await.unwrap(), ended);
    assert_eq!(stage.database.count("SELECT sum(person_id)::bigint FROM due").await, BEN.0);
}

#[tokio::test]
async fn the_past_is_kept_as_it_was_told() {
    let stage = Stage::new().await;
    let event = EventId::new(stage.now, SeenKey(5));
    let message = MessageId::new(ANNA, 1, stage.now, "hello", 1, 1);
    let refusal = |of: &str, reason| Refusal { of: of.into(), reason };
    let refusals = vec![refusal("welcome", Refused::Late), refusal("welcome/hello", Refused::Cap)];
    let report = |accepted| Applied::Report { message, accepted, at: stage.minutes(-2) };
    let journal = vec![
        stage.journal(ANNA, 1, Applied::Event(event), refusals),
        stage.journal(ANNA, 2, Applied::Timer(stage.minutes(-3)), vec![]),
        stage.journal(ANNA, 3, report(true), vec![]),
        stage.journal(ANNA, 4, report(false), vec![refusal("", Refused::BadZone)]),
    ];
    let decision = |options: &[&str], propensities: &[f64]| DecisionRow {
        person: ANNA,
        run: 1,
        journey: "welcome".into(),
        step: "hello".into(),
        visit: 1,
        at: stage.now,
        options: options.iter().map(|option| Arc::from(*option)).collect(),
        choice: "a".into(),
        propensities: propensities.to_vec(),
        what: Choice::Option,
        rule: Rule::Fixed,
        snapshot: 0,
        message: None,
        features: "{}".into(),
    };
    let learned = DecisionRow {
        what: Choice::SendTime,
        rule: Rule::Learned,
        snapshot: 7,
        message: Some(message),
        features: r#"{"cohort":"evening","active_hours":3}"#.into(),
        ..decision(&["mon-18", "mon-19"], &[0.9, 0.1])
    };
    let decisions =
        vec![decision(&["a", "b"], &[0.3, 0.7]), learned, DecisionRow { visit: 2, ..decision(&[], &[]) }];
    let write = Write {
        now: stage.now,
        deployment: 3,
        journal: vec![journal[2].clone(), journal[0].clone(), journal[3].clone(), journal[1].clone()],
        decisions: decisions.clone(),
        withheld: vec![stage.message(ANNA, "hello", 1)],
        ..Write::default()
    };
    stage.write(&write).await.unwrap();
    let mut connection = stage.connection().await;
    let lines: Vec<JournalLine> =
        journal.into_iter().map(|row| JournalLine { deployment: 3, catalog: None, row }).collect();
    assert_eq!(history::journal(&mut connection, ANNA).await.unwrap(), lines);
    assert_eq!(history::decisions(&mut connection, ANNA).await.unwrap(), decisions);
    let messages = history::messages(&mut connection, ANNA).await.unwrap();
    assert_eq!(messages[0].message, write.withheld[0]);
    assert_eq!(messages[0].state, journeyman_store::outbox::State::Withheld);
    assert!(history::journal(&mut connection, BEN).await.unwrap().is_empty());
}

/// Every number of rows there is.
async fn rows(stage: &Stage) -> String {
    let of = "SELECT concat_ws(', ',
                 (SELECT 'persons ' || count(*) FROM persons), (SELECT 'traits ' || count(*) FROM traits),
                 (SELECT 'runs ' || count(*) FROM runs), (SELECT 'ended_runs ' || count(*) FROM ended_runs),
                 (SELECT 'features ' || count(*) FROM features), (SELECT 'due ' || count(*) FROM due),
                 (SELECT 'outbox ' || count(*) FROM outbox), (SELECT 'messages ' || count(*) FROM messages),
                 (SELECT 'decisions ' || count(*) FROM decisions), (SELECT 'journal ' || count(*) FROM journal),
                 (SELECT 'parked ' || count(*) FROM parked), (SELECT 'intake ' || count(*) FROM intake))";
    stage.database.text(of).await
}

#[tokio::test]
async fn what_was_not_as_it_had_been_read_writes_nothing() {
    let stage = Stage::new().await;
    let there = stage.put(ANNA, Lane::Live, 1, Uuid::from_u128(1)).await;
    let gone = Place { seq: there.seq + 1000, ..there };
    let ready = Write {
        now: stage.now,
        people: vec![stage.person(ANNA, 0)],
        begun: vec![stage.run(ANNA, 1, "first")],
        ..Write::default()
    };
    stage.write(&ready).await.unwrap();
    let parked = |place| ParkedRow {
        place,
        person: ANNA,
        kind: 1,
        reference: Uuid::from_u128(1),
        at: stage.now,
        reason: "panicked",
        detail: "a \0 in it".to_owned(),
    };
    // All that a batch may write, and each with one thing that somebody else has changed.
    let whole = Write {
        now: stage.now,
        people: vec![stage.person(ANNA, 1), stage.person(BEN, 0)],
        traits: vec![(ANNA, "{}".to_owned(), "{}".to_owned())],
        begun: vec![stage.run(BEN, 1, "first")],
        features: vec![(ANNA, feature(1))],
        armed: vec![stage.due(ANNA, 5)],
        queued: vec![stage.message(ANNA, "hello", 1)],
        withheld: vec![stage.message(BEN, "hello", 1)],
        journal: vec![stage.journal(ANNA, 1, Applied::Timer(stage.now), vec![])],
        done: vec![there],
        ..Write::default()
    };
    let person = |person, version| vec![stage.person(person, version)];
    let cases = [
        ("stale", Write { people: person(ANNA, 7), ..whole.clone() }),
        ("born twice", Write { people: person(ANNA, 0), ..whole.clone() }),
        ("nobody", Write { people: person(BEN, 1), ..whole.clone() }),
        ("input gone", Write { done: vec![there, gone], ..whole.clone() }),
        ("parked gone", Write { parked: vec![parked(Some(gone))], ..whole.clone() }),
        ("no run to move", Write { moved: vec![stage.run(ANNA, 2, "x")], ..whole.clone() }),
        ("no run to end", Write { ended: vec![stage.ended(ANNA, 2, true)], ..whole.clone() }),
    ];
    let before = rows(&stage).await;
    for (case, write) in cases {
        let refused = stage.write(&write).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{case}: {refused:?}");
        assert_eq!(rows(&stage).await, before, "{case}");
    }
    // As it had been read: all of it. A timer is parked without a place; a wake-up nobody has is no conflict.
    let other = stage.put(ANNA, Lane::Bulk, 1, Uuid::from_u128(2)).await;
    let parked = vec![parked(Some(other)), ParkedRow { kind: 0, ..parked(None) }];
    let disarmed = vec![stage.due(ANNA, 77), stage.due(ANNA, 77)];
    stage.write(&Write { parked, disarmed, ..whole }).await.unwrap();
    assert_eq!(stage.database.count("SELECT count(*) FROM intake").await, 0);
    assert_eq!(
        stage.database.count("SELECT count(*) FROM parked WHERE detail = U&'a \\FFFD in it'").await,
        2
    );
}

#[tokio::test]
async fn a_batch_that_is_dropped_writes_nothing_and_leaves_no_open_transaction() {
    let stage = Stage::new().await;
    let pool = connect(&stage.database.options, Limits { connections: 1, ..Limits::ENGINE });
    let write = Write { people: vec![stage.person(ANNA, 0)], ..Write::default() };
    async fn backend(connection: &mut PgConnection) -> i32 {
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await.unwrap()
    }
    let mut pids = Vec::new();
    for end in ["drop", "rollback", "commit", "drop"] {
        let mut batch = Batch::begin(&pool).await.unwrap();
        pids.push(backend(batch.connection()).await);
        batch.write(&write).await.unwrap();
        match end {
            "drop" => drop(batch),
            "rollback" => batch.rollback().await,
            _ => {
                batch.commit().await.unwrap();
                break;
            }
        }
        assert_eq!(stage.database.count("SELECT count(*) FROM persons").await, 0, "{end}");
    }
    assert_eq!(stage.database.count("SELECT count(*) FROM persons").await, 1);
    // Dropped, its connection was closed; ended, it was used again.
    assert!(pids[0] != pids[1] && pids[1] == pids[2], "{pids:?}");
}

#[tokio::test]
async fn a_week_that_nobody_made_is_made_for_the_batch() {
    let stage = Stage::new().await;
    let far = journeyman_domain::tracking::parse_timestamp("2031-03-05T12:00:00Z").unwrap();
    let write = Write {
        now: far,
        ended: vec![EndedRow { ended_at: far, ..stage.ended(ANNA, 1, false) }],
        journal: vec![JournalRow { at: far, ..stage.journal(ANNA, 1, Applied::Timer(far), vec![]) }],
        ..Write::default()
    };
    assert!(matches!(stage.write(&write).await, Err(Error::NoPartition(_))));
    let made = partitions::ensure_for(&stage.pool, &write).await.unwrap();
    assert_eq!(made.len(), 8, "{made:?}");
    stage.write(&write).await.unwrap();
}
