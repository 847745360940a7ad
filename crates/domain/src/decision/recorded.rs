//! What was chosen when it happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Choice;
use crate::row::DecisionRow;

/// Which of a person's choices: run, step, visit, and what was chosen. Each is made once.
type Key = (u32, Arc<str>, u32, Choice);

/// A person's choices, for whoever applies their journal again.
#[derive(Clone, Debug, Default)]
pub struct Recorded(BTreeMap<Key, DecisionRow>);

impl Recorded {
    /// Of the rows of one person.
    pub fn new(decisions: &[DecisionRow]) -> Self {
        let key = |row: &DecisionRow| (row.run, row.step.clone(), row.visit, row.what);
        Self(decisions.iter().map(|row| (key(row), row.clone())).collect())
    }

    /// The row of a choice.
    pub fn of(&self, run: u32, step: &Arc<str>, visit: u32, what: Choice) -> Option<&DecisionRow> {
        self.0.get(&(run, step.clone(), visit, what))
    }
}
