//! A person's story, as text and as JSON.

use std::collections::BTreeMap;

use journeyman_domain::actor::Told;
use journeyman_domain::decision::{Choice, Rule};
use journeyman_domain::merge::MovedRun;
use journeyman_domain::person::{Position, RunId, Waiting};
use journeyman_domain::row::{Applied, DecisionRow, EndedRow};
use journeyman_domain::{Refusal, ShopTime};
use journeyman_engine::past::{Again, Past};
use journeyman_store::Error;
use journeyman_store::history::{self, JournalLine, MessageRow};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// Everything there is to tell.
pub(in crate::commands) struct Story<'a> {
    pub(in crate::commands) name: &'a str,
    pub(in crate::commands) past: &'a Past,
    pub(in crate::commands) again: &'a Again,
    pub(in crate::commands) messages: Vec<MessageRow>,
    pub(in crate::commands) decisions: Vec<DecisionRow>,
    pub(in crate::commands) ended: Vec<EndedRow>,
    /// Where runs went when the person turned out to be somebody else.
    pub(in crate::commands) moved: Vec<MovedRun>,
    /// Journeys in which they may have been in two options.
    pub(in crate::commands) mixed: Vec<String>,
    pub(in crate::commands) journey: Option<&'a str>,
    pub(in crate::commands) last: usize,
}

/// One thing that is told of an input.
pub(in crate::commands) struct Item {
    /// Recorded when it happened, or recomputed.
    pub(in crate::commands) recorded: bool,
    pub(in crate::commands) journey: String,
    pub(in crate::commands) what: &'static str,
    pub(in crate::commands) words: String,
    pub(in crate::commands) detail: Value,
}

impl<'a> Story<'a> {
    /// What is recorded of somebody under one id, beside their past.
    ///
    /// # Errors
    /// As the store's.
    pub(in crate::commands) async fn read(
        connection: &mut PgConnection,
        past: &'a Past,
        again: &'a Again,
    ) -> Result<Self, Error> {
        let person = past.stored.id;
        Ok(Self {
            name: "",
            past,
            again,
            messages: history::messages(connection, person).await?,
            decisions: history::decisions(connection, person).await?,
            ended: history::ended(connection, person).await?,
            moved: history::moved_runs(connection, person).await?,
            mixed: history::mixed(connection, &past.ids()).await?,
            journey: None,
            last: usize::MAX,
        })
    }
}

