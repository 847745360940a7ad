//! What an expression may speak of at its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::expr::Type;
use journeyman_domain::value::Currency;

use super::bare::{Bare, BareNames};
use crate::tracking::Tracking;

/// The properties of the events at hand; of others nothing is known.
pub(crate) type EventTypes = BTreeMap<Arc<str>, Type>;

/// What all files may speak of.
#[derive(Debug)]
pub(crate) struct Names {
    /// Every segment there is.
    pub(crate) segments: BTreeSet<Arc<str>>,
    /// An old version: what it speaks of may be gone.
    pub(crate) old: bool,
    pub(crate) tracking: Tracking,
    /// The shop's.
    pub(crate) currency: Currency,
}

/// What a step leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// What became of a message.
    Message,
    /// Nothing.
    Nothing,
    /// Its verb is not read yet, so nobody knows.
    Unknown,
}

/// What an expression may speak of.
pub(crate) struct Scope<'a> {
    pub(crate) names: &'a Names,
    /// For sentences: "`enter`".
    pub(crate) here: &'static str,
    /// Where an `on:` stands beside it.
    pub(crate) event: Option<&'a EventTypes>,
    pub(crate) entry: Option<&'a EventTypes>,
    /// The variables of the journey.
    pub(crate) run: Option<&'a BTreeMap<Arc<str>, Type>>,
    pub(crate) steps: Option<&'a BTreeMap<Arc<str>, Leaves>>,
    /// The names of a send's `with`.
    pub(crate) bare: Option<&'a BareNames>,
    /// A template asks, which knows paths and calls nothing.
    pub(crate) template: bool,
    /// Whether warnings are wanted.
    pub(crate) lints: bool,
}

impl<'a> Scope<'a> {
    /// Of a segment, which knows of no run.
    pub(crate) fn of_person(names: &'a Names) -> Self {
        Self {
            names,
            here: "a segment",
            event: None,
            entry: None,
            run: None,
            steps: None,
            bare: None,
            template: false,
            lints: true,
        }
    }

    /// What is known of a bare name.
    pub(super) fn bare(&self, name: &str) -> Option<&'a Bare> {
        self.bare.and_then(|bare| bare.get(name))
    }
}
