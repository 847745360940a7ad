//! A lane: claims messages of one line of its channel and sends them, group by group.

use std::time::Duration;

use journeyman_channels::Verdict;
use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, draw};
use journeyman_store::outbox::{Claimed, Outcome, Whose};
use journeyman_store::queues::Queue as HeldQueue;

use super::{Answer, Ask, Said, Shared, schedule};
use crate::machine::{Clock, Fault};

/// How often a lane that was asked to leave tries to write down what the channel said. Who comes after it settles the rest
/// as after a crash.
const LAST_TRIES: u32 = 3;

/// What the channel said of messages of a queue.
type Outcomes = Vec<(MessageId, Outcome)>;

#[derive(Debug)]
enum State {
    Idle,
    Recovering,
    Claiming(i16, usize),
    Starting(HeldQueue, i16, Vec<Claimed>),
    Delivering(HeldQueue, i16, Vec<Claimed>),
    Finishing(HeldQueue, Outcomes),
    Resting,
    Left,
}

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    channel: Channel,
    /// Its number among those of its channel.
    nth: usize,
    state: State,
    /// Outcomes that could not be written yet: they must be, for nobody else knows them.
    unwritten: Vec<(HeldQueue, Outcomes)>,
    /// What has to be put in order, because nobody knows whether a transaction of the lane's stands.
    to_recover: Option<(HeldQueue, Whose)>,
    last_tries: u32,
    pub(super) finished: u64,
}

impl Lane {
    pub(super) fn new(channel: Channel, nth: usize) -> Self {
        Self {
            channel,
            nth,
            state: State::Idle,
            unwritten: Vec::new(),
            to_recover: None,
            last_tries: 0,
            finished: 0,
        }
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel
    }

    pub(super) fn has_left(&self) -> bool {
        matches!(self.state, State::Left)
    }

    pub(super) fn next(&mut self, shared: &mut Shared, answer: Answer, clock: Clock) -> Option<Ask> {
        let state = std::mem::replace(&mut self.state, State::Idle);
        let ask = match (state, answer) {
            (State::Left, _) => None,
            (state, Answer::Failed(fault)) => Some(self.failed(shared, state, fault)),
            (State::Recovering, Answer::Recovered) => {
                if let Some((_, Whose::These { messages, .. })) = self.to_recover.take() {
                    shared.lines.release(self.channel, messages);
                }
                self.round(shared, clock)
            }
            (State::Claiming(line, limit), Answer::Claimed(claimed)) => {
                let all = claimed.len() < limit;
                if !claimed.is_empty() {
                    shared.wake.push(self.channel);
                }
                shared.lines.found(line, claimed, all, clock.machine + shared.limits.patience);
                self.round(shared, clock)
            }
            (State::Starting(queue, line, group), Answer::Started(Some(started))) => {
                self.started(shared, (queue, line), group, &started.started, clock)
            }
            (State::Delivering(queue, line, group), Answer::Delivered(said)) => {
                let outcomes = self.heard(shared, line, &group, said, clock);
                Some(self.finish(queue, outcomes, clock))
            }
            (State::Finishing(_, outcomes), Answer::Finished(true)) => {
                self.finished += outcomes.len() as u64;
                shared.lines.release(self.channel, outcomes.into_iter().map(|(message, _)| message));
                self.round(shared, clock)
            }
            (State::Starting(queue, ..) | State::Finishing(queue, _), _) => {
                // What was under way is its new owner's to settle.
                shared.lose(queue);
                self.round(shared, clock)
            }
            (State::Resting, Answer::Rested { rung }) => {
                if rung {
                    shared.lines.rung(shared.limits.pace);
                }
                self.round(shared, clock)
            }
            _ => self.round(shared, clock),
        };
        if ask.is_none() {
            self.state = State::Left;
        }
        ask
    }

