//! The shop that ships with the program: its policies, journeys and templates.

use std::collections::BTreeSet;

use anyhow::Context as _;
use journeyman_domain::ShopTime;
use journeyman_domain::plan::Deployment;
use journeyman_engine::apply::{Terms, apply};
use journeyman_engine::deploy;
use journeyman_journey::{Severity, Source};
use journeyman_store::deployments::Label;
use sqlx::postgres::PgPool;

/// Path and text of each file, as the build found them.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The files.
pub(in crate::commands) fn sources() -> Vec<Source> {
    let source = |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
    FILES.iter().map(source).collect()
}

/// How the journeys choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choices {
    /// As they are written: `best_of` and `at: best` are learned.
    Learned,
    /// As if nothing were learned: `best_of: [a, b]` is `channel: [a, b]`, `at: best` is `at: now`.
    Fixed,
}

/// The journeys that choose anything.
pub(super) fn choosing() -> BTreeSet<String> {
    let deployment = deploy::check(&sources(), false).deployment;
    let plans = deployment.into_iter().flat_map(|deployment| deployment.plans);
    plans.filter(|plan| plan.learned().next().is_some()).map(|plan| plan.name.to_string()).collect()
}

/// The files, with every choice of their journeys fixed: each stands on a line of its own there.
pub(super) fn fixed() -> Vec<Source> {
    let fix = |mut source: Source| {
        if source.path.starts_with("journeys/") {
            source.text = source.text.lines().flat_map(|line| [unlearned(line), "\n".to_owned()]).collect();
        }
        source
    };
    sources().into_iter().map(fix).collect()
}

/// A line of a journey without a learned choice.
fn unlearned(line: &str) -> String {
    let (before, key) = line.split_at(line.len() - line.trim_start_matches([' ', '-']).len());
    match (key.strip_prefix("best_of:"), key.strip_prefix("at: best")) {
        (Some(rest), _) => format!("{before}channel:{rest}"),
        (_, Some(rest)) if !rest.starts_with(|letter: char| letter.is_alphanumeric()) => {
            format!("{before}at: now{rest}")
        }
        _ => line.to_owned(),
    }
}

/// Puts them live.
///
/// # Errors
/// As `apply`'s; and where this program was built of files that are wrong.
pub(super) async fn put_live(
    pool: &PgPool,
    now: ShopTime,
    environment: &str,
    choices: Choices,
) -> anyhow::Result<()> {
    let sources = match choices {
        Choices::Learned => sources(),
        Choices::Fixed => fixed(),
    };
    let checked = deploy::check(&sources, false);
    let wrong = checked.diagnostics.iter().find(|found| found.severity == Severity::Error);
    anyhow::ensure!(
        wrong.is_none() && checked.deployment.is_some(),
        "the shop that ships with this program is wrong: {}",
        wrong.map(ToString::to_string).unwrap_or_default()
    );
    let learns =
        |deployment: &Deployment| deployment.plans.iter().any(|plan| plan.learned().next().is_some());
    anyhow::ensure!(
        choices == Choices::Learned || !checked.deployment.as_ref().is_some_and(learns),
        "a choice of the shipped journeys is written so that it can't be fixed here"
    );
    let label = Label { at: now, note: "the shop that ships with journeyman", environment, author: "demo" };
    apply(pool, &deploy::sources(&checked, &sources), label, Terms::default(), |_| {})
        .await
        .context("the shop can't go live")?;
    Ok(())
}
