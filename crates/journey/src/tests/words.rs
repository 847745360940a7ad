//! Words and shapes.

use super::door::{Case, hold};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::steps(
            "  - send: a\n    chanel: email\n",
            &["J0202 8:5 `chanel` is no word of a `send`; did you mean `channel`?"],
        ),
        Case::steps(
            "  - snd: a\n    channel: email\n",
            &["J0202 7:5 `snd` is no word of a step; did you mean `send`?"],
        ),
        Case::steps("  - foo: a\n", &["J0205 7:5 this step does nothing; a step has one of: send, wait"]),
        Case::steps(
            "  - send: a\n    channel: email\n    wait: 3d\n",
            &["J0205 9:5 a step does one thing, and this one has `send` and `wait`; begin a step of its own"],
        ),
        Case::steps("  - if: profile.x\n", &["J0204 7:5 an `if` needs `then:`"]),
        Case::steps("  - a\n", &["J0203 7:5 a step is a block of `key: value` lines, and text stands here"]),
        Case::steps("  - wait: [3d]\n", &["J0203 7:12 `wait` is one value, and a list stands here"]),
        Case::steps("  - wait:\n", &["J0203 7:5 `wait` says nothing"]),
        Case::steps(
            "  - wait: 3d\n    else:\n      - exit: x\n",
            &["J0206 8:5 this `else` is never taken; give the step an `if:`"],
        ),
        Case::steps("  - exit: x\n    else:\n      - exit: y\n", &["J0206 8:5 this `else` is never taken"]),
        Case::steps(
            "  - wait: 3d\n    then:\n      - exit: x\n",
            &["J0202 8:5 `then` is no word of a `wait`; it belongs to a `wait_for`, an `if`, an option"],
        ),
        Case::steps(
            "  - branch:\n      - if: profile.x\n        then: { exit: x }\n    if: profile.y\n",
            &["J0202 10:5 `if` is no word of a `branch`"],
        ),
        Case::steps(
            "  - branch:\n      - if: profile.x\n        then: { exit: x }\n    else: { exit: y }\n",
            &["J0206 10:5 the `else` of a `branch` stands in its list; `- else:`"],
        ),
        Case::steps(
            "  - branch:\n      - else: { exit: y }\n      - if: profile.x\n        then: { exit: x }\n",
            &["J0206 8:9 what follows this `else` is never taken"],
        ),
        Case::steps(
            "  - branch:\n      - if: profile.x\n        then: { exit: x }\n        else: { exit: y }\n",
            &["J0206 10:9 the `else` of a `branch` is an entry of its own"],
        ),
        Case::steps(
            "  - branch:\n      - then: { exit: x }\n",
            &["J0204 8:9 an entry of `branch` needs `if:`"],
        ),
        Case::steps("  - branch: x\n", &["J0203 7:5 `branch` is a list, and text stands here"]),
        Case::steps("  - wait_for: X\n", &["J0204 7:5 a `wait_for` needs `within:`; a wait has an end"]),
        Case::steps(
            "  - wait_for:\n      on: X\n      is: profile.x\n    within: 3d\n",
            &["J0202 9:7 `is` is no word of `wait_for`; did you mean `if`?"],
        ),
        Case::steps(
            "  - wait_for:\n      - on: X\n    then: { exit: x }\n    within: 3d\n",
            &["J0202 9:5 the branches of this `wait_for` have a `then` of their own"],
        ),
        Case::steps("  - wait_for: []\n    within: 3d\n", &["J0203 7:5 `wait_for` is an empty list"]),
        Case::header("goal: Order Completed\n", &["J0203 6:7 `goal` is a block"]),
        Case::header("goal:\n  value: event.revenue\n", &["J0204 7:3 `goal` needs `on:`; name the event"]),
        Case::header(
            "exit:\n  on: X\n",
            &["J0203 6:1 `exit` is a list, and a block stands here; write `- on: Order Refunded`"],
        ),
        Case::header(
            "exit:\n  - iff: X\n",
            &["J0202 7:5 `iff` is no word of an entry of `exit`; did you mean `if`?"],
        ),
        Case::header(
            "descriptoin: x\n",
            &["J0202 6:1 `descriptoin` is no word of a journey; did you mean `description`?"],
        ),
        Case::header(
            "qqq: x\n",
            &["J0202 6:1 `qqq` is no word of a journey; its words are: journey, description"],
        ),
        Case::new(
            "journeys/t.yaml",
            "segment: t\nif: profile.x\n",
            &["J0207 1:1 a segment stands among the journeys; journeys/segments/"],
        ),
        Case::new(
            "journeys/segments/t.yaml",
            "journey: t\n",
            &["J0207 1:1 a journey stands among the segments; move the file to journeys/"],
        ),
        Case::new(
            "journeys/t.yml",
            "journey: t\n",
            &["J0207 1:1 nothing is read from `journeys/t.yml`; end in .yaml"],
        ),
        Case::new("template/t.yaml", "journey: t\n", &["J0207 1:1 nothing is read from `template/t.yaml`"]),
        // What stands there is for `render` to read.
        Case::new("templates/t/template.yaml", "journey: !t\n", &[]),
        Case::new(
            "journeys/T x.yaml",
            "segment: T x\njourney: t\n",
            &[
                "J0202 1:1 `segment` is no word of a journey; it belongs to `enter`, a segment",
                "J0204 1:1 a journey needs `enter:`",
                "J0207 1:1 the file's name is no name",
                "J0603 1:1 a marketing journey",
                "J0604 1:1 a journey needs `steps:`",
                "J0207 2:10 the journey is called `t`, and its file T x.yaml",
            ],
        ),
    ]
}

