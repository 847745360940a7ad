//! `journeyman test`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;
use clap::Args;
use journeyman_engine::deploy;
use journeyman_journey::testing::Test as JourneyTest;
use journeyman_sim::testing::{Ran, run};
use serde_json::{Value, json};

use crate::diagnostics::{self, Summary, Told};

/// Run the tests in journey files: `tests:` in a journey
///
/// Each test lives through its own history with the actor of the daemon, under a clock of its own: milliseconds, no database, nothing is
/// sent. Its journey is alone; policies, segments and templates are those of the folder.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman test\n  journeyman test shop --journey cart-abandonment\n  journeyman test --json\n\n\
                  Exit codes: 0 all passed, 1 some did not or there are errors in the folder."
)]
pub(super) struct Test {
    /// The folder that holds journeyman.yaml, tracking.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Only the tests of this journey
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// Also say what happened in tests that passed
    #[arg(long)]
    verbose: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let sources = diagnostics::read_folder(&self.dir)?;
        let checked = deploy::check(&sources, false);
        let summary = Summary::new(&sources, &checked.diagnostics);
        let Some(deployment) = checked.deployment.as_ref().filter(|_| !summary.failed()) else {
            eprint!("{}", diagnostics::draw(&sources, &checked.diagnostics, diagnostics::in_colour()));
            eprintln!("{summary}; nothing was run");
            return Err(Told.into());
        };
        let templates =
            deploy::wordings(&deploy::sources(&checked, &sources)).map_err(anyhow::Error::msg)?.templates;
        let wanted = |test: &&JourneyTest| self.journey.as_ref().is_none_or(|name| *test.journey == **name);
        let tests: Vec<&JourneyTest> = checked.tests.iter().filter(wanted).collect();
        if let Some(name) = self.journey.as_ref().filter(|_| tests.is_empty()) {
            bail!("{name} has no tests: write `tests:` in its file");
        }
        let began = Instant::now();
        let ran: Vec<(&JourneyTest, Ran, f64)> = tests
            .into_iter()
            .map(|test| {
                let began = Instant::now();
                let ran = run(deployment, templates.as_deref(), test);
                (test, ran, began.elapsed().as_secs_f64() * 1e3)
            })
            .collect();
        let failed = ran.iter().filter(|(_, ran, _)| !ran.faults.is_empty()).count();
        let wall_ms = began.elapsed().as_secs_f64() * 1e3;
        if self.json {
            let tests: Vec<Value> = ran.iter().map(told_as_json).collect();
            println!(
                "{}",
                json!({ "passed": ran.len() - failed, "failed": failed, "wall_ms": wall_ms, "tests": tests })
            );
        } else {
            let mut text: String = ran.iter().map(|ran| self.told(ran)).collect();
            text.push_str(&format!("{} passed, {failed} failed, in {wall_ms:.0} ms\n", ran.len() - failed));
            diagnostics::print(&text);
        }
        if failed > 0 { Err(Told.into()) } else { Ok(()) }
    }

    fn told(&self, (test, ran, took): &(&JourneyTest, Ran, f64)) -> String {
        let mark = if ran.faults.is_empty() { "✓" } else { "✗" };
        let mut text = format!("{mark} {}: {} ({took:.1} ms)\n", test.journey, test.name);
        for fault in &ran.faults {
            text.push_str(&format!("    {}\n", fault.replace('\n', "\n      | ")));
        }
        if !ran.faults.is_empty() || self.verbose {
            text.push_str(&format!("    line {} of its file; what happened:\n", test.line));
            ran.happened.iter().for_each(|line| text.push_str(&format!("      {line}\n")));
        }
        text
    }
}

fn told_as_json((test, ran, took): &(&JourneyTest, Ran, f64)) -> Value {
    json!({
        "journey": test.journey,
        "test": test.name,
        "line": test.line,
        "passed": ran.faults.is_empty(),
        "faults": ran.faults,
        "happened": ran.happened,
        "ms": took,
    })
}
