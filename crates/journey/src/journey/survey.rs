//! What a journey's expressions may speak of: its steps by id and its variables, found before any expression is read, so
//! that a goal may ask for what a later step leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::expr::Type;

use super::{Around, Known};
use crate::block::{self, Block};
use crate::diagnostic::{NAME, RESERVED_ID, Report, SAME_ID};
use crate::expr::{self, EventTypes, Leaves};
use crate::literal;
use crate::snippet;
use crate::source::Place;
use crate::tree::{Entry, Kind, Map, Node};
use crate::words;

/// Surveys a journey. What is said of ids is said here; all else is said where it is read.
pub(super) fn of<'a>(block: &Block<'_>, around: &'a Around<'a>, report: &mut Report<'_>) -> Known<'a> {
    let entry = entry_types(block, around);
    let mut survey = Survey::new(report);
    if let Some(steps) = block.entries().iter().find(|entry| entry.key == "steps") {
        survey.steps(&steps.value);
    }
    let Survey { ids, sets, leaves, .. } = survey;
    let item = item_type(block, &entry);
    let mut known = Known { around, entry, variables: BTreeMap::new(), leaves, item, ids };
    // Twice: a variable may be made of one that a later step sets.
    for _ in 0..2 {
        variables(&mut known, &sets, report);
    }
    known
}

/// The ids of the steps of a file, by the byte where each begins; what is wrong with them goes to `report`.
pub(super) fn ids(map: &Map, report: &mut Report<'_>) -> BTreeMap<usize, Arc<str>> {
    let mut survey = Survey::new(report);
    if let Some(steps) = map.get("steps") {
        survey.steps(&steps.value);
    }
    survey.ids
}

/// The types of the properties of what begins a run; nothing is known where that is not read yet.
fn entry_types(block: &Block<'_>, around: &Around<'_>) -> EventTypes {
    let enter = block.entries().iter().find(|entry| entry.key == "enter");
    let on = enter.and_then(|entry| entry.value.as_map()).and_then(|map| map.get("on"));
    let events = on.into_iter().flat_map(|on| on.value.one_or_more()).filter_map(Node::as_text);
    let map = enter.and_then(|entry| entry.value.as_map());
    let watched =
        super::watch::TRIGGERS.iter().filter(|(word, _)| map.is_some_and(|map| map.get(word).is_some()));
    let events = events.chain(watched.map(|(_, event)| *event));
    around.names.tracking.types(events)
}

/// What each run is about: the type of the elements of the list that `each` names.
fn item_type(block: &Block<'_>, entry: &EventTypes) -> Option<Type> {
    let enter = block.entries().iter().find(|entry| entry.key == "enter");
    let each = enter.and_then(|entry| entry.value.as_map()).and_then(|map| map.get("each"))?;
    let mut path = each.value.as_text().unwrap_or("").split('.');
    let mut of = path.next().and_then(|first| entry.get(first)).cloned().unwrap_or(Type::Any);
    for name in path {
        of = match of {
            Type::Record(fields) => {
                let field = fields.iter().find(|(field, _)| field.as_ref() == name);
                field.map_or(Type::Any, |(_, of)| of.clone())
            }
            _ => Type::Any,
        };
    }
    Some(match of {
        Type::List(of) => of.as_ref().clone(),
        _ => Type::Any,
    })
}

/// The types of the variables, silently: what is wrong with them is said where they are read.
fn variables(known: &mut Known<'_>, sets: &[&Entry], report: &Report<'_>) {
    let mut found: BTreeMap<Arc<str>, Type> = BTreeMap::new();
    for entry in sets {
        let of = match &entry.value.kind {
            Kind::Scalar(text) if text.trim_start().starts_with('=') => {
                let mut silent = Report::new(report.file);
                let mut scope = known.scope("`set`", None);
                (scope.lints, scope.turn) = (false, true);
                let from = text.len() - text.trim_start().len() + 1;
                expr::computed(text, from, &entry.value, &scope, &mut silent).map_or(Type::Any, |(_, of)| of)
            }
            Kind::Scalar(_) => Type::Text,
            _ => Type::Any,
        };
        let agreed = found.entry(entry.key.as_str().into()).or_insert_with(|| of.clone());
        if *agreed != of {
            *agreed = Type::Any;
        }
        // Those below see those above at once.
        known.variables.insert(entry.key.as_str().into(), agreed.clone());
    }
    known.variables = found;
}

