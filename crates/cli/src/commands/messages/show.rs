//! `journeyman messages show`.

use anyhow::Context as _;
use clap::Args;
use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;
use journeyman_domain::template::{self, Data};
use journeyman_engine::deploy;
use journeyman_engine::outlet::Wordings;
use journeyman_render::Wording;
use journeyman_store::messages::{self, MessageRow};
use journeyman_store::{deployments, suppressions};
use serde_json::{Value, json};

use super::{PATIENCE, told_as_json};
use crate::commands::preview::{Page, Part, json as page_json};
use crate::commands::{self, cut, minute};
use crate::config::Config;
use crate::doorway::{self, Database};
use crate::shop::{Said, rendered};

/// Look at one message: what became of it, and its words once more
///
/// It is rendered again from what was fixed when it was queued and first sent, by the templates it was deployed with. Its
/// links lead where they lead and count nothing, so that nobody who looks clicks in the person's name.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman messages show msg_01993f7c1d2a7c3e8a5b6f0e1d2c3b4a\n  \
                  journeyman messages show msg_01993f7c1d2a7c3e8a5b6f0e1d2c3b4a --part html > mail.html")]
pub(super) struct Show {
    /// Which: msg_…
    #[arg(value_name = "MESSAGE", value_parser = commands::message)]
    message: MessageId,
    /// Only this of its words, and nothing else
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A message with its words, or why there are none.
struct Shown {
    row: MessageRow,
    suppressed: bool,
    said: Result<Said, String>,
}

impl Show {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let message = self.message;
        let shown = doorway::with_database(config, PATIENCE, |database| find(database, message)).await?;
        if self.json {
            println!("{}", shown.json());
            return Ok(());
        }
        let words = match (&shown.said, self.part) {
            (Ok(said), Some(part)) => Page::of(said).part(part),
            (Err(why), Some(_)) => anyhow::bail!("{message} has no words: {why}"),
            (Ok(said), None) => format!("{}\n{}", shown.facts(), Page::of(said).part(Part::Seen)),
            (Err(why), None) => format!("{}\nno words: {why}\n", shown.facts()),
        };
        crate::diagnostics::print(&words);
        Ok(())
    }
}

async fn find(database: Database, message: MessageId) -> anyhow::Result<Shown> {
    let pool = &database.pool;
    let row = messages::find(pool, message).await?;
    let row = row.with_context(|| format!("there is no message {message}"))?;
    let mut connection = pool.acquire().await.context("can't get a connection")?;
    let stored = deployments::load(&mut connection, row.deployment).await?;
    drop(connection);
    let address = &row.message.address;
    let suppressed = !suppressions::of_address(pool, row.message.channel, address).await?.is_empty();
    let said = words(&row, &stored);
    Ok(Shown { row, suppressed, said })
}

fn words(row: &MessageRow, stored: &[deployments::StoredSource]) -> Result<Said, String> {
    if row.deployment == 0 || row.message.data.is_empty() {
        return Err("a version without templates queued it".to_owned());
    }
    again(row, &deploy::wordings(stored)?)
}

/// A message's words once more, by the wordings of the deployment it was queued under.
///
/// # Errors
/// Why it has none, for people.
pub(in crate::commands) fn again(row: &MessageRow, wordings: &Wordings) -> Result<Said, String> {
    let message = &row.message;
    if message.channel == Channel::Call {
        return Err("a call has none".to_owned());
    }
    if message.data.is_empty() {
        return Err("a version without templates queued it".to_owned());
    }
    let Some(templates) = &wordings.templates else {
        return Err(format!("deployment {} has no templates", row.deployment));
    };
    let data: Data = serde_json::from_str(&message.data).map_err(|error| error.to_string())?;
    // One that was not tried yet has no moment of its own.
    let context = row.context.as_deref().and_then(|context| serde_json::from_str(context).ok());
    let context = context.unwrap_or(template::Context { at: message.queued_at, key: 0, base: None });
    let wording = Wording {
        message: message.message,
        person: message.person,
        channel: message.channel,
        template: &message.template,
        journey: &message.journey,
        step: &message.step,
        marketing: message.marketing,
        sender: message.sender.as_deref(),
        address: &message.address,
        data: &data,
        context: &context,
    };
    rendered(templates, &wordings.policies, &wording).map_err(|error| error.to_string())
}

impl Shown {
    fn facts(&self) -> String {
        let MessageRow { message, state, .. } = &self.row;
        let row = &self.row;
        let since = row.finished_at.map_or(String::new(), |at| format!(" since {}", minute(at)));
        let attempts = match row.attempts {
            0 => "not tried yet".to_owned(),
            1 => "tried once".to_owned(),
            many => format!("tried {many} times"),
        };
        let to = if message.channel == Channel::Inbox { "" } else { &message.address };
        let mut facts = vec![
            ("message", message.message.to_string()),
            ("state", format!("{state}{since}, {attempts}")),
            ("person", format!("{}, run {}", message.person, message.run)),
            ("of", format!("{}/{}, template {}", message.journey, message.step, message.template)),
            ("by", format!("{} {to}", message.channel).trim_end().to_owned()),
            ("queued", format!("{} under deployment {}", minute(message.queued_at), row.deployment)),
        ];
        facts.extend(row.not_before.map(|at| ("again", format!("not before {}", minute(at)))));
        facts.extend(row.reason.as_ref().map(|reason| ("reason", reason.clone())));
        facts.extend(row.provider_id.as_ref().map(|id| ("known as", id.clone())));
        if self.suppressed {
            facts.push((
                "address",
                "is suppressed by now: journeyman suppressions list --address …".to_owned(),
            ));
        }
        facts.iter().map(|(name, fact)| format!("{name:<8}  {}\n", cut(fact, 400))).collect()
    }

    fn json(&self) -> Value {
        let mut told = told_as_json(&self.row);
        if let Value::Object(fields) = &mut told {
            fields.insert("address".to_owned(), self.row.message.address.as_ref().into());
            fields.insert("suppressed".to_owned(), self.suppressed.into());
            let words = match &self.said {
                Ok(said) => page_json(said),
                Err(why) => json!({ "why_none": why }),
            };
            fields.insert("words".to_owned(), words);
        }
        told
    }
}
