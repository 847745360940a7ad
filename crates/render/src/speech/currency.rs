//! Where a currency's sign stands and which it is, by locale.
//!
//! Source: Unicode CLDR 48 (numbers: standard currency patterns, symbols; supplemental: fraction digits), read off ICU 78.2.
//! ICU4X's own formatter of currencies is still experimental; when it is not, it takes this file's place.

use std::collections::BTreeMap;

/// Languages and locales whose sign stands before the amount, without a space.
const BEFORE: &str = "cy en en-CA en-GB en-IE en-IN en-NZ en-ZA ga hi id ja ko ms mt th tr zh";
/// And with a space.
const BEFORE_SPACED: &str = "de-AT de-CH en-AU es-AR es-MX es-US it-CH nl pt";
/// And after it; whatever stands in none of the three has it so.
const AFTER: &str = "pt-PT";

/// Where the sign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Before,
    BeforeSpaced,
    After,
}

/// Where the sign stands in a locale.
pub(super) fn sign(locale: &str) -> Sign {
    let kinds = [(BEFORE, Sign::Before), (BEFORE_SPACED, Sign::BeforeSpaced), (AFTER, Sign::After)];
    let of = |name: &str| {
        kinds
            .iter()
            .find(|(locales, _)| locales.split(' ').any(|locale| locale == name))
            .map(|(_, sign)| *sign)
    };
    of(locale).or_else(|| of(language(locale))).unwrap_or(Sign::After)
}

/// The signs of a locale by currency; what has none is written by its code.
pub(super) fn symbols(locale: &str) -> BTreeMap<&'static str, &'static str> {
    let mut symbols = BTreeMap::new();
    // What is said of the locale goes before what is of its language, and that before what is of all.
    for of in ["*", language(locale), locale] {
        for (code, symbol, locales) in SYMBOLS {
            if locales.split(' ').any(|known| known == of) {
                symbols.insert(*code, *symbol);
            }
        }
    }
    symbols
}

/// An amount's figures: Austria writes those of money otherwise than other numbers.
pub(super) fn figures(said: String, locale: &str) -> String {
    if locale == "de-AT" { said.replace('\u{a0}', ".") } else { said }
}

/// How many digits stand behind the point.
pub(super) fn digits(currency: &str) -> i16 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn language(locale: &str) -> &str {
    locale.split('-').next().unwrap_or(locale)
}

