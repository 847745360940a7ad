//! Warnings about what is right and probably not meant.

use std::collections::BTreeSet;

use journeyman_domain::expr::Comparison;

use super::Fault;
use super::ast::{Ast, Kind};
use super::scope::Scope;
use crate::diagnostic::{MAYBE_MISSING, OPENED};

/// Everything of one expression.
pub(super) fn of(ast: &Ast, scope: &Scope<'_>, faults: &mut Vec<Fault>) {
    let mut asked = BTreeSet::new();
    collect_asked(ast, &mut asked);
    missing(ast, false, &asked, scope, faults);
    opened(ast, scope, faults);
}

/// What `has(...)` asks for anywhere in the expression: its writer knows that it may be missing.
fn collect_asked(ast: &Ast, asked: &mut BTreeSet<String>) {
    if let Kind::Function(name, arguments) = &ast.kind
        && name.as_ref() == "has"
    {
        asked.extend(arguments.iter().filter_map(told));
    }
    ast.parts().into_iter().for_each(|part| collect_asked(part, asked));
}

/// A chain of fields as it was written.
fn told(ast: &Ast) -> Option<String> {
    let (name, fields) = ast.chain()?;
    Some(
        std::iter::once(name)
            .chain(fields.iter().map(|(field, _)| *field))
            .map(AsRef::as_ref)
            .collect::<Vec<_>>()
            .join("."),
    )
}

/// Lists every path that may be missing under `not` or `!=` (LANGUAGE, rule 6).
fn missing(ast: &Ast, negated: bool, asked: &BTreeSet<String>, scope: &Scope<'_>, faults: &mut Vec<Fault>) {
    match &ast.kind {
        Kind::Name(_) | Kind::Field(..) => {
            if negated
                && let Some(path) =
                    told(ast).filter(|path| !asked.contains(path)).filter(|path| may_miss(path, scope))
            {
                let message = format!("where `{path}` is missing, this is true");
                let help = format!("write `has({path}) and …` if it should not be");
                faults.push(Fault::new(MAYBE_MISSING, ast.at, message, help));
            }
        }
        Kind::Not(inner) => missing(inner, !negated, asked, scope, faults),
        Kind::Compare(Comparison::Ne, a, b) => {
            missing(a, !negated, asked, scope, faults);
            missing(b, !negated, asked, scope, faults);
        }
        // What a function makes of something missing is not missing; brackets of lists have a rule of their own.
        Kind::Function(..) | Kind::Method(..) => {}
        _ => ast.parts().into_iter().for_each(|part| missing(part, negated, asked, scope, faults)),
    }
}

/// Whether a path as it is written may lead to nothing.
pub(super) fn may_miss(path: &str, scope: &Scope<'_>) -> bool {
    let (root, field) = path.split_once('.').unwrap_or((path, ""));
    if let Some(bare) = scope.bare(root) {
        return bare.may_miss || !field.is_empty();
    }
    match (root, field) {
        ("event" | "entry", "name" | "at") => false,
        ("profile", "first_seen" | "last_seen" | "sessions") | ("cart", "count" | "items") => false,
        ("event" | "entry" | "item" | "run" | "profile" | "cart" | "scores", _) => !field.is_empty(),
        (step, "channel" | "reason" | "at") => scope.step(step).is_some(),
        _ => false,
    }
}

/// Opens are counted by machines too.
fn opened(ast: &Ast, scope: &Scope<'_>, faults: &mut Vec<Fault>) {
    if let Some((name, fields)) = ast.chain()
        && let [(field, at)] = fields.as_slice()
        && field.as_ref() == "opened"
        && scope.step(name).is_some()
    {
        let help = format!("write `{name}.clicked`: machines open mail too, and few click");
        let message = "an open decides here";
        faults.push(Fault { nearest: Some("clicked".into()), ..Fault::new(OPENED, *at, message, help) });
    }
    ast.parts().into_iter().for_each(|part| opened(part, scope, faults));
}
