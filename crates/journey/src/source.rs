//! Files as they were read, and places in them.

use crate::diagnostic::Span;

/// How large a file may be, bytes.
pub const FILE_BYTES: usize = 256 * 1024;

/// A file: where it stands, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// From the folder that holds `journeyman.yaml`, with `/`: `journeys/welcome.yaml`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// More bytes than a file has: what lies beyond is in a snippet.
const BEYOND: usize = 1 << 24;
/// More snippets than there are.
const SNIPPETS: usize = 1 << 16;

/// Bytes of a file, from and to; or of a snippet's file, as [`Place::elsewhere`] moves them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Place {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// How far the places of a snippet are moved where it is used: so that each use has places of its own. `nth`: which use,
    /// from 1; `file`: which of the snippets.
    pub(crate) fn elsewhere(nth: usize, file: usize) -> usize {
        (nth * SNIPPETS + file.min(SNIPPETS - 1)) * BEYOND
    }

    pub(crate) fn moved(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }

    pub(crate) fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }
}

/// A file under check: its text with the beginnings of its lines.
#[derive(Debug)]
pub(crate) struct File<'s> {
    pub(crate) path: &'s str,
    pub(crate) text: &'s str,
    lines: Vec<usize>,
    /// Files of which parts may be used in this one.
    snippets: &'s [File<'s>],
}

impl<'s> File<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        let text = source.text.as_str();
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { path: &source.path, text, lines: std::iter::once(0).chain(after).collect(), snippets: &[] }
    }

    /// A file that may use these.
    pub(crate) fn using(source: &'s Source, snippets: &'s [File<'s>]) -> Self {
        Self { snippets, ..Self::new(source) }
    }

    /// The file in which a place is, and where in it; of a snippet that is not here, the beginning.
    pub(crate) fn of(&self, place: Place) -> (&Self, Place) {
        if place.start < BEYOND {
            return (self, place);
        }
        let snippet = self.snippets.get(place.start / BEYOND % SNIPPETS);
        let inside = Place::new(place.start % BEYOND, place.end % BEYOND);
        snippet.map_or((self, Place::default()), |file| (file, inside))
    }

    /// The text of a place; nothing where it does not stand on characters.
    pub(crate) fn slice(&self, place: Place) -> &'s str {
        let (file, place) = self.of(place);
        file.text.get(place.start..place.end).unwrap_or("")
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        let (file, place) = self.of(Place::new(at, at));
        file.line_of(place.start)
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }

    /// The text of a line, from 1, without its end.
    pub(crate) fn line_text(&self, line: usize) -> &'s str {
        let start = self.line_start(line);
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }

    /// Where a line begins.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.wrapping_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// How a place is told: of one that runs over lines, its first line.
    pub(crate) fn span(&self, place: Place) -> Span {
        let (file, place) = self.of(place);
        file.span_of(place)
    }

    fn span_of(&self, place: Place) -> Span {
        let start = floor(self.text, place.start);
        let line = self.line(start);
        let from = self.line_start(line);
        let end = floor(self.text, place.end).min(from + self.line_text(line).len()).max(start);
        let column = self.text.get(from..start).unwrap_or("").chars().count() + 1;
        let length = self.text.get(start..end).unwrap_or("").chars().count();
        Span { start, end, line, column, length }
    }
}

/// The last beginning of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
