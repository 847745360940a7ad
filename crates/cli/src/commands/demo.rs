//! `journeyman demo`: the shipped journeys, a simulated shop, and the daemon between them.

mod browser;
mod checker;
pub(super) mod clock;
mod compare;
mod house;
mod interval;
mod letter;
mod life;
mod outcome;
mod phones;
pub(super) mod shipped;
mod sink;
pub(super) mod table;
pub(super) mod voice;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_sim::shoppers::{DAY, Figures, Shoppers};
use journeyman_store::own_database;
use sqlx::ConnectOptions as _;
use tokio_util::sync::CancellationToken;

use self::compare::Compared;
use self::house::House;
use self::life::Life;
use self::outcome::Outcome;
use self::shipped::Choices;
use self::voice::Voice;
use crate::config::Config;
use crate::doorway::{self, Stop, Waiting};

/// How the shoppers behave, each figure with its source.
pub(super) const FIGURES: &str = include_str!("../../data/shoppers.yaml");
/// With how many seeds learned choices are compared with fixed ones.
const SEEDS: u32 = 5;
/// How a database says that it may be replaced.
const MARK: &str = "made by journeyman demo, which replaces it when it runs again";

/// Let a simulated shop live: the shipped journeys, the daemon, and shoppers who act through its doors
///
/// Makes a database of its own beside the configured one (the demo before it is replaced, nothing else is touched), puts the
/// shipped journeys live, and moves the shop's time in steps of 5 minutes while shoppers browse, order and read their mail.
/// Messages go to a mail server and to providers inside this program and nowhere else. The same seed gives the same table.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman demo\n  journeyman demo --headless --days 3 --users 300\n  \
                        journeyman demo --seed 7 --headless --json\n  journeyman demo --compare --seeds 8\n\n\
                        How shoppers behave, with the source of each figure: journeyman demo --figures")]
