//! Connections to one relay, kept and bounded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use journeyman_channels::Verdict;
use journeyman_channels::email::Wire;
use journeyman_channels::smtp::Stage;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use super::Error;
use super::connection::{Connection, End};
use super::relay::{Checked, Relay};

/// Connections to a relay: as many at once as it allows, idle ones among them. Clones share them.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    checked: Checked,
    /// Whoever holds a permit may hold a connection. A connection becomes idle before its permit is given
    /// back and is taken before a new one is opened, so that there are never more connections than permits.
    permits: Semaphore,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The longest idle first; the last is taken first, so that the others can be closed.
    connections: Vec<Connection>,
    /// A task closes those that are idle for too long.
    watched: bool,
}

/// What became of a message, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What became of it.
    pub verdict: Verdict,
    /// How far the dialogue got.
    pub stage: Stage,
    /// It went over a connection that was there before.
    pub reused: bool,
    /// The connection that was there before had been closed by the server, and was replaced.
    pub replaced: bool,
}

/// What a check has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How the server introduces itself.
    pub greeting: String,
    /// Its extensions, in upper case.
    pub extensions: Vec<String>,
    /// The version of TLS, inside which the dialogue went.
    pub tls: Option<String>,
    /// Whether it has taken our name and password.
    pub logged_in: bool,
    /// The largest mail it takes, bytes, where it says so.
    pub size: Option<u64>,
}

impl Pool {
    /// A pool without connections: they are made when they are needed.
    ///
    /// # Errors
    /// [`Error`] where the relay can't be one, whatever the net says.
    pub fn new(relay: Relay) -> Result<Self, Error> {
        let permits = Semaphore::new(relay.connections);
        let checked = Checked::new(relay)?;
        Ok(Self(Arc::new(Inner { checked, permits, idle: Mutex::default() })))
    }

    /// Hands a message over, as soon as a connection is free. Fails in no other way than by its verdict.
    pub async fn send(&self, wire: &Wire) -> Sent {
        // Nobody closes the semaphore; without it the bound would be gone.
        let Ok(_permit) = self.0.permits.acquire().await else {
            let verdict = Verdict::Retry { after: None, reason: "the pool is closed".into(), host: false };
            return Sent { verdict, stage: Stage::Connect, reused: false, replaced: false };
        };
        let deadline = self.deadline();
        let mut replaced = false;
        if let Some(connection) = self.take().await {
            let end = self.carry(connection, wire, deadline).await;
            if !end.gone {
                return sent(end, true, false);
            }
            replaced = true;
        }
        match Box::pin(Connection::open(&self.0.checked, deadline)).await {
            Ok(connection) => sent(self.carry(connection, wire, deadline).await, false, replaced),
            Err(end) => sent(end, false, replaced),
        }
    }

    /// Reaches the relay, and says what it saw: for whoever has just configured it. Sends nothing.
    ///
    /// # Errors
    /// [`Error::Failed`] with the stage that failed.
    pub async fn check(&self) -> Result<Seen, Error> {
        let failed = |stage, detail| Error::Failed { stage, detail };
        let Ok(_permit) = self.0.permits.acquire().await else {
            return Err(failed(Stage::Connect, "the pool is closed".to_owned()));
        };
        let opened = Box::pin(Connection::open(&self.0.checked, self.deadline())).await;
        let mut connection = opened.map_err(|end| {
            let detail = match end.verdict {
                Verdict::Retry { reason, .. } | Verdict::Unknown { reason } => reason,
                Verdict::Rejected { detail, .. } => detail,
                Verdict::Accepted { .. } => String::new(),
            };
            failed(end.stage, detail)
        })?;
        let seen = Seen {
            greeting: std::mem::take(&mut connection.greeting),
            size: connection.hello.size(),
            extensions: std::mem::take(&mut connection.hello.extensions),
            tls: connection.encrypted.take(),
            logged_in: self.0.checked.relay.login.is_some(),
        };
        connection.quit();
        Ok(seen)
    }

    /// Says goodbye on all idle connections.
    pub fn close(&self) {
        let idle = std::mem::take(&mut self.0.lock().connections);
        for connection in idle {
            connection.quit();
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.0.checked.relay.timeouts.total
    }

    /// Carries a message, and keeps the connection where it can carry another.
    async fn carry(&self, mut connection: Connection, wire: &Wire, deadline: Instant) -> End {
        let done = connection.carry(wire, deadline).await;
        if done.reusable && connection.carried < self.0.checked.relay.messages_per_connection {
            self.0.keep(connection);
        } else if done.reusable {
            connection.quit();
        }
        done.end
    }

    /// An idle connection that still stands.
    async fn take(&self) -> Option<Connection> {
        let oldest = Instant::now().checked_sub(self.0.checked.relay.idle);
        loop {
            let mut connection = self.0.lock().connections.pop()?;
            let fresh = oldest.is_none_or(|oldest| connection.idle_since > oldest);
            if fresh && connection.silent().await {
                return Some(connection);
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.lock();
        idle.connections.push(connection);
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Closes those that are idle for too long; when to look again, `None` where none is left.
    fn close_expired(&self) -> Option<Instant> {
        let mut idle = self.lock();
        let now = Instant::now();
        let until = |connection: &Connection| connection.idle_since + self.checked.relay.idle;
        let expired = idle.connections.iter().take_while(|connection| until(connection) <= now).count();
        idle.connections.drain(..expired).for_each(Connection::quit);
        let next = idle.connections.first().map(until);
        idle.watched = next.is_some();
        next
    }
}

/// Closes connections that are idle for too long, as long as there are any.
async fn watch(pool: Weak<Inner>) {
    while let Some(next) = pool.upgrade().and_then(|inner| inner.close_expired()) {
        sleep_until(next).await;
    }
}

fn sent(end: End, reused: bool, replaced: bool) -> Sent {
    Sent { verdict: end.verdict, stage: end.stage, reused, replaced }
}
