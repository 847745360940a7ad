//! A compiled text: what is left to do for each message.

use std::sync::Arc;

use serde_json::Value;

use crate::helper::Helper;

/// What is done, in order.
pub(crate) type Program = Box<[Op]>;

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Op {
    /// Writes what is written.
    Text(Box<str>),
    /// Writes a value.
    Show { value: Expr, escape: Escape },
    /// `{{#if}}`
    If { condition: Expr, then: Program, otherwise: Program },
    /// `{{#each}}`; `bare` where a missing list makes no message.
    Each { list: Expr, then: Program, otherwise: Program },
    /// Writes the address of a link.
    Link { address: Program, tracked: bool, escape: Escape },
    /// Writes what a mail ends with: the pixel and the link that no human follows.
    Closing,
}

/// What becomes of letters that mean something where a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// Written as they are.
    None,
    /// `&lt;`
    Html,
    /// `%26`: a value in the query of an address.
    Query,
}

/// Something that has a value.
#[derive(Debug)]
pub(crate) enum Expr {
    /// A variable, or a field of the element at hand.
    Path {
        /// 0 is the message's variables, 1 the outermost `{{#each}}`'s element, and so on.
        frame: usize,
        names: Box<[Box<str>]>,
        /// Where there has to be a value: how it is called in an error.
        bare: Option<Arc<str>>,
    },
    /// As written.
    Literal(Value),
    /// Of the loop at hand.
    Local { frame: usize, local: Local },
    /// What every message has.
    Own(Own),
    /// Computed.
    Call(Helper, Box<[Expr]>),
}

/// What is known of an element by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    Index,
    First,
    Last,
}

/// Variables that every message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Unsubscribe,
    Preferences,
    Locale,
}

impl Own {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("unsubscribe_url", Self::Unsubscribe),
        ("preferences_url", Self::Preferences),
        ("locale", Self::Locale),
    ];
}

/// Whether anything in a program is true of `wanted`.
pub(crate) fn any(program: &[Op], wanted: &dyn Fn(&Expr) -> bool) -> bool {
    fn expr(value: &Expr, wanted: &dyn Fn(&Expr) -> bool) -> bool {
        wanted(value) || matches!(value, Expr::Call(_, args) if args.iter().any(|arg| expr(arg, wanted)))
    }
    program.iter().any(|op| match op {
        Op::Text(_) | Op::Closing => false,
        Op::Show { value, .. } => expr(value, wanted),
        Op::If { condition, then, otherwise } => {
            expr(condition, wanted) || any(then, wanted) || any(otherwise, wanted)
        }
        Op::Each { list, then, otherwise } => {
            expr(list, wanted) || any(then, wanted) || any(otherwise, wanted)
        }
        Op::Link { address, .. } => any(address, wanted),
    })
}
