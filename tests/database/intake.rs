//! The queue of what has to be applied, as the engine of this process reads it.

use std::sync::Arc;
use std::time::Duration;

use journeyman_cli::SystemClock;
use journeyman_domain::ShardSet;
use journeyman_domain::link::KeyRing;
use journeyman_engine::machine::{DispatcherLimits, WorkerLimits};
use journeyman_engine::outlet::Outlet;
use journeyman_engine::{Engine, Pools, WORKERS};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::harness::checker::settled;
use crate::harness::door::{Door, batch, track};
use crate::harness::postgres::Database;
use crate::harness::until::{settle, until};

/// How often the worker machine reads queues from their beginning.
const FULL_SCAN: Duration = Duration::from_secs(10);
/// What a busy machine may add to any time.
const SLACK: Duration = Duration::from_secs(5);

/// An engine at work.
struct Running {
    engine: Engine,
    stop: CancellationToken,
    loops: JoinHandle<()>,
}

impl Running {
    fn on(database: &Database) -> Self {
        let stop = CancellationToken::new();
        let pools = Pools::open(&database.options);
        let keys = KeyRing::new([(1, vec![7; 32])]).unwrap();
        let limits = DispatcherLimits::default();
        let engine = Engine::new(pools, Arc::new(SystemClock), Outlet::inbox(keys), limits, stop.clone());
        let loops = tokio::spawn(engine.clone().run(Uuid::new_v4));
        Self { engine, stop, loops }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.loops.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_behind_the_mark_is_met_by_the_full_scan() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    door.take("/v1/batch", batch(&[track("slow", "u"), track("quick", "u")])).await;
    let taken = "DELETE FROM intake RETURNING shard";
    let shards: Vec<i16> = sqlx::query_scalar(taken).fetch_all(&database.pool).await.unwrap();
    let running = Running::on(&database);
    // Whenever slices move the marks of those who held them are forgotten: wait until they are shared out.
    let shares = "SELECT count(*) FROM (SELECT FROM slices GROUP BY worker HAVING count(worker) = 16) s";
    until("equal shares", SLACK * 2, async || (database.count(shares).await == 2).then_some(())).await;
    let put = async |tx: &mut sqlx::PgConnection, seq: i64, id: &str| {
        let put = "INSERT INTO intake (shard, lane, seq, kind, person_id, ref, received_at) OVERRIDING SYSTEM VALUE
                   SELECT $1, 0, $2, 1, person_id, id, received_at FROM events WHERE payload ->> 'messageId' = $3";
        let put = sqlx::query(put).bind(shards[0]).bind(seq).bind(id);
        assert_eq!(put.execute(tx).await.unwrap().rows_affected(), 1);
    };
    // A slow writer has its number and has not committed.
    let mut slow = database.pool.begin().await.unwrap();
    put(&mut slow, 10, "slow").await;
    put(&mut database.pool.acquire().await.unwrap(), 11, "quick").await;
    let applied = |many: i64| {
        let database = &database;
        async move || (database.count("SELECT count(*) FROM journal").await == many).then_some(())
    };
    until("the quick one applied", SLACK, applied(1)).await;
    slow.commit().await.unwrap();
    let ((), took) = until("the slow one applied", FULL_SCAN + SLACK, applied(2)).await;
    println!("what committed behind the mark was met after {took:.1?}");
    running.stop().await;
    assert_eq!(settled(&database.pool).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bulk_lane_gets_a_quarter_while_there_are_live_inputs() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let some = |name: &str, many: usize| -> Vec<String> {
        (0..many).map(|n| track(&format!("{name}{n}"), &format!("u{}", n % 400))).collect()
    };
    let bulk = async |name: &str| {
        for messages in some(name, 6_000).chunks(500) {
            door.take("/v1/batch", batch(messages)).await;
        }
        sqlx::query("UPDATE intake SET lane = 1").execute(&database.pool).await.unwrap();
    };
    let work = async || {
        let running = Running::on(&database);
        settle(&database, SLACK * 4).await;
        running.stop().await;
        assert_eq!(settled(&database.pool).await, [""; 0]);
    };
    bulk("bulk").await;
    door.take("/v1/batch", batch(&some("live", 400))).await;
    work().await;
    // Who has met no live input holds nothing back.
    bulk("bulk-alone").await;
    work().await;
    // A batch has one moment. Those with live inputs come first, and hold a quarter of others at most.
    let quarter = WorkerLimits::default().batch as i64 / 4;
    let batches: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE e.payload ->> 'messageId' LIKE 'live%'),
                count(*) FILTER (WHERE e.payload ->> 'messageId' LIKE 'bulk%')
         FROM journal j JOIN events e ON e.id = j.ref GROUP BY j.at ORDER BY j.at",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    println!("batches of live and bulk inputs: {batches:?}");
    let mixed = batches.iter().filter(|(live, _)| *live > 0);
    assert!(mixed.clone().count() <= 2 * WORKERS, "live inputs waited behind bulk ones: {batches:?}");
    assert!(mixed.clone().all(|(_, bulk)| *bulk <= quarter), "{batches:?}");
    assert!(batches.iter().any(|(live, bulk)| *live == 0 && *bulk > quarter), "{batches:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bell_is_not_needed_and_does_no_harm() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let running = Running::on(&database);
    for round in 0..20 {
        let messages: Vec<String> =
            (0..10).map(|n| track(&format!("{round}-{n}"), &format!("u{n}"))).collect();
        door.take("/v1/batch", batch(&messages)).await;
        // Sometimes for those it concerns, sometimes for everybody, sometimes not at all.
        match round % 3 {
            0 => running.engine.ring(door.bell.rung()),
            1 => running.engine.ring(ShardSet::ALL),
            _ => {}
        }
    }
    settle(&database, SLACK * 2).await;
    running.stop().await;
    assert_eq!(database.count("SELECT count(*) FROM journal").await, 200);
    assert_eq!(settled(&database.pool).await, [""; 0]);
}
