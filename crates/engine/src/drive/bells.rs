//! What wakes the lanes of the channels: something was queued, or another lane has found something.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journeyman_domain::plan::Channel;
use tokio::sync::watch;

/// Two bells a channel. Each part hears each ring once, also one that was rung while it was at work.
#[derive(Clone)]
pub(super) struct Bells {
    queued: Arc<[watch::Sender<u64>]>,
    /// Up to which ring a part has told its dispatcher.
    told: Arc<[AtomicU64]>,
    woken: Arc<[watch::Sender<u64>]>,
}

impl Default for Bells {
    fn default() -> Self {
        // One more for the part that has no channel.
        let bells = || (0..=Channel::ALL.len()).map(|_| watch::Sender::new(0)).collect();
        let told = (0..=Channel::ALL.len()).map(|_| AtomicU64::new(0)).collect();
        Self { queued: bells(), told, woken: bells() }
    }
}

fn nth(channel: Option<Channel>) -> usize {
    channel.map_or(Channel::ALL.len(), |channel| channel as usize)
}

impl Bells {
    /// Something was queued for this channel.
    pub(super) fn ring(&self, channel: Channel) {
        self.queued[nth(Some(channel))].send_modify(|rung| *rung += 1);
    }

    /// A part of this channel has found something for its siblings.
    pub(super) fn wake(&self, channel: Channel) {
        self.woken[nth(Some(channel))].send_modify(|rung| *rung += 1);
    }

    /// Whether none of the channel's parts has heard of this ring before: one of them is enough to look.
    pub(super) fn is_news(&self, channel: Option<Channel>, rung: u64) -> bool {
        self.told[nth(channel)].fetch_max(rung, Ordering::Relaxed) < rung
    }

    pub(super) fn queued(&self, channel: Option<Channel>) -> watch::Receiver<u64> {
        self.queued[nth(channel)].subscribe()
    }

    pub(super) fn woken(&self, channel: Option<Channel>) -> watch::Receiver<u64> {
        self.woken[nth(channel)].subscribe()
    }
}
