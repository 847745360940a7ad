//! Intervals of shares and of their difference.

/// The normal quantile of 95 %.
const Z: f64 = 1.959_964;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) hits: u64,
    pub(super) of: u64,
}

impl Share {
    /// So many more, all of which are hits or none.
    pub(super) fn add(&mut self, hits: bool, more: u64) {
        self.of += more;
        self.hits += if hits { more } else { 0 };
    }

    /// From 0 to 1; `None` of nothing.
    pub(super) fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Where it may lie, 95 %: the score interval (Wilson, J. Amer. Statist. Assoc. 22, 1927).
    pub(super) fn wilson(self) -> Option<(f64, f64)> {
        let (share, of) = (self.value()?, self.of as f64);
        let middle = share + Z * Z / (2.0 * of);
        let width = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
        let whole = 1.0 + Z * Z / of;
        Some(((middle - width) / whole, (middle + width) / whole))
    }
}

/// A difference of two shares, and where it may lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// By how much the first share is larger, with its interval of 95 %: method 10 of Newcombe (Statistics in Medicine 17, 1998,
/// 873-890), made of the score intervals of the two. `None` where one of them is of nothing.
pub(super) fn difference(first: Share, second: Share) -> Option<Difference> {
    let (a, b) = (first.value()?, second.value()?);
    let ((a_low, a_high), (b_low, b_high)) = (first.wilson()?, second.wilson()?);
    let value = a - b;
    Some(Difference {
        value,
        low: value - ((a - a_low).powi(2) + (b_high - b).powi(2)).sqrt(),
        high: value + ((a_high - a).powi(2) + (b - b_low).powi(2)).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples (a) to (h) of Newcombe's table II, method 10, to four digits as printed there.
    #[test]
    fn the_intervals_are_the_published_ones() {
        let rows = [
            ((56, 70), (48, 80), (0.0524, 0.3339)),
            ((9, 10), (3, 10), (0.1705, 0.8090)),
            ((6, 7), (2, 7), (0.0582, 0.8062)),
            ((5, 56), (0, 29), (-0.0381, 0.1926)),
            ((0, 10), (0, 20), (-0.1611, 0.2775)),
            ((0, 10), (0, 10), (-0.2775, 0.2775)),
            ((10, 10), (0, 20), (0.6791, 1.0000)),
            ((10, 10), (0, 10), (0.6075, 1.0000)),
        ];
        for ((hits, of), (others, other_of), (low, high)) in rows {
            let got = difference(Share { hits, of }, Share { hits: others, of: other_of }).unwrap();
            assert!(
                (got.low - low).abs() < 0.000_06 && (got.high - high).abs() < 0.000_06,
                "{hits}/{of}: {got:?}"
            );
        }
        assert_eq!(difference(Share { hits: 0, of: 0 }, Share { hits: 1, of: 2 }), None);
    }
}
