//! `journeyman adopt`.

use std::time::Duration;

use clap::Args;
use journeyman_domain::ShopClock as _;
use journeyman_store::installation;

use crate::config::Config;
use crate::{SystemClock, doorway};

/// Make this database, where it stands, the one of the configured environment
///
/// A database that was copied, restored elsewhere or belongs to another environment sends nothing until then.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman adopt\n  JOURNEYMAN_ENVIRONMENT=staging journeyman adopt --json"
)]
pub(super) struct Adopt {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Adopt {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let environment = config.environment.name();
        let (before, after) =
            doorway::with_database(config, Duration::from_secs(10), |database| async move {
                let now = SystemClock.now();
                let before = installation::guard(&database.pool, environment, now).await?;
                let after = installation::adopt(&database.pool, environment, now).await?;
                Ok((before, after))
            })
            .await?;
        if self.json {
            let said = serde_json::json!({
                "environment": after.environment,
                "cluster_id": after.cluster_id,
                "adopted_at": after.adopted_at.to_string(),
                "changed": !before.may_send(),
            });
            println!("{said}");
        } else if before.may_send() {
            println!("this database was ours already: {before}");
        } else {
            println!("adopted as {} on {}", after.environment, after.cluster_id);
        }
        Ok(())
    }
}
