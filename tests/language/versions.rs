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

const LONG: &str = "
journey: j
topic: news
enter:
  on: Begin
  again: always
steps:
  - send: hello
    channel: inbox
  - id: rest
    wait: 20d
  - send: old-words
    channel: inbox
  - id: after
    wait: 20d
";

/// Ada stands at `rest`, Bob at `after`, when the second goes live; the first thing that happens to them then moves them.
#[track_caller]
fn migrates(migrate: &str, edit: (&str, &str), expected: &str) {
    let second = LONG.replacen(edit.0, edit.1, 1).replace("old-words", "new-words");
    let second = second.replace("topic: news", &format!("topic: news\nmigrate: {migrate}"));
    let stage = Stage {
        journeys: &[LONG],
        second: &[&second],
        story: "
            01-05 10:00 bob Begin {}
            01-26 10:00 ada Begin {}
            01-28 12:00 deploy second
            01-28 13:00 ada Look {}
            01-28 13:00 bob Look {}
            03-30 10:00",
        ..Stage::default()
    };
    let before = "
        01-05 10:00 bob inbox hello
        01-25 10:00 bob inbox old-words
        01-26 10:00 ada inbox hello
    ";
    check(&stage, &format!("{before}{expected}"));
}

#[test]
fn a_new_version_says_what_becomes_of_the_runs_of_older_ones() {
    migrates(
        "stay",
        ("", ""),
        "02-14 10:00 bob ends j completed
         02-15 10:00 ada inbox old-words
         03-07 10:00 ada ends j completed",
    );
    migrates(
        "exit",
        ("", ""),
        "01-28 13:00 ada ends j migrated
         01-28 13:00 bob ends j migrated",
    );
    // At the same step they have stood as long as they have: 5 of the 20 days are 5 of these.
    migrates(
        "{ rest: rest }",
        ("wait: 20d", "wait: 5d"),
        "01-31 10:00 ada inbox new-words
         02-14 10:00 bob ends j completed
         02-20 10:00 ada ends j completed",
    );
    // What is over by now goes on at once.
    migrates(
        "{ rest: rest }",
        ("wait: 20d", "wait: 1h"),
        "01-28 13:00 ada inbox new-words
         02-14 10:00 bob ends j completed
         02-17 13:00 ada ends j completed",
    );
    // Another step begins now; what a run has sent it does not send again.
    migrates(
        "{ rest: after, after: hello }",
        ("", ""),
        "01-28 13:00 bob refused j/hello sent_before
         02-17 13:00 bob inbox new-words
         02-17 13:00 ada ends j completed
         03-09 13:00 bob ends j completed",
    );
}

#[test]
fn a_call_is_not_made_again_and_its_answer_stays() {
    let first = "
journey: j
topic: news
enter:
  on: Begin
  again: always
steps:
  - id: portal
    call: POST https://billing.example/links
    within: 30s
  - id: rest
    wait: 20d
  - send: pay-now
    channel: inbox
    if: portal.url == 'u'
";
    let second = first.replace("20d", "10d").replace("topic: news", "topic: news\nmigrate: { rest: portal }");
    check(
        &Stage {
            journeys: &[first],
            second: &[&second],
            answers: &[("POST https://billing.example/links", r#"{"url": "u"}"#)],
            story: "
                01-26 10:00 ada Begin {}
                01-28 12:00 deploy second
                01-28 13:00 ada Look {}
                03-30 10:00",
            ..Stage::default()
        },
        "01-26 10:00 ada call POST https://billing.example/links
         01-28 13:00 ada refused j/portal sent_before
         02-07 13:00 ada inbox pay-now
         02-07 13:00 ada ends j completed",
    );
}

#[test]
fn what_was_sent_is_still_known() {
    let first = LONG.replace("send: hello", "id: hello\n    send: hello");
    let second = first.replace("topic: news", "topic: news\nmigrate: { rest: hello }");
    // What it left stands.
    let second = format!(
        "{}  - send: was-sent\n    channel: inbox\n    if: hello.sent\n",
        second.replace("wait: 20d", "wait: 1d")
    );
    check(
        &Stage {
            journeys: &[&first],
            second: &[&second],
            story: "
                01-26 10:00 ada Begin {}
                01-28 12:00 deploy second
                01-28 13:00 ada Look {}
                03-30 10:00",
            ..Stage::default()
        },
        "01-26 10:00 ada inbox hello
         01-28 13:00 ada refused j/hello sent_before
         01-29 13:00 ada inbox old-words
         01-30 13:00 ada inbox was-sent
         01-30 13:00 ada ends j completed",
    );
}
