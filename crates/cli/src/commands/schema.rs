//! `journeyman schema`.

use clap::Args;
use journeyman_journey::schema::{KINDS, schema};

/// The files as JSON Schema, for completion and hover in an editor
///
/// Written once beside the journeys it is all that VS Code's YAML extension needs: the first line of a file names it,
/// `# yaml-language-server: $schema=../journey.schema.json`. Whether a journey is right only `check` says.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman schema > journey.schema.json\n  journeyman schema segment > segment.schema.json\n\n\
                  Exit codes: 0 printed, 2 wrongly called."
)]
pub(super) struct Schema {
    /// Of which files
    #[arg(default_value = "journey", value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(KINDS))]
    kind: String,
    /// Print it on one line
    #[arg(long)]
    json: bool,
}

impl Schema {
    pub(super) fn run(self) {
        let Some(schema) = schema(&self.kind) else { return };
        let text = if self.json { schema.to_string() } else { format!("{schema:#}") };
        crate::diagnostics::print(&format!("{text}\n"));
    }
}
