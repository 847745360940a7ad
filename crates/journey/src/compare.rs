//! Two versions of a file, and what is another in the newer: for people who are to say yes to it.
//!
//! Steps are told apart by their ids, as runs that stand at them are; everything else by where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Source;
use crate::diagnostic::Report;
use crate::journey;
use crate::source::File;
use crate::tree::{self, Kind, Map, Node};
use crate::words;

/// One thing that is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something is said otherwise, for the first time, or no longer.
    Said {
        /// Of which step; `None` of the file itself.
        step: Option<Arc<str>>,
        /// Where: `enter.if`, `channel`.
        what: String,
        /// What it said.
        was: Option<String>,
        /// What it says.
        is: Option<String>,
    },
    /// A step that was not there.
    New {
        /// Its id.
        step: Arc<str>,
        /// What it does: `send cart-sms`.
        does: String,
        /// Where it stands: `after nudge`, `first in else of nudge`.
        place: String,
    },
    /// A step that is there no more.
    Gone {
        /// Its id.
        step: Arc<str>,
        /// What it did.
        does: String,
    },
    /// A step that stands elsewhere.
    Moved {
        /// Its id.
        step: Arc<str>,
        /// Where it stands now.
        place: String,
    },
}

/// What is another in `new`, in its order; what is gone comes last. Nothing of a file that can't be read.
pub fn compare(old: &Source, new: &Source) -> Vec<Change> {
    let (Some(old), Some(new)) = (Outline::of(old), Outline::of(new)) else { return Vec::new() };
    let mut changes = said(None, &old.said, &new.said);
    let moved = moved(&old, &new);
    for step in &new.steps {
        let Some(before) = old.step(&step.id) else {
            let (id, does, place) = (step.id.clone(), step.does.clone(), step.place.clone());
            changes.push(Change::New { step: id, does, place });
            continue;
        };
        if moved.contains(&step.id) {
            changes.push(Change::Moved { step: step.id.clone(), place: step.place.clone() });
        }
        changes.extend(said(Some(&step.id), &before.said, &step.said));
    }
    let gone = old.steps.iter().filter(|step| new.step(&step.id).is_none());
    changes.extend(gone.map(|step| Change::Gone { step: step.id.clone(), does: step.does.clone() }));
    changes
}

/// What stands at each place, in the order of the file.
type Said = Vec<(String, String)>;

/// A file, as far as it is compared.
struct Outline {
    said: Said,
    steps: Vec<Step>,
}

struct Step {
    id: Arc<str>,
    does: String,
    place: String,
    /// The block it stands in, and its step before.
    within: (String, Option<Arc<str>>),
    said: Said,
}

impl Outline {
    fn of(source: &Source) -> Option<Self> {
        let file = File::new(source);
        let mut report = Report::new(&file);
        let root = tree::read(&mut report)?;
        let map = root.as_map()?;
        let ids = journey::ids(map, &mut Report::new(&file));
        let mut outline = Self { said: Vec::new(), steps: Vec::new() };
        for entry in &map.entries {
            if entry.key == "steps" {
                outline.steps(&entry.value, "", &ids);
            } else {
                flatten(&entry.key, &entry.value, &mut outline.said);
            }
        }
        Some(outline)
    }

    fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id.as_ref() == id)
    }

    fn steps(&mut self, node: &Node, within: &str, ids: &BTreeMap<usize, Arc<str>>) {
        let mut before: Option<Arc<str>> = None;
        for step in node.one_or_more() {
            let (Some(map), Some(id)) = (step.as_map(), ids.get(&step.place.start)) else { continue };
            let place = match (&before, within) {
                (Some(before), _) => format!("after {before}"),
                (None, "") => "first".to_owned(),
                (None, within) => format!("first in {within}"),
            };
            let at = self.steps.len();
            self.steps.push(Step {
                id: id.clone(),
                does: does(map),
                place,
                within: (within.to_owned(), before.clone()),
                said: Vec::new(),
            });
            let said = self.parts(map, id, ids);
            if let Some(step) = self.steps.get_mut(at) {
                step.said = said;
            }
            before = Some(id.clone());
        }
    }

    /// What a step says, but for the steps in it, which are read as steps.
    fn parts(&mut self, map: &Map, id: &Arc<str>, ids: &BTreeMap<usize, Arc<str>>) -> Said {
        let mut said = Vec::new();
        for entry in map.entries.iter().filter(|entry| entry.key != "id") {
            match (entry.key.as_str(), &entry.value.kind) {
                (block @ ("then" | "else"), _) => self.steps(&entry.value, &format!("{block} of {id}"), ids),
                ("branch" | "wait_for", Kind::List(arms))
                    if arms.iter().all(|arm| arm.as_map().is_some()) =>
                {
                    for (nth, arm) in arms.iter().enumerate() {
                        self.arm(&format!("{} {}", entry.key, nth + 1), arm, id, ids, &mut said);
                    }
                }
                ("options", Kind::Map(options)) => {
                    for option in &options.entries {
                        self.arm(&format!("option {}", option.key), &option.value, id, ids, &mut said);
                    }
                }
                (key, _) => flatten(key, &entry.value, &mut said),
            }
        }
        said
    }

    fn arm(&mut self, name: &str, arm: &Node, id: &str, ids: &BTreeMap<usize, Arc<str>>, said: &mut Said) {
        // An arm without a word of its own is still there.
        said.push((name.to_owned(), String::new()));
        for entry in arm.as_map().into_iter().flat_map(|map| &map.entries) {
            match entry.key.as_str() {
                block @ ("then" | "else") => {
                    self.steps(&entry.value, &format!("{block} of {name} of {id}"), ids);
                }
                key => flatten(&format!("{name}.{key}"), &entry.value, said),
            }
        }
    }
}

/// What a step does, in its first words.
fn does(map: &Map) -> String {
    let known = words::VERBS.iter().map(|(verb, _)| *verb).chain(words::LATER_VERBS.iter().copied());
    let verb = known.chain(["if"]).find_map(|verb| map.get(verb));
    verb.map_or(String::new(), |entry| match entry.value.as_text() {
        Some(text) => format!("{} {text}", entry.key),
        None => entry.key.clone(),
    })
}

/// Scalars by the way to them; a list of scalars is one.
fn flatten(path: &str, node: &Node, said: &mut Said) {
    match &node.kind {
        Kind::Nothing | Kind::Refused => said.push((path.to_owned(), String::new())),
        Kind::Scalar(text) => said.push((path.to_owned(), text.clone())),
        Kind::List(items) if items.iter().all(|item| item.as_text().is_some()) => {
            let items: Vec<&str> = items.iter().filter_map(Node::as_text).collect();
            said.push((path.to_owned(), items.join(", ")));
        }
        Kind::List(items) => {
            for (nth, item) in items.iter().enumerate() {
                flatten(&format!("{path} {}", nth + 1), item, said);
            }
        }
        Kind::Map(map) => {
            for entry in &map.entries {
                flatten(&format!("{path}.{}", entry.key), &entry.value, said);
            }
        }
    }
}

fn said(step: Option<&Arc<str>>, old: &Said, new: &Said) -> Vec<Change> {
    let find =
        |said: &Said, what: &str| said.iter().find(|(path, _)| path == what).map(|(_, text)| text.clone());
    let mut changes = Vec::new();
    let mut change = |what: &str, was: Option<String>, is: Option<String>| {
        if was != is {
            changes.push(Change::Said { step: step.cloned(), what: what.to_owned(), was, is });
        }
    };
    for (what, text) in new {
        change(what, find(old, what), Some(text.clone()));
    }
    for (what, text) in old.iter().filter(|(what, _)| find(new, what).is_none()) {
        change(what, Some(text.clone()), None);
    }
    changes
}

