//! What is another: how journeys go, and what they say.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::plan::PlanHash;
use journeyman_engine::deploy::TEMPLATE;
use journeyman_journey::Source;
use journeyman_journey::compare::{Change, compare};
use journeyman_store::deployments::StoredSource;

use crate::commands::apply::compared;
use crate::diagnostics::template_folder;

/// All of it.
pub(super) struct Difference {
    /// Journeys, segments, policies, the tracking plan.
    pub(super) structure: Vec<Changed>,
    /// Templates.
    pub(super) wording: Vec<Changed>,
    /// Journeys that stay as they are.
    pub(super) unchanged: usize,
    /// The version of each journey that is planned.
    pub(super) versions: BTreeMap<String, PlanHash>,
}

/// A thing that is another.
pub(super) struct Changed {
    /// `journey`, `segment`, `policies`, `tracking`, `template`.
    pub(super) kind: &'static str,
    /// Its name.
    pub(super) name: String,
    /// `new`, `changed`, `removed`.
    pub(super) word: &'static str,
    /// What, of one that is changed; of a template nothing.
    pub(super) changes: Vec<Change>,
    /// Which files, of a template.
    pub(super) files: Vec<String>,
}

impl Difference {
    pub(super) fn of(before: &[StoredSource], after: &[StoredSource]) -> Self {
        let of = |kind: &str, name: &str| {
            let of_kind =
                |stored: &&StoredSource| !stored.pinned && stored.name == name && word(stored.kind) == kind;
            (before.iter().find(of_kind), after.iter().find(of_kind))
        };
        let (mut structure, mut wording, mut unchanged) = (Vec::new(), Vec::new(), 0);
        for (kind, name, word) in compared(before, after) {
            if word == "unchanged" {
                unchanged += usize::from(kind == "journey");
                continue;
            }
            if kind == "template" {
                let files = files(&name, before, after);
                wording.push(Changed { kind, name, word, changes: Vec::new(), files });
                continue;
            }
            let changes = match of(kind, &name) {
                (Some(old), Some(new)) => compare(&source(old), &source(new)),
                _ => Vec::new(),
            };
            structure.push(Changed { kind, name, word, changes, files: Vec::new() });
        }
        let journeys = after.iter().filter(|stored| word(stored.kind) == "journey");
        let versions = journeys.map(|stored| (stored.name.clone(), stored.hash)).collect();
        Self { structure, wording, unchanged, versions }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.structure.is_empty() && self.wording.is_empty()
    }
}

fn word(kind: i16) -> &'static str {
    crate::commands::apply::word_of(kind)
}

fn source(stored: &StoredSource) -> Source {
    Source { path: stored.path.clone(), text: stored.text.clone() }
}

/// The files of a template that come, go or change.
fn files(template: &str, before: &[StoredSource], after: &[StoredSource]) -> Vec<String> {
    let of = |sources: &[StoredSource]| -> BTreeSet<(String, PlanHash)> {
        let its = sources.iter().filter(|stored| {
            let folder = template_folder(&stored.path).unwrap_or(&stored.name);
            !stored.pinned && stored.kind == TEMPLATE && folder == template
        });
        its.map(|stored| (stored.name.clone(), stored.hash)).collect()
    };
    let (old, new) = (of(before), of(after));
    let names: BTreeSet<&String> = old.symmetric_difference(&new).map(|(name, _)| name).collect();
    let short = |name: &&String| name.rsplit_once('/').map_or((*name).clone(), |(_, file)| file.to_owned());
    names.iter().map(short).collect()
}
