//! Churn: how far somebody's silence is beyond what is usual of them.
//!
//! P(alive) says nothing of who bought once, and nothing at all where nobody is found to leave; so the score is about
//! silence. Of those with the same history who come back within a year (or twice their own distance between purchases,
//! where that is longer), it is the share who would have come back by now: 0 on the day of a purchase, 1 when all of them
//! would have. In BG/NBD the time until then is Lomax distributed: `(1 - S(s)) / (1 - S(h))`, with `S` of
//! [`BgNbd::silence`].

use crate::Buyer;
use crate::bg_nbd::BgNbd;
use crate::gamma_gamma::GammaGamma;
use crate::history::weeks;

/// How far [`Score::expected`] looks ahead, days.
pub const EXPECTED_DAYS: i32 = 90;
/// How far [`Score::clv`] looks ahead, days.
pub const CLV_DAYS: i32 = 365;
/// Below it the risk is low.
pub const MEDIUM: f64 = 0.5;
/// From it on the risk is high.
pub const HIGH: f64 = 0.8;
/// Within how many weeks who comes back has come back, unless their own rhythm is slower.
const RETURN_WEEKS: f64 = 365.0 / 7.0;
/// Of the rule without a model: after how many days of silence the risk is a half.
pub const HALF_DAYS: f64 = 90.0;

/// A churn risk in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Within their rhythm.
    Low,
    /// Late.
    Medium,
    /// Most of their like would have come back.
    High,
}

impl Band {
    /// The word in expressions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Of a risk from 0 to 1.
    pub fn of(churn: f64) -> Self {
        if churn >= HIGH {
            Self::High
        } else if churn >= MEDIUM {
            Self::Medium
        } else {
            Self::Low
        }
    }
}

/// What is known of a customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The risk that they are lost, 0 to 1, by their silence.
    pub churn: f64,
    /// The purchases expected in the next [`EXPECTED_DAYS`]; `None` without a model.
    pub expected: Option<f64>,
    /// How likely they are still a customer, 0 to 1; `None` without a model.
    pub alive: Option<f64>,
    /// What they are expected to spend in the next [`CLV_DAYS`], not discounted, in the currency of their purchases.
    pub clv: f64,
}

impl Score {
    /// By the models. Where there is none of what a purchase brings, or it knows nothing of this person, it brings
    /// `mean_value`.
    pub fn of(model: &BgNbd, values: Option<&GammaGamma>, mean_value: f64, buyer: &Buyer) -> Self {
        let value = values.and_then(|values| values.mean_value(buyer)).unwrap_or(mean_value);
        Self {
            churn: churn(model, buyer),
            expected: Some(model.expected(buyer, weeks(EXPECTED_DAYS))),
            alive: Some(model.alive(buyer)),
            clv: (model.expected(buyer, weeks(CLV_DAYS)) * value).max(0.0),
        }
    }

    /// The rule where there is no model to go by: by the days since the latest purchase alone, and everybody is worth as
    /// much as all spent on average in the year before.
    pub fn by_recency(buyer: &Buyer, mean_spent: f64) -> Self {
        let days = (buyer.age - buyer.recency).max(0.0) * 7.0;
        Self { churn: days / (days + HALF_DAYS), expected: None, alive: None, clv: mean_spent.max(0.0) }
    }
}

fn churn(model: &BgNbd, buyer: &Buyer) -> f64 {
    let silent = (buyer.age - buyer.recency).max(0.0);
    let own = if buyer.repeats == 0 { 0.0 } else { 2.0 * buyer.recency / f64::from(buyer.repeats) };
    let back = 1.0 - model.silence(buyer, RETURN_WEEKS.max(own));
    if back <= 0.0 {
        return 0.0;
    }
    ((1.0 - model.silence(buyer, silent)) / back).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CDNOW: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

    fn of(repeats: u32, recency: f64, silent: f64) -> f64 {
        churn(&CDNOW, &Buyer { repeats, recency, age: recency + silent, mean_value: 0.0 })
    }

    #[test]
    fn against_their_own_rhythm() {
        // Nobody is lost on the day they bought, and everybody after years.
        for (repeats, recency) in [(0, 0.0), (1, 10.0), (30, 39.0)] {
            assert_eq!(of(repeats, recency, 0.0), 0.0);
            assert_eq!(of(repeats, recency, 500.0), 1.0);
        }
        // Ten quiet weeks are much for who comes every week, little for who comes every ten, and something for who has
        // come once.
        let band = |repeats, recency, silent| Band::of(of(repeats, recency, silent)).name();
        assert_eq!(band(40, 40.0, 10.0), "high");
        assert_eq!(band(4, 40.0, 5.0), "low");
        assert_eq!(band(0, 0.0, 1.0), "low");
        assert_eq!(band(0, 0.0, 13.0), "medium");
        assert_eq!(band(0, 0.0, 39.0), "high");
        // It grows with silence, however often they bought.
        for repeats in [0, 1, 5, 50] {
            let grows: Vec<f64> =
                (0..60).map(|week| of(repeats, f64::from(repeats), f64::from(week))).collect();
            assert!(grows.windows(2).all(|pair| pair[0] <= pair[1]), "{repeats}: {grows:?}");
        }
    }

    #[test]
    fn by_the_rule_without_a_model() {
        let score = |days: f64| Score::by_recency(&Buyer { age: days / 7.0, ..Buyer::default() }, 12.0);
        assert_eq!((score(0.0).churn, score(90.0).churn, score(360.0).churn), (0.0, 0.5, 0.8));
        assert_eq!((score(9.0).clv, score(9.0).expected, score(9.0).alive), (12.0, None, None));
    }

    #[test]
    fn worth_of_a_customer() {
        let values = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
        let buyer = Buyer { repeats: 3, recency: 30.0, age: 31.0, mean_value: 50.0 };
        let score = Score::of(&CDNOW, Some(&values), 1.0, &buyer);
        let wanted = CDNOW.expected(&buyer, 365.0 / 7.0) * values.mean_value(&buyer).unwrap();
        assert_eq!(score.clv, wanted);
        let plain = Score::of(&CDNOW, None, 10.0, &buyer);
        assert!((plain.clv - CDNOW.expected(&buyer, 365.0 / 7.0) * 10.0).abs() < 1e-12);
        assert!(score.expected.unwrap() < CDNOW.expected(&buyer, 39.0));
    }
}
