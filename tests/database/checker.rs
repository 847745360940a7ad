//! The independent checker finds what it is there to find.

use std::collections::BTreeSet;

use crate::harness::checker::{Findings, check};
use crate::harness::door::{Door, batch, track};
use crate::harness::postgres::Database;

#[tokio::test]
async fn a_planted_loss_and_a_planted_duplicate_are_found() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let messages: Vec<String> = (0..20).map(|n| track(&format!("m{n}"), &format!("u{n}"))).collect();
    door.take("/v1/batch", batch(&messages)).await;
    let acknowledged: BTreeSet<String> = (0..20).map(|n| format!("m{n}")).collect();
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());

    let planted = "
        WITH gone AS (DELETE FROM events WHERE payload ->> 'messageId' = 'm3' RETURNING id)
        DELETE FROM intake WHERE ref IN (SELECT id FROM gone);
        WITH twin AS (
            INSERT INTO events SELECT (left(id::text, 24) || 'ffffffffffff')::uuid, person_id, occurred_at,
                received_at, kind, payload_version, historical, source, name, payload
            FROM events WHERE payload ->> 'messageId' = 'm4' RETURNING id, person_id, received_at)
        INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
        SELECT 0, 0, 1, person_id, id, received_at FROM twin;
        DELETE FROM intake WHERE ref = (SELECT id FROM events WHERE payload ->> 'messageId' = 'm5');
        INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
        SELECT 0, 0, 1, person_id, id, received_at FROM events WHERE payload ->> 'messageId' = 'm6'";
    sqlx::raw_sql(planted).execute(&database.pool).await.unwrap();
    let found = check(&database.pool, &acknowledged).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        found,
        Findings { lost: names(&["m3"]), doubled: names(&["m4"]), astray: names(&["m5", "m6"]) }
    );
}
