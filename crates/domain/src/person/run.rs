//! A run: one person's passage through a journey.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::plan::{Channel, Plan, PlanHash};
use crate::refusal::Refused;
use crate::value::Value;
use crate::{EventId, MessageId, PersonId, ShopTime};

use super::stored::size;

/// How large the entry of a run may be as it is stored, bytes; with a larger one none begins.
pub const ENTRY_BYTES: usize = 20 * 1024;
/// How large the variables of a run may be together as they are stored, bytes; what does not fit is missing.
pub const VARIABLE_BYTES: usize = 16 * 1024;
/// How large the results of a run may be together as they are stored, bytes; the oldest give way.
pub const RESULT_BYTES: usize = 20 * 1024;

/// One run: its person and its number among theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// Whose.
    pub person: PersonId,
    /// Its number, from 1.
    pub number: u32,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run_{}_{}", self.person.0, self.number)
    }
}

/// The event that began a run: what the journey's expressions ask of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The event; of one that the actor caused itself, an id made from its cause.
    pub event: EventId,
    /// Its name.
    pub name: Arc<str>,
    /// When it happened.
    pub at: ShopTime,
    /// Its properties, as far as the journey asks for them.
    pub properties: Value,
}

/// Why a person walks a journey without being spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldOut {
    /// They are spoken to.
    No,
    /// Everybody's holdout.
    Global,
    /// The journey's.
    Journey,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// All steps done.
    Completed,
    /// The goal was reached.
    Goal,
    /// An `exit` of the header.
    Exit,
    /// An `exit` step, with its reason.
    ExitStep(Arc<str>),
    /// The same key entered again.
    Restarted,
    /// A higher priority took the lane.
    LaneTaken,
    /// Its version can't be run any more, or a step of it failed.
    Failed,
    /// Two people turned out to be one: another run of theirs goes on in its place.
    Merged,
    /// It was held for as long as its `hold` allows, which says `else: exit`.
    Held,
    /// A new version of its journey says that runs of older ones end.
    Migrated,
}

impl EndReason {
    /// The code in rows and in `why`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Goal => "goal",
            Self::Exit => "exit",
            Self::ExitStep(_) => "exit_step",
            Self::Restarted => "restarted",
            Self::LaneTaken => "lane_taken",
            Self::Failed => "failed",
            Self::Merged => "merged",
            Self::Held => "held",
            Self::Migrated => "migrated",
        }
    }
}

/// The code, with the reason of an exit step: as ended runs keep it.
impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExitStep(words) => write!(f, "{}: {words}", self.code()),
            reason => f.write_str(reason.code()),
        }
    }
}

/// The goal, reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoalReached {
    /// By which event.
    pub event: EventId,
    /// When.
    pub at: ShopTime,
    /// What it is worth: a number or money, else missing.
    pub value: Value,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its number among the person's.
    pub number: u32,
    /// Of which journey.
    pub journey: Arc<str>,
    /// Of which version.
    pub plan: PlanHash,
    /// The value of `per`.
    pub key: Option<Arc<str>>,
    /// What began it.
    pub entry: Entry,
    /// When it was begun; its messages' ids hang on this moment.
    pub started_at: ShopTime,
    /// Whether its person is held out.
    pub held_out: HeldOut,
    /// Where it stands.
    pub position: Position,
    /// Variables, by name, in the order in which they were last set.
    pub variables: Vec<(Arc<str>, Value)>,
    /// What sends left behind, the oldest first: by the step's id what the latest passage left, under `id/1` its earlier legs,
    /// under `id#1` what the first passage of a `repeat` left.
    pub results: Vec<(Arc<str>, StepResult)>,
    /// The first message, or where it would have been sent.
    pub first_send: Option<ShopTime>,
    /// The goal, where it was reached and the run goes on.
    pub goal: Option<GoalReached>,
    /// The element of its entry that it is about: `each`.
    pub item: Value,
    /// The repeats it stands in, the outermost first, each with its turn from 1.
    pub turns: Vec<(Arc<str>, u32)>,
    /// What it is not held by any more until that has been over once: it was for as long as it may be.
    pub outlasted: Vec<HeldBy>,
    /// Whether it differs from its stored row.
    #[serde(skip)]
    pub dirty: bool,
    /// Whether it has a stored row.
    #[serde(skip)]
    pub stored: bool,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Position {
    /// At a step.
    At {
        /// The step's id.
        step: Arc<str>,
        /// When it was reached, on the run's own clock.
        reached: ShopTime,
        /// What it waits for.
        waiting: Waiting,
    },
    /// All is walked; the goal may still be reached, or a message turn out not to have come.
    Watching(Watching),
}

