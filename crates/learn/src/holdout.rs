//! How well a model foretells what it has not seen.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Histories;
use crate::bg_nbd::BgNbd;
use crate::history::weeks;

/// What was foretold for each customer against what they did, in the time after the one the model was learned from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Holdout {
    /// Pearson's correlation of the two over customers; 0 where one of them is the same for all.
    pub correlation: f64,
    /// The mean of their squared difference.
    pub mse: f64,
    /// The same for who would go on buying as often as so far: what a model has to be better than.
    pub rate_mse: f64,
    /// The same for who would buy as often as all of them together did so far.
    pub mean_rate_mse: f64,
    /// All repeated purchases of these customers from the beginning, as foretold over as they were, less 1.
    pub cumulative_error: f64,
    /// How many repeated purchases were foretold for the holdout.
    pub expected: f64,
    /// How many there were.
    pub actual: u32,
    /// How many customers.
    pub customers: usize,
}

/// Repeated purchases until the end of a week, counted from the first purchase of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Week {
    /// Which, from 1.
    pub week: u32,
    /// As foretold.
    pub expected: f64,
    /// As they were.
    pub actual: u32,
}

impl Holdout {
    /// Of a model that was learned from what was known at the end of `calibration_end`, until the end of `until`. `None`
    /// where nobody had bought by then or no time is left.
    pub fn of(model: &BgNbd, all: &Histories, calibration_end: i32, until: i32) -> Option<Self> {
        if until <= calibration_end {
            return None;
        }
        let horizon = weeks(until - calibration_end);
        let buyers = all.at(calibration_end).map(|(_, buyer)| buyer);
        let did = all.repeats(calibration_end, until).map(|(_, days)| {
            let before = days.partition_point(|(day, _)| *day <= calibration_end);
            u32::try_from(days.len() - before).unwrap_or(u32::MAX)
        });
        let pairs: Vec<(f64, f64, f64)> = buyers
            .zip(did)
            .map(|(buyer, did)| {
                // Who came today has no rate yet.
                let rate = f64::from(buyer.repeats) / buyer.age.max(1.0) * horizon;
                (model.expected(&buyer, horizon), f64::from(did), rate)
            })
            .collect();
        if pairs.is_empty() {
            return None;
        }
        let (repeats, ages) = all.at(calibration_end).fold((0.0, 0.0), |(repeats, ages), (_, buyer)| {
            (repeats + f64::from(buyer.repeats), ages + buyer.age)
        });
        let mean_rate = if ages > 0.0 { repeats / ages * horizon } else { 0.0 };
        let (mut foretold_in_all, mut did_in_all) = (0.0, 0_usize);
        // Who came on the same day is expected to do the same.
        let mut came: BTreeMap<i32, f64> = BTreeMap::new();
        for (first, later) in all.repeats(calibration_end, until) {
            *came.entry(first).or_default() += 1.0;
            did_in_all += later.len();
        }
        for (day, people) in came {
            foretold_in_all += people * model.expected_of_new(weeks(until - day));
        }
        let n = pairs.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (foretold, did) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        let together = mean(&|pair| (pair.0 - foretold) * (pair.1 - did));
        let spread =
            (mean(&|pair| (pair.0 - foretold).powi(2)) * mean(&|pair| (pair.1 - did).powi(2))).sqrt();
        Some(Self {
            correlation: if spread > 0.0 { together / spread } else { 0.0 },
            mse: mean(&|pair| (pair.0 - pair.1).powi(2)),
            rate_mse: mean(&|pair| (pair.2 - pair.1).powi(2)),
            mean_rate_mse: mean(&|pair| (mean_rate - pair.1).powi(2)),
            cumulative_error: if did_in_all > 0 { foretold_in_all / did_in_all as f64 - 1.0 } else { 0.0 },
            expected: foretold * n,
            actual: pairs.iter().map(|pair| pair.1 as u32).sum(),
            customers: pairs.len(),
        })
    }
}

/// Week by week, of who had bought by the end of `calibration_end`, until the end of `until`, whose week is the last one
/// and may be short.
pub fn weeks_of(model: &BgNbd, all: &Histories, calibration_end: i32, until: i32) -> Vec<Week> {
    let cohort: Vec<(i32, &[(i32, f64)])> = all.repeats(calibration_end, until).collect();
    let Some(first) = cohort.iter().map(|(first, _)| *first).min() else { return Vec::new() };
    // Who came on the same day is expected to do the same.
    let mut came: BTreeMap<i32, f64> = BTreeMap::new();
    let mut bought: BTreeMap<i32, u32> = BTreeMap::new();
    for (first, later) in &cohort {
        *came.entry(*first).or_default() += 1.0;
        for (day, _) in *later {
            *bought.entry(*day).or_default() += 1;
        }
    }
    let ends = (1..).map(|week: u32| (week, first.saturating_add(7 * week as i32 - 1)));
    let mut weekly = Vec::new();
    for (week, end) in ends {
        let end = end.min(until);
        let since = came.range(..=end).map(|(day, people)| people * model.expected_of_new(weeks(end - day)));
        weekly.push(Week {
            week,
            expected: since.sum(),
            actual: bought.range(..=end).map(|(_, count)| count).sum(),
        });
        if end >= until {
            return weekly;
        }
    }
    weekly
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purchase;

    #[test]
    fn foretold_and_done() {
        let model = BgNbd { r: 0.5, alpha: 4.0, a: 0.8, b: 2.5 };
        let days = [(1, 0), (1, 7), (1, 70), (2, 3), (3, 40), (4, 90)];
        let all = Histories::of(days.map(|(customer, day)| Purchase { customer, day, value: 1.0 }));
        let holdout = Holdout::of(&model, &all, 60, 80).unwrap();
        // The fourth came later, and is none of those it is about.
        assert_eq!((holdout.customers, holdout.actual), (3, 1));
        let foretold: Vec<f64> = all.at(60).map(|(_, buyer)| model.expected(&buyer, 20.0 / 7.0)).collect();
        let mse = ((foretold[0] - 1.0).powi(2) + foretold[1].powi(2) + foretold[2].powi(2)) / 3.0;
        assert!((holdout.mse - mse).abs() < 1e-12, "{holdout:?}");
        let (x, y) = (&foretold, [1.0, 0.0, 0.0]);
        let mean = foretold.iter().sum::<f64>() / 3.0;
        let together: f64 = x.iter().zip(y).map(|(x, y)| (x - mean) * (y - 1.0 / 3.0)).sum();
        let spread = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() * 2.0 / 3.0;
        assert!((holdout.correlation - together / spread.sqrt()).abs() < 1e-12, "{holdout:?}");
        let weekly = weeks_of(&model, &all, 60, 80);
        assert_eq!(
            weekly.iter().map(|week| week.actual).collect::<Vec<_>>(),
            [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]
        );
        let last = weekly.last().unwrap();
        let expected = [80, 77, 40].map(|days| model.expected_of_new(weeks(days))).iter().sum::<f64>();
        assert!((last.expected - expected).abs() < 1e-12);
        assert!((holdout.cumulative_error - (expected / 2.0 - 1.0)).abs() < 1e-12);
        assert!(Holdout::of(&model, &all, 60, 60).is_none());
        assert!(Holdout::of(&model, &all, -1, 60).is_none());
    }
}
