//! Benches: ratios within one run, ours against a limit nobody can beat or a peer.

pub mod ingest;
mod scratch;

use serde_json::{Value, json};

/// What a bench found.
pub struct Report {
    /// Its name.
    pub bench: &'static str,
    /// What `ours` and `limit` count.
    pub unit: &'static str,
    /// (ours, limit) of each run, the two taken one after the other.
    pub runs: Vec<(f64, f64)>,
    /// The ratio to reach, ours : limit.
    pub goal: f64,
    /// On what and how it was measured.
    pub notes: Vec<String>,
}

impl Report {
    /// The median ratio over the runs; 0 without any.
    pub fn ratio(&self) -> f64 {
        median(self.runs.iter().map(|(ours, limit)| ours / limit))
    }

    /// Whether the goal was reached.
    pub fn met(&self) -> bool {
        self.ratio() >= self.goal
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
            "goal": self.goal,
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
            "{}: median ratio {:.2} ({low:.2} to {high:.2}), goal {:.2}: {verdict}",
            self.bench,
            self.ratio(),
            self.goal
        );
        for note in &self.notes {
            println!("  {note}");
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
