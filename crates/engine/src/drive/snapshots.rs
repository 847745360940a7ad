//! Using the models that choose: whenever a newer one was kept, by whichever process, it is taken over.

use std::time::Duration;

use journeyman_store::{Error, REPORT_SILENCE, learning, read};

use super::{Engine, rest};
use crate::models;

/// How often newer models are looked for.
const LOOK: Duration = Duration::from_secs(5);

/// Looks until it is asked to leave.
pub(super) async fn run(engine: Engine) {
    let mut known = Vec::new();
    while !engine.stop.is_cancelled() {
        // What is let go is a connection that is closed: nothing of it stands.
        let looked = tokio::select! {
            looked = look(&engine, &mut known) => looked,
            () = engine.stop.cancelled() => return,
        };
        if let Err(error) = looked {
            tracing::debug!(%error, "could not look for newer models");
        }
        rest(LOOK, &engine.stop, std::future::pending()).await;
    }
}

/// Takes newer models over, where there are any.
async fn look(engine: &Engine, known: &mut Vec<(String, i64)>) -> Result<(), Error> {
    read(&engine.pools.models, REPORT_SILENCE, async |connection| {
        let numbers = learning::numbers(connection).await?;
        if numbers != *known {
            let snapshot = models::load(connection).await?;
            engine.models.send_replace(Some(models::shared(snapshot)));
            *known = numbers;
        }
        Ok(())
    })
    .await
}
