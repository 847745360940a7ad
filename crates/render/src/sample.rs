//! `sample:`, the variables that a template is tried with.

use journeyman_domain::template::{Place, Variable};
use journeyman_domain::value::Currency;
use serde_json::{Map, Value};

use crate::report::Report;
use crate::tree::{Kind, Node};

/// Its value. Text without quotes is what it looks like: a number, `true`, `false`, `null`, or money such as `12.90 EUR`.
pub(crate) fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Nothing | Kind::Refused => Value::Null,
        Kind::Scalar { text, plain: true } => plain(text),
        Kind::Scalar { text, plain: false } => Value::String(text.clone()),
        Kind::List(items) => items.iter().map(value).collect(),
        Kind::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect::<Map<_, _>>().into()
        }
    }
}

fn plain(text: &str) -> Value {
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "null" | "~" => return Value::Null,
        _ => {}
    }
    let money = text.split_once(' ').filter(|(amount, _)| is_number(amount));
    if let Some((amount, currency)) = money.filter(|(_, currency)| currency.parse::<Currency>().is_ok()) {
        return serde_json::json!({ "amount": amount, "currency": currency });
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Number(number)) if is_number(text) => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}

/// Digits, with a point or not; what begins with a zero is a number of something else.
fn is_number(text: &str) -> bool {
    let bare = text.strip_prefix('-').unwrap_or(text);
    let (whole, rest) = bare.split_once('.').unwrap_or((bare, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(rest) && (whole == "0" || !whole.starts_with('0'))
}

/// Says what the sample lacks of what the template asks for.
pub(crate) fn check(node: &Node, sample: &Value, variables: &[Variable], report: &mut Report) {
    for variable in variables {
        let path: Vec<&str> = variable.path.iter().map(AsRef::as_ref).collect();
        let found = at(sample, &path);
        let place = nearest_place(node, &path);
        let lacks = |what: String, report: &mut Report| {
            report.error(
                &place,
                format!("the sample has no `{what}`, which the template asks for"),
                "add it",
            );
        };
        match found {
            Value::Null if variable.required => lacks(path.join("."), report),
            Value::Array(items) if variable.list => {
                for field in variable.fields.iter().filter(|field| field.required) {
                    let names: Vec<&str> = field.path.iter().map(AsRef::as_ref).collect();
                    if items.iter().any(|item| at(item, &names).is_null()) {
                        lacks(format!("{}[].{}", path.join("."), names.join(".")), report);
                    }
                }
            }
            Value::Null => {}
            _ if variable.list => {
                report.error(
                    &place,
                    format!("`{}` of the sample is no list", path.join(".")),
                    "write `- …` lines",
                );
            }
            _ => {}
        }
    }
}

fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// Where as much of the path stands as there is.
fn nearest_place(node: &Node, path: &[&str]) -> Place {
    let mut node = node;
    let mut place = node.place.clone();
    for name in path {
        let Kind::Map(entries) = &node.kind else { break };
        let Some(entry) = entries.iter().find(|entry| entry.key == *name) else { break };
        place = entry.place.clone();
        node = &entry.value;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_quotes_is_what_it_looks_like() {
        let cases = [
            ("12", "12"),
            ("12.90", "12.90"),
            ("-3", "-3"),
            ("0", "0"),
            ("01234", "\"01234\""),
            ("1e5", "\"1e5\""),
            ("NO", "\"NO\""),
            ("true", "true"),
            ("~", "null"),
            ("12.90 EUR", "{\"amount\":\"12.90\",\"currency\":\"EUR\"}"),
            ("12 pieces", "\"12 pieces\""),
            ("2026-11-27T09:00:00Z", "\"2026-11-27T09:00:00Z\""),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text).to_string(), expected, "{text}");
        }
    }
}
