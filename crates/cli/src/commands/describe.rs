//! `journeyman describe`.

use std::path::PathBuf;

use clap::Args;
use journeyman_journey::describe::describe;
use serde_json::{Value, json};

use super::graph::plans;
use crate::diagnostics;

/// How wide the text is.
const COLUMNS: usize = 96;

/// Tell journeys in plain English
///
/// For whoever has to say yes to one and does not read YAML. What is around a journey is read from its folder, and has to be sound.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman describe                                          all journeys here\n  \
                  journeyman describe cart-abandonment                         or its file\n  journeyman describe --json\n\n\
                  Exit codes: 0 told, 1 there are errors."
)]
pub(super) struct Describe {
    /// A journey by its name or file, or the folder that holds journeyman.yaml and journeys/
    #[arg(default_value = ".", value_name = "JOURNEY")]
    what: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Describe {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let plans = plans(&self.what)?;
        let told = plans.iter().map(|plan| (plan.name.to_string(), describe(plan)));
        if self.json {
            let journeys: serde_json::Map<String, Value> =
                told.map(|(name, text)| (name, text.into())).collect();
            diagnostics::print(&format!("{}\n", json!({ "journeys": journeys })));
            return Ok(());
        }
        let told: Vec<String> = told.map(|(_, text)| text.lines().map(folded).collect()).collect();
        diagnostics::print(&told.join("\n\n"));
        Ok(())
    }
}

/// A paragraph, in lines.
pub(super) fn folded(paragraph: &str) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for word in paragraph.split(' ') {
        let letters = word.chars().count();
        if length > 0 && length + 1 + letters > COLUMNS {
            text.push('\n');
            length = 0;
        } else if length > 0 {
            text.push(' ');
            length += 1;
        }
        text.push_str(word);
        length += letters;
    }
    text.push('\n');
    text
}
