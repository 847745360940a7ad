//! `bench send`: messages that wait in the outbox, claimed, rendered, signed, committed as started, sent and finished by the
//! daemon's engine, against a bare loop over lettre with the very bytes of the same mails.

pub(super) mod bare;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context as _;
use indicatif::ProgressBar;
use journeyman_domain::ShopClock as _;
use journeyman_domain::template::{Context, Data};
use journeyman_engine::machine::{Claimed, DispatcherLimits};
use journeyman_engine::outlet::{Outlet, Prepared, Wordings, prepare};
use journeyman_engine::{Engine, Pools};
use journeyman_store::messages;
use journeyman_store::outbox::State;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::bare::{Bare, Loop, Mail};
use super::cpu::{Meter, Spent};
use super::house::{House, closed, reached};
use super::sink::Sink;
use super::{Settings, relay, server, shop};
use crate::SystemClock;
use crate::bench::scratch::Scratch;
use crate::bench::{Goal, Report, nowhere};

const GOAL: f64 = 0.8;
/// This part of the messages goes before the clock runs: then both sides have their connections, and the words are
/// compiled.
const WARM: u64 = 10;

/// How much work.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Messages of each side in each run.
    pub messages: usize,
    /// How often both sides run.
    pub runs: usize,
}

impl Size {
    /// Ends within a minute.
    pub const SMALL: Self = Self { messages: 2_000, runs: 5 };
    /// A few minutes.
    pub const FULL: Self = Self { messages: 10_000, runs: 7 };
}

/// Runs the bench on the server `options` lead to, in a database of its own that is dropped afterwards: against lettre's
/// pool, and against connections of lettre's that are kept.
///
/// # Errors
/// When the server or the sink fails, or a message is not sent.
pub async fn run(options: &PgConnectOptions, size: Size, settings: &Settings) -> anyhow::Result<[Report; 2]> {
    let scratch = Scratch::new(options).await?;
    let measured = measure(&scratch, size, settings).await;
    scratch.drop().await?;
    measured
}

/// Which side of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Ours,
    Bare(Loop),
}

/// What a side did: messages a second, and what each cost.
type Done = (f64, Spent, u64);

