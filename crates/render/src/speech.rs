//! How a language says numbers, money, dates and so many of something. Data of Unicode's CLDR, through ICU4X.

mod currency;

use std::collections::BTreeMap;

use icu_datetime::fieldsets::{MDE, T, YMD, YMDT};
use icu_datetime::input::{Date, DateTime, Time};
use icu_datetime::{DateTimeFormatter, NoCalendarFormatter};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralOperands, PluralRules};
use jiff::civil;
use journeyman_domain::value::Currency;

use crate::helper::DateStyle;
use currency::Sign;

/// A language's ways.
pub(crate) struct Speech {
    name: String,
    sign: Sign,
    symbols: BTreeMap<&'static str, &'static str>,
    decimal: DecimalFormatter,
    plural: PluralRules,
    short: DateTimeFormatter<YMD>,
    long: DateTimeFormatter<YMD>,
    weekday: DateTimeFormatter<MDE>,
    time: NoCalendarFormatter<T>,
    datetime: DateTimeFormatter<YMDT>,
}

impl Speech {
    /// Of a locale; `None` where that is no locale at all. Of one that CLDR does not know, the nearest that it does.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let locale = name.replace('_', "-").parse::<Locale>().ok()?;
        let name = locale.to_string();
        Some(Self {
            sign: currency::sign(&name),
            symbols: currency::symbols(&name),
            name,
            decimal: DecimalFormatter::try_new((&locale).into(), Default::default()).ok()?,
            plural: PluralRules::try_new_cardinal((&locale).into()).ok()?,
            short: DateTimeFormatter::try_new((&locale).into(), YMD::short()).ok()?,
            long: DateTimeFormatter::try_new((&locale).into(), YMD::long()).ok()?,
            weekday: DateTimeFormatter::try_new((&locale).into(), MDE::long()).ok()?,
            time: NoCalendarFormatter::try_new((&locale).into(), T::hm()).ok()?,
            datetime: DateTimeFormatter::try_new((&locale).into(), YMD::long().with_time_hm()).ok()?,
        })
    }

    /// An amount with its currency, rounded to what that has, half to even.
    pub(crate) fn money(&self, amount: &str, currency: Currency) -> Option<String> {
        let code = currency.code();
        let digits = currency::digits(code);
        let mut amount = decimal(amount)?;
        amount.round(-digits);
        amount.trim_end();
        amount.pad_end(-digits);
        let said = currency::figures(self.decimal.format(&amount).to_string(), &self.name);
        let symbol = self.symbols.get(code).copied().unwrap_or(code);
        let letters = |letter: Option<char>| letter.is_some_and(char::is_alphabetic);
        Some(match self.sign {
            Sign::After => format!("{said}\u{a0}{symbol}"),
            spaced => {
                let negative = said.starts_with(['-', '−']);
                let space = spaced == Sign::BeforeSpaced || letters(symbol.chars().next_back());
                let space = if space { "\u{a0}" } else { "" };
                match said.strip_prefix(['-', '−']).filter(|_| negative) {
                    Some(bare) => format!("-{symbol}{space}{bare}"),
                    None => format!("{symbol}{space}{said}"),
                }
            }
        })
    }

    /// A number, at most three digits behind the point.
    pub(crate) fn number(&self, number: &str) -> Option<String> {
        let mut number = decimal(number)?;
        number.round(-3);
        number.trim_end();
        Some(self.decimal.format(&number).to_string())
    }

    /// Which form so many of something have.
    pub(crate) fn plural(&self, count: &str) -> Option<PluralCategory> {
        let mut count = decimal(count)?;
        count.trim_end();
        Some(self.plural.category_for(PluralOperands::from(&count)))
    }

    /// A moment of the reader's clock.
    pub(crate) fn date(&self, moment: civil::DateTime, style: DateStyle) -> Option<String> {
        let date = moment.date();
        let month = u8::try_from(date.month()).ok()?;
        let date = Date::try_new_iso(i32::from(date.year()), month, u8::try_from(date.day()).ok()?).ok()?;
        let part = |part: i8| u8::try_from(part).ok();
        let time =
            Time::try_new(part(moment.hour())?, part(moment.minute())?, part(moment.second())?, 0).ok()?;
        Some(match style {
            DateStyle::Short => self.short.format(&date).to_string(),
            DateStyle::Long => self.long.format(&date).to_string(),
            DateStyle::Weekday => self.weekday.format(&date).to_string(),
            DateStyle::Time => self.time.format(&time).to_string(),
            DateStyle::DateTime => self.datetime.format(&DateTime { date, time }).to_string(),
        })
    }
}

fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok()
}
