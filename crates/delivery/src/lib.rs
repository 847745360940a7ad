#![doc = include_str!("../README.md")]

pub mod call;
pub mod http;
pub mod smtp;
