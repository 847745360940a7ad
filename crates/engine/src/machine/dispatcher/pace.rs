//! Rates that are exact: never more than was allowed in any span of time, wherever it begins.

use std::collections::VecDeque;
use std::time::Duration;

/// At most so many in any span of so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// How many, at least 1.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

/// What has left lately, and what may leave now. A rate is kept in small spans, so that what may leave in an hour does not
/// leave in its first second: of a second where more than one a second is allowed, else of one message.
#[derive(Debug)]
pub struct Pace {
    most: u32,
    span: Duration,
    left: VecDeque<(Duration, u32)>,
}

impl Pace {
    /// Of a queue that was just taken: its last owner may have sent all it was allowed to until this moment.
    pub fn new(allowed: Allowed, now: Duration) -> Self {
        let (count, per) = (allowed.count.max(1), allowed.per.max(Duration::from_millis(1)));
        let second = Duration::from_secs(1);
        // Rounded up, so that as many as are allowed take all of the time.
        let each = per.as_nanos().div_ceil(u128::from(count));
        let each = Duration::from_nanos(u64::try_from(each).unwrap_or(u64::MAX));
        // Rounded down, so that the sum over the whole time is never more.
        let in_a_second = (u128::from(count) * second.as_nanos() / per.as_nanos()) as u32;
        let (most, span) = match in_a_second {
            // What is no whole number of seconds has seconds that are in two of its spans.
            _ if per <= second || per.subsec_nanos() > 0 => (count, per),
            0 | 1 => (1, each),
            most => (most, second),
        };
        Self { most, span, left: VecDeque::from([(now, most)]) }
    }

    /// How many may leave now.
    pub fn free(&mut self, now: Duration) -> usize {
        while self.left.front().is_some_and(|(at, _)| now.saturating_sub(*at) >= self.span) {
            self.left.pop_front();
        }
        let left: u32 = self.left.iter().map(|(_, count)| count).sum();
        self.most.saturating_sub(left) as usize
    }

    /// So many leave now.
    pub fn take(&mut self, count: usize, now: Duration) {
        self.left.push_back((now, count as u32));
    }

    /// When the next may leave, at the earliest.
    pub fn again(&self, now: Duration) -> Duration {
        self.left.front().map_or(now, |(at, _)| *at + self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes as much as it is given for a long time; no span of `per` may hold more than `count`, and most of it is used.
    fn check(count: u32, per: f64, seconds: u64) {
        let per = Duration::from_secs_f64(per);
        let mut pace = Pace::new(Allowed { count, per }, Duration::ZERO);
        let mut left: Vec<Duration> = Vec::new();
        let mut now = Duration::ZERO;
        while now < Duration::from_secs(seconds) {
            let free = pace.free(now).min(40);
            if free > 0 {
                pace.take(free, now);
                left.extend(std::iter::repeat_n(now, free));
            }
            // Whoever asks at odd moments gets no more.
            now = if free > 0 { now + Duration::from_micros(137) } else { pace.again(now).max(now) };
        }
        for (nth, at) in left.iter().enumerate() {
            let within = left[nth..].iter().take_while(|later| **later - *at < per).count();
            assert!(within <= count as usize, "{within} in {per:?} from {at:?}, allowed {count}");
        }
        let possible = seconds as f64 / per.as_secs_f64() * f64::from(count);
        assert!(left.len() as f64 > possible * 0.6 - 2.0, "{} of {possible}", left.len());
    }

    #[test]
    fn no_span_holds_more_than_was_allowed() {
        check(1, 1.0, 30);
        check(100, 1.0, 30);
        check(7, 0.5, 30);
        check(500, 60.0, 300);
        check(5_000, 3_600.0, 7_200);
        check(90, 60.0, 600);
        check(3, 1.5, 30);
        check(1, 600.0, 6_000);
    }

    #[test]
    fn whoever_takes_a_queue_over_waits_first() {
        let mut pace = Pace::new(Allowed { count: 10, per: Duration::from_secs(1) }, Duration::from_secs(5));
        assert_eq!(pace.free(Duration::from_millis(5_999)), 0);
        assert_eq!(pace.free(Duration::from_secs(6)), 10);
    }
}
