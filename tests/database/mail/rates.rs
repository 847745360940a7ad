//! Rates as the server sees them.

use std::time::{Duration, Instant};

use super::{by, shop, signed_up};
use crate::harness::mail::identify;
use crate::harness::shop::{PATIENCE, order};
use crate::harness::smtp::{Manners, Server};

/// Messages a second that are allowed.
const ALLOWED: usize = 20;
const MARKETING: usize = 80;
const TRANSACTIONAL: usize = 20;
/// How much later one message may come to the server after it was counted than another: a commit, a connection,
/// a busy machine. What is counted within a second may come within so much less.
const JITTER: Duration = Duration::from_millis(300);

/// The moments at which mails from this sender came, of all where there is none.
fn moments(server: &Server, sender: Option<&str>) -> Vec<Instant> {
    let of = |from: &str| sender.is_none_or(|sender| from.contains(sender));
    let mut moments: Vec<Instant> =
        server.taken().iter().filter(|mail| of(&mail.header("From"))).map(|mail| mail.at).collect();
    moments.sort();
    moments
}

/// No span of so many seconds, less the jitter, has more than so many times what a second may have.
fn keeps_to(moments: &[Instant]) {
    let span = |from: Instant, seconds: usize| {
        let end = from + Duration::from_secs(seconds as u64) - JITTER;
        moments.iter().filter(|at| (from..end).contains(at)).count()
    };
    let most = |seconds: usize| moments.iter().map(|from| span(*from, seconds)).max().unwrap_or_default();
    let found: Vec<usize> = (1..=4).map(most).collect();
    println!("at most {found:?} mails in any 1, 2, 3, 4 seconds less {JITTER:?}");
    for (nth, found) in found.into_iter().enumerate() {
        assert!(found <= ALLOWED * (nth + 1), "{found} in {} s", nth + 1);
    }
}

/// All of it, with a daemon that dies in the middle and one that takes over at once.
async fn sent_by_two(policies: &str, server: &Server) {
    let shop = shop(policies).await;
    let mut first = shop.daemon().await;
    let people: Vec<String> = (0..MARKETING).map(|n| identify(&format!("u{n}"), "")).collect();
    shop.take(&first, &people).await;
    let marketing = (0..MARKETING).map(|n| signed_up(&format!("s{n}"), &format!("u{n}")));
    shop.take(&first, &marketing.collect::<Vec<_>>()).await;
    server.until(ALLOWED, PATIENCE).await;
    let transactional = (0..TRANSACTIONAL).map(|n| order(&format!("o{n}"), &format!("u{n}")));
    shop.take(&first, &transactional.collect::<Vec<_>>()).await;
    server.until(ALLOWED + TRANSACTIONAL + ALLOWED / 2, PATIENCE).await;
    first.child.kill().await.unwrap();
    shop.bury().await;
    let second = shop.daemon().await;
    shop.settle(PATIENCE).await;
    let unknown = shop.database.count("SELECT count(*) FROM outbox").await as usize;
    let came = server.count();
    assert!(came + unknown >= MARKETING + TRANSACTIONAL, "{came} and {unknown} unknown");
    assert_eq!(second.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_keeps_its_rate_and_holds_no_other_up() {
    let server = Server::open(Manners::GOOD).await;
    let rate = format!("stream: marketing\n    rate: {ALLOWED} per 1s");
    sent_by_two(&by(&server, "").replacen("stream: marketing", &rate, 1), &server).await;
    let (slow, free) = (moments(&server, Some("hello@")), moments(&server, Some("billing@")));
    keeps_to(&slow);
    // Queued behind all the others, and through before the next of those may leave.
    let before = slow.iter().filter(|at| *at < &free[TRANSACTIONAL - 1]).count();
    println!("{before} of {} came before the last of those that are not slowed down", slow.len());
    assert!(before <= 2 * ALLOWED, "{before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_keeps_its_rate_whoever_sends() {
    let server = Server::open(Manners::GOOD).await;
    sent_by_two(&by(&server, &format!(", rate: {ALLOWED} per 1s")), &server).await;
    keeps_to(&moments(&server, None));
}
