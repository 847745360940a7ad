//! The shop's clock in a storm: it runs at some speed beside machine time, and jumps.

use std::time::Duration;

use jiff::SignedDuration;
use journeyman_domain::ShopTime;

/// A shop clock tied to machine time.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShopHand {
    at: ShopTime,
    since: Duration,
    /// Seconds of shop time a second.
    speed: u32,
}

impl ShopHand {
    pub(super) fn new(at: ShopTime, speed: u32) -> Self {
        Self { at, since: Duration::ZERO, speed }
    }

    pub(super) fn at(&self, machine: Duration) -> ShopTime {
        let passed = machine.saturating_sub(self.since) * self.speed;
        let micros = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        ShopTime::new(self.at.saturating_add(SignedDuration::from_micros(micros)).timestamp())
    }

    /// It jumps, forward or back.
    pub(super) fn jump(&mut self, machine: Duration, by: SignedDuration) {
        let at = self.at(machine).saturating_add(by);
        *self = Self { at, since: machine, speed: self.speed };
    }

    /// From now on it runs as fast as machine time.
    pub(super) fn slow_down(&mut self, machine: Duration) {
        *self = Self { at: self.at(machine), since: machine, speed: 1 };
    }
}
