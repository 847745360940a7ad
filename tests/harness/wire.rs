//! A wire to Postgres that reads along: it knows each connection's statements and can hold one back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

/// How long it may take until something is held back.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
/// What opens every transaction. It can't be told yet what it will be, so that holding it holds all of them.
pub const BEGIN: &str = "BEGIN";
/// What ends one that stands.
pub const COMMIT: &str = "COMMIT";

/// What is to be held back: a statement of a transaction that begins once all of `after` have been committed.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    /// Parts of statements; a transaction with each has to be committed first, one after the other.
    pub after: Vec<&'static str>,
    /// Part of a statement that this very transaction must have sent before.
    pub within: &'static str,
    /// The statement, as [`Wire::recorded`] has it.
    pub at: String,
    /// Which of its occurrences in the transaction, from 1.
    pub nth: usize,
    /// Not the statement is held back but the server's answer to it.
    pub answer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Armed,
    Held,
    Cut,
}

/// What all connections share.
struct Shared {
    seen: Mutex<Seen>,
    phase: watch::Sender<Phase>,
}

#[derive(Default)]
struct Seen {
    hold: Option<Hold>,
    /// How many of the hold's `after` are done.
    done: usize,
    recorded: Vec<Vec<String>>,
}

/// One connection, as far as it is known.
#[derive(Default)]
struct Connection {
    prepared: BTreeMap<String, String>,
    /// The statements of the transaction under way.
    sent: Vec<String>,
    /// Whether it began when the hold was in force.
    fresh: bool,
    copying: String,
    committing: bool,
    hold_answer: bool,
}

/// Listens on a loopback port and passes everything to a Unix socket, statement by statement.
pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    /// A wire to where `options` lead.
    pub async fn to(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let socket = options.get_socket().expect("the tests' cluster goes by Unix socket");
        let socket = socket.join(format!(".s.PGSQL.{}", options.get_port()));
        let shared = Arc::new(Shared { seen: Mutex::default(), phase: watch::Sender::new(Phase::Open) });
        let for_all = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *for_all.phase.borrow() == Phase::Cut {
                    continue;
                }
                let Ok(server) = UnixStream::connect(&socket).await else { continue };
                let _ = client.set_nodelay(true);
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let connection = Arc::new(Mutex::new(Connection::default()));
                let forth = forth(from_client, to_server, for_all.clone(), connection.clone());
                tokio::spawn(for_all.clone().until_cut(forth));
                tokio::spawn(for_all.clone().until_cut(back(
                    from_server,
                    to_client,
                    for_all.clone(),
                    connection,
                )));
            }
        });
        Self { port, shared }
    }

    /// The URL of a database behind the wire.
    pub fn url(&self, options: &PgConnectOptions) -> String {
        let database = options.get_database().expect("a database");
        format!("postgres://{}@127.0.0.1:{}/{database}?sslmode=disable", options.get_username(), self.port)
    }

    /// From now on: holds back what `hold` says, once.
    pub fn arm(&self, hold: Hold) {
        let mut seen = lock(&self.shared.seen);
        (seen.hold, seen.done) = (Some(hold), 0);
        self.shared.phase.send_replace(Phase::Armed);
    }

    /// Waits until something is held back; what never comes is a fault of the test.
    pub async fn held(&self) {
        let mut phase = self.shared.phase.subscribe();
        let held = phase.wait_for(|phase| *phase == Phase::Held);
        tokio::time::timeout(PATIENCE, held).await.expect("what is to be held back came").expect("the wire");
    }

    /// Lets go of what is held back, and of the hold.
    pub fn release(&self) {
        lock(&self.shared.seen).hold = None;
        self.shared.phase.send_replace(Phase::Open);
    }

    /// Breaks every connection and lets no other through, for good.
    pub fn cut(&self) {
        self.shared.phase.send_replace(Phase::Cut);
    }

    /// The statements of every transaction that was committed since [`Wire::forget`].
    pub fn recorded(&self) -> Vec<Vec<String>> {
        lock(&self.shared.seen).recorded.clone()
    }

    /// Forgets what was recorded.
    pub fn forget(&self) {
        lock(&self.shared.seen).recorded.clear();
    }
}

impl Shared {
    async fn until_cut(self: Arc<Self>, passing: impl Future<Output = ()>) {
        let mut phase = self.phase.subscribe();
        tokio::select! {
            () = passing => {}
            _ = phase.wait_for(|phase| *phase == Phase::Cut) => {}
        }
    }

    async fn wait(&self) {
        let mut phase = self.phase.subscribe();
        let _ = phase.wait_for(|phase| *phase == Phase::Open).await;
    }

