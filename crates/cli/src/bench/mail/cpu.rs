//! What each side costs: processor time of this process, of PostgreSQL and of the sink, from /proc. Where there is none,
//! or the server is on another machine, nothing is said.

use std::fs;
use std::ops::Sub;

use sqlx::postgres::PgPool;

/// Ticks a second of the times in /proc: the same on every Linux, whatever the kernel's own clock.
const TICKS: f64 = 100.0;

/// Seconds of processor time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) ours: f64,
    pub(super) postgres: f64,
    pub(super) sink: f64,
}

impl Sub for Spent {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            ours: self.ours - before.ours,
            postgres: self.postgres - before.postgres,
            sink: self.sink - before.sink,
        }
    }
}

impl Spent {
    /// Of one of so many.
    pub(super) fn per(self, count: u64) -> Self {
        let count = count.max(1) as f64;
        Self { ours: self.ours / count, postgres: self.postgres / count, sink: self.sink / count }
    }

    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            ours: self.ours + other.ours,
            postgres: self.postgres + other.postgres,
            sink: self.sink + other.sink,
        }
    }

    /// In words.
    pub(super) fn each(self) -> String {
        let micros = |seconds: f64| seconds * 1e6;
        format!(
            "{:.0} µs here, {:.0} in PostgreSQL, {:.0} in the sink",
            micros(self.ours),
            micros(self.postgres),
            micros(self.sink)
        )
    }
}

/// Whose time is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    postmaster: Option<u32>,
    sink: Option<u32>,
}

impl Meter {
    /// Of the server behind `pool`, where it runs on this machine, and of a sink with a process of its own.
    pub(super) async fn new(pool: &PgPool, sink: Option<u32>) -> anyhow::Result<Self> {
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(pool).await?;
        let of_server = Process::read(backend as u32).filter(|process| process.name.starts_with("postgres"));
        Ok(Self { postmaster: of_server.map(|process| process.parent), sink })
    }

    /// What was spent so far.
    pub(super) fn read(&self) -> Spent {
        let alone = |pid: u32| Process::read(pid).map_or(0.0, |process| process.own);
        Spent {
            ours: alone(std::process::id()),
            postgres: self.postmaster.map_or(0.0, family),
            sink: self.sink.map_or(0.0, alone),
        }
    }
}

/// A process and its children, those that ended too.
fn family(pid: u32) -> f64 {
    let Ok(all) = fs::read_dir("/proc") else { return 0.0 };
    let pids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::read)
        .filter(|process| process.pid == pid || process.parent == pid)
        .map(|process| process.own + if process.pid == pid { process.ended } else { 0.0 })
        .sum()
}

struct Process {
    pid: u32,
    name: String,
    parent: u32,
    /// Seconds of its own, and of its children that have ended.
    own: f64,
    ended: f64,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything, parentheses too.
        let (head, rest) = stat.rsplit_once(") ")?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |nth: usize| fields.get(nth)?.parse::<f64>().ok();
        Some(Self {
            pid,
            name,
            parent: fields.get(1)?.parse().ok()?,
            own: (ticks(11)? + ticks(12)?) / TICKS,
            ended: (ticks(13)? + ticks(14)?) / TICKS,
        })
    }
}
