//! Values: what properties, traits and computations are made of.

mod money;
mod span;

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ShopTime;

pub use money::{Currency, Money, Rates};
pub use span::{MAX_DAYS, Span};

/// How deep lists and records of a value may be nested, the door's own limit.
pub const VALUE_DEPTH: usize = crate::tracking::DEPTH;

/// One value. `Missing` is a value like any other, with rules of its own: comparing with it is false, computing with it
/// gives `Missing` (LANGUAGE, rule 6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing there: no such property, JSON's null, a computation without a result.
    #[default]
    Missing,
    /// `true` or `false`.
    Bool(bool),
    /// A number, always finite.
    Number(f64),
    /// Text, compared bytewise.
    Text(Arc<str>),
    /// A moment.
    Time(ShopTime),
    /// How long.
    Span(Span),
    /// An amount with its currency.
    Money(Money),
    /// A list.
    List(Arc<[Value]>),
    /// Named values, in the order in which they were written.
    Record(Arc<[(Arc<str>, Value)]>),
}

impl Value {
    /// Text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// A number; what is not finite is missing, and there is but one zero.
    pub fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number + 0.0) } else { Self::Missing }
    }

    /// A record of `fields`.
    pub fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Record(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// From JSON: null is missing, numbers are f64; deeper than [`VALUE_DEPTH`] is missing.
    pub fn from_json(json: &serde_json::Value) -> Self {
        Self::from_json_within(json, VALUE_DEPTH)
    }

    fn from_json_within(json: &serde_json::Value, depth: usize) -> Self {
        let Some(depth) = depth.checked_sub(1) else { return Self::Missing };
        match json {
            serde_json::Value::Null => Self::Missing,
            serde_json::Value::Bool(truth) => Self::Bool(*truth),
            serde_json::Value::Number(number) => number.as_f64().map_or(Self::Missing, Self::number),
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(|item| Self::from_json_within(item, depth)).collect())
            }
            serde_json::Value::Object(fields) => Self::Record(
                fields
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), Self::from_json_within(value, depth)))
                    .collect(),
            ),
        }
    }

    /// As JSON: a moment as RFC 3339, a span in seconds or `Nd`, money as `{amount, currency}`.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Missing => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            // 2^53: integers up to here are exact, and are written as such.
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
                (*number as i64).into()
            }
            Self::Number(number) => serde_json::Number::from_f64(*number).into(),
            Self::Text(text) => text.as_ref().into(),
            Self::Time(at) => at.to_string().into(),
            Self::Span(span) => span.to_string().into(),
            Self::Money(money) => {
                serde_json::json!({ "amount": money.amount().to_string(), "currency": money.currency().code() })
            }
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Record(fields) => serde_json::Value::Object(
                fields.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect(),
            ),
        }
    }

    /// Whether nothing is there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// Whether a condition of this value holds: only `true` does.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, where it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The list's elements; of anything else none.
    pub fn items(&self) -> &[Value] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The field of a record; missing of anything else.
    pub fn field(&self, name: &str) -> &Value {
        const MISSING: &Value = &Value::Missing;
        let Self::Record(fields) = self else { return MISSING };
        fields.iter().find(|(field, _)| field.as_ref() == name).map_or(MISSING, |(_, value)| value)
    }

    /// The value at a path of fields.
    pub fn at<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> &Value {
        path.into_iter().fold(self, |value, name| value.field(name))
    }

    /// As the text that keys a run or a counter: text as it is, a number in its shortest form, true and false as words.
    /// Nothing else is a key. Text is cut to none beyond [`KEY_BYTES`].
    pub fn key(&self) -> Option<Arc<str>> {
        match self {
            Self::Text(text) if !text.is_empty() && text.len() <= KEY_BYTES => Some(text.clone()),
            Self::Number(number) => Some(number.to_string().into()),
            Self::Bool(truth) => Some(truth.to_string().into()),
            _ => None,
        }
    }

    /// How two values of one type stand to each other; `None` where either is missing, or the types differ.
    /// `rates` converts money; money of a currency without a rate compares with nothing but its own.
    pub fn compare(&self, other: &Self, rates: &Rates) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Span(a), Self::Span(b)) => Some(a.nominal().cmp(&b.nominal())),
            (Self::Money(a), Self::Money(b)) => rates.compare(*a, *b),
            _ => None,
        }
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items.into())
    }
}

/// How long the key of a run may be, bytes.
pub const KEY_BYTES: usize = 256;

#[cfg(test)]
mod tests;
