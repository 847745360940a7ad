//! The life of a message.

use journeyman_domain::plan::Channel;
use journeyman_domain::row::{QueuedRow, Write};
use journeyman_domain::{Lane, MessageId, PersonId, Shard};
use journeyman_store::history::{self, MessageRow};
use journeyman_store::outbox::{self, Claimed, OnUnknown, Outcome, Recovered, Started, State, Whose};
use journeyman_store::queues::{self, Queue};
use journeyman_store::slices::LEASE;
use journeyman_store::{Batch, Error};
use sqlx::Executor as _;
use uuid::Uuid;

use super::{ANNA, Stage};

pub(super) async fn own(stage: &Stage, worker: u128) -> Queue {
    let queues = queues::lease(&stage.pool, Uuid::from_u128(worker), LEASE).await.unwrap();
    *queues.iter().find(|queue| queue.channel == Channel::Email).unwrap()
}

pub(super) async fn queue(stage: &Stage, steps: &[&str]) -> Vec<QueuedRow> {
    let queued: Vec<QueuedRow> = steps.iter().map(|step| stage.message(ANNA, step, 1)).collect();
    let write = Write { now: stage.now, queued: queued.clone(), ..Write::default() };
    stage.write(&write).await.unwrap();
    queued
}

pub(super) async fn claim(stage: &Stage, own: &Queue, low: i64, limit: usize) -> Vec<Claimed> {
    outbox::claim(&stage.pool, own.channel, own.channel.code(), low, limit, stage.now).await.unwrap()
}

pub(super) fn ids(claimed: &[Claimed]) -> Vec<MessageId> {
    claimed.iter().map(|claimed| claimed.message.message).collect()
}

/// Starts, and answers what started.
pub(super) async fn start(stage: &Stage, own: &Queue, messages: &[MessageId]) -> Result<Started, Error> {
    let messages: Vec<(MessageId, String)> =
        messages.iter().map(|message| (*message, "{}".to_owned())).collect();
    outbox::start(&stage.pool, own, &messages, stage.now).await
}

pub(super) fn accepted() -> Outcome {
    Outcome::Accepted { provider_id: None, inbox: true }
}

/// Step and state of each of the person's messages.
pub(super) async fn states(stage: &Stage) -> Vec<(String, State)> {
    let lines = lines(stage).await.into_iter().map(|line| (line.message.step.to_string(), line.state));
    let mut states: Vec<_> = lines.collect();
    states.sort();
    states
}

pub(super) async fn lines(stage: &Stage) -> Vec<MessageRow> {
    history::messages(&mut *stage.connection().await, ANNA).await.unwrap()
}

