//! Choices that are learned: which channel, which hour. One mechanism for all of them: a model says what it believes of each
//! eligible option, Thompson sampling makes of it how likely each is to be taken, a floor keeps every one of them possible, one
//! hashed draw takes one, and the log keeps all of it.
//!
//! Thompson (1933): an option is taken as often as it is believed to be the best. That share is worked out first, and then drawn
//! from: so the log has the true propensity of what was taken, which off-policy evaluation divides by.

mod normal;
mod recorded;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use normal::{half_step, phi};
pub use recorded::Recorded;

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Choice {
    /// An option of a `choose`.
    Option,
    /// The channel of a message: `best_of`.
    Channel,
    /// The hour of a message: `at: best`.
    SendTime,
}

impl Choice {
    /// All, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Option, Self::Channel, Self::SendTime];

    /// The word in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Option => "option",
            Self::Channel => "channel",
            Self::SendTime => "send_time",
        }
    }

    /// As Postgres keeps it, from 1.
    pub fn code(self) -> i16 {
        self as i16 + 1
    }

    /// The one of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.code() == code)
    }
}

impl FromStr for Choice {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|choice| choice.name() == name).ok_or(())
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// By which rule it was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The shares that the journey says.
    Fixed,
    /// A model's beliefs.
    Learned,
    /// The simple rule, because there is no model yet: channels are drawn evenly, a message goes at once.
    NoModel,
    /// The simple rule, because the model is too old.
    Stale,
}

impl Rule {
    /// All, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Fixed, Self::Learned, Self::NoModel, Self::Stale];

    /// The word in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Learned => "learned",
            Self::NoModel => "no_model",
            Self::Stale => "stale_model",
        }
    }

    /// As Postgres keeps it, from 1.
    pub fn code(self) -> i16 {
        self as i16 + 1
    }

    /// The one of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.code() == code)
    }
}

/// What is believed of the rate of an option: a Beta distribution, both parameters above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    /// Successes, with those of the prior.
    pub alpha: f64,
    /// Failures, with those of the prior.
    pub beta: f64,
}

impl Belief {
    /// Its mean.
    pub fn mean(self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// Mean and standard deviation of its square root: the exact moments of a Beta distribution, E x^k = B(a + k, b) / B(a, b)
    /// at k = 1/2 and 1. The root is closer to normal than the rate, also near 0, and rises with it, so that the best option is
    /// the same.
    fn root(self) -> (f64, f64) {
        let (a, both) = (sound(self.alpha), sound(self.alpha) + sound(self.beta));
        let mean = half_step(a) / half_step(both);
        (mean, (a / both - mean * mean).max(1e-18).sqrt())
    }
}

/// What is no number, or not above 0, believes as little as can be.
fn sound(parameter: f64) -> f64 {
    if parameter.is_finite() { parameter.max(1e-9) } else { 1.0 }
}

/// How unlikely an option may become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Of each.
    pub each: f64,
    /// Of all together: where there are many options each gets less.
    pub total: f64,
}

impl Floor {
    /// Of channels: there are few, and each is tried once in twenty times.
    pub const CHANNEL: Self = Self { each: 0.05, total: 0.2 };
    /// Of hours: there are many, and one message in ten is sent at whichever.
    pub const HOUR: Self = Self { each: 0.05, total: 0.1 };

    /// Of one of so many.
    pub fn of(self, options: usize) -> f64 {
        self.each.min(self.total / options.max(1) as f64)
    }
}

/// How likely each option is taken: as likely as it is believed to be the best, and no less than the floor. They add up to 1.
///
/// P(i best) is the integral of option i's density times every other's distribution: over where the best can be, from 4 standard
/// deviations below the highest mean up to 4 above, cell by cell, what falls into a cell times the others at its middle.
pub fn propensities(beliefs: &[Belief], floor: Floor) -> Vec<f64> {
    const CELLS: usize = 64;
    let roots: Vec<(f64, f64)> = beliefs.iter().map(|belief| belief.root()).collect();
    let from = roots.iter().map(|(mean, sd)| mean - 4.0 * sd).fold(f64::MIN, f64::max);
    let to = roots.iter().map(|(mean, sd)| mean + 4.0 * sd).fold(f64::MIN, f64::max);
    let edge = |cell: usize| from + (to - from) * cell as f64 / CELLS as f64;
    let mut below: Vec<f64> = roots.iter().map(|(mean, sd)| phi((from - mean) / sd)).collect();
    let mut shares = vec![0.0; roots.len()];
    // Of those before an option, and of all up to the middle of a cell.
    let mut before = vec![1.0; roots.len()];
    let mut cell_of = vec![(0.0, 0.0); roots.len()];
    for cell in 1..=CELLS {
        let mut product = 1.0;
        for (nth, (mean, sd)) in roots.iter().enumerate() {
            let upto = phi((edge(cell) - mean) / sd);
            cell_of[nth] = ((upto - below[nth]).max(0.0), f64::midpoint(upto, below[nth]));
            (below[nth], before[nth]) = (upto, product);
            product *= cell_of[nth].1;
        }
        let mut behind = 1.0;
        for (nth, (mass, middle)) in cell_of.iter().enumerate().rev() {
            shares[nth] += mass * before[nth] * behind;
            behind *= middle;
        }
    }
    floored(&shares, floor)
}

