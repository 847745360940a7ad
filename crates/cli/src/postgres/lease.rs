//! Who uses the private cluster: file locks, which the kernel lets go when their holder dies, however it dies.
//!
//! `postgres.start` is held exclusively while a server is started or stopped, by one process at a time.
//! `postgres.users` is held shared by everyone who uses the server; whoever can turn that into an exclusive lock is
//! the last one.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use super::error::files;

/// How long a start waits for another's start or stop. Generous: the other may be fetching the wheel, or its server
/// recovering.
const START_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long a stop waits for another's start or stop. Past it the server is left to the next start.
const STOP_LIMIT: Duration = Duration::from_secs(90);

const STEP: Duration = Duration::from_millis(20);

/// How often the last user tries for the exclusive lock: a program being started anywhere in our process holds a copy
/// of the lock's file for a moment, and must not pass for another user.
const LAST_TRIES: u32 = 10;

/// A share in the running server.
#[derive(Debug)]
pub(super) struct Lease {
    start_path: PathBuf,
    users: File,
    start: Option<File>,
}

impl Lease {
    /// Takes the start lock, waiting for it, and a share in the server. The start lock is kept until
    /// [`Lease::started`].
    pub(super) async fn take(folder: &Path) -> Result<Self, Error> {
        let start_path = folder.join("postgres.start");
        let start = open(&start_path)?;
        for _ in 0..steps(START_LIMIT) {
            if locked(&start, &start_path)? {
                let users_path = folder.join("postgres.users");
                let users = open(&users_path)?;
                // Only ever held exclusively by someone who holds the start lock, which is us.
                users.lock_shared().map_err(files("lock", &users_path))?;
                return Ok(Self { start_path, users, start: Some(start) });
            }
            tokio::time::sleep(STEP).await;
        }
        Err(Error::Busy { lock: start_path, seconds: START_LIMIT.as_secs() })
    }

    /// The server runs: others may start or stop now.
    pub(super) fn started(&mut self) {
        self.start = None;
    }

    /// Gives up the share. Both locks are held exclusively by what is returned; `None` means that others use the
    /// server still. Blocks while another process starts or stops.
    pub(super) fn leave(mut self) -> Result<Option<LastUser>, Error> {
        let start = match self.start.take() {
            Some(held) => held,
            None => wait_for(&self.start_path)?,
        };
        let _ = self.users.unlock();
        for _ in 0..LAST_TRIES {
            match self.users.try_lock() {
                Ok(()) => return Ok(Some(LastUser { _users: self.users, _start: start })),
                Err(_) => std::thread::sleep(STEP),
            }
        }
        Ok(None)
    }
}

/// Both locks, held while the last user stops the server.
pub(super) struct LastUser {
    _users: File,
    _start: File,
}

fn wait_for(path: &Path) -> Result<File, Error> {
    let file = open(path)?;
    for _ in 0..steps(STOP_LIMIT) {
        if locked(&file, path)? {
            return Ok(file);
        }
        std::thread::sleep(STEP);
    }
    Err(Error::Busy { lock: path.to_owned(), seconds: STOP_LIMIT.as_secs() })
}

fn locked(file: &File, path: &Path) -> Result<bool, Error> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(refused)) => Err(files("lock", path)(refused)),
    }
}

/// Opens a lock file. For reading when it is there, so that one left by root serves another user too.
fn open(path: &Path) -> Result<File, Error> {
    match File::open(path) {
        Ok(file) => Ok(file),
        Err(_) => OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(files("create the lock file", path)),
    }
}

fn steps(limit: Duration) -> u128 {
    limit.as_millis() / STEP.as_millis()
}
