//! The independent checker finds what it is there to find.

use std::collections::BTreeSet;

use sqlx::{Connection as _, PgConnection};

use crate::harness::checker::{Findings, INBOX_RULES, RULES, check, messages, settled, violations};
use crate::harness::door::{Door, batch, track};
use crate::harness::postgres::Database;
use crate::harness::shop::{ORDERS, PATIENCE, Shop, happens, order};
use crate::harness::until::{settle, until};

#[tokio::test]
async fn a_planted_loss_and_a_planted_duplicate_are_found() {
    let database = Database::new().await;
    let door = Door::open(&database).await;
    let messages: Vec<String> = (0..20).map(|n| track(&format!("m{n}"), &format!("u{n}"))).collect();
    door.take("/v1/batch", batch(&messages)).await;
    let acknowledged: BTreeSet<String> = (0..20).map(|n| format!("m{n}")).collect();
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());

    let planted = "
        WITH gone AS (DELETE FROM events WHERE payload ->> 'messageId' = 'm3' RETURNING id)
        DELETE FROM intake WHERE ref IN (SELECT id FROM gone);
        WITH twin AS (
            INSERT INTO events SELECT (left(id::text, 24) || 'ffffffffffff')::uuid, person_id, occurred_at,
                received_at, kind, payload_version, historical, source, name, payload
            FROM events WHERE payload ->> 'messageId' = 'm4' RETURNING id, person_id, received_at)
        INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
        SELECT 0, 0, 1, person_id, id, received_at FROM twin;
        DELETE FROM intake WHERE ref = (SELECT id FROM events WHERE payload ->> 'messageId' = 'm5');
        INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
        SELECT 0, 0, 1, person_id, id, received_at FROM events WHERE payload ->> 'messageId' = 'm6';
        INSERT INTO journal (person_id, n, what, ref, at, deployment)
        SELECT person_id, 1, 1, id, received_at, 0 FROM events WHERE payload ->> 'messageId' = 'm7';
        INSERT INTO parked (person_id, kind, ref, at, reason, detail)
        SELECT person_id, 1, id, received_at, 'x', 'x' FROM events WHERE payload ->> 'messageId' = 'm8'";
    sqlx::raw_sql(planted).execute(&database.pool).await.unwrap();
    let found = check(&database.pool, &acknowledged).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        found,
        Findings { lost: names(&["m3"]), doubled: names(&["m4"]), astray: names(&["m5", "m6", "m7", "m8"]) }
    );
}

/// A journey that is under way for a day.
const LONG: &str = "journey: long
kind: transactional
enter:
  on: Membership Began
  again: always
steps:
  - wait: 1d
  - send: a-day-later
    channel: inbox
";

