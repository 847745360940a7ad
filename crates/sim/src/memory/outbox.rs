//! Messages in memory: those on their way and those that are finished.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::call::{ANSWERED, answered};
use journeyman_domain::plan::Channel;
use journeyman_domain::row::{QueuedRow, StoredEvent};
use journeyman_domain::{EventId, Kind, MessageId, PersonId, SeenKey, ShopTime};
use journeyman_engine::machine::{Claimed, Fault, HeldQueue, Outcome, Started, Whose};

use super::lease::Lot;
use super::{Defect, Memory, Waiting};

/// How large what a first attempt fixed may be, bytes: what the schema says.
const CONTEXT_BYTES: usize = 8_192;
/// The first line that is a sender's; below are the channels' own.
const FIRST_LINE: i16 = 16;

/// The reason of a message whose address is suppressed.
const SUPPRESSED: &str = "suppressed";

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Waits in its queue.
    Queued,
    /// Its first byte may have left.
    Started,
    /// It may have left; nobody knows.
    Unknown,
    /// The channel took it.
    Accepted,
    /// The channel refused it for good.
    Rejected,
    /// Called off before it left.
    Cancelled,
    /// Its person is held out.
    Withheld,
}

/// A message with its state.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// What was queued.
    pub row: QueuedRow,
    /// Where it stands.
    pub state: MessageState,
    /// When it is finished.
    pub finished_at: Option<ShopTime>,
    /// How often it was started.
    pub attempts: u32,
    /// Under which deployment it was queued.
    pub deployment: i64,
    /// What its first attempt fixed.
    pub context: Option<String>,
    /// What the channel calls it.
    pub provider_id: Option<String>,
    /// Why it was refused, or is tried again.
    pub reason: Option<String>,
    /// Not before.
    pub not_before: Option<ShopTime>,
    line: i16,
    seq: i64,
}

impl Outgoing {
    /// Whether it stands in its line still.
    pub fn is_on_its_way(&self) -> bool {
        use MessageState::{Queued, Started, Unknown};
        matches!(self.state, Queued | Started | Unknown)
    }

    fn may_go(&self, now: ShopTime) -> bool {
        self.state == MessageState::Queued && self.not_before.is_none_or(|at| at <= now)
    }

    fn end(&mut self, state: MessageState, reason: Option<String>, now: ShopTime) {
        (self.state, self.reason, self.finished_at, self.not_before) = (state, reason, Some(now), None);
    }
}

/// All messages, by id.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// Each message once, whatever became of it.
    pub messages: BTreeMap<MessageId, Outgoing>,
    /// What arrived in the inbox, each time it did: a message twice in it was sent twice.
    pub inbox: Vec<MessageId>,
    pub(super) queues: Lot,
    /// The lines of senders.
    lines: BTreeMap<(Channel, Arc<str>), i16>,
    next_seq: i64,
}

impl Outbox {
    pub(super) fn new(queues: usize) -> Self {
        Self { queues: Lot::new(queues), ..Self::default() }
    }

    pub(super) fn is_on_its_way(&self, message: MessageId) -> bool {
        self.messages.get(&message).is_some_and(Outgoing::is_on_its_way)
    }

    pub(super) fn is_over(&self, message: MessageId) -> bool {
        self.messages.get(&message).is_some_and(|outgoing| !outgoing.is_on_its_way())
    }

    /// Sees to it that each of these senders has a line of the channel's.
    pub fn ensure_lines(&mut self, channel: Channel, senders: &[&str]) {
        for sender in senders.iter().collect::<BTreeSet<_>>() {
            let next = self.lines.values().max().map_or(FIRST_LINE, |last| last + 1);
            self.lines.entry((channel, (*sender).into())).or_insert(next);
        }
    }

    /// The lines of a channel: its own, then those of senders by the order in which they came.
    pub fn lines(&self, channel: Channel) -> Vec<(i16, Option<Arc<str>>)> {
        let senders = self.lines.iter().filter(|((of, _), _)| *of == channel);
        let senders = senders.map(|((_, sender), line)| (*line, Some(sender.clone())));
        let mut lines: Vec<_> = std::iter::once((channel.code(), None)).chain(senders).collect();
        lines.sort();
        lines
    }

