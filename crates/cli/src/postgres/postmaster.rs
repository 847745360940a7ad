//! The server's own lock file, `postmaster.pid`, and whether the process it names is really our server.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::Error;
use super::error::files;

/// How long the processes of a lost server may take to notice that it is gone.
const REMAINS_LIMIT: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(20);

/// What `postmaster.pid` says of a live server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: u32,
    /// Port and socket folder; missing for a moment while the server starts.
    pub(super) address: Option<(u16, PathBuf)>,
}

impl Postmaster {
    /// Reads the file's lines: process, data folder, start time, port, socket folder, and more that we do not need.
    pub(super) fn read(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        // A standalone backend leaves its process id negated, and takes no connections.
        let pid = lines.first()?.parse().ok()?;
        let address = match (lines.get(3).and_then(|port| port.parse().ok()), lines.get(4)) {
            (Some(port), Some(folder)) if !folder.is_empty() => Some((port, PathBuf::from(folder))),
            _ => None,
        };
        Some(Self { pid, address })
    }
}

/// What the file says now, whether or not the process lives.
pub(super) fn recorded(data: &Path) -> Result<Option<Postmaster>, Error> {
    let file = data.join("postmaster.pid");
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Postmaster::read(&text)),
        Err(missing) if matches!(missing.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(refused) => Err(files("read", &file)(refused)),
    }
}

/// The live server of this cluster, if there is one. When there is none, the cluster is safe to start on return: what
/// a lost server left behind has ended, and a stale lock file that PostgreSQL could not tell from a live one is gone.
///
/// Only to be called under the start lock. Blocks while the remains of a lost server end.
pub(super) fn running(data: &Path) -> Result<Option<Postmaster>, Error> {
    let Some(recorded) = recorded(data)? else { return Ok(None) };
    match resident(recorded.pid, data) {
        Resident::Ours => return Ok(Some(recorded)),
        Resident::Foreign => {
            return Err(Error::Foreign { file: data.join("postmaster.pid"), pid: recorded.pid });
        }
        Resident::Nobody => {}
    }
    await_remains(data)?;
    // PostgreSQL takes any live process of its user for the server, be it a dead child that nobody has waited for or
    // one that was given the same number since. We have looked closer: nothing works in the cluster.
    if signalable(recorded.pid) {
        let file = data.join("postmaster.pid");
        fs::remove_file(&file).map_err(files("remove the stale", &file))?;
    }
    Ok(None)
}

/// Whether this process is the server of this cluster, alive.
pub(super) fn is_ours(pid: u32, data: &Path) -> bool {
    resident(pid, data) == Resident::Ours
}

/// Sends a signal. A process that is gone already is a success.
pub(super) fn signal(pid: u32, signal: Signal) -> Result<(), Error> {
    let Some(process) = process(pid) else { return Ok(()) };
    match kill_process(process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(refused) => Err(Error::Signal { pid, source: refused.into() }),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Resident {
    Ours,
    /// A live PostgreSQL, of which it cannot be told that it is not ours.
    Foreign,
    Nobody,
}

fn resident(pid: u32, data: &Path) -> Resident {
    if has_proc() {
        return if works_in(&pid.to_string(), data) { Resident::Ours } else { Resident::Nobody };
    }
    if !signalable(pid) {
        return Resident::Nobody;
    }
    let asked = Command::new("ps").args(["-o", "stat=,command=", "-p", &pid.to_string()]).output();
    let shown = asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if shown.starts_with('Z') || !shown.contains("postgres") {
        Resident::Nobody
    } else if shown.contains(&*data.to_string_lossy()) {
        Resident::Ours
    } else {
        Resident::Foreign
    }
}

/// Whether a process is PostgreSQL and stands in this cluster: every process of a server does. The kernel keeps this
/// right even when the folder is renamed, or copied together with its `postmaster.pid`. A zombie stands nowhere.
fn works_in(pid: &str, data: &Path) -> bool {
    let process = Path::new("/proc").join(pid);
    fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == data)
        && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim().starts_with("postgres"))
}

/// Waits for the processes of a lost server: a new one must not be started next to them.
fn await_remains(data: &Path) -> Result<(), Error> {
    if !has_proc() {
        // PostgreSQL's own check of its shared memory stands in for this.
        return Ok(());
    }
    let occupied = || {
        let Ok(entries) = fs::read_dir("/proc") else { return false };
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).any(|name| {
            name.bytes().all(|letter| letter.is_ascii_digit()) && works_in(&name, data)
        })
    };
    for _ in 0..(REMAINS_LIMIT.as_millis() / STEP.as_millis()) {
        if !occupied() {
            return Ok(());
        }
        std::thread::sleep(STEP);
    }
    Err(Error::Remains { cluster: data.to_owned(), seconds: REMAINS_LIMIT.as_secs() })
}

fn has_proc() -> bool {
    Path::new("/proc/self/cwd").exists()
}

/// Whether the process exists and is not another user's: what PostgreSQL goes by.
fn signalable(pid: u32) -> bool {
    process(pid).is_some_and(|process| test_kill_process(process).is_ok())
}

fn process(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw)
}