struct Survey<'t, 'r, 's> {
    report: &'r mut Report<'s>,
    /// How many steps of each verb there were.
    counts: BTreeMap<&'t str, usize>,
    /// What the ids of the steps at hand begin with: the id of the step that uses their snippet.
    within: Option<Arc<str>>,
    ids: BTreeMap<usize, Arc<str>>,
    /// Where each id was given first.
    places: BTreeMap<Arc<str>, Place>,
    sets: Vec<&'t Entry>,
    leaves: BTreeMap<Arc<str>, Leaves>,
}

impl<'t, 'r, 's> Survey<'t, 'r, 's> {
    fn new(report: &'r mut Report<'s>) -> Self {
        Self {
            report,
            counts: BTreeMap::new(),
            within: None,
            ids: BTreeMap::new(),
            places: BTreeMap::new(),
            sets: Vec::new(),
            leaves: BTreeMap::new(),
        }
    }

    fn steps(&mut self, node: &'t Node) {
        for step in node.one_or_more() {
            if let Kind::Map(map) = &step.kind {
                self.step(map, step.place);
            }
        }
    }

    fn step(&mut self, map: &'t Map, place: Place) {
        let verb = verb(map);
        if let Some((verb, entry, leaves)) = verb {
            let count = self.counts.entry(verb).or_insert(0);
            *count += 1;
            let nth = *count;
            self.name(map, place, verb, entry, nth, leaves);
        }
        for entry in &map.entries {
            match (entry.key.as_str(), &entry.value.kind) {
                ("then" | "else", _) => self.steps(&entry.value),
                (snippet::STEPS, _) => {
                    let own = self.ids.get(&place.start).cloned();
                    let around = std::mem::replace(&mut self.within, own);
                    self.steps(&entry.value);
                    self.within = around;
                }
                ("branch" | "wait_for", Kind::List(items)) => {
                    items.iter().filter_map(Node::as_map).for_each(|arm| self.blocks_of(arm));
                }
                ("options", Kind::Map(options)) => {
                    let options = options.entries.iter().filter_map(|option| option.value.as_map());
                    options.for_each(|option| self.blocks_of(option));
                }
                ("set", Kind::Map(map)) => self.sets.extend(&map.entries),
                _ => {}
            }
        }
    }

    /// The steps of an arm or option.
    fn blocks_of(&mut self, map: &'t Map) {
        let blocks = map.entries.iter().filter(|entry| matches!(entry.key.as_str(), "then" | "else"));
        blocks.for_each(|entry| self.steps(&entry.value));
    }

    fn name(&mut self, map: &'t Map, step: Place, verb: &str, entry: &Entry, nth: usize, leaves: Leaves) {
        let explicit = map.get("id");
        let (id, place): (Arc<str>, Place) = match (explicit, verb, entry.value.as_text()) {
            (Some(id), ..) => {
                let Some(text) = block::text(id, self.report) else { return };
                let Some(name) = block::said(literal::snake(text), NAME, id.value.place, self.report) else {
                    return;
                };
                (name, id.value.place)
            }
            // A name that is none is said to be where it is read.
            (None, "send" | "choose" | "use", Some(name)) => {
                (name.replace('-', "_").into(), entry.value.place)
            }
            _ => (format!("{verb}_{nth}").into(), entry.place),
        };
        let id = match &self.within {
            Some(within) => format!("{within}_{id}").into(),
            None => id,
        };
        if expr::ROOTS.contains(&id.as_ref()) {
            let message = format!("a step can't be called `{id}`, which expressions know as something else");
            self.report.say(RESERVED_ID, place, message, "give it another `id:`");
            return;
        }
        if let Some(first) = self.places.get(&id) {
            let line = self.report.file.line(first.start);
            let message = format!("two steps are called `{id}`, the first in line {line}");
            let help = if explicit.is_some() {
                "give one of them another `id:`"
            } else {
                "give one of them an `id:` of its own"
            };
            self.report.say(SAME_ID, place, message, help);
            return;
        }
        self.places.insert(id.clone(), place);
        self.ids.insert(step.start, id.clone());
        self.leaves.insert(id, leaves);
    }
}

/// The verb of a step, where it has one.
fn verb(map: &Map) -> Option<(&'static str, &Entry, Leaves)> {
    let now = words::VERBS.iter().map(|(verb, _)| (*verb, leaves(verb)));
    let later = words::LATER_VERBS.iter().map(|verb| (*verb, Leaves::Unknown));
    let found = now.chain(later).find_map(|(verb, leaves)| Some((verb, map.get(verb)?, leaves)));
    found.or_else(|| Some(("if", map.get("if")?, Leaves::Nothing)))
}

fn leaves(verb: &str) -> Leaves {
    match verb {
        "send" => Leaves::Message,
        "call" => Leaves::Answer,
        _ => Leaves::Nothing,
    }
}
