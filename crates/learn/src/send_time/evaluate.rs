//! How good chosen hours are, on activity that came later.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_domain::decision::{HOURS, Hour};

use super::{Curves, REACH_HOURS};

/// How many events a person must have to be looked at.
pub const LEAST_EVENTS: usize = 6;
/// The share of each person's events, the earliest, that models are fitted to.
pub const TRAINED: f64 = 0.7;

/// Which share of people's later activity comes within 2 hours after the hour that was chosen, as means over people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// People with enough events.
    pub people: usize,
    /// Their later events.
    pub later: usize,
    /// Where one hour of the week is chosen for everyone.
    pub everyone: f64,
    /// Where one is chosen for each by what they did earlier.
    pub personal: f64,
    /// Where the one is chosen that proves best: nothing can be better.
    pub oracle: f64,
    /// By chance.
    pub chance: f64,
}

/// Active hours: each clock hour once, however much happened in it.
pub fn active(moments: &[ShopTime], until: ShopTime, zone: &TimeZone) -> Vec<(Hour, f64)> {
    let hours: BTreeSet<i64> = moments.iter().map(|at| at.as_millisecond().div_euclid(3_600_000)).collect();
    let at = |hour: i64| ShopTime::from_millisecond(hour * 3_600_000);
    let days = |at: ShopTime| until.since(at).as_secs_f64() / 86_400.0;
    hours.into_iter().filter_map(at).map(|at| (Hour::of(at, zone), days(at))).collect()
}

/// Fits to the first events of each person and looks at the rest; `None` where nobody has enough. `people` hold the moments of one
/// person each, in whatever order, and their zone.
pub fn evaluate(people: &[(Vec<ShopTime>, TimeZone)]) -> Option<(Curves, Score)> {
    let mut split = Vec::new();
    for (moments, zone) in people.iter().filter(|(moments, _)| moments.len() >= LEAST_EVENTS) {
        let mut moments = moments.clone();
        moments.sort_unstable();
        let (earlier, later) = moments.split_at((moments.len() as f64 * TRAINED) as usize);
        // As of the last of them: what is fitted knows nothing of what follows.
        let until = earlier.last().copied()?;
        let later: Vec<Hour> = later.iter().map(|at| Hour::of(*at, zone)).collect();
        split.push((active(earlier, until, zone), later));
    }
    let curves = Curves::fit(split.iter().map(|(earlier, _)| earlier.as_slice()));
    let for_all = curves.anybody().best();
    let mut score = Score {
        people: split.len(),
        later: split.iter().map(|(_, later)| later.len()).sum(),
        everyone: 0.0,
        personal: 0.0,
        oracle: 0.0,
        chance: REACH_HOURS as f64 / HOURS as f64,
    };
    for (earlier, later) in &split {
        score.everyone += share(for_all, later);
        score.personal += share(curves.person(earlier).best(), later);
        score.oracle += (0..HOURS).map(|hour| share(Hour::new(hour), later)).fold(0.0, f64::max);
    }
    let people = split.len() as f64;
    for sum in [&mut score.everyone, &mut score.personal, &mut score.oracle] {
        *sum /= people;
    }
    (!split.is_empty()).then_some((curves, score))
}

/// The share of activity that comes within 2 hours after an hour of the week begins.
fn share(chosen: Hour, later: &[Hour]) -> f64 {
    let after = |hour: &Hour| (hour.number() + HOURS - chosen.number()) % HOURS;
    later.iter().filter(|hour| after(hour) < REACH_HOURS).count() as f64 / later.len().max(1) as f64
}
