//! Chance of one shopper for one thing.

use journeyman_domain::draw;

use super::figures::Quantiles;

/// Draws that hang on (seed, shopper, what for, which of those) and on nothing else.
pub(super) struct Dice {
    seed: i64,
    who: String,
    of: &'static str,
    nth: String,
    drawn: u32,
}

impl Dice {
    pub(super) fn new(seed: u64, who: usize, of: &'static str, nth: u32) -> Self {
        Self { seed: seed as i64, who: who.to_string(), of, nth: nth.to_string(), drawn: 0 }
    }

    /// Uniform in [0, 1).
    pub(super) fn number(&mut self) -> f64 {
        self.drawn += 1;
        draw(self.seed, &["shoppers", &self.who, self.of, &self.nth, &self.drawn.to_string()])
    }

    /// Whether something of this share happens.
    pub(super) fn below(&mut self, share: f64) -> bool {
        self.number() < share
    }

    /// A value of a distribution given by its quantiles.
    pub(super) fn of(&mut self, quantiles: &Quantiles) -> f64 {
        quantiles.at(self.number())
    }

    /// One of so many, from 0; 0 where there is none.
    pub(super) fn index(&mut self, count: usize) -> usize {
        ((self.number() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// One of these by weight.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.number() * weights.iter().sum::<f64>();
        for (nth, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return nth;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// How many, at least 1, of this mean: geometric.
    pub(super) fn count(&mut self, mean: f64) -> u32 {
        let more = 1.0 - 1.0 / mean.max(1.0);
        let mut count = 1;
        while count < 12 && self.below(more) {
            count += 1;
        }
        count
    }

    /// A value of a Lomax (Pareto II) distribution of scale 1: it passes x with the chance (1 + x)^-tail.
    pub(super) fn lomax(&mut self, tail: f64) -> f64 {
        (1.0 - self.number()).powf(-1.0 / tail) - 1.0
    }
}
