use super::*;
use crate::diagnostic::Report;
use crate::source::{File, Source};
use crate::tree::{self, Kind, Node};

fn json_of(node: &Node) -> Value {
    match &node.kind {
        Kind::Nothing | Kind::Refused => Value::Null,
        Kind::Scalar(text) => text.as_str().into(),
        Kind::List(items) => items.iter().map(json_of).collect(),
        Kind::Map(map) => Value::Object(
            map.entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.value))).collect(),
        ),
    }
}

/// What a schema has against a value, as far as ours use its words.
fn against(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let definition = &root["definitions"][name.rsplit('/').next().unwrap()];
        assert!(definition.is_object(), "{name} is not defined");
        return against(root, definition, value, at);
    }
    let mut faults = Vec::new();
    if let Some(of) = schema.get("type") {
        let is = match value {
            Value::Object(_) => "object",
            Value::Array(_) => "array",
            _ => "string",
        };
        let right = of == is || of.as_array().is_some_and(|all| all.contains(&is.into()));
        faults.extend((!right).then(|| format!("{at}: {is}, not {of}")));
    }
    if let Some(words) = schema["enum"].as_array() {
        faults.extend((!words.contains(value)).then(|| format!("{at}: {value} is none of them")));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let all: Vec<Vec<String>> = choices.iter().map(|choice| against(root, choice, value, at)).collect();
        if all.iter().all(|faults| !faults.is_empty()) {
            faults.push(format!("{at}: none of {all:?}"));
        }
    }
    for needed in schema["required"].as_array().into_iter().flatten() {
        faults.extend(value.get(needed.as_str().unwrap()).is_none().then(|| format!("{at}: no {needed}")));
    }
    if let Value::Object(fields) = value {
        for (key, field) in fields {
            let at = format!("{at}.{key}");
            match (schema["properties"].get(key), &schema["additionalProperties"]) {
                (Some(of), _) => faults.extend(against(root, of, field, &at)),
                (None, Value::Bool(false)) => faults.push(format!("{at} is no word")),
                (None, of @ Value::Object(_)) => faults.extend(against(root, of, field, &at)),
                _ => {}
            }
        }
    }
    if let (Some(of), Value::Array(items)) = (schema.get("items"), value) {
        faults.extend(
            items.iter().enumerate().flat_map(|(nth, item)| against(root, of, item, &format!("{at}[{nth}]"))),
        );
    }
    faults
}

#[track_caller]
fn faults(kind: &str, text: &str) -> Vec<String> {
    let source = Source { path: "journeys/t.yaml".to_owned(), text: text.to_owned() };
    let file = File::new(&source);
    let node = tree::read(&mut Report::new(&file)).unwrap();
    let schema = schema(kind).unwrap();
    against(&schema, &schema, &json_of(&node), "")
}

#[test]
fn everything_shipped_is_right_by_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = 0;
    for (folder, kind) in [
        ("journeys", "journey"),
        ("examples/cookbook/journeys", "journey"),
        ("examples/cookbook/journeys/segments", "segment"),
    ] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                let found = faults(kind, &std::fs::read_to_string(&path).unwrap());
                assert!(found.is_empty(), "{}: {found:#?}", path.display());
                files += 1;
            }
        }
    }
    assert!(files >= 39, "{files}");
}

#[test]
fn what_is_wrong_is_wrong_by_it() {
    for (kind, text, fault) in [
        ("journey", "journey: t\ntopik: x\n", ".topik is no word"),
        ("journey", "topic: x\n", "none of"),
        ("journey", "journey: t\nkind: free\n", "none of them"),
        ("journey", "journey: t\nenter:\n  onn: X\n", ".enter.onn is no word"),
        ("journey", "journey: t\nsteps:\n  - snd: x\n", "none of"),
        ("journey", "journey: t\nsteps:\n  - send: x\n    chanel: email\n", "none of"),
        ("segment", "segment: t\nfi: x\n", ".fi is no word"),
    ] {
        let found = faults(kind, text);
        assert!(found.iter().any(|said| said.contains(fault)), "{text}: {found:?}");
    }
}

#[test]
fn every_word_has_a_meaning_and_no_meaning_is_of_no_word() {
    let blocks = [
        &words::JOURNEY,
        &words::ENTER,
        &words::GOAL,
        &words::EXIT,
        &words::HOLD,
        &words::ESCALATE,
        &words::TEST,
        &words::ARM,
        &words::OPTION,
        &words::SEGMENT,
        &words::SNIPPET,
        &words::IF,
    ];
    let verbs = words::VERBS.iter().map(|(_, words)| *words);
    let mut all: Vec<&str> = blocks.into_iter().chain(verbs).flat_map(|words| words.now).copied().collect();
    all.extend(words::STEP);
    all.push("broadcast");
    for word in &all {
        assert!(meaning(word).is_some(), "{word} has no meaning");
    }
    for (word, _) in MEANINGS {
        assert!(all.contains(word), "{word} is no word");
    }
}
