//! The functions that are not of lists.

use std::sync::Arc;

use journeyman_domain::expr::{Counted, Expr, Filter, Type};
use journeyman_domain::value::{Span, Value};

use super::ast::{Ast, Kind};
use super::lower::{Lowering, ROOTS, Typed};
use super::{Fault, lists};
use crate::diagnostic::{ARGUMENTS, NEAR_EVENT, NOT_YET, TYPES, UNKNOWN_FUNCTION, UNKNOWN_SEGMENT};
use crate::literal::short;

const FUNCTIONS: [&str; 5] = ["has", "count", "sum", "last", "in_segment"];
const LATER: [&str; 5] = ["reachable", "changed", "in_calendar", "recommend", "repurchase_cycle"];

impl Lowering<'_, '_> {
    pub(super) fn function(&mut self, ast: &Ast, name: &str, arguments: &[Ast]) -> Option<Typed> {
        match name {
            "has" => self.has(ast, arguments),
            "count" => self.count(ast, arguments),
            "sum" => self.sum(ast, arguments),
            "last" => self.last(ast, arguments),
            "in_segment" => self.in_segment(ast, arguments),
            later if LATER.contains(&later) => self.not_yet(ast.at, later),
            _ => {
                let message = format!("there is no function `{}`", short(name));
                if lists::FUNCTIONS.iter().any(|(known, _)| *known == name) {
                    let help = format!("it is one of lists: write `list.{name}(...)`");
                    return self.fault(UNKNOWN_FUNCTION, ast.at, message, help);
                }
                let otherwise = format!("there are: {}", FUNCTIONS.join(", "));
                self.unknown(
                    UNKNOWN_FUNCTION,
                    ast.at,
                    message,
                    name,
                    FUNCTIONS.into_iter().chain(LATER),
                    &otherwise,
                )
            }
        }
    }

    fn has(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let [argument] = arguments else {
            return self.fault(
                ARGUMENTS,
                ast.at,
                "`has(...)` asks for one thing",
                "write `has(profile.country)`",
            );
        };
        let (expr, _) = self.lower(argument)?;
        // What is there counts, not what it can be read as.
        let expr = if let Expr::As(_, inner) = expr { *inner } else { expr };
        Some((Expr::Has(Box::new(expr)), Type::Bool))
    }

    fn count(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let help =
            "write `count('Order Completed')`, `count('Order Completed', 30d)` or with a filter behind it";
        let [event, rest @ ..] = arguments else {
            return self.fault(ARGUMENTS, ast.at, "`count(...)` wants an event", help);
        };
        let event = self.event_name(event)?;
        let (window, filter) = self.window(rest, &event, help)?;
        Some((Expr::Count(Counted { event, field: None, money: false, window, filter }), Type::Number))
    }

    fn sum(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let help = "write `sum('Order Completed', 'revenue', 90d)`";
        let [event, field, rest @ ..] = arguments else {
            return self.fault(
                ARGUMENTS,
                ast.at,
                "`sum(...)` wants an event and one of its properties",
                help,
            );
        };
        let name = self.event_name(event)?;
        let Kind::Literal(Value::Text(field_name)) = &field.kind else {
            return self.fault(ARGUMENTS, field.at, "the property stands in quotes here", help);
        };
        let of = self.scope.names.tracking.property(&name, field_name);
        let money = match of {
            Some(Type::Money) => true,
            Some(Type::Number | Type::Any) | None => false,
            Some(other) => {
                let message = format!(
                    "`{}` of `{}` is {other}, which can't be added up",
                    short(field_name),
                    short(&name)
                );
                return self.fault(TYPES, field.at, message, "add up a number or money");
            }
        };
        let (window, filter) = self.window(rest, &name, help)?;
        let field = Some(field_name.clone());
        let sum = Expr::Sum(Counted { event: name, field, money, window, filter });
        Some(if money { (Expr::As(Type::Money, Box::new(sum)), Type::Money) } else { (sum, Type::Number) })
    }