#[tokio::test]
async fn a_message_is_claimed_started_and_finished() {
    let stage = Stage::new().await;
    let own = own(&stage, 1).await;
    let queued = queue(&stage, &["a", "b", "c", "d", "e"]).await;
    let first = claim(&stage, &own, 0, 2).await;
    assert_eq!(first.iter().map(|claimed| &claimed.message).collect::<Vec<_>>(), [&queued[0], &queued[1]]);
    let rest = claim(&stage, &own, first[1].seq + 1, 10).await;
    let all = [ids(&first), ids(&rest)].concat();
    assert_eq!(all, queued.iter().map(|queued| queued.message).collect::<Vec<_>>());
    // A stray can't be started, one not started can't be finished.
    let stray = MessageId(Uuid::from_u128(9));
    let started = start(&stage, &own, &[all[3], all[0], all[1], stray, all[2]]).await.unwrap();
    assert_eq!(started, Started { started: vec![all[3], all[0], all[1], all[2]], ..Started::default() });
    assert_eq!(ids(&claim(&stage, &own, 0, 10).await), all[4..]);
    assert_eq!(start(&stage, &own, &all[..4]).await.unwrap(), Started::default(), "never twice");
    let reason = |reason: &str| reason.to_owned();
    let later = stage.minutes(10);
    let outcomes = vec![
        (all[0], Outcome::Accepted { provider_id: Some("a\0".repeat(600)), inbox: true }),
        (all[1], Outcome::Rejected { reason: "ü".repeat(600) }),
        (all[2], Outcome::Retry { at: later, reason: reason("busy") }),
        (all[3], Outcome::Unknown { hold: true }),
        (all[4], accepted()),
        (stray, accepted()),
    ];
    let told: Vec<PersonId> = outbox::finish(&stage.pool, &own, &outcomes, stage.now).await.unwrap();
    assert_eq!(told, [ANNA, ANNA], "what is over, and nothing else");
    assert!(outbox::finish(&stage.pool, &own, &outcomes, stage.now).await.unwrap().is_empty());
    let state = |step: &str, state| (step.to_owned(), state);
    let expected = [
        state("a", State::Accepted),
        state("b", State::Rejected),
        state("c", State::Queued),
        state("d", State::Unknown),
        state("e", State::Queued),
    ];
    assert_eq!(states(&stage).await, expected);
    let lines = lines(&stage).await;
    let of = |step: &str| lines.iter().find(|line| &*line.message.step == step).unwrap();
    assert_eq!((of("a").finished_at, of("a").attempts, of("a").not_before), (Some(stage.now), 1, None));
    assert!(of("b").reason.as_ref().is_some_and(|reason| reason.len() == 512));
    assert!(of("a").provider_id.as_ref().is_some_and(|id| (510..=512).contains(&id.len())));
    assert_eq!((of("a").context.as_deref(), of("e").context.as_deref()), (Some("{}"), None));
    assert_eq!((of("c").not_before, of("c").attempts), (Some(later), 1));
    assert_eq!(of("c").reason.as_deref(), Some("busy"));
    assert_eq!(of("a").message, queued[0]);

    // The development channel has delivered; the person is told.
    assert_eq!(stage.database.text("SELECT string_agg(step || template, ',') FROM inbox").await, "ahello");
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    let told = batch.read_intake(&[Shard::of(ANNA)], Lane::Live, &[0], 10, 10).await.unwrap();
    let report =
        |message, accepted| journeyman_domain::row::Arrival::Report { message, accepted, at: stage.now };
    let mut told: Vec<_> = told.into_iter().map(|arrived| arrived.what).collect();
    told.sort_by_key(|what| *what == report(all[1], false));
    assert_eq!(told, [report(all[0], true), report(all[1], false)]);
    batch.rollback().await;

    // The one to be tried again waits for its moment.
    assert_eq!(ids(&claim(&stage, &own, 0, 10).await), all[4..]);
    assert_eq!(start(&stage, &own, &all[2..3]).await.unwrap(), Started::default(), "not before it may");
    let again = outbox::claim(&stage.pool, own.channel, 0, 0, 10, later).await.unwrap();
    assert_eq!(
        (ids(&again), again[0].attempts),
        (all[2..].iter().filter(|id| **id != all[3]).copied().collect(), 1)
    );
}

#[tokio::test]
async fn what_an_owner_left_behind_is_put_right_by_the_next() {
    let stage = Stage::new().await;
    let (hold, again) = (Recovered { queued: 0, unknown: 1 }, Recovered { queued: 1, unknown: 0 });
    for (marketing_hold, inbox, expected) in [(true, false, hold), (false, false, again), (true, true, again)]
    {
        let on_unknown = OnUnknown { marketing_hold, transactional_hold: !marketing_hold, inbox };
        stage.database.pool.execute("TRUNCATE outbox").await.unwrap();
        let first = own(&stage, 1).await;
        queue(&stage, &["a", "b", "c"]).await;
        let claimed = ids(&claim(&stage, &first, 0, 2).await);
        start(&stage, &first, &claimed[..1]).await.unwrap();
        for gone in ["UPDATE dispatch_queues SET until = now() - interval '1 s'", "DELETE FROM workers"] {
            stage.database.pool.execute(gone).await.unwrap();
        }
        let next = own(&stage, 2).await;
        assert_eq!(outbox::recover(&stage.pool, &next, &Whose::All, on_unknown).await.unwrap(), expected);
        // Whatever the first still believes: nothing of it gets through.
        let pool = &stage.pool;
        let lost = [
            start(&stage, &first, &claimed).await.err(),
            outbox::finish(pool, &first, &[(claimed[0], accepted())], stage.now).await.err(),
            outbox::recover(pool, &first, &Whose::All, on_unknown).await.err(),
        ];
        assert!(lost.iter().all(|error| matches!(error, Some(Error::Lost(_)))), "{lost:?}");
        let left = claim(&stage, &next, 0, 10).await;
        assert_eq!(left.len(), 2 + expected.queued as usize);
        queues::release(pool, Uuid::from_u128(2)).await.unwrap();
    }
}

