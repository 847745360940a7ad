//! `bench latency`: how long after an event was answered 200 the server has the final dot of its mail, at half of the peak
//! rate; against one commit of an event's row and one SMTP transaction, alone on the same idle machine.

pub(in crate::bench) mod load;

use std::time::{Duration, Instant};

use hyper::body::Bytes;
use indicatif::ProgressBar;
use journeyman_domain::{EventId, SeenKey, ShopClock as _};
use journeyman_engine::machine::DispatcherLimits;
use journeyman_store::outbox::State;
use journeyman_store::{Limits, connect};
use sqlx::postgres::PgConnectOptions;

use super::house::{House, reached};
use super::send::bare::{self, Mail};
use super::send::mails;
use super::sink::Own;
use super::{Settings, relay, server, shop};
use crate::SystemClock;
use crate::bench::scratch::Scratch;
use crate::bench::{Goal, Report, median};

/// Ours : alone, the medians.
const MEDIAN_GOAL: f64 = 5.0;
/// Ours : alone, ours the 99th percentile, alone still the median.
const TAIL_GOAL: f64 = 20.0;

/// How much work.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Events by which the peak is found.
    pub peak: usize,
    /// Events of a run at half of it.
    pub events: usize,
    /// Commits and transactions alone, before each run and after it.
    pub alone: usize,
    /// How often.
    pub runs: usize,
    /// Events a second; `None` is half of the peak that is found first.
    pub rate: Option<u32>,
}

impl Size {
    /// Ends within half a minute.
    pub const SMALL: Self = Self { peak: 1_000, events: 1_000, alone: 100, runs: 5, rate: None };
    /// Some minutes.
    pub const FULL: Self = Self { peak: 6_000, events: 6_000, alone: 300, runs: 7, rate: None };

    fn people(self) -> usize {
        self.peak + self.runs * self.events
    }
}

/// Runs the bench on the server `options` lead to, in a database of its own that is dropped afterwards: the median and the
/// tail.
///
/// # Errors
/// When the server fails, or a mail does not arrive.
pub async fn run(options: &PgConnectOptions, size: Size, settings: &Settings) -> anyhow::Result<[Report; 2]> {
    let scratch = Scratch::new(options).await?;
    let measured = measure(&scratch, size, settings).await;
    scratch.drop().await?;
    measured
}

async fn measure(scratch: &Scratch, size: Size, settings: &Settings) -> anyhow::Result<[Report; 2]> {
    let wordings = shop::put_live(scratch).await?;
    let durability = journeyman_store::durability(&scratch.pool).await?;
    let sink = Own::start()?;
    let outlet = relay::outlet(sink.address(), settings.connections, settings.dkim)?;
    let house = House::open(scratch, outlet.clone(), DispatcherLimits::default()).await?;
    let people: Vec<String> = (0..size.people()).map(|person| shop::identify("latency", person)).collect();
    house.take(&people).await?;
    reached(|| house.inputs(), people.len() as u64, "getting to know people").await?;

    let bar = ProgressBar::new(size.runs as u64 + 1).with_message("runs");
    let peak = peak(&house, &sink, size).await?;
    bar.inc(1);
    let mail = mails(scratch, &outlet, &wordings, State::Accepted, 1).await?.remove(0);
    let (mut medians, mut tails, mut worst) = (Vec::new(), Vec::new(), Vec::new());
    let (mut unit_tails, mut rates, mut stages) = (Vec::new(), Vec::new(), Vec::new());
    let rate = size.rate.map_or(peak / 2.0, f64::from);
    for run in 0..size.runs {
        scratch.checkpoint().await?;
        let mut unit = alone(scratch, &sink, &mail, 2 * run, size.alone).await?;
        let (mut waits, rate) = paced(&house, &sink, size, run, rate).await?;
        stages.push(stages_of(scratch, size.events).await?);
        unit.extend(alone(scratch, &sink, &mail, 2 * run + 1, size.alone).await?);
        waits.sort_unstable();
        unit.sort_unstable();
        let unit_median = quantile(&unit, 0.5);
        medians.push((quantile(&waits, 0.5), unit_median));
        tails.push((quantile(&waits, 0.99), unit_median));
        worst.push(quantile(&waits, 1.0));
        unit_tails.push(quantile(&unit, 0.99));
        rates.push(rate);
        bar.inc(1);
    }
    bar.finish_and_clear();
    house.close().await?;
    let same: f64 = median(tails.iter().zip(&unit_tails).map(|((ours, _), unit)| ours / unit));
    let notes = vec![
        format!(
            "{}; {} connections, DKIM {}; {} events a run at {:.0} a second, of a peak of {peak:.0}",
            server(&durability),
            settings.connections,
            settings.dkim.name(),
            size.events,
            median(rates.into_iter())
        ),
        "ours: from the answer 200 to the final dot at the server; single events, each a run and a mail"
            .to_owned(),
        format!(
            "limit: one event's row committed and one SMTP transaction, {} alone before and after each run",
            size.alone
        ),
        format!(
            "99th percentile of the limit {:.0} µs; of ours : that of the limit {same:.2}; the longest of ours {:.0} µs",
            median(unit_tails.into_iter()),
            worst.iter().copied().fold(0.0, f64::max)
        ),
    ];
    let stage = |nth: usize| median(stages.iter().map(|stages| stages[nth]));
    let notes = [
        notes,
        vec![format!(
            "on the way, medians: {:.0} µs to its batch, {:.0} to its start, {:.0} until it is booked as accepted",
            stage(0),
            stage(1),
            stage(2)
        )],
    ]
    .concat();
    let report = |bench, runs, goal, notes| Report { bench, unit: "µs", runs, goal, notes };
    Ok([
        report("latency, median", medians, Goal::AtMost(MEDIAN_GOAL), notes),
        report("latency, 99th percentile : the limit's median", tails, Goal::AtMost(TAIL_GOAL), Vec::new()),
    ])
}

