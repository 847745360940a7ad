//! `journeyman demo`: the shipped journeys, a simulated shop, and the daemon between them.

mod browser;
mod checker;
mod clock;
mod house;
mod interval;
mod letter;
mod life;
mod outcome;
mod shipped;
mod sink;
mod table;
mod voice;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_sim::shoppers::{DAY, Figures, Shoppers};
use journeyman_store::own_database;
use sqlx::ConnectOptions as _;

use self::house::House;
use self::life::Life;
use self::voice::Voice;
use crate::config::Config;
use crate::doorway::{self, Stop, Waiting};

/// How the shoppers behave, each figure with its source.
const FIGURES: &str = include_str!("../../data/shoppers.yaml");
/// How a database says that it may be replaced.
const MARK: &str = "made by journeyman demo, which replaces it when it runs again";

/// Let a simulated shop live: the shipped journeys, the daemon, and shoppers who act through its doors
///
/// Makes a database of its own beside the configured one (the demo before it is replaced, nothing else is touched), puts the
/// shipped journeys live, and moves the shop's time in steps of 5 minutes while shoppers browse, order and read their mail.
/// Mail goes to a server inside this program and nowhere else. The same seed gives the same table.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman demo\n  journeyman demo --headless --days 3 --users 300\n  \
                        journeyman demo --seed 7 --headless --json\n\n\
                        How shoppers behave, with the source of each figure: journeyman demo --figures")]
pub(super) struct Demo {
    /// How many days the shop lives
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
    /// How many shoppers there are
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: u32,
    /// What chance hangs on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after the table, instead of serving on
    #[arg(long)]
    headless: bool,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// The database it makes, on the configured server
    #[arg(long, default_value = "journeyman_demo", value_name = "NAME")]
    database: String,
    /// Print how the shoppers behave, and end
    #[arg(long)]
    figures: bool,
}

impl Demo {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        if self.figures {
            print!("{FIGURES}");
            return Ok(());
        }
        let mut stop = Stop::listen()?;
        let waiting = Waiting::new(Duration::from_secs(60));
        let found = tokio::select! {
            found = doorway::find(config, &waiting) => found?,
            name = stop.wait() => anyhow::bail!("stopped by {name}"),
        };
        eprintln!("{}", found.why());
        let done = Box::pin(self.with_server(config, &found, &waiting, &mut stop)).await;
        found.stop().await?;
        done
    }

    async fn with_server(
        &self,
        config: &Config,
        found: &crate::postgres::Found,
        waiting: &Waiting,
        stop: &mut Stop,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let figures: Figures = serde_yaml::from_str(FIGURES).context("shoppers.yaml")?;
        let opens = clock::opening(&figures)?;
        let shoppers = Shoppers::new(figures, self.seed, self.users as usize, self.days);
        let mut shoppers = shoppers.context("shoppers.yaml")?;
        let made = async {
            let options = own_database::replace(&found.options(), &self.database, MARK).await?;
            let database = doorway::open(&options, waiting).await?;
            let ports = if self.headless { house::Ports::Any } else { house::Ports::Of(config) };
            House::open(config, database, opens, ports).await
        };
        let house = tokio::select! {
            house = made => house?,
            name = stop.wait() => anyhow::bail!("stopped by {name}"),
        };
        let bar = self.bar()?;
        let voice = Voice::new(shoppers.figures(), self.seed);
        let mut life = Life::new(&house, &mut shoppers, voice, bar.clone());
        let lived = tokio::select! {
            lived = life.live() => lived,
            name = stop.wait() => Err(anyhow::anyhow!("stopped by {name}")),
        };
        bar.finish_and_clear();
        let told = match lived {
            Ok(()) => outcome::read(&house, &life.done).await,
            Err(error) => Err(error),
        };
        match told {
            Ok(outcome) => {
                let wall = began.elapsed();
                if self.json {
                    println!("{}", outcome.json(wall));
                } else {
                    print!("{}", table::drawn(&outcome, self.days, self.users, self.seed, wall));
                }
                if !self.headless {
                    self.serve_on(&house, found, stop).await;
                }
                house.close().await
            }
            Err(error) => {
                house.close().await?;
                Err(error)
            }
        }
    }

    /// The shop goes on with the wall's clock, from where it stands: whoever looks at it finds the daemon that did it all.
    async fn serve_on(&self, house: &House, found: &crate::postgres::Found, stop: &mut Stop) {
        house.clock.let_run();
        eprintln!();
        eprintln!("the shop goes on; look at it: http://{}/", house.private);
        eprintln!("its door:  http://{} (write key: {})", house.public, crate::config::DEV_KEY);
        eprintln!("its database, {}, stays until the next demo", self.database);
        // A given URL may hold a password; whoever gave it knows it.
        if found.postmaster_pid().is_some() {
            let url = found.options().database(&self.database).to_url_lossy();
            eprintln!("look into it with DATABASE_URL='{url}'");
        }
        eprintln!("Ctrl-C ends it");
        let name = stop.wait().await;
        tracing::info!("{name}: ending");
    }

    fn bar(&self) -> anyhow::Result<ProgressBar> {
        let bar = ProgressBar::new(u64::from(self.days) * u64::from(DAY));
        bar.set_style(ProgressStyle::with_template(
            "{msg:>12}  {wide_bar} {percent:>3}%  {elapsed}, {eta} left",
        )?);
        Ok(bar)
    }
}
