//! Sets of shards, word by word: a round looks at 256 of them many times a second.

use journeyman_domain::{Shard, ShardSet};

pub(super) fn either(one: ShardSet, other: ShardSet) -> ShardSet {
    let (one, other) = (one.words(), other.words());
    ShardSet::from_words(std::array::from_fn(|nth| one[nth] | other[nth]))
}

pub(super) fn both(one: ShardSet, other: ShardSet) -> ShardSet {
    let (one, other) = (one.words(), other.words());
    ShardSet::from_words(std::array::from_fn(|nth| one[nth] & other[nth]))
}

/// Its shards, from `start` on and around.
pub(super) fn from(start: Shard, set: ShardSet) -> Vec<Shard> {
    let mut shards = Vec::new();
    for (nth, mut word) in (0_u8..).zip(set.words()) {
        while word != 0 {
            shards.push(Shard(nth * 64 + word.trailing_zeros() as u8));
            word &= word - 1;
        }
    }
    let first = shards.partition_point(|shard| *shard < start);
    shards.rotate_left(first);
    shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_joined_cut_and_turned() {
        let set = |shards: &[u8]| shards.iter().copied().map(Shard).collect::<ShardSet>();
        let (one, other) = (set(&[0, 63, 64, 255]), set(&[63, 64, 128]));
        assert_eq!(either(one, other), set(&[0, 63, 64, 128, 255]));
        assert_eq!(both(one, other), set(&[63, 64]));
        let turned = |start: u8, set| from(Shard(start), set).iter().map(|shard| shard.0).collect::<Vec<_>>();
        assert_eq!(turned(0, one), [0, 63, 64, 255]);
        assert_eq!(turned(64, one), [64, 255, 0, 63]);
        assert_eq!(turned(255, ShardSet::default()), [0_u8; 0]);
        assert_eq!(turned(100, ShardSet::ALL).len(), 256);
    }
}
