//! `money`: an amount as its language has it.

use journeyman_domain::value::Currency;
use serde_json::Value;

use super::{Manner, Val};
use crate::error::Reason;

const UNFIT: Reason = Reason::Unfit { helper: "money", wanted: "amount" };

/// An amount: money, or a number of the currency `said`, else of the shop's.
pub(super) fn money(value: &Val<'_>, said: &Val<'_>, manner: &Manner<'_>) -> Result<String, Reason> {
    let said = match said {
        said if said.is_missing() => manner.currency,
        Val::Json(Value::String(code)) => code.parse().map_err(|_| UNFIT)?,
        Val::Text(code) => code.parse().map_err(|_| UNFIT)?,
        _ => return Err(UNFIT),
    };
    let (amount, currency) = amount(value, said).ok_or(UNFIT)?;
    manner.speech.money(&amount, currency).ok_or(UNFIT)
}

/// How much, of what.
pub(super) fn amount(value: &Val<'_>, shop: Currency) -> Option<(String, Currency)> {
    match value {
        Val::Count(count) => Some((count.to_string(), shop)),
        Val::Json(Value::Number(number)) => Some((number.to_string(), shop)),
        Val::Json(Value::Object(fields)) => {
            let amount = match fields.get("amount")? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((amount, fields.get("currency")?.as_str()?.parse().ok()?))
        }
        _ => None,
    }
}
