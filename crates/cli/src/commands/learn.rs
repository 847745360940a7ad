//! `journeyman learn`.

mod clv;
mod plot;
mod purchases;

use std::path::Path;

use clap::{Args, Subcommand};

/// Learn from what people bought: who comes back, what they are worth
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman learn clv --transactions orders.csv --customer customer --date date --value total\n  \
                  journeyman learn clv --help"
)]
pub(super) struct Learn {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Clv(clv::Clv),
}

impl Learn {
    pub(super) async fn run(self, _config: Option<&Path>) -> anyhow::Result<()> {
        match self.what {
            What::Clv(clv) => clv.run(),
        }
    }
}
