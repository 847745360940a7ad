//! `GET /`: all journeys; `GET /journeys/{name}`: one, drawn, with who stands where.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use journeyman_domain::plan::{Deployment, Plan};
use journeyman_journey::graph::{self, Graph, Kind, Mark, Standing, thousands};
use journeyman_store::console::Figures;

use super::figures::{DAYS, Messages, Runs};
use super::{Console, Fault, Head, Page, answer, piece, share};

#[derive(Template)]
#[template(path = "console/journeys.html")]
struct List {
    head: Head,
    deployment: i64,
    days: i64,
    counted: String,
    rows: Vec<Row>,
}

/// A journey of the list.
struct Row {
    name: String,
    link: String,
    status: &'static str,
    begins: String,
    inside: String,
    entered: String,
    sent: String,
    clicked: String,
    clicked_share: String,
    goals: String,
}

pub(super) async fn list(State(console): State<Arc<Console>>) -> Page {
    let live = console.archive.live().await?.map_err(Fault::Unreadable)?;
    let shown = console.counter.figures(&console.pool, console.clock.now()).await?;
    let figures = &shown.counted.figures;
    let mut plans: Vec<&Arc<Plan>> = live.plans.iter().collect();
    plans.sort_by(|a, b| a.name.cmp(&b.name));
    let rows = plans.into_iter().map(|plan| row(plan, figures)).collect();
    let list = List {
        head: Head::new("journeys"),
        deployment: live.number,
        days: DAYS,
        counted: shown.when(),
        rows,
    };
    Ok(answer(StatusCode::OK, &list))
}

fn row(plan: &Plan, figures: &Figures) -> Row {
    let (runs, messages) = (Runs::of(figures, &plan.name), Messages::of(figures, &plan.name, None));
    Row {
        name: plan.name.to_string(),
        link: format!("/journeys/{}", piece(&plan.name)),
        status: graph::status(plan),
        begins: graph::begins(plan),
        inside: thousands(runs.inside),
        entered: thousands(runs.entered),
        sent: thousands(messages.sent),
        clicked: thousands(messages.clicked),
        clicked_share: share(messages.clicked, messages.sent),
        goals: thousands(runs.goals),
    }
}

