//! Who writes whom, and who sends what.

use std::collections::BTreeSet;
use std::time::Duration;

use journeyman_domain::row::Write;
use journeyman_store::slices::{self, Held, LEASE};
use journeyman_store::{Batch, queues};
use sqlx::Executor as _;
use uuid::Uuid;

use super::{ANNA, Stage};

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);
const C: Uuid = Uuid::from_u128(3);

async fn lease(stage: &Stage, worker: Uuid) -> Vec<Held> {
    slices::lease(&stage.pool, worker, LEASE).await.unwrap()
}

/// As if nobody had heard of `worker` for longer than its lease.
async fn expire(stage: &Stage, worker: Uuid) {
    for table in ["workers", "slices", "dispatch_queues"] {
        let past =
            format!("UPDATE {table} SET until = now() - interval '1 second' WHERE worker = '{worker}'");
        stage.database.pool.execute(sqlx::AssertSqlSafe(past)).await.unwrap();
    }
}

async fn fence(stage: &Stage, worker: Uuid, held: &[Held]) -> bool {
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    let ours = batch.fence(worker, held).await.unwrap();
    batch.rollback().await;
    ours
}

#[tokio::test]
async fn slices_are_shared_out_among_who_lives() {
    let stage = Stage::new().await;
    // Who does what, and how many slices each round of who comes after it ends with.
    let joins = [
        (vec![(A, 32), (A, 32)], "one has all, again and again"),
        (vec![(B, 0), (A, 16), (B, 16), (A, 16)], "another joins: what is beyond the fair share is given up"),
        (vec![(C, 0), (A, 11), (B, 11), (C, 10), (A, 11)], "a third"),
    ];
    for (rounds, case) in joins {
        for (worker, slices) in rounds {
            assert_eq!(lease(&stage, worker).await.len(), slices, "{case}: {worker}");
        }
    }
    let held = [lease(&stage, A).await, lease(&stage, B).await, lease(&stage, C).await];
    let all: BTreeSet<u8> = held.iter().flatten().map(|held| held.slice).collect();
    assert_eq!(all.len(), 32, "each slice is somebody's");
    assert!(held[0].iter().all(|held| held.epoch == 1), "those kept keep their epoch: {:?}", held[0]);
    assert!(held[1].iter().all(|held| held.epoch == 2), "{:?}", held[1]);

    slices::release(&stage.pool, B).await.unwrap();
    assert_eq!(lease(&stage, A).await.len(), 16, "one leaves: its slices are free at once");
    expire(&stage, A).await;
    assert_eq!(lease(&stage, C).await.len(), 32, "one is silent: its slices are taken");
    assert!(!fence(&stage, A, &held[0]).await, "what A knows is worth nothing any more");
    assert_eq!(lease(&stage, A).await.len(), 0, "A comes back and waits for its share");
    assert_eq!(lease(&stage, C).await.len(), 16);
    let again = lease(&stage, A).await;
    assert_eq!(again.len(), 16);
    assert!(fence(&stage, A, &again).await);
    expire(&stage, A).await;
    assert_eq!(lease(&stage, A).await, again, "late, and nobody has taken them: they are still A's");
    let past = "UPDATE workers SET until = now() - interval '2 hours' WHERE worker = '00000000-0000-0000-0000-000000000003'";
    stage.database.pool.execute(past).await.unwrap();
    assert_eq!(lease(&stage, A).await.len(), 16, "C is gone from the workers, its slices have not expired");
    assert_eq!(
        stage.database.count("SELECT count(*) FROM workers").await,
        1,
        "those gone for long are forgotten"
    );
}

