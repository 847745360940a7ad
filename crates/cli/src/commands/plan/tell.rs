//! A plan in words: for a terminal, a pull request, a program.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use indicatif::HumanCount;
use journeyman_domain::plan::Destiny;
use journeyman_journey::compare::Change;
use journeyman_store::deployments::InFlight;
use serde_json::{Map, Value, json};

use super::Planned;
use super::difference::Changed;
use super::forecast::{Forecast, Row};
use super::power::{self, Power};
use crate::commands::backtest::{drawn, tally_json};
use crate::commands::cut;
use crate::commands::demo::table::table;

/// How much of what was written is shown.
const TEXT: usize = 84;

/// For a terminal, within 100 columns.
pub(super) fn text(planned: &Planned) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_text(planned, &mut out);
    out
}

fn write_text(planned: &Planned, out: &mut String) -> std::fmt::Result {
    if planned.difference.is_empty() {
        return writeln!(out, "nothing to do: deployment {} says the same", planned.current);
    }
    for (title, all) in
        [("how it goes", &planned.difference.structure), ("what it says", &planned.difference.wording)]
    {
        if all.is_empty() {
            continue;
        }
        writeln!(out, "{title}")?;
        for changed in all {
            writeln!(out, "  {:>8}  {} {}", changed.word, changed.kind, changed.name)?;
            if !changed.files.is_empty() {
                writeln!(out, "            {}", cut(&changed.files.join(", "), 86))?;
            }
            for change in &changed.changes {
                for line in lines(change) {
                    writeln!(out, "            {line}")?;
                }
            }
            for line in becomes(planned, changed) {
                writeln!(out, "            {}", cut(&line, 86))?;
            }
        }
    }
    if planned.difference.unchanged > 0 {
        writeln!(out, "  {} journeys stay as they are", planned.difference.unchanged)?;
    }
    if let Some(forecast) = &planned.forecast {
        writeln!(out, "\n{}", head(forecast))?;
        let mut table = table(["journey", "", "now", "planned", "difference"], 2..5);
        let mut last = None;
        for row in forecast.rows() {
            let name = if last.as_ref() == Some(&row.journey) { "" } else { &row.journey };
            table.add_row([
                cut(name, 28),
                cut(&row.what, 32),
                count(row.now),
                count(row.then),
                difference(&row),
            ]);
            last = Some(row.journey.clone());
        }
        if !table.is_empty() {
            writeln!(out, "{table}")?;
        }
        for (channel, (now, then)) in forecast.hours() {
            let most = now.iter().chain(&then).copied().max().unwrap_or(0);
            let name = channel.name();
            writeln!(out, "  {name:<9} by hour, now      {}", drawn(&now, most))?;
            writeln!(out, "  {:<9} 0 to 23, planned  {}  at most {}", "", drawn(&then, most), count(most))?;
        }
    }
    for line in tests(planned) {
        writeln!(out, "  {}", cut(&line, 96))?;
    }
    writeln!(out, "\nplan {} of deployment {}", planned.name, planned.current)?;
    if let Some(approvals) = approvals(planned) {
        writeln!(out, "{approvals}")?;
    }
    writeln!(out, "journeyman apply --plan {} does just this", planned.name)
}

/// For a pull request.
pub(super) fn markdown(planned: &Planned) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_markdown(planned, &mut out);
    out
}

fn write_markdown(planned: &Planned, out: &mut String) -> std::fmt::Result {
    writeln!(out, "### Plan `{}`\n", planned.name)?;
    if planned.difference.is_empty() {
        return writeln!(out, "Nothing to do: deployment {} says the same.", planned.current);
    }
    for (title, all) in
        [("How it goes", &planned.difference.structure), ("What it says", &planned.difference.wording)]
    {
        if all.is_empty() {
            continue;
        }
        writeln!(out, "**{title}**\n")?;
        for changed in all {
            let files = match changed.files.is_empty() {
                true => String::new(),
                false => format!(": {}", changed.files.join(", ")),
            };
            writeln!(out, "- {} {} `{}`{files}", changed.word, changed.kind, changed.name)?;
            for change in &changed.changes {
                writeln!(out, "  - {}", sentence(change))?;
            }
            for line in becomes(planned, changed) {
                writeln!(out, "  - {line}")?;
            }
        }
        writeln!(out)?;
    }
    if let Some(forecast) = &planned.forecast {
        writeln!(out, "**{}**\n", head(forecast))?;
        writeln!(out, "| journey | | now | planned | difference |\n|---|---|--:|--:|--:|")?;
        for row in forecast.rows() {
            let Row { journey, what, now, then } = &row;
            writeln!(
                out,
                "| {journey} | {what} | {} | {} | {} |",
                count(*now),
                count(*then),
                difference(&row)
            )?;
        }
        writeln!(out)?;
    }
    for line in tests(planned) {
        writeln!(out, "- {line}")?;
    }
    if let Some(approvals) = approvals(planned) {
        writeln!(out, "{approvals}\n")?;
    }
    writeln!(out, "Of deployment {}: `journeyman apply --plan {}`", planned.current, planned.name)
}

