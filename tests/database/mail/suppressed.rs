//! Who unsubscribes while their message waits does not get it.

use journeyman_domain::link::Purpose;
use journeyman_store::outbox::State;
use sqlx::Executor as _;

use super::{by, shop, signed_up};
use crate::harness::checker::settled_elsewhere;
use crate::harness::daemon::Daemon;
use crate::harness::mail::{Known, MailShop, identify};
use crate::harness::shop::PATIENCE;
use crate::harness::smtp::{Manners, Server};
use crate::harness::until::until;

const BOTH: [&str; 2] = ["fay", "gus"];

async fn unsubscribe(shop: &MailShop, daemon: &Daemon, known: &Known) {
    let url = format!("{}{}", daemon.public, shop.link(known, Purpose::Unsubscribe));
    let answer = shop.http.post(url).body("List-Unsubscribe=One-Click").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

/// Two sign up, and their messages wait.
async fn queued(shop: &MailShop, daemon: &Daemon) -> Known {
    shop.take(daemon, &BOTH.map(|user| identify(user, ""))).await;
    shop.take(daemon, &BOTH.map(|user| signed_up(user, user))).await;
    let waits = |known: &Known| known.state == State::Queued;
    shop.until("gus", "waits", waits).await;
    shop.until("fay", "waits", waits).await
}

/// Gus has his mail, and that is all that ever left.
async fn only_one_left(shop: &MailShop, server: &Server) {
    server.until(1, PATIENCE).await;
    shop.settle(PATIENCE).await;
    let to: Vec<String> = server.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["gus@customer.example"]);
    assert_eq!(settled_elsewhere(&shop.database.pool).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_senders_rate_is_called_off() {
    let server = Server::open(Manners::GOOD).await;
    let free = by(&server, "");
    let slow = free.replacen("stream: marketing", "stream: marketing\n    rate: 1 per 1h", 1);
    let shop = shop(&slow).await;
    let daemon = shop.daemon().await;
    let fay = queued(&shop, &daemon).await;
    unsubscribe(&shop, &daemon, &fay).await;
    shop.until("fay", "is called off", |known| known.state == State::Cancelled).await;
    assert_eq!(daemon.stop().await.0, Some(0));
    assert_eq!(server.connections(), (0, 0));
    // Without the rate, what still waits leaves.
    shop.write("journeyman.yaml", &free);
    shop.apply().await;
    let daemon = shop.daemon().await;
    only_one_left(&shop, &server).await;
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_call_off_in_time_is_held_back_at_the_last_check() {
    let server = Server::open(Manners::GOOD).await;
    let shop = shop(&by(&server, "")).await;
    let daemon = shop.daemon().await;
    let database = &shop.database;
    // Nobody sends; then nobody decides anything either.
    let mut queues = database.pool.begin().await.unwrap();
    queues.execute("SELECT FROM dispatch_queues FOR UPDATE").await.unwrap();
    let fay = queued(&shop, &daemon).await;
    let mut slices = database.pool.begin().await.unwrap();
    slices.execute("SELECT FROM slices FOR UPDATE").await.unwrap();
    unsubscribe(&shop, &daemon, &fay).await;
    assert_eq!(database.count("SELECT count(*) FROM suppressions").await, 1);
    queues.rollback().await.unwrap();
    let over = shop.until("fay", "is over", |known| known.state >= State::Unknown).await;
    assert_eq!((over.state, over.reason.as_str(), over.attempts), (State::Rejected, "suppressed", 0));
    server.until(1, PATIENCE).await;
    assert_eq!(
        database.count("SELECT count(*) FROM journal WHERE what IN (3, 4)").await,
        0,
        "nobody was to decide"
    );
    slices.rollback().await.unwrap();
    only_one_left(&shop, &server).await;
    let quiet = async || (database.count("SELECT count(*) FROM intake").await == 0).then_some(());
    until("all is told", PATIENCE, quiet).await;
    assert_eq!(daemon.stop().await.0, Some(0));
}
