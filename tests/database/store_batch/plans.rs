//! How the server goes about the statements that a batch is made of.

use journeyman_store::{Limits, STATEMENTS, connect};
use sqlx::Executor as _;
use sqlx::postgres::PgPool;

use super::Stage;

/// Rows, without the server having counted them.
const FILL: &str = "
    INSERT INTO events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload)
    SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n), 19, '0'))::uuid,
           n, now(), now(), 0, false, 's', 'n', '{}'
    FROM generate_series(1, 20000) AS n;
    INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
    SELECT person_id % 256, 0, 1, person_id, id, now() FROM events;
    INSERT INTO due SELECT n % 256, now() - n * interval '1 second', n FROM generate_series(1, 20000) AS n;
    INSERT INTO outbox (queue, message_id, person_id, run, journey, step, visit, leg, channel, address, template,
                        marketing, queued_at)
    SELECT 0, gen_random_uuid(), n, 1, 'j', 's', 1, 1, 0, 'a', 't', true, now() FROM generate_series(1, 20000) AS n;
    INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, state,
                          queued_at, finished_at)
    SELECT (lpad(to_hex((extract(epoch FROM now() + n % 28 * interval '1 day') * 1000)::bigint), 12, '0') || '7'
            || lpad(to_hex(n), 19, '0'))::uuid,
           n, 1, 'j', 's', 1, 1, 0, 'a', 't', true, 10, now(), now()
    FROM generate_series(1, 20000) AS n;
    INSERT INTO suppressions SELECT 0, 'a' || n, '', 1, now() FROM generate_series(1, 20000) AS n";

const SHARDS: &str = "'{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}'";

/// What writes rows where it has just read or locked them.
const IN_PLACE: [&str; 8] = [
    "delete_due_read",
    "finish_outbox",
    "put_back_outbox",
    "recover_outbox",
    "recover_these",
    "start_outbox",
    "update_persons",
    "update_runs",
];

/// What EXPLAIN ANALYZE says of a statement by its name, planned for any arguments or for these.
async fn explain(pool: &PgPool, name: &str, arguments: &str, mode: &str) -> String {
    let (_, text) = STATEMENTS.iter().find(|(known, _)| *known == name).unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let prepare = format!("SET plan_cache_mode = {mode}; DEALLOCATE ALL; PREPARE s AS {text}");
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(prepare))).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE s ({arguments})");
    let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
    connection.close().await.unwrap();
    let plan = rows.iter().map(|row| sqlx::Row::get::<String, _>(row, 0)).collect::<Vec<_>>().join("\n");
    // PostgreSQL 18 counts rows in hundredths.
    plan.replace(".00 loops", " loops")
}

