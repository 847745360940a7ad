//! A dispatcher: leases the channels' queues of the outbox and sends, group by group, what waits in their lines. It knows no
//! rules; what the actor queued and did not call off leaves.
//!
//! It has several parts, each of which asks one thing at a time: one that leases, and for each channel some lanes that
//! send. So a slow host holds up the lanes of its own channel alone, and while one lane's messages are on the wire the
//! next commits. What they share (what is held, rates, breakers) is in memory, since one dispatcher owns a queue.

mod breaker;
mod hosts;
mod lane;
mod lines;
mod pace;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use journeyman_channels::{Reason, Verdict};
use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, ShopTime};
use journeyman_store::outbox::{Claimed, Outcome, Started, Whose};
use journeyman_store::queues::Queue as HeldQueue;
use uuid::Uuid;

use self::hosts::Hosts;
use self::lane::Lane;
use self::lines::Lines;
use super::{Clock, Fault};

pub use pace::Allowed;
pub use schedule::OnUnknown;

/// What a part asks of its driver. Each is a transaction of its own.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Renew the queues held and take a fair share of those that are free; and say which lines they have.
    Lease {
        /// Who asks.
        worker: Uuid,
    },
    /// Give up all queues.
    Release {
        /// Who leaves.
        worker: Uuid,
    },
    /// What is started and not finished is settled.
    Recover(HeldQueue, Whose),
    /// The next messages of a line, which from then on stand in the dispatcher's memory alone.
    Claim {
        /// Of which queue.
        queue: HeldQueue,
        /// Which line.
        line: i16,
        /// The low-water mark: below it nothing is known to wait.
        low: i64,
        /// At most so many.
        limit: usize,
        /// Not those that are to be tried again later than this.
        now: ShopTime,
    },
    /// Make them ready and commit `started`, just before the first byte; the last check. What was called off meanwhile, or
    /// may not be written to any more, does not come back.
    Start {
        /// Of which queue.
        queue: HeldQueue,
        /// Which. Those without a context get one.
        messages: Vec<Claimed>,
        /// When.
        now: ShopTime,
    },
    /// Hand them to the channel.
    Deliver(Vec<Claimed>),
    /// What became of them.
    Finish {
        /// Of which queue.
        queue: HeldQueue,
        /// Each message once.
        outcomes: Vec<(MessageId, Outcome)>,
        /// When.
        now: ShopTime,
    },
    /// Nothing to do: until somebody queues, or so long.
    Rest(Duration),
}

/// What the driver answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The part has just begun.
    Start,
    /// What is held now, and the lines of each.
    Leased(Vec<HeldQueue>, Vec<Line>),
    /// Nothing is held any more.
    Released,
    /// The queue is as its last owner should have left it.
    Recovered,
    /// The next messages.
    Claimed(Vec<Claimed>),
    /// Those that are started; `None` where the queue is another's now.
    Started(Option<Started>),
    /// What the channel said.
    Delivered(Vec<(MessageId, Said)>),
    /// It stands; `false` where the queue is another's now, and nothing was written.
    Finished(bool),
    /// Rested. `rung`: somebody queued something, which was told to none of the parts yet.
    Rested {
        /// Whether the bell was rung.
        rung: bool,
    },
    /// The request failed; of what was to be committed nobody knows.
    Failed(Fault),
}

/// What became of a message that was handed on.
#[derive(Clone, Debug)]
pub enum Said {
    /// The inbox takes it: its row commits with `accepted`.
    Inbox,
    /// A channel's word.
    Channel(Verdict),
    /// What a call was answered.
    Answered(String),
}

impl Said {
    /// It can never leave.
    pub fn never(why: &str) -> Self {
        let (reason, detail) = (Reason::Unsendable, why.to_owned());
        Self::Channel(Verdict::Rejected { reason, detail, suppress: false })
    }
}

