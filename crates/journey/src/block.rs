//! Reading blocks: each key is taken once, and what is left over is no word of the block.

use std::sync::Arc;

use crate::diagnostic::{CHOICE, Code, INTEGER, NAME, REQUIRED, Report, SHAPE, TWICE, UNKNOWN_WORD, nearest};
use crate::literal::{self, Fault, TEXT_BYTES, short};
use crate::source::Place;
use crate::tree::{Entry, Kind, Map, Node};
use crate::words::{self, Words};

/// The most entries of a list of names.
pub const LIST_LENGTH: usize = 200;

/// A mapping that is being read.
pub(crate) struct Block<'t> {
    map: &'t Map,
    taken: Vec<bool>,
    /// Where to point when something is missing.
    pub(crate) place: Place,
}

impl<'t> Block<'t> {
    pub(crate) fn new(map: &'t Map, place: Place) -> Self {
        Self { map, taken: vec![false; map.entries.len()], place }
    }

    /// The mapping of a node; anything else is reported.
    pub(crate) fn of(node: &'t Node, what: &str, report: &mut Report<'_>) -> Option<Self> {
        match &node.kind {
            Kind::Map(map) => Some(Self::new(map, node.place)),
            Kind::Refused => None,
            _ => {
                let message =
                    format!("{what} is a block of `key: value` lines, and {} stands here", node.shape());
                report.say(
                    SHAPE,
                    node.place,
                    message,
                    "write its keys below it, two spaces in, each on a line",
                );
                None
            }
        }
    }

    pub(crate) fn braces(&self) -> bool {
        self.map.braces
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some()
    }

    pub(crate) fn entries(&self) -> &'t [Entry] {
        &self.map.entries
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<&'t Entry> {
        let nth = self.map.entries.iter().position(|entry| entry.key == key)?;
        if let Some(taken) = self.taken.get_mut(nth) {
            *taken = true;
        }
        self.map.entries.get(nth)
    }

    /// As `take`; its absence is reported.
    pub(crate) fn require(
        &mut self,
        key: &str,
        words: &Words,
        help: &str,
        report: &mut Report<'_>,
    ) -> Option<&'t Entry> {
        let entry = self.take(key);
        if entry.is_none() && !self.meant(key) {
            report.say(REQUIRED, self.place, format!("{} needs `{key}:`", words.what), help);
        }
        entry
    }

    /// Whether some word here is no word at all and was probably meant to be `key`: said once, where it stands.
    pub(crate) fn meant(&self, key: &str) -> bool {
        let mut slips = self.map.entries.iter().filter(|entry| words::homes(&entry.key).is_empty());
        slips.any(|entry| nearest(&entry.key, [key]).is_some())
    }

    /// Reports every word that was not taken. `also` are words of other blocks that may stand here too.
    pub(crate) fn finish(self, words: &Words, also: &[&'static str], report: &mut Report<'_>) {
        for (entry, _) in self.map.entries.iter().zip(&self.taken).filter(|(_, taken)| !**taken) {
            let word = entry.key.as_str();
            if words.later.contains(&word) {
                report.not_yet(entry.place, word);
            } else {
                unknown(entry, words, also, report);
            }
        }
    }
}

