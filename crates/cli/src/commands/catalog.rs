//! `journeyman catalog`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::ShopClock as _;
use journeyman_domain::catalog::Patch;
use journeyman_domain::value::Currency;
use journeyman_store::catalog::{self, ITEMS, Version};
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use super::minute;
use crate::SystemClock;
use crate::config::Config;
use crate::doorway;
use crate::feed::{Feed, Form};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the shop sells: import it, look at it
///
/// Journeys ask of it by `.product`, and tell people of prices that drop and of what is back in stock. Items also come by
/// POST /v1/catalog/items.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman catalog import products.ndjson\n  \
    journeyman catalog import google-feed.tsv.gz\n  \
    journeyman catalog import shopify-export.csv --currency EUR\n  \
    journeyman catalog import everything.csv --complete     withdraw what it does not name\n  \
    journeyman catalog show sku-1")]
pub(super) struct Catalog {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Read items from a file: NDJSON, a Google feed, a Shopify export, or a CSV of our own fields
    ///
    /// What a line names replaces what was known of the item, all else stays. To import a file again changes nothing.
    #[command(after_help = "Examples:\n  journeyman catalog import products.ndjson\n  \
        journeyman catalog import shopify-export.csv --currency EUR --json")]
    Import(Import),
    /// An item as it is now, and its prices and stock before
    #[command(
        after_help = "Examples:\n  journeyman catalog show sku-1\n  journeyman catalog show sku-1 --json"
    )]
    Show(Show),
}

#[derive(Args)]
struct Import {
    /// The file: .ndjson, .jsonl, .csv, .tsv, and .gz of these
    file: PathBuf,
    /// The currency of prices that name none; the shop's unless said
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency3>,
    /// The file is all that there is: withdraw what it does not name. Where a line can't be read, nothing is withdrawn
    #[arg(long)]
    complete: bool,
    /// Where lines that can't be items go, with line, field and reason; FILE.rejects.csv in this folder unless said
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// An ISO 4217 code.
#[derive(Clone)]
struct Currency3(String);

impl std::str::FromStr for Currency3 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known: Result<Currency, ()> = text.parse();
        known.map(|code| Self(code.to_string())).map_err(|()| "write an ISO 4217 code such as EUR".to_owned())
    }
}

#[derive(Args)]
struct Show {
    /// The item's product_id
    product: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Catalog {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self.what {
            What::Import(import) => import.run(config).await,
            What::Show(show) => show.run(config).await,
        }
    }
}

/// What was imported.
#[derive(Default)]
struct Summary {
    items: u64,
    changed: u64,
    unchanged: u64,
    rejected: u64,
    /// Items that the file did not name; `None` where that was not asked, or can't be told.
    withdrawn: Option<u64>,
}

impl Import {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let currency = self.currency.clone().map_or(config.currency.clone(), |code| code.0);
        let feed = Feed::open(&self.file, Some(&currency))?;
        let form = feed.form;
        let base = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rejects = self.rejects.clone().unwrap_or_else(|| PathBuf::from(format!("{base}.rejects.csv")));
        let mut rejects = Rejects { path: rejects, file: None };
        let began = Instant::now();
        let kept = &mut rejects;
        let complete = self.complete;
        let summary = doorway::with_database(config, PATIENCE, |database| async move {
            import(&database.pool, feed, kept, complete).await
        })
        .await?;
        let seconds = began.elapsed().as_secs_f64();
        self.tell(&summary, form, rejects.file.is_some().then_some(&rejects.path), seconds);
        Ok(())
    }

    fn tell(&self, summary: &Summary, form: Form, rejects: Option<&PathBuf>, seconds: f64) {
        let Summary { items, changed, unchanged, rejected, withdrawn } = summary;
        if self.json {
            let said = json!({
                "form": form.name(),
                "items": items,
                "changed": changed,
                "unchanged": unchanged,
                "rejected": rejected,
                "withdrawn": withdrawn,
                "seconds": seconds,
                "rejects": rejects,
            });
            println!("{said}");
            return;
        }
        println!(
            "{} of {}: {changed} changed, {unchanged} as they were, {rejected} rejected",
            count(*items),
            form.name()
        );
        match withdrawn {
            Some(withdrawn) => println!("withdrawn, since the file does not name them: {withdrawn}"),
            None if self.complete => println!(
                "nothing was withdrawn: a line that can't be read may name anything, and a file of nothing names nothing"
            ),
            None => {}
        }
        if let Some(path) = rejects {
            println!("rejects: {}", path.display());
        }
    }
}

fn count(items: u64) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}

