//! A wire to Postgres that can be cut.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// Listens on a loopback port and passes everything to a Unix socket, as long as it is not cut.
pub struct Proxy {
    pub port: u16,
    up: Arc<watch::Sender<bool>>,
    frozen: Arc<watch::Sender<bool>>,
    /// How many connections came while it was cut.
    pub refused: Arc<watch::Sender<u64>>,
}

impl Proxy {
    /// A wire to where `options` lead; begins whole.
    pub async fn to(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let socket = options.get_socket().expect("the tests' cluster goes by Unix socket");
        let socket = socket.join(format!(".s.PGSQL.{}", options.get_port()));
        let up = Arc::new(watch::Sender::new(true));
        let (frozen, refused) = (Arc::new(watch::Sender::new(false)), Arc::new(watch::Sender::new(0)));
        let (wire, ice, count) = (up.clone(), frozen.clone(), refused.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut up, mut frozen, socket) = (wire.subscribe(), ice.subscribe(), socket.clone());
                let count = count.clone();
                tokio::spawn(async move {
                    if *up.borrow_and_update() {
                        let Ok(server) = UnixStream::connect(&socket).await else { return };
                        let (mut client, mut server) = (client, server);
                        let ended = tokio::select! {
                            () = pass(&mut client, &mut server) => true,
                            _ = up.wait_for(|up| !up) => true,
                            _ = frozen.wait_for(|frozen| *frozen) => false,
                        };
                        if !ended {
                            // Both ends stay open, and nothing passes any more.
                            std::future::pending::<()>().await;
                        }
                    } else {
                        count.send_modify(|count| *count += 1);
                    }
                });
            }
        });
        Self { port, up, frozen, refused }
    }

    /// The URL of a database behind the wire.
    pub fn url(&self, options: &PgConnectOptions) -> String {
        let database = options.get_database().expect("a database");
        format!("postgres://{}@127.0.0.1:{}/{database}?sslmode=disable", options.get_username(), self.port)
    }

    /// Breaks every connection and refuses new ones.
    pub fn cut(&self) {
        self.up.send_replace(false);
    }

    /// Lets connections that stand swallow everything, as a host that vanished does; new ones pass after [`Proxy::thaw`].
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Lets new connections pass; those that froze stay as they are.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.up.send_replace(true);
    }
}

async fn pass(client: &mut TcpStream, server: &mut UnixStream) {
    // However it ends, it has ended.
    let _ = copy_bidirectional(client, server).await;
}
