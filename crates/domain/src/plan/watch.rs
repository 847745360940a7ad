//! What begins runs without an event: who somebody is, a date of theirs, the calendar.

use std::sync::Arc;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::CronParser;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::{Condition, Days, When};
use crate::ShopTime;
use crate::value::{Span, Value};

/// The event that begins a run of `enter: segment`.
pub const ENTERED: &str = "Segment Entered";
/// The event that begins a run of `enter: left_segment`.
pub const LEFT: &str = "Segment Left";
/// The event that begins a run of `enter: date`.
pub const REACHED: &str = "Date Reached";
/// The event that begins a run of `enter: every`.
pub const FIRED: &str = "Schedule Fired";
/// At which clock time the anniversary of a bare date is, where `at` does not say.
const MORNING: Time = Time::constant(9, 0, 0, 0);

/// What of a person is watched, for a journey to begin on.
#[derive(Clone, Debug)]
pub struct Watch {
    /// What.
    pub what: Watched,
    /// As it was written, for people and for the name under which it is remembered: `date profile.birthday before 3d`.
    pub words: Arc<str>,
}

/// See [`Watch`].
#[derive(Clone, Debug)]
pub enum Watched {
    /// They come into a segment.
    Entered {
        /// Its name.
        segment: Arc<str>,
        /// Whether those who are in it when the journey goes live come too.
        existing: bool,
    },
    /// They leave a segment.
    Left {
        /// Its name.
        segment: Arc<str>,
    },
    /// A date of theirs comes round.
    Date(Anniversary),
    /// The calendar says so.
    Every {
        /// When.
        rhythm: Rhythm,
        /// Over how long people are spread; each always has the same place in it.
        spread: Option<Span>,
    },
}

impl Watched {
    /// The event that it makes.
    pub fn event(&self) -> &'static str {
        match self {
            Self::Entered { .. } => ENTERED,
            Self::Left { .. } => LEFT,
            Self::Date(_) => REACHED,
            Self::Every { .. } => FIRED,
        }
    }

    /// The segment that is asked about, where there is one.
    pub fn segment(&self) -> Option<&Arc<str>> {
        match self {
            Self::Entered { segment, .. } | Self::Left { segment } => Some(segment),
            Self::Date(_) | Self::Every { .. } => None,
        }
    }
}

/// A date of a person's, each year anew from the year it names.
#[derive(Clone, Debug)]
pub struct Anniversary {
    /// The date: a moment, or text that is a date or a moment.
    pub date: Condition,
    /// How long after it the run begins; negative is before.
    pub offset: Span,
    /// At which clock time; else the moment's own, of a bare date 09:00.
    pub at: Option<Time>,
    /// Whether 29 February is 1 March in other years, else 28 February.
    pub leap_forward: bool,
}

impl Anniversary {
    /// The first moment after `after` at which a run begins, and the anniversary that it is about; `value` is what the date
    /// is now. `None` of what is no date.
    pub fn next(&self, value: &Value, after: ShopTime, zone: &TimeZone) -> Option<(ShopTime, ShopTime)> {
        let (first, own) = dated(value, zone)?;
        let at = self.at.or(own).unwrap_or(MORNING);
        // The offset may reach over years.
        let reach = self.offset.nominal().as_hours() / 24 / 365;
        let year = i64::from(zone.to_datetime(after.timestamp()).year()) - reach;
        let years = year.saturating_sub(2).max(i64::from(first.year()))
            ..=year.saturating_add(2).max(i64::from(first.year()));
        years
            .filter_map(|year| {
                let day = self.in_year(first, i16::try_from(year).ok()?)?;
                let day =
                    zone.to_ambiguous_timestamp(day.to_datetime(at)).compatible().ok().map(ShopTime::new)?;
                Some((self.offset.after(day, zone), day))
            })
            .find(|(begins, _)| *begins > after)
    }

    fn in_year(&self, first: Date, year: i16) -> Option<Date> {
        let day = Date::new(year, first.month(), first.day()).ok();
        let leap = if self.leap_forward { (3, 1) } else { (2, 28) };
        day.or_else(|| Date::new(year, leap.0, leap.1).ok())
    }
}

/// The date of a value, and its clock time where it has one.
fn dated(value: &Value, zone: &TimeZone) -> Option<(Date, Option<Time>)> {
    let at = match value {
        Value::Text(text) => match text.parse::<Date>() {
            Ok(date) if text.len() <= 10 => return Some((date, None)),
            _ => crate::expr::time(text)?,
        },
        Value::Time(at) => *at,
        _ => return None,
    };
    // A date that went through JSON as a moment is midnight of UTC, wherever its person is.
    let utc = TimeZone::UTC.to_datetime(at.timestamp());
    if utc.time() == Time::MIN {
        return Some((utc.date(), None));
    }
    let local = zone.to_datetime(at.timestamp());
    Some((local.date(), Some(local.time())))
}

/// A rhythm of the calendar, on a person's clock.
#[derive(Clone, Debug)]
pub enum Rhythm {
    /// `monday 09:00`
    When(When),
    /// Five fields.
    Cron(Box<Cron>),
}

impl Rhythm {
    /// Reads a cron line of five fields: minute, hour, day of the month, month, weekday (0 and 7 are Sunday).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn cron(text: &str) -> Result<Self, String> {
        if text.split_whitespace().count() != 5 {
            return Err("a cron line has five fields: minute, hour, day, month, weekday".to_owned());
        }
        let read: Result<Cron, CronError> = CronParser::new().parse(text);
        read.map(|cron| Self::Cron(Box::new(cron))).map_err(|error| error.to_string())
    }

    /// The first such moment after `after`; `None` where there is none any more.
    pub fn next(&self, after: ShopTime, zone: &TimeZone) -> Option<ShopTime> {
        match self {
            Self::When(when) => {
                let from = after.saturating_add(jiff::SignedDuration::from_micros(1));
                Some(when.next(from, zone)).filter(|next| *next > after)
            }
            Self::Cron(cron) => {
                let from = after.timestamp().to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&from, false).ok()?;
                Some(ShopTime::new(next.timestamp())).filter(|next| *next > after)
            }
        }
    }

    /// Whether it comes but once.
    pub fn once(&self) -> bool {
        matches!(self, Self::When(When { days: Days::Date(_), .. }))
    }
}

#[cfg(test)]
mod tests;
