//! A circuit breaker: a host in trouble is left alone, and asked by single messages until it is well again.

use std::time::Duration;

/// Failures of the host in a row after which it is left alone.
pub const FAILURES: u32 = 5;
/// How long it is left alone first; twice as long after each probe that fails.
pub const OPEN: Duration = Duration::from_secs(10);
/// How long at most.
pub const OPEN_AT_MOST: Duration = Duration::from_secs(300);

/// What is known of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// Left alone until then, and how long that was.
    open: Option<(Duration, Duration)>,
    /// A single message is asking.
    probing: bool,
}

impl Breaker {
    /// How many messages may be sent there now: all, one that asks, or none.
    pub fn free(&self, now: Duration) -> usize {
        match self.open {
            None => usize::MAX,
            Some((until, _)) if now < until || self.probing => 0,
            Some(_) => 1,
        }
    }

    /// Until when nothing may be sent.
    pub fn again(&self) -> Option<Duration> {
        self.open.map(|(until, _)| until)
    }

    /// Messages leave for the host.
    pub fn leave(&mut self) {
        self.probing = self.open.is_some();
    }

    /// What came of a message: whether the host was in trouble. Answers whether the host is left alone from now on.
    pub fn heard(&mut self, trouble: bool, now: Duration) -> bool {
        if !trouble {
            *self = Self::default();
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        match self.open {
            // What left before it was closed says nothing new.
            Some((until, _)) if now < until => false,
            Some((_, lasted)) => {
                self.close(now, (lasted * 2).min(OPEN_AT_MOST));
                true
            }
            None if self.failures >= FAILURES => {
                self.close(now, OPEN);
                true
            }
            None => false,
        }
    }

    /// Nothing is known of what became of a message that left.
    pub fn lost(&mut self) {
        self.probing = false;
    }

    fn close(&mut self, now: Duration, lasts: Duration) {
        self.open = Some((now + lasts, lasts));
        self.probing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_host_in_trouble_is_left_alone_and_asked_again() {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert!(!breaker.heard(true, at(0)));
        }
        assert_eq!(breaker.free(at(0)), usize::MAX);
        assert!(breaker.heard(true, at(0)));
        // What was under way meanwhile changes nothing.
        assert!(!breaker.heard(true, at(1)));
        assert_eq!((breaker.free(at(9)), breaker.free(at(10))), (0, 1));
        breaker.leave();
        assert_eq!(breaker.free(at(10)), 0);
        assert!(breaker.heard(true, at(11)));
        assert_eq!((breaker.free(at(30)), breaker.free(at(31))), (0, 1));
        breaker.leave();
        assert!(!breaker.heard(false, at(32)));
        assert_eq!(breaker.free(at(32)), usize::MAX);
    }

    #[test]
    fn it_is_asked_every_five_minutes_at_least() {
        let mut breaker = Breaker::default();
        let mut now = at(0);
        for _ in 0..30 {
            breaker.heard(true, now);
            now = breaker.again().unwrap_or(now);
        }
        breaker.heard(true, now);
        assert_eq!(breaker.again().map(|again| again - now), Some(OPEN_AT_MOST));
    }

    #[test]
    fn failures_are_counted_in_a_row() {
        let mut breaker = Breaker::default();
        for nth in 0..100 {
            assert!(!breaker.heard(nth % 2 == 0, at(nth)));
        }
        // A probe of which nothing is known is made again.
        (0..FAILURES).for_each(|_| _ = breaker.heard(true, at(100)));
        breaker.leave();
        breaker.lost();
        assert_eq!(breaker.free(at(110)), 1);
    }
}
