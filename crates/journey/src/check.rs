//! The door: sources in, a deployment or everything that is wrong out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::plan::{Deployment, Hold, Plan, PlanHash, Policies, Segment, Status};
use journeyman_domain::template::Signature;

use crate::diagnostic::{Diagnostic, FILE_KIND, Report, SAME_NAME, SAME_START, Severity};
use crate::expr::{Names, Scope};
use crate::journey::{self, Around};
use crate::literal::{self, short};
use crate::segment;
use crate::snippet::{self, Snippets};
use crate::source::{File, Place, Source};
use crate::templates::{Shelf, Templates};
use crate::testing::{self, Test};
use crate::tracking::Tracking;
use crate::tree::{self, Entry, Node};
use crate::words;
use crate::{broadcast, canonical};

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `journeys/**/NAME.yaml`
    Journey,
    /// `journeys/segments/NAME.yaml`
    Segment,
    /// `journeys/snippets/NAME.yaml`: part of the journeys that use it, and no version of its own.
    Snippet,
    /// `journeyman.yaml`
    Policies,
    /// `tracking.yaml`
    Tracking,
}

/// The version of a source: what it says, whatever its comments and spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// What it is.
    pub kind: Kind,
    /// The file's name without `.yaml`.
    pub name: Arc<str>,
    /// 128 bits of SHA-256 over its canonical tree; of journeyman.yaml over its policies.
    pub hash: PlanHash,
    /// Which of the sources.
    pub source_index: usize,
    /// What is stored of it, where that is not the file as it is: a journey with the snippets it uses.
    pub text: Option<String>,
}

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Everything compiled; `None` where there is any error.
    pub deployment: Option<Deployment>,
    /// Everything that was found, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The versions of all sources that could be read.
    pub versions: Vec<Version>,
    /// The tests in journeys' files, in the order of the files.
    pub tests: Vec<Test>,
}

/// Where snippets stand.
const SNIPPETS: &str = "journeys/snippets/";
/// Of a snippet that a journey carries itself: no file is it.
const NOWHERE: usize = 1 << 15;

/// Checks everything together. Where `templates` are given, every send is checked against its own and filled; where not,
/// their names are taken as they are written. Files of `templates/` among the sources are passed over. In production a
/// journey may send by the channels only that can send there, and mail needs a sender.
pub fn check(sources: &[Source], templates: Option<Templates<'_>>, production: bool) -> Checked {
    check_all(sources, templates, production, true)
}

/// As [`check`] of what is stored and was checked then: its tests are not read. What they may say can grow.
pub fn stored(sources: &[Source], templates: Option<Templates<'_>>) -> Checked {
    check_all(sources, templates, false, false)
}

fn check_all(
    sources: &[Source],
    templates: Option<Templates<'_>>,
    production: bool,
    with_tests: bool,
) -> Checked {
    let snippets: Vec<File<'_>> = sources.iter().filter(is_snippet).map(File::new).collect();
    let files: Vec<File<'_>> = sources.iter().map(|source| File::using(source, &snippets)).collect();
    let mut readings: Vec<Reading<'_>> = files.iter().map(Reading::of).collect();
    if !with_tests {
        readings.iter_mut().for_each(|reading| reading.tests = None);
    }
    same_names(&mut readings);
    expand(&mut readings, sources);
    let (names, policies, known) = shared(&mut readings, false);
    let segments = segments(&mut readings, &names);
    let hold_marketing = hold_marketing(&mut readings, &names);
    let shelf = templates.map(Shelf::new);
    let known = known.then_some(&policies);
    let around = Around { names: &names, policies: known, templates: shelf.as_ref(), production };
    let (plans, tests) = plans(&mut readings, &around);
    let versions = readings.iter().enumerate().filter_map(|(nth, reading)| reading.version(nth)).collect();
    let mut diagnostics: Vec<Diagnostic> =
        readings.into_iter().flat_map(|reading| reading.report.found).collect();
    sort(&mut diagnostics);
    // What is wrong with a snippet is found by everybody who uses it.
    diagnostics.dedup();
    let failed = diagnostics.iter().any(|said| said.severity == Severity::Error);
    let deployment = Deployment { number: 0, plans, pinned: Vec::new(), segments, policies, hold_marketing };
    Checked { deployment: (!failed).then_some(deployment), diagnostics, versions, tests }
}

