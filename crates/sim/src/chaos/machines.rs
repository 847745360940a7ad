//! The machines of a storm: workers and dispatchers, each with its connection, its own clock and its fate.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;
use journeyman_domain::plan::Channel;
use journeyman_domain::{Lane, Shard, ShardSet};
use journeyman_engine::machine::{
    Answer, Ask, Clock, Dispatcher, DispatcherLimits, Held, Reply, Request, Worker, WorkerLimits,
};
use uuid::Uuid;

use super::time::ShopHand;
use crate::{Random, Session};

/// The channels of the scenery.
const CHANNELS: &[Channel] = &[Channel::Email, Channel::Sms, Channel::Push, Channel::Inbox];

/// What a machine asks.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Work(Request),
    Send(Ask),
}

/// What it is told.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Work(Reply),
    Send(Answer),
}

/// What comes next of a machine.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Its question reaches the store.
    Ask(Question),
    /// An answer reaches it.
    Tell(Told),
    /// It rests; the bell shortens that.
    Wake,
    /// It is dead; another takes its place.
    Restart,
    /// It has left, and waits for the other parts of its dispatcher.
    Left,
}

enum Mind {
    Worker(Box<Worker>),
    /// One of the parts of a dispatcher, which live and die together.
    Part(Rc<RefCell<Dispatcher>>, usize),
}

/// One machine, or one part of it.
pub(super) struct Machine {
    pub(super) id: Uuid,
    mind: Mind,
    pub(super) session: Session,
    pub(super) next: Next,
    /// When that is.
    pub(super) at: Duration,
    /// How far its shop clock is off.
    skew: SignedDuration,
    /// When its connection was last heard of.
    pub(super) spoke_at: Duration,
    /// The server has closed its connection, and it does not know yet.
    pub(super) cut: bool,
    /// What it believed to hold when its transaction began.
    pub(super) begun: Vec<Held>,
    /// Shards rung for.
    pub(super) bell: ShardSet,
    /// Requests since it was asked to leave.
    pub(super) leaving: Option<u32>,
    /// Requests since some moment, and that moment: who asks without end does not rest.
    pub(super) pace: (Duration, u32),
    /// Of a worker that never looks behind its marks: how far it has got.
    pub(super) marks: BTreeMap<(Shard, Lane), i64>,
}

impl Machine {
    pub(super) fn worker(random: &mut Random, at: Duration) -> Self {
        let limits = WorkerLimits {
            batch: random.among(&[1, 2, 3, 5, 20, 1_000]),
            patience: random.millis(500, 2_000),
            ..WorkerLimits::default()
        };
        let id = Uuid::from_u128(random.name());
        let mind = Mind::Worker(Box::new(Worker::new(id, limits)));
        Self::new(id, mind, Told::Work(Reply::Start), random, at)
    }

    /// A dispatcher: all its parts.
    pub(super) fn dispatcher(random: &mut Random, at: Duration) -> Vec<Self> {
        let limits = DispatcherLimits {
            claim: random.among(&[1, 2, 3, 10]),
            group: random.among(&[1, 2, 10]),
            lanes: random.among(&[1, 2, 3]),
            channels: CHANNELS,
            patience: random.millis(800, 2_000),
            ..DispatcherLimits::default()
        };
        let id = Uuid::from_u128(random.name());
        let dispatcher = Rc::new(RefCell::new(Dispatcher::new(id, limits)));
        let skew = SignedDuration::from_millis(random.between(-2_000, 2_000));
        let parts = dispatcher.borrow().parts();
        let part = |part| {
            let mind = Mind::Part(dispatcher.clone(), part);
            // Parts of one process read one clock.
            Self { skew, ..Self::new(id, mind, Told::Send(Answer::Start), random, at) }
        };
        (0..parts).map(part).collect()
    }

    fn new(id: Uuid, mind: Mind, start: Told, random: &mut Random, at: Duration) -> Self {
        Self {
            id,
            mind,
            session: Session::default(),
            next: Next::Tell(start),
            at,
            skew: SignedDuration::from_millis(random.between(-2_000, 2_000)),
            spoke_at: at,
            cut: false,
            begun: Vec::new(),
            bell: ShardSet::default(),
            leaving: None,
            pace: (at, 0),
            marks: BTreeMap::new(),
        }
    }

    pub(super) fn is_worker(&self) -> bool {
        matches!(self.mind, Mind::Worker(_))
    }

    /// The channel that a part sends by.
    fn channel(&self) -> Option<Channel> {
        match &self.mind {
            Mind::Part(dispatcher, part) => dispatcher.borrow().channel(*part),
            Mind::Worker(_) => None,
        }
    }

    /// Whether a ring for these channels is for it.
    pub(super) fn is_of(&self, channels: &[Channel]) -> bool {
        self.channel().is_some_and(|channel| channels.contains(&channel))
    }

    /// Channels whose parts another part has found something for.
    pub(super) fn to_wake(&self) -> Vec<Channel> {
        match &self.mind {
            Mind::Part(dispatcher, _) => dispatcher.borrow_mut().to_wake(),
            Mind::Worker(_) => Vec::new(),
        }
    }

    pub(super) fn leave(&mut self) {
        self.leaving = Some(0);
        match &mut self.mind {
            Mind::Worker(worker) => worker.leave(),
            Mind::Part(dispatcher, _) => dispatcher.borrow_mut().leave(),
        }
    }

    pub(super) fn clock(&self, hand: &ShopHand, machine: Duration) -> Clock {
        Clock { shop: hand.at(machine).saturating_add(self.skew), machine }
    }

    /// Tells it, and hears what it asks; `None` when it has left.
    pub(super) fn hear(&mut self, told: Told, clock: Clock) -> Option<Question> {
        match (&mut self.mind, told) {
            (Mind::Worker(worker), Told::Work(reply)) => worker.next(reply, clock).map(Question::Work),
            (Mind::Part(dispatcher, part), Told::Send(answer)) => {
                dispatcher.borrow_mut().next(*part, answer, clock).map(Question::Send)
            }
            // A defect of this simulator: the machine is as good as gone.
            _ => None,
        }
    }

    pub(super) fn rested(&mut self) -> Told {
        let rung = std::mem::take(&mut self.bell);
        match self.mind {
            Mind::Worker(_) => Told::Work(Reply::Rested(rung)),
            Mind::Part(..) => Told::Send(Answer::Rested { rung: !rung.is_empty() }),
        }
    }

    pub(super) fn failed(&self, fault: journeyman_engine::machine::Fault) -> Told {
        match self.mind {
            Mind::Worker(_) => Told::Work(Reply::Failed(fault)),
            Mind::Part(..) => Told::Send(Answer::Failed(fault)),
        }
    }
}

impl Question {
    pub(super) fn rest(&self) -> Option<Duration> {
        match self {
            Self::Work(Request::Rest(patience)) | Self::Send(Ask::Rest(patience)) => Some(*patience),
            _ => None,
        }
    }

    /// Whether the store is asked at all.
    pub(super) fn is_of_store(&self) -> bool {
        !matches!(self, Self::Work(Request::Rest(_)) | Self::Send(Ask::Rest(_) | Ask::Deliver(_)))
    }
}
