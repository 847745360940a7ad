//! A template's text in pieces: what is written, and the tags between. Each knows where it stands in the file that a person
//! wrote, whatever it goes through.

use std::sync::Arc;

use journeyman_domain::template::Place;

use crate::expression::{Ast, Call};

/// A piece of a template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// What is written.
    Text(Written),
    /// `{{…}}`
    Tag(Arc<Tag>),
}

/// What is written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// Where; byte for byte, where it is as long as the text.
    pub(crate) place: Place,
}

/// What stands between `{{` and `}}`.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) kind: TagKind,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum TagKind {
    /// `{{value}}`; `raw` of `{{{value}}}`.
    Show { value: Ast, raw: bool },
    /// `{{#each list as |item index|}}`
    Open(Block),
    /// `{{else}}`, `{{else if x}}`.
    Else(Option<Block>),
    /// `{{/each}}`
    Close(String),
    /// `{{> name}}`
    Partial(String),
    /// Ours: what MJML must not touch.
    Kept(String),
    /// Ours: the address that follows is not tracked.
    Untracked,
    /// Ours: a link's address begins, to be tracked or not.
    LinkStart { tracked: bool },
    /// Ours: and ends.
    LinkEnd,
    /// Ours: where the mail ends.
    Closing,
}

/// A block's beginning.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) call: Call,
    /// `as |item index|`
    pub(crate) aliases: Vec<String>,
}

/// A template as one text in which each tag is a word that nothing touches; so it goes through MJML and HTML.
#[derive(Clone, Debug)]
pub(crate) struct Woven {
    pub(crate) text: String,
    pub(crate) tokens: Tokens,
    origins: Vec<Origin>,
}

#[derive(Clone, Debug)]
struct Origin {
    start: usize,
    end: usize,
    place: Place,
}

/// The words that stand for tags: `hbs0x12z` for the twelfth.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    prefix: String,
    tags: Vec<Arc<Tag>>,
}

impl Woven {
    /// Of pieces. The words are such that nobody wrote them.
    pub(crate) fn new(pieces: &[Piece]) -> Self {
        let written = |prefix: &str| {
            pieces.iter().any(|piece| matches!(piece, Piece::Text(written) if written.text.contains(prefix)))
        };
        let prefix = (0_u32..).map(|nth| format!("hbs{nth}x")).find(|prefix| !written(prefix));
        let mut woven = Self {
            text: String::new(),
            tokens: Tokens { prefix: prefix.unwrap_or_default(), tags: Vec::new() },
            origins: Vec::new(),
        };
        for piece in pieces {
            let start = woven.text.len();
            let place = match piece {
                Piece::Text(written) => {
                    woven.text.push_str(&written.text);
                    written.place.clone()
                }
                Piece::Tag(tag) => {
                    let token = woven.tokens.add(tag.clone());
                    woven.text.push_str(&token);
                    tag.place.clone()
                }
            };
            woven.origins.push(Origin { start, end: woven.text.len(), place });
        }
        woven
    }

    /// Where bytes of the text were written.
    pub(crate) fn place(&self, start: usize, end: usize) -> Place {
        let nth = self.origins.partition_point(|origin| origin.end <= start);
        let Some(origin) = self.origins.get(nth).or(self.origins.last()) else { return Place::default() };
        let exact = origin.place.end - origin.place.start == origin.end - origin.start;
        if !exact || start < origin.start {
            return origin.place.clone();
        }
        let at = |byte: usize| (origin.place.start + byte.saturating_sub(origin.start)).min(origin.place.end);
        Place { file: origin.place.file.clone(), start: at(start), end: at(end).max(at(start)) }
    }
}

impl Tokens {
    /// The word of one more tag.
    pub(crate) fn add(&mut self, tag: Arc<Tag>) -> String {
        self.tags.push(tag);
        format!("{}{}z", self.prefix, self.tags.len() - 1)
    }

    /// The word of one more tag of ours.
    pub(crate) fn own(&mut self, kind: TagKind, place: Place) -> String {
        self.add(Arc::new(Tag { kind, place }))
    }

    /// The words in a text, in order: from where to where, and for what they stand.
    pub(crate) fn find<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (usize, usize, &'t Arc<Tag>)> {
        text.match_indices(&self.prefix).filter_map(|(start, _)| {
            let digits = text.get(start + self.prefix.len()..)?;
            let length = digits.find(|letter: char| !letter.is_ascii_digit())?;
            let tag = self.tags.get(digits.get(..length)?.parse::<usize>().ok()?)?;
            let end = start + self.prefix.len() + length;
            text.get(end..)?.starts_with('z').then_some((start, end + 1, tag))
        })
    }

    /// Whether there is any in a text.
    pub(crate) fn any(&self, text: &str) -> bool {
        self.find(text).next().is_some()
    }

    /// The text in pieces again. What is written has lost its place.
    pub(crate) fn split(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut done = 0;
        let written = |text: &str| Piece::Text(Written { text: text.to_owned(), place: Place::default() });
        for (start, end, tag) in self.find(text) {
            pieces.extend(text.get(done..start).filter(|text| !text.is_empty()).map(written));
            match &tag.kind {
                TagKind::Kept(kept) => pieces.push(written(kept)),
                _ => pieces.push(Piece::Tag(tag.clone())),
            }
            done = end;
        }
        pieces.extend(text.get(done..).filter(|text| !text.is_empty()).map(written));
        pieces
    }
}

/// Changes to a text, made all at once: `(from, to, instead)`, in order and apart.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<(usize, usize, String)>);

impl Edits {
    pub(crate) fn replace(&mut self, start: usize, end: usize, instead: impl Into<String>) {
        self.0.push((start, end, instead.into()));
    }

    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at, at, text);
    }

    /// The text with the changes.
    pub(crate) fn apply(&mut self, text: &str) -> String {
        self.0.sort_by_key(|(start, end, _)| (*start, *end));
        let mut out = String::with_capacity(text.len() + 256);
        let mut done = 0;
        for (start, end, instead) in &self.0 {
            out.push_str(text.get(done..*start).unwrap_or(""));
            out.push_str(instead);
            done = done.max(*end);
        }
        out.push_str(text.get(done..).unwrap_or(""));
        out
    }

    /// Where a byte of the changed text stood before.
    pub(crate) fn before(&self, at: usize) -> usize {
        let mut shift = 0_isize;
        for (start, end, instead) in &self.0 {
            let from = start.saturating_add_signed(shift);
            if at < from {
                break;
            }
            if at < from + instead.len() {
                return *start;
            }
            shift += instead.len() as isize - (*end - *start) as isize;
        }
        at.saturating_add_signed(-shift)
    }
}
