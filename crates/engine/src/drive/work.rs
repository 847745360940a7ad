//! Driving a worker: its requests as statements of one transaction.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use journeyman_domain::row::Write;
use journeyman_domain::{Shard, ShardSet};
use journeyman_store::batch::Batch;
use journeyman_store::{Error, deployments, partitions, slices};
use uuid::Uuid;

use super::{Engine, fault, rest};
use crate::machine::{Done, Reply, Request, Worker, WorkerLimits};

/// Runs a worker until it is asked to leave.
pub(super) async fn run(engine: Engine, nth: usize, id: Uuid, limits: WorkerLimits) {
    let mut worker = Worker::new(id, limits);
    let mut hands = Hands { engine: engine.clone(), nth, batch: None };
    let mut reply = Reply::Start;
    let mut said = None;
    let mut counted = Done::default();
    let mut models = engine.models.subscribe();
    models.mark_changed();
    loop {
        if models.has_changed().unwrap_or(false)
            && let Some(newer) = models.borrow_and_update().clone()
        {
            worker.choose_by(newer);
            engine.counts.taken_over.fetch_add(1, Ordering::SeqCst);
        }
        if engine.stop.is_cancelled() {
            worker.leave();
        }
        let Some(request) = worker.next(reply, engine.now()) else { break };
        if worker.unrunnable != said {
            said.clone_from(&worker.unrunnable);
            if let Some((number, why)) = &said {
                tracing::error!(
                    number,
                    "deployment {number} can't be run by this version: nothing is done: {why}"
                );
            }
        }
        count(&engine, &mut counted, worker.done);
        reply = hands.answer(request).await;
    }
    tracing::debug!(worker = %id, done = ?worker.done, "a worker has left");
}

/// Adds what a worker has done since it was last asked.
fn count(engine: &Engine, counted: &mut Done, done: Done) {
    let counts = &engine.counts;
    let pairs = [
        (&counts.inputs, done.inputs - counted.inputs),
        (&counts.wakes, done.wakes - counted.wakes),
        (&counts.batches, done.batches - counted.batches),
        (&counts.parked, done.parked - counted.parked),
    ];
    pairs.into_iter().for_each(|(total, more)| {
        total.fetch_add(more, Ordering::Relaxed);
    });
    *counted = done;
}

/// What does a worker's requests: the engine, and the transaction under way.
struct Hands {
    engine: Engine,
    nth: usize,
    batch: Option<Batch>,
}

impl Hands {
    async fn answer(&mut self, request: Request) -> Reply {
        if let Request::Rest(patience) = request {
            return Reply::Rested(
                rest(patience, &self.engine.stop, self.engine.bells[self.nth].heard()).await,
            );
        }
        let doing = doing(&request);
        match self.ask(request).await {
            Ok(reply) => reply,
            Err(error) => {
                if let Some(batch) = self.batch.take() {
                    batch.rollback().await;
                }
                Reply::Failed(fault(&error, doing))
            }
        }
    }

    async fn ask(&mut self, request: Request) -> Result<Reply, Error> {
        let pool = &self.engine.pools.batches;
        Ok(match request {
            Request::Lease { worker } => Reply::Leased(slices::lease(pool, worker, slices::LEASE).await?),
            Request::Release { worker } => {
                slices::release(pool, worker).await?;
                Reply::Released
            }
            Request::Begin { worker, held } => {
                let batch = self.batch.insert(Batch::begin(pool).await?);
                let held = batch.fence(worker, &held).await?;
                Reply::Begun { held, deployment: if held { batch.deployment().await? } else { 0 } }
            }
            Request::Deployment(number) => {
                let batch = self.batch()?;
                Reply::Deployment(deployments::load(batch.connection(), number).await?)
            }
            Request::ReadIntake { lane, from, per_shard, total } => {
                let (shards, lows): (Vec<Shard>, Vec<i64>) = from.into_iter().unzip();
                Reply::Intake(self.batch()?.read_intake(&shards, lane, &lows, per_shard, total).await?)
            }
            Request::ReadDue { from, now, per_shard, total } => {
                let (shards, lows): (Vec<Shard>, Vec<_>) = from.into_iter().unzip();
                Reply::Due(self.batch()?.read_due(&shards, &lows, now, per_shard, total).await?)
            }
            Request::Load { people, features } => Reply::People(self.batch()?.load(&people, features).await?),
            Request::Products { ids } => {
                let (number, items) = self.batch()?.products(&ids).await?;
                Reply::Products(number, items)
            }
            Request::Commit(write) => {
                self.commit(&write).await?;
                Reply::Committed
            }
            Request::Rollback => {
                if let Some(batch) = self.batch.take() {
                    batch.rollback().await;
                }
                Reply::RolledBack
            }
            Request::Rest(_) => Reply::Rested(ShardSet::default()),
        })
    }

    async fn commit(&mut self, write: &Write) -> Result<(), Error> {
        let written = self.batch()?.write(write).await;
        if let Err(Error::NoPartition(_)) = &written {
            // A week nobody has made ahead: of a clock that was set forward, or a daemon that slept for weeks.
            if let Some(batch) = self.batch.take() {
                batch.rollback().await;
            }
            partitions::ensure_for(&self.engine.pools.batches, write).await?;
        }
        written?;
        if let Some(batch) = self.batch.take() {
            batch.commit().await?;
        }
        for parked in &write.parked {
            tracing::error!(
                person = %parked.person,
                kind = parked.kind,
                reference = %parked.reference,
                reason = parked.reason,
                "an input of {} was moved to `parked`: {}",
                parked.person,
                parked.detail
            );
        }
        let strays = write.forwarded.iter().map(|input| input.person);
        let states = write.handed.iter().map(|handed| handed.merge.winner);
        let retold = write.retold.iter().map(|news| news.shard);
        let elsewhere: ShardSet = strays.chain(states).map(Shard::of).chain(retold).collect();
        if !elsewhere.is_empty() {
            self.engine.ring(elsewhere);
        }
        for channel in write.queued.iter().map(|row| row.channel).collect::<BTreeSet<_>>() {
            self.engine.queued.ring(channel);
        }
        Ok(())
    }

    fn batch(&mut self) -> Result<&mut Batch, Error> {
        let none = || Error::Conflict("no transaction is open".to_owned());
        self.batch.as_mut().ok_or_else(none)
    }
}

/// What was being done when it failed, for the log.
fn doing(request: &Request) -> &'static str {
    match request {
        Request::Lease { .. } | Request::Release { .. } => "leasing slices",
        Request::Begin { .. } => "beginning a batch",
        Request::Deployment(_) => "loading the deployment",
        Request::ReadIntake { .. } => "reading intake",
        Request::ReadDue { .. } => "reading timers",
        Request::Load { .. } => "loading people",
        Request::Products { .. } => "looking products up",
        Request::Commit(_) => "writing a batch",
        Request::Rollback | Request::Rest(_) => "resting",
    }
}
