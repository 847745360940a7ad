//! Helpers: what templates compute. One file for each kind; what they are given was checked when the template was compiled.

mod date;
mod logic;
mod money;
mod number;
mod plural;
mod words;

use std::borrow::Cow;

use jiff::tz::TimeZone;
use journeyman_domain::value::Currency;
use serde_json::Value;

use crate::error::Reason;
use crate::speech::Speech;

pub(crate) use date::DateStyle;
pub(crate) use logic::truthy;
pub(crate) use plural::Plural;

/// Something that computes.
#[derive(Debug)]
pub(crate) enum Helper {
    Money,
    Number,
    Date(DateStyle),
    Plural(Plural),
    Upper,
    Lower,
    Truncate,
    Default,
    Or,
    And,
    Not,
    Equal,
    Differs,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A value while rendering.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Json(&'a Value),
    Text(Cow<'a, str>),
    Flag(bool),
    Count(usize),
}

/// How things are said: the language and what the shop and the person have it with.
pub(crate) struct Manner<'a> {
    pub(crate) speech: &'a Speech,
    pub(crate) zone: &'a TimeZone,
    pub(crate) currency: Currency,
}

pub(crate) static NOTHING: Value = Value::Null;

impl Helper {
    /// Computes. Missing in, missing out, but for what asks about it.
    pub(crate) fn call<'a>(&self, args: &[Val<'a>], manner: &Manner<'_>) -> Result<Val<'a>, Reason> {
        let nothing = Val::Json(&NOTHING);
        let first = args.first().unwrap_or(&nothing);
        let second = args.get(1).unwrap_or(&nothing);
        match self {
            Self::Default => return Ok(if first.is_missing() { second.clone() } else { first.clone() }),
            Self::Or => return Ok(logic::or(args)),
            Self::And => return Ok(Val::Flag(args.iter().all(truthy))),
            Self::Not => return Ok(Val::Flag(!truthy(first))),
            Self::Equal => return Ok(Val::Flag(logic::equal(first, second))),
            Self::Differs => return Ok(Val::Flag(!logic::equal(first, second))),
            Self::Less => return Ok(Val::Flag(logic::compare(first, second, |order| order.is_lt()))),
            Self::AtMost => return Ok(Val::Flag(logic::compare(first, second, |order| order.is_le()))),
            Self::More => return Ok(Val::Flag(logic::compare(first, second, |order| order.is_gt()))),
            Self::AtLeast => return Ok(Val::Flag(logic::compare(first, second, |order| order.is_ge()))),
            _ if first.is_null() => return Ok(nothing),
            _ => {}
        }
        let text = match self {
            Self::Money => money::money(first, second, manner)?,
            Self::Number => number::number(first, manner)?,
            Self::Date(style) => date::date(first, *style, manner)?,
            Self::Plural(plural) => plural.of(first, manner)?.to_owned(),
            Self::Upper => words::text(first, manner)?.to_uppercase(),
            Self::Lower => words::text(first, manner)?.to_lowercase(),
            _ => words::truncate(first, second, manner)?,
        };
        Ok(Val::Text(Cow::Owned(text)))
    }
}

impl Val<'_> {
    /// Nothing, or nothing to be said.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Val::Json(Value::String(text)) => text.trim().is_empty(),
            Val::Text(text) => text.trim().is_empty(),
            value => value.is_null(),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Val::Json(Value::Null))
    }
}

/// A value as it is written bare: text as it is, money as `money` has it.
pub(crate) fn written<'v>(value: &'v Val<'_>, manner: &Manner<'_>) -> Result<Cow<'v, str>, Reason> {
    words::written(value, manner)
}