impl Story<'_> {
    /// The inputs to be told of, each with its items.
    pub(in crate::commands) fn chapters(&self) -> Vec<(&JournalLine, Vec<Item>)> {
        let mut consequences = self.consequences();
        let chapter = |line| {
            let mut items = self.items(line);
            items.append(&mut consequences.remove(&line.row.n).unwrap_or_default());
            (line, items)
        };
        let mut chapters: Vec<(&JournalLine, Vec<Item>)> = self.past.journal.iter().map(chapter).collect();
        if let Some(journey) = self.journey {
            for (_, items) in &mut chapters {
                items.retain(|item| item.journey == journey);
            }
            chapters.retain(|(_, items)| !items.is_empty());
        }
        let skip = chapters.len().saturating_sub(self.last);
        chapters.split_off(skip)
    }

    fn items(&self, line: &JournalLine) -> Vec<Item> {
        let row = &line.row;
        let mut items = Vec::new();
        if let Some(again) = self.again.rows.iter().find(|again| again.n == row.n) {
            items.extend(again.told.iter().map(recomputed));
            if !again.as_recorded {
                items.push(Item {
                    recorded: false,
                    journey: String::new(),
                    what: "differs",
                    words: "applied again it refuses other things than were recorded".to_owned(),
                    detail: json!(again.refusals.iter().map(told_refusal).collect::<Vec<_>>()),
                });
            }
        }
        items.extend(row.refusals.iter().map(refusal));
        items
    }

    /// Messages, choices and ends by the input that they came of: that which made them when it was applied again. Where none
    /// did, since it can't be applied again or does otherwise now, the first of their batch, which is all that is recorded.
    fn consequences(&self) -> BTreeMap<i64, Vec<Item>> {
        let (mut messages, mut choices, mut ends) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for row in &self.again.rows {
            messages.extend(row.messages.iter().map(|message| (*message, row.n)));
            choices.extend(row.choices.iter().map(|(run, step, visit)| ((*run, &**step, *visit), row.n)));
            ends.extend(row.told.iter().filter_map(|told| match told {
                Told::Ended { run, .. } => Some((*run, row.n)),
                _ => None,
            }));
        }
        let mut first: BTreeMap<ShopTime, i64> = BTreeMap::new();
        for line in &self.past.journal {
            first.entry(line.row.at).or_insert(line.row.n);
        }
        let mut of: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
        let mut stands = |again: Option<&i64>, at: ShopTime, item: Item| {
            if let Some(n) = again.or_else(|| first.get(&at)) {
                of.entry(*n).or_default().push(item);
            }
        };
        for row in &self.messages {
            stands(messages.get(&row.message.message), row.message.queued_at, message(row));
        }
        for row in &self.decisions {
            stands(choices.get(&(row.run, &*row.step, row.visit)), row.at, decision(row));
        }
        for run in &self.ended {
            stands(ends.get(&run.number), run.ended_at, ended_run(run));
        }
        of
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = self.head();
        for (line, items) in self.chapters() {
            let row = &line.row;
            text.push_str(&format!("\n{}  #{} {}\n", moment(row.at), row.n, self.input(&row.what)));
            for item in items {
                let mark = if item.recorded { '·' } else { '~' };
                let of = if item.journey.is_empty() { String::new() } else { format!("{} ", item.journey) };
                text.push_str(&format!("    {mark} {:<8} {of}{}\n", item.what, item.words));
            }
        }
        text + &self.tail()
    }

    fn head(&self) -> String {
        let person = &self.past.stored;
        let hot = &person.hot;
        let zone = hot.zone.as_ref().map_or("unknown, the shop's", |(zone, _)| zone.as_ref());
        format!(
            "{} ({})  {} inputs, {} live runs, {} messages; zone {zone}\n· recorded when it happened   ~ recomputed by \
             applying it again\n",
            self.name,
            person.id,
            person.n,
            person.runs.len(),
            self.messages.len()
        )
    }

    fn tail(&self) -> String {
        let mut tail = String::new();
        for run in &self.past.stored.runs {
            let where_to = match (&run.position, run.due()) {
                (Position::At { step, waiting: Waiting::Held { by, .. }, .. }, Some(due)) => {
                    format!("held before {step} by `{}`, until {} at most", by.word(), moment(due))
                }
                (Position::At { step, .. }, Some(due)) => {
                    format!("at {step} until {}", moment(due))
                }
                (Position::Watching(_), Some(due)) => {
                    format!(
                        "walked; its goal, or a message that did not come, is looked for until {}",
                        moment(due)
                    )
                }
                (_, None) => "waits for an event".to_owned(),
            };
            let key = run.key.as_ref().map_or(String::new(), |key| format!(" [{key}]"));
            tail.push_str(&format!("\nrun {} of {}{key}: {where_to}", run.number, run.journey));
        }
        for run in &self.moved {
            let MovedRun { number, to, becomes, .. } = run;
            tail.push_str(&format!("\nrun {number} went on as run {becomes} of {to}"));
        }
        for journey in self.mixed.iter().filter(|name| self.journey.is_none_or(|journey| journey == *name)) {
            tail.push_str(&format!(
                "\n{journey}: two people of different options turned out to be one; counted for no lift"
            ));
        }
        for pending in &self.past.stored.hot.pending {
            tail.push_str(&format!(
                "\n{} starts at {} unless it is called off",
                pending.journey,
                moment(pending.due)
            ));
        }
        if let Some(broken) = &self.again.broken {
            tail.push_str(&format!("\nfrom there on nothing can be recomputed: {broken}"));
        }
        for differs in &self.again.differs {
            tail.push_str(&format!("\nNOT AS STORED: {differs}; please report it"));
        }
        tail
    }

    pub(in crate::commands) fn input(&self, what: &Applied) -> String {
        match what {
            Applied::Event(id) => match self.past.events.get(id) {
                Some(event) => {
                    let name = if event.name.is_empty() { event.kind.name() } else { &event.name };
                    let old = if event.historical { ", imported" } else { "" };
                    format!("event {name} of {}{old}  {id}", moment(event.occurred_at))
                }
                None => format!("event {id}, no longer kept"),
            },
            Applied::News { news, .. } => match self.past.heard.get(news) {
                Some(heard) => {
                    let (topic, items) = (heard.news.topic.event(), heard.mentions.len());
                    let at = moment(heard.news.occurred_at);
                    format!("event {topic} of {at}, {items} of the catalog  {news}")
                }
                None => format!("news {news}, no longer kept"),
            },
            Applied::Timer(due) => format!("timer due {}", moment(*due)),
            Applied::Report { message, accepted: true, .. } => format!("{message} was accepted"),
            Applied::Report { message, .. } => format!("{message} was refused by the channel"),
            Applied::Closed { merge, .. } => {
                format!("turned out to be {}: runs, carts and the rest of the state went there", merge.winner)
            }
            Applied::Taken { merge, .. } => {
                format!("{} turned out to be this person: their state was taken over", merge.loser)
            }
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let chapter = |(line, items): (&JournalLine, Vec<Item>)| {
            let items: Vec<Value> = items
                .into_iter()
                .map(|item| {
                    json!({
                        "source": if item.recorded { "recorded" } else { "recomputed" },
                        "what": item.what,
                        "journey": item.journey,
                        "words": item.words,
                        "detail": item.detail,
                    })
                })
                .collect();
            json!({
                "n": line.row.n,
                "at": line.row.at.to_string(),
                "deployment": line.deployment,
                "input": self.input(&line.row.what),
                "items": items,
            })
        };
        let runs: Vec<Value> = self
            .past
            .stored
            .runs
            .iter()
            .map(|run| {
                json!({
                    "run": run.id(self.past.stored.id).to_string(),
                    "journey": run.journey,
                    "key": run.key,
                    "version": run.plan.to_string(),
                    "due": run.due().map(|due| due.to_string()),
                })
            })
            .collect();
        let moved = self.moved.iter().map(|run| {
            let went = RunId { person: run.from, number: run.number };
            json!({ "run": went.to_string(), "becomes": RunId { person: run.to, number: run.becomes }.to_string() })
        });
        let moved: Vec<Value> = moved.collect();
        json!({
            "person": self.past.stored.id.to_string(),
            "inputs": self.past.stored.n,
            "journal": self.chapters().into_iter().map(chapter).collect::<Vec<_>>(),
            "runs": runs,
            "moved": moved,
            "mixed": self.mixed,
            "broken": self.again.broken.as_ref().map(ToString::to_string),
            "differs": self.again.differs,
        })
    }
}

