//! Every test that needs Postgres, in one binary on one private cluster.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

#[path = "../harness/harness.rs"]
mod harness;

mod backtest;
mod bad_input;
mod calls;
mod catalog;
mod channels;
mod checker;
mod commands;
mod conformance;
mod console;
mod decisions;
mod demo;
mod engine;
mod identity;
mod imports;
mod ingest;
mod intake;
mod journeys;
mod kill;
mod learn;
mod lowering;
mod mail;
mod mail_commands;
mod merges;
mod outage;
mod plans;
mod schema;
mod send_time;
mod serve;
mod stop;
mod stops;
mod store_batch;
mod tracking;
mod watched;
