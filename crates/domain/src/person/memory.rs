//! What a person's state remembers of messages, of entries and of starts that are awaited: lists, each with its limit, so
//! that the state as a whole never outgrows its row.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::stored::size;
use super::{Entry, Hot};
use crate::digest::first_128;
use crate::plan::Channel;
use crate::value::{Span, Value};
use crate::{EventId, MessageId, ShopTime};

/// How many messages caps and the minimum gap remember. Of more, what is no marketing gives way first, since no policy
/// counts it; then the oldest.
pub const SENT: usize = 500;
/// How many messages on their way one person may have; of more, the oldest can't be called off any longer.
pub const UNDERWAY: usize = 40;
/// How many remembered entries one person may have; further ones are refused, since forgetting one would send twice.
pub const ENTERED: usize = 500;
/// How many starts may wait for silence at once.
pub const PENDING: usize = 50;
/// How large they may be together as they are stored, bytes.
pub const PENDING_BYTES: usize = 9 * 1024;

/// Of how many messages clicks may be provisional at once.
pub const CLICKS: usize = 5;
/// How many links of one message nobody follows by hand while the first click is provisional.
pub const BURST: usize = 3;
/// How much of a click's target is kept, bytes.
pub const URL_BYTES: usize = 256;
/// For how many journeys one person may be watched.
pub const WATCHED: usize = 100;
/// How many dead addresses of one person are remembered; the oldest give way.
pub const DEAD: usize = 10;

/// How many events that runs wait or end for are remembered, of each name and in all; the oldest give way.
pub const MET_OF_NAME: usize = 6;
/// See [`MET_OF_NAME`].
pub const MET: usize = 16;
/// How large they may be together as they are stored, bytes.
pub const MET_BYTES: usize = 1_536;
/// How large one may be; of a larger one its lists and records are left out, then its properties.
const MET_ONE: usize = 400;

/// A name as it is remembered: 64 bits of the hash of its parts.
pub type Mark = [u8; 8];

/// The mark of a name.
pub fn mark(parts: &[&str]) -> Mark {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    ((first_128(&parts) >> 64) as u64).to_be_bytes()
}

/// A message that was queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// When.
    pub at: ShopTime,
    /// By which channel.
    pub channel: Channel,
    /// The mark of its journey.
    pub journey: Mark,
    /// Whether it was marketing.
    pub marketing: bool,
}

/// A marketing message of which nobody has reported yet what became of it: an unsubscribe calls it off, even after its run
/// is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Underway {
    /// Which.
    pub message: MessageId,
    /// By which channel.
    pub channel: Channel,
    /// On which topic.
    pub topic: Option<Arc<str>>,
}

/// An entry that is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entered {
    /// The mark of journey and key.
    pub of: Mark,
    /// When, last.
    pub at: ShopTime,
    /// How long it bars the next one; `None` for ever.
    pub bars: Option<Span>,
}

/// A start that waits for silence (`idle`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Of which journey.
    pub journey: Arc<str>,
    /// Its key.
    pub key: Option<Arc<str>>,
    /// The last event that matched, as the run's entry.
    pub entry: Entry,
    /// The last event of the kind, matching or not: silence runs from it.
    pub since: ShopTime,
    /// When the silence is over.
    pub due: ShopTime,
}

/// Links of a message that were followed a moment ago: by a human, unless something says otherwise in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Click {
    /// Of which message.
    pub message: MessageId,
    /// The first of the events that told.
    pub event: EventId,
    /// When that was.
    pub at: ShopTime,
    /// When it is decided.
    pub due: ShopTime,
    /// Which links, each once, in the order in which they were followed; of more than [`BURST`] the first.
    pub links: Vec<u16>,
    /// Where the first leads, at most [`URL_BYTES`].
    pub url: Arc<str>,
    /// The link that no human sees was followed too.
    pub trapped: bool,
}

impl Click {
    /// A first click.
    pub fn new(
        message: MessageId,
        event: EventId,
        at: ShopTime,
        due: ShopTime,
        link: u16,
        url: &str,
    ) -> Self {
        let url = &url[..url.floor_char_boundary(URL_BYTES)];
        Self { message, event, at, due, links: vec![link], url: url.into(), trapped: false }
    }
}

/// What was seen of a person that is watched for a journey to begin on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// What, as [`crate::plan::Plans::watches`] names it.
    pub of: Mark,
    /// Of a segment: whether they were in it.
    pub inside: bool,
    /// When it is looked at again though nothing happens: a date, a moment of the calendar, or when time alone may change who
    /// is in the segment.
    pub due: Option<ShopTime>,
}

