//! Learned choices against fixed ones: the same shoppers live twice for each seed, and what came of it is compared seed by seed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use anyhow::Context as _;
use journeyman_journey::graph::thousands;
use serde_json::{Value, json};

use super::outcome::Outcome;
use super::shipped::{self, Choices};
use super::table::table;

/// More seeds than this make the interval hardly narrower, and the table of [`T`] ends there.
pub(super) const MOST_SEEDS: u32 = 30;

/// The 97.5 % quantile of Student's t distribution with 1, 2, 3 … 29 degrees of freedom (Student, Biometrika 6, 1908; the values as
/// in Fisher and Yates, Statistical Tables, 1938, table III).
const T: [f64; 29] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045,
];

/// What is compared: its name in JSON, its words, how many digits are shown.
const MEASURES: [(&str, &str, usize); 4] = [
    ("clicks_per_100_messages", "messages clicked, of 100", 2),
    ("goals_per_100_runs", "goals reached, of 100 runs", 2),
    ("messages_per_shopper", "messages, by shopper", 3),
    ("revenue_per_shopper", "ordered, EUR by shopper", 2),
];

/// What came of lives, seed by seed.
pub(super) struct Compared {
    days: u32,
    users: u32,
    seeds: Range<u64>,
    choosing: BTreeSet<String>,
    learned: Vec<[f64; MEASURES.len()]>,
    fixed: Vec<[f64; MEASURES.len()]>,
    faults: u64,
}

/// A difference by pairs, and where it may lie.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Paired {
    learned: f64,
    fixed: f64,
    difference: f64,
    low: f64,
    high: f64,
}

impl Paired {
    /// The mean of the differences `d`, and its interval of 95 %: `mean(d) ± t(0.975, n - 1) s(d) / sqrt(n)` (Student 1908), `s`
    /// with n - 1 in its denominator. `None` of fewer than two pairs, or more than the table of t has.
    fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let n = pairs.len() as f64;
        let t = T.get(pairs.len().checked_sub(2)?)?;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let difference = mean(&|(learned, fixed)| learned - fixed);
        let squares = pairs.iter().map(|(learned, fixed)| (learned - fixed - difference).powi(2));
        let spread = (squares.sum::<f64>() / (n - 1.0)).sqrt();
        let wide = t * spread / n.sqrt();
        Some(Self {
            learned: mean(&|(learned, _)| *learned),
            fixed: mean(&|(_, fixed)| *fixed),
            difference,
            low: difference - wide,
            high: difference + wide,
        })
    }

    /// What may be said of it: nothing where 0 lies in the interval.
    fn verdict(self) -> &'static str {
        match (self.low > 0.0, self.high < 0.0) {
            (true, _) => "more with learned choices",
            (_, true) => "fewer with learned choices",
            _ => "no difference shown",
        }
    }
}

impl Compared {
    pub(super) fn new((days, users): (u32, u32), seeds: Range<u64>) -> Self {
        let choosing = shipped::choosing();
        Self { days, users, seeds, choosing, learned: Vec::new(), fixed: Vec::new(), faults: 0 }
    }

    /// A life has come to its end.
    pub(super) fn add(&mut self, choices: Choices, outcome: &Outcome) {
        let journeys = outcome.journeys.iter().filter(|(name, _)| self.choosing.contains(*name));
        let (mut messages, mut clicked, mut runs, mut goals) = (0, 0, 0, 0);
        for (_, journey) in journeys {
            (messages, clicked) = (messages + journey.messages(), clicked + journey.clicked());
            (runs, goals) = (runs + journey.treated.of, goals + journey.treated.hits);
        }
        let per = |count: u64, of: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
        let users = f64::from(self.users);
        let row = [
            100.0 * per(clicked, messages),
            100.0 * per(goals, runs),
            messages as f64 / users,
            outcome.revenue / users,
        ];
        self.faults += outcome.found.duplicates + outcome.found.lost;
        match choices {
            Choices::Learned => self.learned.push(row),
            Choices::Fixed => self.fixed.push(row),
        }
    }

    fn paired(&self, measure: usize) -> anyhow::Result<Paired> {
        let of = |row: &[f64; MEASURES.len()]| row.get(measure).copied().unwrap_or_default();
        let pairs: Vec<(f64, f64)> =
            self.learned.iter().zip(&self.fixed).map(|(learned, fixed)| (of(learned), of(fixed))).collect();
        Paired::of(&pairs).context("an interval is made of 2 to 30 seeds")
    }

