//! One message by several channels: what falls to the next because the one before failed, or because nobody reacted.
//!
//! A leg is a message of its own, with its own id. While the latest leg stands under the step's name, those before it stand
//! under the name and their number: `nudge/1`.

use std::sync::Arc;

use jiff::Timestamp;

use super::Actor;
use super::moment::Route;
use super::send::{passage_of, step_of};
use super::walk::Move;
use crate::person::{EndReason, Position, Run, SendState, StepResult, Waiting, Watching};
use crate::plan::{Channel, Node, Plan, Reaction, Send, Step};
use crate::value::{Span, Value};
use crate::{MessageId, Refused, ShopTime};

/// How long a channel that a provider has closed for a person stays closed, and how long their session is open.
const DAY: Span = Span::hours(24);
/// How long a channel may still say that a message that it took has failed, before the step goes on.
const SECOND_THOUGHTS: Span = Span::minutes(15);
/// Since when WhatsApp's session is open: the trait under which it is kept.
const REPLIED: &str = "whatsapp_replied_at";
/// Since when a channel is closed, by its name.
const LIMITED: &str = "_limited_at";

impl Actor<'_> {
    /// By which channels a step has spoken, but for the latest.
    pub(super) fn tried(&self, nth: usize, step: &str) -> Vec<Channel> {
        self.earlier(nth, step).filter_map(|(_, result)| result.channel).collect()
    }

    fn earlier(&self, nth: usize, step: &str) -> impl Iterator<Item = &(Arc<str>, StepResult)> {
        let results = &self.person.runs[nth].results;
        results
            .iter()
            .filter(move |(name, _)| name.strip_prefix(step).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether a channel is left that could reach them.
    pub(super) fn has_left(&self, plan: &Plan, send: &Send, tried: &[Channel]) -> bool {
        // The inbox and what is read in the shop take the place of nothing.
        let speaks = |channel: &&Channel| !matches!(channel, Channel::Inbox | Channel::InApp);
        let mut left = send.channels.iter().filter(|channel| !tried.contains(channel)).filter(speaks);
        left.any(|channel| self.reachable_by(plan, send, *channel).is_ok())
    }

    /// Of which passage the earlier legs of a step are, where there are any.
    pub(super) fn visit_of_legs(&self, nth: usize, step: &str) -> Option<u32> {
        self.earlier(nth, step).last().map(|(_, result)| result.visit)
    }

    /// The step is reached anew: what an earlier passage left stands under that one's number, so that it is still known what
    /// becomes of its messages.
    pub(super) fn set_visit_aside(&mut self, nth: usize, node: &Node) {
        let run = &mut self.person.runs[nth];
        for (name, result) in &mut run.results {
            let legs =
                name.strip_prefix(node.id.as_ref()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(legs) = legs {
                *name = format!("{}#{}{legs}", node.id, result.visit).into();
                run.dirty = true;
            }
        }
    }

    /// This passage of a step has spoken already, or called: only a run that came from an older version finds it so, since
    /// elsewhere each passage has a number of its own. What it left stands, an answer too.
    pub(super) fn spoke_before(&mut self, nth: usize, plan: &Plan, node: &Node) -> Option<Move> {
        let run = &self.person.runs[nth];
        let visit = plan.visit(&run.turns);
        let spoke = |(name, result): &&(Arc<str>, StepResult)| {
            let of_passage = step_of(name) == node.id.as_ref() && result.visit == visit;
            of_passage && (result.message.is_some() || result.state == SendState::Withheld)
        };
        let (_, last) = run.results.iter().rfind(spoke)?;
        let sent = !matches!(last.state, SendState::Failed | SendState::NotSent(_));
        self.refuse(format!("{}/{}", plan.name, node.id).into(), Refused::SentBefore);
        Some(Move::To(if sent { node.next } else { node.otherwise.or(node.next) }))
    }

    /// The latest leg takes its place among the earlier ones.
    fn set_aside(&mut self, nth: usize, step: &str) {
        let number = self.earlier(nth, step).count() + 1;
        let run = &mut self.person.runs[nth];
        if let Some((name, _)) = run.results.iter_mut().find(|(name, _)| name.as_ref() == step) {
            *name = format!("{step}/{number}").into();
            run.dirty = true;
        }
    }

    /// No further leg comes: the one before it is the step's result again. `None` where there was none.
    pub(super) fn stand_by_last_leg(&mut self, nth: usize, node: &Node) -> Option<Move> {
        let last = self.earlier(nth, &node.id).last()?.0.clone();
        let run = &mut self.person.runs[nth];
        let (name, result) = run.results.iter_mut().find(|(name, _)| *name == last)?;
        *name = node.id.clone();
        run.dirty = true;
        let sent = result.state != SendState::Failed;
        Some(Move::To(if sent { node.next } else { node.otherwise.or(node.next) }))
    }

    /// The message at which a run stands has failed, or nobody has reacted to it: by the next channel. False where none is
    /// left.
    pub(super) fn next_leg(&mut self, nth: usize, plan: &Arc<Plan>, node: &Node) -> bool {
        let Step::Send(send) = &node.step else { return false };
        let Position::At { reached, .. } = self.person.runs[nth].position else { return false };
        let mut tried = self.tried(nth, &node.id);
        let latest = self.person.runs[nth].result(&node.id).and_then(|result| result.channel);
        tried.extend(latest);
        if !self.has_left(plan, send, &tried) {
            return false;
        }
        self.set_aside(nth, &node.id);
        let deadline = send.within.after(reached, &self.zone).max(self.now);
        let now = self.now;
        self.resume_send(nth, plan, node, send, (reached, now), deadline);
        true
    }

    /// Until when a run that has stopped walking, for this reason, may have to speak by another channel: as long as a message
    /// that its channel has taken may turn out not to have reached the person in time. `None` where nothing is left to be
    /// done; whoever left by a goal, an exit, or for another run is not spoken to any more.
    pub(super) fn legs_until(&self, nth: usize, plan: &Plan, reason: &EndReason) -> Option<ShopTime> {
        if !matches!(reason, EndReason::Completed | EndReason::ExitStep(_)) {
            return None;
        }
        let open = |(step, result): &(Arc<str>, StepResult)| {
            let taken = matches!(result.state, SendState::Queued | SendState::Accepted);
            let reached = result.delivered || result.opened || result.clicked;
            // Of earlier legs nothing is expected.
            let Step::Send(send) = &plan.nodes[plan.node(step)?].step else { return None };
            let mut tried = self.tried(nth, step);
            tried.extend(result.channel);
            let left = taken && !reached && send.channels.len() > 1 && self.has_left(plan, send, &tried);
            left.then(|| send.within.after(result.at, &self.zone))
        };
        self.person.runs[nth].results.iter().filter_map(open).max()
    }

    /// A message has failed of a step that the run has left, or that was its last: by the next channel all the same, if that
    /// is free at once and the step's time since its channel had taken it is not over.
    pub(super) fn late_leg(&mut self, nth: usize, plan: &Arc<Plan>, message: MessageId, taken_at: ShopTime) {
        let run = &self.person.runs[nth];
        let Some((step, result)) = run.results.iter().find(|(_, result)| result.message == Some(message))
        else {
            return;
        };
        let (step, channel) = (step.clone(), result.channel);
        let ended = match &run.position {
            Position::At { .. } => None,
            Position::Watching(watching) => Some(watching.clone()),
        };
        let Some(node) = plan.node(&step).map(|node| &plan.nodes[node]) else { return };
        let Step::Send(send) = &node.step else { return };
        let mut tried = self.tried(nth, &step);
        tried.extend(channel);
        let in_time = self.now <= send.within.after(taken_at, &self.zone);
        let free = matches!(self.route(plan, send, &tried), Route::Free(..));
        if !(in_time && free && self.has_left(plan, send, &tried)) {
            return;
        }
        if let Some(Watching { reason, ended_at, .. }) = &ended {
            let done = matches!(reason, EndReason::Completed | EndReason::ExitStep(_));
            let reached = |run: &Run| run.goal.is_some() && plan.goal.as_ref().is_some_and(|goal| goal.exit);
            if !done || reached(&self.person.runs[nth]) || self.would_have_left(nth, plan, *ended_at) {
                return;
            }
        }
        self.set_aside(nth, &step);
        let now = self.now;
        // Where the run stands now is where it stays.
        self.try_send(nth, plan, node, send, now);
        // And one that has ended goes on watching for what becomes of this message too.
        if let Some(watching) = ended {
            let until = self.legs_until(nth, plan, &watching.reason).max(Some(watching.until));
            let run = &mut self.person.runs[nth];
            run.position =
                Position::Watching(Watching { until: until.unwrap_or(watching.until), ..watching });
            run.dirty = true;
        }
    }

    /// A person has had their time.
    pub(super) fn escalates(
        &mut self,
        nth: usize,
        plan: &Arc<Plan>,
        node: &Node,
        message: MessageId,
        clock: ShopTime,
    ) {
        // Whoever is held is not spoken to by another channel either.
        let done = self.has_reacted(nth, plan, message) || self.held(nth, plan, true).is_some();
        if done || !self.next_leg(nth, plan, node) {
            self.walk(nth, plan, node.next, clock);
        }
    }

    /// Whether a person has done with a step's message what its `escalate` waits for, by any channel.
    fn has_reacted(&self, nth: usize, plan: &Plan, message: MessageId) -> bool {
        let run = &self.person.runs[nth];
        let Some((name, _)) = run.results.iter().find(|(_, result)| result.message == Some(message)) else {
            return false;
        };
        let node = plan.node(step_of(name)).map(|node| &plan.nodes[node].step);
        let Some(Step::Send(Send { escalate: Some(escalate), .. })) = node else { return false };
        run.results.iter().filter(|(other, _)| passage_of(other) == passage_of(name)).any(|(_, result)| {
            match escalate.unless {
                Reaction::Delivered => result.delivered,
                Reaction::Opened => result.opened,
                Reaction::Clicked => result.clicked,
            }
        })
    }

    /// A channel has taken a message; whether the step goes on waiting: for the person, or because this channel says only
    /// later that it has not delivered it.
    pub(super) fn awaits_more(&mut self, nth: usize, plan: &Plan, message: MessageId) -> bool {
        let now = self.now;
        let soon = SECOND_THOUGHTS.after(now, &self.zone);
        let run = &self.person.runs[nth];
        let Some(step) = run.awaits(message).cloned() else { return false };
        let waiting = match &run.position {
            Position::At { waiting, .. } => waiting.clone(),
            Position::Watching(_) => return false,
        };
        if matches!(waiting, Waiting::Escalate { .. }) {
            return true;
        }
        let Some(Step::Send(send)) = plan.node(&step).map(|node| &plan.nodes[node].step) else {
            return false;
        };
        let result = run.result(&step);
        let by_whatsapp = result.is_some_and(|result| result.channel == Some(Channel::Whatsapp));
        let arrived = result.is_some_and(|result| result.delivered);
        let mut tried = self.tried(nth, &step);
        tried.extend(result.and_then(|result| result.channel));
        if !by_whatsapp || arrived || !self.has_left(plan, send, &tried) {
            return false;
        }
        let run = &mut self.person.runs[nth];
        if let Position::At { waiting, .. } = &mut run.position {
            *waiting = Waiting::Report { message, until: soon };
            run.dirty = true;
        }
        true
    }

    /// A message is on its way to the person, or has reached them: whoever waited for that goes on.
    pub(super) fn goes_on(&mut self, message: MessageId) {
        let of = |run: &Run| {
            run.results
                .iter()
                .find(|(_, result)| result.message == Some(message))
                .map(|(name, _)| name.clone())
        };
        let Some((nth, name)) =
            self.person.runs.iter().enumerate().find_map(|(nth, run)| Some((nth, of(run)?)))
        else {
            return;
        };
        let Position::At { step, waiting, .. } = &self.person.runs[nth].position else { return };
        // What becomes of a message of an earlier passage is nothing to this one.
        if step.as_ref() != passage_of(&name) {
            return;
        }
        let (step, waiting) = (step.clone(), waiting.clone());
        let Some(plan) = self.plan_of(nth) else { return };
        let goes = match waiting {
            Waiting::Escalate { .. } => self.has_reacted(nth, &plan, message),
            // Of one that was not taken yet this comes too soon: its report follows.
            Waiting::Report { message: awaited, .. } => {
                let result = self.person.runs[nth].result(&step);
                awaited == message && result.is_some_and(|result| result.state == SendState::Accepted)
            }
            _ => false,
        };
        let Some(node) = plan.node(&step).filter(|_| goes).map(|node| &plan.nodes[node]) else { return };
        if !self.leaves(nth, &plan) {
            self.walk(nth, &plan, node.next, self.now);
        }
    }

    /// Whether a provider lets the person have nothing by a channel at present.
    pub(super) fn is_limited(&self, channel: Channel) -> bool {
        let since = self.moment_of(&format!("{}{LIMITED}", channel.name()));
        since.is_some_and(|since| self.now < DAY.after(since, &self.zone))
    }

    pub(super) fn limit(&mut self, channel: Channel, at: ShopTime) {
        self.keep_moment(&format!("{}{LIMITED}", channel.name()), at);
    }

    /// Until when the person's session on WhatsApp is open, where it was ever.
    pub(super) fn session_until(&self) -> Option<ShopTime> {
        let until = DAY.after(self.moment_of(REPLIED)?, &self.zone);
        (until > self.now).then_some(until)
    }

    pub(super) fn open_session(&mut self, at: ShopTime) {
        self.keep_moment(REPLIED, at);
    }

    fn moment_of(&self, name: &str) -> Option<ShopTime> {
        let moment: Timestamp = self.person.traits.get(name).as_text()?.parse().ok()?;
        Some(ShopTime::new(moment))
    }

    fn keep_moment(&mut self, name: &str, at: ShopTime) {
        // Where there is no room for it nothing is closed: a provider says so again.
        self.person.traits.say(name, Value::text(&at.timestamp().to_string()), at);
    }
}
