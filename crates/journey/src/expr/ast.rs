//! An expression as it was written.

use std::sync::Arc;

use journeyman_domain::expr::{Comparison, Operator};
use journeyman_domain::value::Value;

use crate::source::Place;

/// An expression with the bytes of the text it stands at.
#[derive(Clone, Debug)]
pub(super) struct Ast {
    pub(super) at: Place,
    pub(super) kind: Kind,
    /// How many levels are in it, itself included.
    pub(super) depth: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Value),
    Name(Arc<str>),
    /// `a.b`, with the place of `b`.
    Field(Box<Ast>, Arc<str>, Place),
    /// `count(...)`
    Function(Arc<str>, Vec<Ast>),
    /// `a.any(...)`, with the place of `any`.
    Method(Box<Ast>, Arc<str>, Place, Vec<Ast>),
    List(Vec<Ast>),
    Not(Box<Ast>),
    Negative(Box<Ast>),
    And(Box<Ast>, Box<Ast>),
    Or(Box<Ast>, Box<Ast>),
    Compare(Comparison, Box<Ast>, Box<Ast>),
    In(Box<Ast>, Box<Ast>),
    Arithmetic(Operator, Box<Ast>, Box<Ast>),
}

/// A field of a chain, with its place.
pub(super) type Step<'a> = (&'a Arc<str>, Place);

impl Ast {
    /// Of a chain of fields, its first name and the fields behind it: `entry.at` is `entry` and `[at]`.
    pub(super) fn chain(&self) -> Option<(&Arc<str>, Vec<Step<'_>>)> {
        let mut fields = Vec::new();
        let mut ast = self;
        loop {
            match &ast.kind {
                Kind::Name(name) => {
                    fields.reverse();
                    return Some((name, fields));
                }
                Kind::Field(of, field, at) => {
                    fields.push((field, *at));
                    ast = of;
                }
                _ => return None,
            }
        }
    }

    /// What stands directly inside.
    pub(super) fn parts(&self) -> Vec<&Ast> {
        match &self.kind {
            Kind::Literal(_) | Kind::Name(_) => Vec::new(),
            Kind::Field(of, ..) | Kind::Not(of) | Kind::Negative(of) => vec![of],
            Kind::Function(_, arguments) | Kind::List(arguments) => arguments.iter().collect(),
            Kind::Method(of, _, _, arguments) => std::iter::once(of.as_ref()).chain(arguments).collect(),
            Kind::And(a, b)
            | Kind::Or(a, b)
            | Kind::Compare(_, a, b)
            | Kind::In(a, b)
            | Kind::Arithmetic(_, a, b) => vec![a, b],
        }
    }
}
