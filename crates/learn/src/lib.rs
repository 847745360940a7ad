#![doc = include_str!("../README.md")]

pub mod bg_nbd;
pub mod channel;
pub mod churn;
pub mod gamma_gamma;
mod history;
mod holdout;
pub mod interval;
pub mod lesson;
mod minimum;
pub mod send_time;
mod snapshot;
mod special;

pub use history::{Buyer, Histories, Purchase};
pub use holdout::{Holdout, Week, weeks_of};
pub use snapshot::{Fitted, STALE_DAYS, Snapshot};
