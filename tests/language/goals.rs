//! The goal: `on if within since value exit`.

use crate::stage::{Stage, check, tells};

fn journey(goal: &str, steps: &str) -> String {
    format!(
        "\njourney: j\ntopic: news\nenter:\n  on: Begin\n  again: always\ngoal:\n  on: Bought\n{goal}\nsteps:\n{steps}\n"
    )
}

#[test]
fn a_goal_ends_the_run_with_its_worth() {
    tells(
        &journey("  value: event.revenue - event.discount", "  - wait: 1d"),
        r#"01-05 10:00 ada Begin {}
           01-05 11:00 ada Bought {"revenue": 10, "discount": 2.5}
           01-05 10:00 bob Begin {}
           01-05 11:00 bob Bought {"revenue": 10}
           01-05 10:00 cem Begin {}
           01-07 10:00"#,
        "01-05 11:00 ada ends j goal (goal, worth 7.5)
         01-05 11:00 bob ends j goal (goal)
         01-06 10:00 cem ends j completed",
    );
}

#[test]
fn a_goal_may_ask_a_condition() {
    tells(
        &journey("  if: event.sku == entry.sku", "  - wait: 1d"),
        r#"01-05 10:00 ada Begin {"sku": "p"}
           01-05 11:00 ada Bought {"sku": "q"}
           01-05 12:00 ada Bought {"sku": "p"}"#,
        "01-05 12:00 ada ends j goal (goal)",
    );
}

#[test]
fn a_goal_counts_within_its_time_since_entry_and_is_watched_for_after_the_steps() {
    let journey = journey("  within: 3d", "  - send: note\n    channel: inbox");
    tells(
        &journey,
        r#"01-05 10:00 ada Begin {}
           01-07 11:00 ada Bought {}
           01-05 10:00 bob Begin {}
           01-08 10:01 bob Bought {}
           01-05 10:00 cem Begin {}
           01-08 10:00 cem Bought {}
           01-19 10:00"#,
        "01-05 10:00 ada inbox note
         01-05 10:00 bob inbox note
         01-05 10:00 cem inbox note
         01-05 10:00 ada ends j completed (goal)
         01-05 10:00 bob ends j completed
         01-05 10:00 cem ends j completed (goal)",
    );
}

#[test]
fn news_of_a_goal_may_come_late() {
    // As late as news may be that begin something: a day.
    tells(
        &journey("  within: 3d", "  - exit: done"),
        "01-05 10:00 ada Begin {}
         01-09 09:00 ada @2026-01-08T09:00:00Z Bought {}
         01-05 10:00 bob Begin {}
         01-09 11:00 bob @2026-01-08T09:00:00Z Bought {}
         01-05 10:00 cem Begin {}
         01-09 09:00 cem @2026-01-08T11:00:00Z Bought {}
         01-19 10:00",
        "01-05 10:00 ada ends j exit_step: done (goal)
         01-05 10:00 bob ends j exit_step: done
         01-05 10:00 cem ends j exit_step: done",
    );
}

#[test]
fn without_within_a_goal_counts_as_long_as_the_run_walks() {
    tells(
        &journey("", "  - wait: 1d"),
        r#"01-05 10:00 ada Begin {}
           01-06 09:00 ada Bought {}
           01-05 10:00 bob Begin {}
           01-06 11:00 bob Bought {}"#,
        "01-06 09:00 ada ends j goal (goal)
         01-06 10:00 bob ends j completed",
    );
}

#[test]
fn since_first_send_there_is_no_goal_before_it() {
    tells(
        &journey(
            "  within: 1d\n  since: first_send",
            "  - wait: 2d\n  - send: note\n    channel: inbox\n  - wait: 5d",
        ),
        r#"01-05 10:00 ada Begin {}
           01-06 10:00 ada Bought {}
           01-07 11:00 ada Bought {}
           01-05 10:00 bob Begin {}
           01-08 11:00 bob Bought {}
           01-15 10:00"#,
        "01-07 10:00 ada inbox note
         01-07 10:00 bob inbox note
         01-07 11:00 ada ends j goal (goal)
         01-12 10:00 bob ends j completed",
    );
}

#[test]
fn exit_no_goes_on_and_counts_once() {
    tells(
        &journey("  exit: no\n  value: event.revenue", "  - wait: 1d\n  - send: note\n    channel: inbox"),
        r#"01-05 10:00 ada Begin {}
           01-05 11:00 ada Bought {"revenue": 3}
           01-05 12:00 ada Bought {"revenue": 4}
           01-07 10:00"#,
        "01-06 10:00 ada inbox note
         01-06 10:00 ada ends j completed (goal, worth 3)",
    );
}

#[test]
fn a_run_that_left_is_watched_too_but_not_one_whose_place_was_taken() {
    // Who left by an exit may still buy because of what was said; who restarted is counted by the run that walks.
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
          if_running: restart
        goal:
          on: Bought
          within: 3d
        exit:
          - on: Stop
        steps:
          - wait: 2d
        ",
        "01-05 10:00 ada Begin {}
         01-05 11:00 ada Stop {}
         01-05 12:00 ada Bought {}
         01-05 10:00 bob Begin {}
         01-05 11:00 bob Begin {}
         01-05 12:00 bob Bought {}
         01-20 10:00",
        "01-05 11:00 ada ends j exit (goal)
         01-05 11:00 bob ends j restarted
         01-05 12:00 bob ends j goal (goal)",
    );
}

#[test]
fn the_worth_is_in_the_shops_currency() {
    let journey = journey("  value: event.revenue + 0 EUR", "  - wait: 1d");
    let stage = Stage {
        journeys: &[&journey],
        shop: "rates: { USD: 0.5 }",
        story: r#"
            01-05 10:00 ada Begin {}
            01-05 11:00 ada Bought {"revenue": 10, "currency": "USD"}
            01-05 10:00 bob Begin {}
            01-05 11:00 bob Bought {"revenue": 10, "currency": "JPY"}"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 11:00 ada ends j goal (goal, worth 5)
         01-05 11:00 bob ends j goal (goal)",
    );
}

#[test]
fn a_goal_that_happened_before_the_entry_is_none() {
    tells(
        &journey("", "  - wait: 1d"),
        "01-05 10:00 ada Begin {}
         01-05 11:00 ada @09:59 Bought {}
         01-07 10:00",
        "01-06 10:00 ada ends j completed",
    );
}