/// What there was no room for when two people became one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spilt {
    /// The journeys of starts that are awaited no longer.
    pub(crate) pending: Vec<Arc<str>>,
    /// How many remembered entries are forgotten.
    pub(crate) entered: usize,
}

impl Entered {
    /// Whether it bars an entry at `moment`.
    pub(crate) fn bars_at(&self, moment: ShopTime, zone: &TimeZone) -> bool {
        !self.is_over(moment, zone)
    }

    fn is_over(&self, now: ShopTime, zone: &TimeZone) -> bool {
        self.bars.is_some_and(|span| span.after(self.at, zone) <= now)
    }
}

impl Hot {
    /// Remembers a message; those of `forgotten` and before are of interest to no cap.
    pub fn remember_sent(&mut self, sent: Sent, forgotten: ShopTime) {
        self.sent.retain(|known| known.at > forgotten);
        if self.sent.len() >= SENT {
            let spare = self.sent.iter().position(|known| !known.marketing).unwrap_or(0);
            self.sent.remove(spare);
        }
        self.sent.push(sent);
    }

    /// Remembers a message as long as it is on its way.
    pub fn remember_underway(&mut self, message: Underway) {
        if self.underway.len() >= UNDERWAY {
            self.underway.remove(0);
        }
        self.underway.push(message);
    }

    /// Remembers a click, with others of its message that are still provisional; false where there is no room.
    pub fn remember_click(&mut self, click: Click, trap: bool) -> bool {
        if let Some(known) = self.clicks.iter_mut().find(|known| known.message == click.message) {
            known.trapped |= trap;
            let new = click.links.into_iter().filter(|_| !trap).filter(|link| !known.links.contains(link));
            let new: Vec<u16> = new.take(BURST.saturating_sub(known.links.len())).collect();
            known.links.extend(new);
            return true;
        }
        let room = self.clicks.len() < CLICKS;
        if room {
            self.clicks.push(Click { trapped: trap, ..click });
        }
        room
    }

    /// Remembers that an address is dead.
    pub fn remember_dead(&mut self, channel: Channel, address: Mark) {
        if self.dead.contains(&(channel, address)) {
            return;
        }
        if self.dead.len() >= DEAD {
            self.dead.remove(0);
        }
        self.dead.push((channel, address));
    }

    /// Remembers an event that a journey's goal, exit or wait may be about: should somebody else turn out to be the same
    /// person, their runs hear of it. Those of `forgotten` and before concern no run any more.
    pub fn remember_met(&mut self, mut met: Entry, forgotten: ShopTime) {
        if met.at <= forgotten {
            return;
        }
        if size(&met) > MET_ONE
            && let Value::Record(properties) = &met.properties
        {
            let short = |value: &Value| !matches!(value, Value::List(_) | Value::Record(_));
            let short = properties.iter().filter(|(_, value)| short(value)).cloned();
            met.properties = Value::Record(short.collect());
        }
        if size(&met) > MET_ONE {
            met.properties = Value::Missing;
        }
        self.met.retain(|known| known.at > forgotten && known.event != met.event);
        self.met.push(met);
        self.bound_met();
    }

    /// In the order in which they happened, within the limits.
    fn bound_met(&mut self) {
        self.met.sort_by_key(|met| (met.at, met.event));
        let mut nth = self.met.len();
        let mut bytes = 0;
        let mut kept: Vec<Arc<str>> = Vec::new();
        while nth > 0 {
            nth -= 1;
            let Some(met) = self.met.get(nth) else { continue };
            let of_name = kept.iter().filter(|name| **name == met.name).count();
            let larger = bytes + size(met);
            if kept.len() < MET && of_name < MET_OF_NAME && larger <= MET_BYTES {
                bytes = larger;
                kept.push(met.name.clone());
            } else {
                self.met.remove(nth);
            }
        }
    }

