//! Counters: what `count`, `sum` and `last` ask of a person's past.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ShopTime;
use crate::digest::first_128;
use crate::expr::currency_beside;
use crate::value::{Money, Rates, Value};

/// How many single occurrences a counter keeps; older ones go into day buckets.
pub const RECENT: usize = 128;
/// How many day buckets it keeps: a little over two years.
pub const DAYS: usize = 800;
/// Microseconds of a UTC day.
const DAY_MICROS: i64 = 86_400_000_000;

/// Which counter: of which event, of which property's sum, by which property's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeatureKey {
    /// The event counted.
    pub event: Arc<str>,
    /// The property added up, and whether it is money.
    pub field: Option<(Arc<str>, bool)>,
    /// The property whose value each occurrence keeps, for a filter; of a property within another, both with a dot between.
    pub by: Option<Arc<str>>,
}

/// What stands for "whatever they do" where an event's name does.
pub const ANY_EVENT: &str = "*";
/// Microseconds of an hour.
const HOUR_MICROS: i64 = 3_600_000_000;

impl FeatureKey {
    /// The counter of hours in which the person did something: what `at: best` asks.
    pub fn activity() -> Self {
        Self { event: ANY_EVENT.into(), field: None, by: None }
    }

    /// As Postgres keeps it: 64 bits of the SHA-256 of its parts.
    pub fn number(&self) -> i64 {
        let (field, money) =
            self.field.as_ref().map_or(("", 0), |(field, money)| (&**field, 1 + u8::from(*money)));
        let by = self.by.as_deref().unwrap_or_default();
        let has_by = u8::from(self.by.is_some());
        let parts: [&[u8]; 4] = [self.event.as_bytes(), field.as_bytes(), by.as_bytes(), &[money, has_by]];
        (first_128(&parts) >> 64) as i64
    }
}

/// A counter: the latest occurrences one by one, older ones by UTC day. A window over days alone is therefore exact to
/// the day at its far end, and exact to the microsecond for whoever has fewer than [`RECENT`] of the event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feature {
    /// When it happened last.
    pub last: Option<ShopTime>,
    /// The latest, the oldest first; at most [`RECENT`].
    pub recent: Vec<Occurrence>,
    /// Older ones by day, the oldest first; none of a counter with `by`, which only knows its latest.
    pub days: Vec<Day>,
    /// Whether it differs from its stored row.
    pub dirty: bool,
}

/// One occurrence.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// When.
    pub at: ShopTime,
    /// What of the property is added up; 0 where there is none.
    pub amount: f64,
    /// The value of `by`; empty where there is none.
    pub value: Arc<str>,
}

impl Occurrence {
    /// What a counter keeps of an event. An amount of a currency without a rate counts nothing: it can't be added up.
    pub fn of(key: &FeatureKey, at: ShopTime, properties: &Value, rates: &Rates) -> Self {
        let amount = key.field.as_ref().map_or(0.0, |(field, money)| {
            let amount = properties.field(field).as_number().unwrap_or(0.0);
            let currency = currency_beside(properties);
            match currency.filter(|currency| *money && *currency != rates.base) {
                None => amount,
                Some(currency) => Money::from_number(amount, currency)
                    .and_then(|money| rates.ratio(money, Money::new(1.into(), rates.base)))
                    .unwrap_or(0.0),
            }
        });
        let value = key.by.as_ref().and_then(|by| properties.at(by.split('.')).key());
        Self { at, amount, value: value.unwrap_or_else(|| "".into()) }
    }
}

/// What happened on one UTC day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// Days since 1970-01-01.
    pub day: i32,
    /// How many.
    pub count: u32,
    /// Their amounts.
    pub sum: f64,
}

/// The UTC day of a moment, counted from 1970-01-01.
pub(crate) fn day_of(at: ShopTime) -> i32 {
    // The calendar spans 20,000 years: its days fit.
    at.as_microsecond().div_euclid(DAY_MICROS) as i32
}

