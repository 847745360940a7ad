//! From a tree to a typed expression: comparisons and computations.

use journeyman_domain::expr::{Comparison, Expr, Operator, Root, Type};

use super::ast::Ast;
use super::lower::{Lowering, Typed};
use crate::diagnostic::{CONDITION, CURRENCY, TYPES};
use crate::source::Place;

impl Lowering<'_, '_> {
    /// One side of `and`, `or`, `not`.
    pub(super) fn truth(&mut self, ast: &Ast) -> Option<Expr> {
        let (expr, of) = self.lower(ast)?;
        if matches!(of, Type::Bool | Type::Any) {
            return Some(expr);
        }
        let message = format!("`and`, `or` and `not` want what is true or false, and this is {of}");
        self.fault(CONDITION, ast.at, message, "compare it with something, or ask `has(...)`")
    }

    pub(super) fn compare(&mut self, comparison: Comparison, a: &Ast, b: &Ast, at: Place) -> Option<Typed> {
        let (left, right) = (self.lower(a), self.lower(b));
        let (left, right) = (left?, right?);
        let ordered = !matches!(comparison, Comparison::Eq | Comparison::Ne);
        if ordered && (left.1 == Type::Bool || right.1 == Type::Bool) {
            return self.fault(
                TYPES,
                at,
                "true and false are neither smaller nor larger",
                "write `==` or `!=`",
            );
        }
        let (left, right) = self.alike(left, right, at)?;
        Some((Expr::Compare(comparison, Box::new(left), Box::new(right)), Type::Bool))
    }

    /// Both sides of a comparison, the one of unknown type as what the other says it must be.
    pub(super) fn alike(&mut self, (a, of_a): Typed, (b, of_b): Typed, at: Place) -> Option<(Expr, Expr)> {
        match (&of_a, &of_b) {
            (Type::Record(_) | Type::List(_), _) | (_, Type::Record(_) | Type::List(_)) => {
                let help = "compare one of its fields; of a list ask `.has(...)`, `.any(...)` or `in`";
                self.fault(TYPES, at, "lists and records are not compared as a whole", help)
            }
            (Type::Any, Type::Money | Type::Time) => Some((as_type(&of_b, a), b)),
            (Type::Money | Type::Time, Type::Any) => Some((a, as_type(&of_a, b))),
            (Type::Any, Type::Span) if is_property(&a) => self.never_span(at),
            (Type::Span, Type::Any) if is_property(&b) => self.never_span(at),
            (Type::Any, _) | (_, Type::Any) => Some((a, b)),
            (Type::Money, Type::Number) => self.bare_number(&b, at),
            (Type::Number, Type::Money) => self.bare_number(&a, at),
            _ if of_a == of_b => Some((a, b)),
            (Type::Time, Type::Text) | (Type::Text, Type::Time) => {
                let help = "write a time from now: `now - 30d`";
                self.fault(TYPES, at, "a time is never equal to text", help)
            }
            (Type::Time, Type::Span) | (Type::Span, Type::Time) => {
                let help = "compare a time with a time: `entry.at > now - 30d`";
                self.fault(TYPES, at, "a time is compared with a duration", help)
            }
            _ => {
                let message = format!("{of_a} is compared with {of_b}: that is never true");
                self.fault(
                    TYPES,
                    at,
                    message,
                    "compare two of a kind; text stands in 'quotes', numbers do not",
                )
            }
        }
    }

    fn never_span<T>(&mut self, at: Place) -> Option<T> {
        let help = "compare the time since something: `now - profile.birthday > 30d`";
        self.fault(TYPES, at, "a property is never a duration", help)
    }

    fn bare_number<T>(&mut self, number: &Expr, at: Place) -> Option<T> {
        let currency = self.scope.names.currency;
        let written = match number {
            Expr::Literal(value) => {
                value.as_number().map_or_else(|| "20".to_owned(), |number| number.to_string())
            }
            _ => "20".to_owned(),
        };
        let message = "money is compared or computed with a bare number";
        self.fault(CURRENCY, at, message, format!("name the currency: `{written} {currency}`"))
    }

    /// `x in y`
    pub(super) fn within(&mut self, a: &Ast, b: &Ast, at: Place) -> Option<Typed> {
        let (element, list) = (self.lower(a), self.lower(b));
        let ((element, of), (list, of_list)) = (element?, list?);
        let of_elements = match &of_list {
            Type::List(of) => of.as_ref().clone(),
            Type::Any => Type::Any,
            other => {
                let message = format!("`in` asks a list, and this is {other}");
                return self.fault(TYPES, b.at, message, "write the list: `x in ['DE', 'AT']`");
            }
        };
        let unknown = (Expr::Literal(journeyman_domain::value::Value::Missing), of_elements);
        let (element, _) = self.alike((element, of), unknown, at)?;
        Some((Expr::In(Box::new(element), Box::new(list)), Type::Bool))
    }

