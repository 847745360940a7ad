//! The private server: started or joined, waited for, and stopped by its last user.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::binaries::Binaries;
use super::error::last_lines;
use super::lease::Lease;
use super::lodging::{Lodging, dress};
use super::log::Log;
use super::settings::{AT_START, ROLE};
use super::{Error, Found, Places, Wanted, cluster, given, postmaster, settings};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The same while it says that it is starting up: it recovers what a crash left.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How long one attempt to connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long the orderly end may take (it writes out what is in memory), and then the abrupt one.
const FAST_LIMIT: Duration = Duration::from_secs(60);
const QUIT_LIMIT: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(30);

/// A free port is free until somebody else takes it: how often another is tried.
const PORT_TRIES: u32 = 5;

/// SQLSTATE of a server that is starting up, recovering or shutting down.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    port: u16,
    socket: PathBuf,
}

impl Address {
    fn options(&self, role: &str, database: &str) -> PgConnectOptions {
        PgConnectOptions::new()
            .socket(&self.socket)
            .port(self.port)
            .username(role)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }
}

/// Our share in a running server.
pub(super) struct Server {
    lodging: Lodging,
    /// Gone once the share is given up.
    lease: Option<Lease>,
    pid: u32,
    address: Address,
    /// Waits for the server when it is our child, so that it never stays behind as a zombie.
    child: Option<JoinHandle<std::io::Result<ExitStatus>>>,
}

impl Server {
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// A share in the server that runs already, be it another's or one that lost its starter.
    pub(super) fn join(lodging: &Lodging, lease: Lease, pid: u32, address: Address) -> Self {
        Self { lodging: lodging.clone(), lease: Some(lease), pid, address, child: None }
    }

    /// Starts the server, and waits until it answers.
    pub(super) async fn start(
        lodging: &Lodging,
        lease: Lease,
        binaries: &Binaries,
        wanted: &Wanted,
        places: &Places,
    ) -> Result<Self, Error> {
        let socket = lodging.socket_folder(places)?;
        let address = Address { port: 0, socket };
        // From here on, dropping it (an error, a cancelled start) stops what runs.
        let mut server = Self::join(lodging, lease, 0, address);
        let mut tries_left = PORT_TRIES;
        loop {
            tries_left -= 1;
            let log = Log::open(lodging)?;
            server.launch(binaries, wanted, &log)?;
            let address = server.address.clone();
            let reason = match answers(|| Some(address.clone()), || server.lives()).await {
                Ok(Some(_)) => return Ok(server),
                Ok(None) => server.ending(),
                Err(reason) => reason,
            };
            let lines = log.since();
            let taken = lines.contains("Address already in use") || lines.contains("could not bind");
            if !taken || tries_left == 0 || server.lives() {
                let (cluster, log) = (lodging.data(), lodging.log());
                return Err(Error::Start { cluster, reason, log, lines: last_lines(&lines, 10) });
            }
        }
    }

