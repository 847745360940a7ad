//! An SMTP server that does as it is told, and keeps what it got and when.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where in a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Greeting,
    Hello,
    Mail,
    Rcpt,
    Data,
    /// After the first line of a mail.
    Body,
    Dot,
}

/// What happens there, once, instead of what should.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// This reply; behind 421 the connection is closed.
    Says(&'static str),
    /// Nothing more is said.
    Hangs,
    /// The connection is closed.
    Closes,
    /// The right reply, a byte each so often.
    Trickles(Duration),
}

/// How it behaves otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// What it says to EHLO behind its name.
    pub offers: &'static [&'static str],
    /// How it greets.
    pub greeting: &'static str,
    /// What it says to AUTH.
    pub auth: &'static str,
    /// How long it is at work on a mail before it answers the final dot.
    pub work: Duration,
    /// Whether it closes the connection behind each mail, and where it is to forget one.
    pub one_each: bool,
}

impl Manners {
    pub const GOOD: Self = Self {
        offers: &["PIPELINING", "SIZE 20000000", "8BITMIME"],
        greeting: "220 relay.example ESMTP",
        auth: "235 2.7.0 welcome",
        work: Duration::ZERO,
        one_each: false,
    };
    /// Asks for a name and a password.
    pub const GUARDED: Self = Self { offers: &["SIZE 20000000", "AUTH PLAIN LOGIN"], ..Self::GOOD };
}

/// A mail, as far as it came.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Our id for it: `msg_…`.
    pub message: String,
    pub from: String,
    pub to: String,
    /// As it was before dots were doubled.
    pub bytes: Vec<u8>,
    /// When its end came.
    pub at: Instant,
    /// Whether its final dot came.
    pub whole: bool,
    /// Whether the server counts it as its own from then on, whatever the client got to hear.
    pub taken: bool,
}

impl Mail {
    /// As text; mails are ASCII.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header's value as it stands, unfolded; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        let text = self.text();
        let head =
            text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_default().to_owned()
    }
}

#[derive(Default)]
struct Log {
    /// Of connections to come, one each.
    scripts: VecDeque<(At, Trouble)>,
    mails: Vec<Mail>,
    connections: usize,
    open: usize,
    most: usize,
}

struct Shared {
    manners: Mutex<Manners>,
    log: Mutex<Log>,
    /// How many mails were taken.
    taken: watch::Sender<usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Server {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Server {
    pub async fn open(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let taken = watch::Sender::new(0);
        let shared = Arc::new(Shared { manners: Mutex::new(manners), log: Mutex::default(), taken });
        let kept = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = kept.clone();
                tokio::spawn(async move {
                    let script = {
                        let mut log = lock(&shared.log);
                        (log.connections, log.open) = (log.connections + 1, log.open + 1);
                        log.most = log.most.max(log.open);
                        log.scripts.pop_front()
                    };
                    // However it ends, it has ended.
                    let _ = Dialogue::new(client, script, shared.clone()).run().await;
                    lock(&shared.log).open -= 1;
                });
            }
        });
        Self { port, shared }
    }

    /// On the next connection that has no script yet.
    pub fn script(&self, at: At, trouble: Trouble) {
        lock(&self.shared.log).scripts.push_back((at, trouble));
    }

    /// Behaves otherwise from now on.
    pub fn behave(&self, manners: Manners) {
        *lock(&self.shared.manners) = manners;
    }

    /// Everything that came, in its order.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.log).mails.clone()
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.taken).collect()
    }

    /// How many mails it has taken.
    pub fn count(&self) -> usize {
        *self.shared.taken.borrow()
    }

    /// Waits until it has taken so many. Panics after `within`.
    pub async fn until(&self, count: usize, within: Duration) {
        let mut taken = self.shared.taken.subscribe();
        let came = tokio::time::timeout(within, taken.wait_for(|taken| *taken >= count)).await;
        assert!(came.is_ok(), "{} of {count} mails within {within:?}", self.count());
    }

    /// How many connections there were, and how many at once at most.
    pub fn connections(&self) -> (usize, usize) {
        let log = lock(&self.shared.log);
        (log.connections, log.most)
    }
}

/// One connection.
struct Dialogue {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    script: Option<(At, Trouble)>,
    shared: Arc<Shared>,
}