/// Compiles one stored journey among the segments, policies and tracking plan of `context` and the templates of now. What
/// it speaks of may be gone: of a segment that is not there nobody is, a template's variable that the journey can't know
/// has no value, a sender that is gone gives way to another of its stream. Errors in the context are not looked for.
///
/// # Errors
/// What is wrong with the journey.
pub fn pinned(
    source: &Source,
    context: &[Source],
    templates: Option<&[Signature]>,
) -> Result<Plan, Vec<Diagnostic>> {
    let files: Vec<File<'_>> = context.iter().map(File::new).collect();
    let mut readings: Vec<Reading<'_>> = files.iter().map(Reading::of).collect();
    let (names, policies, _) = shared(&mut readings, true);
    let file = File::new(source);
    let mut reading = Reading::of(&file);
    if !matches!(reading.kind, None | Some(Kind::Journey)) {
        reading.report.say(FILE_KIND, Place::default(), "this is no journey", "only journeys are pinned");
        return Err(reading.report.found);
    }
    let shelf = templates.map(|signatures| Shelf::new(Templates { signatures, files: &[] }));
    let (policies, templates) = (Some(&policies), shelf.as_ref());
    let around = Around { names: &names, policies, templates, production: false };
    reading.expand(&BTreeMap::new(), source);
    let plan = reading.plan(&around);
    let mut found = reading.report.found;
    sort(&mut found);
    found.retain(|said| said.severity == Severity::Error);
    plan.ok_or(found)
}

/// The policies of journeyman.yaml among sources, whatever stands around it; the defaults where there is none. `None` where
/// anything in it is wrong.
pub fn policies(sources: &[Source]) -> Option<Policies> {
    let files: Vec<File<'_>> = sources.iter().map(File::new).collect();
    let mut readings: Vec<Reading<'_>> =
        files.iter().map(Reading::of).filter(|reading| reading.kind == Some(Kind::Policies)).collect();
    let (_, policies, known) = shared(&mut readings, false);
    known.then_some(policies)
}

fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        let key = |said: &Diagnostic| (said.span.start, said.code);
        a.file.cmp(&b.file).then_with(|| key(a).cmp(&key(b))).then_with(|| a.message.cmp(&b.message))
    });
}

/// A file on its way.
struct Reading<'s> {
    report: Report<'s>,
    kind: Option<Kind>,
    stem: &'s str,
    tree: Option<Node>,
    /// What is stored of it, where that is not the file.
    text: Option<String>,
    /// A journey's `tests`: no part of what it is.
    tests: Option<Entry>,
}

impl<'s> Reading<'s> {
    fn of(file: &'s File<'s>) -> Self {
        let mut report = Report::new(file);
        let (kind, stem) = kind(file.path);
        let tree = match kind {
            // An empty configuration is one.
            Some(Kind::Policies | Kind::Tracking) if blank(file.text) => None,
            Some(_) => tree::read(&mut report),
            None if file.path.starts_with("templates/") => None,
            None => {
                let help = "journeys stand in journeys/, segments in journeys/segments/, and their names end in .yaml";
                let message = format!("nothing is read from `{}`", short(file.path));
                report.say(FILE_KIND, Place::default(), message, help);
                None
            }
        };
        let mut reading = Self { report, kind, stem, tree, text: None, tests: None };
        reading.own_kind();
        if kind == Some(Kind::Journey) {
            reading.tree = reading.tree.take().map(|tree| broadcast::journey(tree, &mut reading.report));
        }
        reading.tests = reading.tree.as_mut().filter(|_| kind == Some(Kind::Journey)).and_then(apart);
        reading
    }

    /// Whether the file is what its place says.
    fn own_kind(&mut self) {
        let (Some(kind @ (Kind::Journey | Kind::Segment | Kind::Snippet)), Some(map)) =
            (self.kind, self.tree.as_ref().and_then(Node::as_map))
        else {
            return;
        };
        let has = |key: &str| map.get(key);
        let later =
            words::LATER_FILES.iter().find_map(|word| has(word)).filter(|_| has("broadcast").is_none());
        let fault = match kind {
            _ if has("journey").is_none() && has("segment").is_none() && later.is_some() => {
                if let Some(entry) = later {
                    self.report.not_yet(entry.place, &entry.key);
                }
                self.tree = None;
                return;
            }
            Kind::Snippet => has("snippet").is_none().then(|| {
                let found = map.entries.first().map_or(Place::default(), |entry| entry.place);
                (found, "no snippet stands among the snippets", "begin the file with `snippet:`, or move it")
            }),
            _ if has("snippet").is_some() && has("journey").is_none() => has("snippet").map(|entry| {
                (entry.place, "a snippet stands among the journeys", "move the file to journeys/snippets/")
            }),
            Kind::Segment => has("journey").filter(|_| has("segment").is_none()).map(|entry| {
                (entry.place, "a journey stands among the segments", "move the file to journeys/")
            }),
            _ => has("segment").filter(|_| has("journey").is_none()).map(|entry| {
                (entry.place, "a segment stands among the journeys", "move the file to journeys/segments/")
            }),
        };
        if let Some((place, message, help)) = fault {
            self.report.say(FILE_KIND, place, message, help);
            self.tree = None;
        } else if let Err(fault) = literal::name(self.stem) {
            let message = format!("the file's name is no name: {}", fault.message);
            self.report.say(FILE_KIND, Place::default(), message, fault.help);
        }
    }

