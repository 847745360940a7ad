//! Wake-ups inside one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use journeyman_domain::ShardSet;
use tokio::sync::Notify;

/// How long what is only mentioned waits for a ring to go along with.
const MENTIONED: Duration = Duration::from_millis(5);

/// Rung after a commit with the shards it touched; heard by one reader. A thousand rings before it listens are one.
#[derive(Clone, Default)]
pub struct Doorbell(Arc<Inner>);

#[derive(Default)]
struct Inner {
    shards: [AtomicU64; 4],
    /// Whether somebody waits for what comes of it.
    urgent: AtomicBool,
    rung: Notify,
}

impl Doorbell {
    /// Tells the reader to look at these shards.
    pub fn ring(&self, shards: ShardSet) {
        self.add(shards, true);
    }

    /// The same of what nobody waits for: it goes along with the next ring, or alone a few milliseconds later.
    pub fn mention(&self, shards: ShardSet) {
        self.add(shards, false);
    }

    fn add(&self, shards: ShardSet, urgent: bool) {
        for (word, more) in self.0.shards.iter().zip(shards.words()) {
            word.fetch_or(more, Ordering::AcqRel);
        }
        self.0.urgent.fetch_or(urgent, Ordering::AcqRel);
        self.0.rung.notify_one();
    }

    /// The shards rung for since the last time, without waiting.
    pub fn rung(&self) -> ShardSet {
        self.0.urgent.store(false, Ordering::Release);
        let mut words = [0; 4];
        for (word, taken) in words.iter_mut().zip(&self.0.shards) {
            *word = taken.swap(0, Ordering::AcqRel);
        }
        ShardSet::from_words(words)
    }

    /// Waits for a ring and answers for which shards.
    pub async fn heard(&self) -> ShardSet {
        let some = || self.0.shards.iter().any(|word| word.load(Ordering::Acquire) != 0);
        while !some() {
            self.0.rung.notified().await;
        }
        let urgent = async {
            while !self.0.urgent.load(Ordering::Acquire) {
                self.0.rung.notified().await;
            }
        };
        // In time or not: what was mentioned is heard.
        let _ = tokio::time::timeout(MENTIONED, urgent).await;
        self.rung()
    }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::Shard;

    use super::*;

    #[tokio::test]
    async fn rings_are_heard_as_one_and_none_is_missed() {
        let bell = Doorbell::default();
        for shard in [3, 200, 3] {
            bell.ring([Shard(shard)].into_iter().collect());
        }
        let heard = bell.heard().await;
        assert_eq!(heard.iter().collect::<Vec<_>>(), [Shard(3), Shard(200)]);
        assert!(bell.rung().is_empty());
        // A reader that waits already.
        let listener = tokio::spawn({
            let bell = bell.clone();
            async move { bell.heard().await }
        });
        tokio::task::yield_now().await;
        bell.ring([Shard(7)].into_iter().collect());
        assert!(listener.await.unwrap().contains(Shard(7)));
    }

    #[tokio::test]
    async fn what_is_mentioned_is_heard_alone_or_goes_along_with_a_ring() {
        let bell = Doorbell::default();
        let of = |shard| [Shard(shard)].into_iter().collect();
        bell.mention(of(3));
        assert!(bell.heard().await.contains(Shard(3)));
        bell.mention(of(4));
        bell.ring(of(5));
        let heard = bell.heard().await;
        assert_eq!(heard.iter().collect::<Vec<_>>(), [Shard(4), Shard(5)]);
        assert!(bell.rung().is_empty());
    }
}
