//! Numbers, money, dates and plurals as their languages have them.

use serde_json::json;

use super::*;

/// Locale, amount, currency, and what ICU 78.2 (CLDR 48) makes of them, by Node.js' `Intl.NumberFormat`.
const MONEY: &[(&str, &str, &str, &str)] = &[
    ("en", "1234.5", "EUR", "€1,234.50"),
    ("en", "12.9", "USD", "$12.90"),
    ("en", "0.5", "GBP", "£0.50"),
    ("en", "1234567.891", "CHF", "CHF\u{a0}1,234,567.89"),
    ("en", "1200", "JPY", "¥1,200"),
    ("en", "12.9", "PLN", "PLN\u{a0}12.90"),
    ("en", "99", "SEK", "SEK\u{a0}99.00"),
    ("en", "99", "DKK", "DKK\u{a0}99.00"),
    ("en", "5", "BRL", "R$5.00"),
    ("en", "-12.9", "EUR", "-€12.90"),
    ("de", "1234.5", "EUR", "1.234,50\u{a0}€"),
    ("de", "12.9", "USD", "12,90\u{a0}$"),
    ("de", "0.5", "GBP", "0,50\u{a0}£"),
    ("de", "1234567.891", "CHF", "1.234.567,89\u{a0}CHF"),
    ("de", "1200", "JPY", "1.200\u{a0}¥"),
    ("de", "12.9", "PLN", "12,90\u{a0}PLN"),
    ("de", "99", "SEK", "99,00\u{a0}SEK"),
    ("de", "99", "DKK", "99,00\u{a0}DKK"),
    ("de", "5", "BRL", "5,00\u{a0}R$"),
    ("de", "-12.9", "EUR", "-12,90\u{a0}€"),
    ("fr", "1234.5", "EUR", "1\u{202f}234,50\u{a0}€"),
    ("fr", "12.9", "USD", "12,90\u{a0}$US"),
    ("fr", "0.5", "GBP", "0,50\u{a0}£GB"),
    ("fr", "1234567.891", "CHF", "1\u{202f}234\u{202f}567,89\u{a0}CHF"),
    ("fr", "1200", "JPY", "1\u{202f}200\u{a0}JPY"),
    ("fr", "12.9", "PLN", "12,90\u{a0}PLN"),
    ("fr", "99", "SEK", "99,00\u{a0}SEK"),
    ("fr", "99", "DKK", "99,00\u{a0}DKK"),
    ("fr", "5", "BRL", "5,00\u{a0}R$"),
    ("fr", "-12.9", "EUR", "-12,90\u{a0}€"),
    ("es", "1234.5", "EUR", "1234,50\u{a0}€"),
    ("es", "12.9", "USD", "12,90\u{a0}US$"),
    ("es", "0.5", "GBP", "0,50\u{a0}GBP"),
    ("es", "1234567.891", "CHF", "1.234.567,89\u{a0}CHF"),
    ("es", "1200", "JPY", "1200\u{a0}JPY"),
    ("es", "12.9", "PLN", "12,90\u{a0}PLN"),
    ("es", "99", "SEK", "99,00\u{a0}SEK"),
    ("es", "99", "DKK", "99,00\u{a0}DKK"),
    ("es", "5", "BRL", "5,00\u{a0}BRL"),
    ("es", "-12.9", "EUR", "-12,90\u{a0}€"),
    ("it", "1234.5", "EUR", "1234,50\u{a0}€"),
    ("it", "12.9", "USD", "12,90\u{a0}USD"),
    ("it", "0.5", "GBP", "0,50\u{a0}£"),
    ("it", "1234567.891", "CHF", "1.234.567,89\u{a0}CHF"),
    ("it", "1200", "JPY", "1200\u{a0}JPY"),
    ("it", "12.9", "PLN", "12,90\u{a0}PLN"),
    ("it", "99", "SEK", "99,00\u{a0}SEK"),
    ("it", "99", "DKK", "99,00\u{a0}DKK"),
    ("it", "5", "BRL", "5,00\u{a0}BRL"),
    ("it", "-12.9", "EUR", "-12,90\u{a0}€"),
    ("nl", "1234.5", "EUR", "€\u{a0}1.234,50"),
    ("nl", "12.9", "USD", "US$\u{a0}12,90"),
    ("nl", "0.5", "GBP", "£\u{a0}0,50"),
    ("nl", "1234567.891", "CHF", "CHF\u{a0}1.234.567,89"),
    ("nl", "1200", "JPY", "JP¥\u{a0}1.200"),
    ("nl", "12.9", "PLN", "PLN\u{a0}12,90"),
    ("nl", "99", "SEK", "SEK\u{a0}99,00"),
    ("nl", "99", "DKK", "DKK\u{a0}99,00"),
    ("nl", "5", "BRL", "R$\u{a0}5,00"),
    ("pl", "1234.5", "EUR", "1234,50\u{a0}€"),
    ("pl", "12.9", "USD", "12,90\u{a0}USD"),
    ("pl", "0.5", "GBP", "0,50\u{a0}GBP"),
    ("pl", "1234567.891", "CHF", "1\u{a0}234\u{a0}567,89\u{a0}CHF"),
    ("pl", "1200", "JPY", "1200\u{a0}JPY"),
    ("pl", "12.9", "PLN", "12,90\u{a0}zł"),
    ("pl", "99", "SEK", "99,00\u{a0}SEK"),
    ("pl", "99", "DKK", "99,00\u{a0}DKK"),
    ("pl", "5", "BRL", "5,00\u{a0}R$"),
    ("pl", "-12.9", "EUR", "-12,90\u{a0}€"),
    ("pt", "1234.5", "EUR", "€\u{a0}1.234,50"),
    ("pt", "12.9", "USD", "US$\u{a0}12,90"),
    ("pt", "0.5", "GBP", "£\u{a0}0,50"),
    ("pt", "1234567.891", "CHF", "CHF\u{a0}1.234.567,89"),
    ("pt", "1200", "JPY", "JP¥\u{a0}1.200"),
    ("pt", "12.9", "PLN", "PLN\u{a0}12,90"),
    ("pt", "99", "SEK", "SEK\u{a0}99,00"),
    ("pt", "99", "DKK", "DKK\u{a0}99,00"),
    ("pt", "5", "BRL", "R$\u{a0}5,00"),
    ("pt", "-12.9", "EUR", "-€\u{a0}12,90"),
    ("sv", "1234.5", "EUR", "1\u{a0}234,50\u{a0}€"),
    ("sv", "12.9", "USD", "12,90\u{a0}US$"),
    ("sv", "0.5", "GBP", "0,50\u{a0}GBP"),
    ("sv", "1234567.891", "CHF", "1\u{a0}234\u{a0}567,89\u{a0}CHF"),
    ("sv", "1200", "JPY", "1\u{a0}200\u{a0}JPY"),
    ("sv", "12.9", "PLN", "12,90\u{a0}PLN"),
    ("sv", "99", "SEK", "99,00\u{a0}kr"),
    ("sv", "99", "DKK", "99,00\u{a0}Dkr"),
    ("sv", "5", "BRL", "5,00\u{a0}BR$"),
    ("sv", "-12.9", "EUR", "\u{2212}12,90\u{a0}€"),
    ("da", "1234.5", "EUR", "1.234,50\u{a0}€"),
    ("da", "12.9", "USD", "12,90\u{a0}US$"),
    ("da", "0.5", "GBP", "0,50\u{a0}£"),
    ("da", "1234567.891", "CHF", "1.234.567,89\u{a0}CHF"),
    ("da", "1200", "JPY", "1.200\u{a0}JP¥"),
    ("da", "12.9", "PLN", "12,90\u{a0}PLN"),
    ("da", "99", "SEK", "99,00\u{a0}SEK"),
    ("da", "99", "DKK", "99,00\u{a0}kr."),
    ("da", "5", "BRL", "5,00\u{a0}R$"),
    ("da", "-12.9", "EUR", "-12,90\u{a0}€"),
    ("ja", "1234.5", "EUR", "€1,234.50"),
    ("ja", "12.9", "USD", "$12.90"),
    ("ja", "0.5", "GBP", "£0.50"),
    ("ja", "1234567.891", "CHF", "CHF\u{a0}1,234,567.89"),
    ("ja", "1200", "JPY", "￥1,200"),
    ("ja", "12.9", "PLN", "PLN\u{a0}12.90"),
    ("ja", "99", "SEK", "SEK\u{a0}99.00"),
    ("ja", "99", "DKK", "DKK\u{a0}99.00"),
    ("ja", "5", "BRL", "R$5.00"),
    ("ja", "-12.9", "EUR", "-€12.90"),
    ("de-CH", "1234.5", "EUR", "EUR\u{a0}1'234.50"),
    ("de-CH", "12.9", "USD", "$\u{a0}12.90"),
    ("de-CH", "0.5", "GBP", "£\u{a0}0.50"),
    ("de-CH", "1234567.891", "CHF", "CHF\u{a0}1'234'567.89"),
    ("de-CH", "1200", "JPY", "¥\u{a0}1'200"),
    ("de-CH", "12.9", "PLN", "PLN\u{a0}12.90"),
    ("de-CH", "99", "SEK", "SEK\u{a0}99.00"),
    ("de-CH", "99", "DKK", "DKK\u{a0}99.00"),
    ("de-CH", "5", "BRL", "R$\u{a0}5.00"),
    ("de-AT", "1234.5", "EUR", "€\u{a0}1.234,50"),
    ("de-AT", "12.9", "USD", "$\u{a0}12,90"),
    ("de-AT", "0.5", "GBP", "£\u{a0}0,50"),
    ("de-AT", "1234567.891", "CHF", "CHF\u{a0}1.234.567,89"),
    ("de-AT", "1200", "JPY", "¥\u{a0}1.200"),
    ("de-AT", "12.9", "PLN", "PLN\u{a0}12,90"),
    ("de-AT", "99", "SEK", "SEK\u{a0}99,00"),
    ("de-AT", "99", "DKK", "DKK\u{a0}99,00"),
    ("de-AT", "5", "BRL", "R$\u{a0}5,00"),
    ("de-AT", "-12.9", "EUR", "-€\u{a0}12,90"),
    ("en-GB", "1234.5", "EUR", "€1,234.50"),
    ("en-GB", "12.9", "USD", "US$12.90"),
    ("en-GB", "0.5", "GBP", "£0.50"),
    ("en-GB", "1234567.891", "CHF", "CHF\u{a0}1,234,567.89"),
    ("en-GB", "1200", "JPY", "JP¥1,200"),
    ("en-GB", "12.9", "PLN", "PLN\u{a0}12.90"),
    ("en-GB", "99", "SEK", "SEK\u{a0}99.00"),
    ("en-GB", "99", "DKK", "DKK\u{a0}99.00"),
    ("en-GB", "5", "BRL", "R$5.00"),
    ("en-GB", "-12.9", "EUR", "-€12.90"),
    ("tr", "1234.5", "EUR", "€1.234,50"),
    ("tr", "12.9", "USD", "$12,90"),
    ("tr", "0.5", "GBP", "£0,50"),
    ("tr", "1234567.891", "CHF", "CHF\u{a0}1.234.567,89"),
    ("tr", "1200", "JPY", "¥1.200"),
    ("tr", "12.9", "PLN", "PLN\u{a0}12,90"),
    ("tr", "99", "SEK", "SEK\u{a0}99,00"),
    ("tr", "99", "DKK", "DKK\u{a0}99,00"),
    ("tr", "5", "BRL", "R$5,00"),
    ("tr", "-12.9", "EUR", "-€12,90"),
];

