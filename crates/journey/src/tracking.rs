//! What is known of events: Segment's e-commerce events, our own, and what tracking.yaml says.

mod builtin;

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::expr::Type;

use crate::block::Block;
use crate::diagnostic::{PROPERTY_TYPE, Report, SHAPE, slip};
use crate::expr::EventTypes;
use crate::literal::short;
use crate::tree::{Kind, Node};

pub(crate) use builtin::cart;

/// How deep properties may be described.
pub const TYPE_DEPTH: usize = 8;

/// Events and the types of their properties.
#[derive(Clone, Debug)]
pub(crate) struct Tracking(BTreeMap<Arc<str>, EventTypes>);

impl Tracking {
    pub(crate) fn new() -> Self {
        Self(builtin::events())
    }

    /// Adds what a tracking.yaml says: an event there has its properties besides those that are built in.
    pub(crate) fn extend(&mut self, root: &Node, report: &mut Report<'_>) {
        let Some(block) = Block::of(root, "a tracking plan", report) else { return };
        for event in block.entries() {
            let types = self.0.entry(event.key.as_str().into()).or_default();
            let Kind::Map(properties) = &event.value.kind else {
                if !matches!(event.value.kind, Kind::Refused | Kind::Nothing) {
                    let message = format!(
                        "`{}` has properties, and {} stands here",
                        short(&event.key),
                        event.value.shape()
                    );
                    report.say(SHAPE, event.place, message, "write them below it: `order_id: text`");
                }
                continue;
            };
            for property in &properties.entries {
                if let Some(of) = type_of(&property.value, 0, report) {
                    types.insert(property.key.as_str().into(), of);
                }
            }
        }
    }

    /// Whether anything is known of an event.
    pub(crate) fn knows(&self, event: &str) -> bool {
        self.0.contains_key(event)
    }

    /// Of a known event, the type of a property; `None` where nothing is known.
    pub(crate) fn property(&self, event: &str, property: &str) -> Option<Type> {
        self.0.get(event)?.get(property).cloned()
    }

    /// The properties of whichever of these events it is; what they disagree about may be anything.
    pub(crate) fn types<'a>(&self, events: impl IntoIterator<Item = &'a str>) -> EventTypes {
        let mut types = EventTypes::new();
        for known in events.into_iter().filter_map(|event| self.0.get(event)) {
            for (property, of) in known {
                let agreed = types.entry(property.clone()).or_insert_with(|| of.clone());
                if agreed != of {
                    *agreed = Type::Any;
                }
            }
        }
        types
    }

    /// Of an unknown event, a known one whose name is nearly the same.
    pub(crate) fn near_event(&self, event: &str) -> Option<String> {
        if self.knows(event) {
            return None;
        }
        slip(event, self.0.keys().map(AsRef::as_ref)).map(str::to_owned)
    }
}

fn type_of(node: &Node, depth: usize, report: &mut Report<'_>) -> Option<Type> {
    const HELP: &str = "write text, number, money, time, bool or any; a list as [text] or [{ … }]";
    if depth > TYPE_DEPTH {
        let message = format!("properties are described {TYPE_DEPTH} deep at most");
        report.say(PROPERTY_TYPE, node.place, message, "write any");
        return None;
    }
    match &node.kind {
        Kind::Refused => None,
        Kind::Nothing => {
            report.say(PROPERTY_TYPE, node.place, "the type is missing", HELP);
            None
        }
        Kind::Scalar(name) => {
            let known = of_name(name);
            if known.is_none() {
                let message = format!("`{}` is no type", short(name));
                let names = ["text", "number", "money", "time", "bool", "any"];
                report.unknown(PROPERTY_TYPE, node.place, message, name, names, HELP);
            }
            known
        }
        Kind::List(items) => {
            let [item] = items.as_slice() else {
                report.say(PROPERTY_TYPE, node.place, "a list has one type", HELP);
                return None;
            };
            let of = type_of(item, depth + 1, report)?;
            if matches!(of, Type::Money | Type::Time | Type::List(_)) {
                let help = "write any, or a list of records: [{ price: money }]";
                report.say(PROPERTY_TYPE, item.place, format!("this version reads no list of {of}"), help);
                return None;
            }
            Some(Type::List(of.into()))
        }
        Kind::Map(map) => {
            let fields = map.entries.iter().map(|entry| {
                let of = type_of(&entry.value, depth + 1, report).unwrap_or(Type::Any);
                (Arc::from(entry.key.as_str()), of)
            });
            Some(Type::Record(fields.collect::<Vec<_>>().into()))
        }
    }
}

fn of_name(name: &str) -> Option<Type> {
    Some(match name {
        "text" => Type::Text,
        "number" => Type::Number,
        "money" => Type::Money,
        "time" => Type::Time,
        "bool" => Type::Bool,
        "any" => Type::Any,
        _ => return None,
    })
}
