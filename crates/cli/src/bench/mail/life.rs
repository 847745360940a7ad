//! `bench life`: whole lives of messages, from the event by HTTP over the journey and the mail at the server to the click by
//! HTTP that is applied; against the same rows written by set-based SQL in the same tables.

mod bare;
mod clicks;

use std::time::Instant;

use indicatif::ProgressBar;
use journeyman_domain::link::KeyRing;
use journeyman_engine::machine::DispatcherLimits;
use journeyman_engine::outlet::Outlet;
use sqlx::postgres::PgConnectOptions;

use super::cpu::{Meter, Spent};
use super::house::{House, reached};
use super::sink::Sink;
use super::{Settings, relay, server, shop};
use crate::bench::scratch::Scratch;
use crate::bench::{Goal, Report};

const GOAL: f64 = 0.2;
/// Lives before the clock runs: then connections stand, and the words are compiled.
const WARM: usize = 200;
/// What each life brings the person's queue: the event, what became of its mail, the click.
const INPUTS: usize = 3;

/// How much work.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Lives of each side in each run.
    pub lives: usize,
    /// How often both sides run.
    pub runs: usize,
}

impl Size {
    /// Ends within a minute.
    pub const SMALL: Self = Self { lives: 2_000, runs: 5 };
    /// Some minutes.
    pub const FULL: Self = Self { lives: 10_000, runs: 7 };
}

/// Runs the bench on the server `options` lead to, in a database of its own that is dropped afterwards.
///
/// # Errors
/// When the server or the sink fails, or a life is lost.
pub async fn run(options: &PgConnectOptions, size: Size, settings: &Settings) -> anyhow::Result<Report> {
    let scratch = Scratch::new(options).await?;
    let measured = measure(&scratch, size, settings).await;
    scratch.drop().await?;
    measured
}

async fn measure(scratch: &Scratch, size: Size, settings: &Settings) -> anyhow::Result<Report> {
    shop::put_live(scratch).await?;
    let durability = journeyman_store::durability(&scratch.pool).await?;
    let sink = Sink::start(settings.smtp_sink.as_deref()).await?;
    let outlet = relay::outlet(sink.address(), settings.connections, settings.dkim)?;
    let meter = Meter::new(&scratch.pool, sink.pid()).await?;
    let bar = ProgressBar::new(2 * size.runs as u64).with_message("sides");
    let (mut runs, mut costs, mut aside) = (Vec::new(), [Spent::default(); 2], 0);
    for run in 0..size.runs {
        // The limit's rows are those that ours has written, so that the first time ours goes first; then they take turns.
        let mut rates = [0.0; 2];
        for nth in if run % 2 == 0 { [0, 1] } else { [1, 0] } {
            let before = meter.read();
            rates[nth] = if nth == 0 {
                let (rate, missed) = ours(scratch, &outlet, run, size.lives).await?;
                if run == 0 {
                    bare::keep(scratch, size.lives).await?;
                }
                aside += missed;
                rate
            } else {
                bare::run(scratch, size.lives).await?
            };
            costs[nth] = costs[nth].plus((meter.read() - before).per((size.lives * size.runs) as u64));
            bar.inc(1);
        }
        runs.push((rates[0], rates[1]));
    }
    bar.finish_and_clear();
    Ok(Report {
        bench: "life",
        unit: "lives/s",
        runs,
        goal: Goal::AtLeast(GOAL),
        notes: vec![
            format!(
                "{}; {}; {} connections; {} lives a run, DKIM {}",
                server(&durability),
                sink.name(),
                settings.connections,
                size.lives,
                settings.dkim.name()
            ),
            "ours: events in batches by HTTP, the journey, the mail at the server, a click for each by HTTP, applied"
                .to_owned(),
            format!(
                "limit: the same rows, set-based, {} lives in {} commits, on {} connections",
                bare::LIVES,
                bare::COMMITS,
                bare::CONNECTIONS
            ),
            format!("processor time of a life, ours, making the people included: {}", costs[0].each()),
            format!("clicks that went by the disk: {aside}"),
        ],
    })
}

/// Lives a second, and how many clicks went by the disk.
async fn ours(scratch: &Scratch, outlet: &Outlet, run: usize, lives: usize) -> anyhow::Result<(f64, u64)> {
    scratch.clear().await?;
    let house = House::open(scratch, outlet.clone(), DispatcherLimits::default()).await?;
    let named = format!("life-{run:x}");
    let people: Vec<String> = (0..lives + WARM).map(|person| shop::identify(&named, person)).collect();
    house.take(&people).await?;
    reached(|| house.inputs(), people.len() as u64, "getting to know people").await?;
    let carts: Vec<String> = (0..lives + WARM).map(|person| shop::cart(&named, person)).collect();
    let (carts, warm) = carts.split_at(lives);
    live(scratch, &house, &outlet.keys, warm).await?;
    scratch.checkpoint().await?;
    let began = Instant::now();
    live(scratch, &house, &outlet.keys, carts).await?;
    let took = began.elapsed();
    let aside = house.aside();
    house.close().await?;
    let accepted: i64 = sqlx::query_scalar("SELECT count(*) FROM messages WHERE state = 10 AND attempts = 1")
        .fetch_one(&scratch.slow)
        .await?;
    anyhow::ensure!(accepted == (lives + WARM) as i64, "{accepted} messages were accepted at once");
    Ok((lives as f64 / took.as_secs_f64(), aside))
}

/// Lives from event to click, until all is applied.
async fn live(scratch: &Scratch, house: &House, keys: &KeyRing, carts: &[String]) -> anyhow::Result<()> {
    let (inputs, messages) = (house.inputs(), house.messages());
    let began = house.take(carts);
    let clicked = clicks::all(scratch, house.address, keys, messages as usize, carts.len());
    tokio::try_join!(began, clicked)?;
    reached(|| house.inputs(), inputs + (INPUTS * carts.len()) as u64, "lives").await
}
