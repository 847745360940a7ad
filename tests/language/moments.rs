//! When a message may go: quiet hours, the minimum gap, blackouts.

use crate::stage::{Stage, check};

const NOTE: &str = "
journey: j
topic: news
enter:
  on: Begin
  per: n
steps:
  - send: note
    channel: inbox
    within: 1d
    else:
      - exit: not-sent
";

#[test]
fn quiet_hours_hold_a_message_back_until_they_end_on_the_persons_clock() {
    let stage = Stage {
        journeys: &[NOTE],
        shop: "time_zone: Europe/Berlin\nquiet_hours: { inbox: 20:00-09:00 }",
        // In January Berlin is an hour ahead of UTC, Tokyo nine, New York five behind.
        story: r#"
            01-05 08:00 bob identify {"timezone": "Asia/Tokyo"}
            01-05 08:00 cem identify {"timezone": "America/New_York"}
            01-05 07:59 ada Begin {"n": 1}
            01-05 08:00 ada Begin {"n": 2}
            01-05 18:59 ada Begin {"n": 3}
            01-05 19:00 ada Begin {"n": 4}
            01-05 19:00 bob Begin {"n": 1}
            01-05 19:00 cem Begin {"n": 1}
            01-07 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 08:00 ada inbox note
         01-05 08:00 ada inbox note
         01-05 08:00 ada ends j[1] completed
         01-05 08:00 ada ends j[2] completed
         01-05 18:59 ada inbox note
         01-05 18:59 ada ends j[3] completed
         01-05 19:00 cem inbox note
         01-05 19:00 cem ends j[1] completed
         01-06 00:00 bob inbox note
         01-06 00:00 bob ends j[1] completed
         01-06 08:00 ada inbox note
         01-06 08:00 ada ends j[4] completed",
    );
}

#[test]
fn quiet_hours_longer_than_a_messages_within_end_in_its_else() {
    let journey = NOTE.replace("within: 1d", "within: 2h");
    let stage = Stage {
        journeys: &[&journey],
        shop: "quiet_hours: { inbox: 20:00-09:00 }",
        story: r#"
            01-05 22:00 ada Begin {"n": 1}
            01-06 07:00 bob Begin {"n": 1}
            01-07 10:00"#,
        ..Stage::default()
    };
    // At the very end of its time it is asked once more: bob's quiet hours are just over.
    check(
        &stage,
        "01-06 00:00 ada refused j/note quiet_hours
         01-06 00:00 ada ends j[1] exit_step: not-sent
         01-06 09:00 bob inbox note
         01-06 09:00 bob ends j[1] completed",
    );
}

#[test]
fn the_minimum_gap_stands_between_two_marketing_messages() {
    let bill = "
        journey: bill
        kind: transactional
        enter: { on: Bill, again: always }
        steps:
          - send: bill
            channel: inbox
        ";
    let stage = Stage {
        journeys: &[NOTE, bill],
        shop: "minimum_gap: 4h",
        story: r#"
            01-05 09:00 ada Bill {}
            01-05 10:00 ada Begin {"n": 1}
            01-05 11:00 ada Begin {"n": 2}
            01-05 12:00 ada Begin {"n": 3}
            01-05 13:00 ada Bill {}
            01-07 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 09:00 ada inbox bill
         01-05 09:00 ada ends bill completed
         01-05 10:00 ada inbox note
         01-05 10:00 ada ends j[1] completed
         01-05 13:00 ada inbox bill
         01-05 13:00 ada ends bill completed
         01-05 14:00 ada inbox note
         01-05 14:00 ada ends j[2] completed
         01-05 18:00 ada inbox note
         01-05 18:00 ada ends j[3] completed",
    );
}

#[test]
fn a_blackout_waits_or_drops_and_its_last_minute_is_part_of_it() {
    let shop = |then: &str| {
        format!(
            "time_zone: Europe/Berlin\ncalendar:\n  fair: {{ from: 2026-01-05 10:00, to: 2026-01-05 17:59, blackout: marketing, then: {then} }}\n"
        )
    };
    let story = r#"
        01-05 08:59 ada Begin {"n": 1}
        01-05 09:00 ada Begin {"n": 2}
        01-05 16:59 ada Begin {"n": 3}
        01-05 17:00 ada Begin {"n": 4}
        01-07 10:00"#;
    check(
        &Stage { journeys: &[NOTE], shop: &shop("wait"), story, ..Stage::default() },
        "01-05 08:59 ada inbox note
         01-05 08:59 ada ends j[1] completed
         01-05 17:00 ada inbox note
         01-05 17:00 ada inbox note
         01-05 17:00 ada inbox note
         01-05 17:00 ada ends j[2] completed
         01-05 17:00 ada ends j[3] completed
         01-05 17:00 ada ends j[4] completed",
    );
    check(
        &Stage { journeys: &[NOTE], shop: &shop("drop"), story, ..Stage::default() },
        "01-05 08:59 ada inbox note
         01-05 08:59 ada ends j[1] completed
         01-05 09:00 ada refused j/note blackout
         01-05 09:00 ada ends j[2] exit_step: not-sent
         01-05 16:59 ada refused j/note blackout
         01-05 16:59 ada ends j[3] exit_step: not-sent
         01-05 17:00 ada inbox note
         01-05 17:00 ada ends j[4] completed",
    );
}

