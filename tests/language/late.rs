//! Rule 15: late and imported events.

use crate::stage::{Stage, check, tells};

const BEGIN: &str = "
journey: j
topic: news
enter:
  on: Begin
  again: always
steps:
  - exit: done
";

#[test]
fn rule_15_older_than_a_day_starts_nothing() {
    tells(
        BEGIN,
        "01-05 10:00 ada @2026-01-04T10:00:00Z Begin {}
         01-05 10:00 bob @2026-01-04T09:59:00Z Begin {}",
        "01-05 10:00 bob refused j late
         01-05 10:00 ada ends j exit_step: done",
    );
}

#[test]
fn rule_15_max_age_is_the_journeys() {
    let journey = BEGIN.replace("again: always", "again: always\n  max_age: 1h");
    tells(
        &journey,
        "01-05 10:00 ada @08:59 Begin {}
         01-05 10:00 bob @09:00 Begin {}",
        "01-05 10:00 ada refused j late
         01-05 10:00 bob ends j exit_step: done",
    );
}

#[test]
fn rule_15_what_is_imported_starts_nothing_however_new() {
    tells(BEGIN, "01-05 10:00 ada @09:59 old Begin {}", "01-05 10:00 ada refused j late");
}

#[test]
fn rule_15_what_does_not_match_is_not_even_late() {
    let journey = BEGIN.replace("again: always", "again: always\n  if: event.x == 1");
    tells(&journey, "01-05 10:00 ada @09:59 old Begin {}", "");
}

#[test]
fn rule_15_it_changes_profile_counters_and_segments() {
    let stage = Stage {
        journeys: &["
            journey: j
            topic: news
            enter:
              on: Begin
              if: in_segment('buyers') and profile.city == 'Ulm' and count('Order Completed', 30d) == 2
              again: always
            steps:
              - exit: done
            "],
        segments: &["segment: buyers\nif: count('Order Completed') >= 3"],
        story: r#"
            01-05 09:00 ada @2025-11-01T10:00:00Z old Order Completed {}
            01-05 09:00 ada @2025-12-20T10:00:00Z old Order Completed {}
            01-05 09:00 ada @2025-12-21T10:00:00Z Order Completed {}
            01-05 09:00 ada @2025-12-21T10:00:00Z old identify {"city": "Ulm"}
            01-05 10:00 ada Begin {}"#,
        ..Stage::default()
    };
    check(&stage, "01-05 10:00 ada ends j exit_step: done");
}

#[test]
fn rule_15_an_older_word_about_a_trait_changes_nothing() {
    let journey = BEGIN.replace("again: always", "again: always\n  if: profile.city == 'Ulm'");
    tells(
        &journey,
        r#"01-05 09:00 ada identify {"city": "Ulm"}
           01-05 09:30 ada @2025-12-21T10:00:00Z old identify {"city": "Bonn"}
           01-05 10:00 ada Begin {}"#,
        "01-05 10:00 ada ends j exit_step: done",
    );
}

#[test]
fn rule_15_it_satisfies_waits_goals_and_exits() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        goal:
          on: Bought
        exit:
          - on: Stop
        steps:
          - wait_for: Reply
            within: 9d
          - exit: replied
        ";
    tells(
        journey,
        "01-05 10:00 ada Begin {}
         01-05 10:00 bob Begin {}
         01-05 10:00 cem Begin {}
         01-09 10:00 ada @2026-01-06T10:00:00Z Reply {}
         01-09 10:00 bob @2026-01-06T10:00:00Z old Bought {}
         01-09 10:00 cem @2026-01-06T10:00:00Z old Stop {}",
        "01-09 10:00 ada ends j exit_step: replied
         01-09 10:00 bob ends j goal (goal)
         01-09 10:00 cem ends j exit",
    );
}

#[test]
fn rule_15_what_happened_before_the_run_satisfies_nothing() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        exit:
          - on: Stop
        steps:
          - wait_for: Reply
            within: 1d
          - exit: done
        ";
    tells(
        journey,
        "01-05 10:00 ada Begin {}
         01-05 11:00 ada @09:59 Reply {}
         01-05 11:00 ada @09:59 Stop {}
         01-07 10:00",
        "01-06 10:00 ada ends j exit_step: done",
    );
}

#[test]
fn rule_15_a_goal_counts_by_when_it_happened() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        goal:
          on: Bought
          within: 1d
        steps:
          - wait: 9d
        ";
    tells(
        journey,
        "01-05 10:00 ada Begin {}
         01-05 10:00 bob Begin {}
         01-08 10:00 ada @2026-01-06T09:00:00Z Bought {}
         01-08 10:00 bob @2026-01-06T11:00:00Z Bought {}
         01-20 10:00",
        "01-08 10:00 ada ends j goal (goal)
         01-14 10:00 bob ends j completed",
    );
}

#[test]
fn rule_15_with_idle_it_starts_nothing_and_calls_off() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Seen
          idle: 1h
          unless: Bought
          again: always
        steps:
          - exit: done
        ";
    tells(
        journey,
        "01-05 10:00 ada @09:59 old Seen {}
         01-05 10:00 bob Seen {}
         01-05 10:30 bob @10:10 old Bought {}
         01-05 14:00",
        "01-05 10:00 ada refused j late
         01-05 10:30 bob refused j cancelled",
    );
}
