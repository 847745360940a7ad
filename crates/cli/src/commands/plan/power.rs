//! Whether a test of variants could tell them apart, at the traffic there was.

use std::sync::Arc;

use journeyman_domain::plan::{Plans, Step};

use super::forecast::Forecast;

/// The share of messages that are clicked where nobody knows better.
const CLICKED: f64 = 0.03;
/// z of a two-sided level of 5 % and a power of 80 %: 1.960 + 0.842.
const Z: f64 = 2.802;

/// A test, and how many messages it would have had.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Power {
    pub(super) journey: Arc<str>,
    pub(super) step: Arc<str>,
    pub(super) variants: usize,
    /// Messages of each variant in the days of the forecast.
    pub(super) each: u64,
    /// How many days it takes until twice the clicks would be seen; `None` where there were no messages.
    pub(super) days: Option<f64>,
}

/// The tests of all live journeys, by journey and step.
pub(super) fn tests(plans: &Plans, forecast: &Forecast) -> Vec<Power> {
    let mut tests = Vec::new();
    for plan in
        plans.versions().filter(|plan| plans.live(&plan.name).is_some_and(|live| live.hash == plan.hash))
    {
        for node in &plan.nodes {
            let Step::Send(send) = &node.step else { continue };
            if send.test.len() < 2 {
                continue;
            }
            let of = forecast.then.journeys.get(&plan.name);
            let sent = of.and_then(|of| of.sent_at.get(&node.id)).copied().unwrap_or(0);
            let each = sent / send.test.len() as u64;
            let days = (each > 0).then(|| needed(CLICKED) / each as f64 * f64::from(forecast.days));
            let (journey, step, variants) = (plan.name.clone(), node.id.clone(), send.test.len());
            tests.push(Power { journey, step, variants, each, days });
        }
    }
    tests.sort_by(|a, b| (&a.journey, &a.step).cmp(&(&b.journey, &b.step)));
    tests
}

/// How many messages of each variant it takes to see that one has twice the rate of the other: `n = z² · 2 p̄ (1 − p̄) / δ²` with
/// `p̄ = 1.5 p` and `δ = p` (two proportions; Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 3rd edition, section 4.1).
fn needed(rate: f64) -> f64 {
    let mean = 1.5 * rate;
    Z * Z * 2.0 * mean * (1.0 - mean) / (rate * rate)
}

impl Power {
    /// A sentence.
    pub(super) fn words(&self) -> String {
        let Self { journey, step, variants, each, days } = self;
        let of = format!("{journey}/{step} compares {variants} variants");
        match days {
            None => format!("{of}, and nothing was sent by it: the test will tell nothing"),
            Some(days) if *days > 365.0 => {
                format!("{of} with {each} messages each: not even twice the clicks would be seen in a year")
            }
            Some(days) => format!(
                "{of} with {each} messages each: twice the clicks are seen after {:.0} days",
                days.ceil()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sizes() {
        // 3 % against 6 %: the tables have 749 to 760 in each group by ways that differ in the last digits.
        assert!((735.0..765.0).contains(&needed(0.03)), "{}", needed(0.03));
        assert!(needed(0.2) < 100.0);
    }

    #[test]
    fn what_is_said_of_it() {
        let power = |each: u64, days: Option<f64>| Power {
            journey: "j".into(),
            step: "s".into(),
            variants: 2,
            each,
            days,
        };
        assert!(power(0, None).words().ends_with("the test will tell nothing"));
        assert!(power(2, Some(5_000.0)).words().contains("with 2 messages each: not even twice"));
        assert!(power(500, Some(20.3)).words().ends_with("after 21 days"));
    }
}
