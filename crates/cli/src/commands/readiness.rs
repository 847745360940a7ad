//! `journeyman readiness`.

mod recipes;

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::HumanCount;
use journeyman_store::readiness::{self, Found, Told};
use serde_json::{Value, json};

use self::recipes::{JOURNEYS, MODELS, Need, Recipe};
use crate::config::Config;
use crate::doorway;

/// Where a property stands in fewer of the events than this, it is missing; in fewer than the other, in part.
const HALF: f64 = 0.5;
const NEARLY_ALL: f64 = 0.95;
/// Fewer people than this with a trait is in part.
const SOME: f64 = 0.3;

/// Which journeys and models what the shop tells is enough for, and what is missing
///
/// Looks at the newest events, at people's traits and at the catalog. Nothing is changed.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman readiness\n  journeyman readiness win-back --json\n\n\
                  Exit codes: 0 told, 1 the one that was named lacks something.")]
pub(super) struct Readiness {
    /// Only this kind of journey, or this model
    #[arg(value_name = "NAME")]
    only: Option<String>,
    /// How many of the newest events are looked at
    #[arg(long, default_value_t = 200_000, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    events: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How far something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Ready,
    Partly,
    Missing,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Partly => "partly",
            Self::Missing => "missing",
        }
    }
}

/// What a recipe comes to.
struct Judged {
    recipe: &'static Recipe,
    state: State,
    /// What there is of each need, and what to do where it is not enough.
    needs: Vec<(State, String)>,
}

impl Readiness {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let known: Vec<&Recipe> = JOURNEYS.iter().chain(MODELS).collect();
        if let Some(name) = &self.only
            && !known.iter().any(|recipe| recipe.name == name)
        {
            let names: Vec<&str> = known.iter().map(|recipe| recipe.name).collect();
            anyhow::bail!("there is no {name}; there are {}", names.join(", "));
        }
        let events = self.events;
        let found = doorway::with_database(config, Duration::from_secs(10), |database| async move {
            let mut connection = database.pool.acquire().await.context("can't get a connection")?;
            Ok(readiness::look(&mut connection, events).await?)
        })
        .await?;
        let wanted = |recipe: &&Recipe| self.only.as_ref().is_none_or(|name| recipe.name == name);
        let judge = |recipes: &'static [Recipe]| -> Vec<Judged> {
            recipes.iter().filter(wanted).map(|recipe| judged(recipe, &found)).collect()
        };
        let (journeys, models) = (judge(JOURNEYS), judge(MODELS));
        if self.json {
            println!("{}", told_as_json(&found, &journeys, &models));
        } else {
            crate::diagnostics::print(&told(&found, &journeys, &models));
        }
        let lacks = journeys.iter().chain(&models).any(|judged| judged.state == State::Missing);
        if self.only.is_some() && lacks { Err(crate::diagnostics::Told.into()) } else { Ok(()) }
    }
}

fn judged(recipe: &'static Recipe, found: &Found) -> Judged {
    let needs: Vec<(State, String)> = recipe.needs.iter().flat_map(|need| met(need, found)).collect();
    let state = needs.iter().map(|(state, _)| *state).max().unwrap_or(State::Ready);
    Judged { recipe, state, needs }
}

/// How far a need is met, in a sentence each.
fn met(need: &Need, found: &Found) -> Vec<(State, String)> {
    match need {
        Need::Event(any, with) => event(any, with, found),
        Need::Trait(name) => {
            let people = found.traits.get(*name).copied().unwrap_or(0);
            let share = part(people, found.people);
            let state = by_share(share, 0.0, SOME);
            let what =
                format!("{name} is known of {} of {} people", HumanCount(people), HumanCount(found.people));
            vec![(
                state,
                with_advice(state, what, &format!("send it as a trait of identify: {{\"{name}\": …}}")),
            )]
        }
        Need::Field(name) => {
            let products = found.fields.get(*name).copied().unwrap_or(0);
            let state = by_share(part(products, found.products), HALF, NEARLY_ALL);
            let all = HumanCount(found.products);
            let what = format!("the catalog has {name} of {} of {all} products", HumanCount(products));
            vec![(
                state,
                with_advice(state, what, "send it by `journeyman catalog import` or PUT /v1/catalog"),
            )]
        }
        Need::Buyers(buyers, again, days) => {
            let got = (found.buyers, found.bought_again, found.bought_days);
            let enough = got.0 >= *buyers && got.1 >= *again && got.2 >= *days;
            let state = match (enough, got.0) {
                (true, _) => State::Ready,
                (false, 0) => State::Missing,
                _ => State::Partly,
            };
            let what = format!(
                "{} people bought, {} of them again, over {} days",
                HumanCount(got.0),
                HumanCount(got.1),
                HumanCount(got.2)
            );
            let advice = format!("of use from about {buyers}, {again} and {days} on: import older orders");
            vec![(state, with_advice(state, what, &advice))]
        }
        Need::Reactions(names, many) => {
            let got: u64 =
                names.iter().filter_map(|name| found.events.get(*name)).map(|told| told.events).sum();
            let state = match got {
                0 => State::Missing,
                got if got < *many => State::Partly,
                _ => State::Ready,
            };
            let what = format!("{} opens and clicks", HumanCount(got));
            vec![(
                state,
                with_advice(
                    state,
                    what,
                    &format!("of use from about {many} on: they come with what is sent"),
                ),
            )]
        }
    }
}