#[test]
fn money() {
    for (locale, amount, currency, expected) in MONEY {
        let vars = json!({ "x": { "amount": amount, "currency": currency } });
        assert_eq!(
            said("{{money x}}", locale, vars.clone()).unwrap(),
            *expected,
            "{locale} {amount} {currency}"
        );
        assert_eq!(said("{{x}}", locale, vars).unwrap(), *expected, "bare: {locale} {amount} {currency}");
    }
    // A number is of the shop's currency; digits are the currency's; half to even.
    let cases = [
        (json!(12.9), "€12.90"),
        (json!(3), "€3.00"),
        (json!({ "amount": "0.125", "currency": "EUR" }), "€0.12"),
        (json!({ "amount": "0.135", "currency": "EUR" }), "€0.14"),
        (json!({ "amount": "1.5", "currency": "KWD" }), "KWD\u{a0}1.500"),
        (json!({ "amount": "1234567890123456789.01", "currency": "EUR" }), "€1,234,567,890,123,456,789.01"),
    ];
    for (value, expected) in cases {
        assert_eq!(said("{{money x}}", "en", json!({ "x": value })).unwrap(), expected);
    }
    // Unless another is said, as beside a list of an event's; money keeps its own.
    let said_of = |value, currency| said("{{money x y}}", "en", json!({ "x": value, "y": currency }));
    let own = json!({ "amount": "1", "currency": "GBP" });
    for (value, currency, expected) in [
        (json!(12.9), json!("USD"), "$12.90"),
        (json!(3), json!(null), "€3.00"),
        (own, json!("USD"), "£1.00"),
    ] {
        assert_eq!(said_of(value, currency).unwrap(), expected);
    }
    assert!(said_of(json!(3), json!("money")).is_err() && said_of(json!(3), json!(7)).is_err());
    for value in [json!("12"), json!(true), json!([1]), json!({ "amount": "x", "currency": "EUR" })] {
        let error = said("{{money x}}", "en", json!({ "x": value })).unwrap_err();
        assert_eq!(error.reason, crate::Reason::Unfit { helper: "money", wanted: "amount" });
    }
}

