//! How runs begin: `on if to except per if_running again`.

use crate::stage::{Stage, check, tells};

fn journey(enter: &str) -> String {
    format!("\njourney: j\ntopic: news\nenter:\n  on: [Begin, Start]\n{enter}\nsteps:\n  - wait: 1d\n")
}

#[test]
fn any_of_the_events_begins_a_run_where_the_condition_holds() {
    tells(
        &journey("  if: event.x == 1\n  again: always"),
        r#"01-05 10:00 ada Begin {"x": 1}
           01-05 10:00 bob Start {"x": 1}
           01-05 10:00 cem Start {"x": 2}
           01-07 10:00"#,
        "01-06 10:00 ada ends j completed
         01-06 10:00 bob ends j completed",
    );
}

#[test]
fn who_is_in_any_of_to_and_in_none_of_except_enters() {
    let stage = Stage {
        journeys: &[&journey("  to: [a, b]\n  except: [c, d]\n  again: always")],
        segments: &[
            "segment: a\nif: profile.a == true",
            "segment: b\nif: profile.b == true",
            "segment: c\nif: profile.c == true",
            "segment: d\nif: profile.d == true",
        ],
        story: r#"
            01-05 09:00 ada identify {"a": true}
            01-05 09:00 bob identify {"b": true}
            01-05 09:00 dan identify {"a": true, "b": true, "d": true}
            01-05 10:00 ada Begin {}
            01-05 10:00 bob Begin {}
            01-05 10:00 cem Begin {}
            01-05 10:00 dan Begin {}
            01-07 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 cem refused j not_in_audience
         01-05 10:00 dan refused j excepted
         01-06 10:00 ada ends j completed
         01-06 10:00 bob ends j completed",
    );
}

#[test]
fn again_never_is_once_in_a_life_and_key() {
    tells(
        &journey("  again: never"),
        "01-05 10:00 ada Begin {}
         01-05 11:00 ada Begin {}
         12-05 10:00 ada Begin {}",
        "01-05 11:00 ada refused j again
         01-06 10:00 ada ends j completed
         12-05 10:00 ada refused j again",
    );
    tells(
        &journey("  per: n\n  again: never"),
        r#"01-05 10:00 ada Begin {"n": 1}
           01-07 10:00 ada Begin {"n": 2}
           01-09 10:00 ada Begin {"n": 1}"#,
        "01-06 10:00 ada ends j[1] completed
         01-08 10:00 ada ends j[2] completed
         01-09 10:00 ada refused j again",
    );
}

#[test]
fn again_always_is_whenever_none_runs() {
    tells(
        &journey("  again: always"),
        "01-05 10:00 ada Begin {}
         01-05 11:00 ada Begin {}
         01-06 10:00 ada Begin {}
         01-08 10:00",
        "01-05 11:00 ada refused j joined
         01-06 10:00 ada ends j completed
         01-07 10:00 ada ends j completed",
    );
}

#[test]
fn again_every_counts_from_the_last_entry() {
    tells(
        &journey("  again: every 3d"),
        "01-05 10:00 ada Begin {}
         01-08 09:59 ada Begin {}
         01-08 10:00 ada Begin {}
         01-10 10:00 ada Begin {}
         01-12 10:00",
        "01-06 10:00 ada ends j completed
         01-08 09:59 ada refused j again
         01-09 10:00 ada ends j completed
         01-10 10:00 ada refused j again",
    );
}

#[test]
fn with_per_again_is_always_unless_said() {
    tells(
        &journey("  per: n"),
        r#"01-05 10:00 ada Begin {"n": 1}
           01-07 10:00 ada Begin {"n": 1}
           01-09 10:00"#,
        "01-06 10:00 ada ends j[1] completed
         01-08 10:00 ada ends j[1] completed",
    );
}

#[test]
fn if_running_join_goes_on() {
    tells(
        &journey("  again: always\n  if_running: join"),
        "01-05 10:00 ada Begin {}
         01-05 20:00 ada Begin {}
         01-07 10:00",
        "01-05 20:00 ada refused j joined
         01-06 10:00 ada ends j completed",
    );
}

#[test]
fn if_running_ignore_refuses() {
    tells(
        &journey("  again: always\n  if_running: ignore"),
        "01-05 10:00 ada Begin {}
         01-05 20:00 ada Begin {}
         01-07 10:00",
        "01-05 20:00 ada refused j already_running
         01-06 10:00 ada ends j completed",
    );
}

#[test]
fn if_running_restart_begins_anew_with_the_new_event() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          per: n
          if_running: restart
        steps:
          - wait: 1d
          - send: second
            channel: inbox
            if: entry.x == 2
        ",
        r#"01-05 10:00 ada Begin {"n": 1, "x": 1}
           01-05 20:00 ada Begin {"n": 1, "x": 2}
           01-05 20:00 ada Begin {"n": 2, "x": 1}
           01-07 10:00"#,
        "01-05 20:00 ada ends j[1] restarted
         01-06 20:00 ada inbox second
         01-06 20:00 ada refused j/second guard
         01-06 20:00 ada ends j[1] completed
         01-06 20:00 ada ends j[2] completed",
    );
}

#[test]
fn drafts_and_archived_journeys_start_nothing() {
    for status in ["draft", "archived"] {
        let journey =
            journey("  again: always").replace("topic: news", &format!("topic: news\nstatus: {status}"));
        tells(&journey, "01-05 10:00 ada Begin {}\n01-07 10:00", "");
    }
}
