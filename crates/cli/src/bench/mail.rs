//! Benches of the mail: how fast it leaves, how soon after its event, and how fast whole lives go from an event to the click
//! that comes back.

mod cpu;
mod house;
pub mod latency;
pub mod life;
mod relay;
pub mod send;
mod shop;
mod sink;

use std::path::PathBuf;

pub use relay::Dkim;

/// What the three have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many connections to the server that takes the mail.
    pub connections: usize,
    /// Postfix's smtp-sink; `None` looks for it.
    pub smtp_sink: Option<PathBuf>,
    /// Whether mail is signed.
    pub dkim: Dkim,
}

/// What the database is, for a report.
fn server(durability: &journeyman_store::Durability) -> String {
    format!("PostgreSQL {}, fsync {}", durability.version, if durability.fsync { "on" } else { "OFF" })
}
