//! `journeyman check`.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use journeyman_engine::deploy;
use journeyman_journey::Source;
use journeyman_journey::fix::{Edit, edited, edits};

use crate::config::{self, Environment};
use crate::diagnostics::{self, Summary, Told};

/// How often a folder is looked at again after something was put right.
const ROUNDS: usize = 50;

/// Check journeys, segments, policies and templates: everything that is wrong, and what to do
///
/// Needs no database. The exit code is 1 where there are errors; warnings alone are 0.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman check                  this folder\n  \
                        journeyman check shop --json      another, for a program\n  \
                        journeyman check --fix            and put right what can be without asking\n  \
                        JOURNEYMAN_ENVIRONMENT=production journeyman check")]
pub(super) struct Check {
    /// The folder that holds journeyman.yaml, tracking.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Put right what can be without asking: quotes that are missing, `!` for `not`, words one letter off
    #[arg(long)]
    fix: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, config: Option<PathBuf>) -> anyhow::Result<()> {
        if config.is_some() {
            bail!("check reads the journeyman.yaml of its folder; name the folder instead of --config");
        }
        let mut sources = diagnostics::read_folder(&self.dir)?;
        let file = self.dir.join(config::FILE);
        // What both readers of the file would say is said once, with its place.
        let environment = config::environment(&file);
        let production = matches!(environment, Ok(Environment::Production));
        let mut checked = deploy::check(&sources, production);
        let mut fixed = Vec::new();
        // YAML's reader stops at the first fault: behind it there may be more.
        for _ in 0..if self.fix { ROUNDS } else { 0 } {
            let edits = edits(&sources, &checked.diagnostics);
            if edits.is_empty() {
                break;
            }
            self.write(&mut sources, &edits)?;
            fixed.extend(edits);
            checked = deploy::check(&sources, production);
        }
        if let Err(error) = environment
            && !checked.diagnostics.iter().any(|said| said.file == config::FILE)
        {
            return Err(error.into());
        }
        let summary = Summary::new(&sources, &checked.diagnostics);
        if self.json {
            let mut told = diagnostics::json(&summary, &checked.diagnostics);
            if self.fix {
                let edit = |edit: &Edit| serde_json::json!({ "file": edit.file, "line": edit.line, "text": edit.text });
                told["fixed"] = fixed.iter().map(edit).collect();
            }
            diagnostics::print(&format!("{told}\n"));
        } else {
            for edit in &fixed {
                diagnostics::print(&format!("put right: {}:{}: {}\n", edit.file, edit.line, edit.text));
            }
            let drawn = diagnostics::draw(&sources, &checked.diagnostics, diagnostics::in_colour());
            diagnostics::print(&format!("{drawn}{summary}\n"));
        }
        if summary.failed() { Err(Told.into()) } else { Ok(()) }
    }

    /// Writes the files that are others now.
    fn write(&self, sources: &mut [Source], edits: &[Edit]) -> anyhow::Result<()> {
        for source in sources {
            let text = edited(source, edits);
            if text != source.text {
                let path = self.dir.join(&source.path);
                std::fs::write(&path, &text).with_context(|| format!("can't write {}", path.display()))?;
                source.text = text;
            }
        }
        Ok(())
    }
}
