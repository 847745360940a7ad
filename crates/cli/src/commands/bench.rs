//! `journeyman bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use sqlx::postgres::PgConnectOptions;

use crate::bench::mail::{Dkim, Settings, latency, life, send};
use crate::bench::{Report, fanout, ingest, steps, triggers};
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
    /// Events through door and engine under many journeys, against the door alone; a thousand journeys against ten
    #[command(
        after_help = "Examples:\n  journeyman bench triggers --size small\n  journeyman bench triggers --json"
    )]
    Triggers(Common),
    /// An item that many people care for costs less: their news, against the same rows by one SQL statement; and what live
    /// events at a tenth of their peak wait meanwhile, against what they wait without it
    #[command(
        after_help = "Examples:\n  journeyman bench fanout --size small\n  journeyman bench fanout --people 200000"
    )]
    Fanout {
        #[command(flatten)]
        common: Common,
        /// How many people care for the item, instead of the size's
        #[arg(long, value_name = "PEOPLE", value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
        people: Option<u32>,
    },
    /// Timers that come due, each a step of a run, against one set-based SQL statement that writes the same
    #[command(after_help = "Examples:\n  journeyman bench steps --size small\n  \
                      journeyman bench steps --waiting 10000000   among ten million people who wait")]
    Steps {
        #[command(flatten)]
        common: Common,
        /// How many people wait beside those whose moment has come
        #[arg(long, default_value_t = 0, value_name = "PEOPLE")]
        waiting: usize,
    },
    /// Messages that wait, rendered, booked and sent by the engine, against a bare loop over lettre with the same bytes
    #[command(after_help = "Examples:\n  journeyman bench send --size small\n  \
                      journeyman bench send --messages 50000 --dkim ed25519\n\n\
                      Mail goes to Postfix's smtp-sink where there is one, else to a sink of this program's own.")]
    Send {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        mail: Mail,
        /// How many messages each side sends in a run, instead of the size's
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
        messages: Option<u32>,
        /// Postfix's smtp-sink, where it is not found
        #[arg(long, value_name = "PROGRAM")]
        smtp_sink: Option<PathBuf>,
    },
    /// From an event's 200 to its mail's final dot, at half of the peak, against one commit and one SMTP transaction alone
    #[command(
        after_help = "Examples:\n  journeyman bench latency --size small\n  journeyman bench latency --json\n\n\
                      Mail goes to a sink of this program's own, which knows the moment of each final dot."
    )]
    Latency {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        mail: Mail,
        /// Events a second, instead of half of the peak
        #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        rate: Option<u32>,
    },
    /// From the event by HTTP to the click by HTTP, applied, against the same rows by set-based SQL
    #[command(
        after_help = "Examples:\n  journeyman bench life --size small\n  journeyman bench life --lives 50000"
    )]
    Life {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        mail: Mail,
        /// How many lives each side leads in a run, instead of the size's
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
        lives: Option<u32>,
        /// Postfix's smtp-sink, where it is not found
        #[arg(long, value_name = "PROGRAM")]
        smtp_sink: Option<PathBuf>,
    },
}

/// How mail goes.
#[derive(Args)]
struct Mail {
    /// Connections to the server that takes the mail, on either side
    #[arg(long, default_value_t = 128, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Sign mail, with a key of 2048 bits in the case of RSA
    #[arg(long, value_enum, default_value_t = Dkim::Off)]
    dkim: Dkim,
}

impl Mail {
    fn settings(self, smtp_sink: Option<PathBuf>) -> Settings {
        Settings { connections: self.connections as usize, smtp_sink, dkim: self.dkim }
    }
}

#[derive(Args)]
struct Common {
    /// How much work; small takes from some seconds to a minute or two
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

impl Which {
    fn common(&self) -> &Common {
        match self {
            Self::Ingest(common)
            | Self::Triggers(common)
            | Self::Fanout { common, .. }
            | Self::Steps { common, .. }
            | Self::Send { common, .. }
            | Self::Latency { common, .. }
            | Self::Life { common, .. } => common,
        }
    }
}

impl Which {
    async fn measure(self, options: &PgConnectOptions) -> anyhow::Result<Vec<Report>> {
        let small = matches!(self.common().size, Size::Small);
        Ok(match self {
            Self::Ingest(_) => {
                let size = if small { ingest::Size::SMALL } else { ingest::Size::FULL };
                vec![ingest::run(options, size).await?]
            }
            Self::Triggers(_) => {
                let size = if small { triggers::Size::SMALL } else { triggers::Size::FULL };
                triggers::run(options, size).await?.into()
            }
            Self::Fanout { people, .. } => {
                let size = if small { fanout::Size::SMALL } else { fanout::Size::FULL };
                let people = people.map_or(size.people, |people| people as usize);
                fanout::run(options, fanout::Size { people, ..size }).await?.into()
            }
            Self::Steps { waiting, .. } => {
                let size = if small { steps::Size::SMALL } else { steps::Size::FULL };
                vec![steps::run(options, steps::Size { waiting, ..size }).await?]
            }
            Self::Send { mail, messages, smtp_sink, .. } => {
                let size = if small { send::Size::SMALL } else { send::Size::FULL };
                let messages = messages.map_or(size.messages, |messages| messages as usize);
                send::run(options, send::Size { messages, ..size }, &mail.settings(smtp_sink)).await?.into()
            }
            Self::Latency { mail, rate, .. } => {
                let size = if small { latency::Size::SMALL } else { latency::Size::FULL };
                latency::run(options, latency::Size { rate, ..size }, &mail.settings(None)).await?.into()
            }
            Self::Life { mail, lives, smtp_sink, .. } => {
                let size = if small { life::Size::SMALL } else { life::Size::FULL };
                let lives = lives.map_or(size.lives, |lives| lives as usize);
                vec![life::run(options, life::Size { lives, ..size }, &mail.settings(smtp_sink)).await?]
            }
        })
    }
}

impl Bench {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let json = self.which.common().json;
        let reports = doorway::with_server(config, &Waiting::new(PATIENCE), |options| async move {
            self.which.measure(&options).await
        })
        .await?;
        match (reports.as_slice(), json) {
            ([report], true) => println!("{}", report.json()),
            (reports, true) => {
                let reports: Vec<_> = reports.iter().map(Report::json).collect();
                println!("{}", serde_json::json!({ "reports": reports }));
            }
            (reports, false) => reports.iter().for_each(Report::print),
        }
        Ok(())
    }
}
