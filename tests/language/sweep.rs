//! Every state a run may be in meets every input: what happens is written down, or that nothing does.
//!
//! The second door of these tests: one person, input by input, whose messages nobody reports on but the test.

use std::sync::Arc;

use journeyman_domain::actor::{Input, Outcome, step};
use journeyman_domain::person::{Person, Position, Run, Waiting};
use journeyman_domain::plan::{Plans, Step};
use journeyman_domain::row::StoredEvent;
use journeyman_domain::{EventId, Kind, MessageId, PersonId, SeenKey, ShopTime};

use crate::stage::{moment, sources};

/// One person at work.
pub struct Alone {
    plans: Plans,
    pub person: Person,
    pub told: Vec<String>,
    messages: Vec<(Arc<str>, MessageId)>,
}

/// What is told of what happens to one person in one journey.
#[track_caller]
pub fn alone(journey: &str, shop: &str, story: impl FnOnce(&mut Alone)) -> Vec<String> {
    let mut alone = Alone::new(journey, shop);
    story(&mut alone);
    alone.told
}

impl Alone {
    #[track_caller]
    pub fn new(journey: &str, shop: &str) -> Self {
        let deployed = journeyman_engine::deploy::compile(1, &sources(&[journey], &[], shop)).unwrap();
        let (plans, person) = (Plans::new(deployed), Person::new(PersonId(1), 1));
        Self { plans, person, told: Vec::new(), messages: Vec::new() }
    }

    pub fn event(&mut self, at: &str, name: &str, properties: &str) {
        self.happens(at, at, false, name, properties);
    }

    /// One that came through the door later than it happened.
    pub fn happens(&mut self, at: &str, occurred: &str, historical: bool, name: &str, properties: &str) {
        let (kind, name, field) = match name {
            "identify" => (Kind::Identify, "", "traits"),
            name => (Kind::Track, name, "properties"),
        };
        let key = SeenKey::new("alone", &self.person.n.to_string());
        let event = StoredEvent {
            id: EventId::new(moment(at), key),
            kind,
            name: name.into(),
            occurred_at: moment(occurred),
            received_at: moment(at),
            historical,
            payload: format!(r#"{{"{field}": {properties}}}"#),
        };
        self.step(at, Input::Event(&event));
    }

    /// What became of the message of that template; of one nobody knows where there is none.
    pub fn report(&mut self, at: &str, template: &str, accepted: bool) {
        let message = self.message(template).unwrap_or(MessageId(uuid::Uuid::from_u128(7)));
        self.step(at, Input::Report { message, accepted, at: moment(at) });
    }

    pub fn message(&self, template: &str) -> Option<MessageId> {
        self.messages.iter().find(|(known, _)| known.as_ref() == template).map(|(_, message)| *message)
    }

    /// The first timer that is due.
    pub fn timer(&mut self, at: &str) {
        self.step(at, Input::Timers(moment(at)));
    }

    fn step(&mut self, at: &str, input: Input<'_>) {
        let outcome = step(&self.plans, &mut self.person, input, moment(at), None).unwrap();
        self.messages.extend(outcome.queued.iter().map(|row| (row.template.clone(), row.message)));
        let lines = self.lines(&outcome);
        self.told.extend(lines.into_iter().map(|line| format!("{at} {line}")));
    }

    fn lines(&self, outcome: &Outcome) -> Vec<String> {
        let template = |message: &MessageId| {
            let known = self.messages.iter().find(|(_, known)| known == message);
            known.map_or("", |(template, _)| template.as_ref())
        };
        let queued = outcome.queued.iter().map(|row| format!("queued {}", row.template));
        let refused = outcome
            .refusals
            .iter()
            .map(|refusal| format!("refused {} {}", refusal.of, refusal.reason.code()));
        let ended = outcome.ended.iter().map(|run| format!("ends {}", run.reason));
        let cancelled = outcome.cancelled.iter().map(|message| format!("calls off {}", template(message)));
        queued.chain(refused).chain(ended).chain(cancelled).collect()
    }
}

/// Where somebody stands in a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Wait,
    WaitUntil,
    WaitFor,
    /// A message whose moment has not come.
    Moment,
    /// A message that waits for the hour that was chosen for it.
    Best,
    /// A message of which nobody has reported yet, at a step with an `else`.
    Report,
    /// After a turn of a repeat.
    Repeat,
    /// What its `hold` asks is true.
    Held,
    /// All steps are done; the goal may still be reached, or news of it come late.
    Watching,
    /// A start that waits for silence.
    Pending,
}

