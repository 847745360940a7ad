//! The file of lines that could not be events.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context as _;
use journeyman_domain::Reject;

/// Made when the first line is added; added to when an import goes on.
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<csv::Writer<File>>,
}

impl Rejects {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    pub(crate) fn add(&mut self, line: u64, reject: &Reject, text: &[u8]) -> anyhow::Result<()> {
        let path = &self.path;
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let new = !path.exists();
                let file = File::options().create(true).append(true).open(path);
                let mut writer = csv::Writer::from_writer(file.with_context(|| path.display().to_string())?);
                if new {
                    writer.write_record(["line", "field", "reason", "detail", "text"])?;
                }
                none.insert(writer)
            }
        };
        let text = String::from_utf8_lossy(text);
        file.write_record([&line.to_string(), &reject.field, reject.reason.code(), &reject.detail, &*text])?;
        Ok(())
    }

    /// Writes out what was added.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush().with_context(|| self.path.display().to_string())
    }

    /// Where the lines are, if there were any.
    pub(crate) fn close(self) -> Option<PathBuf> {
        self.file.map(|_| self.path)
    }
}
