//! What is said of a file: what is wrong, where, and what to do.

mod code;
mod nearest;

use std::fmt;

use crate::source::{File, Place};

pub(crate) use code::*;
pub use code::{CODES, Code};
pub(crate) use nearest::{nearest, slip};

/// Whether it stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing runs until it is put right.
    Error,
    /// It runs, and is probably not what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A place, told for people and for editors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In characters; 0 where something is missing.
    pub length: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable: `J0101`.
    pub code: &'static str,
    /// Whether it stands in the way.
    pub severity: Severity,
    /// The path of its source.
    pub file: String,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Of an unknown word, the nearest right one.
    pub nearest: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, severity, file, span, message, help, .. } = self;
        write!(f, "{file}:{}:{}: {severity} {code}: {message}; {help}", span.line, span.column)
    }
}

/// Of how many unknown words of a file the nearest right one is looked for: a file with more is something else altogether.
const NEAREST_LOOKED_FOR: usize = 200;

/// What was found in one file so far.
#[derive(Debug)]
pub(crate) struct Report<'s> {
    pub(crate) file: &'s File<'s>,
    pub(crate) found: Vec<Diagnostic>,
}

impl<'s> Report<'s> {
    pub(crate) fn new(file: &'s File<'s>) -> Self {
        Self { file, found: Vec::new() }
    }

    /// Says something of a place.
    pub(crate) fn say(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic {
            code: code.id,
            severity: code.severity,
            file: self.file.of(place).0.path.to_owned(),
            span: self.file.span(place),
            message: message.into(),
            help: help.into(),
            nearest: None,
        });
    }

    /// Says that a word is unknown; the help is `otherwise` where none of the known ones is near.
    pub(crate) fn unknown<'a>(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
        otherwise: impl Into<String>,
    ) {
        let look = self.found.len() < NEAREST_LOOKED_FOR;
        let near = if look { nearest(word, known).map(str::to_owned) } else { None };
        let help = near.as_ref().map_or_else(|| otherwise.into(), |near| format!("did you mean `{near}`?"));
        self.say(code, place, message, help);
        if let Some(said) = self.found.last_mut() {
            said.nearest = near;
        }
    }

    /// Says that a word of the language is not read by this version.
    pub(crate) fn not_yet(&mut self, place: Place, word: &str) {
        self.say(
            NOT_YET,
            place,
            format!("`{word}` is not read by this version yet"),
            "leave it out until it is; nothing of it would be done",
        );
    }

    pub(crate) fn failed(&self) -> bool {
        self.found.iter().any(|said| said.severity == Severity::Error)
    }
}
