//! What a batch reads and what it writes: the rows between the actor and whatever keeps them.

mod read;
mod write;

pub use read::{
    Arrival, Arrived, Arriving, Due, KIND_CLOSE, KIND_NEWS, KIND_TAKE, Place, StoredEvent, StoredFeature,
    StoredPerson,
};
pub use write::{
    Applied, DecisionRow, EndedRow, ForwardedRow, HandedRow, JournalRow, Lifted, ParkedRow, PersonRow,
    QueuedRow, RewardRow, RunRow, Write,
};
