#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "the loops run on machine time")]

pub mod apply;
pub mod deploy;
mod doorbell;
mod drive;
pub mod machine;
pub mod models;
pub mod outlet;
pub mod past;

pub use doorbell::Doorbell;
pub use drive::tell::{Step, Teller};
pub use drive::{CHURN, Counts, Engine, Pools, Taught, Teacher, WORKERS};