    fn hash(&self) -> Option<PlanHash> {
        let tree = self.tree.as_ref()?;
        Some(match (self.kind, tree.as_map()) {
            (Some(Kind::Policies), Some(map)) => canonical::hash_keys(map, words::POLICIES, words::DAEMONS),
            _ => canonical::hash(tree),
        })
    }

    /// What a snippet is part of has its version.
    fn version(&self, source_index: usize) -> Option<Version> {
        let kind = self.kind.filter(|kind| *kind != Kind::Snippet)?;
        let (name, text) = (self.stem.into(), self.text.clone());
        Some(Version { kind, name, hash: self.hash()?, source_index, text })
    }

    /// Puts copies of what a journey uses into its tree: what it carries itself, else what there is.
    fn expand(&mut self, snippets: &Snippets<'_>, source: &Source) {
        let (Some(Kind::Journey), Some(tree)) = (self.kind, &mut self.tree) else { return };
        let carried = snippet::carried(tree);
        let mut known = snippets.clone();
        for (nth, (name, text, tree)) in carried.iter().enumerate() {
            let mut silent = Report::new(self.report.file);
            let read = snippet::read(tree, name, NOWHERE + nth, text, &mut silent);
            known.insert(name, read);
        }
        let expanded = snippet::expand(tree, &known, &mut self.report);
        self.text = snippet::carrying(source, tree, &expanded, &carried, &mut self.report);
    }

    fn plan(&mut self, around: &Around<'_>) -> Option<Plan> {
        let hash = self.hash()?;
        journey::read(self.tree.as_ref()?, self.stem, hash, around, &mut self.report)
    }
}

/// Takes `tests` out of a journey.
fn apart(tree: &mut Node) -> Option<Entry> {
    let tree::Kind::Map(map) = &mut tree.kind else { return None };
    let nth = map.entries.iter().position(|entry| entry.key == "tests")?;
    Some(map.entries.remove(nth))
}

/// What a path says a file is, and its name.
fn kind(path: &str) -> (Option<Kind>, &str) {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.strip_suffix(".yaml").unwrap_or(file);
    let kind = match path {
        "journeyman.yaml" => Some(Kind::Policies),
        "tracking.yaml" => Some(Kind::Tracking),
        _ if !path.ends_with(".yaml") => None,
        _ if path.starts_with("journeys/segments/") => Some(Kind::Segment),
        _ if path.starts_with(SNIPPETS) => Some(Kind::Snippet),
        _ if path.starts_with("journeys/") => Some(Kind::Journey),
        _ => None,
    };
    (kind, stem)
}

fn is_snippet(source: &&Source) -> bool {
    kind(&source.path).0 == Some(Kind::Snippet)
}

