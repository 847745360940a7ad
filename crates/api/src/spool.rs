//! A file that takes what the database can't take at the moment, so that neither waiting nor dying loses it.
//!
//! A line is a checksum (8 bytes of SHA-256, in hexadecimal), a space and JSON. What was appended is on the disk when
//! [`Spool::append`] returns; what was read stays until all of it was written elsewhere, so that a process that dies in
//! between reads it again. Who writes it elsewhere has to know what was written before.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

/// How many processes may share a folder, each with its own file.
const PROCESSES: usize = 16;
/// The longest line that is read, bytes; none that was written is longer.
const LINE_BYTES: u64 = 64 * 1024;

/// A file of a folder, this process's own.
pub(crate) struct Spool {
    path: PathBuf,
    limit: u64,
    file: Mutex<Place>,
    /// How many bytes have not been written elsewhere yet.
    waiting: AtomicU64,
}

struct Place {
    file: File,
    /// How long the file is.
    length: u64,
    /// Up to where it was written elsewhere.
    done: u64,
    given_up: bool,
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The JSON of each line.
    pub(crate) lines: Vec<String>,
    /// Where the last ends.
    end: u64,
}

impl Spool {
    /// Opens the first file called `name` that no other process holds, and takes over what dead ones left in others.
    /// It never becomes longer than `limit` bytes.
    ///
    /// # Errors
    /// Where the folder can't be made or written to, or all files are held.
    pub(crate) fn open(folder: &Path, name: &str, limit: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut own: Option<Self> = None;
        for nth in 0..PROCESSES {
            let path = folder.join(format!("{name}-{nth}.spool"));
            if own.is_some() && !path.exists() {
                continue;
            }
            let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => continue,
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
            }
            let found = Self::over(path, file, limit)?;
            match &own {
                None => own = Some(found),
                Some(own) => own.take_over(&found)?,
            }
        }
        // That the file is there has to outlive a power cut too.
        File::open(folder)?.sync_all()?;
        own.ok_or_else(|| io::Error::other(format!("{PROCESSES} processes use {}", folder.display())))
    }

    fn over(path: PathBuf, mut file: File, limit: u64) -> io::Result<Self> {
        let length = whole(&mut file)?;
        let found = file.metadata()?.len();
        if found > length {
            tracing::warn!(file = %path.display(), bytes = found - length, "the end of the spool was cut off while it was written; it is left out");
            file.set_len(length)?;
        }
        Ok(Self {
            path,
            limit,
            file: Mutex::new(Place { file, length, done: 0, given_up: false }),
            waiting: AtomicU64::new(length),
        })
    }

    /// All of another file, as far as there is room.
    fn take_over(&self, other: &Self) -> io::Result<()> {
        loop {
            let read = other.read(1_000)?;
            if read.end == 0 || self.append(&read.lines)? < read.lines.len() {
                return Ok(());
            }
            other.forget(&read)?;
            if other.is_empty() {
                return Ok(());
            }
        }
    }

    /// Whether all of it was written elsewhere. Waits for nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    /// Appends lines of JSON, as many as there is room for, and answers how many those are: they are on the disk. Blocks.
    ///
    /// # Errors
    /// Of the file; nothing was appended then.
    pub(crate) fn append(&self, lines: &[String]) -> io::Result<usize> {
        let mut place = self.place();
        let (mut bytes, mut kept) = (Vec::new(), 0);
        for json in lines {
            let line = format!("{} {json}\n", checksum(json));
            let room = self.limit.saturating_sub(place.length + bytes.len() as u64);
            if line.len() as u64 > room.min(LINE_BYTES) || json.contains('\n') {
                break;
            }
            bytes.extend_from_slice(line.as_bytes());
            kept += 1;
        }
        if bytes.is_empty() || place.given_up {
            return Ok(0);
        }
        let written = place.file.write_all(&bytes).and_then(|()| place.file.sync_data());
        if let Err(error) = written {
            // Half a line would spoil the next.
            let length = place.length;
            place.file.set_len(length)?;
            return Err(error);
        }
        place.length += bytes.len() as u64;
        self.note(&place);
        Ok(kept)
    }

    /// The first lines that were not written elsewhere, `most` at most; damaged ones are passed over. Blocks.
    ///
    /// # Errors
    /// Of the file.
    pub(crate) fn read(&self, most: usize) -> io::Result<Lines> {
        let mut place = self.place();
        let (mut end, mut lines) = (place.done, Vec::new());
        place.file.seek(SeekFrom::Start(end))?;
        let mut reader = BufReader::new(&place.file);
        while lines.len() < most && end < place.length {
            let mut line = Vec::new();
            let read = (&mut reader).take(LINE_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            match checked(&line) {
                Some(json) => lines.push(json),
                None => {
                    tracing::warn!(file = %self.path.display(), at = end, "a line of the spool is damaged; it is left out");
                }
            }
            end += read as u64;
        }
        Ok(Lines { lines, end })
    }

    /// What was read was written elsewhere. Blocks.
    ///
    /// # Errors
    /// Of the file; the same may be read again then.
    pub(crate) fn forget(&self, read: &Lines) -> io::Result<()> {
        let mut place = self.place();
        place.done = place.done.max(read.end);
        if place.done >= place.length {
            place.file.set_len(0)?;
            (place.length, place.done) = (0, 0);
        }
        self.note(&place);
        Ok(())
    }

    /// Gives the file up, for another process to take over; from then on nothing is appended.
    pub(crate) fn give_up(&self) {
        let mut place = self.place();
        place.given_up = true;
        // Where that fails, the end of the process does it.
        let _ = place.file.unlock();
    }

    fn note(&self, place: &Place) {
        self.waiting.store(place.length - place.done, Ordering::Release);
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the file is up to the end of its last line.
fn whole(file: &mut File) -> io::Result<u64> {
    let mut at = file.metadata()?.len();
    let mut block = [0; 4096];
    while at > 0 {
        let from = at.saturating_sub(block.len() as u64);
        let part = block.get_mut(..(at - from) as usize).unwrap_or_default();
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(part)?;
        if let Some(last) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + last as u64 + 1);
        }
        at = from;
    }
    Ok(0)
}

fn checksum(json: &str) -> String {
    Sha256::digest(json.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The JSON of a line whose checksum is right.
fn checked(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, json) = line.split_once(' ')?;
    (sum == checksum(json)).then(|| json.to_owned())
}

#[cfg(test)]
mod tests;
