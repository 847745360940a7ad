#![doc = include_str!("../README.md")]

mod copy;
mod error;
pub mod imports;
pub mod ingest;
pub mod installation;
pub mod intake;
mod migrate;
pub mod partitions;
mod people;
mod pool;
pub mod retention;
mod row;
mod statements;

pub use error::Error;
pub use migrate::{MIGRATIONS, migrate};
pub use pool::{Durability, Limits, connect, durability, options};
pub use statements::STATEMENTS;