#[test]
fn a_blackout_may_be_of_some_countries() {
    let stage = Stage {
        journeys: &[NOTE],
        shop: "calendar:\n  christmas: { from: 2026-12-24 12:00, to: 2026-12-26 23:59, countries: [DE, AT], blackout: marketing, then: drop }",
        story: r#"
            12-24 09:00 ada identify {"country": "DE"}
            12-24 09:00 bob identify {"country": "FR"}
            12-24 13:00 ada Begin {"n": 1}
            12-24 13:00 bob Begin {"n": 1}
            12-24 13:00 cem Begin {"n": 1}"#,
        ..Stage::default()
    };
    check(
        &stage,
        "12-24 13:00 bob inbox note
         12-24 13:00 cem inbox note
         12-24 13:00 ada refused j/note blackout
         12-24 13:00 ada ends j[1] exit_step: not-sent
         12-24 13:00 bob ends j[1] completed
         12-24 13:00 cem ends j[1] completed",
    );
}

#[test]
fn a_calendar_entry_that_is_no_blackout_holds_nothing_back() {
    let stage = Stage {
        journeys: &[NOTE],
        shop: "calendar:\n  bfcm: { from: 2026-11-27 00:00, to: 2026-11-30 23:59 }",
        story: r#"11-28 10:00 ada Begin {"n": 1}"#,
        ..Stage::default()
    };
    check(
        &stage,
        "11-28 10:00 ada inbox note
         11-28 10:00 ada ends j[1] completed",
    );
}

#[test]
fn a_message_waits_for_its_moment_and_then_as_long_as_it_may() {
    let journey = NOTE.replace("within: 1d", "at: monday 09:00\n    within: 2h");
    let stage = Stage {
        journeys: &[&journey],
        shop: "quiet_hours: { inbox: 08:00-10:00 }",
        // The 5th of January 2026 is a Monday.
        story: r#"
            01-01 08:00 bob identify {"timezone": "Asia/Tokyo"}
            01-04 10:00 ada Begin {"n": 1}
            01-05 09:00 ada Begin {"n": 2}
            01-05 09:00 bob Begin {"n": 1}
            01-13 10:00"#,
        ..Stage::default()
    };
    // Quiet hours hold it back an hour longer; in Tokyo it is Monday evening by then.
    check(
        &stage,
        "01-05 10:00 ada inbox note
         01-05 10:00 ada inbox note
         01-05 10:00 ada ends j[1] completed
         01-05 10:00 ada ends j[2] completed
         01-12 01:00 bob inbox note
         01-12 01:00 bob ends j[1] completed",
    );
    let journey = NOTE.replace("within: 1d", "at: 2026-01-06 09:00 UTC\n    within: 1h");
    let stage = Stage {
        journeys: &[&journey],
        shop: "quiet_hours: { inbox: 08:00-12:00 }",
        story: r#"
            01-05 10:00 ada Begin {"n": 1}
            01-07 13:00 bob Begin {"n": 1}
            01-08 10:00"#,
        ..Stage::default()
    };
    // A date that is over is not waited for; but its time is over too.
    check(
        &stage,
        "01-06 10:00 ada refused j/note quiet_hours
         01-06 10:00 ada ends j[1] exit_step: not-sent
         01-07 13:00 bob inbox note
         01-07 13:00 bob ends j[1] completed",
    );
}

#[test]
fn somebody_who_moves_gets_it_on_their_new_clock() {
    let journey = NOTE.replace("within: 1d", "at: 09:00\n    within: 1h");
    let stage = Stage {
        journeys: &[&journey],
        story: r#"
            01-05 10:00 ada Begin {"n": 1}
            01-05 12:00 ada identify {"timezone": "America/New_York"}
            01-08 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 14:00 ada inbox note
         01-05 14:00 ada ends j[1] completed",
    );
}
