//! `journeyman messages`.

mod settle;
pub(super) mod show;

use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use journeyman_domain::plan::Channel;
use journeyman_store::messages::{self, Filter, MessageRow};
use journeyman_store::outbox::State;
use serde_json::{Value, json};

use super::{channel, cut, minute};
use crate::config::Config;
use crate::doorway::{self, Database};
use crate::people;

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// List messages, look at one, and say what became of those of which nobody knows
///
/// The newest first, by the start of their runs. A message is `unknown` where it may have left and nobody can say: a
/// process or a connection died between its first byte and the answer. `messages settle` says what became of it.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  journeyman messages                               the newest 100\n  \
                  journeyman messages --state unknown               those that wait for somebody to look\n  \
                  journeyman messages --person ada --channel email --json\n  \
                  journeyman messages show msg_01993f7c1d2a7c3e8a5b6f0e1d2c3b4a\n  \
                  journeyman messages settle msg_01993f7c1d2a7c3e8a5b6f0e1d2c3b4a --as sent"
)]
pub(super) struct Messages {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: List,
}

#[derive(Subcommand)]
enum What {
    Show(show::Show),
    Settle(settle::Settle),
}

#[derive(Args)]
struct List {
    /// Only in these: queued, started, held, unknown, accepted, rejected, cancelled, withheld
    #[arg(long, value_name = "STATE", value_parser = state, value_delimiter = ',')]
    state: Vec<State>,
    /// Only to them: the shop's id, anonymous:ID, or person_N
    #[arg(long)]
    person: Option<String>,
    /// Only by this channel
    #[arg(long, value_parser = channel)]
    channel: Option<Channel>,
    /// Only of this journey
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "MESSAGES")]
    limit: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn state(name: &str) -> Result<State, String> {
    let known = State::ALL.iter().find(|state| state.to_string() == name);
    known.copied().ok_or_else(|| {
        let known: Vec<String> = State::ALL.iter().map(ToString::to_string).collect();
        format!("there are {}", known.join(", "))
    })
}

impl Messages {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self.what {
            Some(What::Show(show)) => show.run(config).await,
            Some(What::Settle(settle)) => settle.run(config).await,
            None => self.list.run(config).await,
        }
    }
}

impl List {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (limit, as_json) = (self.limit, self.json);
        let found = doorway::with_database(config, PATIENCE, |database| self.read(database)).await?;
        let more = found.len() > limit;
        let found = found.get(..limit).unwrap_or(&found);
        if as_json {
            let messages: Vec<Value> = found.iter().map(told_as_json).collect();
            println!("{}", json!({ "messages": messages, "more": more }));
            return Ok(());
        }
        let mut told: String = found.iter().map(told).collect();
        told.push_str(&match found.len() {
            0 => "no such message\n".to_owned(),
            1 => "1 message\n".to_owned(),
            count if more => format!("the newest {count}; there are more (--limit)\n"),
            count => format!("{count} messages\n"),
        });
        crate::diagnostics::print(&told);
        Ok(())
    }

    async fn read(self, database: Database) -> anyhow::Result<Vec<MessageRow>> {
        let person = match &self.person {
            Some(name) => {
                let mut connection = database.pool.acquire().await.context("can't get a connection")?;
                Some(people::find(&mut connection, name).await?)
            }
            None => None,
        };
        // One more than asked for tells whether there are more.
        let limit = self.limit.saturating_add(1);
        let filter = Filter {
            states: self.state,
            person,
            channel: self.channel,
            journey: self.journey,
            before: None,
            limit,
        };
        Ok(messages::list(&database.pool, &filter).await?)
    }
}

/// A line of at most 100 columns, and another with why where there is a reason.
fn told(row: &MessageRow) -> String {
    let message = &row.message;
    let of = cut(&format!("{}/{}", message.journey, message.step), 22);
    let (id, channel) = (message.message.to_string(), message.channel.name());
    let state = row.state.to_string();
    let mut told = format!("{id}  {state:<9}  {channel:<8}  {}  {of}\n", minute(message.queued_at));
    let again = row.not_before.map(|at| format!("again at {}", minute(at)));
    let why: Vec<String> = again.into_iter().chain(row.reason.clone()).collect();
    if !why.is_empty() {
        told.push_str(&format!("    {}\n", cut(&why.join(": "), 96)));
    }
    told
}

fn told_as_json(row: &MessageRow) -> Value {
    let message = &row.message;
    json!({
        "message": message.message.to_string(),
        "state": row.state.to_string(),
        "reason": row.reason,
        "channel": message.channel.name(),
        "address": people::masked(&message.address),
        "sender": message.sender,
        "person": message.person.to_string(),
        "journey": message.journey,
        "run": message.run,
        "step": message.step,
        "template": message.template,
        "marketing": message.marketing,
        "topic": message.topic,
        "queued_at": message.queued_at.to_string(),
        "not_before": row.not_before.map(|at| at.to_string()),
        "finished_at": row.finished_at.map(|at| at.to_string()),
        "attempts": row.attempts,
        "provider_id": row.provider_id,
        "deployment": row.deployment,
    })
}

#[cfg(test)]
mod tests {
    use journeyman_domain::row::QueuedRow;
    use journeyman_domain::{MessageId, PersonId, ShopTime};

    use super::*;

    fn row(state: State, reason: Option<&str>) -> MessageRow {
        let at = ShopTime::from_millisecond(1_700_000_000_000).unwrap();
        let message = QueuedRow {
            message: MessageId::new(PersonId(7), 1, at, "nudge", 1, 1),
            person: PersonId(7),
            run: 1,
            journey: "a-journey-with-a-long-name".into(),
            step: "nudge".into(),
            visit: 1,
            leg: 1,
            channel: Channel::Whatsapp,
            address: "+4915112345678".into(),
            template: "cart".into(),
            marketing: true,
            topic: None,
            sender: None,
            data: "".into(),
            queued_at: at,
        };
        MessageRow {
            message,
            state,
            deployment: 1,
            context: None,
            provider_id: None,
            not_before: reason.map(|_| at),
            finished_at: None,
            attempts: 1,
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn a_message_is_a_line_of_a_hundred_columns_and_names_nobody() {
        let long = "421 4.7.0 ".repeat(20);
        let told = told(&row(State::Cancelled, Some(&long)));
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
        assert!(told.contains("  cancelled  whatsapp  2023-11-14 22:13Z  a-journey-with-a-long"), "{told}");
        assert!(told.contains("\n    again at 2023-11-14 22:13Z: 421 4.7.0"), "{told}");
        let json = told_as_json(&row(State::Unknown, None));
        assert_eq!((&json["address"], &json["state"]), (&"•••78".into(), &"unknown".into()));
    }

    #[test]
    fn a_state_is_a_word_that_exists() {
        assert_eq!(state("unknown"), Ok(State::Unknown));
        assert!(state("Unknown").unwrap_err().starts_with("there are queued, started"));
    }
}
