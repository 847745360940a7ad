//! The mail's part of a message's life: lines, the last check, settling by hand, and finding it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::Channel;
use journeyman_domain::row::{Arrival, QueuedRow, Write};
use journeyman_domain::{Lane, MessageId, PersonId, Shard};
use journeyman_store::messages::{self, Addressed, FAILED_BY_HAND, Filter, Settle};
use journeyman_store::outbox::{self, Outcome, SUPPRESSED, Started, State};
use journeyman_store::suppressions::{self, Kind, Suppression};
use journeyman_store::{Batch, Error, lines, slices};
use sqlx::Executor as _;
use uuid::Uuid;

use super::outbox::{accepted, claim, ids, lines as told, own, queue, start, states};
use super::{ANNA, BEN, Stage};

async fn ensure(stage: &Stage, channel: Channel, senders: &[&str]) {
    let mut tx = stage.database.pool.begin().await.unwrap();
    slices::lock_all(&mut tx).await.unwrap();
    lines::ensure(&mut tx, channel, senders).await.unwrap();
    tx.commit().await.unwrap();
}

fn from(stage: &Stage, step: &str, sender: &str) -> QueuedRow {
    QueuedRow { sender: Some(sender.into()), ..stage.message(ANNA, step, 1) }
}

fn suppression(stage: &Stage, address: &str, kind: Kind) -> Suppression {
    let (channel, topic, at) = (Channel::Email, None, stage.now);
    Suppression { channel, address: address.to_owned(), topic, kind, at, event: None }
}

/// Everything told of Anna's messages: which, and whether it was taken.
async fn reports(stage: &Stage) -> Vec<(MessageId, bool)> {
    let mut batch = Batch::begin(&stage.pool).await.unwrap();
    let read = batch.read_intake(&[Shard::of(ANNA)], Lane::Live, &[0], 10, 10).await.unwrap();
    batch.rollback().await;
    let report = |arrival| match arrival {
        Arrival::Report { message, accepted, .. } => (message, accepted),
        arrival => panic!("{arrival:?}"),
    };
    read.into_iter().map(|arrived| report(arrived.what)).collect()
}