pub(super) struct Demo {
    /// How many days the shop lives; 14 unless said
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=90))]
    days: Option<u32>,
    /// How many shoppers there are; 2000 unless said, to compare 600
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: Option<u32>,
    /// What chance hangs on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let the same shoppers live twice for each of several seeds, with learned and with fixed choices, and compare
    #[arg(long)]
    compare: bool,
    /// How many seeds to compare with, from --seed on, 2 to 30; 5 unless said
    #[arg(long, requires = "compare", value_name = "N")]
    seeds: Option<u32>,
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
        let seeds = self.seeds()?;
        let mut stop = Stop::listen()?;
        let waiting = Waiting::new(Duration::from_secs(60));
        let found = tokio::select! {
            found = doorway::find(config, &waiting) => found?,
            name = stop.wait() => anyhow::bail!("stopped by {name}"),
        };
        eprintln!("{}", found.why());
        let done = match self.compare {
            true => Box::pin(self.compares(seeds, config, &found, &waiting, &mut stop)).await,
            false => Box::pin(self.with_server(config, &found, &waiting, &mut stop)).await,
        };
        found.stop().await?;
        done
    }

    fn size(&self) -> (u32, u32) {
        let users = if self.compare { 600 } else { 2_000 };
        (self.days.unwrap_or(14), self.users.unwrap_or(users))
    }

    /// The seeds to compare with; one where there is nothing to compare.
    fn seeds(&self) -> anyhow::Result<std::ops::Range<u64>> {
        let count = if self.compare { self.seeds.unwrap_or(SEEDS) } else { 1 };
        anyhow::ensure!(
            !self.compare || (2..=compare::MOST_SEEDS).contains(&count),
            "--seeds {count}: an interval is made of 2 to {} seeds; of one nothing is known of how much chance does",
            compare::MOST_SEEDS
        );
        let end = self.seed.checked_add(u64::from(count));
        Ok(self.seed..end.context("--seed is too large: there are not so many behind it")?)
    }

    async fn with_server(
        &self,
        config: &Config,
        found: &crate::postgres::Found,
        waiting: &Waiting,
        stop: &mut Stop,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let (days, users) = self.size();
        let ports = if self.headless { house::Ports::Any } else { house::Ports::Of(config) };
        let bar = bar(days, 1)?;
        let (halt, life) = (CancellationToken::new(), (self.seed, Choices::Learned));
        let lived = self.lives(life, ports, config, (found, waiting), &halt, &bar);
        let (house, outcome) = Box::pin(until_stopped(stop, &halt, lived)).await?;
        bar.finish_and_clear();
        let wall = began.elapsed();
        if self.json {
            println!("{}", outcome.json(wall));
        } else {
            print!("{}", table::drawn(&outcome, days, users, self.seed, wall));
        }
        if !self.headless {
            self.serve_on(&house, found, stop).await;
        }
        house.close().await
    }

    /// The same shoppers twice for each seed.
    async fn compares(
        &self,
        seeds: std::ops::Range<u64>,
        config: &Config,
        found: &crate::postgres::Found,
        waiting: &Waiting,
        stop: &mut Stop,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let size = self.size();
        let mut compared = Compared::new(size, seeds.clone());
        let bar = bar(size.0, seeds.end - seeds.start)?;
        for seed in seeds {
            bar.set_prefix(format!("seed {seed}"));
            // At once: each waits for its database most of the time.
            let halt = CancellationToken::new();
            let lived = [Choices::Learned, Choices::Fixed].map(|choices| {
                let (life, found, bar, halt) = ((seed, choices), (found, waiting), &bar, &halt);
                async move {
                    let (house, outcome) =
                        self.lives(life, house::Ports::Any, config, found, halt, bar).await?;
                    house.close().await?;
                    Ok((choices, outcome))
                }
            });
            let all = async { futures::future::join_all(lived).await.into_iter().collect() };
            let lived: Vec<(Choices, Outcome)> = Box::pin(until_stopped(stop, &halt, all)).await?;
            lived.iter().for_each(|(choices, outcome)| compared.add(*choices, outcome));
            if bar.is_hidden() {
                eprintln!("seed {seed} is done, {:.0} s", began.elapsed().as_secs_f64());
            }
        }
        bar.finish_and_clear();
        let wall = began.elapsed();
        if self.json {
            println!("{}", compared.json(wall)?);
        } else {
            print!("{}", compared.drawn(wall)?);
        }
        Ok(())
    }

    /// One life of a shop, to its end: the house is open still.
    async fn lives(
        &self,
        (seed, choices): (u64, Choices),
        ports: house::Ports<'_>,
        config: &Config,
        (found, waiting): (&crate::postgres::Found, &Waiting),
        halt: &CancellationToken,
        bar: &ProgressBar,
    ) -> anyhow::Result<(House, Outcome)> {
        let figures: Figures = serde_yaml::from_str(FIGURES).context("shoppers.yaml")?;
        let opens = clock::opening(&figures)?;
        let (days, users) = self.size();
        let shoppers = Shoppers::new(figures, seed, users as usize, days);
        let mut shoppers = shoppers.context("shoppers.yaml")?;
        let voice = Voice::new(&shoppers, seed);
        let made = async {
            let database = match choices {
                Choices::Learned => self.database.clone(),
                Choices::Fixed => format!("{}_fixed", self.database),
            };
            let options = own_database::replace(&found.options(), &database, MARK).await?;
            let database = doorway::open(&options, waiting).await?;
            House::open(config, database, opens, ports, voice.addresses()).await
        };
        let house = tokio::select! {
            house = made => house?,
            () = halt.cancelled() => anyhow::bail!("stopped"),
        };
        let mut life = Life::new(&house, &mut shoppers, voice, bar.clone());
        let lived = tokio::select! {
            lived = life.live(choices) => lived,
            () = halt.cancelled() => Err(anyhow::anyhow!("stopped")),
        };
        let told = match lived {
            Ok(()) => outcome::read(&house, &life.done).await,
            Err(error) => Err(error),
        };
        match told {
            Ok(outcome) => Ok((house, outcome)),
            Err(error) => {
                bar.finish_and_clear();
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
}

/// What is lived, until it is over or somebody stops it: then it ends what it has open, and that is said.
async fn until_stopped<T>(
    stop: &mut Stop,
    halt: &CancellationToken,
    lived: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut lived = std::pin::pin!(lived);
    let name = tokio::select! {
        lived = &mut lived => return lived,
        name = stop.wait() => name,
    };
    halt.cancel();
    let _ = lived.await;
    anyhow::bail!("stopped by {name}")
}

/// A bar for so many days, lived twice for each of so many seeds to compare.
fn bar(days: u32, seeds: u64) -> anyhow::Result<ProgressBar> {
    let lives = if seeds > 1 { 2 * seeds } else { 1 };
    let bar = ProgressBar::new(lives * u64::from(days) * u64::from(DAY));
    bar.set_style(ProgressStyle::with_template(
        "{prefix}{msg:>12}  {wide_bar} {percent:>3}%  {elapsed}, {eta} left",
    )?);
    Ok(bar)
}