impl Feature {
    /// Counts one occurrence, in whatever order they come.
    pub fn observe(&mut self, occurrence: Occurrence, keep_days: bool) {
        self.dirty = true;
        self.last = self.last.max(Some(occurrence.at));
        let after = self.recent.iter().rposition(|known| known.at <= occurrence.at).map_or(0, |nth| nth + 1);
        self.recent.insert(after, occurrence);
        if self.recent.len() > RECENT {
            let oldest = self.recent.remove(0);
            if keep_days {
                self.pack(&oldest);
            }
        }
    }

    /// Counts an hour in which something was done, each once as long as it is among the latest.
    pub fn observe_hour(&mut self, at: ShopTime) {
        let hour = |at: ShopTime| at.as_microsecond().div_euclid(HOUR_MICROS);
        let known = self.recent.iter().rev().take_while(|known| hour(known.at) >= hour(at));
        if !known.into_iter().any(|known| hour(known.at) == hour(at)) {
            self.observe(Occurrence { at, amount: 0.0, value: "".into() }, true);
        }
    }

    fn pack(&mut self, occurrence: &Occurrence) {
        self.add(Day { day: day_of(occurrence.at), count: 1, sum: occurrence.amount });
    }

    fn add(&mut self, more: Day) {
        match self.days.binary_search_by_key(&more.day, |known| known.day) {
            Ok(nth) => {
                self.days[nth].count = self.days[nth].count.saturating_add(more.count);
                self.days[nth].sum += more.sum;
            }
            Err(nth) => self.days.insert(nth, more),
        }
        if self.days.len() > DAYS {
            self.days.remove(0);
        }
    }

    /// Counts what the same person did under another id, whoever is asked first.
    pub fn merge(&mut self, other: &Self, keep_days: bool) {
        self.dirty = true;
        self.last = self.last.max(other.last);
        self.recent.extend(other.recent.iter().cloned());
        self.recent.sort_by(|a, b| {
            a.at.cmp(&b.at).then_with(|| a.value.cmp(&b.value)).then_with(|| a.amount.total_cmp(&b.amount))
        });
        let spare = self.recent.len().saturating_sub(RECENT);
        for oldest in self.recent.drain(..spare).collect::<Vec<_>>() {
            if keep_days {
                self.pack(&oldest);
            }
        }
        other.days.iter().for_each(|day| self.add(*day));
    }

    /// Whether one happened at `from` or later that has this value, or none: what lacks it counts for all.
    pub fn came_since(&self, from: ShopTime, value: Option<&str>) -> bool {
        let mut recent = self.recent.iter().rev().take_while(|occurrence| occurrence.at >= from);
        recent.any(|occurrence| occurrence.value.is_empty() || Some(occurrence.value.as_ref()) == value)
    }

    /// Of those that happened at `from` or later when the oldest did, and when the oldest day of which only the number is kept was
    /// over; with `value`, of those only.
    pub fn oldest_since(&self, from: ShopTime, value: Option<&str>) -> (Option<ShopTime>, Option<ShopTime>) {
        let mut recent = self.recent.iter().filter(|occurrence| {
            occurrence.at >= from && value.is_none_or(|value| occurrence.value.as_ref() == value)
        });
        let day = self.days.iter().map(|day| day.day).filter(|day| *day >= day_of(from)).min();
        let over = day.and_then(|day| ShopTime::from_microsecond((i64::from(day) + 1) * DAY_MICROS));
        (recent.next().map(|occurrence| occurrence.at), over)
    }

    /// How many happened at `from` or later, and the sum of their amounts; with `value`, of those only.
    pub fn since(&self, from: Option<ShopTime>, value: Option<&str>) -> (u64, f64) {
        let mut count = 0;
        let mut sum = 0.0;
        for day in self.days.iter().filter(|day| from.is_none_or(|from| day.day >= day_of(from))) {
            count += u64::from(day.count);
            sum += day.sum;
        }
        let recent = self.recent.iter().filter(|occurrence| {
            from.is_none_or(|from| occurrence.at >= from)
                && value.is_none_or(|value| occurrence.value.as_ref() == value)
        });
        for occurrence in recent {
            count += 1;
            sum += occurrence.amount;
        }
        (count, sum)
    }
}
