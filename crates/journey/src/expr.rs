//! Expressions: from the text in a file to `domain::expr::Expr`.

mod ast;
mod bare;
mod functions;
mod lexer;
mod lints;
mod lists;
mod lower;
mod names;
mod operators;
mod parser;
mod scope;
mod variable;

use journeyman_domain::expr::{Expr, Type};
use journeyman_domain::plan::Condition;

use crate::diagnostic::{BRACES, CONDITION, Code, Report, SHAPE, Severity};
use crate::source::{File, Place};
use crate::tree::{Kind, Node};

pub(crate) use bare::{Bare, BareNames};
pub(crate) use lower::ROOTS;
pub(crate) use scope::{EventTypes, Inside, Leaves, Names, Scope};
pub(crate) use variable::variable;

/// The longest expression, bytes.
pub const EXPRESSION_BYTES: usize = 8 * 1024;
/// How deep an expression may be, operators one behind the other counted.
pub const EXPRESSION_DEPTH: usize = 100;
/// How deep brackets may stand in brackets, `not` counted.
pub const EXPRESSION_BRACKETS: usize = 32;
/// How many parts an expression may have: names, literals, operators, calls.
pub const EXPRESSION_PARTS: usize = 1_000;

/// What is wrong with an expression, at bytes of its own text.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    at: Place,
    pub(crate) message: Box<str>,
    pub(crate) help: Box<str>,
    pub(crate) nearest: Option<Box<str>>,
}

impl Fault {
    fn new(code: Code, at: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            at,
            message: message.into().into_boxed_str(),
            help: help.into().into_boxed_str(),
            nearest: None,
        }
    }
}

/// A condition: an expression that is true or false.
pub(crate) fn condition(
    node: &Node,
    braces: bool,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Condition> {
    let text = text(node, braces, report)?;
    if text.trim_start().starts_with('=') {
        let help = "a condition is computed anyway: write it without `=`";
        report.say(CONDITION, node.place, "a condition does not begin with `=`", help);
        return None;
    }
    let (expr, of) = lowered(text, 0, node, scope, report)?;
    if !matches!(of, Type::Bool | Type::Any) {
        let message = format!("a condition is true or false, and this is {of}");
        report.say(CONDITION, node.place, message, "compare it with something, or ask `has(...)`");
        return None;
    }
    Some(Condition::new(text.trim(), expr))
}

/// A computation, where an expression is expected anyway: `value: event.revenue`.
pub(crate) fn computation(
    node: &Node,
    braces: bool,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<(Condition, Type)> {
    let text = text(node, braces, report)?;
    let trimmed = text.trim_start();
    let from = text.len() - trimmed.strip_prefix('=').unwrap_or(trimmed).len();
    computed(text, from, node, scope, report)
}

/// What stands behind the `=` of a VALUE, from byte `from` of the text on.
pub(crate) fn computed(
    text: &str,
    from: usize,
    node: &Node,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<(Condition, Type)> {
    let (expr, of) = lowered(text, from, node, scope, report)?;
    Some((Condition::new(text.get(from..).unwrap_or("").trim(), expr), of))
}

fn text<'t>(node: &'t Node, braces: bool, report: &mut Report<'_>) -> Option<&'t str> {
    match &node.kind {
        Kind::Scalar(_) if braces => in_braces(node.place, report),
        Kind::Scalar(text) => return Some(text),
        Kind::Refused => {}
        Kind::Nothing | Kind::List(_) | Kind::Map(_) => {
            let message = format!("an expression belongs here, and {} stands here", node.shape());
            report.say(
                SHAPE,
                node.place,
                message,
                "write it on one line, in double quotes if it begins with a quote",
            );
        }
    }
    None
}

pub(crate) fn in_braces(place: Place, report: &mut Report<'_>) {
    let help = "give each key a line of its own instead of the braces";
    report.say(BRACES, place, "expressions do not stand inside braces", help);
}

fn lowered(
    text: &str,
    from: usize,
    node: &Node,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<(Expr, Type)> {
    let source = text.get(from..).unwrap_or("");
    let mut faults = Vec::new();
    let lowered = match parser::parse(source) {
        Err(fault) => {
            faults.push(fault);
            None
        }
        Ok(ast) => {
            let lowered = lower::Lowering::new(scope, &mut faults).lower(&ast);
            // Of what is wrong nothing more is said.
            if scope.lints && lowered.is_some() {
                lints::of(&ast, scope, &mut faults);
            }
            lowered
        }
    };
    let failed = faults.iter().any(|fault| fault.code.severity == Severity::Error);
    for fault in faults {
        let at = Place::new(fault.at.start + from, fault.at.end + from);
        report.say(fault.code, place(report.file, node, text, at), fault.message, fault.help);
        if let Some(said) = report.found.last_mut() {
            said.nearest = fault.nearest.map(String::from);
        }
    }
    lowered.filter(|_| !failed)
}

/// Where bytes of a scalar's text stand in the file: quotes, escapes and folded lines are walked over.
fn place(file: &File<'_>, node: &Node, text: &str, at: Place) -> Place {
    let written = file.slice(node.place);
    let quoted = written.starts_with(['"', '\'']);
    let mut from = usize::from(quoted);
    if written.starts_with(['|', '>']) {
        // A block scalar begins on the line below.
        from = written.find('\n').map_or(0, |at| at + 1);
    }
    let mut start = None;
    for (position, wanted) in text.char_indices() {
        let Some(stands) = find(written, from, wanted) else { return node.place };
        if position == at.start {
            start = Some(stands.0);
        }
        if position >= at.end {
            break;
        }
        from = stands.1;
    }
    let start = node.place.start + start.unwrap_or(from);
    Place::new(start, node.place.start + from)
}

/// Where the next character of a scalar stands, and where the one after it is looked for.
fn find(written: &str, from: usize, wanted: char) -> Option<(usize, usize)> {
    let rest = written.get(from..)?;
    let mut characters = rest.chars();
    let first = characters.next()?;
    if first == wanted && !(wanted == '\'' && rest.starts_with("''") && written.starts_with('\'')) {
        // A folded line is one space, whatever stands at the beginning of the next.
        let end = from + first.len_utf8();
        return Some((from, end));
    }
    if first == wanted {
        return Some((from, from + 2));
    }
    if first == '\\' && characters.next() == Some(wanted) {
        return Some((from + 1, from + 1 + wanted.len_utf8()));
    }
    if first.is_whitespace() {
        let skipped = rest.len() - rest.trim_start().len();
        return match wanted {
            ' ' | '\n' => Some((from, from + skipped)),
            _ => find(written, from + skipped, wanted),
        };
    }
    None
}
