//! The shop that ships with the program: its policies, journeys and templates.

use anyhow::Context as _;
use journeyman_domain::ShopTime;
use journeyman_engine::apply::{Label, apply};
use journeyman_engine::deploy;
use journeyman_journey::{Severity, Source};
use sqlx::postgres::PgPool;

/// Path and text of each file, as the build found them.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The files.
pub(super) fn sources() -> Vec<Source> {
    let source = |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
    FILES.iter().map(source).collect()
}

/// Puts them live.
///
/// # Errors
/// As `apply`'s; and where this program was built of files that are wrong.
pub(super) async fn put_live(pool: &PgPool, now: ShopTime, environment: &str) -> anyhow::Result<()> {
    let sources = sources();
    let checked = deploy::check(&sources, false);
    let wrong = checked.diagnostics.iter().find(|found| found.severity == Severity::Error);
    anyhow::ensure!(
        wrong.is_none() && checked.deployment.is_some(),
        "the shop that ships with this program is wrong: {}",
        wrong.map(ToString::to_string).unwrap_or_default()
    );
    let label = Label { at: now, note: "the shop that ships with journeyman", environment };
    apply(pool, &deploy::sources(&checked, &sources), label, |_| {})
        .await
        .context("the shop can't go live")?;
    Ok(())
}
