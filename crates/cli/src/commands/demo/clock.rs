//! The shop's time in the demo: it stands still until it is moved.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use journeyman_domain::{ShopClock, ShopTime};
use journeyman_sim::shoppers::{Figures, STEP_MINUTES};

/// When the shop opens.
///
/// # Errors
/// A day or a zone that is none.
pub(in crate::commands) fn opening(figures: &Figures) -> anyhow::Result<ShopTime> {
    let day: Date = figures.opens.parse().context("shoppers.yaml: opens")?;
    let zone = TimeZone::get(&figures.zone).context("shoppers.yaml: zone")?;
    let midnight = day.to_zoned(zone).context("shoppers.yaml: opens")?;
    Ok(ShopTime::new(midnight.timestamp()))
}

/// A clock that is moved by hand, and at last let go.
pub(super) struct StepClock {
    opens: ShopTime,
    micros: AtomicI64,
    runs: OnceLock<Instant>,
}

impl StepClock {
    pub(super) fn new(opens: ShopTime) -> Self {
        Self { opens, micros: AtomicI64::new(opens.as_microsecond()), runs: OnceLock::new() }
    }

    /// The moment of a step.
    pub(super) fn at(&self, step: u32) -> ShopTime {
        self.opens.saturating_add(SignedDuration::from_mins(i64::from(step) * i64::from(STEP_MINUTES)))
    }

    /// The first step that is not before a moment.
    pub(super) fn step_of(&self, moment: ShopTime) -> u32 {
        let micros = moment.since(self.opens).as_micros().max(0);
        let step = i128::from(STEP_MINUTES) * 60_000_000;
        u32::try_from((micros + step - 1) / step).unwrap_or(u32::MAX)
    }

    /// Moves it to a step.
    pub(super) fn set(&self, step: u32) {
        self.micros.store(self.at(step).as_microsecond(), Ordering::SeqCst);
    }

    /// From here on it runs as the machine's does.
    pub(super) fn let_run(&self) {
        self.runs.get_or_init(Instant::now);
    }
}

impl ShopClock for StepClock {
    fn now(&self) -> ShopTime {
        let stands = ShopTime::from_microsecond(self.micros.load(Ordering::SeqCst)).unwrap_or(self.opens);
        let Some(since) = self.runs.get() else { return stands };
        let micros = i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX);
        stands.saturating_add(SignedDuration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_until_it_is_moved_and_runs_when_it_is_let_go() {
        let opens = ShopTime::from_millisecond(1_788_732_000_000).unwrap();
        let clock = StepClock::new(opens);
        assert_eq!((clock.now(), clock.at(0)), (opens, opens));
        clock.set(12);
        let noon = clock.now();
        assert_eq!(noon.since(opens), SignedDuration::from_hours(1));
        // A moment belongs to the first step that is not before it.
        let later = |micros| opens.saturating_add(SignedDuration::from_micros(micros));
        let steps = [(-1, 0), (0, 0), (1, 1), (300_000_000, 1), (300_000_001, 2)];
        for (micros, step) in steps {
            assert_eq!(clock.step_of(later(micros)), step, "{micros}");
        }
        assert_eq!(clock.now(), noon);
        clock.let_run();
        while clock.now() == noon {
            std::thread::yield_now();
        }
        assert!(clock.now() > noon);
    }
}
