#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "the loops run on machine time")]

mod doorbell;
mod event_log;
mod reader;

pub use doorbell::Doorbell;
pub use event_log::{EventLog, PostgresLog};
pub use reader::{FULL_SCAN, Reader};
