//! The files as JSON Schema (draft 7, which editors know best): completion and hover. Made of the words that the reader goes by, so
//! that it can't say less or more than that; what a value may be beyond its shape `check` says.

use serde_json::{Map, Value, json};

use crate::words::{self, Words};

/// What a schema is of.
pub const KINDS: [&str; 3] = ["journey", "segment", "snippet"];

/// The schema of a kind of file, of [`KINDS`]; of others `None`.
pub fn schema(kind: &str) -> Option<Value> {
    let (root, title) = match kind {
        "journey" => (journey(), "A journey, or a broadcast"),
        "segment" => (block(&words::SEGMENT), "A segment"),
        "snippet" => (block(&words::SNIPPET), "A snippet: steps that journeys share"),
        _ => return None,
    };
    let mut root = root;
    if let Some(root) = root.as_object_mut() {
        root.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
        root.insert("title".to_owned(), title.into());
        root.insert("definitions".to_owned(), definitions());
    }
    Some(root)
}

/// A broadcast has what a send has, and whom it is for.
fn journey() -> Value {
    let own = words::JOURNEY.now.iter();
    let of_send = words::SEND.now.iter().chain(&["broadcast", "to", "except", "if"]);
    let mut all: Vec<&str> = own.chain(of_send).copied().collect();
    all.sort_unstable();
    all.dedup();
    let mut block = object(&all);
    if let Some(block) = block.as_object_mut() {
        block.insert("anyOf".to_owned(), json!([{ "required": ["journey"] }, { "required": ["broadcast"] }]));
    }
    block
}

fn definitions() -> Value {
    let mut verbs: Vec<Value> = words::VERBS.iter().map(|(verb, words)| step(verb, words)).collect();
    verbs.push(step("if", &words::IF));
    json!({
        "step": { "anyOf": verbs },
        "steps": { "anyOf": [{ "type": "array", "items": { "$ref": "#/definitions/step" } }, { "$ref": "#/definitions/step" }] },
        "enter": block(&words::ENTER),
        "goal": block(&words::GOAL),
        "hold": block(&words::HOLD),
        "exit": { "type": "array", "items": block(&words::EXIT) },
        "escalate": block(&words::ESCALATE),
        "test": block(&words::TEST),
        "arm": block(&words::ARM),
        "option": block(&words::OPTION),
    })
}

fn step(verb: &str, words: &Words) -> Value {
    let all: Vec<&str> = words::STEP.iter().chain(words.now).copied().collect();
    let mut step = object(&all);
    if let Some(step) = step.as_object_mut() {
        step.insert("required".to_owned(), json!([verb]));
        // The same word begins a step and ends a journey.
        if verb == "exit"
            && let Some(properties) = step.get_mut("properties").and_then(Value::as_object_mut)
        {
            properties.insert("exit".to_owned(), described("exit", json!({ "type": "string" })));
        }
    }
    step
}

fn block(words: &Words) -> Value {
    object(words.now)
}

