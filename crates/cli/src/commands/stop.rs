//! `journeyman stop`.

use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::ShopClock as _;
use journeyman_domain::plan::Channel;
use journeyman_store::stops::{self, Scope};
use journeyman_store::{Error, deployments};
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use super::{channel, cut, minute};
use crate::SystemClock;
use crate::config::Config;
use crate::doorway::{self, Database};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest note, bytes.
const NOTE_BYTES: usize = 512;

/// Hold every message back that has not left yet
///
/// It holds from the moment it says so: of what the stop names nothing more leaves, what waits and what is queued later. What
/// had been handed to a provider before cannot be called back. Journeys go on meanwhile. `release` ends a stop and lets
/// leave what it held; `discard` throws that away, and what the stop meets until it is released.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  journeyman stop --all                          nothing leaves any more\n  \
                  journeyman stop --journey win-back --note 'wrong price'\n  \
                  journeyman stop --channel sms                  the provider is down\n  \
                  journeyman stop list                           what is stopped, and how much it holds\n  \
                  journeyman messages --state held               which messages\n  \
                  journeyman stop release 1                      they leave now\n  \
                  journeyman stop discard 1                      they never leave\n\n\
                  Exit codes: 0 done, 1 there is no such stop or journey, 2 wrongly called."
)]
pub(super) struct Stop {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    begin: Begin,
}

#[derive(Subcommand)]
enum What {
    List(List),
    Release(Release),
    Discard(Discard),
}

#[derive(Args)]
struct Begin {
    /// Of this journey
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// By this channel
    #[arg(long, value_parser = channel)]
    channel: Option<Channel>,
    /// All of them
    #[arg(long, conflicts_with_all = ["journey", "channel"])]
    all: bool,
    /// Why, for whoever reads it later
    #[arg(long, default_value = "")]
    note: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is stopped, and how many messages each stop holds
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman stop list\n  journeyman stop list --json")]
struct List {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// End a stop: what it held leaves, as fast as rates allow
///
/// What another stop holds too stays where it is. It takes up to ten seconds until the first leaves.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman stop list\n  journeyman stop release 1")]
struct Release {
    /// Its number
    #[arg(value_name = "STOP")]
    id: i64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Throw away what a stop holds
///
/// Those messages are cancelled, with the reason `stopped`; their journeys hear that they were not sent (a step's `else` runs). Until it
/// is released the stop throws away what it meets, such as the same message by the next channel.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman stop discard 1\n  journeyman stop release 1          when all is well again"
)]
struct Discard {
    /// Its number
    #[arg(value_name = "STOP")]
    id: i64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Stop {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        doorway::with_database(config, PATIENCE, |Database { pool, .. }| async move {
            match self.what {
                None => self.begin.run(&pool).await,
                Some(What::List(list)) => list.run(&pool).await,
                Some(What::Release(release)) => release.run(&pool).await,
                Some(What::Discard(discard)) => discard.run(&pool).await,
            }
        })
        .await
    }
}

impl Begin {
    async fn run(self, pool: &PgPool) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.all || self.journey.is_some() || self.channel.is_some(),
            "say what to stop: --journey NAME, --channel NAME or --all; `journeyman stop list` says what is stopped"
        );
        anyhow::ensure!(self.note.len() <= NOTE_BYTES, "a note has at most {NOTE_BYTES} bytes");
        if let Some(journey) = &self.journey {
            known(pool, journey).await?;
        }
        let scope = Scope { journey: self.journey.as_deref().map(Into::into), channel: self.channel };
        let id = stops::begin_stop(pool, &scope, &self.note, SystemClock.now()).await?;
        if !self.json {
            println!("stop {id}: {} leaves any more", words(&scope));
        }
        let bar = counting("held")?;
        let held = stops::hold(pool, id, |held| bar.set_position(held)).await;
        bar.finish_and_clear();
        let held = held?;
        if self.json {
            println!("{}", json!({ "stop": id, "held": held }));
            return Ok(());
        }
        println!("{held} waiting messages are held; `journeyman stop release {id}` lets them go");
        Ok(())
    }
}