    /// `['DE', 'AT']`
    pub(super) fn list(&mut self, items: &[Ast]) -> Option<Typed> {
        let lowered: Vec<Option<Typed>> = items.iter().map(|item| self.lower(item)).collect();
        let lowered: Vec<Typed> = lowered.into_iter().collect::<Option<_>>()?;
        let of = lowered.iter().map(|(_, of)| of).find(|of| **of != Type::Any).cloned().unwrap_or(Type::Any);
        let mut exprs = Vec::new();
        for ((expr, item_of), ast) in lowered.into_iter().zip(items) {
            let expr = match (&of, &item_of) {
                (Type::List(_) | Type::Record(_), _) => {
                    return self.fault(
                        TYPES,
                        ast.at,
                        "a list has texts, numbers or amounts",
                        "take the brackets out",
                    );
                }
                (Type::Money | Type::Time, Type::Any) => as_type(&of, expr),
                _ if of == item_of || item_of == Type::Any => expr,
                _ => {
                    let message = format!("this list begins with {of}, and this is {item_of}");
                    return self.fault(TYPES, ast.at, message, "a list has things of one kind");
                }
            };
            exprs.push(expr);
        }
        Some((Expr::List(exprs.into()), Type::List(of.into())))
    }

    pub(super) fn arithmetic(&mut self, operator: Operator, a: &Ast, b: &Ast, at: Place) -> Option<Typed> {
        let (left, right) = (self.lower(a), self.lower(b));
        let ((left, of_a), (right, of_b)) = (left?, right?);
        let Some((cast_a, cast_b, of)) = computed(operator, (&left, &of_a), (&right, &of_b)) else {
            if matches!((&of_a, &of_b), (Type::Money, Type::Number)) {
                return self.bare_number(&right, at);
            }
            if matches!((&of_a, &of_b), (Type::Number, Type::Money)) && operator != Operator::Div {
                return self.bare_number(&left, at);
            }
            let message = format!("{of_a} and {of_b} can't be computed with `{}`", sign(operator));
            let help = "numbers with numbers, money with money or a factor, times with durations";
            return self.fault(TYPES, at, message, help);
        };
        let cast = |to: Option<Type>, expr| match to {
            Some(to) => as_type(&to, expr),
            None => expr,
        };
        let (left, right) = (cast(cast_a, left), cast(cast_b, right));
        Some((Expr::Arithmetic(operator, Box::new(left), Box::new(right)), of))
    }
}

/// What comes of a computation, and what the sides of unknown type must be for it; `None` where nothing does.
fn computed(
    operator: Operator,
    (a, of_a): (&Expr, &Type),
    (b, of_b): (&Expr, &Type),
) -> Option<(Option<Type>, Option<Type>, Type)> {
    use Operator::{Add, Div, Mul, Sub};
    use Type::{Any, Money, Number, Span, Time};
    let plain = |of| Some((None, None, of));
    match (of_a, operator, of_b) {
        (Number, _, Number) => plain(Number),
        (Any, _, Any | Number) | (Number, _, Any) => plain(Any),
        (Money, Add | Sub, Money) => plain(Money),
        (Any, Add | Sub, Money) => Some((Some(Money), None, Money)),
        (Money, Add | Sub, Any) => Some((None, Some(Money), Money)),
        (Money, Mul | Div, Number | Any) | (Number | Any, Mul, Money) => plain(Money),
        (Money, Div, Money) => plain(Number),
        (Any, Div, Money) => Some((Some(Money), None, Number)),
        (Time, Add | Sub, Span) | (Span, Add, Time) => plain(Time),
        (Time, Sub, Time)
        | (Span, Add | Sub, Span)
        | (Span, Mul, Number | Any)
        | (Number | Any, Mul, Span) => plain(Span),
        // No property is a duration; a variable may be.
        (Any, Add | Sub, Span) if is_variable(a) => plain(Any),
        (Any, Add | Sub, Span) => Some((Some(Time), None, Time)),
        (Span, Add, Any) if is_variable(b) => plain(Any),
        (Span, Add, Any) => Some((None, Some(Time), Time)),
        (Time, Sub, Any) if !is_variable(b) => Some((None, Some(Time), Span)),
        (Time, Add | Sub, Any) => plain(Any),
        (Any, Sub, Time) => Some((Some(Time), None, Span)),
        _ => None,
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "+",
        Operator::Sub => "-",
        Operator::Mul => "*",
        Operator::Div => "/",
    }
}

fn as_type(of: &Type, expr: Expr) -> Expr {
    Expr::As(of.clone(), Box::new(expr))
}

/// A property of an event or a trait: JSON, which has no durations.
fn is_property(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(Root::Event | Root::Entry | Root::Profile, _))
}

fn is_variable(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(Root::Run, _))
}
