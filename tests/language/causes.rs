//! `update`, `track`, `start`: what a step does beside speaking.

use crate::stage::{Stage, check, play, somebody, tells};

const WAITS: &str = "
journey: waits
topic: news
enter:
  on: Signed Up
  again: always
steps:
  - wait_for:
      if: profile.tier == 'gold' and in_segment('golden')
    within: 30d
  - send: gold
    channel: inbox
";

#[test]
fn an_update_is_seen_by_everybody_in_the_same_moment() {
    let updates = "
        journey: updates
        topic: news
        enter: { on: Begin, again: always }
        steps:
          - wait: 1h
          - update:
              tier: gold
              since: = entry.at
              seen: = profile.seen + 1
              gone: = profile.nothing
          - exit: right
            if: profile.seen == 3 and profile.since == entry.at
        ";
    let stage = Stage {
        journeys: &[WAITS, updates],
        segments: &["segment: golden\nif: profile.tier == 'gold'"],
        story: r#"01-05 09:00 ada identify {"seen": 2, "gone": "x"}
                  01-05 09:00 ada Signed Up {}
                  01-05 10:00 ada Begin {}
                  01-06 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 11:00 ada inbox gold
         01-05 11:00 ada ends updates exit_step: right
         01-05 11:00 ada ends waits completed",
    );
}

#[test]
fn the_zone_moves_with_an_update() {
    tells(
        "
        journey: j
        topic: news
        enter: { on: Begin, again: always }
        steps:
          - update: { timezone: Asia/Tokyo }
          - wait_until: 09:00
          - send: note
            channel: inbox
        ",
        "01-05 10:00 ada Begin {}\n01-07 10:00",
        "01-06 00:00 ada inbox note\n01-06 00:00 ada ends j completed",
    );
}

const TRACKS: &str = "
journey: tracks
topic: news
enter:
  on: Begin
  again: always
steps:
  - wait: 1h
  - track: Lapsed
    with:
      invoice: = entry.invoice
      reason: card
";

#[test]
fn a_tracked_event_counts_ends_and_starts() {
    let hears = "
        journey: hears
        topic: news
        enter:
          on: Lapsed
          if: event.reason == 'card' and count('Lapsed', 1d) == 1
          per: invoice
        steps:
          - send: lapsed
            channel: inbox
        ";
    let leaves = "
        journey: leaves
        topic: news
        enter: { on: Begin, again: always }
        exit:
          - on: Lapsed
            if: event.invoice == 7
        steps:
          - wait: 3d
        ";
    check(
        &Stage {
            journeys: &[TRACKS, hears, leaves],
            story: r#"01-05 10:00 ada Begin {"invoice": 7}
                      01-05 10:00 bob Begin {"invoice": 8}
                      01-10 10:00"#,
            ..Stage::default()
        },
        "01-05 11:00 ada inbox lapsed
         01-05 11:00 bob inbox lapsed
         01-05 11:00 ada ends hears[7] completed
         01-05 11:00 ada ends leaves exit
         01-05 11:00 ada ends tracks completed
         01-05 11:00 bob ends hears[8] completed
         01-05 11:00 bob ends tracks completed
         01-08 10:00 bob ends leaves completed",
    );
}

#[test]
fn each_passage_tracks_an_event_of_its_own() {
    let counts = "
        journey: counts
        topic: news
        enter:
          on: Turn
          if: event.n == count('Turn')
          again: always
        steps:
          - exit: counted
        ";
    let turns = "
        journey: turns
        topic: news
        enter: { on: Begin, again: always }
        steps:
          - repeat: 3
            then:
              - track: Turn
                with:
                  n: = turn
        ";
    check(
        &Stage { journeys: &[turns, counts], story: "01-05 10:00 ada Begin {}", ..Stage::default() },
        "01-05 10:00 ada ends counts exit_step: counted
         01-05 10:00 ada ends counts exit_step: counted
         01-05 10:00 ada ends counts exit_step: counted
         01-05 10:00 ada ends turns completed",
    );
}

