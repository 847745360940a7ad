//! A send: from the step that is reached to the message in the outbox.

use std::sync::Arc;

use super::Actor;
use super::moment::{Block, Route};
use super::walk::Move;
use crate::draw::draw;
use crate::person::{HeldOut, Position, SendState, Sent, StepResult, Underway, Waiting, mark};
use crate::plan::{Channel, JourneyKind, Node, Plan, Send, Step};
use crate::row::QueuedRow;
use crate::value::{Span, Value};
use crate::{MessageId, Refused, ShopTime};

/// How long messages are remembered at least, so that a cap deployed tomorrow knows of today.
const REMEMBERED: Span = Span::Days(35);
/// How long a step with an `else` waits at least for what becomes of its message.
const REPORTED: Span = Span::hours(1);

/// A message that could go: its channel, its address, what its template is given.
pub(super) type Ready = (Channel, Arc<str>, Arc<str>);

impl Actor<'_> {
    /// A send is reached: its guard is asked, then its moment looked for.
    pub(super) fn reach_send(
        &mut self,
        nth: usize,
        plan: &Arc<Plan>,
        node: &Node,
        send: &Send,
        clock: ShopTime,
    ) -> Move {
        if let Some(next) = self.spoke_before(nth, plan, node) {
            return next;
        }
        self.set_visit_aside(nth, node);
        // Who comes late to `09:00` waits for the next one, and never gets it at another hour.
        let from = send.at.as_ref().map_or(clock, |when| when.next(self.on_time(clock), &self.zone));
        let deadline = send.within.after(from, &self.zone).max(self.now);
        if from > self.now && send.at.is_some() {
            return Move::Wait(Waiting::Best { at: from, deadline });
        }
        if send.at_best
            && let Some(at) = self.best_moment(nth, plan, node, send, deadline)
        {
            return Move::Wait(Waiting::Best { at, deadline });
        }
        self.try_send(nth, plan, node, send, deadline)
    }

    /// Its moment has come: all is asked again. The times are when the step was reached, and the run's
    /// clock now.
    pub(super) fn resume_send(
        &mut self,
        nth: usize,
        plan: &Arc<Plan>,
        node: &Node,
        send: &Send,
        (reached, clock): (ShopTime, ShopTime),
        deadline: ShopTime,
    ) {
        match self.try_send(nth, plan, node, send, deadline) {
            Move::Wait(waiting) => {
                let run = &mut self.person.runs[nth];
                run.position = Position::At { step: node.id.clone(), reached, waiting };
                run.dirty = true;
            }
            Move::To(next) => self.walk(nth, plan, next, clock),
            Move::End(reason) => self.end(nth, Some(plan), reason),
        }
    }

    pub(super) fn try_send(
        &mut self,
        nth: usize,
        plan: &Arc<Plan>,
        node: &Node,
        send: &Send,
        deadline: ShopTime,
    ) -> Move {
        let with = self.with(nth, &send.with);
        if let Some(guard) = &node.guard
            && !self.asked_with(nth, plan, node, guard, &with)
        {
            return self.not_sent(nth, plan, node, Refused::Guard);
        }
        let tried = self.tried(nth, &node.id);
        match self.route(plan, send, &tried) {
            Route::Free(free) => match self.ready(nth, plan, node, send, &with, free) {
                Ok(ready) => {
                    // The one that is learned is the step's first; what falls to another goes by the next in their order.
                    let choosing = send.best_of && tried.is_empty();
                    let (channel, address, data) = self.best_channel(nth, plan, node, choosing, ready);
                    self.send(nth, plan, node, send, (channel, address, data, tried), deadline)
                }
                Err(reason) => self.not_sent(nth, plan, node, reason),
            },
            Route::Never(reason) => self.not_sent(nth, plan, node, reason),
            Route::Later(Block { by, until }) => {
                // The last question is asked when its time is up.
                if self.now >= deadline {
                    return self.not_sent(nth, plan, node, by);
                }
                Move::Wait(Waiting::Moment { again: until.min(deadline), deadline, by })
            }
        }
    }

    /// What each of the channels that are free would send: where one can't be filled, none is chosen.
    fn ready(
        &self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        send: &Send,
        with: &Value,
        free: Vec<(Channel, Arc<str>)>,
    ) -> Result<Vec<Ready>, Refused> {
        let variant = self.variant(plan, node, send);
        let ready = free.into_iter().map(|(channel, address)| {
            let data = self.data(nth, send, with, channel, variant)?;
            Ok((channel, address, data))
        });
        ready.collect()
    }

    fn not_sent(&mut self, nth: usize, plan: &Plan, node: &Node, reason: Refused) -> Move {
        self.refuse(format!("{}/{}", plan.name, node.id).into(), reason);
        // What another channel has said already stands.
        if let Some(next) = self.stand_by_last_leg(nth, node) {
            return next;
        }
        let visit = plan.visit(&self.person.runs[nth].turns);
        self.leave(nth, node, visit, SendState::NotSent(reason), None, None);
        Move::To(node.otherwise.or(node.next))
    }

    fn leave(
        &mut self,
        nth: usize,
        node: &Node,
        visit: u32,
        state: SendState,
        message: Option<MessageId>,
        channel: Option<Channel>,
    ) {
        let at = self.now;
        let result = StepResult {
            state,
            at,
            message,
            channel,
            visit,
            delivered: false,
            opened: false,
            clicked: false,
        };
        self.person.runs[nth].leave(&node.id, result);
    }

    fn send(
        &mut self,
        nth: usize,
        plan: &Arc<Plan>,
        node: &Node,
        send: &Send,
        (channel, address, data, mut tried): (Channel, Arc<str>, Arc<str>, Vec<Channel>),
        deadline: ShopTime,
    ) -> Move {
        // A further leg is of the passage that the first was of, wherever the run stands by now.
        let visit = self.visit_of_legs(nth, &node.id);
        let run = &self.person.runs[nth];
        let visit = visit.unwrap_or_else(|| plan.visit(&run.turns));
        if tried.is_empty() {
            self.tested(nth, plan, node, send, visit);
        }
        let run = &mut self.person.runs[nth];
        let leg = u8::try_from(tried.len() + 1).unwrap_or(u8::MAX);
        let message = MessageId::new(self.person.id, run.number, run.started_at, &node.id, visit, leg);
        run.first_send = run.first_send.or(Some(self.now));
        let row = QueuedRow {
            message,
            person: self.person.id,
            run: run.number,
            journey: plan.name.clone(),
            step: node.id.clone(),
            visit,
            leg,
            channel,
            address,
            template: send.template.clone(),
            marketing: plan.kind == JourneyKind::Marketing,
            topic: topic(plan, send).cloned(),
            sender: send.sender.clone(),
            data,
            queued_at: self.now,
        };
        if self.is_withheld(nth, plan, node) {
            self.outcome.withheld.push(row);
            self.leave(nth, node, visit, SendState::Withheld, None, Some(channel));
            return Move::To(node.next);
        }
        self.remember_sent(message, channel, plan, send);
        self.outcome.queued.push(row);
        self.leave(nth, node, visit, SendState::Queued, Some(message), Some(channel));
        // An `else`, and a channel that is left, are also for a message that fails for good: it is waited for.
        tried.push(channel);
        let left = self.has_left(plan, send, &tried);
        if let Some(escalate) = send.escalate.filter(|_| left) {
            let until = escalate.after.after(self.now, &self.zone);
            return Move::Wait(Waiting::Escalate { message, until });
        }
        if left || node.otherwise.is_some() {
            let until = deadline.max(REPORTED.after(self.now, &self.zone));
            return Move::Wait(Waiting::Report { message, until });
        }
        Move::To(node.next)
    }

    /// Whether a message is not sent but recorded: its person is held out of the journey, or of this step.
    pub(super) fn is_withheld(&self, nth: usize, plan: &Plan, node: &Node) -> bool {
        let of_journey = self.person.runs[nth].held_out != HeldOut::No && !node.in_holdout;
        of_journey || held_out_of_send(plan, node, self.person.assignment_key)
    }

    fn remember_sent(&mut self, message: MessageId, channel: Channel, plan: &Plan, send: &Send) {
        let marketing = plan.kind == JourneyKind::Marketing;
        let now = self.now;
        let forgotten = self.plans.memory.before(now, &self.zone).min(REMEMBERED.before(now, &self.zone));
        let hot = &mut self.person.hot;
        hot.remember_sent(Sent { at: now, channel, journey: mark(&[&plan.name]), marketing }, forgotten);
        if marketing {
            hot.remember_underway(Underway { message, channel, topic: topic(plan, send).cloned() });
        }
    }

    /// What became of a message. The first word counts; but one that was called off may have left already.
    pub(super) fn report(&mut self, message: MessageId, accepted: bool, at: ShopTime) {
        self.person.hot.underway.retain(|underway| underway.message != message);
        let Some((nth, result)) = self.result_of(message) else { return };
        let run = &mut self.person.runs[nth];
        let result = &mut run.results[result].1;
        // Of a call that was given up the run has gone on.
        if result.channel == Some(Channel::Call) && result.state != SendState::Queued {
            return;
        }
        let state = match (&result.state, accepted) {
            (SendState::Queued | SendState::NotSent(_), true) => SendState::Accepted,
            (SendState::Queued, false) => SendState::Failed,
            (SendState::NotSent(_), false)
            | (SendState::Accepted | SendState::Failed | SendState::Withheld, _) => return,
        };
        (result.state, result.at, run.dirty) = (state, at, true);
        self.reported(nth, message, accepted);
        self.meet_all(None);
    }

    fn reported(&mut self, nth: usize, message: MessageId, accepted: bool) {
        let Some(plan) = self.plan_of(nth) else { return };
        let run = &self.person.runs[nth];
        if !accepted
            && let Some((step, _)) = run.results.iter().find(|(_, result)| result.message == Some(message))
        {
            let of = format!("{}/{}", plan.name, step_of(step));
            self.refuse(of.into(), Refused::Failed);
        }
        if accepted && self.awaits_more(nth, &plan, message) {
            return;
        }
        self.settled(nth, &plan, message, accepted);
    }

    /// A step that waits for its message goes on, now that it is known whether it was sent: where it was not, by the next
    /// channel that is left.
    pub(super) fn settled(&mut self, nth: usize, plan: &Arc<Plan>, message: MessageId, sent: bool) {
        let step = self.person.runs[nth].awaits(message);
        let Some(node) = step.and_then(|step| plan.node(step)).map(|node| &plan.nodes[node]) else {
            if !sent && let Some((_, result)) = self.result_of(message) {
                let at = self.person.runs[nth].results[result].1.at;
                self.late_leg(nth, plan, message, at);
            }
            return;
        };
        if !self.leaves(nth, plan) {
            if !sent && self.next_leg(nth, plan, node) {
                return;
            }
            let next = if sent { node.next } else { node.otherwise.or(node.next) };
            self.walk(nth, plan, next, self.now);
        }
    }

    /// Runs whose message the person has called off go on with its `else`.
    pub(super) fn go_on_without(&mut self) {
        for message in std::mem::take(&mut self.called_off) {
            let Some((nth, result)) = self.result_of(message) else { continue };
            let Some(plan) = self.plan_of(nth) else { continue };
            let now = self.now;
            let run = &mut self.person.runs[nth];
            let (step, result) = &mut run.results[result];
            (result.state, result.at) = (SendState::NotSent(Refused::NoConsent), now);
            let of = format!("{}/{step}", plan.name);
            run.dirty = true;
            self.refuse(of.into(), Refused::NoConsent);
            self.settled(nth, &plan, message, false);
        }
    }

    /// Where the result of a message stands: its run, and the place among what that has left.
    pub(super) fn result_of(&self, message: MessageId) -> Option<(usize, usize)> {
        let mut runs = self.person.runs.iter().enumerate();
        runs.find_map(|(nth, run)| {
            let result = run.results.iter().position(|(_, result)| result.message == Some(message))?;
            Some((nth, result))
        })
    }
}

/// The step of a result: those of earlier legs stand under its name and their number, `nudge/1`, those of earlier passages
/// under its name and theirs, `nudge#1`.
pub(super) fn step_of(name: &str) -> &str {
    name.split(['/', '#']).next().unwrap_or(name)
}

/// The name under which the latest leg of a result's passage stands.
pub(super) fn passage_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// Whether somebody with that key is held out of one send: always the same people, whatever becomes of the journey's others.
pub(super) fn held_out_of_send(plan: &Plan, node: &Node, key: i64) -> bool {
    let Step::Send(send) = &node.step else { return false };
    send.holdout > 0.0 && draw(key, &[&plan.seed, "holdout", &node.id]) < send.holdout
}

/// The consent topic of a send.
pub(super) fn topic<'p>(plan: &'p Plan, send: &'p Send) -> Option<&'p Arc<str>> {
    send.topic.as_ref().or(plan.topic.as_ref())
}
