//! The loops as machines without IO: requests out, replies in. The daemon drives them over Postgres, the simulator over
//! a store in memory with a fault at any request.

mod awaited;
mod dispatcher;
mod marks;
mod portion;
mod shards;
pub mod teacher;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::catalog::Item;
use journeyman_domain::plan::Plans;
use journeyman_domain::row::{Arrived, Due, StoredPerson, Write};
use journeyman_domain::{Lane, PersonId, Shard, ShardSet, ShopTime};
use uuid::Uuid;

pub use awaited::PATIENCE as STATE_PATIENCE;
pub use dispatcher::{Allowed, Answer, Ask, Dispatcher, DispatcherLimits, Line, OnUnknown, Said};
pub use journeyman_store::deployments::StoredSource;
pub use journeyman_store::outbox::{Claimed, Outcome, Started, Whose};
pub use journeyman_store::queues::Queue as HeldQueue;
pub use journeyman_store::slices::Held;
pub use marks::FULL_SCAN;
pub use portion::STRANGERS;
pub use worker::{Done, Worker, WorkerLimits};

/// The two times a machine is told with every reply.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Shop time.
    pub shop: ShopTime,
    /// Machine time, since whatever moment the driver chose.
    pub machine: Duration,
}

/// What a worker asks of its driver. Between [`Request::Begin`] and [`Request::Commit`] or [`Request::Rollback`] stands
/// one transaction.
#[derive(Clone, Debug)]
pub enum Request {
    /// Renew the slices held and take a fair share of those that are free.
    Lease {
        /// Who asks.
        worker: Uuid,
    },
    /// Give up all slices.
    Release {
        /// Who leaves.
        worker: Uuid,
    },
    /// Begin a transaction; its first statement is the fence: are these slices still mine?
    Begin {
        /// Who asks.
        worker: Uuid,
        /// What it believes to hold.
        held: Vec<Held>,
    },
    /// The sources of a deployment.
    Deployment(i64),
    /// Waiting inputs of one lane, by the marks of each shard.
    ReadIntake {
        /// Which lane.
        lane: Lane,
        /// Shards and the low-water mark of each.
        from: Vec<(Shard, i64)>,
        /// At most so many of one shard.
        per_shard: usize,
        /// At most so many in all.
        total: usize,
    },
    /// Wake-ups that are due, by the marks of each shard.
    ReadDue {
        /// Shards and the low-water mark of each.
        from: Vec<(Shard, ShopTime)>,
        /// Due by now.
        now: ShopTime,
        /// At most so many of one shard.
        per_shard: usize,
        /// At most so many in all.
        total: usize,
    },
    /// The state of these people.
    Load {
        /// Who, each once.
        people: Vec<PersonId>,
        /// Whether counters are asked for.
        features: bool,
    },
    /// Products as they are now, and the number of the catalog that says so.
    Products {
        /// Which, each once.
        ids: Vec<Arc<str>>,
    },
    /// Write the batch and commit it.
    Commit(Box<Write>),
    /// End the transaction with nothing written.
    Rollback,
    /// Nothing to do: until the doorbell rings, or so long.
    Rest(Duration),
}

/// What the driver answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The machine has just begun.
    Start,
    /// What is held now.
    Leased(Vec<Held>),
    /// Nothing is held any more.
    Released,
    /// The transaction stands, or the fence has found slices gone.
    Begun {
        /// Whether all slices asked for are held.
        held: bool,
        /// The number of the current deployment, 0 where there is none.
        deployment: i64,
    },
    /// A deployment's sources.
    Deployment(Vec<StoredSource>),
    /// The deployment asked for, where the driver has compiled it before.
    Plans(Arc<Plans>),
    /// Waiting inputs, shard by shard in the order of `seq`.
    Intake(Vec<Arrived>),
    /// Wake-ups, shard by shard in the order of their moments.
    Due(Vec<Due>),
    /// People, each once; somebody who does not exist is missing.
    People(Vec<StoredPerson>),
    /// Products, each once, and the number of the catalog; one that is not there is missing.
    Products(i64, Vec<(Arc<str>, Item)>),
    /// The batch stands.
    Committed,
    /// The transaction is ended.
    RolledBack,
    /// Rested; for these shards the bell has rung.
    Rested(ShardSet),
    /// The request failed, and with it the transaction, which is rolled back; of a commit nobody knows.
    Failed(Fault),
}

/// Why a request failed, by what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The database is away: later.
    Unavailable,
    /// Broken off by a conflict: again.
    Busy,
    /// The database refuses a value of this batch: somebody's input is at fault.
    Refused,
}
