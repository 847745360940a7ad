//! ISO 8601 as clients write it.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::ShopTime;

/// Reads an ISO 8601 time: with an offset or `Z`, or without either, which is taken as UTC; a date alone is its
/// midnight. `None` when it is none of these.
pub fn parse(text: &str) -> Option<ShopTime> {
    let text = text.trim();
    text.parse::<Timestamp>()
        .or_else(|_| {
            text.parse::<DateTime>().and_then(|civil| Ok(civil.to_zoned(TimeZone::UTC)?.timestamp()))
        })
        .ok()
        .map(ShopTime::new)
}
