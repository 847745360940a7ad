//! A journey's file to its plan.

mod enter;
mod goal;
mod hold;
mod migrate;
mod steps;
mod survey;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::call::variable;
use journeyman_domain::expr::{Expr, Root, Type};
use journeyman_domain::plan::{self, JourneyKind, Migrate, Node as Step, Plan, PlanHash, Policies, Status};

use crate::block::{self, Block};
use crate::diagnostic::{
    FILE_KIND, INTEGER, KEY_LACKING, NAME, NEAR_EVENT, NO_STEPS, OPENED, PERCENT, RATE, Report, TOPIC,
    UNKNOWN_SEGMENT,
};
use crate::expr::{EventTypes, Inside, Leaves, Names, Scope};
use crate::literal::{self, Fault, short};
use crate::source::Place;
use crate::templates::Shelf;
use crate::tree::{Entry, Map, Node};
use crate::words;

pub(crate) use self::hold::read as hold;

/// The most steps of one journey.
pub const STEPS: usize = 500;
/// The longest description, owner or note, bytes.
pub const PROSE_BYTES: usize = 4 * 1024;

/// What a journey is checked against, beside its own file.
pub(crate) struct Around<'a> {
    pub(crate) names: &'a Names,
    /// What journeyman.yaml says; `None` where that could not be read.
    pub(crate) policies: Option<&'a Policies>,
    /// `None` where the templates are not known: their names are taken as they are written.
    pub(crate) templates: Option<&'a Shelf<'a>>,
    pub(crate) production: bool,
}

/// What a journey's expressions may speak of, found before any of them is read.
struct Known<'a> {
    around: &'a Around<'a>,
    entry: EventTypes,
    variables: BTreeMap<Arc<str>, Type>,
    leaves: BTreeMap<Arc<str>, Leaves>,
    /// What each run is about, with `each`.
    item: Option<Type>,
    /// The id of each step, by the byte where it begins.
    ids: BTreeMap<usize, Arc<str>>,
}

impl Known<'_> {
    /// The scope of a condition at some place of the run.
    fn scope<'b>(&'b self, here: &'static str, event: Option<&'b EventTypes>) -> Scope<'b> {
        Scope {
            names: self.around.names,
            here,
            event,
            entry: Some(&self.entry),
            run: Some(&self.variables),
            steps: Some(&self.leaves),
            turn: false,
            snippet: None,
            item: self.item.as_ref(),
            bare: None,
            template: false,
            lints: true,
        }
    }
}

/// A journey that is being read.
struct Reader<'a, 'r, 's> {
    known: &'a Known<'a>,
    report: &'r mut Report<'s>,
    nodes: Vec<Step>,
    name: Arc<str>,
    kind: JourneyKind,
    /// The snippet whose steps are being read.
    snippet: Option<Arc<Inside>>,
    /// How many repeats deep the step at hand stands.
    repeats: usize,
    /// How many steps a run takes at most without a wait, as far as repeats make more of them than there are.
    taken: usize,
    /// Of which variables of which templates something was said.
    said: BTreeSet<(Arc<str>, String)>,
}

/// The ids of a journey's steps, by the byte where each begins.
pub(crate) fn ids(map: &Map, report: &mut Report<'_>) -> BTreeMap<usize, Arc<str>> {
    survey::ids(map, report)
}

/// Reads a journey; `None` where anything in its file is wrong. `stem` is the file's name.
pub(crate) fn read(
    root: &Node,
    stem: &str,
    hash: PlanHash,
    around: &Around<'_>,
    report: &mut Report<'_>,
) -> Option<Plan> {
    let mut block = Block::of(root, "a journey", report)?;
    let known = survey::of(&block, around, report);
    let mut reader = Reader {
        known: &known,
        report,
        nodes: Vec::new(),
        name: stem.into(),
        kind: JourneyKind::Marketing,
        snippet: None,
        repeats: 0,
        taken: 0,
        said: BTreeSet::new(),
    };
    let plan = reader.journey(&mut block, stem, hash);
    block.finish(&words::JOURNEY, &[], report);
    if report.failed() {
        return None;
    }
    plan.inspect(|plan| lint(plan, &known, root, report))
}