#[tokio::test]
async fn messages_wait_in_their_senders_lines() {
    let stage = Stage::new().await;
    ensure(&stage, Channel::Sms, &["shop"]).await;
    ensure(&stage, Channel::Email, &["shop", "billing"]).await;
    ensure(&stage, Channel::Email, &["shop", "billing"]).await;
    let of = async |channel| {
        let lines = lines::of(&mut stage.pool.acquire().await.unwrap(), channel).await.unwrap();
        let line = |line: lines::Line| format!("{} {}", line.line, line.sender.as_deref().unwrap_or("-"));
        lines.into_iter().map(line).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(of(Channel::Email).await, "0 -, 17 billing, 18 shop");
    assert_eq!(of(Channel::Sms).await, "1 -, 16 shop");
    assert_eq!(of(Channel::Push).await, "2 -");

    let waits = "SELECT string_agg(step || ' ' || queue, ', ' ORDER BY step) FROM outbox";
    let by_sms = QueuedRow { channel: Channel::Sms, ..from(&stage, "d", "shop") };
    let queued =
        vec![from(&stage, "a", "shop"), from(&stage, "b", "nobody"), stage.message(ANNA, "c", 1), by_sms];
    let write = Write { now: stage.now, deployment: 7, queued, ..Write::default() };
    // Whether a batch has asked for the deployment, and so knows the lines, or not.
    for asks in [false, true] {
        stage.database.pool.execute("TRUNCATE outbox").await.unwrap();
        let mut batch = Batch::begin(&stage.pool).await.unwrap();
        if asks {
            assert_eq!(batch.deployment().await.unwrap(), 0);
        }
        batch.write(&write).await.unwrap();
        batch.commit().await.unwrap();
        assert_eq!(stage.database.text(waits).await, "a 18, b 0, c 0, d 16", "{asks}");
    }
    // A line is claimed by itself.
    let channel = own(&stage, 1).await.channel;
    let claim = async |line| {
        let claimed = outbox::claim(&stage.pool, channel, line, 0, 10, stage.now).await.unwrap();
        claimed
            .into_iter()
            .map(|claimed| (claimed.line, claimed.deployment, claimed.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(claim(18).await, [(18, 7, write.queued[0].clone())]);
    assert_eq!(claim(0).await, [(0, 7, write.queued[1].clone()), (0, 7, write.queued[2].clone())]);
    assert_eq!(claim(16).await, [], "another channel's");
}

#[tokio::test]
async fn what_is_suppressed_while_a_start_waits_does_not_leave() {
    let stage = Stage::new().await;
    let own = own(&stage, 1).await;
    let other = QueuedRow { address: "B@Example.com ".into(), ..stage.message(ANNA, "b", 1) };
    let queued = vec![stage.message(ANNA, "a", 1), other];
    stage.write(&Write { now: stage.now, queued, ..Write::default() }).await.unwrap();
    let claimed = ids(&claim(&stage, &own, 0, 10).await);
    // Somebody writes the first, so that the start has to wait; the second is suppressed meanwhile. The first has moved
    // within its table when the start goes on.
    let mut writes = stage.database.pool.begin().await.unwrap();
    writes.execute("UPDATE outbox SET reason = 'moved' WHERE step = 'a'").await.unwrap();
    let suppressing = async {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while stage.database.count(waits).await == 0 {
            tokio::task::yield_now().await;
        }
        suppressions::add(&stage.pool, &[suppression(&stage, "b@example.com", Kind::Bounced)]).await.unwrap();
        writes.commit().await.unwrap();
    };
    let (started, ()) = tokio::join!(start(&stage, &own, &claimed), suppressing);
    assert_eq!(
        started.unwrap(),
        Started { started: vec![claimed[0]], suppressed: vec![claimed[1]], ..Started::default() }
    );
    assert_eq!(states(&stage).await, [("a".to_owned(), State::Started), ("b".to_owned(), State::Rejected)]);
    let over = told(&stage).await.into_iter().find(|line| line.message.message == claimed[1]).unwrap();
    assert_eq!((over.reason.as_deref(), over.attempts, over.context), (Some(SUPPRESSED), 0, None));
    assert_eq!(over.finished_at, Some(stage.now));
    assert_eq!(reports(&stage).await, [(claimed[1], false)]);
}

#[tokio::test]
async fn a_week_that_is_missing_is_made_for_what_ends_in_it() {
    let stage = Stage::new().await;
    let own = own(&stage, 1).await;
    queue(&stage, &["a", "b", "c"]).await;
    let claimed = ids(&claim(&stage, &own, 0, 10).await);
    let forget = async || {
        let weeks = stage
            .database
            .text("SELECT string_agg(inhrelid::regclass::text, ', ') FROM pg_inherits WHERE inhparent = 'messages'::regclass")
            .await;
        stage.database.pool.execute(sqlx::AssertSqlSafe(format!("DROP TABLE {weeks}"))).await.unwrap();
    };
    forget().await;
    start(&stage, &own, &claimed[..2]).await.unwrap();
    let outcomes = [(claimed[0], accepted()), (claimed[1], Outcome::Unknown { hold: true })];
    assert_eq!(outbox::finish(&stage.pool, &own, &outcomes, stage.now).await.unwrap(), [ANNA]);
    forget().await;
    suppressions::add(&stage.pool, &[suppression(&stage, "a@example.com", Kind::ByHand)]).await.unwrap();
    assert_eq!(start(&stage, &own, &claimed[2..]).await.unwrap().suppressed, claimed[2..]);
    forget().await;
    assert!(messages::settle(&stage.pool, claimed[1], Settle::Sent, stage.now).await.unwrap());
    assert_eq!(reports(&stage).await, [(claimed[0], true), (claimed[2], false), (claimed[1], true)]);
}

#[tokio::test]
async fn what_nobody_knows_is_settled_by_hand() {
    let stage = Stage::new().await;
    let own = own(&stage, 1).await;
    queue(&stage, &["a", "b", "c", "d"]).await;
    let all = ids(&claim(&stage, &own, 0, 10).await);
    start(&stage, &own, &all).await.unwrap();
    let unknown: Vec<_> =
        all[..3].iter().map(|message| (*message, Outcome::Unknown { hold: true })).collect();
    outbox::finish(&stage.pool, &own, &unknown, stage.now).await.unwrap();
    let settle =
        async |message, how| messages::settle(&stage.pool, message, how, stage.minutes(3)).await.unwrap();
    for (message, how) in all.iter().zip([Settle::Sent, Settle::Failed, Settle::Again]) {
        assert!(settle(*message, how).await, "{how:?}");
    }
    for how in [Settle::Sent, Settle::Failed, Settle::Again] {
        assert!(!settle(all[0], how).await && !settle(all[3], how).await, "only what is unknown: {how:?}");
    }
    let expected = [State::Accepted, State::Rejected, State::Queued, State::Started];
    assert_eq!(states(&stage).await.into_iter().map(|(_, state)| state).collect::<Vec<_>>(), expected);
    assert_eq!(reports(&stage).await, [(all[0], true), (all[1], false)]);
    let found = messages::find(&stage.pool, all[1]).await.unwrap().unwrap();
    assert_eq!((found.reason.as_deref(), found.finished_at), (Some(FAILED_BY_HAND), Some(stage.minutes(3))));
    assert_eq!(found.context.as_deref(), Some("{}"));
    assert_eq!(ids(&claim(&stage, &own, 0, 10).await), all[2..3]);
}

#[tokio::test]
async fn messages_are_found_on_their_way_and_over() {
    let stage = Stage::new().await;
    let of = |person, step: &str, minutes, more: fn(&mut QueuedRow)| {
        let at = stage.minutes(minutes);
        let mut row = stage.message(person, step, 1);
        (row.message, row.queued_at) = (MessageId::new(person, 1, at, step, 1, 1), at);
        more(&mut row);
        row
    };
    let rows = [
        of(ANNA, "a", 1, |_| {}),
        of(BEN, "b", 2, |row| row.channel = Channel::Sms),
        of(ANNA, "c", 3, |row| row.journey = "cart".into()),
        of(BEN, "d", 4, |row| (row.marketing, row.topic) = (false, None)),
        of(ANNA, "e", 5, |_| {}),
    ];
    let [a, b, c, d, e] = rows.clone();
    let write = Write {
        now: stage.now,
        deployment: 3,
        queued: vec![c, e, a],
        withheld: vec![d, b],
        ..Write::default()
    };
    stage.write(&write).await.unwrap();
    stage.database.pool.execute("UPDATE outbox SET state = 4 WHERE step = 'e'").await.unwrap();
    let all = Filter::default;
    let cases = [
        ("all of them", all(), "edcba"),
        ("the latest", Filter { limit: 2, ..all() }, "ed"),
        ("none", Filter { limit: 0, ..all() }, ""),
        ("unknown", Filter { states: vec![State::Unknown], ..all() }, "e"),
        ("over", Filter { states: vec![State::Withheld, State::Accepted], ..all() }, "db"),
        ("either", Filter { states: vec![State::Withheld, State::Queued], ..all() }, "dcba"),
        ("Anna's", Filter { person: Some(ANNA), ..all() }, "eca"),
        ("by SMS", Filter { channel: Some(Channel::Sms), ..all() }, "b"),
        ("of a journey", Filter { journey: Some("cart".to_owned()), ..all() }, "c"),
        ("of nobody", Filter { person: Some(PersonId(9)), ..all() }, ""),
    ];
    for (case, filter, expected) in cases {
        let found = messages::list(&stage.pool, &filter).await.unwrap();
        let steps: String = found.iter().map(|row| &*row.message.step).collect();
        assert_eq!(steps, expected, "{case}");
    }
    for row in &rows {
        let found = messages::find(&stage.pool, row.message).await.unwrap().unwrap();
        assert_eq!((&found.message, found.deployment, found.attempts), (row, 3, 0));
    }
    let stray = MessageId(Uuid::from_u128(9));
    assert_eq!(messages::find(&stage.pool, stray).await.unwrap(), None);
    let addressed = |row: &QueuedRow| Addressed {
        person: row.person,
        channel: row.channel,
        address: row.address.clone(),
        topic: row.topic.clone(),
        marketing: row.marketing,
        journey: row.journey.clone(),
        step: row.step.clone(),
    };
    let expected: BTreeMap<MessageId, Addressed> =
        rows.iter().map(|row| (row.message, addressed(row))).collect();
    let asked: Vec<MessageId> = rows.iter().map(|row| row.message).chain([stray]).collect();
    assert_eq!(messages::addressed(&stage.pool, &asked).await.unwrap(), expected);
    assert_eq!(messages::addressed(&stage.pool, &[]).await.unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn a_context_that_is_too_large_starts_nothing() {
    let stage = Stage::new().await;
    let own = own(&stage, 1).await;
    queue(&stage, &["a", "b"]).await;
    let claimed = ids(&claim(&stage, &own, 0, 10).await);
    for (bytes, fits) in [(outbox::CONTEXT_BYTES + 1, false), (outbox::CONTEXT_BYTES, true)] {
        let messages = [(claimed[0], "{}".to_owned()), (claimed[1], "x".repeat(bytes))];
        let started = outbox::start(&stage.pool, &own, &messages, stage.now).await;
        match fits {
            true => assert_eq!(started.unwrap().started, claimed),
            false => assert!(matches!(started, Err(Error::Refused(_))), "{started:?}"),
        }
    }
    let topic: Option<Arc<str>> = told(&stage).await[0].message.topic.clone();
    assert_eq!(topic.as_deref(), Some("news"));
}