async fn import(
    pool: &PgPool,
    mut feed: Feed,
    rejects: &mut Rejects,
    complete: bool,
) -> anyhow::Result<Summary> {
    let mut named: BTreeSet<Arc<str>> = BTreeSet::new();
    let style = ProgressStyle::with_template("{spinner} {pos} items ({per_sec})")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    let mut summary = Summary::default();
    loop {
        let (mut patches, mut lines): (Vec<Patch>, Vec<u64>) = (Vec::new(), Vec::new());
        let mut ended = true;
        while let Some((line, read)) = feed.next()? {
            summary.items += 1;
            match read {
                Ok(patch) => {
                    if complete {
                        named.insert(patch.id.clone());
                    }
                    patches.push(patch);
                    lines.push(line);
                }
                Err(fault) => {
                    summary.rejected += 1;
                    rejects.add(line, &fault.field, &fault.message)?;
                }
            }
            if patches.len() == ITEMS {
                ended = false;
                break;
            }
        }
        let done = catalog::change(pool, &patches, SystemClock.now()).await?;
        for (nth, fault) in &done.refused {
            summary.rejected += 1;
            rejects.add(lines.get(*nth).copied().unwrap_or_default(), &fault.field, &fault.message)?;
        }
        summary.changed += done.changed as u64;
        summary.unchanged += done.unchanged as u64;
        bar.set_position(summary.items);
        if ended {
            bar.finish_and_clear();
            if complete && summary.rejected == 0 && summary.items > 0 {
                summary.withdrawn = Some(withdraw_others(pool, &named).await?);
            }
            return Ok(summary);
        }
    }
}

/// Withdraws every item that is not among these; answers how many.
async fn withdraw_others(pool: &PgPool, named: &BTreeSet<Arc<str>>) -> anyhow::Result<u64> {
    let (mut after, mut withdrawn): (Arc<str>, u64) = ("".into(), 0);
    loop {
        let mut connection = pool.acquire().await.context("can't get a connection")?;
        let known = catalog::for_sale(&mut connection, &after, ITEMS).await?;
        drop(connection);
        let Some(last) = known.last().cloned() else { return Ok(withdrawn) };
        after = last;
        let gone: Vec<Patch> =
            known.into_iter().filter(|id| !named.contains(id)).map(Patch::withdraws).collect();
        if !gone.is_empty() {
            withdrawn += catalog::change(pool, &gone, SystemClock.now()).await?.changed as u64;
        }
    }
}

/// A file of rejects, made with the first.
struct Rejects {
    path: PathBuf,
    file: Option<csv::Writer<std::fs::File>>,
}

impl Rejects {
    fn add(&mut self, line: u64, field: &str, message: &str) -> anyhow::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = std::fs::File::create(&self.path)
                    .with_context(|| format!("can't write {}", self.path.display()))?;
                let file = none.insert(csv::Writer::from_writer(file));
                file.write_record(["line", "field", "reason"])?;
                file
            }
        };
        file.write_record([line.to_string().as_str(), field, message])?;
        file.flush()?;
        Ok(())
    }
}

impl Show {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let base: Currency = config.currency.parse().unwrap_or(Currency::EUR);
        let versions = doorway::with_database(config, PATIENCE, |database| async move {
            let mut connection = database.pool.acquire().await?;
            Ok(catalog::versions(&mut connection, &[self.product.as_str().into()]).await?)
        })
        .await?;
        let Some(latest) = versions.last() else { anyhow::bail!("there is no such item in the catalog") };
        if self.json {
            println!("{}", json!({ "product": told(latest, base), "history": history(&versions, base) }));
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        let view = latest.item.view(&latest.id, base);
        if let journeyman_domain::value::Value::Record(fields) = &view {
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_missing()) {
                writeln!(out, "{name:<16}  {}", super::cut(&words(value), 80))?;
            }
        }
        writeln!(out)?;
        for version in &versions {
            let price = version.item.selling(base).map_or("-".to_owned(), |price| price.to_string());
            let stock = version.item.stock().map_or("-".to_owned(), |stock| stock.to_string());
            writeln!(out, "{}  {price:>14}  stock {stock}", minute(version.at))?;
        }
        Ok(())
    }
}

fn words(value: &journeyman_domain::value::Value) -> String {
    use journeyman_domain::value::Value;
    match value {
        Value::Text(text) => text.to_string(),
        Value::Money(money) => money.to_string(),
        value => value.to_json().to_string(),
    }
}

fn told(version: &Version, base: Currency) -> Value {
    version.item.view(&version.id, base).to_json()
}

fn history(versions: &[Version], base: Currency) -> Vec<Value> {
    let one = |version: &Version| {
        json!({
            "at": version.at.to_string(),
            "number": version.number,
            "price": version.item.selling(base).map(|price| price.to_string()),
            "stock": version.item.stock(),
        })
    };
    versions.iter().map(one).collect()
}
