//! Against programs nobody here wrote, and things only root can do to a machine. `.ci/run` installs what they need.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

#[path = "../harness/harness.rs"]
mod harness;

mod client;
mod console;
mod disk_full;
mod docs;
mod mail;
mod relay;
mod segment;
mod signed;
mod wheel;
