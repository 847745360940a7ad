//! `WHEN`: a moment of the calendar, on a person's clock.

use jiff::ToSpan as _;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use super::Hours;
use crate::ShopTime;

/// `[DATE | DAYS] HH:MM [ZONE]`.
#[derive(Clone, Debug, PartialEq)]
pub struct When {
    /// On which days.
    pub days: Days,
    /// The clock time.
    pub at: Time,
    /// Whose clock; `None` is the person's.
    pub zone: Option<TimeZone>,
}

/// Which days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Days {
    /// One date.
    Date(Date),
    /// Every day.
    Every,
    /// These weekdays, at least one.
    Week(Vec<Weekday>),
    /// This day of each month, 1 to 31; of a shorter month its last.
    Month(i8),
}

impl When {
    /// The first such moment at or after `from`; of a date in the past that moment, which is then over. A clock time that
    /// a DST gap swallows is moved forward by the gap; of one that comes twice the first is taken.
    pub fn next(&self, from: ShopTime, person: &TimeZone) -> ShopTime {
        let zone = self.zone.as_ref().unwrap_or(person);
        let moment = |date: Date| {
            let ambiguous = zone.to_ambiguous_timestamp(date.to_datetime(self.at));
            ambiguous.compatible().map_or(from, ShopTime::new)
        };
        if let Days::Date(date) = self.days {
            return moment(date);
        }
        // The day before: a moment that a gap moved over midnight belongs to it.
        let mut date = zone.to_datetime(from.timestamp()).date();
        date = date.checked_sub(1.day()).unwrap_or(date);
        // A weekday comes within a week, a day of the month within two months.
        for _ in 0..64 {
            if self.days.fits(date) && moment(date) >= from {
                return moment(date);
            }
            let Ok(next) = date.checked_add(1.day()) else { break };
            date = next;
        }
        from
    }
}

impl Days {
    /// Whether a date is one of them.
    fn fits(&self, date: Date) -> bool {
        match self {
            Self::Date(day) => *day == date,
            Self::Every => true,
            Self::Week(weekdays) => weekdays.contains(&date.weekday()),
            Self::Month(day) => date.day() == (*day).min(date.days_in_month()),
        }
    }
}

/// Hours of some days, on a person's clock. Those over midnight belong to the day on which they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// On which days.
    pub days: Days,
    /// At which hours; `None` is all of the day.
    pub hours: Option<Hours>,
}

impl Window {
    /// When it opens next; `None` while it is open, and where no day is left.
    pub fn opens(&self, now: ShopTime, zone: &TimeZone) -> Option<ShopTime> {
        let moment = |date: Date, time: Time| {
            let ambiguous = zone.to_ambiguous_timestamp(date.to_datetime(time));
            ambiguous.compatible().ok().map(ShopTime::new)
        };
        let (from, to) = self.hours.map_or((Time::MIN, Time::MIN), |hours| (hours.from, hours.to));
        // The day before: its hours may go over midnight.
        let mut date = zone.to_datetime(now.timestamp()).date().checked_sub(1.day()).ok()?;
        for _ in 0..64 {
            let next = date.checked_add(1.day()).ok()?;
            let ends_on = if to <= from { next } else { date };
            if self.days.fits(date)
                && let (Some(opens), Some(closes)) = (moment(date, from), moment(ends_on, to))
                && now < closes
            {
                return (now < opens).then_some(opens);
            }
            date = next;
        }
        None
    }
}

#[cfg(test)]
mod tests;
