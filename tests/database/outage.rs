//! The database goes away and comes back.

use std::collections::BTreeSet;

use crate::harness::checker::{Findings, check};
use crate::harness::daemon::Daemon;
use crate::harness::door::{Answer, KEY, answer, batch, client, track};
use crate::harness::postgres::Database;
use crate::harness::proxy::Proxy;

async fn post(daemon: &Daemon, ids: &[String]) -> Answer {
    let messages: Vec<String> = ids.iter().map(|id| track(id, "u")).collect();
    let request = client().post(format!("{}/v1/batch", daemon.public));
    answer(request.basic_auth(KEY, Some("")).body(batch(&messages))).await
}

async fn ready(daemon: &Daemon) -> u16 {
    answer(client().get(format!("{}/readyz", daemon.private))).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_answered_503_and_ends_by_itself() {
    let database = Database::new().await;
    let wire = Proxy::to(&database.options).await;
    let daemon = Daemon::start(&wire.url(&database.options)).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        let ids: Vec<String> = (0..10).map(|n| format!("r{round}-{n}")).collect();
        assert_eq!(post(&daemon, &ids[..5]).await.status, 200);
        wire.cut();
        let refused = post(&daemon, &ids).await;
        assert_eq!((refused.status, refused.retry_after.as_deref()), (503, Some("1")), "{:?}", refused.body);
        assert_eq!(ready(&daemon).await, 503);
        wire.mend();
        // What a client does: the same again, until it is taken.
        let taken = loop {
            let answer = post(&daemon, &ids).await;
            if answer.status == 200 {
                break answer;
            }
            assert_eq!(answer.status, 503);
        };
        assert_eq!((taken.body["accepted"].as_u64(), taken.body["duplicates"].as_u64()), (Some(5), Some(5)));
        acknowledged.extend(ids);
    }
    assert_eq!(ready(&daemon).await, 200);
    assert_eq!(daemon.stop().await.0, Some(0));
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_ended_by_the_server_lose_nothing() {
    let database = Database::new().await;
    let daemon = Daemon::start(&database.url()).await;
    let mut acknowledged = BTreeSet::new();
    let (mut refused, mut round) = (0, 0);
    while acknowledged.len() < 300 {
        let ids: Vec<String> = (0..10).map(|n| format!("r{round}-{n}")).collect();
        round += 1;
        let kill = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        let (killed, mut answer) = tokio::join!(kill.execute(&database.pool), post(&daemon, &ids));
        // The killer's own pool may be hit by its neighbour's; what matters is that others were.
        drop(killed);
        while answer.status != 200 {
            assert_eq!(answer.status, 503, "{:?}", answer.body);
            refused += 1;
            answer = post(&daemon, &ids).await;
        }
        acknowledged.extend(ids);
    }
    println!("{refused} requests were answered 503");
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());
}
