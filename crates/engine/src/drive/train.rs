//! Keeping the models that choose: looks for newer ones, and has them made anew when it is time. One of all processes makes them;
//! all of them use what was made.

use std::time::Duration;

use jiff::tz::TimeZone;
use journeyman_domain::plan::Plans;
use journeyman_store::{Error, REPORT_SILENCE, deployments, learning, read};

use super::{Engine, TRAINING_MS, rest};
use crate::{deploy, models};

/// How often newer models are looked for.
const LOOK: Duration = Duration::from_secs(5);
/// How often it is asked whether one is to be made.
const ASK: Duration = Duration::from_secs(300);

/// How long making them may take, from our side: longer than the server's own limit on a statement.
const TRAINING: Duration = Duration::from_millis(2 * TRAINING_MS as u64);

/// Looks and trains until it is asked to leave.
pub(super) async fn run(engine: Engine) {
    let mut known = Vec::new();
    let mut asked = None;
    while !engine.stop.is_cancelled() {
        let now = engine.now();
        let round = async {
            if asked.is_none_or(|asked| now.machine.saturating_sub(asked) >= ASK) {
                asked = Some(now.machine);
                if let Err(error) = train(&engine).await {
                    tracing::warn!(%error, "models could not be made anew; the present ones go on until they are too old");
                }
            }
            if let Err(error) = look(&engine, &mut known).await {
                tracing::debug!(%error, "could not look for newer models");
            }
        };
        // What is let go is a connection that is closed: nothing of it stands.
        tokio::select! {
            () = round => {}
            () = engine.stop.cancelled() => return,
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

async fn train(engine: &Engine) -> Result<(), Error> {
    let now = engine.now().shop;
    let all = read(&engine.pools.models, TRAINING, async |connection| {
        let zone = zone(connection).await?;
        models::train(connection, now, &zone).await
    });
    for made in all.await? {
        let used =
            if made.promoted { "it is used from now on" } else { "it is no better than none, and not used" };
        tracing::info!(
            name = made.name,
            snapshot = made.snapshot,
            card = made.card,
            "model {} {}: {used}",
            made.name,
            made.snapshot
        );
    }
    Ok(())
}

/// The shop's zone, as deployed.
async fn zone(connection: &mut sqlx::PgConnection) -> Result<TimeZone, Error> {
    let number = deployments::current(connection).await?;
    if number == 0 {
        return Ok(TimeZone::UTC);
    }
    let sources = deployments::load(connection, number).await?;
    let compiled = deploy::compile(number, &sources).map(Plans::new);
    Ok(compiled.map_or(TimeZone::UTC, |plans| plans.policies.zone.clone()))
}
