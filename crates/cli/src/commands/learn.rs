//! `journeyman learn`.

mod send_time;

use std::path::Path;

use clap::{Args, Subcommand};

/// Fit a model to a file, without a database, and say how good it is
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    journeyman learn send-time --events events.csv --person visitor --time timestamp")]
pub(super) struct Learn {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    SendTime(send_time::SendTime),
}

impl Learn {
    pub(super) async fn run(self, _config: Option<&Path>) -> anyhow::Result<()> {
        match self.what {
            What::SendTime(send_time) => send_time.run(),
        }
    }
}
