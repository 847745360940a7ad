//! The functions of lists.

use journeyman_domain::expr::{Expr, ListCall, Type};

use super::ast::Ast;
use super::bare::of_cart;
use super::lower::{Element, Lowering, Typed};
use crate::diagnostic::{ARGUMENTS, CONDITION, TYPES, UNKNOWN_FUNCTION};
use crate::literal::short;
use crate::source::Place;

/// Their names.
pub(super) const FUNCTIONS: [(&str, ListCall); 12] = [
    ("any", ListCall::Any),
    ("all", ListCall::All),
    ("where", ListCall::Where),
    ("count", ListCall::Count),
    ("sum", ListCall::Sum),
    ("min", ListCall::Min),
    ("max", ListCall::Max),
    ("max_by", ListCall::MaxBy),
    ("min_by", ListCall::MinBy),
    ("first", ListCall::First),
    ("last", ListCall::Last),
    ("has", ListCall::Has),
];

impl Lowering<'_, '_> {
    pub(super) fn method(&mut self, of: &Ast, name: &str, at: Place, arguments: &[Ast]) -> Option<Typed> {
        let Some((_, call)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let known = FUNCTIONS.iter().map(|(known, _)| *known);
            let list = known.clone().collect::<Vec<_>>().join(", ");
            let message = format!("there is no function `.{}(...)`", short(name));
            return self.unknown(UNKNOWN_FUNCTION, at, message, name, known, &format!("lists have: {list}"));
        };
        let (list, of_list) = self.lower(of)?;
        let elements = match of_list {
            Type::List(of) => of.as_ref().clone(),
            Type::Any => Type::Any,
            other => {
                let message = format!("`.{name}(...)` is a function of lists, and this is {other}");
                return self.fault(TYPES, of.at, message, "leave it out, or ask the list");
            }
        };
        let argument = self.argument(*call, name, at, arguments, &elements)?;
        let cart = of_cart(&list, self.scope);
        let argument = match argument {
            None => None,
            Some(ast) if *call == ListCall::Has => {
                let value = self.lower(ast)?;
                let unknown = (Expr::Literal(journeyman_domain::value::Value::Missing), elements.clone());
                Some((self.alike(value, unknown, ast.at)?.0, Type::Bool))
            }
            Some(ast) => {
                let around = self.element.replace(Element { of: elements.clone(), cart });
                let lowered = self.lower(ast);
                self.element = around;
                Some(lowered?)
            }
        };
        let of_argument = argument.as_ref().map_or_else(|| elements.clone(), |(_, of)| of.clone());
        let gives =
            self.gives(*call, name, &elements, of_argument, arguments.first().map_or(at, |ast| ast.at))?;
        let argument = argument.map(|(expr, _)| Box::new(expr));
        Some((Expr::Call(*call, Box::new(list), argument), gives))
    }

    /// The argument, where the call has as many as it may.
    fn argument<'a>(
        &mut self,
        call: ListCall,
        name: &str,
        at: Place,
        arguments: &'a [Ast],
        elements: &Type,
    ) -> Option<Option<&'a Ast>> {
        let scalars = !matches!(elements, Type::Record(_) | Type::Any | Type::List(_));
        let (none, one) = match call {
            ListCall::Count | ListCall::First | ListCall::Last => (true, false),
            ListCall::Sum | ListCall::Min | ListCall::Max => (scalars, true),
            _ => (false, true),
        };
        match arguments {
            [] if none => Some(None),
            [argument] if one => Some(Some(argument)),
            [argument] if call == ListCall::Count => {
                let help = "write `.where(...).count()`";
                self.fault(ARGUMENTS, argument.at, "`.count()` counts all elements", help)
            }
            _ => {
                let wants = if one { "one thing in its brackets" } else { "nothing in its brackets" };
                let help = match call {
                    ListCall::Any | ListCall::All | ListCall::Where => "a condition: `.any(price > 20 EUR)`",
                    ListCall::Has => "a value: `.has('DE')`",
                    _ if one => "a field or computation: `.sum(price * quantity)`",
                    _ => "leave the brackets empty",
                };
                self.fault(ARGUMENTS, at, format!("`.{name}(...)` wants {wants}"), help)
            }
        }
    }

    /// What a call gives.
    fn gives(&mut self, call: ListCall, name: &str, elements: &Type, of: Type, at: Place) -> Option<Type> {
        match call {
            ListCall::Any | ListCall::All | ListCall::Where if !matches!(of, Type::Bool | Type::Any) => {
                let message = format!("`.{name}(...)` wants what is true or false, and this is {of}");
                self.fault(CONDITION, at, message, "compare it with something, or ask `has(...)`")
            }
            ListCall::Any | ListCall::All | ListCall::Has => Some(Type::Bool),
            ListCall::Where => Some(Type::List(elements.clone().into())),
            ListCall::Count => Some(Type::Number),
            ListCall::First | ListCall::Last => Some(elements.clone()),
            ListCall::Sum if !matches!(of, Type::Number | Type::Money | Type::Span | Type::Any) => {
                let message = format!("`.sum(...)` adds up numbers or money, and this is {of}");
                self.fault(TYPES, at, message, "write what should be added up: `.sum(price * quantity)`")
            }
            _ if matches!(of, Type::Bool | Type::List(_) | Type::Record(_)) => {
                let message = format!("`.{name}(...)` compares, and {of} can't be compared");
                self.fault(TYPES, at, message, "write a number, an amount, a time or text")
            }
            ListCall::Sum | ListCall::Min | ListCall::Max => Some(of),
            ListCall::MaxBy | ListCall::MinBy => Some(elements.clone()),
        }
    }
}
