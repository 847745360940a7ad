//! The private server's settings, its role and its database.
//!
//! | setting | value | reason |
//! |---|---|---|
//! | `listen_addresses` | `127.0.0.1` | tools without Unix sockets; nobody outside the machine |
//! | `shared_buffers` | `256MB` | the usual 128MB is small for the working set of a busy outbox and its indexes |
//! | `fsync` | `on` | said aloud: a message that was sent must not be forgotten and sent again |
//! | `wal_compression` | `lz4`, else `zstd`, else `on` | full-page images are most of the log; half the writes for little CPU |
//! | `max_wal_size` | `4GB` | imports would otherwise force a checkpoint every few seconds |
//! | `checkpoint_timeout` | `15min` | fewer checkpoints, fewer full-page images; recovery stays within seconds |
//!
//! The first three are passed at the start. The others are set by `ALTER SYSTEM`, once: whoever changes one there
//! keeps the change. What the caller passes as `settings` wins over both.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

/// The application's role and the name of its database.
pub(super) const ROLE: &str = "journeyman";

/// Settings passed at the start, before the caller's.
pub(super) const AT_START: [(&str, &str); 4] = [
    ("listen_addresses", "127.0.0.1"),
    ("shared_buffers", "256MB"),
    ("fsync", "on"),
    // The log goes to the file that we opened, whatever the machine's sample configuration prefers.
    ("logging_collector", "off"),
];

/// How long the server may take to read its settings again.
const RELOAD_LIMIT: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(10);

/// Sets what is not set yet, and waits until it holds. Needs a superuser.
pub(super) async fn set(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let there: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf' AND name IS NOT NULL",
    )
    .fetch_all(&mut *connection)
    .await?;
    let known: Option<Vec<String>> =
        sqlx::query_scalar("SELECT enumvals FROM pg_settings WHERE name = 'wal_compression'")
            .fetch_one(&mut *connection)
            .await?;
    let missing: Vec<(&str, &str)> = [
        ("wal_compression", compression(&known.unwrap_or_default())),
        ("max_wal_size", "4GB"),
        ("checkpoint_timeout", "15min"),
    ]
    .into_iter()
    .filter(|(name, _)| !there.iter().any(|set| set == name))
    .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for (name, value) in missing {
        // Names and values are those above.
        sqlx::raw_sql(AssertSqlSafe(format!("ALTER SYSTEM SET {name} = '{value}'")))
            .execute(&mut *connection)
            .await?;
    }
    reload(connection).await
}

/// The best method that this build of the server knows.
pub(super) fn compression(known: &[String]) -> &'static str {
    ["lz4", "zstd"].into_iter().find(|method| known.iter().any(|name| name == method)).unwrap_or("on")
}

/// Has the server read its settings again. The time is the database's own: it says when this session has followed.
async fn reload(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let before: String =
        sqlx::query_scalar("SELECT pg_conf_load_time()::text FROM (SELECT pg_reload_conf()) AS reloaded")
            .fetch_one(&mut *connection)
            .await?;
    for _ in 0..(RELOAD_LIMIT.as_millis() / STEP.as_millis()) {
        let now: String =
            sqlx::query_scalar("SELECT pg_conf_load_time()::text").fetch_one(&mut *connection).await?;
        if now != before {
            return Ok(());
        }
        tokio::time::sleep(STEP).await;
    }
    // They hold from the next start on at the latest.
    tracing::warn!(seconds = RELOAD_LIMIT.as_secs(), "PostgreSQL has not read its new settings yet");
    Ok(())
}

/// The role and its database, when they are missing. The role may create databases and is no superuser. Its password
/// is hexadecimal, and set when the role is made.
pub(super) async fn make_role(connection: &mut PgConnection, password: &str) -> Result<(), sqlx::Error> {
    let role = sqlx::query("SELECT 1 FROM pg_roles WHERE rolname = $1")
        .bind(ROLE)
        .fetch_optional(&mut *connection)
        .await?;
    if role.is_none() {
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'")))
            .execute(&mut *connection)
            .await?;
    }
    let there = sqlx::query("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(ROLE)
        .fetch_one(&mut *connection)
        .await?;
    if there.try_get::<i64, _>(0)? == 0 {
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {ROLE} OWNER {ROLE}")))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