#[tokio::test]
async fn a_queue_given_up_or_taken_again_is_not_the_same() {
    let stage = Stage::new().await;
    let before = own(&stage, 1).await;
    let ids = queue(&stage, &["a"]).await.iter().map(|queued| queued.message).collect::<Vec<_>>();
    queues::release(&stage.pool, before.worker).await.unwrap();
    let lost = start(&stage, &before, &ids).await;
    assert!(matches!(lost, Err(Error::Lost(_))), "given up: {lost:?}");
    let again = own(&stage, 1).await;
    assert_eq!((again.worker, again.epoch), (before.worker, before.epoch + 1));
    let lost = start(&stage, &before, &ids).await;
    assert!(matches!(lost, Err(Error::Lost(_))), "taken again: {lost:?}");
    assert_eq!(claim(&stage, &again, 0, 10).await.len(), 1);
}

#[tokio::test]
async fn only_what_has_not_started_is_cancelled() {
    let stage = Stage::new().await;
    let queued = queue(&stage, &["0", "2", "3", "4"]).await;
    stage.database.pool.execute("UPDATE outbox SET state = step::smallint, attempts = 1").await.unwrap();
    let cancelled = queued.iter().map(|queued| queued.message).collect();
    let write = Write {
        now: stage.now,
        // One that is queued and cancelled by the same batch.
        queued: vec![stage.message(ANNA, "5", 1)],
        cancelled,
        ..Write::default()
    };
    let mut write = write;
    write.cancelled.push(write.queued[0].message);
    write.cancelled.push(MessageId(Uuid::from_u128(9)));
    stage.write(&write).await.unwrap();
    let expected = [
        ("0", State::Cancelled),
        ("2", State::Started),
        ("3", State::Cancelled),
        ("4", State::Unknown),
        ("5", State::Cancelled),
    ];
    assert_eq!(states(&stage).await, expected.map(|(step, state)| (step.to_owned(), state)));
    assert_eq!(stage.database.count("SELECT count(*) FROM messages WHERE finished_at IS NOT NULL").await, 3);
}

#[tokio::test]
async fn a_cancel_and_a_start_at_once_have_one_winner() {
    let stage = Stage::new().await;
    let own = own(&stage, 1).await;
    let queued = queue(&stage, &["a", "b"]).await;
    let ids: Vec<MessageId> = queued.iter().map(|queued| queued.message).collect();
    claim(&stage, &own, 0, 10).await;
    // The cancel is written and not committed: the start waits for it, and finds nothing.
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    let cancel = Write { now: stage.now, cancelled: vec![ids[0]], ..Write::default() };
    batch.write(&cancel).await.unwrap();
    let starting = start(&stage, &own, &ids);
    let committing = async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while stage.database.count(waits).await == 0 {
            tokio::task::yield_now().await;
        }
        batch.commit().await.unwrap();
    };
    let (started, ()) = tokio::join!(starting, committing);
    assert_eq!(started.unwrap().started, ids[1..]);
    assert_eq!(states(&stage).await, [("a".to_owned(), State::Cancelled), ("b".to_owned(), State::Started)]);
}
