//! The compiled form of journeys: what `journey` makes of YAML and the actor runs.

mod deployment;
mod migrate;
mod policies;
#[cfg(test)]
pub(crate) mod sample;
pub mod watch;
mod when;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::Method;
use crate::expr::{Compiled, Expr, compile};
use crate::template::Filled;
use crate::value::Span;

pub use deployment::{Deployment, Listener, Plans, Segment};
pub use migrate::{Destiny, Migrate};
pub use policies::{
    BlackoutEnd, Channel, Consent, Hours, Links, Occasion, Policies, Rate, Sender, Stream, Topic,
};
pub use watch::{Anniversary, Rhythm, Watch, Watched};
pub use when::{Days, When, Window};

/// The version of a journey: 128 bits of the SHA-256 of its canonical source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlanHash(pub u128);

impl PlanHash {
    /// The version of a text as it is written.
    pub fn of_text(text: &str) -> Self {
        Self(crate::digest::first_128(&[text.as_bytes()]))
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An expression, ready to run, with the words it was written in.
#[derive(Clone)]
pub struct Condition {
    /// As it was written.
    pub text: Arc<str>,
    /// Its typed form.
    pub expr: Arc<Expr>,
    /// Its closure.
    pub compiled: Arc<Compiled>,
}

impl Condition {
    /// Compiles an expression.
    pub fn new(text: &str, expr: Expr) -> Self {
        let compiled = Arc::new(compile(&expr));
        Self { text: text.into(), expr: Arc::new(expr), compiled }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a journey is to the law and to the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JourneyKind {
    /// Needs consent, obeys every policy.
    Marketing,
    /// What a customer has a right to hear: no consent asked, no cap, gap or holdout of everyone's.
    Transactional,
}

/// Whether a journey starts runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Checked, never started.
    Draft,
    /// Starts runs.
    Live,
    /// Starts none; its runs go on.
    Archived,
}

/// One journey, compiled. Ids, never positions, enter hashes and keys; nodes are in the order of the source.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file's name.
    pub name: Arc<str>,
    /// Its version.
    pub hash: PlanHash,
    /// Marketing or transactional.
    pub kind: JourneyKind,
    /// The consent topic; `None` only where transactional.
    pub topic: Option<Arc<str>>,
    /// Whether it starts runs.
    pub status: Status,
    /// What becomes of the runs of its older versions when it goes live.
    pub migrate: Migrate,
    /// Who wins a cap or a lane, 0 to 100.
    pub priority: u8,
    /// One run per person and lane.
    pub lane: Option<Arc<str>>,
    /// Messages of this journey per person, rolling.
    pub cap: Option<Rate>,
    /// Whether quiet hours hold its messages back.
    pub quiet_hours: bool,
    /// Share of people who walk it without being spoken to, 0 to 1.
    pub holdout: f64,
    /// What sticky draws hang on.
    pub seed: Arc<str>,
    /// How runs begin.
    pub enter: Enter,
    /// What it is for.
    pub goal: Option<Goal>,
    /// What ends it.
    pub exits: Vec<Trigger>,
    /// While what a run does not walk on.
    pub hold: Option<Hold>,
    /// Every step.
    pub nodes: Vec<Node>,
    /// Where a run begins; `None` of a journey without steps.
    pub first: Option<usize>,
    /// Which top-level properties of the entering event its expressions ask for, sorted: what a run keeps of it.
    pub entry_properties: Vec<Arc<str>>,
}

impl Plan {
    /// Its sends of which something is learned, each with its step's id.
    pub fn learned(&self) -> impl Iterator<Item = (&Arc<str>, &Send)> {
        self.nodes.iter().filter_map(|node| match &node.step {
            Step::Send(send) if send.is_learned() => Some((&node.id, send)),
            _ => None,
        })
    }

    /// Which passage of the steps inside a `repeat` this is, from 1, by the turns of those a run stands in.
    pub fn visit(&self, turns: &[(Arc<str>, u32)]) -> u32 {
        let before = turns.iter().fold(0_u32, |before, (id, turn)| {
            let times = self.node(id).and_then(|node| match self.nodes[node].step {
                Step::Repeat { times, .. } => Some(times),
                _ => None,
            });
            before.saturating_mul(times.unwrap_or(1)).saturating_add(turn.saturating_sub(1))
        });
        before.saturating_add(1)
    }

    /// Who goes first of what comes due at one moment, 0 to 100: the send at which a run stands may say otherwise than its
    /// journey.
    pub fn priority_at(&self, step: &str) -> u8 {
        let node = self.node(step).and_then(|node| self.nodes.get(node));
        let own = node.and_then(|node| match &node.step {
            Step::Send(send) => send.priority,
            _ => None,
        });
        own.unwrap_or(self.priority)
    }

    /// The node of a step's id.
    pub fn node(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id.as_ref() == id)
    }
}

/// How runs begin.
#[derive(Clone, Debug)]
pub struct Enter {
    /// Which events.
    pub on: Vec<Arc<str>>,
    /// Whether steps and programs may begin it: `api: yes`; then `on` is empty.
    pub api: bool,
    /// What begins it without an event; then `on` is empty.
    pub watch: Option<Watch>,
    /// The list of the entering event of which each element begins a run, as a path.
    pub each: Option<Arc<[Arc<str>]>>,
    /// Which of them.
    pub condition: Option<Condition>,
    /// In any of these segments; empty is everybody.
    pub to: Vec<Arc<str>>,
    /// In none of these.
    pub except: Vec<Arc<str>>,
    /// Start after so long without another.
    pub idle: Option<Span>,
    /// What cancels the start meanwhile.
    pub unless: Vec<Arc<str>>,
    /// The property that keys the run, as a path: of the entering event, with `each` of its element.
    pub per: Option<Arc<[Arc<str>]>>,
    /// What an entry does while a run of the same key runs.
    pub if_running: IfRunning,
    /// Whether a person may enter again.
    pub again: Again,
    /// Older events start nothing.
    pub max_age: Span,
}

/// What an entry does while a run of the same key runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfRunning {
    /// The run goes on and the entry counts as part of it.
    Join,
    /// The run ends and another begins.
    Restart,
    /// Refused.
    Ignore,
}

