//! `journeyman segment`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use journeyman_domain::expr::{Compiled, Expr, Scope, compile};
use journeyman_domain::person::Person;
use journeyman_domain::plan::{Condition, Plans};
use journeyman_domain::{PersonId, ShopClock as _, ShopTime, batch, catalog};
use journeyman_store::{backfill, deployments, lower};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::SystemClock;
use crate::config::Config;
use crate::{doorway, people};

/// How long the database may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many people are read at once where only the closures can answer.
const PEOPLE: usize = 5_000;

/// How many people are in a segment, and why somebody is or is not
///
/// Of the segments that are live. What a segment asks is asked of everybody at this moment, by SQL where it can be said in SQL,
/// else person by person; nothing is changed.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman segment size                  all of them\n  \
                  journeyman segment size lapsed --json\n  \
                  journeyman segment explain lapsed ada    each of its conditions, for one person\n\n\
                  Exit codes: 0 told, 1 there is no such segment or person, 2 wrongly called.")]
pub(super) struct Segment {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Size(Size),
    Explain(Explain),
}

/// How many people are in segments
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman segment size\n  journeyman segment size lapsed --json")]
struct Size {
    /// Only this one
    #[arg(value_name = "SEGMENT")]
    name: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why somebody is in a segment, or is not
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman segment explain lapsed ada\n  journeyman segment explain lapsed person_42 --json"
)]
struct Explain {
    /// Which
    #[arg(value_name = "SEGMENT")]
    name: String,
    /// Whom: the shop's id of them, anonymous:ID, or person_N
    person: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Segment {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let told = doorway::with_database(config, PATIENCE, |database| async move {
            let mut connection = database.pool.acquire().await.context("can't get a connection")?;
            let plans = live(&mut connection).await?;
            match self.what {
                What::Size(size) => size.tell(&mut connection, &plans).await,
                What::Explain(explain) => explain.tell(&mut connection, &plans).await,
            }
        })
        .await?;
        crate::diagnostics::print(&told);
        Ok(())
    }
}

async fn live(connection: &mut PgConnection) -> anyhow::Result<Plans> {
    let number = deployments::current(&mut *connection).await?;
    let sources = deployments::load(connection, number).await?;
    let compiled = journeyman_engine::deploy::compile(number, &sources).map_err(anyhow::Error::msg)?;
    Ok(Plans::new(compiled))
}

/// The named segment, or what there is instead.
fn named<'p>(plans: &'p Plans, name: &str) -> anyhow::Result<&'p Condition> {
    plans.segments.get(name).with_context(|| {
        let known: Vec<&str> = plans.segments.names().map(AsRef::as_ref).collect();
        match known.as_slice() {
            [] => "no segment is live; put some into journeys/segments/ and `journeyman apply`".to_owned(),
            known => format!("there is no segment {name}; live are {}", known.join(", ")),
        }
    })
}

/// What is asked, of one person.
fn holds(plans: &Plans, person: &Person, now: ShopTime, asked: &Compiled) -> bool {
    let own = person.hot.zone.as_ref().and_then(|(name, _)| TimeZone::get(name).ok());
    let zone = own.as_ref().unwrap_or(&plans.policies.zone);
    asked.holds(&Scope {
        person,
        now,
        zone,
        segments: &plans.segments,
        policies: &plans.policies,
        catalog: &catalog::Nothing,
        event: None,
        run: None,
        element: None,
        item: None,
        depth: 0,
    })
}

impl Size {
    async fn tell(&self, connection: &mut PgConnection, plans: &Plans) -> anyhow::Result<String> {
        if let Some(name) = &self.name {
            named(plans, name)?;
        }
        let now = SystemClock.now();
        let wanted = |name: &&Arc<str>| self.name.as_ref().is_none_or(|only| only.as_str() == &***name);
        let names: Vec<Arc<str>> = plans.segments.names().filter(wanted).cloned().collect();
        let everybody = journeyman_store::history::count(connection).await?;
        let mut sizes: Vec<(Arc<str>, u64, &str)> = Vec::new();
        for name in names {
            let Some(condition) = plans.segments.get(&name) else { continue };
            let context = lower::Context {
                now,
                shop_zone: &plans.policies.zone,
                rates: &plans.policies.rates,
                segments: &plans.segments,
                first_parameter: 1,
            };
            let (size, by) = match lower::condition(&condition.expr, &context) {
                Ok(lowered) => (lower::count(connection, &lowered).await?, "sql"),
                Err(_) => {
                    (one_by_one(connection, plans, condition, now, everybody).await?, "person by person")
                }
            };
            sizes.push((name, size, by));
        }
        if self.json {
            let list: Vec<Value> = sizes
                .iter()
                .map(|(name, size, by)| json!({ "segment": &**name, "people": size, "by": by }))
                .collect();
            return Ok(format!("{}\n", json!({ "people": everybody, "segments": list })));
        }
        if sizes.is_empty() {
            return Ok(
                "no segment is live; put some into journeys/segments/ and `journeyman apply`\n".to_owned()
            );
        }
        let width = sizes.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0).min(40);
        let mut out = String::new();
        for (name, size, _) in &sizes {
            let share = if everybody == 0 { 0.0 } else { *size as f64 / everybody as f64 * 100.0 };
            let bar = "█".repeat((share / 2.5).round() as usize);
            out.push_str(&format!(
                "{name:<width$}  {:>13}  {share:>5.1}%  {bar}\n",
                HumanCount(*size).to_string()
            ));
        }
        out.push_str(&format!("{:<width$}  {:>13}\n", "everybody", HumanCount(everybody).to_string()));
        Ok(out)
    }
}

