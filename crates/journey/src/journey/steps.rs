//! `steps`: from blocks in blocks to a graph. Nodes are in the order of the source; a block's last steps go on where the
//! step goes on that holds it.

mod branch;
mod call;
mod cause;
mod choose;
mod leave;
mod repeat;
mod send;
mod sender;
mod set;
mod test;
mod using;
mod wait;
mod wait_for;
mod with;

use std::sync::Arc;

use journeyman_domain::plan::{Condition, Node as PlanNode, Step};

use self::with::With;
use super::{Reader, STEPS};
use crate::block::{self, Block};
use crate::diagnostic::{
    ELSE_WITHOUT, NO_VERB, REQUIRED, TOO_MANY_STEPS, UNKNOWN_WORD, UNREACHABLE, nearest,
};
use crate::expr::{self, Scope};
use crate::source::Place;
use crate::tree::{Entry, Kind, Map, Node};
use crate::words::{self, Words};

/// A block of steps in the graph.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Where it begins; `None` of a block without steps.
    pub(super) first: Option<usize>,
    /// The nodes whose `next` is what follows the block.
    tails: Vec<usize>,
    /// Whether anybody comes out of it.
    open: bool,
}

/// A step that is being read.
struct Reading<'b, 't> {
    block: &'b mut Block<'t>,
    /// Where its node stands.
    node: usize,
    /// The nodes inside whose `next` is this step's.
    tails: Vec<usize>,
    /// `else`, unless the step has taken it.
    otherwise: Option<usize>,
    guarded: bool,
    /// `with` of a send.
    with: With,
}

impl Reading<'_, '_> {
    /// Whether `else` stands before another key: blocks are read in the order of the source, since nodes are in it.
    fn else_before(&self, key: &str) -> bool {
        let first = self.block.entries().iter().find(|entry| entry.key == "else" || entry.key == key);
        first.is_some_and(|entry| entry.key == "else")
    }
}

impl<'t> Reader<'_, '_, '_> {
    /// STEPS.
    pub(super) fn block(&mut self, node: &'t Node) -> Flow {
        let mut flow = Flow { open: true, ..Flow::default() };
        if matches!(node.kind, Kind::Nothing) {
            return flow;
        }
        for step in node.one_or_more() {
            let was_open = flow.open;
            let Some(inner) = self.step(step) else { continue };
            if !was_open {
                let help = "take it out, or give the step above an `if:`";
                self.report.say(UNREACHABLE, step.place, "nobody reaches this step", help);
            }
            for tail in flow.tails.drain(..) {
                if let Some(node) = self.nodes.get_mut(tail) {
                    node.next = inner.first;
                }
            }
            flow.first = flow.first.or(inner.first);
            flow.tails = inner.tails;
            // What follows the unreachable is not said to be so once more.
            flow.open = inner.open || !was_open;
        }
        flow
    }

    fn step(&mut self, node: &'t Node) -> Option<Flow> {
        let mut block = Block::of(node, "a step", self.report)?;
        let map = node.as_map()?;
        let place = node.place;
        let Some(verb) = self.verb(map, place) else {
            self.inside(map);
            return None;
        };
        if words::LATER_VERBS.contains(&verb.key.as_str()) {
            self.report.not_yet(verb.place, &verb.key);
            self.inside(map);
            return None;
        }
        let index = self.push(place)?;
        let mut reading = Reading {
            block: &mut block,
            node: index,
            tails: Vec::new(),
            otherwise: None,
            guarded: false,
            with: With::default(),
        };
        self.common(&mut reading, verb);
        let (step, words, open) = self.by_verb(&mut reading, verb);
        let Reading { mut tails, otherwise, .. } = reading;
        if let Some(node) = self.nodes.get_mut(index) {
            node.otherwise = otherwise;
            if let Some(step) = step {
                node.step = step;
            }
        }
        block.finish(words, words::STEP, self.report);
        tails.push(index);
        Some(Flow { first: Some(index), tails, open })
    }

