//! Shop time: the time that rules people and messages.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A moment of shop time, in microseconds precision, UTC.
///
/// Shop time is injected: the machine's clock in production, a virtual one in the demo, in `simulate` and in tests.
/// Machine time (leases, sockets, timeouts) is `std::time::Instant` or the database's clock and never becomes one of these.
/// In stored payloads it is microseconds since the epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub struct ShopTime(Timestamp);

impl ShopTime {
    /// 1970-01-01T00:00:00Z, the earliest moment an event may carry.
    pub const EPOCH: Self = Self(Timestamp::UNIX_EPOCH);

    /// Cuts to microseconds, the precision Postgres stores.
    pub fn new(at: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }

    /// From milliseconds since the epoch; `None` outside the years -9999 to 9999.
    pub fn from_millisecond(ms: i64) -> Option<Self> {
        Timestamp::from_millisecond(ms).ok().map(Self)
    }

    /// The moment as jiff knows it.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// From microseconds since the epoch; `None` outside the years -9999 to 9999.
    pub fn from_microsecond(micros: i64) -> Option<Self> {
        Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// Microseconds since the epoch.
    pub fn as_microsecond(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Milliseconds since the epoch.
    pub fn as_millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The moment `by` later (earlier where negative), held at the ends of jiff's range.
    pub fn saturating_add(self, by: SignedDuration) -> Self {
        Self(self.0.saturating_add(by).unwrap_or(self.0))
    }

    /// How long after `earlier` this is; negative where it is before.
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }
}

impl Default for ShopTime {
    fn default() -> Self {
        Self::EPOCH
    }
}

impl From<ShopTime> for i64 {
    fn from(at: ShopTime) -> Self {
        at.as_microsecond()
    }
}

impl TryFrom<i64> for ShopTime {
    type Error = &'static str;

    fn try_from(micros: i64) -> Result<Self, &'static str> {
        Self::from_microsecond(micros).ok_or("a moment outside the calendar")
    }
}

impl fmt::Display for ShopTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ShopTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who tells the shop's time. Implemented where clocks may be read (`cli`) and by virtual clocks.
pub trait ShopClock: Send + Sync {
    /// The present moment of shop time.
    fn now(&self) -> ShopTime;
}