    fn round(&mut self, shared: &mut Shared, clock: Clock) -> Option<Ask> {
        self.unwritten.retain(|(queue, _)| shared.held.contains(queue));
        if let Some((queue, outcomes)) = self.unwritten.pop() {
            return Some(self.finish(queue, outcomes, clock));
        }
        self.to_recover.take_if(|(queue, _)| !shared.held.contains(queue));
        if let Some((queue, whose)) = self.to_recover.clone() {
            self.state = State::Recovering;
            return Some(Ask::Recover(queue, whose));
        }
        if shared.leaving {
            return None;
        }
        let queue = shared.held.iter().find(|queue| queue.channel == self.channel).copied();
        let Some(queue) = queue.filter(|_| !shared.is_stale(clock)) else {
            return Some(self.rest(shared.limits.patience));
        };
        Some(self.go(shared, queue, clock))
    }

    fn rest(&mut self, patience: Duration) -> Ask {
        self.state = State::Resting;
        Ask::Rest(patience)
    }

    /// Starts a group of what is claimed and may go; else looks for more.
    fn go(&mut self, shared: &mut Shared, queue: HeldQueue, clock: Clock) -> Ask {
        let now = clock.machine;
        // One lane is kept for what goes first, however slow the rest is.
        let first_alone = self.nth == 0 && shared.limits.lanes > 1;
        let mut again = now + shared.limits.patience;
        for line in shared.lines.ready(self.channel, first_alone) {
            match may_go(shared, line, now) {
                Ok(free) => return self.start(shared, queue, line, free, clock),
                Err(later) => again = again.min(later),
            }
        }
        for line in shared.lines.worth(self.channel, first_alone, now) {
            match may_go(shared, line, now) {
                Ok(free) => {
                    let low = shared.lines.look(line, now);
                    let limit = shared.limits.claim.min(free).max(1);
                    self.state = State::Claiming(line, limit);
                    return Ask::Claim { queue, line, low, limit, now: clock.shop };
                }
                Err(later) => again = again.min(later),
            }
        }
        again = shared.lines.next_look(self.channel, first_alone, now).map_or(again, |at| again.min(at));
        self.rest(again.saturating_sub(now).max(Duration::from_millis(1)))
    }

    /// The next group of what is claimed: no more than may leave now, nor than the lane's share of the connections.
    fn start(&mut self, shared: &mut Shared, queue: HeldQueue, line: i16, free: usize, clock: Clock) -> Ask {
        let limits = shared.limits;
        let (host, connections) = shared.lines.host(line).unwrap_or_else(|| ("".into(), 1));
        let share = (connections / limits.lanes.max(1)).max(1);
        let group = shared.lines.next(line, free.min(limits.group.max(1)).min(share));
        shared.lines.take(line, group.len(), clock.machine);
        shared.hosts.take(&host, group.len(), clock.machine);
        self.state = State::Starting(queue, line, group.clone());
        Ask::Start { queue, messages: group, now: clock.shop }
    }

