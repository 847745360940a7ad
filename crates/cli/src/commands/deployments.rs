//! `journeyman deployments` and `journeyman rollback`.

use std::time::Duration;

use clap::Args;
use journeyman_domain::ShopClock as _;
use journeyman_engine::apply::Terms;
use journeyman_store::deployments::{self, Label, Listed, StoredSource};
use serde_json::{Value, json};

use super::apply::{put_live, told as applied, told_as_json as applied_as_json};
use super::{cut, minute};
use crate::SystemClock;
use crate::config::Config;
use crate::doorway::{self, Database};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What went live, when, and who did it
///
/// The newest first; the first is what is live. Each can be put back by `journeyman rollback`.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman deployments\n  journeyman deployments --limit 3 --json")]
pub(super) struct Deployments {
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "DEPLOYMENTS")]
    limit: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Put back what was live before
///
/// Makes a new deployment of the files of an older one, so that nothing is forgotten and this can be taken back too. Runs under
/// way stay with the version they began in.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman deployments            which there were\n  \
                  journeyman rollback               the one before\n  journeyman rollback --to 7 --json\n\n\
                  Exit codes: 0 done, 1 there is no such deployment: nothing was changed.")]
pub(super) struct Rollback {
    /// Which; the one before that of now unless said
    #[arg(long, value_name = "DEPLOYMENT")]
    to: Option<i64>,
    /// Who does it, for the list of deployments
    #[arg(long, default_value = "", value_name = "NAME", env = "JOURNEYMAN_AUTHOR")]
    author: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Deployments {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let limit = self.limit;
        let found = doorway::with_database(config, PATIENCE, |Database { pool, .. }| async move {
            Ok(deployments::list(&mut *pool.acquire().await?, limit).await?)
        })
        .await?;
        if self.json {
            let list: Vec<Value> = found.iter().map(told_as_json).collect();
            println!("{}", json!({ "deployments": list }));
            return Ok(());
        }
        let mut out: String = found.iter().map(told).collect();
        if found.is_empty() {
            out.push_str("nothing was ever deployed\n");
        }
        crate::diagnostics::print(&out);
        Ok(())
    }
}

impl Rollback {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let (as_json, environment) = (self.json, config.environment.name());
        let done = doorway::with_database(config, PATIENCE, |database| async move {
            let (number, sources) = self.sources(&database).await?;
            let note = format!("rollback to {number}");
            let label =
                Label { at: SystemClock.now(), note: &note, environment, author: self.author.as_str() };
            put_live(&database, &sources, label, Terms { unasked: true, ..Terms::default() }).await
        })
        .await?;
        if as_json {
            println!("{}", applied_as_json(&done));
        } else {
            print!("{}", applied(&done));
        }
        Ok(())
    }

    async fn sources(&self, database: &Database) -> anyhow::Result<(i64, Vec<StoredSource>)> {
        let mut connection = database.pool.acquire().await?;
        let current = deployments::current(&mut connection).await?;
        let number = self.to.unwrap_or(current - 1);
        let mut sources = deployments::load(&mut connection, number).await?;
        sources.retain(|source| !source.pinned);
        anyhow::ensure!(
            !sources.is_empty(),
            "there is no deployment {number} to go back to; `journeyman deployments` says which there are"
        );
        Ok((number, sources))
    }
}

fn told(one: &Listed) -> String {
    let by = if one.author.is_empty() { "-" } else { &one.author };
    let (number, at, files) = (one.number, minute(one.at), one.files);
    let note = match one.approved_by.as_slice() {
        [] => one.note.clone(),
        by => format!("{} (yes by {})", one.note, by.join(", ")),
    };
    format!("{number:>5}  {at}  {:<12}  {files:>4} files  {}\n", cut(by, 12), cut(&note, 48))
}

fn told_as_json(one: &Listed) -> Value {
    json!({
        "deployment": one.number,
        "at": one.at.to_string(),
        "author": one.author,
        "note": one.note,
        "environment": one.environment,
        "files": one.files,
        "approved_by": one.approved_by,
    })
}
