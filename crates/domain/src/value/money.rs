//! Money: a decimal amount with its currency.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};
use serde::{Deserialize, Serialize};

/// An ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Euro, the shop's currency where none is said.
    pub const EUR: Self = Self(*b"EUR");

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl FromStr for Currency {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money. Equal are equal amounts of one currency; across currencies [`Rates::compare`] decides.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    // 16 bytes as rust_decimal packs them: the same in every serde format.
    #[serde(with = "packed")]
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// An amount in a currency.
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount: amount.normalize(), currency }
    }

    /// From a number of JSON; `None` beyond what a decimal of 96 bits holds.
    pub fn from_number(number: f64, currency: Currency) -> Option<Self> {
        Decimal::from_f64(number).map(|amount| Self::new(amount, currency))
    }

    /// How much.
    pub fn amount(&self) -> Decimal {
        self.amount
    }

    /// Of which currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// This much of it; `None` where the result is too large.
    pub fn times(&self, factor: f64) -> Option<Self> {
        let amount = self.amount.checked_mul(Decimal::from_f64(factor)?)?;
        Some(Self::new(amount, self.currency))
    }

    /// One of so many parts of it; `None` of no parts.
    pub fn over(&self, parts: f64) -> Option<Self> {
        let amount = self.amount.checked_div(Decimal::from_f64(parts)?)?;
        Some(Self::new(amount, self.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The day's rate table: what one unit of a currency is worth in the shop's.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// The shop's currency.
    pub base: Currency,
    /// One unit of each in `base`, positive.
    pub rates: BTreeMap<Currency, Decimal>,
}

impl Default for Rates {
    fn default() -> Self {
        Self { base: Currency::EUR, rates: BTreeMap::new() }
    }
}

impl Rates {
    fn in_base(&self, money: Money) -> Option<Decimal> {
        if money.currency == self.base {
            return Some(money.amount);
        }
        money.amount.checked_mul(*self.rates.get(&money.currency)?)
    }

    /// The same worth in another currency; `None` without a rate.
    pub fn convert(&self, money: Money, to: Currency) -> Option<Money> {
        if money.currency == to {
            return Some(money);
        }
        let base = self.in_base(money)?;
        let amount = if to == self.base { base } else { base.checked_div(*self.rates.get(&to)?)? };
        Some(Money::new(amount, to))
    }

    /// How two amounts compare; `None` where a rate is missing.
    pub fn compare(&self, a: Money, b: Money) -> Option<Ordering> {
        if a.currency == b.currency {
            return Some(a.amount.cmp(&b.amount));
        }
        Some(self.in_base(a)?.cmp(&self.in_base(b)?))
    }

    /// The sum, or with `sign` -1 the difference, in the currency of `a`.
    pub fn add(&self, a: Money, b: Money, sign: i64) -> Option<Money> {
        let b = self.convert(b, a.currency)?;
        let amount = a.amount.checked_add(b.amount.checked_mul(Decimal::from(sign))?)?;
        Some(Money::new(amount, a.currency))
    }

    /// How many times `b` is in `a`.
    pub fn ratio(&self, a: Money, b: Money) -> Option<f64> {
        self.in_base(a)?.checked_div(self.in_base(b)?)?.to_f64()
    }

    /// What a goal is worth as a number, money in the shop's currency; `None` of what is neither, or without a rate.
    pub fn worth(&self, value: &super::Value) -> Option<f64> {
        match value {
            super::Value::Number(number) => Some(*number),
            super::Value::Money(money) => self.in_base(*money)?.to_f64(),
            _ => None,
        }
    }
}

mod packed {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        amount.serialize().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        <[u8; 16]>::deserialize(deserializer).map(Decimal::deserialize)
    }
}
