//! The independent checker: plain SQL over what the clients were told and what stands in the database, sharing no code
//! with door and engine.

use std::collections::BTreeSet;

use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection, PgExecutor};

/// What is wrong at the door. All empty: every event answered 200 is in the database exactly once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Answered 200 and not in `events`.
    pub lost: Vec<String>,
    /// More than once in `events`.
    pub doubled: Vec<String>,
    /// In `events` and not exactly once among what waits, what was applied and what was moved aside.
    pub astray: Vec<String>,
}

/// Looks for every message of `acknowledged`, by its messageId, and for any that is there twice.
pub async fn check(pool: &PgPool, acknowledged: &BTreeSet<String>) -> Findings {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "WITH stands AS (
             SELECT ref, person_id FROM intake WHERE kind = 1
             UNION ALL SELECT ref, person_id FROM journal WHERE what = 1
             UNION ALL SELECT ref, person_id FROM parked WHERE kind = 1)
         SELECT coalesce(e.payload ->> 'messageId', e.id::text), count(DISTINCT e.id), count(s.ref)
         FROM events e LEFT JOIN stands s ON s.ref = e.id AND s.person_id = e.person_id
         GROUP BY 1",
    )
    .fetch_all(pool)
    .await
    .expect("the events");
    let there: BTreeSet<&String> = rows.iter().map(|(id, _, _)| id).collect();
    let ids = |wrong: fn(&&(String, i64, i64)) -> bool| {
        rows.iter().filter(wrong).map(|(id, _, _)| id.clone()).collect::<Vec<_>>()
    };
    Findings {
        lost: acknowledged.iter().filter(|id| !there.contains(id)).cloned().collect(),
        doubled: ids(|(_, events, _)| *events > 1),
        astray: ids(|(_, events, stands)| events != stands),
    }
}

