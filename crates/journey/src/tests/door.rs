//! The one door of the tests.

use crate::{Checked, Source, check};

/// What every test has around it.
const CONFIGURATION: &str = "\
currency: EUR
time_zone: Europe/Berlin
topics:
  reminders: { name: { en: Reminders, de: Erinnerungen }, consent: opt_in }
  offers: { consent: opt_out }
";
const SEGMENTS: [&str; 2] = ["vip", "staff"];

/// Sources of a whole folder around one text.
pub(super) fn around(path: &str, text: &str) -> Vec<Source> {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let mut sources = vec![source(path, text)];
    if path != "journeyman.yaml" {
        sources.push(source("journeyman.yaml", CONFIGURATION));
    }
    for name in SEGMENTS {
        let path_of = format!("journeys/segments/{name}.yaml");
        if path != path_of {
            sources.push(source(&path_of, &format!("segment: {name}\nif: profile.group == '{name}'\n")));
        }
    }
    sources
}

/// Everything said, a line each: `J0101 3:7 message; help`.
pub(super) fn said(checked: &Checked) -> Vec<String> {
    let line = |said: &crate::Diagnostic| {
        format!("{} {}:{} {}; {}", said.code, said.span.line, said.span.column, said.message, said.help)
    };
    checked.diagnostics.iter().map(line).collect()
}

pub(super) fn of(path: &str, text: &str) -> Checked {
    check(&around(path, text), None, false)
}

/// A text and everything that is said of it, a line each: `J0101 3:7 part of the message; part of the help`.
pub(super) struct Case {
    pub(super) path: &'static str,
    pub(super) text: String,
    pub(super) expected: Vec<&'static str>,
}

impl Case {
    pub(super) fn new(path: &'static str, text: impl Into<String>, expected: &[&'static str]) -> Self {
        Self { path, text: text.into(), expected: expected.to_vec() }
    }

    /// A journey `t`.
    pub(super) fn journey(text: impl Into<String>, expected: &[&'static str]) -> Self {
        Self::new("journeys/t.yaml", text, expected)
    }

    /// A journey `t` with these steps, which begin in line 7.
    pub(super) fn steps(steps: &str, expected: &[&'static str]) -> Self {
        Self::journey(with_steps(steps), expected)
    }

    /// A journey `t` with lines of its header, which begin in line 6.
    pub(super) fn header(header: &str, expected: &[&'static str]) -> Self {
        Self::journey(format!("{HEADER}{header}steps:\n  - send: a\n    channel: email\n"), expected)
    }

    /// A condition, which begins in line 9, column 9.
    pub(super) fn condition(condition: &str, expected: &[&'static str]) -> Self {
        Self::steps(&format!("  - send: a\n    channel: email\n    if: {condition}\n"), expected)
    }
}

const HEADER: &str = "journey: t\ntopic: offers\nenter:\n  on: Order Completed\n  per: order_id\n";

pub(super) fn with_steps(steps: &str) -> String {
    format!("{HEADER}steps:\n{steps}")
}

/// Holds the cases to what they expect, all of it and nothing else.
pub(super) fn hold(cases: Vec<Case>) {
    let mut failed = Vec::new();
    for Case { path, text, expected } in cases {
        let checked = of(path, &text);
        let told = said(&checked);
        let errors = checked.diagnostics.iter().any(|said| said.severity == crate::Severity::Error);
        assert_eq!(checked.deployment.is_none(), errors, "{text}");
        let fits = |(told, expected): (&String, &&str)| {
            let (message, help) = expected.split_once("; ").unwrap_or((expected, ""));
            let (told_message, told_help) = told.split_once("; ").unwrap();
            told_message.starts_with(message) && told_help.contains(help)
        };
        if told.len() != expected.len() || !told.iter().zip(&expected).all(fits) {
            failed.push(format!("{text}\n   said {told:#?}\n   expected {expected:#?}"));
        }
    }
    assert!(failed.is_empty(), "{} cases:\n{}", failed.len(), failed.join("\n\n"));
}

/// A journey that is right; its plan.
pub(super) fn plan(text: &str) -> std::sync::Arc<journeyman_domain::plan::Plan> {
    let checked = of("journeys/t.yaml", text);
    let errors: Vec<_> = said(&checked);
    let deployment = checked.deployment.unwrap_or_else(|| panic!("{errors:#?}\n{text}"));
    deployment.plans[0].clone()
}
