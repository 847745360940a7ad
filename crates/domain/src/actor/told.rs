//! What the actor tells those who ask why.

use std::sync::Arc;

use super::Actor;
use crate::person::EndReason;
use crate::plan::Condition;

/// One thing that happened while an input was applied, and is recorded nowhere: it is told again by applying it again.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A condition was asked.
    Asked(Asked),
    /// A run began.
    Began {
        /// The journey.
        journey: Arc<str>,
        /// The run's number.
        run: u32,
        /// Its key.
        key: Option<Arc<str>>,
        /// Whether its person is held out.
        held_out: bool,
    },
    /// A start waits for silence.
    Awaits {
        /// The journey.
        journey: Arc<str>,
        /// Until when, if nothing happens.
        until: crate::ShopTime,
    },
    /// A run came to a step.
    Reached {
        /// The journey.
        journey: Arc<str>,
        /// The run's number.
        run: u32,
        /// The step's id.
        step: Arc<str>,
    },
    /// A run went on in a new version.
    Migrated {
        /// The journey.
        journey: Arc<str>,
        /// The run's number.
        run: u32,
        /// The step of the older version at which it stood.
        from: Arc<str>,
        /// Where it goes on.
        to: Arc<str>,
    },
    /// A step did something that stands in no row of its own.
    Did {
        /// The journey.
        journey: Arc<str>,
        /// The step's id.
        step: Arc<str>,
        /// What: its verb and what it names.
        words: Arc<str>,
    },
    /// A run stopped walking.
    Ended {
        /// The journey.
        journey: Arc<str>,
        /// The run's number.
        run: u32,
        /// Why.
        reason: EndReason,
    },
}

/// A condition that was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Of which journey.
    pub journey: Arc<str>,
    /// Where in it: `enter`, `goal`, `exit`, or a step's id.
    pub place: Arc<str>,
    /// As it was written.
    pub text: Arc<str>,
    /// Whether it held.
    pub held: bool,
}

impl Actor<'_> {
    pub(super) fn tell(&mut self, told: impl FnOnce() -> Told) {
        if let Some(telling) = &mut self.told {
            telling.push(told());
        }
    }

    pub(super) fn told_end(&mut self, nth: usize, reason: &EndReason) {
        if self.told.is_none() {
            return;
        }
        let run = &self.person.runs[nth];
        let (journey, run, reason) = (run.journey.clone(), run.number, reason.clone());
        self.tell(|| Told::Ended { journey, run, reason });
    }

    /// Whether a condition holds, and says that it was asked.
    pub(super) fn told_condition(
        &mut self,
        journey: &Arc<str>,
        place: &str,
        condition: &Condition,
        held: bool,
    ) -> bool {
        if self.told.is_some() {
            let (journey, text) = (journey.clone(), condition.text.clone());
            self.tell(|| Told::Asked(Asked { journey, place: place.into(), text, held }));
        }
        held
    }
}
