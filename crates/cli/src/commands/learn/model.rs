//! `journeyman learn run`, `models` and `rollback`: the models of this database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::ShopClock as _;
use journeyman_domain::decision::{Choice, Rule};
use journeyman_engine::models::REWARD_HOURS;
use journeyman_engine::{CHURN, Taught, Teacher};
use journeyman_learn::interval::wilson;
use journeyman_store::learning::{self, Came};
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
    for made in &taught.choices {
        let used = if made.promoted { "used" } else { "not used" };
        out.push_str(&format!("{} {}: made anew, {used}\n", made.name, made.snapshot));
    }
    out
}

impl Models {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let limit = self.limit;
        let (list, came, last) = doorway::with_database(config, PATIENCE, |database| async move {
            let list = models::list(&database.pool, limit).await?;
            // The whole log of choices is read.
            let pool = journeyman_store::connect(&database.options, Limits { connections: 1, ..LIMITS });
            let window = ((REWARD_HOURS * 3_600) as f64, SystemClock.now());
            let mut connection = pool.acquire().await?;
            let came = learning::came(&mut connection, window).await?;
            drop(connection);
            pool.close().await;
            Ok((list, Choices(came), models::learned(&database.pool, CHURN).await?))
        })
        .await?;
        if self.json {
            let last = last.map(|(at, done)| json!({ "at": at.to_string(), "done": done }));
            println!(
                "{}",
                json!({
                    "models": list.iter().map(|model| as_json(model, &came)).collect::<Vec<_>>(),
                    "without_model": {
                        Choice::Channel.name(): came.without_model(Choice::Channel).json(),
                        Choice::SendTime.name(): came.without_model(Choice::SendTime).json(),
                    },
                    "churn_last_learned": last,
                })
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
        for what in [Choice::Channel, Choice::SendTime] {
            let tally = came.without_model(what);
            if tally.decisions > 0 {
                println!("{}: {} choices without a model, {}", what.name(), tally.decisions, tally.text());
            }
        }
        if !list.is_empty() {
            println!("\n{}", table(&list, &came));
        }
        Ok(())
    }
}

/// What came of choices.
struct Choices(Vec<Came>);

/// How many choices, and what came of them.
#[derive(Clone, Copy, Default)]
struct Tally {
    decisions: u64,
    over: u64,
    rewarded: u64,
}

impl Choices {
    fn sum(&self, which: impl Fn(&Came) -> bool) -> Tally {
        self.0.iter().filter(|came| which(came)).fold(Tally::default(), |sum, came| Tally {
            decisions: sum.decisions + came.decisions,
            over: sum.over + came.over,
            rewarded: sum.rewarded + came.rewarded,
        })
    }

    /// Of those that a model made; `None` of one that makes none.
    fn of(&self, model: &Model) -> Option<Tally> {
        let what = Choice::ALL.into_iter().find(|what| what.name() == model.name)?;
        Some(
            self.sum(|came| {
                came.what == what && came.rule == Rule::Learned && came.snapshot == model.version
            }),
        )
    }

    fn without_model(&self, what: Choice) -> Tally {
        self.sum(|came| came.what == what && matches!(came.rule, Rule::NoModel | Rule::Stale))
    }
}

impl Tally {
    /// The share that was rewarded, with its interval of 95 %; the shares are 0 to 1.
    fn share(self) -> Option<(f64, f64, f64)> {
        let (low, high) = wilson(self.rewarded, self.over)?;
        Some((self.rewarded as f64 / self.over as f64, low, high))
    }

    fn text(self) -> String {
        match self.share() {
            Some((share, low, high)) => format!(
                "{:.1} % of {} rewarded ({:.1} to {:.1} %)",
                100.0 * share,
                self.over,
                100.0 * low,
                100.0 * high
            ),
            None if self.decisions > 0 => format!("no window of {REWARD_HOURS} h is over"),
            None => "none yet".to_owned(),
        }
    }

    fn json(self) -> Value {
        let share = self.share();
        json!({
            "decisions": self.decisions,
            "over": self.over,
            "rewarded": self.rewarded,
            "reward_rate": share.map(|(share, ..)| share),
            "reward_rate_95": share.map(|(_, low, high)| [low, high]),
        })
    }
}

/// What a model was made of, and how good it is, in the words of its kind.
fn figures(model: &Model, came: &Choices) -> (String, String) {
    let number = |path: &str| model.card.pointer(path).and_then(Value::as_f64);
    let count = |path: &str| number(path).map_or_else(|| "-".to_owned(), |count| format!("{count:.0}"));
    let Some(tally) = came.of(model) else {
        let made_of = format!("{} customers, {} again", count("/customers"), count("/repeat_customers"));
        let mse = number("/later_slice/mse").zip(number("/later_slice/mean_rate_mse"));
        let good = mse.map_or_else(
            || "-".to_owned(),
            |(ours, mean)| format!("MSE {ours:.3}, {mean:.3} of the mean rate"),
        );
        return (made_of, good);
    };
    let made_of = match number("/messages") {
        Some(messages) => format!("{messages:.0} messages, {} rewarded", count("/rewarded")),
        None => format!("{} people", count("/people")),
    };
    let foretold = number("/personal")
        .zip(number("/everyone"))
        .map(|(own, all)| format!("hours hit {:.1} %, one for all {:.1} %; ", 100.0 * own, 100.0 * all));
    (made_of, format!("{}{} choices: {}", foretold.unwrap_or_default(), tally.decisions, tally.text()))
}

fn table(list: &[Model], came: &Choices) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["model", "fit", "", "learned", "verdict", "made of", "how good"]);
    for model in list {
        let (made_of, good) = figures(model, came);
        let verdict = model.card.get("verdict").and_then(Value::as_str).unwrap_or_default();
        table.add_row([
            model.name.clone(),
            model.version.to_string(),
            if model.promoted { "*" } else { "" }.to_owned(),
            minute(model.fitted_at),
            cut(verdict.split(':').next().unwrap_or_default(), 12),
            made_of,
            good,
        ]);
    }
    table
}

fn as_json(model: &Model, came: &Choices) -> Value {
    json!({
        "choices": came.of(model).map(Tally::json),
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
