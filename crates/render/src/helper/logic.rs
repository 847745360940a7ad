//! Conditions. As in journeys, a comparison with something missing is false.

use std::cmp::Ordering;

use journeyman_domain::value::Currency;
use serde_json::Value;

use super::{Val, money};

/// Whether an `{{#if}}` takes it for true: not nothing, `false`, zero, or empty.
pub(crate) fn truthy(value: &Val<'_>) -> bool {
    match value {
        Val::Flag(flag) => *flag,
        Val::Count(count) => *count > 0,
        Val::Text(text) => !text.is_empty(),
        Val::Json(Value::Null) => false,
        Val::Json(Value::Bool(flag)) => *flag,
        Val::Json(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
        Val::Json(Value::String(text)) => !text.is_empty(),
        Val::Json(Value::Array(items)) => !items.is_empty(),
        Val::Json(Value::Object(fields)) => !fields.is_empty(),
    }
}

/// The first that is true, else the last.
pub(super) fn or<'a>(args: &[Val<'a>]) -> Val<'a> {
    let found = args.iter().find(|arg| truthy(arg)).or(args.last());
    found.cloned().unwrap_or(Val::Flag(false))
}

pub(super) fn equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        (Val::Json(a), Val::Json(b)) if a == b => true,
        (Val::Flag(a), Val::Json(Value::Bool(b))) | (Val::Json(Value::Bool(b)), Val::Flag(a)) => a == b,
        (Val::Flag(a), Val::Flag(b)) => a == b,
        _ => order(a, b) == Some(Ordering::Equal),
    }
}

pub(super) fn compare(a: &Val<'_>, b: &Val<'_>, holds: fn(Ordering) -> bool) -> bool {
    order(a, b).is_some_and(holds)
}

/// Texts by their bytes, numbers and amounts by their size; amounts of two currencies are not compared.
fn order(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (text(a), text(b)) {
        return Some(a.cmp(b));
    }
    if let (Some((a, of_a)), Some((b, of_b))) = (amount(a), amount(b)) {
        return (of_a.is_none() || of_b.is_none() || of_a == of_b).then(|| a.partial_cmp(&b)).flatten();
    }
    None
}

fn text<'v>(value: &'v Val<'_>) -> Option<&'v str> {
    match value {
        Val::Json(Value::String(text)) => Some(text),
        Val::Text(text) => Some(text),
        _ => None,
    }
}

fn amount(value: &Val<'_>) -> Option<(f64, Option<String>)> {
    match value {
        Val::Count(count) => Some((*count as f64, None)),
        Val::Json(Value::Number(number)) => number.as_f64().map(|number| (number, None)),
        Val::Json(Value::Object(_)) => {
            let (amount, currency) = money::amount(value, Currency::EUR)?;
            Some((amount.parse().ok()?, Some(currency.to_string())))
        }
        _ => None,
    }
}
