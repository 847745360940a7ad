//! `journeyman learn run`, `models` and `rollback`: the models of this database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::ShopClock as _;
use journeyman_engine::{CHURN, Taught, Teacher};
use journeyman_store::models::{self, Model};
use journeyman_store::{Limits, installation};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::{cut, minute};
use super::LIMITS;
use crate::SystemClock;
use crate::config::Config;
use crate::doorway;

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many models are looked through.
const MODELS: usize = 1_000;
/// What a card's verdict begins with where its models were used.
const USED: &str = "used";

/// Fit the models to all purchases, and score everybody who has bought
///
/// The daemon does the same by its own rhythm. Whose scores have changed hears of it by an event; who has moved into
/// another churn band enters the journeys that begin on `Score Changed`.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman learn run\n  journeyman learn run --json")]
pub(super) struct Run {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List what was learned, the latest first
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman learn models\n  journeyman learn models --limit 3 --json")]
pub(super) struct Models {
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "MODELS")]
    limit: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Use an earlier fit again, or none
///
/// The next lesson is compared with the one that is used then. To keep it for good, stop learning (`learn: { every: never }`).
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman learn rollback churn            the fit used before\n  \
                        journeyman learn rollback churn --to 7\n  \
                        journeyman learn rollback churn --to none   score by silence alone")]
pub(super) struct Rollback {
    /// Which models
    name: String,
    /// The number of the fit, or `none`; the latest earlier one that was used unless said
    #[arg(long, value_name = "NUMBER|none", value_parser = target)]
    to: Option<Target>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is to be used.
#[derive(Clone, Copy)]
enum Target {
    Fit(i64),
    None,
}

fn target(text: &str) -> Result<Target, String> {
    match (text, text.parse()) {
        ("none", _) => Ok(Target::None),
        (_, Ok(number)) if number > 0 => Ok(Target::Fit(number)),
        _ => Err("write the number of a fit, or none".to_owned()),
    }
}

impl Run {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let every = config.learn_every.unwrap_or(Duration::from_secs(86_400));
        let environment = config.environment.name();
        let taught = doorway::with_database(config, PATIENCE, |database| async move {
            let guard = installation::guard(&database.pool, environment, SystemClock.now()).await?;
            anyhow::ensure!(guard.may_send(), "{guard}; nothing was changed");
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::with_template("{spinner} learning from every purchase")?);
            bar.enable_steady_tick(Duration::from_millis(200));
            let pool = journeyman_store::connect(&database.options, Limits { connections: 4, ..LIMITS });
            // Daemons look by themselves: nobody here to wake.
            let teacher = Teacher::new(pool.clone(), Arc::new(SystemClock), every, Arc::new(|_| {}));
            let taught = teacher.teach(true, &CancellationToken::new()).await;
            bar.finish_and_clear();
            pool.close().await;
            taught?.context("somebody else is learning at the moment; nothing was changed")
        })
        .await?;
        if self.json {
            println!("{}", serde_json::to_string(&taught)?);
        } else {
            print!("{}", told(&taught));
        }
        Ok(())
    }
}

fn told(taught: &Taught) -> String {
    let bands: Vec<String> = ["low", "medium", "high"]
        .iter()
        .map(|band| format!("{band} {}", taught.bands.get(band).copied().unwrap_or(0)))
        .collect();
    let mut out = format!(
        "{} customers scored by {}; {} of them heard of it\n",
        taught.customers, taught.by, taught.told
    );
    out.push_str(&format!("churn risk: {}\n{}\n", bands.join(", "), taught.why));
    if taught.unconverted > 0 {
        out.push_str(&format!(
            "{} amounts are in a currency without a rate and count as nothing\n",
            taught.unconverted
        ));
    }
    out
}

impl Models {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let limit = self.limit;
        let (list, last) = doorway::with_database(config, PATIENCE, |database| async move {
            let list = models::list(&database.pool, limit).await?;
            Ok((list, models::learned(&database.pool, CHURN).await?))
        })
        .await?;
        if self.json {
            let last = last.map(|(at, done)| json!({ "at": at.to_string(), "done": done }));
            println!(
                "{}",
                json!({ "models": list.iter().map(as_json).collect::<Vec<_>>(), "churn_last_learned": last })
            );
            return Ok(());
        }
        match &last {
            Some((at, done)) => {
                let word = |name: &str| done.get(name).and_then(Value::as_str).unwrap_or_default();
                println!("churn: scored {} by {}; {}", minute(*at), word("by"), cut(word("why"), 200));
            }
            None => println!("churn: nothing was learned yet; `journeyman learn run` does it now"),
        }
        if !list.is_empty() {
            println!("\n{}", table(&list));
        }
        Ok(())
    }
}

fn table(list: &[Model]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["model", "fit", "", "learned", "customers", "again", "MSE", "mean rate's", "verdict"]);
    for model in list {
        let number = |path: &str, places: usize| {
            let value = model.card.pointer(path).and_then(Value::as_f64);
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"))
        };
        let verdict = model.card.get("verdict").and_then(Value::as_str).unwrap_or_default();
        table.add_row([
            model.name.clone(),
            model.version.to_string(),
            if model.promoted { "*" } else { "" }.to_owned(),
            minute(model.fitted_at),
            number("/customers", 0),
            number("/repeat_customers", 0),
            number("/later_slice/mse", 3),
            number("/later_slice/mean_rate_mse", 3),
            cut(verdict.split(':').next().unwrap_or_default(), 12),
        ]);
    }
    for column in table.column_iter_mut().skip(4).take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn as_json(model: &Model) -> Value {
    json!({
        "name": model.name,
        "version": model.version,
        "promoted": model.promoted,
        "method": model.method,
        "fitted_at": model.fitted_at.to_string(),
        "parameters": model.parameters,
        "card": model.card,
    })
}

impl Rollback {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (name, to) = (self.name, self.to);
        let (name, before, now) = doorway::with_database(config, PATIENCE, |database| async move {
            let mut list = models::list(&database.pool, MODELS).await?;
            list.retain(|model| model.name == name);
            if list.is_empty() {
                bail!("there are no models called `{name}`; `journeyman learn models` lists what there is");
            }
            let before = list.iter().find(|model| model.promoted).map(|model| model.version);
            let earlier = list.iter().find(|model| {
                let verdict = model.card.get("verdict").and_then(Value::as_str).unwrap_or_default();
                before.is_some_and(|before| model.version < before) && verdict.starts_with(USED)
            });
            let now = match to {
                Some(Target::Fit(number)) => Some(number),
                Some(Target::None) => None,
                None => earlier.map(|model| model.version),
            };
            if !models::promote(&database.pool, &name, now).await? {
                bail!("`{name}` has no fit {}; nothing was changed", now.unwrap_or_default());
            }
            Ok((name, before, now))
        })
        .await?;
        if self.json {
            println!("{}", json!({ "name": name, "before": before, "now": now }));
            return Ok(());
        }
        let fit = |fit: Option<i64>| fit.map_or_else(|| "none".to_owned(), |fit| format!("fit {fit}"));
        println!("{name}: {} is used now, {} was; the next lesson goes by it", fit(now), fit(before));
        Ok(())
    }
}