/// A line of a queue: the messages of one sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Of which channel.
    pub channel: Channel,
    /// Its number in the outbox.
    pub line: i16,
    /// Whether it goes before others: what people have a right to hear does not wait for what they might like.
    pub first: bool,
    /// The sender's rate.
    pub allowed: Option<Allowed>,
    /// The host it leaves by.
    pub host: Arc<str>,
    /// That host's rate.
    pub host_allowed: Option<Allowed>,
    /// How many connections that host has: no more of its messages are under way.
    pub connections: usize,
}

impl Line {
    /// A line that leads to the inbox, as fast as it can.
    pub fn to_inbox(channel: Channel, line: i16) -> Self {
        let host = channel.name().into();
        Self { channel, line, first: false, allowed: None, host, host_allowed: None, connections: 2_000 }
    }
}

/// What a dispatcher allows itself.
#[derive(Clone, Copy, Debug)]
pub struct DispatcherLimits {
    /// Messages claimed at once.
    pub claim: usize,
    /// Messages that a lane has under way at once; never more than its share of the open connections.
    pub group: usize,
    /// Lanes of each channel.
    pub lanes: usize,
    /// The channels that it sends by.
    pub channels: &'static [Channel],
    /// How often leases are renewed.
    pub renew: Duration,
    /// How long a lease surely holds from when it was asked for: nothing is handed to a channel after that.
    pub lease: Duration,
    /// How long it rests at most while nobody says that something was queued.
    pub patience: Duration,
    /// How far apart a line is looked at that the bell is rung for: what comes meanwhile leaves together.
    pub pace: Duration,
    /// How long it waits after a failure.
    pub backoff: Duration,
    /// What becomes of messages of which nobody knows whether they have left.
    pub on_unknown: OnUnknown,
}

