//! Who takes the mail: Postfix's smtp-sink where there is one, else a small server of our own.

mod own;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

pub(super) use own::Own;

/// Where Debian and others keep smtp-sink, which is on nobody's PATH but root's.
const USUAL: [&str; 2] = ["smtp-sink", "/usr/sbin/smtp-sink"];
/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often another port is tried, where somebody else took it first.
const TRIES: usize = 3;
/// How many connections it holds at once, and how many wait.
const CONNECTIONS: &str = "2000";

/// A server that takes every mail and keeps none. It ends with this value, also where a bench breaks off.
pub(super) enum Sink {
    /// Postfix's.
    Postfix(Child, SocketAddr),
    /// Ours.
    Own(Own),
}

impl Sink {
    /// Postfix's: the `program` that was named, else one that is found; else our own.
    pub(super) async fn start(program: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(program) = program {
            let started = postfix(program).await.with_context(|| format!("{}", program.display()))?;
            return started.with_context(|| format!("{} is no program", program.display()));
        }
        for program in USUAL {
            if let Some(started) = postfix(Path::new(program)).await? {
                return Ok(started);
            }
        }
        Ok(Self::Own(Own::start()?))
    }

    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Postfix(_, address) => *address,
            Self::Own(own) => own.address(),
        }
    }

    /// The process that it is, where it has one of its own.
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Postfix(child, _) => child.id(),
            Self::Own(_) => None,
        }
    }

    /// What took the mail, for the report.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Postfix(..) => "Postfix's smtp-sink",
            Self::Own(_) => "the bench's own sink (there is no smtp-sink here: install postfix)",
        }
    }
}

/// Starts smtp-sink on a free port; `None` where there is no such program.
async fn postfix(program: &Path) -> anyhow::Result<Option<Sink>> {
    for _ in 0..TRIES {
        // It has to be told a port; whoever takes that in between is met by the next try.
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        command.args(["-m", CONNECTIONS]).arg(address.to_string()).arg(CONNECTIONS);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = match command.spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            spawned => spawned.context("smtp-sink does not start")?,
        };
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if child.try_wait()?.is_some() {
                break;
            }
            if TcpStream::connect(address).await.is_ok() {
                return Ok(Some(Sink::Postfix(child, address)));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    anyhow::bail!("smtp-sink does not listen; name another with --smtp-sink, or take it off the PATH")
}
