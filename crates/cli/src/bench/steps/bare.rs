//! The limit: claim, update and insert in one statement. It decides nothing: what to write is known beforehand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use journeyman_domain::SHARDS;
use journeyman_domain::person::encode_hot;
use journeyman_store::{Limits, connect};

use super::shop::{Shop, time};
use crate::bench::scratch::Scratch;

/// With more, two cores gain nothing.
pub(super) const CONNECTIONS: usize = 2;
/// Steps in a call.
pub(super) const STEPS: usize = 500;

/// The same rows as the engine's batch: the timer taken and set, the person's and the run's row updated, a row in the
/// journal.
const STATEMENT: &str = "
    WITH claimed AS MATERIALIZED (
        DELETE FROM due
        USING (
            SELECT shard, due_at, person_id FROM due
            WHERE shard = $1 AND due_at >= $2 AND due_at <= $2
            ORDER BY due_at, person_id LIMIT $3
        ) AS next
        WHERE due.shard = next.shard AND due.due_at = next.due_at AND due.person_id = next.person_id
        RETURNING due.person_id
    ), armed AS (
        INSERT INTO due (shard, due_at, person_id) SELECT $1, $4, person_id FROM claimed
    ), moved AS (
        UPDATE runs SET step = $5, state = $6 FROM claimed
        WHERE runs.person_id = claimed.person_id AND runs.number = 1
    ), people AS (
        UPDATE persons SET version = version + 1, n = n + 1, armed_at = $4, hot = $7 FROM claimed
        WHERE persons.person_id = claimed.person_id
        RETURNING persons.person_id, persons.n
    )
    INSERT INTO journal (person_id, n, what, moment, at, deployment)
    SELECT person_id, n, 2, $2, $2, 1 FROM people";

/// How long everybody's next step takes.
pub(super) async fn run(scratch: &Scratch, shop: &Shop, steps: usize) -> anyhow::Result<Duration> {
    let after = shop.after()?;
    let run = Arc::new(Shop::run_of(&after)?);
    let hot: Arc<[u8]> = encode_hot(&after.hot).into();
    let now = shop.now();
    let next = after.next_due().unwrap_or(now);
    let pool = connect(&scratch.options, Limits { connections: CONNECTIONS as u32, ..Limits::ENGINE });
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(pool.acquire().await?);
    }
    let shard = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for mut connection in connections {
        let (shard, run, hot) = (shard.clone(), run.clone(), hot.clone());
        tasks.spawn(async move {
            let mut done = 0;
            loop {
                let next_shard = shard.fetch_add(1, Ordering::Relaxed);
                if next_shard >= SHARDS {
                    return Ok::<u64, sqlx::Error>(done);
                }
                loop {
                    let moved = sqlx::query(STATEMENT)
                        .bind(next_shard as i16)
                        .bind(time(now))
                        .bind(STEPS as i64)
                        .bind(time(next))
                        .bind(&*run.step)
                        .bind(&run.state)
                        .bind(&*hot)
                        .execute(&mut *connection)
                        .await?;
                    done += moved.rows_affected();
                    if moved.rows_affected() < STEPS as u64 {
                        break;
                    }
                }
            }
        });
    }
    let mut done = 0;
    while let Some(task) = tasks.join_next().await {
        done += task??;
    }
    let took = began.elapsed();
    pool.close().await;
    anyhow::ensure!(done == steps as u64, "the limit took {done} of {steps} steps");
    Ok(took)
}
