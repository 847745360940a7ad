//! A sink that knows when each mail arrived: the moment of its final dot, by the address it went to. It runs on a thread of
//! its own, so that a busy engine does not make it look late.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::sink::listen;

/// When mails arrived, by the address they went to; of a second one to the same address, the last.
type Arrivals = Arc<Mutex<BTreeMap<String, Instant>>>;

/// The sink; it ends with this value.
pub(in crate::bench::mail) struct Own {
    address: SocketAddr,
    arrivals: Arrivals,
    _stop: DropGuard,
}

impl Own {
    /// Starts it on a free port.
    pub(in crate::bench::mail) fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let arrivals = Arrivals::default();
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (kept, until) = (arrivals.clone(), stop.clone());
        std::thread::Builder::new().name("smtp-sink".to_owned()).spawn(move || {
            let arrived = move |to, _| {
                lock(&kept).insert(to, Instant::now());
            };
            let listening = async { listen(TcpListener::from_std(listener)?, arrived).await };
            runtime.block_on(until.run_until_cancelled(listening));
        })?;
        Ok(Self { address, arrivals, _stop: stop.drop_guard() })
    }

    pub(in crate::bench::mail) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many mails have arrived since it was last emptied, each address once.
    pub(in crate::bench::mail) fn count(&self) -> usize {
        lock(&self.arrivals).len()
    }

    /// Takes out what has arrived.
    pub(in crate::bench::mail) fn take(&self) -> BTreeMap<String, Instant> {
        std::mem::take(&mut lock(&self.arrivals))
    }
}

fn lock(arrivals: &Arrivals) -> MutexGuard<'_, BTreeMap<String, Instant>> {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner)
}
