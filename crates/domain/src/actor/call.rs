//! `call`: asked through the outbox, answered by an event of the person.

use std::sync::Arc;

use super::walk::Move;
use super::{Actor, Happening};
use crate::call::{Asked, answered_of, variable};
use crate::expr::Scope;
use crate::person::{SendState, StepResult, Waiting};
use crate::plan::{Call, Channel, JourneyKind, Node, Plan, Setting, Step};
use crate::row::QueuedRow;
use crate::template::DATA_BYTES;
use crate::value::Value;
use crate::{MessageId, Refused};

impl Actor<'_> {
    /// A call is reached: it is asked with this batch's commit, and the run waits for its answer.
    pub(super) fn reach_call(&mut self, nth: usize, plan: &Plan, node: &Node, call: &Call) -> Move {
        if let Some(next) = self.spoke_before(nth, plan, node) {
            return next;
        }
        self.set_visit_aside(nth, node);
        let answer = variable(&node.id);
        self.person.runs[nth].variables.retain(|(name, _)| *name != answer);
        if self.passes_over(nth, plan, node) {
            self.leave_call(nth, plan, node, SendState::Withheld, None);
            return Move::To(node.next);
        }
        let data = serde_json::to_string(&self.asks(nth, call)).unwrap_or_default();
        if data.len() > DATA_BYTES {
            return self.not_called(nth, plan, node, Refused::TooLarge);
        }
        let run = &self.person.runs[nth];
        let visit = plan.visit(&run.turns);
        let message = MessageId::new(self.person.id, run.number, run.started_at, &node.id, visit, 1);
        self.outcome.queued.push(QueuedRow {
            message,
            person: self.person.id,
            run: run.number,
            journey: plan.name.clone(),
            step: node.id.clone(),
            visit,
            leg: 1,
            channel: Channel::Call,
            address: "".into(),
            template: format!("{} {}", call.method, call.url).into(),
            marketing: plan.kind == JourneyKind::Marketing,
            topic: None,
            sender: None,
            data: data.into(),
            queued_at: self.now,
        });
        self.leave_call(nth, plan, node, SendState::Queued, Some(message));
        Move::Wait(Waiting::Report { message, until: call.within.after(self.now, &self.zone) })
    }

    fn asks(&self, nth: usize, call: &Call) -> Asked {
        let text = |setting: &Setting| match self.computed(nth, setting) {
            Value::Missing => None,
            value => Some(value.key().unwrap_or_else(|| value.to_json().to_string().into())),
        };
        let body = call.body.as_ref().map_or(String::new(), |body| {
            // What is missing is left out, as a shop's own programs would.
            let fields = body.iter().filter_map(|(name, setting)| {
                let value = self.computed(nth, setting);
                (!value.is_missing()).then(|| (name.to_string(), value.to_json()))
            });
            serde_json::Value::Object(fields.collect()).to_string()
        });
        Asked {
            method: call.method,
            url: call.url.clone(),
            headers: call
                .headers
                .iter()
                .filter_map(|(name, setting)| Some((name.clone(), text(setting)?)))
                .collect(),
            body: body.into(),
            secret: call.secret.clone(),
            within_ms: u64::try_from(call.within.nominal().as_millis()).unwrap_or(0),
            retry: call.retry,
        }
    }

    fn computed(&self, nth: usize, setting: &Setting) -> Value {
        match setting {
            Setting::Text(text) => Value::Text(text.clone()),
            Setting::Computed(condition) => {
                let scope: Scope<'_> = self.scope(None, self.person.runs.get(nth));
                condition.compiled.value(&scope)
            }
        }
    }

    fn leave_call(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        state: SendState,
        message: Option<MessageId>,
    ) {
        let visit = plan.visit(&self.person.runs[nth].turns);
        let result = StepResult {
            state,
            at: self.now,
            message,
            channel: Some(Channel::Call),
            visit,
            delivered: false,
            opened: false,
            clicked: false,
        };
        self.person.runs[nth].leave(&node.id, result);
    }

    fn not_called(&mut self, nth: usize, plan: &Plan, node: &Node, reason: Refused) -> Move {
        self.refuse(format!("{}/{}", plan.name, node.id).into(), reason);
        self.leave_call(nth, plan, node, SendState::NotSent(reason), None);
        Move::To(node.otherwise.or(node.next))
    }

    /// An answer has come. What comes after the run has gone on without it, changes nothing.
    pub(super) fn answered(&mut self, event: &Happening) {
        let Some((message, answer)) = answered_of(event.properties()) else { return };
        let Some((nth, result)) = self.result_of(message) else { return };
        if self.person.runs[nth].results[result].1.state != SendState::Queued {
            return;
        }
        let Some(plan) = self.plan_of(nth) else { return };
        let name = self.person.runs[nth].results[result].0.clone();
        let call = plan.node(super::send::step_of(&name)).map(|node| &plan.nodes[node]);
        let Some((id, Step::Call(call))) = call.map(|node| (&node.id, &node.step)) else { return };
        let kept = call.fields.iter().filter_map(|field| {
            let value = answer.field(field);
            (!value.is_missing()).then(|| (field.clone(), value.clone()))
        });
        let kept = Value::Record(kept.collect());
        let run = &mut self.person.runs[nth];
        let room = run.set(&variable(id), kept);
        let result = &mut run.results[result].1;
        (result.state, result.at) = (if room { SendState::Accepted } else { SendState::Failed }, event.at);
        run.dirty = true;
        if !room {
            self.refuse(format!("{}/{id}", plan.name).into(), Refused::TooLarge);
        }
        self.settled(nth, &plan, message, room);
    }

    /// A call was not answered in time: it is called off where it has not left yet, and its `else` is taken.
    pub(super) fn unanswered(&mut self, nth: usize, plan: &Arc<Plan>, node: &Node, message: MessageId) {
        self.outcome.cancelled.push(message);
        let now = self.now;
        let run = &mut self.person.runs[nth];
        if let Some((_, result)) = run.results.iter_mut().find(|(_, result)| result.message == Some(message))
        {
            (result.state, result.at) = (SendState::NotSent(Refused::NoAnswer), now);
        }
        run.dirty = true;
        self.refuse(format!("{}/{}", plan.name, node.id).into(), Refused::NoAnswer);
        self.walk(nth, plan, node.otherwise.or(node.next), now);
    }
}
