//! Pieces into a program: blocks find their ends, names their values, helpers their arguments; and what is asked for is
//! noted.

mod call;
mod scope;

use std::sync::Arc;

use journeyman_domain::template::Place;

use crate::expression::Ast;
use crate::piece::{Block, Piece, Tag, TagKind};
use crate::program::{Escape, Expr, Op, Program};
use crate::report::{Report, meant};
use crate::signature::Asked;
use scope::{Names, Scope};

/// How deep lists may be gone through in lists: each level multiplies what is done.
pub(crate) const LOOP_DEPTH: usize = 3;

/// What is written around values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Html,
    Text,
}

/// Makes a program. What is wrong is told, and the rest made.
pub(crate) fn lower(pieces: &[Piece], form: Form, asked: &mut Asked, report: &mut Report) -> Program {
    let mut lowering = Lowering {
        pieces: pieces.iter(),
        asked,
        report,
        scopes: vec![Scope::Root],
        present: Vec::new(),
        form,
        link: None,
    };
    let (program, end) = lowering.until_end();
    if let Some(tag) = end {
        lowering.stray(&tag);
    }
    program
}

/// What was said of an address so far.
#[derive(Clone, Copy, Debug)]
struct Address {
    query: bool,
}

struct Lowering<'p, 'r> {
    pieces: std::slice::Iter<'p, Piece>,
    asked: &'r mut Asked,
    report: &'r mut Report,
    scopes: Vec<Scope>,
    /// What is known to be there, since an `{{#if}}` around asked.
    present: Vec<(usize, Names)>,
    form: Form,
    /// Within a link's address.
    link: Option<Address>,
}