/// Currency, sign, and the locales that have it; `*` is every other.
const SYMBOLS: &[(&str, &str, &str)] = &[
    ("VND", "₫", "*"),
    ("USD", "$", "*"),
    ("TWD", "NT$", "*"),
    ("PHP", "₱", "*"),
    ("NZD", "NZ$", "*"),
    ("MXN", "MX$", "*"),
    ("KRW", "₩", "*"),
    ("JPY", "¥", "*"),
    ("INR", "₹", "*"),
    ("ILS", "₪", "*"),
    ("HKD", "HK$", "*"),
    ("GBP", "£", "*"),
    ("EUR", "€", "*"),
    ("CNY", "CN¥", "*"),
    ("CAD", "CA$", "*"),
    ("BRL", "R$", "*"),
    ("AUD", "A$", "*"),
    ("AED", "د.إ.", "ar"),
    ("ARS", "$AR", "fr"),
    ("ARS", "ARS", "fr-CA"),
    ("ARS", "$", "es-AR"),
    ("AUD", "$", "en-AU"),
    ("AUD", "AU$", "de nl pt da cs et lv tr ar th vi id ko zh ca"),
    ("AUD", "$AU", "fr"),
    ("AUD", "$ AU", "fr-CA"),
    ("AUD", "AUD", "es pl sv nb nn fi is sk sl hr sr hu ro bg lt uk"),
    ("BGN", "лв.", "bg"),
    ("BRL", "BRL", "en-AU es it nb nn fi is sk sl hr hu ro bg lt uk ca"),
    ("BRL", "BR$", "sv"),
    ("CAD", "CAD", "en-AU es pl nb nn fi is sk sl hr hu ro bg lt uk ms ca"),
    ("CAD", "$", "en-CA fr-CA"),
    ("CAD", "$CA", "fr fa"),
    ("CAD", "C$", "nl"),
    ("CLP", "$CL", "fr"),
    ("CLP", "CLP", "fr-CA"),
    ("CNY", "CNY", "en-AU fr es pl sv nb nn fi sk hr hu ro bg lt uk ca"),
    ("CNY", "CN¥", "fr-CA zh-TW zh-HK"),
    ("CNY", "¥CN", "fa"),
    ("CNY", "元", "ja"),
    ("CNY", "¥", "zh"),
    ("COP", "$CO", "fr"),
    ("COP", "COP", "fr-CA"),
    ("CZK", "Kč", "cs"),
    ("DKK", "Dkr", "sv"),
    ("DKK", "kr.", "da"),
    ("EGP", "EG£", "sv"),
    ("EGP", "ج.م.", "ar"),
    ("EUR", "EUR", "en-AU de-CH es-MX es-AR es-US is hu ro uk"),
    ("GBP", "GBP", "en-AU es pl sv nn is sk sl hr hu ro bg lt uk"),
    ("GBP", "£GB", "fr"),
    ("GBP", "£", "fr-CA"),
    ("GBP", "UK£", "ar"),
    ("HKD", "HKD", "en-AU fr es it pl sv nb nn fi sk hr hu ro bg lt uk"),
    ("HKD", "$ HK", "fr-CA"),
    ("HKD", "$HK", "fa"),
    ("HUF", "Ft", "hu"),
    ("IDR", "Rp", "id"),
    ("ILS", "ILS", "en-AU fr-CA es pl nb nn fi cs hr hu ro bg lt uk"),
    ("ILS", "NIS", "sk"),
    ("INR", "INR", "en-AU fr-CA es it pl sv nb nn fi is cs sk hr hu ro bg lt uk"),
    ("INR", "Rs", "id"),
    ("ISK", "Ikr", "sv"),
    ("ISK", "kr.", "is"),
    ("JPY", "JP¥", "en-GB en-CA en-NZ en-ZA nl pt da is cs el ar hi id ms ko zh eu gl cy mt en-IN en-IE"),
    ("JPY", "JPY", "en-AU fr es it pl sv nb nn sk hr ro bg lt"),
    ("JPY", "¥", "fr-CA es-US zh-TW zh-HK"),
    ("JPY", "￥", "ja"),
    ("KRW", "KRW", "en-AU fr-CA es it pl sv nb nn fi is sk hr sr hu ro bg lt uk cy"),
    ("KRW", "￦", "zh-TW"),
    ("MXN", "MXN", "en-AU fr-CA es it pl nb nn fi is sl hr hu ro bg lt uk ms ca"),
    ("MXN", "$MX", "fr fa gl"),
    ("MXN", "$", "es-MX"),
    ("MYR", "RM", "ms"),
    ("NOK", "Nkr", "sv"),
    ("NOK", "kr", "nb nn"),
    ("NZD", "NZD", "en-AU es pl sv nb nn fi is sk sl hr sr hu ro bg lt uk"),
    ("NZD", "$", "en-NZ"),
    ("NZD", "$NZ", "fr fa"),
    ("NZD", "$ NZ", "fr-CA"),
    (
        "PHP",
        "PHP",
        "en-AU de fr es nl pl pt sv da nb nn fi is cs sk sl hr sr hu ro bg el et lv lt tr ru uk he ar fa hi th vi id ms ja ko zh ca eu gl cy mt",
    ),
    ("PLN", "zł", "pl"),
    ("RUB", "₽", "ru"),
    ("SAR", "ر.س.", "ar"),
    ("SEK", "kr", "sv"),
    ("SGD", "$SG", "fr"),
    ("SGD", "$ SG", "fr-CA"),
    ("THB", "฿", "de es it nl pt da el et lv tr ru he ar fa hi th vi id ca eu gl ga cy"),
    ("THB", "THB", "es-MX es-AR es-US"),
    ("TRY", "₺", "tr"),
    ("TWD", "TWD", "en-AU fr es it pl sv nb nn fi is sk sl hr hu ro bg lt uk"),
    ("TWD", "$", "zh-TW"),
    ("UAH", "₴", "ru uk"),
    ("USD", "US$", "en-GB en-CA en-NZ en-ZA es nl pt sv da cs sr ar th vi id ko zh eu cy mt en-IE"),
    ("USD", "USD", "en-AU es-MX it pl nb nn is sk hr hu ro lt uk ms ca"),
    ("USD", "$US", "fr"),
    ("USD", "$ US", "fr-CA"),
    ("USD", "$", "es-US"),
    ("USD", "щ.д.", "bg"),
    ("VND", "VND", "en-AU fr-CA es-MX es-AR es-US it pl sv nb nn fi is cs sk hr sr hu ro bg lt uk"),
    ("ZAR", "R", "en-ZA"),
];