/// Whether a person may enter again, by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Once in a life.
    Never,
    /// Whenever none is running.
    Always,
    /// So long after the last entry.
    Every(Span),
}

/// Events and a condition: `on`, `if` or both.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Any of these; empty where the condition alone decides, asked after whatever happens to the person.
    pub on: Vec<Arc<str>>,
    /// And this.
    pub condition: Option<Condition>,
}

/// What a journey is for.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The event.
    pub trigger: Trigger,
    /// In this time.
    pub within: Option<Span>,
    /// Since when.
    pub since: Since,
    /// What it is worth.
    pub value: Option<Condition>,
    /// Whether reaching it ends the run.
    pub exit: bool,
}

/// From when a goal's time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The run's entry.
    Entry,
    /// The first message of the run; before it there is no goal.
    FirstSend,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its `id`, else its template's or decision's name with `-` as `_`, else its verb and number: `wait_2`.
    pub id: Arc<str>,
    /// What it does.
    pub step: Step,
    /// The guard.
    pub guard: Option<Condition>,
    /// Where it goes when done; `None` is the end.
    pub next: Option<usize>,
    /// `else`: where a send goes that was not sent, a `wait_for` whose time is up, an `if` that is false, any other step
    /// whose guard is false; `next` where there is none.
    pub otherwise: Option<usize>,
    /// Done for people who are held out too.
    pub in_holdout: bool,
    /// Line in the source, from 1.
    pub line: u32,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends a message.
    Send(Send),
    /// Waits so long.
    Wait(Span),
    /// Waits for a moment of the calendar.
    WaitUntil(When),
    /// Waits for a moment that is computed when the step is reached; where that is past or missing it goes on at once.
    WaitUntilComputed(Condition),
    /// Waits for the first branch that is satisfied.
    WaitFor {
        /// In order.
        branches: Vec<Branch>,
        /// At most so long; then `otherwise`.
        within: Span,
    },
    /// `if … then … else`, and `branch`: the first arm whose condition holds, else `otherwise`. Its `then` of no arm is
    /// `next`.
    If(Vec<Arm>),
    /// Sets variables of the run, in order; each sees those before it.
    Set(Vec<(Arc<str>, Setting)>),
    /// Ends the run.
    Exit(Arc<str>),
    /// A fixed share of people takes each option, always the same one.
    Choose(Vec<Share>),
    /// Says something of the person's profile.
    Update(Vec<(Arc<str>, Setting)>),
    /// Causes an event.
    Track {
        /// Its name.
        event: Arc<str>,
        /// Its properties.
        with: Vec<(Arc<str>, Setting)>,
    },
    /// Begins another journey, one that says `api: yes`.
    Start {
        /// Its name.
        journey: Arc<str>,
        /// What its `entry` is.
        with: Vec<(Arc<str>, Setting)>,
    },
    /// Asks something of the shop's own systems and waits for the answer.
    Call(Call),
    /// The steps of a snippet.
    Use {
        /// Its name.
        snippet: Arc<str>,
        /// What it is given, under the names of the variables that keep it.
        with: Vec<(Arc<str>, Setting)>,
        /// Its first step; `None` goes on with `next`.
        then: Option<usize>,
    },
    /// Walks the same steps several times; their ends lead back here.
    Repeat {
        /// How often at most.
        times: u32,
        /// How long it waits after each turn, the last too.
        every: Option<Span>,
        /// Asked before each turn: where it is false there are no more.
        condition: Option<Condition>,
        /// Its `then`.
        then: Option<usize>,
    },
}

