//! `journeyman serve` as a process, and other commands.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::door::KEY;
use super::{Folder, JOURNEYMAN};

/// How long a daemon that was told to end may take: far beyond what it allows itself.
const LAST_WORDS: Duration = Duration::from_secs(120);

/// A daemon; killed when dropped.
pub struct Daemon {
    pub child: Child,
    pub public: String,
    pub private: String,
    /// What it said before `ready`.
    pub said: Vec<String>,
    lines: Lines<BufReader<ChildStdout>>,
    _folder: Folder,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A command of ours in a folder, that meets no configuration but what it is given.
pub fn command(folder: &Path, database_url: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(JOURNEYMAN);
    command.args(arguments).current_dir(folder).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name == "DATABASE_URL" || (name.starts_with("JOURNEYMAN_") && name != "JOURNEYMAN_POSTGRES") {
            command.env_remove(name);
        }
    }
    if let Some(url) = database_url {
        command.env("DATABASE_URL", url);
    }
    command
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().await.expect("the binary");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// `journeyman serve` on free ports, with the tests' write key.
pub fn serve(folder: &Path, database_url: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = command(folder, database_url, &[&["serve"], arguments].concat());
    command
        .env("JOURNEYMAN_LISTEN_PUBLIC", "127.0.0.1:0")
        .env("JOURNEYMAN_LISTEN_PRIVATE", "127.0.0.1:0")
        // What is learned is told by events, and most tests count those.
        .env("JOURNEYMAN_LEARN_EVERY", "never")
        .env("JOURNEYMAN_WRITE_KEYS", format!("web={KEY}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

impl Daemon {
    /// Starts one on a database and waits until it is ready.
    pub async fn start(database_url: &str) -> Self {
        let folder = Folder::new();
        let command = serve(folder.path(), Some(database_url), &[]);
        Self::from(command, folder).await
    }

    /// Starts one as given.
    pub async fn from(mut command: Command, folder: Folder) -> Self {
        let mut child = command.spawn().expect("the daemon");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut said = Vec::new();
        while let Some(line) = lines.next_line().await.expect("a line") {
            if line == "ready" {
                let address = |listener: &str| {
                    let line = said.iter().find_map(|line: &String| line.strip_prefix(listener));
                    line.expect("an address").trim().to_owned()
                };
                let (public, private) = (address("public"), address("private"));
                return Self { child, public, private, said, lines, _folder: folder };
            }
            said.push(line);
        }
        panic!("the daemon ended before it was ready: {said:?}");
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a process to kill");
    }

    /// A signal by number.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid as i32));
        rustix::process::kill_process(pid.expect("a running process"), signal).expect("a signal");
    }

    /// SIGTERM; its exit code and what it said after `ready`.
    pub async fn stop(mut self) -> (Option<i32>, String) {
        self.signal(rustix::process::Signal::TERM);
        let mut rest = String::new();
        let ended = async {
            self.lines.into_inner().read_to_string(&mut rest).await.expect("its last words");
            self.child.wait().await.expect("its end").code()
        };
        // What does not end is a fault of its own, and not to be waited for.
        let code = tokio::time::timeout(LAST_WORDS, ended).await.expect("a daemon that ends when told to");
        (code, rest)
    }
}