/// For a program.
pub(super) fn json(planned: &Planned) -> Value {
    let changed = |all: &[Changed]| -> Vec<Value> {
        all.iter()
            .map(|changed| {
                json!({
                    "kind": changed.kind,
                    "name": changed.name,
                    "change": changed.word,
                    "files": changed.files,
                    "changes": changed.changes.iter().map(change_json).collect::<Vec<_>>(),
                })
            })
            .collect()
    };
    let in_flight = planned.in_flight.iter().map(|runs| {
        let becomes = destiny(planned, runs);
        let planned = planned.difference.versions.get(&runs.journey);
        json!({
            "journey": runs.journey,
            "version": runs.plan.to_string(),
            "step": runs.step,
            "runs": runs.runs,
            "stays_in_older_version": planned != Some(&runs.plan) && becomes == Becomes::Stays,
            "goes_on_at": match &becomes { Becomes::Goes(step) => Some(step), _ => None },
            "ends": becomes == Becomes::Ends,
        })
    });
    json!({
        "plan": planned.name.to_string(),
        "deployment": planned.current,
        "approvals_needed": planned.approvals.0,
        "approved_by": planned.approvals.1,
        "structure": changed(&planned.difference.structure),
        "wording": changed(&planned.difference.wording),
        "journeys_unchanged": planned.difference.unchanged,
        "in_flight": in_flight.collect::<Vec<_>>(),
        "forecast": planned.forecast.as_ref().map(forecast_json),
        "tests": powers(planned).iter().map(power_json).collect::<Vec<_>>(),
    })
}

fn forecast_json(forecast: &Forecast) -> Value {
    let journeys = |tally: &journeyman_sim::backtest::Tally| -> Map<String, Value> {
        tally.journeys.iter().map(|(name, of)| (name.to_string(), tally_json(of))).collect()
    };
    json!({
        "days": forecast.days,
        "events": forecast.events,
        "people": forecast.people,
        "now": journeys(&forecast.now),
        "planned": journeys(&forecast.then),
    })
}

fn change_json(change: &Change) -> Value {
    match change {
        Change::Said { step, what, was, is } => {
            json!({ "step": step, "what": what, "was": was, "is": is })
        }
        Change::New { step, does, place } => json!({ "step": step, "new": does, "place": place }),
        Change::Gone { step, does } => json!({ "step": step, "gone": does }),
        Change::Moved { step, place } => json!({ "step": step, "moved": place }),
    }
}

/// What becomes of runs that stand at one step of one version.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Becomes {
    /// They go on in the version they began in.
    Stays,
    /// They go on at that step of the planned one.
    Goes(String),
    /// They end.
    Ends,
}

fn destiny(planned: &Planned, runs: &InFlight) -> Becomes {
    let version = planned.difference.versions.get(&runs.journey);
    let plan = version.filter(|hash| **hash != runs.plan).and_then(|hash| planned.then.version(*hash));
    // Those that are over but for their goal stay for that.
    let Some(plan) = plan.filter(|_| !runs.step.is_empty()) else { return Becomes::Stays };
    match plan.destiny(&runs.step) {
        Destiny::Stays => Becomes::Stays,
        Destiny::Ends => Becomes::Ends,
        Destiny::Goes(node) => {
            plan.nodes.get(node).map_or(Becomes::Stays, |node| Becomes::Goes(node.id.to_string()))
        }
    }
}

