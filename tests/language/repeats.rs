//! `repeat`: turns, `every`, `while`, and what each passage leaves.

use crate::stage::tells;
use crate::sweep::alone;

fn journey(steps: &str) -> String {
    format!(
        "\njourney: j\ntopic: news\nenter:\n  on: Begin\n  again: always\ngoal:\n  on: Bought\nexit:\n  - on: Stop\nsteps:\n{steps}"
    )
}

const BEGIN: &str = "01-05 10:00 ada Begin {}\n02-05 10:00";

#[test]
fn it_waits_after_each_turn_the_last_too() {
    tells(
        &journey("  - repeat: 3\n    every: 3d\n    then:\n      - send: note\n        channel: inbox\n"),
        BEGIN,
        "01-05 10:00 ada inbox note
         01-08 10:00 ada inbox note
         01-11 10:00 ada inbox note
         01-14 10:00 ada ends j completed",
    );
}

#[test]
fn turns_count_from_one_and_without_every_follow_at_once() {
    let steps = "
  - repeat: 3
    then:
      - if: turn == 2
        then:
          - send: second
            channel: inbox
        else:
          - send: other
            channel: inbox
  - send: after
    channel: inbox
";
    tells(
        &journey(steps),
        BEGIN,
        "01-05 10:00 ada inbox after
         01-05 10:00 ada inbox other
         01-05 10:00 ada inbox other
         01-05 10:00 ada inbox second
         01-05 10:00 ada ends j completed",
    );
}

#[test]
fn while_is_asked_before_each_turn() {
    let steps = "
  - repeat: 5
    every: 1d
    while: profile.open == 'yes'
    then:
      - send: note
        channel: inbox
  - send: after
    channel: inbox
";
    tells(
        &journey(steps),
        r#"01-05 09:00 ada identify {"open": "yes"}
           01-05 10:00 ada Begin {}
           01-06 12:00 ada identify {"open": "no"}
           01-05 10:00 bob Begin {}
           02-05 10:00"#,
        "01-05 10:00 ada inbox note
         01-05 10:00 bob inbox after
         01-05 10:00 bob ends j completed
         01-06 10:00 ada inbox note
         01-07 10:00 ada inbox after
         01-07 10:00 ada ends j completed",
    );
}

#[test]
fn while_may_ask_which_turn_it_would_be() {
    let steps = "
  - repeat: 9
    every: 1d
    while: turn <= 2
    then:
      - send: note
        channel: inbox
";
    tells(
        &journey(steps),
        BEGIN,
        "01-05 10:00 ada inbox note
         01-06 10:00 ada inbox note
         01-07 10:00 ada ends j completed",
    );
}

#[test]
fn repeats_stand_in_repeats() {
    let steps = "
  - repeat: 2
    every: 1d
    then:
      - repeat: 2
        every: 1h
        then:
          - send: note
            channel: inbox
            if: turn <= 2
      - send: outer
        channel: inbox
        if: turn == 2
";
    tells(
        &journey(steps),
        BEGIN,
        "01-05 10:00 ada inbox note
         01-05 11:00 ada inbox note
         01-05 12:00 ada refused j/outer guard
         01-06 12:00 ada inbox note
         01-06 13:00 ada inbox note
         01-06 14:00 ada inbox outer
         01-07 14:00 ada ends j completed",
    );
}

#[test]
fn a_guard_is_asked_before_the_first_turn_alone() {
    let steps = "
  - repeat: 2
    every: 1d
    if: profile.open == 'yes'
    then:
      - send: note
        channel: inbox
    else:
      - send: closed
        channel: inbox
";
    tells(
        &journey(steps),
        r#"01-05 09:00 ada identify {"open": "yes"}
           01-05 10:00 ada Begin {}
           01-05 12:00 ada identify {"open": "no"}
           01-05 10:00 bob Begin {}
           02-05 10:00"#,
        "01-05 10:00 ada inbox note
         01-05 10:00 bob inbox closed
         01-05 10:00 bob ends j completed
         01-06 10:00 ada inbox note
         01-07 10:00 ada ends j completed",
    );
}

