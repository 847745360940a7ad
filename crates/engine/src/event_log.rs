//! Where inputs come from.

use std::future::Future;

use journeyman_domain::{Lane, PersonId, Shard};
use journeyman_store::Error;
use journeyman_store::intake::{self, Input, Place};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;

/// The queue of what has happened. `intake` in Postgres is one; a partitioned broker takes its place where one is used.
pub trait EventLog: Send + Sync {
    /// The first `limit` inputs of a queue at or above the mark `from`, in the order of `seq`.
    fn poll(
        &self,
        shard: Shard,
        lane: Lane,
        from: i64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Input>, Error>> + Send;

    /// Says, in the transaction that applied them, that these inputs are applied. Answers how many were still
    /// there: fewer than asked means that somebody else has applied some, and the batch must not commit.
    fn ack(&self, tx: &mut PgConnection, places: &[Place])
    -> impl Future<Output = Result<u64, Error>> + Send;

    /// Moves inputs into another person's queue, in one transaction with what makes it right: strays after a merge.
    fn forward(
        &self,
        tx: &mut PgConnection,
        to: PersonId,
        inputs: &[Input],
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// `intake`.
#[derive(Clone)]
pub struct PostgresLog(pub PgPool);

impl EventLog for PostgresLog {
    async fn poll(&self, shard: Shard, lane: Lane, from: i64, limit: usize) -> Result<Vec<Input>, Error> {
        intake::poll(&self.0, shard, lane, from, limit).await
    }

    async fn ack(&self, tx: &mut PgConnection, places: &[Place]) -> Result<u64, Error> {
        intake::delete(tx, places).await
    }

    async fn forward(&self, tx: &mut PgConnection, to: PersonId, inputs: &[Input]) -> Result<(), Error> {
        let places: Vec<Place> = inputs.iter().map(|input| input.place).collect();
        let there = intake::delete(tx, &places).await?;
        if there != inputs.len() as u64 {
            return Err(Error::Conflict("an input to be forwarded was applied meanwhile".to_owned()));
        }
        intake::insert(tx, to, inputs).await
    }
}
