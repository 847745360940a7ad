//! Layouts, partials and words into one row of pieces, before anything else is done to them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::expression::{Ast, Call};
use crate::files::{Kind, Shelf, Written};
use crate::piece::{Block, Piece, Tag, TagKind};
use crate::report::{Report, meant};
use crate::settings::{Settings, Texts, escaped};

/// How deep partials may stand in partials.
pub(crate) const PARTIAL_DEPTH: usize = 8;

/// What a text is put together from.
pub(crate) struct Expander<'a> {
    pub(crate) shelf: &'a Shelf<'a>,
    /// Of which template.
    pub(crate) name: &'a str,
    pub(crate) settings: &'a Settings,
    /// Words that all templates share.
    pub(crate) shared: &'a Texts,
    pub(crate) locale: &'a Arc<str>,
    pub(crate) kind: Kind,
    /// Which words were used, and which of the shared ones.
    pub(crate) said: &'a RefCell<BTreeSet<String>>,
    pub(crate) said_of_all: &'a RefCell<BTreeSet<String>>,
}

impl Expander<'_> {
    /// A template's file, in its layout where it has one.
    pub(crate) fn file(
        &self,
        written: &Written,
        layout: Option<&Written>,
        report: &mut Report,
    ) -> Vec<Piece> {
        let body = self.pieces(&written.pieces, None, &mut Vec::new(), report);
        let Some(layout) = layout else { return body };
        layout.used.set(true);
        let has_body = layout.pieces.iter().any(
            |piece| matches!(piece, Piece::Tag(tag) if matches!(&tag.kind, TagKind::Partial(name) if name == "body")),
        );
        if !has_body {
            let help = "write `{{> body}}` where the template goes";
            report.error(&layout.place, "this layout has no place for a template", help);
        }
        self.pieces(&layout.pieces, Some(&body), &mut Vec::new(), report)
    }

    /// Pieces with their partials and words in them. `within`: what is being put in already.
    pub(crate) fn pieces(
        &self,
        pieces: &[Piece],
        body: Option<&[Piece]>,
        within: &mut Vec<String>,
        report: &mut Report,
    ) -> Vec<Piece> {
        let mut out = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let Piece::Tag(tag) = piece else {
                out.push(piece.clone());
                continue;
            };
            match &tag.kind {
                TagKind::Partial(name) if name == "body" => match body {
                    Some(body) => out.extend_from_slice(body),
                    None => {
                        let help = "`{{> body}}` stands in layouts";
                        report.error(&tag.place, "there is nothing to put in here", help);
                    }
                },
                TagKind::Partial(name) => out.extend(self.partial(name, tag, within, report)),
                TagKind::Show { value: Ast::Call(call), raw } if call.name == "text" => {
                    out.extend(self.words(call, *raw, tag, within, report));
                }
                kind => {
                    let kind = self.kind(kind, tag, report);
                    out.push(Piece::Tag(Arc::new(Tag { kind, place: tag.place.clone() })));
                }
            }
        }
        out
    }

    fn partial(&self, name: &str, tag: &Tag, within: &mut Vec<String>, report: &mut Report) -> Vec<Piece> {
        // HTML stands in MJML as well as in HTML.
        let kinds = match self.kind {
            Kind::Mjml => [Kind::Mjml, Kind::Html],
            kind => [kind, kind],
        };
        let found = kinds.iter().find_map(|kind| self.shelf.partials.get(&(name.into(), *kind)));
        let Some(found) = found else {
            let names: BTreeSet<&str> = self.shelf.partials.keys().map(|(name, _)| name.as_ref()).collect();
            let (message, help) = if names.contains(name) {
                let extension = self.kind.extension();
                let message = format!("the partial `{name}` is not written for this kind of file");
                (message, format!("write templates/partials/{name}.{extension}"))
            } else {
                (format!("there is no partial `{name}`"), meant(name, names.iter().copied()))
            };
            report.error(&tag.place, message, help);
            return Vec::new();
        };
        found.used.set(true);
        let called = format!("> {name}");
        if within.contains(&called) || within.len() >= PARTIAL_DEPTH {
            let message =
                format!("the partial `{name}` would stand in itself, or more than {PARTIAL_DEPTH} deep");
            report.error(&tag.place, message, "take it out here");
            return Vec::new();
        }
        within.push(called);
        let pieces = self.pieces(&found.pieces, None, within, report);
        within.pop();
        pieces
    }

    /// `{{text 'key'}}`
    fn words(
        &self,
        call: &Call,
        raw: bool,
        tag: &Tag,
        within: &mut Vec<String>,
        report: &mut Report,
    ) -> Vec<Piece> {
        let Some(pieces) = self.said(call, tag, report) else { return Vec::new() };
        let called = call.params.first().map_or(String::new(), |key| format!("{key:?}"));
        if within.contains(&called) || within.len() >= PARTIAL_DEPTH {
            report.error(&tag.place, "these words would stand in themselves", "take them out here");
            return Vec::new();
        }
        within.push(called);
        let html = self.kind != Kind::Text && !raw;
        let pieces = if html { escaped(pieces) } else { pieces.to_vec() };
        let pieces = self.pieces(&pieces, None, within, report);
        within.pop();
        pieces
    }

    /// The words of a key.
    fn said(&self, call: &Call, tag: &Tag, report: &mut Report) -> Option<&[Piece]> {
        let key = match (call.params.as_slice(), call.hash.as_slice()) {
            ([Ast::Literal(Value::String(key))], []) => key,
            _ => {
                report.error(&tag.place, "`text` takes one key", "write `{{text 'greeting'}}`");
                return None;
            }
        };
        if let Some((_, words)) = self.settings.texts.get(key) {
            self.said.borrow_mut().insert(key.clone());
            return Some(words.get(self.locale));
        }
        if let Some((_, words)) = self.shared.get(key) {
            self.said_of_all.borrow_mut().insert(key.clone());
            return Some(words.get(self.locale));
        }
        let known = self.settings.texts.keys().chain(self.shared.keys()).map(String::as_str);
        let message = format!("the template `{}` has no words `{key}`", self.name);
        let help = meant(key, known);
        let help =
            format!("{help}; they stand under `texts:` of its template.yaml, or in templates/texts.yaml");
        report.error(&tag.place, message, help);
        None
    }

    /// A tag with the words that stand within its expression in their places.
    fn kind(&self, kind: &TagKind, tag: &Tag, report: &mut Report) -> TagKind {
        let block = |block: &Block, report: &mut Report| Block {
            call: self.call(&block.call, tag, report),
            aliases: block.aliases.clone(),
        };
        match kind {
            TagKind::Show { value, raw } => TagKind::Show { value: self.ast(value, tag, report), raw: *raw },
            TagKind::Open(open) => TagKind::Open(block(open, report)),
            TagKind::Else(Some(chained)) => TagKind::Else(Some(block(chained, report))),
            kind => kind.clone(),
        }
    }

    fn call(&self, call: &Call, tag: &Tag, report: &mut Report) -> Call {
        Call {
            name: call.name.clone(),
            params: call.params.iter().map(|param| self.ast(param, tag, report)).collect(),
            hash: call
                .hash
                .iter()
                .map(|(name, value)| (name.clone(), self.ast(value, tag, report)))
                .collect(),
        }
    }

    fn ast(&self, ast: &Ast, tag: &Tag, report: &mut Report) -> Ast {
        let Ast::Call(call) = ast else { return ast.clone() };
        if call.name != "text" {
            return Ast::Call(self.call(call, tag, report));
        }
        match self.said(call, tag, report) {
            Some([Piece::Text(written)]) => Ast::Literal(Value::String(written.text.clone())),
            Some([]) | None => Ast::Literal(Value::String(String::new())),
            // Said when it is compiled.
            Some(_) => ast.clone(),
        }
    }
}
