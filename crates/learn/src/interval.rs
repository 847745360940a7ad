//! How well a share is known.

/// The score interval of a share, 95 %: where the share may lie of which `hits` of `tries` are a sample (Wilson, Journal of the
/// American Statistical Association 22, 1927, equation 4 with z = 1.96). Both ends between 0 and 1; `None` of no tries.
pub fn wilson(hits: u64, tries: u64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    if tries == 0 {
        return None;
    }
    let many = tries as f64;
    let share = hits.min(tries) as f64 / many;
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * many);
    let half = Z * (share * (1.0 - share) / many + z2 / (4.0 * many * many)).sqrt();
    let scale = 1.0 + z2 / many;
    Some((((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::wilson;

    #[test]
    fn is_what_the_books_have() {
        // Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
        for (hits, tries, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let (found_low, found_high) = wilson(hits, tries).unwrap();
            assert!((found_low - low).abs() < 5e-5 && (found_high - high).abs() < 5e-5, "{hits} of {tries}");
        }
        assert_eq!(wilson(0, 0), None);
    }
}
