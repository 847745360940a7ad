//! What a batch writes.

use std::sync::Arc;

use uuid::Uuid;

use super::{Due, Place, StoredFeature};
use crate::decision::{Choice, Rule};
use crate::interest::InterestRow;
use crate::merge::{Merge, MovedRun};
use crate::news::NewsRow;
use crate::plan::{Channel, PlanHash};
use crate::{EventId, Lane, MessageId, PersonId, Refusal, ShopTime};

/// Everything that one batch changes; it commits whole or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    /// The shop time of the batch.
    pub now: ShopTime,
    /// The deployment it ran under.
    pub deployment: i64,
    /// The number of the catalog that it saw; `None` where no product was asked for.
    pub catalog: Option<i64>,
    /// People, each once. Inserted where `version` is 0; else updated where the version is still that one.
    pub people: Vec<PersonRow>,
    /// Traits that changed: person, traits, moments.
    pub traits: Vec<(PersonId, String, String)>,
    /// Runs that began.
    pub begun: Vec<RunRow>,
    /// Runs that moved.
    pub moved: Vec<RunRow>,
    /// Runs that are over: they leave the live ones.
    pub ended: Vec<EndedRow>,
    /// Counters that changed, whole.
    pub features: Vec<(PersonId, StoredFeature)>,
    /// Wake-ups that are over or moved.
    pub disarmed: Vec<Due>,
    /// Wake-ups set.
    pub armed: Vec<Due>,
    /// Messages to be sent.
    pub queued: Vec<QueuedRow>,
    /// Messages to be cancelled where they have not left yet.
    pub cancelled: Vec<MessageId>,
    /// Messages that would have been sent to people who are held out.
    pub withheld: Vec<QueuedRow>,
    /// Suppressions that hold no longer: their people have subscribed again.
    pub lifted: Vec<Lifted>,
    /// Choices made.
    pub decisions: Vec<DecisionRow>,
    /// What came of messages that something was chosen for.
    pub rewards: Vec<RewardRow>,
    /// What was applied to whom.
    pub journal: Vec<JournalRow>,
    /// Inputs applied: deleted, all of them or the batch does not commit.
    pub done: Vec<Place>,
    /// Inputs that can't be applied: moved aside with why.
    pub parked: Vec<ParkedRow>,
    /// Strays: inputs of people who are closed, to be put into the queue of those they turned out to be.
    pub forwarded: Vec<ForwardedRow>,
    /// Live runs that leave their person with their state.
    pub moved_out: Vec<(PersonId, u32)>,
    /// States of people who were closed, on their way.
    pub handed: Vec<HandedRow>,
    /// Whose state was taken over: it is on its way no more.
    pub taken: Vec<PersonId>,
    /// Runs that came with the state of somebody else.
    pub moved_in: Vec<MovedRun>,
    /// People who were, or may have been, in two options of a journey: left out of its lift.
    pub mixed: Vec<(PersonId, Arc<str>)>,
    /// What people said of products by what they did; of one person and product one row.
    pub interests: Vec<InterestRow>,
    /// News that goes on for one person alone: to whom they turned out to be, or until a state is there that is on its way.
    pub retold: Vec<NewsRow>,
    /// Inputs that wait for a state that is on its way. Nothing is done with them, and they stay where they are.
    pub held: Vec<Place>,
}

impl Write {
    /// Whether there is nothing to be written.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
            && self.done.is_empty()
            && self.parked.is_empty()
            && self.disarmed.is_empty()
            && self.forwarded.is_empty()
    }
}

/// An input that goes on to somebody else's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardedRow {
    /// To whom.
    pub person: PersonId,
    /// Into which of the two queues.
    pub lane: Lane,
    /// Its kind in intake.
    pub kind: i16,
    /// What it refers to.
    pub reference: Uuid,
    /// When it came through the door.
    pub received_at: ShopTime,
}

/// A row of `handovers`.
#[derive(Clone, Debug, PartialEq)]
pub struct HandedRow {
    /// Who is closed, and to whom their state goes.
    pub merge: Merge,
    /// When they were.
    pub at: ShopTime,
    /// The versions that runs under way are pinned to.
    pub plans: Vec<PlanHash>,
    /// The state, encoded; `None` where it can't be had: what would have closed them was moved aside.
    pub state: Option<Vec<u8>>,
}

/// A row of `persons`.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRow {
    /// Who.
    pub person: PersonId,
    /// The version that was read; the row gets the next one.
    pub version: i64,
    /// Inputs applied.
    pub n: i64,
    /// Their zone, where it is known: for reports.
    pub zone: Option<Arc<str>>,
    /// The wake-up in `due`.
    pub armed: Option<ShopTime>,
    /// `hot`, encoded.
    pub hot: Vec<u8>,
    /// Where their state went, of somebody who is closed.
    pub merged_into: Option<PersonId>,
}

/// A row of `runs`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Whose.
    pub person: PersonId,
    /// Its number.
    pub number: u32,
    /// Of which journey.
    pub journey: Arc<str>,
    /// Of which version.
    pub plan: PlanHash,
    /// The step it stands at; empty of one that only watches for its goal.
    pub step: Arc<str>,
    /// When it was begun.
    pub started_at: ShopTime,
    /// Its state, encoded.
    pub state: Vec<u8>,
}

