//! How wide text is: near enough for boxes that hold it in whatever font a machine has. No font is read.

/// The width of a text in a proportional font, in pixels at a size of `px`. On the wide side of what common fonts take.
pub(super) fn width(text: &str, px: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * px
}

/// The same in a fixed font.
pub(super) fn fixed(text: &str, px: f64) -> f64 {
    text.chars().map(|letter| if is_wide(letter) { 1.2 } else { 0.605 }).sum::<f64>() * px
}

fn em(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '·' => 0.3,
        ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 0.38,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.92,
        'A'..='Z' => 0.7,
        letter if is_wide(letter) => 1.1,
        _ => 0.58,
    }
}

/// Letters as wide as high.
fn is_wide(letter: char) -> bool {
    letter > '\u{1100}' && !('\u{2000}'..='\u{2bff}').contains(&letter)
}

/// Broken into lines no wider than `most`, at spaces where there are any; at most `lines`, the last cut where there is more.
pub(super) fn wrap(text: &str, most: f64, lines: usize, width: impl Fn(&str) -> f64) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer) <= most {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            wrapped.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            let longer = format!("{line}{letter}");
            if width(&longer) > most && !line.is_empty() {
                wrapped.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    if !line.is_empty() || wrapped.is_empty() {
        wrapped.push(line);
    }
    if wrapped.len() > lines {
        wrapped.truncate(lines);
        if let Some(last) = wrapped.last_mut() {
            *last = cut(&format!("{last}…"), most, &width);
        }
    }
    wrapped
}

/// The beginning of a text, no wider than `most`.
pub(super) fn cut(text: &str, most: f64, width: impl Fn(&str) -> f64) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut cut: String = text.trim_end_matches('…').to_owned();
    while !cut.is_empty() && width(&format!("{cut}…")) > most {
        cut.pop();
    }
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> f64 {
        text.chars().count() as f64
    }

    #[test]
    fn text_is_broken_at_spaces_and_words_where_they_are_too_long() {
        for (text, most, lines, expected) in [
            ("one two three", 7.0, 9, &["one two", "three"][..]),
            ("abcdefghij", 4.0, 9, &["abcd", "efgh", "ij"]),
            ("a bcdefg", 4.0, 9, &["a", "bcde", "fg"]),
            ("one two three", 7.0, 1, &["one tw…"]),
            ("", 7.0, 1, &[""]),
            ("ä ö ü", 1.0, 2, &["ä", "…"]),
        ] {
            assert_eq!(wrap(text, most, lines, count), expected, "{text}");
        }
        assert_eq!((cut("abc", 3.0, count), cut("abcd", 3.0, count)), ("abc".to_owned(), "ab…".to_owned()));
    }
}
