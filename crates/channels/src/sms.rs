//! Text messages: Twilio, and any gateway that a configuration describes.

pub mod gateway;
pub mod segments;
pub mod twilio;

pub use segments::{Segments, segments};

use crate::Refusal;

/// How long a message may be, in parts as networks carry them; a person pays attention, and the shop money, for each.
pub const SEGMENTS: usize = 10;

/// Words as they may leave.
///
/// # Errors
/// A [`Refusal`] of nothing at all, of characters that no telephone shows, of more than [`SEGMENTS`] parts.
pub(crate) fn checked(text: &str) -> Result<&str, Refusal> {
    let refused = |detail: String| Err(Refusal::new("text", detail));
    if text.trim().is_empty() {
        return refused("a text message says something".to_owned());
    }
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r')) {
        return refused("has a control character".to_owned());
    }
    let parts = segments(text).count;
    if parts > SEGMENTS {
        return refused(format!("takes {parts} parts, and a message has {SEGMENTS} at most"));
    }
    Ok(text)
}
