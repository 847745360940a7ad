//! Rule 7: scopes; and the functions that ask of a person's past.

use crate::stage::{Stage, check, play, tells};

#[test]
fn rule_7_entry_is_the_event_that_began_the_run_and_event_the_one_at_hand() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - wait_for:
              on: Reply
              if: event.code == entry.code and event.name == 'Reply' and entry.name == 'Begin'
            within: 1d
          - send: replied
            channel: inbox
            if: entry.code == 'a' and entry.at == entry.at
        ",
        r#"01-05 10:00 ada Begin {"code": "a"}
           01-05 11:00 ada Reply {"code": "b"}
           01-05 12:00 ada Reply {"code": "a"}
           01-05 13:00"#,
        "01-05 12:00 ada inbox replied
         01-05 12:00 ada ends j completed",
    );
}

#[test]
fn rule_7_variables_are_set_in_order_and_seen_by_those_that_follow() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - set:
              base: = entry.n + 1
              double: = run.base * 2
              word: plain
          - set:
              base: = run.base + 100
          - send: right
            channel: inbox
            if: run.base == 102 and run.double == 4 and run.word == 'plain'
        ",
        r#"01-05 10:00 ada Begin {"n": 1}
           01-05 11:00"#,
        "01-05 10:00 ada inbox right
         01-05 10:00 ada ends j completed",
    );
}

#[test]
fn rule_7_names_of_with_stand_bare_in_the_sends_own_if() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - send: hello
            channel: inbox
            with:
              word: plain
              most: = entry.items.max(n)
              twice: = most * 2
              large: = entry.items.where(n >= 5)
            if: twice >= 20 and word == 'plain' and large.count() == 2
            else:
              - exit: too-few
        ",
        r#"01-05 10:00 ada Begin {"items": [{"n": 10}, {"n": 5}, {"n": 4}]}
           01-05 11:00 ada Begin {"items": [{"n": 9}, {"n": 5}]}
           01-05 12:00 ada Begin {"items": [{"n": 10}]}
           01-05 13:00"#,
        "01-05 10:00 ada inbox hello
         01-05 10:00 ada ends j completed
         01-05 11:00 ada refused j/hello guard
         01-05 11:00 ada ends j exit_step: too-few
         01-05 12:00 ada refused j/hello guard
         01-05 12:00 ada ends j exit_step: too-few",
    );
}

#[test]
fn rule_7_a_step_leaves_its_result_under_its_id_else_its_templates_name() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - send: hello-there
            channel: [email, inbox]
          - wait: 1h
          - send: right
            channel: inbox
            if: hello_there.sent and hello_there.channel == 'inbox' and now - hello_there.at >= 1h
          - send: wrong
            channel: inbox
            if: hello_there.failed or has(hello_there.reason) or later.sent or has(later.channel)
          - id: later
            send: later
            channel: inbox
        ",
        "01-05 10:00 ada Begin {}
         01-05 12:00",
        "01-05 10:00 ada inbox hello-there
         01-05 11:00 ada inbox later
         01-05 11:00 ada inbox right
         01-05 11:00 ada refused j/wrong guard
         01-05 11:00 ada ends j completed",
    );
}

#[test]
fn rule_7_who_clicked_has_opened_and_got_it() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - id: nudge
            send: nudge
            channel: inbox
          - wait_for:
              if: nudge.clicked
            within: 1h
          - if: nudge.clicked
            then:
              - exit: clicked
          - if: nudge.opened
            then:
              - exit: opened
          - if: nudge.delivered
            then:
              - exit: delivered
        ";
    let story = r#"
        01-05 10:00 ada Begin {}
        01-05 10:01 ada Message Clicked {"message_id": "@nudge"}
        01-05 10:00 bob Begin {}
        01-05 10:01 bob Message Opened {"message_id": "@nudge"}
        01-05 10:00 cem Begin {}
        01-05 10:01 cem Message Delivered {"message_id": "@nudge"}
        01-05 10:02 cem Message Clicked {"message_id": "00000000-0000-0000-0000-000000000001"}
        01-05 10:02 cem Message Clicked {"message_id": 7}
        01-05 10:00 dan Begin {}
        01-05 12:00"#;
    tells(
        journey,
        story,
        "01-05 10:00 ada inbox nudge
         01-05 10:00 bob inbox nudge
         01-05 10:00 cem inbox nudge
         01-05 10:00 dan inbox nudge
         01-05 10:01 ada ends j exit_step: clicked
         01-05 11:00 bob ends j exit_step: opened
         01-05 11:00 cem ends j exit_step: delivered
         01-05 11:00 dan ends j completed",
    );
}

