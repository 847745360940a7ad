//! The independent checker: plain SQL over what the clients were told, sharing no code with the door.

use std::collections::BTreeSet;

use sqlx::postgres::PgPool;

/// What is wrong. All empty: every event answered 200 is in the database exactly once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Answered 200 and not in `events`.
    pub lost: Vec<String>,
    /// More than once in `events`.
    pub doubled: Vec<String>,
    /// In `events` and not exactly once in `intake`.
    pub astray: Vec<String>,
}

/// Looks for every message of `acknowledged`, by its messageId, and for any that is there twice.
pub async fn check(pool: &PgPool, acknowledged: &BTreeSet<String>) -> Findings {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT e.payload ->> 'messageId', count(DISTINCT e.id), count(i.ref)
         FROM events e LEFT JOIN intake i ON i.ref = e.id AND i.person_id = e.person_id
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
        astray: ids(|(_, events, inputs)| events != inputs),
    }
}