/// By the closures, for what SQL can't answer alike.
async fn one_by_one(
    connection: &mut PgConnection,
    plans: &Plans,
    condition: &Condition,
    now: ShopTime,
    everybody: u64,
) -> anyhow::Result<u64> {
    let style = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} people, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(everybody).with_style(style);
    let (mut after, mut inside) = (PersonId(i64::MIN), 0);
    loop {
        let ids: Vec<PersonId> = backfill::people(connection, after, PEOPLE)
            .await?
            .into_iter()
            .map(|(person, _)| person)
            .collect();
        let Some(last) = ids.last() else {
            bar.finish_and_clear();
            return Ok(inside);
        };
        after = *last;
        for stored in journeyman_store::batch::people(connection, &ids, true).await? {
            let person = batch::restore(&stored, &plans.demands)?;
            inside +=
                u64::from(person.merged_into.is_none() && holds(plans, &person, now, &condition.compiled));
        }
        bar.inc(ids.len() as u64);
    }
}

/// A condition and what of it holds.
struct Part {
    text: String,
    holds: bool,
}

impl Explain {
    async fn tell(&self, connection: &mut PgConnection, plans: &Plans) -> anyhow::Result<String> {
        let id = people::find(connection, &self.person).await?;
        let stored = journeyman_store::batch::people(connection, &[id], true).await?.pop();
        let stored = stored
            .with_context(|| format!("{} is known, and nothing was applied to them yet", self.person))?;
        let person = batch::restore(&stored, &plans.demands)?;
        named(plans, &self.name)?;
        let now = SystemClock.now();
        let mut sections: Vec<(Arc<str>, bool, Vec<Part>)> = Vec::new();
        let mut asked: Vec<Arc<str>> = vec![self.name.as_str().into()];
        let mut nth = 0;
        while let Some(name) = asked.get(nth).cloned() {
            nth += 1;
            let Some(condition) = plans.segments.get(&name) else { continue };
            condition.expr.walk(&mut |expr| {
                if let Expr::InSegment(other) = expr
                    && !asked.contains(other)
                {
                    asked.push(other.clone());
                }
            });
            let parts = parts(condition).into_iter().map(|(text, compiled)| {
                let holds = holds(plans, &person, now, &compiled);
                Part { text, holds }
            });
            let parts = parts.collect();
            sections.push((name, holds(plans, &person, now, &condition.compiled), parts));
        }
        if self.json {
            let list: Vec<Value> = sections
                .iter()
                .map(|(name, inside, parts)| {
                    let parts: Vec<Value> = parts
                        .iter()
                        .map(|part| json!({ "condition": part.text, "holds": part.holds }))
                        .collect();
                    json!({ "segment": &**name, "inside": inside, "conditions": parts })
                })
                .collect();
            return Ok(format!(
                "{}\n",
                json!({ "person": id.to_string(), "at": now.to_string(), "segments": list })
            ));
        }
        let mut out = String::new();
        for (name, inside, parts) in &sections {
            let word = if *inside { "is in" } else { "is not in" };
            out.push_str(&format!("{} {word} {name}\n", self.person));
            for part in parts {
                out.push_str(&format!("  {} {}\n", if part.holds { "yes" } else { "no " }, part.text));
            }
        }
        Ok(out)
    }
}

/// What a condition asks all of: `a and b and c`, each by itself; else the whole.
fn parts(condition: &Condition) -> Vec<(String, Compiled)> {
    let mut asked = Vec::new();
    gather(&condition.expr, &mut asked);
    let texts = split(&condition.text);
    if texts.len() != asked.len() {
        return vec![(condition.text.to_string(), compile(&condition.expr))];
    }
    texts.into_iter().zip(asked).map(|(text, expr)| (text, compile(expr))).collect()
}

fn gather<'e>(expr: &'e Expr, asked: &mut Vec<&'e Expr>) {
    match expr {
        Expr::And(a, b) => {
            gather(a, asked);
            gather(b, asked);
        }
        expr => asked.push(expr),
    }
}

/// The text between the `and`s that stand outside of brackets and quotes.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0_i32, false);
    for word in text.split_inclusive(char::is_whitespace) {
        if depth == 0 && !quoted && matches!(word.trim(), "and" | "&&") {
            parts.push(String::new());
            continue;
        }
        for letter in word.chars() {
            match letter {
                '\'' => quoted = !quoted,
                '(' | '[' if !quoted => depth += 1,
                ')' | ']' if !quoted => depth -= 1,
                _ => {}
            }
        }
        if let Some(last) = parts.last_mut() {
            last.push_str(word);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}
