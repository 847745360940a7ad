#![doc = include_str!("../README.md")]

pub mod backtest;
pub mod chaos;
mod memory;
mod random;
pub mod shoppers;
pub mod simulate;
pub mod testing;
mod world;

pub use memory::{Catalog, Defect, LEASE, Memory, MessageState, Outgoing, Poison, Session};
pub use random::Random;
pub use world::World;
