//! `journeyman approve`.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use journeyman_domain::ShopClock as _;
use journeyman_domain::plan::PlanHash;
use journeyman_store::approvals;
use serde_json::json;

use super::apply::plan_name;
use crate::SystemClock;
use crate::config::Config;
use crate::doorway::{self, Database};

/// Say yes to a plan, so that it may go live
///
/// Where journeyman.yaml says `approvals: 2`, `apply` puts a change live only after two people other than its author have said yes to
/// just that plan. A yes is to what `journeyman plan` showed under that name: if the files change, or something else goes live, it counts for
/// nothing. Names are as people give them; who may run this is whoever reaches the database.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman approve 5f0c… --as ben\n  \
                  journeyman approve 5f0c… --as ben --json\n\n\
                  Exit codes: 0 said.")]
pub(super) struct Approve {
    /// The plan's name, as `journeyman plan` prints it
    #[arg(value_name = "PLAN", value_parser = plan_name)]
    plan: PlanHash,
    /// Who says yes
    #[arg(long = "as", value_name = "NAME", env = "JOURNEYMAN_AUTHOR")]
    who: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Approve {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let who = self.who.trim().to_owned();
        ensure!(
            !who.is_empty() && who.len() <= approvals::NAME_BYTES,
            "a name has 1 to {} bytes: --as ben",
            approvals::NAME_BYTES
        );
        let plan = self.plan;
        let by =
            doorway::with_database(config, Duration::from_secs(10), |Database { pool, .. }| async move {
                let mut connection = pool.acquire().await?;
                approvals::approve(&mut connection, plan, &who, SystemClock.now()).await?;
                Ok(approvals::of(&mut connection, plan).await?)
            })
            .await?;
        if self.json {
            println!("{}", json!({ "plan": plan.to_string(), "approved_by": by }));
        } else {
            println!("yes to plan {plan}: {}", by.join(", "));
        }
        Ok(())
    }
}
