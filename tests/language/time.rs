//! Rule 14: time.

use crate::stage::{Stage, check};

const BERLIN: &str = "time_zone: Europe/Berlin";

fn waits(steps: &str) -> String {
    format!(
        "\njourney: j\ntopic: news\nenter:\n  on: Begin\n  again: always\nsteps:\n{steps}\n  - send: note\n    channel: inbox\n"
    )
}

/// When somebody's note comes, by the steps before it; `before` and `after` are of the story.
#[track_caller]
fn comes(steps: &str, shop: &str, story: &str, at: &str) {
    let expected = format!("{at} ada inbox note\n{at} ada ends j completed");
    check(&Stage { journeys: &[&waits(steps)], shop, story, ..Stage::default() }, &expected);
}

#[test]
fn rule_14_hours_are_exact_and_days_keep_the_clock() {
    // On 29 March 2026 Berlin's clocks go from 02:00 to 03:00: the day has 23 hours.
    let story = "03-28 11:00 ada Begin {}\n04-30 10:00";
    comes("  - wait: 24h", BERLIN, story, "03-29 11:00");
    comes("  - wait: 1d", BERLIN, story, "03-29 10:00");
    comes("  - wait: 1w", BERLIN, story, "04-04 10:00");
    // On 25 October from 03:00 to 02:00: it has 25.
    let story = "10-24 10:00 ada Begin {}\n11-30 10:00";
    comes("  - wait: 24h", BERLIN, story, "10-25 10:00");
    comes("  - wait: 1d", BERLIN, story, "10-25 11:00");
}

#[test]
fn rule_14_a_gap_goes_forward_and_of_a_fold_the_first_is_taken() {
    // 02:30 on 28 March is 01:30 UTC; on the 29th it does not exist and is 03:30, 01:30 UTC again.
    comes("  - wait: 1d", BERLIN, "03-28 01:30 ada Begin {}\n04-30 10:00", "03-29 01:30");
    // 02:30 on 25 October is there twice, 00:30 and 01:30 UTC.
    comes("  - wait: 1d", BERLIN, "10-24 00:30 ada Begin {}\n11-30 10:00", "10-25 00:30");
}

#[test]
fn rule_14_the_leap_day_is_a_day() {
    comes("  - wait: 1d", "", "2028-02-28 10:00 ada Begin {}\n2028-03-30 10:00", "2028-02-29 10:00");
    comes("  - wait: 2d", "", "2028-02-28 10:00 ada Begin {}\n2028-03-30 10:00", "2028-03-01 10:00");
    comes("  - wait: 366d", "", "2028-02-29 10:00 ada Begin {}\n2029-03-30 10:00", "2029-03-01 10:00");
}

#[test]
fn rule_14_a_persons_own_zone_counts_and_the_shops_where_it_is_unknown() {
    let steps = "  - wait_until: 09:00";
    comes(steps, "", "01-05 10:00 ada Begin {}\n01-09 10:00", "01-06 09:00");
    comes(steps, BERLIN, "01-05 10:00 ada Begin {}\n01-09 10:00", "01-06 08:00");
    let tokyo =
        "01-05 09:00 ada identify {\"timezone\": \"Asia/Tokyo\"}\n01-05 10:00 ada Begin {}\n01-09 10:00";
    comes(steps, BERLIN, tokyo, "01-06 00:00");
    // A zone that the moment names is the moment's.
    comes("  - wait_until: 09:00 America/New_York", BERLIN, tokyo, "01-05 14:00");
}

#[test]
fn rule_14_moments_of_the_calendar() {
    // 5 January 2026 is a Monday.
    let story = "01-05 10:00 ada Begin {}\n12-30 10:00";
    for (when, at) in [
        ("11:00", "01-05 11:00"),
        ("day 10:00", "01-05 10:00"),
        ("day 09:59", "01-06 09:59"),
        ("weekdays 09:00", "01-06 09:00"),
        ("weekends 09:00", "01-10 09:00"),
        ("monday 09:00", "01-12 09:00"),
        ("monday, thursday 09:00", "01-08 09:00"),
        ("month 31 09:00", "01-31 09:00"),
        ("month 4 09:00", "02-04 09:00"),
        ("2026-03-01 09:00", "03-01 09:00"),
        ("2026-01-01 09:00", "01-05 10:00"),
    ] {
        comes(&format!("  - wait_until: {when}"), "", story, at);
    }
}

#[test]
fn who_comes_late_to_a_moment_waits_for_the_next() {
    // Begun yesterday at 20:00 as the client says, heard of at 15:00: nine o'clock is over.
    let story = "01-05 15:00 ada @2026-01-04T20:00:00Z Begin {}\n01-09 10:00";
    comes("  - wait_until: 09:00", "", story, "01-06 09:00");
}

