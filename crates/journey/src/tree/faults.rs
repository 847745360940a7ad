//! What YAML's parser stumbles over, said in the words of the language.

use granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::{
    ANCHOR, BRACES, COLON, CRON, DOUBLE_BRACES, INDENTATION, QUOTED_START, Report, SPECIAL_START, SYNTAX,
    TAB, TAG, UNCLOSED,
};
use crate::source::{File, Place};

pub(super) const CRON_MESSAGE: &str = "`*` at the beginning of a value is an alias in YAML";
pub(super) const CRON_HELP: &str = "write a rhythm such as `every: monday 09:00`, or put the cron in quotes";
const TAB_MESSAGE: &str = "a tab stands where only spaces may";
const TAB_HELP: &str = "put spaces in its place";
/// The longest line that is repeated in a help.
const QUOTED_LINE: usize = 120;

/// Says why the file could not be read on.
pub(super) fn explain(report: &mut Report<'_>, error: &ScanError) {
    let file = report.file;
    let at = error.marker().byte_offset().unwrap_or(file.text.len()).min(file.text.len());
    // At the end of the file the fault lies before its last lines, which are empty.
    let at = if at == file.text.len() { file.text.trim_end().len() } else { at };
    let line = Line::new(file, file.line(at));
    let place = Place::new(
        at,
        at + file.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8),
    );
    let said = |report: &Report<'_>| report.found.iter().any(|said| said.span.line == line.number);
    if said(report) {
        // Of a tag or brace that was refused, the parser stumbles over the rest.
        return;
    }
    // The parser may notice only on the line before.
    if let Some(tab) = tab(file, line.number).or_else(|| tab(file, line.number + 1)) {
        report.say(TAB, tab, TAB_MESSAGE, TAB_HELP);
        return;
    }
    if let Some(brace) = braces_with_expression(file, at) {
        let help = "give each key a line of its own instead of the braces";
        report.say(BRACES, brace, "expressions do not stand inside braces", help);
        return;
    }
    if by_kind(report, error.kind(), &line, place) || by_value(report, &line) {
        return;
    }
    if indentation(report, &line) {
        return;
    }
    let message = format!("this is not YAML: {}", error.kind());
    report.say(
        SYNTAX,
        place,
        message,
        "look at this line and the one above; text with : # { } [ ] , in it wants quotes",
    );
}

/// A tab before what stands on a line.
fn tab(file: &File<'_>, line: usize) -> Option<Place> {
    let text = file.line_text(line);
    let lead = text.len() - text.trim_start().len();
    let at = file.line_start(line) + text.get(..lead)?.find('\t')?;
    Some(Place::new(at, at + 1))
}

/// A line taken apart: `  - key: value`.
pub(crate) struct Line<'s> {
    key: &'s str,
    /// Without the comment behind it.
    pub(crate) value: &'s str,
    /// Where the value stands.
    pub(crate) place: Place,
    number: usize,
}

impl<'s> Line<'s> {
    pub(crate) fn new(file: &File<'s>, number: usize) -> Self {
        let text = file.line_text(number);
        let bare = text.trim_start_matches([' ', '-']);
        let (key, value) = bare.split_once(':').unwrap_or(("", bare));
        let value = without_comment(value).trim();
        let start = file.line_start(number) + offset(text, value);
        Self { key: key.trim(), value, place: Place::new(start, start + value.len()), number }
    }
}

/// Where `part`, a slice of `whole`, begins in it.
fn offset(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

fn without_comment(text: &str) -> &str {
    text.find(" #").and_then(|at| text.get(..at)).unwrap_or(text)
}

fn by_kind(report: &mut Report<'_>, kind: &ErrorKind, line: &Line<'_>, place: Place) -> bool {
    match kind {
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            quoted_start(report, line);
        }
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            report.say(TAB, place, TAB_MESSAGE, TAB_HELP);
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            report.say(
                UNCLOSED,
                place,
                "a quote is opened here and never closed",
                "close it, or double it inside the text",
            );
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            let message = format!("`{open}` is opened here and never closed");
            report.say(UNCLOSED, place, message, "close it");
        }
        _ => return false,
    }
    true
}

/// `if: 'DE' in profile.countries`
fn quoted_start(report: &mut Report<'_>, line: &Line<'_>) {
    let value = line.value.replace('\\', "\\\\").replace('"', "\\\"");
    let help = if line.key.is_empty() || value.len() > QUOTED_LINE {
        "put the whole value in double quotes".to_owned()
    } else if line.value.starts_with('\'') {
        format!("put the whole condition in double quotes: `{}: \"{value}\"`", line.key)
    } else if line.value.starts_with('[') {
        "put the whole condition in double quotes".to_owned()
    } else {
        "put the whole value in single quotes".to_owned()
    };
    report.say(QUOTED_START, line.place, "text in quotes, or a list, ends here, and the line goes on", help);
}

/// What the beginning of the line's value tells.
fn by_value(report: &mut Report<'_>, line: &Line<'_>) -> bool {
    let value = line.value;
    if value.starts_with("{{") {
        double_braces(report, line.place);
    } else if value.starts_with('!') {
        let (message, help) = of_tag(report.file, line.place);
        report.say(TAG, line.place, message, help);
    } else if value.starts_with('&') {
        let help = "write `and` for `&&`, or put the whole value in quotes";
        report.say(ANCHOR, line.place, "`&` at the beginning of a value is an anchor in YAML", help);
    } else if value.starts_with('[') && !value.ends_with(']') {
        quoted_start(report, line);
    } else if value.starts_with('*') {
        report.say(CRON, line.place, CRON_MESSAGE, CRON_HELP);
    } else if value.starts_with(['%', '@', '`']) {
        let first = value.get(..1).unwrap_or("");
        let message = format!("a value can't begin with `{first}`");
        report.say(SPECIAL_START, line.place, message, "put the value in quotes");
    } else if !line.key.is_empty()
        && !value.starts_with(['{', '[', '\'', '"', '|', '>'])
        && value.contains(": ")
    {
        let help = if value.len() > QUOTED_LINE {
            "put the whole value in double quotes".to_owned()
        } else {
            format!(
                "put it in quotes: `{}: \"{}\"`",
                line.key,
                value.replace('\\', "\\\\").replace('"', "\\\"")
            )
        };
        report.say(COLON, line.place, "text with `: ` in it needs quotes", help);
    } else {
        return false;
    }
    true
}

