//! `bench steps`: timers that come due, each moving a run to its next step, against one set-based SQL statement that
//! claims, updates and inserts the same rows with the same bytes in the same tables, one shard a call.

mod bare;
mod shop;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use journeyman_domain::{ShardSet, ShopClock, ShopTime};
use journeyman_engine::machine::DispatcherLimits;
use journeyman_engine::{Engine, Pools};
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::scratch::Scratch;
use super::{Goal, Report, nowhere};

const GOAL: f64 = 0.6;
/// How long a side may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(600);

/// How much work.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Steps of each side in each run.
    pub steps: usize,
    /// How many people wait beside those whose moment has come.
    pub waiting: usize,
    /// How often both sides run.
    pub runs: usize,
}

impl Size {
    /// Ends within 30 s.
    pub const SMALL: Self = Self { steps: 10_000, waiting: 0, runs: 5 };
    /// A few minutes.
    pub const FULL: Self = Self { steps: 100_000, waiting: 0, runs: 7 };
}

impl Size {
    /// Every how-manieth person's moment has come.
    fn every(self) -> i64 {
        ((self.steps + self.waiting) / self.steps.max(1)).max(1) as i64
    }
}

/// Runs the bench on the server `options` lead to, in a database of its own that is dropped afterwards.
///
/// # Errors
/// When the server fails, or a step is lost.
pub async fn run(options: &PgConnectOptions, size: Size) -> anyhow::Result<Report> {
    let scratch = Scratch::new(options).await?;
    let measured = measure(&scratch, size).await;
    scratch.drop().await?;
    measured
}

/// Shop time as the bench sets it.
struct BenchClock(AtomicI64);

impl ShopClock for BenchClock {
    fn now(&self) -> ShopTime {
        ShopTime::from_microsecond(self.0.load(Ordering::Acquire)).unwrap_or_default()
    }
}

/// What one side did: steps a second, and bytes of WAL a step.
struct Side {
    rate: f64,
    wal: f64,
}

async fn measure(scratch: &Scratch, size: Size) -> anyhow::Result<Report> {
    let mut shop = shop::Shop::open(scratch, size).await?;
    let durability = journeyman_store::durability(&scratch.pool).await?;
    let clock = Arc::new(BenchClock(AtomicI64::new(shop.before().as_microsecond())));
    let pools = Pools::open(&scratch.options);
    let stop = CancellationToken::new();
    let engine =
        Engine::new(pools.clone(), clock.clone(), nowhere()?, DispatcherLimits::default(), stop.clone());
    let (counts, bell) = (engine.counts(), engine.clone());
    let running = tokio::spawn(engine.run(Uuid::new_v4));
    // Both workers have to have their half before the clock runs.
    scratch.settled().await?;
    let bar = ProgressBar::new(size.runs as u64).with_message("runs");
    let (mut runs, mut wal) = (Vec::new(), Vec::new());
    for run in 0..size.runs {
        // Whoever goes second finds warmer caches and a fuller log: they take turns.
        let mut sides = Vec::new();
        for ours in [run % 2 == 0, run % 2 != 0] {
            scratch.checkpoint().await?;
            let before = scratch.wal().await?;
            let took = if ours {
                let done = counts.wakes.load(Ordering::Relaxed);
                let began = Instant::now();
                clock.0.store(shop.now().as_microsecond(), Ordering::Release);
                // How soon a worker that rests looks again is no part of how fast it works.
                bell.ring(ShardSet::ALL);
                while (counts.wakes.load(Ordering::Relaxed) - done) < size.steps as u64 {
                    anyhow::ensure!(began.elapsed() < PATIENCE, "steps are lost, or the engine stands still");
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                began.elapsed()
            } else {
                bare::run(scratch, &shop, size.steps).await?
            };
            let wal = (scratch.wal().await? - before) as f64 / size.steps as f64;
            sides.push((ours, Side { rate: size.steps as f64 / took.as_secs_f64(), wal }));
            shop.next()?;
        }
        sides.sort_by_key(|(ours, _)| !ours);
        runs.push((sides[0].1.rate, sides[1].1.rate));
        wal.push((sides[0].1.wal, sides[1].1.wal));
        bar.inc(1);
    }
    bar.finish_and_clear();
    stop.cancel();
    running.await?;
    pools.close().await;
    shop.check(scratch, size).await?;
    let mean = |of: fn(&(f64, f64)) -> f64| wal.iter().map(of).sum::<f64>() / wal.len().max(1) as f64;
    Ok(Report {
        bench: "steps",
        unit: "steps/s",
        runs,
        goal: Goal::AtLeast(GOAL),
        notes: vec![
            format!(
                "PostgreSQL {}, fsync {}; {} steps a run, {} more people waiting",
                durability.version,
                if durability.fsync { "on" } else { "OFF" },
                size.steps,
                size.waiting
            ),
            "ours: the daemon's engine, two workers; every step reads and writes person, run, timer, journal"
                .to_owned(),
            format!("limit: one statement, {} connections, {} steps a call", bare::CONNECTIONS, bare::STEPS),
            format!("WAL a step: ours {:.0} bytes, limit {:.0} bytes", mean(|wal| wal.0), mean(|wal| wal.1)),
        ],
    })
}
