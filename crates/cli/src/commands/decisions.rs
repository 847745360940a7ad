//! `journeyman decisions`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use journeyman_domain::decision::Choice;
use journeyman_domain::{ShopClock as _, ShopTime};
use journeyman_engine::models::REWARD_HOURS;
use journeyman_store::learning::{self, Exported, Filter};
use journeyman_store::{Limits, connect};
use serde_json::{Value, json};

use crate::SystemClock;
use crate::config::Config;
use crate::doorway::{self, Database};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the server may take to hand over all of it, milliseconds.
const STATEMENT_MS: u32 = 3_600_000;

/// The choices that were made, with what came of them
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman decisions export > decisions.csv\n  \
    journeyman decisions export --what channel --format ndjson --out channels.ndjson")]
pub(super) struct Decisions {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Export(Export),
}

/// Write choices with propensities and rewards, for evaluation elsewhere
///
/// One row for each choice: what could have been taken and how likely each was, what was taken, by which rule (`learned` from
/// snapshot N, `fixed`, or the simple rule because there was no model: `no_model`, `stale_model`), and its reward: 1 as soon as a
/// human clicked or the goal was reached, 0 when 72 hours are over without, empty before that and of who is held out.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman decisions export > decisions.csv\n  \
    journeyman decisions export --journey win-back --from 2026-10-01 --to 2026-11-01\n  \
    journeyman decisions export --what send_time --format ndjson --out hours.ndjson\n  \
    journeyman decisions export --what channel --json")]
struct Export {
    /// Only those made then or later: a date (UTC) or a moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    from: Option<ShopTime>,
    /// Only those made before
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    to: Option<ShopTime>,
    /// Only of this journey
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// Only of this kind: option, channel or send_time
    #[arg(long, value_parser = choice)]
    what: Option<Choice>,
    /// How rows are written
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Where to; standard output unless said
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Ndjson,
}

impl Decisions {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let What::Export(export) = self.what;
        doorway::with_database(config, PATIENCE, |database| async move { export.run(&database).await }).await
    }
}

impl Export {
    async fn run(&self, database: &Database) -> anyhow::Result<()> {
        if self.from.zip(self.to).is_some_and(|(from, to)| from >= to) {
            bail!("--from is not before --to: there is nothing between them");
        }
        let limits = Limits { statement_ms: STATEMENT_MS, connections: 1, ..Limits::REPORTS };
        let pool = connect(&database.options, limits);
        let mut connection = pool.acquire().await.context("can't get a connection")?;
        let filter = Filter { from: self.from, to: self.to, journey: self.journey.clone(), what: self.what };
        let to: Box<dyn Write> = match &self.out {
            Some(path) => {
                let made =
                    File::create(path).with_context(|| format!("--out: can't write {}", path.display()))?;
                Box::new(BufWriter::new(made))
            }
            None => Box::new(BufWriter::new(std::io::stdout())),
        };
        let mut rows = Rows::new(to, self);
        let mut failed = rows.begin().err();
        let span = ((REWARD_HOURS * 3600) as f64, SystemClock.now());
        learning::export(&mut connection, &filter, span, |row| {
            failed = failed.take().or_else(|| rows.row(&row).err());
            failed.is_none()
        })
        .await?;
        match failed.or_else(|| rows.end().err()) {
            None => {}
            // Who reads has read enough.
            Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            Some(error) => return Err(error).context("can't write the rows"),
        }
        if let Some(path) = &self.out {
            eprintln!("{} choices to {}", rows.count, path.display());
        }
        Ok(())
    }
}

/// The columns, in the order of the file.
const COLUMNS: [&str; 19] = [
    "at",
    "person",
    "journey",
    "run",
    "step",
    "visit",
    "what",
    "choice",
    "propensity",
    "options",
    "propensities",
    "rule",
    "snapshot",
    "features",
    "message",
    "reward",
    "clicked_at",
    "goal_at",
    "value",
];

/// Rows on their way out.
struct Rows {
    to: Box<dyn Write>,
    format: Option<Format>,
    count: usize,
}

impl Rows {
    fn new(to: Box<dyn Write>, export: &Export) -> Self {
        Self { to, format: (!export.json).then_some(export.format), count: 0 }
    }

    fn begin(&mut self) -> std::io::Result<()> {
        match self.format {
            Some(Format::Csv) => writeln!(self.to, "{}", COLUMNS.join(",")),
            Some(Format::Ndjson) => Ok(()),
            None => write!(self.to, "{{\"decisions\":["),
        }
    }

    fn row(&mut self, row: &Exported) -> std::io::Result<()> {
        let told = told(row);
        self.count += 1;
        match self.format {
            Some(Format::Csv) => {
                let mut line = csv::Writer::from_writer(Vec::new());
                line.write_record(COLUMNS.iter().map(|column| cell(&told[*column])))?;
                self.to.write_all(&line.into_inner().unwrap_or_default())
            }
            Some(Format::Ndjson) => writeln!(self.to, "{told}"),
            None => write!(self.to, "{}{told}", if self.count == 1 { "" } else { "," }),
        }
    }

    fn end(&mut self) -> std::io::Result<()> {
        if self.format.is_none() {
            writeln!(self.to, "]}}")?;
        }
        self.to.flush()
    }
}

/// A value in a cell: a list's elements with spaces between.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}

fn told(row: &Exported) -> Value {
    let decision = &row.decision;
    let place = decision.options.iter().position(|option| *option == decision.choice);
    let propensity = place.and_then(|nth| decision.propensities.get(nth));
    json!({
        "at": decision.at.to_string(),
        "person": decision.person.to_string(),
        "journey": decision.journey,
        "run": decision.run,
        "step": decision.step,
        "visit": decision.visit,
        "what": decision.what.name(),
        "choice": decision.choice,
        "propensity": propensity,
        "options": decision.options,
        "propensities": decision.propensities,
        "rule": decision.rule.name(),
        "snapshot": (decision.snapshot > 0).then_some(decision.snapshot),
        "features": serde_json::from_str::<Value>(&decision.features).unwrap_or(Value::Null),
        "message": decision.message.map(|message| message.to_string()),
        "reward": row.reward(),
        "clicked_at": row.clicked_at.map(|at| at.to_string()),
        "goal_at": row.goal_at.map(|at| at.to_string()),
        "value": row.value,
    })
}

fn choice(name: &str) -> Result<Choice, String> {
    name.parse().map_err(|()| {
        let known: Vec<&str> = Choice::ALL.iter().map(|choice| choice.name()).collect();
        format!("there are {}", known.join(", "))
    })
}

fn moment(text: &str) -> Result<ShopTime, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| day().map(|day| day.timestamp()));
    let at = at.ok_or("write a date such as 2026-10-01, or a moment such as 2026-10-01T08:00:00Z")?;
    Ok(ShopTime::new(at))
}
