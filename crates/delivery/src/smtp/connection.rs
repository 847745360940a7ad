//! One connection: how it is made, and how a reply is read from it.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use journeyman_channels::Verdict;
use journeyman_channels::smtp::{Garbage, Hello, Next, Reply, Stage, broken, judge};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::relay::{Checked, Timeouts, Tls};

/// Bytes either way, plain or inside TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where a dialogue ended, and what follows for the message.
#[derive(Debug)]
pub(super) struct End {
    pub(super) stage: Stage,
    pub(super) verdict: Verdict,
    /// The connection was gone, or the server said that it goes, before it had said anything else: if it was
    /// an old one, the server has closed it since, and the message has not been tried.
    pub(super) gone: bool,
}

impl End {
    pub(super) fn of(stage: Stage, verdict: Verdict) -> Self {
        Self { stage, verdict, gone: false }
    }
}

/// Why nothing came, or could be written.
#[derive(Debug)]
pub(super) enum Lost {
    Late,
    Closed,
    Broken(io::Error),
    Garbage(Garbage),
}

impl Lost {
    pub(super) fn end(&self, stage: Stage) -> End {
        let verdict = match self {
            Self::Late => broken(stage, "no answer in time"),
            Self::Closed => broken(stage, "the server closed the connection"),
            Self::Broken(error) => broken(stage, &error.to_string()),
            Self::Garbage(garbage) => broken(stage, &garbage.to_string()),
        };
        End { stage, verdict, gone: matches!(self, Self::Closed | Self::Broken(_)) }
    }
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Broken(error),
        }
    }
}

/// How far a mail's lines got.
pub(super) enum Written {
    /// All were handed over, and the server has said nothing.
    All,
    /// The server spoke in between, or hung up.
    Interrupted,
}

/// A connection that has greeted.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// What was read and not yet taken.
    unread: Vec<u8>,
    pub(super) timeouts: Timeouts,
    pub(super) encrypted: Option<String>,
    pub(super) greeting: String,
    pub(super) hello: Hello,
    /// Messages it has carried.
    pub(super) carried: u32,
    /// A transaction was begun and refused: RSET goes before the next.
    pub(super) begun: bool,
    pub(super) idle_since: Instant,
}

impl Connection {
    /// Reaches the host, greets, hides the connection and logs in, as the relay wants it.
    pub(super) async fn open(checked: &Checked, deadline: Instant) -> Result<Self, End> {
        let relay = &checked.relay;
        let tcp = reach(checked, deadline).await?;
        let mut made = Self {
            stream: Box::new(tcp),
            unread: Vec::new(),
            timeouts: relay.timeouts,
            encrypted: None,
            greeting: String::new(),
            hello: Hello::default(),
            carried: 0,
            begun: false,
            idle_since: Instant::now(),
        };
        if relay.tls == Tls::Implicit {
            made = made.hide(checked, deadline).await?;
        }
        made.greeting = made.expect(Stage::Greeting, deadline).await?.text();
        made.greet(checked, deadline).await?;
        if relay.tls == Tls::Starttls {
            made.ask_for_tls(deadline).await?;
            made = made.hide(checked, deadline).await?;
            // What was said in the clear may have been anybody's (RFC 3207 4.2).
            made.greet(checked, deadline).await?;
        }
        made.log_in(checked, deadline).await?;
        Ok(made)
    }

    async fn greet(&mut self, checked: &Checked, deadline: Instant) -> Result<(), End> {
        self.say(Stage::Hello, &checked.ehlo, deadline).await?;
        self.hello = Hello::of(&self.expect(Stage::Hello, deadline).await?);
        Ok(())
    }

    async fn ask_for_tls(&mut self, deadline: Instant) -> Result<(), End> {
        let stage = Stage::Starttls;
        if !self.hello.offers("STARTTLS") {
            return Err(End::of(
                stage,
                broken(stage, "the server offers none, and nothing is sent in the clear"),
            ));
        }
        self.say(stage, "STARTTLS\r\n", deadline).await?;
        self.expect(stage, deadline).await?;
        if !self.unread.is_empty() {
            return Err(End::of(
                stage,
                broken(stage, "somebody spoke in the clear after TLS had been agreed on"),
            ));
        }
        Ok(())
    }

    async fn hide(self, checked: &Checked, deadline: Instant) -> Result<Self, End> {
        let stage = Stage::Tls;
        let Some((connector, name)) = &checked.secure else {
            return Err(End::of(stage, broken(stage, "it was not set up")));
        };
        let shaking = async { connector.connect(name.clone(), self.stream).await.map_err(Lost::from) };
        let stream =
            within(deadline, self.timeouts.command, shaking).await.map_err(|lost| lost.end(stage))?;
        let version = stream.get_ref().1.protocol_version();
        let encrypted = Some(version.map_or_else(String::new, |version| format!("{version:?}")));
        Ok(Self { stream: Box::new(stream), encrypted, ..self })
    }

    async fn log_in(&mut self, checked: &Checked, deadline: Instant) -> Result<(), End> {
        let stage = Stage::Auth;
        let Some(login) = &checked.relay.login else { return Ok(()) };
        let Some(mechanism) = self.hello.mechanism() else {
            return Err(End::of(stage, broken(stage, "the server offers neither PLAIN nor LOGIN")));
        };
        for line in mechanism.lines(&login.user, &login.password) {
            self.say(stage, &line, deadline).await?;
            if self.expect(stage, deadline).await?.code == 235 {
                return Ok(());
            }
        }
        Err(End::of(stage, broken(stage, "the server asks for more than name and password")))
    }

