//! What a batch reads.

use std::sync::Arc;

use uuid::Uuid;

use super::HandedRow;
use crate::merge::Merge;
use crate::news::Heard;
use crate::{EventId, Kind, Lane, MessageId, PersonId, Shard, ShopTime};

/// Where a row of intake stands: its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whose queue.
    pub shard: Shard,
    /// Which of the shard's two.
    pub lane: Lane,
    /// In the order of insertion, which is not the order of commits.
    pub seq: i64,
}

/// One waiting input, with what it refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    /// Its key.
    pub place: Place,
    /// Whose.
    pub person: PersonId,
    /// What.
    pub what: Arrival,
}

/// What an input is.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// Something happened.
    Event(StoredEvent),
    /// Something around them changed, of which many are told by one row.
    News {
        /// What they hear.
        heard: Heard,
        /// Whether the row is theirs alone; else it is that of others too.
        alone: bool,
    },
    /// What became of a message.
    Report {
        /// Which.
        message: MessageId,
        /// Whether the channel took it; else it refused it for good.
        accepted: bool,
        /// When.
        at: ShopTime,
    },
    /// The person turned out to be somebody else: they are closed, and their state goes there.
    Close {
        /// Who ends in whom.
        merge: Merge,
        /// When it came through the door.
        at: ShopTime,
    },
    /// Somebody else turned out to be this person: their state is taken over.
    Take {
        /// Who ends in whom.
        merge: Merge,
        /// When it came through the door.
        at: ShopTime,
        /// What of them has arrived.
        state: Arriving,
    },
    /// A row that refers to nothing we know: of a later version, or damaged. It is parked.
    Unknown {
        /// Its kind.
        kind: i16,
        /// What it refers to.
        reference: Uuid,
    },
}

/// Whether the state of somebody who was closed has arrived.
#[derive(Clone, Debug, PartialEq)]
pub enum Arriving {
    /// Not yet: what came later waits for it.
    Awaited,
    /// Not yet, and it was waited for long enough: the rest goes on.
    Overdue,
    /// It is here: encoded, and the counters as they are stored.
    Here(Vec<u8>, Vec<StoredFeature>),
    /// It never will: what closes them was moved aside.
    Lost,
}

impl Arrival {
    /// As a row of intake has it: its kind, and what it refers to.
    pub fn reference(&self) -> (i16, Uuid) {
        match self {
            Self::Event(event) => (1, event.id.0),
            Self::News { heard, .. } => (KIND_NEWS, heard.news.id.0),
            Self::Report { message, accepted: true, .. } => (2, message.0),
            Self::Report { message, .. } => (3, message.0),
            Self::Close { merge, .. } => (KIND_CLOSE, merge.reference()),
            Self::Take { merge, .. } => (KIND_TAKE, merge.reference()),
            Self::Unknown { kind, reference } => (*kind, *reference),
        }
    }

    /// Of what would have closed somebody and can't be applied: tells whoever waits for their state that it will not come.
    pub fn undelivered(&self, now: ShopTime) -> Option<HandedRow> {
        let Self::Close { merge, .. } = self else { return None };
        Some(HandedRow { merge: *merge, at: now, plans: Vec::new(), state: None })
    }

    /// When it came through the door; of what can't be read nobody knows.
    pub fn received_at(&self) -> Option<ShopTime> {
        match self {
            Self::Event(event) => Some(event.received_at),
            Self::News { heard, .. } => Some(heard.news.received_at),
            Self::Report { at, .. } | Self::Close { at, .. } | Self::Take { at, .. } => Some(*at),
            Self::Unknown { .. } => None,
        }
    }
}

/// The kind of a row of intake that says: you turned out to be somebody else.
pub const KIND_CLOSE: i16 = 4;
/// The kind of one that says: somebody else turned out to be you.
pub const KIND_TAKE: i16 = 5;
/// The kind of one that says: news for these people. It is the only one of many.
pub const KIND_NEWS: i16 = 6;

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// What the message says.
    pub kind: Kind,
    /// Its name.
    pub name: Arc<str>,
    /// When it happened.
    pub occurred_at: ShopTime,
    /// When we got it.
    pub received_at: ShopTime,
    /// Imported history.
    pub historical: bool,
    /// The message, as JSON.
    pub payload: String,
}

/// A wake-up that came due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// Of which shard.
    pub shard: Shard,
    /// When.
    pub due_at: ShopTime,
    /// Whose.
    pub person: PersonId,
}

/// A person as stored. Somebody without rows yet has version 0 and nothing else but their `assignment_key`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredPerson {
    /// Who.
    pub id: i64,
    /// What sticky draws hang on.
    pub assignment_key: i64,
    /// Of the row; 0 where there is none.
    pub version: i64,
    /// Inputs applied.
    pub n: i64,
    /// The wake-up in `due`.
    pub armed: Option<ShopTime>,
    /// `hot`, encoded; empty where there is no row.
    pub hot: Vec<u8>,
    /// Traits and their moments as JSON, where there are any.
    pub traits: Option<(String, String)>,
    /// Live runs: number and encoded state.
    pub runs: Vec<(u32, Vec<u8>)>,
    /// Counters.
    pub features: Vec<StoredFeature>,
    /// Where their state went, of somebody who is closed.
    pub merged_into: Option<PersonId>,
}

/// A counter as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFeature {
    /// `FeatureKey::number`.
    pub feature: i64,
    /// When it happened last.
    pub last_at: Option<ShopTime>,
    /// The moments of the latest occurrences.
    pub times: Vec<i64>,
    /// Their amounts; as many.
    pub amounts: Vec<f64>,
    /// Their values; as many where the counter has a filter, else none.
    pub values: Vec<String>,
    /// UTC days of older ones, counted from 1970-01-01.
    pub days: Vec<i32>,
    /// How many on each.
    pub day_counts: Vec<i32>,
    /// The sum of each.
    pub day_sums: Vec<f64>,
}
