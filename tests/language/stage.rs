//! The door of these tests: journeys, a story, and what is told of it.
//!
//! A story has a line for each thing that happens, at a moment in UTC, of 2026 unless the year stands before it; lines may
//! stand in any order, those of one moment happen in theirs:
//!
//! ```text
//! 01-05 10:00 ada Product Added {"cart_id": "c", "price": 30}      an event: who, its name, its properties
//! 01-05 11:00 ada @10:30 Order Completed {}                        one that happened before it came through the door
//! 01-05 11:00 ada @2025-12-01T10:00:00Z old Order Completed {}     imported history
//! 01-05 11:00 ada Message Clicked {"message_id": "@nudge"}         of the latest message to her of that template
//! 01-05 11:00 ada identify {"email": "ada@example.com"}            traits; {"timezone": "Asia/Tokyo"} is where she is
//! 01-05 11:00 ada page Order Completed {}                          a page of that name
//! 01-05 11:00 deploy second                                        another set of journeys goes live
//! 01-05 12:00                                                      nothing: time passes up to here
//! ```
//!
//! What is told has a line for each message, refusal, ended run and choice, in the order of their moments. Whatever
//! happens on stage is afterwards applied again, and must come out the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::person::Person;
use journeyman_domain::plan::Plans;
use journeyman_domain::replay::Replay;
use journeyman_domain::row::StoredEvent;
use journeyman_domain::{
    EventId, Identity, Kind, MessageId, PersonId, SeenKey, ShopTime, assignment_key, batch, draw,
};
use journeyman_engine::machine::StoredSource;
use journeyman_journey::{Severity, Source};
use journeyman_sim::{MessageState, World};

/// What is on stage. Texts may be indented as the test is.
#[derive(Default)]
pub struct Stage<'a> {
    /// Journeys, and the snippets they use: their YAML. A file's name is what it calls itself.
    pub journeys: &'a [&'a str],
    /// Segments likewise.
    pub segments: &'a [&'a str],
    /// `journeyman.yaml`.
    pub shop: &'a str,
    /// Journeys that go live at `deploy second`, with …
    pub second: &'a [&'a str],
    /// … these segments …
    pub second_segments: &'a [&'a str],
    /// … and this `journeyman.yaml`.
    pub second_shop: &'a str,
    /// What calls are answered, by `METHOD URL`; of others nothing is.
    pub answers: &'a [(&'a str, &'a str)],
    /// What happens.
    pub story: &'a str,
}

/// Topics for journeys that need one and say nothing of it.
pub const TOPICS: &str = "topics:\n  news: { consent: opt_out }\n";

