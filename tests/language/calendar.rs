//! What expressions ask of the calendar, of channels and of traits.

use crate::stage::{Stage, check};

const SHOP: &str = "
    time_zone: Europe/Berlin
    topics:
      news: { consent: opt_out }
      offers: { consent: opt_in }
    calendar:
      fair: { from: 2026-01-05 10:00, to: 2026-01-05 11:59 }
      holiday: { from: 2026-01-06 00:00, to: 2026-01-06 23:59, countries: [DE, AT] }
      stock_taking: { from: 2026-01-07 00:00, to: 2026-01-07 23:59, blackout: marketing, then: drop }
    ";

/// A journey that ends with what it found true.
fn asks(condition: &str) -> String {
    format!(
        "
journey: j
topic: news
enter:
  on: Begin
  again: always
steps:
  - if: \"{condition}\"
    then:
      - exit: yes
  - exit: no
"
    )
}

#[track_caller]
fn told(condition: &str, story: &str, expected: &str) {
    let journey = asks(condition);
    check(&Stage { journeys: &[&journey], shop: SHOP, story, ..Stage::default() }, expected);
}

#[test]
fn an_occasion_is_on_by_the_persons_clock_to_the_end_of_its_last_minute() {
    told(
        "in_calendar('fair')",
        r#"
        01-05 01:00 bob identify {"timezone": "Asia/Tokyo"}
        01-05 02:30 bob Begin {}
        01-05 08:59 ada Begin {}
        01-05 09:00 ada Begin {}
        01-05 09:00 bob Begin {}
        01-05 10:59 ada Begin {}
        01-05 11:00 ada Begin {}"#,
        "01-05 02:30 bob ends j exit_step: yes
         01-05 08:59 ada ends j exit_step: no
         01-05 09:00 ada ends j exit_step: yes
         01-05 09:00 bob ends j exit_step: no
         01-05 10:59 ada ends j exit_step: yes
         01-05 11:00 ada ends j exit_step: no",
    );
}

#[test]
fn an_occasion_of_some_countries_is_nobody_elses() {
    told(
        "in_calendar('holiday')",
        r#"
        01-05 01:00 ada identify {"country": "AT"}
        01-05 01:00 bob identify {"country": "FR"}
        01-06 12:00 ada Begin {}
        01-06 12:00 bob Begin {}
        01-06 12:00 cem Begin {}"#,
        "01-06 12:00 ada ends j exit_step: yes
         01-06 12:00 bob ends j exit_step: no
         01-06 12:00 cem ends j exit_step: no",
    );
}

#[test]
fn a_blackout_is_an_occasion_too_and_an_occasion_alone_holds_nothing_back() {
    let note = "
        journey: note
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - send: note
            channel: inbox
            if: in_calendar('fair') or in_calendar('stock_taking')
        ";
    check(
        &Stage {
            journeys: &[note],
            shop: SHOP,
            story: "
                01-05 09:30 ada Begin {}
                01-07 09:30 ada Begin {}",
            ..Stage::default()
        },
        "01-05 09:30 ada inbox note
         01-05 09:30 ada ends note completed
         01-07 09:30 ada refused note/note blackout
         01-07 09:30 ada ends note completed",
    );
}

#[test]
fn a_channel_reaches_whoever_has_an_address_and_has_not_said_no() {
    let story = r#"
        01-05 01:00 ada identify {"email": "ada@example.com"}
        01-05 02:00 ada Begin {}
        01-05 02:00 bob Begin {}
        01-05 03:00 ada Unsubscribed {"channel": "email"}
        01-05 04:00 ada Begin {}
        01-05 05:00 ada Subscribed {"channel": "email", "topic": "offers"}
        01-05 06:00 ada Begin {}"#;
    told(
        "reachable('email')",
        story,
        "01-05 02:00 ada ends j exit_step: yes
         01-05 02:00 bob ends j exit_step: no
         01-05 04:00 ada ends j exit_step: no
         01-05 06:00 ada ends j exit_step: no",
    );
    // Of a topic that is opted into a yes to it counts.
    told(
        "reachable('email', 'offers')",
        story,
        "01-05 02:00 ada ends j exit_step: no
         01-05 02:00 bob ends j exit_step: no
         01-05 04:00 ada ends j exit_step: no
         01-05 06:00 ada ends j exit_step: yes",
    );
    told("reachable('inbox')", "01-05 02:00 bob Begin {}", "01-05 02:00 bob ends j exit_step: yes");
}

#[test]
fn an_address_that_is_dead_is_not_reached() {
    told(
        "reachable('email')",
        r#"
        01-05 01:00 ada identify {"email": "ada@example.com"}
        01-05 01:30 ada Begin {}
        01-05 02:00 ada Message Bounced {"message_id": "00000000-0000-0000-0000-000000000001", "kind": "hard", "channel": "email", "address": "Ada@example.com"}
        01-05 03:00 ada Begin {}"#,
        "01-05 01:30 ada ends j exit_step: yes
         01-05 03:00 ada ends j exit_step: no",
    );
}

#[test]
fn a_trait_changed_when_it_became_what_it_is() {
    told(
        "now - changed(profile.birthday) >= 30d",
        r#"
        01-05 01:00 ada identify {"birthday": "1990-05-01"}
        02-03 01:00 ada identify {"birthday": "1990-05-01"}
        02-04 02:00 ada Begin {}
        02-05 01:00 ada identify {"birthday": "1990-05-02"}
        02-05 02:00 ada Begin {}
        02-05 02:00 bob Begin {}"#,
        "02-04 02:00 ada ends j exit_step: yes
         02-05 02:00 ada ends j exit_step: no
         02-05 02:00 bob ends j exit_step: no",
    );
}

#[test]
fn the_id_of_a_profile_is_the_shops_own_once_they_have_said_who_they_are() {
    told(
        "profile.id == 'ada'",
        r#"
        01-05 01:00 ada Begin {}
        01-05 02:00 ada identify {}
        01-05 03:00 ada Begin {}
        01-05 04:00 ada identify {"id": "A-1"}
        01-05 05:00 ada Begin {}"#,
        "01-05 01:00 ada ends j exit_step: no
         01-05 03:00 ada ends j exit_step: yes
         01-05 05:00 ada ends j exit_step: no",
    );
}
