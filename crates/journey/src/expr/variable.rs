//! What a template speaks of, as an expression of the step that sends it.

use std::sync::Arc;

use journeyman_domain::expr::{Expr, Type};
use journeyman_domain::plan::Condition;
use journeyman_domain::template::Variable;

use super::ast::{Ast, Kind};
use super::bare::of_cart;
use super::lower::{Element, Lowering};
use super::scope::Scope;
use super::{EXPRESSION_DEPTH, Fault};
use crate::diagnostic::{EXPRESSION_SIZE, Severity, TYPES};
use crate::literal::short;
use crate::source::Place;

/// The value of a variable, and what is wrong with it; there is none where anything but a warning is.
pub(crate) fn variable(asked: &Variable, scope: &Scope<'_>) -> (Option<Condition>, Vec<Fault>) {
    let mut faults = Vec::new();
    let text = asked.path.join(".");
    let parts = asked.fields.iter().map(|field| field.path.len()).fold(asked.path.len(), usize::max);
    if parts > EXPRESSION_DEPTH {
        let message = format!("`{}` has more than {EXPRESSION_DEPTH} parts", short(&text));
        let help = "a path leads to one thing, by its names";
        return (None, vec![Fault::new(EXPRESSION_SIZE, Place::default(), message, help)]);
    }
    let lowered = ast(&asked.path).and_then(|ast| {
        let mut lowering = Lowering::new(scope, &mut faults);
        let (expr, of) = lowering.lower(&ast)?;
        if asked.list {
            lowering.elements(asked, &ast, &expr, &of)?;
        }
        Some(expr)
    });
    let failed = faults.iter().any(|fault| fault.code.severity == Severity::Error);
    (lowered.filter(|_| !failed).map(|expr| Condition::new(&text, expr)), faults)
}

/// A path as it would have been parsed.
fn ast(path: &[Arc<str>]) -> Option<Ast> {
    let (first, rest) = path.split_first()?;
    let mut ast = Ast { at: Place::new(0, first.len()), kind: Kind::Name(first.clone()), depth: 1 };
    for name in rest {
        let field = Place::new(ast.at.end + 1, ast.at.end + 1 + name.len());
        let (at, depth) = (Place::new(0, field.end), ast.depth + 1);
        ast = Ast { at, kind: Kind::Field(Box::new(ast), name.clone(), field), depth };
    }
    Some(ast)
}

impl Lowering<'_, '_> {
    /// Whether a list is one, and its elements have what is asked of them.
    fn elements(&mut self, asked: &Variable, ast: &Ast, list: &Expr, of: &Type) -> Option<()> {
        let of = match of {
            Type::List(of) => of.as_ref().clone(),
            Type::Any => Type::Any,
            other => {
                let message = format!(
                    "`{}` is {other}, and the template goes through its elements",
                    short(&asked.path.join("."))
                );
                return self.fault(TYPES, ast.at, message, "name a list there, or take the `{{#each}}` away");
            }
        };
        let element = Element { of, cart: of_cart(list, self.scope) };
        self.element = Some(element.clone());
        let mut all = Some(());
        for field in &asked.fields {
            all = self.element_field(ast, &field.path, &element).and(all);
        }
        self.element = None;
        all
    }

    fn element_field(&mut self, ast: &Ast, path: &[Arc<str>], element: &Element) -> Option<()> {
        let Some((first, rest)) = path.split_first() else { return Some(()) };
        let mut resolved = self.of_element(ast, first, element)?;
        for field in rest {
            resolved = self.field(resolved, ast, field, ast.at)?;
        }
        Some(())
    }
}
