//! `bench fanout`: an item that many people care for costs less. Their news against the same rows by one SQL statement,
//! without other load; and what live events wait while all of it is told and applied, against what they wait without it.

mod live;
mod shop;

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use journeyman_domain::ShopClock as _;
use journeyman_engine::Teller;
use sqlx::Executor as _;
use sqlx::postgres::PgConnectOptions;

use super::scratch::Scratch;
use super::{Goal, Report};
use crate::SystemClock;

/// Ours : one statement.
const GOAL: f64 = 0.4;
/// Of live events: the 99th percentile with the news : without.
const TAIL_GOAL: f64 = 5.0;

/// How much work.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// People who care for the item.
    pub people: usize,
    /// Events by which the peak is found, and that are measured without the news.
    pub events: usize,
    /// How often both sides tell everybody.
    pub runs: usize,
    /// How often everybody hears while live events come.
    pub live_runs: usize,
}

impl Size {
    /// Ends within two minutes.
    pub const SMALL: Self = Self { people: 50_000, events: 4_000, runs: 5, live_runs: 1 };
    /// Many minutes.
    pub const FULL: Self = Self { people: 1_000_000, events: 20_000, runs: 5, live_runs: 5 };
}

/// Runs the bench on the server `options` lead to, in a database of its own that is dropped afterwards: the rows, and the
/// live events.
///
/// # Errors
/// When the server fails, or somebody is not told.
pub async fn run(options: &PgConnectOptions, size: Size) -> anyhow::Result<[Report; 2]> {
    let scratch = Scratch::new(options).await?;
    let measured = measure(&scratch, size).await;
    scratch.drop().await?;
    measured
}

async fn measure(scratch: &Scratch, size: Size) -> anyhow::Result<[Report; 2]> {
    let bar = ProgressBar::new((size.runs + size.live_runs + 1) as u64).with_message("steps");
    shop::open(scratch, size.people).await?;
    bar.inc(1);
    let durability = journeyman_store::durability(&scratch.pool).await?;
    let mut rows = Vec::new();
    for run in 0..size.runs {
        let mut sides = [true, false];
        sides.rotate_left(run % 2);
        let (mut ours, mut limit) = (0.0, 0.0);
        for side in sides {
            scratch.pool.execute("TRUNCATE bulk, intake").await?;
            scratch.checkpoint().await?;
            shop::price(scratch, run).await?;
            let took = if side { told(scratch).await? } else { stated(scratch).await? };
            shop::assert_told(scratch, size.people).await?;
            *if side { &mut ours } else { &mut limit } = size.people as f64 / took.as_secs_f64();
        }
        rows.push((ours, limit));
        bar.inc(1);
    }
    scratch.pool.execute("TRUNCATE bulk, intake").await?;
    let mut waits = Vec::new();
    let mut notes = Vec::new();
    for run in 0..size.live_runs {
        let measured = live::measure(scratch, size, run).await?;
        waits.push((measured.with, measured.without));
        notes.push(measured.note);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let server = format!(
        "PostgreSQL {}, fsync {}; {} people care for the item",
        durability.version,
        if durability.fsync { "on" } else { "OFF" },
        size.people
    );
    let told = vec![
        server.clone(),
        "ours: who cares is read, what they care for decided, their news written, 8 shards a transaction"
            .to_owned(),
        "limit: one INSERT … SELECT of the same rows of bulk and intake, in one transaction".to_owned(),
    ];
    let mut live = vec![
        server,
        "ours: from receipt to the inbox, single events, while everybody hears and their news is applied"
            .to_owned(),
        "limit: the same without the news".to_owned(),
    ];
    live.extend(notes);
    Ok([
        Report { bench: "fanout", unit: "people/s", runs: rows, goal: Goal::AtLeast(GOAL), notes: told },
        Report {
            bench: "fanout, live events",
            unit: "µs, 99th percentile",
            runs: waits,
            goal: Goal::AtMost(TAIL_GOAL),
            notes: live,
        },
    ])
}

/// Ours: until everybody's news is in the queues.
async fn told(scratch: &Scratch) -> anyhow::Result<Duration> {
    let pool = journeyman_store::connect(&scratch.options, journeyman_store::Limits::ENGINE);
    let mut teller = Teller::default();
    // The connection, and what is compiled, are there.
    drop(pool.acquire().await?);
    let began = Instant::now();
    loop {
        let step = teller.step(&pool, SystemClock.now()).await?;
        let step = step.ok_or_else(|| anyhow::anyhow!("there is nothing to tell"))?;
        if step.done {
            break;
        }
    }
    let took = began.elapsed();
    pool.close().await;
    Ok(took)
}

/// The limit: one statement.
async fn stated(scratch: &Scratch) -> anyhow::Result<Duration> {
    let now = SystemClock.now();
    let floor = journeyman_domain::EventId::floor(now).to_string();
    let item = serde_json::json!([shop::news()]).to_string();
    let began = Instant::now();
    sqlx::query(
        "WITH people AS (
             SELECT person_id, shard, viewed, row_number() OVER (PARTITION BY shard ORDER BY person_id) - 1 AS nth
             FROM interests WHERE product_id = $1
         ), rows AS (
             SELECT overlay(gen_random_uuid()::text PLACING $2 FROM 1 FOR 13)::uuid AS id, shard,
                    array_agg(person_id ORDER BY nth) AS people, array_agg(0::smallint) AS item,
                    array_agg(3::smallint) AS interest, array_agg(viewed ORDER BY nth) AS since
             FROM people GROUP BY shard, nth / 500
         ), told AS (
             INSERT INTO bulk (id, topic, occurred_at, received_at, items, people, item, interest, since)
             SELECT id, 1, $3, $3, $4::jsonb, people, item, interest, since FROM rows
         )
         INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
         SELECT shard, 1, 6, NULL, id, $3 FROM rows",
    )
    .bind(shop::PRODUCT)
    .bind(&floor[..13])
    .bind(jiff_sqlx::ToSqlx::to_sqlx(now.timestamp()))
    .bind(item)
    .execute(&scratch.slow)
    .await?;
    let took = began.elapsed();
    // Everybody was told, as far as ours is concerned.
    scratch.pool.execute("UPDATE catalog SET told = number").await?;
    Ok(took)
}
