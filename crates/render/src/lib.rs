#![doc = include_str!("../README.md")]

mod email;
mod error;
mod expand;
mod expression;
mod files;
mod helper;
mod html;
mod lower;
mod markup;
mod mjml;
mod piece;
mod program;
mod report;
mod run;
mod sample;
mod scan;
mod settings;
mod signature;
mod speech;
mod spoken;
mod templates;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use email::{Plain, Tracking, Wording};
pub use error::{Error, Reason};
pub use files::{SOURCE_BYTES, TemplateFile};
pub use run::{OUTPUT_BYTES, STEPS};
pub use templates::{SUBJECT_BYTES, Templates};
