//! `journeyman stop`: what nobody is to get is held at once, and leaves or never does when somebody has looked.

use serde_json::Value;

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, Ended, command, run};
use crate::harness::shop::{ORDERS, PATIENCE, Shop, order};
use crate::harness::until::until;

const HELD: &str = "SELECT count(*) FROM outbox WHERE state = 3";
const ARRIVED: &str = "SELECT count(*) FROM messages WHERE state = 10";
const STOPPED: &str = "SELECT count(*) FROM messages WHERE state = 12 AND reason = 'stopped'";
const ENDED: &str = "SELECT count(*) FROM ended_runs";

/// The journey of orders, with something to be done instead.
fn with_else() -> String {
    let second = "  - id: second\n    send: how-was-it\n    channel: inbox\n";
    assert!(ORDERS.contains(second));
    ORDERS.replace(second, "  - exit: done\n").replace(
        "    send: thanks\n    channel: inbox\n",
        "    send: thanks\n    channel: inbox\n    else:\n      - exit: not-thanked\n",
    )
}

struct Stage {
    shop: Shop,
    daemon: Daemon,
}

async fn call(shop: &Shop, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    run(command(folder.path(), Some(&shop.database.url()), &[&["stop"], arguments].concat())).await
}

async fn told(shop: &Shop, arguments: &[&str]) -> Value {
    let ended = call(shop, &[arguments, &["--json"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

impl Stage {
    async fn of(journeys: &[&str]) -> Self {
        let shop = Shop::with(journeys).await;
        let daemon = shop.daemon().await;
        Self { shop, daemon }
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        told(&self.shop, arguments).await
    }

    async fn order(&self, ids: &[&str]) {
        let orders: Vec<String> = ids.iter().map(|id| order(id, id)).collect();
        self.shop.take(&self.daemon, &orders).await;
    }

    async fn until(&self, what: &str, sql: &'static str, count: i64) {
        let database = &self.shop.database;
        until(what, PATIENCE, async || (database.count(sql).await == count).then_some(())).await;
    }
}

#[tokio::test]
async fn what_is_stopped_is_held_and_leaves_when_it_is_released() {
    let stage = Stage::of(&[ORDERS]).await;
    let database = &stage.shop.database;
    let begun = stage.json(&["--journey", "orders", "--note", "wrong words"]).await;
    assert_eq!((&begun["stop"], &begun["held"]), (&1.into(), &0.into()), "{begun}");
    stage.order(&["a", "b", "c"]).await;
    // Both messages of each: who is held back is not waited for.
    stage.until("all are held", HELD, 6).await;
    assert_eq!(database.count(ARRIVED).await, 0);
    let list = stage.json(&["list"]).await;
    assert_eq!(list["stops"][0]["held"], 6, "{list}");
    assert_eq!(list["stops"][0]["note"], "wrong words", "{list}");
    assert_eq!(
        database.count("SELECT count(*) FROM outbox WHERE attempts > 0 OR context IS NOT NULL").await,
        0
    );
    // By two stops; one of them goes.
    let other = stage.json(&["--all"]).await;
    assert_eq!((&other["stop"], &other["held"]), (&2.into(), &0.into()), "{other}");
    assert_eq!(stage.json(&["release", "1"]).await["released"], 0);
    assert_eq!(database.count(HELD).await, 6);
    assert_eq!(stage.json(&["release", "2"]).await["released"], 6);
    stage.until("all have come", ARRIVED, 6).await;
    assert_eq!(stage.daemon.stop().await.0, Some(0));
}

#[tokio::test]
async fn a_backlog_is_held_before_any_of_it_leaves_and_thrown_away() {
    let stage = Stage::of(&[&with_else()]).await;
    let database = &stage.shop.database;
    stage.json(&["--channel", "inbox"]).await;
    stage.order(&["a", "b", "c", "d"]).await;
    stage.until("all are held", HELD, 4).await;
    let thrown = stage.json(&["discard", "1"]).await;
    assert_eq!(thrown["discarded"], 4, "{thrown}");
    stage.until("their runs have heard", ENDED, 4).await;
    let otherwise = "SELECT count(*) FROM ended_runs WHERE reason = 'exit_step: not-thanked'";
    assert_eq!(database.count(otherwise).await, 4);
    // What comes while it stands goes the same way.
    stage.order(&["e"]).await;
    stage.until("thrown away too", STOPPED, 5).await;
    stage.until("its run has heard", ENDED, 5).await;
    assert_eq!(stage.json(&["release", "1"]).await["released"], 0);
    stage.order(&["f"]).await;
    stage.until("it has come", ARRIVED, 1).await;
    assert_eq!((database.count(HELD).await, database.count(STOPPED).await), (0, 5));
    assert_eq!(stage.daemon.stop().await.0, Some(0));
}

#[tokio::test]
async fn what_waits_is_marked_at_once() {
    let stage = Stage::of(&[ORDERS]).await;
    stage.json(&["--all"]).await;
    stage.order(&["a"]).await;
    stage.until("held", HELD, 2).await;
    let Stage { shop, daemon } = stage;
    assert_eq!(daemon.stop().await.0, Some(0));
    // Nobody sends now: what is released waits, and is found by the next stop.
    assert_eq!(told(&shop, &["release", "1"]).await["released"], 2);
    assert_eq!(told(&shop, &["--channel", "sms"]).await["held"], 0);
    assert_eq!(told(&shop, &["--channel", "inbox"]).await["held"], 2);
}

#[tokio::test]
async fn a_slip_of_the_pen_stops_nothing_and_says_so() {
    let shop = Shop::with(&[ORDERS]).await;
    let stage = Stage { daemon: shop.daemon().await, shop };
    let check = async |arguments: &[&str], code: i32, part: &str| {
        let ended = call(&stage.shop, arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(format!("{}{}", ended.out, ended.err).contains(part), "{arguments:?}: {ended:?}");
    };
    check(&[], 1, "say what to stop: --journey NAME, --channel NAME or --all").await;
    check(&["--journey", "order"], 1, "no journey `order` is deployed; there are orders").await;
    check(&["--channel", "pigeon"], 2, "there are email, sms").await;
    check(&["--all", "--channel", "sms"], 2, "cannot be used with").await;
    check(&["release", "7"], 1, "there is no stop 7").await;
    check(&["discard", "7"], 1, "there is no stop 7").await;
    check(&["--all", "--note", &"n".repeat(600)], 1, "a note has at most 512 bytes").await;
    check(&["list"], 0, "nothing is stopped").await;
    assert_eq!(stage.daemon.stop().await.0, Some(0));
}
