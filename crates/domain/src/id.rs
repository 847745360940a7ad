//! Ids as types; in text each carries its prefix.

use std::fmt;

use uuid::Uuid;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evt_{}", self.0.simple())
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