#[test]
fn a_circle_of_events_comes_to_an_end() {
    let circle = "
        journey: circle
        topic: news
        enter: { on: Ping, again: always }
        steps:
          - track: Ping
        ";
    let story = "01-05 10:00 ada Ping {}";
    let told = play(&Stage { journeys: &[circle], story, ..Stage::default() });
    assert_eq!(told.matches("ends circle completed").count(), 33, "{told}");
    assert_eq!(told.matches("refused Ping too_deep").count(), 1, "{told}");
    // Of two each that cause two each there would be more than anybody can count.
    let twice = circle.replace("- track: Ping", "- track: Ping\n          - track: Ping");
    let told = play(&Stage { journeys: &[&twice], story, ..Stage::default() });
    assert_eq!(told.matches("ends circle completed").count(), 200, "{told}");
    assert_eq!(told.matches("refused Ping too_deep").count(), 201, "{told}");
}

const STARTED: &str = "
journey: started
topic: news
enter:
  api: yes
  if: event.amount > 5
  per: invoice
steps:
  - send: started
    channel: inbox
    if: entry.invoice == 7
";

#[test]
fn a_step_starts_a_journey_and_its_entry_is_what_with_gave() {
    let starts = "
        journey: starts
        topic: news
        enter: { on: Begin, again: always }
        steps:
          - start: started
            with:
              invoice: = entry.invoice
              amount: = entry.amount
        ";
    check(
        &Stage {
            journeys: &[starts, STARTED],
            story: r#"01-05 10:00 ada Begin {"invoice": 7, "amount": 6}
                      01-05 10:00 bob Begin {"invoice": 7, "amount": 5}
                      01-05 10:00 cem Begin {"amount": 6}"#,
            ..Stage::default()
        },
        "01-05 10:00 ada inbox started
         01-05 10:00 cem refused started no_key
         01-05 10:00 ada ends started[7] completed
         01-05 10:00 ada ends starts completed
         01-05 10:00 bob ends starts completed
         01-05 10:00 cem ends starts completed",
    );
}

#[test]
fn a_program_starts_it_by_an_event_through_the_door() {
    let wish =
        |journey: &str| format!(r#"{{"journey": "{journey}", "with": {{"invoice": 7, "amount": 6}}}}"#);
    let story = format!(
        "01-05 10:00 ada Journey Requested {0}
         01-05 10:00 bob old Journey Requested {0}
         01-07 10:00 cem @2026-01-05T10:00:00Z Journey Requested {0}
         01-05 10:00 dan Journey Requested {1}
         01-05 10:00 eve Journey Requested {{}}",
        wish("started"),
        wish("nobodys"),
    );
    check(
        &Stage { journeys: &[STARTED], story: &story, ..Stage::default() },
        "01-05 10:00 ada inbox started
         01-05 10:00 bob refused started late
         01-05 10:00 dan refused nobodys no_journey
         01-05 10:00 eve refused Journey Requested no_journey
         01-05 10:00 ada ends started[7] completed
         01-07 10:00 cem refused started late",
    );
}

#[test]
fn a_journey_that_is_not_live_or_not_begun_so_is_not_started() {
    let wish =
        r#"01-05 10:00 ada Journey Requested {"journey": "started", "with": {"invoice": 7, "amount": 6}}"#;
    let archived = STARTED.replace("journey: started", "journey: started\nstatus: archived");
    for journey in [archived, STARTED.replace("api: yes", "on: Begin")] {
        tells(&journey, wish, "01-05 10:00 ada refused started no_journey");
    }
}

#[test]
fn rule_10_who_is_held_out_changes_nothing() {
    let journey = "
        journey: j
        topic: news
        holdout: 50%
        enter: { on: Begin, again: always }
        steps:
          - update: { tier: gold }
          - track: Lapsed
          - id: wish
            start: started
            with: { invoice: x }
          - update: { measured: x }
            in_holdout: yes
          - exit: untouched
            if: not has(profile.tier) and profile.measured == 'x' and count('Lapsed') == 0
        ";
    let held = somebody(&["j", "holdout"], 0.5, true);
    check(
        &Stage {
            journeys: &[journey, STARTED],
            story: &format!("01-05 10:00 {held} Begin {{}}"),
            ..Stage::default()
        },
        &format!(
            "01-05 10:00 {held} refused j/track_1 withheld
             01-05 10:00 {held} refused j/update_1 withheld
             01-05 10:00 {held} refused j/wish withheld
             01-05 10:00 {held} ends j exit_step: untouched"
        ),
    );
}
