//! The limit: the rows that ours has written, kept in tables of their own, written again by set-based statements in as many
//! commits as the steps of a life take. It decides nothing, renders nothing, sends nothing and answers nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use journeyman_store::{Limits, connect};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use tokio::task::JoinSet;

use crate::bench::scratch::Scratch;

/// With more, two cores gain nothing.
pub(super) const CONNECTIONS: usize = 2;
/// Lives that a commit takes a step further.
pub(super) const LIVES: usize = 1_000;
/// Commits that take so many lives from their event to their click.
pub(super) const COMMITS: usize = STEPS.len();

/// What is done to the lives of chunk $1.
enum Do {
    /// This statement.
    Run(&'static str),
    /// This one, which puts something into the people's queues and says where.
    Queue(&'static str),
    /// What was put there last is taken out.
    Take,
}

const SEEN: Do = Do::Run(
    "INSERT INTO seen SELECT md5(event_id::text)::uuid, current_date FROM made.lives WHERE chunk = $1",
);
const EVENT: Do = Do::Run(
    "INSERT INTO events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload)
     SELECT event_id, person_id, event_at, event_at, 1, false, 'bench', 'Cart Viewed', event FROM made.lives WHERE chunk = $1",
);
const EVENT_WAITS: Do = Do::Queue(
    "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
     SELECT shard, 0, 1, person_id, event_id, event_at FROM made.lives WHERE chunk = $1 RETURNING shard, seq",
);
const PERSON: Do = Do::Run(
    "UPDATE persons SET version = persons.version + 1, n = persons.n + 1, armed_at = lives.due_at, hot = lives.hot
     FROM made.lives WHERE chunk = $1 AND persons.person_id = lives.person_id",
);
const RUN: Do = Do::Run(
    "INSERT INTO runs (person_id, number, journey, plan, step, started_at, state)
     SELECT person_id, number, journey, plan, standing, started_at, run FROM made.lives WHERE chunk = $1",
);
const TIMER: Do = Do::Run(
    "INSERT INTO due SELECT shard, due_at + interval '1 day', person_id FROM made.lives WHERE chunk = $1",
);
const MESSAGE: Do = Do::Run(
    "INSERT INTO outbox (queue, message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing,
                         topic, sender, data, queued_at, deployment)
     SELECT 16, message_id, person_id, number, journey, step, 1, 1, 0, address, template, true, topic, sender, data, queued_at, 1
     FROM made.lives WHERE chunk = $1",
);
const EVENT_APPLIED: Do = Do::Run(
    "INSERT INTO journal (person_id, n, what, ref, at, deployment)
     SELECT person_id, 2, 1, event_id, event_at, 1 FROM made.lives WHERE chunk = $1",
);
const STARTED: Do = Do::Run(
    "UPDATE outbox SET state = 2, attempts = 1, context = lives.context FROM made.lives
     WHERE chunk = $1 AND outbox.message_id = lives.message_id",
);
const FINISHED: Do = Do::Run(
    "WITH gone AS (
         DELETE FROM outbox USING made.lives WHERE chunk = $1 AND outbox.message_id = lives.message_id
         RETURNING outbox.*, lives.finished_at, lives.provider_id
     )
     INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
                           deployment, data, context, state, queued_at, finished_at, attempts, provider_id)
     SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
            deployment, data, context, 10, queued_at, finished_at, attempts, provider_id FROM gone",
);
const REPORT_WAITS: Do = Do::Queue(
    "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
     SELECT shard, 0, 2, person_id, message_id, finished_at FROM made.lives WHERE chunk = $1 RETURNING shard, seq",
);
const RUN_HEARS: Do = Do::Run(
    "UPDATE runs SET step = lives.standing, state = lives.run FROM made.lives
     WHERE chunk = $1 AND runs.person_id = lives.person_id AND runs.number = lives.number",
);
const REPORT_APPLIED: Do = Do::Run(
    "INSERT INTO journal (person_id, n, what, ref, moment, at, deployment)
     SELECT person_id, 3, 3, message_id, finished_at, finished_at, 1 FROM made.lives WHERE chunk = $1",
);
const CLICK_SEEN: Do = Do::Run(
    "INSERT INTO seen SELECT md5(click_id::text)::uuid, current_date FROM made.lives WHERE chunk = $1",
);
const CLICK: Do = Do::Run(
    "INSERT INTO events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload)
     SELECT click_id, person_id, click_at, click_at, 1, false, 'tracking', 'Message Followed', click
     FROM made.lives WHERE chunk = $1",
);
const CLICK_WAITS: Do = Do::Queue(
    "INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
     SELECT shard, 0, 1, person_id, click_id, click_at FROM made.lives WHERE chunk = $1 RETURNING shard, seq",
);
const TIMER_GOES: Do = Do::Run(
    "DELETE FROM due USING made.lives
     WHERE chunk = $1 AND due.shard = lives.shard AND due.due_at = lives.due_at + interval '1 day'
       AND due.person_id = lives.person_id",
);
const TIMER_ANEW: Do =
    Do::Run("INSERT INTO due SELECT shard, due_at, person_id FROM made.lives WHERE chunk = $1");
const CLICK_APPLIED: Do = Do::Run(
    "INSERT INTO journal (person_id, n, what, ref, at, deployment)
     SELECT person_id, 4, 1, click_id, click_at, 1 FROM made.lives WHERE chunk = $1",
);

