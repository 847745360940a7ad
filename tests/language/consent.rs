//! Consent by channel and topic.

use crate::stage::{Stage, check};
use crate::sweep::alone;

const SHOP: &str = "topics: { offers: { consent: opt_in }, news: { consent: opt_out } }";

fn journey(topic: &str) -> String {
    format!(
        "\njourney: {topic}\ntopic: {topic}\nenter: {{ on: Begin, again: always }}\nsteps:\n  - send: {topic}\n    channel: [in_app, inbox]\n"
    )
}

/// By what channel, if any, the person gets `offers` (opt in) and `news` (opt out) after what they said.
#[track_caller]
fn gets(said: &str, offers: &str, news: &str) {
    let story = format!("{said}\n01-05 10:00 ada Begin {{}}");
    let (first, second) = (journey("offers"), journey("news"));
    let told = crate::stage::play(&Stage {
        journeys: &[&first, &second],
        shop: SHOP,
        story: &story,
        ..Stage::default()
    });
    for (topic, expected) in [("offers", offers), ("news", news)] {
        let line = match expected {
            "" => format!("ada refused {topic}/{topic} no_consent\n"),
            channel => format!("ada {channel} {topic}\n"),
        };
        assert!(told.contains(&line), "{said}: {topic}\n{told}");
    }
}

#[test]
fn who_has_said_nothing_gets_what_is_opt_out() {
    gets("", "", "in_app");
}