    /// Runs the server as a child in a process group of its own, so that Ctrl-C in the terminal reaches us only.
    fn launch(&mut self, binaries: &Binaries, wanted: &Wanted, log: &Log) -> Result<(), Error> {
        self.address.port = free_port()?;
        let program = binaries.program("postgres");
        let mut command = Command::new(&program);
        command.arg("-D").arg(self.lodging.data());
        let socket = self.address.socket.display().to_string();
        let ours = [
            ("port", self.address.port.to_string()),
            // A list; quoted, a folder may have commas and spaces in its name.
            ("unix_socket_directories", format!("\"{}\"", socket.replace('"', "\"\""))),
        ];
        for (name, value) in AT_START {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in &wanted.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in ours {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        dress(&mut command, self.lodging.run_as.as_ref());
        let failed = |cause| Error::Program { program: program.display().to_string(), cause };
        command.stdout(log.writer()?).stderr(log.writer()?).process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        self.pid = child.id();
        let waiting = std::thread::Builder::new().name("postgres-wait".to_owned());
        self.child = Some(waiting.spawn(move || child.wait()).map_err(failed)?);
        Ok(())
    }

    /// Sets the server up where it is not yet, lets others in, and tells how to use it.
    pub(super) async fn into_found(
        mut self,
        binaries: Option<Binaries>,
        wanted: &Wanted,
    ) -> Result<Found, Error> {
        let superuser = self.address.options(cluster::SUPERUSER, "postgres");
        let password = cluster::password(&self.lodging, cluster::ROLE_PASSWORD)?;
        let failed = |doing: &'static str| {
            let cluster = self.lodging.home();
            move |refused| Error::Setup { doing, cluster, cause: Box::new(refused) }
        };
        let mut connection = superuser.connect().await.map_err(failed("let its superuser in"))?;
        let version = given::server_version(&mut connection).await.map_err(failed("tell its version"))?;
        settings::set(&mut connection).await.map_err(failed("take its settings"))?;
        settings::make_role(&mut connection, &password)
            .await
            .map_err(failed("make the role and database"))?;
        // The work is done; how the goodbye goes does not matter.
        let _ = connection.close().await;
        if let Some(lease) = &mut self.lease {
            lease.started();
        }
        let port = self.address.port;
        let socket: String = percent(&self.address.socket);
        Ok(Found {
            url: format!("postgres:///{ROLE}?host={socket}&port={port}&user={ROLE}&sslmode=disable"),
            tcp_url: Some(format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/{ROLE}?sslmode=disable")),
            why: self.why(&version, binaries.as_ref(), wanted),
            options: self.address.options(ROLE, ROLE),
            superuser: Some(superuser),
            server: Some(self),
        })
    }

    fn why(&self, version: &str, binaries: Option<&Binaries>, wanted: &Wanted) -> String {
        let taken = match binaries {
            Some(found) if wanted.source == super::Source::Auto => {
                format!("from {}, {} (DATABASE_URL is not set)", found.dir.display(), found.how)
            }
            Some(found) => format!(
                "from {}, {} (DATABASE_URL is not set, JOURNEYMAN_POSTGRES is {})",
                found.dir.display(),
                found.how,
                wanted.source
            ),
            None => format!("already running as process {} (DATABASE_URL is not set)", self.pid),
        };
        let home = self.lodging.home();
        let place = match (&self.lodging.run_as, self.lodging.moved()) {
            (Some(user), true) => format!(
                "private cluster in {}, because user {} cannot reach {}",
                home.display(),
                user.name,
                self.lodging.data_dir.display()
            ),
            _ => format!("private cluster in {}", home.display()),
        };
        let user = match &self.lodging.run_as {
            Some(user) => format!(", run as user {} because PostgreSQL refuses root", user.name),
            None => String::new(),
        };
        let Address { socket, port } = &self.address;
        format!("PostgreSQL {version} {taken}, {place}{user}, socket {}, port {port}", socket.display())
    }

    /// Gives up our share, and stops the server when nobody else has one. Blocks. Does nothing the second time.
    pub(super) fn stop(&mut self) -> Result<(), Error> {
        let Some(lease) = self.lease.take() else { return Ok(()) };
        let Some(_last) = lease.leave()? else {
            tracing::info!(pid = self.pid, "PostgreSQL is left running for its other users");
            return Ok(());
        };
        // Someone may have restarted it by hand; while it starts, its lock file may not be there yet.
        let pid = match postmaster::running(&self.lodging)? {
            Some(running) => running.pid,
            None if self.child.is_some() && self.lives() => self.pid,
            None => return Ok(()),
        };
        postmaster::signal(pid, Signal::INT)?;
        if !ended(pid, FAST_LIMIT) {
            tracing::warn!(
                pid,
                seconds = FAST_LIMIT.as_secs(),
                "PostgreSQL does not stop, ending it abruptly"
            );
            postmaster::signal(pid, Signal::QUIT)?;
            if !ended(pid, QUIT_LIMIT) {
                return Err(Error::StillRunning { pid, seconds: (FAST_LIMIT + QUIT_LIMIT).as_secs() });
            }
        }
        if let Some(reaper) = self.child.take()
            && pid == self.pid
        {
            // The process has ended, so this returns at once.
            let _ = reaper.join();
        }
        tracing::info!(pid, "PostgreSQL is stopped");
        Ok(())
    }

    /// Loses our share without a stop, as `kill -9` would.
    #[cfg(test)]
    pub(super) fn lose(mut self) {
        self.lease = None;
    }

    /// Whether the process that was started or joined is still there.
    pub(super) fn lives(&self) -> bool {
        match &self.child {
            Some(reaper) => !reaper.is_finished(),
            None => postmaster::alive(self.pid),
        }
    }

    /// How our child ended, in words.
    fn ending(&mut self) -> String {
        match self.child.take().map(JoinHandle::join) {
            Some(Ok(Ok(status))) => format!("it ended at once ({status})"),
            _ => "it ended at once".to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(failed) = self.stop() {
            tracing::warn!(pid = self.pid, error = %failed, "PostgreSQL is left running");
        }
    }
}

/// Waits until the running server answers. `None` when it ended instead: it was being stopped.
pub(super) async fn answering(lodging: &Lodging, pid: u32) -> Result<Option<Address>, Error> {
    let data = lodging.data();
    let address = || {
        let (port, socket) = postmaster::recorded(&data).ok().flatten()?.address?;
        Some(Address { port, socket })
    };
    let log = Log::open(lodging)?.with_earlier();
    answers(address, || postmaster::alive(pid)).await.map_err(|reason| Error::Start {
        cluster: lodging.data(),
        reason,
        log: lodging.log(),
        lines: last_lines(&log.since(), 10),
    })
}

/// Waits until somebody answers at the address, as its superuser. `Ok(None)` when the server's life ended; an error
/// in words when the time is up.
async fn answers(
    address: impl Fn() -> Option<Address>,
    lives: impl Fn() -> bool,
) -> Result<Option<Address>, String> {
    let since = tokio::time::Instant::now();
    let mut said = "its address is not known".to_owned();
    let mut recovers = false;
    while lives() {
        if let Some(address) = address() {
            let options = address.options(cluster::SUPERUSER, "postgres");
            match tokio::time::timeout(CONNECT_LIMIT, greet(&options)).await {
                Ok(Ok(())) => return Ok(Some(address)),
                Ok(Err(refused)) => {
                    let code = refused.as_database_error().and_then(|error| error.code());
                    recovers = code.is_some_and(|code| code == CANNOT_CONNECT_NOW);
                    said = refused.to_string();
                }
                Err(_) => said = format!("no answer within {} s", CONNECT_LIMIT.as_secs()),
            }
        }
        let limit = if recovers { RECOVERY_LIMIT } else { START_LIMIT };
        if since.elapsed() > limit {
            return Err(format!("it does not answer after {} s ({said})", limit.as_secs()));
        }
        tokio::time::sleep(STEP).await;
    }
    Ok(None)
}

async fn greet(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let connection: PgConnection = options.connect().await?;
    connection.close().await
}

/// A port of the loopback address that nobody uses right now.
fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|cause| Error::Program { program: "a listener on 127.0.0.1".to_owned(), cause })
}

/// A path as the value of a URL's parameter.
fn percent(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(*byte))
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

fn ended(pid: u32, limit: Duration) -> bool {
    for _ in 0..(limit.as_millis() / STEP.as_millis()) {
        if !postmaster::alive(pid) {
            return true;
        }
        std::thread::sleep(STEP);
    }
    !postmaster::alive(pid)
}
