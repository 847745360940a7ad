//! `best_of` and `at: best` before anything was learned: the simple rule, drawn and logged like any choice.

use crate::stage::{Stage, check, play};

fn nudge(send: &str) -> String {
    format!(
        "\njourney: j\ntopic: news\nenter:\n  on: Seen\n  again: always\nsteps:\n  - send: note\n{send}\n  - wait: 2d\n"
    )
}

/// Only channels that reach them are drawn: nobody has an address here, but for Ben.
#[test]
fn best_of_draws_among_what_reaches_them() {
    let journey = nudge("    best_of: [email, in_app]");
    let story = "01-05 10:00 ada Seen {}
                 01-05 10:00 ben identify {\"email\": \"ben@shop.example\"}
                 01-05 11:00";
    check(
        &Stage { journeys: &[&journey], story, ..Stage::default() },
        "01-05 10:00 ada in_app note
         01-05 10:00 ada note takes in_app",
    );
    let only = nudge("    best_of: [email, sms]");
    check(
        &Stage { journeys: &[&only], story, ..Stage::default() },
        "01-05 10:00 ada refused j/note unreachable",
    );
}

#[test]
fn best_of_waits_as_an_order_does_and_draws_when_it_goes() {
    let journey = nudge("    best_of: [in_app, webhook]\n    within: 4h");
    let shop = "quiet_hours: { in_app: 09:00-12:00, webhook: 08:00-11:00 }";
    check(
        &Stage {
            journeys: &[&journey],
            shop,
            story: "01-05 10:00 ada Seen {}\n01-05 13:00",
            ..Stage::default()
        },
        "01-05 11:00 ada webhook note
         01-05 11:00 ada note takes webhook",
    );
}

#[test]
fn without_a_model_the_best_hour_is_the_first_that_is_free() {
    let journey = nudge("    channel: inbox\n    at: best\n    within: 6h");
    check(
        &Stage { journeys: &[&journey], story: "01-05 10:20 ada Seen {}\n01-05 17:00", ..Stage::default() },
        "01-05 10:20 ada inbox note
         01-05 10:20 ada note takes mon-10",
    );
    // Quiet until noon: the hour after that, somewhere in it.
    let quiet = nudge("    channel: in_app\n    at: best\n    within: 6h");
    let told = play(&Stage {
        journeys: &[&quiet],
        shop: "quiet_hours: { in_app: 09:00-12:00 }",
        story: "01-05 10:20 ada Seen {}\n01-05 17:00",
        ..Stage::default()
    });
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "01-05 10:20 ada note takes mon-12");
    assert!(
        lines.len() == 2 && lines[1].starts_with("01-05 12:") && lines[1].ends_with(" ada in_app note"),
        "{told}"
    );
}

#[test]
fn who_is_held_out_draws_as_well_and_gets_nothing() {
    let journey = "\njourney: j\ntopic: news\nholdout: 100%\nenter:\n  on: Seen\n  again: always\nsteps:\n  - send: note\n    best_of: [inbox, in_app]\n";
    let told = play(&Stage { journeys: &[journey], story: "01-05 10:00 ada Seen {}", ..Stage::default() });
    assert!(told.contains("(withheld)") && told.contains("ada note takes"), "{told}");
}

/// What happens while a message waits for its hour: another zone, a goal, a withdrawn consent.
#[test]
fn a_message_that_waits_for_its_hour_is_like_any_that_waits() {
    let journey = "\njourney: j\ntopic: news\nenter:\n  on: Seen\n  again: always\nexit:\n  - on: Bought\nsteps:\n  - send: note\n    channel: in_app\n    at: best\n    within: 6h\n    else:\n      - send: other\n        channel: inbox\n";
    let play = |story: &str| {
        play(&Stage {
            journeys: &[journey],
            shop: "quiet_hours: { in_app: 09:00-12:00 }",
            story,
            ..Stage::default()
        })
    };
    let bought = play("01-05 10:20 ada Seen {}\n01-05 11:00 ada Bought {}\n01-05 17:00");
    assert!(!bought.contains("in_app note") && bought.contains("01-05 11:00 ada ends j exit"), "{bought}");
    let withdrawn = play("01-05 10:20 ada Seen {}\n01-05 11:00 ada Unsubscribed {}\n01-05 17:00");
    assert!(withdrawn.contains("ada refused j/note no_consent"), "{withdrawn}");
    // In Tokyo it is evening: the hour was chosen, and stays.
    let moved =
        play("01-05 10:20 ada Seen {}\n01-05 11:00 ada identify {\"timezone\": \"Asia/Tokyo\"}\n01-05 17:00");
    assert!(moved.contains("01-05 12:") && moved.contains("ada in_app note"), "{moved}");
}
