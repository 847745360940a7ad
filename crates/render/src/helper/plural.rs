//! `plural`: the word for so many, by the rules of its language (CLDR's cardinal categories).

use icu_plurals::PluralCategory;
use serde_json::Value;

use super::{Manner, Val};
use crate::error::Reason;

/// The words for so many. A language that knows a form which is not given takes `other`.
#[derive(Debug)]
pub(crate) struct Plural {
    pub(crate) one: Box<str>,
    pub(crate) other: Box<str>,
    pub(crate) zero: Option<Box<str>>,
    pub(crate) two: Option<Box<str>>,
    pub(crate) few: Option<Box<str>>,
    pub(crate) many: Option<Box<str>>,
}

impl Plural {
    pub(super) fn of(&self, value: &Val<'_>, manner: &Manner<'_>) -> Result<&str, Reason> {
        let unfit = Reason::Unfit { helper: "plural", wanted: "number" };
        let text = match value {
            Val::Json(Value::Number(number)) => number.to_string(),
            Val::Json(Value::Array(items)) => items.len().to_string(),
            Val::Count(count) => count.to_string(),
            _ => return Err(unfit),
        };
        let form = match manner.speech.plural(&text).ok_or(unfit)? {
            PluralCategory::One => Some(&self.one),
            PluralCategory::Zero => self.zero.as_ref(),
            PluralCategory::Two => self.two.as_ref(),
            PluralCategory::Few => self.few.as_ref(),
            PluralCategory::Many => self.many.as_ref(),
            PluralCategory::Other => None,
        };
        Ok(form.unwrap_or(&self.other))
    }
}
