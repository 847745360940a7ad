//! `journeyman simulate`.

mod report;
mod speaker;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::plan::{Plans, Status};
use journeyman_sim::shoppers::{DAY, Figures, Shoppers};
use journeyman_sim::simulate::{Came, Setting, simulate};

use self::report::Report;
use self::speaker::Speaker;
use super::backtest::checked;
use super::demo::{FIGURES, clock};
use crate::diagnostics;

/// Let journeys live with synthetic shoppers: what would be sent, and where journeys get in each other's way
///
/// The shoppers are those of `journeyman demo`, each alone with the actor of the daemon: what they are sent moves them, and what they
/// do then is heard. No database, no clock, nothing is sent. The same seed gives the same table, however many cores there are.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman simulate\n  journeyman simulate shop --users 100000 --days 1\n  \
    journeyman demo --figures > mine.yaml && journeyman simulate --shoppers mine.yaml --json\n\n\
    Exit codes: 0 done, 1 there are errors in the folder or in the figures."
)]
pub(super) struct Simulate {
    /// The folder that holds journeyman.yaml, tracking.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// How many shoppers there are
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    users: u32,
    /// How many days they live
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=90))]
    days: u32,
    /// What chance hangs on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How shoppers behave, a file as `journeyman demo --figures` prints it; without it that one
    #[arg(long, value_name = "FILE")]
    shoppers: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let deployment = checked(&self.dir)?;
        let names = deployment.plans.iter().filter(|plan| plan.status == Status::Live);
        let names = names.map(|plan| plan.name.clone()).collect();
        let currency = deployment.policies.rates.base.code().to_owned();
        let plans = Plans::new(deployment);
        let figures = self.figures()?;
        let began = Instant::now();
        let came = self.lived(&plans, &figures)?;
        let report = Report {
            names,
            currency,
            zone: plans.policies.zone.clone(),
            opens: clock::opening(&figures)?,
            size: (self.days, self.users, self.seed),
            came,
            took: began.elapsed(),
        };
        diagnostics::print(&if self.json { format!("{}\n", report.json()) } else { report.text() });
        Ok(())
    }

    fn figures(&self) -> anyhow::Result<Figures> {
        let Some(file) = &self.shoppers else {
            return serde_yaml::from_str(FIGURES).context("shoppers.yaml");
        };
        let text = std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        serde_yaml::from_str(&text)
            .with_context(|| format!("{}: write it as `journeyman demo --figures` prints it", file.display()))
    }

    /// A part of them on each core.
    fn lived(&self, plans: &Plans, figures: &Figures) -> anyhow::Result<Came> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let bar = bar(u64::from(self.days) * u64::from(DAY) * cores as u64)?;
        let parts = std::thread::scope(|scope| {
            let part = |nth: usize| {
                let bar = &bar;
                scope.spawn(move || self.part(plans, figures, (nth, cores), bar))
            };
            let parts: Vec<_> = (0..cores).map(part).collect();
            let joined = parts.into_iter().map(|part| {
                part.join().map_err(|_| anyhow!("a defect in this program: it could not simulate them"))?
            });
            joined.collect::<anyhow::Result<Vec<Came>>>()
        });
        bar.finish_and_clear();
        let mut all = Came::default();
        parts?.into_iter().for_each(|came| all.merge(came));
        Ok(all)
    }

    fn part(
        &self,
        plans: &Plans,
        figures: &Figures,
        (nth, of): (usize, usize),
        bar: &ProgressBar,
    ) -> anyhow::Result<Came> {
        let opens = clock::opening(figures)?;
        let users = usize::try_from(self.users)?;
        let file = self.shoppers.as_ref().map_or("shoppers.yaml".into(), |file| file.display().to_string());
        let shoppers = Shoppers::some(figures.clone(), self.seed, users, self.days, |who| who % of == nth);
        let shoppers = shoppers.with_context(|| file)?;
        let mut speaker = Speaker::new(&shoppers, self.seed, opens);
        let catalog = speaker.catalog(shoppers.shelf(), plans.policies.rates.base);
        let setting = Setting { plans, catalog: &catalog, opens };
        let shown = AtomicU32::new(0);
        Ok(simulate(setting, shoppers, &mut speaker, |step| {
            let before = shown.swap(step, Ordering::Relaxed);
            bar.inc(u64::from(step.saturating_sub(before)));
        }))
    }
}

fn bar(steps: u64) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(steps);
    bar.set_style(ProgressStyle::with_template("letting shoppers live\n{wide_bar} {percent} % {eta}")?);
    Ok(bar)
}
