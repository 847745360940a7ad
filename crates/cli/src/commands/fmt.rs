//! `journeyman fmt`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use journeyman_journey::Source;
use journeyman_journey::format::{Unformatted, format};
use serde_json::json;

use crate::diagnostics::{self, Told};

/// Lay out journeys, segments, snippets and the shop's files alike
///
/// Two spaces for each block, lists two spaces in, one empty line at most, no spaces at the end of a line. What a file says stays to the
/// letter, comments too: it stays the same version, and nobody who is inside a journey notices. A file that can't be read, or not be laid
/// out without changing what it says, stays as it is and is named.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman fmt                              this folder\n  \
                  journeyman fmt journeys/welcome.yaml        one file\n  \
                  journeyman fmt --check                      for CI: writes nothing, says which would change\n\n\
                  Exit codes: 0 done, 1 where one can't be read, and with --check where a file would change. One that can't be laid out\n                  without changing what it says is named and counts for nothing.")]
pub(super) struct Fmt {
    /// The folder that holds journeyman.yaml and journeys/, or one file
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    what: PathBuf,
    /// Write nothing; the exit code is 1 where a file would change
    #[arg(long)]
    check: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Fmt {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let files = self.files()?;
        let (mut changed, mut left, mut wrong) = (Vec::new(), Vec::new(), false);
        for (path, source) in &files {
            match format(source) {
                Ok(text) if text == source.text => {}
                Ok(text) => {
                    if !self.check {
                        std::fs::write(path, text)
                            .with_context(|| format!("can't write {}", path.display()))?;
                    }
                    changed.push(source.path.clone());
                }
                Err(why) => {
                    wrong |= why == Unformatted::Wrong;
                    left.push((source.path.clone(), why.to_string()));
                }
            }
        }
        if self.json {
            let left: Vec<_> = left.iter().map(|(file, why)| json!({ "file": file, "why": why })).collect();
            let told =
                json!({ "files": files.len(), "changed": changed, "left": left, "written": !self.check });
            diagnostics::print(&format!("{told}\n"));
        } else {
            let word = if self.check { "would be laid out anew" } else { "laid out" };
            changed.iter().for_each(|file| diagnostics::print(&format!("{word}: {file}\n")));
            left.iter().for_each(|(file, why)| diagnostics::print(&format!("stays: {file}: {why}\n")));
            let (all, anew) = (files.len(), changed.len());
            diagnostics::print(&format!("{all} files, {anew} {word}\n"));
        }
        if self.check && !changed.is_empty() || wrong { Err(Told.into()) } else { Ok(()) }
    }

    /// The files with their texts; templates are not the language's.
    fn files(&self) -> anyhow::Result<Vec<(PathBuf, Source)>> {
        if self.what.is_file() {
            let text = std::fs::read_to_string(&self.what)
                .with_context(|| format!("can't read {}", self.what.display()))?;
            let path = self.what.display().to_string();
            return Ok(vec![(self.what.clone(), Source { path, text })]);
        }
        if !self.what.is_dir() {
            bail!("{} is no file and no folder", self.what.display());
        }
        let ours = |source: &Source| {
            let yaml = Path::new(&source.path).extension().is_some_and(|ending| ending == "yaml");
            yaml && !source.path.starts_with("templates/") && !source.text.trim().is_empty()
        };
        let sources = diagnostics::read_shop(&self.what)?;
        Ok(sources.into_iter().filter(ours).map(|source| (self.what.join(&source.path), source)).collect())
    }
}
