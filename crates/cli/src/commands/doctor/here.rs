//! What can be looked at without asking anybody but the database.

use std::path::Path;
use std::time::Duration;

use journeyman_domain::ShopClock as _;
use journeyman_domain::plan::{Channel, Policies};
use journeyman_engine::deploy;
use journeyman_store::{Error, Limits, MIGRATIONS, connect, durability, installation};
use sqlx::migrate::{Migrate as _, MigrateError};
use sqlx::postgres::PgPool;

use super::{Finding, Health};
use crate::config::{Config, Environment};
use crate::diagnostics::{self, Summary};
use crate::doorway::{self, Waiting};
use crate::{SystemClock, told};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where sqlx remembers what was migrated.
const MIGRATED: &str = "_sqlx_migrations";

/// What the configuration means for who is written to.
pub(super) fn configuration(config: &Config) -> Finding {
    let environment = config.environment.name();
    let channels = &config.channels;
    let production = config.environment == Environment::Production;
    let mail = channels.email.iter().map(|_| (Channel::Email, "mail"));
    let speaks: Vec<(Channel, &str)> =
        mail.chain(channels.http.keys().map(|channel| (*channel, channel.name()))).collect();
    if speaks.is_empty() && production {
        let what = format!("{environment}: no mail can be sent");
        return Finding::new(Health::Look, "configuration", what, "write channels.email");
    }
    let way = |(channel, name): &(Channel, &str)| match channels.redirect_all_to.get(channel) {
        _ if production => format!("{name} goes to customers"),
        Some(address) => format!("{name} goes to {address}"),
        None => format!("{name} goes to the inbox"),
    };
    let mut to = speaks.iter().map(way).collect::<Vec<_>>().join(", ");
    if speaks.is_empty() {
        to.push_str("no relay; every message goes to the inbox");
    } else if !production && !channels.allow_only.is_empty() {
        to.push_str(&format!(", but to {}", channels.allow_only.join(", ")));
    }
    Finding::ok("configuration", format!("{environment}: {to}"))
}

/// The folder's files; its policies, where it has some that can be read.
pub(super) fn files(dir: &Path, production: bool) -> (Vec<Finding>, Option<Policies>) {
    let sources = match diagnostics::read_folder(dir) {
        Ok(sources) => sources,
        Err(error) => return (vec![Finding::new(Health::Look, "files", told(&error), "")], policies(dir)),
    };
    let checked = deploy::check(&sources, production);
    let summary = Summary::new(&sources, &checked.diagnostics);
    let finding = if summary.failed() {
        Finding::new(Health::Broken, "files", summary.to_string(), "run journeyman check")
    } else {
        Finding::ok("files", summary.to_string())
    };
    let policies = checked.deployment.map(|deployment| deployment.policies).or_else(|| policies(dir));
    (vec![finding], policies)
}

/// Those of journeyman.yaml alone, whatever is wrong around it.
fn policies(dir: &Path) -> Option<Policies> {
    let mut sources = diagnostics::read_shop(dir).ok()?;
    sources.retain(|source| source.path == crate::config::FILE);
    Some(journeyman_journey::check(&sources, None, false).deployment?.policies)
}

/// What links are signed with. Without a key of its own no production sends mail: the configuration refuses that.
pub(super) fn keys(config: &Config) -> Finding {
    let production = config.environment == Environment::Production;
    match (config.channels.links_for_development, production) {
        (true, true) => Finding::new(
            Health::Look,
            "links",
            "links are signed with the key that everybody knows",
            "make one (openssl rand -hex 32), put it into a variable, and write links.keys: { 1: $NAME }",
        ),
        (true, false) => Finding::ok("links", "signed with the key for development"),
        (false, _) => Finding::ok("links", format!("signed with key {}", config.channels.links.current())),
    }
}

/// Whether the database answers, has the schema of this program, and is the one that may send.
pub(super) async fn database(config: &Config) -> Vec<Finding> {
    let waiting = Waiting::new(PATIENCE);
    let looked = doorway::with_server(config, &waiting, |options| async move {
        let pool = connect(&options.application_name("journeyman"), Limits::REPORTS);
        let findings = look(&pool, config.environment).await;
        pool.close().await;
        Ok(findings)
    });
    match looked.await {
        Ok(findings) => findings,
        Err(error) => {
            let todo = "start it, or set DATABASE_URL to where it is";
            vec![Finding::new(Health::Broken, "database", told(&error), todo)]
        }
    }
}

async fn look(pool: &PgPool, environment: Environment) -> Vec<Finding> {
    let broken = |error: &dyn std::fmt::Display| {
        let todo = "look at the server's log; docs/operations.md has what may be wrong";
        vec![Finding::new(Health::Broken, "database", error.to_string(), todo)]
    };
    let mut findings = Vec::new();
    match durability(pool).await {
        Ok(durability) if !durability.fsync && environment == Environment::Production => {
            let what = "fsync is off: a power cut can lose what was answered 200";
            findings.push(Finding::new(Health::Look, "database", what, "turn it on"));
        }
        Ok(_) => {}
        Err(error) => return broken(&error),
    }
    match schema(pool).await {
        Ok((finding, fits)) => {
            findings.push(finding);
            if !fits {
                return findings;
            }
        }
        Err(error) => return broken(&error),
    }
    match installation::guard(pool, environment.name(), SystemClock.now()).await {
        Ok(guard) if guard.may_send() => findings.push(Finding::ok("guard", guard.to_string())),
        Ok(guard) => findings.push(Finding::new(Health::Broken, "guard", guard.to_string(), "")),
        Err(error) => findings.extend(broken(&error)),
    }
    findings
}

/// Whether the schema is this program's, without making it so.
async fn schema(pool: &PgPool) -> Result<(Finding, bool), Error> {
    let mut connection = pool.acquire().await?;
    let applied = match connection.list_applied_migrations(MIGRATED).await {
        Ok(applied) => applied,
        Err(MigrateError::Execute(error)) if is_no_table(&error) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let known = |version: i64| MIGRATIONS.iter().find(|migration| migration.version == version);
    let newer = applied.iter().any(|applied| known(applied.version).is_none());
    let edited = applied.iter().any(|applied| {
        known(applied.version).is_some_and(|migration| migration.checksum != applied.checksum)
    });
    let missing = MIGRATIONS
        .iter()
        .filter(|known| applied.iter().all(|applied| applied.version != known.version))
        .count();
    Ok(match (newer || edited, missing) {
        (true, _) => {
            let what = "another version of this program migrated the database";
            (Finding::new(Health::Broken, "database", what, "run that version"), false)
        }
        (false, 0) => (Finding::ok("database", "answers, and has this version's schema"), true),
        (false, missing) => {
            let all = MIGRATIONS.iter().count();
            let what = format!(
                "answers, and has {} of {all} migrations; serve and apply do the rest",
                all - missing
            );
            (Finding::ok("database", what), false)
        }
    })
}

/// Nothing has been migrated here.
fn is_no_table(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "42P01")
}