#[test]
fn numbers() {
    let cases = [
        ("en", json!(1234.5678), "1,234.568"),
        ("de", json!(1234.5), "1.234,5"),
        ("fr", json!(1234567), "1\u{202f}234\u{202f}567"),
        ("es", json!(1234), "1234"),
        ("pl", json!(12345), "12\u{a0}345"),
        ("sv", json!(-2.5), "\u{2212}2,5"),
        ("en", json!(3.0), "3"),
    ];
    for (locale, number, expected) in cases {
        assert_eq!(said("{{number x}}", locale, json!({ "x": number })).unwrap(), expected, "{locale}");
    }
}

#[test]
fn dates_are_told_on_the_readers_clock() {
    let cases = [
        ("en", "short", "11/27/26"),
        ("en", "long", "November 27, 2026"),
        ("en", "weekday", "Friday, November 27"),
        ("en", "time", "12:30\u{202f}AM"),
        ("en", "datetime", "November 27, 2026 at 12:30\u{202f}AM"),
        ("de", "short", "27.11.26"),
        ("de", "long", "27. November 2026"),
        ("de", "weekday", "Freitag, 27. November"),
        ("de", "time", "00:30"),
        ("de", "datetime", "27. November 2026 um 00:30"),
        ("en-GB", "long", "27 November 2026"),
        ("fr", "weekday", "vendredi 27 novembre"),
        ("es", "long", "27 de noviembre de 2026"),
        ("it", "long", "27 novembre 2026"),
        ("nl", "weekday", "vrijdag 27 november"),
        ("pl", "long", "27 listopada 2026"),
        ("pt", "long", "27 de novembro de 2026"),
        ("sv", "long", "27 november 2026"),
        ("da", "long", "27. november 2026"),
        ("ja", "long", "2026年11月27日"),
    ];
    for (locale, style, expected) in cases {
        // Half past eleven the evening before in London.
        let vars = json!({ "x": "2026-11-26T23:30:00Z" });
        let text = format!("{{{{date x '{style}'}}}}");
        assert_eq!(said(&text, locale, vars).unwrap(), expected, "{locale} {style}");
    }
    let as_it_stands = [("2026-11-27", "November 27, 2026"), ("2026-11-27T00:10:00", "November 27, 2026")];
    for (value, expected) in as_it_stands {
        assert_eq!(said("{{date x}}", "en", json!({ "x": value })).unwrap(), expected);
    }
    assert!(said("{{date x}}", "en", json!({ "x": "soon" })).is_err());
}

