//! Live events while everybody hears.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use journeyman_domain::ShardSet;
use journeyman_engine::machine::DispatcherLimits;
use journeyman_engine::{Engine, Pools};
use sqlx::Executor as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Size, shop};
use crate::SystemClock;
use crate::bench::door::{BATCH, CONNECTIONS, Door, KEY, client};
use crate::bench::mail::latency::load;
use crate::bench::nowhere;
use crate::bench::scratch::Scratch;

/// How long anything may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// How many events are sent at least while everybody hears.
const LEAST: usize = 200;

/// What was measured, microseconds.
pub(super) struct Measured {
    pub(super) with: f64,
    pub(super) without: f64,
    pub(super) note: String,
}

pub(super) async fn measure(scratch: &Scratch, size: Size, run: usize) -> anyhow::Result<Measured> {
    scratch
        .pool
        .execute("TRUNCATE persons, journal, runs, ended_runs, due, outbox, messages, inbox, bulk, intake")
        .await?;
    let pools = Pools::open(&scratch.options);
    let stop = CancellationToken::new();
    let limits = DispatcherLimits::default();
    let engine = Engine::new(pools.clone(), Arc::new(SystemClock), nowhere()?, limits, stop.clone());
    let (counts, bell) = (engine.counts(), engine.clone());
    let running = tokio::spawn(engine.run(Uuid::new_v4));
    scratch.settled().await?;
    let door = Door::open(&scratch.options, Arc::new(move |shards: ShardSet| bell.ring(shards))).await?;

    // The peak: batches, until all of it is applied and delivered.
    let began = Instant::now();
    let peak: Vec<String> = (0..size.events).map(|n| event("peak", run, n)).collect();
    let bodies: Vec<Bytes> = peak
        .chunks(BATCH)
        .map(|chunk| Bytes::from(format!(r#"{{"batch":[{}]}}"#, chunk.join(","))))
        .collect();
    client::send(door.address, "/v1/batch", KEY, CONNECTIONS, Arc::new(bodies)).await?;
    delivered(scratch, "peak", size.events).await?;
    let rate = size.events as f64 / began.elapsed().as_secs_f64() / 10.0;

    let alone = size.events.min((rate * 20.0) as usize).max(LEAST);
    let alone = paced(&door, "alone", run, rate, || false, alone).await?;
    delivered(scratch, "alone", alone).await?;
    let without = tail(scratch, "alone").await?;

    scratch.checkpoint().await?;
    let before = counts.inputs.load(Ordering::Relaxed);
    let began = Instant::now();
    shop::price(scratch, run).await?;
    // Until all of the news is applied: live events and what their messages report are inputs too, so the queue is asked.
    let heard = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let watching = {
        let (heard, pool) = (heard.clone(), scratch.pool.clone());
        tokio::spawn(async move {
            let left = "SELECT (SELECT count(*) FROM intake WHERE lane = 1)
                        + (SELECT count(*) FROM catalog WHERE told < number OR telling IS NOT NULL)";
            while sqlx::query_scalar::<_, i64>(left).fetch_one(&pool).await? > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            heard.store(true, Ordering::Relaxed);
            Ok::<_, anyhow::Error>(())
        })
    };
    let until = || !heard.load(Ordering::Relaxed) && began.elapsed() < PATIENCE;
    let sent = paced(&door, "with", run, rate, until, LEAST).await?;
    watching.await??;
    let took = began.elapsed();
    delivered(scratch, "with", sent).await?;
    let with = tail(scratch, "with").await?;
    let applied: i64 =
        sqlx::query_scalar("SELECT count(*) FROM journal WHERE what = 7").fetch_one(&scratch.slow).await?;
    anyhow::ensure!(applied == size.people as i64, "{applied} of {} have heard", size.people);
    let inputs = counts.inputs.load(Ordering::Relaxed) - before;
    stop.cancel();
    running.await?;
    pools.close().await;
    Ok(Measured {
        with,
        without,
        note: format!(
            "run {}: {:.0} events a second beside {:.0} people a second who heard, {inputs} inputs in {:.1} s",
            run + 1,
            rate,
            size.people as f64 / took.as_secs_f64(),
            took.as_secs_f64()
        ),
    })
}

fn event(kind: &str, run: usize, n: usize) -> String {
    format!(
        r#"{{"type":"track","event":"Bench Live","userId":"live-{}","messageId":"{kind}-{run}-{n}","properties":{{"key":"{kind}-{run}-{n}"}}}}"#,
        n % 5_000
    )
}

/// Single events at a rate: so many, or as long as `more` says, but that many at least.
async fn paced(
    door: &Door,
    kind: &str,
    run: usize,
    rate: f64,
    more: impl Fn() -> bool,
    least: usize,
) -> anyhow::Result<usize> {
    // A second's worth at a time.
    let at_once = (rate as usize).clamp(10, least.max(10));
    let mut sent = 0;
    while sent < least || more() {
        let bodies = (sent..sent + at_once).map(|n| Bytes::from(event(kind, run, n))).collect();
        load::send(door.address, bodies, Some(rate)).await?;
        sent += at_once;
    }
    Ok(sent)
}

/// Until so many messages of a kind are in the inbox.
async fn delivered(scratch: &Scratch, kind: &str, many: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM inbox i JOIN messages m ON m.id = i.message_id
             JOIN ended_runs r ON r.person_id = m.person_id AND r.number = m.run
             WHERE r.key LIKE $1 || '-%'",
        )
        .bind(kind)
        .fetch_one(&scratch.slow)
        .await?;
        if there >= many as i64 {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "{there} of {many} events of {kind} were answered");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The 99th percentile from receipt to the inbox, microseconds.
async fn tail(scratch: &Scratch, kind: &str) -> anyhow::Result<f64> {
    Ok(sqlx::query_scalar(
        "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM i.delivered_at - e.received_at)::float8) * 1e6
         FROM inbox i
         JOIN messages m ON m.id = i.message_id
         JOIN ended_runs r ON r.person_id = m.person_id AND r.number = m.run
         JOIN events e ON e.person_id = m.person_id AND e.payload #>> '{properties,key}' = r.key
         WHERE r.key LIKE $1 || '-%'",
    )
    .bind(kind)
    .fetch_one(&scratch.slow)
    .await?)
}
