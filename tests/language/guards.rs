//! Rules 2 and 3: guards, and the `else` of a send.

use crate::stage::{Stage, check, tells};

const MAIL: &str = r#"01-05 09:00 ada identify {"email": "ada@example.com"}"#;

/// A send by mail whose `else` tells why it was not sent.
fn nudge(header: &str, guard: &str) -> String {
    format!(
        "
journey: j
{header}
enter:
  on: Begin
  again: always
steps:
  - id: nudge
    send: nudge
    channel: email
    within: 2h
    {guard}
    else:
      - branch:
          - if: nudge.reason == 'guard'
            then:
              - send: because-guard
                channel: inbox
          - if: nudge.reason == 'no_consent'
            then:
              - exit: because-no-consent
          - if: nudge.reason == 'unreachable'
            then:
              - exit: because-unreachable
          - if: nudge.reason == 'cap'
            then:
              - exit: because-cap
          - if: nudge.reason == 'minimum_gap'
            then:
              - exit: because-gap
          - if: nudge.reason == 'quiet_hours'
            then:
              - exit: because-quiet
          - if: nudge.reason == 'blackout'
            then:
              - exit: because-blackout
  - wait: 1m
"
    )
}

#[test]
fn rule_2_a_guard_on_any_step_but_a_send_skips_it_or_takes_its_else() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - wait: 1h
            if: entry.slow == true
          - set:
              x: 'set'
            if: entry.slow == true
            else:
              - send: not-set
                channel: inbox
          - exit: slow
            if: entry.slow == true
          - send: end
            channel: inbox
        ",
        r#"01-05 10:00 ada Begin {"slow": true}
           01-05 12:00 bob Begin {"slow": false}
           01-05 13:00"#,
        "01-05 11:00 ada ends j exit_step: slow
         01-05 12:00 bob inbox end
         01-05 12:00 bob inbox not-set
         01-05 12:00 bob ends j completed",
    );
}

#[test]
fn rule_2_the_guard_of_a_wait_for_skips_it_and_its_else_is_for_the_time_that_is_up() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - wait_for: Delivered
            if: entry.waits == true
            within: 1h
            else:
              - send: time-is-up
                channel: inbox
          - send: end
            channel: inbox
        ";
    tells(
        journey,
        r#"01-05 10:00 ada Begin {"waits": false}
           01-05 10:00 bob Begin {"waits": true}
           01-05 13:00"#,
        "01-05 10:00 ada inbox end
         01-05 10:00 ada ends j completed
         01-05 11:00 bob inbox end
         01-05 11:00 bob inbox time-is-up
         01-05 11:00 bob ends j completed",
    );
}

#[test]
fn rule_2_a_sends_guard_is_asked_when_it_is_reached() {
    let story = format!("{MAIL}\n01-05 10:00 ada Begin {{}}\n01-05 12:00");
    tells(
        &nudge("topic: news", "if: profile.vip == true"),
        &story,
        "01-05 10:00 ada inbox because-guard
         01-05 10:00 ada refused j/nudge guard
         01-05 10:01 ada ends j completed",
    );
}

#[test]
fn rule_2_a_sends_guard_is_asked_again_when_its_moment_has_come() {
    let journey = nudge("topic: news", "if: profile.vip == true");
    let story = r#"
        01-05 06:00 ada identify {"email": "ada@example.com", "vip": true}
        01-05 07:30 ada Begin {}
        01-05 07:45 ada identify {"vip": false}
        01-05 07:30 bob identify {"email": "bob@example.com", "vip": true}
        01-05 07:30 bob Begin {}
        01-05 12:00"#;
    let shop = "quiet_hours: { email: 20:00-08:00 }";
    check(
        &Stage { journeys: &[&journey], shop, story, ..Stage::default() },
        "01-05 08:00 ada inbox because-guard
         01-05 08:00 bob email nudge
         01-05 08:00 ada refused j/nudge guard
         01-05 08:01 ada ends j completed
         01-05 08:01 bob ends j completed",
    );
}

#[test]
fn rule_2_once_queued_a_guard_is_asked_no_more() {
    // The guard turns false in the very event that follows; only exit, unsubscribe, pause and suppression stop it.
    let story = r#"
        01-05 09:00 ada identify {"email": "ada@example.com", "vip": true}
        01-05 10:00 ada Begin {}
        01-05 10:00 ada identify {"vip": false}
        01-05 12:00"#;
    tells(
        &nudge("topic: news", "if: profile.vip == true"),
        story,
        "01-05 10:00 ada email nudge
         01-05 10:01 ada ends j completed",
    );
}

#[test]
fn rule_3_without_else_the_run_goes_on() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - send: one
            channel: email
          - send: two
            channel: inbox
        ",
        "01-05 10:00 ada Begin {}
         01-05 11:00",
        "01-05 10:00 ada inbox two
         01-05 10:00 ada refused j/one unreachable
         01-05 10:00 ada ends j completed",
    );
}

#[test]
fn rule_3_a_sent_message_takes_no_else() {
    let story = format!("{MAIL}\n01-05 10:00 ada Begin {{}}\n01-05 12:00");
    tells(
        &nudge("topic: news", ""),
        &story,
        "01-05 10:00 ada email nudge
         01-05 10:01 ada ends j completed",
    );
}

