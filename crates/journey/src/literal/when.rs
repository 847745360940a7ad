//! `WHEN`: `[DATE | DAYS] HH:MM [ZONE]`.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use journeyman_domain::plan::{Days, When};

use super::{Fault, clock, short};

const HELP: &str = "write a clock time and perhaps days before it: 09:00, weekdays 09:00, monday 09:00, month 1 09:00, \
                    2026-11-27 08:00 Europe/Berlin";
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// A moment of the calendar.
pub(crate) fn when(text: &str) -> Result<When, Fault> {
    let spaced = text.replace(',', " , ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let Some(at) = words.iter().position(|word| word.contains(':')) else {
        return Err(Fault::new(format!("`{}` has no clock time", short(text)), HELP));
    };
    let (before, after) = words.split_at(at);
    let time = words.get(at).copied().and_then(clock);
    let Some(time) = time else {
        let written = words.get(at).copied().unwrap_or("");
        return Err(Fault::new(
            format!("`{}` is no clock time", short(written)),
            "write two digits each, from 00:00 to 23:59",
        ));
    };
    let zone = match after.get(1..).unwrap_or(&[]) {
        [] => None,
        [name] => Some(self::zone(name)?),
        more => return Err(Fault::new(format!("`{}` is too much", short(&more.join(" "))), HELP)),
    };
    Ok(When { days: days(before, text)?, at: time, zone })
}

/// `weekdays`: days without a clock time.
pub(crate) fn days_of(text: &str) -> Result<Days, Fault> {
    let spaced = text.replace(',', " , ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    match days(&words, text) {
        Ok(days) if !words.is_empty() && !matches!(days, Days::Date(_)) => Ok(days),
        _ => Err(Fault::new(
            format!("`{}` are no days", short(text)),
            "write weekdays, weekends, some by name (monday, friday), or a day of the month: month 1",
        )),
    }
}

fn days(words: &[&str], text: &str) -> Result<Days, Fault> {
    let not = || Fault::new(format!("`{}` is no moment of the calendar", short(text)), HELP);
    match words {
        [] | ["day"] => Ok(Days::Every),
        ["weekdays"] => Ok(Days::Week(week(0..5))),
        ["weekends"] => Ok(Days::Week(week(5..7))),
        ["month", day] => match day.parse::<i8>() {
            Ok(day @ 1..=31) => Ok(Days::Month(day)),
            _ => Err(Fault::new(format!("`{}` is no day of a month", short(day)), "write 1 to 31")),
        },
        [date] if date.starts_with(|first: char| first.is_ascii_digit()) => {
            self::date(date).map(Days::Date).ok_or_else(|| {
                Fault::new(format!("`{}` is no date", short(date)), "write year-month-day: 2026-11-27")
            })
        }
        names => {
            let mut chosen = Vec::new();
            for (nth, word) in names.iter().enumerate() {
                match (nth % 2, *word) {
                    (1, ",") => {}
                    (0, name) => {
                        chosen.push(WEEKDAYS.iter().position(|(known, _)| *known == name).ok_or_else(not)?)
                    }
                    _ => return Err(not()),
                }
            }
            if names.len() % 2 == 0 {
                return Err(not());
            }
            chosen.sort_unstable();
            chosen.dedup();
            Ok(Days::Week(chosen.into_iter().flat_map(|nth| week(nth..nth + 1)).collect()))
        }
    }
}

fn week(days: std::ops::Range<usize>) -> Vec<Weekday> {
    WEEKDAYS.get(days).unwrap_or(&[]).iter().map(|(_, day)| *day).collect()
}

/// `2026-11-27`
fn date(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// `2026-11-27 00:00`
pub(crate) fn date_time(text: &str) -> Result<DateTime, Fault> {
    let mut words = text.split_whitespace();
    let parsed = match (words.next().and_then(date), words.next().and_then(clock), words.next()) {
        (Some(date), Some(time), None) => Some(date.to_datetime(time)),
        _ => None,
    };
    let help = "write date and clock time: 2026-11-27 00:00";
    parsed.ok_or_else(|| Fault::new(format!("`{}` is no moment", short(text)), help))
}

/// An IANA zone.
pub(crate) fn zone(name: &str) -> Result<TimeZone, Fault> {
    TimeZone::get(name).map_err(|_| {
        Fault::new(format!("`{}` is no time zone", short(name)), "write one such as Europe/Berlin")
    })
}
