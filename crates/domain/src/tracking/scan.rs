//! What JSON allows and Postgres's `jsonb` does not.

use super::{DEPTH, NUMBER_CHARACTERS};
use crate::{Reason, Reject};

/// The largest decimal exponent, which a double still holds; `jsonb` refuses far larger ones and writes all digits
/// of smaller ones.
const EXPONENT: u32 = 308;

/// Goes once through the text of a JSON value whose syntax was checked.
pub(super) fn scan(field: &str, json: &str) -> Result<(), Reject> {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string(field, json, at + 1)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH {
                    let detail = format!("nested deeper than {DEPTH} levels. Flatten it.");
                    return Err(Reject::new(field, Reason::TooDeep, detail));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => at = number(field, json, at)?,
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// From the first byte inside a string to its closing quote, whose place is returned.
fn string(field: &str, json: &str, mut at: usize) -> Result<usize, Reject> {
    let bytes = json.as_bytes();
    while at < bytes.len() && bytes[at] != b'"' {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        if bytes.get(at + 1) != Some(&b'u') {
            at += 2;
            continue;
        }
        match unit(json, at) {
            Some(0) => {
                let detail = format!("\\u0000 {}. No text can hold it; leave it out.", place(json, at));
                return Err(Reject::new(field, Reason::NulCharacter, detail));
            }
            Some(0xd800..=0xdbff) if matches!(unit(json, at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                let detail = format!("half of a surrogate pair {}. Send whole characters.", place(json, at));
                return Err(Reject::new(field, Reason::LoneSurrogate, detail));
            }
            _ => at += 6,
        }
    }
    Ok(at)
}

/// The code unit of the escape `\uXXXX` that begins at `at`, if one does.
fn unit(json: &str, at: usize) -> Option<u16> {
    let escape = json.as_bytes().get(at..at + 6)?;
    let hex = escape.strip_prefix(b"\\u").and_then(|hex| std::str::from_utf8(hex).ok())?;
    u16::from_str_radix(hex, 16).ok()
}

/// From a number's first digit to its last character, whose place is returned.
fn number(field: &str, json: &str, at: usize) -> Result<usize, Reject> {
    let rest = &json[at..];
    let length =
        rest.find(|c: char| !matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-')).unwrap_or(rest.len());
    let exponent = rest[..length].split_once(['e', 'E']).map_or("", |(_, exponent)| exponent);
    let exponent = exponent.trim_start_matches(['+', '-']).trim_start_matches('0');
    let exponent = if exponent.is_empty() { Ok(0) } else { exponent.parse::<u32>() };
    if length <= NUMBER_CHARACTERS && exponent.is_ok_and(|exponent| exponent <= EXPONENT) {
        return Ok(at + length - 1);
    }
    let detail = format!(
        "a number {} is beyond 1e{EXPONENT} or {NUMBER_CHARACTERS} characters. Send it shorter, or as text.",
        place(json, at)
    );
    Err(Reject::new(field, Reason::NumberOutOfRange, detail))
}

fn place(json: &str, at: usize) -> String {
    format!("at character {}", json[..at].chars().count() + 1)
}
