//! Names that stand bare: those of a send's `with`, in its own `if` and in its template (LANGUAGE, rule 7).

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::expr::{Expr, Root, Type};

use super::lints;
use super::scope::Scope;

/// By name.
pub(crate) type BareNames = BTreeMap<Arc<str>, Bare>;

/// What is known of one.
#[derive(Clone, Debug)]
pub(crate) struct Bare {
    pub(super) of: Type,
    /// A list of a cart's items, whose fields are all known.
    pub(super) cart: bool,
    pub(super) may_miss: bool,
}

impl Bare {
    /// Of text as it was written.
    pub(crate) fn text() -> Self {
        Self { of: Type::Text, cart: false, may_miss: false }
    }

    /// Of something that was refused: nothing more is said of it.
    pub(crate) fn refused() -> Self {
        Self { of: Type::Any, ..Self::text() }
    }

    /// Of an expression of that type, in its own scope.
    pub(crate) fn computed(expr: &Expr, of: Type, scope: &Scope<'_>) -> Self {
        Self { of, cart: of_cart(expr, scope), may_miss: may_miss(expr, scope) }
    }
}

/// Whether a list is made of a cart's items.
pub(super) fn of_cart(list: &Expr, scope: &Scope<'_>) -> bool {
    match list {
        Expr::Path(Root::Cart, _) => true,
        Expr::Path(Root::Element, path) => match path.as_ref() {
            [name] => scope.bare(name).is_some_and(|bare| bare.cart),
            _ => false,
        },
        Expr::Call(_, of, _) => of_cart(of, scope),
        _ => false,
    }
}

/// Whether an expression's value may be missing: a path, and what is computed of one.
fn may_miss(expr: &Expr, scope: &Scope<'_>) -> bool {
    match expr {
        Expr::Path(root, path) => {
            let root = match root {
                Root::Event => "event",
                Root::Entry => "entry",
                Root::Run => "run",
                Root::Profile => "profile",
                Root::Cart => "cart",
                Root::Item => "item",
                Root::Turn => return false,
                Root::Step(id) => id,
                Root::Element => return lints::may_miss(&path.join("."), scope),
            };
            lints::may_miss(&format!("{root}.{}", path.join(".")), scope)
        }
        Expr::As(_, inner) => may_miss(inner, scope),
        Expr::Arithmetic(_, a, b) => may_miss(a, scope) || may_miss(b, scope),
        _ => false,
    }
}