/// While a condition holds, a run does not walk on.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The condition, asked whenever the run would go on, and while it is held after whatever happens to its person.
    pub condition: Condition,
    /// How long at most.
    pub within: Span,
    /// Whether the run ends then; else it goes on.
    pub exit: bool,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Send {
    /// Its template's name.
    pub template: Arc<str>,
    /// In this order, at least one; of `best_of`, in whichever.
    pub channels: Vec<Channel>,
    /// Whether, and after how long, somebody who has not reacted is written to by the next channel too.
    pub escalate: Option<Escalate>,
    /// Whether which of them is learned.
    pub best_of: bool,
    /// Whether its hour is learned: `at: best`.
    pub at_best: bool,
    /// The moment of the calendar that it waits for; `within` counts from there.
    pub at: Option<When>,
    /// How long it may wait for its moment.
    pub within: Span,
    /// On which days and at which hours of the person's it may go: `between`, `days`.
    pub window: Option<Window>,
    /// Who wins a cap, where it is not the journey's.
    pub priority: Option<u8>,
    /// Share of people from whom this message alone is withheld, 0 to 1.
    pub holdout: f64,
    /// What the step gives its template, in order; each sees those before it as bare names.
    pub with: Vec<(Arc<str>, Setting)>,
    /// Who it is from: the step's `from`, else the template's, else the only sender of the journey's stream.
    pub sender: Option<Arc<str>>,
    /// The consent topic, where it is not the journey's.
    pub topic: Option<Arc<str>>,
    /// What the template is given.
    pub filled: Vec<Filled>,
    /// The variants of the template that are compared, at least two: each person always gets the same one.
    pub test: Vec<Arc<str>>,
}

/// A question to the shop's own systems.
#[derive(Clone, Debug)]
pub struct Call {
    /// How it is asked.
    pub method: Method,
    /// Where.
    pub url: Arc<str>,
    /// The fields of the JSON object that is sent; `None` sends nothing.
    pub body: Option<Vec<(Arc<str>, Setting)>>,
    /// Headers, names in small letters.
    pub headers: Vec<(Arc<str>, Setting)>,
    /// The name of the secret in the environment that signs it.
    pub secret: Option<Arc<str>>,
    /// How long the run waits for the answer.
    pub within: Span,
    /// How often it is asked again where it failed.
    pub retry: u32,
    /// Which fields of the answer the journey's expressions ask for, sorted: what a run keeps of it.
    pub fields: Vec<Arc<str>>,
}

/// The same message by the next channel, to somebody who has not reacted to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalate {
    /// How long they have.
    pub after: Span,
    /// What counts as a reaction.
    pub unless: Reaction,
}

/// What somebody does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It reached them.
    Delivered,
    /// They opened it.
    Opened,
    /// They clicked in it.
    Clicked,
}

impl Send {
    /// Whether something of it is learned, so that what comes of it is a reward.
    pub fn is_learned(&self) -> bool {
        self.best_of || self.at_best || !self.test.is_empty()
    }
}

/// One branch of a `wait_for`.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What satisfies it.
    pub trigger: Trigger,
    /// Its `then`; `None` goes on with `next`.
    pub then: Option<usize>,
}

/// One arm of a branch.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Taken when this holds.
    pub condition: Condition,
    /// Its `then`; `None` goes on with `next`.
    pub then: Option<usize>,
}

/// One option of `choose by: fixed`.
#[derive(Clone, Debug)]
pub struct Share {
    /// Its name.
    pub name: Arc<str>,
    /// Its share, 0 to 1; the shares of a step add up to 1.
    pub share: f64,
    /// Its `then`; `None` goes on with `next`.
    pub then: Option<usize>,
}

/// A value that is set: as it was written, or computed.
#[derive(Clone, Debug)]
pub enum Setting {
    /// Text as it was written.
    Text(Arc<str>),
    /// `= …`
    Computed(Condition),
}
