//! Telephone numbers as they may stand on the wire: E.164.

use crate::Refusal;

/// A number as it goes on the wire: `+` and 8 to 15 digits (E.164). What people write between them is left out.
///
/// # Errors
/// A [`Refusal`] of `field` where it is none: no `+` and country, letters, too short, too long.
pub fn checked(field: &'static str, number: &str) -> Result<String, Refusal> {
    let refused = |detail: &str| Err(Refusal::new(field, detail));
    let Some(rest) = number.trim().strip_prefix('+') else {
        return refused("a number begins with + and its country: +49…");
    };
    if rest.chars().any(|letter| !(letter.is_ascii_digit() || " -./()\u{a0}".contains(letter))) {
        return refused("a number has digits, and nothing else but spaces, dashes, dots and brackets");
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    if !(8..=15).contains(&digits.len()) || digits.starts_with('0') {
        return refused("a number has its country and 8 to 15 digits in all (E.164)");
    }
    Ok(format!("+{digits}"))
}

/// The digits of a number, by which two ways of writing it are one.
pub fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_or_refused_with_a_reason() {
        for (written, wire) in [
            ("+4915112345678", "+4915112345678"),
            (" +49 (151) 123-456.78 ", "+4915112345678"),
            ("+1 202 555 0143", "+12025550143"),
        ] {
            assert_eq!(checked("to", written).unwrap(), wire);
        }
        for (written, why) in [
            ("", "begins with +"),
            ("015112345678", "begins with +"),
            ("0049151123456", "begins with +"),
            ("+49 151 CALL ME", "digits"),
            ("+4915112345678\r\n", ""),
            ("+49", "8 to 15"),
            ("+0123456789", "8 to 15"),
            ("+4915112345678901", "8 to 15"),
        ] {
            match checked("to", written) {
                Ok(wire) => assert_eq!((why, wire.as_str()), ("", "+4915112345678"), "{written:?}"),
                Err(refusal) => {
                    assert!(!why.is_empty() && refusal.detail.contains(why), "{written:?}: {refusal}")
                }
            }
        }
    }
}
