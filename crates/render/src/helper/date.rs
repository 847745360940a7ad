//! `date`: a moment as the clock of its reader shows it.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::Value;

use super::{Manner, Val};
use crate::error::Reason;

/// How a moment is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateStyle {
    /// `27/11/26`
    Short,
    /// `27 November 2026`
    Long,
    /// `Friday 27 November`
    Weekday,
    /// `14:30`
    Time,
    /// `27 November 2026 at 14:30`
    DateTime,
}

impl DateStyle {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("short", Self::Short),
        ("long", Self::Long),
        ("weekday", Self::Weekday),
        ("time", Self::Time),
        ("datetime", Self::DateTime),
    ];
}

/// A moment is told in the reader's zone; a date without a time, or a time without a zone, as it stands.
pub(super) fn date(value: &Val<'_>, style: DateStyle, manner: &Manner<'_>) -> Result<String, Reason> {
    let unfit = Reason::Unfit { helper: "date", wanted: "date" };
    let text = match value {
        Val::Json(Value::String(text)) => text.as_str(),
        Val::Text(text) => text,
        _ => return Err(unfit),
    };
    let local = match text.parse::<Timestamp>() {
        Ok(moment) => moment.to_zoned(manner.zone.clone()).datetime(),
        Err(_) => match text.parse::<DateTime>() {
            Ok(local) => local,
            Err(_) => {
                text.parse::<Date>().map_err(|_| unfit.clone())?.to_datetime(jiff::civil::Time::midnight())
            }
        },
    };
    manner.speech.date(local, style).ok_or(unfit)
}
