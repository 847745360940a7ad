//! Ids as types; in text each carries its prefix.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::first_128;
use crate::{SeenKey, ShopTime};

/// One person, ours; the shop's own id of them is an [`crate::Identity`] of kind `external`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub i64);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "person_{}", self.0)
    }
}

/// One event: a UUID of version 7 whose time is `received_at` and whose other 74 bits come from the message's
/// [`SeenKey`], so that it needs no chance and the same message received in the same millisecond has the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub Uuid);

impl EventId {
    /// The id of the message `key`, received at `received_at`.
    pub fn new(received_at: ShopTime, key: SeenKey) -> Self {
        let tail = key.0 & ((1 << 80) - 1);
        let millis = (received_at.as_millisecond().max(0) as u128) & ((1 << 48) - 1);
        let bits = (millis << 80) | tail;
        let versioned = (bits & !(0xf << 76)) | (0x7 << 76);
        Self(Uuid::from_u128((versioned & !(0b11 << 62)) | (0b10 << 62)))
    }

    /// The smallest id of a moment: a boundary between partitions of `events`.
    pub fn floor(at: ShopTime) -> Uuid {
        Uuid::from_u128((at.as_millisecond().max(0) as u128) << 80)
    }
}

impl EventId {
    /// The id of the `nth` event that applying this one caused: a UUID of version 8, the same in every replay.
    pub fn caused(self, nth: u32) -> Self {
        let bits = first_128(&[self.0.as_bytes(), &nth.to_be_bytes()]);
        Self(Uuid::new_v8(bits.to_be_bytes()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt_{}", self.0.simple())
    }
}

/// One message: the idempotency key of run, step, visit and leg as a UUID of version 7 whose time is the run's start.
/// Sending the same step of the same run twice would need the same id twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(pub Uuid);

impl MessageId {
    /// The id of a message. `started_at`: of the run; `visit` and `leg` from 1.
    pub fn new(person: PersonId, run: u32, started_at: ShopTime, step: &str, visit: u32, leg: u8) -> Self {
        let parts: [&[u8]; 5] = [
            &person.0.to_be_bytes(),
            &run.to_be_bytes(),
            step.as_bytes(),
            &visit.to_be_bytes(),
            &leg.to_be_bytes(),
        ];
        Self(EventId::new(started_at, SeenKey(first_128(&parts))).0)
    }
}

impl std::str::FromStr for MessageId {
    type Err = uuid::Error;

    /// With or without the prefix.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("msg_").unwrap_or(text).parse().map(Self)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{}", self.0.simple())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_a_version_7_uuid_of_its_moment_and_key() {
        let at = ShopTime::from_millisecond(1_700_000_000_123).unwrap();
        let id = EventId::new(at, SeenKey(u128::MAX)).0;
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(id.to_string(), "018bcfe5-687b-7fff-bfff-ffffffffffff");
        assert!(EventId::floor(at) < id);
        assert!(id < EventId::floor(ShopTime::from_millisecond(1_700_000_000_124).unwrap()));
    }
}
