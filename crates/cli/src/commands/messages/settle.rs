//! `journeyman messages settle`.

use clap::{Args, ValueEnum};
use journeyman_domain::{MessageId, ShopClock as _};
use journeyman_store::messages;
use serde_json::json;

use super::PATIENCE;
use crate::config::Config;
use crate::diagnostics::Told;
use crate::doorway::{self, Database};
use crate::{SystemClock, commands};

/// Say what became of messages of which nobody knows
///
/// Only of those that are `unknown`; ask the relay's log first. `sent` counts as accepted, `failed` as refused for good
/// (the step's `else` runs), `again` sends it once more: the person may then have it twice. The exit code is 1 where one
/// of them is not unknown; the others are settled.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman messages settle msg_01993f7c1d2a7c3e8a5b6f0e1d2c3b4a --as sent\n  \
                  journeyman messages settle msg_01993f7c1d2a7c3e8a5b6f0e1d2c3b4a --as again --json"
)]
pub(super) struct Settle {
    /// Which: msg_…
    #[arg(required = true, value_name = "MESSAGE", value_parser = commands::message)]
    messages: Vec<MessageId>,
    /// What became of them
    #[arg(long = "as", value_enum, value_name = "WHAT")]
    what: What,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// They arrived
    Sent,
    /// They never left, and are not to
    Failed,
    /// They are to be sent again
    Again,
}

/// A message, and whether it was settled; else what it is instead.
type Settled = (MessageId, Result<(), String>);

impl Settle {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (as_json, what) = (self.json, self.what);
        let settled = doorway::with_database(config, PATIENCE, |database| self.settle(database)).await?;
        let done = |(message, settled): &Settled| match settled {
            Ok(()) => json!({ "message": message.to_string(), "settled": true }),
            Err(why) => json!({ "message": message.to_string(), "settled": false, "why": why }),
        };
        if as_json {
            let settled: Vec<_> = settled.iter().map(done).collect();
            println!("{}", json!({ "as": what.word(), "messages": settled }));
        }
        for (message, settled) in settled.iter().filter(|_| !as_json) {
            match settled {
                Ok(()) => println!("{message} {}", what.done()),
                Err(why) => println!("{message} {why}; nothing was changed"),
            }
        }
        if settled.iter().all(|(_, settled)| settled.is_ok()) { Ok(()) } else { Err(Told.into()) }
    }

    async fn settle(self, database: Database) -> anyhow::Result<Vec<Settled>> {
        let mut settled = Vec::new();
        for message in self.messages {
            let now = SystemClock.now();
            let done = messages::settle(&database.pool, message, self.what.settle(), now).await?;
            let instead = match done {
                true => Ok(()),
                false => Err(match messages::find(&database.pool, message).await? {
                    Some(row) => format!("is {}, not unknown", row.state),
                    None => "is not here".to_owned(),
                }),
            };
            settled.push((message, instead));
        }
        Ok(settled)
    }
}

impl What {
    fn settle(self) -> messages::Settle {
        match self {
            Self::Sent => messages::Settle::Sent,
            Self::Failed => messages::Settle::Failed,
            Self::Again => messages::Settle::Again,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Again => "again",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Sent => "counts as sent",
            Self::Failed => "counts as failed",
            Self::Again => "waits to be sent again",
        }
    }
}
