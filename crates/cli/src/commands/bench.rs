//! `journeyman bench`.

use clap::{Args, Subcommand, ValueEnum};

use crate::config::Config;

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
    pub(super) async fn run(self, _config: &Config) -> anyhow::Result<()> {
        let Which::Ingest(_common) = self.which;
        Ok(())
    }
}