    /// Takes over what is remembered of the same person under another id. Answers with what there was no room for: starts
    /// that are awaited no longer, and how many remembered entries are forgotten.
    pub(crate) fn merge(&mut self, other: Self, now: ShopTime, zone: &TimeZone) -> Spilt {
        let Self { zone: _, first_seen, last_seen, session, carts, consents, .. } = &other;
        let newer = *last_seen > self.last_seen;
        self.first_seen = self.first_seen.into_iter().chain(*first_seen).min();
        self.last_seen = self.last_seen.max(*last_seen);
        self.session.merge(session);
        self.carts.merge(carts);
        self.consents.merge(consents);
        self.locale = match (self.locale.take(), other.locale) {
            (Some(ours), Some(theirs)) => Some(if newer { theirs } else { ours }),
            (ours, theirs) => ours.or(theirs),
        };
        self.sent.extend(other.sent);
        self.sent.sort_by(|a, b| {
            let rank = |sent: &Sent| (sent.at, sent.marketing, sent.journey, sent.channel);
            rank(a).cmp(&rank(b))
        });
        while self.sent.len() > SENT {
            let spare = self.sent.iter().position(|known| !known.marketing).unwrap_or(0);
            self.sent.remove(spare);
        }
        for message in other.underway {
            self.remember_underway(message);
        }
        self.met.extend(other.met);
        self.bound_met();
        let mut spilt = Spilt::default();
        for theirs in other.entered {
            match self.entered.iter_mut().find(|known| known.of == theirs.of) {
                Some(ours) => {
                    let for_ever = ours.bars.is_none() || theirs.bars.is_none();
                    let bars = if theirs.at > ours.at { theirs.bars } else { ours.bars };
                    *ours =
                        Entered { of: ours.of, at: ours.at.max(theirs.at), bars: bars.filter(|_| !for_ever) };
                }
                None => self.entered.push(theirs),
            }
        }
        if self.entered.len() > ENTERED {
            self.entered.retain(|known| !known.is_over(now, zone));
            // What bars for ever stays longest.
            self.entered.sort_by_key(|known| (known.bars.is_none(), known.at, known.of));
            spilt.entered = self.entered.len().saturating_sub(ENTERED);
            self.entered.drain(..spilt.entered);
        }
        for click in other.clicks {
            if self.clicks.len() < CLICKS {
                self.clicks.push(click);
            }
        }
        for theirs in other.watched {
            match self.watched.iter_mut().find(|known| known.of == theirs.of) {
                // Who was in it under either id was in it.
                Some(ours) => ours.inside |= theirs.inside,
                None => self.watched.push(theirs),
            }
        }
        for (channel, address) in other.dead {
            self.remember_dead(channel, address);
        }
        for theirs in other.pending {
            let same = |known: &&Pending| known.journey == theirs.journey && known.key == theirs.key;
            let awaited = match self.pending.iter().find(same) {
                Some(ours) => Pending {
                    entry: if theirs.entry.at > ours.entry.at { theirs.entry } else { ours.entry.clone() },
                    since: ours.since.max(theirs.since),
                    due: ours.due.max(theirs.due),
                    journey: theirs.journey,
                    key: theirs.key,
                },
                None => theirs,
            };
            let journey = awaited.journey.clone();
            if !self.await_start(awaited) {
                spilt.pending.push(journey);
            }
        }
        spilt
    }

    /// The remembered entry of that mark.
    pub fn entered(&self, of: Mark) -> Option<&Entered> {
        self.entered.iter().find(|entered| entered.of == of)
    }

    /// Whether one more entry could be remembered.
    pub fn may_enter(&self, now: ShopTime, zone: &TimeZone) -> bool {
        self.entered.len() < ENTERED || self.entered.iter().any(|entered| entered.is_over(now, zone))
    }

    /// Remembers an entry, for which there is room: see [`Hot::may_enter`].
    pub fn remember_entered(&mut self, entered: Entered, zone: &TimeZone) {
        if let Some(known) = self.entered.iter_mut().find(|known| known.of == entered.of) {
            *known = entered;
            return;
        }
        if self.entered.len() >= ENTERED {
            self.entered.retain(|known| !known.is_over(entered.at, zone));
        }
        self.entered.push(entered);
    }

    /// Awaits a start, or goes on awaiting it with another entry; false where there is no room.
    pub fn await_start(&mut self, start: Pending) -> bool {
        let same = |known: &Pending| known.journey == start.journey && known.key == start.key;
        let nth = self.pending.iter().position(same);
        let others = self.pending.iter().enumerate().filter(|(other, _)| Some(*other) != nth);
        let bytes: usize = others.map(|(_, pending)| size(pending)).sum();
        if bytes + size(&start) > PENDING_BYTES || (nth.is_none() && self.pending.len() >= PENDING) {
            return false;
        }
        match nth {
            Some(nth) => self.pending[nth] = start,
            None => self.pending.push(start),
        }
        true
    }
}
