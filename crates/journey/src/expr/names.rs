//! From a tree to a typed expression: what a path begins with.

use std::sync::Arc;

use journeyman_domain::catalog::PRODUCT_ID;
use journeyman_domain::expr::{Expr, Root, Type};
use journeyman_domain::score;

use super::ast::Ast;
use super::lower::{Element, Lowering, ROOTS, Resolved, field_of, product};
use super::scope::EventTypes;
use crate::diagnostic::{NOT_HERE, UNKNOWN_FIELD, UNKNOWN_NAME};
use crate::literal::short;

impl Lowering<'_, '_> {
    /// A name by itself, or before a point.
    pub(super) fn name(&mut self, ast: &Ast, name: &Arc<str>, before_point: bool) -> Option<Resolved> {
        let root = ROOTS.contains(&name.as_ref())
            && (before_point || self.element.is_none() || name.as_ref() == "now");
        let step = before_point && self.scope.step(name).is_some();
        if let Some(element) = self.element.clone() {
            let has = field_of(&element.of, name).is_some() && matches!(element.of, Type::Record(_));
            if !root && (has || !step) {
                return self.of_element(ast, name, &element);
            }
        }
        let path = |root| Some(Resolved::Path { root, path: Vec::new(), of: Type::Any, closed: false });
        match name.as_ref() {
            "now" => Some(Resolved::Value((Expr::Now, Type::Time))),
            "profile" => path(Root::Profile),
            score::ROOT => {
                let (root, path) = (Root::Profile, vec![score::TRAIT.into()]);
                Some(Resolved::Path { root, path, of: Type::Record([].into()), closed: true })
            }
            "cart" => path(Root::Cart),
            "event" | "entry" | "run" => self.of_run(ast, name),
            "turn" if self.scope.turn => {
                Some(Resolved::Value((Expr::Path(Root::Turn, [].into()), Type::Number)))
            }
            "turn" => {
                let help = "`turn` counts inside the `then:` of a `repeat`, and in its `while`";
                self.fault(NOT_HERE, ast.at, format!("there is no `turn` in {}", self.scope.here), help)
            }
            "item" => match self.scope.item {
                Some(of) => {
                    Some(Resolved::Path { root: Root::Item, path: Vec::new(), of: of.clone(), closed: false })
                }
                None => {
                    let help = "`item` is an element of a list: say which, `each: products` in `enter`";
                    self.fault(NOT_HERE, ast.at, format!("there is no `item` in {}", self.scope.here), help)
                }
            },
            _ => match (self.scope.bare(name), self.scope.step(name)) {
                (Some(bare), _) => {
                    let of = bare.of.clone();
                    let (root, path) = match self.scope.given(name) {
                        Some(variable) => (Root::Run, vec![variable]),
                        None => (Root::Element, vec![name.clone()]),
                    };
                    Some(Resolved::Path { root, path, of, closed: false })
                }
                (None, Some((id, _))) => path(Root::Step(id)),
                (None, None) => self.unknown_name(ast, name),
            },
        }
    }

    fn of_run(&mut self, ast: &Ast, name: &str) -> Option<Resolved> {
        let (there, root, help) = match name {
            "event" => {
                let help = "`event` is there where an `on:` stands beside the condition; `entry` is the event that began the run";
                (self.scope.event.is_some(), Root::Event, help)
            }
            "entry" => (self.scope.entry.is_some(), Root::Entry, "write `event`: the run has not begun yet"),
            _ => (self.scope.run.is_some(), Root::Run, "variables are there once a step has set them"),
        };
        if !there {
            let help = if self.scope.steps.is_none() && self.scope.event.is_none() {
                "here there is only the person: `profile`, `cart`, `now` and functions such as `count('Order Completed', 30d)`"
            } else {
                help
            };
            return self.fault(
                NOT_HERE,
                ast.at,
                format!("there is no `{name}` in {}", self.scope.here),
                help,
            );
        }
        Some(Resolved::Path { root, path: Vec::new(), of: Type::Any, closed: false })
    }

