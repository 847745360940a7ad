//! Everything has a limit: at it, and one beyond.

use super::door::{Case, hold, of, said, with_steps};
use crate::block::LIST_LENGTH;
use crate::expr::{EXPRESSION_BRACKETS, EXPRESSION_BYTES, EXPRESSION_DEPTH, EXPRESSION_PARTS};
use crate::journey::{PROSE_BYTES, STEPS};
use crate::segment::SEGMENT_ROW;
use crate::tracking::TYPE_DEPTH;
use crate::{FILE_BYTES, Source, check};

/// One beyond each limit.
pub(super) fn cases() -> Vec<Case> {
    let code = |text: String, expected: &'static str| Case::journey(text, &[expected]);
    vec![
        code(
            padded(FILE_BYTES + 1),
            "J0117 1:1 the file has 262145 bytes, and a file has at most 262144; split it",
        ),
        code(nested(31), "J0118 "),
        code(with_steps(&"  - wait: 1d\n".repeat(STEPS + 1)), "J0605 507:5 a journey has at most 500 steps"),
        Case::condition(&"(".repeat(EXPRESSION_BRACKETS + 1), &["J0405 9:41 an expression has at most"]),
        Case::condition(&chain(EXPRESSION_DEPTH + 1), &["J0405 "]),
        Case::condition(&list(EXPRESSION_PARTS), &["J0405 "]),
        Case::condition(
            &format!("profile.x == '{}'", "a".repeat(EXPRESSION_BYTES)),
            &["J0405 9:9 an expression has at most 8 KB"],
        ),
        Case::new("journeys/segments/s0.yaml", "segment: s0\nif: in_segment('s0')\n", &["J0706 "]),
    ]
}

/// A journey of so many bytes.
fn padded(bytes: usize) -> String {
    let text = with_steps("  - wait: 1d\n#");
    format!("{text}{}", "x".repeat(bytes - text.len()))
}

/// Steps so deep in each other.
fn nested(depth: usize) -> String {
    let mut steps = String::new();
    for level in 0..depth {
        let indent = "    ".repeat(level);
        steps.push_str(&format!("  {indent}- if: profile.x\n  {indent}  then:\n"));
    }
    let indent = "    ".repeat(depth);
    with_steps(&format!("{steps}  {indent}- wait: 1d\n"))
}

/// `true and true and …`, so deep.
fn chain(depth: usize) -> String {
    vec!["true"; depth].join(" and ")
}

/// An expression of `parts` parts and two more.
fn list(parts: usize) -> String {
    format!("profile.x in [{}]", vec!["1"; parts - 3].join(", "))
}

#[test]
fn beyond_the_limits() {
    hold(cases());
}

#[test]
fn at_the_limits() {
    let right = |text: String| {
        let checked = of("journeys/t.yaml", &text);
        let told = said(&checked);
        assert!(checked.deployment.is_some(), "{:?} of {} bytes", told.first(), text.len());
    };
    let condition = |condition: &str| {
        right(with_steps(&format!("  - send: a\n    channel: email\n    if: {condition}\n")))
    };
    right(padded(FILE_BYTES));
    right(nested(30));
    right(with_steps(&"  - wait: 1d\n".repeat(STEPS)));
    condition(&format!("{}true{}", "(".repeat(EXPRESSION_BRACKETS), ")".repeat(EXPRESSION_BRACKETS)));
    condition(&format!("\"{}true\"", "not ".repeat(EXPRESSION_BRACKETS)));
    condition(&chain(EXPRESSION_DEPTH));
    condition(&list(EXPRESSION_PARTS - 1));
    let text = "profile.x == ''";
    condition(&format!("profile.x == '{}'", "a".repeat(EXPRESSION_BYTES - text.len())));
}

#[test]
fn brackets_of_every_kind_are_bounded() {
    for open in ["(", "[", "not ", "-", "has(", "profile.x.any("] {
        let told = said(&of(
            "journeys/t.yaml",
            &with_steps(&format!("  - send: a\n    channel: email\n    if: \"{}\"\n", open.repeat(500))),
        ));
        assert!(told.iter().any(|line| line.starts_with("J0405")), "{open}: {told:?}");
    }
    for text in [
        "[".repeat(10_000),
        "{".repeat(10_000),
        "- ".repeat(10_000),
        "a: [".repeat(10_000),
        "? ".repeat(10_000),
    ] {
        assert!(of("journeys/t.yaml", &text).deployment.is_none());
    }
}

#[test]
fn other_limits() {
    let told = |path: &str, text: &str| said(&of(path, text)).join("\n");
    let header = |header: String| {
        told("journeys/t.yaml", &with_steps("  - wait: 1d\n").replace("steps:", &format!("{header}\nsteps:")))
    };
    assert_eq!(header(format!("owner: {}", "x".repeat(PROSE_BYTES))), "");
    assert!(
        header(format!("owner: {}", "x".repeat(PROSE_BYTES + 1)))
            .starts_with("J0306 6:8 `owner` has at most")
    );
    let events = |count: usize| {
        let events = (0..count).map(|nth| format!("E{nth}")).collect::<Vec<_>>().join(", ");
        header(format!("exit:\n  - on: [{events}]"))
    };
    assert_eq!(events(LIST_LENGTH), "");
    assert!(events(LIST_LENGTH + 1).starts_with("J0203 7:5 `on` has more than 200 entries"));
    let deep = |depth: usize| {
        told("tracking.yaml", &format!("X:\n  a: {}text{}\n", "{ b: ".repeat(depth), " }".repeat(depth)))
    };
    assert_eq!(deep(TYPE_DEPTH), "");
    assert!(deep(TYPE_DEPTH + 1).starts_with("J0705"), "{}", deep(TYPE_DEPTH + 1));
    let row = |count: usize| {
        let segment = |nth: usize| Source {
            path: format!("journeys/segments/s{nth:02}.yaml"),
            text: format!(
                "segment: s{nth:02}\nif: {}\n",
                if nth == 0 { "profile.x".to_owned() } else { format!("in_segment('s{:02}')", nth - 1) }
            ),
        };
        said(&check(&(0..count).map(segment).collect::<Vec<_>>(), None, false)).join("\n")
    };
    assert_eq!(row(SEGMENT_ROW), "");
    assert!(row(SEGMENT_ROW + 1).starts_with("J0707 2:5 `s16` begins a row"), "{}", row(SEGMENT_ROW + 1));
}
