//! From a tree to a typed expression: paths.

use std::sync::Arc;

use journeyman_domain::call;
use journeyman_domain::catalog::PRODUCT_ID;
use journeyman_domain::expr::{Expr, ListCall, Root, Type};
use journeyman_domain::score;
use journeyman_domain::template::variant_of;
use journeyman_domain::value::Value;

use super::ast::{Ast, Kind};
use super::scope::{EventTypes, Leaves, Scope};
use super::{Fault, parser};
use crate::diagnostic::{
    COMPUTED_FIELD, Code, NEAR_PROPERTY, NOT_YET, TYPES, UNKNOWN_FIELD, UNKNOWN_NAME, UNKNOWN_VARIABLE,
    nearest, slip,
};
use crate::literal::short;
use crate::source::Place;

/// Names that begin a path, whatever steps are called.
pub(crate) const ROOTS: &[&str] =
    &["event", "entry", "run", "profile", "cart", "now", "scores", "turn", "item"];
/// What a message leaves behind, and what it is.
const RESULTS: [(&str, Type); 8] = [
    ("sent", Type::Bool),
    ("delivered", Type::Bool),
    ("opened", Type::Bool),
    ("clicked", Type::Bool),
    ("failed", Type::Bool),
    ("channel", Type::Text),
    ("reason", Type::Text),
    ("at", Type::Time),
];
/// What a call leaves beside its answer.
const CALL_RESULTS: [(&str, Type); 3] = [("failed", Type::Bool), ("reason", Type::Text), ("at", Type::Time)];
const LATER_RESULTS: &[&str] = &["offer_code", "offer_expires", "offer_used"];
const PROFILE: [(&str, Type); 5] = [
    ("id", Type::Text),
    ("first_seen", Type::Time),
    ("last_seen", Type::Time),
    ("sessions", Type::Number),
    ("time_zone", Type::Text),
];

/// What a product has whatever the shop says of it; anything else is an attribute.
const PRODUCT: [(&str, Type); 18] = [
    ("product_id", Type::Text),
    ("price", Type::Money),
    ("regular_price", Type::Money),
    ("sale_price", Type::Money),
    ("cost", Type::Money),
    ("margin", Type::Number),
    ("stock", Type::Number),
    ("category", Type::Text),
    ("name", Type::Text),
    ("brand", Type::Text),
    ("url", Type::Text),
    ("image_url", Type::Text),
    ("currency", Type::Text),
    ("availability", Type::Text),
    ("description", Type::Text),
    ("sensitive", Type::Bool),
    ("consumable", Type::Bool),
    ("withdrawn", Type::Bool),
];

/// An expression and what it is.
pub(super) type Typed = (Expr, Type);

/// The element at hand, inside the brackets of a list's function.
#[derive(Clone)]
pub(super) struct Element {
    pub(super) of: Type,
    /// It comes from a cart, whose fields are all known.
    pub(super) cart: bool,
}

pub(super) struct Lowering<'a, 'f> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) faults: &'f mut Vec<Fault>,
    pub(super) element: Option<Element>,
}

/// A name or a chain of fields on its way to an expression.
pub(super) enum Resolved {
    /// A place where something is kept. `of` is of what stands there.
    Path {
        root: Root,
        path: Vec<Arc<str>>,
        of: Type,
        closed: bool,
    },
    /// Something of the product whose id the expression gives.
    Product {
        id: Box<Expr>,
        path: Vec<Arc<str>>,
        of: Type,
    },
    Value(Typed),
}

impl<'a, 'f> Lowering<'a, 'f> {
    pub(super) fn new(scope: &'a Scope<'a>, faults: &'f mut Vec<Fault>) -> Self {
        Self { scope, faults, element: None }
    }

    /// Reports, and gives nothing.
    pub(super) fn fault<T>(
        &mut self,
        code: Code,
        at: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.faults.push(Fault::new(code, at, message, help));
        None
    }

    pub(super) fn not_yet<T>(&mut self, at: Place, word: &str) -> Option<T> {
        let message = format!("`{word}` is not read by this version yet");
        self.fault(NOT_YET, at, message, "leave it out until it is; nothing of it would be done")
    }

