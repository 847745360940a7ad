//! Figures, counted once for everybody who looks within a few seconds, and summed up by journey and step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use journeyman_domain::ShopTime;
use journeyman_store::Error;
use journeyman_store::console::{self, Figures};
use journeyman_store::outbox::State;
use sqlx::postgres::PgPool;
use tokio::sync::Mutex;

/// How far back what is over is counted, days.
pub(super) const DAYS: i64 = 28;
/// How long figures are shown before they are counted again: at least so long, and so many times as long as counting took,
/// so that looking at a large shop takes a twentieth of one connection at most.
const KEPT: Duration = Duration::from_secs(2);
const KEPT_TIMES: u32 = 20;

/// The figures that were counted last.
#[derive(Default)]
pub(super) struct Counter(Mutex<Option<Known>>);

struct Known {
    until: Instant,
    counted: Arc<Counted>,
}

/// Figures, and of when they are.
pub(super) struct Counted {
    pub(super) at: ShopTime,
    pub(super) figures: Figures,
}

impl Counter {
    /// What there is to count since [`DAYS`] ago. Whoever comes while it is being counted waits for that.
    ///
    /// # Errors
    /// As the store's.
    pub(super) async fn figures(&self, pool: &PgPool, now: ShopTime) -> Result<Arc<Counted>, Error> {
        let mut known = self.0.lock().await;
        let began = Instant::now();
        if let Some(known) = known.as_ref().filter(|known| began < known.until) {
            return Ok(known.counted.clone());
        }
        let since = now.as_millisecond().saturating_sub(DAYS * 24 * 3_600_000);
        let since = ShopTime::from_millisecond(since).unwrap_or(ShopTime::EPOCH);
        let counted = Arc::new(Counted { at: now, figures: console::figures(pool, since).await? });
        let kept = began.elapsed().saturating_mul(KEPT_TIMES).max(KEPT);
        *known = Some(Known { until: Instant::now() + kept, counted: counted.clone() });
        Ok(counted)
    }
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Messages {
    /// Not left yet, or nobody knows.
    pub(super) underway: u64,
    /// Taken by the channel.
    pub(super) sent: u64,
    /// Refused for good.
    pub(super) rejected: u64,
    /// Called back before they left.
    pub(super) cancelled: u64,
    /// Of people who are held out.
    pub(super) withheld: u64,
    /// Anything seen of them.
    pub(super) opened: u64,
    /// A link followed.
    pub(super) clicked: u64,
}

impl Messages {
    /// Of one journey; at one step, where that is asked.
    pub(super) fn of(figures: &Figures, journey: &str, step: Option<&str>) -> Self {
        let asked = |of: &str, at: &str| of == journey && step.is_none_or(|step| step == at);
        let mut sum = Self::default();
        for sent in figures.sent.iter().filter(|sent| asked(&sent.journey, &sent.step)) {
            let kind = match sent.state {
                State::Accepted => &mut sum.sent,
                State::Rejected => &mut sum.rejected,
                State::Cancelled => &mut sum.cancelled,
                State::Withheld => &mut sum.withheld,
                _ => &mut sum.underway,
            };
            *kind += sent.messages;
        }
        for seen in figures.engaged.iter().filter(|seen| asked(&seen.journey, &seen.step)) {
            sum.opened += seen.opened;
            sum.clicked += seen.clicked;
        }
        sum
    }
}

/// Runs of a journey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// Under way, at a step.
    pub(super) inside: u64,
    /// Walked, only the goal is looked for.
    pub(super) watching: u64,
    /// Begun in the time that is counted.
    pub(super) entered: u64,
    /// Ended in that time, having reached the goal.
    pub(super) goals: u64,
}

impl Runs {
    /// Of one journey.
    pub(super) fn of(figures: &Figures, journey: &str) -> Self {
        let mut sum = Self::default();
        for standing in figures.standing.iter().filter(|standing| standing.journey.as_ref() == journey) {
            let kind = if standing.step.is_empty() { &mut sum.watching } else { &mut sum.inside };
            *kind += standing.runs;
            sum.entered += standing.entered;
        }
        for ended in figures.ended.iter().filter(|ended| ended.journey.as_ref() == journey) {
            sum.entered += ended.entered;
            sum.goals += ended.goals;
        }
        sum
    }

    /// How many stand at a step.
    pub(super) fn at(figures: &Figures, journey: &str, step: &str) -> u64 {
        let there = |standing: &&console::Standing| {
            standing.journey.as_ref() == journey && standing.step.as_ref() == step
        };
        figures.standing.iter().filter(there).map(|standing| standing.runs).sum()
    }

    /// How many ended for a reason.
    pub(super) fn ended(figures: &Figures, journey: &str, why: impl Fn(&console::Ended) -> bool) -> u64 {
        let ended = figures.ended.iter().filter(|ended| ended.journey.as_ref() == journey);
        ended.filter(|ended| why(ended)).map(|ended| ended.runs).sum()
    }
}

#[cfg(test)]
mod tests {
    use journeyman_store::console::{Ended, Engaged, Sent, Standing};

    use super::*;

    #[test]
    fn figures_are_summed_by_journey_and_step() {
        let standing = |journey: &str, step: &str, runs, entered| Standing {
            journey: journey.into(),
            step: step.into(),
            runs,
            entered,
        };
        let sent =
            |step: &str, state, messages| Sent { journey: "a".into(), step: step.into(), state, messages };
        let ended = |reason: &str, held_out, runs, goals| Ended {
            journey: "a".into(),
            reason: reason.into(),
            held_out,
            runs,
            entered: runs - 1,
            goals,
        };
        let seen = |step: &str| Engaged { journey: "a".into(), step: step.into(), opened: 3, clicked: 2 };
        let figures = Figures {
            standing: vec![standing("a", "one", 5, 2), standing("a", "", 7, 0), standing("b", "one", 9, 9)],
            ended: vec![ended("goal", false, 4, 4), ended("completed", true, 3, 1)],
            sent: vec![
                sent("one", State::Queued, 1),
                sent("one", State::Unknown, 2),
                sent("one", State::Accepted, 10),
                sent("two", State::Accepted, 20),
                sent("two", State::Withheld, 6),
            ],
            engaged: vec![seen("one"), seen("two")],
        };
        let runs = Runs { inside: 5, watching: 7, entered: 2 + 3 + 2, goals: 5 };
        assert_eq!(Runs::of(&figures, "a"), runs);
        assert_eq!(Runs::at(&figures, "b", "one"), 9);
        assert_eq!(Runs::ended(&figures, "a", |ended| ended.held_out), 3);
        let one = Messages { underway: 3, sent: 10, opened: 3, clicked: 2, ..Messages::default() };
        assert_eq!(Messages::of(&figures, "a", Some("one")), one);
        let all =
            Messages { underway: 3, sent: 30, withheld: 6, opened: 6, clicked: 4, ..Messages::default() };
        assert_eq!(Messages::of(&figures, "a", None), all);
    }
}
