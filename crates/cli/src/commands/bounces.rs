//! `journeyman bounces`.

mod mails;

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_api::bounces::{Taken, take};
use journeyman_channels::bounce::{self, Kind, Report};
use journeyman_domain::ShopClock as _;
use journeyman_domain::link::KeyRing;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use crate::config::Config;
use crate::{SystemClock, doorway};
use mails::{Mail, Mails};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Read bounces and complaints that came by mail
///
/// Delivery reports and complaints become events of their people; a dead address and one that complained are not written to
/// any more. What was read before changes nothing. What can't be told is listed with its place, and is no failure.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman bounces /var/mail/bounces\n  journeyman bounces ~/Maildir --json\n  \
                        journeyman bounces report.eml\n  journeyman bounces - < bounces.mbox"
)]
pub(super) struct Bounces {
    /// An mbox, a Maildir, one mail, or - for standard input
    #[arg(value_name = "MAILS")]
    from: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    mails: u64,
    hard: u64,
    soft: u64,
    complaints: u64,
    delivered: u64,
    delayed: u64,
    automatic: u64,
    /// Reported before.
    again: u64,
    /// Addresses that are not written to from now on.
    suppressed: u64,
    /// Where, and why not.
    unrecognised: Vec<(String, String)>,
}

impl Bounces {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let mails = Mails::open(&self.from)?;
        let keys = config.channels.links.clone();
        let found = doorway::with_database(config, PATIENCE, |database| async move {
            read(&database.pool, mails, &keys).await
        })
        .await?;
        if self.json {
            println!("{}", found.json());
        } else {
            crate::diagnostics::print(&found.table());
        }
        Ok(())
    }
}

async fn read(pool: &PgPool, mails: Mails, keys: &KeyRing) -> anyhow::Result<Found> {
    let bar = match mails.length() {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::new_spinner(),
    };
    bar.set_style(ProgressStyle::with_template("{spinner} {percent}% {msg} mails, {elapsed}")?);
    let mut found = Found::default();
    for mail in mails {
        let Mail { place, read, text } = mail?;
        found.mails += 1;
        bar.set_position(read);
        bar.set_message(found.mails.to_string());
        for report in bounce::read(&text, keys) {
            let taken = take(pool, &report, SystemClock.now()).await;
            let taken = taken.with_context(|| format!("{place}; what was read before it is stored"))?;
            found.count(&place, &report, &taken);
        }
    }
    bar.finish_and_clear();
    Ok(found)
}

impl Found {
    fn count(&mut self, place: &str, report: &Report, taken: &Taken) {
        match (taken, &report.kind) {
            (Taken::Refused(why), _) => self.unrecognised.push((place.to_owned(), (*why).to_owned())),
            (Taken::Again(_), _) => self.again += 1,
            (_, Kind::Automatic) => self.automatic += 1,
            (_, Kind::Delayed { .. }) => self.delayed += 1,
            (_, Kind::Delivered) => self.delivered += 1,
            (_, Kind::Complained { .. }) => self.complaints += 1,
            // What is not signed is told as a soft one, whatever it says.
            (_, Kind::Bounced { hard: true, .. }) if report.signed => self.hard += 1,
            (_, Kind::Bounced { .. }) => self.soft += 1,
            (_, Kind::Unrecognised { why }) => {
                self.unrecognised.push((place.to_owned(), (*why).to_owned()));
            }
        }
        if let Taken::Recorded { suppressed: true, .. } = taken {
            self.suppressed += 1;
        }
    }

    fn rows(&self) -> [(&'static str, &'static str, u64); 9] {
        [
            ("mails", "mails", self.mails),
            ("hard", "hard bounces", self.hard),
            ("soft", "soft bounces", self.soft),
            ("complaints", "complaints", self.complaints),
            ("delivered", "delivered", self.delivered),
            ("delayed", "delayed", self.delayed),
            ("automatic", "auto-replies", self.automatic),
            ("again", "reported before", self.again),
            ("suppressed", "addresses suppressed", self.suppressed),
        ]
    }

    fn table(&self) -> String {
        let rows = self.rows().map(|(_, words, count)| format!("{words:<20}  {count:>8}\n")).concat();
        let mut table = format!("{rows}{:<20}  {:>8}\n", "unrecognised", self.unrecognised.len());
        for (place, why) in &self.unrecognised {
            table.push_str(&format!("  {place}: {why}\n"));
        }
        table
    }

    fn json(&self) -> Value {
        let mut told: serde_json::Map<String, Value> =
            self.rows().into_iter().map(|(name, _, count)| (name.to_owned(), count.into())).collect();
        let unrecognised: Vec<Value> =
            self.unrecognised.iter().map(|(place, why)| json!({ "place": place, "why": why })).collect();
        told.insert("unrecognised".to_owned(), unrecognised.into());
        Value::Object(told)
    }
}
