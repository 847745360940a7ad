//! Where a person is worked on.

use crate::PersonId;

/// How many shards there are. Never changes: it stands in rows.
pub const SHARDS: usize = 256;
/// How many leased slices the shards make: 8 shards each.
pub const SLICES: usize = 32;

/// One of the 256 shards; a person never changes theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u8);

impl Shard {
    /// The shard of a person: the top byte of splitmix64's finaliser (Steele, Lea, Flood 2014) over the id, which
    /// spreads the consecutive ids of a sequence evenly.
    pub fn of(person: PersonId) -> Self {
        let mut bits = person.0 as u64;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(((bits ^ (bits >> 31)) >> 56) as u8)
    }

    /// The leased slice this shard belongs to, 0 to 31.
    pub fn slice(self) -> u8 {
        self.0 / (SHARDS / SLICES) as u8
    }

    /// All shards in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

/// A set of shards: who has to look at their intake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSet([u64; 4]);

impl ShardSet {
    /// Every shard.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// A set from its four words of 64 shards each, lowest first.
    pub fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// The four words of 64 shards each, lowest first.
    pub fn words(self) -> [u64; 4] {
        self.0
    }

    /// Adds one shard.
    pub fn insert(&mut self, shard: Shard) {
        self.0[usize::from(shard.0 / 64)] |= 1 << (shard.0 % 64);
    }

    /// Whether the shard is in it.
    pub fn contains(self, shard: Shard) -> bool {
        self.0[usize::from(shard.0 / 64)] & (1 << (shard.0 % 64)) != 0
    }

    /// Whether no shard is in it.
    pub fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    /// The shards in order.
    pub fn iter(self) -> impl Iterator<Item = Shard> {
        Shard::all().filter(move |shard| self.contains(*shard))
    }
}

impl FromIterator<Shard> for ShardSet {
    fn from_iter<I: IntoIterator<Item = Shard>>(shards: I) -> Self {
        let mut set = Self::default();
        shards.into_iter().for_each(|shard| set.insert(shard));
        set
    }
}

/// Which of a shard's two queues: live inputs, or bulk and historical ones, which get at most a quarter of a batch
/// while lane 0 has work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Lane 0.
    Live,
    /// Lane 1.
    Bulk,
}

impl Lane {
    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        match self {
            Self::Live => 0,
            Self::Bulk => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_pinned_and_even() {
        let golden: Vec<u8> = (1..=8).map(|id| Shard::of(PersonId(id)).0).collect();
        assert_eq!(golden, GOLDEN);
        let mut counts = [0_u32; SHARDS];
        for id in 1..=256_000 {
            counts[usize::from(Shard::of(PersonId(id)).0)] += 1;
        }
        assert!(counts.iter().all(|n| (850..1150).contains(n)), "{counts:?}");
    }

    const GOLDEN: [u8; 8] = [86, 219, 30, 183, 182, 209, 18, 213];

    #[test]
    fn a_shard_set_holds_what_was_put_in() {
        let shards = [Shard(0), Shard(63), Shard(64), Shard(255)];
        let set: ShardSet = shards.into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), shards);
        assert_eq!(ShardSet::ALL.iter().count(), SHARDS);
        assert!(ShardSet::default().is_empty());
        assert_eq!(Shard(255).slice(), 31);
    }
}
