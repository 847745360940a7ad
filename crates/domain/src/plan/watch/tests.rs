use jiff::tz::TimeZone;

use super::*;
use crate::expr::{Expr, Root};

fn moment(text: &str) -> ShopTime {
    ShopTime::new(text.parse().unwrap())
}

fn birthday(offset: i32, at: Option<&str>, leap_forward: bool) -> Anniversary {
    let path = Expr::Path(Root::Profile, ["birthday".into()].into());
    Anniversary {
        date: Condition::new("profile.birthday", path),
        offset: Span::Days(offset),
        at: at.map(|at| at.parse().unwrap()),
        leap_forward,
    }
}

#[test]
fn a_date_comes_round_each_year_on_the_persons_clock() {
    let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
    for (what, value, after, expected) in [
        (birthday(0, Some("09:00"), false), "1990-05-03", "2026-01-01T00:00:00Z", "2026-05-03T00:00:00Z"),
        (birthday(0, Some("09:00"), false), "1990-05-03", "2026-05-03T00:00:00Z", "2027-05-03T00:00:00Z"),
        (birthday(-3, Some("09:00"), false), "1990-01-02", "2026-06-01T00:00:00Z", "2026-12-30T00:00:00Z"),
        (birthday(400, None, false), "1990-01-02", "2026-06-01T00:00:00Z", "2027-02-06T00:00:00Z"),
        // Not before the year it names.
        (birthday(0, None, false), "2030-05-03", "2026-01-01T00:00:00Z", "2030-05-03T00:00:00Z"),
        (birthday(0, None, false), "1992-02-29", "2026-01-01T00:00:00Z", "2026-02-28T00:00:00Z"),
        (birthday(0, None, true), "1992-02-29", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        (birthday(0, None, true), "1992-02-29", "2028-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        // A moment has a clock time of its own, there.
        (birthday(0, None, false), "2020-07-01T20:30:00Z", "2026-01-01T00:00:00Z", "2026-07-01T20:30:00Z"),
        (birthday(0, None, false), "2020-07-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z"),
    ] {
        let next = what.next(&Value::text(value), moment(after), &tokyo).map(|(next, _)| next);
        assert_eq!(next, Some(moment(expected)), "{value} after {after}");
    }
    let none = birthday(0, None, false);
    for value in [Value::Missing, Value::text("soon"), Value::Number(3.0)] {
        assert_eq!(none.next(&value, moment("2026-01-01T00:00:00Z"), &tokyo), None, "{value:?}");
    }
}

#[test]
fn a_rhythm_keeps_its_clock_over_the_change_of_summer_time() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let nine = Rhythm::cron("0 9 * * MON").unwrap();
    let half_past_two = Rhythm::cron("30 2 * * *").unwrap();
    for (rhythm, after, expected) in [
        (&nine, "2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"),
        (&nine, "2026-03-30T06:59:59Z", "2026-03-30T07:00:00Z"),
        // 02:30 does not exist on 29 March, and is twice on 25 October: once all the same.
        (&half_past_two, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        (&half_past_two, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        (&half_past_two, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
    ] {
        assert_eq!(rhythm.next(moment(after), &berlin), Some(moment(expected)), "after {after}");
    }
    for text in ["", "* * * *", "0 9 * * MON 2026", "61 * * * *", "0 25 * * *", "nine"] {
        assert!(Rhythm::cron(text).is_err(), "{text}");
    }
}