/// What must hold wherever nothing waits any more: a name, and SQL that answers a line for each violation.
pub const RULES: &[(&str, &str)] = &[
    (
        "every event is applied once",
        "SELECT e.id || ' of ' || e.person_id || ' stands ' || count(s.ref) || ' times'
         FROM events e
         LEFT JOIN (SELECT ref, person_id FROM journal WHERE what = 1
                    UNION ALL SELECT ref, person_id FROM parked WHERE kind = 1) s
             ON s.ref = e.id
         GROUP BY e.id, e.person_id HAVING count(s.ref) <> 1",
    ),
    (
        "only what happened is applied",
        "SELECT j.person_id || ' n ' || j.n || ' refers to ' || j.ref
         FROM journal j
         JOIN heads h ON h.person_id = j.person_id
         LEFT JOIN (events e JOIN heads eh ON eh.person_id = e.person_id)
             ON j.what = 1 AND e.id = j.ref
                AND coalesce(eh.merged_into, eh.person_id) = coalesce(h.merged_into, h.person_id)
         LEFT JOIN (messages m JOIN heads mh ON mh.person_id = m.person_id)
             ON j.what IN (3, 4) AND m.id = j.ref
                AND coalesce(mh.merged_into, mh.person_id) = coalesce(h.merged_into, h.person_id)
         LEFT JOIN merge_requests r
             ON j.what IN (5, 6) AND r.outcome = 1 AND j.ref = (lpad(to_hex(r.loser), 16, '0') || lpad(to_hex(r.winner), 16, '0'))::uuid
         WHERE j.what <> 2 AND e.id IS NULL AND m.id IS NULL AND r.loser IS NULL",
    ),
    (
        "whoever was merged is closed, and taken once",
        "SELECT r.loser || ' into ' || r.winner || ': closed ' || count(*) FILTER (WHERE j.what = 5)
                || ' times, taken ' || count(*) FILTER (WHERE j.what = 6)
         FROM merge_requests r
         LEFT JOIN journal j ON j.what IN (5, 6) AND j.ref = (lpad(to_hex(r.loser), 16, '0') || lpad(to_hex(r.winner), 16, '0'))::uuid
         WHERE r.outcome = 1
         GROUP BY r.loser, r.winner
         HAVING count(*) FILTER (WHERE j.what = 5 AND j.person_id = r.loser) <> 1 OR count(*) FILTER (WHERE j.what = 6) <> 1",
    ),
    (
        "a person's journal counts from 1 to n",
        "SELECT coalesce(p.person_id, j.person_id) || ' has n ' || coalesce(p.n, 0) || ', and ' || coalesce(j.lines, 0)
                || ' lines from ' || coalesce(j.first, 0) || ' to ' || coalesce(j.last, 0)
         FROM persons p
         FULL JOIN (SELECT person_id, count(*) AS lines, count(DISTINCT n) AS numbers, min(n) AS first, max(n) AS last
                    FROM journal GROUP BY person_id) j ON j.person_id = p.person_id
         WHERE p.person_id IS NULL OR p.n <> coalesce(j.lines, 0)
               OR j.lines <> j.numbers OR j.first <> 1 OR j.last <> j.lines",
    ),
    ("nothing waits in intake", "SELECT person_id || ' seq ' || seq || ' kind ' || kind FROM intake"),
    ("nothing waits in the outbox", "SELECT message_id || ' in state ' || state FROM outbox WHERE state <> 4"),
    (
        "a message is one message",
        "SELECT string_agg(id::text, ' ') || ' of ' || person_id || ' run ' || run || ' ' || step
         FROM (SELECT id, person_id, run, step, visit, leg FROM messages
               UNION ALL SELECT message_id, person_id, run, step, visit, leg FROM outbox) m
         GROUP BY person_id, run, step, visit, leg HAVING count(*) <> 1",
    ),
    (
        "a message's id stands once",
        "SELECT id || ' ' || count(*)
         FROM (SELECT id FROM messages UNION ALL SELECT message_id FROM outbox) m
         GROUP BY id HAVING count(*) <> 1",
    ),
    (
        "what the inbox has was accepted",
        "SELECT i.message_id || ' of ' || i.person_id
         FROM inbox i
         LEFT JOIN messages m ON m.id = i.message_id AND m.state = 10 AND m.person_id = i.person_id AND m.step = i.step
                                 AND m.template = i.template AND m.address = i.address
         WHERE m.id IS NULL",
    ),
    (
        "what was tried has a context, and nothing else",
        "SELECT id || ' was tried ' || attempts || ' times, context: ' || coalesce(context, 'none')
         FROM (SELECT id, attempts, context FROM messages UNION ALL SELECT message_id, attempts, context FROM outbox) m
         WHERE (context IS NULL) <> (attempts = 0)",
    ),
    (
        "a message's deployment was live",
        "SELECT m.id || ' under ' || m.deployment
         FROM messages m LEFT JOIN deployments d ON d.number = m.deployment WHERE d.number IS NULL",
    ),
    (
        "a message waits in its channel's line, or its sender's",
        "SELECT o.message_id || ' in ' || o.queue
         FROM outbox o LEFT JOIN lines l ON l.line = o.queue AND l.channel = o.channel AND l.sender = o.sender
         WHERE o.queue <> o.channel AND l.line IS NULL",
    ),
    (
        "what became of a message is told once",
        "SELECT m.id || ' in state ' || m.state || ' was told ' || count(t.ref) || ' times'
         FROM messages m
         LEFT JOIN (SELECT ref, person_id, what - 1 AS kind FROM journal WHERE what IN (3, 4)
                    UNION ALL SELECT ref, person_id, kind FROM parked WHERE kind IN (2, 3)) t
             ON t.ref = m.id AND t.kind = m.state - 8
         GROUP BY m.id, m.state HAVING count(t.ref) <> (m.state IN (10, 11))::int",
    ),
    (
        "a message belongs to a run",
        "SELECT m.id || ' of ' || m.person_id || ' run ' || m.run
         FROM messages m
         LEFT JOIN (SELECT person_id, number, journey FROM runs
                    UNION ALL SELECT person_id, number, journey FROM ended_runs) r
             ON r.person_id = m.person_id AND r.number = m.run AND r.journey = m.journey
         LEFT JOIN moved_runs v ON v.person_id = m.person_id AND v.number = m.run
         WHERE r.person_id IS NULL AND v.person_id IS NULL",
    ),
    (
        "a run is one run",
        "SELECT person_id || ' run ' || number
         FROM (SELECT person_id, number FROM runs UNION ALL SELECT person_id, number FROM ended_runs) r
         GROUP BY person_id, number HAVING count(*) <> 1",
    ),
    ("nothing due is forgotten", "SELECT person_id || ' at ' || due_at FROM due WHERE due_at <= now()"),
    (
        "a person has the wake-up they say",
        "SELECT coalesce(p.person_id, d.person_id) || ' says ' || coalesce(p.armed_at::text, 'none') || ', stands '
                || coalesce(d.due_at::text, 'none')
         FROM (SELECT person_id, armed_at FROM persons WHERE armed_at IS NOT NULL) p
         FULL JOIN due d ON d.person_id = p.person_id AND d.due_at = p.armed_at
         WHERE p.person_id IS NULL OR d.person_id IS NULL",
    ),
    (
        "a wake-up stands once",
        "SELECT person_id || ' ' || count(*) FROM due GROUP BY person_id HAVING count(*) <> 1",
    ),
    (
        "who is under way is woken",
        "SELECT r.person_id || ' run ' || r.number
         FROM runs r LEFT JOIN persons p ON p.person_id = r.person_id WHERE p.armed_at IS NULL",
    ),
    (
        "a run's version is deployed",
        "SELECT r.person_id || ' run ' || r.number || ' of ' || r.plan
         FROM runs r
         LEFT JOIN deployment_sources s
             ON s.hash = r.plan AND s.name = r.journey AND s.number = (SELECT max(number) FROM deployments)
         WHERE s.hash IS NULL",
    ),
    (
        "a person's deployments go forward",
        "SELECT person_id || ' n ' || n || ' went from ' || before || ' to ' || deployment
         FROM (SELECT person_id, n, deployment,
                      lag(deployment) OVER (PARTITION BY person_id ORDER BY n) AS before FROM journal) j
         WHERE deployment < before OR deployment > (SELECT coalesce(max(number), 0) FROM deployments)",
    ),
    (
        "a stored person was written as often as they say, or more often",
        "SELECT p.person_id || ' version ' || p.version
         FROM persons p
         JOIN (SELECT person_id, count(DISTINCT at) AS batches FROM journal GROUP BY person_id) j
             ON j.person_id = p.person_id
         WHERE p.version < j.batches",
    ),
];

