//! `journeyman apply`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::ShopClock as _;
use journeyman_domain::plan::PlanHash;
use journeyman_engine::apply::{Applied, Terms, apply};
use journeyman_engine::deploy;
use journeyman_store::deployments::{Label, StoredSource};
use journeyman_store::installation;
use serde_json::json;

use crate::SystemClock;
use crate::config::{Config, Environment};
use crate::diagnostics::{self, Summary, Told};
use crate::doorway::{self, Database};

/// Put journeys live: all of a folder, or nothing
///
/// Checks everything, stores it by its versions, makes the counters that new journeys ask for from history, and makes
/// it one deployment. Runs under way stay with the version they began in. Daemons take it up with their next batch.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman apply\n  journeyman apply shop --note 'cart reminder after 30 minutes'\n  \
                        journeyman apply --plan 5f0c… --author ada     just what `journeyman plan` showed\n  journeyman apply --json"
)]
pub(super) struct Apply {
    /// The folder that holds journeyman.yaml, tracking.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// What is said of it in the list of deployments
    #[arg(long, default_value = "", value_name = "TEXT")]
    note: String,
    /// Who does it, for the list of deployments
    #[arg(long, default_value = "", value_name = "NAME", env = "JOURNEYMAN_AUTHOR")]
    author: String,
    /// Only just what `journeyman plan` showed under this name
    #[arg(long, value_name = "PLAN", value_parser = plan_name)]
    plan: Option<PlanHash>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What an apply did.
pub(super) struct Done {
    applied: Applied,
    /// What became of each file, and of each template as one: kind, name, word.
    files: Vec<(&'static str, String, &'static str)>,
}

impl Apply {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let sources = diagnostics::read_folder(&self.dir)?;
        let checked = deploy::check(&sources, config.environment == Environment::Production);
        let summary = Summary::new(&sources, &checked.diagnostics);
        if summary.failed() || (!self.json && !checked.diagnostics.is_empty()) {
            let drawn = diagnostics::draw(&sources, &checked.diagnostics, diagnostics::in_colour());
            eprint!("{drawn}");
        }
        if summary.failed() {
            eprintln!("{summary}; nothing was changed");
            return Err(Told.into());
        }
        let stored = deploy::sources(&checked, &sources);
        let (note, author, environment) = (self.note.clone(), self.author.clone(), config.environment.name());
        let terms = Terms { plan: self.plan, unasked: false };
        let done = doorway::with_database(config, Duration::from_secs(10), |database| async move {
            let label = Label { at: SystemClock.now(), note: &note, environment, author: &author };
            put_live(&database, &stored, label, terms).await
        })
        .await?;
        if self.json {
            println!("{}", told_as_json(&done))
        } else {
            print!("{}", told(&done))
        }
        Ok(())
    }
}

/// The name of a plan, as `plan` prints it.
pub(super) fn plan_name(text: &str) -> Result<PlanHash, String> {
    let hash = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
    hash.map(PlanHash).ok_or_else(|| "write it as `journeyman plan` does: 32 letters and digits".to_owned())
}

/// Puts sources live that were checked, unless this database is somebody else's copy.
pub(super) async fn put_live(
    database: &Database,
    sources: &[StoredSource],
    label: Label<'_>,
    terms: Terms,
) -> anyhow::Result<Done> {
    let guard = installation::guard(&database.pool, label.environment, label.at).await?;
    anyhow::ensure!(guard.may_send(), "{guard}; nothing was changed");
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} counting history: {pos} people ({per_sec})")?);
    let applied = apply(&database.pool, sources, label, terms, |people| bar.set_position(people)).await;
    bar.finish_and_clear();
    let applied = applied.context("nothing was changed")?;
    let files = compared(&applied.before, sources);
    Ok(Done { applied, files })
}

/// Each file of the two sets, templates by their folders, and what becomes of it.
pub(super) fn compared(
    before: &[StoredSource],
    after: &[StoredSource],
) -> Vec<(&'static str, String, &'static str)> {
    let (old, new) = (things(before), things(after));
    let now = new.iter().map(|(thing, files)| {
        let word = match old.get(thing) {
            None => "new",
            Some(before) if before == files => "unchanged",
            Some(_) => "changed",
        };
        (thing, word)
    });
    let gone = old.keys().filter(|thing| !new.contains_key(*thing)).map(|thing| (thing, "removed"));
    now.chain(gone).map(|((kind, name), word)| (word_of(*kind), (*name).to_owned(), word)).collect()
}

