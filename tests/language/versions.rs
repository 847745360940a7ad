//! Rule 16: a run pins its journey; segments and policies are the newest.

use crate::stage::{Stage, check};

const FIRST: &str = "
journey: j
topic: news
enter:
  on: Begin
  again: always
steps:
  - wait: 1d
  - send: old-words
    channel: inbox
  - wait_for: Reply
    within: 1d
    then:
      - exit: old-way
";

#[test]
fn rule_16_a_run_walks_the_version_it_began_with() {
    let second = FIRST.replace("old-words", "new-words").replace("wait: 1d", "wait: 2d");
    let stage = Stage {
        journeys: &[FIRST],
        second: &[&second],
        story: "
            01-05 10:00 ada Begin {}
            01-05 12:00 deploy second
            01-05 13:00 bob Begin {}
            01-06 11:00 ada Reply {}
            01-20 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-06 10:00 ada inbox old-words
         01-06 11:00 ada ends j exit_step: old-way
         01-07 13:00 bob inbox new-words
         01-08 13:00 bob ends j completed",
    );
}

#[test]
fn rule_16_a_run_goes_on_where_its_journey_is_gone_or_starts_nothing_more() {
    let archived = FIRST.replace("topic: news", "topic: news\nstatus: archived");
    for second in [&[][..], &[archived.as_str()]] {
        let stage = Stage {
            journeys: &[FIRST],
            second,
            story: "
                01-05 10:00 ada Begin {}
                01-05 12:00 deploy second
                01-05 13:00 bob Begin {}
                01-20 10:00",
            ..Stage::default()
        };
        check(
            &stage,
            "01-06 10:00 ada inbox old-words
             01-07 10:00 ada ends j completed",
        );
    }
}

#[test]
fn rule_16_segments_are_the_newest() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - wait: 1d
          - exit: vip
            if: in_segment('vip')
          - exit: no-vip
        ";
    let stage = Stage {
        journeys: &[journey],
        second: &[journey],
        segments: &["segment: vip\nif: profile.city == 'Ulm'"],
        second_segments: &["segment: vip\nif: profile.city == 'Bonn'"],
        story: r#"
            01-05 09:00 ada identify {"city": "Ulm"}
            01-05 09:00 bob identify {"city": "Bonn"}
            01-05 10:00 ada Begin {}
            01-05 10:00 bob Begin {}
            01-05 12:00 deploy second
            01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-06 10:00 ada ends j exit_step: no-vip
         01-06 10:00 bob ends j exit_step: vip",
    );
}

#[test]
fn rule_16_policies_are_the_newest() {
    let stage = Stage {
        journeys: &[FIRST],
        second: &[FIRST],
        second_shop: "quiet_hours: { inbox: 09:00-20:00 }",
        story: "
            01-05 10:00 ada Begin {}
            01-05 12:00 deploy second
            01-20 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-06 20:00 ada inbox old-words
         01-07 20:00 ada ends j completed",
    );
}

#[test]
fn rule_16_lanes_and_entries_are_remembered_across_versions() {
    let first = FIRST.replace("again: always", "again: never");
    let second = first.replace("old-words", "new-words");
    let stage = Stage {
        journeys: &[&first],
        second: &[&second],
        story: "
            01-05 10:00 ada Begin {}
            01-05 12:00 deploy second
            01-15 13:00 ada Begin {}",
        ..Stage::default()
    };
    check(
        &stage,
        "01-06 10:00 ada inbox old-words
         01-07 10:00 ada ends j completed
         01-15 13:00 ada refused j again",
    );
}