    fn put(&mut self, row: QueuedRow, deployment: i64, state: MessageState, finished_at: Option<ShopTime>) {
        self.next_seq += 1;
        let line = row.sender.as_ref().and_then(|sender| self.lines.get(&(row.channel, sender.clone())));
        let outgoing = Outgoing {
            line: line.copied().unwrap_or_else(|| row.channel.code()),
            row,
            state,
            finished_at,
            attempts: 0,
            deployment,
            context: None,
            provider_id: None,
            reason: None,
            not_before: None,
            seq: self.next_seq,
        };
        self.messages.insert(outgoing.row.message, outgoing);
    }

    pub(super) fn queue(&mut self, rows: Vec<QueuedRow>, deployment: i64) {
        rows.into_iter().for_each(|row| self.put(row, deployment, MessageState::Queued, None));
    }

    pub(super) fn withhold(&mut self, rows: Vec<QueuedRow>, deployment: i64, now: ShopTime) {
        rows.into_iter().for_each(|row| self.put(row, deployment, MessageState::Withheld, Some(now)));
    }

    pub(super) fn cancel(&mut self, messages: &[MessageId], now: ShopTime) {
        for message in messages {
            let Some(outgoing) = self.messages.get_mut(message) else { continue };
            if outgoing.state == MessageState::Queued {
                let reason = outgoing.reason.take();
                outgoing.end(MessageState::Cancelled, reason, now);
            }
        }
    }

    fn holds(&self, held: HeldQueue) -> bool {
        let nth = usize::try_from(held.channel.code()).ok();
        nth.is_some_and(|nth| self.queues.is_held(nth, held.worker, held.epoch))
    }

    fn of_queue(&mut self, held: HeldQueue) -> impl Iterator<Item = &mut Outgoing> {
        self.messages.values_mut().filter(move |outgoing| outgoing.row.channel == held.channel)
    }
}

/// What a dispatcher does under the fence of its queue: `None` where that is another's now.
impl Memory {
    /// Puts right what was left behind. `holds`: whether what was started is held back as unknown, of marketing or of the
    /// rest. Answers how many wait again, and how many are unknown.
    pub fn recover(
        &mut self,
        held: HeldQueue,
        whose: &Whose,
        holds: impl Fn(bool) -> bool,
    ) -> Option<(u64, u64)> {
        let redelivers = self.defect == Some(Defect::Redelivers);
        if !self.outbox.holds(held) {
            return None;
        }
        let (mut queued, mut unknown) = (0, 0);
        for outgoing in self.outbox.of_queue(held) {
            let asked = match whose {
                Whose::All => true,
                Whose::These { messages, .. } => messages.contains(&outgoing.row.message),
            };
            let unsent = matches!(whose, Whose::These { unsent: true, .. });
            match outgoing.state {
                _ if !asked => {}
                MessageState::Started if !unsent && holds(outgoing.row.marketing) => {
                    outgoing.state = MessageState::Unknown;
                    unknown += 1;
                }
                MessageState::Started => {
                    outgoing.state = MessageState::Queued;
                    queued += 1;
                }
                MessageState::Accepted if redelivers && *whose == Whose::All => {
                    (outgoing.state, outgoing.finished_at) = (MessageState::Queued, None);
                }
                _ => {}
            }
        }
        Some((queued, unknown))
    }

    /// The next messages of a channel's line.
    pub fn claim(&self, channel: Channel, line: i16, low: i64, limit: usize, now: ShopTime) -> Vec<Claimed> {
        let waits = |outgoing: &&Outgoing| {
            outgoing.row.channel == channel
                && outgoing.line == line
                && outgoing.seq >= low
                && outgoing.may_go(now)
        };
        let mut waiting: Vec<&Outgoing> = self.outbox.messages.values().filter(waits).collect();
        waiting.sort_by_key(|outgoing| outgoing.seq);
        let claim = |outgoing: &Outgoing| Claimed {
            seq: outgoing.seq,
            line,
            attempts: outgoing.attempts,
            deployment: outgoing.deployment,
            context: outgoing.context.clone(),
            message: outgoing.row.clone(),
        };
        waiting.into_iter().take(limit).map(claim).collect()
    }

