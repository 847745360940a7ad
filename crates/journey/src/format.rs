//! The layout of a file: two spaces for each block, lists two spaces in, one empty line at most. What it says stays as it is, to
//! the letter: another layout is no other version.

use std::collections::BTreeSet;

use crate::canonical;
use crate::diagnostic::Report;
use crate::source::{File, Place, Source};
use crate::tree::{self, Kind, Node};

/// How far a block stands in.
const INDENT: usize = 2;

/// Why a file's layout stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unformatted {
    /// It can't be read.
    #[error("it can't be read: `journeyman check` says why")]
    Wrong,
    /// Something in it would have become another; only unusual YAML comes here.
    #[error("it is laid out in a way that can't be changed without changing what it says")]
    Unusual,
}

/// The text of a file in the layout of all.
///
/// # Errors
/// [`Unformatted`]; then it stays as it is.
pub fn format(source: &Source) -> Result<String, Unformatted> {
    let before = read(source).ok_or(Unformatted::Wrong)?;
    let text = laid_out(&File::new(source), &before);
    let after = Source { path: source.path.clone(), text };
    let same = read(&after).is_some_and(|tree| canonical::hash(&tree) == canonical::hash(&before));
    let comments = |text: &str| {
        let own = text.lines().map(str::trim).filter(|line| line.starts_with('#'));
        own.map(str::to_owned).collect::<Vec<_>>()
    };
    if same && comments(&source.text) == comments(&after.text) {
        Ok(after.text)
    } else {
        Err(Unformatted::Unusual)
    }
}

fn read(source: &Source) -> Option<Node> {
    let file = File::new(source);
    let mut report = Report::new(&file);
    let tree = tree::read(&mut report)?;
    (!report.failed()).then_some(tree)
}

/// A block that is open: where it stood, where it stands, whether it is a list.
#[derive(Clone, Copy)]
struct Open {
    was: usize,
    is: usize,
    list: bool,
}

fn laid_out(file: &File<'_>, tree: &Node) -> String {
    let mut begins = BTreeSet::new();
    of_node(tree, file, &mut begins);
    let text = file.text;
    let lines: Vec<&str> = text.lines().collect();
    let mut open: Vec<Open> = Vec::new();
    let mut out: Vec<String> = Vec::new();
    // Comments wait for the line they stand above.
    let mut comments: Vec<&str> = Vec::new();
    let (mut moved_from, mut moved_to) = (0, 0);
    for (nth, line) in lines.iter().enumerate() {
        let bare = line.trim();
        let column = line.len() - line.trim_start().len();
        if !begins.contains(&(nth + 1)) {
            if bare.is_empty() || bare.starts_with('#') {
                comments.push(bare);
            } else {
                // What goes on over several lines moves as a whole.
                flush(&mut comments, &mut out, moved_to);
                let column = (column + moved_to).saturating_sub(moved_from);
                out.push(format!("{}{}", " ".repeat(column), line.trim_start().trim_end()));
            }
            continue;
        }
        let (is, rest) = place(&mut open, column, bare);
        flush(&mut comments, &mut out, is);
        (moved_from, moved_to) = (column, is);
        out.push(format!("{}{rest}", " ".repeat(is)));
    }
    flush(&mut comments, &mut out, 0);
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    let first = out.iter().position(|line| !line.is_empty()).unwrap_or(0);
    out.drain(..first);
    out.join("\n") + "\n"
}

/// Writes what waited: comments at a column, of empty lines one.
fn flush(comments: &mut Vec<&str>, out: &mut Vec<String>, column: usize) {
    for comment in comments.drain(..) {
        match comment {
            "" if out.last().is_some_and(String::is_empty) => {}
            "" => out.push(String::new()),
            comment => out.push(format!("{}{comment}", " ".repeat(column))),
        }
    }
}

/// Where a line that begins something stands now, and the line from there on. Items that stand one in the other are taken one after the
/// other: `- - a`.
fn place(open: &mut Vec<Open>, column: usize, bare: &str) -> (usize, String) {
    let (mut was, mut rest, mut first, mut line) = (column, bare, None, String::new());
    loop {
        let item = rest.strip_prefix('-').filter(|after| after.is_empty() || after.starts_with(' '));
        let list = item.is_some();
        // A list may stand at the column of its key; what comes after it there is the key's block again.
        while open.last().is_some_and(|top| top.was > was || (top.was == was && top.list && !list)) {
            open.pop();
        }
        let here = match open.last() {
            Some(top) if top.was == was && top.list == list => *top,
            top => {
                let is = top.map_or(0, |top| top.is + INDENT);
                let new = Open { was, is, list };
                open.push(new);
                new
            }
        };
        first.get_or_insert(here.is);
        let Some(after) = item else {
            line.push_str(rest);
            return (first.unwrap_or(0), line);
        };
        let inner = after.trim_start();
        if inner.is_empty() {
            line.push('-');
            return (first.unwrap_or(0), line);
        }
        line.push_str("- ");
        was += rest.len() - inner.len();
        rest = inner;
        // A scalar, or something in brackets: nothing stands inside it.
        if !(inner.starts_with("- ") || key(inner)) {
            line.push_str(inner);
            return (first.unwrap_or(0), line);
        }
    }
}

/// Whether a line begins with a key.
fn key(text: &str) -> bool {
    let word = text.split(':').next().unwrap_or("");
    !text.starts_with(['{', '[', '"', '\'', '#'])
        && word.len() < text.len()
        && text.get(word.len()..).is_some_and(|rest| rest == ":" || rest.starts_with(": "))
}

/// The lines, from 1, on which a key of a block or an item of a list begins.
fn of_node(node: &Node, file: &File<'_>, begins: &mut BTreeSet<usize>) {
    let mut begin = |place: Place| {
        let line = file.line(place.start);
        let before = file.text.get(file.line_start(line)..place.start).unwrap_or("");
        if before.chars().all(|character| character == ' ' || character == '-') {
            begins.insert(line);
        }
    };
    match &node.kind {
        Kind::Map(map) => {
            map.entries.iter().for_each(|entry| begin(entry.place));
            map.entries.iter().for_each(|entry| of_node(&entry.value, file, begins));
        }
        Kind::List(items) => {
            items.iter().for_each(|item| begin(item.place));
            items.iter().for_each(|item| of_node(item, file, begins));
        }
        Kind::Scalar(_) | Kind::Nothing | Kind::Refused => {}
    }
}

#[cfg(test)]
mod tests;