const STATES: [State; 10] = [
    State::Wait,
    State::WaitUntil,
    State::WaitFor,
    State::Moment,
    State::Best,
    State::Report,
    State::Repeat,
    State::Held,
    State::Watching,
    State::Pending,
];

/// The state of a run. A new kind of position, of waiting or of step does not compile before it is in this table.
fn state_of(run: &Run, step: Option<&Step>) -> State {
    match &run.position {
        Position::Watching(_) => State::Watching,
        Position::At { waiting, .. } => match (waiting, step.unwrap()) {
            (Waiting::Until(_), Step::Wait(_)) => State::Wait,
            (Waiting::Until(_), Step::WaitUntil(_) | Step::WaitUntilComputed(_)) => State::WaitUntil,
            (Waiting::Until(_), Step::Repeat { .. }) => State::Repeat,
            (Waiting::Held { .. }, _) => State::Held,
            (Waiting::Until(_), Step::WaitFor { .. }) => State::WaitFor,
            (Waiting::Moment { .. }, Step::Send(_)) => State::Moment,
            (Waiting::Best { .. }, Step::Send(_)) => State::Best,
            (Waiting::Report { .. } | Waiting::Escalate { .. }, Step::Send(_))
            | (Waiting::Report { .. }, Step::Call(_)) => State::Report,
            // Nobody stands at these, nor so.
            (Waiting::Until(_), Step::Send(_) | Step::Call(_))
            | (Waiting::Moment { .. } | Waiting::Best { .. } | Waiting::Escalate { .. }, Step::Call(_))
            | (
                Waiting::Moment { .. }
                | Waiting::Best { .. }
                | Waiting::Report { .. }
                | Waiting::Escalate { .. },
                Step::Wait(_)
                | Step::WaitUntil(_)
                | Step::WaitUntilComputed(_)
                | Step::WaitFor { .. }
                | Step::Repeat { .. },
            )
            | (
                _,
                Step::If(_)
                | Step::Set(_)
                | Step::Update(_)
                | Step::Track { .. }
                | Step::Start { .. }
                | Step::Use { .. }
                | Step::Exit(_)
                | Step::Choose(_),
            ) => {
                panic!("nobody stands so: {:?}", run.position)
            }
        },
    }
}

/// What happens to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// The event that is waited for, or breaks the silence.
    Matching,
    Other,
    Goal,
    /// The event of `exit`, or of `unless`.
    Exit,
    /// The same two, imported.
    OldMatching,
    OldGoal,
    AcceptedThis,
    RejectedThis,
    /// A report on a message nobody knows.
    AcceptedOther,
    /// A second report on a message, which says the contrary.
    Again,
    ClickOnThis,
    ClickOnUnknown,
    TimerEarly,
    TimerAt,
    TimerLate,
    Moves,
    Withdraws,
}

const GIVEN: [Given; 17] = [
    Given::Matching,
    Given::Other,
    Given::Goal,
    Given::Exit,
    Given::OldMatching,
    Given::OldGoal,
    Given::AcceptedThis,
    Given::RejectedThis,
    Given::AcceptedOther,
    Given::Again,
    Given::ClickOnThis,
    Given::ClickOnUnknown,
    Given::TimerEarly,
    Given::TimerAt,
    Given::TimerLate,
    Given::Moves,
    Given::Withdraws,
];