/// Each reason that a policy, or the person, gives; the run ends with an `exit` that names it.
#[test]
fn rule_3_else_runs_for_every_reason_and_the_step_says_which() {
    let cases: [(&str, &str, &str, &str); 7] = [
        (
            "no consent",
            "topics: { news: { consent: opt_in } }",
            MAIL,
            "01-05 10:00 ada refused j/nudge no_consent
             01-05 10:00 ada ends j exit_step: because-no-consent",
        ),
        (
            "no address",
            "",
            "",
            "01-05 10:00 ada refused j/nudge unreachable
             01-05 10:00 ada ends j exit_step: because-unreachable",
        ),
        (
            "a channel's cap",
            "caps: { email: 1 per 7d }",
            MAIL,
            "01-05 12:30 ada refused j/nudge cap
             01-05 12:30 ada ends j exit_step: because-cap",
        ),
        (
            "the minimum gap",
            "minimum_gap: 1d",
            MAIL,
            "01-05 12:30 ada refused j/nudge minimum_gap
             01-05 12:30 ada ends j exit_step: because-gap",
        ),
        (
            "quiet hours",
            "quiet_hours: { email: 10:00-13:00 }",
            MAIL,
            "01-05 12:30 ada refused j/nudge quiet_hours
             01-05 12:30 ada ends j exit_step: because-quiet",
        ),
        (
            "a blackout that waits",
            "calendar: { stocktaking: { from: 2026-01-05 10:00, to: 2026-01-06 10:00, blackout: marketing, then: wait } }",
            MAIL,
            "01-05 12:30 ada refused j/nudge blackout
             01-05 12:30 ada ends j exit_step: because-blackout",
        ),
        (
            "a blackout that drops",
            "calendar: { stocktaking: { from: 2026-01-05 10:00, to: 2026-01-06 10:00, blackout: marketing, then: drop } }",
            MAIL,
            "01-05 10:30 ada refused j/nudge blackout
             01-05 10:30 ada ends j exit_step: because-blackout",
        ),
    ];
    for (what, shop, before, expected) in cases {
        // Where a cap or the gap is at stake, something was sent before.
        let first =
            if what.contains("cap") || what.contains("gap") { "01-05 10:00 ada First {}" } else { "" };
        let at = if expected.contains("12:30") || expected.contains("10:30") { "10:30" } else { "10:00" };
        let story = format!("{before}\n{first}\n01-05 {at} ada Begin {{}}\n01-09 12:00");
        let other = "
journey: other
topic: news
enter: { on: First, again: always }
steps:
  - send: first
    channel: email
";
        let journey = nudge("topic: news", "");
        let stage = Stage { journeys: &[&journey, other], shop, story: &story, ..Stage::default() };
        let sent = "01-05 10:00 ada email first\n01-05 10:00 ada ends other completed\n";
        let expected = if first.is_empty() { expected.to_owned() } else { format!("{sent}{expected}") };
        check(&stage, &expected);
    }
}

#[test]
fn the_first_channel_that_reaches_the_person_and_is_free_is_taken() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - send: note
            channel: [push, sms, email]
        ";
    let stage = Stage {
        journeys: &[journey],
        shop: "quiet_hours: { sms: 09:00-11:00 }",
        story: r#"
            01-05 09:00 ada identify {"email": "a@example.com", "phone": "+49151"}
            01-05 09:00 bob identify {"push_token": "t", "email": "b@example.com"}
            01-05 09:00 cem identify {"phone": "+49152"}
            01-05 10:00 ada Begin {}
            01-05 10:00 bob Begin {}
            01-05 10:00 cem Begin {}
            01-05 12:00 ada Begin {}
            01-07 13:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada email note
         01-05 10:00 bob push note
         01-05 10:00 ada ends j completed
         01-05 10:00 bob ends j completed
         01-05 11:00 cem sms note
         01-05 11:00 cem ends j completed
         01-05 12:00 ada sms note
         01-05 12:00 ada ends j completed",
    );
}

/// Reports that the channel gives: nobody on stage refuses a message, so this one stands alone.
#[test]
fn rule_3_else_runs_for_a_message_that_failed_for_good() {
    let journey = nudge("topic: news", "").replace("channel: email", "channel: inbox").replace(
        "      - branch:",
        "      - exit: because-failed\n        if: nudge.reason == 'failed' and nudge.failed and not nudge.sent\n      - branch:",
    );
    let told = crate::sweep::alone(&journey, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.report("01-05 10:01", "nudge", false);
        alone.report("01-05 10:02", "nudge", false);
    });
    assert_eq!(
        told,
        [
            "01-05 10:00 queued nudge",
            "01-05 10:01 refused j/nudge failed",
            "01-05 10:01 ends exit_step: because-failed",
        ]
    );
}

#[test]
fn rule_3_a_report_that_does_not_come_is_taken_as_sent() {
    let journey = nudge("topic: news", "").replace("channel: email", "channel: inbox");
    let told = crate::sweep::alone(&journey, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.timer("01-05 11:59");
        alone.timer("01-05 12:00");
        alone.timer("01-05 12:01");
    });
    assert_eq!(told, ["01-05 10:00 queued nudge", "01-05 12:01 ends completed"]);
}
