//! `bench ingest`: HTTP batches of 100 on 8 connections to durable, with intake row, against a bare client's UNNEST of
//! the same rows into the same tables in the same run.

mod bare;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use hyper::body::Bytes;
use indicatif::ProgressBar;
use sqlx::postgres::PgConnectOptions;

use super::door::{BATCH, CONNECTIONS, Door, KEY, client};
use super::scratch::Scratch;
use super::{Goal, Report, rounded};

/// The ratio to reach.
const GOAL: f64 = 0.5;
/// Connections of the load of single messages.
const SINGLES: usize = 32;

/// How much work.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Events of each side in each run.
    pub events: usize,
    /// How many people they are about.
    pub people: usize,
    /// How often both sides run.
    pub runs: usize,
    /// Requests of one message.
    pub singles: usize,
}

impl Size {
    /// Ends within 30 s.
    pub const SMALL: Self = Self { events: 30_000, people: 3_000, runs: 5, singles: 4_000 };
    /// A few minutes.
    pub const FULL: Self = Self { events: 200_000, people: 20_000, runs: 7, singles: 40_000 };
}

/// Runs the bench on the server `options` lead to, in a database of its own that is dropped afterwards.
///
/// # Errors
/// When the server fails, or an answer is not 200.
pub async fn run(options: &PgConnectOptions, size: Size) -> anyhow::Result<Report> {
    let scratch = Scratch::new(options).await?;
    let measured = measure(&scratch, size).await;
    scratch.drop().await?;
    measured
}

async fn measure(scratch: &Scratch, size: Size) -> anyhow::Result<Report> {
    let door = Door::open(&scratch.options, Arc::new(|_| {})).await?;
    let durability = journeyman_store::durability(&scratch.pool).await?;
    let bar = ProgressBar::new(size.runs as u64 + 1).with_message("runs");
    let (mut runs, mut groups) = (Vec::new(), Vec::new());
    for run in 0..size.runs {
        let messages = messages(run, size.events, size.people);
        // Whoever goes second finds warmer caches and a fuller log: they take turns.
        let (ours, limit) = if run % 2 == 0 {
            let ours = ours(scratch, &door, &messages, &mut groups).await?;
            (ours, bare::run(scratch, &messages).await?)
        } else {
            let limit = bare::run(scratch, &messages).await?;
            (ours(scratch, &door, &messages, &mut groups).await?, limit)
        };
        runs.push((ours, limit));
        bar.inc(1);
    }
    let singles = singles(scratch, &door, size).await?;
    bar.finish_and_clear();
    let bytes: usize = messages(0, 100, size.people).iter().map(String::len).sum::<usize>() / 100;
    groups.sort_unstable();
    Ok(Report {
        bench: "ingest",
        unit: "events/s",
        runs,
        goal: Goal::AtLeast(GOAL),
        notes: vec![
            format!(
                "PostgreSQL {}, fsync {}; {} events of {bytes} bytes about {} people a run",
                durability.version,
                if durability.fsync { "on" } else { "OFF" },
                size.events,
                size.people
            ),
            format!(
                "ours: {CONNECTIONS} HTTP connections, batches of {BATCH}, {} events a commit (median)",
                groups.get(groups.len() / 2).copied().unwrap_or(0)
            ),
            format!(
                "limit: {} connections, {} rows a commit, rows made beforehand",
                bare::CONNECTIONS,
                bare::ROWS
            ),
            singles,
        ],
    })
}

/// Events per second through the door, from the first request to the last answer.
async fn ours(
    scratch: &Scratch,
    door: &Door,
    messages: &[String],
    groups: &mut Vec<u64>,
) -> anyhow::Result<f64> {
    scratch.clear().await?;
    let bodies =
        messages.chunks(BATCH).map(|chunk| Bytes::from(format!(r#"{{"batch":[{}]}}"#, chunk.join(","))));
    let bodies: Arc<Vec<Bytes>> = Arc::new(bodies.collect());
    let before = door.ingest.counts();
    let began = Instant::now();
    client::send(door.address, "/v1/batch", KEY, CONNECTIONS, bodies).await?;
    let took = began.elapsed();
    let after = door.ingest.counts();
    groups.push((after.events - before.events) / (after.groups - before.groups).max(1));
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events JOIN intake ON ref = id")
        .fetch_one(&scratch.pool)
        .await?;
    anyhow::ensure!(stored == messages.len() as i64, "{stored} of {} events are stored", messages.len());
    Ok(messages.len() as f64 / took.as_secs_f64())
}

/// Single messages on many connections: what one waits for, and how many share a commit.
async fn singles(scratch: &Scratch, door: &Door, size: Size) -> anyhow::Result<String> {
    scratch.clear().await?;
    let messages = messages(usize::MAX, size.singles, size.people);
    let bodies: Arc<Vec<Bytes>> = Arc::new(messages.into_iter().map(Bytes::from).collect());
    let before = door.ingest.counts();
    let began = Instant::now();
    let waits = client::send(door.address, "/v1/track", KEY, SINGLES, bodies).await?;
    let took = began.elapsed();
    let after = door.ingest.counts();
    let mut histogram = Histogram::<u64>::new(3)?;
    for wait in waits {
        histogram.record(wait.as_micros() as u64)?;
    }
    let ms = |quantile: f64| {
        rounded(Duration::from_micros(histogram.value_at_quantile(quantile)).as_secs_f64() * 1e3)
    };
    let group = (after.events - before.events) as f64 / (after.groups - before.groups).max(1) as f64;
    Ok(format!(
        "single messages on {SINGLES} connections: {:.0}/s, p50 {} ms, p99 {} ms, {group:.1} events a commit",
        size.singles as f64 / took.as_secs_f64(),
        ms(0.5),
        ms(0.99)
    ))
}

/// Messages as a shop's client sends them. Of a run of its own, so that none was seen before.
fn messages(run: usize, count: usize, people: usize) -> Vec<String> {
    let message = |n: usize| {
        // A fixed scatter over people and products.
        let (person, product) = (n.wrapping_mul(2_654_435_761) % people, n.wrapping_mul(40_503) % 5_000);
        format!(
            r#"{{"type":"track","event":"Product Viewed","userId":"user-{person:07}","messageId":"bench-{run:x}-{n:08}","timestamp":"2026-11-23T09:30:00.000Z","properties":{{"product_id":"sku-{product:05}","category":"Garden","name":"Lantern no. {product}","price":{}.90,"currency":"EUR","url":"https://shop.example/p/{product}"}},"context":{{"library":{{"name":"@segment/analytics-node","version":"3.1.0"}},"locale":"de-DE","timezone":"Europe/Berlin"}}}}"#,
            product % 90 + 5
        )
    };
    (0..count).map(message).collect()
}
