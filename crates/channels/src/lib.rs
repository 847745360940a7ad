#![doc = include_str!("../README.md")]

pub mod address;
pub mod bounce;
pub mod dkim;
pub mod email;
pub mod smtp;
mod verdict;

pub use verdict::{DETAIL_BYTES, Reason, Refusal, Verdict};