/// Events a second of this very loop, as fast as they are answered, until the server has the last mail.
async fn peak(house: &House, sink: &Own, size: Size) -> anyhow::Result<f64> {
    sink.take();
    let began = Instant::now();
    load::send(house.address, bodies("peak", 0, size.peak), None).await?;
    reached(|| sink.count() as u64, size.peak as u64, "mails of the peak").await?;
    let last = sink.take().into_values().max().unwrap_or(began);
    settle(house, size.people() + 2 * size.peak).await?;
    Ok(size.peak as f64 / (last - began).as_secs_f64())
}

/// How long after its answer each event's mail was at the server; and the rate at which events went in.
async fn paced(
    house: &House,
    sink: &Own,
    size: Size,
    run: usize,
    rate: f64,
) -> anyhow::Result<(Vec<Duration>, f64)> {
    let first = size.peak + run * size.events;
    sink.take();
    let began = Instant::now();
    let answered = load::send(house.address, bodies("paced", first, size.events), Some(rate)).await?;
    let took = answered.iter().max().map_or(began.elapsed(), |last| *last - began);
    reached(|| sink.count() as u64, size.events as u64, "mails").await?;
    let mut waits = Vec::with_capacity(size.events);
    for (address, arrived) in sink.take() {
        let nth = shop::person_of(&address).and_then(|person| person.checked_sub(first));
        let answered = nth.and_then(|nth| answered.get(nth));
        let answered = answered.ok_or_else(|| anyhow::anyhow!("a mail arrived that nobody asked for"))?;
        // A mail may be there before the client has read its answer.
        waits.push(arrived.saturating_duration_since(*answered));
    }
    settle(house, size.people() + 2 * (first + size.events)).await?;
    Ok((waits, size.events as f64 / took.as_secs_f64()))
}

/// Where the time of the latest so many messages went, medians in microseconds: from the event's receipt to the batch that
/// applied it, from there to the moment its message began to leave, from there to the moment it was known to be taken.
async fn stages_of(scratch: &Scratch, messages: usize) -> anyhow::Result<[f64; 3]> {
    let (batch, start, finish) = sqlx::query_as(
        "WITH latest AS (
             SELECT extract(epoch FROM came.received_at)::float8 * 1e6 AS received,
                    extract(epoch FROM m.queued_at)::float8 * 1e6 AS queued,
                    (m.context::jsonb ->> 'at')::float8 AS started,
                    extract(epoch FROM m.finished_at)::float8 * 1e6 AS finished
             FROM messages m JOIN events came USING (person_id)
             WHERE came.name = 'Cart Viewed' ORDER BY m.finished_at DESC LIMIT $1
         )
         SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY queued - received),
                percentile_cont(0.5) WITHIN GROUP (ORDER BY started - queued),
                percentile_cont(0.5) WITHIN GROUP (ORDER BY finished - started)
         FROM latest",
    )
    .bind(messages as i64)
    .fetch_one(&scratch.slow)
    .await?;
    Ok([batch, start, finish])
}

/// Waits until what became of the mails is applied too, and the house idle.
async fn settle(house: &House, inputs: usize) -> anyhow::Result<()> {
    reached(|| house.inputs(), inputs as u64, "reports").await
}

fn bodies(named: &str, first: usize, count: usize) -> Vec<Bytes> {
    (first..first + count).map(|person| Bytes::from(shop::cart(named, person))).collect()
}

/// How long one event's row and one mail take, one after the other, while nothing else is done.
async fn alone(
    scratch: &Scratch,
    sink: &Own,
    mail: &Mail,
    round: usize,
    count: usize,
) -> anyhow::Result<Vec<Duration>> {
    let pool = connect(&scratch.options, Limits { connections: 1, ..Limits::INGEST });
    let mut database = pool.acquire().await?;
    let mut smtp = bare::connection(sink.address()).await?;
    let mut took = Vec::with_capacity(count);
    for nth in 0..=count {
        let payload = shop::cart("alone", nth);
        let now = SystemClock.now();
        let id = EventId::new(now, SeenKey::new("bench", &format!("alone {round} {nth}"))).0;
        let began = Instant::now();
        sqlx::query(
            "INSERT INTO events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload)
             VALUES ($1, 1, $2, $2, 1, false, 'bench', 'Cart Viewed', $3::text::jsonb)",
        )
        .bind(id)
        .bind(jiff_sqlx::Timestamp::from(now.timestamp()))
        .bind(&payload)
        .execute(&mut *database)
        .await?;
        bare::hand_over(&mut smtp, mail).await?;
        // The first prepares its statement.
        if nth > 0 {
            took.push(began.elapsed());
        }
    }
    drop(database);
    pool.close().await;
    Ok(took)
}

/// Of sorted waits, in microseconds.
fn quantile(sorted: &[Duration], quantile: f64) -> f64 {
    let nth = ((sorted.len() as f64 * quantile).ceil() as usize).saturating_sub(1);
    sorted.get(nth.min(sorted.len().saturating_sub(1))).map_or(0.0, |wait| wait.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_seen() {
        let waits: Vec<Duration> = (1..=100).map(Duration::from_micros).collect();
        for (of, is) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)] {
            assert!((quantile(&waits, of) - is).abs() < 1e-6, "{of}");
        }
        assert!(quantile(&[], 0.5).abs() < 1e-6);
    }
}