fn object(words: &[&str]) -> Value {
    let properties: Map<String, Value> =
        words.iter().map(|word| ((*word).to_owned(), described(word, shape(word)))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn described(word: &str, mut shape: Value) -> Value {
    if let (Some(shape), Some(meaning)) = (shape.as_object_mut(), meaning(word)) {
        shape.insert("description".to_owned(), meaning.into());
    }
    shape
}

/// What a word's value looks like, as far as that is the same wherever it stands.
fn shape(word: &str) -> Value {
    let one_of = |words: &[&str]| json!({ "enum": words });
    match word {
        "then" | "else" | "steps" => {
            json!({ "anyOf": [{ "$ref": "#/definitions/steps" }, { "type": "string" }] })
        }
        "enter" | "goal" | "escalate" => json!({ "$ref": format!("#/definitions/{word}") }),
        "hold" => json!({ "$ref": "#/definitions/hold" }),
        "exit" => json!({ "anyOf": [{ "$ref": "#/definitions/exit" }, { "type": ["string", "boolean"] }] }),
        "test" => json!({ "anyOf": [{ "$ref": "#/definitions/test" }, { "type": "string" }] }),
        "branch" => json!({ "type": "array", "items": { "$ref": "#/definitions/arm" } }),
        "options" => json!({ "type": "object", "additionalProperties": { "$ref": "#/definitions/option" } }),
        "kind" => one_of(&["marketing", "transactional"]),
        "migrate" => {
            json!({ "oneOf": [one_of(&["stay", "exit"]), { "type": "object", "additionalProperties": { "type": "string" } }] })
        }
        "status" => one_of(&["draft", "live", "archived"]),
        "existing" => one_of(&["skip", "include"]),
        "if_running" => one_of(&["join", "restart", "ignore"]),
        "quiet_hours" => one_of(&["respect", "ignore"]),
        "since" => one_of(&["entry", "first_send"]),
        "leap" => one_of(&["feb 28", "mar 1"]),
        "winner" => one_of(&["opened", "clicked", "goal"]),
        _ => json!({}),
    }
}

/// What a word means, for whoever points at it.
fn meaning(word: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}

/// Every word that files have, with what it means.
const MEANINGS: &[(&str, &str)] = &[
    ("after", "So long after: of a date, or of the message before."),
    (
        "again",
        "Whether somebody may enter again: never, always, every 30d. Must be said where there is no `per`.",
    ),
    ("api", "yes: a step `start:` of another journey begins it, or a program by POST /v1/start."),
    ("at", "When: a clock time, a moment of the calendar, or `best`, the hour that is learned."),
    ("before", "So long before the date."),
    ("best_of", "Channels of which the better is learned."),
    ("between", "At which hours of theirs it may go: 09:00-20:00."),
    ("body", "What the call says, as JSON: name: value, or name: = expression."),
    ("branch", "The first entry whose `if` holds is taken."),
    ("broadcast", "One message to many, once: its name, which is the file's."),
    ("by", "How the choice is made: `fixed`, by shares that stick."),
    ("call", "Asks one of the shop's own systems: POST https://…; its answer's fields are ID.field."),
    ("cap", "Messages of this journey to one person: 3 per 7d."),
    ("channel", "By which channels, in this order: the first that reaches them."),
    ("choose", "Lets chance choose, by shares: the name of the decision."),
    ("date", "A date of theirs that comes round each year: profile.birthday."),
    ("days", "On which days it may go: weekdays, monday, friday, month 1."),
    ("description", "For people."),
    ("each", "A list of the event: each of its elements begins a run, and is called item."),
    ("else", "Steps: where a condition is false, a message was not sent, or the time is up."),
    ("enter", "Whom it is for, and when it begins."),
    ("escalate", "By the next channel too where nobody reacted: { after: 4h, unless: clicked }."),
    (
        "every",
        "A rhythm: monday 09:00, or a cron line in quotes; of a repeat, how long it waits after each turn.",
    ),
    ("except", "Not for who is in any of these segments."),
    ("existing", "Whether those who are in the segment already enter when this goes live."),
    (
        "exit",
        "Ends the run: events or conditions of the journey; as a step, for this reason; of a goal, whether it does.",
    ),
    ("from", "Which sender of journeyman.yaml."),
    ("goal", "What it is for."),
    ("headers", "Headers of the call."),
    ("hold", "While this holds, no run walks on."),
    ("holdout", "The share of people who are not spoken to, so that it can be measured: 10%."),
    ("id", "What the steps below call it: ID.clicked."),
    ("idle", "Begins after so long without another such event."),
    ("if", "A condition: of a step, of what begins it, of who is in the segment."),
    ("if_running", "What an entry does while such a run goes on."),
    ("in_holdout", "yes: done for those who are held out, too."),
    ("journey", "Its name, which is the file's."),
    (
        "kind",
        "marketing needs consent and obeys every policy; transactional is what a customer has a right to hear.",
    ),
    ("lane", "One run per person and lane: the higher priority takes over."),
    ("lang", "The version of the language: 1."),
    ("leap", "What 29 February is in other years."),
    ("left_segment", "Begins when somebody leaves this segment."),
    ("max_age", "Older events begin nothing: 24h."),
    ("migrate", "What becomes of the runs of older versions: stay, exit, or OLD_ID: NEW_ID."),
    ("note", "For people."),
    ("on", "Which events."),
    ("options", "What may be chosen, each with its share and steps."),
    ("owner", "Who looks after it."),
    ("per", "The property that tells runs apart: one run per person and value."),
    ("pin", "Not read yet but for `no`."),
    ("preheader", "Variants of the template whose preheaders are compared."),
    ("priority", "0 to 100: who wins a cap or a lane."),
    ("quiet_hours", "Whether quiet hours hold its messages back."),
    ("repeat", "Walks its steps so often at most; turn is 1, 2, …"),
    ("retry", "How often it is asked again."),
    ("secret", "The variable of the environment that signs the call."),
    ("seed", "What sticky draws hang on: keep the first name here when you rename it."),
    ("segment", "Of an enter: begins when somebody comes into it; of a segment's file its name."),
    ("send", "Sends a message: its template."),
    ("set", "Variables of the run: name: value, or name: = expression."),
    ("share", "The share of people who get this option: 50%."),
    ("since", "From when the goal's time runs."),
    ("snippet", "Its name, which is the file's."),
    ("spread", "People are spread over so long, each always at the same place of it."),
    ("start", "Begins another journey, one that says api: yes."),
    ("status", "draft is checked and starts nothing; archived lets its runs end."),
    ("steps", "What happens, in order."),
    ("subject", "Variants of the template whose subjects are compared."),
    ("test", "Compares variants of the template, in equal parts."),
    ("tests", "What is expected of it: `journeyman test` runs them."),
    ("then", "Steps."),
    ("to", "For who is in any of these segments."),
    ("topic", "What people consent to, of journeyman.yaml."),
    ("track", "Causes an event of this name."),
    ("unless", "What cancels it: events during idle; what the person did, of an escalation."),
    ("update", "Says something of the person's profile: name: value."),
    ("use", "The steps of a snippet."),
    ("value", "What the goal is worth: event.revenue."),
    ("variant", "Variants of the template that are compared."),
    ("wait", "Waits so long: 45m, 12h, 3d."),
    ("wait_for", "Waits for an event or a condition, at most `within`."),
    ("wait_until", "Waits for a moment: day 19:00, or = an expression."),
    ("while", "A condition: of a hold; of a repeat, asked before each turn."),
    ("winner", "What is looked at."),
    ("with", "What it is given: name: value, or name: = expression."),
    ("within", "At most so long."),
];

#[cfg(test)]
mod tests;
