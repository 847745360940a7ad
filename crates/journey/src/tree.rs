//! YAML as a tree of our own that knows where everything stands. Scalars are the text that was written; what YAML can do
//! beyond mappings, lists and text is refused here, each thing with what to write instead (LANGUAGE, rule 4).

pub(crate) mod faults;

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, StructureStyle, Tag};

use crate::diagnostic::{
    ALIAS, ANCHOR, CRON, DEPTH, DOCUMENTS, DUPLICATE_KEY, EMPTY_FILE, FILE_SIZE, KEY_SHAPE, MERGE, Report,
    SYNTAX, TAG,
};
use crate::source::{FILE_BYTES, Place};

/// How deep blocks may be nested. Steps in steps take two levels each.
pub const TREE_DEPTH: usize = 64;

/// A node and where it stands. Of a block that is the place of its first entry.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Nothing was written.
    Nothing,
    /// Text as written, quotes and escapes undone.
    Scalar(String),
    List(Vec<Node>),
    Map(Map),
    /// Something that was refused; nothing more is said of it.
    Refused,
}

#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) entries: Vec<Entry>,
    /// Written in braces.
    pub(crate) braces: bool,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// Reads a file; `None` where it can't be read to its end.
pub(crate) fn read(report: &mut Report<'_>) -> Option<Node> {
    let text = report.file.text;
    if text.len() > FILE_BYTES {
        let message = format!("the file has {} bytes, and a file has at most {FILE_BYTES}", text.len());
        report.say(FILE_SIZE, Place::default(), message, "split it: one journey, one file");
        return None;
    }
    if let Some(at) = text.find('\0') {
        // The parser would take it for the end of the file.
        let help = "take it out";
        report.say(SYNTAX, Place::new(at, at + 1), "this is not YAML: a zero byte stands here", help);
        return None;
    }
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        disallow_directives: true,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    Reader { parser, report, said_on: 0 }.file()
}

/// Reading ends here; why has been said.
struct Stop;

struct Reader<'t, 'r, 's> {
    parser: Parser<'t, StrInput<'t>>,
    report: &'r mut Report<'s>,
    /// The line of the last thing said of tags and anchors: `!x && y` is one mistake, not two.
    said_on: usize,
}

