//! `journeyman suppressions`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use journeyman_api::bounces;
use journeyman_domain::ShopClock as _;
use journeyman_domain::plan::Channel;
use journeyman_store::suppressions::{self, Filter, Kind, Suppression};
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use super::{channel, minute};
use crate::config::Config;
use crate::{SystemClock, doorway, people};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// List addresses that are not written to, add one, take one back
///
/// An address stands here because somebody there unsubscribed or complained (which stops marketing), because mail to it
/// bounced, or by hand (which stop everything). It is asked as the last thing before a message leaves.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  journeyman suppressions                                      the latest 100\n  \
                  journeyman suppressions list --kind bounced --show --json\n  \
                  journeyman suppressions add --address ada@shop.example       nothing is sent there any more\n  \
                  journeyman suppressions add --address ada@shop.example --topic offers\n  \
                  journeyman suppressions remove --address ada@shop.example    whatever it was for"
)]
pub(super) struct Suppressions {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: List,
}

#[derive(Subcommand)]
enum What {
    List(List),
    Add(Add),
    Remove(Remove),
}

/// List them, the latest first
#[derive(Args)]
struct List {
    /// Only of this channel
    #[arg(long, value_parser = channel)]
    channel: Option<Channel>,
    /// Only this address
    #[arg(long)]
    address: Option<String>,
    /// Only for this reason
    #[arg(long, value_enum)]
    kind: Option<Word>,
    /// Only about this topic
    #[arg(long)]
    topic: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "ADDRESSES")]
    limit: usize,
    /// Show addresses whole
    #[arg(long)]
    show: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Never write there again
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman suppressions add --address ada@shop.example\n  \
                        journeyman suppressions add --channel sms --address +4915112345678 --json")]
struct Add {
    /// By which channel
    #[arg(long, value_parser = channel, default_value = "email")]
    channel: Channel,
    /// The address
    #[arg(long)]
    address: String,
    /// Only on this topic; on every one unless said
    #[arg(long)]
    topic: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Write there again
///
/// The person's own consent is another matter: who has unsubscribed has to subscribe again.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman suppressions remove --address ada@shop.example\n  \
                        journeyman suppressions remove --address ada@shop.example --kind bounced")]
struct Remove {
    /// By which channel
    #[arg(long, value_parser = channel, default_value = "email")]
    channel: Channel,
    /// The address
    #[arg(long)]
    address: String,
    /// Only what is about this topic
    #[arg(long)]
    topic: Option<String>,
    /// Only what is there for this reason
    #[arg(long, value_enum)]
    kind: Option<Word>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why an address stands here.
#[derive(Clone, Copy, ValueEnum)]
enum Word {
    Unsubscribed,
    Bounced,
    Complained,
    ByHand,
}

impl Word {
    fn kind(self) -> Kind {
        match self {
            Self::Unsubscribed => Kind::Unsubscribed,
            Self::Bounced => Kind::Bounced,
            Self::Complained => Kind::Complained,
            Self::ByHand => Kind::ByHand,
        }
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Unsubscribed => "unsubscribed",
        Kind::Bounced => "bounced",
        Kind::Complained => "complained",
        Kind::ByHand => "by-hand",
    }
}

impl Suppressions {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let what = self.what.unwrap_or(What::List(self.list));
        doorway::with_database(config, PATIENCE, |database| async move {
            match what {
                What::List(list) => list.run(&database.pool).await,
                What::Add(add) => add.run(&database.pool).await,
                What::Remove(remove) => remove.run(&database.pool).await,
            }
        })
        .await
    }
}

impl List {
    async fn run(self, pool: &PgPool) -> anyhow::Result<()> {
        let mut found = self.read(pool).await?;
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        if self.json {
            let list: Vec<Value> = found.iter().map(|one| told_as_json(one, self.show)).collect();
            println!("{}", json!({ "suppressions": list, "more": more }));
            return Ok(());
        }
        let mut told: String = found.iter().map(|one| told(one, self.show)).collect();
        told.push_str(&match found.len() {
            0 => "no address is suppressed\n".to_owned(),
            1 => "1 entry\n".to_owned(),
            count if more => format!("the latest {count}; there are more (--limit)\n"),
            count => format!("{count} entries\n"),
        });
        crate::diagnostics::print(&told);
        Ok(())
    }

    async fn read(&self, pool: &PgPool) -> anyhow::Result<Vec<Suppression>> {
        let kind = self.kind.map(Word::kind);
        let topic = |one: &Suppression| self.topic.is_none() || one.topic.as_deref() == self.topic.as_deref();
        let Some(address) = &self.address else {
            // A topic is looked for among all of them, since nothing else finds it; else one more tells of more.
            let limit = if self.topic.is_some() { i32::MAX as usize } else { self.limit.saturating_add(1) };
            let mut found = suppressions::list(pool, &Filter { channel: self.channel, kind, limit }).await?;
            found.retain(topic);
            return Ok(found);
        };
        let mut found = Vec::new();
        for channel in Channel::ALL {
            if self.channel.is_none_or(|only| only == channel) {
                found.extend(suppressions::of_address(pool, channel, address).await?);
            }
        }
        found.retain(|one| kind.is_none_or(|kind| one.kind == kind) && topic(one));
        Ok(found)
    }
}

impl Add {
    async fn run(self, pool: &PgPool) -> anyhow::Result<()> {
        let address = plain(&self.address)?;
        let suppression = Suppression {
            channel: self.channel,
            address: address.to_owned(),
            topic: self.topic.as_deref().map(Into::into),
            kind: Kind::ByHand,
            at: SystemClock.now(),
            event: None,
        };
        suppressions::add(pool, std::slice::from_ref(&suppression)).await?;
        if self.json {
            println!("{}", json!({ "added": told_as_json(&suppression, true) }));
        } else {
            let on = self.topic.map_or(String::new(), |topic| format!(" on {topic}"));
            println!("nothing{on} is sent to {address} by {} any more", self.channel);
        }
        Ok(())
    }
}

impl Remove {
    async fn run(self, pool: &PgPool) -> anyhow::Result<()> {
        let address = plain(&self.address)?;
        let mut there = suppressions::of_address(pool, self.channel, address).await?;
        there.retain(|one| {
            self.kind.is_none_or(|kind| one.kind == kind.kind())
                && (self.topic.is_none() || one.topic.as_deref() == self.topic.as_deref())
        });
        bounces::restore(pool, &there, SystemClock.now()).await?;
        let removed = there.len();
        if self.json {
            println!("{}", json!({ "removed": removed }));
            return Ok(());
        }
        match removed {
            0 => println!("there was nothing to remove"),
            _ => there.iter().for_each(|one| print!("removed: {}", told(one, true))),
        }
        Ok(())
    }
}

fn plain(address: &str) -> anyhow::Result<&str> {
    let address = address.trim();
    anyhow::ensure!(!address.is_empty(), "the address is empty");
    Ok(address)
}

fn told(one: &Suppression, whole: bool) -> String {
    let address = if whole { one.address.clone() } else { people::masked(&one.address) };
    let topic = one.topic.as_deref().unwrap_or("every topic");
    format!("{}  {:<8}  {:<12}  {topic:<16}  {address}\n", minute(one.at), one.channel.name(), word(one.kind))
}

fn told_as_json(one: &Suppression, whole: bool) -> Value {
    json!({
        "channel": one.channel.name(),
        "address": if whole { one.address.clone() } else { people::masked(&one.address) },
        "topic": one.topic,
        "kind": word(one.kind),
        "at": one.at.to_string(),
        "event": one.event.map(|event| event.to_string()),
    })
}