#[test]
fn a_result_is_of_the_latest_passage() {
    let steps = "
  - repeat: 3
    then:
      - send: note
        channel: inbox
      - wait_for:
          if: note.clicked
        within: 1d
        then:
          - exit: clicked
";
    tells(
        &journey(steps),
        r#"01-05 10:00 ada Begin {}
           01-06 12:00 ada Message Clicked {"message_id": "@note"}
           02-05 10:00"#,
        "01-05 10:00 ada inbox note
         01-06 10:00 ada inbox note
         01-06 12:00 ada ends j exit_step: clicked",
    );
}

#[test]
fn goals_and_exits_act_between_turns() {
    let steps = "  - repeat: 9\n    every: 1d\n    then:\n      - send: note\n        channel: inbox\n";
    tells(
        &journey(steps),
        "01-05 10:00 ada Begin {}
         01-06 12:00 ada Bought {}
         01-05 10:00 bob Begin {}
         01-06 09:00 bob Stop {}
         02-05 10:00",
        "01-05 10:00 ada inbox note
         01-05 10:00 bob inbox note
         01-06 09:00 bob ends j exit
         01-06 10:00 ada inbox note
         01-06 12:00 ada ends j goal (goal)",
    );
}

#[test]
fn fixed_choices_stick_in_every_turn() {
    let steps = "
  - repeat: 3
    every: 1d
    then:
      - choose: way
        by: fixed
        options:
          one: { share: 100% }
          two: { share: 0% }
";
    tells(
        &journey(steps),
        BEGIN,
        "01-05 10:00 ada way takes one
         01-06 10:00 ada way takes one
         01-07 10:00 ada way takes one
         01-08 10:00 ada ends j completed",
    );
}

#[test]
fn an_hour_is_chosen_anew_in_every_turn() {
    let steps = "
  - repeat: 2
    every: 1d
    then:
      - send: note
        channel: inbox
        at: best
        within: 1h
";
    tells(
        &journey(steps),
        BEGIN,
        "01-05 10:00 ada inbox note
         01-05 10:00 ada note takes mon-10
         01-06 10:00 ada inbox note
         01-06 10:00 ada note takes tue-10
         01-07 10:00 ada ends j completed",
    );
}

#[test]
fn an_else_is_of_each_passage() {
    let steps = "
  - repeat: 2
    every: 1d
    then:
      - send: note
        channel: inbox
        if: turn == 2
        else:
          - send: instead
            channel: inbox
";
    tells(
        &journey(steps),
        BEGIN,
        "01-05 10:00 ada inbox instead
         01-05 10:00 ada refused j/note guard
         01-06 10:00 ada inbox note
         01-07 10:00 ada ends j completed",
    );
}

#[test]
fn a_click_on_an_earlier_passages_message_is_none_of_this_one() {
    let steps = "
  - repeat: 2
    then:
      - send: note
        channel: inbox
      - wait_for:
          if: note.clicked
        within: 1d
        then:
          - exit: clicked
";
    let told = alone(&journey(steps), "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.report("01-05 10:00", "note", true);
        alone.timer("01-06 10:00");
        let first = alone.message("note").unwrap();
        alone.event("01-06 11:00", "Message Clicked", &format!(r#"{{"message_id": "{}"}}"#, first.0));
        alone.timer("01-07 10:00");
    });
    assert_eq!(
        told,
        ["01-05 10:00 queued note", "01-06 10:00 queued note", "01-07 10:00 ends completed"],
        "the first of two messages was clicked, the second was not"
    );
}

#[test]
fn leaving_calls_off_the_messages_of_all_passages() {
    let steps = "  - repeat: 2\n    every: 1m\n    then:\n      - send: note\n        channel: inbox\n";
    let told = alone(&journey(steps), "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.timer("01-05 10:01");
        alone.event("01-05 10:01", "Stop", "{}");
    });
    assert_eq!(
        told,
        [
            "01-05 10:00 queued note",
            "01-05 10:01 queued note",
            "01-05 10:01 ends exit",
            "01-05 10:01 calls off note",
            "01-05 10:01 calls off note"
        ]
    );
}
