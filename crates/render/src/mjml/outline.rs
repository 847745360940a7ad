//! What MJML needs before it is read: elements that close, tags of Handlebars where MJML takes them, values it would spoil.

use journeyman_domain::template::Place;

use crate::html;
use crate::markup::{Attribute, Bit, attributes, bits};
use crate::piece::{Edits, TagKind, Woven};
use crate::report::{Report, nearest};

/// Elements that hold elements alone; between them a tag of Handlebars is put into an `<mj-raw>`.
const FRAMES: [&str; 6] = ["mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"];
/// In which elements an element stands; of others MJML makes nothing, without a word.
const PARENTS: [(&str, &[&str]); 24] = [
    ("mj-head", &["mjml"]),
    ("mj-body", &["mjml"]),
    ("mj-wrapper", &["mj-body"]),
    ("mj-section", &["mj-body", "mj-wrapper"]),
    ("mj-hero", &["mj-body", "mj-wrapper"]),
    ("mj-group", &["mj-section"]),
    ("mj-column", &["mj-section", "mj-group"]),
    ("mj-text", &["mj-column", "mj-hero"]),
    ("mj-button", &["mj-column", "mj-hero"]),
    ("mj-image", &["mj-column", "mj-hero"]),
    ("mj-divider", &["mj-column", "mj-hero"]),
    ("mj-spacer", &["mj-column", "mj-hero"]),
    ("mj-table", &["mj-column", "mj-hero"]),
    ("mj-social", &["mj-column", "mj-hero"]),
    ("mj-navbar", &["mj-column", "mj-hero"]),
    ("mj-accordion", &["mj-column", "mj-hero"]),
    ("mj-carousel", &["mj-column", "mj-hero"]),
    ("mj-title", &["mj-head"]),
    ("mj-preview", &["mj-head"]),
    ("mj-style", &["mj-head"]),
    ("mj-font", &["mj-head"]),
    ("mj-breakpoint", &["mj-head"]),
    ("mj-attributes", &["mj-head"]),
    ("mj-all", &["mj-attributes"]),
];
/// The others that MJML knows.
const OTHERS: [&str; 14] = [
    "mjml",
    "mj-raw",
    "mj-class",
    "mj-include",
    "mj-social-element",
    "mj-navbar-link",
    "mj-accordion-element",
    "mj-accordion-title",
    "mj-accordion-text",
    "mj-carousel-image",
    "mj-html-attributes",
    "mj-selector",
    "mj-html-attribute",
    "mj-dev",
];
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// What is open at some point of the file.
enum Open {
    Element { name: String, start: usize, end: usize },
    Block { name: String, place: Place },
}

struct Outline<'w, 'r> {
    text: &'w str,
    woven: &'w Woven,
    report: &'r mut Report,
    edits: Edits,
    open: Vec<Open>,
    /// Values that MJML would spoil, and what stands for them: written once all is read, since that adds tags.
    kept: Vec<(usize, usize, String)>,
}

/// The changes that make the text fit for MJML.
pub(crate) fn edits(woven: &mut Woven, report: &mut Report) -> Edits {
    let read = woven.clone();
    let mut outline = Outline {
        text: &read.text,
        woven: &read,
        report,
        edits: Edits::default(),
        open: Vec::new(),
        kept: Vec::new(),
    };
    for bit in bits(&read.text, false) {
        outline.bit(&bit);
    }
    if let Some(open) = outline.open.pop() {
        outline.unclosed(&open, "the end of the file");
    }
    let Outline { mut edits, kept, .. } = outline;
    for (start, end, instead) in kept {
        let kind = if instead.is_empty() { TagKind::Untracked } else { TagKind::Kept(instead) };
        let token = woven.tokens.own(kind, read.place(start, end));
        edits.replace(start, end, token);
    }
    edits
}

