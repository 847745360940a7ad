//! What goes wrong at a request, and how much of each did.

use std::collections::BTreeMap;
use std::fmt;

use crate::Random;

/// What goes wrong at one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The machine dies before the store has done anything.
    CrashBefore,
    /// The machine dies when the store has done it.
    CrashAfter,
    /// The connection breaks before the store has done anything.
    LostBefore,
    /// The store has done it, and the connection breaks before it can say so.
    LostAfter,
    /// A conflict: the transaction is broken off.
    Busy,
    /// The machine stands still for seconds before its request leaves.
    StallBefore,
    /// The machine stands still for seconds before it reads the answer.
    StallAfter,
    /// The machine is asked to leave.
    Leave,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LostBefore,
        Self::LostAfter,
        Self::Busy,
        Self::StallBefore,
        Self::StallAfter,
        Self::Leave,
    ];
}

/// What goes wrong in one storm, and how often.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    per_mille: u64,
    kinds: Vec<Trouble>,
}

impl Weather {
    /// Some of the troubles, from hardly ever to at every fifth request.
    pub(super) fn draw(random: &mut Random) -> Self {
        let kinds = Trouble::ALL.into_iter().filter(|_| random.chance(700)).collect();
        Self { per_mille: random.among(&[5, 20, 60, 200]), kinds }
    }

    pub(super) fn trouble(&self, random: &mut Random) -> Option<Trouble> {
        let strikes = !self.kinds.is_empty() && random.chance(self.per_mille);
        strikes.then(|| random.among(&self.kinds))
    }
}

/// What happened in storms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Storms.
    pub seeds: u64,
    /// Requests of all machines.
    pub requests: u64,
    /// Batches committed.
    pub commits: u64,
    /// Inputs and timers applied.
    pub applied: u64,
    /// News among them.
    pub news: u64,
    /// Messages that arrived.
    pub delivered: u64,
    /// Inputs moved aside.
    pub parked: u64,
    /// Slices and queues lost to another machine, as seen by the one that lost them.
    pub fenced_off: u64,
    /// What went wrong, by kind.
    pub troubles: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn count(&mut self, trouble: &'static str) {
        *self.troubles.entry(trouble).or_default() += 1;
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.requests += other.requests;
        self.commits += other.commits;
        self.applied += other.applied;
        self.news += other.news;
        self.delivered += other.delivered;
        self.parked += other.parked;
        self.fenced_off += other.fenced_off;
        for (trouble, times) in &other.troubles {
            *self.troubles.entry(trouble).or_default() += times;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, requests, commits, applied, news, delivered, parked, fenced_off, troubles } = self;
        writeln!(
            f,
            "{seeds} seeds, {requests} requests, {commits} batches, {applied} inputs applied, {news} of them news,"
        )?;
        writeln!(
            f,
            "{delivered} messages delivered, {parked} inputs parked, {fenced_off} times fenced off;"
        )?;
        let troubles: Vec<String> = troubles.iter().map(|(kind, times)| format!("{kind} {times}")).collect();
        write!(f, "{}", troubles.join(", "))
    }
}

impl Trouble {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CrashBefore => "crash before",
            Self::CrashAfter => "crash after",
            Self::LostBefore => "connection lost before",
            Self::LostAfter => "connection lost after",
            Self::Busy => "conflict",
            Self::StallBefore => "stall before",
            Self::StallAfter => "stall after",
            Self::Leave => "asked to leave",
        }
    }
}