    /// The key that says what the step does.
    fn verb(&mut self, map: &'t Map, place: Place) -> Option<&'t Entry> {
        let is_verb = |entry: &&Entry| {
            let key = entry.key.as_str();
            words::VERBS.iter().any(|(verb, _)| *verb == key) || words::LATER_VERBS.contains(&key)
        };
        let mut verbs = map.entries.iter().filter(is_verb);
        match (verbs.next(), verbs.next()) {
            (Some(verb), None) => return Some(verb),
            (Some(first), Some(second)) => {
                let message =
                    format!("a step does one thing, and this one has `{}` and `{}`", first.key, second.key);
                self.report.say(NO_VERB, second.place, message, "begin a step of its own with `-`");
                return None;
            }
            (None, _) => {}
        }
        if let (Some(condition), true) = (map.get("if"), map.get("then").is_some()) {
            return Some(condition);
        }
        let verbs = || words::VERBS.iter().map(|(verb, _)| *verb).chain(words::LATER_VERBS.iter().copied());
        let slip = map.entries.iter().filter(|entry| words::homes(&entry.key).is_empty());
        for entry in slip {
            if nearest(&entry.key, verbs()).is_some() {
                let message = format!("`{}` is no word of a step", entry.key);
                self.report.unknown(UNKNOWN_WORD, entry.place, message, &entry.key, verbs(), "");
                return None;
            }
        }
        if let Some(condition) = map.get("if") {
            self.report.say(
                REQUIRED,
                condition.place,
                "an `if` needs `then:`",
                "write the steps below `then:`",
            );
        } else {
            let help = format!(
                "a step has one of: {}, if",
                words::VERBS.iter().map(|(verb, _)| *verb).collect::<Vec<_>>().join(", ")
            );
            self.report.say(NO_VERB, place, "this step does nothing", help);
        }
        None
    }

    /// What can be said of a step that can't be read: what is wrong with the steps in it.
    fn inside(&mut self, map: &'t Map) {
        for entry in map.entries.iter().filter(|entry| matches!(entry.key.as_str(), "then" | "else")) {
            self.block(&entry.value);
        }
    }

    /// A node to be filled; `None` beyond the most.
    fn push(&mut self, place: Place) -> Option<usize> {
        let index = self.nodes.len();
        self.taken += 1;
        if index == STEPS {
            let help = "take part of it into a journey of its own";
            self.report.say(TOO_MANY_STEPS, place, format!("a journey has at most {STEPS} steps"), help);
        }
        // One more, so that it is said once.
        if index > STEPS {
            return None;
        }
        let id = self.known.ids.get(&place.start).cloned().unwrap_or_else(|| Arc::from(""));
        let line = u32::try_from(self.report.file.line(place.start)).unwrap_or(u32::MAX);
        self.nodes.push(PlanNode {
            id,
            step: Step::If(Vec::new()),
            guard: None,
            next: None,
            otherwise: None,
            in_holdout: false,
            line,
        });
        Some(index)
    }

    /// What any step may have: `id`, `if`, `note`, `in_holdout`. `else` waits for its place among the step's blocks.
    fn common(&mut self, reading: &mut Reading<'_, 't>, verb: &Entry) {
        reading.block.take("id");
        if let Some(note) = reading.block.take("note") {
            self.note(note);
        }
        let in_holdout = reading.block.take("in_holdout").and_then(|entry| block::yes_no(entry, self.report));
        let guard = match verb.key.as_str() {
            "if" => None,
            "branch" => {
                if let Some(entry) = reading.block.take("if") {
                    let help =
                        "put the branch into the `then:` of an `if:`, or the condition into its entries";
                    self.report.say(UNKNOWN_WORD, entry.place, "`if` is no word of a `branch`", help);
                }
                None
            }
            _ => reading.block.take("if"),
        };
        reading.guarded = guard.is_some();
        if verb.key == "send" {
            reading.with = self.with(reading.block);
        }
        let guard = guard.and_then(|entry| self.guard(entry, reading));
        if let Some(node) = self.nodes.get_mut(reading.node) {
            node.in_holdout = in_holdout.unwrap_or(false);
            node.guard = guard;
        }
    }

    fn guard(&mut self, entry: &Entry, reading: &Reading<'_, '_>) -> Option<Condition> {
        let scope = Scope { bare: Some(&reading.with.bare), ..self.here("the condition of a step") };
        expr::condition(&entry.value, reading.block.braces(), &scope, self.report)
    }

    /// The step, its words, and whether anybody comes out of it.
    fn by_verb(
        &mut self,
        reading: &mut Reading<'_, 't>,
        verb: &'t Entry,
    ) -> (Option<Step>, &'static Words, bool) {
        match verb.key.as_str() {
            "send" => {
                let step = self.send(reading);
                let open = self.otherwise(reading);
                // Whoever it was sent to goes on.
                (step, &words::SEND, true | open)
            }
            "call" => {
                let step = self.call(reading);
                self.otherwise(reading);
                (step, &words::CALL, true)
            }
            "wait" => self.plain(reading, &words::WAIT, Self::wait),
            "wait_until" => self.plain(reading, &words::WAIT_UNTIL, Self::wait_until),
            "set" => self.plain(reading, &words::SET, Self::set),
            "update" => self.plain(reading, &words::UPDATE, Self::update),
            "track" => self.plain(reading, &words::TRACK, Self::track),
            "start" => self.plain(reading, &words::START, Self::start),
            "use" => {
                let (step, open) = self.using(reading);
                (step, &words::USE, open)
            }
            "repeat" => {
                let step = self.repeat(reading);
                (step, &words::REPEAT, true)
            }
            "exit" => {
                let step = self.leave(reading);
                let open = self.guarded_else(reading);
                (step, &words::LEAVE, reading.guarded && open)
            }
            "wait_for" => {
                let (step, open) = self.wait_for(reading);
                (step, &words::WAIT_FOR, open || reading.guarded)
            }
            "branch" => {
                let (step, open) = self.branch(reading);
                (step, &words::BRANCH, open)
            }
            "choose" => {
                let (step, open) = self.choose(reading);
                (step, &words::CHOOSE, open)
            }
            _ => {
                let (step, open) = self.fork(reading);
                (step, &words::IF, open)
            }
        }
    }

    /// A step without blocks of its own.
    fn plain(
        &mut self,
        reading: &mut Reading<'_, 't>,
        words: &'static Words,
        read: impl FnOnce(&mut Self, &mut Reading<'_, 't>) -> Option<Step>,
    ) -> (Option<Step>, &'static Words, bool) {
        let step = read(self, reading);
        self.guarded_else(reading);
        (step, words, true)
    }

    /// Reads the block of a key; where nothing stands in it, the run goes on with `next`.
    fn then(&mut self, reading: &mut Reading<'_, 't>, entry: Option<&'t Entry>) -> (Option<usize>, bool) {
        let Some(entry) = entry else { return (None, true) };
        let flow = self.block(&entry.value);
        reading.tails.extend(flow.tails);
        (flow.first, flow.open)
    }

    /// `else`, and whether anybody comes out of it.
    fn otherwise(&mut self, reading: &mut Reading<'_, 't>) -> bool {
        let entry = reading.block.take("else");
        let (first, open) = self.then(reading, entry);
        reading.otherwise = first;
        open
    }

    /// `else` of a step that has one only where it has a guard.
    fn guarded_else(&mut self, reading: &mut Reading<'_, 't>) -> bool {
        if !reading.guarded
            && let Some(entry) = reading.block.entries().iter().find(|entry| entry.key == "else")
        {
            let help = "give the step an `if:`, or take the `else:` out";
            self.report.say(
                ELSE_WITHOUT,
                entry.place,
                "this `else` is never taken: the step has no condition",
                help,
            );
        }
        self.otherwise(reading)
    }
}
