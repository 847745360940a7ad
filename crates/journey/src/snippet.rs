//! `journeys/snippets/NAME.yaml`: steps that several journeys use. Each `use:` is replaced by a copy of them before anything
//! is read, so that a journey's version is one of its snippets' words too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::block::{self, Block};
use crate::diagnostic::{FILE_KIND, FILE_SIZE, NAME, REQUIRED, Report, SNIPPET, UNKNOWN_WORD, WITH_NAME};
use crate::expr;
use crate::literal::{self, short};
use crate::source::{FILE_BYTES, File, Place, Source};
use crate::tree::{self, Entry, Kind, Map, Node};
use crate::words;

/// How deep snippets may use snippets.
pub const SNIPPETS_DEEP: usize = 4;
/// How many snippets one journey may use, those within snippets counted.
pub const USES: usize = 200;

/// The key under which a `use` holds its copy of the steps; no file can say it.
pub(crate) const STEPS: &str = "use: steps";
/// The key under which a stored journey carries the snippets that it was deployed with.
pub(crate) const CARRIED: &str = "snippets";

/// A snippet, by what its users need of it.
#[derive(Clone, Debug)]
pub(crate) struct Snippet<'a> {
    /// Which of the snippets' files it is.
    file: usize,
    text: &'a str,
    tree: &'a Node,
    with: Vec<Arc<str>>,
}

/// All that there are; `None` of one with something wrong in its head.
pub(crate) type Snippets<'a> = BTreeMap<&'a str, Option<Snippet<'a>>>;

/// Reads a snippet's head; its steps are read where they are used.
pub(crate) fn read<'a>(
    tree: &'a Node,
    stem: &str,
    file: usize,
    text: &'a str,
    report: &mut Report<'_>,
) -> Option<Snippet<'a>> {
    let mut block = Block::of(tree, "a snippet", report)?;
    let help = format!("begin the file with `snippet: {}`", short(stem));
    if let Some(entry) = block.require("snippet", &words::SNIPPET, &help, report)
        && let Some(name) = block::parsed(entry, NAME, literal::name, report)
        && name.as_ref() != stem
    {
        let message = format!("the snippet is called `{name}`, and its file {}.yaml", short(stem));
        let help =
            format!("call both the same: name the file {name}.yaml, or write `snippet: {}`", short(stem));
        report.say(FILE_KIND, entry.value.place, message, help);
    }
    let mut with = Vec::new();
    let named = block.take("with").map(|entry| block::texts(entry, report)).unwrap_or_default();
    for (name, place) in named {
        let Some(name) = block::said(literal::snake(name), NAME, place, report) else { continue };
        if expr::ROOTS.contains(&name.as_ref()) {
            let message = format!("`{name}` is a word of expressions already");
            report.say(WITH_NAME, place, message, "give it another name: bare names mean one thing");
        }
        with.push(name);
    }
    let help = "write the steps below `steps:`, as in a journey";
    let steps = block.require("steps", &words::SNIPPET, help, report);
    if let Some(steps) = steps
        .filter(|steps| steps.value.one_or_more().is_empty() || matches!(steps.value.kind, Kind::Nothing))
    {
        report.say(REQUIRED, steps.place, "a snippet needs at least one step", help);
    }
    block.finish(&words::SNIPPET, &[], report);
    let found = Snippet { file, text, tree, with };
    (!report.failed()).then_some(found)
}

/// What an expansion has done.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    /// The snippets that were used, by name, with their texts.
    pub(crate) used: BTreeMap<String, String>,
}

/// Replaces every `use:` of a journey.
pub(crate) fn expand(journey: &mut Node, snippets: &Snippets<'_>, report: &mut Report<'_>) -> Expanded {
    let mut expansion = Expansion { snippets, report, uses: 0, row: Vec::new(), used: BTreeSet::new() };
    if let Kind::Map(map) = &mut journey.kind
        && let Some(steps) = map.entries.iter_mut().find(|entry| entry.key == "steps")
    {
        expansion.block(&mut steps.value);
    }
    let used = expansion.used;
    let text =
        |name: &str| snippets.get(name).and_then(Option::as_ref).map(|snippet| snippet.text.to_owned());
    Expanded { used: used.into_iter().filter_map(|name| Some((name.clone(), text(&name)?))).collect() }
}

struct Expansion<'a, 'r, 's> {
    snippets: &'a Snippets<'a>,
    report: &'r mut Report<'s>,
    uses: usize,
    /// The snippets around, the outermost first.
    row: Vec<String>,
    used: BTreeSet<String>,
}

