//! The shoppers' mail server: takes every mail over a real socket, and keeps it until it is read.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::sink::listen;

/// A mail as it arrived.
pub(super) struct Arrived {
    /// To whom, by the envelope.
    pub(super) to: String,
    /// Headers and body.
    pub(super) mail: Vec<u8>,
}

type Arrivals = Arc<Mutex<Vec<Arrived>>>;

/// The server; it ends with this value.
pub(super) struct Sink {
    address: SocketAddr,
    arrivals: Arrivals,
    _stop: DropGuard,
}

impl Sink {
    /// Starts it on a free port.
    pub(super) fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let (arrivals, stop) = (Arrivals::default(), CancellationToken::new());
        let (kept, until) = (arrivals.clone(), stop.clone());
        let arrived = move |to, mail| lock(&kept).push(Arrived { to, mail });
        tokio::spawn(async move { until.run_until_cancelled(listen(listener, arrived)).await });
        Ok(Self { address, arrivals, _stop: stop.drop_guard() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes out what has arrived.
    pub(super) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut *lock(&self.arrivals))
    }
}

fn lock(arrivals: &Arrivals) -> MutexGuard<'_, Vec<Arrived>> {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner)
}
