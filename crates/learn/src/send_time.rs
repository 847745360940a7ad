//! Which hour: engagement by hour of the week, hierarchical Bayes over person, cohort and everyone.
//!
//! A person's activity is a draw from a distribution over the 168 hours of their week, on their own clock. It is believed as a
//! Dirichlet distribution: its prior is the curve of the person's cohort, worth [`PERSON_PRIOR`] active hours, which in turn leans on
//! everyone's; what they did is added to it, each active hour spread over its neighbours on the circle of the week and over the same
//! hour of other days, and fading with age. The mass of two neighbouring hours is then Beta distributed (Gelman et al. 2013,
//! "Bayesian Data Analysis", appendix A), which is the belief that Thompson sampling draws from.

use journeyman_domain::decision::{Belief, HOURS, Hour};
use serde::{Deserialize, Serialize};

mod evaluate;

pub use evaluate::{LEAST_EVENTS, Score, TRAINED, active, evaluate};

/// How many hours after a message is sent it is hoped to be seen.
pub const REACH_HOURS: usize = 2;
/// After how many days activity counts half.
pub const HALF_LIFE_DAYS: f64 = 28.0;
/// How many active hours the cohort's curve is worth to a person.
pub const PERSON_PRIOR: f64 = 4.0;
/// How many people everyone's curve is worth to a cohort.
pub const COHORT_PRIOR: f64 = 20.0;
/// How far an active hour speaks of its neighbours: the standard deviation of a normal kernel on the circle, hours.
const BANDWIDTH_HOURS: f64 = 1.0;
/// How much of it speaks of the same hour of any day.
const ANY_DAY: f64 = 0.2;

/// A curve over the hours of a week; adds up to 1.
type Curve = Vec<f64>;

/// The parts of the day by which people are told apart: who is active most from then on for six hours.
const COHORTS: [&str; 4] = ["night", "morning", "afternoon", "evening"];

/// When people are active: everyone, and each cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Curves {
    everyone: Curve,
    cohorts: Vec<Curve>,
    kernel: Curve,
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    everyone: Curve,
    cohorts: Vec<Curve>,
}

impl From<Curves> for Stored {
    fn from(curves: Curves) -> Self {
        Self { everyone: curves.everyone, cohorts: curves.cohorts }
    }
}

impl TryFrom<Stored> for Curves {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let sound = |curve: &Curve| {
            let sum: f64 = curve.iter().sum();
            curve.len() == HOURS && curve.iter().all(|mass| *mass > 0.0) && (sum - 1.0).abs() < 1e-6
        };
        if stored.cohorts.len() != COHORTS.len()
            || !stored.cohorts.iter().all(sound)
            || !sound(&stored.everyone)
        {
            return Err("a send-time model is 5 curves of 168 hours, each adding up to 1");
        }
        Ok(Self { everyone: stored.everyone, cohorts: stored.cohorts, kernel: kernel() })
    }
}

/// What an active hour says of the hours so many later; adds up to 1.
fn kernel() -> Curve {
    let near = |later: usize| {
        let apart = later.min(HOURS - later) as f64 / BANDWIDTH_HOURS;
        (-apart * apart / 2.0).exp()
    };
    let week: Curve = (0..HOURS).map(near).collect();
    let sum: f64 = week.iter().sum();
    let mixed = |later: usize| {
        let any: f64 = (0..7).map(|day| week[(later + 24 * day) % HOURS]).sum();
        ((1.0 - ANY_DAY) * week[later] + ANY_DAY * any / 7.0) / sum
    };
    (0..HOURS).map(mixed).collect()
}

/// Active hours by hour of the week, those of long ago fading.
fn counts(active: &[(Hour, f64)]) -> Curve {
    let mut counts = vec![0.0; HOURS];
    for (hour, days) in active.iter().filter(|(_, days)| days.is_finite()) {
        counts[hour.number()] += 0.5_f64.powf(days.max(0.0) / HALF_LIFE_DAYS);
    }
    counts
}

