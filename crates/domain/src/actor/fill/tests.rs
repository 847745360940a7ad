use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::actor::{Input, Outcome, step};
use crate::expr::{Expr, Root};
use crate::person::Person;
use crate::plan::sample::{at, plan, plans, send};
use crate::plan::{Channel, Condition, Plan, Policies, Step};
use crate::row::StoredEvent;
use crate::{EventId, Kind, PersonId, SeenKey};

fn path(text: &str) -> Arc<[Arc<str>]> {
    text.split('.').map(Arc::from).collect()
}

fn condition(text: &str) -> Condition {
    let (root, rest) = text.split_once('.').unwrap_or(("", text));
    let root = match root {
        "entry" => Root::Entry,
        "profile" => Root::Profile,
        _ => Root::Element,
    };
    Condition::new(text, Expr::Path(root, path(rest)))
}

/// A variable by its path; `!` behind it is required, `[a b!]` are the fields of a list's elements.
fn filled(text: &str) -> Filled {
    let required = text.ends_with('!');
    let text = text.trim_end_matches('!');
    let (name, fields) = text.split_once('[').unwrap_or((text, ""));
    let field = |text: &str| Field { path: path(text.trim_end_matches('!')), required: text.ends_with('!') };
    Filled {
        path: path(name),
        value: Some(condition(name)),
        list: text.contains('['),
        fields: fields.trim_end_matches(']').split_whitespace().map(field).collect(),
        required,
    }
}

fn journey(with: &[(&str, &str)], variables: &[&str]) -> Plan {
    let Step::Send(mut send) = send("hello", Channel::Inbox) else { unreachable!() };
    let setting = |text: &str| match text.strip_prefix("= ") {
        Some(text) => Setting::Computed(condition(text)),
        None => Setting::Text(text.into()),
    };
    send.with = with.iter().map(|(name, value)| ((*name).into(), setting(value))).collect();
    send.filled = variables.iter().map(|text| filled(text)).collect();
    let mut plan = plan("j", "Begin", vec![Step::Send(send), Step::Wait(crate::value::Span::Days(1))]);
    plan.entry_properties = ["items", "title"].map(Arc::from).into();
    plan
}

fn begin(plan: Plan, properties: serde_json::Value) -> Outcome {
    let event = StoredEvent {
        id: EventId::new(at("2026-01-05T10:00:00Z"), SeenKey(1)),
        kind: Kind::Track,
        name: "Begin".into(),
        occurred_at: at("2026-01-05T10:00:00Z"),
        received_at: at("2026-01-05T10:00:00Z"),
        historical: false,
        payload:
            json!({ "properties": properties, "context": { "locale": "de-AT", "timezone": "Europe/Vienna" } })
                .to_string(),
    };
    let plans = plans(vec![plan], Policies::default());
    let now = at("2026-01-05T10:00:00Z");
    step(&plans, &mut Person::new(PersonId(1), 1), Input::Event(&event), now, None).unwrap()
}

fn check(with: &[(&str, &str)], variables: &[&str], properties: serde_json::Value, vars: serde_json::Value) {
    let outcome = begin(journey(with, variables), properties);
    let data: Data = serde_json::from_str(&outcome.queued[0].data).unwrap();
    assert_eq!(
        data,
        Data {
            locale: Some("de-AT".into()),
            zone: "Europe/Vienna".into(),
            session_until: None,
            variant: None,
            vars
        }
    );
}

#[test]
fn a_template_is_given_what_it_speaks_of() {
    check(&[], &[], json!({ "title": "Lamp" }), json!({}));
    check(&[], &["entry.title!"], json!({ "title": "Lamp" }), json!({ "entry": { "title": "Lamp" } }));
    check(
        &[],
        &["entry.title", "profile.nobody"],
        json!({}),
        json!({ "entry": { "title": null }, "profile": { "nobody": null } }),
    );
    let with = [("first", "one"), ("second", "= first"), ("third", "= entry.title")];
    check(&with, &["second!", "third"], json!({ "title": 7 }), json!({ "second": "one", "third": 7 }));
}

#[test]
fn lists_are_given_the_fields_that_are_spoken_of() {
    let items = json!({ "items": [{ "name": "Lamp", "price": 9.5, "cost": 3, "of": { "a": 1, "b": 2 } }, { "name": "Bulb" }] });
    let fields = json!({ "entry": { "items": [
        { "name": "Lamp", "price": 9.5, "of": { "a": 1 } }, { "name": "Bulb", "price": null, "of": { "a": null } }
    ] } });
    check(&[], &["entry.items[name! price of.a]!"], items, fields);
    check(&[], &["entry.items[]"], json!({ "items": ["a", 1] }), json!({ "entry": { "items": ["a", 1] } }));
    check(&[], &["entry.items[name]"], json!({ "items": "none" }), json!({ "entry": { "items": [] } }));
    let many: Vec<_> = (0..80).map(|nth| json!({ "name": nth })).collect();
    let first: Vec<_> = (0..LIST_ITEMS).map(|nth| json!({ "name": nth })).collect();
    check(&[], &["entry.items[name]"], json!({ "items": many }), json!({ "entry": { "items": first } }));
}

#[test]
fn a_list_too_long_is_cut_until_it_fits() {
    let long: Vec<_> = (0..40).map(|_| json!({ "name": "x".repeat(400) })).collect();
    let outcome = begin(journey(&[], &["entry.items[name]"]), json!({ "items": long }));
    let data: Data = serde_json::from_str(&outcome.queued[0].data).unwrap();
    assert_eq!(data.vars["entry"]["items"].as_array().unwrap().len(), 12);
    assert!(outcome.queued[0].data.len() <= DATA_BYTES);
}

fn refused(variables: &[&str], properties: serde_json::Value, reason: Refused) {
    let outcome = begin(journey(&[], variables), properties);
    assert_eq!(outcome.queued, []);
    assert_eq!(outcome.refusals[0].reason, reason);
}

#[test]
fn without_what_it_needs_there_is_no_message() {
    refused(&["entry.title!"], json!({}), Refused::MissingVariable);
    refused(&["entry.title!"], json!({ "title": "  " }), Refused::MissingVariable);
    refused(&["entry.items[name!]"], json!({ "items": [{ "name": "a" }, {}] }), Refused::MissingVariable);
    refused(&["entry.title"], json!({ "title": "x".repeat(9_000) }), Refused::TooLarge);
    // What an older version can't know is missing.
    let mut plan = journey(&[], &["entry.title!"]);
    let Step::Send(send) = &mut plan.nodes[0].step else { unreachable!() };
    send.filled[0].value = None;
    assert_eq!(begin(plan, json!({ "name": "a" })).refusals[0].reason, Refused::MissingVariable);
}
