#![doc = include_str!("../README.md")]

mod digest;
mod event;
mod id;
mod identity;
pub mod people;
mod reject;
mod shard;
mod time;
pub mod tracking;

pub use digest::{FileDigest, SeenKey};
pub use event::{Event, Kind};
pub use id::{EventId, PersonId};
pub use identity::{Identity, IdentityKind, assignment_key};
pub use reject::{Reason, Reject};
pub use shard::{Lane, SHARDS, SLICES, Shard, ShardSet};
pub use time::{ShopClock, ShopTime};
