//! What the machines' requests are asked of: memory, or Postgres by the calls that `engine::drive` makes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::merge::Merge;
use journeyman_domain::person::FeatureKey;
use journeyman_domain::plan::Channel;
use journeyman_domain::row::{KIND_CLOSE, KIND_TAKE, StoredEvent};
use journeyman_domain::{MessageId, PersonId, Shard, ShopTime};
use journeyman_engine::machine::{Answer, Ask, Fault, HeldQueue, Reply, Request, StoredSource};
use journeyman_sim::{LEASE, Memory, Session};
use journeyman_store::deployments::Label;
use journeyman_store::outbox::{self, Claimed, OnUnknown, Outcome, Started, Whose};
use journeyman_store::suppressions::{self, Suppression};
use journeyman_store::{
    Batch, Error, Limits, connect, deployments, history, lines, partitions, queues, slices,
};
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::harness::postgres::Database;

/// When everything here begins: a Monday.
pub const START: i64 = 1_767_571_200_000;

pub fn start() -> ShopTime {
    ShopTime::from_millisecond(START).unwrap()
}

/// What a dispatcher is answered; `None` where the queue is another's.
pub type Fenced<T> = Result<Option<T>, Fault>;

/// A store that answers requests.
pub trait Backend {
    /// A worker's request, on its connection.
    async fn ask(&mut self, connection: Uuid, request: Request) -> Reply;
    /// A dispatcher leases queues.
    async fn lease_queues(&mut self, worker: Uuid) -> Vec<HeldQueue>;
    /// It gives them up.
    async fn release_queues(&mut self, worker: Uuid);
    /// What was left behind: how many wait again, how many are unknown.
    async fn recover(&mut self, queue: HeldQueue, whose: &Whose, on: OnUnknown) -> Fenced<(u64, u64)>;
    /// The next messages of a line, whoever asks.
    async fn claim(
        &mut self,
        channel: Channel,
        line: i16,
        low: i64,
        limit: usize,
        now: ShopTime,
    ) -> Fenced<Vec<Claimed>>;
    /// The last check.
    async fn start(
        &mut self,
        queue: HeldQueue,
        messages: &[(MessageId, String)],
        now: ShopTime,
    ) -> Fenced<Started>;
    /// What became of them.
    async fn finish(
        &mut self,
        queue: HeldQueue,
        outcomes: &[(MessageId, Outcome)],
        now: ShopTime,
    ) -> Fenced<()>;
    /// Lines of a channel are made.
    async fn ensure_lines(&mut self, channel: Channel, senders: &[&str]);
    /// The lines of a channel.
    async fn lines(&mut self, channel: Channel) -> Vec<(i16, Option<Arc<str>>)>;
    /// An address is not to be written to any more.
    async fn suppress(&mut self, suppression: Suppression);
    /// A person is born.
    async fn born(&mut self, person: PersonId);
    /// An event is stored, and waits.
    async fn receive(&mut self, person: PersonId, event: StoredEvent);
    /// The door merges two people, of whom it knows who stays.
    async fn merge(&mut self, loser: PersonId, winner: PersonId, at: ShopTime);
    /// A deployment goes live.
    async fn deploy(&mut self, sources: &[StoredSource], demands: &[FeatureKey]);
    /// All leases run out.
    async fn expire(&mut self);
}

/// The store in memory.
#[derive(Default)]
pub struct InMemory {
    pub memory: Memory,
    sessions: BTreeMap<Uuid, Session>,
    now: Duration,
}

impl InMemory {
    pub fn new() -> Self {
        Self { memory: Memory::new(), ..Self::default() }
    }
}

impl Backend for InMemory {
    async fn ask(&mut self, connection: Uuid, request: Request) -> Reply {
        let session = self.sessions.entry(connection).or_default();
        let reply = self.memory.ask(session, request, self.now);
        if let Reply::Failed(_) = reply {
            self.memory.broken(session);
        }
        reply
    }