impl<'a> Reader<'a, '_, '_> {
    /// The scope of a step's expression.
    fn here(&self, here: &'static str) -> Scope<'a> {
        let (turn, snippet) = (self.repeats > 0, self.snippet.clone());
        Scope { turn, snippet, ..self.known.scope(here, None) }
    }
}

impl Reader<'_, '_, '_> {
    fn journey(&mut self, block: &mut Block<'_>, stem: &str, hash: PlanHash) -> Option<Plan> {
        let name = self.own_name(block, stem);
        self.prose(block);
        let seed = block.take("seed").and_then(|entry| self.parsed(entry, NAME, literal::name));
        let kinds = [("marketing", JourneyKind::Marketing), ("transactional", JourneyKind::Transactional)];
        let kind = block.take("kind").and_then(|entry| block::choice(entry, &kinds, self.report));
        let kind = kind.unwrap_or(JourneyKind::Marketing);
        self.kind = kind;
        let statuses = [("draft", Status::Draft), ("live", Status::Live), ("archived", Status::Archived)];
        let status = block.take("status").and_then(|entry| block::choice(entry, &statuses, self.report));
        let priority = block.take("priority").and_then(|entry| block::integer(entry, 0, 100, self.report));
        let hours = [("respect", true), ("ignore", false)];
        let hours = block.take("quiet_hours").and_then(|entry| block::choice(entry, &hours, self.report));
        let topic = self.topic(block, kind);
        let lane = block.take("lane").and_then(|entry| self.parsed(entry, NAME, literal::name));
        let cap = block.take("cap").and_then(|entry| self.parsed(entry, RATE, literal::rate));
        let holdout = block.take("holdout").and_then(|entry| self.parsed(entry, PERCENT, literal::percent));
        let enter = self.enter(block);
        let goal = block.take("goal").and_then(|entry| self.goal(entry));
        let exits = block.take("exit").map(|entry| self.exits(entry)).unwrap_or_default();
        let hold = block
            .take("hold")
            .and_then(|entry| hold::read(entry, &self.known.scope("`hold`", None), self.report));
        let first = self.all_steps(block);
        let mut plan = Plan {
            seed: seed.unwrap_or_else(|| name.clone()),
            name,
            hash,
            kind,
            topic,
            status: status.unwrap_or(Status::Live),
            migrate: Migrate::Stay,
            priority: priority.and_then(|priority| u8::try_from(priority).ok()).unwrap_or(50),
            lane,
            cap,
            quiet_hours: hours.unwrap_or(kind == JourneyKind::Marketing),
            holdout: holdout.unwrap_or(0.0),
            enter: enter?,
            goal,
            exits,
            hold,
            nodes: std::mem::take(&mut self.nodes),
            first,
            entry_properties: Vec::new(),
        };
        plan.entry_properties = entry_properties(&plan);
        if let Some(entry) = block.take("migrate") {
            plan.migrate = self.migrate(entry, &plan);
        }
        keep_of_answers(&mut plan);
        Some(plan)
    }

    /// The journey's name, which is the file's.
    fn own_name(&mut self, block: &mut Block<'_>, stem: &str) -> Arc<str> {
        let help = format!("begin the file with `journey: {}`", short(stem));
        if let Some(entry) = block.require("journey", &words::JOURNEY, &help, self.report)
            && let Some(name) = self.parsed(entry, NAME, literal::name)
            && name.as_ref() != stem
        {
            let message = format!("the journey is called `{name}`, and its file {}.yaml", short(stem));
            let help =
                format!("call both the same: name the file {name}.yaml, or write `journey: {}`", short(stem));
            self.report.say(FILE_KIND, entry.value.place, message, help);
        }
        stem.into()
    }

    /// What is read by people only, and the words that have one meaning in this version.
    fn prose(&mut self, block: &mut Block<'_>) {
        for key in ["description", "owner"] {
            if let Some(entry) = block.take(key) {
                self.note(entry);
            }
        }
        if let Some(entry) = block.take("lang") {
            block::choice(entry, &[("1", 1)], self.report);
        }
        if let Some(entry) = block.take("pin")
            && block::yes_no(entry, self.report) == Some(true)
        {
            self.report.not_yet(entry.value.place, "pin: yes");
        }
    }

    /// Text for people.
    fn note(&mut self, entry: &Entry) {
        let prose = |text: &str| match text.len() {
            ..=PROSE_BYTES => Ok(()),
            _ => Err(Fault::new(format!("`{}` has at most {PROSE_BYTES} bytes", entry.key), "shorten it")),
        };
        self.parsed(entry, INTEGER, prose);
    }

    fn topic(&mut self, block: &mut Block<'_>, kind: JourneyKind) -> Option<Arc<str>> {
        let Some(entry) = block.take("topic") else {
            if kind == JourneyKind::Marketing {
                let help =
                    "name the consent topic it belongs to, `topic: offers`, or write `kind: transactional`";
                self.report.say(TOPIC, block.place, "a marketing journey needs `topic:`", help);
            }
            return None;
        };
        self.topic_name(entry)
    }

    fn topic_name(&mut self, entry: &Entry) -> Option<Arc<str>> {
        let topic = self.parsed(entry, NAME, literal::name)?;
        let around = self.known.around;
        if let Some(policies) = around.policies
            && !around.names.old
            && !policies.topics.contains_key(&topic)
        {
            let otherwise =
                format!("write it to `topics:` of journeyman.yaml: `{topic}: {{ consent: opt_in }}`");
            let known = policies.topics.keys().map(AsRef::as_ref);
            let message = format!("there is no topic `{topic}`");
            self.report.unknown(TOPIC, entry.value.place, message, &topic, known, otherwise);
        }
        Some(topic)
    }

