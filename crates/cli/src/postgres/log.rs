//! `postgres.log` in the data folder: what the private server says, for people and for our errors.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use super::Error;
use super::error::files;
use super::lodging::Lodging;

/// The log is put aside (one old one is kept) when a start finds it larger.
const LOG_BYTES: u64 = 16 * 1024 * 1024;
/// How much is shown from before we joined a running server.
const EARLIER_BYTES: u64 = 4096;

/// The server's log file, and where it ended when we opened it.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    start: u64,
}

impl Log {
    pub(super) fn open(lodging: &Lodging) -> Result<Self, Error> {
        let path = lodging.log();
        let bytes = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        if bytes(&path) > LOG_BYTES {
            fs::rename(&path, path.with_extension("log.1")).map_err(files("put aside", &path))?;
        }
        let file =
            OpenOptions::new().create(true).append(true).open(&path).map_err(files("open the log", &path))?;
        if lodging.run_as.is_some() {
            // Root has opened it; the data folder's owner may be next.
            let owner = fs::metadata(&lodging.data_dir).map_err(files("look at", &lodging.data_dir))?;
            chown(&path, Some(owner.uid()), Some(owner.gid()))
                .map_err(files("change the owner of", &path))?;
        }
        Ok(Self { start: bytes(&path), path, file })
    }

    /// Shows a little of what was written before, too: for a server that somebody else has started.
    pub(super) fn with_earlier(mut self) -> Self {
        self.start = self.start.saturating_sub(EARLIER_BYTES);
        self
    }

    /// The file, for a process to write to.
    pub(super) fn writer(&self) -> Result<File, Error> {
        self.file.try_clone().map_err(files("open the log", &self.path))
    }

    /// What was written since. Empty when it cannot be read: it only ever adds to an error.
    pub(super) fn since(&self) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.start))?;
            file.take(LOG_BYTES).read_to_end(&mut bytes)
        });
        read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}