    async fn lease_queues(&mut self, worker: Uuid) -> Vec<HeldQueue> {
        match self.memory.ask_outbox(Ask::Lease { worker }, self.now) {
            Answer::Leased(held, ..) => held,
            answer => panic!("{answer:?}"),
        }
    }

    async fn release_queues(&mut self, worker: Uuid) {
        self.memory.ask_outbox(Ask::Release { worker }, self.now);
    }

    async fn recover(&mut self, queue: HeldQueue, whose: &Whose, on: OnUnknown) -> Fenced<(u64, u64)> {
        Ok(self.memory.recover(queue, whose, |marketing| on.holds(marketing)))
    }

    async fn claim(
        &mut self,
        channel: Channel,
        line: i16,
        low: i64,
        limit: usize,
        now: ShopTime,
    ) -> Fenced<Vec<Claimed>> {
        Ok(Some(self.memory.claim(channel, line, low, limit, now)))
    }

    async fn start(
        &mut self,
        queue: HeldQueue,
        messages: &[(MessageId, String)],
        now: ShopTime,
    ) -> Fenced<Started> {
        self.memory.start(queue, messages, now)
    }

    async fn finish(
        &mut self,
        queue: HeldQueue,
        outcomes: &[(MessageId, Outcome)],
        now: ShopTime,
    ) -> Fenced<()> {
        Ok(self.memory.finish(queue, outcomes.to_vec(), now).then_some(()))
    }

    async fn ensure_lines(&mut self, channel: Channel, senders: &[&str]) {
        self.memory.outbox.ensure_lines(channel, senders);
    }

    async fn lines(&mut self, channel: Channel) -> Vec<(i16, Option<Arc<str>>)> {
        self.memory.outbox.lines(channel)
    }

    async fn suppress(&mut self, suppression: Suppression) {
        let Suppression { channel, address, topic, kind, at, .. } = suppression;
        self.memory.suppressions.add(channel, &address, topic.as_deref(), kind.code(), at);
    }

    async fn born(&mut self, person: PersonId) {
        self.memory.born(person, person.0 * 7);
    }

    async fn receive(&mut self, person: PersonId, event: StoredEvent) {
        assert!(self.memory.receive(person, event));
    }

    async fn merge(&mut self, loser: PersonId, winner: PersonId, at: ShopTime) {
        self.memory.merge(loser, winner, at);
    }

    async fn deploy(&mut self, sources: &[StoredSource], _: &[FeatureKey]) {
        self.memory.deploy(sources.to_vec());
    }

    async fn expire(&mut self) {
        self.now += LEASE + Duration::from_millis(1);
    }
}

/// The real store.
pub struct InPostgres {
    pub pool: PgPool,
    /// Dropped last.
    _database: Database,
    batches: BTreeMap<Uuid, Batch>,
}

/// A database with the partitions of ten weeks: what others are copied from.
pub struct Template(Database);

impl Template {
    pub async fn new() -> Self {
        let database = Database::new().await;
        let pool = connect(&database.options, Limits::REPORTS);
        for weeks in 0..10 {
            let week = ShopTime::from_millisecond(START + weeks * 7 * 86_400_000).unwrap();
            partitions::ensure(&pool, week).await.unwrap();
        }
        pool.close().await;
        Self(database)
    }
}

impl InPostgres {
    pub async fn new(template: &Template) -> Self {
        let database = Database::copy_of(&template.0).await;
        let pool = connect(&database.options, Limits::ENGINE);
        Self { pool, _database: database, batches: BTreeMap::new() }
    }

