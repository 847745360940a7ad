//! `bench triggers`: events through the door and applied by the engine under many journeys, against the door alone; and
//! under a thousand journeys against ten.

mod load;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use indicatif::ProgressBar;
use journeyman_domain::ShardSet;
use journeyman_engine::machine::DispatcherLimits;
use journeyman_engine::{Engine, Pools, deploy};
use journeyman_journey::Source;
use journeyman_store::{deployments, slices};
use sqlx::Connection as _;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::door::{BATCH, CONNECTIONS, Door, KEY, client};
use super::scratch::Scratch;
use super::{Goal, Report, nowhere};
use crate::SystemClock;

/// Journeys of the first question, and what is asked of it.
const JOURNEYS: usize = 100;
const GOAL: f64 = 0.35;
/// Journeys of the second question, ours and the limit's, and what is asked of it.
const MANY: usize = 1_000;
const FEW: usize = 10;
const GOAL_MANY: f64 = 0.8;
/// How long a side may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(600);

/// How much work.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Events of each side in each run.
    pub events: usize,
    /// How many people they are about.
    pub people: usize,
    /// How often all sides run.
    pub runs: usize,
}

impl Size {
    /// Ends within a minute.
    pub const SMALL: Self = Self { events: 4_000, people: 1_000, runs: 5 };
    /// A few minutes.
    pub const FULL: Self = Self { events: 100_000, people: 20_000, runs: 5 };
}

/// Runs the bench on the server `options` lead to, in a database of its own that is dropped afterwards: the two
/// questions, in their order.
///
/// # Errors
/// When the server fails, or an event is lost.
pub async fn run(options: &PgConnectOptions, size: Size) -> anyhow::Result<[Report; 2]> {
    let scratch = Scratch::new(options).await?;
    let measured = measure(&scratch, size).await;
    scratch.drop().await?;
    measured
}

async fn measure(scratch: &Scratch, size: Size) -> anyhow::Result<[Report; 2]> {
    let durability = journeyman_store::durability(&scratch.pool).await?;
    let bar = ProgressBar::new(4 * size.runs as u64).with_message("sides");
    let (mut alone, mut many) = (Vec::new(), Vec::new());
    for run in 0..size.runs {
        // They take turns in who goes first.
        let mut sides = [None, Some(JOURNEYS), Some(MANY), Some(FEW)];
        sides.rotate_left(run % 4);
        let mut rates = [0.0; 4];
        for side in sides {
            let rate = side_rate(scratch, size, run, side).await?;
            let nth = [None, Some(JOURNEYS), Some(MANY), Some(FEW)].iter().position(|other| *other == side);
            rates[nth.unwrap_or(0)] = rate;
            bar.inc(1);
        }
        alone.push((rates[1], rates[0]));
        many.push((rates[2], rates[3]));
    }
    bar.finish_and_clear();
    let server = format!(
        "PostgreSQL {}, fsync {}; {} events over {} names about {} people a run, one in {} enters",
        durability.version,
        if durability.fsync { "on" } else { "OFF" },
        size.events,
        load::NAMES,
        size.people,
        load::ENTERS
    );
    Ok([
        Report {
            bench: "triggers",
            unit: "events/s",
            runs: alone,
            goal: Goal::AtLeast(GOAL),
            notes: vec![
                server.clone(),
                format!(
                    "ours: door and engine, {JOURNEYS} journeys, until all is applied; limit: the door alone"
                ),
            ],
        },
        Report {
            bench: "triggers, many journeys",
            unit: "events/s",
            runs: many,
            goal: Goal::AtLeast(GOAL_MANY),
            notes: vec![server, format!("ours: {MANY} journeys; limit: the same with {FEW}")],
        },
    ])
}

/// Events a second; under so many journeys until all is applied, under none until the door has all.
async fn side_rate(
    scratch: &Scratch,
    size: Size,
    run: usize,
    journeys: Option<usize>,
) -> anyhow::Result<f64> {
    scratch.clear().await?;
    let messages = load::messages(run, size.events, size.people, journeys.unwrap_or(JOURNEYS));
    let bodies =
        messages.chunks(BATCH).map(|chunk| Bytes::from(format!(r#"{{"batch":[{}]}}"#, chunk.join(","))));
    let bodies: Arc<Vec<Bytes>> = Arc::new(bodies.collect());
    let Some(journeys) = journeys else {
        let door = Door::open(&scratch.options, Arc::new(|_| {})).await?;
        let began = Instant::now();
        client::send(door.address, "/v1/batch", KEY, CONNECTIONS, bodies).await?;
        return Ok(size.events as f64 / began.elapsed().as_secs_f64());
    };
    put_live(scratch, &load::journeys(journeys)).await?;
    let pools = Pools::open(&scratch.options);
    let stop = CancellationToken::new();
    let limits = DispatcherLimits::default();
    let engine = Engine::new(pools.clone(), Arc::new(SystemClock), nowhere()?, limits, stop.clone());
    let (counts, bell) = (engine.counts(), engine.clone());
    let running = tokio::spawn(engine.run(Uuid::new_v4));
    scratch.settled().await?;
    let door = Door::open(&scratch.options, Arc::new(move |shards: ShardSet| bell.ring(shards))).await?;
    let began = Instant::now();
    client::send(door.address, "/v1/batch", KEY, CONNECTIONS, bodies).await?;
    while counts.inputs.load(Ordering::Relaxed) < size.events as u64 {
        anyhow::ensure!(began.elapsed() < PATIENCE, "events are lost, or the engine stands still");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = began.elapsed();
    stop.cancel();
    running.await?;
    pools.close().await;
    let runs: i64 = sqlx::query_scalar("SELECT count(*) FROM runs").fetch_one(&scratch.slow).await?;
    let entered = (size.events / load::ENTERS) as i64;
    anyhow::ensure!(runs == entered, "{runs} runs began, not {entered}");
    Ok(size.events as f64 / took.as_secs_f64())
}

async fn put_live(scratch: &Scratch, sources: &[Source]) -> anyhow::Result<()> {
    let checked = journeyman_journey::check(sources, None, false);
    let stored = deploy::sources(&checked, sources);
    anyhow::ensure!(
        stored.len() == sources.len() && checked.deployment.is_some(),
        "the bench's journeys are wrong"
    );
    let mut connection = scratch.slow.acquire().await?;
    let mut tx = connection.begin().await?;
    slices::lock_all(&mut tx).await?;
    deployments::insert(&mut tx, &crate::bench::label(), &stored, &[]).await?;
    tx.commit().await?;
    Ok(())
}
