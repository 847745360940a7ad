//! The language, rule by rule: each case a story and what is told of it. What is expected follows from LANGUAGE.md.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod calendar;
mod calls;
mod caps;
mod carts;
mod causes;
mod consent;
mod described;
mod each;
mod enter;
mod goals;
mod guards;
mod holdout;
mod holds;
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
mod repeats;
mod scopes;
mod shipped;
mod snippets;
mod stage;
mod stored;
mod sweep;
mod tested;
mod time;
mod turns;
mod variants;
mod versions;
mod waits;
mod watched;
mod windows;
