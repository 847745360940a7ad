//! `journeyman preview`.

mod all;
mod page;
mod person;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use journeyman_domain::plan::Channel;
use journeyman_domain::template::Data;
use journeyman_domain::{MessageId, PersonId, ShopClock as _, ShopTime};
use serde_json::Value;

use super::channel;
use crate::config::Config;
use crate::shop::{Said, Shop, Wanted};
use crate::{SystemClock, doorway};

pub(super) use page::{Page, Part, json};
use person::Somebody;

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// To whom a preview is addressed where nobody is named.
const NOBODY: &str = "somebody@example.com";

/// Show what a template says
///
/// Renders it from this folder with the sample of its template.yaml; with --person as somebody of the database would get it:
/// their traits, locale and zone, and their latest run of a journey that sends it. Links lead where they lead and count
/// nothing. On a terminal: the headers and the text; into a pipe: the HTML.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman preview cart-reminder\n  \
                        journeyman preview cart-reminder --locale de --out cart.html\n  \
                        journeyman preview cart-reminder --person ada --part all\n  \
                        journeyman preview cart-reminder --channel push --json\n  \
                        journeyman preview --all previews              every template in every locale")]
pub(super) struct Preview {
    /// The template's name
    #[arg(required_unless_present = "all")]
    template: Option<String>,
    /// The folder that holds journeyman.yaml and templates/
    #[arg(long, default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// On which channel; the first that it has words for unless said
    #[arg(long, value_parser = channel)]
    channel: Option<Channel>,
    /// In which locale of the shop; the person's, else the shop's first unless said
    #[arg(long)]
    locale: Option<String>,
    /// As they would get it: the shop's id of them, anonymous:ID, or person_N
    #[arg(long)]
    person: Option<String>,
    /// Variables that go before the sample's: one JSON object
    #[arg(long, value_name = "FILE", conflicts_with = "person")]
    data: Option<PathBuf>,
    /// What of it
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Write it to a file, or into a folder that is there
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write every template in every locale to this folder, with an index.html
    #[arg(long, value_name = "DIR", conflicts_with_all = ["template", "out", "person", "data", "part", "locale"])]
    all: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub(super) async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let shop = Shop::read(&self.dir)?;
        let now = SystemClock.now();
        if let Some(folder) = &self.all {
            return all::write(&shop, self.channel, folder, self.json, now);
        }
        let template = shop.named(self.template.as_deref().unwrap_or_default())?;
        let sample = self.sample(&shop, &template)?;
        let mut data = sample.clone();
        let (mut person, mut address, mut from_sample) = (PersonId(0), None, Vec::new());
        let channel = self.on(&shop, &template)?;
        if let Some(name) = &self.person {
            let somebody = look_up(config, name).await?;
            (data, from_sample) = somebody.fill(&shop, &template, &sample, now);
            (person, address) = (somebody.id(), somebody.address(channel));
        }
        if self.locale.is_some() {
            data.locale = sample.locale;
        }
        let wanted = Wanted {
            template: &template,
            message: message_of(now),
            person,
            address: address.as_deref().unwrap_or(NOBODY),
            sender: None,
        };
        let said = shop.said(&wanted, channel, &data, now)?;
        if !from_sample.is_empty() {
            eprintln!("from the sample, not of {}: {}", wanted_name(&self.person), from_sample.join(", "));
        }
        let page = Page::of(&said);
        if self.json {
            println!("{}", told_as_json(&template, channel, &said, &from_sample));
            return Ok(());
        }
        self.tell(&page, &template)
    }

    /// The template's sample, with what is given beside it, in the locale asked for.
    fn sample(&self, shop: &Shop, template: &str) -> anyhow::Result<Data> {
        let locales = &shop.policies.locales;
        let locale = match &self.locale {
            None => shop.policies.locale(),
            Some(asked) => {
                let known = locales.iter().find(|known| known.as_ref() == asked);
                known.cloned().with_context(|| {
                    format!("the shop does not speak `{asked}`; it speaks {}", locales.join(", "))
                })?
            }
        };
        let mut sample = shop.templates.sample(template, &locale).context("the template has no sample")?;
        let Some(file) = &self.data else { return Ok(sample) };
        let read = || format!("can't read {}", file.display());
        let text = std::fs::read_to_string(file).with_context(read)?;
        let given: Value = serde_json::from_str(&text).with_context(read)?;
        let Value::Object(given) = given else { bail!("{} is no JSON object", file.display()) };
        match &mut sample.vars {
            Value::Object(known) => known.extend(given),
            other => *other = Value::Object(given),
        }
        Ok(sample)
    }

    fn on(&self, shop: &Shop, template: &str) -> anyhow::Result<Channel> {
        let signature = shop.templates.signature(template);
        let known: Vec<Channel> =
            signature.into_iter().flat_map(|signature| &signature.channels).copied().collect();
        let Some(asked) = self.channel else {
            return known
                .first()
                .copied()
                .with_context(|| format!("{template} has no words for any channel"));
        };
        let names: Vec<&str> = known.iter().map(|known| known.name()).collect();
        ensure!(known.contains(&asked), "{template} has no words for {asked}; it has {}", names.join(", "));
        Ok(asked)
    }

    fn tell(&self, page: &Page, template: &str) -> anyhow::Result<()> {
        let Some(out) = &self.out else {
            let terminal = std::io::stdout().is_terminal();
            let part = self.part.unwrap_or(if terminal { Part::Seen } else { Part::Html });
            crate::diagnostics::print(&page.part(part));
            return Ok(());
        };
        let file = if out.is_dir() { out.join(format!("{template}.{}", page.ending())) } else { out.clone() };
        let text = file.extension().is_some_and(|ending| ending == "txt");
        let part = self.part.unwrap_or(if text { Part::Seen } else { Part::Html });
        std::fs::write(&file, page.part(part)).with_context(|| format!("can't write {}", file.display()))?;
        eprintln!("{}", file.display());
        Ok(())
    }
}

async fn look_up(config: Option<&Path>, name: &str) -> anyhow::Result<Somebody> {
    let config = Config::load(config)?;
    doorway::with_database(&config, PATIENCE, |database| async move {
        let mut connection = database.pool.acquire().await.context("can't get a connection")?;
        Somebody::find(&mut connection, name).await
    })
    .await
}

fn wanted_name(person: &Option<String>) -> &str {
    person.as_deref().unwrap_or("anybody")
}

/// A message that is none.
pub(super) fn message_of(now: ShopTime) -> MessageId {
    MessageId::new(PersonId(0), 0, now, "preview", 1, 1)
}

fn told_as_json(template: &str, channel: Channel, said: &Said, from_sample: &[String]) -> Value {
    let mut told = json(said);
    if let Value::Object(fields) = &mut told {
        fields.insert("template".to_owned(), template.into());
        fields.insert("channel".to_owned(), channel.name().into());
        fields.insert("from_sample".to_owned(), serde_json::json!(from_sample));
    }
    told
}