/// The one of these events that is told most, and its properties.
fn event(any: &[&'static str], with: &[&'static str], found: &Found) -> Vec<(State, String)> {
    let told = any.iter().filter_map(|name| Some((*name, found.events.get(*name)?)));
    let Some((name, told)) = told.max_by_key(|(_, told)| told.events) else {
        let what = format!("{} was never told", any.join(" or "));
        return vec![(State::Missing, with_advice(State::Missing, what, "send it: docs/ingest.md"))];
    };
    let Told { events, people, properties, .. } = told;
    let what = format!("{name}: {} of {} people", HumanCount(*events), HumanCount(*people));
    let mut said = vec![(State::Ready, what)];
    for property in with {
        let share = part(properties.get(*property).copied().unwrap_or(0), *events);
        let state = by_share(share, HALF, NEARLY_ALL);
        if state != State::Ready {
            let what = format!("{name} has {property} in {:.0} % of them", share * 100.0);
            said.push((state, with_advice(state, what, "send it with each")));
        }
    }
    said
}

fn with_advice(state: State, what: String, advice: &str) -> String {
    if state == State::Ready { what } else { format!("{what}: {advice}") }
}

fn part(some: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { some as f64 / all as f64 }
}

/// Missing up to and with the first share unless it is passed, in part below the second.
fn by_share(share: f64, missing: f64, partly: f64) -> State {
    match share {
        share if share <= missing => State::Missing,
        share if share < partly => State::Partly,
        _ => State::Ready,
    }
}

fn told(found: &Found, journeys: &[Judged], models: &[Judged]) -> String {
    let events: u64 = found.events.values().map(|told| told.events).sum();
    let last = found.events.values().filter_map(|told| told.last).max();
    let last =
        last.map_or_else(|| "none yet".to_owned(), |last| format!("the last at {}", super::minute(last)));
    let mut text = format!("{} events looked at, {last}\n", HumanCount(events));
    for (title, judged) in [("journeys", journeys), ("models", models)] {
        if !judged.is_empty() {
            text.push_str(&format!("\n{title}\n"));
        }
        for Judged { recipe, state, needs } in judged {
            let mark = match state {
                State::Ready => "✓",
                State::Partly => "~",
                State::Missing => "✗",
            };
            text.push_str(&format!("  {mark} {:<20}  {}\n", recipe.name, super::cut(recipe.says, 74)));
            for (state, words) in needs.iter().filter(|(of, _)| *state == State::Ready || *of != State::Ready)
            {
                let mark = if *state == State::Ready { " " } else { "-" };
                text.push_str(&format!("      {mark} {}\n", super::cut(words, 92)));
            }
        }
    }
    text
}

fn told_as_json(found: &Found, journeys: &[Judged], models: &[Judged]) -> Value {
    let list = |judged: &[Judged]| -> Vec<Value> {
        let one = |Judged { recipe, state, needs }: &Judged| {
            let needs: Vec<Value> =
                needs.iter().map(|(state, words)| json!({ "state": state.name(), "says": words })).collect();
            json!({ "name": recipe.name, "says": recipe.says, "state": state.name(), "needs": needs })
        };
        judged.iter().map(one).collect()
    };
    let events: serde_json::Map<String, Value> = found
        .events
        .iter()
        .map(|(name, told)| {
            let Told { events, people, first, last, properties } = told;
            let (first, last) = (first.map(|at| at.to_string()), last.map(|at| at.to_string()));
            let told = json!({
                "events": events, "people": people, "first": first, "last": last, "properties": properties,
            });
            (name.clone(), told)
        })
        .collect();
    json!({
        "journeys": list(journeys),
        "models": list(models),
        "events": events,
        "people": found.people,
        "traits": found.traits,
        "products": found.products,
        "fields": found.fields,
    })
}
