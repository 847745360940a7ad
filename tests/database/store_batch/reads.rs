//! What a batch reads: inputs and wake-ups.

use journeyman_domain::row::{Arrival, Arrived, Place, StoredEvent, Write};
use journeyman_domain::{EventId, Identity, Kind, Lane, PersonId, Shard, ShopTime};
use journeyman_store::intake;
use journeyman_store::{Batch, history};
use uuid::Uuid;

use super::{ANNA, BEN, Stage};
use crate::harness::door::{Door, batch, track};

#[tokio::test]
async fn inputs_come_with_what_they_refer_to() {
    let stage = Stage::new().await;
    let door = Door::open(&stage.database).await;
    let messages: Vec<String> = (0..3).map(|n| track(&format!("m{n}"), "anna")).collect();
    door.take("/v1/batch", batch(&messages)).await;
    let mut connection = stage.connection().await;
    let person = history::person_named(&mut connection, &Identity::external("anna")).await.unwrap().unwrap();
    let (message, missing) = (Uuid::from_u128(77), Uuid::from_u128(78));
    sqlx::raw_sql("ALTER TABLE intake DROP CONSTRAINT intake_kind_is_known")
        .execute(&stage.database.pool)
        .await
        .unwrap();
    for (kind, reference) in [(2, message), (3, message), (1, missing), (9, message)] {
        stage.put(person, Lane::Live, kind, reference).await;
    }
    let other = stage.put(PersonId(person.0 + 1), Lane::Live, 2, message).await;
    let bulk = stage.put(person, Lane::Bulk, 2, message).await;
    let shards = [Shard::of(person), other.shard];
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    let read = batch.read_intake(&shards, Lane::Live, &[0, 0], 100, 100).await.unwrap();
    let named = |arrival: &Arrival| match arrival {
        Arrival::Event(event) => {
            format!("{} {:?} {}", event.name, event.kind, event.payload.contains("messageId"))
        }
        Arrival::News { heard, alone } => format!("{} {alone}", heard.news.topic.event()),
        Arrival::Report { message, accepted, at } => format!("{} {accepted} {at}", message.0.as_u128()),
        Arrival::Close { merge, .. } => format!("close {merge}"),
        Arrival::Take { merge, .. } => format!("take {merge}"),
        Arrival::Unknown { kind, reference } => format!("unknown {kind} {}", reference.as_u128()),
    };
    let event = "Product Viewed Track true";
    let report = "77 true 2026-01-02T03:04:05Z";
    let expected = [
        event,
        event,
        event,
        report,
        "77 false 2026-01-02T03:04:05Z",
        "unknown 1 78",
        "unknown 9 77",
        report,
    ];
    assert_eq!(read.iter().map(|arrived| named(&arrived.what)).collect::<Vec<_>>(), expected);
    assert!(read[..7].iter().all(|arrived| arrived.person == person));
    assert_eq!(read[7].place, other);
    let ids: Vec<EventId> = read
        .iter()
        .filter_map(|arrived| match &arrived.what {
            Arrival::Event(event) => Some(event.id),
            _ => None,
        })
        .collect();
    let events: Vec<StoredEvent> =
        history::events(&mut connection, &[ids[2], EventId(missing), ids[0]]).await.unwrap();
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [ids[2], ids[0]]);
    assert_eq!((events[0].kind, events[0].historical), (Kind::Track, false));

    // Limits and marks.
    let seqs = |read: Vec<Arrived>| read.into_iter().map(|arrived| arrived.place.seq).collect::<Vec<_>>();
    let all = seqs(read);
    let cases: [(&[i64], usize, usize, &[i64]); 5] = [
        (&[0, 0], 2, 100, &[all[0], all[1], all[7]]),
        (&[all[5], 0], 100, 100, &[all[5], all[6], all[7]]),
        (&[0, 0], 100, 3, &all[..3]),
        (&[i64::MAX, i64::MAX], 100, 100, &[]),
        (&[0, 0], 100, 0, &[]),
    ];
    for (lows, per_shard, total, expected) in cases {
        let read = batch.read_intake(&shards, Lane::Live, lows, per_shard, total).await.unwrap();
        assert_eq!(seqs(read), expected, "{lows:?} {per_shard} {total}");
    }
    let read = batch.read_intake(&shards, Lane::Bulk, &[0, 0], 100, 100).await.unwrap();
    assert_eq!(read.iter().map(|arrived| arrived.place).collect::<Vec<_>>(), [bulk]);
    batch.rollback().await;
}

#[tokio::test]
async fn who_is_due_comes_by_time_from_the_mark_on() {
    let stage = Stage::new().await;
    let carla = PersonId((3..).find(|id| Shard::of(PersonId(*id)) == Shard::of(ANNA)).unwrap());
    let (one, two, ben) = (stage.due(ANNA, -9), stage.due(carla, -5), stage.due(BEN, 0));
    let armed = vec![two, stage.due(ANNA, 1), one, ben];
    stage.write(&Write { armed, ..Write::default() }).await.unwrap();
    let shards = [one.shard, ben.shard];
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    let low = ShopTime::EPOCH;
    let cases = [
        ("all of them, now's too", [low, low], (10, 10), vec![one, two, ben]),
        ("one of each", [low, low], (1, 10), vec![one, ben]),
        ("two of all", [low, low], (10, 2), vec![one, two]),
        ("at the mark", [two.due_at, low], (10, 10), vec![two, ben]),
        ("behind the mark", [stage.now, stage.minutes(1)], (10, 10), vec![]),
    ];
    for (case, lows, (per_shard, total), expected) in cases {
        let due = batch.read_due(&shards, &lows, stage.now, per_shard, total).await.unwrap();
        assert_eq!(due, expected, "{case}");
    }
    batch.rollback().await;
}

#[tokio::test]
async fn what_was_applied_is_deleted_once() {
    let stage = Stage::new().await;
    let mut places: Vec<Place> = Vec::new();
    for (lane, kind) in [(Lane::Live, 2), (Lane::Bulk, 3)] {
        places.push(stage.put(ANNA, lane, kind, Uuid::from_u128(7)).await);
    }
    let kept = stage.put(BEN, Lane::Live, 2, Uuid::from_u128(7)).await;
    let mut connection = stage.connection().await;
    assert_eq!(intake::delete(&mut connection, &places).await.unwrap(), 2);
    places.push(kept);
    assert_eq!(intake::delete(&mut connection, &places).await.unwrap(), 1);
}
