//! The small forms of the grammar: DUR, PCT, RATE, MONEY, HH:MM, names. Text in, a value or a sentence out.

mod address;
mod when;

use std::sync::Arc;

use jiff::civil::Time;
use journeyman_domain::plan::{Hours, Rate};
use journeyman_domain::value::Span;

pub(crate) use address::{address, base, locale};
pub(crate) use when::{date_time, days_of, when, zone};

/// The longest duration, days: a hundred years.
pub const LONGEST_DAYS: i64 = 36_525;
/// The longest name, characters.
pub const NAME_LENGTH: usize = 80;
/// The longest name of an event, and the longest text of a variable, bytes.
pub const TEXT_BYTES: usize = 1_000;

/// Why something is not what it should be, and how it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

const DURATION_HELP: &str = "write a whole number and s, m, h, d or w: 45m, 12h, 3d, 2w";

/// `45m`; never nothing, never beyond [`LONGEST_DAYS`].
pub(crate) fn duration(text: &str) -> Result<Span, Fault> {
    let not = || Fault::new(format!("`{}` is no duration", short(text)), DURATION_HELP);
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(not)?;
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(not()),
    };
    if number.is_empty() {
        return Err(not());
    }
    let too_long =
        || Fault::new(format!("`{}` is too long", short(text)), "a duration has at most 100 years: 36525d");
    let number: i64 = number.parse().map_err(|_| too_long())?;
    if number == 0 {
        return Err(Fault::new("a duration of nothing", "leave it out, or write at least 1s"));
    }
    let all = number.checked_mul(seconds).filter(|all| *all <= LONGEST_DAYS * 86_400).ok_or_else(too_long)?;
    Ok(match unit {
        "d" | "w" => Span::Days(i32::try_from(all / 86_400).map_err(|_| too_long())?),
        _ => Span::seconds(all),
    })
}

/// `10%` as 0.1, from 0% to 100%.
pub(crate) fn percent(text: &str) -> Result<f64, Fault> {
    let not = || {
        Fault::new(
            format!("`{}` is no percentage", short(text)),
            "write a number and %, from 0% to 100%: 10%",
        )
    };
    let number = text.strip_suffix('%').ok_or_else(not)?;
    if !decimal(number) {
        return Err(not());
    }
    match hundredth(number) {
        Some(share) if share <= 1.0 => Ok(share),
        _ => Err(not()),
    }
}

/// A hundredth of a decimal number, as near as its digits say: 33.3 is 0.333.
pub(crate) fn hundredth(number: &str) -> Option<f64> {
    format!("{number}e-2").parse().ok().filter(|share: &f64| share.is_finite())
}

/// Digits, and perhaps a point and digits.
pub(crate) fn decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}

/// `2 per 7d`
pub(crate) fn rate(text: &str) -> Result<Rate, Fault> {
    let not = || Fault::new(format!("`{}` is no rate", short(text)), "write how many per how long: 2 per 7d");
    let mut words = text.split_whitespace();
    let (Some(count), Some("per"), Some(per), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(not());
    };
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not());
    }
    match count.parse() {
        Ok(0) => Err(Fault::new("a rate of nothing", "leave it out, or write at least 1")),
        Ok(count) => Ok(Rate { count, per: duration(per)? }),
        Err(_) => Err(not()),
    }
}

/// `09:00`
pub(crate) fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| {
        let right = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        right.then(|| part.parse().ok()).flatten()
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

/// `20:00-09:00`
pub(crate) fn hours(text: &str) -> Result<Hours, Fault> {
    let help = "write from and to: 20:00-09:00";
    let parsed = text.split_once('-').and_then(|(from, to)| Some((clock(from.trim())?, clock(to.trim())?)));
    match parsed {
        Some((from, to)) if from == to => Err(Fault::new("hours that end where they begin", help)),
        Some((from, to)) => Ok(Hours { from, to }),
        None => Err(Fault::new(format!("`{}` are no hours of the day", short(text)), help)),
    }
}

/// Lower-case letters, digits, `-` and `_`, beginning with a letter or digit.
pub(crate) fn name(text: &str) -> Result<Arc<str>, Fault> {
    let help = "a name has lower-case letters, digits and `-`: cart-reminder";
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if text.is_empty() || !text.bytes().all(inside) || text.starts_with(['-', '_']) {
        return Err(Fault::new(format!("`{}` is no name", short(text)), help));
    }
    if text.len() > NAME_LENGTH {
        return Err(Fault::new(format!("a name has at most {NAME_LENGTH} characters"), "shorten it"));
    }
    Ok(text.into())
}

/// A name that expressions can speak of: lower-case letters, digits and `_`, beginning with a letter.
pub(crate) fn snake(text: &str) -> Result<Arc<str>, Fault> {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) || !text.bytes().all(inside) {
        let better = text.to_lowercase().replace(['-', ' ', '.'], "_");
        let help = "lower-case letters, digits and `_`, a letter first".to_owned();
        let usable =
            better.starts_with(|first: char| first.is_ascii_lowercase()) && better.bytes().all(inside);
        let help = if usable { format!("write `{}`: {help}", short(&better)) } else { help };
        return Err(Fault::new(format!("`{}` can't stand in expressions", short(text)), help));
    }
    name(text)
}

/// A text of a sentence, shortened so that it can stand in a message.
pub(crate) fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
