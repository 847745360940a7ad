//! How many parts a text takes: GSM 03.38's alphabet of 7 bits, else UCS-2 (3GPP TS 23.038 6.2, 23.040 9.2.3.24.1).

/// What a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// Whether each character is one of the GSM alphabet.
    pub gsm7: bool,
    /// Units of it: septets, or UTF-16 code units.
    pub units: usize,
    /// Parts; 0 of an empty text.
    pub count: usize,
}

/// The alphabet, one septet each.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension, two septets each: an escape before it.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";
/// One part alone, and one of several, whose header takes six bytes: septets, code units.
const SEPTETS: (usize, usize) = (160, 153);
const UNITS: (usize, usize) = (70, 67);

/// Counts the parts of a text. Neither an escape nor a surrogate pair is torn apart.
pub fn segments(text: &str) -> Segments {
    let septets = |letter: char| match letter {
        letter if BASIC.contains(letter) => Some(1),
        letter if EXTENDED.contains(letter) => Some(2),
        _ => None,
    };
    let gsm7 = text.chars().all(|letter| septets(letter).is_some());
    let widths =
        text.chars().map(|letter| if gsm7 { septets(letter).unwrap_or(1) } else { letter.len_utf16() });
    let units: usize = widths.clone().sum();
    let (alone, several) = if gsm7 { SEPTETS } else { UNITS };
    if units <= alone {
        return Segments { gsm7, units, count: usize::from(units > 0) };
    }
    let (mut count, mut used) = (1, 0);
    for width in widths {
        if used + width > several {
            (count, used) = (count + 1, 0);
        }
        used += width;
    }
    Segments { gsm7, units, count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_as_networks_do() {
        let check = |text: &str, gsm7: bool, units: usize, count: usize| {
            assert_eq!(segments(text), Segments { gsm7, units, count }, "{text:?}");
        };
        check("", true, 0, 0);
        check("Hello @ £", true, 9, 1);
        check(&"a".repeat(160), true, 160, 1);
        check(&"a".repeat(161), true, 161, 2);
        check(&"a".repeat(306), true, 306, 2);
        check(&"a".repeat(307), true, 307, 3);
        // An extension takes two, and stays whole: 152 + 1 would tear it.
        check("€", true, 2, 1);
        check(&"€".repeat(80), true, 160, 1);
        check(&format!("{}€{}", "a".repeat(152), "b".repeat(152)), true, 306, 3);
        check(&format!("{}€{}", "a".repeat(151), "b".repeat(153)), true, 306, 2);
        // One letter outside makes all of it UCS-2.
        check("ç", false, 1, 1);
        check(&"ł".repeat(70), false, 70, 1);
        check(&"ł".repeat(71), false, 71, 2);
        check(&"ł".repeat(134), false, 134, 2);
        check(&"ł".repeat(135), false, 135, 3);
        check("🛒", false, 2, 1);
        check(&format!("{}🛒{}", "ł".repeat(66), "ł".repeat(66)), false, 134, 3);
        check("Grüße, Straße", true, 13, 1);
    }

    #[test]
    fn the_alphabet_is_whole() {
        let mut letters: Vec<char> = BASIC.chars().collect();
        // 128 places but the escape.
        assert_eq!(letters.len(), 127);
        letters.extend(EXTENDED.chars());
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), 137);
    }
}
