//! `between`, `days`, `priority` and `holdout` of one send.

use crate::stage::{Stage, check, somebody, tells};

fn note(words: &str) -> String {
    format!(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - send: note
            channel: inbox
            {words}
            else:
              - exit: not-sent
        "
    )
}

#[test]
fn between_is_on_the_persons_clock() {
    tells(
        &note("between: 10:00-19:00"),
        r#"01-05 08:00 eve identify {"timezone": "Asia/Tokyo"}
           01-05 09:00 ada Begin {}
           01-05 10:00 bob Begin {}
           01-05 18:59 cem Begin {}
           01-05 19:00 dan Begin {}
           01-05 12:00 eve Begin {}
           01-07 10:00"#,
        "01-05 10:00 ada inbox note
         01-05 10:00 bob inbox note
         01-05 10:00 ada ends j completed
         01-05 10:00 bob ends j completed
         01-05 18:59 cem inbox note
         01-05 18:59 cem ends j completed
         01-06 01:00 eve inbox note
         01-06 01:00 eve ends j completed
         01-06 10:00 dan inbox note
         01-06 10:00 dan ends j completed",
    );
}

#[test]
fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
    // 9 January 2026 is a Friday.
    tells(
        &note("between: 20:00-02:00\n            days: friday\n            within: 2w"),
        "01-09 19:00 ada Begin {}
         01-10 01:59 bob Begin {}
         01-10 02:00 cem Begin {}
         01-11 01:00 dan Begin {}
         01-30 10:00",
        "01-09 20:00 ada inbox note
         01-09 20:00 ada ends j completed
         01-10 01:59 bob inbox note
         01-10 01:59 bob ends j completed
         01-16 20:00 cem inbox note
         01-16 20:00 dan inbox note
         01-16 20:00 cem ends j completed
         01-16 20:00 dan ends j completed",
    );
}

#[test]
fn days_alone_are_whole_days() {
    tells(
        &note("days: weekdays\n            within: 3d"),
        "01-09 23:59 ada Begin {}
         01-10 10:00 bob Begin {}
         01-30 10:00",
        "01-09 23:59 ada inbox note
         01-09 23:59 ada ends j completed
         01-12 00:00 bob inbox note
         01-12 00:00 bob ends j completed",
    );
}

#[test]
fn hours_that_do_not_come_within_end_in_the_else() {
    tells(
        &note("between: 10:00-19:00\n            within: 2h"),
        "01-05 05:00 ada Begin {}
         01-05 08:00 bob Begin {}
         01-07 10:00",
        // At the very end of its time bob's is asked once more.
        "01-05 07:00 ada refused j/note window
         01-05 07:00 ada ends j exit_step: not-sent
         01-05 10:00 bob inbox note
         01-05 10:00 bob ends j completed",
    );
}

#[test]
fn beside_quiet_hours_both_are_waited_for() {
    let stage = Stage {
        journeys: &[&note("between: 07:00-19:00")],
        shop: "quiet_hours: { inbox: 20:00-09:00 }",
        story: "01-05 22:00 ada Begin {}\n01-07 10:00",
        ..Stage::default()
    };
    check(&stage, "01-06 09:00 ada inbox note\n01-06 09:00 ada ends j completed");
}

#[test]
fn who_moves_is_asked_again_at_once() {
    // At 12:00 UTC it is 21:00 in Tokyo, and 07:00 in New York.
    tells(
        &note("between: 06:00-08:00"),
        r#"01-05 09:00 ada identify {"timezone": "Asia/Tokyo"}
           01-05 10:00 ada Begin {}
           01-05 12:00 ada identify {"timezone": "America/New_York"}
           01-07 10:00"#,
        "01-05 12:00 ada inbox note
         01-05 12:00 ada ends j completed",
    );
}

#[test]
fn the_sends_own_priority_wins_the_cap() {
    let of = |name: &str, more: &str| {
        format!(
            "
            journey: {name}
            topic: news
            enter: {{ on: Begin, again: always }}
            steps:
              - send: {name}
                channel: inbox
                {more}
            "
        )
    };
    let (first, second) = (of("first", "note: as it is"), of("second", "priority: 90"));
    let stage = Stage {
        journeys: &[&first, &second],
        shop: "quiet_hours: { inbox: 20:00-09:00 }\ncaps: { inbox: 1 per 7d }",
        story: "01-05 22:00 ada Begin {}\n01-07 23:00",
        ..Stage::default()
    };
    // Both wait for nine o'clock; of two alike the first in the alphabet would go.
    check(
        &stage,
        "01-06 09:00 ada inbox second
         01-06 09:00 ada ends second completed
         01-06 22:00 ada refused first/first cap
         01-06 22:00 ada ends first completed",
    );
}

#[test]
fn a_sends_holdout_is_of_that_send_alone_and_sticks() {
    let journey = "
        journey: j
        topic: news
        enter: { on: Begin, again: always }
        steps:
          - id: one
            send: one
            channel: inbox
            holdout: 50%
          - send: two
            channel: inbox
          - exit: withheld
            if: one.reason == 'withheld'
        ";
    let held = somebody(&["j", "holdout", "one"], 0.5, true);
    let other = somebody(&["j", "holdout", "one"], 0.5, false);
    let story = |name: &str| format!("01-05 10:00 {name} Begin {{}}\n01-06 10:00 {name} Begin {{}}");
    tells(
        journey,
        &story(&held),
        &format!(
            "01-05 10:00 {held} inbox one (withheld)
             01-05 10:00 {held} inbox two
             01-05 10:00 {held} ends j exit_step: withheld
             01-06 10:00 {held} inbox one (withheld)
             01-06 10:00 {held} inbox two
             01-06 10:00 {held} ends j exit_step: withheld"
        ),
    );
    tells(
        journey,
        &story(&other),
        &format!(
            "01-05 10:00 {other} inbox one
             01-05 10:00 {other} inbox two
             01-05 10:00 {other} ends j completed
             01-06 10:00 {other} inbox one
             01-06 10:00 {other} inbox two
             01-06 10:00 {other} ends j completed"
        ),
    );
}
