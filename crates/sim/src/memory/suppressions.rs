//! Addresses that are not written to, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::ShopTime;
use journeyman_domain::plan::Channel;
use journeyman_domain::row::{Lifted, QueuedRow};

/// What people say themselves: unsubscribed, and complained.
const SAID_BY_PEOPLE: [i16; 2] = [1, 3];
/// The kinds that stop everything: bounced, and by hand.
const STOP_ALL: [i16; 2] = [2, 4];

/// What is suppressed: channel, plain address, topic (empty: every one) and kind, and since when.
#[derive(Clone, Debug, Default)]
pub struct Suppressions(BTreeMap<(Channel, String, Arc<str>, i16), ShopTime>);

impl Suppressions {
    /// Suppresses; one that is there takes the later moment.
    pub fn add(&mut self, channel: Channel, address: &str, topic: Option<&str>, kind: i16, at: ShopTime) {
        let key = (channel, plain(address), topic.unwrap_or_default().into(), kind);
        let since = self.0.entry(key).or_insert(at);
        *since = (*since).max(at);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Channel, &str, &str, i16, ShopTime)> {
        self.0
            .iter()
            .map(|((channel, address, topic, kind), at)| (*channel, address.as_str(), &**topic, *kind, *at))
    }

    /// Whether a message may not leave.
    pub(super) fn stops(&self, row: &QueuedRow) -> bool {
        let address = plain(&row.address);
        self.iter().any(|(channel, suppressed, topic, kind, _)| {
            channel == row.channel
                && suppressed == address
                && (topic.is_empty() || Some(topic) == row.topic.as_deref())
                && (row.marketing || STOP_ALL.contains(&kind))
        })
    }

    /// Who has subscribed again.
    pub(super) fn lift(&mut self, lifted: &[Lifted]) {
        for lift in lifted {
            let plain = plain(&lift.address);
            self.0.retain(|(channel, address, topic, kind), at| {
                let about = lift.topic.as_ref().is_none_or(|said| topic.is_empty() || topic == said);
                let theirs = SAID_BY_PEOPLE.contains(kind);
                *channel != lift.channel || *address != plain || !theirs || !about || *at > lift.at
            });
        }
    }
}

/// An address as it is compared.
fn plain(address: &str) -> String {
    address.trim_matches([' ', '\t', '\r', '\n']).to_ascii_lowercase()
}
