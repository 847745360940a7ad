//! The language, rule by rule: each case a story and what is told of it. What is expected follows from LANGUAGE.md.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod caps;
mod carts;
mod consent;
mod enter;
mod goals;
mod guards;
mod holdout;
mod idle;
mod keys;
mod lanes;
mod late;
mod learned;
mod legs;
mod missing;
mod moments;
mod order;
mod policies;
mod scopes;
mod shipped;
mod stage;
mod sweep;
mod time;
mod versions;
mod waits;