/// A run that is over but for its goal, or for what becomes of its messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watching {
    /// When it stopped walking.
    pub ended_at: ShopTime,
    /// Why.
    pub reason: EndReason,
    /// How long it is looked for.
    pub until: ShopTime,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Waiting {
    /// A moment: of a `wait`, a `wait_until`, or the end of a `wait_for`.
    Until(ShopTime),
    /// A message's moment.
    Moment {
        /// When to ask again.
        again: ShopTime,
        /// When it is too late.
        deadline: ShopTime,
        /// What it is held back by.
        by: Refused,
    },
    /// What becomes of a message: its `else` hangs on it.
    Report {
        /// Which message.
        message: MessageId,
        /// How long, before the step goes on as if it had been sent.
        until: ShopTime,
    },
    /// What the person does with a message: the next channel's turn hangs on it.
    Escalate {
        /// Which message.
        message: MessageId,
        /// How long.
        until: ShopTime,
    },
    /// The hour of a message that was chosen.
    Best {
        /// When it is sent.
        at: ShopTime,
        /// When it is too late.
        deadline: ShopTime,
    },
    /// The end of what holds it back.
    Held {
        /// Whose word it is.
        by: HeldBy,
        /// How long at most.
        until: ShopTime,
        /// Whether it stood at its step already: a message whose moment had not come.
        inside: bool,
    },
}

/// Whose word it is that a run does not walk on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldBy {
    /// `hold` of its journey.
    Journey,
    /// `hold_marketing` of the shop.
    Shop,
}

impl HeldBy {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Journey => "hold",
            Self::Shop => "hold_marketing",
        }
    }
}

impl Run {
    /// The turn of the innermost repeat it stands in.
    pub fn turn(&self) -> Option<u32> {
        self.turns.last().map(|(_, turn)| *turn)
    }

    /// The turn of a repeat, where it stands in that.
    pub fn turn_of(&self, repeat: &str) -> Option<u32> {
        self.turns.iter().find(|(id, _)| id.as_ref() == repeat).map(|(_, turn)| *turn)
    }

    /// Begins a turn of a repeat; `None` leaves it, and all repeats within.
    pub fn take_turn(&mut self, repeat: &Arc<str>, turn: Option<u32>) {
        let depth = self.turns.iter().position(|(id, _)| id == repeat).unwrap_or(self.turns.len());
        self.turns.truncate(depth);
        self.turns.extend(turn.map(|turn| (repeat.clone(), turn)));
        self.dirty = true;
    }

    /// Its id.
    pub fn id(&self, person: PersonId) -> RunId {
        RunId { person, number: self.number }
    }

    /// When it comes due.
    pub fn due(&self) -> Option<ShopTime> {
        Some(match &self.position {
            Position::Watching(watching) => watching.until,
            Position::At { waiting, .. } => match waiting {
                Waiting::Until(due) => *due,
                Waiting::Held { until, .. } => *until,
                Waiting::Moment { again, .. } => *again,
                Waiting::Report { until, .. } | Waiting::Escalate { until, .. } => *until,
                Waiting::Best { at, .. } => *at,
            },
        })
    }