fn moment(at: ShopTime) -> String {
    let at = at.to_string();
    at.get(..19).map_or(at.clone(), |cut| format!("{}Z", cut.replace('T', " ")))
}

fn recomputed(told: &Told) -> Item {
    let item = |journey: &str, what, words: String, detail| Item {
        recorded: false,
        journey: journey.to_owned(),
        what,
        words,
        detail,
    };
    match told {
        Told::Asked(asked) => {
            let held = if asked.held { "true" } else { "false" };
            let words = format!("{}: {}  -> {held}", asked.place, asked.text);
            let detail = json!({ "place": asked.place, "condition": asked.text, "held": asked.held });
            item(&asked.journey, "asked", words, detail)
        }
        Told::Began { journey, run, key, held_out } => {
            let key = key.as_ref().map_or(String::new(), |key| format!(" [{key}]"));
            let held = if *held_out { ", held out" } else { "" };
            item(
                journey,
                "began",
                format!("run {run}{key}{held}"),
                json!({ "run": run, "held_out": held_out }),
            )
        }
        Told::Awaits { journey, until } => item(
            journey,
            "awaits",
            format!("silence until {}", moment(*until)),
            json!({ "until": until.to_string() }),
        ),
        Told::Reached { journey, run, step } => {
            item(journey, "reached", format!("{step} (run {run})"), json!({ "run": run, "step": step }))
        }
        Told::Migrated { journey, run, from, to } => item(
            journey,
            "migrated",
            format!("run {run}: {from} -> {to} of the new version"),
            json!({ "run": run, "from": from, "to": to }),
        ),
        Told::Did { journey, step, words } => {
            item(journey, "did", format!("{step}: {words}"), json!({ "step": step, "did": words }))
        }
        Told::Ended { journey, run, reason } => {
            let detail = json!({ "run": run, "reason": reason.code() });
            item(journey, "ended", format!("run {run}: {}", reason.code()), detail)
        }
    }
}