#[test]
fn rule_14_who_moves_is_waited_for_on_the_new_clock() {
    // Days: from Berlin to Tokyo; the clock time of the beginning, 18:00 there, over the change of clocks in Berlin.
    let move_to = |zone: &str| {
        format!(
            "03-28 10:00 ada Begin {{}}\n03-28 12:00 ada identify {{\"timezone\": \"{zone}\"}}\n04-30 10:00"
        )
    };
    comes("  - wait: 1d", BERLIN, &move_to("Europe/Berlin"), "03-29 09:00");
    comes("  - wait: 1d", BERLIN, &move_to("Asia/Tokyo"), "03-29 10:00");
    // Moments: nine o'clock where she is now.
    comes("  - wait_until: 09:00", BERLIN, &move_to("Asia/Tokyo"), "03-29 00:00");
    comes("  - wait_until: 09:00", BERLIN, &move_to("America/New_York"), "03-28 13:00");
    // Hours are hours.
    comes("  - wait: 24h", BERLIN, &move_to("Asia/Tokyo"), "03-29 10:00");
}

#[test]
fn rule_14_who_moves_out_of_quiet_hours_gets_the_message() {
    let shop = "time_zone: Europe/Berlin\nquiet_hours: { inbox: 20:00-09:00 }";
    let story = r#"
        01-05 20:00 ada Begin {}
        01-05 21:00 ada identify {"timezone": "America/New_York"}
        01-09 10:00"#;
    comes("", shop, story, "01-05 21:00");
}

#[test]
fn rule_14_a_silence_of_days_moves_too() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          idle: 1d
          again: always
        steps:
          - send: note
            channel: inbox
        ";
    let story = r#"
        03-28 10:00 ada Begin {}
        03-28 12:00 ada identify {"timezone": "Asia/Tokyo"}
        04-30 10:00"#;
    check(
        &Stage { journeys: &[journey], shop: BERLIN, story, ..Stage::default() },
        "03-29 10:00 ada inbox note
         03-29 10:00 ada ends j completed",
    );
}

#[test]
fn rule_14_a_zone_that_does_not_exist_changes_nothing() {
    let story = r#"
        01-05 09:00 ada identify {"timezone": "Asia/Tokyo"}
        01-05 10:00 ada Begin {}
        01-05 11:00 ada identify {"timezone": "Mars/Olympus"}
        01-05 11:00 ada identify {"timezone": 7}
        01-09 10:00"#;
    check(
        &Stage { journeys: &[&waits("  - wait_until: 09:00")], story, ..Stage::default() },
        "01-05 11:00 ada refused  bad_zone
         01-06 00:00 ada inbox note
         01-06 00:00 ada ends j completed",
    );
}

#[test]
fn rule_14_an_older_word_about_the_zone_changes_nothing() {
    let story = r#"
        01-05 09:00 ada identify {"timezone": "Asia/Tokyo"}
        01-05 10:00 ada Begin {}
        01-05 11:00 ada @08:00 identify {"timezone": "America/New_York"}
        01-09 10:00"#;
    comes("  - wait_until: 09:00", "", story, "01-06 00:00");
}

#[test]
fn rule_14_again_and_caps_count_days_by_the_clock() {
    let journey = "
        journey: j
        topic: news
        cap: 1 per 1d
        enter:
          on: Begin
          again: every 1d
        steps:
          - send: note
            channel: inbox
        ";
    let story = "
        03-28 11:00 ada Begin {}
        03-29 09:59 ada Begin {}
        03-29 10:00 ada Begin {}";
    check(
        &Stage { journeys: &[journey], shop: BERLIN, story, ..Stage::default() },
        "03-28 11:00 ada inbox note
         03-28 11:00 ada ends j completed
         03-29 09:59 ada refused j again
         03-29 10:00 ada inbox note
         03-29 10:00 ada ends j completed",
    );
}

#[test]
fn a_computed_moment_is_waited_for_and_one_that_is_over_is_not() {
    let story = "01-05 10:00 ada Begin {}\n04-30 10:00";
    comes("  - wait_until: = entry.at + 3d", BERLIN, story, "01-08 10:00");
    comes("  - wait_until: = entry.at + 90d", BERLIN, story, "04-05 09:00");
    comes("  - wait_until: = entry.at - 3d", BERLIN, story, "01-05 10:00");
    comes("  - set:\n      due: = now + 36h\n  - wait_until: = run.due - 12h", BERLIN, story, "01-06 10:00");
    // What nobody has described is read as a moment.
    let story = "01-05 10:00 ada Begin {\"due\": \"2026-01-07T12:30:00+01:00\"}\n04-30 10:00";
    comes("  - wait_until: = entry.due", BERLIN, story, "01-07 11:30");
}

#[test]
fn a_moment_that_is_missing_is_not_waited_for_and_it_is_told() {
    for properties in ["{}", r#"{"due": "soon"}"#] {
        check(
            &Stage {
                journeys: &[&waits("  - wait_until: = entry.due")],
                story: &format!("01-05 10:00 ada Begin {properties}\n04-30 10:00"),
                ..Stage::default()
            },
            "01-05 10:00 ada inbox note
             01-05 10:00 ada refused j/wait_until_1 no_moment
             01-05 10:00 ada ends j completed",
        );
    }
}