/// Steps of both that stand in another block, or in another order: those that are not in the longest run of common steps
/// that keep theirs.
fn moved(old: &Outline, new: &Outline) -> BTreeSet<Arc<str>> {
    let place = |outline: &Outline, id: &str| outline.steps.iter().position(|step| step.id.as_ref() == id);
    let common: Vec<(&Step, usize)> =
        new.steps.iter().filter_map(|step| Some((step, place(old, &step.id)?))).collect();
    // The longest increasing subsequence of old places, by its last elements (Fredman, Discrete Math. 11, 1975).
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = vec![None; common.len()];
    for (nth, (_, at)) in common.iter().enumerate() {
        let longer = ends.partition_point(|end| common[*end].1 < *at);
        previous[nth] = longer.checked_sub(1).and_then(|before| ends.get(before).copied());
        match ends.get_mut(longer) {
            Some(end) => *end = nth,
            None => ends.push(nth),
        }
    }
    let mut stays = BTreeSet::new();
    let mut last = ends.last().copied();
    while let Some(nth) = last {
        stays.insert(nth);
        last = previous[nth];
    }
    let other_block = |step: &Step, at: usize| old.steps[at].within.0 != step.within.0;
    let moved =
        common.iter().enumerate().filter(|(nth, (step, at))| !stays.contains(nth) || other_block(step, *at));
    moved.map(|(_, (step, _))| step.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "journey: cart
topic: reminders
holdout: 10%
enter:
  on: Cart Updated
  if: cart.value >= 20 EUR
  per: cart_id
exit:
  - if: cart.items.count() == 0
steps:
  - send: nudge
    channel: email
  - wait_for:
      if: nudge.clicked
    within: 4h
    else:
      - send: text
        channel: sms
  - wait: 1d
  - send: last-call
    channel: email
";

    fn source(text: &str) -> Source {
        Source { path: "journeys/cart.yaml".to_owned(), text: text.to_owned() }
    }

    /// As people are told, in short.
    fn told(change: &Change) -> String {
        match change {
            Change::Said { step, what, was, is } => {
                let of = step.as_ref().map_or(String::new(), |step| format!("{step}: "));
                format!("{of}{what}: {:?} > {:?}", was.as_deref(), is.as_deref())
            }
            Change::New { step, does, place } => format!("+ {step} ({does}) {place}"),
            Change::Gone { step, does } => format!("- {step} ({does})"),
            Change::Moved { step, place } => format!("{step} {place}"),
        }
    }

    /// One door: what is replaced in the old one to what is said of it.
    fn check(edits: &[(&str, &str)], said: &[&str]) {
        let mut new = OLD.to_owned();
        for (from, to) in edits {
            assert!(new.contains(from), "{from}");
            new = new.replacen(from, to, 1);
        }
        let told: Vec<String> = compare(&source(OLD), &source(&new)).iter().map(told).collect();
        assert_eq!(told, said);
    }

    #[test]
    fn what_is_said_otherwise_is_told_by_its_place() {
        check(&[], &[]);
        check(&[("topic: reminders", "topic:   'reminders'   # as ever")], &[]);
        check(
            &[("20 EUR", "30 EUR")],
            &[r#"enter.if: Some("cart.value >= 20 EUR") > Some("cart.value >= 30 EUR")"#],
        );
        check(&[("holdout: 10%\n", "")], &[r#"holdout: Some("10%") > None"#]);
        check(
            &[("  - if: cart.items.count() == 0\n", "  - if: cart.items.count() == 0\n  - on: Left\n")],
            &[r#"exit 2.on: None > Some("Left")"#],
        );
        check(
            &[("channel: email", "channel: [push, email]")],
            &[r#"nudge: channel: Some("email") > Some("push, email")"#],
        );
        check(&[("within: 4h", "within: 6h")], &[r#"wait_for_1: within: Some("4h") > Some("6h")"#]);
    }

    #[test]
    fn steps_come_go_and_move() {
        check(
            &[("  - wait: 1d\n", "  - send: more\n    channel: push\n  - wait: 1d\n")],
            &["+ more (send more) after wait_for_1"],
        );
        check(&[("    else:\n      - send: text\n        channel: sms\n", "")], &["- text (send text)"]);
        check(
            &[("      - send: text\n", "      - send: first\n        channel: push\n      - send: text\n")],
            &["+ first (send first) first in else of wait_for_1"],
        );
        let last = "  - send: last-call\n    channel: email\n";
        check(&[(last, ""), ("  - wait_for:", &format!("{last}  - wait_for:"))], &["last_call after nudge"]);
        check(&[("    else:", "    then:")], &["text first in then of wait_for_1"]);
    }

    #[test]
    fn what_cannot_be_read_is_not_compared() {
        assert_eq!(compare(&source(OLD), &source("a: [")), []);
        assert_eq!(compare(&source(""), &source(OLD)), []);
    }
}
