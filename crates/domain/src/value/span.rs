//! How long: exact, or in calendar days.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::ShopTime;

/// A length of time. `s`, `m` and `h` are exact; `d` and `w` are calendar days: the same clock time in a person's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Span {
    /// Microseconds; negative going back.
    Exact(i64),
    /// Calendar days; negative going back.
    Days(i32),
}

/// The longest span that a clock is moved by: 100 years, as long as the language takes one. What is computed to be longer
/// is held there.
pub const MAX_DAYS: i32 = 36_525;

impl Span {
    /// Nothing.
    pub const ZERO: Self = Self::Exact(0);

    /// Seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self::Exact(seconds.saturating_mul(1_000_000))
    }

    /// Minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::seconds(minutes.saturating_mul(60))
    }

    /// Hours.
    pub const fn hours(hours: i64) -> Self {
        Self::minutes(hours.saturating_mul(60))
    }

    /// As an exact length, a day being 24 hours: for comparing, never for a clock.
    pub fn nominal(self) -> SignedDuration {
        match self {
            Self::Exact(micros) => SignedDuration::from_micros(micros),
            Self::Days(days) => SignedDuration::from_hours(i64::from(days).saturating_mul(24)),
        }
    }

    /// The other way round.
    pub fn negated(self) -> Self {
        match self {
            Self::Exact(micros) => Self::Exact(micros.saturating_neg()),
            Self::Days(days) => Self::Days(days.saturating_neg()),
        }
    }

    /// The moment this long after `from`. Days keep the clock time in `zone`: one that a spring gap swallows is moved
    /// forward by the gap, of one that autumn has twice the first is taken.
    pub fn after(self, from: ShopTime, zone: &TimeZone) -> ShopTime {
        match self {
            Self::Exact(micros) => from.saturating_add(SignedDuration::from_micros(micros)),
            Self::Days(days) => {
                let local = zone.to_datetime(from.timestamp());
                // Beyond the calendar's end the moment stays where it is.
                let moved = days.clamp(-MAX_DAYS, MAX_DAYS).days();
                local
                    .checked_add(moved)
                    .and_then(|moved| zone.to_ambiguous_timestamp(moved).compatible())
                    .map_or(from, ShopTime::new)
            }
        }
    }

    /// The moment this long before `from`, by the same rule.
    pub fn before(self, from: ShopTime, zone: &TimeZone) -> ShopTime {
        self.negated().after(from, zone)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Days(days) => write!(f, "{days}d"),
            Self::Exact(micros) if micros % 3_600_000_000 == 0 => write!(f, "{}h", micros / 3_600_000_000),
            Self::Exact(micros) if micros % 60_000_000 == 0 => write!(f, "{}m", micros / 60_000_000),
            Self::Exact(micros) if micros % 1_000_000 == 0 => write!(f, "{}s", micros / 1_000_000),
            Self::Exact(micros) => write!(f, "{}s", micros as f64 / 1e6),
        }
    }
}
