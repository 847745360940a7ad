//! Scores: what is learned of a person, told them by an event and kept among their traits.
//!
//! Kept there they are written when they change, merged by the later word, asked by expressions and by SQL, and applied
//! again from the journal, all as traits are. No identify can say them: their name is of ours alone.

use crate::expr::Type;

/// The event by which scores come: one of ours, as everything we compute is. Its properties are [`FIELDS`].
pub const SCORED: &str = "Scores Computed";
/// The event that a person's band became another one: its properties are [`FIELDS`] as they are now, and `was`, the band
/// before, where there was one.
pub const CHANGED: &str = "Score Changed";
/// The trait that holds them. `$` is no letter of the language: expressions come here by `scores.` alone.
pub const TRAIT: &str = "$scores";
/// The root of expressions.
pub const ROOT: &str = "scores";
/// The band in [`FIELDS`].
pub const BAND: &str = "churn_band";
/// The risk in [`FIELDS`], 0 to 1.
pub const CHURN: &str = "churn";
/// The band of somebody who has just bought.
pub const LOW: &str = "low";
/// The bands there are, the lowest first.
pub const BANDS: [&str; 3] = [LOW, "medium", "high"];

/// What scores there are, in the order in which `jsonb` keeps them, so that what was read again equals what was said.
pub const FIELDS: [(&str, Type); 7] = [
    // What they are expected to spend in the next 365 days.
    ("clv", Type::Money),
    // How likely they are still a customer, 0 to 1.
    ("alive", Type::Number),
    // How far their silence is beyond their own rhythm, 0 to 1.
    (CHURN, Type::Number),
    // Which model says so, or which rule.
    ("model", Type::Text),
    // Of `clv`.
    ("currency", Type::Text),
    (BAND, Type::Text),
    // How many purchases are expected of them in the next 90 days.
    ("expected_90d", Type::Number),
];
