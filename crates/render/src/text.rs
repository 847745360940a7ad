//! The text part. Of a mail that has none of its own it is made of the HTML, when the template is compiled: the tags of
//! Handlebars stay where they are.

use crate::html::{leads_out, mark};
use crate::markup::{Bit, attributes, bits, decoded};
use crate::piece::{TagKind, Tokens};

/// What nobody reads.
const SILENT: [&str; 6] = ["head", "style", "script", "title", "template", "noscript"];
/// What stands on lines of its own.
const LINES: [&str; 17] = [
    "address",
    "article",
    "blockquote",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "header",
    "li",
    "main",
    "section",
    "table",
    "tr",
    "ul",
];
/// What has an empty line around it.
const PARAGRAPHS: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "p", "hr"];

/// The text of a mail's HTML, with the words for its tags.
pub(crate) fn of_html(html: &str, tokens: &mut Tokens) -> String {
    let mut writer = Writer::default();
    for bit in bits(html, true) {
        match bit {
            Bit::Start { name, start, end, closed } => {
                writer.start(html, &name, (start, end), closed, tokens)
            }
            Bit::End { name, .. } => writer.end(&name),
            Bit::Text { text, .. } => writer.text(&text),
            Bit::Comment { .. } => {}
        }
    }
    tightened(&writer.out, tokens)
}

/// The text without the ends of lines on which there is nothing but where blocks begin and end: Handlebars has it so, and
/// no list has an empty line between its elements.
fn tightened(text: &str, tokens: &Tokens) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line.trim().len();
        for (start, end, tag) in tokens.find(line.trim()) {
            if matches!(tag.kind, TagKind::Open(_) | TagKind::Else(_) | TagKind::Close(_)) {
                rest -= end - start;
            }
        }
        out.push_str(if rest == 0 && !line.trim().is_empty() { line.trim() } else { line });
    }
    out
}

/// Where a link leads: as it is put into the text, and as it is written in the HTML.
struct Target {
    marked: String,
    written: String,
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Elements that show nothing, and how many of that name are open in them.
    silent: Option<(String, usize)>,
    /// Where the words of the links that are open begin, and where each leads.
    links: Vec<(usize, Option<Target>)>,
    /// Of the tables that are open, whether each is one of figures rather than of layout.
    figures: Vec<bool>,
    cell: bool,
}

