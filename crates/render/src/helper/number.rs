//! `number`: a number as its language has it.

use serde_json::Value;

use super::{Manner, Val};
use crate::error::Reason;

pub(super) fn number(value: &Val<'_>, manner: &Manner<'_>) -> Result<String, Reason> {
    let unfit = Reason::Unfit { helper: "number", wanted: "number" };
    let text = match value {
        Val::Json(Value::Number(number)) => number.to_string(),
        Val::Count(count) => count.to_string(),
        _ => return Err(unfit),
    };
    manner.speech.number(&text).ok_or(unfit)
}
