//! `idle`: a start after silence.

use crate::stage::{Stage, check, tells};

fn journey(enter: &str) -> String {
    format!(
        "\njourney: j\ntopic: news\nenter:\n  on: Seen\n  if: event.x >= 1\n  idle: 1h\n  unless: Bought\n{enter}\nsteps:\n  - send: note\n    channel: inbox\n    if: entry.x == 2\n    else:\n      - exit: another\n"
    )
}

#[test]
fn a_run_begins_after_silence_with_the_last_match() {
    tells(
        &journey("  again: always"),
        r#"01-05 10:00 ada Seen {"x": 1}
           01-05 10:30 ada Seen {"x": 2}
           01-05 13:00"#,
        "01-05 11:30 ada inbox note
         01-05 11:30 ada ends j completed",
    );
}

#[test]
fn any_event_of_the_kind_breaks_the_silence_matching_or_not() {
    tells(
        &journey("  again: always"),
        r#"01-05 10:00 ada Seen {"x": 2}
           01-05 10:50 ada Seen {"x": 0}
           01-05 11:40 ada Seen {}
           01-05 12:00 ada Other {"x": 2}
           01-05 14:00"#,
        "01-05 12:40 ada inbox note
         01-05 12:40 ada ends j completed",
    );
}

#[test]
fn what_does_not_match_begins_nothing() {
    tells(&journey("  again: always"), "01-05 10:00 ada Seen {\"x\": 0}\n01-05 14:00", "");
}

#[test]
fn each_key_has_a_silence_of_its_own_and_what_lacks_it_breaks_all() {
    tells(
        &journey("  per: n"),
        r#"01-05 10:00 ada Seen {"x": 2, "n": 1}
           01-05 10:10 ada Seen {"x": 2, "n": 2}
           01-05 10:30 ada Seen {"x": 0, "n": 2}
           01-05 10:00 bob Seen {"x": 2, "n": 1}
           01-05 10:30 bob Seen {"x": 0}
           01-05 14:00"#,
        "01-05 11:00 ada inbox note
         01-05 11:00 ada ends j[1] completed
         01-05 11:30 ada inbox note
         01-05 11:30 bob inbox note
         01-05 11:30 ada ends j[2] completed
         01-05 11:30 bob ends j[1] completed",
    );
}

#[test]
fn unless_calls_it_off_for_its_key_or_for_all() {
    tells(
        &journey("  per: n"),
        r#"01-05 10:00 ada Seen {"x": 2, "n": 1}
           01-05 10:00 ada Seen {"x": 2, "n": 2}
           01-05 10:10 ada Bought {"n": 1}
           01-05 10:00 bob Seen {"x": 2, "n": 1}
           01-05 10:00 bob Seen {"x": 2, "n": 2}
           01-05 10:10 bob Bought {}
           01-05 14:00"#,
        "01-05 10:10 ada refused j cancelled
         01-05 10:10 bob refused j cancelled
         01-05 11:00 ada inbox note
         01-05 11:00 ada ends j[2] completed",
    );
}

#[test]
fn unless_may_come_through_the_door_first() {
    // Bought at 10:20; that it was seen at 10:10 is told later. What is seen after it counts.
    tells(
        &journey("  again: always"),
        r#"01-05 10:25 ada @10:20 Bought {}
           01-05 10:26 ada @10:10 Seen {"x": 2}
           01-05 10:25 bob @10:20 Bought {}
           01-05 10:26 bob @10:22 Seen {"x": 2}
           01-05 14:00"#,
        "01-05 10:26 ada refused j cancelled
         01-05 11:22 bob inbox note
         01-05 11:22 bob ends j completed",
    );
}

