#![doc = include_str!("../README.md")]

pub mod channel;
pub mod send_time;
mod snapshot;

pub use snapshot::{Fitted, STALE_DAYS, Snapshot};
