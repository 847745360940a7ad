//! `journeyman learn`.

mod clv;
mod model;
mod plot;
mod purchases;
mod send_time;

use std::path::Path;

use clap::{Args, Subcommand};
use journeyman_store::Limits;

use crate::config::Config;

/// What learning asks of the server: a statement may read every event.
pub(super) const LIMITS: Limits = Limits { statement_ms: 1_800_000, connections: 3, ..Limits::REPORTS };

/// Learn from what people bought and when they were there: who comes back, what they are worth, the hour to write at
///
/// The daemon does it by itself (`learn.every` in journeyman.yaml, 1d unless said): it fits the models, keeps each fit with
/// its card, and tells people their scores, which journeys ask for as `scores.churn_band` or `scores.clv`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman learn clv --transactions orders.csv --customer customer --date date --value total\n  \
                  journeyman learn send-time --events events.csv --person visitor --time timestamp\n  \
                  journeyman learn run                    learn and score now\n  \
                  journeyman learn models                 what was learned, and what is used\n  \
                  journeyman learn rollback churn         take the models back that are used"
)]
pub(super) struct Learn {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Clv(clv::Clv),
    SendTime(send_time::SendTime),
    Run(model::Run),
    Models(model::Models),
    Rollback(model::Rollback),
}

impl Learn {
    pub(super) async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        match self.what {
            What::Clv(clv) => clv.run(),
            What::SendTime(send_time) => send_time.run(),
            What::Run(run) => run.run(&Config::load(config)?).await,
            What::Models(models) => models.run(&Config::load(config)?).await,
            What::Rollback(rollback) => rollback.run(&Config::load(config)?).await,
        }
    }
}
