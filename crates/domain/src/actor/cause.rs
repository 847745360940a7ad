//! What a step does beside speaking: `update`, `track`, `start`.

use std::sync::Arc;

use super::{Actor, Happening, Told};
use crate::person::HeldOut;
use crate::plan::{Node, Plan, Setting};
use crate::value::Value;
use crate::{EventId, MessageId, Refused};

/// Somebody wishes that a journey begins for a person: a step `start:`, or a program by HTTP. `journey`: its name; `with`:
/// what its `entry` is. Begins a run where the journey says `api: yes`.
pub const REQUESTED: &str = "Journey Requested";
/// How many events steps may cause within one input, all together.
pub const CAUSED_PER_INPUT: usize = 200;

impl Actor<'_> {
    /// Whether a step that does something to the world is passed over, which is recorded.
    pub(super) fn passes_over(&mut self, nth: usize, plan: &Plan, node: &Node) -> bool {
        let withheld = self.person.runs[nth].held_out != HeldOut::No && !node.in_holdout;
        if withheld {
            self.refuse(format!("{}/{}", plan.name, node.id).into(), Refused::Withheld);
        }
        withheld
    }

    fn did(&mut self, plan: &Plan, node: &Node, words: impl FnOnce() -> String) {
        let (journey, step) = (plan.name.clone(), node.id.clone());
        self.tell(|| Told::Did { journey, step, words: words().into() });
    }

    /// `update`: what is said of the profile here was said now.
    pub(super) fn update(&mut self, nth: usize, plan: &Plan, node: &Node, settings: &[(Arc<str>, Setting)]) {
        if self.passes_over(nth, plan, node) {
            return;
        }
        for (name, setting) in settings {
            let value = match setting {
                Setting::Text(text) => Value::Text(text.clone()),
                Setting::Computed(condition) => {
                    condition.compiled.value(&self.scope(None, self.person.runs.get(nth)))
                }
            };
            // As it will be read again: a trait is JSON.
            let value = Value::from_json(&value.to_json());
            if let ("timezone", Value::Text(zone)) = (name.as_ref(), &value) {
                self.moved_to(zone.clone(), self.now);
            }
            if !self.person.traits.say(name, value, self.now) {
                self.refuse(format!("{}/{}", plan.name, node.id).into(), Refused::TooLarge);
            }
        }
        self.changed = true;
        self.did(plan, node, || {
            let names: Vec<&str> = settings.iter().map(|(name, _)| name.as_ref()).collect();
            format!("update {}", names.join(", "))
        });
    }

    /// `track`: an event, applied when what happens now is.
    pub(super) fn track(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        event: &str,
        with: &[(Arc<str>, Setting)],
    ) {
        if self.passes_over(nth, plan, node) {
            return;
        }
        let properties = self.with(nth, with);
        self.cause(nth, plan, node, event, properties);
        self.did(plan, node, || format!("track {event}"));
    }

    /// `start`: the wish that another journey begins.
    pub(super) fn start_other(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        journey: &Arc<str>,
        with: &[(Arc<str>, Setting)],
    ) {
        if self.passes_over(nth, plan, node) {
            return;
        }
        let with = self.with(nth, with);
        let properties = Value::record([("journey", Value::Text(journey.clone())), ("with", with)]);
        self.cause(nth, plan, node, REQUESTED, properties);
        self.did(plan, node, || format!("start {journey}"));
    }

    fn cause(&mut self, nth: usize, plan: &Plan, node: &Node, name: &str, properties: Value) {
        let run = &self.person.runs[nth];
        let visit = plan.visit(&run.turns);
        // No message has this leg, so that the id is this step's alone.
        let MessageId(id) = MessageId::new(self.person.id, run.number, run.started_at, &node.id, visit, 0);
        // As it would be read were it sent: properties are JSON.
        let properties = Value::from_json(&properties.to_json());
        let event = Happening::of_timer(EventId(id), name, self.now, properties);
        self.caused.push_back((event, self.depth + 1));
    }

    /// A wish that a journey begins.
    pub(super) fn requested(&mut self, event: &Happening) {
        let plans = self.plans;
        let named = event.properties().field("journey").as_text();
        let plan = named.and_then(|name| plans.live(name)).filter(|plan| plan.enter.api);
        let Some(plan) = plan else {
            let of = named.unwrap_or(REQUESTED).into();
            return self.refuse(of, Refused::NoJourney);
        };
        let with = event.properties().field("with").clone();
        let mut asked = Happening::of_timer(event.id, &event.name, event.at, with);
        asked.historical = event.historical;
        self.enter_at_once(plan, &asked);
    }
}
