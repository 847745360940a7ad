//! Gamma-Gamma: what a purchase of somebody brings.
//!
//! Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013). What each purchase brings is gamma(p, nu), nu
//! everybody's own; over all customers nu is gamma(q, v). It is independent of how often they buy.

use serde::{Deserialize, Serialize};

use crate::Buyer;
use crate::minimum::minimum;
use crate::special::ln_gamma;

/// The parameters. `v` is in the currency of what was spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GammaGamma {
    /// Shape of what a purchase brings.
    pub p: f64,
    /// Shape of its scale over customers.
    pub q: f64,
    /// Rate of that.
    pub v: f64,
}

/// What a fit came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The parameters.
    pub model: GammaGamma,
    /// The logarithm of the likelihood they have.
    pub log_likelihood: f64,
    /// How many customers it was learned from: those who bought again and spent something.
    pub customers: usize,
    /// Whether nothing better was found around them.
    pub converged: bool,
}

/// As in BG/NBD.
const LOGS: (f64, f64) = (-9.0, 9.0);

impl GammaGamma {
    /// The parameters under which what these customers spent is most likely. `None` where nobody bought again and spent
    /// something.
    pub fn fit(buyers: impl IntoIterator<Item = Buyer>) -> Option<Fit> {
        let spent: Vec<(f64, f64)> = buyers
            .into_iter()
            .filter(|buyer| buyer.repeats > 0 && buyer.mean_value > 0.0 && buyer.mean_value.is_finite())
            .map(|buyer| (f64::from(buyer.repeats), buyer.mean_value))
            .collect();
        if spent.is_empty() {
            return None;
        }
        let scale = spent.iter().map(|(_, mean)| mean).sum::<f64>() / spent.len() as f64;
        let ask = |logs: &[f64; 3]| {
            let held = logs.map(|log| log.clamp(LOGS.0, LOGS.1));
            let beyond: f64 = logs.iter().zip(held).map(|(log, held)| (log - held).powi(2)).sum();
            -of_logs(held, scale).of(&spent) + spent.len() as f64 * beyond
        };
        let found = minimum(&ask, [1.0, 1.0, 0.0], 0.5);
        let model = of_logs(found.at.map(|log| log.clamp(LOGS.0, LOGS.1)), scale);
        Some(Fit {
            model,
            log_likelihood: model.of(&spent),
            customers: spent.len(),
            converged: found.converged && model.is_sound(),
        })
    }

    /// Whether these can be parameters: finite, and above 0.
    pub fn is_sound(&self) -> bool {
        [self.p, self.q, self.v].iter().all(|value| value.is_finite() && *value > 0.0)
    }

    /// What a purchase of somebody brings on average, as far as is known (their equation 5); of who has not bought again
    /// what one of anybody brings. `None` where the model's mean is infinite (q <= 1) and the person has none of their own.
    pub fn mean_value(&self, buyer: &Buyer) -> Option<f64> {
        let x = if buyer.mean_value > 0.0 { f64::from(buyer.repeats) } else { 0.0 };
        let below = self.p * x + self.q - 1.0;
        (below > 0.0).then(|| self.p * (self.v + x * buyer.mean_value) / below)
    }

    /// The logarithm of the likelihood of (x, mean) (their equation 1a).
    fn of(&self, spent: &[(f64, f64)]) -> f64 {
        let Self { p, q, v } = *self;
        let all = q * v.ln() - ln_gamma(q);
        let each = spent.iter().map(|(x, mean)| {
            let px = p * x;
            ln_gamma(px + q) - ln_gamma(px) + all + (px - 1.0) * mean.ln() + px * x.ln()
                - (px + q) * (v + x * mean).ln()
        });
        each.sum()
    }
}

fn of_logs(logs: [f64; 3], scale: f64) -> GammaGamma {
    let [p, q, v] = logs.map(f64::exp);
    GammaGamma { p, q, v: v * scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Customers as the model makes them, by quantiles instead of chance.
    fn customers() -> Vec<Buyer> {
        let mut buyers = Vec::new();
        for nth in 1..60_u32 {
            for repeats in 1..5 {
                let mean_value = 20.0 + 0.4 * f64::from(nth * nth) / f64::from(repeats);
                buyers.push(Buyer { repeats, mean_value, ..Buyer::default() });
            }
        }
        buyers
    }

    #[test]
    fn the_likelihood_is_a_density() {
        let model = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
        for x in [1.0, 3.0, 8.0] {
            // By the midpoint rule over the logarithm of the mean.
            let (step, mut mass, mut mean) = (0.001, 0.0, 0.0);
            for nth in -8_000..14_000 {
                let at = (f64::from(nth) * step + step / 2.0).exp();
                let weight = model.of(&[(x, at)]).exp() * at * step;
                mass += weight;
                mean += at * weight;
            }
            let wanted = model.p * model.v / (model.q - 1.0);
            assert!((mass - 1.0).abs() < 1e-6 && (mean / wanted - 1.0).abs() < 1e-3, "{x}: {mass} {mean}");
        }
    }

    #[test]
    fn a_fit_is_a_summit() {
        let spent = customers();
        let fit = GammaGamma::fit(spent.iter().copied()).unwrap();
        assert!(fit.converged && fit.customers == spent.len(), "{fit:?}");
        let pairs: Vec<(f64, f64)> =
            spent.iter().map(|buyer| (f64::from(buyer.repeats), buyer.mean_value)).collect();
        for (p, q, v) in
            [(1.01, 1.0, 1.0), (1.0, 1.01, 1.0), (1.0, 1.0, 1.01), (0.99, 1.0, 1.0), (1.0, 1.0, 0.99)]
        {
            let near = GammaGamma { p: fit.model.p * p, q: fit.model.q * q, v: fit.model.v * v };
            assert!(near.of(&pairs) < fit.log_likelihood, "{p} {q} {v}");
        }
        // In cents everything is the same, but v.
        let cents = spent.iter().map(|buyer| Buyer { mean_value: buyer.mean_value * 100.0, ..*buyer });
        let cents = GammaGamma::fit(cents).unwrap().model;
        assert!((cents.p / fit.model.p - 1.0).abs() < 1e-3, "{cents:?} {fit:?}");
        assert!((cents.v / fit.model.v / 100.0 - 1.0).abs() < 1e-3, "{cents:?} {fit:?}");
    }

    #[test]
    fn who_bought_often_is_known_better() {
        let model = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
        let all = model.mean_value(&Buyer::default()).unwrap();
        assert!((all - 6.25 * 15.44 / 2.74).abs() < 1e-9);
        let of =
            |repeats| model.mean_value(&Buyer { repeats, mean_value: 100.0, ..Buyer::default() }).unwrap();
        assert!(all < of(1) && of(1) < of(5) && of(5) < of(50) && of(50) < 100.0);
        let heavy = GammaGamma { q: 0.9, ..model };
        assert_eq!(heavy.mean_value(&Buyer::default()), None);
        assert!(GammaGamma::fit([Buyer { repeats: 0, mean_value: 5.0, ..Buyer::default() }]).is_none());
    }
}