impl List {
    async fn run(self, pool: &PgPool) -> anyhow::Result<()> {
        let found = stops::list(pool).await?;
        if self.json {
            let list: Vec<Value> = found.iter().map(told_as_json).collect();
            println!("{}", json!({ "stops": list }));
            return Ok(());
        }
        let mut told: String = found.iter().map(told).collect();
        if found.is_empty() {
            told.push_str("nothing is stopped\n");
        }
        crate::diagnostics::print(&told);
        Ok(())
    }
}

impl Release {
    async fn run(self, pool: &PgPool) -> anyhow::Result<()> {
        let freed = there(self.id, stops::lift(pool, self.id).await)?;
        if self.json {
            println!("{}", json!({ "stop": self.id, "released": freed }));
        } else {
            println!("stop {} is over; {freed} messages may leave", self.id);
        }
        Ok(())
    }
}

impl Discard {
    async fn run(self, pool: &PgPool) -> anyhow::Result<()> {
        let bar = counting("discarded")?;
        let done = stops::discard(pool, self.id, SystemClock.now(), |over| bar.set_position(over)).await;
        bar.finish_and_clear();
        let over = there(self.id, done)?;
        if self.json {
            println!("{}", json!({ "stop": self.id, "discarded": over }));
            return Ok(());
        }
        println!(
            "{over} messages are thrown away; stop {} throws away what it meets until it is released",
            self.id
        );
        Ok(())
    }
}

fn there(id: i64, done: Result<Option<u64>, Error>) -> anyhow::Result<u64> {
    let missing = || anyhow::anyhow!("there is no stop {id}; `journeyman stop list` says which there are");
    done?.ok_or_else(missing)
}

fn counting(word: &str) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template(&format!("{{spinner}} {{pos}} messages {word}"))?);
    Ok(bar)
}

/// A slip of the pen would stop nothing, and look as if it had.
async fn known(pool: &PgPool, journey: &str) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?;
    let current = deployments::current(&mut connection).await?;
    let sources = deployments::load(&mut connection, current).await?;
    let journeys = journeyman_engine::deploy::journeys(&sources);
    if journeys.contains(journey) {
        return Ok(());
    }
    let known: Vec<&str> = journeys.into_iter().collect();
    anyhow::bail!("no journey `{journey}` is deployed; there are {}", cut(&known.join(", "), 400))
}

fn words(scope: &Scope) -> String {
    let of = scope.journey.as_ref().map(|journey| format!(" of {journey}"));
    let by = scope.channel.map(|channel| format!(" by {channel}"));
    format!("nothing{}{}", of.unwrap_or_default(), by.unwrap_or_default())
}

fn told(stop: &stops::Stop) -> String {
    let what = match stop.discards {
        true => "throws away what it meets".to_owned(),
        false => format!("holds {} messages", stop.held),
    };
    let scope = cut(&words(&stop.scope), 40);
    let mut told = format!("{:>4}  {}  {scope:<40}  {what}\n", stop.id, minute(stop.at));
    if !stop.note.is_empty() {
        told.push_str(&format!("      {}\n", cut(&stop.note, 94)));
    }
    told
}

fn told_as_json(stop: &stops::Stop) -> Value {
    json!({
        "stop": stop.id,
        "journey": stop.scope.journey,
        "channel": stop.scope.channel.map(Channel::name),
        "at": stop.at.to_string(),
        "note": stop.note,
        "discards": stop.discards,
        "held": stop.held,
    })
}

#[cfg(test)]
mod tests {
    use journeyman_domain::ShopTime;

    use super::*;

    #[test]
    fn a_stop_is_lines_of_a_hundred_columns() {
        let stop = stops::Stop {
            id: 12,
            scope: Scope {
                journey: Some("a-journey-whose-name-is-much-too-long".into()),
                channel: Some(Channel::Whatsapp),
            },
            at: ShopTime::from_millisecond(1_700_000_000_000).unwrap(),
            note: "wrong price ".repeat(20),
            discards: false,
            held: 1_234_567,
        };
        let told = told(&stop);
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
        assert!(told.contains("12  2023-11-14 22:13Z  nothing of a-journey-whose-name"), "{told}");
        assert_eq!(words(&Scope::default()), "nothing");
    }
}
