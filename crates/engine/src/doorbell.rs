//! Wake-ups inside one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journeyman_domain::ShardSet;
use tokio::sync::Notify;

/// Rung after a commit with the shards it touched; heard by one reader. A thousand rings before it listens are one.
#[derive(Clone, Default)]
pub struct Doorbell(Arc<Inner>);

#[derive(Default)]
struct Inner {
    shards: [AtomicU64; 4],
    rung: Notify,
}

impl Doorbell {
    /// Tells the reader to look at these shards.
    pub fn ring(&self, shards: ShardSet) {
        for (word, more) in self.0.shards.iter().zip(shards.words()) {
            word.fetch_or(more, Ordering::AcqRel);
        }
        self.0.rung.notify_one();
    }

    /// The shards rung for since the last time, without waiting.
    pub fn rung(&self) -> ShardSet {
        let mut words = [0; 4];
        for (word, taken) in words.iter_mut().zip(&self.0.shards) {
            *word = taken.swap(0, Ordering::AcqRel);
        }
        ShardSet::from_words(words)
    }

    /// Waits for a ring and answers for which shards.
    pub async fn heard(&self) -> ShardSet {
        loop {
            let shards = self.rung();
            if !shards.is_empty() {
                return shards;
            }
            self.0.rung.notified().await;
        }
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
}
