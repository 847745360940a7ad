//! `journeyman backtest`.

mod feed;
mod goods;
mod past;
mod people;
mod report;
mod work;

pub(super) use past::{Past, of_person};
pub(super) use people::{Row, row};
pub(super) use report::{drawn, journey as tally_json, listed, reason_line, table};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_domain::plan::{Deployment, Plans, Status};
use journeyman_engine::deploy;
use journeyman_sim::backtest::Window;
use journeyman_store::options;
use sqlx::{ConnectOptions as _, Connection as _};

use self::goods::{Goods, Wanted};
use self::people::People;
use self::report::Report;
use super::import::Columns;
use crate::config::Config;
use crate::diagnostics::{self, Summary, Told};
use crate::doorway::{self, Database};
use crate::import::Plan;

/// The word for the configured database.
const DATABASE: &str = "database";
/// How long another database may take to answer.
const CONNECTED: Duration = Duration::from_secs(10);

/// Let journeys live through recorded history: who would have entered, what would have been sent
///
/// The events of a file or a database run through the same actor as in the daemon, under their own clock. Nothing is sent
/// and nothing is stored. A file needs no database; it is read as `import` reads it.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman backtest --events events.ndjson.gz\n  \
    journeyman backtest shop --events database --from 2026-10-01 --to 2026-11-01 --json\n  \
    journeyman backtest --events postgres://reader@db.example/shop --csv people.csv\n  \
    journeyman backtest --events orders.csv --set event=\"Order Completed\" --map userId=customer \\\n    \
    --map timestamp=t --map properties.revenue:number=total")]
pub(super) struct Backtest {
    /// The folder that holds journeyman.yaml, tracking.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// A file as `import` reads it, postgres://… , or `database` for the configured one
    #[arg(long, value_name = "FILE|URL|database")]
    events: String,
    /// From when on events are live; earlier ones build profiles and start nothing. A date is its midnight in the shop's zone
    #[arg(long, value_name = "MOMENT")]
    from: Option<String>,
    /// Until when, exclusive; until the last event unless said
    #[arg(long, value_name = "MOMENT")]
    to: Option<String>,
    /// What the shop sells, any file that `catalog import` reads; of a database its own catalog unless said
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The field of --catalog that says since when a line is so; one that does not say it holds from the beginning
    #[arg(long, value_name = "FIELD", requires = "catalog")]
    catalog_at: Option<String>,
    #[command(flatten)]
    columns: Columns,
    /// Everything that happens to everybody, one line each
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Where lines that can't be events go, with line and reason
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// How much of a file may be kept in memory
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(16..))]
    memory: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Backtest {
    pub(super) async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let deployment = checked(&self.dir)?;
        let zone = deployment.policies.zone.clone();
        let asked = Asked {
            from: self.from.as_deref().map(|text| moment(text, "--from", &zone)).transpose()?,
            to: self.to.as_deref().map(|text| moment(text, "--to", &zone)).transpose()?,
        };
        if asked.from.zip(asked.to).is_some_and(|(from, to)| from >= to) {
            bail!("--from is not before --to: there is nothing between them");
        }
        let report = match Source::of(&self.events) {
            Source::File(file) => self.of_file(deployment, asked, file).await?,
            source if !self.columns.is_empty() || self.rejects.is_some() => {
                bail!(
                    "--map, --set, --values, --delimiter and --rejects are for files, and {} is none",
                    source
                )
            }
            Source::Database => {
                // A signal ends it; nothing is written, whenever it comes.
                let config = Config::load(config)?;
                doorway::with_database(&config, Duration::from_secs(10), |database: Database| async move {
                    self.of_database(deployment, asked, &database.options).await
                })
                .await?
            }
            Source::Url(url) => {
                let options = options(url).context("--events")?;
                // What is wrong with it is said at once, and not after a pool's patience.
                let connecting = tokio::time::timeout(CONNECTED, options.connect()).await;
                let can_t = "--events: can't connect to that database";
                connecting.context(can_t)?.context(can_t)?.close().await?;
                self.of_database(deployment, asked, &options).await?
            }
        };
        diagnostics::print(&report);
        Ok(())
    }

    async fn of_file(&self, deployment: Deployment, asked: Asked, file: &str) -> anyhow::Result<String> {
        let zone = deployment.policies.zone.iana_name().unwrap_or("UTC").to_owned();
        let mapping = self.columns.mapping(&zone)?;
        let delimiter = self.columns.delimiter();
        let plan = Plan::new(PathBuf::from(file), "import".to_owned(), mapping, delimiter, None)?;
        let most = usize::try_from(self.memory).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        let (rejects, before) = (self.rejects.clone(), asked.to);
        let began = Instant::now();
        let base = deployment.policies.rates.base;
        let goods = self.goods(&deployment, most)?.unwrap_or_else(|| Goods::none(base));
        let most = most.saturating_sub(goods.bytes);
        let read = move || feed::read(&plan, rejects, before, most);
        let recorded = tokio::task::spawn_blocking(read).await??;
        self.lived(deployment, asked, Past::new(recorded, goods), began).await
    }

    async fn of_database(
        &self,
        deployment: Deployment,
        asked: Asked,
        options: &sqlx::postgres::PgConnectOptions,
    ) -> anyhow::Result<String> {
        let began = Instant::now();
        let most = usize::try_from(self.memory).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        let (goods, base) = (self.goods(&deployment, most)?, deployment.policies.rates.base);
        let past = Past::of_database(options, asked.last(), goods, base).await;
        let past = past
            .context("--events: can't read the events; is this a database of this version of journeyman?")?;
        self.lived(deployment, asked, past, began).await
    }

    /// The catalog of `--catalog`, where there is one.
    fn goods(&self, deployment: &Deployment, most: usize) -> anyhow::Result<Option<Goods>> {
        let Some(file) = &self.catalog else { return Ok(None) };
        let (policies, at) = (&deployment.policies, self.catalog_at.as_deref());
        let wanted = Wanted { file, at, zone: &policies.zone, most };
        Goods::of_file(&wanted, policies.rates.base).map(Some)
    }

    /// Lets everybody live, and says what came of it.
    async fn lived(
        &self,
        deployment: Deployment,
        asked: Asked,
        past: Past,
        began: Instant,
    ) -> anyhow::Result<String> {
        let read = began.elapsed();
        let (live, idle): (Vec<_>, Vec<_>) =
            deployment.plans.iter().partition(|plan| plan.status == Status::Live);
        let names = live.into_iter().map(|plan| plan.name.clone()).collect();
        let idle = idle.into_iter().map(|plan| plan.name.clone()).collect();
        let currency = deployment.policies.rates.base.code().to_owned();
        let plans = std::sync::Arc::new(Plans::new(deployment));
        let Past { recorded, goods } = &past;
        let span = recorded.span();
        // What people are told of happens to them too.
        let told = goods.last_told().filter(|_| plans.keeps_interest() && span.is_some());
        let until = asked.last().or(span.map(|(_, last)| last).max(told)).unwrap_or_default();
        let window = Window { from: asked.from, until };
        let people = self.csv.as_deref().map(People::create).transpose()?;
        let bar = past.bar("letting people live")?;
        let began = Instant::now();
        let came = past.live(&plans, window, people, &bar).await?;
        bar.finish_and_clear();
        let report = Report {
            names,
            idle,
            zone: plans.policies.zone.clone(),
            currency,
            from: asked.from.or(span.map(|(first, _)| first)),
            until,
            source: recorded.told(),
            unread: recorded.events().saturating_sub(came.events),
            rejected: recorded.rejected(),
            asks_of_products: plans.demands.products || plans.keeps_interest(),
            goods: goods.clone(),
            came,
            read,
            lived: began.elapsed(),
        };
        Ok(if self.json { format!("{}\n", report.json()) } else { report.text() })
    }
}