/// A life: each a commit.
const STEPS: [&[Do]; 7] = [
    &[SEEN, EVENT, EVENT_WAITS],
    &[Do::Take, PERSON, RUN, TIMER, MESSAGE, EVENT_APPLIED],
    &[STARTED],
    &[FINISHED, REPORT_WAITS],
    &[Do::Take, PERSON, RUN_HEARS, REPORT_APPLIED],
    &[CLICK_SEEN, CLICK, CLICK_WAITS],
    &[Do::Take, PERSON, TIMER_GOES, TIMER_ANEW, CLICK_APPLIED],
];

/// Keeps what ours has written of so many lives, for the limit to write again.
pub(super) async fn keep(scratch: &Scratch, lives: usize) -> anyhow::Result<()> {
    let kept = format!(
        "CREATE SCHEMA made;
         CREATE TABLE made.heads AS TABLE heads;
         CREATE TABLE made.identities AS TABLE identities;
         CREATE TABLE made.persons AS SELECT person_id, 1 AS version, 1 AS n, assignment_key, has_traits, zone, hot FROM persons;
         CREATE TABLE made.traits AS TABLE traits;
         CREATE TABLE made.lives AS
         SELECT (row_number() OVER (ORDER BY came.id) - 1) / {LIVES} AS chunk, person_id, due.shard, due.due_at, persons.hot,
                came.id AS event_id, came.received_at AS event_at, came.payload AS event,
                click.id AS click_id, click.received_at AS click_at, click.payload AS click,
                runs.number, runs.journey, runs.plan, runs.step AS standing, runs.started_at, runs.state AS run,
                m.id AS message_id, m.step, m.address, m.template, m.topic, m.sender, m.data, m.queued_at, m.context,
                m.finished_at, m.provider_id
         FROM events AS came
         JOIN events AS click USING (person_id)
         JOIN persons USING (person_id)
         JOIN runs USING (person_id)
         JOIN due USING (person_id)
         JOIN messages AS m USING (person_id)
         JOIN identities USING (person_id)
         WHERE came.name = 'Cart Viewed' AND click.name = 'Message Followed' AND identities.value < 'user-{lives:07}';
         CREATE INDEX ON made.lives (chunk);
         VACUUM ANALYZE made.lives"
    );
    for statement in kept.split(';') {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&scratch.slow).await?;
    }
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM made.lives").fetch_one(&scratch.slow).await?;
    anyhow::ensure!(kept == lives as i64, "{kept} of {lives} lives can be kept");
    Ok(())
}

/// Lives a second, from the first statement to the last commit.
pub(super) async fn run(scratch: &Scratch, lives: usize) -> anyhow::Result<f64> {
    scratch.clear().await?;
    sqlx::raw_sql(
        "INSERT INTO heads TABLE made.heads;
         INSERT INTO identities TABLE made.identities;
         INSERT INTO persons (person_id, version, n, assignment_key, has_traits, zone, hot) TABLE made.persons;
         INSERT INTO traits TABLE made.traits;
         ANALYZE persons",
    )
    .execute(&scratch.slow)
    .await?;
    let pool = connect(&scratch.options, Limits { connections: CONNECTIONS as u32, ..Limits::ENGINE });
    let chunks = lives.div_ceil(LIVES) as i64;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = pool.acquire().await?;
        // Every statement is prepared before the clock runs: of a chunk that has no lives.
        life(&mut connection, chunks).await?;
        connections.push(connection);
    }
    scratch.checkpoint().await?;
    let next = Arc::new(AtomicI64::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let next = next.clone();
        tasks.spawn(async move {
            loop {
                let chunk = next.fetch_add(1, Ordering::Relaxed);
                if chunk >= chunks {
                    return Ok::<(), sqlx::Error>(());
                }
                life(&mut connection, chunk).await?;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let took = began.elapsed();
    pool.close().await;
    check(&scratch.slow, lives as i64).await?;
    Ok(lives as f64 / took.as_secs_f64())
}

/// The lives of a chunk, from their events to their clicks.
async fn life(connection: &mut PgConnection, chunk: i64) -> Result<(), sqlx::Error> {
    let mut waiting: (Vec<i16>, Vec<i64>) = Default::default();
    for step in &STEPS {
        let mut tx = sqlx::Connection::begin(&mut *connection).await?;
        for what in *step {
            match what {
                Do::Run(statement) => {
                    sqlx::query(*statement).bind(chunk).execute(&mut *tx).await?;
                }
                Do::Queue(statement) => {
                    let places: Vec<(i16, i64)> =
                        sqlx::query_as(*statement).bind(chunk).fetch_all(&mut *tx).await?;
                    waiting = places.into_iter().unzip();
                }
                Do::Take => {
                    sqlx::query(
                        "DELETE FROM intake USING unnest($1::smallint[], $2::bigint[]) AS done (shard, seq)
                         WHERE intake.shard = done.shard AND intake.lane = 0 AND intake.seq = done.seq",
                    )
                    .bind(&waiting.0)
                    .bind(&waiting.1)
                    .execute(&mut *tx)
                    .await?;
                }
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

/// The rows stand as ours leaves them.
async fn check(pool: &PgPool, lives: i64) -> anyhow::Result<()> {
    let found: (i64, i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM seen), (SELECT count(*) FROM journal),
                (SELECT count(*) FROM messages WHERE state = 10 AND context IS NOT NULL), (SELECT count(*) FROM runs),
                (SELECT count(*) FROM due), (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox)",
    )
    .fetch_one(pool)
    .await?;
    let expected = (2 * lives, 2 * lives, 3 * lives, lives, lives, lives, 0);
    anyhow::ensure!(found == expected, "the limit wrote {found:?} rows, not {expected:?}");
    Ok(())
}