/// Shares of whatever sum as propensities that are no less than the floor and add up to 1; even ones where there is no sum.
pub fn floored(shares: &[f64], floor: Floor) -> Vec<f64> {
    let options = shares.len();
    let least = floor.of(options);
    let sum: f64 = shares.iter().sum();
    let rest = 1.0 - least * options as f64;
    let share = |share: &f64| match sum > 0.0 && sum.is_finite() {
        true => least + rest * share / sum,
        false => 1.0 / options as f64,
    };
    shares.iter().map(share).collect()
}

/// The option that a draw from [0, 1) takes; `None` where there is none.
pub fn pick(propensities: &[f64], drawn: f64) -> Option<usize> {
    let mut upto = 0.0;
    let taken = propensities.iter().position(|propensity| {
        upto += propensity;
        drawn < upto
    });
    // They add up to 1 but for rounding: the last possible one takes what is left.
    taken.or_else(|| propensities.iter().rposition(|propensity| *propensity > 0.0))
}

/// What a model says of some options.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// What it believes of each; as many as were asked for.
    Beliefs {
        /// The number of the snapshot it is from.
        snapshot: i64,
        /// By option.
        beliefs: Vec<Belief>,
        /// The cohort that it took the person for; empty where it knows of none.
        cohort: &'static str,
    },
    /// Nothing: the simple rule is to be followed.
    Simple(Rule),
}

/// What is asked of the channels of a message.
#[derive(Clone, Copy, Debug)]
pub struct ChannelAsked<'a> {
    /// The journey.
    pub journey: &'a str,
    /// The step.
    pub step: &'a str,
    /// How lately the person was seen.
    pub recency: Recency,
    /// Eligible ones.
    pub channels: &'a [crate::plan::Channel],
    /// When.
    pub now: crate::ShopTime,
}

/// What is asked of the hours of a message.
#[derive(Clone, Copy, Debug)]
pub struct HourAsked<'a> {
    /// Hours in which the person was active: the hour of their week, and how many days ago.
    pub active: &'a [(Hour, f64)],
    /// Eligible ones.
    pub hours: &'a [Hour],
    /// When.
    pub now: crate::ShopTime,
}

/// An hour of the week on somebody's clock, 0 to 167: 0 is Monday from midnight to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(u8);

/// Hours of a week.
pub const HOURS: usize = 168;

impl Hour {
    /// The hour of that number, modulo a week.
    pub fn new(number: usize) -> Self {
        Self((number % HOURS) as u8)
    }

    /// That of a moment, on the clock of a zone.
    pub fn of(at: crate::ShopTime, zone: &jiff::tz::TimeZone) -> Self {
        let local = zone.to_datetime(at.timestamp());
        let day = local.weekday().to_monday_zero_offset();
        Self::new(usize::from(day.unsigned_abs()) * 24 + usize::from(local.hour().unsigned_abs()))
    }

    /// Its number.
    pub fn number(self) -> usize {
        usize::from(self.0)
    }
}

/// `mon-09`
impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        write!(f, "{}-{:02}", DAYS[self.number() / 24 % 7], self.0 % 24)
    }
}

/// How lately somebody was seen: the cohort of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recency {
    /// In the last 7 days.
    Fresh,
    /// In the last 30 days.
    Warm,
    /// Longer ago, or never.
    Cold,
}

impl Recency {
    /// All.
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Warm, Self::Cold];

    /// At a moment, of somebody last seen then.
    pub fn of(last_seen: Option<crate::ShopTime>, now: crate::ShopTime) -> Self {
        match last_seen.map(|seen| now.since(seen).as_hours()) {
            Some(hours) if hours < 7 * 24 => Self::Fresh,
            Some(hours) if hours < 30 * 24 => Self::Warm,
            _ => Self::Cold,
        }
    }

    /// The word in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Warm => "warm",
            Self::Cold => "cold",
        }
    }
}

/// One numbered snapshot of the models that choose: what `shared` is to learned choices. `learn` makes them; the same beliefs for
/// the same question, always.
pub trait Models: fmt::Debug + Send + Sync {
    /// What is believed of channels.
    fn channels(&self, asked: &ChannelAsked<'_>) -> Answer;
    /// What is believed of hours.
    fn hours(&self, asked: &HourAsked<'_>) -> Answer;
}

/// Before anything was learned.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModels;

impl Models for NoModels {
    fn channels(&self, _: &ChannelAsked<'_>) -> Answer {
        Answer::Simple(Rule::NoModel)
    }

    fn hours(&self, _: &HourAsked<'_>) -> Answer {
        Answer::Simple(Rule::NoModel)
    }
}

#[cfg(test)]
mod tests;
