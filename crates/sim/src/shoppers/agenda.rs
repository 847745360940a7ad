//! What is about to be done, by its step.

use std::collections::{BTreeMap, VecDeque};

use super::visits::Why;
use super::{Act, Reaction};

#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Comes to the shop: what is done there is decided then.
    Visit(Why),
    /// Does something in a visit.
    Does { device: u8, act: Act },
    /// Does something with a message.
    Reacts { letter: usize, reaction: Reaction },
}

/// By steps; within one as it was put there.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda(BTreeMap<u32, VecDeque<(usize, Item)>>);

impl Agenda {
    pub(super) fn put(&mut self, step: u32, who: usize, item: Item) {
        self.0.entry(step).or_default().push_back((who, item));
    }

    /// The first step with anything in it.
    pub(super) fn next(&self) -> Option<u32> {
        self.0.keys().next().copied()
    }

    /// The first that is to be done up to this step, and when it was to be.
    pub(super) fn take(&mut self, step: u32) -> Option<(u32, usize, Item)> {
        let mut first = self.0.first_entry().filter(|first| *first.key() <= step)?;
        let at = *first.key();
        let taken = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        let (who, item) = taken?;
        Some((at, who, item))
    }
}