    /// The last check: what waits still, and is not suppressed, leaves now.
    ///
    /// # Errors
    /// [`Fault::Refused`] where a context is larger than may be.
    pub fn start(
        &mut self,
        held: HeldQueue,
        messages: &[(MessageId, String)],
        now: ShopTime,
    ) -> Result<Option<Started>, Fault> {
        if messages.is_empty() {
            return Ok(Some(Started::default()));
        }
        if !self.outbox.holds(held) {
            return Ok(None);
        }
        let mut started = Started::default();
        let (mut over, mut leave) = (Vec::new(), Vec::new());
        for (message, context) in messages {
            let Some(outgoing) = self.outbox.messages.get(message) else { continue };
            if outgoing.row.channel != held.channel || !outgoing.may_go(now) {
                continue;
            }
            if self.suppressions.stops(&outgoing.row) {
                over.push((*message, outgoing.row.person));
                continue;
            }
            if outgoing.context.is_none() && context.len() > CONTEXT_BYTES {
                return Err(Fault::Refused);
            }
            leave.push((*message, context));
        }
        for (message, context) in leave {
            let Some(outgoing) = self.outbox.messages.get_mut(&message) else { continue };
            outgoing.state = MessageState::Started;
            outgoing.attempts += 1;
            outgoing.context.get_or_insert_with(|| context.clone());
            started.started.push(message);
        }
        for (message, person) in over {
            let Some(outgoing) = self.outbox.messages.get_mut(&message) else { continue };
            outgoing.end(MessageState::Rejected, Some(SUPPRESSED.to_owned()), now);
            self.wait(Waiting { kind: 3, person, reference: message.0, received_at: now });
            started.suppressed.push(message);
        }
        Ok(Some(started))
    }

    /// Writes down what became of messages that were started; `false` where the queue is another's.
    pub fn finish(&mut self, held: HeldQueue, outcomes: Vec<(MessageId, Outcome)>, now: ShopTime) -> bool {
        let holds = self.outbox.holds(held);
        if holds {
            outcomes.into_iter().for_each(|(message, outcome)| self.finished(held, message, outcome, now));
        }
        holds
    }

    fn finished(&mut self, held: HeldQueue, message: MessageId, outcome: Outcome, now: ShopTime) {
        let Some(outgoing) = self.outbox.messages.get_mut(&message) else { return };
        if outgoing.state != MessageState::Started || outgoing.row.channel != held.channel {
            return;
        }
        let back = |outgoing: &mut Outgoing, state, at, reason| {
            (outgoing.state, outgoing.not_before, outgoing.reason) = (state, at, reason);
        };
        let mut answer = None;
        let (kind, delivered) = match outcome {
            Outcome::Answered { answer: said } => {
                outgoing.end(MessageState::Accepted, None, now);
                answer = Some(said);
                (2, false)
            }
            Outcome::Accepted { provider_id, inbox } => {
                outgoing.end(MessageState::Accepted, None, now);
                outgoing.provider_id = provider_id;
                (2, inbox)
            }
            Outcome::Rejected { reason } => {
                outgoing.end(MessageState::Rejected, Some(reason), now);
                (3, false)
            }
            Outcome::Retry { at, reason } => {
                // Kept to the microsecond.
                let at = ShopTime::from_microsecond(at.as_microsecond());
                return back(outgoing, MessageState::Queued, at, Some(reason));
            }
            Outcome::Unknown { hold: true } => return back(outgoing, MessageState::Unknown, None, None),
            Outcome::Unknown { hold: false } => return back(outgoing, MessageState::Queued, None, None),
        };
        let person = outgoing.row.person;
        if let Some(answer) = answer {
            self.answered(person, message, &answer, now);
        }
        if delivered {
            self.outbox.inbox.push(message);
        }
        self.wait(Waiting { kind, person, reference: message.0, received_at: now });
    }

    /// What a call was answered is an event of the person.
    fn answered(&mut self, person: PersonId, message: MessageId, answer: &str, now: ShopTime) {
        let event = StoredEvent {
            id: EventId::new(now, SeenKey::new("call", &message.0.to_string())),
            kind: Kind::Track,
            name: ANSWERED.into(),
            occurred_at: now,
            received_at: now,
            historical: false,
            payload: answered(message, answer),
        };
        self.receive(person, event);
    }

    /// Messages that are queued or started.
    pub fn unsent(&self) -> usize {
        let on_their_way = [MessageState::Queued, MessageState::Started];
        self.outbox.messages.values().filter(|outgoing| on_their_way.contains(&outgoing.state)).count()
    }

    /// Messages that arrived more than once.
    pub fn sent_twice(&self) -> Vec<MessageId> {
        let mut seen = BTreeSet::new();
        self.outbox.inbox.iter().filter(|message| !seen.insert(**message)).copied().collect()
    }
}