    /// Who goes first of what comes due at one moment: its journey says, or the send at which it stands.
    pub fn priority(&self, plan: &Plan) -> u8 {
        match &self.position {
            Position::At { step, .. } => plan.priority_at(step),
            Position::Watching(_) => plan.priority,
        }
    }

    /// Whether it still walks.
    pub fn walks(&self) -> bool {
        matches!(self.position, Position::At { .. })
    }

    /// A variable; missing where it was never set.
    pub fn variable(&self, name: &str) -> &Value {
        const MISSING: &Value = &Value::Missing;
        self.variables.iter().find(|(known, _)| known.as_ref() == name).map_or(MISSING, |(_, value)| value)
    }

    /// Sets a variable; false where there is no room for it, and then it is missing.
    pub fn set(&mut self, name: &Arc<str>, value: Value) -> bool {
        self.dirty = true;
        self.variables.retain(|(known, _)| known != name);
        let bytes: usize = self.variables.iter().map(size).sum();
        let variable = (name.clone(), value);
        let room = bytes + size(&variable) <= VARIABLE_BYTES;
        if room {
            self.variables.push(variable);
        }
        room
    }

    /// Keeps what a step left behind.
    pub fn leave(&mut self, step: &Arc<str>, result: StepResult) {
        self.dirty = true;
        self.results.retain(|(known, _)| known != step);
        self.results.push((step.clone(), result));
        while self.results.iter().map(size).sum::<usize>() > RESULT_BYTES {
            self.results.remove(0);
        }
    }

    /// The step that waits for what becomes of a message, where the run stands at it.
    pub fn awaits(&self, message: MessageId) -> Option<&Arc<str>> {
        match &self.position {
            Position::At {
                step,
                waiting: Waiting::Report { message: awaited, .. } | Waiting::Escalate { message: awaited, .. },
                ..
            } => (*awaited == message).then_some(step),
            _ => None,
        }
    }

    /// What a step left behind.
    pub fn result(&self, step: &str) -> Option<&StepResult> {
        self.results.iter().find(|(known, _)| known.as_ref() == step).map(|(_, result)| result)
    }
}

/// What a send left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// What became of it.
    pub state: SendState,
    /// When.
    pub at: ShopTime,
    /// The message, where one was queued.
    pub message: Option<MessageId>,
    /// By which channel.
    pub channel: Option<Channel>,
    /// Which passage of the step left it, from 1.
    pub visit: u32,
    /// Reported delivered.
    pub delivered: bool,
    /// Opened by a person.
    pub opened: bool,
    /// Clicked by a person.
    pub clicked: bool,
}

/// What became of a send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SendState {
    /// In the outbox, or on its way.
    Queued,
    /// Taken by the channel.
    Accepted,
    /// Not sent, for this reason.
    NotSent(Refused),
    /// Held out: it would have been sent.
    Withheld,
    /// Failed for good.
    Failed,
}

impl StepResult {
    /// `.sent`, `.clicked`, …; missing of anything else.
    pub fn field(&self, name: &str) -> Value {
        match name {
            "sent" => Value::Bool(matches!(self.state, SendState::Queued | SendState::Accepted)),
            "failed" => Value::Bool(self.state == SendState::Failed),
            "delivered" => Value::Bool(self.delivered),
            "opened" => Value::Bool(self.opened),
            "clicked" => Value::Bool(self.clicked),
            "channel" => self.channel.map_or(Value::Missing, |channel| Value::text(channel.name())),
            "at" => Value::Time(self.at),
            "reason" => match &self.state {
                SendState::NotSent(reason) => Value::text(reason.code()),
                SendState::Withheld => Value::text("withheld"),
                SendState::Failed => Value::text(Refused::Failed.code()),
                SendState::Queued | SendState::Accepted => Value::Missing,
            },
            _ => Value::Missing,
        }
    }
}
