//! Figures, counted once for everybody who looks within a few seconds, and summed up by journey and step.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use journeyman_domain::ShopTime;
use journeyman_store::Error;
use journeyman_store::console::{self, Figures};
use journeyman_store::outbox::State;
use sqlx::postgres::PgPool;
use tokio::sync::watch;

use super::{Fault, second};

/// How far back what is over is counted, days.
pub(super) const DAYS: i64 = 28;
/// How long figures are shown before they are counted again: at least so long, and so many times as long as counting took,
/// so that looking at a large shop takes a twentieth of one connection at most.
const KEPT: Duration = Duration::from_secs(2);
const KEPT_TIMES: u32 = 20;

/// How long a page waits for figures; what takes longer is counted behind it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The figures that were counted last, and the count that is under way.
#[derive(Default)]
pub(super) struct Counter(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    counted: Option<Arc<Counted>>,
    /// Until when nothing is counted again.
    until: Option<Instant>,
    /// Whether the last count came to no end.
    failed: bool,
    /// Tells of the count under way what came of it.
    running: Option<watch::Receiver<Option<Done>>>,
}

type Done = Result<Arc<Counted>, Arc<Error>>;

/// Figures, and of when they are.
pub(super) struct Counted {
    at: ShopTime,
    made: Instant,
    pub(super) figures: Figures,
}

/// Figures as a page shows them.
pub(super) struct Shown {
    pub(super) counted: Arc<Counted>,
    /// Why they are older than they should be; empty where they are not.
    aside: &'static str,
}

impl Shown {
    /// When they were counted, in words.
    pub(super) fn when(&self) -> String {
        let at = second(self.counted.at);
        let age = self.counted.made.elapsed().as_secs();
        match self.aside {
            "" => at,
            aside if age < 120 => format!("{at}, {age} s ago; {aside}"),
            aside => format!("{at}, {} min ago; {aside}", age / 60),
        }
    }
}

impl Counter {
    /// What there is to count since [`DAYS`] ago. Whoever comes while it is being counted waits for that, as long as people
    /// wait; then they see what was counted before, and that it is older.
    ///
    /// # Errors
    /// [`Fault::Counting`] and [`Fault::Uncountable`] where nothing was counted before; else as the store's.
    pub(super) async fn figures(&self, pool: &PgPool, now: ShopTime) -> Result<Shown, Fault> {
        let (mut running, older) = {
            let mut known = lock(&self.0);
            if known.until.is_some_and(|until| Instant::now() < until) {
                let aside = if known.failed { "counting them again took too long" } else { "" };
                let counted = known.counted.clone().ok_or(Fault::Uncountable)?;
                return Ok(Shown { counted, aside });
            }
            // One whose sender is gone broke off.
            let running = known.running.clone().filter(|running| running.has_changed().is_ok());
            let running = running.unwrap_or_else(|| {
                let (told, running) = watch::channel(None);
                tokio::spawn(count(self.0.clone(), pool.clone(), now, told));
                running
            });
            known.running = Some(running.clone());
            (running, known.counted.clone())
        };
        let done = tokio::time::timeout(PATIENCE, running.wait_for(Option::is_some)).await;
        let done = done.ok().and_then(Result::ok).and_then(|done| done.clone());
        match (done, older) {
            (Some(Ok(counted)), _) => Ok(Shown { counted, aside: "" }),
            (Some(Err(error)), Some(counted)) if error.took_too_long() => {
                Ok(Shown { counted, aside: "counting them again took too long" })
            }
            (Some(Err(error)), None) if error.took_too_long() => Err(Fault::Uncountable),
            (Some(Err(error)), _) => Err(Fault::Store(error)),
            (None, Some(counted)) => Ok(Shown { counted, aside: "they are being counted again" }),
            (None, None) => Err(Fault::Counting),
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts, whether or not anybody still waits for it.
async fn count(known: Arc<Mutex<Known>>, pool: PgPool, now: ShopTime, told: watch::Sender<Option<Done>>) {
    let began = Instant::now();
    let since = now.as_millisecond().saturating_sub(DAYS * 24 * 3_600_000);
    let since = ShopTime::from_millisecond(since).unwrap_or(ShopTime::EPOCH);
    let done = console::figures(&pool, since).await.map_err(Arc::new);
    let done = done.map(|figures| Arc::new(Counted { at: now, made: Instant::now(), figures }));
    let kept = began.elapsed().saturating_mul(KEPT_TIMES).max(KEPT);
    {
        let mut known = lock(&known);
        known.running = None;
        known.failed = done.as_ref().is_err_and(|error| error.took_too_long());
        if let Ok(counted) = &done {
            known.counted = Some(counted.clone());
        }
        // A database that was away is asked again by whoever comes next.
        known.until = (done.is_ok() || known.failed).then(|| Instant::now() + kept);
    }
    if let Err(error) = &done {
        tracing::warn!(%error, "the console's figures can't be counted");
    }
    told.send_replace(Some(done));
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
