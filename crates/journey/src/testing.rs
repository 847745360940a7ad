//! `tests:` in a journey's file: what happens to somebody, and what the journey is expected to do. Read here, run by `sim`.
//!
//! They are no part of a journey's version: what is tested does not change by being tested.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::DateTime;
use journeyman_domain::Refused;
use journeyman_domain::plan::{Channel, Node as PlanNode, Plan, Step};
use journeyman_domain::value::Span;
use serde_json::{Map as JsonMap, Value as Json};

use crate::block::{self, Block};
use crate::diagnostic::{CHOICE, DURATION, NAME, REQUIRED, Report, SHAPE, TEST_STEP, WHEN};
use crate::literal::{self, Fault, TEXT_BYTES, short};
use crate::source::Place;
use crate::tree::{Entry, Kind, Node};
use crate::words::Words;

/// The most tests of one journey, and the most events and expectations of one test.
pub const TESTS: usize = 200;
/// How long a test goes on where it does not say, days.
pub const LASTS_DAYS: i32 = 60;

/// One test of a journey.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Which journey.
    pub journey: Arc<str>,
    /// What it shows, in its author's words.
    pub name: String,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// When it begins, on the person's clock.
    pub begin: DateTime,
    /// How long it goes on.
    pub lasts: Span,
    /// What is known of the person before: traits.
    pub profile: JsonMap<String, Json>,
    /// What they agreed to before.
    pub consents: Vec<Arc<str>>,
    /// Their scores before.
    pub scores: JsonMap<String, Json>,
    /// What the shop sells, a record each, with its `product_id`.
    pub products: Vec<JsonMap<String, Json>>,
    /// Whether the person is held out of the journey; else nobody is, of anything.
    pub holdout: bool,
    /// Which option a `choose` takes.
    pub choose: BTreeMap<Arc<str>, Arc<str>>,
    /// What happens, in the order of the file.
    pub events: Vec<Happens>,
    /// What is expected, in the order of the file.
    pub expect: Vec<Expected>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Happens {
    /// How long after the beginning; `None` at once.
    pub after: Option<Span>,
    /// What.
    pub what: Deed,
}

/// What it is that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// The person does something: an event and its properties.
    Event(Arc<str>, JsonMap<String, Json>),
    /// Something is said of the person: traits.
    Profile(JsonMap<String, Json>),
    /// The person does something with the last message of a step.
    Message(Reaction, Arc<str>),
}

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// A human follows a link.
    Clicked,
    /// A human looks at it.
    Opened,
    /// It arrives.
    Delivered,
    /// Its address is dead.
    Bounced,
}

/// Something that is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// A message. All that are sent are expected, in their order.
    Send {
        /// By which template or step.
        what: Arc<str>,
        /// By one of these channels; empty: by any.
        channels: Vec<Channel>,
        /// How long after the beginning, to the minute.
        after: Option<Span>,
        /// At which moment of the person's clock, to the minute.
        at: Option<DateTime>,
        /// Words that stand in it.
        words: Vec<String>,
    },
    /// A message of a step is not sent, for this reason where one is named.
    NotSent(Arc<str>, Option<Refused>),
    /// A trigger begins nothing, for this reason.
    NotEntered(Refused),
    /// A run reaches the goal.
    Goal,
    /// A run ends: by `goal`, an `exit` step's reason, or another code of an end.
    Exit(Arc<str>),
    /// A run stands at this step in the end.
    Waits(Arc<str>),
}

const TEST: Words = Words {
    what: "a test",
    now: &[
        "test", "begin", "lasts", "profile", "consents", "scores", "products", "holdout", "choose", "events",
        "expect",
    ],
    later: &[],
};
const EVENT: Words = Words {
    what: "an entry of `events`",
    now: &["on", "with", "profile", "clicked", "opened", "delivered", "bounced", "after"],
    later: &[],
};
const EXPECT: Words = Words {
    what: "an entry of `expect`",
    now: &[
        "send",
        "channel",
        "after",
        "at",
        "words",
        "not_sent",
        "reason",
        "not_entered",
        "goal",
        "exit",
        "waits",
    ],
    later: &[],
};

const REACTIONS: [(&str, Reaction); 4] = [
    ("clicked", Reaction::Clicked),
    ("opened", Reaction::Opened),
    ("delivered", Reaction::Delivered),
    ("bounced", Reaction::Bounced),
];