#[test]
fn a_yes_gives_what_it_names() {
    gets(r#"01-01 10:00 ada Subscribed {"topic": "offers"}"#, "in_app", "in_app");
    gets(r#"01-01 10:00 ada Subscribed {"topic": "offers", "channel": "inbox"}"#, "inbox", "in_app");
    gets(r#"01-01 10:00 ada Subscribed {}"#, "in_app", "in_app");
    // A channel alone says nothing of a topic that has to be asked for.
    gets(r#"01-01 10:00 ada Subscribed {"channel": "inbox"}"#, "", "in_app");
}

#[test]
fn a_no_takes_back_what_it_names() {
    let yes = r#"01-01 10:00 ada Subscribed {"topic": "offers"}"#;
    gets(&format!("{yes}\n01-02 10:00 ada Unsubscribed {{\"topic\": \"offers\"}}"), "", "in_app");
    gets(&format!("{yes}\n01-02 10:00 ada Unsubscribed {{\"channel\": \"in_app\"}}"), "inbox", "inbox");
    gets(
        &format!("{yes}\n01-02 10:00 ada Unsubscribed {{\"channel\": \"in_app\", \"topic\": \"news\"}}"),
        "in_app",
        "inbox",
    );
    gets(&format!("{yes}\n01-02 10:00 ada Unsubscribed {{}}"), "", "");
}

#[test]
fn a_later_yes_lifts_a_no_and_an_older_one_does_not() {
    gets("01-01 10:00 ada Unsubscribed {}\n01-02 10:00 ada Subscribed {\"topic\": \"news\"}", "", "in_app");
    gets("01-01 10:00 ada Unsubscribed {}\n01-02 10:00 ada @2025-12-31T10:00:00Z Subscribed {}", "", "");
    gets("01-01 10:00 ada Unsubscribed {}\n01-02 10:00 ada @2025-12-31T10:00:00Z old Subscribed {}", "", "");
}

#[test]
fn what_cant_be_understood_gives_nothing_and_takes_everything_back() {
    gets(r#"01-01 10:00 ada Subscribed {"topic": ["offers"]}"#, "", "in_app");
    gets(r#"01-01 10:00 ada Unsubscribed {"topic": ["news"]}"#, "", "");
    gets(r#"01-01 10:00 ada Unsubscribed {"channel": "newsletter"}"#, "", "");
    // As shops spell it.
    gets(r#"01-01 10:00 ada Unsubscribed {"channel": "In-App"}"#, "", "inbox");
    // A channel by which nothing is sent.
    gets(r#"01-01 10:00 ada Unsubscribed {"channel": "telegram"}"#, "", "in_app");
}

#[test]
fn what_is_said_of_no_channel_or_topic_is_refused_with_its_reason() {
    let stage = Stage {
        story: r#"
            01-05 10:00 ada Subscribed {"channel": "telegram"}
            01-05 11:00 ada Unsubscribed {"topic": 7}"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada refused  unknown_channel
         01-05 11:00 ada refused  unknown_topic",
    );
}

/// One message that is on its way when its person says no; its run is over already.
#[test]
fn a_withdrawal_calls_off_what_is_on_its_way() {
    for (said, called_off) in [
        (r#"{"topic": "news"}"#, true),
        (r#"{"channel": "in_app"}"#, true),
        (r#"{"channel": "in_app", "topic": "news"}"#, true),
        ("{}", true),
        (r#"{"topic": "offers"}"#, false),
        (r#"{"channel": "inbox"}"#, false),
    ] {
        let told = alone(&journey("news"), SHOP, |alone| {
            alone.event("01-05 10:00", "Begin", "{}");
            alone.event("01-05 10:05", "Unsubscribed", said);
            alone.event("01-05 10:06", "Unsubscribed", said);
        });
        let mut expected = vec!["01-05 10:00 queued news", "01-05 10:00 ends completed"];
        expected.extend(called_off.then_some("01-05 10:05 calls off news"));
        assert_eq!(told, expected, "{said}");
    }
}

const WITH_ELSE: &str = "
journey: j
topic: news
enter: { on: Begin, again: always }
steps:
  - id: note
    send: note
    channel: inbox
    else:
      - exit: not-sent
  - exit: sent
";

#[test]
fn a_message_called_off_was_not_sent_and_its_else_runs() {
    let told = alone(WITH_ELSE, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.event("01-05 10:05", "Unsubscribed", "{}");
    });
    assert_eq!(
        told,
        [
            "01-05 10:00 queued note",
            "01-05 10:05 refused j/note no_consent",
            "01-05 10:05 ends exit_step: not-sent",
            "01-05 10:05 calls off note",
        ]
    );
}

#[test]
fn a_message_called_off_was_not_sent_wherever_its_run_stands() {
    let journey = "
journey: j
topic: news
enter: { on: Begin, again: always }
steps:
  - id: note
    send: note
    channel: inbox
  - wait_for:
      if: not note.sent and note.reason == 'no_consent'
    within: 1d
  - exit: noticed
";
    let told = alone(journey, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.event("01-05 10:05", "Unsubscribed", "{}");
        alone.event("01-05 10:06", "Other", "{}");
    });
    let expected = [
        "01-05 10:00 queued note",
        "01-05 10:05 refused j/note no_consent",
        "01-05 10:05 calls off note",
        "01-05 10:06 ends exit_step: noticed",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_send_may_have_a_topic_of_its_own() {
    check(
        &Stage {
            journeys: &["
                journey: j
                topic: news
                enter: { on: Begin, again: always }
                steps:
                  - send: first
                    channel: inbox
                    topic: offers
                  - send: second
                    channel: inbox
                "],
            shop: SHOP,
            story: "01-05 10:00 ada Begin {}
                    01-05 11:00 ada Subscribed {\"topic\": \"offers\"}
                    01-05 12:00 ada Begin {}
                    01-05 13:00",
            ..Stage::default()
        },
        "01-05 10:00 ada inbox second
         01-05 10:00 ada refused j/first no_consent
         01-05 10:00 ada ends j completed
         01-05 12:00 ada inbox first
         01-05 12:00 ada inbox second
         01-05 12:00 ada ends j completed",
    );
}

#[test]
fn an_exit_on_the_withdrawal_goes_before_the_else() {
    let journey = WITH_ELSE.replace("steps:", "exit:\n  - on: Unsubscribed\nsteps:");
    let told = alone(&journey, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.event("01-05 10:05", "Unsubscribed", "{}");
    });
    assert_eq!(told, ["01-05 10:00 queued note", "01-05 10:05 ends exit", "01-05 10:05 calls off note"]);
}

#[test]
fn what_had_left_already_is_not_called_off() {
    let told = alone(WITH_ELSE, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.report("01-05 10:01", "note", true);
        alone.event("01-05 10:05", "Unsubscribed", "{}");
    });
    assert_eq!(told, ["01-05 10:00 queued note", "01-05 10:01 ends exit_step: sent"]);
}

#[test]
fn transactional_messages_are_not_called_off() {
    let bill = WITH_ELSE.replace("topic: news", "kind: transactional");
    let told = alone(&bill, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.event("01-05 10:05", "Unsubscribed", "{}");
    });
    assert_eq!(told, ["01-05 10:00 queued note"]);
}
