//! One person who is held in memory from batch to batch: for whoever applies a whole history and stores none of it.

use super::{Applying, order};
use crate::ShopTime;
use crate::actor::{Outcome, Shared};
use crate::person::Person;
use crate::row::{Arrived, JournalRow, ParkedRow};

/// What one batch did to a person who is held in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// What each input and timer did, in the order in which they were applied.
    pub outcomes: Vec<Outcome>,
    /// A row for each of them, with what was refused.
    pub journal: Vec<JournalRow>,
    /// What could not be applied.
    pub parked: Vec<ParkedRow>,
}

/// A person under their own clock. What [`apply`](crate::batch::apply) does to stored rows, this does to somebody in
/// memory, by the same code; nothing is encoded in between, as in a [`Replay`](crate::replay::Replay).
pub struct Living<'a>(Applying<'a>);

impl<'a> Living<'a> {
    /// Somebody to whom nothing has happened yet. `careful` keeps a copy of the person before each input, so that one that
    /// panics costs itself alone; without it a panic goes on to the caller.
    pub fn new(shared: impl Into<Shared<'a>>, person: Person, careful: bool) -> Self {
        Self(Applying::new(shared.into(), ShopTime::EPOCH, person, careful))
    }

    /// The person as they are now.
    pub fn person(&self) -> &Person {
        &self.0.person
    }

    /// A batch at `now`: these inputs, none of which happened later, and the timers that are due, by time.
    pub fn apply(&mut self, now: ShopTime, inputs: &mut [Arrived]) -> Done {
        inputs.sort_by_key(order);
        self.0.now = now;
        self.0.inputs(inputs, Some(0));
        Done {
            outcomes: std::mem::take(&mut self.0.outcomes),
            journal: std::mem::take(&mut self.0.journal),
            parked: std::mem::take(&mut self.0.parked),
        }
    }
}
