//! The cookbook in the binary: a journey of it with what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use journeyman_domain::plan::{Consent, Deployment, JourneyKind, Plan, Policies, Step};
use journeyman_engine::deploy;
use journeyman_journey::{Source, policies};

/// The files of `examples/cookbook`.
const BOOK: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/cookbook.rs"));
/// The words with which a journey's file begins.
const HEADS: [&str; 2] = ["journey", "broadcast"];

/// A journey of the cookbook.
pub(super) struct Recipe {
    /// Its name.
    pub(super) name: String,
    /// The comment with which it begins.
    pub(super) about: String,
    /// Its consent topic; empty of one that needs none.
    pub(super) topic: String,
    /// Its holdout.
    pub(super) holdout: String,
    /// What it needs beside itself, by path; other journeys too.
    needs: Vec<Source>,
    text: String,
}

/// What somebody wants of a recipe.
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) owner: String,
    pub(super) holdout: String,
    pub(super) status: String,
}

/// All recipes, by name.
pub(super) fn recipes() -> anyhow::Result<Vec<Recipe>> {
    let book: Vec<Source> = BOOK
        .iter()
        .map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() })
        .collect();
    let deployment =
        deploy::check(&book, false).deployment.context("the cookbook in this binary is wrong")?;
    let mut recipes: Vec<Recipe> =
        deployment.plans.iter().filter_map(|plan| recipe(plan, &deployment, &book)).collect();
    recipes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(recipes)
}

fn recipe(plan: &Plan, deployment: &Deployment, book: &[Source]) -> Option<Recipe> {
    let path = path_of(&plan.name);
    let text = book.iter().find(|source| source.path == path)?.text.clone();
    let about = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or("").to_owned();
    let topic = match plan.kind {
        JourneyKind::Marketing => plan.topic.as_deref().unwrap_or(""),
        JourneyKind::Transactional => "",
    };
    let needs = needs(plan, deployment, book);
    let holdout = value_of(&text, "holdout").unwrap_or("0%").to_owned();
    Some(Recipe { name: plan.name.to_string(), about, topic: topic.to_owned(), holdout, needs, text })
}

fn path_of(journey: &str) -> String {
    format!("journeys/{journey}.yaml")
}

/// The segments, templates and other journeys that a journey asks for, and what those do.
fn needs(plan: &Plan, deployment: &Deployment, book: &[Source]) -> Vec<Source> {
    let (mut journeys, mut open) = (BTreeSet::from([plan.name.clone()]), vec![plan.name.clone()]);
    let (mut segments, mut templates): (BTreeSet<Arc<str>>, BTreeSet<Arc<str>>) = Default::default();
    while let Some(name) = open.pop() {
        let Some(plan) = deployment.plans.iter().find(|plan| plan.name == name) else { continue };
        segments.extend(plan.segments());
        for node in &plan.nodes {
            match &node.step {
                Step::Send(send) => drop(templates.insert(send.template.clone())),
                Step::Start { journey, .. } if journeys.insert(journey.clone()) => open.push(journey.clone()),
                _ => {}
            }
        }
    }
    let mut open: Vec<Arc<str>> = segments.iter().cloned().collect();
    while let Some(name) = open.pop() {
        let segment = deployment.segments.iter().find(|segment| segment.name == name);
        let asks = segment.into_iter().flat_map(|segment| segment.condition.segments());
        open.extend(asks.filter(|asked| segments.insert(asked.clone())));
    }
    let is_needed = |source: &&Source| {
        let stem = |folder: &str| source.path.strip_prefix(folder)?.strip_suffix(".yaml");
        let folder = source.path.strip_prefix("templates/").and_then(|path| path.split('/').next());
        stem("journeys/segments/").is_some_and(|name| segments.contains(name))
            || stem("journeys/").is_some_and(|name| journeys.contains(name) && name != plan.name.as_ref())
            || folder.is_some_and(|name| templates.contains(name) || name == "layouts")
    };
    book.iter().filter(is_needed).cloned().collect()
}

/// What an empty folder begins with: the shop of the cookbook, in which people are asked before anything is sent to them.
fn shop_of_the_book() -> Vec<Source> {
    let files = BOOK.iter().filter(|(path, _)| [crate::config::FILE, "tracking.yaml"].contains(path));
    let of = |(path, text): &(&str, &str)| Source {
        path: (*path).to_owned(),
        text: text
            .replace("opt_out", "opt_in")
            .replace("# The shop of the cookbook.", "# Begun by `journeyman new`: the senders are made up."),
    };
    files.map(of).collect()
}

/// The consent topics of a shop.
pub(super) fn topics(shop: &[Source]) -> Vec<String> {
    let policies = policies(shop);
    policies.iter().flat_map(|policies| policies.topics.keys()).map(ToString::to_string).collect()
}