    /// Writes commands.
    pub(super) async fn say(&mut self, stage: Stage, text: &str, deadline: Instant) -> Result<(), End> {
        let writing = async {
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.flush().await.map_err(Lost::from)
        };
        within(deadline, self.timeouts.command, writing).await.map_err(|lost| lost.end(stage))
    }

    /// The reply by which the dialogue goes on.
    async fn expect(&mut self, stage: Stage, deadline: Instant) -> Result<Reply, End> {
        let reply = self.reply(self.timeouts.command, deadline).await.map_err(|lost| lost.end(stage))?;
        match judge(stage, &reply, "") {
            Next::Continue(()) => Ok(reply),
            Next::Break(verdict) => Err(End::of(stage, verdict)),
        }
    }

    /// The next reply, whole, within `patience`.
    pub(super) async fn reply(&mut self, patience: Duration, deadline: Instant) -> Result<Reply, Lost> {
        let reading = async {
            loop {
                if let Some((reply, used)) = Reply::read(&self.unread).map_err(Lost::Garbage)? {
                    self.unread.drain(..used);
                    return Ok(reply);
                }
                self.unread.reserve(1024);
                if self.stream.read_buf(&mut self.unread).await? == 0 {
                    return Err(Lost::Closed);
                }
            }
        };
        within(deadline, patience, reading).await
    }

    /// Writes a mail's lines, with an ear for the server: one that has enough says so, and may stop reading.
    pub(super) async fn write_lines(&mut self, lines: &[u8], deadline: Instant) -> Result<Written, Lost> {
        let patience = self.timeouts.body;
        let mut left = lines;
        let writing = poll_fn(|context| {
            while !left.is_empty() {
                match Pin::new(&mut self.stream).poll_write(context, left) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(Lost::Closed)),
                    Poll::Ready(Ok(written)) => left = &left[written..],
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                    Poll::Pending => break,
                }
            }
            let flushed = match left {
                [] => Pin::new(&mut self.stream).poll_flush(context)?,
                _ => Poll::Pending,
            };
            match heard(&mut self.stream, &mut self.unread, context) {
                Poll::Ready(_) => Poll::Ready(Ok(Written::Interrupted)),
                Poll::Pending => flushed.map(|()| Ok(Written::All)),
            }
        });
        within(deadline, patience, writing).await
    }

    /// Writes the final dot. `false`: it could not be written, and certainly nothing of it was.
    pub(super) async fn write_dot(&mut self, deadline: Instant) -> Result<bool, Lost> {
        let patience = self.timeouts.command;
        let in_the_clear = self.encrypted.is_none();
        let stream = &mut self.stream;
        let mut left: &[u8] = b".\r\n";
        let writing = async {
            while !left.is_empty() {
                match stream.write(left).await? {
                    0 => return Err(Lost::Closed),
                    written => left = &left[written..],
                }
            }
            stream.flush().await?;
            Ok(true)
        };
        match within(deadline, patience, writing).await {
            // What the kernel has not taken has not left. TLS may have handed over more than it says.
            Err(_) if in_the_clear && left.len() == 3 => Ok(false),
            written => written,
        }
    }

    /// Whether it is silent, as it should be between two messages; a server that closes says so before.
    pub(super) async fn silent(&mut self) -> bool {
        let Self { stream, unread, .. } = self;
        unread.is_empty() && poll_fn(|context| Poll::Ready(heard(stream, unread, context).is_pending())).await
    }

    /// Says goodbye and closes, at once: a server that does not read is not waited for.
    pub(super) fn quit(mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.stream).poll_write(&mut context, b"QUIT\r\n");
        let _ = Pin::new(&mut self.stream).poll_shutdown(&mut context);
    }
}

/// Reads what is there, if anything is: bytes, an end, a fault.
fn heard(
    stream: &mut Box<dyn Stream>,
    unread: &mut Vec<u8>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut space = [0; 1024];
    let mut buffer = ReadBuf::new(&mut space);
    ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
    unread.extend_from_slice(buffer.filled());
    Poll::Ready(Ok(buffer.filled().len()))
}

/// Reaches one of the host's addresses, one after the other.
async fn reach(checked: &Checked, deadline: Instant) -> Result<TcpStream, End> {
    let stage = Stage::Connect;
    let relay = &checked.relay;
    let patience = relay.timeouts.connect;
    let looking = async { Ok(lookup_host((relay.host.as_str(), relay.port)).await?) };
    let addresses = within(deadline, patience, looking).await.map_err(|lost| lost.end(stage))?;
    let mut last = End::of(stage, broken(stage, "the host has no address"));
    for address in addresses {
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        match within(deadline, patience, connecting).await {
            Ok(stream) => return Ok(stream),
            Err(lost) => last = lost.end(stage),
        }
    }
    Err(last)
}

/// What `doing` comes to within `patience`, and before `deadline`.
async fn within<T>(
    deadline: Instant,
    patience: Duration,
    doing: impl Future<Output = Result<T, Lost>>,
) -> Result<T, Lost> {
    let until = deadline.min(Instant::now() + patience);
    timeout_at(until, doing).await.unwrap_or(Err(Lost::Late))
}
