//! Telling people of what changed in the catalog: who cares for it, as rows of news in the queues of their shards.
//!
//! A step is a transaction: it reads who cares for what in some shards, writes their news and how far that is. So it goes on
//! after a crash where it was, and nobody is told twice.

use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::news::{Items, Moves, NewsRow, Topic};
use journeyman_domain::plan::Plans;
use journeyman_domain::{SHARDS, Shard, ShardSet, ShopTime};
use journeyman_store::catalog::{self, Moved};
use journeyman_store::{ENGINE_SILENCE, Error, REPORT_SILENCE, deployments, interests, partitions, read};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection};

use super::{Engine, rest};
use crate::deploy;

/// How often it is looked whether the catalog has changed.
const LOOK: Duration = Duration::from_millis(500);
/// How long the catalog has to stand still before anybody is told: what one import changes is told as one.
const STILL: Duration = Duration::from_secs(1);
/// How long a catalog that does not stand still is waited for.
const RESTLESS: Duration = Duration::from_secs(30);
/// How many numbers of the catalog are told at once: what they changed is held in memory, and read within one statement.
const NUMBERS_AT_ONCE: i64 = 100;
/// How many shards a step tells.
const SHARDS_AT_ONCE: u8 = 8;

/// Looks after the catalog until it is asked to leave.
pub(super) async fn run(engine: Engine) {
    let mut teller = Teller::default();
    // The number that was seen, and when it and the first untold one were.
    let mut seen: Option<(i64, Duration, Duration)> = None;
    while !engine.stop.is_cancelled() {
        // A step that is let go is a connection that is closed: nothing of it stands.
        let looked = tokio::select! {
            looked = look(&engine, &mut teller, &mut seen) => looked,
            () = engine.stop.cancelled() => return,
        };
        match looked {
            Ok(true) => {}
            Ok(false) => {
                rest(LOOK, &engine.stop, std::future::pending()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "can't tell people of what changed in the catalog; trying again");
                rest(STILL, &engine.stop, std::future::pending()).await;
            }
        }
    }
}

/// Looks, and does a step where there is one to do; whether there was.
async fn look(
    engine: &Engine,
    teller: &mut Teller,
    seen: &mut Option<(i64, Duration, Duration)>,
) -> Result<bool, Error> {
    let pool = &engine.pools.batches;
    let telling = read(pool, ENGINE_SILENCE, async |connection| catalog::how_far(connection).await).await?;
    if telling.under_way.is_none() {
        if telling.number == telling.told {
            *seen = None;
            return Ok(false);
        }
        let now = engine.now().machine;
        let (_, since, first) = *seen.get_or_insert((telling.number, now, now));
        let still = if seen.is_some_and(|(number, ..)| number == telling.number) { since } else { now };
        *seen = Some((telling.number, still, first));
        let waits = now.saturating_sub(still) < STILL && now.saturating_sub(first) < RESTLESS;
        if waits {
            return Ok(false);
        }
    }
    let Some(step) = teller.step(pool, engine.clock.now()).await? else { return Ok(false) };
    if step.news > 0 {
        engine.ring(step.shards);
        tracing::debug!(news = step.news, people = step.people, "told people of what changed in the catalog");
    }
    Ok(true)
}

/// What a step has written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// In whose queues.
    pub shards: ShardSet,
    /// Rows of news.
    pub news: usize,
    /// Events that people will hear.
    pub people: usize,
    /// Whether all are told.
    pub done: bool,
}

/// Tells people, step by step. What it knows of the deployment and of what moved is kept from one step to the next.
#[derive(Default)]
pub struct Teller {
    plans: Option<Arc<Plans>>,
    /// Between which numbers, and what.
    moves: Option<(i64, i64, Moves)>,
}