pub(super) fn double_braces(report: &mut Report<'_>, place: Place) {
    let help = "put the whole value in double quotes";
    report.say(
        DOUBLE_BRACES,
        place,
        "a value that begins with `{{` needs quotes: YAML takes it for a mapping",
        help,
    );
}

/// What to say of `!in_segment('staff')`.
pub(super) fn of_tag(file: &File<'_>, place: Place) -> (String, String) {
    let rest = file.line_text(file.line(place.start));
    let from = place.start.saturating_sub(file.line_start(file.line(place.start)));
    let written = without_comment(rest.get(from..).unwrap_or("")).trim();
    let word = written.split_whitespace().next().unwrap_or("!");
    let message = format!("`{word}` is a tag in YAML, which would drop it silently");
    if written.starts_with("!!") || written.len() > QUOTED_LINE {
        return (message, "leave it out: text is taken as it is written".to_owned());
    }
    (message, format!("write `{}`", in_words(written)))
}

/// `!a && !b` as `not a and not b`.
pub(crate) fn in_words(written: &str) -> String {
    let negated = written.strip_prefix('!').unwrap_or(written).trim_start();
    let words =
        negated.replace("&&", "and").replace("||", "or").replace(" !", " not ").replace(" not =", " !=");
    format!("not {words}")
}

/// The brace that is open at `at`, where what follows it has an expression.
fn braces_with_expression(file: &File<'_>, at: usize) -> Option<Place> {
    let before = file.text.get(..at)?;
    let mut depth = 0usize;
    for (position, character) in before.char_indices().rev().take(2_000) {
        match character {
            '}' => depth += 1,
            '{' if depth > 0 => depth -= 1,
            '{' => {
                let line = file.line_text(file.line(position));
                let inside = file
                    .text
                    .get(position..)?
                    .get(..line.len().min(file.text.len() - position))
                    .unwrap_or(line);
                let expression =
                    ["if:", "while:", "value:", ": =", ": \"="].iter().any(|sign| inside.contains(sign));
                return expression.then_some(Place::new(position, position + 1));
            }
            _ => {}
        }
    }
    None
}

/// A block that lines may stand in: at which column, what it is, where it begins.
struct Open {
    column: usize,
    what: String,
    line: usize,
}

/// One space too few, or too many.
fn indentation(report: &mut Report<'_>, line: &Line<'_>) -> bool {
    let file = report.file;
    let text = file.line_text(line.number);
    let column = text.len() - text.trim_start_matches(' ').len();
    let open = open_blocks(file, line.number);
    let mut above = (1..line.number).rev().map(|number| without_comment(file.line_text(number)).trim());
    let begins = above.find(|text| !text.is_empty()).is_none_or(|text| text.ends_with(':'));
    if open.is_empty() || (begins && open.iter().all(|block| block.column < column)) {
        // The first line of a block stands where it likes.
        return false;
    }
    let fits = open.iter().find(|block| block.column == column);
    let known: Vec<String> = open
        .iter()
        .rev()
        .take(4)
        .map(|block| format!("{} for {} (line {})", spaces(block.column), block.what, block.line))
        .collect();
    let place = Place::new(file.line_start(line.number), file.line_start(line.number) + text.len());
    let place = Place::new(place.start + column, place.end);
    let message = match fits {
        Some(block) => {
            format!("this line stands in {} (line {}), where it does not fit", block.what, block.line)
        }
        None => format!("this line begins after {}, where no block does", spaces(column)),
    };
    report.say(INDENTATION, place, message, format!("mind the spaces before it: {}", known.join(", ")));
    true
}

fn spaces(count: usize) -> String {
    match count {
        0 => "no space".to_owned(),
        1 => "1 space".to_owned(),
        _ => format!("{count} spaces"),
    }
}

/// The blocks that are open before a line, the outermost first.
fn open_blocks(file: &File<'_>, before: usize) -> Vec<Open> {
    let mut open: Vec<Open> = Vec::new();
    let mut parent = "the file".to_owned();
    for number in 1..before {
        let text = file.line_text(number);
        let mut column = text.len() - text.trim_start_matches(' ').len();
        let mut rest = text.trim();
        if rest.is_empty() || rest.starts_with('#') || rest == "---" {
            continue;
        }
        loop {
            while open.last().is_some_and(|block| block.column > column) {
                open.pop();
            }
            let item = rest.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' '));
            if open.last().is_none_or(|block| block.column < column) {
                let what = if item.is_some() { format!("the list of {parent}") } else { parent.clone() };
                open.push(Open { column, what, line: number });
            }
            let Some(item) = item else { break };
            let inner = item.trim_start();
            column += 1 + (item.len() - inner.len());
            parent = format!("the step or entry `{}`", short(inner));
            rest = inner;
            if rest.is_empty() {
                break;
            }
        }
        if let Some((key, _)) = rest.split_once(':') {
            parent = format!("`{}`", short(key));
        }
    }
    open
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