#[test]
fn plurals_follow_their_language() {
    let forms = "{{plural n 'one' 'other' few='few' many='many'}}";
    let cases = [
        ("en", "one:1 other:0 other:2 other:1.5"),
        ("de", "one:1 other:0 other:2"),
        ("fr", "one:0 one:1 one:1.5 other:2"),
        ("es", "one:1 other:2"),
        ("it", "one:1 other:0"),
        ("nl", "one:1 other:2"),
        ("pl", "one:1 few:2 few:3 many:5 many:12 few:22 many:0 other:1.5"),
        ("pt", "one:0 one:1 other:2"),
        ("sv", "one:1 other:2"),
        ("da", "one:1 other:0"),
        ("ja", "other:1 other:2"),
    ];
    for (locale, expected) in cases {
        for case in expected.split(' ') {
            let (form, count) = case.split_once(':').unwrap();
            let count: serde_json::Number = serde_json::from_str(count).unwrap();
            assert_eq!(said(forms, locale, json!({ "n": count })).unwrap(), form, "{locale} {case}");
        }
    }
    // A form that is not given is `other`; a list is counted.
    assert_eq!(said("{{plural n 'a' 'b'}}", "pl", json!({ "n": 3 })).unwrap(), "b");
    assert_eq!(said("{{plural n 'a' 'b'}}", "en", json!({ "n": ["x"] })).unwrap(), "a");
}

#[test]
fn letters() {
    let cases = [
        ("{{upper x}}", json!("straße"), "STRASSE"),
        ("{{lower x}}", json!("ÄB"), "äb"),
        ("{{truncate x 40}}", json!("short"), "short"),
        ("{{truncate x 5}}", json!("12345"), "12345"),
        ("{{truncate x 5}}", json!("123456"), "1234…"),
        ("{{truncate x 14}}", json!("A lamp of linen"), "A lamp of…"),
        ("{{truncate x 3}}", json!("äöüß"), "äö…"),
    ];
    for (text, value, expected) in cases {
        assert_eq!(said(text, "en", json!({ "x": value })).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_person_hears_their_language_or_the_shops() {
    let policies = policies(&["en", "de", "de-AT", "pt_BR"]);
    let templates = compiled(&[], &policies);
    let cases = [
        (None, "en"),
        (Some("de"), "de"),
        (Some("DE"), "de"),
        (Some("de-AT"), "de-AT"),
        (Some("de_at"), "de-AT"),
        (Some("de-CH"), "de"),
        (Some("de-Latn-CH-1996"), "de"),
        (Some("pt-BR"), "pt_BR"),
        (Some("pt"), "en"),
        (Some("fr"), "en"),
        (Some(""), "en"),
        (Some("💥"), "en"),
    ];
    for (asked, expected) in cases {
        assert_eq!(templates.locale(asked).as_ref(), expected, "{asked:?}");
    }
}
