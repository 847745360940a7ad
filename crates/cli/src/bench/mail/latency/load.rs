//! Single events, each at its moment, with the moment of its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::bench::door::KEY;

/// Connections of the load.
const CONNECTIONS: usize = 32;

/// Sends every body once, at `rate` a second or as fast as they are answered; answers when each was answered 200.
pub(in crate::bench) async fn send(
    address: SocketAddr,
    bodies: Vec<Bytes>,
    rate: Option<f64>,
) -> anyhow::Result<Vec<Instant>> {
    let (next, bodies, began) = (Arc::new(AtomicUsize::new(0)), Arc::new(bodies), Instant::now());
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(one(address, next.clone(), bodies.clone(), rate.map(|rate| (began, rate)))))
        .collect();
    let mut answered = vec![began; bodies.len()];
    for sender in senders {
        for (nth, at) in sender.await?? {
            answered[nth] = at;
        }
    }
    Ok(answered)
}

async fn one(
    address: SocketAddr,
    next: Arc<AtomicUsize>,
    bodies: Arc<Vec<Bytes>>,
    pace: Option<(Instant, f64)>,
) -> anyhow::Result<Vec<(usize, Instant)>> {
    use base64::Engine as _;
    let authorization = base64::engine::general_purpose::STANDARD.encode(format!("{KEY}:"));
    let authorization = format!("Basic {authorization}");
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut answered = Vec::new();
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        let Some(body) = bodies.get(nth) else { return Ok(answered) };
        if let Some((began, rate)) = pace {
            let moment = began + Duration::from_secs_f64(nth as f64 / rate);
            tokio::time::sleep_until(moment.into()).await;
        }
        let request = Request::post("/v1/track")
            .header("host", "bench")
            .header("authorization", &authorization)
            .body(Full::new(body.clone()))?;
        sender.ready().await?;
        let answer = sender.send_request(request).await.context("the door closed the connection")?;
        let at = Instant::now();
        let status = answer.status();
        let said = answer.into_body().collect().await?.to_bytes();
        anyhow::ensure!(status == 200, "answered {status}: {}", String::from_utf8_lossy(&said));
        answered.push((nth, at));
    }
}
