//! `hold` of a journey, `hold_marketing` of the shop.

use crate::stage::{Stage, check, tells};

fn journey(hold: &str, steps: &str) -> String {
    format!(
        "\njourney: j\ntopic: news\nenter:\n  on: Begin\n  again: always\ngoal:\n  on: Bought\n  within: 9d\nexit:\n  - on: Stop\n{hold}steps:\n{steps}"
    )
}

const HOLD: &str = "hold:\n  while: profile.tickets > 0\n  within: 14d\n";
const NOTE: &str = "  - wait: 1d\n  - send: note\n    channel: inbox\n";

#[test]
fn a_held_run_goes_on_as_soon_as_nothing_holds_it() {
    tells(
        &journey(HOLD, NOTE),
        r#"01-05 10:00 ada Begin {}
           01-05 12:00 ada identify {"tickets": 2}
           01-07 12:00 ada identify {"tickets": 1}
           01-08 09:00 ada identify {"tickets": 0}
           01-05 10:00 bob Begin {}
           01-05 12:00 bob identify {"tickets": 1}
           01-06 09:00 bob identify {"tickets": 0}
           02-05 10:00"#,
        // Bob's ticket was closed before anything of his had to wait for it.
        "01-06 10:00 bob inbox note
         01-06 10:00 bob ends j completed
         01-08 09:00 ada inbox note
         01-08 09:00 ada ends j completed",
    );
}

#[test]
fn after_its_time_the_run_goes_on_or_ends() {
    let story = r#"01-05 09:00 ada identify {"tickets": 1}
                   01-05 10:00 ada Begin {}
                   02-05 10:00"#;
    // From the moment at which it is held, here before its first step.
    tells(
        &journey(HOLD, NOTE),
        story,
        "01-20 10:00 ada inbox note
         01-20 10:00 ada ends j completed",
    );
    tells(&journey(&format!("{HOLD}  else: exit\n"), NOTE), story, "01-19 10:00 ada ends j held");
}

#[test]
fn who_was_held_long_enough_is_held_again_once_it_was_over() {
    let steps = format!(
        "{NOTE}  - wait: 1d\n  - send: again\n    channel: inbox\n  - wait: 1d\n  - send: last\n    channel: inbox\n"
    );
    tells(
        &journey(&HOLD.replace("14d", "2d"), &steps),
        r#"01-05 10:00 ada Begin {}
           01-05 12:00 ada identify {"tickets": 1}
           01-09 09:00 ada identify {"tickets": 0}
           01-09 12:00 ada identify {"tickets": 1}
           02-05 10:00"#,
        // Held from the 6th to the 8th; on the 9th nothing asks before ten, when there is a ticket still.
        "01-08 10:00 ada inbox note
         01-09 10:00 ada inbox again
         01-12 10:00 ada inbox last
         01-12 10:00 ada ends j completed",
    );
}

#[test]
fn goals_and_exits_act_while_it_is_held() {
    tells(
        &journey(HOLD, NOTE),
        r#"01-05 09:00 ada identify {"tickets": 1}
           01-05 10:00 ada Begin {}
           01-06 10:00 ada Bought {}
           01-05 09:00 bob identify {"tickets": 1}
           01-05 10:00 bob Begin {}
           01-06 11:00 bob Stop {}
           02-05 10:00"#,
        "01-06 10:00 ada ends j goal (goal)
         01-06 11:00 bob ends j exit",
    );
}

#[test]
fn what_it_waited_for_counts_though_it_is_held() {
    let steps =
        "  - wait_for: Delivered\n    within: 3d\n    then:\n      - send: note\n        channel: inbox\n";
    tells(
        &journey(HOLD, steps),
        r#"01-05 10:00 ada Begin {}
           01-05 12:00 ada identify {"tickets": 1}
           01-06 10:00 ada Delivered {}
           01-09 09:00 ada identify {"tickets": 0}
           02-05 10:00"#,
        "01-09 09:00 ada inbox note
         01-09 09:00 ada ends j completed",
    );
}

#[test]
fn a_message_whose_moment_comes_is_held_too_and_has_its_time_again() {
    let steps = "  - send: note\n    channel: inbox\n    between: 09:00-10:00\n    within: 1d\n";
    tells(
        &journey(HOLD, steps),
        r#"01-05 22:00 ada Begin {}
           01-06 08:00 ada identify {"tickets": 1}
           01-08 12:00 ada identify {"tickets": 0}
           02-05 10:00"#,
        "01-09 09:00 ada inbox note
         01-09 09:00 ada ends j completed",
    );
}

#[test]
fn the_shops_hold_is_of_all_marketing_and_of_nothing_else() {
    let marketing = journey("", NOTE);
    let bill = "
        journey: bill
        kind: transactional
        enter: { on: Begin, again: always }
        steps:
          - send: bill
            channel: inbox
        ";
    let shop = "hold_marketing:\n  while: in_segment('unhappy')\n  within: 14d\n";
    let stage = Stage {
        journeys: &[&marketing, bill],
        segments: &["segment: unhappy\nif: profile.tickets > 0"],
        shop,
        story: r#"01-05 09:00 ada identify {"tickets": 1}
                  01-05 10:00 ada Begin {}
                  01-08 09:00 ada identify {"tickets": 0}
                  02-05 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox bill
         01-05 10:00 ada ends bill completed
         01-09 09:00 ada inbox note
         01-09 09:00 ada ends j completed",
    );
}

#[test]
fn both_holds_have_to_be_over() {
    let journey = journey(HOLD, NOTE);
    let stage = Stage {
        journeys: &[&journey],
        shop: "hold_marketing:\n  while: profile.angry == true\n  within: 3d\n",
        story: r#"01-05 10:00 ada Begin {}
                  01-05 12:00 ada identify {"tickets": 1, "angry": true}
                  01-07 09:00 ada identify {"tickets": 0}
                  02-05 10:00"#,
        ..Stage::default()
    };
    // The shop's word counts from the moment at which it holds the run.
    check(&stage, "01-10 09:00 ada inbox note\n01-10 09:00 ada ends j completed");
}
