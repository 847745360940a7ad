//! The nearest right word.

/// The word of `known` that `word` was probably meant to be: at most a third of its letters away, the nearest first,
/// of equals the first in the order of the alphabet.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long words cost their square, and nobody mistypes a page.
    const LONGEST: usize = 80;
    if !(2..=LONGEST).contains(&word.chars().count()) {
        return None;
    }
    let lower = word.to_lowercase();
    let allowed = (lower.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| *candidate != word && candidate.chars().count() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The word of `known` that `word` is but for a letter or two: of names that may be anything, more is another name.
pub(crate) fn slip<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LETTERS: usize = 2;
    let near = nearest(word, known)?;
    (strsim::damerau_levenshtein(&near.to_lowercase(), &word.to_lowercase()) <= LETTERS).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_and_far() {
        let cases = [
            ("chanel", Some("channel")),
            ("widthin", Some("within")),
            ("Channel", Some("channel")),
            ("swtich", None),
            ("x", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, ["channel", "within", "wait"]), expected, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), ["channel"]), None);
    }
}