fn unknown(entry: &Entry, words: &Words, also: &[&'static str], report: &mut Report<'_>) {
    let word = entry.key.as_str();
    let message = format!("`{}` is no word of {}", short(word), words.what);
    let homes: Vec<&str> = words::homes(word).into_iter().filter(|home| *home != words.what).collect();
    if homes.is_empty() {
        let known = words.now.iter().chain(words.later).chain(also).copied();
        let list = words.now.iter().chain(also).copied().collect::<Vec<_>>().join(", ");
        report.unknown(UNKNOWN_WORD, entry.place, message, word, known, format!("its words are: {list}"));
    } else {
        let help = format!("it belongs to {}: mind the spaces before it", homes.join(", "));
        report.say(UNKNOWN_WORD, entry.place, message, help);
    }
}

/// The text of a value; anything else is reported.
pub(crate) fn text<'t>(entry: &'t Entry, report: &mut Report<'_>) -> Option<&'t str> {
    text_of(&entry.value, &entry.key, entry.place, report)
}

fn text_of<'t>(node: &'t Node, key: &str, key_place: Place, report: &mut Report<'_>) -> Option<&'t str> {
    match &node.kind {
        Kind::Scalar(text) => return Some(text),
        Kind::Refused => {}
        Kind::Nothing => {
            report.say(
                SHAPE,
                key_place,
                format!("`{}` says nothing", short(key)),
                "write its value, or leave it out",
            );
        }
        Kind::List(_) | Kind::Map(_) => {
            let message = format!("`{}` is one value, and {} stands here", short(key), node.shape());
            report.say(SHAPE, node.place, message, "write the value behind the colon");
        }
    }
    None
}

/// A value by one of the forms of the grammar.
pub(crate) fn parsed<T>(
    entry: &Entry,
    code: Code,
    parse: impl FnOnce(&str) -> Result<T, Fault>,
    report: &mut Report<'_>,
) -> Option<T> {
    let text = text(entry, report)?;
    said(parse(text), code, entry.value.place, report)
}

/// The value, or its fault reported.
pub(crate) fn said<T>(
    result: Result<T, Fault>,
    code: Code,
    place: Place,
    report: &mut Report<'_>,
) -> Option<T> {
    result.map_err(|fault| report.say(code, place, fault.message, fault.help)).ok()
}

/// One of some words.
pub(crate) fn choice<T: Copy>(entry: &Entry, words: &[(&str, T)], report: &mut Report<'_>) -> Option<T> {
    let text = text(entry, report)?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let list = words.iter().map(|(word, _)| *word).collect::<Vec<_>>();
        let message = format!("`{}` can't be `{}`", entry.key, short(text));
        let help = format!("write {}", list.join(" or "));
        report.unknown(CHOICE, entry.value.place, message, text, list, help);
    }
    found
}

/// `yes` or `no`.
pub(crate) fn yes_no(entry: &Entry, report: &mut Report<'_>) -> Option<bool> {
    choice(entry, &[("yes", true), ("no", false)], report)
}

/// A whole number from `low` to `high`.
pub(crate) fn integer(entry: &Entry, low: u32, high: u32, report: &mut Report<'_>) -> Option<u32> {
    let parse = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number =
            digits.then(|| text.parse().ok()).flatten().filter(|number| (low..=high).contains(number));
        let fault = || {
            Fault::new(
                format!("`{}` is no such number", short(text)),
                format!("write a whole number from {low} to {high}"),
            )
        };
        number.ok_or_else(fault)
    };
    parsed(entry, INTEGER, parse, report)
}

/// One or more texts, each once, with their places.
pub(crate) fn texts<'t>(entry: &'t Entry, report: &mut Report<'_>) -> Vec<(&'t str, Place)> {
    let mut found: Vec<(&str, Place)> = Vec::new();
    if entry.value.one_or_more().len() > LIST_LENGTH {
        let message = format!("`{}` has more than {LIST_LENGTH} entries", entry.key);
        report.say(SHAPE, entry.place, message, "make a segment of them");
        return found;
    }
    for node in entry.value.one_or_more() {
        let Some(text) = text_of(node, &entry.key, entry.place, report) else { continue };
        if found.iter().any(|(other, _)| *other == text) {
            report.say(
                TWICE,
                node.place,
                format!("`{}` stands twice in `{}`", short(text), entry.key),
                "keep one",
            );
            continue;
        }
        found.push((text, node.place));
    }
    if entry.value.one_or_more().is_empty() {
        let message = format!("`{}` is an empty list", entry.key);
        report.say(SHAPE, entry.place, message, "write what belongs in it, or leave it out");
    }
    found
}

/// NAMES.
pub(crate) fn names(entry: &Entry, report: &mut Report<'_>) -> Vec<(Arc<str>, Place)> {
    let found = texts(entry, report);
    found
        .into_iter()
        .filter_map(|(text, place)| Some((said(literal::name(text), NAME, place, report)?, place)))
        .collect()
}

/// EVENTS: any text, as it stands in the events.
pub(crate) fn events(entry: &Entry, report: &mut Report<'_>) -> Vec<(Arc<str>, Place)> {
    let found = texts(entry, report);
    let event = |text: &str| {
        if text.trim().is_empty() || text.len() > TEXT_BYTES {
            return Err(Fault::new(
                "this is no name of an event",
                "write it as the shop sends it: Order Completed",
            ));
        }
        Ok(text.into())
    };
    found
        .into_iter()
        .filter_map(|(text, place)| Some((said(event(text), NAME, place, report)?, place)))
        .collect()
}
