//! What is wrong, gathered: everything at once, each thing once.

use std::collections::BTreeMap;

use journeyman_domain::template::{Fault, Place};

/// Faults as they are found. The same thing found twice (in two locales, in the HTML and the text made of it) is told once.
#[derive(Debug, Default)]
pub(crate) struct Report {
    found: BTreeMap<(String, usize, usize, String), Fault>,
    errors: usize,
}

impl Report {
    /// Something that stands in the way.
    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.errors += 1;
        self.say(true, place, message.into(), help.into());
    }

    /// Something that was probably not meant.
    pub(crate) fn warn(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.say(false, place, message.into(), help.into());
    }

    /// How many errors were said, the same one counted as often as it was: what grew during a part of the work failed there.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    fn say(&mut self, error: bool, place: &Place, message: String, help: String) {
        let key = (place.file.to_string(), place.start, place.end, message.clone());
        self.found.entry(key).or_insert(Fault { error, place: place.clone(), message, help });
    }

    /// All of them, by file and place.
    pub(crate) fn faults(self) -> Vec<Fault> {
        self.found.into_values().collect()
    }
}

/// The word of `known` that `word` was probably meant to be: at most a third of its letters away, the nearest first.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long words cost their square, and nobody mistypes a page.
    const LONGEST: usize = 80;
    let letters = word.chars().count();
    if !(2..=LONGEST).contains(&letters) {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .into_iter()
        .filter(|candidate| *candidate != word && candidate.chars().count() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= (letters / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `…`? `` where something is near, else what there is.
pub(crate) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<String> = known.into_iter().map(|known| format!("`{known}`")).collect();
    if all.is_empty() { "there is none yet".to_owned() } else { format!("there is {}", all.join(", ")) }
}
