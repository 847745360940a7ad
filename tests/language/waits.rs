//! Rule 11: waits.

use crate::stage::tells;

fn journey(steps: &str) -> String {
    format!("\njourney: j\ntopic: news\nenter:\n  on: Begin\n  again: always\nsteps:\n{steps}\n")
}

const BRANCHES: &str = "
  - wait_for:
      - on: [Red, Crimson]
        if: event.n == entry.n
        then:
          - exit: red
      - if: profile.city == 'Ulm'
        then:
          - exit: ulm
      - on: Red
        then:
          - exit: any-red
      - on: Blue
    within: 2d
    else:
      - exit: time-is-up
  - send: after-blue
    channel: inbox
";

#[test]
fn rule_11_the_first_satisfied_branch_wins_at_once() {
    tells(
        &journey(BRANCHES),
        r#"01-05 10:00 ada Begin {"n": 1}
           01-05 11:00 ada Crimson {"n": 1}
           01-05 10:00 bob Begin {"n": 1}
           01-05 11:00 bob Green {}
           01-05 12:00 bob Red {"n": 2}
           01-05 10:00 cem Begin {"n": 1}
           01-05 11:00 cem identify {"city": "Ulm"}
           01-05 10:00 dan Begin {"n": 1}
           01-05 11:00 dan Blue {}
           01-05 10:00 eve Begin {"n": 1}
           01-09 10:00"#,
        "01-05 11:00 dan inbox after-blue
         01-05 11:00 ada ends j exit_step: red
         01-05 11:00 cem ends j exit_step: ulm
         01-05 11:00 dan ends j completed
         01-05 12:00 bob ends j exit_step: any-red
         01-07 10:00 eve ends j exit_step: time-is-up",
    );
}

#[test]
fn rule_11_ties_go_by_order() {
    tells(
        &journey(BRANCHES),
        r#"01-05 10:00 ada Begin {"n": 1}
           01-05 11:00 ada Red {"n": 1}"#,
        "01-05 11:00 ada ends j exit_step: red",
    );
}

#[test]
fn rule_11_what_is_true_already_passes_and_an_event_has_to_come() {
    tells(
        &journey(BRANCHES),
        r#"01-05 09:00 ada identify {"city": "Ulm"}
           01-05 09:30 ada Red {"n": 1}
           01-05 10:00 ada Begin {"n": 1}"#,
        "01-05 10:00 ada ends j exit_step: ulm",
    );
}

#[test]
fn rule_11_the_condition_is_asked_once_more_when_the_time_is_up() {
    // Nothing happens to ada; time alone has made it true.
    tells(
        &journey(
            "
  - wait_for:
      if: now - entry.at >= 2h
    within: 3h
    then:
      - exit: noticed
    else:
      - exit: time-is-up",
        ),
        "01-05 10:00 ada Begin {}
         01-05 14:00",
        "01-05 13:00 ada ends j exit_step: noticed",
    );
}

#[test]
fn a_wait_for_without_then_or_else_goes_on() {
    tells(
        &journey("  - wait_for: Reply\n    within: 1h\n  - send: after\n    channel: inbox"),
        "01-05 10:00 ada Begin {}
         01-05 10:30 ada Reply {}
         01-05 10:00 bob Begin {}
         01-05 12:00",
        "01-05 10:30 ada inbox after
         01-05 10:30 ada ends j completed
         01-05 11:00 bob inbox after
         01-05 11:00 bob ends j completed",
    );
}

#[test]
fn a_wait_that_follows_an_event_runs_from_when_that_happened() {
    tells(
        &journey("  - wait_for: Reply\n    within: 1d\n  - wait: 1h\n  - send: after\n    channel: inbox"),
        "01-05 10:00 ada Begin {}
         01-05 11:00 ada @10:40 Reply {}
         01-05 12:00",
        "01-05 11:40 ada inbox after
         01-05 11:40 ada ends j completed",
    );
}

#[test]
fn a_wait_that_is_over_before_its_event_came_through_the_door_is_over_at_once() {
    tells(
        &journey("  - wait: 1h\n  - send: after\n    channel: inbox"),
        "01-05 13:00 ada @10:00 Begin {}",
        "01-05 13:00 ada inbox after
         01-05 13:00 ada ends j completed",
    );
}

#[test]
fn the_first_arm_that_holds_is_taken_else_the_last_else() {
    let steps = "
  - branch:
      - if: entry.n == 1
        then:
          - exit: one
      - if: entry.n <= 2
        then:
          - if: entry.n == 2
            then:
              - exit: two
            else:
              - exit: less
      - if: entry.n == 3
        then:
          - set:
              x: '3'
      - else:
          - exit: more
  - exit: after";
    let story: String = (0..5).map(|n| format!("01-05 1{n}:00 ada Begin {{\"n\": {n}}}\n")).collect();
    tells(
        &journey(steps),
        &story,
        "01-05 10:00 ada ends j exit_step: less
         01-05 11:00 ada ends j exit_step: one
         01-05 12:00 ada ends j exit_step: two
         01-05 13:00 ada ends j exit_step: after
         01-05 14:00 ada ends j exit_step: more",
    );
}
