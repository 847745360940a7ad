//! A file's text into pieces: what is written, and tags. Tags and comments alone on their line take the line with them, as
//! Handlebars has it.

use std::sync::Arc;

use journeyman_domain::template::Place;

use crate::expression::{Ast, Call, parse};
use crate::piece::{Block, Piece, Tag, TagKind, Written};
use crate::report::Report;

/// Where a text comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) place: Place,
    /// Whether the text stands at `place` byte for byte; else everything in it is told by that place.
    pub(crate) exact: bool,
}

impl Source {
    /// A whole file.
    pub(crate) fn file(path: &Arc<str>, text: &str) -> Self {
        Self { place: Place { file: path.clone(), start: 0, end: text.len() }, exact: true }
    }

    pub(crate) fn at(&self, start: usize, end: usize) -> Place {
        if !self.exact {
            return self.place.clone();
        }
        let from = self.place.start;
        Place { file: self.place.file.clone(), start: from + start, end: from + end }
    }
}

/// A tag as it stands in the text.
struct Found<'t> {
    start: usize,
    end: usize,
    inside: &'t str,
    raw: bool,
    trim_before: bool,
    trim_after: bool,
    comment: bool,
}

/// Reads a text. What is wrong is told, and the rest read on.
pub(crate) fn scan(source: &Source, text: &str, report: &mut Report) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut done = 0;
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("{{")).map(|at| from + at) {
        if text.get(..at).is_some_and(|before| before.ends_with('\\')) {
            // `\{{` is written as it stands.
            written(&mut pieces, source, text, done, at - 1);
            done = at;
            from = at + 2;
            continue;
        }
        let found = match find(text, at) {
            Ok(found) => found,
            Err(Unfit { end, message, help }) => {
                report.error(&source.at(at, end), message, help);
                from = end;
                continue;
            }
        };
        let kind = if found.comment { None } else { read(source, &found, report) };
        let block = matches!(
            kind,
            None | Some(TagKind::Open(_) | TagKind::Else(_) | TagKind::Close(_) | TagKind::Partial(_))
        );
        let line = if block && !found.trim_before && !found.trim_after { alone(text, &found) } else { None };
        let mut before = line.map_or(found.start, |(start, _)| start);
        let mut after = line.map_or(found.end, |(_, end)| end);
        if found.trim_before {
            before = text.get(done..before).map_or(before, |text| done + text.trim_end().len());
        }
        if found.trim_after {
            after = text.len() - text.get(after..).unwrap_or("").trim_start().len();
        }
        written(&mut pieces, source, text, done, before.max(done));
        if let Some(kind) = kind {
            let place = source.at(found.start, found.end);
            pieces.push(Piece::Tag(Arc::new(Tag { kind, place })));
        }
        done = after;
        from = after;
    }
    written(&mut pieces, source, text, done, text.len());
    pieces
}

fn written(pieces: &mut Vec<Piece>, source: &Source, text: &str, start: usize, end: usize) {
    if let Some(text) = text.get(start..end).filter(|text| !text.is_empty()) {
        pieces.push(Piece::Text(Written { text: text.to_owned(), place: source.at(start, end) }));
    }
}

struct Unfit {
    end: usize,
    message: &'static str,
    help: &'static str,
}

/// The tag that begins at `start`.
fn find(text: &str, start: usize) -> Result<Found<'_>, Unfit> {
    let rest = text.get(start..).unwrap_or("");
    let unfit = |end: usize, message, help| Unfit { end: start + end, message, help };
    if rest.starts_with("{{{{") {
        return Err(unfit(4, "raw blocks `{{{{…}}}}` are not read", "write `\\{{` for braces that stay"));
    }
    let comment = |inside: &str| inside.trim_start_matches(['{', '~']).starts_with('!');
    if comment(rest) {
        let close = if rest.trim_start_matches(['{', '~']).starts_with("!--") { "--" } else { "" };
        let (plain, tilde) = (format!("{close}}}}}"), format!("{close}~}}}}"));
        let ends =
            [rest.find(&plain).map(|at| at + plain.len()), rest.find(&tilde).map(|at| at + tilde.len())];
        let Some(end) = ends.into_iter().flatten().min() else {
            return Err(unfit(rest.len(), "this comment is never closed", "close it with `}}`, or `--}}`"));
        };
        return Ok(Found {
            start,
            end: start + end,
            inside: "",
            raw: false,
            trim_before: rest.starts_with("{{~"),
            trim_after: rest.get(..end).is_some_and(|tag| tag.ends_with("~}}")),
            comment: true,
        });
    }
    let raw = rest.starts_with("{{{") || rest.starts_with("{{~{");
    let close = if raw { "}}}" } else { "}}" };
    let tilde_close = if raw { "}~}}" } else { "~}}" };
    let mut quote = None;
    for (at, letter) in rest.char_indices().skip(2) {
        let here = rest.get(at..).unwrap_or("");
        match quote {
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None if here.starts_with(close) || here.starts_with(tilde_close) => {
                let tilde = here.starts_with(tilde_close);
                let end = at + if tilde { tilde_close.len() } else { close.len() };
                let open = rest.bytes().take_while(|byte| matches!(byte, b'{' | b'~')).count();
                return Ok(Found {
                    start,
                    end: start + end,
                    inside: rest.get(open..at).unwrap_or("").trim(),
                    raw,
                    trim_before: rest.starts_with("{{~"),
                    trim_after: tilde,
                    comment: false,
                });
            }
            None if here.starts_with("{{") && at > 3 => break,
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None => {}
        }
    }
    let line = rest.find('\n').unwrap_or(rest.len());
    Err(unfit(
        line.max(2),
        "`{{` is opened here and never closed",
        "close it with `}}`; `\\{{` writes two braces",
    ))
}