/// Which kinds of input there are: a new one does not compile before there is a case above for it.
fn kind(input: &Input<'_>) -> &'static [Given] {
    match input {
        // News of a product meets runs as an event does.
        Input::Event(_) | Input::News(_) => &GIVEN[..6],
        Input::Report { .. } => &GIVEN[6..10],
        Input::Timers(_) => &GIVEN[12..15],
        // What becomes of runs when people turn out to be one is swept where it is decided: actor/merge/tests.rs.
        Input::Close { .. } | Input::Take { .. } => &[],
    }
}

/// What comes of it. `ignored`: nothing of runs and starts is changed. `noted`: a result is another. `moved`: what is
/// awaited is another, or its moment.
fn expected(state: State, given: Given) -> &'static str {
    use Given as G;
    use State as S;
    match (state, given) {
        // What is waited for.
        (S::WaitFor, G::Matching | G::OldMatching) => "queued after, moved",
        (S::Pending, G::Matching) => "moved",
        // It breaks the silence, and starts nothing.
        (S::Pending, G::OldMatching) => "refused j late, moved",
        (
            S::Wait | S::Repeat | S::Held | S::WaitUntil | S::Moment | S::Best | S::Report | S::Watching,
            G::Matching | G::OldMatching,
        ) => "ignored",
        (
            S::Wait
            | S::Repeat
            | S::Held
            | S::WaitUntil
            | S::WaitFor
            | S::Moment
            | S::Best
            | S::Report
            | S::Watching
            | S::Pending,
            G::Other,
        ) => "ignored",

        // The goal, however old.
        (
            S::Wait | S::Repeat | S::Held | S::WaitUntil | S::WaitFor | S::Moment | S::Best,
            G::Goal | G::OldGoal,
        ) => "ends goal",
        (S::Report, G::Goal | G::OldGoal) => "ends goal, calls off this",
        (S::Watching, G::Goal | G::OldGoal) => "ends completed",
        (S::Pending, G::Goal | G::OldGoal) => "ignored",

        // The exit, which with a goal that may still be reached leaves a run that watches.
        (S::Wait | S::Repeat | S::Held | S::WaitUntil | S::WaitFor | S::Moment | S::Best, G::Exit) => "moved",
        (S::Report, G::Exit) => "calls off this, moved",
        (S::Watching, G::Exit) => "ignored",
        (S::Pending, G::Exit) => "refused j cancelled, moved",

        // Reports and clicks. Where the step has no message, `this` is one that was accepted long ago.
        (S::Report, G::AcceptedThis) => "queued after, moved",
        (S::Report, G::RejectedThis) => "queued late, queued after, refused j/this failed, moved",
        (S::Report, G::Again) => "ignored",
        (
            S::Wait | S::Repeat | S::Held | S::WaitUntil | S::WaitFor | S::Moment | S::Best | S::Watching,
            G::AcceptedThis | G::RejectedThis | G::Again,
        ) => "ignored",
        (
            S::Wait
            | S::Repeat
            | S::Held
            | S::WaitUntil
            | S::WaitFor
            | S::Moment
            | S::Best
            | S::Report
            | S::Watching,
            G::ClickOnThis,
        ) => "noted",
        (S::Pending, G::AcceptedThis | G::RejectedThis | G::Again | G::ClickOnThis) => "ignored",
        (
            S::Wait
            | S::Repeat
            | S::Held
            | S::WaitUntil
            | S::WaitFor
            | S::Moment
            | S::Best
            | S::Report
            | S::Watching
            | S::Pending,
            G::AcceptedOther | G::ClickOnUnknown,
        ) => "ignored",

        // Timers.
        (
            S::Wait
            | S::Repeat
            | S::Held
            | S::WaitUntil
            | S::WaitFor
            | S::Moment
            | S::Best
            | S::Report
            | S::Watching
            | S::Pending,
            G::TimerEarly,
        ) => "ignored",
        (S::Wait | S::Repeat | S::Held | S::WaitUntil, G::TimerAt | G::TimerLate) => "queued after, moved",
        (S::WaitFor, G::TimerAt | G::TimerLate) => "queued late, queued after, moved",
        (S::Moment | S::Best, G::TimerAt) => "queued this, queued after, moved",
        // Three hours later its time is over; but it is free to go, and the last question is asked then.
        (S::Moment | S::Best, G::TimerLate) => "queued this, queued after, moved",
        // No report came: taken as sent.
        (S::Report, G::TimerAt | G::TimerLate) => "queued after, moved",
        (S::Watching, G::TimerAt | G::TimerLate) => "ends completed",
        (S::Pending, G::TimerAt | G::TimerLate) => "queued first, queued after, moved",

        // From UTC to Tokyo, where it is evening: hours are hours; the clock is another.
        (S::WaitUntil | S::Moment, G::Moves) => "moved",
        (
            S::Wait | S::Repeat | S::Held | S::WaitFor | S::Best | S::Report | S::Watching | S::Pending,
            G::Moves,
        ) => "ignored",

        // Nothing more is sent; what is on its way is called off, and its `else` tried.
        (S::Report, G::Withdraws) => {
            "refused j/this no_consent, refused j/late no_consent, refused j/after no_consent, calls off this, moved"
        }
        (
            S::Wait
            | S::Repeat
            | S::Held
            | S::WaitUntil
            | S::WaitFor
            | S::Moment
            | S::Best
            | S::Watching
            | S::Pending,
            G::Withdraws,
        ) => "ignored",
    }
}

