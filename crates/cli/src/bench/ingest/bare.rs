//! The limit: rows made beforehand, inserted by UNNEST with nothing between. It does what the door does to the same
//! tables and none of its work: no HTTP, no JSON, no look-ups, nothing to find out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use journeyman_domain::tracking::{self, Defaults, Door};
use journeyman_domain::{Event, Identity, PersonId, Shard, ShopClock as _, assignment_key};
use journeyman_store::{Limits, connect};
use sqlx::postgres::PgPool;
use uuid::Uuid;

use super::super::scratch::Scratch;
use crate::SystemClock;

/// Connections; with more, two cores gain nothing.
pub(super) const CONNECTIONS: usize = 4;
/// Rows of `events` in a commit.
pub(super) const ROWS: usize = 1_000;

type Time = jiff_sqlx::Timestamp;

/// The rows of a commit, column by column.
#[derive(Default)]
struct Rows {
    seen: Vec<Uuid>,
    names: Vec<String>,
    new_people: Vec<i64>,
    keys: Vec<i64>,
    ids: Vec<Uuid>,
    people: Vec<i64>,
    shards: Vec<i16>,
    occurred: Vec<Time>,
    received: Vec<Time>,
    kinds: Vec<i16>,
    events: Vec<String>,
    payloads: Vec<String>,
}

/// Events per second, from the first statement to the last commit.
pub(super) async fn run(scratch: &Scratch, messages: &[String]) -> anyhow::Result<f64> {
    scratch.clear().await?;
    let mut known = BTreeSet::new();
    let rows: Vec<Rows> =
        messages.chunks(ROWS).map(|chunk| make(chunk, &mut known)).collect::<anyhow::Result<_>>()?;
    let (rows, next) = (Arc::new(rows), Arc::new(AtomicUsize::new(0)));
    let pool = connect(&scratch.options, Limits { connections: CONNECTIONS as u32, ..Limits::INGEST });
    // Connected before the clock runs, as the door's pool is after its first run.
    let ready = futures_of(CONNECTIONS, |_| {
        let pool = pool.clone();
        async move {
            pool.acquire().await?;
            Ok(())
        }
    });
    ready.await?;
    let began = Instant::now();
    futures_of(CONNECTIONS, |_| {
        let (pool, rows, next) = (pool.clone(), rows.clone(), next.clone());
        async move {
            while let Some(rows) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                insert(&pool, rows).await?;
            }
            Ok(())
        }
    })
    .await?;
    let took = began.elapsed();
    pool.close().await;
    Ok(messages.len() as f64 / took.as_secs_f64())
}

async fn futures_of<F>(count: usize, of: impl Fn(usize) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(of(n))).collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

fn make(chunk: &[String], known: &mut BTreeSet<i64>) -> anyhow::Result<Rows> {
    let received_at = SystemClock.now();
    let door = Door {
        write_key: "bench",
        source: "bench",
        received_at,
        index: 0,
        message_id: None,
        historical: false,
    };
    let mut rows = Rows::default();
    for message in chunk {
        let event: Event = tracking::read(message, &Defaults::default(), &door, || 0)
            .map_err(|reject| anyhow::anyhow!("{reject}"))?;
        let name = event.external.unwrap_or_default();
        let person: i64 = 1 + name.trim_start_matches("user-").parse::<i64>()?;
        if known.insert(person) {
            rows.new_people.push(person);
            rows.keys.push(assignment_key(&Identity::external(&name)));
            rows.names.push(name);
        }
        rows.seen.push(event.key.uuid());
        rows.ids.push(event.id.0);
        rows.people.push(person);
        rows.shards.push(i16::from(Shard::of(PersonId(person)).0));
        rows.occurred.push(jiff_sqlx::ToSqlx::to_sqlx(event.occurred_at.timestamp()));
        rows.received.push(jiff_sqlx::ToSqlx::to_sqlx(event.received_at.timestamp()));
        rows.kinds.push(event.kind.code());
        rows.events.push(event.name);
        rows.payloads.push(event.payload);
    }
    rows.seen.sort_unstable();
    Ok(rows)
}

async fn insert(pool: &PgPool, rows: &Rows) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("INSERT INTO seen SELECT key, current_date FROM unnest($1::uuid[]) key")
        .bind(&rows.seen)
        .execute(&mut *tx)
        .await?;
    if !rows.names.is_empty() {
        sqlx::query("INSERT INTO identities SELECT 0, v, p FROM unnest($1::text[], $2::bigint[]) n (v, p)")
            .bind(&rows.names)
            .bind(&rows.new_people)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO heads SELECT p, NULL, k, now() FROM unnest($1::bigint[], $2::bigint[]) n (p, k)",
        )
        .bind(&rows.new_people)
        .bind(&rows.keys)
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query(
        "INSERT INTO events
         SELECT id, person, occurred, received, kind, 1, false, 'bench', name, payload::jsonb
         FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::smallint[], $6::text[],
                     $7::text[]) n (id, person, occurred, received, kind, name, payload)",
    )
    .bind(&rows.ids)
    .bind(&rows.people)
    .bind(&rows.occurred)
    .bind(&rows.received)
    .bind(&rows.kinds)
    .bind(&rows.events)
    .bind(&rows.payloads)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
         SELECT shard, 0, 1, person, id, received
         FROM unnest($1::smallint[], $2::bigint[], $3::uuid[], $4::timestamptz[]) n (shard, person, id, received)",
    )
    .bind(&rows.shards)
    .bind(&rows.people)
    .bind(&rows.ids)
    .bind(&rows.received)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
