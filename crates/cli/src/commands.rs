//! The commands, one file each.

mod adopt;
mod bench;
mod import;
mod serve;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The command line.
#[derive(Parser)]
#[command(
    name = "journeyman",
    version,
    about = "A journey orchestration engine for e-commerce: one binary and Postgres",
    after_help = "Examples:\n  journeyman serve                      run the daemon\n  \
                  journeyman import orders.csv --help   load history\n\n\
                  Postgres is taken from DATABASE_URL; without it a private one is run in ./.journeyman."
)]
pub(crate) struct Arguments {
    /// The configuration; without it ./journeyman.yaml, where there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Import(import::Import),
    Adopt(adopt::Adopt),
    Bench(bench::Bench),
}

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = crate::config::Config::load(self.config.as_deref())?;
        match self.command {
            Command::Serve(serve) => serve.run(&config).await,
            Command::Import(import) => import.run(&config).await,
            Command::Adopt(adopt) => adopt.run(&config).await,
            Command::Bench(bench) => bench.run(&config).await,
        }
    }
}