/// A Monday in a week without a change of clocks in most zones.
fn monday() -> DateTime {
    jiff::civil::date(2026, 3, 2).at(9, 0, 0, 0)
}

/// Reads the tests of a journey.
pub(crate) fn read(entry: &Entry, plan: &Plan, report: &mut Report<'_>) -> Vec<Test> {
    let Kind::List(items) = &entry.value.kind else {
        if !matches!(entry.value.kind, Kind::Refused) {
            report.say(
                SHAPE,
                entry.place,
                "`tests` is a list",
                "begin each test with `- test:` and what it shows",
            );
        }
        return Vec::new();
    };
    if items.len() > TESTS {
        report.say(SHAPE, entry.place, format!("a journey has at most {TESTS} tests"), "leave some out");
        return Vec::new();
    }
    items.iter().filter_map(|node| Reading { plan, report }.test(node)).collect()
}

struct Reading<'a, 'r, 's> {
    plan: &'a Plan,
    report: &'r mut Report<'s>,
}

impl Reading<'_, '_, '_> {
    fn test(&mut self, node: &Node) -> Option<Test> {
        let mut block = Block::of(node, "a test", self.report)?;
        let help = "say what it shows: `- test: who leaves a cart is reminded`";
        let name = block.require("test", &TEST, help, self.report);
        let name = name.and_then(|entry| block::text(entry, self.report)).unwrap_or_default().to_owned();
        let begin =
            block.take("begin").and_then(|entry| block::parsed(entry, WHEN, literal::date_time, self.report));
        let lasts = block
            .take("lasts")
            .and_then(|entry| block::parsed(entry, DURATION, literal::duration, self.report));
        let mut record = |block: &mut Block<'_>, key| {
            block.take(key).and_then(|entry| record(&entry.value, self.report)).unwrap_or_default()
        };
        let (profile, scores) = (record(&mut block, "profile"), record(&mut block, "scores"));
        let consents =
            block.take("consents").map(|entry| block::names(entry, self.report)).unwrap_or_default();
        let products = block.take("products").map(|entry| self.products(entry)).unwrap_or_default();
        let holdout =
            block.take("holdout").and_then(|entry| block::yes_no(entry, self.report)).unwrap_or(false);
        let choose = block.take("choose").map(|entry| self.choices(entry)).unwrap_or_default();
        let events = block.take("events").map(|entry| self.list(entry, Self::event)).unwrap_or_default();
        let expect = block.require(
            "expect",
            &TEST,
            "say what is expected; `expect: []` where nothing is sent",
            self.report,
        );
        let expect = expect.map(|entry| self.list(entry, Self::expected)).unwrap_or_default();
        block.finish(&TEST, &[], self.report);
        Some(Test {
            journey: self.plan.name.clone(),
            name,
            line: self.report.file.span(node.place).line,
            begin: begin.unwrap_or_else(monday),
            lasts: lasts.unwrap_or(Span::Days(LASTS_DAYS)),
            profile,
            consents: consents.into_iter().map(|(name, _)| name).collect(),
            scores,
            products,
            holdout,
            choose,
            events,
            expect,
        })
    }

    fn products(&mut self, entry: &Entry) -> Vec<JsonMap<String, Json>> {
        let mut products = Vec::new();
        for node in entry.value.one_or_more() {
            let Some(product) = record(node, self.report) else { continue };
            if !product.contains_key("product_id") {
                let help = "write `{ product_id: p1, price: 40, stock: 3 }`";
                self.report.say(REQUIRED, node.place, "a product needs `product_id:`", help);
            }
            products.push(product);
        }
        products
    }

    /// STEP: OPTION.
    fn choices(&mut self, entry: &Entry) -> BTreeMap<Arc<str>, Arc<str>> {
        let mut choices = BTreeMap::new();
        let Some(block) = Block::of(&entry.value, "`choose`", self.report) else { return choices };
        for entry in block.entries() {
            let Some(option) = block::text(entry, self.report) else { continue };
            let step = self.plan.nodes.iter().find(|node| *node.id == *entry.key);
            let Some(Step::Choose(shares)) = step.map(|node| &node.step) else {
                self.no_step(&entry.key, entry.place, "choose", |step| matches!(step, Step::Choose(_)));
                continue;
            };
            match shares.iter().find(|share| *share.name == *option) {
                Some(share) => {
                    choices.insert(entry.key.as_str().into(), share.name.clone());
                }
                None => {
                    let known = shares.iter().map(|share| share.name.as_ref());
                    let list = shares.iter().map(|share| share.name.as_ref()).collect::<Vec<_>>().join(", ");
                    let message = format!("`{}` has no option `{}`", entry.key, short(option));
                    self.report.unknown(
                        TEST_STEP,
                        entry.value.place,
                        message,
                        option,
                        known,
                        format!("it has {list}"),
                    );
                }
            }
        }
        choices
    }

    fn list<T>(&mut self, entry: &Entry, read: impl Fn(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        let items = match &entry.value.kind {
            Kind::Nothing => &[],
            _ => entry.value.one_or_more(),
        };
        if items.len() > TESTS {
            let message = format!("`{}` has at most {TESTS} entries", entry.key);
            self.report.say(SHAPE, entry.place, message, "make two tests of it");
            return Vec::new();
        }
        items.iter().filter_map(|node| read(self, node)).collect()
    }

    fn event(&mut self, node: &Node) -> Option<Happens> {
        let mut block = Block::of(node, "an entry of `events`", self.report)?;
        let after = block
            .take("after")
            .and_then(|entry| block::parsed(entry, DURATION, literal::duration, self.report));
        let with = block.take("with");
        let reaction = REACTIONS.iter().find_map(|(word, reaction)| Some((block.take(word)?, *reaction)));
        let what = if let Some(entry) = block.take("on") {
            let event = block::parsed(entry, NAME, event, self.report);
            let with = with.and_then(|entry| record(&entry.value, self.report)).unwrap_or_default();
            event.map(|event| Deed::Event(event, with))
        } else if let Some(entry) = block.take("profile") {
            record(&entry.value, self.report).map(Deed::Profile)
        } else if let Some((entry, reaction)) = reaction {
            self.sent(entry).map(|step| Deed::Message(reaction, step))
        } else {
            let help = "begin it with `on: EVENT`, `profile:`, or `clicked: STEP`";
            self.report.say(REQUIRED, node.place, "nothing happens here", help);
            None
        };
        block.finish(&EVENT, &[], self.report);
        Some(Happens { after, what: what? })
    }

    fn expected(&mut self, node: &Node) -> Option<Expected> {
        let mut block = Block::of(node, "an entry of `expect`", self.report)?;
        let found = if let Some(entry) = block.take("send") {
            self.message(entry, &mut block)
        } else if let Some(entry) = block.take("not_sent") {
            let reason = block.take("reason").and_then(|entry| self.reason(entry));
            self.sent(entry).map(|step| Expected::NotSent(step, reason))
        } else if let Some(entry) = block.take("not_entered") {
            self.reason(entry).map(Expected::NotEntered)
        } else if let Some(entry) = block.take("goal") {
            block::choice(entry, &[("yes", ())], self.report).map(|()| Expected::Goal)
        } else if let Some(entry) = block.take("exit") {
            block::text(entry, self.report).map(|reason| Expected::Exit(reason.into()))
        } else if let Some(entry) = block.take("waits") {
            self.step(entry, "step", |_| true).map(Expected::Waits)
        } else {
            let help = format!(
                "begin it with one of {}",
                ["send", "not_sent", "not_entered", "goal", "exit", "waits"].join(", ")
            );
            self.report.say(REQUIRED, node.place, "nothing is expected here", help);
            None
        };
        block.finish(&EXPECT, &[], self.report);
        found
    }

    fn message(&mut self, entry: &Entry, block: &mut Block<'_>) -> Option<Expected> {
        let what = block::text(entry, self.report)?;
        let is = |node: &PlanNode| match &node.step {
            Step::Send(send) => *node.id == *what || *send.template == *what,
            _ => false,
        };
        if !self.plan.nodes.iter().any(is) {
            self.no_step(what, entry.value.place, "send", |step| matches!(step, Step::Send(_)));
            return None;
        }
        let channels = block.take("channel").map(|entry| self.channels(entry)).unwrap_or_default();
        let after = block
            .take("after")
            .and_then(|entry| block::parsed(entry, DURATION, literal::duration, self.report));
        let at =
            block.take("at").and_then(|entry| block::parsed(entry, WHEN, literal::date_time, self.report));
        let words = block.take("words").map(|entry| block::texts(entry, self.report)).unwrap_or_default();
        let words = words.into_iter().map(|(words, _)| words.to_owned()).collect();
        Some(Expected::Send { what: what.into(), channels, after, at, words })
    }

    fn channels(&mut self, entry: &Entry) -> Vec<Channel> {
        let mut channels = Vec::new();
        for (name, place) in block::texts(entry, self.report) {
            match name.parse() {
                Ok(channel) => channels.push(channel),
                Err(()) => {
                    let known = || Channel::ALL.iter().map(|channel| channel.name());
                    let help = format!("there are {}", known().collect::<Vec<_>>().join(", "));
                    let message = format!("there is no channel `{}`", short(name));
                    self.report.unknown(CHOICE, place, message, name, known(), help);
                }
            }
        }
        channels
    }

    fn reason(&mut self, entry: &Entry) -> Option<Refused> {
        let code = block::text(entry, self.report)?;
        let found = Refused::ALL.into_iter().find(|reason| reason.code() == code);
        if found.is_none() {
            let known = || Refused::ALL.iter().map(|reason| reason.code());
            let help = format!("there are {}", known().collect::<Vec<_>>().join(", "));
            let message = format!("there is no reason `{}`", short(code));
            self.report.unknown(CHOICE, entry.value.place, message, code, known(), help);
        }
        found
    }

    /// A send's id.
    fn sent(&mut self, entry: &Entry) -> Option<Arc<str>> {
        self.step(entry, "send", |step| matches!(step, Step::Send(_)))
    }

    fn step(&mut self, entry: &Entry, what: &str, is: impl Fn(&Step) -> bool) -> Option<Arc<str>> {
        let id = block::text(entry, self.report)?;
        let found =
            self.plan.nodes.iter().find(|node| *node.id == *id && is(&node.step)).map(|node| node.id.clone());
        if found.is_none() {
            self.no_step(id, entry.value.place, what, is);
        }
        found
    }

    fn no_step(&mut self, id: &str, place: Place, what: &str, is: impl Fn(&Step) -> bool) {
        let ids = || self.plan.nodes.iter().filter(|node| is(&node.step)).map(|node| node.id.as_ref());
        let list = ids().take(12).collect::<Vec<_>>().join(", ");
        let message = format!("the journey has no {what} `{}`", short(id));
        let (known, help) = (ids().collect::<Vec<_>>(), format!("it has {list}"));
        self.report.unknown(TEST_STEP, place, message, id, known, help);
    }
}