    pub(super) fn of_element(&mut self, ast: &Ast, name: &Arc<str>, element: &Element) -> Option<Resolved> {
        match (&element.of, field_of(&element.of, name)) {
            (_, Some(of)) => Some(Resolved::Path {
                root: Root::Element,
                path: vec![name.clone()],
                of,
                closed: element.cart,
            }),
            (_, None) if self.scope.bare(name).is_some() => {
                let message = format!("inside brackets `{name}` is the element's, and not that of `with`");
                let help =
                    format!("keep it in a variable first, `set:` `{name}: = …`, and write `run.{name}`");
                self.fault(NOT_HERE, ast.at, message, help)
            }
            (Type::Any | Type::Record(_), None) if name.as_ref() == "product" => {
                Some(product(Expr::Path(Root::Element, [PRODUCT_ID.into()].into())))
            }
            (Type::Any, None) => Some(open(Root::Element, vec![name.clone()])),
            (Type::Record(_), None) if !element.cart => Some(open(Root::Element, vec![name.clone()])),
            (Type::Record(fields), None) => {
                let known: Vec<&str> = fields.iter().map(|(field, _)| field.as_ref()).collect();
                let message = format!("an item of a cart has no `{}`", short(name));
                let otherwise = format!("it has: {}", known.join(", "));
                self.unknown(UNKNOWN_FIELD, ast.at, message, name, known, &otherwise)
            }
            (of, None) => {
                let message = format!("the elements of this list are {of}, and have no fields");
                self.fault(UNKNOWN_FIELD, ast.at, message, "ask `.has(...)` or `... in list`")
            }
        }
    }

    fn unknown_name(&mut self, ast: &Ast, name: &str) -> Option<Resolved> {
        let scope = self.scope;
        let help = match name.to_ascii_lowercase().as_str() {
            "null" | "none" | "nil" | "missing" | "undefined" => {
                Some("nothing is compared with it: `has(x)` asks whether something is there")
            }
            "and" | "or" | "not" | "in" | "true" | "false" => Some("write it in small letters"),
            "is" => Some("write `==`"),
            _ => None,
        };
        let message = format!("nothing here is called `{}`", short(name));
        if let Some(help) = help {
            return self.fault(UNKNOWN_NAME, ast.at, message, help);
        }
        let of_event = |types: Option<&EventTypes>| types.is_some_and(|types| types.contains_key(name));
        let meant = if scope.run.is_some_and(|run| run.contains_key(name)) {
            Some(format!("run.{name}"))
        } else if of_event(scope.event) {
            Some(format!("event.{name}"))
        } else if of_event(scope.entry) {
            Some(format!("entry.{name}"))
        } else {
            None
        };
        if let Some(meant) = meant {
            let found: Option<Resolved> =
                self.fault(UNKNOWN_NAME, ast.at, message, format!("did you mean `{meant}`?"));
            if let Some(last) = self.faults.last_mut() {
                last.nearest = Some(meant.into());
            }
            return found;
        }
        let steps = scope.steps.into_iter().flat_map(|steps| steps.keys().map(AsRef::as_ref));
        let bare = scope.bare.into_iter().flat_map(|bare| bare.keys().map(AsRef::as_ref));
        let known: Vec<&str> = ROOTS.iter().copied().chain(steps).chain(bare).collect();
        let otherwise = if scope.template {
            format!("give it in the step that sends it: `with:` and below it `{}: = …`", short(name))
        } else {
            "paths begin with event, entry, run, profile, cart, now or a step's id; text stands in 'quotes'"
                .to_owned()
        };
        self.unknown(UNKNOWN_NAME, ast.at, message, name, known, &otherwise)
    }
}

fn open(root: Root, path: Vec<Arc<str>>) -> Resolved {
    Resolved::Path { root, path, of: Type::Any, closed: false }
}