#[tokio::test]
async fn queues_are_shared_out_among_who_sends() {
    let stage = Stage::new().await;
    let lease = async |worker| queues::lease(&stage.pool, worker, LEASE).await.unwrap();
    // Who only writes people counts here for nothing, nor the other way round.
    assert_eq!(slices::lease(&stage.pool, B, LEASE).await.unwrap().len(), 32);
    let all = lease(A).await;
    assert_eq!(all.iter().map(|queue| queue.channel.code()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(all.iter().all(|queue| queue.epoch == 1 && queue.worker == A));
    assert_eq!((lease(C).await.len(), lease(A).await.len(), lease(C).await.len()), (0, 4, 4));
    queues::release(&stage.pool, C).await.unwrap();
    assert_eq!(lease(A).await.len(), 8);
    assert_eq!(slices::lease(&stage.pool, B, LEASE).await.unwrap().len(), 32);
}

#[tokio::test]
async fn the_fence_knows_worker_slice_and_epoch() {
    let stage = Stage::new().await;
    let held = lease(&stage, A).await;
    let other = |slice: u8, epoch: i64| vec![held[0], Held { slice, epoch }];
    let cases = [
        ("all of them", A, held.clone(), true),
        ("none", A, vec![], true),
        ("another's", B, held.clone(), false),
        ("an older epoch", A, other(3, 0), false),
        ("a later epoch", A, other(3, 2), false),
        ("no slice at all", A, other(32, 1), false),
    ];
    for (case, worker, held, ours) in cases {
        assert_eq!(fence(&stage, worker, &held).await, ours, "{case}");
    }
}

#[tokio::test]
async fn nobody_takes_a_slice_under_a_batch() {
    let stage = Stage::new().await;
    let held = lease(&stage, A).await;
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    assert!(batch.fence(A, &held[..2]).await.unwrap());
    // Its owner renews meanwhile, and may write under other slices.
    assert_eq!(lease(&stage, A).await.len(), 32);
    assert!(fence(&stage, A, &held).await);
    expire(&stage, A).await;
    let taken: Vec<u8> = lease(&stage, B).await.iter().map(|held| held.slice).collect();
    assert_eq!(taken, (2..32).collect::<Vec<u8>>(), "all but the batch's");
    // Not even a statement of somebody's own hand gets past it, nor does a deployment.
    for sql in ["UPDATE slices SET epoch = epoch + 1 WHERE slice = 1", "DELETE FROM slices"] {
        let sql = format!("SET LOCAL lock_timeout = '20ms'; {sql}");
        let refused = stage.database.pool.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("55P03"), "{refused}");
    }
    let mut deployer = stage.database.pool.begin().await.unwrap();
    deployer.execute("SET LOCAL lock_timeout = '20ms'").await.unwrap();
    let refused = slices::lock_all(&mut deployer).await;
    assert!(matches!(refused, Err(journeyman_store::Error::Busy(_))), "{refused:?}");
    drop(deployer);
    let write = Write { people: vec![stage.person(ANNA, 0)], ..Write::default() };
    batch.write(&write).await.unwrap();
    batch.commit().await.unwrap();
    assert_eq!(lease(&stage, B).await.len(), 32, "the batch is over");
    assert!(!fence(&stage, A, &held[..1]).await);
}

#[tokio::test]
async fn a_deployment_keeps_batches_from_beginning() {
    let stage = Stage::new().await;
    let held = lease(&stage, A).await;
    let mut deployer = stage.database.pool.begin().await.unwrap();
    slices::lock_all(&mut deployer).await.unwrap();
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    let waiting = async { (batch.fence(A, &held[3..4]).await, batch.deployment().await) };
    let deploying = async {
        // The fence is asked for while the deployment is open: it can't be answered before its commit.
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while stage.database.count(waits).await == 0 {
            tokio::task::yield_now().await;
        }
        deployer.execute("INSERT INTO deployments VALUES (1, now(), '', 'dev')").await.unwrap();
        deployer.commit().await.unwrap();
    };
    let ((fenced, deployment), ()) =
        tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(waiting, deploying) })
            .await
            .unwrap();
    assert!(fenced.unwrap());
    assert_eq!(deployment.unwrap(), 1, "and sees what was deployed");
}
