//! The queue of what has to be applied, read shard by shard.

use std::time::{Duration, Instant};

use journeyman_domain::{Lane, PersonId, Shard, ShardSet};
use journeyman_engine::{Doorbell, EventLog, FULL_SCAN, PostgresLog, Reader};
use journeyman_store::intake::{Input, Place};

use crate::harness::door::{Door, batch, track};
use crate::harness::postgres::Database;

/// Inserts a row with a chosen `seq`, in a transaction of the caller's.
async fn put(tx: &mut sqlx::PgConnection, lane: i16, seq: i64) {
    sqlx::query(
        "INSERT INTO intake (shard, lane, seq, kind, person_id, ref, received_at) OVERRIDING SYSTEM VALUE
         VALUES (5, $1, $2, 1, 1, gen_random_uuid(), now())",
    )
    .bind(lane)
    .bind(seq)
    .execute(tx)
    .await
    .unwrap();
}

fn seqs(inputs: &[Input]) -> Vec<i64> {
    inputs.iter().map(|input| input.place.seq).collect()
}

async fn apply(database: &Database, reader: &mut Reader<PostgresLog>, inputs: &[Input]) {
    let places: Vec<Place> = inputs.iter().map(|input| input.place).collect();
    let mut tx = database.pool.begin().await.unwrap();
    assert_eq!(reader.log().ack(&mut tx, &places).await.unwrap(), places.len() as u64);
    tx.commit().await.unwrap();
    reader.done(&places);
}

fn reader(database: &Database) -> Reader<PostgresLog> {
    Reader::new(PostgresLog(database.pool.clone()), Doorbell::default(), ShardSet::ALL)
}

