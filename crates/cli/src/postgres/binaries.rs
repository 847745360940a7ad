//! PostgreSQL's programs on the machine: where to look, in which order, and why one was passed over.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Places;
use super::given::leading_number;
use super::lodging::{RunAs, dress};

/// The oldest major version that will do: the first whose `wal_compression` knows lz4 and zstd, and whose `MERGE`
/// and `security_invoker` the schema may use.
pub(super) const MINIMUM_MAJOR: u32 = 15;

/// A folder with a PostgreSQL that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The folder, links resolved.
    pub(super) dir: PathBuf,
    pub(super) version: Version,
    /// How it was found, for people: a participle and what follows it.
    pub(super) how: String,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) major: u32,
    /// As PostgreSQL says it, without the packager's words: `15.20`.
    pub(super) text: String,
}

impl Version {
    /// Reads what `postgres --version` prints: `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
    pub(super) fn read(printed: &str) -> Option<Self> {
        let text = printed.trim().split_once("(PostgreSQL) ")?.1.split_whitespace().next()?.to_owned();
        Some(Self { major: leading_number(&text)?, text })
    }
}

/// What the search over the machine brought.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) found: Option<Binaries>,
    /// One line for each place that was tried without success.
    pub(super) tried: Vec<String>,
}

/// The first PostgreSQL of the machine that is new enough, of the wanted major version, and can be run by the user
/// who will run it.
pub(super) fn search(places: &Places, major: Option<u32>, run_as: Option<&RunAs>) -> Search {
    let mut tried = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for (how, candidates) in [
        ("found on PATH", on_path(places)),
        ("named by pg_config --bindir", by_pg_config(places)),
        ("found in a versioned folder", in_versioned_folders(places)),
        ("found in Homebrew", in_homebrew(places)),
    ] {
        let candidates = match candidates {
            Ok(candidates) => candidates,
            Err(reason) => {
                tried.push(reason);
                continue;
            }
        };
        for dir in candidates {
            let dir = resolved(&dir);
            if seen.contains(&dir) {
                continue;
            }
            match look(&dir, how, run_as) {
                Ok(found) if major.is_none_or(|major| major == found.version.major) => {
                    return Search { found: Some(found), tried };
                }
                Ok(found) => tried.push(format!(
                    "{} ({how}): is PostgreSQL {}, another major version",
                    dir.display(),
                    found.version.text
                )),
                Err(reason) => tried.push(format!("{} ({how}): {reason}", dir.display())),
            }
            seen.push(dir);
        }
    }
    Search { found: None, tried }
}

/// Looks at one folder. The version is asked for by the user who will run the server, so a folder that this user
/// cannot reach is passed over here instead of failing later.
pub(super) fn look(dir: &Path, how: &str, run_as: Option<&RunAs>) -> Result<Binaries, String> {
    let dir = resolved(dir);
    for program in ["postgres", "initdb"] {
        if !dir.join(program).is_file() {
            return Err(format!("it has no {program}"));
        }
    }
    let mut command = Command::new(dir.join("postgres"));
    command.arg("--version");
    dress(&mut command, run_as);
    let output = command.output().map_err(|refused| match run_as {
        Some(user) => format!("user {} cannot run its postgres ({refused})", user.name),
        None => format!("its postgres cannot be run ({refused})"),
    })?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let Some(version) = Version::read(&printed) else {
        let said = if printed.trim().is_empty() { String::from_utf8_lossy(&output.stderr) } else { printed };
        let said = said.lines().next().unwrap_or("nothing").trim().to_owned();
        return Err(format!("its postgres --version printed no version but: {said}"));
    };
    if version.major < MINIMUM_MAJOR {
        return Err(format!("is PostgreSQL {}, and {MINIMUM_MAJOR} or newer is needed", version.text));
    }
    Ok(Binaries { dir, version, how: how.to_owned() })
}

/// The folder the programs really stand in: a link to `postgres` alone counts as the folder it leads to, which has
/// the version in its path and the other programs next to it.
fn resolved(dir: &Path) -> PathBuf {
    let folder = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let linked = dir.join("postgres").canonicalize().ok();
    match linked.as_deref().and_then(Path::parent) {
        Some(real) if real.join("initdb").is_file() => real.to_owned(),
        _ => folder,
    }
}

fn on_path(places: &Places) -> Result<Vec<PathBuf>, String> {
    let found: Vec<PathBuf> =
        places.path.iter().filter(|dir| dir.join("postgres").is_file()).cloned().collect();
    if found.is_empty() {
        return Err(format!("PATH: none of its {} folders has a postgres", places.path.len()));
    }
    Ok(found)
}

fn by_pg_config(places: &Places) -> Result<Vec<PathBuf>, String> {
    let Some(program) = places.path.iter().map(|dir| dir.join("pg_config")).find(|file| file.is_file())
    else {
        return Err("pg_config --bindir: there is no pg_config on PATH".to_owned());
    };
    let mut command = Command::new(&program);
    command.arg("--bindir");
    dress(&mut command, None);
    let output = command.output().map_err(|refused| format!("{} --bindir: {refused}", program.display()))?;
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || printed.is_empty() {
        return Err(format!("{} --bindir: failed with {}", program.display(), output.status));
    }
    Ok(vec![PathBuf::from(printed)])
}

fn in_versioned_folders(places: &Places) -> Result<Vec<PathBuf>, String> {
    let found = newest_first(&places.versioned_roots, leading_number);
    if found.is_empty() {
        return Err(format!("{}: nothing there", patterns(&places.versioned_roots, "*/bin")));
    }
    Ok(found)
}

fn in_homebrew(places: &Places) -> Result<Vec<PathBuf>, String> {
    let found = newest_first(&places.homebrew_roots, |name| {
        name.strip_prefix("postgresql@").and_then(leading_number)
    });
    if found.is_empty() {
        return Err(format!(
            "Homebrew, {}: nothing there",
            patterns(&places.homebrew_roots, "postgresql@*/bin")
        ));
    }
    Ok(found)
}

/// The `bin` folders below these roots whose parents' names hold a version, newest first; roots keep their order
/// among equals.
fn newest_first(roots: &[PathBuf], version: impl Fn(&str) -> Option<u32>) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for root in roots {
        let Ok(entries) = std::fs::read_dir(root) else { continue };
        for entry in entries.flatten() {
            if let Some(version) = entry.file_name().to_str().and_then(&version) {
                found.push((version, entry.path().join("bin")));
            }
        }
    }
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, dir)| dir).collect()
}

fn patterns(roots: &[PathBuf], below: &str) -> String {
    let shown: Vec<String> = roots.iter().map(|root| root.join(below).display().to_string()).collect();
    if shown.is_empty() { format!("(no folder)/{below}") } else { shown.join(", ") }
}