/// Every word of the language that is not read yet, once.
pub(super) fn later() -> Vec<Case> {
    const SAID: &str = "is not read by this version yet";
    let mut cases = Vec::new();
    cases.push(("pin: yes\n".to_owned(), String::new(), format!("J0201 6:6 `pin: yes` {SAID}")));
    for word in ["offer", "offer_on"] {
        cases.push((
            String::new(),
            format!("  - send: a\n    channel: email\n    {word}: x\n"),
            format!("J0201 9:5 `{word}` {SAID}"),
        ));
    }
    for by in ["bandit", "contextual"] {
        let steps = format!(
            "  - choose: x\n    by: {by}\n    options:\n      a:\n        then: {{ exit: a }}\n      b:\n        then: {{ exit: b }}\n"
        );
        cases.push((String::new(), steps, format!("J0201 8:9 `by: {by}` {SAID}")));
    }
    let options = "    options:\n      a:\n        share: 50%\n      b:\n        share: 50%\n";
    for (more, at, word) in
        [("    explore: 10%\n", "14:5", "explore"), ("        cost: 1 EUR\n", "14:9", "cost")]
    {
        let steps = format!("  - choose: x\n    by: fixed\n{options}{more}");
        cases.push((String::new(), steps, format!("J0201 {at} `{word}` {SAID}")));
    }
    cases
        .into_iter()
        .map(|(header, steps, expected)| {
            let expected: &'static str = Box::leak(expected.into_boxed_str());
            if steps.is_empty() {
                Case::header(&header, &[expected])
            } else {
                Case::steps(&steps, &[expected])
            }
        })
        .collect()
}

/// The words of `enter` that are not read yet.
pub(super) fn later_triggers() -> Vec<Case> {
    let words = ["max_entries", "queue"];
    let case = |word: &&str| {
        let text = format!(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  per: a\n  {word}: x\nsteps:\n  - wait: 1d\n"
        );
        let expected: &'static str = Box::leak(
            format!("J0201 6:3 `{word}` is not read by this version yet; leave it out").into_boxed_str(),
        );
        Case::journey(text, &[expected])
    };
    let mut cases: Vec<Case> = words.iter().map(case).collect();
    cases.push(Case::journey("offer: t\nx: y\n", &["J0201 1:1 `offer` is not read"]));
    for word in ["snapshot", "speed", "proof"] {
        let text = format!(
            "broadcast: t\ntopic: offers\nat: 2026-01-05 09:00\nsend: a\nchannel: inbox\n{word}: x\n"
        );
        let expected: &'static str = Box::leak(format!("J0201 6:1 `{word}` is not read").into_boxed_str());
        cases.push(Case::journey(text, &[expected]));
    }
    cases.push(Case::journey(
        "broadcast: t\ntopic: offers\nsend: a\nchannel: inbox\n",
        &["J0204 1:1 a broadcast needs `at:`"],
    ));
    cases.push(Case::journey(
        "broadcast: t\ntopic: offers\nat: monday 09:00\nsend: a\nchannel: inbox\n",
        &["J0307 3:5 a broadcast goes once; write a date"],
    ));
    cases.push(Case::new(
        "journeys/segments/t.yaml",
        "segment: t\nlist: a.csv\nkey: email\n",
        &["J0201 2:1 `list`", "J0201 3:1 `key`"],
    ));
    cases
}

#[test]
fn words_and_shapes() {
    hold(cases());
}

#[test]
fn words_that_are_not_read_yet() {
    hold(later());
    hold(later_triggers());
}
