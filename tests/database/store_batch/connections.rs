//! What becomes of connections: they are kept for as long as they answer, and left as soon as they are let go unanswered.

use std::time::Duration;

use journeyman_store::{ENGINE_SILENCE, Error, Limits, connect, consents, queues, read, slices, told};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ANNA, Stage};

async fn backend(connection: &mut PgConnection) -> Result<i32, Error> {
    Ok(sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await?)
}

/// A stage whose pool has one connection.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    let pool = connect(&stage.database.options, Limits { connections: 1, ..Limits::ENGINE });
    Stage { pool, ..stage }
}

#[tokio::test]
async fn a_connection_that_answers_is_kept() {
    let stage = stage().await;
    let backend = || read(&stage.pool, ENGINE_SILENCE, backend);
    let first = backend().await.unwrap();
    queues::lease(&stage.pool, Uuid::from_u128(1), slices::LEASE).await.unwrap();
    consents::of(&stage.pool, ANNA).await.unwrap();
    told::write(&stage.pool, &[]).await.unwrap();
    let refused = read(&stage.pool, ENGINE_SILENCE, async |connection| {
        Ok(sqlx::query("SELECT 1 / 0").execute(connection).await?)
    });
    assert!(refused.await.is_err());
    stage.write(&Default::default()).await.unwrap();
    assert_eq!(backend().await.unwrap(), first);
}

#[tokio::test]
async fn one_that_is_let_go_in_the_middle_is_closed() {
    let stage = stage().await;
    let first = read(&stage.pool, ENGINE_SILENCE, backend).await.unwrap();
    let sleep = async |connection: &mut PgConnection| {
        Ok(sqlx::query("SELECT pg_sleep(3)").execute(connection).await?)
    };
    // Who asked has no patience, and who reads has none.
    let asked = tokio::time::timeout(Duration::from_millis(50), read(&stage.pool, ENGINE_SILENCE, sleep));
    assert!(asked.await.is_err());
    let second = read(&stage.pool, ENGINE_SILENCE, backend).await.unwrap();
    let silent = read(&stage.pool, Duration::from_millis(50), sleep).await;
    assert!(matches!(silent, Err(Error::Unavailable(_))), "{silent:?}");
    let third = read(&stage.pool, ENGINE_SILENCE, backend).await.unwrap();
    assert!(first != second && second != third, "{first} {second} {third}");
}
