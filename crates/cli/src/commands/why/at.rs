//! `why --at`: what other journeys would have done with the same events.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use journeyman_domain::ShopClock as _;
use journeyman_domain::plan::{Deployment, Plans};
use journeyman_engine::deploy;
use journeyman_engine::past::Past;
use journeyman_sim::backtest::Line;
use journeyman_store::deployments::{self, StoredSource};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::SystemClock;
use crate::commands::backtest::{Row, checked, of_person, row};
use crate::commands::{cut, minute};

/// What is taken for granted.
const ASSUMED: &str =
    "live from the person's first event on; nobody reacts to what is only sent here, and nothing is learned";

/// What would have happened to a person.
pub(super) struct Lived {
    /// Of which journeys: `deployment 7`, or a folder.
    version: String,
    lines: Vec<Line>,
}

impl Lived {
    /// With the journeys of a deployment or of a folder; of one of them where only that is asked for.
    ///
    /// # Errors
    /// Where there are none, or they can't be compiled.
    pub(super) async fn of(
        connection: &mut PgConnection,
        version: &str,
        past: &Past,
        journey: Option<&str>,
    ) -> anyhow::Result<Self> {
        let (version, deployment) = match version.parse::<i64>() {
            Ok(number) => (format!("deployment {number}"), deployed(connection, number).await?),
            Err(_) => (version.to_owned(), checked(Path::new(version))?),
        };
        let plans = Plans::new(deployment);
        let who = (past.stored.id, past.stored.assignment_key);
        let mut lines = of_person(connection, &plans, who, &past.ids(), SystemClock.now()).await?;
        if let Some(journey) = journey {
            lines.retain(|line| row(&line.what).journey == journey);
        }
        Ok(Self { version, lines })
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("had {} been live all along ({ASSUMED})\n", self.version);
        if self.lines.is_empty() {
            text.push_str("  nothing would have happened\n");
        }
        for line in &self.lines {
            let Row { what, journey, step, channel, key, reason, value, .. } = row(&line.what);
            let value = value.map(|value| format!("{value:.2}")).unwrap_or_default();
            let words = [journey, step, channel, key, reason, &value];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            // Writing to a String can't fail.
            let _ = writeln!(text, "  {}  {what:<10}  {}", minute(line.at), cut(&words.join("  "), 66));
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let lines = self.lines.iter().map(|line| {
            let Row { what, journey, run, step, channel, template, key, reason, value } = row(&line.what);
            json!({
                "at": line.at.to_string(), "what": what, "journey": journey, "run": run, "step": step,
                "channel": channel, "template": template, "key": key, "reason": reason, "value": value,
            })
        });
        json!({ "version": self.version, "assumed": ASSUMED, "lines": lines.collect::<Vec<_>>() })
    }
}

async fn deployed(connection: &mut PgConnection, number: i64) -> anyhow::Result<Deployment> {
    let mut sources: Vec<StoredSource> = deployments::load(connection, number).await?;
    sources.retain(|source| !source.pinned);
    anyhow::ensure!(
        !sources.is_empty(),
        "--at {number}: there is no such deployment; `journeyman deployments` says which there are"
    );
    deploy::compile(number, &sources)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("deployment {number}"))
}