async fn measure(scratch: &Scratch, size: Size, settings: &Settings) -> anyhow::Result<[Report; 2]> {
    let wordings = shop::put_live(scratch).await?;
    let durability = journeyman_store::durability(&scratch.pool).await?;
    let sink = Sink::start(settings.smtp_sink.as_deref()).await?;
    let outlet = relay::outlet(sink.address(), settings.connections, settings.dkim)?;
    let meter = Meter::new(&scratch.pool, sink.pid()).await?;
    let sides = [Side::Ours, Side::Bare(Loop::Pool), Side::Bare(Loop::Kept)];
    let bar = ProgressBar::new((sides.len() * size.runs) as u64).with_message("sides");
    let (mut runs, mut kept, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut costs = [Spent::default(); 3];
    for run in 0..size.runs {
        fill(scratch, run, size.messages).await?;
        let mails = Arc::new(mails(scratch, &outlet, &wordings, State::Queued, size.messages).await?);
        bytes = mails.iter().map(Mail::bytes).sum::<usize>() / size.messages.max(1);
        // Whoever goes second finds warmer caches and a fuller log: they take turns.
        let mut order = [0, 1, 2];
        order.rotate_left(run % 3);
        let mut rates = [0.0; 3];
        for nth in order {
            scratch.checkpoint().await?;
            let (rate, spent, messages) = match sides[nth] {
                Side::Ours => ours(scratch, &outlet, size.messages, &meter).await?,
                Side::Bare(which) => bare(which, &sink, settings.connections, &mails, &meter).await?,
            };
            rates[nth] = rate;
            costs[nth] = costs[nth].plus(spent.per(messages * size.runs as u64));
            bar.inc(1);
        }
        runs.push((rates[0], rates[1]));
        kept.push((rates[0], rates[2]));
    }
    bar.finish_and_clear();
    let notes = vec![
        format!(
            "{}; {}; {} connections; {} messages of {bytes} bytes a run, DKIM {}",
            server(&durability),
            sink.name(),
            settings.connections,
            size.messages,
            settings.dkim.name()
        ),
        "ours: the daemon's engine, from the outbox to accepted, the shipped cart-reminder rendered"
            .to_owned(),
        "limit: lettre's transport with its pool, bytes made beforehand".to_owned(),
        format!("processor time of a message, ours: {}", costs[0].each()),
        format!("processor time of a message, limit: {}", costs[1].each()),
        "a tenth of the messages goes before the clock runs: connections stand then, and words are compiled"
            .to_owned(),
    ];
    let kept_notes = vec![
        "limit: lettre's connections, one a task, kept, asked nothing between mails, without Nagle's algorithm".to_owned(),
        format!("processor time of a message, limit: {}", costs[2].each()),
    ];
    let report =
        |bench, runs, notes| Report { bench, unit: "messages/s", runs, goal: Goal::AtLeast(GOAL), notes };
    Ok([report("send", runs, notes), report("send, connections kept", kept, kept_notes)])
}

/// People with a message each that waits in the outbox: made by door and actor as any other.
async fn fill(scratch: &Scratch, run: usize, messages: usize) -> anyhow::Result<()> {
    scratch.clear().await?;
    let house = House::open(scratch, nowhere()?, closed()).await?;
    let named = format!("send-{run:x}");
    let (people, carts): (Vec<_>, Vec<_>) =
        (0..messages).map(|person| (shop::identify(&named, person), shop::cart(&named, person))).unzip();
    house.take(&people).await?;
    house.take(&carts).await?;
    reached(|| house.inputs(), 2 * messages as u64, "filling the outbox").await?;
    house.close().await?;
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM outbox WHERE state = 0").fetch_one(&scratch.slow).await?;
    anyhow::ensure!(waiting == messages as i64, "{waiting} of {messages} messages wait");
    sqlx::raw_sql("VACUUM ANALYZE outbox, persons, runs, intake").execute(&scratch.slow).await?;
    Ok(())
}

/// The mails of so many messages in a state, as they leave.
pub(super) async fn mails(
    scratch: &Scratch,
    outlet: &Outlet,
    wordings: &Wordings,
    state: State,
    most: usize,
) -> anyhow::Result<Vec<Mail>> {
    let filter = messages::Filter { states: vec![state], limit: most, ..messages::Filter::default() };
    let context = Context { at: SystemClock.now(), key: outlet.keys.current(), base: None };
    let mut mails = Vec::with_capacity(most);
    for row in messages::list(&scratch.slow, &filter).await? {
        shop::check(&serde_json::from_str::<Data>(&row.message.data).context("what a template is given")?)?;
        let deployment = row.deployment;
        let claimed =
            Claimed { seq: 0, line: 0, attempts: 0, deployment, context: None, message: row.message };
        match prepare(outlet, wordings, &claimed, &context) {
            Prepared::Mail(_, wire) => mails.push(Mail::of(&wire)?),
            Prepared::Settled(verdict) => anyhow::bail!("a message can't be sent: {verdict:?}"),
            Prepared::Inbox => anyhow::bail!("a message goes to the inbox"),
            Prepared::Told(..) | Prepared::Call(..) => anyhow::bail!("a message is no mail"),
        }
    }
    anyhow::ensure!(mails.len() == most, "there are {} of {most} {state} messages", mails.len());
    Ok(mails)
}

async fn ours(scratch: &Scratch, outlet: &Outlet, messages: usize, meter: &Meter) -> anyhow::Result<Done> {
    let pools = Pools::open(&scratch.options);
    let stop = CancellationToken::new();
    let engine = Engine::new(
        pools.clone(),
        Arc::new(SystemClock),
        outlet.clone(),
        DispatcherLimits::default(),
        stop.clone(),
    );
    let counts = engine.counts();
    let running = tokio::spawn(engine.run(Uuid::new_v4));
    let done = steady(|| counts.messages.load(Ordering::Relaxed), messages, meter).await;
    stop.cancel();
    running.await?;
    pools.close().await;
    let accepted: i64 = sqlx::query_scalar("SELECT count(*) FROM messages WHERE state = 10 AND attempts = 1")
        .fetch_one(&scratch.slow)
        .await?;
    anyhow::ensure!(accepted == messages as i64, "{accepted} of {messages} messages were accepted at once");
    done
}

async fn bare(
    which: Loop,
    sink: &Sink,
    connections: usize,
    mails: &Arc<Vec<Mail>>,
    meter: &Meter,
) -> anyhow::Result<Done> {
    let bare = Bare::start(which, sink.address(), connections, mails);
    let sent = bare.sent.clone();
    let (done, ()) =
        tokio::try_join!(steady(|| sent.load(Ordering::Relaxed), mails.len(), meter), bare.end())?;
    Ok(done)
}

/// Messages a second once all stands, until all are done.
async fn steady(count: impl Fn() -> u64, messages: usize, meter: &Meter) -> anyhow::Result<Done> {
    let messages = messages as u64;
    reached(&count, messages / WARM, "messages").await?;
    let (from, began, before) = (count(), Instant::now(), meter.read());
    reached(&count, messages, "messages").await?;
    let took = began.elapsed();
    let sent = messages.saturating_sub(from);
    Ok((sent as f64 / took.as_secs_f64(), meter.read() - before, sent))
}
