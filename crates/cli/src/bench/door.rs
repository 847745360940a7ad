//! The product's own door, and who loads it.

pub(super) mod client;

use std::sync::Arc;

use journeyman_api::ingest::{Limits, WriteKeys};
use journeyman_api::{Ingest, public, server};
use journeyman_domain::ShardSet;
use journeyman_store::{Limits as Connections, connect};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::SystemClock;

pub(super) const KEY: &str = "bench";
/// Messages in a batch, and connections of the load, as the benches' definitions have them.
pub(super) const BATCH: usize = 100;
pub(super) const CONNECTIONS: usize = 8;

/// Who hears of what was put where.
type Wake = Arc<dyn Fn(ShardSet) + Send + Sync>;

/// The product's own door on a free port.
pub(super) struct Door {
    pub(super) address: std::net::SocketAddr,
    pub(super) ingest: Arc<Ingest>,
    stop: CancellationToken,
}

impl Door {
    /// Opens it; `wake` hears of what it has put where.
    pub(super) async fn open(options: &PgConnectOptions, wake: Wake) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let pool = connect(options, Connections::INGEST);
        let keys = WriteKeys::new([("bench", KEY)]);
        let ingest = Ingest::start(pool, keys, Arc::new(SystemClock), wake, Limits::DEFAULT);
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(listener, public(ingest.clone()), stop.clone()));
        Ok(Self { address, ingest, stop })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
