//! The hosts that lines leave by: how they are, and how fast they may be given more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::breaker::Breaker;
use super::pace::Pace;
use super::{Allowed, Line};

/// What is known of the hosts, by name.
#[derive(Debug, Default)]
pub(super) struct Hosts(BTreeMap<Arc<str>, Host>);

#[derive(Debug, Default)]
struct Host {
    breaker: Breaker,
    pace: Option<(Allowed, Pace)>,
}

impl Hosts {
    /// The hosts as they are now.
    pub(super) fn learn(&mut self, lines: &[Line], now: Duration) {
        for line in lines {
            let host = self.0.entry(line.host.clone()).or_default();
            if host.pace.as_ref().map(|(allowed, _)| *allowed) != line.host_allowed {
                host.pace = line.host_allowed.map(|allowed| (allowed, Pace::new(allowed, now)));
            }
        }
    }

    /// How many messages may leave for a host now.
    pub(super) fn free(&mut self, host: &str, now: Duration) -> usize {
        let Some(host) = self.0.get_mut(host) else { return usize::MAX };
        let pace = host.pace.as_mut().map_or(usize::MAX, |(_, pace)| pace.free(now));
        pace.min(host.breaker.free(now))
    }

    /// When it may be asked again, where it may not now.
    pub(super) fn again(&self, host: &str, now: Duration) -> Duration {
        let Some(host) = self.0.get(host) else { return now };
        let pace = host.pace.as_ref().map_or(now, |(_, pace)| pace.again(now));
        host.breaker.again().unwrap_or(now).max(pace)
    }

    /// So many leave.
    pub(super) fn take(&mut self, host: &str, count: usize, now: Duration) {
        let Some(host) = self.0.get_mut(host) else { return };
        host.breaker.leave();
        if let Some((_, pace)) = &mut host.pace {
            pace.take(count, now);
        }
    }

    /// What came of a message; whether the host is left alone from now on.
    pub(super) fn heard(&mut self, host: &str, trouble: bool, now: Duration) -> bool {
        self.0.get_mut(host).is_some_and(|host| host.breaker.heard(trouble, now))
    }

    /// Nothing is known of what became of messages that left.
    pub(super) fn lost(&mut self, host: &str) {
        if let Some(host) = self.0.get_mut(host) {
            host.breaker.lost();
        }
    }
}
