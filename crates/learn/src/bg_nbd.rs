//! BG/NBD: how often somebody buys who may have left without a word.
//!
//! Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005) 275-284. While somebody is
//! a customer they buy as a Poisson process of their own rate; after each purchase they leave with their own probability.
//! Over all customers the rate is gamma(r, alpha), the probability beta(a, b).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Buyer;
use crate::minimum::minimum;
use crate::special::{hypergeometric, ln_gamma};

/// The parameters. Time is in weeks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BgNbd {
    /// Shape of the rate.
    pub r: f64,
    /// Its rate parameter, weeks.
    pub alpha: f64,
    /// First parameter of the probability to leave after a purchase.
    pub a: f64,
    /// Second one.
    pub b: f64,
}

/// What a fit came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The parameters.
    pub model: BgNbd,
    /// The logarithm of the likelihood they have.
    pub log_likelihood: f64,
    /// Whether nothing better was found around them.
    pub converged: bool,
}

/// Logarithms of parameters are looked for between these: beyond them the likelihood hardly changes, and numbers get
/// out of hand. Where nobody leaves, `a` runs to the lower one.
const LOGS: (f64, f64) = (-12.0, 9.0);
/// How far from a place where a formula divides by nothing it is asked instead.
const ASIDE: f64 = 1e-6;

impl BgNbd {
    /// The parameters under which these customers are most likely. `None` where nobody ever bought again: nothing can
    /// be learned then.
    pub fn fit(buyers: impl IntoIterator<Item = Buyer>) -> Option<Fit> {
        let groups = Groups::of(buyers);
        if !groups.somebody_came_back() {
            return None;
        }
        let scale = groups.scale();
        let ask = |logs: &[f64; 4]| {
            let held = logs.map(|log| log.clamp(LOGS.0, LOGS.1));
            let beyond: f64 = logs.iter().zip(held).map(|(log, held)| (log - held).powi(2)).sum();
            -groups.log_likelihood(&of_logs(held, scale)) + groups.people * beyond
        };
        let found = minimum(&ask, [0.0, -1.0, 0.0, 0.0], 1.0);
        let model = of_logs(found.at.map(|log| log.clamp(LOGS.0, LOGS.1)), scale);
        Some(Fit {
            model,
            log_likelihood: groups.log_likelihood(&model),
            converged: found.converged && model.is_sound(),
        })
    }

    /// Whether these can be parameters: finite, and above 0.
    pub fn is_sound(&self) -> bool {
        [self.r, self.alpha, self.a, self.b].iter().all(|value| value.is_finite() && *value > 0.0)
    }

    /// The logarithm of the likelihood of these customers (their equation 6).
    pub fn log_likelihood(&self, buyers: impl IntoIterator<Item = Buyer>) -> f64 {
        Groups::of(buyers).log_likelihood(self)
    }

    /// How likely it is that somebody is still a customer, 0 to 1. Of who bought once it is 1 whatever time has passed,
    /// since people leave after a purchase they repeated: do not rank by it.
    pub fn alive(&self, buyer: &Buyer) -> f64 {
        if buyer.repeats == 0 {
            return 1.0;
        }
        let x = f64::from(buyer.repeats);
        let silent = ((self.alpha + buyer.age) / (self.alpha + buyer.recency)).ln() * (self.r + x);
        1.0 / (1.0 + (silent + (self.a / (self.b + x - 1.0)).ln()).exp())
    }

    /// How many purchases are expected of somebody in the next `weeks` (their equation 10).
    pub fn expected(&self, buyer: &Buyer, weeks: f64) -> f64 {
        let x = f64::from(buyer.repeats);
        self.alive(buyer) * self.until(x, weeks / (self.alpha + buyer.age + weeks))
    }

    /// How many repeated purchases are expected of anybody in the first `weeks` after their first one (their equation 9).
    pub fn expected_of_new(&self, weeks: f64) -> f64 {
        self.until(0.0, weeks / (self.alpha + weeks))
    }