fn refusal(refusal: &Refusal) -> Item {
    let (journey, step) = refusal.of.split_once('/').unwrap_or((&refusal.of, ""));
    let step = if step.is_empty() { String::new() } else { format!("{step}: ") };
    Item {
        recorded: true,
        journey: journey.to_owned(),
        what: "refused",
        words: format!("{step}{} ({})", refusal.reason.code(), refusal.reason.meaning()),
        detail: told_refusal(refusal),
    }
}

fn told_refusal(refusal: &Refusal) -> Value {
    json!({ "of": refusal.of, "code": refusal.reason.code(), "number": refusal.reason.number() })
}

fn message(line: &MessageRow) -> Item {
    let row = &line.message;
    let when = line.finished_at.map_or(String::new(), |at| format!(" {}", moment(at)));
    let reason = line.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    Item {
        recorded: true,
        journey: row.journey.to_string(),
        what: "message",
        words: format!(
            "{}: {} by {}, {}{when}{reason}  {}",
            row.step, row.template, row.channel, line.state, row.message
        ),
        detail: json!({
            "message": row.message.to_string(),
            "step": row.step,
            "template": row.template,
            "channel": row.channel.name(),
            "state": line.state.to_string(),
        }),
    }
}

fn decision(row: &DecisionRow) -> Item {
    let propensity = row.options.iter().position(|option| *option == row.choice);
    let propensity = propensity.and_then(|nth| row.propensities.get(nth)).copied().unwrap_or_default();
    let what = match row.what {
        Choice::Option => "",
        Choice::Channel => "channel ",
        Choice::SendTime => "hour ",
    };
    let by = match row.rule {
        Rule::Fixed => String::new(),
        Rule::Learned => format!("; learned, snapshot {}", row.snapshot),
        Rule::NoModel => format!("; no model yet: {}", simple(row.what)),
        Rule::Stale => format!("; the model is too old: {}", simple(row.what)),
    };
    // Of two days of hours nobody reads all.
    let of = match row.options.len() {
        many if many > 6 && row.what == Choice::SendTime => format!("{many} hours"),
        _ => row.options.join(", "),
    };
    let words =
        format!("{}: {what}{} (of {of}, probability {}{by})", row.step, row.choice, rounded(propensity));
    Item {
        recorded: true,
        journey: row.journey.to_string(),
        what: "chose",
        words,
        detail: json!({
            "step": row.step,
            "what": row.what.name(),
            "choice": row.choice,
            "options": row.options,
            "propensities": row.propensities,
            "rule": row.rule.name(),
            "snapshot": (row.snapshot > 0).then_some(row.snapshot),
            "features": serde_json::from_str::<Value>(&row.features).unwrap_or(Value::Null),
        }),
    }
}

/// The simple rule, for people.
fn simple(what: Choice) -> &'static str {
    match what {
        Choice::SendTime => "sent at once",
        Choice::Channel | Choice::Option => "drawn evenly",
    }
}

/// A probability, to three places.
fn rounded(propensity: f64) -> f64 {
    (propensity * 1000.0).round() / 1000.0
}

fn ended_run(run: &EndedRow) -> Item {
    let goal = run.goal_at.map_or(String::new(), |at| format!("; goal reached {}", moment(at)));
    Item {
        recorded: true,
        journey: run.journey.to_string(),
        what: "ended",
        words: format!("run {}: {}{goal}", run.number, run.reason),
        detail: json!({ "run": run.number, "reason": run.reason, "goal_at": run.goal_at.map(|at| at.to_string()) }),
    }
}
