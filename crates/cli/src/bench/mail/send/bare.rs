//! The limit: a loop over lettre with the very bytes of the same mails, made beforehand. It renders nothing, keeps no
//! books, and knows of no mail what became of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Context as _;
use journeyman_channels::email::Wire;
use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What we call ourselves.
const HELLO: &str = "bench.shop.example";

/// A mail as lettre takes it.
pub(in crate::bench::mail) struct Mail {
    envelope: Envelope,
    bytes: Vec<u8>,
}

impl Mail {
    /// Of what would leave on our own way.
    pub(in crate::bench::mail) fn of(wire: &Wire) -> anyhow::Result<Self> {
        let envelope = Envelope::new(Some(wire.envelope_from().parse()?), vec![wire.to().parse()?])?;
        Ok(Self { envelope, bytes: wire.bytes().to_vec() })
    }

    pub(in crate::bench::mail) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// Which loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench::mail) enum Loop {
    /// lettre's transport with its pool, as everybody uses it: a NOOP before each mail, since its pool asks whether a
    /// connection still lives.
    Pool,
    /// A connection of lettre's to each task, kept, without Nagle's algorithm; nobody is asked anything more.
    Kept,
}

/// A loop at work.
pub(in crate::bench::mail) struct Bare {
    pub(in crate::bench::mail) sent: Arc<AtomicU64>,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Bare {
    /// Sends every mail once, `connections` at a time.
    pub(in crate::bench::mail) fn start(
        which: Loop,
        sink: SocketAddr,
        connections: usize,
        mails: &Arc<Vec<Mail>>,
    ) -> Self {
        let (sent, next) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let pool = PoolConfig::new().max_size(connections as u32);
        let transport: AsyncSmtpTransport<Tokio1Executor> =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(sink.ip().to_string())
                .port(sink.port())
                .hello_name(ClientId::Domain(HELLO.to_owned()))
                .pool_config(pool)
                .build();
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let (sent, next, mails, transport) =
                (sent.clone(), next.clone(), mails.clone(), transport.clone());
            tasks.spawn(async move {
                let mut kept = match which {
                    Loop::Pool => None,
                    Loop::Kept => Some(connection(sink).await?),
                };
                while let Some(mail) = mails.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match &mut kept {
                        None => {
                            transport.send_raw(&mail.envelope, &mail.bytes).await?;
                            // Connections go back to the pool by a task of their own; without this the next mail
                            // would find none there, and open another.
                            tokio::task::yield_now().await;
                        }
                        Some(connection) => drop(connection.send(&mail.envelope, &mail.bytes).await?),
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        Self { sent, tasks }
    }

    /// Waits for its end.
    pub(in crate::bench::mail) async fn end(mut self) -> anyhow::Result<()> {
        while let Some(task) = self.tasks.join_next().await {
            task?.context("the bare loop's mail was not taken")?;
        }
        Ok(())
    }
}

/// A connection that is kept.
pub(in crate::bench::mail) async fn connection(sink: SocketAddr) -> anyhow::Result<AsyncSmtpConnection> {
    let stream = TcpStream::connect(sink).await?;
    stream.set_nodelay(true)?;
    let hello = ClientId::Domain(HELLO.to_owned());
    Ok(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?)
}

/// Hands a mail over on a connection that is kept.
pub(in crate::bench::mail) async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    mail: &Mail,
) -> anyhow::Result<()> {
    connection.send(&mail.envelope, &mail.bytes).await?;
    Ok(())
}
