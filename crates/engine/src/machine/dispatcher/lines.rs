//! The lines of the queues: which are worth looking at, and how fast they may go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;
use journeyman_store::outbox::Claimed;
use journeyman_store::queues::Queue as HeldQueue;

use super::pace::Pace;
use super::{Allowed, Line};
use crate::machine::marks::Mark;

/// What is known of the lines of all channels, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<i16, Known>);

#[derive(Debug)]
struct Known {
    line: Line,
    pace: Option<(Allowed, Pace)>,
    /// Claimed and not yet started, for whichever lane has time.
    claimed: VecDeque<Claimed>,
    /// What was claimed and of which nothing is written yet: it may be read again meanwhile.
    known: BTreeSet<MessageId>,
    /// A lane is claiming: one at a time.
    claiming: bool,
    /// Not worth looking at before, but for the bell.
    look_at: Duration,
    /// How often the bell was rung since it is being looked at.
    rung: bool,
    looked_at: Duration,
    mark: Option<Mark<i64>>,
}

impl Lines {
    /// Queues that were just taken: of how fast their last owner has been nothing is known.
    pub(super) fn forget(&mut self, queues: &[HeldQueue]) {
        self.0.retain(|_, known| !queues.iter().any(|queue| queue.channel == known.line.channel));
    }

    /// The lines as they are now.
    pub(super) fn learn(&mut self, lines: &[Line], now: Duration) {
        for line in lines {
            let known = self.0.entry(line.line).or_insert_with(|| Known {
                line: line.clone(),
                pace: None,
                claimed: VecDeque::new(),
                known: BTreeSet::new(),
                claiming: false,
                look_at: now,
                rung: false,
                looked_at: Duration::ZERO,
                mark: None,
            });
            // A rate that is given for the first time, or changed, begins with a pause.
            if known.pace.as_ref().map(|(allowed, _)| *allowed) != line.allowed {
                known.pace = line.allowed.map(|allowed| (allowed, Pace::new(allowed, now)));
            }
            known.line = line.clone();
        }
    }

    /// Somebody queued something: all are worth a look, `pace` after the last.
    pub(super) fn rung(&mut self, pace: Duration) {
        for known in self.0.values_mut() {
            (known.look_at, known.rung) = (known.look_at.min(known.looked_at + pace), true);
        }
    }

    /// A line is being looked at, from the mark that is answered.
    pub(super) fn look(&mut self, line: i16, now: Duration) -> i64 {
        let Some(known) = self.0.get_mut(&line) else { return 0 };
        (known.claiming, known.rung, known.looked_at) = (true, false, now);
        Mark::low(&mut known.mark, 0, now)
    }

    /// What was found there; `all` that waits: then it is looked at again later, unless the bell was rung meanwhile.
    pub(super) fn found(&mut self, line: i16, claimed: Vec<Claimed>, all: bool, again: Duration) {
        let Some(known) = self.0.get_mut(&line) else { return };
        known.claiming = false;
        if let (Some(mark), Some(last)) = (&mut known.mark, claimed.last()) {
            mark.dealt(last.seq + 1);
        }
        let new = claimed.into_iter().filter(|claimed| known.known.insert(claimed.message.message));
        known.claimed.extend(new);
        if all && !known.rung {
            known.look_at = again;
        }
    }

    /// Nobody knows what is there.
    pub(super) fn lost(&mut self, line: i16) {
        if let Some(known) = self.0.get_mut(&line) {
            known.claiming = false;
        }
    }

    /// What became of these stands written; where they wait again they may be claimed again.
    pub(super) fn release(&mut self, channel: Channel, messages: impl IntoIterator<Item = MessageId>) {
        let messages: Vec<MessageId> = messages.into_iter().collect();
        for known in self.0.values_mut().filter(|known| known.line.channel == channel) {
            for message in &messages {
                known.known.remove(message);
            }
        }
    }

    /// The next of what is claimed, at most so many.
    pub(super) fn next(&mut self, line: i16, most: usize) -> Vec<Claimed> {
        let Some(known) = self.0.get_mut(&line) else { return Vec::new() };
        let count = known.claimed.len().min(most);
        known.claimed.drain(..count).collect()
    }

    /// How many messages of a line may leave now.
    pub(super) fn free(&mut self, line: i16, now: Duration) -> usize {
        let pace = self.0.get_mut(&line).and_then(|known| known.pace.as_mut());
        pace.map_or(usize::MAX, |(_, pace)| pace.free(now))
    }

    /// So many leave.
    pub(super) fn take(&mut self, line: i16, count: usize, now: Duration) {
        if let Some((_, pace)) = self.0.get_mut(&line).and_then(|known| known.pace.as_mut()) {
            pace.take(count, now);
        }
    }

    /// When a line's rate lets the next one go.
    pub(super) fn again(&self, line: i16, now: Duration) -> Duration {
        let pace = self.0.get(&line).and_then(|known| known.pace.as_ref());
        pace.map_or(now, |(_, pace)| pace.again(now))
    }

    /// The host of a line, and its connections.
    pub(super) fn host(&self, line: i16) -> Option<(Arc<str>, usize)> {
        self.0.get(&line).map(|known| (known.line.host.clone(), known.line.connections))
    }

    /// The lines of a channel, what goes first before others, then who was not looked at the longest. `first_alone`: only
    /// those that go first, where there are any.
    fn of(&self, channel: Channel, first_alone: bool) -> Vec<i16> {
        let of_channel = || self.0.iter().filter(|(_, known)| known.line.channel == channel);
        let reserved = first_alone && of_channel().any(|(_, known)| known.line.first);
        let lines = of_channel().filter(|(_, known)| known.line.first || !reserved);
        let mut lines: Vec<(bool, Duration, i16)> =
            lines.map(|(line, known)| (!known.line.first, known.looked_at, *line)).collect();
        lines.sort_unstable();
        lines.into_iter().map(|(.., line)| line).collect()
    }

    /// Those of which something is claimed.
    pub(super) fn ready(&self, channel: Channel, first_alone: bool) -> Vec<i16> {
        let mut lines = self.of(channel, first_alone);
        lines.retain(|line| self.0.get(line).is_some_and(|known| !known.claimed.is_empty()));
        lines
    }

    /// Those that are worth a look.
    pub(super) fn worth(&self, channel: Channel, first_alone: bool, now: Duration) -> Vec<i16> {
        let mut lines = self.of(channel, first_alone);
        let worth = |known: &Known| !known.claiming && known.claimed.is_empty() && known.look_at <= now;
        lines.retain(|line| self.0.get(line).is_some_and(worth));
        lines
    }

    /// When the next of those that are not worth a look yet will be.
    pub(super) fn next_look(&self, channel: Channel, first_alone: bool, now: Duration) -> Option<Duration> {
        let lines = self.of(channel, first_alone).into_iter().filter_map(|line| self.0.get(&line));
        lines.filter(|known| !known.claiming).map(|known| known.look_at).filter(|at| *at > now).min()
    }
}
