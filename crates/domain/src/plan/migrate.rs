//! What becomes of the runs of older versions when a new one goes live: `migrate`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Condition, Node, Plan, Plans, Setting, Step};
use crate::call::variable;
use crate::expr::{Expr, Root};

/// What a journey says of the runs of its older versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Migrate {
    /// They finish the version they began in.
    #[default]
    Stay,
    /// They end.
    Exit,
    /// Those that stand at these steps go on at those of the new version; the others stay. In the order of the source.
    To(Vec<(Arc<str>, Arc<str>)>),
}

/// What becomes of a run of an older version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destiny {
    /// It finishes the version it began in.
    Stays,
    /// It ends.
    Ends,
    /// It goes on at that node.
    Goes(usize),
}

impl Plan {
    /// What becomes of a run of an older version of this journey that stands at a step.
    pub fn destiny(&self, step: &str) -> Destiny {
        match &self.migrate {
            Migrate::Stay => Destiny::Stays,
            Migrate::Exit => Destiny::Ends,
            Migrate::To(steps) => {
                let to = steps.iter().find(|(old, _)| old.as_ref() == step);
                to.and_then(|(_, new)| self.node(new)).map_or(Destiny::Stays, Destiny::Goes)
            }
        }
    }

    /// Whether a node stands inside a `repeat`: a run that came from elsewhere would be in no turn of it.
    pub fn repeats(&self, node: usize) -> bool {
        let bodies = self.nodes.iter().enumerate().filter_map(|(nth, of)| match of.step {
            Step::Repeat { then, .. } => Some((nth, then?)),
            _ => None,
        });
        bodies.into_iter().any(|(repeat, then)| self.reachable(then, Some(repeat)).contains(&node))
    }

    /// What a run of an older version would lack at a node of this one and after it, for people; `None` where it lacks
    /// nothing. Variables that the older version may have set count as set.
    pub fn lacks(&self, older: &Self, node: usize) -> Option<String> {
        if self.enter.per != older.enter.per {
            return Some("the versions differ in `per`: the run has the key of the older one".to_owned());
        }
        if self.enter.each != older.enter.each {
            return Some("the versions differ in `each`: the run is about another `item`".to_owned());
        }
        let reached = self.reachable(node, None);
        let mut asked = Asked::default();
        let nodes = || reached.iter().filter_map(|node| self.nodes.get(*node));
        for node in nodes() {
            node.conditions(&mut |condition| asked.of(condition));
        }
        let of_runs = self.goal.iter().flat_map(|goal| goal.trigger.condition.iter().chain(&goal.value));
        let of_runs = of_runs.chain(self.hold.as_ref().map(|hold| &hold.condition));
        let exits = self.exits.iter().filter_map(|exit| exit.condition.as_ref());
        of_runs.chain(exits).for_each(|condition| asked.of(condition));
        let kept: BTreeSet<&Arc<str>> = older.entry_properties.iter().collect();
        if let Some(property) = asked.entry.iter().find(|property| !kept.contains(property)) {
            return Some(format!("it asks for `entry.{property}`, which the older version did not keep"));
        }
        let known: BTreeSet<Arc<str>> = older.nodes.iter().chain(nodes()).flat_map(Node::sets).collect();
        let lacking = asked.run.iter().find(|variable| !known.contains(*variable))?;
        Some(match lacking.split_once('/') {
            Some((call, _)) => {
                format!("it asks for the answer of `{call}`, which the older version never called")
            }
            None => format!("it asks for `run.{lacking}`, which the older version never set"),
        })
    }

    /// The nodes that can be reached from one, itself too; `but` ends the search.
    pub fn reachable(&self, from: usize, but: Option<usize>) -> BTreeSet<usize> {
        let (mut found, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(nth) = open.pop() {
            if Some(nth) == but || !found.insert(nth) {
                continue;
            }
            if let Some(node) = self.nodes.get(nth) {
                open.extend(node.next.into_iter().chain(node.otherwise).chain(node.step.inner()));
            }
        }
        found
    }
}

impl Plans {
    /// Who would be stranded in the new version of a journey, for people: of all versions that are known, older ones are those
    /// that runs are under way in.
    pub fn stranded(&self) -> Option<String> {
        self.migrations().iter().find_map(|(_, plan)| {
            let Migrate::To(steps) = &plan.migrate else { return None };
            let older = self.versions().filter(|older| older.name == plan.name && older.hash != plan.hash);
            older.into_iter().find_map(|older| {
                let mut moves = steps.iter().filter(|(old, _)| older.node(old).is_some());
                moves.find_map(|(old, new)| {
                    let lacks = plan.lacks(older, plan.node(new)?)?;
                    Some(format!(
                        "journey {}: those who stand at `{old}` can't go on at `{new}`: {lacks}; let them finish their \
                         version, or let them end",
                        plan.name
                    ))
                })
            })
        })
    }
}

impl Node {
    /// The variables it may set.
    fn sets(&self) -> impl Iterator<Item = Arc<str>> {
        let settings: &[(Arc<str>, Setting)] = match &self.step {
            Step::Set(settings) | Step::Use { with: settings, .. } => settings,
            _ => &[],
        };
        let answer = matches!(self.step, Step::Call(_)).then(|| variable(&self.id));
        settings.iter().map(|(name, _)| name.clone()).chain(answer)
    }
}

impl Step {
    /// The first steps of what stands inside it.
    fn inner(&self) -> Vec<usize> {
        match self {
            Self::WaitFor { branches, .. } => branches.iter().filter_map(|branch| branch.then).collect(),
            Self::If(arms) => arms.iter().filter_map(|arm| arm.then).collect(),
            Self::Choose(shares) => shares.iter().filter_map(|share| share.then).collect(),
            Self::Use { then, .. } | Self::Repeat { then, .. } => then.iter().copied().collect(),
            _ => Vec::new(),
        }
    }
}

/// What conditions ask of a run.
#[derive(Default)]
struct Asked {
    entry: BTreeSet<Arc<str>>,
    run: BTreeSet<Arc<str>>,
}

impl Asked {
    fn of(&mut self, condition: &Condition) {
        self.entry.extend(condition.expr.properties_of(Root::Entry));
        condition.expr.walk(&mut |expr| {
            if let Expr::Path(Root::Run, path) = expr {
                self.run.extend(path.first().cloned());
            }
        });
    }
}
