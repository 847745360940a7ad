//! People who turn out to be one, in real daemons: from the calls that say so to what is sent, and what is not.

use std::time::Duration;

use crate::harness::Folder;
use crate::harness::checker::settled;
use crate::harness::daemon::{Ended, command, run};
use crate::harness::shop::{PATIENCE, Shop};
use crate::harness::until::{settle, until};

const CART: &str = "journey: cart
kind: transactional
enter:
  on: Cart Updated
  idle: 12s
  unless: Order Completed
  per: cart_id
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
steps:
  - send: cart-reminder
    channel: inbox
";

/// Waits for a day with what it has sent.
const WELCOME: &str = "journey: welcome
kind: transactional
enter:
  on: Signed Up
  again: never
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
steps:
  - send: welcome
    channel: inbox
  - wait: 1d
";

/// A call of somebody's: what was put into a cart 2 s ago under the browser's id, an order now under the shop's, and that both
/// are one.
fn call(what: &str, of: &str) -> String {
    let now = crate::harness::door::now().timestamp();
    let then = now - jiff::SignedDuration::from_secs(2);
    let (user, browser) = (format!(r#""userId":"u-{of}""#), format!(r#""anonymousId":"a-{of}""#));
    let track = |who: &str, event: &str, properties: &str| {
        format!(r#"{{"type":"track",{who},"event":"{event}","properties":{{{properties}}}"#)
    };
    match what {
        "cart" => format!(
            r#"{},"timestamp":"{then}","sentAt":"{now}"}}"#,
            track(&browser, "Product Added", &format!(r#""cart_id":"c-{of}","product_id":"p","price":30"#))
        ),
        "order" => format!("{}}}", track(&user, "Order Completed", r#""order_id":"o","revenue":30"#)),
        "known" => format!("{}}}", track(&user, "Product Viewed", r#""product_id":"p""#)),
        "signs up" => format!("{}}}", track(&browser, "Signed Up", "")),
        "alias" => format!(r#"{{"type":"alias",{user},"previousId":"a-{of}"}}"#),
        _ => format!(r#"{{"type":"identify",{user},{browser},"traits":{{"name":"{of}"}}}}"#),
    }
}

async fn journeyman(shop: &Shop, arguments: &[&str]) -> Ended {
    let folder = Folder::new();
    run(command(folder.path(), Some(&shop.database.url()), arguments)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_the_order_whatever_comes_first() {
    let shop = Shop::with(&[CART, WELCOME]).await;
    let daemons = [shop.daemon().await, shop.daemon().await];
    let orders = [
        ["cart", "identify", "order"],
        ["cart", "order", "identify"],
        ["order", "cart", "identify"],
        ["order", "identify", "cart"],
        ["cart", "order", "alias"],
        ["order", "cart", "alias"],
    ];
    // Everybody is two people to begin with, in several shards; each call goes to the other daemon.
    for (nth, order) in orders.iter().enumerate() {
        for copy in 0..3 {
            let of = format!("{nth}-{copy}");
            shop.take(&daemons[copy % 2], &[call("known", &of)]).await;
            for (place, what) in order.iter().enumerate() {
                shop.take(&daemons[(place + copy) % 2], &[call(what, &of)]).await;
            }
        }
    }
    // Nobody has bought this one.
    shop.take(&daemons[0], &[call("known", "left"), call("cart", "left"), call("identify", "left")]).await;
    let database = &shop.database;
    let reminded = async || {
        let left = "SELECT count(DISTINCT m.id) FROM messages m JOIN identities i USING (person_id)
                    WHERE m.state = 10 AND i.value IN ('a-left', 'u-left')";
        (database.count(left).await == 1).then_some(())
    };
    until("the cart that was left is spoken of", PATIENCE, reminded).await;
    shop.take(&daemons[1], &[call("order", "left")]).await;
    settle(database, PATIENCE).await;
    assert_eq!(database.count("SELECT count(*) FROM messages").await, 1, "and no other");
    assert_eq!(settled(&database.pool).await, [""; 0]);
    let merged = "SELECT count(*) FROM merge_requests WHERE outcome = 1";
    let closed = "SELECT count(*) FROM persons WHERE merged_into IS NOT NULL";
    assert_eq!(database.count(merged).await, database.count(closed).await);
    assert!(database.count(merged).await >= 12, "too few were two people");
    assert_eq!(database.count("SELECT count(*) FROM handovers").await, 0);
    assert_eq!(database.count("SELECT count(*) FROM parked").await, 0);
    // The journals of all, applied again, are what is stored.
    let audited = journeyman(&shop, &["audit", "--sample", "100", "--json"]).await;
    assert_eq!(audited.code, Some(0), "{audited:?}");
    assert!(audited.out.contains(r#""not_replayable":[]"#), "{audited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_moves_reaches_its_goal_and_why_shows_both_histories() {
    let shop = Shop::with(&[WELCOME]).await;
    let daemon = shop.daemon().await;
    let database = &shop.database;
    shop.take(&daemon, &[call("signs up", "x"), call("known", "x")]).await;
    let welcomed = async || {
        let sent = "SELECT count(*) FROM journal WHERE what = 3";
        (database.count(sent).await == 1).then_some(())
    };
    until("the welcome is accepted, and that is applied", PATIENCE, welcomed).await;
    shop.take(&daemon, &[call("identify", "x")]).await;
    let moved = async || {
        let of = "SELECT count(*) FROM runs r JOIN identities i USING (person_id) WHERE i.value = 'u-x'";
        (database.count(of).await == 1).then_some(())
    };
    until("the run is the known person's", PATIENCE, moved).await;
    // Who signs up again under any name has been welcomed already; and the order is the goal.
    shop.take(&daemon, &[call("signs up", "x"), call("order", "x")]).await;
    let reached = async || {
        let goal = "SELECT count(*) FROM ended_runs r JOIN identities i USING (person_id)
                    WHERE i.value = 'u-x' AND r.reason = 'goal' AND r.goal_value = 30";
        (database.count(goal).await == 1).then_some(())
    };
    until("the goal is reached", PATIENCE, reached).await;
    settle(database, Duration::from_secs(20)).await;
    assert_eq!(database.count("SELECT count(*) FROM messages").await, 1);
    let told = journeyman(&shop, &["why", "u-x"]).await;
    for part in [
        "turned out to be person_",
        "turned out to be this person",
        "Signed Up",
        "welcome: welcome by inbox",
        "goal",
        "again",
        "run 1 went on as run 1 of person_",
    ] {
        assert!(told.out.contains(part), "{part}: {told:?}");
    }
    assert!(!told.out.contains("NOT AS STORED") && !told.out.contains("recomputed:"), "{told:?}");
    let json = journeyman(&shop, &["why", "anonymous:a-x", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json["merged"].as_array().unwrap().len(), &json["differs"]), (1, &serde_json::json!([])));
    let moved = &json["merged"][0]["moved"][0];
    let (run, person) =
        (moved["run"].as_str().unwrap(), json["person"].as_str().unwrap().replace("person", "run"));
    assert!(
        run.starts_with("run_") && run.ends_with("_1") && moved["becomes"] == format!("{person}_1"),
        "{json}"
    );
    // A counter that is asked for now is made of what happened under both names.
    let counting = "journey: counting
kind: transactional
enter:
  on: Asked
  again: always
  if: count('Signed Up', 7d) == 2
steps:
  - send: counted
    channel: inbox
";
    let applied = shop.apply(&[WELCOME, counting]).await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let asked = r#"{"type":"track","userId":"u-x","event":"Asked"}"#.to_owned();
    shop.take(&daemon, &[asked]).await;
    let counted = async || {
        let sent = "SELECT count(*) FROM messages WHERE template = 'counted' AND state = 10";
        (database.count(sent).await == 1).then_some(())
    };
    until("both were counted", PATIENCE, counted).await;
    settle(database, PATIENCE).await;
    let audited = journeyman(&shop, &["audit", "--sample", "100"]).await;
    assert_eq!(audited.code, Some(0), "{audited:?}");
}