    /// They may leave now, unless so much time has gone by that the queue may be another's already.
    fn started(
        &mut self,
        shared: &mut Shared,
        (queue, line): (HeldQueue, i16),
        group: Vec<Claimed>,
        started: &[MessageId],
        clock: Clock,
    ) -> Option<Ask> {
        let (group, stays): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|message| started.contains(&message.message.message));
        shared.lines.release(self.channel, stays.into_iter().map(|message| message.message.message));
        if group.is_empty() {
            lost(shared, line);
            return self.round(shared, clock);
        }
        if shared.is_stale(clock) || !shared.held.contains(&queue) {
            lost(shared, line);
            let again = |message: Claimed| {
                let reason = "the lease ran out before it left".to_owned();
                (message.message.message, Outcome::Retry { at: clock.shop, reason })
            };
            return Some(self.finish(queue, group.into_iter().map(again).collect(), clock));
        }
        self.state = State::Delivering(queue, line, group.clone());
        Some(Ask::Deliver(group))
    }

    fn finish(&mut self, queue: HeldQueue, outcomes: Outcomes, clock: Clock) -> Ask {
        self.state = State::Finishing(queue, outcomes.clone());
        Ask::Finish { queue, outcomes, now: clock.shop }
    }

    /// What follows for each message, and for their host.
    fn heard(
        &mut self,
        shared: &mut Shared,
        line: i16,
        group: &[Claimed],
        said: Vec<(MessageId, Said)>,
        clock: Clock,
    ) -> Outcomes {
        let host = shared.lines.host(line).map(|(host, _)| host);
        let on_unknown = shared.limits.on_unknown;
        let mut outcomes = Vec::with_capacity(said.len());
        for (id, said) in said {
            let Some(claimed) = group.iter().find(|claimed| claimed.message.message == id) else { continue };
            let verdict = match said {
                Said::Inbox => {
                    outcomes.push((id, Outcome::Accepted { provider_id: None, inbox: true }));
                    continue;
                }
                Said::Answered(answer) => {
                    outcomes.push((id, Outcome::Answered { answer }));
                    continue;
                }
                Said::Channel(verdict) => verdict,
            };
            if let Some(host) = &host {
                let trouble = matches!(verdict, Verdict::Retry { host: true, .. });
                shared.hosts.heard(host, trouble, clock.machine);
            }
            // Chance as a hash: the same message, tried as often, draws the same.
            let attempt = (claimed.attempts + 1).to_string();
            let drawn = draw(claimed.message.person.0, &[&id.to_string(), "retry", &attempt]);
            outcomes.push((id, schedule::outcome(verdict, claimed, on_unknown, drawn, clock.shop)));
        }
        outcomes
    }

    fn failed(&mut self, shared: &mut Shared, state: State, fault: Fault) -> Ask {
        let ids = |group: Vec<Claimed>| group.into_iter().map(|claimed| claimed.message.message).collect();
        match state {
            // What the channel said is known here alone: it is written as soon as the database answers.
            State::Finishing(queue, outcomes) => self.keep(shared, queue, outcomes, fault),
            State::Claiming(line, _) => shared.lines.lost(line),
            // Nothing of these has left.
            State::Starting(queue, line, group) => {
                lost(shared, line);
                self.to_recover = Some((queue, Whose::These { messages: ids(group), unsent: true }));
            }
            // Some of these may have.
            State::Delivering(queue, line, group) => {
                lost(shared, line);
                self.to_recover = Some((queue, Whose::These { messages: ids(group), unsent: false }));
            }
            // Whoever takes the queue puts it in order.
            State::Recovering if shared.leaving => self.to_recover = None,
            _ => {}
        }
        self.rest(shared.limits.backoff)
    }

    /// Outcomes that could not be written. Refused ones are halved until the one at fault stands alone; nobody will ever
    /// know more of that one than that it may have left.
    fn keep(&mut self, shared: &Shared, queue: HeldQueue, mut outcomes: Outcomes, fault: Fault) {
        if shared.leaving {
            self.last_tries += 1;
            if self.last_tries >= LAST_TRIES {
                self.unwritten.clear();
                return;
            }
        }
        if fault != Fault::Refused {
            self.unwritten.push((queue, outcomes));
            return;
        }
        if let [(message, outcome)] = outcomes.as_slice() {
            let unknown = Outcome::Unknown { hold: true };
            if *outcome != unknown {
                self.unwritten.push((queue, vec![(*message, unknown)]));
            }
            return;
        }
        let half = outcomes.split_off(outcomes.len() / 2);
        self.unwritten.push((queue, half));
        self.unwritten.push((queue, outcomes));
    }
}

/// How many messages of a line may leave now; or when the next may.
fn may_go(shared: &mut Shared, line: i16, now: Duration) -> Result<usize, Duration> {
    let Some((host, _)) = shared.lines.host(line) else { return Err(now + shared.limits.patience) };
    let free = shared.lines.free(line, now).min(shared.hosts.free(&host, now));
    if free > 0 {
        return Ok(free);
    }
    Err(shared.lines.again(line, now).max(shared.hosts.again(&host, now)))
}

/// Nothing will be heard of messages of a line that were to leave.
fn lost(shared: &mut Shared, line: i16) {
    if let Some((host, _)) = shared.lines.host(line) {
        shared.hosts.lost(&host);
    }
}
