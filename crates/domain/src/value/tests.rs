use jiff::tz::TimeZone;

use super::*;

fn at(text: &str) -> ShopTime {
    ShopTime::new(text.parse().unwrap())
}

#[test]
fn days_keep_the_clock_across_gaps_and_folds() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let cases = [
        // In spring 02:00 to 03:00 does not exist: 02:30 goes forward by the gap.
        ("2026-03-28T01:30:00Z", Span::Days(1), "2026-03-29T01:30:00Z"),
        ("2026-03-28T12:00:00Z", Span::Days(1), "2026-03-29T11:00:00Z"),
        ("2026-03-28T12:00:00Z", Span::hours(24), "2026-03-29T12:00:00Z"),
        // In autumn 02:30 is twice: the first.
        ("2026-10-24T00:30:00Z", Span::Days(1), "2026-10-25T00:30:00Z"),
        ("2026-10-24T12:00:00Z", Span::Days(1), "2026-10-25T13:00:00Z"),
        // Leap day and year's end.
        ("2028-02-28T12:00:00Z", Span::Days(1), "2028-02-29T12:00:00Z"),
        ("2027-12-31T12:00:00Z", Span::Days(1), "2028-01-01T12:00:00Z"),
        ("2026-03-30T10:00:00Z", Span::Days(-2), "2026-03-28T11:00:00Z"),
    ];
    for (from, span, to) in cases {
        assert_eq!(span.after(at(from), &berlin), at(to), "{from} + {span}");
    }
    // Kathmandu has no DST and a quarter of an hour.
    let kathmandu = TimeZone::get("Asia/Kathmandu").unwrap();
    assert_eq!(Span::Days(1).after(at("2026-03-28T01:30:00Z"), &kathmandu), at("2026-03-29T01:30:00Z"));
    // Samoa had no 30 December 2011: the clock time of that day goes forward by the missing day.
    // What is computed may be absurd: it is held at a century.
    for days in [i32::MAX, MAX_DAYS + 1] {
        assert_eq!(
            Span::Days(days).after(at("2026-03-28T12:00:00Z"), &TimeZone::UTC),
            at("2126-03-29T12:00:00Z")
        );
        assert_eq!(
            Span::Days(days).before(at("2026-03-28T12:00:00Z"), &TimeZone::UTC),
            at("1926-03-28T12:00:00Z")
        );
    }
    let apia = TimeZone::get("Pacific/Apia").unwrap();
    assert_eq!(Span::Days(1).after(at("2011-12-29T22:00:00Z"), &apia), at("2011-12-30T22:00:00Z"));
}

#[test]
fn money_converts_and_never_guesses() {
    let usd: Currency = "USD".parse().unwrap();
    let gbp: Currency = "GBP".parse().unwrap();
    let mut rates = Rates::default();
    rates.rates.insert(usd, "0.92".parse().unwrap());
    let money = |number, currency| Value::Money(Money::from_number(number, currency).unwrap());
    assert_eq!(money(10.0, usd).compare(&money(9.2, Currency::EUR), &rates), Some(std::cmp::Ordering::Equal));
    assert_eq!(money(10.0, gbp).compare(&money(9.2, Currency::EUR), &rates), None);
    assert_eq!(money(10.0, gbp).compare(&money(10.0, gbp), &rates), Some(std::cmp::Ordering::Equal));
    assert_eq!(money(1.0, gbp).compare(&Value::Number(1.0), &rates), None);
    assert_eq!("eur".parse::<Currency>(), Err(()));
    let nine = Money::from_number(9.0, Currency::EUR).unwrap();
    assert_eq!(nine.over(3.0), Money::from_number(3.0, Currency::EUR));
    assert_eq!((nine.over(0.0), nine.times(1e300)), (None, None));
}

#[test]
fn values_come_from_json_and_go_back() {
    let json = serde_json::json!({ "a": [1, "x", null, true], "b": { "c": 4.5 } });
    let value = Value::from_json(&json);
    assert_eq!(value.at(["b", "c"]), &Value::Number(4.5));
    assert!(value.at(["b", "d", "e"]).is_missing());
    assert_eq!(value.field("a").items().len(), 4);
    assert_eq!(value.to_json().to_string(), r#"{"a":[1,"x",null,true],"b":{"c":4.5}}"#);
    assert_eq!(Value::Number(1200.0).key().as_deref(), Some("1200"));
    assert_eq!(Value::text("").key(), None);
}
