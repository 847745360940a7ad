//! Every test that needs Postgres, in one binary on one private cluster.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

#[path = "../harness/harness.rs"]
mod harness;

mod bad_input;
mod checker;
mod commands;
mod identity;
mod imports;
mod ingest;
mod intake;
mod kill;
mod outage;
mod schema;
mod serve;