/// Every kind of fault: what it is called, SQL that plants it in a database in which all is well, and what is found.
const FAULTS: &[(&str, &str, &[&str])] = &[
    (
        "a line of the journal is gone",
        "DELETE FROM journal WHERE what = 1 AND ref = (SELECT id FROM events ORDER BY id LIMIT 1)",
        &["a person's journal counts from 1 to n", "every event is applied once"],
    ),
    (
        "an event was applied twice",
        "WITH one AS (SELECT * FROM journal WHERE what = 1 AND person_id = (SELECT min(person_id) FROM runs)),
              more AS (INSERT INTO journal (person_id, n, what, ref, at, deployment)
                       SELECT person_id, n + 1, what, ref, at, deployment FROM one)
         UPDATE persons SET n = n + 1 WHERE person_id = (SELECT person_id FROM one)",
        &["every event is applied once"],
    ),
    (
        "a merge that nobody has carried out",
        "INSERT INTO merge_requests (loser, winner, event_id, reason, requested_at, outcome)
         SELECT min(person_id), max(person_id), gen_random_uuid(), 1, now(), 1 FROM heads",
        &["whoever was merged is closed, and taken once"],
    ),
    (
        "a number of the journal stands twice and another not at all",
        "UPDATE journal SET n = 2 WHERE n = 3 AND person_id = (SELECT min(person_id) FROM inbox)",
        &["a person's journal counts from 1 to n"],
    ),
    (
        "something was applied that never happened",
        "UPDATE journal SET ref = gen_random_uuid() WHERE what = 3
             AND ref = (SELECT message_id FROM inbox ORDER BY 1 LIMIT 1)",
        &["only what happened is applied", "what became of a message is told once"],
    ),
    (
        "a person's count is wrong",
        "UPDATE persons SET n = n + 1 WHERE person_id = (SELECT min(person_id) FROM persons)",
        &["a person's journal counts from 1 to n"],
    ),
    (
        "a person is gone",
        "DELETE FROM persons WHERE person_id = (SELECT min(person_id) FROM inbox)",
        &["a person's journal counts from 1 to n"],
    ),
    (
        "an input was left behind",
        "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
         SELECT 0, 0, 1, person_id, id, received_at FROM events LIMIT 1",
        &["nothing waits in intake"],
    ),
    (
        "a message stands in outbox and messages",
        "INSERT INTO outbox (queue, message_id, person_id, run, journey, step, visit, leg, channel, address, template,
                             marketing, queued_at)
         SELECT 6, id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, queued_at
         FROM messages LIMIT 1",
        &["a message is one message", "a message's id stands once", "nothing waits in the outbox"],
    ),
    (
        "a message was sent twice",
        "INSERT INTO messages SELECT (left(id::text, 24) || 'ffffffffffff')::uuid, person_id, run, journey, step, visit,
             leg, channel, address, template, marketing, state, queued_at, finished_at, attempts, reason, sender, topic,
             deployment, data, context, provider_id
         FROM messages WHERE step = 'first' LIMIT 1;
         INSERT INTO inbox SELECT id, person_id, channel, address, template, journey, step, finished_at
         FROM messages WHERE id::text LIKE '%ffffffffffff'",
        &["a message is one message", "messages", "what became of a message is told once"],
    ),
    (
        "a message was never delivered",
        "DELETE FROM inbox WHERE message_id = (SELECT message_id FROM inbox ORDER BY 1 LIMIT 1)",
        &["accepted is delivered, once"],
    ),
    (
        "something was delivered that nobody sent",
        "INSERT INTO inbox SELECT gen_random_uuid(), person_id, channel, address, template, journey, step, delivered_at
         FROM inbox LIMIT 1",
        &["what the inbox has was accepted"],
    ),
    (
        "a message was delivered and refused",
        "UPDATE messages SET state = 11 WHERE id = (SELECT message_id FROM inbox ORDER BY 1 LIMIT 1)",
        &["what the inbox has was accepted", "messages", "what became of a message is told once"],
    ),
    (
        "a message was sent without what its attempts are to have in common",
        "UPDATE messages SET context = NULL WHERE id = (SELECT message_id FROM inbox ORDER BY 1 LIMIT 1)",
        &["what was tried has a context, and nothing else"],
    ),
    (
        "a message means a deployment that never was",
        "UPDATE messages SET deployment = 99 WHERE id = (SELECT message_id FROM inbox ORDER BY 1 LIMIT 1)",
        &["a message's deployment was live"],
    ),
    (
        "a message is unknown, in a line that is not its sender's",
        "INSERT INTO lines VALUES (16, 0, 'shop'), (17, 0, 'billing');
         INSERT INTO outbox (queue, message_id, person_id, run, journey, step, visit, leg, channel, address, template,
                             marketing, queued_at, sender, state)
         SELECT line, gen_random_uuid(), 1, 1, 'j', line::text, 1, 1, 0, 'a', 't', true, now(), 'shop', 4 FROM lines",
        &["a message waits in its channel's line, or its sender's", "nothing is unknown"],
    ),
    (
        "a message was lost without a trace",
        "WITH gone AS (DELETE FROM messages WHERE step = 'second' AND person_id = (SELECT min(person_id) FROM inbox)
                       RETURNING id),
              out AS (DELETE FROM inbox WHERE message_id IN (SELECT id FROM gone)),
              line AS (DELETE FROM journal j USING gone WHERE j.ref = gone.id RETURNING j.person_id, j.n),
              next AS (UPDATE journal j SET n = j.n - 1 FROM line WHERE j.person_id = line.person_id AND j.n > line.n)
         UPDATE persons p SET n = p.n - 1 FROM line WHERE p.person_id = line.person_id",
        &["messages"],
    ),
    (
        "what became of a message was told twice",
        "INSERT INTO parked (person_id, kind, ref, at, reason, detail)
         SELECT person_id, 2, message_id, delivered_at, 'x', 'x' FROM inbox LIMIT 1",
        &["what became of a message is told once"],
    ),
    (
        "a run is gone, and its messages are there",
        "DELETE FROM ended_runs WHERE person_id = (SELECT min(person_id) FROM inbox)",
        &["a message belongs to a run", "messages"],
    ),
    (
        "a run is over and under way",
        "INSERT INTO ended_runs (person_id, number, journey, plan, started_at, entered_at, ended_at, reason, held_out,
                                 state)
         SELECT person_id, number, journey, plan, started_at, started_at, started_at, 'x', 0, '' FROM runs LIMIT 1",
        &["a run is one run"],
    ),
    (
        "a wake-up is gone",
        "DELETE FROM due WHERE person_id = (SELECT min(person_id) FROM due)",
        &["a person has the wake-up they say"],
    ),
    (
        "a wake-up was missed",
        "UPDATE due SET due_at = now() - interval '1 second' WHERE person_id = (SELECT min(person_id) FROM due);
         UPDATE persons p SET armed_at = d.due_at FROM due d WHERE d.person_id = p.person_id",
        &["nothing due is forgotten"],
    ),
    (
        "a wake-up stands twice",
        "INSERT INTO due SELECT shard, due_at + interval '1 hour', person_id FROM due LIMIT 1",
        &["a person has the wake-up they say", "a wake-up stands once"],
    ),
    (
        "who is under way is never woken",
        "WITH gone AS (DELETE FROM due WHERE person_id = (SELECT min(person_id) FROM due) RETURNING person_id)
         UPDATE persons SET armed_at = NULL WHERE person_id = (SELECT person_id FROM gone)",
        &["who is under way is woken"],
    ),
    (
        "a run's version is not deployed",
        "UPDATE runs SET plan = gen_random_uuid() WHERE person_id = (SELECT min(person_id) FROM runs)",
        &["a run's version is deployed"],
    ),
    (
        "a batch ran under an earlier deployment than the one before it",
        "UPDATE journal SET deployment = 0 WHERE n = 2 AND person_id = (SELECT min(person_id) FROM inbox)",
        &["a person's deployments go forward"],
    ),
    (
        "a person's version is behind",
        "UPDATE persons SET version = 1 WHERE person_id = (SELECT min(person_id) FROM inbox)",
        &["a stored person was written as often as they say, or more often"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_fault_is_found_for_what_it_is() {
    let shop = Shop::with(&[ORDERS, LONG]).await;
    let daemon = shop.daemon().await;
    let mut what: Vec<String> = (0..10).map(|n| order(&format!("o{n}"), &format!("u{n}"))).collect();
    what.extend((0..5).map(|n| happens("Membership Began", &format!("m{n}"), &format!("member{n}"), "")));
    shop.take(&daemon, &what).await;
    let database = &shop.database;
    let sent = "SELECT count(*) FROM inbox";
    until("20 messages", PATIENCE, async || (database.count(sent).await == 20).then_some(())).await;
    until("quiet", PATIENCE, async || {
        (database.count("SELECT count(*) FROM intake").await == 0).then_some(())
    })
    .await;
    assert_eq!(daemon.stop().await.0, Some(0));
    let mut connection = database.pool.acquire().await.unwrap();
    let mut rules: BTreeSet<&str> = RULES.iter().chain(INBOX_RULES).map(|(rule, _)| *rule).collect();
    rules.insert("messages");
    assert_eq!(found(&mut connection).await, BTreeSet::new());
    for (fault, sql, expected) in FAULTS {
        let mut planted = connection.begin().await.unwrap();
        sqlx::raw_sql(*sql).execute(&mut *planted).await.expect(fault);
        rules.retain(|rule| !expected.contains(rule));
        let expected: BTreeSet<String> = expected.iter().map(|rule| (*rule).to_owned()).collect();
        assert_eq!(found(&mut planted).await, expected, "{fault}");
        planted.rollback().await.unwrap();
    }
    assert_eq!(found(&mut connection).await, BTreeSet::new());
    assert_eq!(rules, BTreeSet::new(), "rules that no fault was planted against");
    println!("{} kinds of faults were found", FAULTS.len());
}

/// The rules that are violated.
async fn found(connection: &mut PgConnection) -> BTreeSet<String> {
    let lines = violations(connection, &[RULES, INBOX_RULES].concat()).await.into_iter();
    let mut found: BTreeSet<String> =
        lines.map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect();
    if !messages(connection, "orders", &["first", "second"], &[10]).await.is_empty() {
        found.insert("messages".to_owned());
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_where_nothing_happened_is_well() {
    let shop = Shop::closed().await;
    settle(&shop.database, PATIENCE).await;
    assert_eq!(settled(&shop.database.pool).await, [""; 0]);
}