impl Outline<'_, '_> {
    fn bit(&mut self, bit: &Bit) {
        match bit {
            Bit::Start { name, start, end, closed } => self.start(name, *start, *end, *closed),
            Bit::End { name, start, end } => self.end(name, *start, *end),
            Bit::Text { start, end, .. } => self.said(*start, *end),
            Bit::Comment { start, end } => {
                // What was taken out by a comment is out; what Outlook reads as a comment stays.
                let comment = self.text.get(*start..*end).unwrap_or("");
                if !comment.contains("[if") && !comment.contains("[endif]") && comment.starts_with("<!--") {
                    self.edits.replace(*start, *end, "");
                }
            }
        }
    }

    fn parent(&self) -> Option<&str> {
        self.open.iter().rev().find_map(|open| match open {
            Open::Element { name, .. } => Some(name.as_str()),
            Open::Block { .. } => None,
        })
    }

    fn start(&mut self, name: &str, start: usize, end: usize, closed: bool) {
        let place = self.woven.place(start, end);
        if name == "mj-include" {
            let help = "make it a partial: templates/partials/NAME.mjml, and `{{> NAME}}`";
            self.report.error(&place, "`<mj-include>` is not read", help);
        } else if let Some((_, parents)) = PARENTS.iter().find(|(known, _)| *known == name) {
            let parent = self.parent().map(str::to_owned);
            let fits = |parent: &str| parents.contains(&parent) || parent == "mj-attributes";
            if !parent.as_deref().is_some_and(fits) {
                let message = match parent {
                    Some(parent) => format!("`<{name}>` can't stand in `<{parent}>`"),
                    None => format!("`<{name}>` stands outside of everything"),
                };
                self.report.error(&place, message, format!("put it in `<{}>`", parents.join(">` or `<")));
            }
        } else if name.starts_with("mj") && !OTHERS.contains(&name) {
            let all = PARENTS.iter().map(|(name, _)| *name).chain(OTHERS);
            let help = nearest(name, all).map(|near| format!("did you mean `<{near}>`?"));
            let help = help.unwrap_or_else(|| "see MJML's documentation".to_owned());
            self.report.error(&place, format!("MJML has no element `<{name}>`"), help);
        }
        let found = attributes(self.text, start, end);
        html::check_tag(self.woven, name, &found, &place, self.report);
        let untracked = name.starts_with("mj-")
            && found.iter().any(|found| found.name == "data-track" && self.value(found) == Some("no"));
        for attribute in &found {
            if let Some((start, _)) = attribute.value.filter(|_| untracked && attribute.name == "href") {
                self.kept.push((start, start, String::new()));
            }
            if untracked && attribute.name == "data-track" {
                self.edits.replace(attribute.start, attribute.end, "");
                continue;
            }
            self.keep(attribute);
        }
        if !closed && !VOID.contains(&name) {
            self.open.push(Open::Element { name: name.to_owned(), start, end });
        }
    }

    fn value(&self, attribute: &Attribute) -> Option<&str> {
        attribute.value.and_then(|(start, end)| self.text.get(start..end))
    }

    /// MJML writes values as Rust writes strings, with `\n` and `\u{…}` in them: such letters stay out of its hands.
    fn keep(&mut self, attribute: &Attribute) {
        if let Some((start, end)) = attribute.value {
            self.keep_letters(start, end);
        }
    }

    fn keep_letters(&mut self, start: usize, end: usize) {
        for (at, letter) in self.text.get(start..end).unwrap_or("").char_indices() {
            let at = start + at;
            if letter.is_whitespace() && letter != ' ' && letter != '\u{a0}' {
                self.edits.replace(at, at + letter.len_utf8(), " ");
            } else if letter == '"' {
                self.kept.push((at, at + 1, "&quot;".to_owned()));
            } else if letter != '\'' && format!("{:?}", letter.to_string()) != format!("\"{letter}\"") {
                self.kept.push((at, at + letter.len_utf8(), letter.to_string()));
            }
        }
    }