/// The journeys of a folder, checked.
///
/// # Errors
/// [`Told`] where there is an error in them: they have been drawn.
pub(super) fn checked(dir: &Path) -> anyhow::Result<Deployment> {
    let sources = diagnostics::read_folder(dir)?;
    // What production asks beyond this is asked by `check` and `apply`: nothing is sent here.
    let mut checked = deploy::check(&sources, false);
    let summary = Summary::new(&sources, &checked.diagnostics);
    match checked.deployment.take() {
        Some(deployment) if !summary.failed() => Ok(deployment),
        _ => {
            eprint!("{}", diagnostics::draw(&sources, &checked.diagnostics, diagnostics::in_colour()));
            eprintln!("{summary}; nothing was run");
            Err(Told.into())
        }
    }
}

/// The window asked for.
#[derive(Clone, Copy)]
struct Asked {
    from: Option<ShopTime>,
    /// Exclusive.
    to: Option<ShopTime>,
}

impl Asked {
    /// The last moment before its end.
    fn last(self) -> Option<ShopTime> {
        self.to.and_then(|to| ShopTime::from_microsecond(to.as_microsecond() - 1))
    }
}

/// Where events are.
enum Source<'a> {
    File(&'a str),
    Database,
    Url(&'a str),
}

impl<'a> Source<'a> {
    fn of(text: &'a str) -> Self {
        match text {
            DATABASE => Self::Database,
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => Self::Url(url),
            file => Self::File(file),
        }
    }
}

impl std::fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A URL may hold a password.
        f.write_str(match self {
            Self::File(file) => file,
            Self::Database | Self::Url(_) => "a database",
        })
    }
}

/// A moment as somebody writes it: with an offset or `Z`, or on the shop's clock; a date is its midnight there.
fn moment(text: &str, option: &str, zone: &TimeZone) -> anyhow::Result<ShopTime> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(ShopTime::new(at));
    }
    let civil = text.parse::<DateTime>().ok().and_then(|civil| civil.to_zoned(zone.clone()).ok());
    let at = civil.with_context(|| {
        format!("{option} {text}: write a date such as 2026-10-01, or a moment such as 2026-10-01T08:00")
    })?;
    Ok(ShopTime::new(at.timestamp()))
}
