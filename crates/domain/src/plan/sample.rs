//! Plans for tests of this crate, which can't read YAML.

use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::{
    Again, Channel, Condition, Consent, Deployment, Enter, Goal, Hours, IfRunning, JourneyKind, Node, Plan,
    PlanHash, Plans, Policies, Send, Since, Status, Step, Topic, Trigger,
};
use crate::ShopTime;
use crate::expr::{Compiled, Expr};
use crate::template::Localized;
use crate::value::{Span, Value};

/// `2026-01-05T10:00:00Z`
pub(crate) fn at(text: &str) -> ShopTime {
    ShopTime::new(text.parse().unwrap())
}

pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

pub(crate) fn hours(from: i8, from_minute: i8, to: i8, to_minute: i8) -> Hours {
    let time = |hour, minute| Time::new(hour, minute, 0, 0).unwrap();
    Hours { from: time(from, from_minute), to: time(to, to_minute) }
}

/// A marketing journey that begins on an event, whenever none runs, and walks these steps.
pub(crate) fn plan(name: &str, on: &str, steps: Vec<Step>) -> Plan {
    let last = steps.len();
    let node = |(nth, step): (usize, Step)| Node {
        id: format!("step_{nth}").into(),
        step,
        guard: None,
        next: (nth + 1 < last).then_some(nth + 1),
        otherwise: None,
        in_holdout: false,
        line: 1,
    };
    Plan {
        name: name.into(),
        hash: PlanHash(crate::digest::SeenKey::new("plan", name).0),
        kind: JourneyKind::Marketing,
        topic: None,
        status: Status::Live,
        priority: 50,
        lane: None,
        cap: None,
        quiet_hours: true,
        holdout: 0.0,
        seed: name.into(),
        enter: Enter {
            on: vec![on.into()],
            api: false,
            watch: None,
            each: None,
            condition: None,
            to: Vec::new(),
            except: Vec::new(),
            idle: None,
            unless: Vec::new(),
            per: None,
            if_running: IfRunning::Join,
            again: Again::Always,
            max_age: Span::hours(24),
        },
        goal: None,
        exits: Vec::new(),
        hold: None,
        migrate: crate::plan::Migrate::Stay,
        nodes: steps.into_iter().enumerate().map(node).collect(),
        first: (last > 0).then_some(0),
        entry_properties: Vec::new(),
    }
}

pub(crate) fn send(template: &str, channel: Channel) -> Step {
    Step::Send(Send {
        template: template.into(),
        channels: vec![channel],
        escalate: None,
        best_of: false,
        at_best: false,
        at: None,
        within: Span::Days(1),
        window: None,
        priority: None,
        holdout: 0.0,
        with: Vec::new(),
        sender: None,
        topic: None,
        filled: Vec::new(),
        test: Vec::new(),
    })
}

pub(crate) fn goal(on: &str, within: Span) -> Goal {
    let trigger = Trigger { on: vec![on.into()], condition: None };
    Goal { trigger, within: Some(within), since: Since::Entry, value: None, exit: true }
}

pub(crate) fn always() -> Condition {
    Condition::new("true", Expr::Literal(Value::Bool(true)))
}

/// A condition with a defect of ours in it.
pub(crate) fn panics() -> Condition {
    Condition { compiled: Arc::new(Compiled::panics()), ..always() }
}

pub(crate) fn plans(plans: Vec<Plan>, policies: Policies) -> Plans {
    let plans = plans.into_iter().map(Arc::new).collect();
    Plans::new(Deployment { number: 1, plans, policies, ..Deployment::default() })
}

pub(crate) fn topic(consent: Consent) -> Topic {
    Topic { consent, name: Localized::default() }
}
