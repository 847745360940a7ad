//! The functions that are not of lists.

use std::sync::Arc;

use journeyman_domain::expr::{Counted, Expr, Filter, Type};
use journeyman_domain::plan::Channel;
use journeyman_domain::value::{Span, Value};

use super::ast::{Ast, Kind};
use super::lower::{Lowering, ROOTS, Typed};
use super::{Fault, lists};
use crate::diagnostic::{
    ARGUMENTS, CHANNEL, NEAR_EVENT, NOT_YET, TOPIC, TYPES, UNKNOWN_FUNCTION, UNKNOWN_OCCASION,
    UNKNOWN_SEGMENT,
};
use crate::literal::short;

const FUNCTIONS: [&str; 8] =
    ["has", "count", "sum", "last", "in_segment", "in_calendar", "reachable", "changed"];
const LATER: [&str; 2] = ["recommend", "repurchase_cycle"];
/// What of a profile is no trait: nobody says when it changed.
const KEPT: [&str; 4] = ["first_seen", "last_seen", "sessions", "time_zone"];

impl Lowering<'_, '_> {
    pub(super) fn function(&mut self, ast: &Ast, name: &str, arguments: &[Ast]) -> Option<Typed> {
        match name {
            "has" => self.has(ast, arguments),
            "count" => self.count(ast, arguments),
            "sum" => self.sum(ast, arguments),
            "last" => self.last(ast, arguments),
            "in_segment" => self.in_segment(ast, arguments),
            "in_calendar" => self.in_calendar(ast, arguments),
            "reachable" => self.reachable(ast, arguments),
            "changed" => self.changed(ast, arguments),
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

    fn in_calendar(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let [Ast { kind: Kind::Literal(Value::Text(name)), at, .. }] = arguments else {
            let help = "write its name in quotes: `in_calendar('bfcm')`";
            return self.fault(ARGUMENTS, ast.at, "`in_calendar(...)` wants the name of an occasion", help);
        };
        let names = self.scope.names;
        if !names.old && !names.calendar.contains(name) {
            let message = format!("the calendar has no `{}`", short(name));
            let otherwise = "write it under `calendar:` in journeyman.yaml";
            let known = names.calendar.iter().map(AsRef::as_ref);
            return self.unknown(UNKNOWN_OCCASION, *at, message, name, known, otherwise);
        }
        Some((Expr::InCalendar(name.clone()), Type::Bool))
    }

    fn reachable(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let text = |ast: &Ast| match &ast.kind {
            Kind::Literal(Value::Text(name)) => Some(name.clone()),
            _ => None,
        };
        let (channel, topic) = match arguments {
            [channel] => (text(channel).map(|name| (name, channel.at)), Some(None)),
            [channel, topic] => {
                (text(channel).map(|name| (name, channel.at)), text(topic).map(|name| Some((name, topic.at))))
            }
            _ => (None, None),
        };
        let (Some((name, at)), Some(topic)) = (channel, topic) else {
            let help = "write `reachable('sms')`, or of one topic `reachable('sms', 'offers')`";
            return self.fault(ARGUMENTS, ast.at, "`reachable(...)` wants a channel in quotes", help);
        };
        let named = name.parse::<Channel>().ok().filter(|channel| Channel::SPOKEN.contains(channel));
        let Some(channel) = named else {
            let names = Channel::SPOKEN.map(Channel::name);
            let message = format!("there is no channel `{}`", short(&name));
            let otherwise = format!("there are: {}", names.join(", "));
            return self.unknown(CHANNEL, at, message, &name, names, &otherwise);
        };
        let names = self.scope.names;
        let known = names.topics.as_ref().filter(|_| !names.old);
        if let (Some((topic, at)), Some(known)) = (&topic, known)
            && !known.contains(topic)
        {
            let message = format!("there is no topic `{}`", short(topic));
            let known = known.iter().map(AsRef::as_ref);
            return self.unknown(
                TOPIC,
                *at,
                message,
                topic,
                known,
                "write it under `topics:` in journeyman.yaml",
            );
        }
        Some((Expr::Reachable(channel, topic.map(|(topic, _)| topic)), Type::Bool))
    }

    fn changed(&mut self, ast: &Ast, arguments: &[Ast]) -> Option<Typed> {
        let chain = if let [argument] = arguments { argument.chain() } else { None };
        let named = chain.filter(|(root, fields)| root.as_ref() == "profile" && fields.len() == 1);
        let field = named.and_then(|(_, fields)| fields.first().map(|(field, _)| (*field).clone()));
        let Some(field) = field.filter(|field| !KEPT.contains(&field.as_ref())) else {
            let message = "`changed(...)` wants a trait, and says when it became what it is";
            return self.fault(ARGUMENTS, ast.at, message, "write `changed(profile.birthday)`");
        };
        Some((Expr::ChangedAt(field), Type::Time))
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