    /// As `drive::work` does it.
    async fn asked(&mut self, connection: Uuid, request: Request) -> Result<Reply, Error> {
        let none = || Error::Conflict("no transaction is open".to_owned());
        let batch = self.batches.get_mut(&connection).ok_or_else(none);
        Ok(match request {
            Request::Lease { worker } => {
                Reply::Leased(slices::lease(&self.pool, worker, slices::LEASE).await?)
            }
            Request::Release { worker } => {
                slices::release(&self.pool, worker).await?;
                Reply::Released
            }
            Request::Begin { worker, held } => {
                let mut batch = Batch::begin(&self.pool).await?;
                let held = batch.fence(worker, &held).await?;
                let deployment = if held { batch.deployment().await? } else { 0 };
                self.batches.insert(connection, batch);
                Reply::Begun { held, deployment }
            }
            Request::Deployment(number) => {
                Reply::Deployment(deployments::load(batch?.connection(), number).await?)
            }
            Request::ReadIntake { lane, from, per_shard, total } => {
                let (shards, lows): (Vec<Shard>, Vec<i64>) = from.into_iter().unzip();
                Reply::Intake(batch?.read_intake(&shards, lane, &lows, per_shard, total).await?)
            }
            Request::ReadDue { from, now, per_shard, total } => {
                let (shards, lows): (Vec<Shard>, Vec<ShopTime>) = from.into_iter().unzip();
                Reply::Due(batch?.read_due(&shards, &lows, now, per_shard, total).await?)
            }
            Request::Load { people, features } => Reply::People(batch?.load(&people, features).await?),
            Request::Products { ids } => {
                let (number, items) = batch?.products(&ids).await?;
                Reply::Products(number, items)
            }
            Request::Commit(write) => {
                batch?.write(&write).await?;
                if let Some(batch) = self.batches.remove(&connection) {
                    batch.commit().await?;
                }
                Reply::Committed
            }
            Request::Rollback => {
                if let Some(batch) = self.batches.remove(&connection) {
                    batch.rollback().await;
                }
                Reply::RolledBack
            }
            Request::Rest(_) => Reply::RolledBack,
        })
    }
}

/// As `drive` has it.
fn fault(error: &Error) -> Fault {
    match error {
        Error::Busy(_) | Error::Conflict(_) | Error::NoPartition(_) => Fault::Busy,
        Error::Refused(_) | Error::RefusesAll(_) => Fault::Refused,
        _ => Fault::Unavailable,
    }
}

/// A lost lease is an answer.
fn fenced<T>(done: Result<T, Error>) -> Fenced<T> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(Error::Lost(_)) => Ok(None),
        Err(error) => Err(fault(&error)),
    }
}

impl Backend for InPostgres {
    async fn ask(&mut self, connection: Uuid, request: Request) -> Reply {
        match self.asked(connection, request).await {
            Ok(reply) => reply,
            Err(error) => {
                if let Some(batch) = self.batches.remove(&connection) {
                    batch.rollback().await;
                }
                Reply::Failed(fault(&error))
            }
        }
    }

    async fn lease_queues(&mut self, worker: Uuid) -> Vec<HeldQueue> {
        queues::lease(&self.pool, worker, slices::LEASE).await.unwrap()
    }

    async fn release_queues(&mut self, worker: Uuid) {
        queues::release(&self.pool, worker).await.unwrap();
    }

    async fn recover(&mut self, queue: HeldQueue, whose: &Whose, on: OnUnknown) -> Fenced<(u64, u64)> {
        let recovered = fenced(outbox::recover(&self.pool, &queue, whose, on).await)?;
        Ok(recovered.map(|recovered| (recovered.queued, recovered.unknown)))
    }

    async fn claim(
        &mut self,
        channel: Channel,
        line: i16,
        low: i64,
        limit: usize,
        now: ShopTime,
    ) -> Fenced<Vec<Claimed>> {
        fenced(outbox::claim(&self.pool, channel, line, low, limit, now).await)
    }

    async fn start(
        &mut self,
        queue: HeldQueue,
        messages: &[(MessageId, String)],
        now: ShopTime,
    ) -> Fenced<Started> {
        fenced(outbox::start(&self.pool, &queue, messages, now).await)
    }

    async fn finish(
        &mut self,
        queue: HeldQueue,
        outcomes: &[(MessageId, Outcome)],
        now: ShopTime,
    ) -> Fenced<()> {
        fenced(outbox::finish(&self.pool, &queue, outcomes, now).await.map(drop))
    }