#[tokio::test]
async fn a_batch_reads_ranges_of_keys_whatever_the_server_knows_of_the_tables() {
    let stage = Stage::new().await;
    stage.database.pool.execute(FILL).await.unwrap();
    let ids =
        stage.database.text("SELECT array_agg(ref)::text FROM (SELECT ref FROM intake LIMIT 500) AS i").await;
    let messages =
        stage.database.text("SELECT array_agg(id)::text FROM (SELECT id FROM messages LIMIT 500) AS m").await;
    let lows = "array_fill(0::bigint, ARRAY[16])";
    let since = "array_fill('1970-01-01'::timestamptz, ARRAY[16])";
    let cases = [
        ("read_intake", format!("{SHARDS}, 0::smallint, {lows}, 20, 2000"), "intake_pkey", 16, 320),
        ("read_due", format!("{SHARDS}, {since}, now(), 20, 2000"), "due_pkey", 16, 320),
        ("read_events", format!("'{ids}'"), "events_", 500, 500),
        ("addressed_messages", format!("'{messages}'"), "messages_2", 500, 500),
        ("claim_outbox", "0::smallint, 0, now(), 100, 0::smallint".to_owned(), "outbox_pkey", 1, 100),
    ];
    for counted in [false, true] {
        if counted {
            stage.database.pool.execute("ANALYZE").await.unwrap();
        }
        for mode in ["force_custom_plan", "force_generic_plan"] {
            for (name, arguments, index, loops, rows) in &cases {
                let pool = connect(&stage.database.options, Limits { connections: 1, ..Limits::ENGINE });
                let plan = explain(&pool, name, arguments, mode).await;
                let walked =
                    plan.lines().filter(|line| line.contains(index) && !line.contains("never executed"));
                let walked: Vec<&str> = walked.collect();
                assert!(walked.iter().all(|line| line.contains("Index")), "{name}:\n{plan}");
                assert!(walked[0].contains(&format!("loops={loops}")), "{name}:\n{plan}");
                assert!(!plan.contains("Seq Scan") && !plan.contains("JIT"), "{name}:\n{plan}");
                assert!(plan.contains(&format!("rows={rows} ")), "{name}:\n{plan}");
                if ["read_events", "addressed_messages"].contains(name) {
                    assert_eq!(walked.len(), 1, "each id looks into its own week alone:\n{plan}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_batch_writes_by_key() {
    let stage = Stage::new().await;
    // Name and number of parameters of what names its rows by their keys.
    let cases = [
        ("cancel_outbox", 2),
        ("delete_due", 3),
        ("delete_due_read", 2),
        ("delete_intake", 3),
        ("delete_runs", 2),
        ("fence_slices", 3),
        ("finish_outbox", 7),
        ("load_features", 1),
        ("load_newborn", 1),
        ("load_people", 1),
        ("load_runs", 1),
        ("lock_outbox", 5),
        ("places_of_people", 1),
        ("places_of_runs", 2),
        ("put_back_outbox", 5),
        ("recover_outbox", 3),
        ("recover_these", 4),
        ("start_outbox", 5),
        ("update_persons", 9),
        ("update_runs", 6),
    ];
    let pool = connect(&stage.database.options, Limits { connections: 1, ..Limits::ENGINE });
    for (name, parameters) in cases {
        let plan = explain(&pool, name, &vec!["NULL"; parameters].join(", "), "force_generic_plan").await;
        // Where a row was read it is written, without another descent of the tree.
        let in_place = IN_PLACE.contains(&name);
        assert_eq!(plan.contains("Tid Scan"), in_place, "{name}:\n{plan}");
        // Stops are a handful, and all of them are asked.
        let plan = plan.replace("Seq Scan on stops", "stops");
        // The last check is a probe for each message.
        assert_eq!(plan.contains("using suppressions_pkey"), name == "start_outbox", "{name}:\n{plan}");
        for avoided in ["Seq Scan", "Hash Join", "Merge Join", "Bitmap", "JIT"] {
            assert!(!plan.contains(avoided), "{name}:\n{plan}");
        }
    }
}

#[tokio::test]
async fn messages_are_found_by_id_however_small_their_table_seems() {
    let stage = Stage::new().await;
    // As the server finds a queue that has just been emptied: it believes that reading all of it costs nothing.
    stage.database.pool.execute("VACUUM ANALYZE outbox").await.unwrap();
    let ids = "array_fill(gen_random_uuid(), ARRAY[500])";
    let all = |of: &str| format!("array_fill({of}, ARRAY[500])");
    let cases = [
        ("cancel_outbox", format!("{ids}, now()")),
        (
            "finish_outbox",
            format!(
                "0::smallint, {ids}, {}, {}, {}, {}, now()",
                all("10::smallint"),
                all("''::text"),
                all("''::text"),
                all("true")
            ),
        ),
        ("lock_outbox", format!("0::smallint, gen_random_uuid(), 1, {ids}, now()")),
        (
            "put_back_outbox",
            format!("0::smallint, {ids}, {}, {}, {}", all("0::smallint"), all("now()"), all("''::text")),
        ),
        ("recover_these", format!("0::smallint, true, true, {ids}")),
    ];
    for mode in ["force_custom_plan", "force_generic_plan"] {
        for (name, arguments) in &cases {
            let pool = connect(&stage.database.options, Limits { connections: 1, ..Limits::ENGINE });
            let plan = explain(&pool, name, arguments, mode).await;
            assert!(plan.contains("Index Scan using outbox_message_stands_once"), "{name}:\n{plan}");
            assert!(!plan.contains("Join Filter") && !plan.contains("outbox_pkey"), "{name}:\n{plan}");
        }
    }
}