    fn end(&mut self, name: &str, start: usize, end: usize) {
        if VOID.contains(&name) {
            return;
        }
        let opens = |open: &Open| matches!(open, Open::Element { name: open, .. } if open == name);
        if !self.open.iter().any(opens) {
            let place = self.woven.place(start, end);
            self.report.error(&place, format!("`</{name}>` closes nothing"), "take it out, or open it");
            return;
        }
        while let Some(open) = self.open.pop() {
            if opens(&open) {
                return;
            }
            self.unclosed(&open, &format!("`</{name}>`"));
        }
    }

    fn unclosed(&mut self, open: &Open, before: &str) {
        match open {
            Open::Element { name, start, end } => {
                let place = self.woven.place(*start, *end);
                let message = format!("`<{name}>` is opened here and not closed before {before}");
                self.report.error(&place, message, format!("close it: `</{name}>`"));
            }
            Open::Block { name, place } => {
                let message = format!("`{{{{#{name}}}}}` begins here and does not end before {before}");
                let help = "a block begins and ends in the same element: it can't cross one's edge";
                self.report.error(place, message, help);
            }
        }
    }

    /// Text, and the tags of Handlebars in it.
    fn said(&mut self, start: usize, end: usize) {
        let text = self.text.get(start..end).unwrap_or("");
        let parent = self.parent().unwrap_or("").to_owned();
        let frame = FRAMES.contains(&parent.as_str());
        let head = parent.is_empty() || ["mjml", "mj-head", "mj-attributes"].contains(&parent.as_str());
        if parent == "mj-title" {
            // It becomes an attribute.
            self.keep_letters(start, end);
        }
        let mut done = 0;
        for (from, to, tag) in self.woven.tokens.find(text) {
            self.loose(&parent, frame || head, start + done, start + from);
            done = to;
            if head && !matches!(tag.kind, TagKind::Kept(_)) {
                let help = "put it in the body, or in the words of an `<mj-title>`";
                self.report.error(&tag.place, "MJML's head can't hold this", help);
                continue;
            }
            if frame {
                if matches!(tag.kind, TagKind::Show { .. }) {
                    let message = format!("this stands loose in `<{parent}>`");
                    self.report.error(&tag.place, message, "put it in an `<mj-text>`");
                    continue;
                }
                let token = text.get(from..to).unwrap_or("");
                self.edits.replace(start + from, start + to, format!("<mj-raw>{token}</mj-raw>"));
            }
            self.block(&tag.kind, &tag.place);
        }
        self.loose(&parent, frame || head, start + done, end);
    }

    fn block(&mut self, kind: &TagKind, place: &Place) {
        match kind {
            TagKind::Open(block) => {
                self.open.push(Open::Block { name: block.call.name.clone(), place: place.clone() });
            }
            TagKind::Close(_) | TagKind::Else(_) => {
                let closes = matches!(kind, TagKind::Close(_));
                if !self.open.iter().any(|open| matches!(open, Open::Block { .. })) {
                    // Said where the file was read.
                    return;
                }
                while let Some(Open::Element { name, start, end }) = self.open.last() {
                    let (name, place) = (name.clone(), self.woven.place(*start, *end));
                    let message = format!("`<{name}>` is opened in a block that ends before `</{name}>`");
                    let help = "a block begins and ends in the same element: it can't cross one's edge";
                    self.report.error(&place, message, help);
                    self.open.pop();
                }
                if closes {
                    self.open.pop();
                }
            }
            _ => {}
        }
    }

    fn loose(&mut self, parent: &str, matters: bool, start: usize, end: usize) {
        let text = self.text.get(start..end).unwrap_or("");
        let said = text.trim();
        if matters && !said.is_empty() {
            let start = start + (text.len() - text.trim_start().len());
            let place = self.woven.place(start, start + said.len());
            let help = if parent.is_empty() {
                "an MJML file is `<mjml>`, with `<mj-body>` in it"
            } else {
                "put it in an `<mj-text>`"
            };
            self.report.error(&place, "this text stands loose: MJML shows nothing of it", help);
        }
    }
}