    async fn ensure_lines(&mut self, channel: Channel, senders: &[&str]) {
        let mut tx = self.pool.begin().await.unwrap();
        slices::lock_all(&mut tx).await.unwrap();
        lines::ensure(&mut tx, channel, senders).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn lines(&mut self, channel: Channel) -> Vec<(i16, Option<Arc<str>>)> {
        let lines = lines::of(&mut self.pool.acquire().await.unwrap(), channel).await.unwrap();
        lines.into_iter().map(|line| (line.line, line.sender)).collect()
    }

    async fn suppress(&mut self, suppression: Suppression) {
        suppressions::add(&self.pool, &[suppression]).await.unwrap();
    }

    async fn born(&mut self, person: PersonId) {
        sqlx::query(
            "INSERT INTO heads (person_id, assignment_key, born_at) VALUES ($1, $1 * 7, now())
             ON CONFLICT DO NOTHING",
        )
        .bind(person.0)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    async fn receive(&mut self, person: PersonId, event: StoredEvent) {
        let time = |at: ShopTime| jiff_text(at);
        sqlx::query(
            "INSERT INTO events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload)
             VALUES ($1, $2, $3::timestamptz, $4::timestamptz, $5, $6, 'test', $7, $8::jsonb)",
        )
        .bind(event.id.0)
        .bind(person.0)
        .bind(time(event.occurred_at))
        .bind(time(event.received_at))
        .bind(event.kind.code())
        .bind(event.historical)
        .bind(&*event.name)
        .bind(&event.payload)
        .execute(&self.pool)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
             VALUES ($1, $2, 1, $3, $4, $5::timestamptz)",
        )
        .bind(i16::from(Shard::of(person).0))
        .bind(i16::from(event.historical))
        .bind(person.0)
        .bind(event.id.0)
        .bind(time(event.received_at))
        .execute(&self.pool)
        .await
        .unwrap();
    }

    async fn merge(&mut self, loser: PersonId, winner: PersonId, at: ShopTime) {
        let head = async |person: PersonId| {
            let mut connection = self.pool.acquire().await.unwrap();
            history::person(&mut connection, person).await.unwrap().unwrap()
        };
        let merge = Merge { loser: head(loser).await, winner: head(winner).await };
        if merge.loser == merge.winner {
            return;
        }
        sqlx::query("UPDATE heads SET merged_into = $1 WHERE person_id = $2 OR merged_into = $2")
            .bind(merge.winner.0)
            .bind(merge.loser.0)
            .execute(&self.pool)
            .await
            .unwrap();
        for (kind, person) in [(KIND_CLOSE, merge.loser), (KIND_TAKE, merge.winner)] {
            sqlx::query(
                "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
                 VALUES ($1, 0, $2, $3, $4, $5::timestamptz)",
            )
            .bind(i16::from(Shard::of(person).0))
            .bind(kind)
            .bind(person.0)
            .bind(merge.reference())
            .bind(jiff_text(at))
            .execute(&self.pool)
            .await
            .unwrap();
        }
    }

    async fn deploy(&mut self, sources: &[StoredSource], demands: &[FeatureKey]) {
        let mut tx = self.pool.begin().await.unwrap();
        slices::lock_all(&mut tx).await.unwrap();
        deployments::insert(
            &mut tx,
            &Label { at: start(), note: "", environment: "dev", author: "" },
            sources,
            demands,
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn expire(&mut self) {
        for sql in [
            "UPDATE slices SET until = now() - interval '1 second' WHERE worker IS NOT NULL",
            "UPDATE dispatch_queues SET until = now() - interval '1 second' WHERE worker IS NOT NULL",
            "UPDATE workers SET until = now() - interval '1 second'",
        ] {
            sqlx::query(sql).execute(&self.pool).await.unwrap();
        }
    }
}

fn jiff_text(at: ShopTime) -> String {
    at.to_string()
}

/// A queue as a line has it.
pub fn channel(code: i16) -> Channel {
    Channel::from_code(code).unwrap()
}
