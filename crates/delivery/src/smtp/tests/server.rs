//! An SMTP server that does what a script says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, watch};
use tokio_rustls::TlsAcceptor;

/// What a server does in place of its usual answer.
#[derive(Clone, Copy, Debug)]
pub enum Do {
    /// Says this, and goes on as it would after its usual answer.
    Say(&'static str),
    /// Says this and hangs up.
    SayAndClose(&'static str),
    /// Hangs up.
    Close,
    /// Says nothing, and keeps the connection.
    Hang,
    /// Says its answer a byte at a time, and never comes to an end.
    Trickle,
    /// Says its usual answer, late.
    Late(u64),
    /// Says lines of a reply without end.
    Flood,
    /// Says a line without end.
    Line,
    /// Reads the mail's lines no further, and says this.
    StopReading(&'static str),
}

/// How a server hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hides {
    Never,
    AfterStarttls,
    Always,
}

#[derive(Clone)]
pub struct Script {
    /// What it does at which command (or `greeting`, `lines`, `dot`), at which time: from 1 for each of its
    /// kind, over all connections; 0 for all of them.
    pub at: Vec<(&'static str, usize, Do)>,
    pub extensions: &'static str,
    pub hides: Hides,
    /// So many mails are answered together.
    pub barrier: Option<Arc<Barrier>>,
}

impl Script {
    pub fn new(at: &[(&'static str, usize, Do)]) -> Self {
        Self { at: at.to_vec(), extensions: "PIPELINING SIZE", hides: Hides::Never, barrier: None }
    }
}

/// What a server has seen.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Commands, without their arguments.
    pub commands: Vec<String>,
    /// Arguments of the same.
    pub arguments: Vec<String>,
    /// Mails as they came, with the dots that SMTP adds, without the final one.
    pub mails: Vec<Vec<u8>>,
    /// Connections open now, at most, and in all.
    pub open: usize,
    pub most: usize,
    pub total: usize,
}

#[derive(Clone)]
pub struct Server {
    pub port: u16,
    /// The root of its certificate, PEM.
    pub ca: String,
    log: Arc<watch::Sender<Log>>,
    counts: Arc<Mutex<BTreeMap<String, usize>>>,
    script: Arc<Script>,
    acceptor: TlsAcceptor,
}

impl Server {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ca, acceptor) = certificate();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            ca,
            log: Arc::new(watch::channel(Log::default()).0),
            counts: Arc::default(),
            script: Arc::new(script),
            acceptor,
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                server.log.send_modify(|log| {
                    log.open += 1;
                    log.total += 1;
                    log.most = log.most.max(log.open);
                });
                tokio::spawn(async move {
                    let _ = server.serve(stream).await;
                    server.log.send_modify(|log| log.open -= 1);
                });
            }
        });
        server
    }

    pub fn hides(&self) -> Hides {
        self.script.hides
    }

    pub fn log(&self) -> Log {
        self.log.borrow().clone()
    }

    /// Waits until it has seen something.
    pub async fn until(&self, seen: impl FnMut(&Log) -> bool) {
        let mut log = self.log.subscribe();
        let waiting = log.wait_for(seen);
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("never seen").unwrap();
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        match self.script.hides {
            Hides::Always => {
                let mut stream = BufReader::new(self.acceptor.accept(stream).await?);
                self.answer("greeting", "220 here\r\n", &mut stream).await?;
                self.dialogue(&mut stream).await.map(|_| ())
            }
            Hides::Never => {
                let mut stream = BufReader::new(stream);
                self.answer("greeting", "220 here\r\n", &mut stream).await?;
                self.dialogue(&mut stream).await.map(|_| ())
            }
            Hides::AfterStarttls => {
                let mut stream = BufReader::new(stream);
                self.answer("greeting", "220 here\r\n", &mut stream).await?;
                if self.dialogue(&mut stream).await? {
                    let mut stream = BufReader::new(self.acceptor.accept(stream.into_inner()).await?);
                    self.dialogue(&mut stream).await?;
                }
                Ok(())
            }
        }
    }

    /// Talks until somebody hangs up; `true`: until STARTTLS.
    async fn dialogue<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
    ) -> std::io::Result<bool> {
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(false);
            }
            let (command, argument) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
            self.log.send_modify(|log| {
                log.commands.push(command.to_owned());
                log.arguments.push(argument.to_owned());
            });
            let offered = if self.script.hides == Hides::AfterStarttls { " STARTTLS" } else { "" };
            let offered = format!("{}{offered}", self.script.extensions);
            let extensions: String = offered
                .split(' ')
                .map(|extension| format!("250-{}\r\n", extension.replace('_', " ")))
                .collect();
            let usual = match command {
                "EHLO" => format!("250-mail.test hello\r\n{extensions}250 OK\r\n"),
                "STARTTLS" => "220 go ahead\r\n".into(),
                "DATA" => "354 go ahead\r\n".into(),
                "AUTH" if argument == "LOGIN" => "334 VXNlcm5hbWU6\r\n".into(),
                "dXNlcg==" => "334 UGFzc3dvcmQ6\r\n".into(),
                "AUTH" if argument == "PLAIN AHVzZXIAcGFzcw==" => "235 welcome\r\n".into(),
                "cGFzcw==" => "235 welcome\r\n".into(),
                "AUTH" => "535 5.7.8 no\r\n".into(),
                "QUIT" => "221 bye\r\n".into(),
                _ => "250 2.0.0 OK\r\n".to_owned(),
            };
            let said = self.answer(command, &usual, stream).await?;
            if command == "STARTTLS" && said {
                return Ok(true);
            }
            if command == "DATA" && said {
                self.mail(stream).await?;
            }
        }
    }

    async fn mail<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
    ) -> std::io::Result<()> {
        let mut mail = Vec::new();
        let mut scripted = self.scripted("lines");
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" {
                break;
            }
            mail.extend(line);
            if let Some(what) = scripted.take() {
                self.act(what, "", stream).await?;
            }
        }
        self.log.send_modify(|log| log.mails.push(mail));
        if let Some(barrier) = &self.script.barrier {
            barrier.wait().await;
        }
        self.answer("dot", "250 2.0.0 Ok: queued as Q1\r\n", stream).await?;
        Ok(())
    }

    fn scripted(&self, command: &str) -> Option<Do> {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(command.to_owned()).or_default();
        *count += 1;
        let fits = |(at, nth, _): &&(&str, usize, Do)| *at == command && (*nth == 0 || *nth == *count);
        self.script.at.iter().find(fits).map(|(_, _, what)| *what)
    }

    /// Whether what it said was its usual answer, or begins like that.
    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        command: &str,
        usual: &str,
        stream: &mut BufReader<S>,
    ) -> std::io::Result<bool> {
        match self.scripted(command) {
            None => {
                stream.write_all(usual.as_bytes()).await?;
                stream.flush().await?;
                Ok(true)
            }
            Some(what) => self.act(what, usual, stream).await,
        }
    }

    async fn act<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        what: Do,
        usual: &str,
        stream: &mut BufReader<S>,
    ) -> std::io::Result<bool> {
        let closed = || Err(std::io::ErrorKind::ConnectionAborted.into());
        match what {
            Do::Say(words) => {
                stream.write_all(words.as_bytes()).await?;
                stream.flush().await?;
                Ok(usual.len() > 3 && words.starts_with(&usual[..3]))
            }
            Do::SayAndClose(words) => {
                stream.write_all(words.as_bytes()).await?;
                stream.shutdown().await?;
                closed()
            }
            Do::Close => closed(),
            Do::Hang => self.until_closed(stream).await,
            Do::Trickle => {
                for byte in "250-".bytes().chain(std::iter::repeat(b'x')) {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                closed()
            }
            Do::Late(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                stream.write_all(usual.as_bytes()).await?;
                stream.flush().await?;
                Ok(true)
            }
            Do::Flood => loop {
                stream.write_all(b"250-and more\r\n").await?;
            },
            Do::Line => {
                stream.write_all(b"250-").await?;
                loop {
                    stream.write_all(&[b'x'; 1024]).await?;
                }
            }
            Do::StopReading(words) => {
                stream.write_all(words.as_bytes()).await?;
                stream.flush().await?;
                // Longer than the test; it is dropped with it.
                std::future::pending().await
            }
        }
    }

    async fn until_closed<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
    ) -> std::io::Result<bool> {
        let mut nothing = [0; 4096];
        while stream.read(&mut nothing).await? > 0 {}
        Err(std::io::ErrorKind::ConnectionAborted.into())
    }
}

/// A root, and a server's certificate for `localhost` beneath it.
fn certificate() -> (String, TlsAcceptor) {
    let mut root = CertificateParams::new([]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], secret)
        .unwrap();
    (root.pem(), TlsAcceptor::from(Arc::new(config)))
}