impl Teller {
    /// One step: begins to tell where the catalog has changed, or tells the next shards. `None` where there is nothing to do,
    /// or somebody else is at it.
    ///
    /// # Errors
    /// As the store's; nothing of the step stands then.
    pub async fn step(&mut self, pool: &PgPool, now: ShopTime) -> Result<Option<Step>, Error> {
        let done = read(pool, REPORT_SILENCE, async |connection| self.try_step(connection, now).await).await;
        match done {
            Err(Error::NoPartition(_)) => {
                partitions::ensure(pool, now).await?;
                read(pool, REPORT_SILENCE, async |connection| self.try_step(connection, now).await).await
            }
            done => done,
        }
    }

    async fn try_step(
        &mut self,
        connection: &mut PgConnection,
        now: ShopTime,
    ) -> Result<Option<Step>, Error> {
        let mut tx = connection.begin().await?;
        let Some(telling) = catalog::lock_telling(&mut tx).await? else { return Ok(None) };
        let (up_to, begun, next) = match telling.under_way {
            Some(under_way) => under_way,
            None if telling.number == telling.told => return Ok(None),
            None => (telling.number.min(telling.told + NUMBERS_AT_ONCE), now, 0),
        };
        let plans = self.plans(&mut tx).await?;
        if !matches!(&self.moves, Some((from, to, _)) if (*from, *to) == (telling.told, up_to)) {
            let moves = if plans.keeps_interest() {
                of(&catalog::moved(&mut tx, telling.told, up_to).await?, &plans)
            } else {
                Moves::default()
            };
            self.moves = Some((telling.told, up_to, moves));
        }
        let nothing = Moves::default();
        let moves = self.moves.as_ref().map_or(&nothing, |(.., moves)| moves);
        let mut step = Step::default();
        // Nobody listens, or nothing moved that anybody is told of: nothing is written but how far that is.
        let all_quiet = moves.is_empty();
        let last = next.saturating_add(SHARDS_AT_ONCE - 1);
        for (topic, items) in moves.topics() {
            let rows = tell(&mut tx, topic, items, (Shard(next), Shard(last)), (now, begun, up_to)).await?;
            step.news += rows.len();
            step.people += rows.iter().map(|row| row.mentions.len()).sum::<usize>();
            rows.iter().for_each(|row| step.shards.insert(row.shard));
        }
        step.done = all_quiet || usize::from(last) + 1 >= SHARDS;
        let under_way = (!step.done).then(|| (up_to, begun, last + 1));
        let told = if step.done { up_to } else { telling.told };
        catalog::set_telling(&mut tx, told, under_way).await?;
        tx.commit().await?;
        if step.done {
            self.moves = None;
        }
        Ok(Some(step))
    }

    /// The journeys that are live.
    async fn plans(&mut self, connection: &mut PgConnection) -> Result<Arc<Plans>, Error> {
        let number = deployments::current(&mut *connection).await?;
        if let Some(plans) = self.plans.as_ref().filter(|plans| plans.deployment == number) {
            return Ok(plans.clone());
        }
        let sources = deployments::load(connection, number).await?;
        let compiled = deploy::compile(number, &sources).map_err(Error::Conflict)?;
        Ok(self.plans.insert(Arc::new(Plans::new(compiled))).clone())
    }
}

/// What of it is news that a journey hears.
fn of(changed: &[Moved], plans: &Plans) -> Moves {
    let mut moves = Moves::default();
    for product in changed {
        let (named, change) = ((&product.id, product.at), (&product.old, &product.new));
        moves.add(named, change, plans.policies.rates.base, |topic| plans.hears(topic.event()));
    }
    moves
}

/// Writes the news of some shards.
async fn tell(
    tx: &mut PgConnection,
    topic: Topic,
    items: &Items,
    shards: (Shard, Shard),
    (now, begun, up_to): (ShopTime, ShopTime, i64),
) -> Result<Vec<NewsRow>, Error> {
    let mut rows = Vec::new();
    for (shard, people) in interests::interested(tx, &items.products, shards).await? {
        let people = people.into_iter().map(|one| (one.person, one.item, one.interest));
        rows.extend(items.told_to((topic, shard), people, (begun, now), &up_to.to_string()));
    }
    journeyman_store::news::write(tx, &rows).await?;
    Ok(rows)
}