/// Plays the story and compares what is told of it, line by line; blanks at both ends of a line count nothing.
#[track_caller]
pub fn check(stage: &Stage<'_>, expected: &str) {
    let lines = |text: &str| {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = play(stage);
    assert_eq!(lines(&told), lines(expected), "\nwhat was told:\n{told}\n");
}

/// One journey, a story, and what is told of it.
#[track_caller]
pub fn tells(journey: &str, story: &str, expected: &str) {
    check(&Stage { journeys: &[journey], story, ..Stage::default() }, expected);
}

/// Plays the story; answers with what is told of it.
#[track_caller]
pub fn play(stage: &Stage<'_>) -> String {
    let played = act(stage);
    played.replay();
    tell(&played)
}

/// Plays the story; answers with somebody as they are stored after it, what is live, and the moment of its last line.
#[track_caller]
pub fn person(stage: &Stage<'_>, name: &str) -> (Person, Plans, ShopTime) {
    let played = act(stage);
    let plans = played.live.last().unwrap().1.clone();
    let stored = played.world.memory.load(played.people[name], true).unwrap();
    (batch::restore(&stored, &plans.demands).unwrap(), plans, played.world.now())
}

/// The first name that a draw puts below a share, or not: somebody who is held out, or somebody who is not.
pub fn somebody(purpose: &[&str], share: f64, below: bool) -> String {
    let names = (0..).map(|nth| format!("somebody{nth}"));
    let drawn = |name: &String| draw(assignment_key(&Identity::external(name.as_str())), purpose) < share;
    names.into_iter().find(|name| drawn(name) == below).unwrap()
}

/// Takes away the blanks that all lines begin with.
fn flush(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let shared = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    text.lines().map(|line| line.get(shared..).unwrap_or("")).collect::<Vec<_>>().join("\n") + "\n"
}

/// A world in which a story has happened.
pub struct Played {
    world: World,
    people: BTreeMap<String, PersonId>,
    /// From which row of the journal on which deployment was live.
    live: Vec<(usize, Plans)>,
}

#[track_caller]
fn act(stage: &Stage<'_>) -> Played {
    let mut world = World::new(moment("01-01 00:00"));
    let first = sources(stage.journeys, stage.segments, stage.shop);
    world.memory.answers =
        stage.answers.iter().map(|(asked, answer)| ((*asked).into(), (*answer).into())).collect();
    world.deploy(first.clone());
    let mut played = Played { world, people: BTreeMap::new(), live: vec![(0, plans(1, &first))] };
    let lines = stage.story.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut story: Vec<(ShopTime, &str)> = lines.map(at).collect();
    story.sort_by_key(|(at, _)| *at);
    for (nth, (now, rest)) in story.into_iter().enumerate() {
        played.world.run_until(now);
        if rest == "deploy second" {
            let mut second = sources(stage.second, stage.second_segments, stage.second_shop);
            let gone =
                first.iter().filter(|old| old.kind == 1 && second.iter().all(|new| new.hash != old.hash));
            let pinned: Vec<StoredSource> =
                gone.map(|source| StoredSource { pinned: true, ..source.clone() }).collect();
            second.extend(pinned);
            played.live.push((played.world.memory.journal.len(), plans(2, &second)));
            played.world.deploy(second);
        } else if !rest.is_empty() {
            played.happen(rest, now, nth);
        }
        played.world.settle();
    }
    played
}

/// A line's moment, and what happens then.
fn at(line: &str) -> (ShopTime, &str) {
    let year = usize::from(line.as_bytes()[4] == b'-') * 5;
    let (at, rest) = line.split_at(line.len().min(year + 11));
    (moment(at), rest.trim())
}

fn plans(number: i64, sources: &[StoredSource]) -> Plans {
    Plans::new(journeyman_engine::deploy::compile(number, sources).unwrap())
}

impl Played {
    fn happen(&mut self, line: &str, now: ShopTime, nth: usize) {
        let (user, mut rest) = line.split_once(' ').unwrap_or_else(|| panic!("who does what? {line}"));
        let next = PersonId(self.people.len() as i64 + 1);
        let person = *self.people.entry(user.to_owned()).or_insert(next);
        self.world.memory.born(person, assignment_key(&Identity::external(user)));
        let mut occurred_at = now;
        if let Some(after) = rest.strip_prefix('@') {
            let (at, after) = after.split_once(' ').unwrap();
            occurred_at = match at.parse() {
                Ok(at) => ShopTime::new(at),
                Err(_) => moment(&format!("{} {at}", &now.to_string()[..10])),
            };
            rest = after;
        }
        let historical = rest.strip_prefix("old ").map(|after| rest = after).is_some();
        let (event, json) = rest.split_once('{').map_or((rest.trim(), "{}".to_owned()), |(event, json)| {
            (event.trim(), format!("{{{}", self.with_messages(person, json)))
        });
        let (kind, name) = match event {
            "identify" => (Kind::Identify, ""),
            event => event.strip_prefix("page ").map_or((Kind::Track, event), |name| (Kind::Page, name)),
        };
        let field = if kind == Kind::Identify { "traits" } else { "properties" };
        let event = StoredEvent {
            id: EventId::new(now, SeenKey::new("stage", &nth.to_string())),
            kind,
            name: name.into(),
            occurred_at,
            received_at: now,
            historical,
            payload: format!(r#"{{"userId": "{user}", "{field}": {json}}}"#),
        };
        self.world.receive(person, event);
    }

    /// Puts the ids of messages where `"@template"` stands.
    fn with_messages(&self, person: PersonId, json: &str) -> String {
        let Some((before, after)) = json.split_once("\"@") else { return json.to_owned() };
        let (template, after) = after.split_once('"').unwrap();
        let messages = self.world.memory.outbox.messages.values().map(|outgoing| &outgoing.row);
        let to_them = messages.filter(|row| row.person == person && row.template.as_ref() == template);
        let latest = to_them.max_by_key(|row| row.queued_at).map(|row| row.message);
        let MessageId(id) = latest.unwrap_or_else(|| panic!("no message of {template}"));
        format!("{before}\"{id}\"{}", self.with_messages(person, after))
    }

    /// All journals applied again make the same people.
    #[track_caller]
    fn replay(&self) {
        let memory = &self.world.memory;
        for person in self.people.values() {
            let stored = memory.load(*person, true).unwrap();
            let chosen: Vec<_> =
                memory.decisions.iter().filter(|row| row.person == *person).cloned().collect();
            let mut replay = Replay::new(*person, stored.assignment_key).choosing(&chosen);
            for (nth, row) in memory.journal.iter().enumerate().filter(|(_, row)| row.person == *person) {
                let (_, plans) = self.live.iter().rfind(|(from, _)| *from <= nth).unwrap();
                let replayed = replay.apply(row, plans, &memory.events, &BTreeMap::new()).unwrap();
                assert!(replayed.as_recorded, "row {} refuses other things: {:?}", row.n, replayed.refusals);
            }
            let (_, plans) = self.live.last().unwrap();
            let stored = batch::restore(&stored, &plans.demands).unwrap();
            let differs = replay.differs(&stored);
            let backfilled = self.live.len() > 1;
            let differs: Vec<_> =
                differs.iter().filter(|line| !(backfilled && line.starts_with("the counter"))).collect();
            assert!(differs.is_empty(), "applied again it is another: {differs:?}");
        }
    }
}

/// `01-05 10:00`, of 2026 in UTC, or `2028-02-28 10:00`.
pub fn moment(text: &str) -> ShopTime {
    let (date, time) = text.split_once(' ').unwrap_or_else(|| panic!("no moment: {text}"));
    let year = if date.len() == 5 { "2026-" } else { "" };
    let at = format!("{year}{date}T{time}:00Z").parse();
    ShopTime::new(at.unwrap_or_else(|error| panic!("no moment: {text}: {error}")))
}

fn name_of(text: &str) -> &str {
    let named = text.lines().find_map(|line| {
        let (key, name) = line.split_once(':')?;
        matches!(key.trim(), "journey" | "broadcast" | "segment" | "snippet").then_some(name.trim())
    });
    named.unwrap_or_else(|| panic!("nameless: {text}"))
}

/// Checks and stores what is deployed, as `apply` does.
#[track_caller]
pub fn sources(journeys: &[&str], segments: &[&str], shop: &str) -> Vec<StoredSource> {
    let shop = flush(shop);
    let shop = if shop.contains("topics:") { shop } else { format!("{shop}{TOPICS}") };
    let mut files = vec![Source { path: "journeyman.yaml".into(), text: shop }];
    for (folder, texts) in [("journeys", journeys), ("journeys/segments", segments)] {
        let file = |text: &&str| {
            let folder = if text.trim_start().starts_with("snippet:") { "journeys/snippets" } else { folder };
            Source { path: format!("{folder}/{}.yaml", name_of(text)), text: flush(text) }
        };
        files.extend(texts.iter().map(file));
    }
    let checked = journeyman_journey::check(&files, None, false);
    let errors: Vec<String> = checked
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty(), "the stage's journeys are wrong:\n{}", errors.join("\n"));
    journeyman_engine::deploy::sources(&checked, &files)
}

fn tell(played: &Played) -> String {
    let names: BTreeMap<PersonId, &str> =
        played.people.iter().map(|(name, person)| (*person, name.as_str())).collect();
    let name = |person: &PersonId| names[person];
    let memory = &played.world.memory;
    assert!(memory.parked.is_empty(), "parked: {:?}", memory.parked);
    assert!(memory.sent_twice().is_empty(), "sent twice");
    // (moment, what comes first of one moment, line)
    let mut lines: Vec<(ShopTime, u8, String)> = Vec::new();
    for outgoing in memory.outbox.messages.values() {
        let row = &outgoing.row;
        let state = match outgoing.state {
            MessageState::Accepted => "",
            MessageState::Withheld => " (withheld)",
            MessageState::Cancelled => " (cancelled)",
            MessageState::Rejected => " (rejected)",
            _ => " (under way)",
        };
        let line = format!("{} {} {}{state}", name(&row.person), row.channel, row.template);
        lines.push((row.queued_at, 0, line));
    }
    for journal in &memory.journal {
        for refusal in &journal.refusals {
            let line = format!("{} refused {} {}", name(&journal.person), refusal.of, refusal.reason.code());
            lines.push((journal.at, 1, line));
        }
    }
    for decision in &memory.decisions {
        let line = format!("{} {} takes {}", name(&decision.person), decision.step, decision.choice);
        lines.push((decision.at, 2, line));
    }
    for run in &memory.ended {
        let goal = match (run.goal_at, run.goal_value) {
            (Some(_), Some(worth)) => format!(" (goal, worth {worth})"),
            (Some(_), None) => " (goal)".to_owned(),
            (None, _) => String::new(),
        };
        let key = run.key.as_ref().map_or(String::new(), |key: &Arc<str>| format!("[{key}]"));
        lines.push((
            run.ended_at,
            3,
            format!("{} ends {}{key} {}{goal}", name(&run.person), run.journey, run.reason),
        ));
    }
    lines.sort();
    let line = |(at, _, line): (ShopTime, u8, String)| {
        let at = at.to_string();
        let seconds = if &at[17..19] == "00" { 16 } else { 19 };
        let date = at[..10].strip_prefix("2026-").unwrap_or(&at[..10]);
        format!("{date} {} {line}\n", &at[11..seconds])
    };
    lines.into_iter().map(line).collect()
}