#[derive(Template)]
#[template(path = "console/journey.html")]
struct Journey {
    head: Head,
    name: String,
    about: Vec<String>,
    days: i64,
    counted: String,
    /// Name, figure, and what is said below it.
    tiles: Vec<(&'static str, String, String)>,
    picture: String,
    steps: Vec<Step>,
    ends: Vec<(&'static str, String)>,
    /// The messages of this journey.
    inbox: String,
}

/// A step, as a row.
struct Step {
    id: String,
    what: String,
    here: String,
    messages: Option<[String; 4]>,
}

pub(super) async fn show(State(console): State<Arc<Console>>, Path(name): Path<String>) -> Page {
    let live: Arc<Deployment> = console.archive.live().await?.map_err(Fault::Unreadable)?;
    let plan = live.plans.iter().find(|plan| plan.name.as_ref() == name);
    let plan = plan.ok_or(Fault::Missing("No journey of that name is deployed."))?;
    let shown = console.counter.figures(&console.pool, console.clock.now()).await?;
    let figures = &shown.counted.figures;
    let graph = graph::of(plan);
    let (runs, messages) = (Runs::of(figures, &name), Messages::of(figures, &name, None));
    let picture = graph::svg(&graph, Standing::Inside, &marks(&graph, figures, runs));
    let journey = Journey {
        head: Head::new("journeys"),
        days: DAYS,
        counted: shown.when(),
        tiles: tiles(runs, messages),
        picture,
        steps: steps(&graph, figures),
        ends: ends(figures, &name),
        about: graph.about,
        inbox: format!("/inbox?journey={}", piece(&name)),
        name,
    };
    Ok(answer(StatusCode::OK, &journey))
}

fn tiles(runs: Runs, messages: Messages) -> Vec<(&'static str, String, String)> {
    let of_sent = |part: u64| match share(part, messages.sent) {
        none if none.is_empty() => none,
        share => format!("{share} of those sent"),
    };
    let watching = match runs.watching {
        0 => String::new(),
        many => format!("{} more await their goal", thousands(many)),
    };
    let underway = match messages.underway {
        0 => String::new(),
        many => format!("{} on their way", thousands(many)),
    };
    vec![
        ("Inside now", thousands(runs.inside), watching),
        ("Entered", thousands(runs.entered), String::new()),
        ("Messages sent", thousands(messages.sent), underway),
        ("Opened", thousands(messages.opened), of_sent(messages.opened)),
        ("Clicked", thousands(messages.clicked), of_sent(messages.clicked)),
        ("Goal reached", thousands(runs.goals), String::new()),
    ]
}

/// What is told of each node.
fn marks(graph: &Graph, figures: &Figures, runs: Runs) -> BTreeMap<usize, Mark> {
    let journey = graph.journey.as_ref();
    let ended = |reason: &str| Runs::ended(figures, journey, |ended| ended.reason.as_ref() == reason);
    let some = |number: u64, words: &str| (number > 0).then(|| format!("{} {words}", thousands(number)));
    let mut marks = BTreeMap::new();
    for (nth, node) in graph.nodes.iter().enumerate() {
        let here = node.step.as_ref().filter(|_| node.kind != Kind::Exit);
        let here = here.map(|step| Runs::at(figures, journey, step));
        let note = match node.kind {
            Kind::Trigger => some(runs.entered, "entered"),
            Kind::Send => node.step.as_ref().and_then(|step| of_step(figures, journey, step)),
            Kind::Exit => some(ended(&format!("exit_step: {}", node.title)), "left here"),
            Kind::End => some(ended("completed"), "came to it"),
            Kind::Goal => some(runs.goals, "reached it"),
            Kind::Exits => some(ended("exit"), "left, by any exit"),
            Kind::Holdout => {
                some(Runs::ended(figures, journey, |ended| ended.held_out), "held out, over by now")
            }
            Kind::Hold => some(ended("held"), "ended for being held too long"),
            Kind::Wait | Kind::WaitFor | Kind::Branch | Kind::Split | Kind::Set => None,
        };
        marks.insert(nth, Mark { here: here.filter(|here| *here > 0), note });
    }
    marks
}

/// `132 sent · 18 clicked`
fn of_step(figures: &Figures, journey: &str, step: &str) -> Option<String> {
    let messages = Messages::of(figures, journey, Some(step));
    if messages == Messages::default() {
        return None;
    }
    let mut told = vec![format!("{} sent", thousands(messages.sent))];
    if messages.underway > 0 {
        told.push(format!("{} on their way", thousands(messages.underway)));
    }
    if messages.clicked > 0 {
        told.push(format!("{} clicked", thousands(messages.clicked)));
    }
    Some(told.join(" · "))
}

fn steps(graph: &Graph, figures: &Figures) -> Vec<Step> {
    let journey = graph.journey.as_ref();
    let steps = graph.nodes.iter().filter_map(|node| node.step.as_ref().map(|step| (node, step)));
    steps
        .map(|(node, step)| {
            let messages = Messages::of(figures, journey, Some(step));
            let of = [messages.sent, messages.opened, messages.clicked, messages.withheld].map(thousands);
            Step {
                id: step.to_string(),
                what: format!("{}: {}", node.kicker, node.title),
                here: thousands(Runs::at(figures, journey, step)),
                messages: (node.kind == Kind::Send).then_some(of),
            }
        })
        .collect()
}

/// Why runs ended, in words.
fn ends(figures: &Figures, journey: &str) -> Vec<(&'static str, String)> {
    let ended = |told: &'static str, reason: &str| {
        let like = |ended: &journeyman_store::console::Ended| {
            let known = ended.reason.as_ref();
            known == reason || (reason == "exit_step" && known.starts_with("exit_step"))
        };
        (told, Runs::ended(figures, journey, like))
    };
    [
        ended("The goal was reached", "goal"),
        ended("All steps were done", "completed"),
        ended("An exit of the journey", "exit"),
        ended("An exit step", "exit_step"),
        ended("Begun anew by the same key", "restarted"),
        ended("A higher priority took the lane", "lane_taken"),
        ended("The person became another's", "merged"),
        ended("A step failed", "failed"),
    ]
    .into_iter()
    .filter(|(_, runs)| *runs > 0)
    .map(|(told, runs)| (told, thousands(runs)))
    .collect()
}