/// A row of `ended_runs`.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedRow {
    /// Whose.
    pub person: PersonId,
    /// Its number.
    pub number: u32,
    /// Of which journey.
    pub journey: Arc<str>,
    /// Of which version.
    pub plan: PlanHash,
    /// The value of `per`.
    pub key: Option<Arc<str>>,
    /// When it was begun.
    pub started_at: ShopTime,
    /// When the event that began it happened.
    pub entered_at: ShopTime,
    /// When it stopped walking.
    pub ended_at: ShopTime,
    /// Why: `EndReason::code`, of an exit step `exit_step: REASON`.
    pub reason: String,
    /// 0 spoken to, 1 in everybody's holdout, 2 in the journey's.
    pub held_out: i16,
    /// The first message, or where it would have been sent.
    pub first_send: Option<ShopTime>,
    /// When the goal was reached.
    pub goal_at: Option<ShopTime>,
    /// What it is worth, in the shop's currency where it is money.
    pub goal_value: Option<f64>,
    /// Whether it has a row among the live ones.
    pub stored: bool,
    /// Its last state, encoded.
    pub state: Vec<u8>,
}

/// A row of `outbox`.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedRow {
    /// Its id: the idempotency key.
    pub message: MessageId,
    /// To whom.
    pub person: PersonId,
    /// For which run.
    pub run: u32,
    /// Of which journey.
    pub journey: Arc<str>,
    /// At which step.
    pub step: Arc<str>,
    /// Which passage of the step, from 1.
    pub visit: u32,
    /// Which attempt by another channel, from 1.
    pub leg: u8,
    /// By which channel.
    pub channel: Channel,
    /// To which address; empty of a channel that needs none.
    pub address: Arc<str>,
    /// With which template.
    pub template: Arc<str>,
    /// Whether it is marketing.
    pub marketing: bool,
    /// The consent topic.
    pub topic: Option<Arc<str>>,
    /// Who it is from: a name of `senders`.
    pub sender: Option<Arc<str>>,
    /// What the template is given, as JSON of [`Data`](crate::template::Data); at most [`crate::template::DATA_BYTES`].
    pub data: Arc<str>,
    /// When it was queued.
    pub queued_at: ShopTime,
}

/// Suppressions that hold no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// Of which channel.
    pub channel: Channel,
    /// Of which address.
    pub address: Arc<str>,
    /// On which topic; `None` on every one.
    pub topic: Option<Arc<str>>,
    /// When they were taken back: what was said later stays.
    pub at: ShopTime,
}

/// A row of `decisions`.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRow {
    /// Whose.
    pub person: PersonId,
    /// In which run.
    pub run: u32,
    /// Of which journey.
    pub journey: Arc<str>,
    /// At which step; empty for a holdout.
    pub step: Arc<str>,
    /// Which passage of the step, from 1.
    pub visit: u32,
    /// When.
    pub at: ShopTime,
    /// What was eligible.
    pub options: Vec<Arc<str>>,
    /// What was chosen.
    pub choice: Arc<str>,
    /// With which probability each could have been chosen; as many as options.
    pub propensities: Vec<f64>,
    /// What was chosen: an option, a channel, an hour.
    pub what: Choice,
    /// By which rule.
    pub rule: Rule,
    /// The number of the snapshot whose beliefs decided; 0 where none did.
    pub snapshot: i64,
    /// The message that it was made for, whose clicks and goal are its reward; `None` where none is sent, and nothing learned.
    pub message: Option<MessageId>,
    /// What was known of the person then, as a JSON object.
    pub features: Arc<str>,
}

/// A row of `rewards`: something good that came of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RewardRow {
    /// Whose.
    pub person: PersonId,
    /// Of which message.
    pub message: MessageId,
    /// Whether the run's goal was reached; else a human clicked.
    pub goal: bool,
    /// When it happened.
    pub at: ShopTime,
    /// What the goal is worth in the shop's currency, where it is known.
    pub value: Option<f64>,
}

/// A row of `journal`: one input, applied.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    /// To whom.
    pub person: PersonId,
    /// Which of theirs, from 1.
    pub n: i64,
    /// What it was.
    pub what: Applied,
    /// The shop time of the batch.
    pub at: ShopTime,
    /// What was refused.
    pub refusals: Vec<Refusal>,
}

/// What was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// An event.
    Event(EventId),
    /// News.
    News {
        /// The row of news.
        news: EventId,
        /// When the catalog changed.
        at: ShopTime,
    },
    /// Timers that came due at that moment.
    Timer(ShopTime),
    /// What became of a message.
    Report {
        /// Which.
        message: MessageId,
        /// Whether the channel took it.
        accepted: bool,
        /// When.
        at: ShopTime,
    },
    /// They turned out to be somebody else and were closed.
    Closed {
        /// Who ended in whom.
        merge: Merge,
        /// When that came through the door.
        at: ShopTime,
    },
    /// Somebody else turned out to be them: the state was taken over.
    Taken {
        /// Who ended in whom: the winner may have ended in this person since.
        merge: Merge,
        /// When that came through the door.
        at: ShopTime,
    },
}

/// A row of `parked`: an input that could not be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedRow {
    /// Where it waited; `None` of a timer, which is parked under kind 0.
    pub place: Option<Place>,
    /// Whose.
    pub person: PersonId,
    /// Its kind in intake.
    pub kind: i16,
    /// What it refers to.
    pub reference: Uuid,
    /// When it was parked.
    pub at: ShopTime,
    /// Why, as a code: `panicked`, `undecodable`, `unknown_kind`, `refused`, `no_person`, `no_state`.
    pub reason: &'static str,
    /// Why, in words; no personal data.
    pub detail: String,
}
