//! Expressions as closures.

mod list;

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Comparison, Counted, Expr, Operator, Scope, Type, currency_beside};
use crate::ShopTime;
use crate::person::FeatureKey;
use crate::value::{Money, Span, Value};

type Closure = Box<dyn Fn(&Scope<'_>) -> Value + Send + Sync>;

/// An expression, ready to be asked.
pub struct Compiled(Closure);

impl Compiled {
    /// Its value.
    pub fn value(&self, scope: &Scope<'_>) -> Value {
        (self.0)(scope)
    }

    /// A defect of ours, for tests of what becomes of one.
    #[cfg(test)]
    pub(crate) fn panics() -> Self {
        Self(Box::new(|_| panic!("a defect, on purpose")))
    }

    /// Whether it is true; what is missing is not.
    pub fn holds(&self, scope: &Scope<'_>) -> bool {
        (self.0)(scope).is_true()
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

/// Makes a closure of an expression. Its depth is bounded where it is parsed.
pub fn compile(expr: &Expr) -> Compiled {
    Compiled(closure(expr))
}

fn closure(expr: &Expr) -> Closure {
    match expr {
        Expr::Literal(value) => {
            let value = value.clone();
            Box::new(move |_| value.clone())
        }
        Expr::Path(root, path) => {
            let (root, path) = (root.clone(), path.clone());
            Box::new(move |scope| scope.get(&root, &path))
        }
        Expr::Now => Box::new(|scope| Value::Time(scope.now)),
        Expr::List(items) => {
            let items: Vec<Closure> = items.iter().map(closure).collect();
            Box::new(move |scope| items.iter().map(|item| item(scope)).collect::<Vec<_>>().into())
        }
        Expr::Not(inner) => {
            let inner = closure(inner);
            Box::new(move |scope| Value::Bool(!inner(scope).is_true()))
        }
        Expr::And(a, b) => {
            let (a, b) = (closure(a), closure(b));
            Box::new(move |scope| Value::Bool(a(scope).is_true() && b(scope).is_true()))
        }
        Expr::Or(a, b) => {
            let (a, b) = (closure(a), closure(b));
            Box::new(move |scope| Value::Bool(a(scope).is_true() || b(scope).is_true()))
        }
        Expr::Compare(comparison, a, b) => compare(*comparison, closure(a), closure(b)),
        Expr::In(element, of) => {
            let (element, of) = (closure(element), closure(of));
            Box::new(move |scope| Value::Bool(list::has(scope, &of(scope), &element(scope))))
        }
        Expr::Arithmetic(operator, a, b) => {
            let (operator, a, b) = (*operator, closure(a), closure(b));
            Box::new(move |scope| arithmetic(operator, &a(scope), &b(scope), scope))
        }
        Expr::Call(call, of, argument) => list::closure(*call, closure(of), argument.as_deref().map(closure)),
        Expr::Has(inner) => {
            let inner = closure(inner);
            Box::new(move |scope| Value::Bool(!inner(scope).is_missing()))
        }
        Expr::Count(counted) => counter(counted, |count, _| count),
        Expr::Sum(counted) => counter(counted, |_, sum| sum),
        Expr::LastAt(event) => {
            let key = FeatureKey { event: event.clone(), field: None, by: None };
            Box::new(move |scope| {
                let feature = scope.person.features.get(&key);
                feature.and_then(|feature| feature.last).map_or(Value::Missing, Value::Time)
            })
        }
        Expr::Product(id, path) => {
            let (id, path) = (closure(id), path.clone());
            Box::new(move |scope| {
                let product = id(scope).key().and_then(|id| scope.catalog.product(&id));
                product.map_or(Value::Missing, |product| product.at(path.iter().map(AsRef::as_ref)).clone())
            })
        }
        Expr::InSegment(name) => {
            let name = name.clone();
            Box::new(move |scope| Value::Bool(scope.in_segment(&name)))
        }
        Expr::InCalendar(name) => {
            let name = name.clone();
            Box::new(move |scope| Value::Bool(scope.in_calendar(&name)))
        }
        Expr::Reachable(channel, topic) => {
            let (channel, topic) = (*channel, topic.clone());
            Box::new(move |scope| Value::Bool(scope.reaches(channel, topic.as_deref())))
        }
        Expr::ChangedAt(name) => {
            let name = name.clone();
            Box::new(move |scope| scope.person.traits.at(&name).map_or(Value::Missing, Value::Time))
        }
        Expr::As(to, inner) => cast(to, inner),
    }
}

fn compare(comparison: Comparison, a: Closure, b: Closure) -> Closure {
    Box::new(move |scope| {
        let ordering = a(scope).compare(&b(scope), &scope.policies.rates);
        Value::Bool(match comparison {
            // What is missing equals nothing, not even what is missing; `!=` is the exact negation.
            Comparison::Eq => ordering == Some(Ordering::Equal),
            Comparison::Ne => ordering != Some(Ordering::Equal),
            Comparison::Lt => ordering == Some(Ordering::Less),
            Comparison::Le => ordering.is_some_and(Ordering::is_le),
            Comparison::Gt => ordering == Some(Ordering::Greater),
            Comparison::Ge => ordering.is_some_and(Ordering::is_ge),
        })
    })
}

fn arithmetic(operator: Operator, a: &Value, b: &Value, scope: &Scope<'_>) -> Value {
    use Operator::{Add, Div, Mul, Sub};
    let money = |money: Option<Money>| money.map_or(Value::Missing, Value::Money);
    match (a, operator, b) {
        (Value::Number(a), _, Value::Number(b)) => Value::number(match operator {
            Add => a + b,
            Sub => a - b,
            Mul => a * b,
            Div => a / b,
        }),
        (Value::Time(at), Add, Value::Span(span)) | (Value::Span(span), Add, Value::Time(at)) => {
            Value::Time(span.after(*at, scope.zone))
        }
        (Value::Time(at), Sub, Value::Span(span)) => Value::Time(span.before(*at, scope.zone)),
        (Value::Time(a), Sub, Value::Time(b)) => {
            Value::Span(Span::Exact(a.as_microsecond().saturating_sub(b.as_microsecond())))
        }
        (Value::Span(span), Mul, Value::Number(by)) | (Value::Number(by), Mul, Value::Span(span)) => {
            times(*span, *by)
        }
        (Value::Span(a), Add, Value::Span(b)) => sum(*a, *b),
        (Value::Span(a), Sub, Value::Span(b)) => sum(*a, b.negated()),
        (Value::Money(a), Add, Value::Money(b)) => money(scope.policies.rates.add(*a, *b, 1)),
        (Value::Money(a), Sub, Value::Money(b)) => money(scope.policies.rates.add(*a, *b, -1)),
        (Value::Money(a), Mul, Value::Number(by)) | (Value::Number(by), Mul, Value::Money(a)) => {
            money(a.times(*by))
        }
        (Value::Money(a), Div, Value::Number(by)) => money(a.over(*by)),
        (Value::Money(a), Div, Value::Money(b)) => {
            scope.policies.rates.ratio(*a, *b).map_or(Value::Missing, Value::number)
        }
        _ => Value::Missing,
    }
}

/// So many times a span: whole calendar days stay days, anything else is exact.
fn times(span: Span, by: f64) -> Value {
    match span {
        Span::Days(days) if (f64::from(days) * by).fract() == 0.0 => {
            Value::Span(Span::Days((f64::from(days) * by) as i32))
        }
        span => {
            let micros = span.nominal().as_micros() as f64 * by;
            if micros.is_finite() { Value::Span(Span::Exact(micros as i64)) } else { Value::Missing }
        }
    }
}

fn sum(a: Span, b: Span) -> Value {
    Value::Span(match (a, b) {
        (Span::Days(a), Span::Days(b)) => Span::Days(a.saturating_add(b)),
        (a, b) => {
            Span::Exact((a.nominal().as_micros() as i64).saturating_add(b.nominal().as_micros() as i64))
        }
    })
}

fn counter(counted: &Counted, pick: fn(f64, f64) -> f64) -> Closure {
    let key = counted.feature();
    let window = counted.window;
    let filter = counted.filter.as_ref().map(|filter| closure(&filter.equals));
    Box::new(move |scope| {
        let value = filter.as_ref().map(|filter| filter(scope).key());
        // A filter by something missing, or by what is no key, matches nothing.
        let (Some(feature), false) = (scope.person.features.get(&key), matches!(value, Some(None))) else {
            return Value::Number(pick(0.0, 0.0));
        };
        let from = window.map(|window| window.before(scope.now, scope.zone));
        let (count, sum) = feature.since(from, value.flatten().as_deref());
        Value::number(pick(count as f64, sum))
    })
}

/// A value of unknown type as what the other side of a comparison says it must be.
fn cast(to: &Type, inner: &Expr) -> Closure {
    let value = closure(inner);
    match to {
        Type::Money => {
            // The currency stands beside the amount: `event.revenue`, `event.currency`.
            let beside = match inner {
                Expr::Path(root, path) => path.split_last().map(|(_, record)| {
                    let mut path = record.to_vec();
                    path.push("currency".into());
                    (root.clone(), path)
                }),
                _ => None,
            };
            Box::new(move |scope| match value(scope) {
                Value::Money(money) => Value::Money(money),
                Value::Number(amount) => {
                    let beside =
                        beside.as_ref().map(|(root, path)| scope.get(root, path)).unwrap_or_default();
                    let currency = beside.as_text().and_then(|code| code.parse().ok());
                    let money = Money::from_number(amount, currency.unwrap_or(scope.policies.rates.base));
                    money.map_or(Value::Missing, Value::Money)
                }
                record @ Value::Record(_) => {
                    let amount = record.field("amount").as_number();
                    let currency = currency_beside(&record).unwrap_or(scope.policies.rates.base);
                    let money = amount.and_then(|amount| Money::from_number(amount, currency));
                    money.map_or(Value::Missing, Value::Money)
                }
                _ => Value::Missing,
            })
        }
        Type::Time => Box::new(move |scope| match value(scope) {
            Value::Time(at) => Value::Time(at),
            Value::Text(text) => time(&text).map_or(Value::Missing, Value::Time),
            _ => Value::Missing,
        }),
        Type::Number => Box::new(move |scope| match value(scope) {
            Value::Number(number) => Value::Number(number),
            _ => Value::Missing,
        }),
        _ => value,
    }
}

/// A moment from text: RFC 3339, or a date, which begins at midnight UTC.
pub(crate) fn time(text: &str) -> Option<ShopTime> {
    let timestamp = text.parse::<jiff::Timestamp>().ok();
    let at = timestamp
        .or_else(|| text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp()));
    at.map(ShopTime::new)
}