/// What must hold besides where every channel delivers to the inbox: it takes everything, by our own commit.
pub const INBOX_RULES: &[(&str, &str)] = &[
    (
        "accepted is delivered, once",
        "SELECT m.id || ' is not in the inbox'
         FROM messages m LEFT JOIN inbox i ON i.message_id = m.id WHERE m.state = 10 AND i.message_id IS NULL",
    ),
    ("nothing is unknown", "SELECT message_id || ' of ' || person_id FROM outbox WHERE state = 4"),
];

/// Everything that is wrong with a database in which nothing waits any more, and every channel delivers to the inbox:
/// rule, colon, what violates it. Empty where each input was applied once and each message sent once. One snapshot.
pub async fn settled(pool: &PgPool) -> Vec<String> {
    snapshot(pool, &[RULES, INBOX_RULES].concat()).await
}

/// As [`settled`] where real channels deliver: what they have taken, they know; and of some messages nobody does.
pub async fn settled_elsewhere(pool: &PgPool) -> Vec<String> {
    snapshot(pool, RULES).await
}

async fn snapshot(pool: &PgPool, rules: &[(&str, &'static str)]) -> Vec<String> {
    let mut connection = pool.acquire().await.expect("a connection");
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    violations(&mut connection.begin_with(snapshot).await.expect("a snapshot"), rules).await
}

/// What violates these rules, on one connection.
pub async fn violations(connection: &mut PgConnection, rules: &[(&str, &'static str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (rule, sql) in rules {
        let lines: Vec<String> = sqlx::query_scalar(*sql).fetch_all(&mut *connection).await.expect(rule);
        found.extend(lines.into_iter().map(|line| format!("{rule}: {line}")));
    }
    found
}

/// Where an `Order Placed` that was not moved aside has not brought each of these steps of a journey that begins
/// `per: order_id` to exactly one message in one of these states, and where there are others. All its runs are over.
pub async fn messages(
    database: impl PgExecutor<'_>,
    journey: &str,
    steps: &[&str],
    states: &[i16],
) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT coalesce(e.key, m.key) || ' ' || coalesce(e.step, m.step) || ': ' || coalesce(m.messages, 0)
         FROM (SELECT e.person_id, e.payload #>> '{properties,order_id}' AS key, step
               FROM events e, unnest($2) AS step
               WHERE e.name = 'Order Placed' AND NOT e.historical
                     AND NOT EXISTS (SELECT FROM parked p WHERE p.ref = e.id)) e
         FULL JOIN (SELECT m.person_id, r.key, m.step, count(*) AS messages
                    FROM messages m
                    JOIN ended_runs r ON r.person_id = m.person_id AND r.number = m.run
                    WHERE m.journey = $1 AND m.state = ANY ($3)
                    GROUP BY 1, 2, 3) m
             ON m.person_id = e.person_id AND m.key = e.key AND m.step = e.step
         WHERE e.key IS NULL OR m.messages IS DISTINCT FROM 1",
    )
    .bind(journey)
    .bind(steps)
    .bind(states)
    .fetch_all(database)
    .await
    .expect("the messages")
}
