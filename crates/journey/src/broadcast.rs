//! `broadcast: NAME`: one message to many, once. It is a journey of one step that the calendar begins, written shorter; here
//! it becomes one.

use journeyman_domain::plan::Days;

use crate::diagnostic::{REQUIRED, Report, WHEN};
use crate::literal;
use crate::source::Place;
use crate::tree::{Entry, Kind, Map, Node};
use crate::words;

/// What of it says whom it is for.
const WHOM: [&str; 3] = ["to", "except", "if"];
/// What of it is not read yet.
const LATER: [&str; 3] = ["snapshot", "speed", "proof"];

/// A journey of a broadcast; what is no broadcast stays as it is. Nobody enters twice: neither by a file that was dated anew, nor by
/// a clock that was moved.
pub(crate) fn journey(root: Node, report: &mut Report<'_>) -> Node {
    let place = root.place;
    let map = match root.kind {
        Kind::Map(map) if is_one(&map) => map,
        kind => return Node { place, kind },
    };
    let Some(named) = map.entries.iter().find(|entry| entry.key == "broadcast").map(|entry| entry.place)
    else {
        return Node { place, kind: Kind::Map(map) };
    };
    for (key, help) in [
        (
            "at",
            "say when: `at: 2026-11-27 08:00`, on each person's clock, or with a zone for one moment for all",
        ),
        ("send", "say what: `send:` and a template's name"),
    ] {
        if !map.entries.iter().any(|entry| entry.key == key) {
            report.say(REQUIRED, named, format!("a broadcast needs `{key}:`"), help);
            return Node { place, kind: Kind::Refused };
        }
    }
    let (mut journey, mut enter, mut step) = (Vec::new(), Vec::new(), Vec::new());
    for entry in map.entries {
        let key = entry.key.as_str();
        if LATER.contains(&key) {
            report.not_yet(entry.place, key);
        } else if key == "at" {
            once(&entry, report);
            enter.push(Entry { key: "every".to_owned(), ..entry });
        } else if WHOM.contains(&key) {
            enter.push(entry);
        } else if key == "broadcast" {
            journey.push(Entry { key: "journey".to_owned(), ..entry });
        } else if !words::JOURNEY.now.contains(&key) && words::SEND.has(key) {
            step.push(entry);
        } else {
            journey.push(entry);
        }
    }
    enter.push(scalar("again", "never", named));
    journey.push(block("enter", enter, named));
    let step = Node { place: named, kind: Kind::Map(Map { entries: step, braces: false }) };
    let steps = Node { place: named, kind: Kind::List(vec![step]) };
    journey.push(Entry { key: "steps".to_owned(), place: named, value: steps });
    Node { place, kind: Kind::Map(Map { entries: journey, braces: map.braces }) }
}

fn is_one(map: &Map) -> bool {
    map.get("broadcast").is_some() && map.get("journey").is_none()
}

fn once(entry: &Entry, report: &mut Report<'_>) {
    let Some(Ok(when)) = entry.value.as_text().map(literal::when) else { return };
    if !matches!(when.days, Days::Date(_)) {
        let help = "write a date: 2026-11-27 08:00; what comes again is a journey with `enter: every`";
        report.say(WHEN, entry.value.place, "a broadcast goes once", help);
    }
}

fn scalar(key: &str, text: &str, place: Place) -> Entry {
    Entry { key: key.to_owned(), place, value: Node { place, kind: Kind::Scalar(text.to_owned()) } }
}

fn block(key: &str, entries: Vec<Entry>, place: Place) -> Entry {
    let value = Node { place, kind: Kind::Map(Map { entries, braces: false }) };
    Entry { key: key.to_owned(), place, value }
}