/// What is deployed, by kind and name, each with its files and their versions.
fn things(sources: &[StoredSource]) -> BTreeMap<(i16, &str), BTreeMap<&str, PlanHash>> {
    let mut things: BTreeMap<(i16, &str), BTreeMap<&str, PlanHash>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.pinned) {
        let name = match source.kind {
            deploy::TEMPLATE => diagnostics::template_folder(&source.path).unwrap_or(&source.name),
            _ => &source.name,
        };
        things.entry((source.kind, name)).or_default().insert(&source.name, source.hash);
    }
    things
}

pub(super) fn word_of(kind: i16) -> &'static str {
    match kind {
        1 => "journey",
        2 => "segment",
        3 => "policies",
        deploy::TEMPLATE => "template",
        _ => "tracking",
    }
}

pub(super) fn told(done: &Done) -> String {
    let applied = &done.applied;
    if !applied.changed {
        return format!("nothing to do: deployment {} says the same\n", applied.number);
    }
    let mut told = String::new();
    for (kind, name, word) in done.files.iter().filter(|(_, _, word)| *word != "unchanged") {
        told.push_str(&format!("{word:>9}  {kind} {name}\n"));
    }
    if applied.counters > 0 {
        let (counters, people) = (applied.counters, applied.people);
        told.push_str(&format!("{counters} counters made of the history of {people} people\n"));
    }
    if applied.pinned > 0 {
        told.push_str(&format!("{} older versions go on until their runs are over\n", applied.pinned));
    }
    told + &format!("deployment {} is live\n", applied.number)
}

pub(super) fn told_as_json(done: &Done) -> serde_json::Value {
    let files: Vec<_> = done
        .files
        .iter()
        .map(|(kind, name, word)| json!({ "kind": kind, "name": name, "change": word }))
        .collect();
    json!({
        "deployment": done.applied.number,
        "changed": done.applied.changed,
        "files": files,
        "pinned_versions": done.applied.pinned,
        "counters_made": done.applied.counters,
        "people_counted": done.applied.people,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(kind: i16, path: &str, text: &str) -> StoredSource {
        let name = path.strip_prefix("templates/").unwrap_or(path).to_owned();
        let (hash, path) = (PlanHash::of_text(text), path.to_owned());
        StoredSource { hash, kind, name, path, text: text.to_owned(), pinned: false }
    }

    /// One door: two sets of files to what is said of them.
    fn check(before: &[(i16, &str, &str)], after: &[(i16, &str, &str)], said: &[(&str, &str, &str)]) {
        let set = |files: &[(i16, &str, &str)]| {
            files.iter().map(|(kind, path, text)| stored(*kind, path, text)).collect::<Vec<_>>()
        };
        let got = compared(&set(before), &set(after));
        let got: Vec<(&str, &str, &str)> =
            got.iter().map(|(kind, name, word)| (*kind, name.as_str(), *word)).collect();
        assert_eq!(got, said);
    }

    #[test]
    fn a_template_is_one_line_however_many_files_it_has() {
        let yaml = (deploy::TEMPLATE, "templates/cart/template.yaml", "a");
        let mail = (deploy::TEMPLATE, "templates/cart/email.mjml", "b");
        let other = (deploy::TEMPLATE, "templates/cart/email.mjml", "c");
        let journey = (1, "cart", "j");
        check(&[], &[journey, yaml, mail], &[("journey", "cart", "new"), ("template", "cart", "new")]);
        check(&[yaml, mail], &[yaml, mail], &[("template", "cart", "unchanged")]);
        check(&[yaml, mail], &[yaml, other], &[("template", "cart", "changed")]);
        check(&[yaml, mail], &[yaml], &[("template", "cart", "changed")]);
        check(&[yaml], &[journey], &[("journey", "cart", "new"), ("template", "cart", "removed")]);
    }
}