const SHOP: &str = "quiet_hours: { in_app: 09:00-11:00 }";

/// Somebody in that state since ten, due at eleven, or (watching) ten days later.
fn standing(state: State) -> Alone {
    let (enter, begin) = match state {
        State::Pending => ("on: Matching\n  idle: 1h\n  unless: Stop\n  again: always", "Matching"),
        _ => ("on: Begin\n  again: always", "Begin"),
    };
    let late = "\n    else:\n      - send: late\n        channel: inbox";
    let step = match state {
        State::Wait => "  - wait: 1h".to_owned(),
        State::WaitUntil => "  - wait_until: 11:00".to_owned(),
        State::WaitFor => format!("  - wait_for: Matching\n    within: 1h{late}"),
        State::Moment => "  - send: this\n    channel: in_app\n    within: 2h".to_owned(),
        State::Best => "  - send: this\n    channel: in_app\n    at: best\n    within: 2h".to_owned(),
        State::Report => format!("  - send: this\n    channel: inbox\n    within: 1h{late}"),
        State::Repeat => "  - repeat: 1\n    every: 1h\n    then:\n      - set: { a: b }".to_owned(),
        // Of the step before: so that its report lets the run go on, into what holds it.
        State::Held => "    else:\n      - exit: unsent".to_owned(),
        State::Watching | State::Pending => String::new(),
    };
    let after = match state {
        State::Watching => "",
        _ => "  - send: after\n    channel: inbox\n  - wait: 30d",
    };
    let hold = match state {
        State::Held => "hold:\n  while: first.sent\n  within: 1h\n",
        _ => "",
    };
    let journey = format!(
        "\njourney: j\ntopic: news\nenter:\n  {enter}\ngoal:\n  on: Bought\n  within: 9d\nexit:\n  - on: Stop\n{hold}steps:\n  - send: first\n    channel: inbox\n{step}\n{after}\n"
    );
    let mut alone = Alone::new(&journey, SHOP);
    alone.event("01-05 10:00", begin, "{}");
    if state != State::Pending {
        alone.report("01-05 10:00", "first", true);
        let run = &alone.person.runs[0];
        let plan = alone.plans.version(run.plan).unwrap();
        let step = match &run.position {
            Position::At { step, .. } => plan.node(step).map(|node| &plan.nodes[node].step),
            Position::Watching(_) => None,
        };
        assert_eq!(state_of(run, step), state);
    }
    alone.told.clear();
    alone
}