#[test]
fn unless_that_came_first_is_of_its_key_too() {
    tells(
        &journey("  per: n"),
        r#"01-05 10:25 ada @10:20 Bought {"n": 1}
           01-05 10:26 ada @10:10 Seen {"x": 2, "n": 2}
           01-05 10:26 ada @10:10 Seen {"x": 2, "n": 1}
           01-05 10:25 bob @10:20 Bought {}
           01-05 10:26 bob @10:10 Seen {"x": 2, "n": 1}
           01-05 14:00"#,
        "01-05 10:26 ada refused j cancelled
         01-05 10:26 bob refused j cancelled
         01-05 11:10 ada inbox note
         01-05 11:10 ada ends j[2] completed",
    );
}

#[test]
fn unless_from_before_the_match_calls_nothing_off() {
    tells(
        &journey("  again: always"),
        r#"01-05 10:00 ada Seen {"x": 2}
           01-05 10:30 ada @09:50 Bought {}
           01-05 14:00"#,
        "01-05 11:00 ada inbox note
         01-05 11:00 ada ends j completed",
    );
}

#[test]
fn after_the_silence_the_condition_is_asked_again() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Seen
          if: profile.city == 'Ulm'
          idle: 1h
          again: always
        steps:
          - send: note
            channel: inbox
        ";
    tells(
        journey,
        r#"01-05 09:00 ada identify {"city": "Ulm"}
           01-05 09:00 bob identify {"city": "Ulm"}
           01-05 10:00 ada Seen {}
           01-05 10:00 bob Seen {}
           01-05 10:30 bob identify {"city": "Bonn"}
           01-05 14:00"#,
        "01-05 11:00 ada inbox note
         01-05 11:00 bob refused j no_longer
         01-05 11:00 ada ends j completed",
    );
}

#[test]
fn after_the_silence_the_audience_is_asked_again() {
    let stage = Stage {
        journeys: &[&journey("  again: always\n  except: [staff]")],
        segments: &["segment: staff\nif: profile.staff == true"],
        story: r#"
            01-05 10:00 ada Seen {"x": 2}
            01-05 10:30 ada identify {"staff": true}
            01-05 14:00"#,
        ..Stage::default()
    };
    check(&stage, "01-05 11:00 ada refused j excepted");
}

#[test]
fn a_silence_may_be_longer_than_max_age() {
    let journey = journey("  again: always").replace("idle: 1h", "idle: 3d");
    tells(
        &journey,
        r#"01-05 10:00 ada Seen {"x": 2}
           01-10 14:00"#,
        "01-08 10:00 ada inbox note
         01-08 10:00 ada ends j completed",
    );
}

#[test]
fn an_event_that_comes_late_moves_the_silence_only_where_it_is_the_latest() {
    tells(
        &journey("  again: always"),
        r#"01-05 10:30 ada Seen {"x": 2}
           01-05 10:40 ada @10:00 Seen {"x": 1}
           01-05 10:30 bob Seen {"x": 2}
           01-05 10:50 bob @10:40 Seen {"x": 0}
           01-05 14:00"#,
        "01-05 11:30 ada inbox note
         01-05 11:30 ada ends j completed
         01-05 11:40 bob inbox note
         01-05 11:40 bob ends j completed",
    );
}

#[test]
fn a_run_that_runs_already_is_joined_at_the_end_of_the_silence() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Seen
          idle: 1h
          again: always
        steps:
          - wait: 5h
        ";
    tells(
        journey,
        "01-05 10:00 ada Seen {}
         01-05 12:00 ada Seen {}
         01-05 18:00",
        "01-05 13:00 ada refused j joined
         01-05 16:00 ada ends j completed",
    );
}

#[test]
fn a_start_belongs_to_the_newest_version() {
    let later = journey("  again: always").replace("send: note", "send: newer");
    let stage = Stage {
        journeys: &[&journey("  again: always")],
        second: &[&later],
        story: r#"
            01-05 10:00 ada Seen {"x": 2}
            01-05 10:30 deploy second
            01-05 14:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 11:00 ada inbox newer
         01-05 11:00 ada ends j completed",
    );
    let gone = Stage { second: &[], ..stage };
    check(&gone, "01-05 11:00 ada refused j no_longer");
}
