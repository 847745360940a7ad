//! When time alone may make an expression another: nothing happens to its person, and it turns all the same.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Expr, Operator, Scope, Type};
use crate::ShopTime;
use crate::person::FeatureKey;
use crate::plan::Condition;
use crate::value::{Span, Value};

/// How often what can't be told in advance is asked.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);
/// Days are looked at again so long before they are over: a change of summer time may lie between, and another within the days
/// that are computed with.
const BEFORE: SignedDuration = SignedDuration::from_mins(135);
/// The shortest time there is.
const TICK: SignedDuration = SignedDuration::from_micros(1);

/// What of an expression time alone can change. Made of its typed form, once.
#[derive(Clone, Debug)]
pub enum Turn {
    /// Any of these.
    Any(Vec<Turn>),
    /// Two computations meet: `now - 90d` and `last('Order Completed')`.
    Meet {
        /// One side,
        a: Condition,
        /// and the other.
        b: Condition,
        /// How fast their difference grows with the time that goes by.
        slope: i8,
        /// Whether calendar days are computed with.
        days: bool,
    },
    /// What a counter counts leaves its window.
    Leaves {
        /// Which counter.
        key: FeatureKey,
        /// How far back it looks.
        window: Span,
        /// What the counted must be.
        value: Option<Condition>,
    },
    /// An occasion begins or is over.
    Calendar(Arc<str>),
    /// A segment turns.
    Segment(Arc<str>),
    /// Nobody knows: asked each hour.
    Hourly,
}

impl Turn {
    /// Of an expression.
    pub fn of(expr: &Expr) -> Self {
        let mut all = Vec::new();
        collect(expr, true, &mut all);
        Self::Any(all)
    }

    /// Whether time alone never changes it.
    pub fn is_never(&self) -> bool {
        matches!(self, Self::Any(all) if all.iter().all(Self::is_never))
    }

    /// The first moment after now at which it may be another, as long as nothing happens. Early it may be, by what days of 23
    /// and 25 hours make, and then says the rest; late it never is by more than such an hour.
    pub fn next(&self, scope: &Scope<'_>) -> Option<ShopTime> {
        let now = scope.now;
        let next = match self {
            Self::Any(all) => all.iter().filter_map(|turn| turn.next(scope)).min(),
            Self::Meet { a, b, slope, days } => {
                let apart = apart(&a.compiled.value(scope), &b.compiled.value(scope))?;
                let ahead = SignedDuration::from_micros(
                    i64::try_from(apart.as_micros()).ok()?.checked_div(-i64::from(*slope))?,
                );
                match ahead {
                    // What is equal now is not for long.
                    SignedDuration::ZERO => Some(now.saturating_add(TICK)),
                    ahead if ahead.is_negative() => None,
                    ahead if *days && ahead > BEFORE => Some(now.saturating_add(ahead - BEFORE)),
                    ahead => Some(now.saturating_add(ahead)),
                }
            }
            Self::Leaves { key, window, value } => {
                let feature = scope.person.features.get(key)?;
                // A value that is not known here may be any.
                let value = value.as_ref().and_then(|value| value.compiled.value(scope).key());
                let from = window.before(now, scope.zone);
                let (oldest, day_over) = feature.oldest_since(from, value.as_deref());
                let leaves = |at: ShopTime| match window.after(at, scope.zone).saturating_add(TICK) {
                    at if at > now => at,
                    // A day of 23 hours lies between.
                    _ => now.saturating_add(HOURLY),
                };
                oldest.map(leaves).into_iter().chain(day_over.map(leaves)).min()
            }
            Self::Calendar(name) => {
                let named = scope.policies.calendar.iter().filter(|occasion| occasion.name == *name);
                named.filter_map(|occasion| occasion.turns(now, scope.zone)).min()
            }
            Self::Segment(name) => {
                let deeper = scope.deeper()?;
                scope.segments.turn(name)?.next(&deeper)
            }
            Self::Hourly => Some(now.saturating_add(HOURLY)),
        };
        next.filter(|next| *next > now)
    }
}

/// How far `a` is beyond `b`; `None` of what has no distance: nothing that is missing comes by waiting.
fn apart(a: &Value, b: &Value) -> Option<SignedDuration> {
    match (a, b) {
        (Value::Time(a), Value::Time(b)) => Some(a.since(*b)),
        (Value::Span(a), Value::Span(b)) => a.nominal().checked_sub(b.nominal()),
        _ => None,
    }
}

/// Gathers what turns within an expression; `asks`: whether `now` itself does, else it is part of a comparison that was seen.
fn collect(expr: &Expr, asks: bool, all: &mut Vec<Turn>) {
    match expr {
        Expr::Now if asks => all.push(Turn::Hourly),
        Expr::Compare(_, a, b) if asks && (asks_now(a) || asks_now(b)) => match (slope(a), slope(b)) {
            (Some(of_a), Some(of_b)) => {
                let slope = of_a.saturating_sub(of_b);
                if slope != 0 {
                    let side = |expr: &Expr| Condition::new("", expr.clone());
                    let days = has_days(a) || has_days(b);
                    all.push(Turn::Meet { a: side(a), b: side(b), slope, days });
                }
                collect(a, false, all);
                collect(b, false, all);
            }
            _ => all.push(Turn::Hourly),
        },
        Expr::Count(counted) | Expr::Sum(counted) => {
            if let Some(window) = counted.window {
                let value =
                    counted.filter.as_ref().map(|filter| Condition::new("", (*filter.equals).clone()));
                all.push(Turn::Leaves { key: counted.feature(), window, value });
            }
            if counted.filter.as_ref().is_some_and(|filter| asks_now(&filter.equals)) {
                all.push(Turn::Hourly);
            }
        }
        Expr::InCalendar(name) => all.push(Turn::Calendar(name.clone())),
        Expr::InSegment(name) => all.push(Turn::Segment(name.clone())),
        Expr::Literal(_)
        | Expr::Path(..)
        | Expr::Now
        | Expr::LastAt(_)
        | Expr::Reachable(..)
        | Expr::ChangedAt(_) => {}
        Expr::List(items) => items.iter().for_each(|item| collect(item, asks, all)),
        Expr::Not(inner) | Expr::Has(inner) | Expr::As(_, inner) | Expr::Product(inner, _) => {
            collect(inner, asks, all);
        }
        Expr::And(a, b)
        | Expr::Or(a, b)
        | Expr::Compare(_, a, b)
        | Expr::In(a, b)
        | Expr::Arithmetic(_, a, b) => {
            collect(a, asks, all);
            collect(b, asks, all);
        }
        Expr::Call(_, list, argument) => {
            collect(list, asks, all);
            // What is compared with `now` inside the brackets is another for each element.
            if argument.as_ref().is_some_and(|argument| asks_now(argument)) {
                all.push(Turn::Hourly);
            }
        }
    }
}

fn asks_now(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| found |= matches!(expr, Expr::Now));
    found
}

/// Whether calendar days are computed with, or what may be some.
fn has_days(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| found |= matches!(expr, Expr::Literal(Value::Span(Span::Days(_)))));
    found
}

/// How fast it grows with `now`; `None` where that is not linear.
fn slope(expr: &Expr) -> Option<i8> {
    match expr {
        Expr::Now => Some(1),
        Expr::Arithmetic(Operator::Add, a, b) => slope(a)?.checked_add(slope(b)?),
        Expr::Arithmetic(Operator::Sub, a, b) => slope(a)?.checked_sub(slope(b)?),
        Expr::As(Type::Time | Type::Span | Type::Any, inner) => slope(inner),
        expr => (!asks_now(expr)).then_some(0),
    }
}
