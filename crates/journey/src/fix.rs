//! What of a file can be put right without asking: a value that wants quotes, a `!` that YAML takes for a tag, a word that is
//! one letter off. Nothing that could be meant otherwise.

use crate::diagnostic::{
    CHOICE, COLON, CRON, Code, DOUBLE_BRACES, Diagnostic, QUOTED_START, SPECIAL_START, TAG, UNKNOWN_WORD,
};
use crate::source::{File, Source};
use crate::tree::faults::{Line, in_words};

/// How short a word is that may be another though one letter differs, characters.
const SHORT: usize = 3;

/// What is put where something stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// In which file.
    pub file: String,
    /// In which line, from 1.
    pub line: usize,
    /// First byte of what it takes the place of.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// What stands there then.
    pub text: String,
}

/// The edits that put right what can be, of all that was found in `sources`: at most one in a line, by file and place.
pub fn edits(sources: &[Source], diagnostics: &[Diagnostic]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for said in diagnostics {
        let Some(source) = sources.iter().find(|source| source.path == said.file) else { continue };
        let same_line = |edit: &Edit| edit.file == said.file && edit.line == said.span.line;
        if !edits.iter().any(same_line) {
            edits.extend(edit(source, said));
        }
    }
    edits.sort_by(|a, b| (&a.file, a.start).cmp(&(&b.file, b.start)));
    edits
}

/// A file's text with the edits that are of it.
pub fn edited(source: &Source, edits: &[Edit]) -> String {
    let mut text = source.text.clone();
    for edit in edits.iter().rev().filter(|edit| edit.file == source.path) {
        if text.is_char_boundary(edit.start) && text.is_char_boundary(edit.end) && edit.end <= text.len() {
            text.replace_range(edit.start..edit.end, &edit.text);
        }
    }
    text
}

fn edit(source: &Source, said: &Diagnostic) -> Option<Edit> {
    let file = File::new(source);
    let is = |codes: &[Code]| codes.iter().any(|code| code.id == said.code);
    let line = Line::new(&file, said.span.line);
    let (start, end, text) = if is(&[UNKNOWN_WORD, CHOICE]) {
        let near = said.nearest.clone()?;
        let word = source.text.get(said.span.start..said.span.end)?;
        let one_off = strsim::damerau_levenshtein(word, &near) == 1 && word.chars().count() > SHORT;
        (one_off || word.eq_ignore_ascii_case(&near)).then_some((said.span.start, said.span.end, near))?
    } else {
        if line.value.is_empty() || goes_on(&file, said.span.line) {
            return None;
        }
        let text = match () {
            () if is(&[COLON, DOUBLE_BRACES, SPECIAL_START, QUOTED_START]) => quoted(line.value),
            () if is(&[CRON]) && line.value.split_whitespace().count() == 5 => quoted(line.value),
            () if is(&[TAG]) => negation(line.value)?,
            () => return None,
        };
        (line.place.start, line.place.end, text)
    };
    Some(Edit { file: said.file.clone(), line: said.span.line, start, end, text })
}

/// Whether a value goes on in the next line, which stands deeper than this one.
fn goes_on(file: &File<'_>, line: usize) -> bool {
    let column = |text: &str| text.len() - text.trim_start().len();
    let next = file.line_text(line + 1);
    !next.trim().is_empty() && column(next) > column(file.line_text(line))
}

fn quoted(value: &str) -> String {
    match value.contains('"') {
        true => format!("'{}'", value.replace('\'', "''")),
        false => format!("\"{}\"", value.replace('\\', "\\\\")),
    }
}

/// `!x && y` in words; `None` where `!` would bind otherwise than `not` does.
fn negation(value: &str) -> Option<String> {
    let rest = value.strip_prefix('!').filter(|rest| !rest.starts_with('!'))?;
    let ends = ["&&", "||", " and ", " or "].into_iter().filter_map(|word| rest.find(word)).min();
    let first = rest.get(..ends.unwrap_or(rest.len()))?;
    // What stands in brackets is negated whole either way.
    let outside = first.find('(').and_then(|at| first.get(..at)).unwrap_or(first);
    let after = first.rfind(')').and_then(|at| first.get(at + 1..)).unwrap_or("");
    let compares =
        [outside, after].iter().any(|text| text.contains(['=', '<', '>']) || text.contains(" in "));
    (!compares).then(|| in_words(value))
}

#[cfg(test)]
mod tests;
