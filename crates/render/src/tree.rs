//! YAML as a tree that knows where everything stands. Scalars are the text that was written (LANGUAGE, rule 4): no tags,
//! anchors, aliases, merge keys, second documents.

use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use journeyman_domain::template::Place;

use crate::report::{Report, meant};

/// How deep blocks may be nested.
pub(crate) const TREE_DEPTH: usize = 16;

/// A node and where it stands. Of a block that is the place of its first entry.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Nothing,
    /// Text, quotes and escapes undone; whether it was written without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that was refused; nothing more is said of it.
    Refused,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// Reads a file; `None` where it can't be read to its end.
pub(crate) fn read(file: &Arc<str>, text: &str, report: &mut Report) -> Option<Node> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        disallow_directives: true,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    Reader { parser, file, text, report }.document().ok().flatten()
}

/// Reading ends here; why has been said.
struct Stop;

struct Reader<'t, 'r> {
    parser: Parser<'t, StrInput<'t>>,
    file: &'r Arc<str>,
    text: &'t str,
    report: &'r mut Report,
}

impl<'t> Reader<'t, '_> {
    fn document(mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(root),
                Some((Event::DocumentStart(..), place)) if root.is_some() => {
                    let help = "one file, one template: take `---` out";
                    self.report.error(&place, "a second document begins here", help);
                    return Err(Stop);
                }
                Some((Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _)) => {}
                Some((event, place)) => root = Some(self.node(event, place, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<Option<(Event<'t>, Place)>, Stop> {
        loop {
            let (event, span) = match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    self.unreadable(&error);
                    return Err(Stop);
                }
            };
            let place = self.place(&span);
            if let Some(tag) = span.tag_span().or(span.tag_start().map(granit_parser::Span::empty)) {
                let place = self.place(&tag);
                let help = "put the whole value in quotes";
                self.report.error(&place, "`!` at the beginning of a value is a tag in YAML", help);
            }
            match event {
                Event::Anchor(..) => {
                    let help = "put the whole value in quotes";
                    self.report.error(&place, "`&` at the beginning of a value is an anchor in YAML", help);
                }
                event => return Ok(Some((event, place))),
            }
        }
    }

    fn unreadable(&mut self, error: &granit_parser::ScanError) {
        let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        let start = self.text.get(..at).map_or(0, |text| text.rfind('\n').map_or(0, |at| at + 1));
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let place =
            Place { file: self.file.clone(), start: at, end: (at + 1).min(start + line.len()).max(at) };
        let (message, help) = match line.split_once(':').map(|(_, value)| value.trim()) {
            _ if line.trim_start().starts_with('\t') || line.starts_with('\t') => {
                ("a tab stands where only spaces may".to_owned(), "put spaces in its place")
            }
            Some(value) if value.starts_with("{{") => (
                "a value that begins with `{{` needs quotes".to_owned(),
                "put the whole value in double quotes",
            ),
            Some(value) if value.contains(": ") && !value.starts_with(['"', '\'', '{', '[']) => {
                ("text with `: ` in it needs quotes".to_owned(), "put the whole value in double quotes")
            }
            _ => (
                format!("this is not YAML: {}", error.kind()),
                "look at this line and the one above; text with : # { } [ ] , in it wants quotes",
            ),
        };
        self.report.error(&place, message, help);
    }

    fn node(&mut self, event: Event<'t>, place: Place, depth: usize) -> Result<Node, Stop> {
        if depth > TREE_DEPTH {
            let message = format!("blocks are nested more than {TREE_DEPTH} deep here");
            self.report.error(&place, message, "a template's settings are flat");
            return Err(Stop);
        }
        let (kind, place) = match event {
            Event::Scalar(_, _, anchor, tag) if anchor != 0 || tag.is_some() => (Kind::Refused, place),
            Event::Scalar(text, style, _, _) => {
                let plain = style == ScalarStyle::Plain;
                let mut place = place;
                if plain {
                    let written = self.text.get(place.start..place.end).unwrap_or("");
                    place.end = place.start + written.trim_end().len();
                }
                if plain && place.start == place.end {
                    (Kind::Nothing, place)
                } else {
                    (Kind::Scalar { text: text.into_owned(), plain }, place)
                }
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        None | Some((Event::SequenceEnd, _)) => break,
                        Some((event, place)) => items.push(self.node(event, place, depth + 1)?),
                    }
                }
                let place = items.first().map_or(place, |item| item.place.clone());
                (Kind::List(items), place)
            }
            Event::MappingStart(..) => {
                let entries = self.map(depth)?;
                let place = entries.first().map_or(place, |entry| entry.place.clone());
                (Kind::Map(entries), place)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let help = "put the whole value in quotes";
                self.report.error(&place, "`*` at the beginning of a value is an alias in YAML", help);
                (Kind::Refused, place)
            }
            _ => (Kind::Refused, place),
        };
        Ok(Node { place, kind })
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let key = match self.next()? {
                None | Some((Event::MappingEnd, _)) => return Ok(entries),
                Some((event, place)) => self.node(event, place, depth + 1)?,
            };
            let value = match self.next()? {
                None => return Ok(entries),
                Some((event, place)) => self.node(event, place, depth + 1)?,
            };
            let Kind::Scalar { text, .. } = key.kind else {
                let written = self.text.get(key.place.start.saturating_sub(2)..key.place.end).unwrap_or("");
                let (message, help) = if written.contains('{') {
                    ("a value that begins with `{{` needs quotes", "put the whole value in double quotes")
                } else {
                    ("a key is missing, or is no word", "a key is one word, followed by `:`")
                };
                self.report.error(&key.place, message, help);
                continue;
            };
            if text == "<<" {
                let help = "write out the keys it would bring in";
                self.report.error(&key.place, "merge keys are not read", help);
            } else if entries.iter().any(|known| known.key == text) {
                let message = format!("`{text}` stands twice in this block");
                self.report.error(&key.place, message, "keep one of the two");
            } else {
                entries.push(Entry { key: text, place: key.place, value });
            }
        }
    }

    fn place(&self, span: &granit_parser::Span) -> Place {
        let at = |marker: &granit_parser::Marker| marker.byte_offset().unwrap_or(0).min(self.text.len());
        let start = at(&span.start);
        Place { file: self.file.clone(), start, end: at(&span.end).max(start) }
    }
}

impl Node {
    /// What it is, for a sentence.
    pub(crate) fn shape(&self) -> &'static str {
        match self.kind {
            Kind::Nothing => "nothing",
            Kind::Scalar { .. } => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a block",
            Kind::Refused => "something refused",
        }
    }

    /// Its text; else says that it has to be one.
    pub(crate) fn text(&self, what: &str, report: &mut Report) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Refused => None,
            _ => {
                let message = format!("{what} is {}, and has to be text", self.shape());
                report.error(&self.place, message, "write it behind the `:`");
                None
            }
        }
    }

    /// Its entries; else says that it has to be a block.
    pub(crate) fn map(&self, what: &str, report: &mut Report) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Refused => None,
            _ => {
                let message = format!("{what} is {}, and has to be a block", self.shape());
                report.error(&self.place, message, "write `key: value` lines below it");
                None
            }
        }
    }
}

/// Says of every key that nobody knows.
pub(crate) fn known_keys(entries: &[Entry], known: &[&str], report: &mut Report) {
    for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        let message = format!("`{}` is not a word of this file", entry.key);
        report.error(&entry.place, message, meant(&entry.key, known.iter().copied()));
    }
}