impl Lowering<'_, '_> {
    /// Everything up to an end or else of a block around, and that.
    fn until_end(&mut self) -> (Program, Option<Arc<Tag>>) {
        let mut ops = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let tag = match piece {
                Piece::Text(written) => {
                    if let Some(address) = &mut self.link {
                        address.query |= written.text.contains('?');
                    }
                    push_text(&mut ops, &written.text);
                    continue;
                }
                Piece::Tag(tag) => tag.clone(),
            };
            match &tag.kind {
                TagKind::Show { value, raw } => self.show(value, *raw, &tag.place, &mut ops),
                TagKind::Open(block) => self.block(block, &tag.place, &mut ops),
                TagKind::Else(_) | TagKind::Close(_) | TagKind::LinkEnd => {
                    return (ops.into_boxed_slice(), Some(tag));
                }
                TagKind::LinkStart { tracked } => {
                    self.link = Some(Address { query: false });
                    let (address, _) = self.until_end();
                    self.link = None;
                    ops.push(Op::Link { address, tracked: *tracked, escape: self.escape() });
                }
                TagKind::Closing => ops.push(Op::Closing),
                TagKind::Kept(_) | TagKind::Untracked | TagKind::Partial(_) => {}
            }
        }
        (ops.into_boxed_slice(), None)
    }

    fn escape(&self) -> Escape {
        match self.form {
            Form::Html => Escape::Html,
            Form::Text => Escape::None,
        }
    }

    fn show(&mut self, value: &Ast, raw: bool, place: &Place, ops: &mut Vec<Op>) {
        match value {
            Ast::Call(call) if call.name == "link" => return self.link_tag(call, place, ops),
            _ => {}
        }
        let variable = !matches!(value, Ast::Literal(_));
        if raw && variable && self.form == Form::Html && !is_text(value) {
            let message = "this is written unescaped: who can set its value can write HTML into the mail";
            self.report.warn(place, message, "write two braces");
        }
        let escape = match self.link {
            Some(Address { query: true }) if !raw => Escape::Query,
            Some(_) => Escape::None,
            None if raw => Escape::None,
            None => self.escape(),
        };
        if let Some(value) = self.expr(value, true, place) {
            ops.push(Op::Show { value, escape });
        }
    }

    /// `{{link url}}` and `{{link url 'label'}}`.
    fn link_tag(&mut self, call: &crate::expression::Call, place: &Place, ops: &mut Vec<Op>) {
        if !(1..=2).contains(&call.params.len()) || !call.hash.is_empty() {
            self.report.error(
                place,
                "`link` takes an address, and a label",
                "write `{{link cart.url 'Your cart'}}`",
            );
            return;
        }
        let shown = call.params.first().and_then(|url| self.expr(url, true, place));
        let label = call.params.get(1).and_then(|label| self.expr(label, true, place));
        let Some(url) = shown else { return };
        let show = |value, escape| Op::Show { value, escape };
        if self.link.is_some() {
            // The address of a link is tracked as a whole.
            ops.push(show(url, Escape::None));
            return;
        }
        let address = Box::new([show(url, Escape::None)]);
        let link = Op::Link { address, tracked: true, escape: self.escape() };
        match (label, self.form) {
            (None, _) => ops.push(link),
            (Some(label), Form::Text) => {
                ops.push(show(label, Escape::None));
                push_text(ops, ": ");
                ops.push(link);
            }
            (Some(label), Form::Html) => {
                push_text(ops, "<a href=\"");
                ops.push(link);
                push_text(ops, "\">");
                ops.push(show(label, Escape::Html));
                push_text(ops, "</a>");
            }
        }
    }

    fn block(&mut self, block: &Block, place: &Place, ops: &mut Vec<Op>) {
        match block.call.name.as_str() {
            "each" => self.each(block, place, ops),
            "if" | "unless" => self.condition(block, place, ops),
            "with" => self.with(block, place, ops),
            other => {
                let help = meant(other, ["each", "if", "unless", "with"]);
                self.report.error(place, format!("there is no block `{{{{#{other}}}}}`"), help);
                let (_, end) = self.until_end();
                let _ = self.rest(&block.call.name, place, end);
            }
        }
    }

    /// What follows a block's first part: its `else`, up to its end.
    fn rest(&mut self, name: &str, place: &Place, end: Option<Arc<Tag>>) -> Program {
        let Some(end) = end else {
            let help = format!("write `{{{{/{name}}}}}` where it ends");
            self.report.error(place, format!("`{{{{#{name}}}}}` begins here and never ends"), help);
            return Program::default();
        };
        match &end.kind {
            TagKind::Else(None) => {
                let (program, end) = self.until_end();
                if let Some(TagKind::Else(_)) = end.as_ref().map(|end| &end.kind) {
                    let place = end.as_ref().map(|end| end.place.clone()).unwrap_or_default();
                    self.report.error(&place, "a second `{{else}}`", "take one of the two out");
                    let (_, end) = self.until_end();
                    let _ = self.rest(name, &place, end);
                    return program;
                }
                let _ = self.rest(name, place, end);
                program
            }
            TagKind::Else(Some(block)) => {
                let mut ops = Vec::new();
                match block.call.name.as_str() {
                    "if" | "unless" => self.condition_until(block, &end.place, &mut ops, name),
                    other => {
                        let message = format!("`{{{{else {other}}}}}` is not read");
                        self.report.error(&end.place, message, "write `{{else if x}}`");
                        let (_, end) = self.until_end();
                        let _ = self.rest(name, place, end);
                    }
                }
                ops.into_boxed_slice()
            }
            TagKind::Close(closed) => {
                if closed != name {
                    let message = format!("`{{{{/{closed}}}}}` stands where `{{{{#{name}}}}}` has to end");
                    self.report.error(&end.place, message, format!("write `{{{{/{name}}}}}` first"));
                }
                Program::default()
            }
            _ => {
                self.report.error(place, "this block does not end where the address does", "end it first");
                Program::default()
            }
        }
    }

    fn condition(&mut self, block: &Block, place: &Place, ops: &mut Vec<Op>) {
        let name = block.call.name.clone();
        self.condition_until(block, place, ops, &name);
    }

    /// An `if` whose end is named `name`: its own, or of the block in whose `else` it stands.
    fn condition_until(&mut self, block: &Block, place: &Place, ops: &mut Vec<Op>, name: &str) {
        let negative = block.call.name == "unless";
        let asked = match block.call.params.as_slice() {
            [condition] if block.call.hash.is_empty() => Some(condition),
            _ => {
                let message = format!("`{}` takes one condition", block.call.name);
                self.report.error(place, message, "write `{{#if (and a b)}}` for two");
                None
            }
        };
        let condition = asked.and_then(|condition| self.expr(condition, false, place));
        let if_then = asked.map(|asked| self.there(asked, !negative)).unwrap_or_default();
        let if_else = asked.map(|asked| self.there(asked, negative)).unwrap_or_default();
        let before = self.present.len();
        self.present.extend(if_then);
        let (then, end) = self.until_end();
        self.present.truncate(before);
        self.present.extend(if_else);
        let otherwise = self.rest(name, place, end);
        self.present.truncate(before);
        if let Some(condition) = condition {
            let (then, otherwise) = if negative { (otherwise, then) } else { (then, otherwise) };
            ops.push(Op::If { condition, then, otherwise });
        }
    }

    fn each(&mut self, block: &Block, place: &Place, ops: &mut Vec<Op>) {
        let list = match block.call.params.as_slice() {
            [Ast::Path(path)] if path.local.is_none() && block.call.hash.is_empty() => Some(path),
            _ => {
                self.report.error(place, "`each` takes one list", "write `{{#each cart.items}}`");
                None
            }
        };
        if self.scopes.iter().filter(|scope| scope.is_loop()).count() >= LOOP_DEPTH {
            let message = format!("lists are gone through more than {LOOP_DEPTH} deep in each other");
            self.report.error(place, message, "ask for less");
        }
        let found = list.and_then(|list| self.resolve(list, place));
        let before = self.present.len();
        let scope = match &found {
            Some((frame, names)) => self.element(*frame, names, &block.aliases),
            None => Scope::lost(),
        };
        self.scopes.push(scope);
        let (then, end) = self.until_end();
        self.scopes.pop();
        self.present.truncate(before);
        let otherwise_there = matches!(end.as_ref().map(|end| &end.kind), Some(TagKind::Else(_)));
        let otherwise = self.rest("each", place, end);
        let Some((frame, names)) = found else { return };
        let required = !otherwise_there && !self.present.contains(&(frame, names.clone()));
        self.ask_list(frame, &names, required, place);
        let written = list.map(|list| Arc::from(list.written.as_str()));
        let list = Expr::Path {
            frame,
            names: names.iter().map(|name| Box::from(name.as_ref())).collect(),
            bare: written.filter(|_| required),
        };
        ops.push(Op::Each { list, then, otherwise });
    }

    fn with(&mut self, block: &Block, place: &Place, ops: &mut Vec<Op>) {
        let path = match block.call.params.as_slice() {
            [Ast::Path(path)] if path.local.is_none() => self.resolve(path, place),
            _ => {
                self.report.error(place, "`with` takes one variable", "write `{{#with cart}}`");
                None
            }
        };
        let scope = path.map_or_else(Scope::lost, |(frame, names)| Scope::With {
            frame,
            names,
            alias: block.aliases.first().cloned(),
        });
        self.scopes.push(scope);
        let (inner, end) = self.until_end();
        self.scopes.pop();
        if let Some(TagKind::Else(_)) = end.as_ref().map(|end| &end.kind) {
            let help = "write `{{#if x.field}}` for what may be missing";
            self.report.error(place, "`with` only shortens names; it has no `else`", help);
        }
        let _ = self.rest("with", place, end);
        ops.extend(inner);
    }

    fn stray(&mut self, tag: &Tag) {
        let (message, help) = match &tag.kind {
            TagKind::Close(name) => (format!("`{{{{/{name}}}}}` ends nothing"), "take it out, or begin it"),
            TagKind::Else(_) => ("this `{{else}}` belongs to nothing".to_owned(), "take it out"),
            _ => return,
        };
        self.report.error(&tag.place, message, help);
        let (_, end) = self.until_end();
        if let Some(tag) = end {
            self.stray(&tag);
        }
    }
}

fn is_text(value: &Ast) -> bool {
    matches!(value, Ast::Call(call) if call.name == "text")
}

fn push_text(ops: &mut Vec<Op>, text: &str) {
    if let Some(Op::Text(before)) = ops.last_mut() {
        *before = format!("{before}{text}").into();
    } else {
        ops.push(Op::Text(text.into()));
    }
}
