//! `upper`, `lower`, `truncate`, and values as they are written bare.

use std::borrow::Cow;

use serde_json::Value;

use super::{Manner, Val, money};
use crate::error::Reason;

/// A value as it is written bare.
pub(super) fn written<'v>(value: &'v Val<'_>, manner: &Manner<'_>) -> Result<Cow<'v, str>, Reason> {
    Ok(match value {
        Val::Json(Value::String(text)) => Cow::Borrowed(text.as_str()),
        Val::Text(text) => Cow::Borrowed(text.as_ref()),
        Val::Json(Value::Null) => Cow::Borrowed(""),
        Val::Json(Value::Bool(flag)) | Val::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Val::Count(count) => Cow::Owned(count.to_string()),
        Val::Json(Value::Number(number)) => {
            let mut text = number.to_string();
            if let Some(whole) = text.strip_suffix(".0") {
                text.truncate(whole.len());
            }
            Cow::Owned(text)
        }
        Val::Json(Value::Object(_)) if money::amount(value, manner.currency).is_some() => {
            Cow::Owned(money::money(value, &Val::Json(&super::NOTHING), manner)?)
        }
        Val::Json(Value::Object(_) | Value::Array(_)) => return Err(Reason::NoText),
    })
}

pub(super) fn text(value: &Val<'_>, manner: &Manner<'_>) -> Result<String, Reason> {
    written(value, manner).map(Cow::into_owned)
}

/// The first so many letters; an ellipsis stands for the rest, and no word is cut where a space is near.
pub(super) fn truncate(value: &Val<'_>, letters: &Val<'_>, manner: &Manner<'_>) -> Result<String, Reason> {
    let unfit = Reason::Unfit { helper: "truncate", wanted: "whole number of letters" };
    let Val::Json(Value::Number(most)) = letters else { return Err(unfit) };
    let most =
        most.as_u64().filter(|most| *most > 0).and_then(|most| usize::try_from(most).ok()).ok_or(unfit)?;
    let text = text(value, manner)?;
    let Some((end, _)) = text.char_indices().nth(most) else { return Ok(text) };
    let last = text.char_indices().nth(most - 1).map_or(0, |(at, _)| at);
    let kept = text.get(..last).unwrap_or("");
    let space = kept.rfind(char::is_whitespace).filter(|at| *at * 2 > last);
    let whole = text.get(end..).is_some_and(|rest| rest.is_empty());
    let kept = if whole { text.as_str() } else { kept.get(..space.unwrap_or(last)).unwrap_or(kept) };
    Ok(format!("{}…", kept.trim_end()))
}
