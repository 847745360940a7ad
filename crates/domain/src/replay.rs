//! One person's journal, applied again: what `why` tells and `audit` compares.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{self, Input, Shared, Told};
use crate::decision::Recorded;
use crate::news::Heard;
use crate::person::{Handover, Person};
use crate::row::{Applied, DecisionRow, JournalRow, StoredEvent};
use crate::{EventId, MessageId, PersonId, Refusal};

/// Why a journal can't be applied again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its rows do not count 1, 2, 3, …: some are gone by retention, or lost.
    #[error("the journal has no row {0}: it is older than what is kept")]
    Gap(i64),
    /// An event is not there any more.
    #[error("the event of row {0} is not there: it is older than what is kept")]
    NoEvent(i64),
    /// The state of somebody who turned out to be this person can't be made again.
    #[error("row {0} takes over {1}, whose own journal can't be applied again")]
    NoState(i64, PersonId),
    /// The deployment it was applied under can't be compiled by this program.
    #[error("deployment {0} is not there, or can't be compiled by this version")]
    NoDeployment(i64),
    /// A learned choice is not among those recorded; what it was can't be made again.
    #[error("the choice that row {0} made is not there: it is older than what is kept")]
    NoChoice(i64),
    /// An event that was applied can't be read now.
    #[error("row {0}: {1}")]
    Unreadable(i64, String),
}

/// What one row did when it was applied again.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// The row's number.
    pub n: i64,
    /// What was asked and moved: recomputed.
    pub told: Vec<Told>,
    /// What was refused this time: recomputed.
    pub refusals: Vec<Refusal>,
    /// Whether that is what the journal has.
    pub as_recorded: bool,
    /// The messages it queued, or would have queued to somebody held out.
    pub messages: Vec<MessageId>,
    /// The choices it made: run, step and visit of each.
    pub choices: Vec<(u32, Arc<str>, u32)>,
}

/// Somebody whose journal is applied again from the beginning.
pub struct Replay {
    person: Person,
    handed: Option<Handover>,
    news: BTreeMap<EventId, Heard>,
    recorded: Option<Recorded>,
}

impl Replay {
    /// Somebody to whom nothing has happened yet.
    pub fn new(person: PersonId, assignment_key: i64) -> Self {
        let person = Person::new(person, assignment_key);
        Self { person, handed: None, news: BTreeMap::new(), recorded: None }
    }

    /// With what they heard of the news that their journal refers to, by the row's id.
    pub fn hearing(self, news: BTreeMap<EventId, Heard>) -> Self {
        Self { news, ..self }
    }

    /// With what was chosen for them, under this id, when it happened: learned choices are taken from there and not made again.
    pub fn choosing(self, decisions: &[DecisionRow]) -> Self {
        Self { recorded: Some(Recorded::new(decisions)), ..self }
    }

    /// The person as the rows so far have left them. What stands in `due` is the batch's, not theirs.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// What was handed over when they were closed, where they were.
    pub fn handed(&self) -> Option<&Handover> {
        self.handed.as_ref()
    }

    /// Applies the next row. `plans` are those of its deployment, with the counters of all that follow: a counter that
    /// was asked for later was made of the same events; the catalog is that of the number the journal has. `handed` knows what was handed over of those who turned out to be
    /// this person: what applying their own journals again has handed over.
    ///
    /// # Errors
    /// [`Broken`]; the person is as before, but for [`Broken::NoChoice`], after which they are not to be used.
    pub fn apply<'a>(
        &mut self,
        row: &JournalRow,
        shared: impl Into<Shared<'a>>,
        events: &BTreeMap<EventId, StoredEvent>,
        handed: &BTreeMap<PersonId, Handover>,
    ) -> Result<Replayed, Broken> {
        if row.n != self.person.n + 1 {
            return Err(Broken::Gap(self.person.n + 1));
        }
        let input = match row.what {
            Applied::Event(id) => Input::Event(events.get(&id).ok_or(Broken::NoEvent(row.n))?),
            Applied::News { news, .. } => Input::News(self.news.get(&news).ok_or(Broken::NoEvent(row.n))?),
            Applied::Timer(until) => Input::Timers(until),
            Applied::Report { message, accepted, at } => Input::Report { message, accepted, at },
            Applied::Closed { merge, at } => Input::Close { merge, at },
            Applied::Taken { merge, at } => {
                let state = handed.get(&merge.loser).ok_or(Broken::NoState(row.n, merge.loser))?;
                Input::Take { merge, at, state }
            }
        };
        let mut told = Vec::new();
        let shared = Shared { recorded: self.recorded.as_ref(), ..shared.into() };
        let mut outcome = actor::step(shared, &mut self.person, input, row.at, Some(&mut told))
            .map_err(|error| Broken::Unreadable(row.n, error.to_string()))?;
        if outcome.unrecorded {
            return Err(Broken::NoChoice(row.n));
        }
        if let Some(handed) = outcome.handed.take() {
            self.handed = Some(*handed);
        }
        let as_recorded = outcome.refusals == row.refusals;
        let messages = outcome.queued.iter().chain(&outcome.withheld).map(|row| row.message);
        let choices = outcome.decisions.iter().map(|row| (row.run, row.step.clone(), row.visit));
        Ok(Replayed {
            n: row.n,
            told,
            as_recorded,
            messages: messages.collect(),
            choices: choices.collect(),
            refusals: outcome.refusals,
        })
    }

    /// Where the person as stored differs from what the rows make of them: in words, empty where it does not. Of
    /// counters those are compared that are kept now.
    pub fn differs(&self, stored: &Person) -> Vec<String> {
        let ours = &self.person;
        let mut differs = Vec::new();
        if ours.n != stored.n {
            differs.push(format!("the journal counts {}, the person {}", ours.n, stored.n));
        }
        if ours.merged_into != stored.merged_into {
            differs.push("who they turned out to be is another".to_owned());
        }
        if ours.hot != stored.hot {
            differs.push("what every input reads and writes (persons.hot) is another".to_owned());
        }
        if !ours.traits.iter().eq(stored.traits.iter()) {
            differs.push("traits are others".to_owned());
        }
        let numbers = |person: &Person| person.runs.iter().map(|run| run.number).collect::<Vec<_>>();
        if numbers(ours) != numbers(stored) {
            differs.push(format!("live runs are {:?}, stored are {:?}", numbers(ours), numbers(stored)));
        }
        for run in &ours.runs {
            let Some(known) = stored.runs.iter().find(|known| known.number == run.number) else { continue };
            let (mut run, mut known) = (run.clone(), known.clone());
            (run.dirty, run.stored, known.dirty, known.stored) = (false, false, false, false);
            if run != known {
                differs.push(format!("run {} of {} stands elsewhere", run.number, run.journey));
            }
        }
        for (key, counter) in &stored.features {
            let same = ours.features.get(key).is_some_and(|ours| {
                (ours.last, &ours.recent, &ours.days) == (counter.last, &counter.recent, &counter.days)
            });
            if !same {
                differs.push(format!("the counter of {} is another", key.event));
            }
        }
        differs
    }
}