/// The line of a tag that stands alone on it, from its first space to behind its end.
fn alone(text: &str, found: &Found<'_>) -> Option<(usize, usize)> {
    let before = text.get(..found.start)?.trim_end_matches([' ', '\t']);
    let rest = text.get(found.end..)?;
    let after = rest.trim_start_matches([' ', '\t']);
    let spaces = rest.len() - after.len();
    let line_end = ["\r\n", "\n"].iter().find(|end| after.starts_with(**end)).map(|end| end.len());
    let line_end = line_end.or(after.is_empty().then_some(0))?;
    (before.is_empty() || before.ends_with('\n')).then_some((before.len(), found.end + spaces + line_end))
}

/// What a tag is; `None` where it is nothing that is read.
fn read(source: &Source, found: &Found<'_>, report: &mut Report) -> Option<TagKind> {
    let place = source.at(found.start, found.end);
    let inside = found.inside;
    let mut refuse = |message: &str, help: &str| {
        report.error(&place, message, help);
        None
    };
    let first = inside.chars().next();
    let rest = inside.get(first.map_or(0, char::len_utf8)..).unwrap_or("").trim();
    match first {
        None => refuse("there is nothing in these braces", "write a variable: `{{profile.first_name}}`"),
        Some('#') if rest.starts_with(['>', '*']) => {
            refuse("partials with a body are not read", "write `{{> name}}`, and what differs around it")
        }
        Some('*') => refuse("decorators are not read", "make a partial of it: `{{> name}}`"),
        Some('#' | '^') if inside.len() > 1 => match block(rest) {
            Ok(block) if first == Some('^') => {
                let help = format!("write `{{{{#unless {}}}}}`", block.call.name);
                refuse("inverse blocks `{{^…}}` are not read", &help)
            }
            Ok(block) => Some(TagKind::Open(block)),
            Err(message) => {
                refuse(&message, "write `{{#each list}}`, `{{#if x}}`, `{{#unless x}}` or `{{#with x}}`")
            }
        },
        Some('/') => Some(TagKind::Close(rest.to_owned())),
        Some('>') => {
            let (name, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if !more.trim().is_empty() {
                return refuse(
                    "partials take nothing along",
                    "name what it shows by the same words where it is used",
                );
            }
            Some(TagKind::Partial(name.trim_matches(['\'', '"']).to_owned()))
        }
        Some('^') => Some(TagKind::Else(None)),
        _ if inside == "else" => Some(TagKind::Else(None)),
        _ => match inside.strip_prefix("else").filter(|rest| rest.starts_with(char::is_whitespace)) {
            Some(chained) => match block(chained.trim()) {
                Ok(block) => Some(TagKind::Else(Some(block))),
                Err(message) => refuse(&message, "write `{{else if x}}`"),
            },
            None => {
                let amp = inside.strip_prefix('&');
                match parse(amp.unwrap_or(inside)) {
                    Ok(value) => Some(TagKind::Show { value, raw: found.raw || amp.is_some() }),
                    Err(message) => {
                        refuse(&message, "a variable is words with dots between: `{{cart.value}}`")
                    }
                }
            }
        },
    }
}

/// `each list as |item index|`
fn block(text: &str) -> Result<Block, String> {
    let (text, aliases) = match text.rfind(" as |") {
        Some(at) if text.ends_with('|') => {
            let names = text.get(at + 5..text.len() - 1).unwrap_or("");
            (text.get(..at).unwrap_or(""), names.split_whitespace().map(str::to_owned).collect())
        }
        _ => (text, Vec::new()),
    };
    let call = match parse(text)? {
        Ast::Call(call) => call,
        Ast::Path(path) => Call { name: path.written, params: Vec::new(), hash: Vec::new() },
        Ast::Literal(_) => return Err("a block's name is one word".to_owned()),
    };
    Ok(Block { call, aliases })
}

/// Whether every block of a text ends in it, in the order in which they begin; says where one does not.
pub(crate) fn balanced(pieces: &[Piece], report: &mut Report) -> bool {
    let mut open: Vec<(&str, &Place)> = Vec::new();
    let before = report.errors();
    for piece in pieces {
        let Piece::Tag(tag) = piece else { continue };
        match &tag.kind {
            TagKind::Open(block) => open.push((&block.call.name, &tag.place)),
            TagKind::Else(_) if open.is_empty() => {
                report.error(
                    &tag.place,
                    "this `{{else}}` belongs to nothing",
                    "take it out, or begin a block before it",
                );
            }
            TagKind::Close(name) => match open.pop() {
                Some((begun, _)) if begun == name => {}
                Some((begun, place)) => {
                    let message = format!("`{{{{/{name}}}}}` stands where `{{{{#{begun}}}}}` has to end");
                    let help = if open.iter().any(|(open, _)| open == name) {
                        format!("write `{{{{/{begun}}}}}` before it")
                    } else {
                        format!("write `{{{{/{begun}}}}}`")
                    };
                    report.error(&tag.place, message, help);
                    // One of the two was probably meant.
                    if let Some(at) = open.iter().rposition(|(open, _)| open == name) {
                        open.truncate(at);
                    } else if crate::report::nearest(name, [begun]).is_none() {
                        open.push((begun, place));
                    }
                }
                None => report.error(
                    &tag.place,
                    format!("`{{{{/{name}}}}}` ends nothing"),
                    "take it out, or begin it",
                ),
            },
            _ => {}
        }
    }
    for (name, place) in open {
        let help = format!("write `{{{{/{name}}}}}` where it ends");
        report.error(place, format!("`{{{{#{name}}}}}` begins here and never ends"), help);
    }
    report.errors() == before
}