fn give(alone: &mut Alone, state: State, given: Given) {
    let now = "01-05 10:30";
    let this = if alone.message("this").is_some() { "this" } else { "first" };
    let (due, late) = if state == State::Watching {
        ("01-15 10:00", "01-15 13:00")
    } else if state == State::Best {
        // Somewhere in the hour from eleven.
        ("01-05 12:00", "01-05 14:00")
    } else {
        ("01-05 11:00", "01-05 14:00")
    };
    let click = |message: Option<MessageId>| {
        let id = message.map_or(uuid::Uuid::from_u128(7), |message| message.0);
        format!(r#"{{"message_id": "{id}"}}"#)
    };
    match given {
        Given::Matching => alone.event(now, "Matching", "{}"),
        Given::Other => alone.event(now, "Other", "{}"),
        Given::Goal => alone.event(now, "Bought", "{}"),
        Given::Exit => alone.event(now, "Stop", "{}"),
        Given::OldMatching => alone.happens(now, "01-05 10:20", true, "Matching", "{}"),
        Given::OldGoal => alone.happens(now, "01-05 10:20", true, "Bought", "{}"),
        Given::AcceptedThis => alone.report(now, this, true),
        Given::RejectedThis => alone.report(now, this, false),
        Given::AcceptedOther => alone.report(now, "nobody's", true),
        Given::Again => alone.report(now, "first", false),
        Given::ClickOnThis => alone.event(now, "Message Clicked", &click(alone.message(this))),
        Given::ClickOnUnknown => alone.event(now, "Message Clicked", &click(None)),
        Given::TimerEarly => alone.timer(now),
        Given::TimerAt => alone.timer(due),
        Given::TimerLate => alone.timer(late),
        Given::Moves => alone.event(now, "identify", r#"{"timezone": "Asia/Tokyo"}"#),
        Given::Withdraws => alone.event(now, "Unsubscribed", "{}"),
    }
}

#[test]
fn every_state_meets_every_input() {
    let mut wrong = Vec::new();
    for state in STATES {
        for given in GIVEN {
            let mut alone = standing(state);
            let before = alone.person.clone();
            give(&mut alone, state, given);
            let after = &alone.person;
            let places = |person: &Person| {
                person.runs.iter().map(|run| (run.number, run.position.clone())).collect::<Vec<_>>()
            };
            let results = |person: &Person| {
                person.runs.iter().map(|run| (run.results.clone(), run.goal.clone())).collect::<Vec<_>>()
            };
            let mut told: Vec<String> = alone.told.iter().map(|line| line[12..].to_owned()).collect();
            let left = after.runs.len() < before.runs.len();
            if !left && (places(&before) != places(after) || before.hot.pending != after.hot.pending) {
                told.push("moved".to_owned());
            } else if !left && results(&before) != results(after) {
                told.push("noted".to_owned());
            }
            let told = if told.is_empty() { "ignored".to_owned() } else { told.join(", ") };
            if told != expected(state, given) {
                wrong.push(format!("{state:?} x {given:?}: {told}; expected {}", expected(state, given)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_of_input_is_in_the_sweep() {
    let message = MessageId(uuid::Uuid::nil());
    let event = StoredEvent {
        id: EventId::new(ShopTime::EPOCH, SeenKey::new("", "")),
        kind: Kind::Track,
        name: "".into(),
        occurred_at: ShopTime::EPOCH,
        received_at: ShopTime::EPOCH,
        historical: false,
        payload: String::new(),
    };
    let inputs = [
        Input::Event(&event),
        Input::Report { message, accepted: true, at: ShopTime::EPOCH },
        Input::Timers(ShopTime::EPOCH),
    ];
    assert!(inputs.iter().all(|input| kind(input).iter().all(|given| GIVEN.contains(given))));
}