/// Reads the snippets, and puts them where they are used.
fn expand(readings: &mut [Reading<'_>], sources: &[Source]) {
    let trees: Vec<(&str, &str, Option<Node>)> = readings
        .iter_mut()
        .filter(|reading| reading.kind == Some(Kind::Snippet))
        .map(|reading| (reading.stem, reading.report.file.text, reading.tree.take()))
        .collect();
    let heads = readings.iter_mut().filter(|reading| reading.kind == Some(Kind::Snippet));
    let mut snippets = Snippets::new();
    for (file, ((stem, text, tree), reading)) in trees.iter().zip(heads).enumerate() {
        let read = |tree| snippet::read(tree, stem, file, text, &mut reading.report);
        snippets.entry(stem).or_insert(tree.as_ref().and_then(read));
    }
    for (reading, source) in readings.iter_mut().zip(sources) {
        reading.expand(&snippets, source);
    }
}

fn blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

fn same_names(readings: &mut [Reading<'_>]) {
    let mut first: BTreeMap<(Kind, &str), &str> = BTreeMap::new();
    for reading in readings {
        let Some(kind) = reading.kind else { continue };
        let path = reading.report.file.path;
        if let Some(other) = first.get(&(kind, reading.stem)) {
            let message = format!("`{}` is the name of {} too", short(reading.stem), short(other));
            reading.report.say(SAME_NAME, Place::default(), message, "give one of the two another name");
        } else {
            first.insert((kind, reading.stem), path);
        }
    }
}

/// What all files are checked against: names, policies, and whether those could be read.
fn shared(readings: &mut [Reading<'_>], old: bool) -> (Names, Policies, bool) {
    let mut tracking = Tracking::new();
    let mut policies = Policies::default();
    let mut known = true;
    let (mut segments, mut journeys) = (BTreeSet::new(), BTreeMap::new());
    for Reading { report, kind, stem, tree, .. } in readings {
        match (*kind, tree.as_ref()) {
            (Some(Kind::Tracking), Some(tree)) => tracking.extend(tree, report),
            (Some(Kind::Policies), Some(tree)) => {
                policies = crate::policies::read(tree, report);
                known = !report.failed();
            }
            (Some(Kind::Policies), None) if report.failed() => known = false,
            (Some(Kind::Journey), Some(tree)) => {
                journeys.insert(Arc::from(*stem), by_api(tree));
            }
            (Some(Kind::Segment), _) => {
                segments.insert(Arc::from(*stem));
            }
            _ => {}
        }
    }
    let names = Names {
        journeys,
        segments,
        old,
        tracking,
        currency: policies.rates.base,
        calendar: policies.calendar.iter().map(|occasion| occasion.name.clone()).collect(),
        topics: known.then(|| policies.topics.keys().cloned().collect()),
    };
    (names, policies, known)
}

/// Whether a journey says that steps and programs may begin it.
fn by_api(tree: &Node) -> bool {
    let enter = tree.as_map().and_then(|map| map.get("enter")).and_then(|entry| entry.value.as_map());
    enter.and_then(|map| map.get("api")).and_then(|entry| entry.value.as_text()) == Some("yes")
}

/// What journeyman.yaml holds everybody's marketing back for: read apart from its policies, since it may ask of segments.
fn hold_marketing(readings: &mut [Reading<'_>], names: &Names) -> Option<Hold> {
    let reading = readings.iter_mut().find(|reading| reading.kind == Some(Kind::Policies))?;
    let entry = reading.tree.as_ref()?.as_map()?.get("hold_marketing")?;
    let scope = Scope { here: "`hold_marketing`", ..Scope::of_person(names) };
    journey::hold(entry, &scope, &mut reading.report)
}

fn segments(readings: &mut [Reading<'_>], names: &Names) -> Vec<Segment> {
    let mut read: BTreeMap<Arc<str>, (usize, segment::Read)> = BTreeMap::new();
    for (nth, Reading { report, kind, stem, tree, .. }) in readings.iter_mut().enumerate() {
        if let (Some(Kind::Segment), Some(tree)) = (*kind, tree.as_ref())
            && let Some(segment) = segment::read(tree, stem, names, report)
        {
            read.entry(segment.segment.name.clone()).or_insert((nth, segment));
        }
    }
    let by_name = read.iter().map(|(name, (_, read))| (name.clone(), &read.segment)).collect();
    for (name, code, message) in segment::rows(&by_name) {
        let Some((nth, read)) = read.get(&name) else { continue };
        if let Some(reading) = readings.get_mut(*nth) {
            reading.report.say(code, read.place, message, "write out what one of them asks");
        }
    }
    read.into_values().map(|(_, read)| read.segment).collect()
}

fn plans(readings: &mut [Reading<'_>], around: &Around<'_>) -> (Vec<Arc<Plan>>, Vec<Test>) {
    let (mut plans, mut tests): (Vec<Arc<Plan>>, Vec<Test>) = (Vec::new(), Vec::new());
    let mut starts: BTreeMap<String, Arc<Plan>> = BTreeMap::new();
    for reading in readings.iter_mut().filter(|reading| reading.kind == Some(Kind::Journey)) {
        let Some(plan) = reading.plan(around).map(Arc::new) else { continue };
        if let Some(entry) = &reading.tests {
            tests.extend(testing::read(entry, &plan, &mut reading.report));
        }
        for start in starts_of(&plan) {
            let Some(other) =
                starts.get(&start).filter(|other| other.lane.is_none() || other.lane != plan.lane)
            else {
                starts.entry(start).or_insert_with(|| plan.clone());
                continue;
            };
            let enter = reading.tree.as_ref().and_then(Node::as_map).and_then(|map| map.get("enter"));
            let place = enter.map_or(Place::default(), |entry| entry.place);
            let message = format!("`{}` starts on the same event with the same condition", other.name);
            let help = "give both one `lane:`, or make one journey of them, if nobody should be in both";
            reading.report.say(SAME_START, place, message, help);
            break;
        }
        plans.push(plan);
    }
    (plans, tests)
}

/// What starts a live journey, one line for each event.
fn starts_of(plan: &Plan) -> Vec<String> {
    if plan.status != Status::Live {
        return Vec::new();
    }
    let enter = &plan.enter;
    let condition = enter.condition.as_ref().map_or("", |condition| &condition.text);
    let audience = format!("{:?} {:?} {condition}", enter.to, enter.except);
    let watched = enter.watch.iter().map(|watch| format!("{} {audience}", watch.words));
    enter.on.iter().map(|event| format!("{event:?} {audience}")).chain(watched).collect()
}