#[test]
fn rule_7_the_profile_knows_traits_sessions_and_when_somebody_was_seen() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          if: profile.city == 'Ulm' and profile.sessions == 2 and profile.last_seen == event.at and profile.first_seen < event.at and profile.time_zone == 'Asia/Tokyo'
          again: always
        steps:
          - exit: done
        ",
        r#"01-05 09:00 ada identify {"city": "Ulm", "timezone": "Asia/Tokyo"}
           01-05 09:00 ada page Home {}
           01-05 09:29 ada Message Clicked {}
           01-05 09:59 ada Begin {}"#,
        "01-05 09:59 ada ends j exit_step: done",
    );
}

#[test]
fn in_segment_and_segments_of_segments() {
    let stage = Stage {
        journeys: &["
            journey: j
            topic: news
            enter:
              on: Begin
              if: in_segment('vip')
              again: always
            steps:
              - exit: done
            "],
        segments: &[
            "segment: vip\nif: in_segment('buyers') and profile.city == 'Ulm'",
            "segment: buyers\nif: count('Order Completed', 30d) >= 2",
        ],
        story: r#"
            01-01 10:00 ada identify {"city": "Ulm"}
            01-01 10:00 ada Order Completed {}
            01-02 10:00 ada Begin {}
            01-05 10:00 ada Order Completed {}
            01-06 10:00 ada Begin {}
            02-05 10:00 ada Begin {}"#,
        ..Stage::default()
    };
    check(&stage, "01-06 10:00 ada ends j exit_step: done");
}

#[test]
fn count_sum_and_last_look_back_from_now() {
    let journey = |condition: &str| {
        format!(
            "\njourney: j\ntopic: news\nenter:\n  on: Begin\n  if: \"{condition}\"\n  again: always\nsteps:\n  - exit: done\n"
        )
    };
    let story = r#"
        01-01 10:00 ada Order Completed {"revenue": 10, "product_id": "p"}
        01-03 10:00 ada Order Completed {"revenue": 5, "product_id": "q"}
        01-05 09:59 ada Begin {"product_id": "p"}"#;
    let cases = [
        ("count('Order Completed') == 2", true),
        ("count('Order Completed', 2d) == 1", true),
        ("count('Order Completed', 48h) == 1", true),
        ("count('Order Completed', 47h) == 0", true),
        ("count('Order Completed', 30d, product_id == event.product_id) == 1", true),
        ("count('Order Completed', 30d, product_id == 'z') == 0", true),
        // A filter by something missing matches nothing.
        ("count('Order Completed', 30d, product_id == event.nothing) == 0", true),
        ("sum('Order Completed', 'revenue', 30d) == 15 EUR", true),
        ("sum('Order Completed', 'revenue', 2d) == 5 EUR", true),
        ("now - last('Order Completed') < 48h", true),
        ("now - last('Order Completed') < 47h", false),
        ("has(last('Never'))", false),
        ("count('Never') == 0", true),
        // What an event says counts before any condition sees it.
        ("count('Begin') == 1", true),
    ];
    for (condition, holds) in cases {
        let told = play(&Stage { journeys: &[&journey(condition)], story, ..Stage::default() });
        assert_eq!(!told.is_empty(), holds, "{condition}");
    }
}
