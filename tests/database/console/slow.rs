//! A shop whose figures take longer to count than people wait.

use super::{HELLO, check, get};
use crate::harness::mail::{MailShop, POLICIES};
use crate::harness::shop::PATIENCE;
use crate::harness::until::until;

/// Whoever counts waits for this table.
const LOCK: &str = "LOCK TABLE ended_runs IN ACCESS EXCLUSIVE MODE";

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_long_is_counted_behind_the_page() {
    let shop = MailShop::open(&[("journeyman.yaml", POLICIES), ("journeys/hello.yaml", HELLO)]).await;
    let pool = &shop.database.pool;
    let daemon = shop.daemon().await;
    let first = check(&daemon, "/", &["hello on Signed Up live 0 0 0 0 0", "Counted "]).await;
    let words = first.text();
    let counted = words.split_once("Counted ").unwrap().1.split_once(". Inside").unwrap().0;
    let mut busy = pool.begin().await.unwrap();
    sqlx::query(LOCK).execute(&mut *busy).await.unwrap();
    // The older figures, with their age; everything else is there as it was.
    let says = |what: &'static str| {
        let (daemon, counted) = (&daemon, &counted);
        async move || {
            let page = get(daemon, "/").await;
            assert_eq!(page.status, 200, "{}", page.html);
            let text = page.text();
            let rest = text.split_once(&format!("Counted {counted}, ")).map(|(_, rest)| rest.to_owned());
            rest.filter(|rest| rest.contains(what)).map(|rest| assert!(rest.contains(" s ago; ")))
        }
    };
    until("older figures", PATIENCE, says("they are being counted again")).await;
    check(&daemon, "/journeys/hello", &["they are being counted again"]).await;
    check(&daemon, "/inbox", &["No message yet"]).await;
    // As when it has taken too long.
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
                  WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM ended_runs%'";
    assert_eq!(shop.database.count(cancel).await, 1);
    until("that it took too long", PATIENCE, says("counting them again took too long")).await;

    // Another has counted nothing yet.
    let other = shop.daemon().await;
    for path in ["/", "/journeys/hello"] {
        let page = get(&other, path).await;
        assert!(page.status == 202 && page.text().contains("Still counting"), "{path}: {}", page.html);
    }
    busy.rollback().await.unwrap();
    until("figures", PATIENCE, async || (get(&other, "/").await.status == 200).then_some(())).await;
    check(&other, "/", &["hello on Signed Up live 0 0 0 0 0", "Counted "]).await;
    for daemon in [daemon, other] {
        assert_eq!(daemon.stop().await.0, Some(0));
    }
}