impl Recipe {
    /// What is to be written: the journey as it is wanted, and of what it needs whatever the shop does not have.
    pub(super) fn written(&self, answers: &Answers, shop: &[Source]) -> anyhow::Result<Vec<Source>> {
        let around = if shop.is_empty() { shop_of_the_book() } else { Vec::new() };
        let all: Vec<Source> = shop.iter().chain(&around).cloned().collect();
        let Some(policies) = policies(&all) else {
            bail!("journeyman.yaml can't be read: `journeyman check` says why")
        };
        let currency = policies.rates.base.to_string();
        let head = HEADS.into_iter().find(|head| value_of(&self.text, head).is_some()).unwrap_or("journey");
        let said: BTreeMap<&str, &str> = [
            (head, answers.name.as_str()),
            ("topic", &answers.topic),
            ("owner", &answers.owner),
            ("holdout", if answers.holdout == self.holdout { "" } else { &answers.holdout }),
            ("status", if answers.status == "live" || head == "broadcast" { "" } else { &answers.status }),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
        let mut text = self.text.clone();
        for (key, value) in said {
            text = with_value(&text, head, key, value);
        }
        let journey = Source {
            path: path_of(&answers.name),
            text: agreed(&from_known(&in_currency(&text, &currency), &policies), &policies),
        };
        let mut written = vec![journey];
        written.extend(around);
        let own = |path: &str| {
            // A template is one thing, however many files it has.
            let folder = path.strip_prefix("templates/").and_then(|path| path.split_once('/'));
            match folder {
                Some((name, _)) if name != "layouts" => {
                    shop.iter().any(|source| source.path.starts_with(&format!("templates/{name}/")))
                }
                _ => shop.iter().any(|source| source.path == path),
            }
        };
        // A shop that has journeys and no templates tries how they go before it writes their words.
        let wordless = shop.iter().any(|source| source.path.starts_with("journeys/"))
            && !shop.iter().any(|source| source.path.starts_with("templates/"));
        let fits =
            |source: &&Source| !(own(&source.path) || wordless && source.path.starts_with("templates/"));
        for source in self.needs.iter().filter(fits) {
            let mut text = from_known(&in_currency(&source.text, &currency), &policies);
            if let Some(topic) = value_of(&text, "topic").filter(|_| source.path.starts_with("journeys/"))
                && !policies.topics.is_empty()
                && !policies.topics.contains_key(topic)
            {
                let first = policies.topics.keys().next().map(ToString::to_string).unwrap_or_default();
                let own = if answers.topic.is_empty() { first } else { answers.topic.clone() };
                text = with_value(&text, "journey", "topic", &own);
            }
            let text = agreed(&text, &policies);
            written.push(Source { path: source.path.clone(), text });
        }
        Ok(written)
    }
}

/// Amounts in the shop's own currency.
fn in_currency(text: &str, currency: &str) -> String {
    text.replace(" EUR", &format!(" {currency}"))
}

/// With tests whose people agree to the journey's topic, where they have to be asked for it.
fn agreed(text: &str, policies: &Policies) -> String {
    let Some(topic) = value_of(text, "topic") else { return text.to_owned() };
    let asked = policies.topics.get(topic).is_none_or(|topic| topic.consent == Consent::OptIn);
    if !asked || text.contains("    consents:") {
        return text.to_owned();
    }
    let with = |line: &str| match line.starts_with("  - test:") {
        true => format!("{line}\n    consents: [{topic}]\n"),
        false => format!("{line}\n"),
    };
    text.lines().map(with).collect()
}

/// Without the senders that the shop does not have: who it is from is the shop's own to say.
fn from_known(text: &str, policies: &Policies) -> String {
    let stays = |line: &&str| {
        let sender = line
            .trim_start()
            .strip_prefix("from:")
            .map(|rest| rest.split(" #").next().unwrap_or(rest).trim());
        sender.is_none_or(|sender| policies.senders.contains_key(sender))
    };
    text.lines().filter(stays).map(|line| format!("{line}\n")).collect()
}

/// What a key at the beginning of a line says, without the comment behind it.
fn value_of<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(value.split(" #").next().unwrap_or(value).trim())
}

/// The text in which a key says that: in its line, else in one below the head.
fn with_value(text: &str, head: &str, key: &str, value: &str) -> String {
    let is = |line: &str, key: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let known = text.lines().any(|line| is(line, key));
    let mut written = String::new();
    for line in text.lines() {
        let own = is(line, key);
        let text = if own { format!("{key}: {value}") } else { line.to_owned() };
        written.push_str(&text);
        written.push('\n');
        if !known && is(line, head) {
            written.push_str(&format!("{key}: {value}\n"));
        }
    }
    written
}