    /// A statement is on its way; whether it is to be held back.
    fn sent(&self, connection: &mut Connection, statement: String) -> bool {
        let mut seen = lock(&self.seen);
        if statement == BEGIN {
            connection.sent.clear();
            connection.fresh = seen.hold.as_ref().is_some_and(|hold| seen.done >= hold.after.len());
        }
        connection.committing = statement == COMMIT;
        connection.sent.push(statement);
        let Some(wanted) = seen.hold.as_ref().filter(|_| connection.fresh) else { return false };
        let last = connection.sent.last();
        let nth = connection.sent.iter().filter(|sent| Some(*sent) == last).count();
        let within = connection.sent.iter().any(|sent| sent.contains(wanted.within));
        if last != Some(&wanted.at) || nth != wanted.nth || !within {
            return false;
        }
        let answer = wanted.answer;
        if wanted.at != BEGIN {
            seen.hold = None;
        }
        connection.hold_answer = answer;
        if !answer {
            self.phase.send_replace(Phase::Held);
        }
        !answer
    }

    /// The server is ready for the next statement.
    fn ready(&self, connection: &mut Connection) {
        if !std::mem::take(&mut connection.committing) {
            return;
        }
        let statements = std::mem::take(&mut connection.sent);
        let mut seen = lock(&self.seen);
        if let Some(next) = seen.hold.as_ref().and_then(|hold| hold.after.get(seen.done))
            && statements.iter().any(|statement| statement.contains(next))
        {
            seen.done += 1;
        }
        seen.recorded.push(statements);
    }
}

/// What the client says.
async fn forth(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    shared: Arc<Shared>,
    connection: Arc<Mutex<Connection>>,
) {
    let mut bytes = Vec::new();
    // The first message of a connection has no kind.
    let mut head = 0;
    while client.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        while let Some(length) = framed(&bytes, head) {
            let message: Vec<u8> = bytes.drain(..length).collect();
            let mut held = false;
            if head == 1 {
                let mut connection = lock(&connection);
                if let Some(statement) = said(&mut connection, &message) {
                    held = shared.sent(&mut connection, statement);
                }
            }
            head = 1;
            if held {
                shared.wait().await;
            }
            if server.write_all(&message).await.is_err() {
                return;
            }
        }
    }
    let _ = server.shutdown().await;
}

/// What the server answers.
async fn back(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    shared: Arc<Shared>,
    connection: Arc<Mutex<Connection>>,
) {
    let mut bytes = Vec::new();
    while server.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        let hold = std::mem::take(&mut lock(&connection).hold_answer);
        if hold {
            shared.phase.send_replace(Phase::Held);
            shared.wait().await;
        }
        while let Some(length) = framed(&bytes, 1) {
            let message: Vec<u8> = bytes.drain(..length).collect();
            if message[0] == b'Z' {
                shared.ready(&mut lock(&connection));
            }
            if client.write_all(&message).await.is_err() {
                return;
            }
        }
    }
    let _ = client.shutdown().await;
}

/// The length of the first message, where it is whole: its kind, where it has one, and what its own length says.
fn framed(bytes: &[u8], head: usize) -> Option<usize> {
    let length = bytes.get(head..head + 4)?.try_into().ok().map(u32::from_be_bytes)?;
    let whole = head + length as usize;
    (bytes.len() >= whole).then_some(whole)
}

/// The statement that a message begins to run, if it does.
fn said(connection: &mut Connection, message: &[u8]) -> Option<String> {
    let mut texts =
        message[5..].split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
    let mut text = || texts.next().unwrap_or_default();
    match message[0] {
        b'P' => {
            let name = text();
            connection.prepared.insert(name, plain(&text()));
            None
        }
        b'B' => {
            let _portal = text();
            connection.prepared.get(&text()).map(|statement| named(statement))
        }
        b'Q' => {
            connection.copying = plain(&text());
            Some(named(&connection.copying))
        }
        b'c' => Some(format!("end of {}", connection.copying)),
        _ => None,
    }
}

/// Tables whose rows go in by one of two statements, as there are few of them or many.
const EITHER_WAY: [&str; 5] = ["events", "intake", "journal", "outbox", "runs"];

/// What a statement is called here: `rows into journal`, whichever way they go; else by its own words.
fn named(statement: &str) -> String {
    let few = statement.strip_prefix("INSERT INTO ").filter(|rest| rest.contains("FROM unnest("));
    let table = few.or_else(|| statement.strip_prefix("COPY ")).and_then(|rest| rest.split(' ').next());
    match table.filter(|table| EITHER_WAY.contains(table)) {
        Some(table) => format!("rows into {table}"),
        None => statement.to_owned(),
    }
}

/// Whether this is the end of a COPY that may as well go another way.
pub fn either_way(statement: &str) -> bool {
    statement.strip_prefix("end of ").is_some_and(|copy| named(copy) != copy)
}

/// A statement on one line, without its comments.
fn plain(sql: &str) -> String {
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}