    /// How likely a customer who has not left stays silent for so many weeks after the latest purchase, 0 to 1. Their rate
    /// is gamma(r + x, alpha + t_x) then.
    pub fn silence(&self, buyer: &Buyer, weeks: f64) -> f64 {
        let x = f64::from(buyer.repeats);
        let since = self.alpha + buyer.recency;
        ((since / (since + weeks)).ln() * (self.r + x)).exp()
    }

    /// What both expectations have in common, of somebody alive. By Euler's transformation of the hypergeometric
    /// function, since its own terms outgrow every number for who bought often.
    fn until(&self, x: f64, z: f64) -> f64 {
        let a = if (self.a - 1.0).abs() < ASIDE { 1.0 + 2.0 * ASIDE } else { self.a };
        let c = a + self.b + x - 1.0;
        let c = if c.abs() < ASIDE { 2.0 * ASIDE } else { c };
        let left = (1.0 - z).powf(a - 1.0) * hypergeometric(c - self.r - x, a - 1.0, c, z);
        c / (a - 1.0) * (1.0 - left)
    }
}

fn of_logs(logs: [f64; 4], scale: f64) -> BgNbd {
    let [r, alpha, a, b] = logs.map(f64::exp);
    BgNbd { r, alpha: alpha * scale, a, b }
}

/// How many came back as often, and of each (t_x, T) how many.
type Times = (f64, Vec<(f64, f64, f64)>);

/// Customers by what the likelihood asks of them: there are far fewer histories than people.
struct Groups {
    people: f64,
    /// By x.
    by_repeats: BTreeMap<u32, Times>,
}

impl Groups {
    fn of(buyers: impl IntoIterator<Item = Buyer>) -> Self {
        let mut same: BTreeMap<(u32, u64, u64), f64> = BTreeMap::new();
        for buyer in buyers {
            // Bits of numbers that are not negative are in the order of the numbers.
            *same.entry((buyer.repeats, buyer.recency.to_bits(), buyer.age.to_bits())).or_default() += 1.0;
        }
        let mut groups = Self { people: same.values().sum(), by_repeats: BTreeMap::new() };
        for ((repeats, recency, age), people) in same {
            let (all, times) = groups.by_repeats.entry(repeats).or_default();
            *all += people;
            times.push((f64::from_bits(recency), f64::from_bits(age), people));
        }
        groups
    }

    fn somebody_came_back(&self) -> bool {
        self.by_repeats.last_key_value().is_some_and(|(repeats, _)| *repeats > 0)
    }

    /// The longest time somebody was watched: what alpha is looked for around.
    fn scale(&self) -> f64 {
        let ages = self.by_repeats.values().flat_map(|(_, times)| times).map(|(_, age, _)| *age);
        ages.fold(1.0 / 7.0, f64::max)
    }

    fn log_likelihood(&self, model: &BgNbd) -> f64 {
        let BgNbd { r, alpha, a, b } = *model;
        let all = ln_gamma(a + b) - ln_gamma(b) - ln_gamma(r) + r * alpha.ln();
        let of_repeats = |(repeats, (people, times)): (&u32, &Times)| {
            let x = f64::from(*repeats);
            let counted = all + ln_gamma(r + x) + ln_gamma(b + x) - ln_gamma(a + b + x);
            let left = if *repeats == 0 { f64::NEG_INFINITY } else { (a / (b + x - 1.0)).ln() };
            let timed = times.iter().map(|(recency, age, people)| {
                let stays = -(r + x) * (alpha + age).ln();
                let leaves = left - (r + x) * (alpha + recency).ln();
                let (most, least) = if stays > leaves { (stays, leaves) } else { (leaves, stays) };
                people * (most + (least - most).exp().ln_1p())
            });
            people * counted + timed.sum::<f64>()
        };
        self.by_repeats.iter().map(of_repeats).sum()
    }
}

#[cfg(test)]
mod tests;
