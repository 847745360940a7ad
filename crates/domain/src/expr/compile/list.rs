//! The functions of lists.

use std::cmp::Ordering;

use super::Closure;
use crate::expr::{ListCall, Scope};
use crate::value::Value;

/// Whether a value is among a list's elements; what is missing is in no list.
pub(super) fn has(scope: &Scope<'_>, list: &Value, value: &Value) -> bool {
    list.items().iter().any(|item| item.compare(value, &scope.policies.rates) == Some(Ordering::Equal))
}

/// The closure of a call. Of what is no list every function is that of an empty one.
pub(super) fn closure(call: ListCall, list: Closure, argument: Option<Closure>) -> Closure {
    let argument = argument.unwrap_or_else(|| Box::new(|scope| scope.element.cloned().unwrap_or_default()));
    Box::new(move |scope| {
        let list = list(scope);
        let items = list.items();
        let of = |item: &Value| argument(&Scope { element: Some(item), ..*scope });
        match call {
            ListCall::Any => Value::Bool(items.iter().any(|item| of(item).is_true())),
            ListCall::All => Value::Bool(items.iter().all(|item| of(item).is_true())),
            ListCall::Where => {
                items.iter().filter(|item| of(item).is_true()).cloned().collect::<Vec<_>>().into()
            }
            ListCall::Count => Value::Number(items.len() as f64),
            ListCall::Sum => items.iter().map(of).fold(Value::Missing, |sum, value| add(scope, sum, value)),
            ListCall::Min => pick(scope, items.iter().map(|item| (of(item), None)), Ordering::Less),
            ListCall::Max => pick(scope, items.iter().map(|item| (of(item), None)), Ordering::Greater),
            ListCall::MinBy => pick(scope, items.iter().map(|item| (of(item), Some(item))), Ordering::Less),
            ListCall::MaxBy => {
                pick(scope, items.iter().map(|item| (of(item), Some(item))), Ordering::Greater)
            }
            ListCall::First => items.first().cloned().unwrap_or_default(),
            ListCall::Last => items.last().cloned().unwrap_or_default(),
            ListCall::Has => Value::Bool(has(scope, &list, &argument(scope))),
        }
    })
}

fn add(scope: &Scope<'_>, sum: Value, value: Value) -> Value {
    match (&sum, &value) {
        (_, Value::Missing) => sum,
        (Value::Missing, Value::Number(_) | Value::Money(_) | Value::Span(_)) => value,
        _ => match super::arithmetic(crate::expr::Operator::Add, &sum, &value, scope) {
            // A line in a currency without a rate adds nothing.
            Value::Missing => sum,
            added => added,
        },
    }
}

/// The first of those that stand at one end; the element where one is given, else what was computed of it.
fn pick<'a>(
    scope: &Scope<'_>,
    values: impl Iterator<Item = (Value, Option<&'a Value>)>,
    wanted: Ordering,
) -> Value {
    let mut best: Option<(Value, Option<&Value>)> = None;
    for (value, item) in values.filter(|(value, _)| !value.is_missing()) {
        let better =
            best.as_ref().is_none_or(|(best, _)| value.compare(best, &scope.policies.rates) == Some(wanted));
        if better {
            best = Some((value, item));
        }
    }
    best.map_or(Value::Missing, |(value, item)| item.cloned().unwrap_or(value))
}