    /// Reports a name that nothing has.
    pub(super) fn unknown<'n, T>(
        &mut self,
        code: Code,
        at: Place,
        message: String,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
        otherwise: &str,
    ) -> Option<T> {
        // Where nobody listens, nothing is looked for.
        let near = if self.scope.lints { nearest(name, known) } else { None };
        let help = near.map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"));
        let fault: Option<T> = self.fault(code, at, message, help);
        if let (Some(last), Some(near)) = (self.faults.last_mut(), near) {
            last.nearest = Some(near.into());
        }
        fault
    }

    pub(super) fn lower(&mut self, ast: &Ast) -> Option<Typed> {
        match &ast.kind {
            Kind::Literal(value) => Some((Expr::Literal(value.clone()), type_of(value))),
            Kind::Name(_) | Kind::Field(..) => {
                let resolved = self.resolve(ast)?;
                self.finish(resolved, ast)
            }
            Kind::Function(name, arguments) => self.function(ast, name, arguments),
            Kind::Method(of, name, at, arguments) => self.method(of, name, *at, arguments),
            Kind::List(items) => self.list(items),
            Kind::Not(inner) => {
                let inner = self.truth(inner)?;
                Some((Expr::Not(Box::new(inner)), Type::Bool))
            }
            Kind::And(a, b) => {
                let (a, b) = (self.truth(a), self.truth(b));
                Some((Expr::And(Box::new(a?), Box::new(b?)), Type::Bool))
            }
            Kind::Or(a, b) => {
                let (a, b) = (self.truth(a), self.truth(b));
                Some((Expr::Or(Box::new(a?), Box::new(b?)), Type::Bool))
            }
            Kind::Negative(inner) => self.negative(ast, inner),
            Kind::Compare(comparison, a, b) => self.compare(*comparison, a, b, ast.at),
            Kind::In(a, b) => self.within(a, b, ast.at),
            Kind::Arithmetic(operator, a, b) => self.arithmetic(*operator, a, b, ast.at),
        }
    }

    fn negative(&mut self, ast: &Ast, inner: &Ast) -> Option<Typed> {
        if let Kind::Literal(value) = &inner.kind
            && let Some(value) = parser::negated(value)
        {
            let of = type_of(&value);
            return Some((Expr::Literal(value), of));
        }
        let (expr, of) = self.lower(inner)?;
        if !matches!(of, Type::Number | Type::Any) {
            return self.fault(
                TYPES,
                ast.at,
                format!("`-` stands before a number, and this is {of}"),
                "write `a - b`",
            );
        }
        let zero = Box::new(Expr::Literal(Value::Number(0.0)));
        Some((Expr::Arithmetic(journeyman_domain::expr::Operator::Sub, zero, Box::new(expr)), of))
    }

    fn resolve(&mut self, ast: &Ast) -> Option<Resolved> {
        match &ast.kind {
            Kind::Name(name) => self.name(ast, name, false),
            Kind::Field(of, field, at) => {
                let base = match &of.kind {
                    Kind::Name(name) => self.name(of, name, true)?,
                    _ => self.resolve(of)?,
                };
                self.field(base, of, field, *at)
            }
            _ => self.lower(ast).map(Resolved::Value),
        }
    }

    /// What a path is when nothing follows it.
    fn finish(&mut self, resolved: Resolved, ast: &Ast) -> Option<Typed> {
        match resolved {
            Resolved::Value(typed) => Some(typed),
            Resolved::Product { id, path, of } => Some((Expr::Product(id, path.into()), of)),
            Resolved::Path { root, path, .. } if path.is_empty() => {
                let name = match &root {
                    Root::Step(id) => id.to_string(),
                    other => format!("{other:?}").to_lowercase(),
                };
                let help = format!("say which of its fields: `{name}.…`");
                self.fault(UNKNOWN_NAME, ast.at, format!("`{name}` alone is no value"), help)
            }
            Resolved::Path { root, path, .. } if is_scores(&root, &path) => {
                let help = format!("say which of them: `{}.churn_band`", score::ROOT);
                self.fault(UNKNOWN_NAME, ast.at, format!("`{}` alone is no value", score::ROOT), help)
            }
            Resolved::Path { root, path, of, closed } => {
                let raw = match root {
                    Root::Event | Root::Entry | Root::Item => true,
                    // The items of a cart are ours, and typed.
                    Root::Element if self.element.is_some() => !closed,
                    // A variable, or a name of `with`, was computed; what is in it may be as the event had it.
                    Root::Run | Root::Element => path.len() > 1,
                    // Money among the scores is a number with its currency beside it.
                    Root::Profile => is_scores(&root, &path[..1]),
                    Root::Cart | Root::Step(_) | Root::Turn => false,
                };
                let expr = Expr::Path(root, path.into());
                let typed = raw && matches!(of, Type::Money | Type::Time);
                Some(if typed { (Expr::As(of.clone(), Box::new(expr)), of) } else { (expr, of) })
            }
        }
    }

    pub(super) fn field(
        &mut self,
        base: Resolved,
        of_ast: &Ast,
        field: &Arc<str>,
        at: Place,
    ) -> Option<Resolved> {
        let (root, mut path, of, closed) = match base {
            Resolved::Path { root, path, of, closed } => (root, path, of, closed),
            Resolved::Product { id, path, of } => return self.product_field(id, path, &of, field, at),
            Resolved::Value((expr, of)) => return self.field_of_value(expr, of, field, at),
        };
        if let (Root::Step(id), true) = (&root, path.is_empty())
            && self.leaves(id) == Some(Leaves::Answer)
            && of_table(&CALL_RESULTS, field).is_none()
        {
            // What was answered is kept among the run's variables.
            let path = vec![call::variable(id), field.clone()];
            return Some(Resolved::Path { root: Root::Run, path, of: Type::Any, closed: false });
        }
        if let (Root::Step(id), true, "variant") = (&root, path.is_empty(), field.as_ref())
            && self.leaves(id) == Some(Leaves::Message)
        {
            let path = vec![variant_of(id)];
            return Some(Resolved::Path { root: Root::Run, path, of: Type::Text, closed: true });
        }
        if field.as_ref() == "product" && self.is_thing(&root, &path, &of) {
            path.push(PRODUCT_ID.into());
            return Some(product(Expr::Path(root, path.into())));
        }
        let list = !path.is_empty() && matches!(of, Type::List(_) | Type::Any);
        if let ("first" | "last", true) = (field.as_ref(), list) {
            let list = self.finish(Resolved::Path { root, path, of, closed }, of_ast)?;
            return self.end_of(list, field).map(Resolved::Value);
        }
        if let Type::List(_) = of {
            return self.list_field(field, at);
        }
        let (of, closed) = if is_scores(&root, &path) {
            (self.score(field, at)?, true)
        } else if path.is_empty() {
            let of = self.first_field(&root, &of, field, at)?;
            (of, root == Root::Cart)
        } else {
            (self.inner_field(&of, closed, field, at)?, closed)
        };
        path.push(field.clone());
        Some(Resolved::Path { root, path, of, closed })
    }

    /// Whether `.product` of this is the catalog's: of a record that has none of its own.
    fn is_thing(&self, root: &Root, path: &[Arc<str>], of: &Type) -> bool {
        let types = match root {
            Root::Event => self.scope.event,
            Root::Entry => self.scope.entry,
            _ => None,
        };
        match (root, path.is_empty()) {
            (Root::Event | Root::Entry, true) => types.is_none_or(|types| !types.contains_key("product")),
            (Root::Item, true) => field_of(of, "product").is_none(),
            (_, true) | (Root::Step(_), _) => false,
            _ => matches!(of, Type::Any | Type::Record(_)) && field_of(of, "product").is_none(),
        }
    }

    /// A field of a product, or of one of its attributes.
    fn product_field(
        &mut self,
        id: Box<Expr>,
        mut path: Vec<Arc<str>>,
        of: &Type,
        field: &Arc<str>,
        at: Place,
    ) -> Option<Resolved> {
        let of = match of {
            Type::Any if path.is_empty() => of_table(&PRODUCT, field).unwrap_or(Type::Any),
            Type::Any => Type::Any,
            of => return self.no_fields(of, at),
        };
        path.push(field.clone());
        Some(Resolved::Product { id, path, of })
    }

    /// A field of something computed has no path.
    fn field_of_value(&mut self, expr: Expr, of: Type, field: &Arc<str>, at: Place) -> Option<Resolved> {
        match of {
            Type::List(_) if matches!(field.as_ref(), "first" | "last") => {
                self.end_of((expr, of), field).map(Resolved::Value)
            }
            Type::List(_) => self.list_field(field, at),
            Type::Any | Type::Record(_) => {
                let message =
                    format!("`.{}` of something computed is not read by this version yet", short(field));
                let field = short(field);
                let help = if self.scope.template {
                    format!(
                        "give it in the step that sends it, `with:` `pick: = …`, and write `pick.{field}`"
                    )
                } else {
                    format!("keep it in a variable first, `set:` `pick: = …`, and write `run.pick.{field}`")
                };
                self.fault(COMPUTED_FIELD, at, message, help)
            }
            of => self.no_fields(&of, at),
        }
    }

    fn no_fields(&mut self, of: &Type, at: Place) -> Option<Resolved> {
        self.fault(
            UNKNOWN_FIELD,
            at,
            format!("this is {of}, and has no fields"),
            "leave out the point and what follows",
        )
    }

    fn list_field(&mut self, field: &str, at: Place) -> Option<Resolved> {
        if self.scope.template {
            let message = format!("a list has no field `{}`", short(field));
            let help =
                "go through it with `{{#each …}}`, or give what is computed of it in the step's `with:`";
            return self.fault(UNKNOWN_FIELD, at, message, help);
        }
        let functions = super::lists::FUNCTIONS.iter().map(|(name, _)| *name);
        if functions.clone().any(|name| name == field) {
            return self.fault(
                UNKNOWN_FIELD,
                at,
                format!("`.{field}` wants brackets"),
                format!("write `.{field}(...)`"),
            );
        }
        let message = format!("a list has no field `{}`", short(field));
        let otherwise = "its elements have: write `.any(... == ...)` or `.first`";
        self.unknown(UNKNOWN_FIELD, at, message, field, functions, otherwise)
    }

    fn end_of(&mut self, (list, of): Typed, field: &str) -> Option<Typed> {
        let call = if field == "first" { ListCall::First } else { ListCall::Last };
        let of = if let Type::List(of) = of { of.as_ref().clone() } else { Type::Any };
        Some((Expr::Call(call, Box::new(list), None), of))
    }

    /// The type of a root's own field.
    fn first_field(&mut self, root: &Root, of: &Type, field: &str, at: Place) -> Option<Type> {
        let scope = self.scope;
        match root {
            Root::Event => self.property(scope.event, field, at),
            Root::Entry => self.property(scope.entry, field, at),
            Root::Run => match scope.run.and_then(|run| run.get(field)) {
                Some(of) => Some(of.clone()),
                None => {
                    let known: Vec<&str> =
                        scope.run.into_iter().flat_map(|run| run.keys().map(AsRef::as_ref)).collect();
                    let message = format!("no step sets `{}`", short(field));
                    let otherwise = format!("set it before: `set:` with a line `{}: = …`", short(field));
                    self.unknown(UNKNOWN_VARIABLE, at, message, field, known, &otherwise)
                }
            },
            Root::Profile => Some(of_table(&PROFILE, field).unwrap_or(Type::Any)),
            Root::Cart => {
                let fields = crate::tracking::cart();
                let known: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
                let found = fields.iter().find(|(name, _)| *name == field).map(|(_, of)| of.clone());
                if found.is_some() {
                    return found;
                }
                let message = format!("a cart has no `{}`", short(field));
                let otherwise = format!("it has: {}", known.join(", "));
                self.unknown(UNKNOWN_FIELD, at, message, field, known, &otherwise)
            }
            Root::Step(id) => self.result(id, field, at),
            Root::Item => self.inner_field(of, false, field, at),
            Root::Element | Root::Turn => Some(Type::Any),
        }
    }

    fn score(&mut self, field: &str, at: Place) -> Option<Type> {
        let found = of_table(&score::FIELDS, field);
        if found.is_some() {
            return found;
        }
        let known: Vec<&str> = score::FIELDS.iter().map(|(name, _)| *name).collect();
        let message = format!("there is no score `{}`", short(field));
        let otherwise = format!("there are: {}", known.join(", "));
        self.unknown(UNKNOWN_FIELD, at, message, field, known, &otherwise)
    }

    fn property(&mut self, types: Option<&EventTypes>, field: &str, at: Place) -> Option<Type> {
        let known = types.and_then(|types| types.get(field)).cloned();
        match (known, field) {
            (Some(of), _) => Some(of),
            (None, "name") => Some(Type::Text),
            (None, "at") => Some(Type::Time),
            (None, _) => {
                let names = types.into_iter().flat_map(|types| types.keys().map(AsRef::as_ref));
                if self.scope.lints
                    && let Some(near) = slip(field, names)
                {
                    let message = format!("nothing is known of `{}`, and there is a `{near}`", short(field));
                    let help = format!("write `{near}`, or describe the property in tracking.yaml");
                    self.faults.push(Fault {
                        nearest: Some(near.into()),
                        ..Fault::new(NEAR_PROPERTY, at, message, help)
                    });
                }
                Some(Type::Any)
            }
        }
    }

    fn leaves(&self, id: &str) -> Option<Leaves> {
        self.scope.steps.and_then(|steps| steps.get(id)).copied()
    }

    fn result(&mut self, id: &str, field: &str, at: Place) -> Option<Type> {
        match self.leaves(id) {
            Some(Leaves::Answer) => of_table(&CALL_RESULTS, field),
            Some(Leaves::Unknown) => Some(Type::Any),
            Some(Leaves::Message) if LATER_RESULTS.contains(&field) => self.not_yet(at, field),
            Some(Leaves::Message) => {
                let found = of_table(&RESULTS, field);
                if found.is_some() {
                    return found;
                }
                let known: Vec<&str> = RESULTS.iter().map(|(name, _)| *name).collect();
                let message = format!("a send leaves no `{}`", short(field));
                let otherwise = format!("it leaves: {}", known.join(", "));
                self.unknown(UNKNOWN_FIELD, at, message, field, known, &otherwise)
            }
            _ => {
                let message = format!("the step `{id}` leaves no results");
                self.fault(UNKNOWN_FIELD, at, message, "only a `send` and a `call` do: ask for the id of one")
            }
        }
    }

    fn inner_field(&mut self, of: &Type, closed: bool, field: &str, at: Place) -> Option<Type> {
        match (of, field_of(of, field)) {
            (_, Some(of)) => Some(of),
            (Type::Any, None) => Some(Type::Any),
            (Type::Record(_), None) if !closed => Some(Type::Any),
            (of, None) => {
                self.no_fields(of, at);
                None
            }
        }
    }
}

/// Whether a path has come to a person's scores: they are kept among the traits.
fn is_scores(root: &Root, path: &[Arc<str>]) -> bool {
    *root == Root::Profile && matches!(path, [name] if name.as_ref() == score::TRAIT)
}

/// The product of an id, whole.
pub(super) fn product(id: Expr) -> Resolved {
    Resolved::Product { id: Box::new(id), path: Vec::new(), of: Type::Any }
}

fn of_table(table: &[(&str, Type)], field: &str) -> Option<Type> {
    table.iter().find(|(name, _)| *name == field).map(|(_, of)| of.clone())
}

/// The type of a record's field.
pub(super) fn field_of(of: &Type, field: &str) -> Option<Type> {
    let Type::Record(fields) = of else { return None };
    fields.iter().find(|(name, _)| name.as_ref() == field).map(|(_, of)| of.clone())
}

pub(super) fn type_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::Text(_) => Type::Text,
        Value::Time(_) => Type::Time,
        Value::Span(_) => Type::Span,
        Value::Money(_) => Type::Money,
        Value::Missing | Value::List(_) | Value::Record(_) => Type::Any,
    }
}
