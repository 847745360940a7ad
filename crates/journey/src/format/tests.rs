use super::*;

fn source(text: &str) -> Source {
    Source { path: "journeys/t.yaml".to_owned(), text: text.to_owned() }
}

/// One door: a text, and as it is laid out; which is laid out already.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(format(&source(text)).as_deref(), Ok(expected), "{text}");
    assert_eq!(format(&source(expected)).as_deref(), Ok(expected), "a second time");
}

#[test]
fn blocks_stand_two_spaces_in() {
    check(
        "journey: t   # its name\nenter:\n    on: X\n    if: >-\n        a\n        and b\nsteps:\n- send: a\n  channel: inbox\n-   wait: 1d\n    note: x\n",
        "journey: t   # its name\nenter:\n  on: X\n  if: >-\n      a\n      and b\nsteps:\n  - send: a\n    channel: inbox\n  - wait: 1d\n    note: x\n",
    );
    check(
        "\n\n\njourney: t\n\n\n\n# About it,\n# in two lines.\nenter: { on: X }   \nsteps:\n    # the first\n    - if: x\n      then:\n      - exit: a\n      # otherwise\n      else:\n         - exit: b\n    - wait_for:\n      - if: x\n        then: []\n      - on: Y\n      within: 1d\n\n\n",
        "journey: t\n\n# About it,\n# in two lines.\nenter: { on: X }\nsteps:\n  # the first\n  - if: x\n    then:\n      - exit: a\n    # otherwise\n    else:\n      - exit: b\n  - wait_for:\n      - if: x\n        then: []\n      - on: Y\n    within: 1d\n",
    );
    check(
        "to: [a,\n     b]\nlist:\n- - a\n  - b\n- 'c: d'\n- {e: f}\nlast: 'x\n  y'\n",
        "to: [a,\n  b]\nlist:\n  - - a\n    - b\n  - 'c: d'\n  - {e: f}\nlast: 'x\n  y'\n",
    );
}

#[test]
fn what_can_not_be_read_stays() {
    assert_eq!(format(&source("if: !x\n")), Err(Unformatted::Wrong));
    assert_eq!(format(&source("a: 'x\n")), Err(Unformatted::Wrong));
    assert_eq!(format(&source("")), Err(Unformatted::Wrong));
}

mod any {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever stands there: what it says stays, and a second time nothing changes.
        #[test]
        fn text(lines in prop::collection::vec(("[ ]{0,6}", "(- )?", "[a-c]{1,2}", "(:|: x|: \\[a, b\\]|: \\||: >-|: 'q|'|: \\{ a: b \\}| # c)?"), 0..12)) {
            let text: String = lines.iter().map(|(indent, item, word, rest)| format!("{indent}{item}{word}{rest}\n")).collect();
            if let Ok(once) = format(&source(&text)) {
                prop_assert_eq!(format(&source(&once)), Ok(once.clone()), "{}", text);
            }
        }
    }
}
