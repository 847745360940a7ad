use journeyman_domain::plan::{Days, Rate};

use super::address::{ADDRESS_LENGTH, BASE_LENGTH, LOCAL_LENGTH};
use super::*;

#[test]
fn durations() {
    let cases = [
        ("30s", Ok(Span::seconds(30))),
        ("45m", Ok(Span::minutes(45))),
        ("12h", Ok(Span::hours(12))),
        ("30d", Ok(Span::Days(30))),
        ("2w", Ok(Span::Days(14))),
        ("36525d", Ok(Span::Days(36_525))),
        ("36526d", Err("`36526d` is too long")),
        ("876601h", Err("`876601h` is too long")),
        ("99999999999999999999d", Err("`99999999999999999999d` is too long")),
        ("0d", Err("a duration of nothing")),
        ("3 days", Err("`3 days` is no duration")),
        ("-3d", Err("`-3d` is no duration")),
        ("1.5h", Err("`1.5h` is no duration")),
        ("d", Err("`d` is no duration")),
        ("", Err("`` is no duration")),
        ("3ä", Err("`3ä` is no duration")),
    ];
    for (text, expected) in cases {
        assert_eq!(duration(text).map_err(|fault| fault.message), expected.map_err(str::to_owned), "{text}");
    }
}

#[test]
fn percentages_rates_hours_and_names() {
    assert_eq!(percent("10%"), Ok(0.1));
    assert_eq!(percent("0%"), Ok(0.0));
    assert_eq!(percent("100%"), Ok(1.0));
    for text in ["10", "101%", "-1%", "1e1%", "%", "NaN%", "inf%"] {
        assert!(percent(text).is_err(), "{text}");
    }
    assert_eq!(rate("2 per 7d"), Ok(Rate { count: 2, per: Span::Days(7) }));
    for text in ["2 per", "2/7d", "0 per 7d", "+2 per 7d", "two per 7d", "2 per 7d 8", "99999999999 per 1d"] {
        assert!(rate(text).is_err(), "{text}");
    }
    assert!(hours("20:00-09:00").is_ok());
    for text in ["20:00", "20:00-20:00", "24:00-09:00", "8-9", "08:00-9:00"] {
        assert!(hours(text).is_err(), "{text}");
    }
    for text in ["cart-reminder", "bought-last-3d", "a", "3d", "a_b"] {
        assert!(name(text).is_ok(), "{text}");
    }
    for text in ["", "Cart", "a b", "-a", "_a", "ä", "a.b"] {
        assert!(name(text).is_err(), "{text}");
    }
    assert!(name(&"a".repeat(NAME_LENGTH)).is_ok());
    assert!(name(&"a".repeat(NAME_LENGTH + 1)).is_err());
    assert!(snake("a_1").is_ok());
    assert_eq!(
        snake("cart-id").unwrap_err().help,
        "write `cart_id`: lower-case letters, digits and `_`, a letter first"
    );
}

#[test]
fn moments_of_the_calendar() {
    let cases = [
        "09:00",
        "day 19:00",
        "weekdays 09:00",
        "weekends 09:00",
        "monday 09:00",
        "friday, monday,friday 09:00",
        "month 31 08:30",
        "2026-11-27 08:00 Europe/Berlin",
        "09:00 UTC",
    ];
    for text in cases {
        assert!(when(text).is_ok(), "{text}: {:?}", when(text));
    }
    let days = |text: &str| when(text).unwrap().days;
    let Days::Week(week) = days("friday, monday,friday 09:00") else { panic!() };
    assert_eq!(week.len(), 2);
    assert_eq!(days("month 31 08:30"), Days::Month(31));
    let wrong = [
        "",
        "monday",
        "9:00",
        "25:00",
        "09:60",
        "mon 09:00",
        "monday friday 09:00",
        "monday, 09:00",
        "month 0 09:00",
        "month 32 09:00",
        "2026-02-30 09:00",
        "2026-11-27T08:00",
        "09:00 Mars/Base",
        "09:00 Europe/Berlin x",
        ", 09:00",
    ];
    for text in wrong {
        assert!(when(text).is_err(), "{text}");
    }
    assert!(date_time("2026-11-27 00:00").is_ok());
    assert!(date_time("2026-11-27").is_err());
}

#[test]
fn addresses() {
    let local = "a".repeat(LOCAL_LENGTH);
    let long = format!("a@{}.example", "x".repeat(63));
    let longest = format!("a@{}", vec!["x".repeat(62); 4].join(".")) + "x";
    assert_eq!(longest.len(), ADDRESS_LENGTH);
    for right in [
        "a@b.example",
        "a.b+c@b-c.example",
        "a@localhost",
        "o'b=@1.2.3.4",
        &format!("{local}@b.example"),
        &long,
        &longest,
    ] {
        assert_eq!(address(right).as_deref(), Ok(right));
    }
    for wrong in [
        "",
        "a",
        "@b.example",
        "a@",
        "a@b",
        "a@@b.example",
        "a@b@c.example",
        "a b@c.example",
        "a@b .example",
        "a@b.example\n",
        "a\r\nBcc: x@b.example",
        "a@b..example",
        ".a@b.example",
        "a.@b.example",
        "a..b@c.example",
        "a@-b.example",
        "ä@b.example",
        "a@ö.example",
        "<a@b.example>",
        "\"a\"@b.example",
        "a,b@c.example",
        "a@[1.2.3.4]",
        "a@b.example.",
        &format!("{local}a@b.example"),
        &format!("{longest}x"),
        &format!("a@{}.example", "x".repeat(64)),
    ] {
        assert!(address(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn where_links_begin() {
    let right = [
        ("go.shop.example", "go.shop.example"),
        ("go.shop.example:8443", "go.shop.example:8443"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://shop.example/go/r", "https://shop.example/go/r"),
        ("localhost", "localhost"),
    ];
    for (text, expected) in right {
        assert_eq!(base(text).as_deref(), Ok(expected));
    }
    for wrong in [
        "",
        "http://",
        "ftp://shop.example",
        "go.shop.example/path",
        "https://a:b@shop.example",
        "https://shop.example/?a",
        "https://shop.example/#a",
        "https://shop.example:0",
        "https://shop.example:99999",
        "https://shop.example:",
        "go shop.example",
        "https://shop.example/a b",
        "javascript:alert(1)",
        &"a".repeat(BASE_LENGTH + 1),
    ] {
        assert!(base(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn locales() {
    for right in ["en", "de-AT", "zh-Hant", "zh-Hant-TW", "es-419", "gsw", "no"] {
        assert_eq!(locale(right).as_deref(), Ok(right));
    }
    let wrong = [
        ("EN", "write `en`"),
        ("de_at", "write `de-AT`"),
        ("zh-hant-tw", "write `zh-Hant-TW`"),
        ("english", "write a language"),
        ("e", "write a language"),
        ("", "write a language"),
        ("en-", "write a language"),
        ("en-GB-oed", "write a language"),
        ("dé", "write a language"),
        ("en-ä", "write a language"),
        ("1a", "write a language"),
    ];
    for (text, help) in wrong {
        assert!(locale(text).unwrap_err().help.starts_with(help), "{text}");
    }
}