    /// The table for people.
    pub(super) fn drawn(&self, wall: Duration) -> anyhow::Result<String> {
        let mut table = table(
            ["of the journeys that choose", "learned", "fixed", "difference", "95 % interval", ""],
            1..5,
        );
        for (nth, (_, words, digits)) in MEASURES.into_iter().enumerate() {
            let paired = self.paired(nth)?;
            table.add_row([
                words.to_owned(),
                format!("{:.digits$}", paired.learned),
                format!("{:.digits$}", paired.fixed),
                format!("{:+.digits$}", paired.difference),
                format!("{:+.digits$} to {:+.digits$}", paired.low, paired.high),
                paired.verdict().to_owned(),
            ]);
        }
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{} seeds from {}, {} days, {} shoppers, each twice: lived in {:.0} s\n",
            self.learned.len(),
            self.seeds.start,
            self.days,
            thousands(u64::from(self.users)),
            wall.as_secs_f64()
        );
        let _ = writeln!(out, "{table}\n");
        let names: Vec<&str> = self.choosing.iter().map(String::as_str).collect();
        let _ = writeln!(out, " {}; what is ordered counts all of the shop", names.join(", "));
        let _ = writeln!(out, " the mean of the differences by seed, with its interval by Student's t");
        let _ = writeln!(out, " {} duplicates or lost", self.faults);
        Ok(out.lines().flat_map(|line| [line.trim_end(), "\n"]).collect())
    }

    /// As one object. All but `wall_s` is the same whenever days, users and seeds are.
    pub(super) fn json(&self, wall: Duration) -> anyhow::Result<Value> {
        let rounded = |value: f64| (value * 10_000.0).round() / 10_000.0;
        let column = |rows: &[[f64; MEASURES.len()]], nth: usize| -> Vec<f64> {
            rows.iter().map(|row| rounded(row.get(nth).copied().unwrap_or_default())).collect()
        };
        let mut measures = serde_json::Map::new();
        for (nth, (name, ..)) in MEASURES.into_iter().enumerate() {
            let paired = self.paired(nth)?;
            let said = json!({
                "learned": column(&self.learned, nth),
                "fixed": column(&self.fixed, nth),
                "difference": rounded(paired.difference),
                "interval_95": [rounded(paired.low), rounded(paired.high)],
                "verdict": paired.verdict(),
            });
            measures.insert(name.to_owned(), said);
        }
        Ok(json!({
            "days": self.days,
            "users": self.users,
            "seeds": self.seeds.clone().collect::<Vec<u64>>(),
            "journeys": self.choosing,
            "measures": measures,
            "duplicates_or_lost": self.faults,
            "wall_s": (wall.as_secs_f64() * 10.0).round() / 10.0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of the t distribution below a value: its density, (1 + x²/v)^(-(v+1)/2) but for a factor, by Simpson's rule on
    /// the angle atan(x / sqrt(v)), which makes of it cos(angle)^(v-1).
    fn below(t: f64, freedom: usize) -> f64 {
        let density = |angle: f64| angle.cos().powi(freedom as i32 - 1);
        let area = |to: f64| {
            let (steps, width) = (2_000, to / 2_000.0);
            let weight = |nth: usize| match nth {
                0 => 1.0,
                _ if nth == steps => 1.0,
                _ if nth % 2 == 1 => 4.0,
                _ => 2.0,
            };
            (0..=steps).map(|nth| weight(nth) * density(nth as f64 * width)).sum::<f64>() * width / 3.0
        };
        0.5 + 0.5 * area((t / (freedom as f64).sqrt()).atan()) / area(std::f64::consts::FRAC_PI_2)
    }

    #[test]
    fn the_table_of_t_is_that_of_its_distribution() {
        for (nth, t) in T.iter().enumerate() {
            let share = below(*t, nth + 1);
            assert!((share - 0.975).abs() < 3e-5, "{t} at {}: {share}", nth + 1);
        }
        assert_eq!(T.len() as u32 + 1, MOST_SEEDS);
    }

    /// Student's own example: hours of sleep gained by two drugs, ten patients (Biometrika 6, 1908, section IX). The mean of the
    /// differences is 1.58, their t 4.06.
    #[test]
    fn the_interval_is_students() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let pairs: Vec<(f64, f64)> = second.into_iter().zip(first).collect();
        let paired = Paired::of(&pairs).unwrap();
        assert!((paired.difference - 1.58).abs() < 1e-9, "{paired:?}");
        assert!((paired.low - 0.70).abs() < 0.005 && (paired.high - 2.46).abs() < 0.005, "{paired:?}");
        assert_eq!(paired.verdict(), "more with learned choices");
        assert_eq!(Paired::of(&pairs[..1]), None);
        assert_eq!(Paired::of(&[(1.0, 2.0); 31]), None);
    }

    #[test]
    fn no_gain_is_claimed_whose_interval_holds_zero() {
        let verdict = |pairs: &[(f64, f64)]| Paired::of(pairs).unwrap().verdict();
        assert_eq!(verdict(&[(9.0, 1.0), (1.2, 1.0)]), "no difference shown");
        assert_eq!(verdict(&[(1.0, 1.0), (2.0, 2.0)]), "no difference shown");
        assert_eq!(verdict(&[(1.0, 2.0), (1.0, 2.1), (1.0, 2.05)]), "fewer with learned choices");
    }
}
