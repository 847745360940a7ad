//! An address that stays the same while what stands behind it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// Where connections are passed on to.
#[derive(Clone)]
pub enum Target {
    /// They are closed at once.
    Nowhere,
    Tcp(String),
    Unix(PathBuf),
}

impl Target {
    /// A daemon's public listener.
    pub fn daemon(public: &str) -> Self {
        Self::Tcp(public.strip_prefix("http://").expect("an address").to_owned())
    }

    /// The Unix socket a database is reached by.
    pub fn database(options: &PgConnectOptions) -> Self {
        let socket = options.get_socket().expect("a private cluster goes by Unix socket");
        Self::Unix(socket.join(format!(".s.PGSQL.{}", options.get_port())))
    }
}

pub struct Relay {
    pub port: u16,
    target: watch::Sender<Target>,
    lose: Arc<AtomicU32>,
}

impl Relay {
    pub async fn to(target: Target) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (target, now) = watch::channel(target);
        let lose = Arc::new(AtomicU32::new(0));
        let left = lose.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, left) = (now.borrow().clone(), left.clone());
                tokio::spawn(async move {
                    match target {
                        Target::Nowhere => {}
                        Target::Tcp(address) => {
                            if let Ok(server) = TcpStream::connect(address).await {
                                pass(client, server, &left).await;
                            }
                        }
                        Target::Unix(path) => {
                            if let Ok(server) = UnixStream::connect(path).await {
                                pass(client, server, &left).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, target, lose }
    }

    /// New connections go there from now on.
    pub fn turn(&self, target: Target) {
        self.target.send_replace(target);
    }

    /// The next `answers` are not passed back: their connections are closed instead.
    pub fn lose(&self, answers: u32) {
        self.lose.store(answers, Ordering::Release);
    }
}

/// Passes bytes both ways until one side ends or an answer is to be lost.
async fn pass(client: TcpStream, server: impl AsyncRead + AsyncWrite + Unpin, lose: &AtomicU32) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let answers = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(bytes @ 1..) = from_server.read(&mut buffer).await {
            let lost = lose.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
            if lost.is_ok() || to_client.write_all(&buffer[..bytes]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        () = answers => {}
    }
}