/// What becomes of those who are under way in a journey that is another or no more, a line for each destiny.
fn becomes(planned: &Planned, changed: &Changed) -> Vec<String> {
    if changed.kind != "journey" {
        return Vec::new();
    }
    let version = planned.difference.versions.get(&changed.name);
    let older =
        planned.in_flight.iter().filter(|runs| runs.journey == changed.name && Some(&runs.plan) != version);
    let mut all: BTreeMap<&str, Vec<(String, u64)>> = BTreeMap::new();
    for runs in older {
        let step = if runs.step.is_empty() { "watching for the goal" } else { &runs.step };
        let (what, place) = match destiny(planned, runs) {
            Becomes::Stays => ("finish the version they began in", step.to_owned()),
            Becomes::Goes(to) => {
                ("go on in this one, but those whose message is on its way", format!("{step} -> {to}"))
            }
            Becomes::Ends => ("end", step.to_owned()),
        };
        let places = all.entry(what).or_default();
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, count)) => *count += runs.runs,
            None => places.push((place, runs.runs)),
        }
    }
    let line = |(what, places): (&str, Vec<(String, u64)>)| {
        let each: Vec<String> =
            places.iter().map(|(place, runs)| format!("{place} {}", count(*runs))).collect();
        let all: u64 = places.iter().map(|(_, runs)| runs).sum();
        format!("{} runs {what}: {}", count(all), each.join(", "))
    };
    all.into_iter().map(line).collect()
}

/// Whether its tests could tell anything, at the traffic there was.
fn powers(planned: &Planned) -> Vec<Power> {
    planned.forecast.as_ref().map(|forecast| power::tests(&planned.then, forecast)).unwrap_or_default()
}

fn tests(planned: &Planned) -> Vec<String> {
    powers(planned).iter().map(Power::words).collect()
}

fn power_json(power: &Power) -> Value {
    json!({
        "journey": power.journey,
        "step": power.step,
        "variants": power.variants,
        "messages_each": power.each,
        "days_until_twice_the_clicks_are_seen": power.days,
    })
}

/// Who has to say yes to it, and who did.
fn approvals(planned: &Planned) -> Option<String> {
    let (needed, by) = &planned.approvals;
    let who = if by.is_empty() { "nobody has yet".to_owned() } else { format!("yes by {}", by.join(", ")) };
    let ask = format!("journeyman approve {} --as NAME", planned.name);
    (*needed > 0).then(|| format!("{needed} other than the author have to say yes, {who}: {ask}"))
}

fn head(forecast: &Forecast) -> String {
    format!(
        "the last {} days again: {} people, {} events of all time",
        forecast.days,
        count(forecast.people),
        count(forecast.events)
    )
}

fn count(count: u64) -> String {
    HumanCount(count).to_string()
}

fn difference(row: &Row) -> String {
    match row.then.cmp(&row.now) {
        std::cmp::Ordering::Equal => "=".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", count(row.then - row.now)),
        std::cmp::Ordering::Less => format!("-{}", count(row.now - row.then)),
    }
}

/// A change on lines of a terminal.
fn lines(change: &Change) -> Vec<String> {
    match change {
        Change::Said { step, what, was: Some(was), is: Some(is) } => {
            let of = named(step.as_deref(), what);
            vec![cut(&of, TEXT), format!("  was {}", cut(was, TEXT)), format!("  is  {}", cut(is, TEXT))]
        }
        change => vec![cut(&sentence(change).replace('`', ""), 88)],
    }
}

/// A change as a sentence.
fn sentence(change: &Change) -> String {
    match change {
        Change::Said { step, what, was, is } => {
            let of = named(step.as_deref(), what);
            match (was, is) {
                (Some(was), Some(is)) => format!("{of} was `{was}`, is `{is}`"),
                (None, Some(is)) if is.is_empty() => format!("{of} is new"),
                (None, Some(is)) => format!("{of} is new: `{is}`"),
                (Some(was), None) if was.is_empty() => format!("{of} is gone"),
                (Some(was), None) => format!("{of} is gone: it was `{was}`"),
                (None, None) => of,
            }
        }
        Change::New { step, does, place } => format!("new step {step}, {place}: `{does}`"),
        Change::Gone { step, does } => format!("step {step} is gone: `{does}`"),
        Change::Moved { step, place } => format!("step {step} stands elsewhere: {place}"),
    }
}

fn named(step: Option<&str>, what: &str) -> String {
    step.map_or_else(|| what.to_owned(), |step| format!("{step}: {what}"))
}