#[tokio::test]
async fn what_commits_behind_the_mark_is_met_by_the_full_scan() {
    let database = Database::new().await;
    let mut reader = reader(&database);
    let start = Instant::now();
    let shard = Shard(5);
    // A slow writer has its number and has not committed.
    let mut slow = database.pool.begin().await.unwrap();
    put(&mut slow, 0, 10).await;
    let mut quick = database.pool.begin().await.unwrap();
    put(&mut quick, 0, 11).await;
    put(&mut quick, 0, 12).await;
    quick.commit().await.unwrap();
    let inputs = reader.read(shard, 100, start).await.unwrap();
    assert_eq!(seqs(&inputs), [11, 12]);
    apply(&database, &mut reader, &inputs).await;
    slow.commit().await.unwrap();
    // Below the mark it is not seen, until the queue is read from its beginning.
    assert!(reader.read(shard, 100, start + Duration::from_secs(1)).await.unwrap().is_empty());
    let inputs = reader.read(shard, 100, start + FULL_SCAN).await.unwrap();
    assert_eq!(seqs(&inputs), [10]);
    apply(&database, &mut reader, &inputs).await;
    assert_eq!(database.count("SELECT count(*) FROM intake").await, 0);
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_and_only_once_acknowledged() {
    let database = Database::new().await;
    let (mut one, mut other) = (reader(&database), reader(&database));
    let mut tx = database.pool.begin().await.unwrap();
    put(&mut tx, 0, 1).await;
    put(&mut tx, 0, 2).await;
    tx.commit().await.unwrap();
    let now = Instant::now();
    let inputs = one.read(Shard(5), 100, now).await.unwrap();
    assert_eq!(one.read(Shard(5), 100, now).await.unwrap(), inputs);
    // A second owner, who should not be there: acknowledging tells it that it is not alone.
    let same = other.read(Shard(5), 100, now).await.unwrap();
    apply(&database, &mut one, &inputs).await;
    let mut tx = database.pool.begin().await.unwrap();
    let places: Vec<Place> = same.iter().map(|input| input.place).collect();
    assert_eq!(other.log().ack(&mut tx, &places).await.unwrap(), 0);
}

#[tokio::test]
async fn the_bulk_lane_gets_a_quarter_while_there_are_live_inputs() {
    let database = Database::new().await;
    let mut reader = reader(&database);
    let mut tx = database.pool.begin().await.unwrap();
    for seq in 1..=40 {
        put(&mut tx, 0, seq).await;
        put(&mut tx, 1, 100 + seq).await;
    }
    tx.commit().await.unwrap();
    let now = Instant::now();
    let lanes = |inputs: &[Input]| {
        let live = inputs.iter().filter(|input| input.place.lane == Lane::Live).count();
        (live, inputs.len() - live)
    };
    let hour = Duration::from_secs(3600);
    assert_eq!(reader.wake(hour, now).await, ShardSet::ALL);
    let inputs = reader.read(Shard(5), 20, now).await.unwrap();
    assert_eq!(lanes(&inputs), (15, 5));
    apply(&database, &mut reader, &inputs).await;
    // More may wait: it is woken without a bell.
    assert_eq!(reader.wake(hour, now).await.iter().collect::<Vec<_>>(), [Shard(5)]);
    let inputs = reader.read(Shard(5), 100, now).await.unwrap();
    assert_eq!(lanes(&inputs), (25, 25));
    apply(&database, &mut reader, &inputs).await;
    let inputs = reader.read(Shard(5), 100, now).await.unwrap();
    assert_eq!(lanes(&inputs), (0, 10));
}

#[tokio::test]
async fn the_door_rings_and_the_reader_finds() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let mut reader = Reader::new(PostgresLog(database.pool.clone()), door.bell.clone(), ShardSet::ALL);
    // New readers look everywhere first.
    let start = Instant::now();
    let hour = Duration::from_secs(3600);
    assert_eq!(reader.wake(hour, start).await, ShardSet::ALL);
    let messages: Vec<String> = (0..50).map(|n| track(&format!("m{n}"), &format!("u{n}"))).collect();
    door.take("/v1/batch", batch(&messages)).await;
    // Far longer than the test may take: only the bell can end this wait.
    let woken = reader.wake(hour, start).await;
    assert_ne!(woken, ShardSet::ALL);
    let mut found = 0;
    for shard in woken.iter() {
        let inputs = reader.read(shard, 100, Instant::now()).await.unwrap();
        assert!(inputs.iter().all(|input| Shard::of(input.person) == shard));
        found += inputs.len();
    }
    assert_eq!(found, 50);
    // However much is rung for, all shards are woken when it is time: others ring no bell here.
    door.bell.ring([Shard(3)].into_iter().collect());
    assert!(!reader.wake(hour, start + hour / 2).await.contains(Shard(4)));
    door.bell.ring([Shard(3)].into_iter().collect());
    assert_eq!(reader.wake(hour, start + hour).await, ShardSet::ALL);
    assert!(door.bell.rung().is_empty());
}

#[tokio::test]
async fn strays_are_forwarded_whole_or_not_at_all() {
    let database = Database::new().await;
    let mut reader = reader(&database);
    let mut tx = database.pool.begin().await.unwrap();
    put(&mut tx, 0, 1).await;
    put(&mut tx, 1, 2).await;
    tx.commit().await.unwrap();
    let inputs = reader.read(Shard(5), 100, Instant::now()).await.unwrap();
    let to = PersonId(77);
    let mut tx = database.pool.begin().await.unwrap();
    reader.log().forward(&mut tx, to, &inputs).await.unwrap();
    tx.commit().await.unwrap();
    let moved = reader.read(Shard::of(to), 100, Instant::now()).await.unwrap();
    let what = |inputs: &[Input]| inputs.iter().map(|i| (i.place.lane, i.event)).collect::<Vec<_>>();
    assert_eq!(what(&moved), what(&inputs));
    assert!(moved.iter().all(|input| input.person == to));
    // Once more: they are gone, and nothing is doubled.
    let mut tx = database.pool.begin().await.unwrap();
    assert!(reader.log().forward(&mut tx, to, &inputs).await.is_err());
    drop(tx);
    assert_eq!(database.count("SELECT count(*) FROM intake").await, 2);
}
