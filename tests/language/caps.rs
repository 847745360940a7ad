//! Rule 12: caps, and who gets the last of one.

use crate::stage::{Stage, check, tells};

#[test]
fn rule_12_a_journeys_cap_rolls_and_what_it_holds_back_goes_when_it_is_free() {
    tells(
        "
        journey: j
        topic: news
        cap: 2 per 7d
        enter:
          on: Begin
          per: n
        steps:
          - send: note
            channel: inbox
            within: 10d
        ",
        r#"01-05 10:00 ada Begin {"n": 1}
           01-06 10:00 ada Begin {"n": 2}
           01-07 10:00 ada Begin {"n": 3}
           01-08 10:00 ada Begin {"n": 4}
           01-08 10:00 bob Begin {"n": 4}
           01-20 10:00"#,
        "01-05 10:00 ada inbox note
         01-05 10:00 ada ends j[1] completed
         01-06 10:00 ada inbox note
         01-06 10:00 ada ends j[2] completed
         01-08 10:00 bob inbox note
         01-08 10:00 bob ends j[4] completed
         01-12 10:00 ada inbox note
         01-12 10:00 ada ends j[3] completed
         01-13 10:00 ada inbox note
         01-13 10:00 ada ends j[4] completed",
    );
}

#[test]
fn rule_12_beyond_its_within_the_else_runs() {
    tells(
        "
        journey: j
        topic: news
        cap: 1 per 2d
        enter:
          on: Begin
          per: n
        steps:
          - send: note
            channel: inbox
            within: 1d
            else:
              - exit: too-late
        ",
        r#"01-05 10:00 ada Begin {"n": 1}
           01-05 11:00 ada Begin {"n": 2}
           01-06 10:00 ada Begin {"n": 3}
           01-20 10:00"#,
        "01-05 10:00 ada inbox note
         01-05 10:00 ada ends j[1] completed
         01-06 11:00 ada refused j/note cap
         01-06 11:00 ada ends j[2] exit_step: too-late
         01-07 10:00 ada inbox note
         01-07 10:00 ada ends j[3] completed",
    );
}

#[test]
fn rule_12_a_channels_cap_counts_marketing_of_all_journeys_and_of_that_channel() {
    let journey = |name: &str, kind: &str, channel: &str| {
        format!(
            "\njourney: {name}\n{kind}\nenter:\n  on: {name}\n  again: always\nsteps:\n  - send: {name}\n    channel: {channel}\n    within: 1h\n"
        )
    };
    let (one, two) = (journey("one", "topic: news", "inbox"), journey("two", "topic: news", "inbox"));
    let (other, bill) =
        (journey("other", "topic: news", "in_app"), journey("bill", "kind: transactional", "inbox"));
    let stage = Stage {
        journeys: &[&one, &two, &other, &bill],
        shop: "caps: { inbox: 1 per 1d }",
        story: "
            01-05 10:00 ada bill {}
            01-05 10:00 ada other {}
            01-05 10:00 ada one {}
            01-05 12:00 ada two {}
            01-05 12:00 ada other {}
            01-05 12:00 ada bill {}
            01-06 10:00 ada two {}
            01-07 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada in_app other
         01-05 10:00 ada inbox bill
         01-05 10:00 ada inbox one
         01-05 10:00 ada ends bill completed
         01-05 10:00 ada ends one completed
         01-05 10:00 ada ends other completed
         01-05 12:00 ada in_app other
         01-05 12:00 ada inbox bill
         01-05 12:00 ada ends bill completed
         01-05 12:00 ada ends other completed
         01-05 13:00 ada refused two/two cap
         01-05 13:00 ada ends two completed
         01-06 10:00 ada inbox two
         01-06 10:00 ada ends two completed",
    );
}

/// Two journeys that begin with the same event.
fn rivals(low: u8, high: u8) -> [String; 2] {
    let journey = |name: &str, priority: u8| {
        format!(
            "\njourney: {name}\ntopic: news\npriority: {priority}\nenter: {{ on: Begin, again: always }}\nsteps:\n  - send: {name}\n    channel: inbox\n    within: 3d\n"
        )
    };
    [journey("a-low", low), journey("b-high", high)]
}

#[test]
fn rule_12_priority_decides_who_gets_the_last_of_a_cap() {
    let [low, high] = rivals(10, 90);
    let stage = Stage {
        journeys: &[&low, &high],
        shop: "caps: { inbox: 1 per 1d }",
        story: "01-05 10:00 ada Begin {}\n01-20 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox b-high
         01-05 10:00 ada ends b-high completed
         01-06 10:00 ada inbox a-low
         01-06 10:00 ada ends a-low completed",
    );
}

#[test]
fn rule_12_priority_decides_when_both_have_waited() {
    let [low, high] = rivals(10, 90);
    let stage = Stage {
        journeys: &[&low, &high],
        shop: "caps: { inbox: 1 per 1d }\nquiet_hours: { inbox: 20:00-08:00 }",
        story: "01-05 22:00 ada Begin {}\n01-20 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-06 08:00 ada inbox b-high
         01-06 08:00 ada ends b-high completed
         01-07 08:00 ada inbox a-low
         01-07 08:00 ada ends a-low completed",
    );
}

#[test]
fn rule_12_the_same_priority_goes_by_name_then_by_who_came_first() {
    let [a, b] = rivals(50, 50);
    let stage = Stage {
        journeys: &[&b, &a],
        shop: "minimum_gap: 1h",
        story: "01-05 10:00 ada Begin {}\n01-20 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox a-low
         01-05 10:00 ada ends a-low completed
         01-05 11:00 ada inbox b-high
         01-05 11:00 ada ends b-high completed",
    );
}

#[test]
fn caps_of_different_lengths_hold_together() {
    let journey = "
        journey: j
        topic: news
        cap: 2 per 12h
        enter:
          on: Begin
          per: n
        steps:
          - send: note
            channel: inbox
            within: 9d
        ";
    let stage = Stage {
        journeys: &[journey],
        shop: "caps: { inbox: 3 per 2d }",
        story: r#"
            01-05 10:00 ada Begin {"n": 1}
            01-05 10:01 ada Begin {"n": 2}
            01-05 10:02 ada Begin {"n": 3}
            01-05 10:03 ada Begin {"n": 4}
            01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox note
         01-05 10:00 ada ends j[1] completed
         01-05 10:01 ada inbox note
         01-05 10:01 ada ends j[2] completed
         01-05 22:00 ada inbox note
         01-05 22:00 ada ends j[3] completed
         01-07 10:00 ada inbox note
         01-07 10:00 ada ends j[4] completed",
    );
}
