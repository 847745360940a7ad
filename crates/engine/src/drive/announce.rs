//! Telling everybody that journeys went live which watch them: what somebody is has to be seen before anything happens to them,
//! and who does nothing has to be looked at when time alone changes it. And telling those who have runs of journeys that say what
//! becomes of them.
//!
//! A step is a transaction: it writes the news of the next people and how far that is. So it goes on after a crash where it was.
//! It goes by the bulk lane: whoever does something meanwhile is served first, and seen with that.

use std::time::Duration;

use journeyman_domain::person::Mark;
use journeyman_domain::plan::Plans;
use journeyman_domain::{PersonId, ShardSet, ShopTime, news};
use journeyman_store::announcements::{self, Announcement};
use journeyman_store::{ENGINE_SILENCE, Error, REPORT_SILENCE, backfill, deployments, partitions, read};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection};

use super::{Engine, rest};
use crate::deploy;

/// How often it is looked whether something went live.
const LOOK: Duration = Duration::from_millis(500);
/// How long it is waited after an error.
const AGAIN: Duration = Duration::from_secs(1);
/// How many people a step tells.
const PEOPLE: usize = 20_000;

/// Announces what goes live until it is asked to leave.
pub(super) async fn run(engine: Engine) {
    let mut announcer = Announcer::default();
    while !engine.stop.is_cancelled() {
        // A step that is let go is a connection that is closed: nothing of it stands.
        let step = tokio::select! {
            step = announcer.step(&engine.pools.batches, engine.clock.now()) => step,
            () = engine.stop.cancelled() => return,
        };
        let pause = match step {
            Ok(Some(step)) => {
                engine.ring(step.shards);
                if step.done {
                    tracing::info!(people = step.people, "told people of journeys that went live");
                }
                continue;
            }
            Ok(None) => LOOK,
            Err(error) => {
                tracing::warn!(%error, "can't tell people of journeys that went live; trying again");
                AGAIN
            }
        };
        rest(pause, &engine.stop, std::future::pending()).await;
    }
}

/// What a step has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// In whose queues news was written.
    pub shards: ShardSet,
    /// How many people were told so far.
    pub people: i64,
    /// Whether all are.
    pub done: bool,
}

/// What people are told of, sorted.
#[derive(Clone, Default)]
struct Marks {
    all: Vec<Mark>,
    /// Of which everybody is told: what is watched.
    watched: Vec<Mark>,
}

/// Announces, step by step. What it knows of the deployment is kept from one step to the next.
#[derive(Default)]
pub struct Announcer {
    /// The deployment, and what people are told of.
    told: Option<(i64, Marks)>,
}

impl Announcer {
    /// One step: begins where something went live that nobody was told of, or tells the next people. `None` where there is
    /// nothing to do, or somebody else is at it.
    ///
    /// # Errors
    /// As the store's; nothing of the step stands then.
    pub async fn step(&mut self, pool: &PgPool, now: ShopTime) -> Result<Option<Step>, Error> {
        let quiet = read(pool, ENGINE_SILENCE, async |connection| {
            let marks = self.marks(connection).await?;
            let stands = announcements::how_far(connection).await?;
            Ok::<_, Error>(stands.after.is_none() && stands.marks == marks.all)
        });
        if quiet.await? {
            return Ok(None);
        }
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
        let Some(stands) = announcements::lock(&mut tx).await? else { return Ok(None) };
        let Marks { all: marks, watched } = self.marks(&mut tx).await?;
        let known = marks.iter().all(|mark| stands.marks.contains(mark));
        let of_everybody = watched.iter().any(|mark| !stands.marks.contains(mark));
        // What everybody was being told is told them still.
        let under_way = stands.after.is_some() && stands.everybody;
        let (after, people, begun, everybody) = match stands.after {
            Some(after) if known => (after, stands.people, None, stands.everybody),
            None if known => {
                // What is watched no longer needs no word.
                let stands = Announcement { marks, ..stands };
                announcements::set(&mut tx, &stands, None).await?;
                tx.commit().await?;
                return Ok(None);
            }
            _ => (PersonId(i64::MIN), 0, Some(now), of_everybody || under_way),
        };
        let next: Vec<PersonId> = match everybody {
            true => {
                let next = backfill::people(&mut tx, after, PEOPLE).await?;
                next.into_iter().map(|(person, _)| person).collect()
            }
            false => announcements::in_flight(&mut tx, after, PEOPLE).await?,
        };
        let rows = news::deployed(&next, now, &now.to_string());
        journeyman_store::news::write(&mut tx, &rows).await?;
        let mut step = Step { people: people + next.len() as i64, done: next.is_empty(), ..Step::default() };
        rows.iter().for_each(|row| step.shards.insert(row.shard));
        let stands = Announcement { marks, after: next.last().copied(), people: step.people, everybody };
        announcements::set(&mut tx, &stands, begun).await?;
        tx.commit().await?;
        Ok(Some(step))
    }

    /// What people are told of the journeys that are live.
    async fn marks(&mut self, connection: &mut PgConnection) -> Result<Marks, Error> {
        let number = deployments::current(&mut *connection).await?;
        if let Some((_, marks)) = self.told.as_ref().filter(|(known, _)| *known == number) {
            return Ok(marks.clone());
        }
        let sources = deployments::load(connection, number).await?;
        let plans = Plans::new(deploy::compile(number, &sources).map_err(Error::Conflict)?);
        let sorted = |marks: &mut Vec<Mark>| marks.sort_unstable();
        let mut watched: Vec<Mark> = plans.watches().iter().map(|(mark, _)| *mark).collect();
        sorted(&mut watched);
        let mut all: Vec<Mark> =
            plans.migrations().iter().map(|(mark, _)| *mark).chain(watched.clone()).collect();
        sorted(&mut all);
        let marks = Marks { all, watched };
        self.told = Some((number, marks.clone()));
        Ok(marks)
    }
}
