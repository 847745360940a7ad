//! Clicks: for each mail that the server has, the link that stands in it is followed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use journeyman_domain::link::{KeyRing, Link, Purpose};
use journeyman_domain::{MessageId, PersonId};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::house::PATIENCE;
use super::super::shop;
use crate::bench::scratch::Scratch;

/// Connections of those who click.
const CONNECTIONS: usize = 8;
/// How often it is looked which mails are there.
const LOOK: Duration = Duration::from_millis(50);
/// A browser, as it says of itself.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Follows the link of each of `count` mails as soon as the server has it; the `known` first ones were followed before.
pub(super) async fn all(
    scratch: &Scratch,
    address: SocketAddr,
    keys: &KeyRing,
    known: usize,
    count: usize,
) -> anyhow::Result<()> {
    let mut clickers = JoinSet::new();
    let senders: Vec<mpsc::UnboundedSender<String>> = (0..CONNECTIONS)
        .map(|_| {
            let (sender, links) = mpsc::unbounded_channel();
            clickers.spawn(follow(address, links));
            sender
        })
        .collect();
    let mut followed = BTreeSet::new();
    let mut since: Option<jiff_sqlx::Timestamp> = None;
    if known > 0 {
        let before = accepted(scratch, None).await?;
        since = before.iter().map(|(.., at)| *at).max();
        followed.extend(before.into_iter().map(|(message, ..)| message));
    }
    let all = followed.len() + count;
    let began = Instant::now();
    while followed.len() < all {
        anyhow::ensure!(began.elapsed() < PATIENCE, "{} of {all} mails were sent", followed.len());
        tokio::time::sleep(LOOK).await;
        for (message, person, at) in accepted(scratch, since).await? {
            since = since.max(Some(at));
            if followed.insert(message) {
                let purpose = Purpose::Click { position: 0, target: shop::TARGET.to_owned() };
                let link = Link { message, person, purpose };
                let path = format!("/c/{}", keys.sign(keys.current(), &link));
                senders[followed.len() % CONNECTIONS].send(path)?;
            }
        }
    }
    drop(senders);
    while let Some(clicker) = clickers.join_next().await {
        clicker??;
    }
    Ok(())
}

/// What is accepted since a moment, and a little before it: several lanes write.
async fn accepted(
    scratch: &Scratch,
    since: Option<jiff_sqlx::Timestamp>,
) -> anyhow::Result<Vec<(MessageId, PersonId, jiff_sqlx::Timestamp)>> {
    let rows: Vec<(uuid::Uuid, i64, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT id, person_id, finished_at FROM messages
         WHERE state = 10 AND ($1 IS NULL OR finished_at > $1 - interval '1 second')",
    )
    .bind(since)
    .fetch_all(&scratch.pool)
    .await?;
    Ok(rows.into_iter().map(|(message, person, at)| (MessageId(message), PersonId(person), at)).collect())
}

async fn follow(address: SocketAddr, mut links: mpsc::UnboundedReceiver<String>) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    while let Some(path) = links.recv().await {
        let request =
            Request::get(path).header("host", "bench").header("user-agent", BROWSER).body(Empty::new())?;
        sender.ready().await?;
        let answer = sender.send_request(request).await.context("the door closed the connection")?;
        anyhow::ensure!(answer.status() == 302, "a click was answered {}", answer.status());
        answer.into_body().collect().await?;
    }
    Ok(())
}
