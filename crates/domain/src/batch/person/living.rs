//! One person who is held in memory from batch to batch: for whoever applies a whole history and stores none of it.

use super::{Applying, order};
use crate::ShopTime;
use crate::actor::{Outcome, Shared};
use crate::catalog::Catalog;
use crate::person::Person;
use crate::plan::Plans;
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
pub struct Living<'a> {
    plans: &'a Plans,
    person: Person,
    careful: bool,
}

impl<'a> Living<'a> {
    /// Somebody to whom nothing has happened yet. `careful` keeps a copy of the person before each input, so that one that
    /// panics costs itself alone; without it a panic goes on to the caller, and the person is not to be used any more.
    pub fn new(plans: &'a Plans, person: Person, careful: bool) -> Self {
        Self { plans, person, careful }
    }

    /// The person as they are now.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// A batch at `now`: these inputs, none of which happened later, and the timers that are due, by time. `catalog` is as
    /// it is then.
    pub fn apply(&mut self, now: ShopTime, catalog: &dyn Catalog, inputs: &mut [Arrived]) -> Done {
        inputs.sort_by_key(order);
        let nobody = Person::new(self.person.id, self.person.assignment_key);
        let person = std::mem::replace(&mut self.person, nobody);
        let shared = Shared { plans: self.plans, catalog, recorded: None };
        let mut applying = Applying::new(shared, now, person, self.careful);
        applying.inputs(inputs, Some(0));
        let Applying { person, outcomes, journal, parked, .. } = applying;
        self.person = person;
        Done { outcomes, journal, parked }
    }
}