impl Default for DispatcherLimits {
    fn default() -> Self {
        Self {
            claim: 500,
            group: 500,
            lanes: 4,
            channels: &Channel::ALL,
            renew: Duration::from_secs(2),
            lease: Duration::from_secs(5),
            patience: Duration::from_millis(250),
            pace: Duration::from_millis(4),
            backoff: Duration::from_millis(200),
            on_unknown: OnUnknown::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Leasing {
    Idle,
    Asked(Duration),
    Recovering(HeldQueue),
    Resting,
    Leaving,
    Left,
}

/// What the parts share.
struct Shared {
    id: Uuid,
    limits: DispatcherLimits,
    /// What is held and in order.
    held: Vec<HeldQueue>,
    /// When the lease that stands was asked for.
    leased_at: Option<Duration>,
    lines: Lines,
    hosts: Hosts,
    leaving: bool,
    /// Channels whose lanes have something to do that they don't know of.
    wake: Vec<Channel>,
}

impl Shared {
    fn age(&self, clock: Clock) -> Option<Duration> {
        self.leased_at.map(|at| clock.machine.saturating_sub(at))
    }

    /// Whether what is held may be anybody's by now.
    fn is_stale(&self, clock: Clock) -> bool {
        self.age(clock).is_none_or(|age| age >= self.limits.lease)
    }

    /// Somebody else has the queue.
    fn lose(&mut self, queue: HeldQueue) {
        self.held.retain(|held| *held != queue);
        self.lines.forget(&[queue]);
        self.leased_at = None;
    }
}

/// A dispatcher without IO.
pub struct Dispatcher {
    shared: Shared,
    leasing: Leasing,
    /// Queues taken over and not yet put in order.
    to_recover: Vec<HeldQueue>,
    lanes: Vec<Lane>,
}

impl Dispatcher {
    /// A dispatcher of that name, which is used once: after a restart it is another.
    pub fn new(id: Uuid, limits: DispatcherLimits) -> Self {
        let of = |channel: &Channel| {
            let channel = *channel;
            (0..limits.lanes.max(1)).map(move |nth| Lane::new(channel, nth))
        };
        let lanes = limits.channels.iter().flat_map(of);
        let lanes = lanes.collect();
        let shared = Shared {
            id,
            limits,
            held: Vec::new(),
            leased_at: None,
            lines: Lines::default(),
            hosts: Hosts::default(),
            leaving: false,
            wake: Vec::new(),
        };
        Self { shared, leasing: Leasing::Idle, to_recover: Vec::new(), lanes }
    }

    /// How many parts it has: the first leases, the others send.
    pub fn parts(&self) -> usize {
        self.lanes.len() + 1
    }

    /// The channel that a part sends by; none of the one that leases.
    pub fn channel(&self, part: usize) -> Option<Channel> {
        self.lanes.get(part.checked_sub(1)?).map(Lane::channel)
    }

    /// Channels whose resting parts are to be woken, since another part has found something for them.
    pub fn to_wake(&mut self) -> Vec<Channel> {
        std::mem::take(&mut self.shared.wake)
    }

    /// Asks it to leave: its parts end what they do, and answer `None` one after another.
    pub fn leave(&mut self) {
        self.shared.leaving = true;
    }

    /// Messages finished so far.
    pub fn finished(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.finished).sum()
    }

    /// The next request of a part, which has just been answered; `None` when it has left.
    pub fn next(&mut self, part: usize, answer: Answer, clock: Clock) -> Option<Ask> {
        match part.checked_sub(1) {
            None => self.lease(answer, clock),
            Some(lane) => self.lanes.get_mut(lane)?.next(&mut self.shared, answer, clock),
        }
    }

    fn lease(&mut self, answer: Answer, clock: Clock) -> Option<Ask> {
        match (std::mem::replace(&mut self.leasing, Leasing::Idle), answer) {
            (Leasing::Left | Leasing::Leaving, _) => {
                self.leasing = Leasing::Left;
                return None;
            }
            (Leasing::Asked(at), Answer::Leased(held, lines)) => {
                self.to_recover.retain(|queue| held.contains(queue));
                self.shared.held.retain(|queue| held.contains(queue));
                let known = [self.shared.held.as_slice(), self.to_recover.as_slice()].concat();
                let new: Vec<HeldQueue> = held.into_iter().filter(|queue| !known.contains(queue)).collect();
                // Of how fast their last owner has been nothing is known.
                self.shared.lines.forget(&new);
                self.to_recover.extend(new);
                self.shared.leased_at = Some(at);
                self.shared.lines.learn(&lines, clock.machine);
                self.shared.hosts.learn(&lines, clock.machine);
            }
            (Leasing::Recovering(queue), Answer::Recovered) => {
                self.to_recover.retain(|other| *other != queue);
                if !self.shared.leaving {
                    self.shared.held.push(queue);
                    self.shared.wake.push(queue.channel);
                }
            }
            (_, Answer::Failed(_)) => {
                self.leasing = Leasing::Resting;
                return Some(Ask::Rest(self.shared.limits.backoff));
            }
            _ => {}
        }
        Some(self.round(clock))
    }

    fn round(&mut self, clock: Clock) -> Ask {
        let limits = &self.shared.limits;
        if !self.shared.leaving
            && let Some(queue) = self.to_recover.first().copied()
        {
            self.leasing = Leasing::Recovering(queue);
            return Ask::Recover(queue, Whose::All);
        }
        // Lanes end what they have begun under the lease; of what they have claimed and not begun nobody else knows.
        if self.shared.leaving && self.lanes.iter().all(Lane::has_left) {
            self.leasing = Leasing::Leaving;
            return Ask::Release { worker: self.shared.id };
        }
        if self.shared.age(clock).is_none_or(|age| age >= limits.renew) {
            self.leasing = Leasing::Asked(clock.machine);
            return Ask::Lease { worker: self.shared.id };
        }
        self.leasing = Leasing::Resting;
        Ask::Rest(limits.patience)
    }
}
