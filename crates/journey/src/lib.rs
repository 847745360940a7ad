#![doc = include_str!("../README.md")]

mod block;
mod broadcast;
mod canonical;
mod check;
pub mod compare;
pub mod describe;
mod diagnostic;
pub mod explain;
mod expr;
pub mod fix;
pub mod format;
pub mod graph;
mod journey;
mod lint;
mod literal;
mod policies;
pub mod schema;
mod segment;
mod snippet;
mod source;
mod templates;
pub mod testing;
mod tracking;
mod tree;
mod words;

pub use check::{Checked, Kind, Version, check, pinned, policies, stored};
pub use diagnostic::{CODES, Code, Diagnostic, Severity, Span};
pub use lint::lints;
pub use source::{FILE_BYTES, Source};
pub use templates::{Templates, template_faults};

#[cfg(test)]
mod tests;
