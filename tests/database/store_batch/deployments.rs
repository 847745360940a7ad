//! What is live, what is counted, and counting what was before.

use journeyman_domain::backfill::Past;
use journeyman_domain::person::FeatureKey;
use journeyman_domain::plan::PlanHash;
use journeyman_domain::row::{Applied, JournalRow, PersonRow, RunRow, Write};
use journeyman_domain::{EventId, Identity, PersonId};
use journeyman_store::deployments::{self, Label, StoredSource};
use journeyman_store::{Error, backfill, history, slices};
use uuid::Uuid;

use super::{ANNA, BEN, Stage, bare, feature};
use crate::harness::door::Door;

fn source(hash: u128, name: &str) -> StoredSource {
    let path = format!("journeys/{name}.yaml");
    StoredSource {
        hash: PlanHash(hash),
        kind: 0,
        name: name.into(),
        path,
        text: format!("v{hash}"),
        pinned: false,
    }
}

fn count(event: &str, field: Option<(&str, bool)>, by: Option<&str>) -> FeatureKey {
    let field = field.map(|(name, money)| (name.into(), money));
    FeatureKey { event: event.into(), field, by: by.map(Into::into) }
}

async fn deploy(stage: &Stage, sources: &[StoredSource], demands: &[FeatureKey]) -> Result<i64, Error> {
    let mut tx = stage.database.pool.begin().await.unwrap();
    slices::lock_all(&mut tx).await?;
    let number = deployments::insert(
        &mut tx,
        &Label { at: stage.now, note: "a note", environment: "dev", author: "ada" },
        sources,
        demands,
    )
    .await?;
    tx.commit().await.unwrap();
    Ok(number)
}

async fn load(stage: &Stage, number: i64) -> Vec<StoredSource> {
    deployments::load(&mut *stage.connection().await, number).await.unwrap()
}

#[tokio::test]
async fn a_deployment_keeps_the_versions_that_runs_are_pinned_to() {
    let stage = Stage::new().await;
    assert_eq!(deployments::current(&mut *stage.connection().await).await.unwrap(), 0);
    assert!(load(&stage, 0).await.is_empty());
    // Two files that say the same are two.
    let first = [source(1, "cart"), source(5, "welcome"), source(5, "welcome-copy")];
    assert_eq!(deploy(&stage, &first, &[]).await.unwrap(), 1);
    assert_eq!(load(&stage, 1).await, first);
    let run = |person, number, plan| RunRow { plan: PlanHash(plan), ..stage.run(person, number, "x") };
    let begun = vec![run(ANNA, 1, 1), run(ANNA, 2, 5), run(BEN, 1, 1)];
    stage.write(&Write { begun, ..Write::default() }).await.unwrap();
    // `cart` changes, `welcome` stays and has moved to another folder.
    let moved = StoredSource { path: "journeys/eu/welcome.yaml".to_owned(), ..source(5, "welcome") };
    let second = [source(2, "cart"), moved.clone()];
    assert_eq!(deploy(&stage, &second, &[]).await.unwrap(), 2);
    let pinned = |source: &StoredSource| StoredSource { pinned: true, ..source.clone() };
    assert_eq!(load(&stage, 2).await, [source(2, "cart"), moved, pinned(&first[0])]);
    // Nothing is deployed any more: all that runs walk stays.
    assert_eq!(deploy(&stage, &[], &[]).await.unwrap(), 3);
    let names: Vec<String> = load(&stage, 3).await.into_iter().map(|source| source.name).collect();
    assert_eq!(names, ["cart", "welcome", "welcome-copy"]);
    assert_eq!(deployments::current(&mut *stage.connection().await).await.unwrap(), 3);
    // A version nobody knows.
    stage.write(&Write { begun: vec![run(BEN, 2, 99)], ..Write::default() }).await.unwrap();
    assert!(matches!(deploy(&stage, &[], &[]).await, Err(Error::Conflict(_))));
    assert_eq!(deployments::current(&mut *stage.connection().await).await.unwrap(), 3);
}

#[tokio::test]
async fn counters_nobody_demands_any_more_are_deleted() {
    let stage = Stage::new().await;
    let keys = [
        count("Viewed", None, None),
        count("Ordered", Some(("revenue", true)), None),
        count("Ordered", Some(("items", false)), Some("sku")),
    ];
    let demands = async || {
        let mut demands = deployments::demands(&mut *stage.connection().await).await.unwrap();
        demands.sort();
        demands
    };
    let sorted = |mut keys: Vec<FeatureKey>| {
        keys.sort();
        keys
    };
    deploy(&stage, &[], &keys).await.unwrap();
    assert_eq!(demands().await, sorted(keys.to_vec()));
    let features = keys.iter().map(|key| (ANNA, bare(key.number()))).collect();
    stage.write(&Write { people: vec![stage.person(ANNA, 0)], features, ..Write::default() }).await.unwrap();
    let fourth = count("Searched", None, None);
    deploy(&stage, &[], &[keys[1].clone(), fourth.clone()]).await.unwrap();
    assert_eq!(demands().await, sorted(vec![keys[1].clone(), fourth.clone()]));
    assert_eq!(stage.load(&[ANNA], true).await[0].features, [bare(keys[1].number())]);
    let since = "SELECT string_agg(event || since, ',' ORDER BY event) FROM demands";
    assert_eq!(stage.database.text(since).await, "Ordered1,Searched2");
}

