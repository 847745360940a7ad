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
    /// Every journey there is, and whether steps may begin it.
    pub(crate) journeys: BTreeMap<Arc<str>, bool>,
    /// Every segment there is.
    pub(crate) segments: BTreeSet<Arc<str>>,
    /// An old version: what it speaks of may be gone.
    pub(crate) old: bool,
    pub(crate) tracking: Tracking,
    /// The shop's.
    pub(crate) currency: Currency,
    /// The shop's occasions.
    pub(crate) calendar: BTreeSet<Arc<str>>,
    /// The shop's consent topics; `None` where they could not be read.
    pub(crate) topics: Option<BTreeSet<Arc<str>>>,
}

/// What a step leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// What became of a message.
    Message,
    /// What was answered.
    Answer,
    /// Nothing.
    Nothing,
    /// Its verb is not read yet, so nobody knows.
    Unknown,
}

/// What stands inside a snippet.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    /// The id of the step that uses it: its steps' begin with that.
    pub(crate) id: Arc<str>,
    /// The names of its `with`.
    pub(crate) with: BareNames,
}

impl Inside {
    /// The variable of the run in which one of its names is kept; no file can say it.
    pub(crate) fn variable(&self, name: &str) -> Arc<str> {
        format!("{}/{name}", self.id).into()
    }
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
    /// Inside a `repeat`, which has turns.
    pub(crate) turn: bool,
    /// What each run is about, with `each`.
    pub(crate) item: Option<&'a Type>,
    /// The snippet whose steps these are.
    pub(crate) snippet: Option<Arc<Inside>>,
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
            turn: false,
            snippet: None,
            item: None,
            bare: None,
            template: false,
            lints: true,
        }
    }

    /// What is known of a bare name.
    pub(super) fn bare(&self, name: &str) -> Option<&Bare> {
        let given = || self.snippet.as_ref().and_then(|inside| inside.with.get(name));
        self.bare.and_then(|bare| bare.get(name)).or_else(given)
    }

    /// The variable of the run in which a bare name is kept, where a snippet was given it.
    pub(super) fn given(&self, name: &str) -> Option<Arc<str>> {
        let inside = self.snippet.as_ref().filter(|inside| inside.with.contains_key(name))?;
        let nearer = self.bare.is_some_and(|bare| bare.contains_key(name));
        (!nearer).then(|| inside.variable(name))
    }

    /// The id of the step that is called so here, and what it leaves: inside a snippet its own come first.
    pub(super) fn step(&self, name: &str) -> Option<(Arc<str>, Leaves)> {
        let steps = self.steps?;
        let find = |id: &str| steps.get_key_value(id).map(|(id, leaves)| (id.clone(), *leaves));
        let own = self.snippet.as_ref().and_then(|inside| find(&format!("{}_{name}", inside.id)));
        own.or_else(|| find(name))
    }
}
