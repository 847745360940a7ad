//! `journeyman plan`.

mod difference;
mod forecast;
mod power;
mod tell;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use journeyman_domain::plan::{PlanHash, Plans};
use journeyman_domain::{ShopClock as _, ShopTime};
use journeyman_engine::apply::{approvals_needed, feasible, plan_id};
use journeyman_engine::deploy;
use journeyman_sim::backtest::Window;
use journeyman_store::approvals;
use journeyman_store::deployments::{self, InFlight, StoredSource};

use self::difference::Difference;
use self::forecast::Forecast;
use super::backtest::Past;
use crate::SystemClock;
use crate::config::{Config, Environment};
use crate::diagnostics::{self, Summary, Told};
use crate::doorway::{self, Database};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `apply` would change, who is under way, and what it would have done
///
/// Compares the folder with what is live: how journeys go apart from what they say. Then the stored history of the last days is lived through
/// twice, with what is live and with what is planned, by the same code as in the daemon, and the difference is told. Nothing is
/// changed. The plan's name goes to `journeyman apply --plan`, which does just this or nothing.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman plan\n  journeyman plan shop --days 30\n  \
                  journeyman plan --markdown > plan.md          for a pull request\n  \
                  journeyman apply --plan $(journeyman plan --json | jq -r .plan)\n\n\
                  Exit codes: 0 planned, 1 there are errors: nothing can be planned.")]
pub(super) struct Plan {
    /// The folder that holds journeyman.yaml, tracking.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// How many days of history are lived through again; 0: none
    #[arg(long, default_value_t = 14, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(..=730))]
    days: u16,
    /// Print it as Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A plan.
struct Planned {
    /// Its name.
    name: PlanHash,
    /// The deployment that is live; 0 where none is.
    current: i64,
    difference: Difference,
    /// Who is under way, in any version.
    in_flight: Vec<InFlight>,
    /// What is planned, compiled.
    then: Arc<Plans>,
    /// How many people other than the author have to say yes to it, and who did.
    approvals: (usize, Vec<String>),
    /// `None` where none was asked for, or nothing would change.
    forecast: Option<Forecast>,
}

impl Plan {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let sources = diagnostics::read_folder(&self.dir)?;
        let checked = deploy::check(&sources, config.environment == Environment::Production);
        let summary = Summary::new(&sources, &checked.diagnostics);
        if !checked.diagnostics.is_empty() && (summary.failed() || !self.json) {
            eprint!("{}", diagnostics::draw(&sources, &checked.diagnostics, diagnostics::in_colour()));
        }
        if summary.failed() {
            eprintln!("{summary}; nothing can be planned");
            return Err(Told.into());
        }
        let stored = deploy::sources(&checked, &sources);
        let (markdown, json) = (self.markdown, self.json);
        let planned =
            doorway::with_database(
                config,
                PATIENCE,
                |database| async move { self.of(&database, &stored).await },
            )
            .await?;
        diagnostics::print(&match (json, markdown) {
            (true, _) => format!("{}\n", tell::json(&planned)),
            (_, true) => tell::markdown(&planned),
            _ => tell::text(&planned),
        });
        Ok(())
    }

    async fn of(self, database: &Database, after: &[StoredSource]) -> anyhow::Result<Planned> {
        let mut connection = database.pool.acquire().await.context("can't get a connection")?;
        let current = deployments::current(&mut connection).await?;
        let before = deployments::load(&mut connection, current).await?;
        let in_flight = deployments::in_flight(&mut connection).await?;
        feasible(&mut connection, current, &before, after).await.context("this can't go live")?;
        let needed = approvals_needed(current, &before, after)?;
        let name = plan_id(current, after);
        let approvals = (needed, approvals::of(&mut connection, name).await?);
        drop(connection);
        let then = compile(current + 1, after).map_err(anyhow::Error::msg)?;
        let difference = Difference::of(&before, after);
        let forecast = match difference.is_empty() || self.days == 0 {
            true => None,
            false => Some(self.forecast(database, (current, &before), &then).await?),
        };
        Ok(Planned { name, current, approvals, difference, in_flight, then, forecast })
    }

    /// The last days, lived through with what is live and with what is planned.
    async fn forecast(
        &self,
        database: &Database,
        (current, before): (i64, &[StoredSource]),
        then: &Arc<Plans>,
    ) -> anyhow::Result<Forecast> {
        // Nothing is live before the first.
        let now = match current {
            0 => None,
            _ => Some(compile(current, before).map_err(anyhow::Error::msg).context("what is live")?),
        };
        let until = SystemClock.now();
        let base = then.policies.rates.base;
        let past = Past::of_database(&database.options, Some(until), None, base).await?;
        let from = ShopTime::from_millisecond(until.as_millisecond() - i64::from(self.days) * 86_400_000);
        let window = Window { from, until };
        let mut tallies = Vec::new();
        for (what, plans) in
            [("the last days, with what is live", now.as_ref()), ("with what is planned", Some(then))]
        {
            let Some(plans) = plans else { continue };
            let bar = past.bar(what)?;
            tallies.push(past.tally(plans, window, &bar).await?);
            bar.finish_and_clear();
        }
        let (then_tally, people) = tallies.pop().unwrap_or_default();
        let now_tally = tallies.pop().map(|(tally, _)| tally).unwrap_or_default();
        Ok(Forecast { days: self.days, events: past.events(), people, now: now_tally, then: then_tally })
    }
}

/// What is deployed of these, without the versions that runs go on in.
fn compile(number: i64, sources: &[StoredSource]) -> Result<Arc<Plans>, String> {
    let deployed: Vec<StoredSource> = sources.iter().filter(|source| !source.pinned).cloned().collect();
    deploy::compile(number, &deployed).map(Plans::new).map(Arc::new)
}