#[tokio::test]
async fn what_was_applied_is_read_again_in_its_order() {
    let stage = Stage::new().await;
    let door = Door::open(&stage.database).await;
    let message =
        |event: &str, user: &str| format!(r#"{{"type":"track","event":"{event}","userId":"{user}"}}"#);
    for (event, user) in
        [("Viewed", "u1"), ("Ordered", "u1"), ("Viewed", "u2"), ("Viewed", "u1"), ("Viewed", "u1")]
    {
        door.take("/v1/track", message(event, user)).await;
    }
    let events: Vec<(Uuid, i64)> = sqlx::query_as("SELECT id, person_id FROM events ORDER BY id")
        .fetch_all(&stage.database.pool)
        .await
        .unwrap();
    let of = |person: i64| -> Vec<EventId> {
        events.iter().filter(|(_, whose)| *whose == person).map(|(id, _)| EventId(*id)).collect()
    };
    let (one, two) = (PersonId(events[0].1), PersonId(events[2].1));
    // Applied in another order than they came, one of them not yet; a third person has nothing.
    let (hers, his) = (of(one.0), of(two.0));
    let line = |person, n, event| stage.journal(person, n, Applied::Event(event), vec![]);
    let journal: Vec<JournalRow> = vec![
        line(one, 1, hers[2]),
        line(one, 2, hers[1]),
        line(one, 3, hers[0]),
        line(two, 1, his[0]),
        stage.journal(two, 2, Applied::Timer(stage.now), vec![]),
    ];
    let third = PersonId(one.0.max(two.0) + 1);
    sqlx::query("INSERT INTO heads (person_id, assignment_key, born_at) VALUES ($1, 1, now())")
        .bind(third.0)
        .execute(&stage.database.pool)
        .await
        .unwrap();
    let people: Vec<PersonRow> = [one, two, third].map(|person| stage.person(person, 0)).to_vec();
    stage.write(&Write { now: stage.now, people, journal, ..Write::default() }).await.unwrap();
    let mut connection = stage.connection().await;
    let mut everybody = Vec::new();
    let mut after = PersonId(0);
    loop {
        let chunk = backfill::people(&mut connection, after, 1).await.unwrap();
        let Some((last, _)) = chunk.last() else { break };
        after = *last;
        everybody.extend(chunk);
    }
    assert_eq!(everybody.iter().map(|(person, _)| *person).collect::<Vec<_>>(), [one, two, third]);
    let told = |past: &Past| match past {
        Past::Event(event) => event.id,
        Past::Taken(loser) => panic!("nobody has turned out to be anybody, and not {loser}"),
    };
    let read = backfill::past(&mut connection, &["Viewed"], &[one, two, third]).await.unwrap();
    let read: Vec<(PersonId, Vec<EventId>)> =
        read.into_iter().map(|(person, past)| (person, past.iter().map(told).collect())).collect();
    assert_eq!(read, [(one, vec![hers[2], hers[0]]), (two, vec![his[0]])]);
    let both = backfill::past(&mut connection, &["Viewed", "Ordered"], &[one]).await.unwrap();
    assert_eq!(both[&one].len(), 3);
    // One at a time, until the connection closes.
    let mut other = stage.connection().await;
    assert!(backfill::lock(&mut other).await.unwrap());
    assert!(!backfill::lock(&mut connection).await.unwrap());

    backfill::write(&mut connection, &[(one, feature(1))]).await.unwrap();
    backfill::write(&mut connection, &[(one, bare(1)), (two, feature(1))]).await.unwrap();
    let features: Vec<_> =
        stage.load(&[one, two], true).await.into_iter().map(|person| person.features).collect();
    assert_eq!(features, [vec![bare(1)], vec![feature(1)]]);

    let sample = async |connection: &mut sqlx::PgConnection, people, seed| {
        history::sample(connection, people, seed).await.unwrap()
    };
    assert_eq!(sample(&mut connection, 10, 1).await.len(), 3);
    let drawn = sample(&mut connection, 2, 42).await;
    assert_eq!((drawn.len(), sample(&mut connection, 2, 42).await), (2, drawn));
}

#[tokio::test]
async fn people_are_found_behind_their_merges() {
    let stage = Stage::new().await;
    sqlx::raw_sql(
        "INSERT INTO heads (person_id, merged_into, assignment_key, born_at)
         VALUES (3, 2, 1, now()), (4, 3, 1, now()), (5, NULL, 1, now());
         INSERT INTO identities VALUES (0, 'ben', 2), (1, 'phone', 4)",
    )
    .execute(&stage.database.pool)
    .await
    .unwrap();
    let mut connection = stage.connection().await;
    for (id, expected) in [(1, Some(1)), (3, Some(2)), (4, Some(2)), (5, Some(5)), (99, None)] {
        let found = history::person(&mut connection, PersonId(id)).await.unwrap();
        assert_eq!(found, expected.map(PersonId), "{id}");
    }
    let cases = [
        (Identity::external("ben"), Some(BEN)),
        (Identity::anonymous("phone"), Some(BEN)),
        (Identity::external("phone"), None),
    ];
    for (name, expected) in cases {
        assert_eq!(history::person_named(&mut connection, &name).await.unwrap(), expected, "{name:?}");
    }
}
