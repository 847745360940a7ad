//! The server's own lock file, `postmaster.pid`, and whether the process it names is really our server.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::Error;
use super::error::files;
use super::lodging::{Lodging, dress};

/// How long the processes of a lost server may take to notice that it is gone.
const REMAINS_LIMIT: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(50);

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
pub(super) fn running(lodging: &Lodging) -> Result<Option<Postmaster>, Error> {
    let data = lodging.data();
    let Some(recorded) = recorded(&data)? else { return Ok(None) };
    match resident(recorded.pid, lodging)? {
        Resident::Ours => return Ok(Some(recorded)),
        Resident::Foreign => {
            return Err(Error::Foreign { file: data.join("postmaster.pid"), pid: recorded.pid });
        }
        Resident::Nobody => {}
    }
    await_remains(lodging)?;
    // PostgreSQL takes any live process of its user for the server, be it a dead child that nobody has waited for or
    // one that was given the same number since. We have looked closer: nothing works in the cluster.
    if process(recorded.pid).is_some_and(|process| test_kill_process(process).is_ok()) {
        let file = data.join("postmaster.pid");
        fs::remove_file(&file).map_err(files("remove the stale", &file))?;
    }
    Ok(None)
}

/// Whether a process lives. One that has ended and only waits to be reaped does not.
pub(super) fn alive(pid: u32) -> bool {
    let exists = process(pid).is_some_and(|process| match test_kill_process(process) {
        Ok(()) => true,
        Err(refused) => refused == rustix::io::Errno::PERM,
    });
    if !exists {
        return false;
    }
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The name in parentheses may hold anything; the state follows the last of them.
        Ok(stat) => !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) if has_proc() => false,
        Err(_) => !ps(pid, "stat=").is_none_or(|state| state.starts_with('Z')),
    }
}

/// Sends a signal. A process that is gone already is a success.
pub(super) fn signal(pid: u32, signal: Signal) -> Result<(), Error> {
    let Some(process) = process(pid) else { return Ok(()) };
    match kill_process(process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(refused) => Err(Error::Signal { pid, cause: refused.into() }),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Resident {
    Ours,
    /// A live PostgreSQL, of which it cannot be told that it is not ours.
    Foreign,
    Nobody,
}

fn resident(pid: u32, lodging: &Lodging) -> Result<Resident, Error> {
    if has_proc() {
        let ours = residents(lodging)?.contains(&pid);
        return Ok(if ours { Resident::Ours } else { Resident::Nobody });
    }
    let shown = ps(pid, "command=").unwrap_or_default();
    Ok(if !alive(pid) || !shown.contains("postgres") {
        Resident::Nobody
    } else if shown.contains(&*lodging.data().to_string_lossy()) {
        Resident::Ours
    } else {
        Resident::Foreign
    })
}

/// The processes of PostgreSQL that stand in this cluster: every process of its server does. The kernel keeps this
/// right even when the folder is renamed, or copied together with its `postmaster.pid`. A zombie stands nowhere.
///
/// Asked by a shell under the server's user, because root in a container may not see where others stand.
fn residents(lodging: &Lodging) -> Result<Vec<u32>, Error> {
    const LOOK: &str = r#"for p in /proc/[0-9]*; do
        if [ "$p/cwd" -ef "$1" ] && read -r name <"$p/comm"; then
            case "$name" in *postgres*) echo "${p#/proc/}" ;; esac
        fi
    done 2>/dev/null"#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", LOOK, "sh"]).arg(lodging.data()).stderr(Stdio::null());
    dress(&mut command, lodging.run_as.as_ref());
    let output = command.output().map_err(|cause| Error::Program { program: "/bin/sh".to_owned(), cause })?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(|pid| pid.trim().parse().ok()).collect())
}

/// Waits for the processes of a lost server: a new one must not be started next to them.
fn await_remains(lodging: &Lodging) -> Result<(), Error> {
    if !has_proc() {
        // PostgreSQL's own check of its shared memory stands in for this.
        return Ok(());
    }
    for _ in 0..(REMAINS_LIMIT.as_millis() / STEP.as_millis()) {
        if residents(lodging)?.is_empty() {
            return Ok(());
        }
        std::thread::sleep(STEP);
    }
    Err(Error::Remains { cluster: lodging.data(), seconds: REMAINS_LIMIT.as_secs() })
}

fn has_proc() -> bool {
    Path::new("/proc/self/cwd").exists()
}

fn ps(pid: u32, column: &str) -> Option<String> {
    let output = Command::new("ps").args(["-o", column, "-p", &pid.to_string()]).output().ok()?;
    let shown = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!shown.is_empty()).then_some(shown)
}

fn process(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw)
}
