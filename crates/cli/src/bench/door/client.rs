//! The load: bodies made beforehand, each connection sends the next as soon as it was answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Sends every body once; answers how long each waited for its 200.
pub(in crate::bench) async fn send(
    address: SocketAddr,
    path: &'static str,
    key: &str,
    connections: usize,
    bodies: Arc<Vec<Bytes>>,
) -> anyhow::Result<Vec<Duration>> {
    let next = Arc::new(AtomicUsize::new(0));
    let authorization = format!("Basic {}", authorization(key));
    let senders: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(one(address, path, authorization.clone(), next.clone(), bodies.clone())))
        .collect();
    let mut waits = Vec::with_capacity(bodies.len());
    for sender in senders {
        waits.extend(sender.await??);
    }
    Ok(waits)
}

async fn one(
    address: SocketAddr,
    path: &'static str,
    authorization: String,
    next: Arc<AtomicUsize>,
    bodies: Arc<Vec<Bytes>>,
) -> anyhow::Result<Vec<Duration>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut waits = Vec::new();
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("host", "bench")
            .header("authorization", &authorization)
            .body(Full::new(body.clone()))?;
        let began = Instant::now();
        sender.ready().await?;
        let answer = sender.send_request(request).await.context("the door closed the connection")?;
        let status = answer.status();
        let said = answer.into_body().collect().await?.to_bytes();
        anyhow::ensure!(status == 200, "answered {status}: {}", String::from_utf8_lossy(&said));
        waits.push(began.elapsed());
    }
    Ok(waits)
}

/// A key as basic authentication has it.
fn authorization(key: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{key}:"))
}
