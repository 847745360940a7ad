//! A batch: one transaction that reads what waits for some slices' people and writes everything that follows.

mod append;
mod merges;
mod places;
mod read;
mod write;

use std::future::Future;
use std::sync::Arc;

use journeyman_domain::catalog::Item;
use journeyman_domain::row::{Arrived, Due, StoredPerson, Write};
use journeyman_domain::{Lane, PersonId, Shard, ShopTime};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{Executor as _, PgConnection, Postgres};
use uuid::Uuid;

pub use read::people;

use self::places::Places;
use crate::lines::Lines;
use crate::pool::{ENGINE_SILENCE, begin, silent};
use crate::slices::{self, Held};
use crate::{Error, catalog, deployments};

/// A transaction that is held over several steps.
///
/// The first is [`Batch::fence`]; then comes what is read, then [`Batch::write`], then [`Batch::commit`]. After an
/// error only [`Batch::rollback`] is of use. One that is dropped without an end closes its connection, and so does one
/// on which the database does not answer: nothing of it is written.
pub struct Batch {
    connection: PoolConnection<Postgres>,
    ended: bool,
    places: Places,
    /// Where messages wait; known once the deployment is.
    lines: Option<Lines>,
}

impl Batch {
    /// Begins.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while the database is away, or all connections are taken.
    #[tracing::instrument(level = "trace", skip_all)]
    pub async fn begin(pool: &PgPool) -> Result<Self, Error> {
        let connection = begin(pool, ENGINE_SILENCE).await?;
        Ok(Self { connection, ended: false, places: Places::default(), lines: None })
    }

    /// Whether all of `held` are still `worker`'s; they stay so until the batch ends. `false`: write nothing, and drop
    /// what is known of their people.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn fence(&mut self, worker: Uuid, held: &[Held]) -> Result<bool, Error> {
        in_time(slices::fence(&mut self.connection, worker, held)).await
    }

    /// The number of the deployment that is live, 0 before the first. Behind the fence it stays so until the batch ends.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn deployment(&mut self) -> Result<i64, Error> {
        let (number, lines) = in_time(deployments::live(&mut self.connection)).await?;
        self.lines = Some(lines);
        Ok(number)
    }

    /// What waits in one lane of these shards, each from its mark in `lows`, at most `per_shard` of each and `total`
    /// together, in the order of `shards` and of each queue. Where `total` is reached, the last shards come short: begin
    /// with others the next time.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn read_intake(
        &mut self,
        shards: &[Shard],
        lane: Lane,
        lows: &[i64],
        per_shard: usize,
        total: usize,
    ) -> Result<Vec<Arrived>, Error> {
        in_time(read::intake(&mut self.connection, shards, lane, lows, per_shard, total)).await
    }

    /// Who is due in these shards, from the marks `lows` up to and with `now`; limits and order as
    /// [`Batch::read_intake`].
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn read_due(
        &mut self,
        shards: &[Shard],
        lows: &[ShopTime],
        now: ShopTime,
        per_shard: usize,
        total: usize,
    ) -> Result<Vec<Due>, Error> {
        in_time(read::due(&mut self.connection, shards, lows, now, per_shard, total, &mut self.places)).await
    }

    /// People as they are stored, in ascending order; counters only where `features` says so. Who has no row in `heads`
    /// is nobody and left out.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn load(&mut self, people: &[PersonId], features: bool) -> Result<Vec<StoredPerson>, Error> {
        in_time(read::load(&mut self.connection, people, features, &mut self.places)).await
    }

    /// These products as they are now, with the number of the catalog that says so: what a journal of this batch notes.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn products(&mut self, ids: &[Arc<str>]) -> Result<(i64, Vec<(Arc<str>, Item)>), Error> {
        in_time(catalog::now(&mut self.connection, ids)).await
    }

    /// Writes everything that a batch changes.
    ///
    /// # Errors
    /// [`Error::Conflict`] where a person has another version than was read, an input or a run to be ended is gone;
    /// [`Error::NoPartition`] where a week has none: [`crate::partitions::ensure_for`] makes it. Nothing is written then,
    /// once the batch is rolled back.
    pub async fn write(&mut self, write: &Write) -> Result<(), Error> {
        write::all(&mut self.connection, write, &mut self.places, self.lines.as_ref()).await
    }

    /// Commits. `Ok` means durable.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the connection broke; whether it had committed is unknown then, and what is read
    /// next tells.
    #[tracing::instrument(level = "trace", skip_all)]
    pub async fn commit(mut self) -> Result<(), Error> {
        in_time(async { Ok(self.connection.execute("COMMIT").await.map(drop)?) }).await?;
        self.end();
        Ok(())
    }

    /// Ends without writing.
    #[tracing::instrument(level = "trace", skip_all)]
    pub async fn rollback(mut self) {
        let taken_back = in_time(async { Ok(self.connection.execute("ROLLBACK").await.map(drop)?) }).await;
        if taken_back.is_ok() {
            self.end();
        }
    }

    /// The connection is as it was: it goes back to the pool.
    fn end(&mut self) {
        self.ended = true;
    }

    /// The transaction's connection, for what else has to be in it.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

/// One step of a batch: longer than the server's own limit on a statement, so that it strikes only where nobody answers.
async fn in_time<T>(step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match tokio::time::timeout(ENGINE_SILENCE, step).await {
        Ok(done) => done,
        Err(_) => Err(silent()),
    }
}
