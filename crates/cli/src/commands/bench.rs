//! `journeyman bench`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::bench::ingest;
use crate::config::Config;
use crate::doorway::{self, Waiting};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measure speed, as ratios within one run
#[derive(Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    which: Which,
}

#[derive(Subcommand)]
enum Which {
    /// HTTP batches of 100 on 8 connections to durable, against a bare client's UNNEST of the same rows
    #[command(
        after_help = "Examples:\n  journeyman bench ingest --size small\n  journeyman bench ingest --json"
    )]
    Ingest(Common),
}

#[derive(Args)]
struct Common {
    /// How much work; small ends within 30 s
    #[arg(long, value_enum, default_value_t = Size::Full)]
    size: Size,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    Small,
    Full,
}

impl Bench {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Which::Ingest(common) = self.which;
        let size = match common.size {
            Size::Small => ingest::Size::SMALL,
            Size::Full => ingest::Size::FULL,
        };
        let report = doorway::with_server(config, &Waiting::new(PATIENCE), |options| async move {
            ingest::run(&options, size).await
        })
        .await?;
        if common.json {
            println!("{}", report.json())
        } else {
            report.print()
        }
        Ok(())
    }
}
