//! Templates, as sends are checked against them. What stands in their files is `render`'s to read; what is wrong there is
//! told here, in the same words as what is wrong with journeys.

use std::collections::BTreeMap;

use journeyman_domain::template::{Fault, Place, Signature};

use crate::diagnostic::{Code, Diagnostic, Span, TEMPLATE, TEMPLATE_LINT};
use crate::expr;
use crate::source::{self, File, Source};

/// The compiled templates, with the files they were made of, in which what is wrong is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Templates<'a> {
    /// What each asks for.
    pub signatures: &'a [Signature],
    /// All that stands in `templates/`; a file that is not among them is named without line and column.
    pub files: &'a [Source],
}

/// What `render` has found, as diagnostics.
pub fn template_faults(faults: &[Fault], files: &[Source]) -> Vec<Diagnostic> {
    let shelf = Shelf::new(Templates { signatures: &[], files });
    let told = |fault: &Fault| {
        let code = if fault.error { TEMPLATE } else { TEMPLATE_LINT };
        shelf.say(code, &fault.place, fault.message.clone(), fault.help.clone())
    };
    faults.iter().map(told).collect()
}

/// Templates by name, files by path.
#[derive(Debug)]
pub(crate) struct Shelf<'a> {
    signatures: BTreeMap<&'a str, &'a Signature>,
    files: BTreeMap<&'a str, File<'a>>,
}

impl<'a> Shelf<'a> {
    pub(crate) fn new(templates: Templates<'a>) -> Self {
        let signatures = templates.signatures.iter().map(|signature| (signature.name.as_ref(), signature));
        let files = templates.files.iter().map(|source| (source.path.as_str(), File::new(source)));
        Self { signatures: signatures.collect(), files: files.collect() }
    }

    pub(crate) fn signature(&self, name: &str) -> Option<&'a Signature> {
        self.signatures.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.signatures.keys().copied()
    }

    /// What is wrong with a variable, and who sends the template.
    pub(crate) fn told(&self, place: &Place, fault: &expr::Fault, by: &str) -> Diagnostic {
        let said =
            self.say(fault.code, place, format!("{}, and {by}", fault.message), fault.help.to_string());
        Diagnostic { nearest: fault.nearest.as_deref().map(str::to_owned), ..said }
    }

    fn say(&self, code: Code, place: &Place, message: String, help: String) -> Diagnostic {
        let nowhere = Span { start: 0, end: 0, line: 1, column: 1, length: 0 };
        let at = source::Place::new(place.start, place.end);
        let span = self.files.get(place.file.as_ref()).map_or(nowhere, |file| file.span(at));
        let (Code { id, severity, .. }, file) = (code, place.file.to_string());
        Diagnostic { code: id, severity, file, span, message, help, nearest: None }
    }
}
