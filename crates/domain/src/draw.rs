//! Chance as a hash: no draw depends on another, and the same history draws the same everywhere.

use crate::digest::first_128;

/// A number in [0, 1), uniform over keys, of `purpose`: 53 bits of the SHA-256 of the parts. For what must stick, the
/// purpose is (seed, step id); the person enters by their assignment key alone.
pub fn draw(assignment_key: i64, purpose: &[&str]) -> f64 {
    let key = assignment_key.to_be_bytes();
    let parts: Vec<&[u8]> =
        std::iter::once(key.as_slice()).chain(purpose.iter().map(|part| part.as_bytes())).collect();
    // The top 53 bits of 128, as many as a double holds exactly.
    (first_128(&parts) >> 75) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_and_independent_by_purpose() {
        let share = |purpose: &[&str]| (0..20_000).filter(|key| draw(*key, purpose) < 0.1).count();
        assert!((1_850..2_150).contains(&share(&["welcome", "holdout"])));
        let both = |key: &i64| draw(*key, &["a", "holdout"]) < 0.5 && draw(*key, &["b", "holdout"]) < 0.5;
        assert!((4_800..5_200).contains(&(0..20_000).filter(both).count()));
        // Parts are hashed with their lengths.
        assert_ne!(draw(1, &["ab", "c"]), draw(1, &["a", "bc"]));
    }

    #[test]
    fn draws_are_pinned() {
        assert_eq!(format!("{:.12}", draw(1, &["welcome", "holdout"])), GOLDEN);
    }

    const GOLDEN: &str = "0.319817800829";
}