/// The connection is over.
fn over() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl Dialogue {
    fn new(client: TcpStream, script: Option<(At, Trouble)>, shared: Arc<Shared>) -> Self {
        let _ = client.set_nodelay(true);
        let (reader, writer) = client.into_split();
        Self { reader: BufReader::new(reader), writer, script, shared }
    }

    fn manners(&self) -> Manners {
        *lock(&self.shared.manners)
    }

    async fn run(mut self) -> io::Result<()> {
        let greeting = self.manners().greeting;
        self.answer(At::Greeting, greeting).await?;
        let (mut from, mut to) = (None, None);
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).into_owned();
            let verb = line.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase();
            let path = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            match verb.as_str() {
                "EHLO" => {
                    let offers = self.manners().offers.iter().map(|offer| format!("250-{offer}\r\n"));
                    let offers: String = offers.collect();
                    self.answer(At::Hello, &format!("250-relay.example\r\n{offers}250 HELP")).await?;
                }
                "AUTH" => {
                    let auth = self.manners().auth;
                    self.say(auth).await?;
                }
                "MAIL" => {
                    to = None;
                    from = self.answer(At::Mail, "250 2.1.0 ok").await?.then(path);
                }
                "RCPT" if from.is_some() => to = self.answer(At::Rcpt, "250 2.1.5 ok").await?.then(path),
                "DATA" if to.is_some() => {
                    if self.answer(At::Data, "354 go on").await? {
                        self.mail(from.take().unwrap_or_default(), to.take().unwrap_or_default()).await?;
                    }
                }
                "RSET" if self.manners().one_each => return Ok(()),
                "RSET" => {
                    (from, to) = (None, None);
                    self.say("250 2.0.0 forgotten").await?;
                }
                "NOOP" => self.say("250 2.0.0 ok").await?,
                "QUIT" => return self.say("221 2.0.0 bye").await,
                "RCPT" | "DATA" => self.say("503 5.5.1 not now").await?,
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
        Ok(())
    }

    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).await?;
        Ok(line.ends_with(b"\n").then_some(line))
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.writer.write_all(format!("{reply}\r\n").as_bytes()).await
    }

    /// Says what is usual there, or what the script has; whether the dialogue goes on as usual.
    async fn answer(&mut self, at: At, usual: &str) -> io::Result<bool> {
        let Some((_, trouble)) = self.script.take_if(|(place, _)| *place == at) else {
            self.say(usual).await?;
            return Ok(usual.starts_with(['2', '3']) || self.part().await?);
        };
        match trouble {
            Trouble::Says(reply) => {
                self.say(reply).await?;
                Ok(reply.starts_with("421") && self.part().await?)
            }
            Trouble::Hangs => {
                self.swallow().await?;
                Err(over())
            }
            Trouble::Closes => Err(over()),
            Trouble::Trickles(every) => {
                for byte in format!("{usual}\r\n").bytes() {
                    self.writer.write_all(&[byte]).await?;
                    tokio::time::sleep(every).await;
                }
                Ok(true)
            }
        }
    }

    /// Says no more; the client may still read what was said.
    async fn part(&mut self) -> io::Result<bool> {
        self.writer.shutdown().await?;
        self.swallow().await?;
        Err(over())
    }

    /// Reads until the client leaves.
    async fn swallow(&mut self) -> io::Result<()> {
        let mut bytes = [0; 4096];
        while self.reader.read(&mut bytes).await? > 0 {}
        Ok(())
    }

    async fn mail(&mut self, from: String, to: String) -> io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            // Whoever leaves before the dot has not sent it.
            let Some(line) = self.line().await? else {
                self.keep(&from, &to, &bytes, None);
                return Err(over());
            };
            if line == b".\r\n" {
                break;
            }
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if let Some((_, trouble)) = self.script.take_if(|(place, _)| *place == At::Body) {
                self.keep(&from, &to, &bytes, None);
                let Trouble::Says(reply) = trouble else { return Err(over()) };
                self.say(reply).await?;
                self.part().await?;
            }
        }
        // What it refuses it does not have; what it says nothing of it may.
        let taken = match self.script {
            Some((At::Dot, Trouble::Says(reply))) => !reply.starts_with(['4', '5']),
            _ => true,
        };
        self.keep(&from, &to, &bytes, Some(taken));
        let Manners { work, one_each, .. } = self.manners();
        if !work.is_zero() {
            tokio::time::sleep(work).await;
        }
        self.answer(At::Dot, "250 2.0.0 Ok: queued as 4XyZ").await?;
        if one_each { Err(over()) } else { Ok(()) }
    }

    /// `taken`: `None` where its end did not come.
    fn keep(&self, from: &str, to: &str, bytes: &[u8], taken: Option<bool>) {
        let mut mail = Mail {
            message: String::new(),
            from: from.to_owned(),
            to: to.to_owned(),
            bytes: bytes.to_vec(),
            at: Instant::now(),
            whole: taken.is_some(),
            taken: taken == Some(true),
        };
        mail.message = mail.header("X-Journeyman-Message");
        let taken = usize::from(mail.taken);
        lock(&self.shared.log).mails.push(mail);
        self.shared.taken.send_modify(|count| *count += taken);
    }
}
