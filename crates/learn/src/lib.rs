#![doc = include_str!("../README.md")]

pub mod bg_nbd;
pub mod churn;
pub mod gamma_gamma;
mod history;
mod holdout;
pub mod lesson;
mod minimum;
mod special;

pub use history::{Buyer, Histories, Purchase};
pub use holdout::{Holdout, Week, weeks_of};
