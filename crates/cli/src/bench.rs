//! Benches: ratios within one run, ours against a limit nobody can beat or a peer.

mod door;
pub mod fanout;
pub mod ingest;
pub mod mail;
mod scratch;
pub mod steps;
pub mod triggers;

use journeyman_domain::ShopClock as _;
use journeyman_domain::link::KeyRing;
use journeyman_engine::outlet::Outlet;
use journeyman_store::deployments::Label;
use serde_json::{Value, json};

use crate::SystemClock;

/// What a bench found.
pub struct Report {
    /// Its name.
    pub bench: &'static str,
    /// What `ours` and `limit` count.
    pub unit: &'static str,
    /// (ours, limit) of each run, the two taken one after the other.
    pub runs: Vec<(f64, f64)>,
    /// What the ratio ours : limit is to be.
    pub goal: Goal,
    /// On what and how it was measured.
    pub notes: Vec<String>,
}

/// What a ratio is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// This much or more: of rates.
    AtLeast(f64),
    /// This much or less: of waits.
    AtMost(f64),
}

impl Goal {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(goal) => ratio >= goal,
            Self::AtMost(goal) => ratio <= goal,
        }
    }

    fn number(self) -> f64 {
        match self {
            Self::AtLeast(goal) | Self::AtMost(goal) => goal,
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(goal) => write!(f, "{goal:.2}"),
            Self::AtMost(goal) => write!(f, "{goal:.2} or less"),
        }
    }
}

impl Report {
    /// The median ratio over the runs; 0 without any.
    pub fn ratio(&self) -> f64 {
        median(self.runs.iter().map(|(ours, limit)| ours / limit))
    }

    /// Whether the goal was reached.
    pub fn met(&self) -> bool {
        !self.runs.is_empty() && self.goal.is_met(self.ratio())
    }

    /// The report as one object.
    pub fn json(&self) -> Value {
        let runs: Vec<Value> = self
            .runs
            .iter()
            .map(|(ours, limit)| json!({ "ours": ours.round(), "limit": limit.round(), "ratio": rounded(ours / limit) }))
            .collect();
        json!({
            "bench": self.bench,
            "unit": self.unit,
            "ours": median(self.runs.iter().map(|run| run.0)).round(),
            "limit": median(self.runs.iter().map(|run| run.1)).round(),
            "ratio": rounded(self.ratio()),
            "goal": self.goal.number(),
            "met": self.met(),
            "runs": runs,
            "notes": self.notes,
        })
    }

    /// The report for people.
    pub fn print(&self) {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["run", &format!("ours, {}", self.unit), &format!("limit, {}", self.unit), "ratio"]);
        for (nth, (ours, limit)) in self.runs.iter().enumerate() {
            let row = [
                format!("{}", nth + 1),
                format!("{ours:.0}"),
                format!("{limit:.0}"),
                format!("{:.2}", ours / limit),
            ];
            table.add_row(row);
        }
        println!("{table}");
        let ratios = || self.runs.iter().map(|(ours, limit)| ours / limit);
        let (low, high) = (ratios().fold(f64::INFINITY, f64::min), ratios().fold(0.0, f64::max));
        let verdict = if self.met() { "met" } else { "NOT met" };
        println!(
            "{}: median ratio {:.2} ({low:.2} to {high:.2}), goal {}: {verdict}",
            self.bench,
            self.ratio(),
            self.goal
        );
        for note in &self.notes {
            println!("  {note}");
        }
    }
}

/// What is said of a bench's deployment.
fn label() -> Label<'static> {
    Label { at: SystemClock.now(), note: "bench", environment: "dev", author: "" }
}

/// A way out that leads to the inbox alone.
fn nowhere() -> anyhow::Result<Outlet> {
    Ok(Outlet::inbox(KeyRing::new([(1, b"journeyman bench links".to_vec())])?))
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
