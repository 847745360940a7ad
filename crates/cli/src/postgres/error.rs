//! What can go wrong while PostgreSQL is found, and what to do about each.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no PostgreSQL. Every message says where, what, and what to do next; none holds a password. What the
/// system or the server said stands in the message itself, so it is no `source`: printing the chain would repeat it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The setting that names the source is none of its words and no path.
    #[error(
        "JOURNEYMAN_POSTGRES is \"{given}\": set it to auto, machine, wheel, or the path of a folder with postgres and initdb in it"
    )]
    Source {
        /// The value that was given.
        given: String,
    },
    /// `DATABASE_URL` is not a URL of PostgreSQL.
    #[error(
        "DATABASE_URL cannot be read ({reason}): write it as postgres://user:password@host:5432/database, or unset it to use a private cluster"
    )]
    Url {
        /// What the parser said.
        reason: String,
    },
    /// The given server does not answer.
    #[error(
        "PostgreSQL at {place}, named by DATABASE_URL, does not answer ({cause}): check that it runs and that user, password and database are right, or unset DATABASE_URL to use a private cluster"
    )]
    Unreachable {
        /// Host, port and database, without the password.
        place: String,
        /// What the connection said.
        cause: Box<sqlx::Error>,
    },
    /// The given server did not answer in time.
    #[error(
        "PostgreSQL at {place}, named by DATABASE_URL, did not answer within {seconds} s: check that it runs and can be reached, or unset DATABASE_URL to use a private cluster"
    )]
    Silent {
        /// Host, port and database, without the password.
        place: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// The given server is older than what the program needs.
    #[error(
        "PostgreSQL at {place}, named by DATABASE_URL, is version {version}, and {minimum} or newer is needed: upgrade it, or unset DATABASE_URL to use a private cluster"
    )]
    TooOld {
        /// Host, port and database, without the password.
        place: String,
        /// Its version.
        version: String,
        /// The oldest major version that will do.
        minimum: u32,
    },
    /// A file or folder could not be made, read or changed.
    #[error("could not {doing} {path}: {cause}; check the folder's owner, permissions and free space", path = .path.display())]
    Files {
        /// What was being done, as a verb.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A program could not be run.
    #[error("could not run {program}: {cause}; check that the file is there and may be executed")]
    Program {
        /// Which program.
        program: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder named in the configuration has no PostgreSQL that can be used.
    #[error("JOURNEYMAN_POSTGRES names {dir}, but {reason}: name the folder that holds postgres and initdb, or set it to auto", dir = .dir.display())]
    BinDir {
        /// The folder.
        dir: PathBuf,
        /// Why it cannot be used.
        reason: String,
    },
    /// No PostgreSQL on the machine, and none fetched.
    #[error(
        "no PostgreSQL {minimum} or newer was found, and DATABASE_URL is not set. Tried:\n{tried}\nInstall it with: {install}"
    )]
    NothingFound {
        /// The oldest major version that will do.
        minimum: u32,
        /// Everything that was tried, one a line.
        tried: String,
        /// The one command that installs it.
        install: String,
    },
    /// The cluster was made by a major version that is not there any more.
    #[error("the cluster in {cluster} was made by PostgreSQL {major}, and no PostgreSQL {major} can run it. Tried:\n{tried}\nInstall PostgreSQL {major}, or set JOURNEYMAN_POSTGRES to the folder with its binaries; to begin again without its data, move {cluster} away", cluster = .cluster.display())]
    WrongMajor {
        /// The cluster's folder.
        cluster: PathBuf,
        /// The major version that made it.
        major: u32,
        /// What was found instead, one a line.
        tried: String,
    },
    /// The cluster belongs to another user of the machine.
    #[error("the cluster in {cluster} belongs to user id {owner}, and this process runs as user id {ours}: run as that user or as root, or use another data folder", cluster = .cluster.display())]
    NotOurs {
        /// The cluster's folder.
        cluster: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// Our user id.
        ours: u32,
    },
    /// The pointer file names a folder that is not there.
    #[error("{pointer} says that the cluster is in {target}, which is not there: bring that folder back, or delete {pointer} to begin a new, empty cluster", pointer = .pointer.display(), target = .target.display())]
    Strayed {
        /// The pointer file.
        pointer: PathBuf,
        /// Where it points.
        target: PathBuf,
    },
    /// We are root, and there is no other user to run PostgreSQL under.
    #[error(
        "this process is root, PostgreSQL refuses to run as root, and none of the users {tried} exists: create one with `useradd --system journeyman`, or run as another user"
    )]
    NoUser {
        /// The users that were looked up.
        tried: String,
    },
    /// `initdb` failed.
    #[error("{program} could not make the cluster in {cluster}; it said:\n{said}\nMend what it names and start again: nothing half-made is left", cluster = .cluster.display())]
    Initdb {
        /// The program that ran.
        program: String,
        /// Where the cluster was to be.
        cluster: PathBuf,
        /// The last lines of what it said.
        said: String,
    },
    /// The server did not start.
    #[error("PostgreSQL did not start on {cluster}: {reason}. The last lines of {log} are:\n{lines}\nMend what they name and start again: the data is untouched", cluster = .cluster.display(), log = .log.display())]
    Start {
        /// The cluster's data folder.
        cluster: PathBuf,
        /// What was seen.
        reason: String,
        /// The server's log file.
        log: PathBuf,
        /// Its last lines.
        lines: String,
    },
    /// `postmaster.pid` names a live server of another folder.
    #[error("{file} names the live process {pid}, which is a PostgreSQL of another folder: stop that one first, or, if this folder is a copy of the other's, delete {file}", file = .file.display())]
    Foreign {
        /// The lock file of PostgreSQL.
        file: PathBuf,
        /// The process it names.
        pid: u32,
    },
    /// Processes of a lost server are still at work in the cluster.
    #[error("processes of a lost PostgreSQL still work in {cluster} after {seconds} s: end them (they are named postgres) and start again", cluster = .cluster.display())]
    Remains {
        /// The cluster's data folder.
        cluster: PathBuf,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// Another process of ours has been starting or stopping the server for too long.
    #[error("another journeyman has held {lock} for over {seconds} s, starting or stopping PostgreSQL: wait for it or end it, then start again", lock = .lock.display())]
    Busy {
        /// The lock file.
        lock: PathBuf,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// A statement of the set-up failed.
    #[error("PostgreSQL on {cluster} could not {doing}: {cause}; see postgres.log in the data folder and start again", cluster = .cluster.display())]
    Setup {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The cluster's folder.
        cluster: PathBuf,
        /// What the server said.
        cause: Box<sqlx::Error>,
    },
    /// The server could not be told to stop.
    #[error("PostgreSQL (process {pid}) could not be told to stop: {cause}; stop it with `kill -INT {pid}`")]
    Signal {
        /// The server's process.
        pid: u32,
        /// What the system said.
        cause: io::Error,
    },
    /// The server does not stop.
    #[error(
        "PostgreSQL (process {pid}) still runs {seconds} s after it was told to stop: look into postgres.log in the data folder, and end it with `kill -QUIT {pid}`"
    )]
    StillRunning {
        /// The server's process.
        pid: u32,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// A background task of ours was lost.
    #[error("finding PostgreSQL was broken off ({reason}): start again, and report it if it happens twice")]
    Lost {
        /// What the runtime said.
        reason: String,
    },
}

/// Names the deed and the path when the file system refuses.
pub(super) fn files<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |cause| Error::Files { doing, path: path.to_owned(), cause }
}

/// One a line, as the messages show them.
pub(super) fn list(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("  - {line}")).collect();
    lines.join("\n")
}

/// The last `count` lines of a text, indented, and never empty.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let kept = &lines[lines.len().saturating_sub(count)..];
    if kept.is_empty() { "  (nothing)".to_owned() } else { format!("  {}", kept.join("\n  ")) }
}