impl Writer {
    fn start(
        &mut self,
        html: &str,
        name: &str,
        (start, end): (usize, usize),
        closed: bool,
        tokens: &mut Tokens,
    ) {
        if let Some((silent, depth)) = &mut self.silent {
            *depth += usize::from(silent == name && !closed);
            return;
        }
        let found = attributes(html, start, end);
        let value = |name: &str| {
            let attribute = found.iter().find(|attribute| attribute.name == name)?;
            attribute.value.and_then(|(start, end)| html.get(start..end))
        };
        let void = closed || matches!(name, "br" | "img" | "hr" | "meta" | "link" | "input");
        let style = value("style").unwrap_or("").replace(' ', "").to_ascii_lowercase();
        if SILENT.contains(&name) || style.contains("display:none") || value("aria-hidden") == Some("true") {
            if !void {
                self.silent = Some((name.to_owned(), 1));
            }
            return;
        }
        match name {
            "br" => self.line(),
            "img" => self.text(&decoded(value("alt").unwrap_or(""))),
            "table" => {
                self.figures.push(value("role") != Some("presentation"));
                self.paragraph();
            }
            "td" | "th" if self.figures.last() == Some(&true) => self.cell(),
            "td" | "th" => self.paragraph(),
            "tr" => {
                self.cell = false;
                self.line();
            }
            "li" => {
                self.line();
                self.out.push_str("- ");
            }
            "a" => {
                let target = value("href").and_then(|address| {
                    let kept = value("data-track") == Some("no");
                    let marked = mark(address, kept, tokens).or_else(|| plain(address, tokens))?;
                    Some(Target { marked, written: decoded(address.trim()) })
                });
                self.links.push((self.out.len(), target));
            }
            _ if PARAGRAPHS.contains(&name) => self.paragraph(),
            _ if LINES.contains(&name) => self.line(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((silent, depth)) = &mut self.silent {
            *depth -= usize::from(silent == name);
            if *depth == 0 {
                self.silent = None;
            }
            return;
        }
        match name {
            "a" => {
                if let Some((from, Some(target))) = self.links.pop() {
                    let said = self.out.get(from..).unwrap_or("").trim();
                    if said == target.written || said == target.marked {
                        self.out.truncate(from);
                    } else if !said.is_empty() {
                        self.out.truncate(self.out.trim_end().len());
                        self.out.push_str(": ");
                    }
                    self.out.push_str(&target.marked);
                    // What follows is no part of the address.
                    self.out.push(' ');
                }
            }
            "table" => {
                self.figures.pop();
                self.paragraph();
            }
            "td" | "th" if self.figures.last() != Some(&true) => self.paragraph(),
            _ if PARAGRAPHS.contains(&name) => self.paragraph(),
            _ if LINES.contains(&name) => self.line(),
            _ => {}
        }
    }

    /// A cell begins: two spaces part it from the one before.
    fn cell(&mut self) {
        if std::mem::replace(&mut self.cell, true) {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            self.gap("  ");
        }
    }

    /// Words, spaces squeezed as HTML has it.
    fn text(&mut self, text: &str) {
        if self.silent.is_some() || (text.trim().is_empty() && text.contains('\n')) {
            return;
        }
        let mut space = text.starts_with([' ', '\n', '\t', '\r']);
        for word in text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()) {
            if space {
                self.gap(" ");
            }
            self.out
                .extend(word.chars().filter(|letter| !matches!(letter, '\u{200c}' | '\u{34f}' | '\u{feff}')));
            space = true;
        }
        if text.ends_with([' ', '\n', '\t', '\r']) {
            self.gap(" ");
        }
    }

    /// Space between words, none where a line begins.
    fn gap(&mut self, space: &str) {
        if !self.out.is_empty() && !self.out.ends_with(['\n', ' ']) {
            self.out.push_str(space);
        }
    }

    fn line(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        if !self.out.ends_with('\n') || self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn paragraph(&mut self) {
        self.line();
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }
}

/// Where an address leads that is not tracked, for people to read; `None` leads nowhere.
fn plain(address: &str, tokens: &Tokens) -> Option<String> {
    let token = tokens.find(address).next().filter(|(_, _, tag)| matches!(tag.kind, TagKind::Untracked));
    let address = token.map_or(address, |(_, end, _)| address.get(end..).unwrap_or(""));
    let address = decoded(address.trim());
    let address = ["mailto:", "tel:", "sms:"]
        .iter()
        .find_map(|scheme| address.strip_prefix(scheme))
        .unwrap_or(&address);
    (!address.is_empty() && !address.starts_with('#')).then(|| address.to_owned())
}

/// Marks the addresses of a text that was written as text: `https://…` up to the next space.
pub(crate) fn links(text: &str, tokens: &mut Tokens) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["http://", "https://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let mut end = from.find(|letter: char| letter.is_whitespace() || "<>\"'".contains(letter));
        for (start, _, tag) in tokens.find(from) {
            if !matches!(tag.kind, TagKind::Show { .. }) {
                end = Some(end.map_or(start, |end| end.min(start)));
            }
        }
        let address = from.get(..end.unwrap_or(from.len())).unwrap_or(from);
        let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        let marked = if leads_out(address) { mark(address, false, tokens) } else { None };
        out.push_str(marked.as_deref().unwrap_or(address));
        rest = from.get(address.len().max(4)..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// At most one empty line in a row, no space at a line's end, none at either end of it all.
pub(crate) fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line.trim_start_matches(' '));
            out.push('\n');
        }
    }
    out
}