fn smoothed(counts: &[f64], kernel: &[f64]) -> Curve {
    let mut smooth = vec![0.0; HOURS];
    for (hour, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
        for (later, weight) in kernel.iter().enumerate() {
            smooth[(hour + later) % HOURS] += count * weight;
        }
    }
    smooth
}

/// The part of the day in which somebody is active most; `None` of whom nothing is known.
fn cohort_of(counts: &[f64]) -> Option<usize> {
    let mut parts = [0.0; COHORTS.len()];
    for (hour, count) in counts.iter().enumerate() {
        parts[hour % 24 / 6] += count;
    }
    let most = (0..parts.len()).max_by(|a, b| parts[*a].total_cmp(&parts[*b]))?;
    (parts[most] > 0.0).then_some(most)
}

impl Curves {
    /// Fits to the active hours of people, each with how many days ago it was. Each person counts the same, however active.
    pub fn fit<'a>(people: impl IntoIterator<Item = &'a [(Hour, f64)]>) -> Self {
        let kernel = kernel();
        // As if one person had been active at any hour: nothing is impossible.
        let mut everyone = vec![1.0 / HOURS as f64; HOURS];
        let mut cohorts = vec![(vec![0.0; HOURS], 0.0); COHORTS.len()];
        for active in people {
            let counts = counts(active);
            let sum: f64 = counts.iter().sum();
            let Some(cohort) = cohort_of(&counts).filter(|_| sum > 0.0) else { continue };
            for (hour, mass) in smoothed(&counts, &kernel).into_iter().enumerate() {
                everyone[hour] += mass / sum;
                cohorts[cohort].0[hour] += mass / sum;
            }
            cohorts[cohort].1 += 1.0;
        }
        let sum: f64 = everyone.iter().sum();
        everyone.iter_mut().for_each(|mass| *mass /= sum);
        let cohort = |(curve, people): (Curve, f64)| {
            let leant = curve.iter().zip(&everyone);
            leant.map(|(mass, all)| (COHORT_PRIOR * all + mass) / (COHORT_PRIOR + people)).collect()
        };
        let cohorts = cohorts.into_iter().map(cohort).collect();
        Self { everyone, cohorts, kernel }
    }

    /// What is believed of a person who was active then.
    pub fn person(&self, active: &[(Hour, f64)]) -> Person {
        let counts = counts(active);
        let cohort = cohort_of(&counts);
        let prior = cohort.map_or(&self.everyone, |cohort| &self.cohorts[cohort]);
        let own = smoothed(&counts, &self.kernel);
        let alphas: Curve = own.iter().zip(prior).map(|(own, prior)| own + PERSON_PRIOR * prior).collect();
        let sum = alphas.iter().sum();
        Person { alphas, sum, cohort: cohort.map_or("", |cohort| COHORTS[cohort]) }
    }

    /// What is believed of somebody of whom nothing is known.
    pub fn anybody(&self) -> Person {
        self.person(&[])
    }
}

/// What is believed of one person's week.
#[derive(Clone, Debug)]
pub struct Person {
    alphas: Curve,
    sum: f64,
    cohort: &'static str,
}

impl Person {
    /// What is believed of the share of their activity that falls into an hour and the one after it.
    pub fn belief(&self, hour: Hour) -> Belief {
        let alpha: f64 = (0..REACH_HOURS).map(|later| self.alphas[(hour.number() + later) % HOURS]).sum();
        Belief { alpha, beta: self.sum - alpha }
    }

    /// The part of the day they are active in most; empty where nothing is known.
    pub fn cohort(&self) -> &'static str {
        self.cohort
    }

    /// The hour of their week after which most of their activity is expected; the first of equals.
    pub fn best(&self) -> Hour {
        let hours = (0..HOURS).map(Hour::new);
        let expected = hours.map(|hour| (hour, self.belief(hour).alpha));
        let first = (Hour::new(0), f64::MIN);
        expected.fold(first, |best, next| if next.1 > best.1 + 1e-12 { next } else { best }).0
    }
}

#[cfg(test)]
mod tests;
