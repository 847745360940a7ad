//! `journeyman check`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use journeyman_engine::deploy;

use crate::config::{self, Environment};
use crate::diagnostics::{self, Summary, Told};

/// Check journeys, segments, policies and templates: everything that is wrong, and what to do
///
/// Needs no database. The exit code is 1 where there are errors; warnings alone are 0.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman check                  this folder\n  \
                        journeyman check shop --json      another, for a program\n  \
                        JOURNEYMAN_ENVIRONMENT=production journeyman check")]
pub(super) struct Check {
    /// The folder that holds journeyman.yaml, tracking.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, config: Option<PathBuf>) -> anyhow::Result<()> {
        if config.is_some() {
            bail!("check reads the journeyman.yaml of its folder; name the folder instead of --config");
        }
        let sources = diagnostics::read_folder(&self.dir)?;
        let file = self.dir.join(config::FILE);
        // What both readers of the file would say is said once, with its place.
        let environment = config::environment(&file);
        let production = matches!(environment, Ok(Environment::Production));
        let checked = deploy::check(&sources, production);
        if let Err(error) = environment
            && !checked.diagnostics.iter().any(|said| said.file == config::FILE)
        {
            return Err(error.into());
        }
        let summary = Summary::new(&sources, &checked.diagnostics);
        if self.json {
            diagnostics::print(&format!("{}\n", diagnostics::json(&summary, &checked.diagnostics)));
        } else {
            let drawn = diagnostics::draw(&sources, &checked.diagnostics, diagnostics::in_colour());
            diagnostics::print(&format!("{drawn}{summary}\n"));
        }
        if summary.failed() { Err(Told.into()) } else { Ok(()) }
    }
}
