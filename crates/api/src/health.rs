//! Whether the process lives, and whether it can do its work.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use journeyman_store::installation::Guard;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;
use tokio_util::sync::CancellationToken;

use crate::Ingest;

/// How long the database may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// What health is asked of.
#[derive(Clone)]
pub struct Health {
    /// The pool for reports.
    pub pool: PgPool,
    /// What the door's last commit said.
    pub ingest: Arc<Ingest>,
    /// Whether messages may leave, as found at the start.
    pub guard: Guard,
    /// Cancelled when the process is stopping.
    pub stop: CancellationToken,
}

/// `GET /healthz`: 200 as long as the process answers at all.
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: 200 when requests can be served; 503 while stopping or without the database.
pub(crate) async fn ready(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    let database = tokio::time::timeout(PATIENCE, journeyman_store::durability(&health.pool)).await;
    let database = match database {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    let stopping = health.stop.is_cancelled();
    let ready = database.is_ok() && !stopping;
    let body = json!({
        "ready": ready,
        "stopping": stopping,
        "database": database.err().unwrap_or_else(|| "ok".to_owned()),
        // Not part of `ready`: a full disk is full for every daemon, and one that gets no requests never recovers.
        "last_commit": health.ingest.last_failure().unwrap_or_else(|| "ok".to_owned()),
        "sending": health.guard.may_send(),
        "installation": health.guard.to_string(),
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}
