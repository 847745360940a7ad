//! `journeyman audit`.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use journeyman_engine::past::{Deployments, Past};
use journeyman_store::history;
use serde_json::json;
use sqlx::Connection as _;

use crate::config::Config;
use crate::diagnostics::Told;
use crate::doorway::{self, Database};

/// Apply people's journals again and compare with what is stored
///
/// The exit code is 1 where somebody's stored state is not what their journal makes of them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman audit --sample 1000\n  journeyman audit --sample 50 --seed 7 --json"
)]
pub(super) struct Audit {
    /// How many people
    #[arg(long, default_value_t = 100, value_name = "PEOPLE")]
    sample: usize,
    /// Which: the same seed draws the same people
    #[arg(long, default_value_t = 1)]
    seed: i64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What an audit found.
#[derive(Default)]
struct Found {
    people: usize,
    inputs: usize,
    /// Whose journal can't be applied again, and why: not a fault by itself.
    broken: Vec<(String, String)>,
    /// Who is not as their journal makes them.
    differs: Vec<(String, Vec<String>)>,
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (sample, seed) = (self.sample, self.seed);
        let found = doorway::with_database(config, Duration::from_secs(10), |database| async move {
            audit(&database, sample, seed).await
        })
        .await?;
        if self.json {
            println!(
                "{}",
                json!({
                    "people": found.people,
                    "inputs": found.inputs,
                    "not_replayable": found.broken,
                    "differs": found.differs,
                })
            );
        } else {
            for (person, why) in &found.broken {
                println!("{person}: can't be applied again: {why}");
            }
            for (person, differs) in &found.differs {
                println!("{person}: NOT AS STORED: {}", differs.join("; "));
            }
            println!(
                "{} people, {} inputs applied again: {} differ, {} can't be applied again",
                found.people,
                found.inputs,
                found.differs.len(),
                found.broken.len()
            );
        }
        if found.differs.is_empty() { Ok(()) } else { Err(Told.into()) }
    }
}

async fn audit(database: &Database, sample: usize, seed: i64) -> anyhow::Result<Found> {
    let mut connection = database.pool.acquire().await.context("can't get a connection")?;
    let people = history::sample(&mut connection, sample, seed).await?;
    let bar = ProgressBar::new(people.len() as u64).with_message("people");
    let (mut found, mut known) = (Found::default(), Deployments::default());
    for person in people {
        // One snapshot a person: short, so that nothing is kept from being vacuumed.
        let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let past = Past::read(&mut tx, person, &mut known).await?;
        tx.rollback().await?;
        bar.inc(1);
        let Some(past) = past else { continue };
        let again = past.again(&known);
        found.people += 1;
        found.inputs += again.rows.len();
        if let Some(broken) = again.broken {
            found.broken.push((person.to_string(), broken.to_string()));
        }
        if !again.differs.is_empty() {
            found.differs.push((person.to_string(), again.differs));
        }
    }
    bar.finish_and_clear();
    Ok(found)
}