impl Expansion<'_, '_, '_> {
    /// STEPS.
    fn block(&mut self, node: &mut Node) {
        match &mut node.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| self.step(item)),
            _ => self.step(node),
        }
    }

    fn step(&mut self, node: &mut Node) {
        let Kind::Map(map) = &mut node.kind else { return };
        for Entry { key, value, .. } in &mut map.entries {
            match (key.as_str(), &mut value.kind) {
                ("branch" | "wait_for", Kind::List(arms)) => {
                    arms.iter_mut().for_each(|arm| self.blocks_of(arm));
                }
                ("options", Kind::Map(options)) => {
                    options.entries.iter_mut().for_each(|option| self.blocks_of(&mut option.value));
                }
                ("then" | "else", _) => self.block(value),
                _ => {}
            }
        }
        if let Some(steps) = self.steps(map) {
            map.entries.push(steps);
        }
    }

    /// The steps of an arm or option.
    fn blocks_of(&mut self, node: &mut Node) {
        let Kind::Map(map) = &mut node.kind else { return };
        let blocks = map.entries.iter_mut().filter(|entry| matches!(entry.key.as_str(), "then" | "else"));
        blocks.for_each(|entry| self.block(&mut entry.value));
    }

    /// The copy for a step `use:`, if the mapping is one and all is right with it.
    fn steps(&mut self, map: &Map) -> Option<Entry> {
        let said = map.get("use")?;
        let name = said.value.as_text()?;
        let known = self.snippets.get(name);
        let Some(known) = known else {
            let message = format!("there is no snippet `{}`", short(name));
            let otherwise = format!("write it to journeys/snippets/{}.yaml", short(name));
            let names = self.snippets.keys().copied();
            self.report.unknown(SNIPPET, said.value.place, message, name, names, otherwise);
            return None;
        };
        // What is wrong with it is said in its own file.
        let snippet = known.as_ref()?;
        if self.row.iter().any(|around| around == name) || self.row.len() >= SNIPPETS_DEEP {
            let message = format!("snippets use each other in too long a row, at `{name}`");
            let help = format!("write the steps out: {SNIPPETS_DEEP} deep is the most, and none uses itself");
            self.report.say(SNIPPET, said.value.place, message, help);
            return None;
        }
        self.uses += 1;
        if self.uses > USES {
            let message = format!("a journey uses {USES} snippets at most");
            self.report.say(SNIPPET, said.value.place, message, "take part of it into a journey of its own");
            return None;
        }
        if !self.given(map, said, name, &snippet.with) {
            return None;
        }
        self.used.insert(name.to_owned());
        let steps = snippet.tree.as_map()?.get("steps")?;
        let mut value = steps.value.copy(Place::elsewhere(self.uses, snippet.file));
        self.row.push(name.to_owned());
        self.block(&mut value);
        self.row.pop();
        Some(Entry { key: STEPS.to_owned(), place: said.place, value })
    }

    /// Whether `with` gives what the snippet asks for, and nothing else.
    fn given(&mut self, map: &Map, said: &Entry, name: &str, asked: &[Arc<str>]) -> bool {
        let faults = self.report.found.len();
        let given = map.get("with").and_then(|entry| entry.value.as_map());
        let given: Vec<&Entry> = given.into_iter().flat_map(|map| &map.entries).collect();
        for entry in &given {
            if !asked.iter().any(|asked| asked.as_ref() == entry.key) {
                let message = format!("the snippet `{name}` has no `{}`", short(&entry.key));
                let known = asked.iter().map(AsRef::as_ref);
                let otherwise = format!("its `with:` names: {}", asked.join(", "));
                self.report.unknown(UNKNOWN_WORD, entry.place, message, &entry.key, known, otherwise);
            }
        }
        for asked in asked.iter().filter(|asked| !given.iter().any(|entry| entry.key == asked.as_ref())) {
            let message = format!("the snippet `{name}` needs `{asked}`");
            let help = format!("give it: `with:` and below it `{asked}: …`");
            self.report.say(REQUIRED, said.place, message, help);
        }
        self.report.found.len() == faults
    }
}

/// The text that is stored of a journey: with the snippets it uses, so that its runs keep theirs.
pub(crate) fn carrying(
    source: &Source,
    tree: &Node,
    used: &Expanded,
    carried: &[(String, String, Node)],
    report: &mut Report<'_>,
) -> Option<String> {
    // A stored one carries them already.
    if used.used.is_empty() || !carried.is_empty() {
        return None;
    }
    if tree.as_map().is_none_or(|map| map.braces) {
        let help = "write its keys on lines of their own";
        report.say(SNIPPET, Place::default(), "a journey in braces uses no snippets", help);
        return None;
    }
    let mut text = source.text.trim_end().to_owned();
    text.push_str(&format!("\n{CARRIED}:\n"));
    for (name, snippet) in &used.used {
        // A JSON text is one in YAML's double quotes.
        text.push_str(&format!("  {name}: {}\n", serde_json::Value::from(snippet.as_str())));
    }
    if text.len() > FILE_BYTES {
        let message = format!("with its snippets the journey has {} bytes", text.len());
        let help = format!("at most {FILE_BYTES}: take part of it into a journey of its own");
        report.say(FILE_SIZE, Place::default(), message, help);
    }
    Some(text)
}

/// Takes the snippets that a stored journey carries out of its tree: their names, texts and trees.
pub(crate) fn carried(journey: &mut Node) -> Vec<(String, String, Node)> {
    let Kind::Map(map) = &mut journey.kind else { return Vec::new() };
    let is_carried = |entry: &Entry| entry.key == CARRIED && matches!(entry.value.kind, Kind::Map(_));
    // Anything else of that name is no word of a journey.
    let Some(place) = map.entries.iter().position(is_carried) else { return Vec::new() };
    let Kind::Map(carried) = map.entries.remove(place).value.kind else { return Vec::new() };
    let tree = |entry: Entry| {
        let text = entry.value.as_text()?.to_owned();
        let source = Source { path: format!("journeys/snippets/{}.yaml", entry.key), text };
        let file = File::new(&source);
        let tree = tree::read(&mut Report::new(&file))?;
        Some((entry.key, source.text, tree))
    };
    carried.entries.into_iter().filter_map(tree).collect()
}
