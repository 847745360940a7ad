//! Storms over the store in memory, and a model of what journeys mean.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

mod backtest;
mod machines;
mod merges;
mod model;
mod properties;
mod shop;
mod storms;
mod written;
