use jiff::civil::date;

use super::*;
use crate::plan::sample::{at, zone};

fn when(days: Days, hour: i8, minute: i8) -> When {
    When { days, at: Time::new(hour, minute, 0, 0).unwrap(), zone: None }
}

/// What stands in LANGUAGE: the same clock time in a person's zone, gaps go forward, of a fold the first.
#[test]
fn the_next_moment_of_the_calendar() {
    use Weekday::{Friday, Monday, Saturday, Sunday, Thursday};
    let (utc, berlin) = (TimeZone::UTC, zone("Europe/Berlin"));
    let cases = [
        // Every day; a moment is its own next.
        (when(Days::Every, 9, 0), "2026-01-05T08:59:59Z", &utc, "2026-01-05T09:00:00Z"),
        (when(Days::Every, 9, 0), "2026-01-05T09:00:00Z", &utc, "2026-01-05T09:00:00Z"),
        (when(Days::Every, 9, 0), "2026-01-05T09:00:01Z", &utc, "2026-01-06T09:00:00Z"),
        (when(Days::Every, 0, 0), "2026-12-31T23:59:59Z", &utc, "2027-01-01T00:00:00Z"),
        (when(Days::Every, 9, 0), "2026-01-05T08:00:00Z", &berlin, "2026-01-05T08:00:00Z"),
        // Weekdays: 5 January 2026 is a Monday.
        (when(Days::Week(vec![Monday]), 9, 0), "2026-01-05T09:00:00Z", &utc, "2026-01-05T09:00:00Z"),
        (when(Days::Week(vec![Monday]), 9, 0), "2026-01-05T09:00:01Z", &utc, "2026-01-12T09:00:00Z"),
        (
            when(Days::Week(vec![Thursday, Friday]), 9, 0),
            "2026-01-05T09:00:00Z",
            &utc,
            "2026-01-08T09:00:00Z",
        ),
        (
            when(Days::Week(vec![Saturday, Sunday]), 9, 0),
            "2026-01-11T10:00:00Z",
            &utc,
            "2026-01-17T09:00:00Z",
        ),
        // In Berlin Monday begins while UTC has Sunday.
        (when(Days::Week(vec![Monday]), 0, 30), "2026-01-04T20:00:00Z", &berlin, "2026-01-04T23:30:00Z"),
        // Of a shorter month the last day.
        (when(Days::Month(31), 9, 0), "2026-01-31T09:00:01Z", &utc, "2026-02-28T09:00:00Z"),
        (when(Days::Month(31), 9, 0), "2028-02-01T09:00:00Z", &utc, "2028-02-29T09:00:00Z"),
        (when(Days::Month(31), 9, 0), "2026-04-01T09:00:00Z", &utc, "2026-04-30T09:00:00Z"),
        (when(Days::Month(1), 9, 0), "2026-01-01T09:00:01Z", &utc, "2026-02-01T09:00:00Z"),
        (when(Days::Month(30), 9, 0), "2026-01-30T09:00:01Z", &utc, "2026-02-28T09:00:00Z"),
        // A date, to come and over.
        (when(Days::Date(date(2026, 11, 27)), 8, 0), "2026-01-05T09:00:00Z", &berlin, "2026-11-27T07:00:00Z"),
        (when(Days::Date(date(2025, 11, 27)), 8, 0), "2026-01-05T09:00:00Z", &utc, "2025-11-27T08:00:00Z"),
        // The gap of 29 March: 02:30 is 03:30.
        (when(Days::Every, 2, 30), "2026-03-28T22:00:00Z", &berlin, "2026-03-29T01:30:00Z"),
        (when(Days::Every, 2, 30), "2026-03-29T01:30:01Z", &berlin, "2026-03-30T00:30:00Z"),
        // The fold of 25 October: 02:30 is there twice.
        (when(Days::Every, 2, 30), "2026-10-24T22:00:00Z", &berlin, "2026-10-25T00:30:00Z"),
        (when(Days::Every, 2, 30), "2026-10-25T00:30:01Z", &berlin, "2026-10-26T01:30:00Z"),
    ];
    for (when, from, zone, next) in cases {
        assert_eq!(when.next(at(from), zone), at(next), "{when:?} after {from}");
    }
}

#[test]
fn a_zone_of_its_own_counts_more_than_the_persons() {
    let when = When { zone: Some(zone("America/New_York")), ..when(Days::Every, 9, 0) };
    assert_eq!(when.next(at("2026-01-05T10:00:00Z"), &zone("Asia/Tokyo")), at("2026-01-05T14:00:00Z"));
}

#[test]
fn a_gap_over_midnight_belongs_to_the_day_before_it() {
    // Beirut's clocks go from 00:00 to 01:00 on 29 March 2026.
    let midnight = when(Days::Week(vec![Weekday::Sunday]), 0, 0);
    let beirut = zone("Asia/Beirut");
    assert_eq!(midnight.next(at("2026-03-28T20:00:00Z"), &beirut), at("2026-03-28T22:00:00Z"));
    // Samoa had no 30 December 2011: what falls on it comes on the 31st.
    let apia = zone("Pacific/Apia");
    let friday = when(Days::Week(vec![Weekday::Friday]), 9, 0);
    assert_eq!(friday.next(at("2011-12-30T09:00:00Z"), &apia), at("2011-12-30T19:00:00Z"));
}

#[test]
fn the_calendars_ends_are_no_trouble() {
    let last = ShopTime::new(jiff::Timestamp::MAX);
    let first = ShopTime::new(jiff::Timestamp::MIN);
    for days in
        [Days::Every, Days::Month(31), Days::Week(vec![Weekday::Monday]), Days::Date(date(9999, 12, 31))]
    {
        for zone in [TimeZone::UTC, zone("Asia/Tokyo"), zone("America/New_York")] {
            when(days.clone(), 23, 59).next(last, &zone);
            when(days.clone(), 0, 0).next(first, &zone);
        }
    }
}