fn event(text: &str) -> Result<Arc<str>, Fault> {
    if text.trim().is_empty() || text.len() > TEXT_BYTES {
        return Err(Fault::new(
            "this is no name of an event",
            "write it as the shop sends it: Order Completed",
        ));
    }
    Ok(text.into())
}

/// A mapping as JSON; anything else is reported.
fn record(node: &Node, report: &mut Report<'_>) -> Option<JsonMap<String, Json>> {
    match json(node) {
        Some(Json::Object(record)) => Some(record),
        _ => {
            let message = format!("here stand names and values, and {} was written", node.shape());
            report.say(SHAPE, node.place, message, "write `{ name: value, other: value }`, or a line each");
            None
        }
    }
}

/// What is written, as an event would say it: numbers are numbers, `true` and `false` are, the rest is text.
fn json(node: &Node) -> Option<Json> {
    Some(match &node.kind {
        Kind::Nothing => Json::Null,
        Kind::Refused => return None,
        Kind::Scalar(text) => scalar(text),
        Kind::List(items) => Json::Array(items.iter().map(json).collect::<Option<_>>()?),
        Kind::Map(map) => {
            let entries = map.entries.iter().map(|entry| Some((entry.key.clone(), json(&entry.value)?)));
            Json::Object(entries.collect::<Option<_>>()?)
        }
    })
}

fn scalar(text: &str) -> Json {
    match text {
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    // A zip or a phone number is text: it begins with what no number does.
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let leading = unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.");
    match text.parse::<serde_json::Number>() {
        Ok(number) if literal::decimal(unsigned) && !leading => Json::Number(number),
        _ => text.into(),
    }
}