impl<'t> Reader<'t, '_, '_> {
    fn file(mut self) -> Option<Node> {
        self.document().ok().flatten()
    }

    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => break,
                Some((Event::DocumentStart(..), place)) if root.is_some() => {
                    let help = "one file, one journey: make a file of each part and take `---` out";
                    self.report.say(DOCUMENTS, place, "a second document begins here", help);
                    return Err(Stop);
                }
                Some((Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _)) => {}
                Some((event, place)) => root = Some(self.node(event, place, 0)?),
            }
        }
        match root {
            None | Some(Node { kind: Kind::Nothing, .. }) => {
                self.report.say(
                    EMPTY_FILE,
                    Place::default(),
                    "there is nothing in this file",
                    "write it or delete it",
                );
                Ok(None)
            }
            root => Ok(root),
        }
    }

    /// The next event that is part of the tree. Anchors are refused on the way.
    fn next(&mut self) -> Result<Option<(Event<'t>, Place)>, Stop> {
        loop {
            let (event, span) = match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    faults::explain(self.report, &error);
                    return Err(Stop);
                }
            };
            let place = place(&span);
            if let Some(tag) = span.tag_span().or(span.tag_start().map(granit_parser::Span::empty)) {
                self.tag(self::place(&tag));
            }
            match event {
                Event::Anchor(..) => self.anchor(place),
                event => return Ok(Some((event, place))),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, place: Place, depth: usize) -> Result<Node, Stop> {
        if depth > TREE_DEPTH {
            let message = format!("blocks are nested more than {TREE_DEPTH} deep here");
            self.report.say(DEPTH, place, message, "take part of it into a journey of its own");
            return Err(Stop);
        }
        let refused = |anchor: usize, tag: &Option<std::borrow::Cow<'_, Tag>>| anchor != 0 || tag.is_some();
        let (kind, place) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let place = self.shrunk(place, style);
                if text.contains('\0') {
                    // Nor could it be stored.
                    self.report.say(SYNTAX, place, "this text has a character of code zero", "take it out");
                    return Ok(Node { place, kind: Kind::Refused });
                }
                let empty = style == ScalarStyle::Plain && place.start == place.end;
                match (refused(anchor, &tag), empty) {
                    (true, _) => (Kind::Refused, place),
                    (false, true) => (Kind::Nothing, place),
                    (false, false) => (Kind::Scalar(text.into_owned()), place),
                }
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        None | Some((Event::SequenceEnd, _)) => break,
                        Some((event, place)) => items.push(self.node(event, place, depth + 1)?),
                    }
                }
                let place = items.first().map_or(place, |item| item.place);
                (if refused(anchor, &tag) { Kind::Refused } else { Kind::List(items) }, place)
            }
            Event::MappingStart(style, anchor, tag) => {
                let (map, odd) = self.map(style == StructureStyle::Flow, depth)?;
                let place = map.entries.first().map_or(place, |entry| entry.place);
                (if odd || refused(anchor, &tag) { Kind::Refused } else { Kind::Map(map) }, place)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.alias(place);
                (Kind::Refused, place)
            }
            // Ends and starts of the stream do not come here.
            _ => (Kind::Refused, place),
        };
        Ok(Node { place, kind })
    }

    /// A mapping, and whether it has to be refused as a whole.
    fn map(&mut self, braces: bool, depth: usize) -> Result<(Map, bool), Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut odd = false;
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let key = match self.next()? {
                None | Some((Event::MappingEnd, _)) => break,
                Some((event, place)) => self.node(event, place, depth + 1)?,
            };
            let value = match self.next()? {
                None => break,
                Some((event, place)) => self.node(event, place, depth + 1)?,
            };
            let key = match key {
                Node { place, kind: Kind::Scalar(key) } => (key, place),
                Node { kind: Kind::Refused, .. } => continue,
                other => {
                    self.odd_key(&other);
                    odd = true;
                    continue;
                }
            };
            if key.0 == "<<" {
                let help = "write out the keys it would bring in";
                self.report.say(MERGE, key.1, "merge keys are not part of the language", help);
                continue;
            }
            let line = self.report.file.line(key.1.start);
            if let Some(first) = seen.get(&key.0) {
                let message = format!("`{}` stands twice in this block, first in line {first}", key.0);
                self.report.say(DUPLICATE_KEY, key.1, message, "keep one of the two");
                continue;
            }
            seen.insert(key.0.clone(), line);
            entries.push(Entry { key: key.0, place: key.1, value });
        }
        Ok((Map { entries, braces }, odd))
    }

    fn odd_key(&mut self, key: &Node) {
        let file = self.report.file;
        let number = file.line(key.place.start);
        if let Some(at) = file.line_text(number).find("{{") {
            let at = file.line_start(number) + at;
            faults::double_braces(self.report, Place::new(at, at + 2));
        } else {
            let help = "a key is one word, followed by `:`";
            self.report.say(KEY_SHAPE, key.place, "a key is missing, or is no word", help);
        }
    }

    fn tag(&mut self, place: Place) {
        let line = self.report.file.line(place.start);
        if std::mem::replace(&mut self.said_on, line) == line {
            return;
        }
        let (message, help) = faults::of_tag(self.report.file, place);
        self.report.say(TAG, place, message, help);
    }

    fn anchor(&mut self, place: Place) {
        let line = self.report.file.line(place.start);
        if std::mem::replace(&mut self.said_on, line) == line {
            return;
        }
        let help = "write `and` for `&&`, or put the whole value in quotes";
        let message =
            format!("`{}` is an anchor in YAML, which would drop it silently", self.report.file.slice(place));
        self.report.say(ANCHOR, place, message, help);
    }

    fn alias(&mut self, place: Place) {
        let file = self.report.file;
        if file.line_text(file.line(place.start)).trim_start_matches([' ', '-']).starts_with("every:") {
            self.report.say(CRON, place, faults::CRON_MESSAGE, faults::CRON_HELP);
            return;
        }
        let message = format!("`{}` is an alias in YAML, for something written elsewhere", file.slice(place));
        self.report.say(ALIAS, place, message, "write the thing itself, or put the value in quotes");
    }

    /// A plain scalar's place without the spaces that follow it.
    fn shrunk(&self, place: Place, style: ScalarStyle) -> Place {
        let text = self.report.file.slice(place);
        if style == ScalarStyle::Plain {
            Place::new(place.start, place.start + text.trim_end().len())
        } else {
            place
        }
    }
}

fn place(span: &granit_parser::Span) -> Place {
    let at = |marker: &granit_parser::Marker| marker.byte_offset().unwrap_or(0);
    Place::new(at(&span.start), at(&span.end))
}

impl Node {
    /// A copy whose places are moved.
    pub(crate) fn copy(&self, by: usize) -> Self {
        let kind = match &self.kind {
            Kind::Nothing => Kind::Nothing,
            Kind::Scalar(text) => Kind::Scalar(text.clone()),
            Kind::List(items) => Kind::List(items.iter().map(|item| item.copy(by)).collect()),
            Kind::Map(map) => {
                let entry = |entry: &Entry| Entry {
                    key: entry.key.clone(),
                    place: entry.place.moved(by),
                    value: entry.value.copy(by),
                };
                Kind::Map(Map { entries: map.entries.iter().map(entry).collect(), braces: map.braces })
            }
            Kind::Refused => Kind::Refused,
        };
        Self { place: self.place.moved(by), kind }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Kind::Scalar(text) = &self.kind { Some(text) } else { None }
    }

    pub(crate) fn as_map(&self) -> Option<&Map> {
        if let Kind::Map(map) = &self.kind { Some(map) } else { None }
    }

    /// The elements of a list; of anything else the thing itself: `NAMES = NAME | [NAME, …]`.
    pub(crate) fn one_or_more(&self) -> &[Node] {
        if let Kind::List(items) = &self.kind { items } else { std::slice::from_ref(self) }
    }

    /// What it is, for a sentence.
    pub(crate) fn shape(&self) -> &'static str {
        match self.kind {
            Kind::Nothing => "nothing",
            Kind::Scalar(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a block",
            Kind::Refused => "something refused",
        }
    }
}

impl Map {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}
