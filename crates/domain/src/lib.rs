#![doc = include_str!("../README.md")]

pub mod actor;
pub mod backfill;
pub mod batch;
pub mod content;
pub mod decision;
mod digest;
mod draw;
mod event;
pub mod expr;
mod id;
mod identity;
pub mod link;
pub mod merge;
pub mod people;
pub mod person;
pub mod plan;
mod refusal;
mod reject;
pub mod replay;
pub mod row;
mod shard;
pub mod template;
mod time;
pub mod tracking;
pub mod value;

pub use digest::{FileDigest, SeenKey};
pub use draw::draw;
pub use event::{Event, Kind};
pub use id::{EventId, MessageId, PersonId};
pub use identity::{Identity, IdentityKind, assignment_key};
pub use refusal::{Refusal, Refused};
pub use reject::{Reason, Reject};
pub use shard::{Lane, SHARDS, SLICES, Shard, ShardSet};
pub use time::{ShopClock, ShopTime};