    fn all_steps(&mut self, block: &mut Block<'_>) -> Option<usize> {
        let help = "write what should happen: `steps:` and below it `- send: …`";
        let Some(entry) = block.take("steps") else {
            self.report.say(NO_STEPS, block.place, "a journey needs `steps:`", help);
            return None;
        };
        if entry.value.one_or_more().is_empty() || matches!(entry.value.kind, crate::tree::Kind::Nothing) {
            self.report.say(NO_STEPS, entry.place, "a journey needs at least one step", help);
            return None;
        }
        self.block(&entry.value).first
    }

    fn parsed<T>(
        &mut self,
        entry: &Entry,
        code: crate::diagnostic::Code,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        block::parsed(entry, code, parse, self.report)
    }

    /// EVENTS of an `on:` or `unless:`, with what is odd about them.
    fn events(&mut self, entry: &Entry, decides: bool) -> Vec<Arc<str>> {
        let events = block::events(entry, self.report);
        for (event, place) in &events {
            self.event_lints(event, *place, decides);
            self.ours_to_watch(event, *place);
        }
        events.into_iter().map(|(event, _)| event).collect()
    }

    fn event_lints(&mut self, event: &str, place: Place, decides: bool) {
        if let Some(near) = self.known.around.names.tracking.near_event(event) {
            let message = format!("nothing is known of the event `{}`, and there is `{near}`", short(event));
            let help = format!("write `{near}`, or describe the event in tracking.yaml");
            self.report.say(NEAR_EVENT, place, message, help);
            if let Some(said) = self.report.found.last_mut() {
                said.nearest = Some(near);
            }
        }
        if decides && event == "Message Opened" {
            let help = "write `Message Clicked`: machines open mail too, and few click";
            self.report.say(OPENED, place, "an open decides here", help);
            if let Some(said) = self.report.found.last_mut() {
                said.nearest = Some("Message Clicked".to_owned());
            }
        }
    }

    /// NAMES of segments.
    fn segments(&mut self, entry: &Entry) -> Vec<Arc<str>> {
        let names = self.known.around.names;
        let found = block::names(entry, self.report);
        for (name, place) in &found {
            if !names.old && !names.segments.contains(name) {
                let message = format!("there is no segment `{name}`");
                let otherwise = format!("write it to journeys/segments/{name}.yaml");
                let known = names.segments.iter().map(AsRef::as_ref);
                self.report.unknown(UNKNOWN_SEGMENT, *place, message, name, known, otherwise);
            }
        }
        found.into_iter().map(|(name, _)| name).collect()
    }
}

/// The top-level properties of the entering event that expressions ask for, sorted.
fn entry_properties(plan: &Plan) -> Vec<Arc<str>> {
    let mut found: BTreeSet<Arc<str>> = BTreeSet::new();
    plan.conditions(&mut |condition| found.extend(condition.expr.properties_of(Root::Entry)));
    // With `idle` the condition is asked again at the start, about the last match.
    if let (Some(_), Some(condition)) = (plan.enter.idle, &plan.enter.condition) {
        found.extend(condition.expr.properties_of(Root::Event));
    }
    // With `each` the key is the element's.
    if plan.enter.each.is_none() {
        found.extend(plan.enter.per.iter().filter_map(|path| path.first().cloned()));
    }
    found.into_iter().collect()
}

/// Tells each call which fields of its answer are asked for.
fn keep_of_answers(plan: &mut Plan) {
    let mut found: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
    plan.conditions(&mut |condition| {
        condition.expr.walk(&mut |expr| {
            if let Expr::Path(Root::Run, path) = expr
                && let [variable, field, ..] = path.as_ref()
            {
                found.entry(variable.clone()).or_default().insert(field.clone());
            }
        });
    });
    for node in &mut plan.nodes {
        if let plan::Step::Call(call) = &mut node.step {
            call.fields = found.remove(&variable(&node.id)).into_iter().flatten().collect();
        }
    }
}

/// Warnings that need the whole plan.
fn lint(plan: &Plan, known: &Known<'_>, root: &Node, report: &mut Report<'_>) {
    let Some(key) = plan.enter.per.as_ref().and_then(|path| path.first()) else { return };
    let tracking = &known.around.names.tracking;
    let goal =
        plan.goal.iter().flat_map(|goal| &goal.trigger.on).filter(|event| !plan.enter.on.contains(event));
    let exits = plan.exits.iter().flat_map(|exit| &exit.on);
    for (what, event) in goal.map(|event| ("goal", event)).chain(exits.map(|event| ("exit", event))) {
        if !tracking.knows(event) || tracking.property(event, key).is_some() {
            continue;
        }
        let place = root.as_map().and_then(|map| map.get(what)).map_or(root.place, |entry| entry.place);
        let message =
            format!("`{event}` has no `{key}`: it counts for every run of the person, whatever its `{key}`");
        let help = format!("if it has one, describe it in tracking.yaml: `{event}:` `{key}: text`");
        report.say(KEY_LACKING, place, message, help);
    }
}