    fn last(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let [event] = arguments else {
            let help = "write `last('Order Completed')`, which is a time";
            return self.fault(ARGUMENTS, ast.at, "`last(...)` wants an event and nothing else", help);
        };
        Some((Expr::LastAt(self.event_name(event)?), Type::Time))
    }

    fn in_segment(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let [Ast { kind: Kind::Literal(Value::Text(name)), at, .. }] = arguments else {
            let help = "write its name in quotes: `in_segment('vip')`";
            return self.fault(ARGUMENTS, ast.at, "`in_segment(...)` wants the name of a segment", help);
        };
        let names = self.scope.names;
        if !names.old && !names.segments.contains(name) {
            let message = format!("there is no segment `{}`", short(name));
            let otherwise = format!("write it to journeys/segments/{}.yaml", short(name));
            let known = names.segments.iter().map(AsRef::as_ref);
            return self.unknown(UNKNOWN_SEGMENT, *at, message, name, known, &otherwise);
        }
        Some((Expr::InSegment(name.clone()), Type::Bool))
    }

    fn event_name(&mut self, ast: &Ast) -> Option<Arc<str>> {
        let Kind::Literal(Value::Text(name)) = &ast.kind else {
            let help = "write its name: 'Order Completed'";
            return self.fault(ARGUMENTS, ast.at, "the event stands in quotes here", help);
        };
        if let Some(near) = self.scope.names.tracking.near_event(name).filter(|_| self.scope.lints) {
            let message = format!("nothing is known of the event `{}`, and there is `{near}`", short(name));
            let help = format!("write '{near}', or describe the event in tracking.yaml");
            self.faults.push(Fault {
                nearest: Some(near.as_str().into()),
                ..Fault::new(NEAR_EVENT, ast.at, message, help)
            });
        }
        Some(name.clone())
    }

    /// What follows the event: how far back, and which of them.
    fn window(&mut self, rest: &[Ast], event: &str, help: &str) -> Option<(Option<Span>, Option<Filter>)> {
        let (window, rest) = match rest {
            [Ast { kind: Kind::Literal(Value::Span(window)), .. }, rest @ ..] => (Some(*window), rest),
            rest => (None, rest),
        };
        match rest {
            [] => Some((window, None)),
            [filter] => Some((window, Some(self.filter(filter, event)?))),
            [first, ..] => {
                self.fault(ARGUMENTS, first.at, "first how long, then a filter, then no more", help)
            }
        }
    }

    /// `product_id == event.product_id`
    fn filter(&mut self, ast: &Ast, event: &str) -> Option<Filter> {
        let scope = self.scope;
        let bare = |ast: &Ast| match &ast.kind {
            Kind::Name(name) if !ROOTS.contains(&name.as_ref()) && scope.bare(name).is_none() => {
                Some(name.clone())
            }
            _ => None,
        };
        let Kind::Compare(journeyman_domain::expr::Comparison::Eq, a, b) = &ast.kind else {
            return self.later_filter(ast);
        };
        let (property, equals) = match (bare(a), bare(b)) {
            (Some(property), _) => (property, b),
            (None, Some(property)) => (property, a),
            (None, None) => return self.later_filter(ast),
        };
        let (expr, of) = self.lower(equals)?;
        let of_property = self.scope.names.tracking.property(event, &property).unwrap_or(Type::Any);
        let keys = |of: &Type| matches!(of, Type::Text | Type::Number | Type::Bool | Type::Any);
        if !keys(&of) || !keys(&of_property) {
            return self.later_filter(ast);
        }
        if of != Type::Any && of_property != Type::Any && of != of_property {
            let message =
                format!("`{property}` of `{}` is {of_property}, and this is {of}: never equal", short(event));
            return self.fault(TYPES, equals.at, message, "compare two of a kind");
        }
        Some(Filter { property, equals: Box::new(expr) })
    }

    fn later_filter<T>(&mut self, ast: &Ast) -> Option<T> {
        let message = "this version reads no other filter than `property == value`";
        let help = "write one property of the counted event, `==`, and text, a number or a truth";
        self.fault(NOT_YET, ast.at, message, help)
    }
}
