//! `journeyman why`.

mod at;
pub(super) mod tell;

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use journeyman_engine::past::{Deployments, Past};
use sqlx::{Connection as _, PgConnection};

use crate::config::Config;
use crate::{doorway, people};

/// Say why something happened to a person, or did not
///
/// Shows everything that was applied to them, in its order. What is marked `·` was recorded when it happened: refusals,
/// messages, choices. What is marked `~` is recomputed by applying their journal again: conditions asked, steps reached.
/// Where others turned out to be them, what was applied to those stands first, under ids of their own.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman why ada                       the shop's own id (userId)\n  \
                        journeyman why anonymous:5f3a            a browser's or device's id\n  \
                        journeyman why person_42 --journey cart  ours; one journey only\n  \
                        journeyman why ada --last 20 --json\n  \
                        journeyman why ada --at 7                what deployment 7 would have done, too\n  \
                        journeyman why ada --at .                … and what the journeys here would have"
)]
pub(super) struct Why {
    /// Whom: the shop's id of them, anonymous:ID, or person_N
    person: String,
    /// Only what has to do with this journey
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// Only the last so many inputs
    #[arg(long, value_name = "INPUTS")]
    last: Option<usize>,
    /// Also what these journeys would have done had they been live all along: a deployment's number, or a folder
    #[arg(long, value_name = "DEPLOYMENT|DIR")]
    at: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let told = doorway::with_database(config, Duration::from_secs(10), |database| async move {
            let mut connection = database.pool.acquire().await.context("can't get a connection")?;
            // One snapshot: what a daemon does meanwhile is not half seen.
            let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            self.tell(&mut tx).await
        })
        .await?;
        println!("{told}");
        Ok(())
    }

    async fn tell(&self, connection: &mut PgConnection) -> anyhow::Result<String> {
        let person = people::find(connection, &self.person).await?;
        let mut known = Deployments::default();
        let past = Past::read(connection, person, &mut known).await?;
        let past =
            past.with_context(|| format!("{} is known, and nothing was applied to them yet", self.person))?;
        let mut earlier = Vec::new();
        for loser in past.losers() {
            if let Some(past) = Past::read(connection, loser, &mut known).await? {
                earlier.push(self.story(connection, &loser.to_string(), &past, &known).await?);
            }
        }
        let (mut text, mut json) = self.story(connection, &self.person, &past, &known).await?;
        if let Some(version) = &self.at {
            let lived = at::Lived::of(connection, version, &past, self.journey.as_deref()).await?;
            text = format!("{}\n\n{}", text.trim_end(), lived.text());
            if let Some(told) = json.as_object_mut() {
                told.insert("at".to_owned(), lived.json());
            }
        }
        if self.json {
            if let (false, Some(told)) = (earlier.is_empty(), json.as_object_mut()) {
                let earlier = earlier.into_iter().map(|(_, json)| json).collect();
                told.insert("merged".to_owned(), serde_json::Value::Array(earlier));
            }
            return Ok(json.to_string());
        }
        let earlier = earlier.into_iter().map(|(text, _)| format!("{}\n\n", text.trim_end()));
        Ok(earlier.chain([text]).collect())
    }

    /// One person's story under one id, as text and as JSON.
    async fn story(
        &self,
        connection: &mut PgConnection,
        name: &str,
        past: &Past,
        known: &Deployments,
    ) -> anyhow::Result<(String, serde_json::Value)> {
        let again = past.again(known);
        let story = tell::Story {
            name,
            journey: self.journey.as_deref(),
            last: self.last.unwrap_or(usize::MAX),
            ..tell::Story::read(connection, past, &again).await?
        };
        Ok((story.text(), story.json()))
    }
}
