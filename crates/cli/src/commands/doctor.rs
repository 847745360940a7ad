//! `journeyman doctor`.

mod dns;
mod here;
mod links;
mod names;
mod providers;
mod relays;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use clap::Args;
use journeyman_channels::email::dkim;
use serde_json::json;

use crate::config::{Config, Email, Environment};
use crate::diagnostics::{self, ToldAs};
use dns::Dns;

/// Say whether everything is in place to send, and what to do where it is not
///
/// Looks at the configuration, the folder's files, the database, the relays (as far as the password), what DNS says of the
/// domains that mail is from, and whether providers of other channels take our credentials, where they can be asked without
/// sending. Sends and migrates nothing. The exit code is 0 where all is well, 1 where somebody
/// should look, 2 where something is broken.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman doctor\n  journeyman doctor --json\n  \
                        journeyman doctor --dns 192.0.2.53:53      ask that DNS server\n  \
                        JOURNEYMAN_ENVIRONMENT=production journeyman doctor")]
pub(super) struct Doctor {
    /// The folder that holds journeyman.yaml, journeys/ and templates/
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// The DNS server to ask, instead of this machine's own
    #[arg(long, value_name = "HOST:PORT", value_parser = server)]
    dns: Option<SocketAddr>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().map_err(|error| format!("{error}; write HOST:PORT"))?;
    found.into_iter().next().ok_or_else(|| "that host has no address".to_owned())
}

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Ok,
    Look,
    Broken,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Broken => "broken",
        }
    }

    fn coloured(self) -> &'static str {
        match self {
            Self::Ok => "\u{1b}[32mok    \u{1b}[0m",
            Self::Look => "\u{1b}[33mlook  \u{1b}[0m",
            Self::Broken => "\u{1b}[31mbroken\u{1b}[0m",
        }
    }
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    health: Health,
    /// What it is about: one word.
    area: &'static str,
    /// What was found.
    what: String,
    /// What to do; empty where there is nothing to do.
    todo: String,
}

impl Finding {
    fn new(health: Health, area: &'static str, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { health, area, what: what.into(), todo: todo.into() }
    }

    fn ok(area: &'static str, what: impl Into<String>) -> Self {
        Self::new(Health::Ok, area, what, "")
    }
}

impl Doctor {
    pub(super) async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let findings = self.look(config).await;
        let worst = findings.iter().map(|finding| finding.health).max().unwrap_or(Health::Ok);
        if self.json {
            let told: Vec<_> = findings
                .iter()
                .map(|one| {
                    json!({ "health": one.health.word(), "area": one.area, "what": one.what, "todo": one.todo })
                })
                .collect();
            println!("{}", json!({ "health": worst.word(), "findings": told }));
        } else {
            diagnostics::print(&table(&findings, diagnostics::in_colour()));
        }
        match worst {
            Health::Ok => Ok(()),
            Health::Look => Err(ToldAs(1).into()),
            Health::Broken => Err(ToldAs(2).into()),
        }
    }

    async fn look(&self, config: Option<&Path>) -> Vec<Finding> {
        let config = match Config::load(config) {
            Ok(config) => config,
            Err(error) => {
                let todo = "correct it; nothing else was looked at";
                return vec![Finding::new(Health::Broken, "configuration", error.to_string(), todo)];
            }
        };
        let mut findings = vec![here::configuration(&config)];
        let (files, policies) = here::files(&self.dir, config.environment == Environment::Production);
        findings.extend(files);
        findings.extend(here::database(&config).await);
        findings.push(here::keys(&config));
        if config.environment == Environment::Production
            && let Some(policies) = &policies
        {
            findings.push(links::look(&policies.links).await);
        }
        findings.extend(providers::look(&config).await);
        let Some(email) = &config.channels.email else { return findings };
        findings.extend(relays::look(&config).await);
        let (keys, wrong) = signatures(email);
        findings.extend(wrong);
        if let Some(policies) = &policies {
            match Dns::new(self.dns) {
                Ok(dns) => findings.extend(names::look(&dns, email, &keys, policies).await),
                Err(why) => findings.push(Finding::new(
                    Health::Look,
                    "dns",
                    format!("nobody to ask: {why}"),
                    "name a server with --dns HOST:PORT",
                )),
            }
        }
        findings
    }
}

/// The keys that sign, and those that can't.
fn signatures(email: &Email) -> (Vec<dkim::Key>, Vec<Finding>) {
    let (mut keys, mut wrong) = (Vec::new(), Vec::new());
    for key in &email.dkim {
        match dkim::Key::from_pem(&key.domain, &key.selector, &key.pem) {
            Ok(key) => keys.push(key),
            Err(error) => {
                let what = format!("the key {} of {} can't sign: {error}", key.selector, key.domain);
                let todo = "make one: openssl genpkey -algorithm ed25519";
                wrong.push(Finding::new(Health::Broken, "dkim", what, todo));
            }
        }
    }
    (keys, wrong)
}

/// How wide the words of a finding are.
const WORDS: usize = 76;

fn table(findings: &[Finding], colour: bool) -> String {
    let mut table = String::new();
    for finding in findings {
        let word = if colour { finding.health.coloured() } else { finding.health.word() };
        let mut lines = wrapped(&finding.what, WORDS);
        lines.extend(
            wrapped(&finding.todo, WORDS - 2)
                .iter()
                .enumerate()
                .map(|(nth, line)| if nth == 0 { format!("→ {line}") } else { format!("  {line}") }),
        );
        for (nth, line) in lines.iter().enumerate() {
            let (word, area) = if nth == 0 { (word, finding.area) } else { ("", "") };
            // A coloured word is as wide as the others on the screen alone.
            let word = if colour && nth == 0 { word.to_owned() } else { format!("{word:<6}") };
            table.push_str(format!("{word}  {area:<13}  {line}").trim_end());
            table.push('\n');
        }
    }
    let count = |health| findings.iter().filter(|finding| finding.health == health).count();
    let (look, broken) = (count(Health::Look), count(Health::Broken));
    match (look, broken) {
        (0, 0) => table.push_str("all is well\n"),
        _ => table.push_str(&format!("{broken} broken, {look} to look at\n")),
    }
    table
}

/// Words in lines of at most so many characters; a longer word has a line of its own.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_a_table_of_a_hundred_columns() {
        let long = "a word ".repeat(30);
        let findings = [
            Finding::ok("configuration", "dev"),
            Finding::new(Health::Look, "dmarc", &long, &long),
            Finding::new(Health::Broken, "dkim", "no key", ""),
        ];
        let told = table(&findings, false);
        assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
        assert!(told.starts_with("ok      configuration  dev\nlook    dmarc          a word"), "{told}");
        assert!(told.contains("\n                       → a word"), "{told}");
        assert!(told.ends_with("broken  dkim           no key\n1 broken, 1 to look at\n"), "{told}");
        assert!(!told.contains('\u{1b}'), "{told}");
        assert_eq!(table(&findings[..1], false), "ok      configuration  dev\nall is well\n");
        assert_eq!(
            table(&findings, true)
                .replace("\u{1b}[32m", "")
                .replace("\u{1b}[33m", "")
                .replace("\u{1b}[31m", "")
                .replace("\u{1b}[0m", ""),
            told
        );
    }
}
