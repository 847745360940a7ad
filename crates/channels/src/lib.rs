#![doc = include_str!("../README.md")]

pub mod address;
pub mod bounce;
pub mod call;
pub mod codec;
pub mod dkim;
pub mod email;
mod errors;
pub mod http;
pub mod phone;
pub mod push;
pub mod sms;
pub mod smtp;
mod verdict;
pub mod webhook;
pub mod whatsapp;

#[cfg(test)]
mod conformance;

pub use verdict::{DETAIL_BYTES, Reason, Refusal, Verdict};
