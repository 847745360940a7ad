//! One message by several channels: what falls to the next because the one before failed, or because nobody reacted.

use crate::stage::{Stage, check};

const SHOP: &str = "topics:\n  news: { consent: opt_out }\nminimum_gap: 12h\n";

fn journey(send: &str, rest: &str) -> String {
    format!(
        "journey: j\ntopic: news\nenter:\n  on: Begin\n  again: always\nsteps:\n  - send: note\n{send}{rest}"
    )
}

#[track_caller]
fn tells(journey: &str, story: &str, expected: &str) {
    check(&Stage { journeys: &[journey], shop: SHOP, story, ..Stage::default() }, expected);
}

const ADA: &str = r#"01-05 09:00 ada identify {"email": "a@example.com", "phone": "+4915112345678"}"#;

#[test]
fn what_whatsapp_keeps_back_goes_by_the_next_channel_and_never_again_for_a_day() {
    let journey = journey("    channel: [whatsapp, sms, email]\n", "");
    let story = format!(
        "{ADA}
         01-05 10:00 ada Begin {{}}
         01-05 10:01 ada Message Failed {{\"message_id\": \"@note\", \"channel\": \"whatsapp\", \"reason\": \"limited\"}}
         01-06 09:59 ada Begin {{}}
         01-06 22:00 ada Begin {{}}
         01-06 22:01 ada Message Sent {{\"message_id\": \"@note\", \"channel\": \"whatsapp\"}}
         01-06 22:02"
    );
    tells(
        &journey,
        &story,
        "01-05 10:00 ada whatsapp note
         01-05 10:01 ada sms note
         01-05 10:01 ada refused j/note failed
         01-05 10:01 ada ends j completed
         01-06 09:59 ada sms note
         01-06 09:59 ada ends j completed
         01-06 22:00 ada whatsapp note
         01-06 22:01 ada ends j completed",
    );
}

#[test]
fn whatsapp_says_nothing_more_and_the_run_goes_on() {
    let journey = journey("    channel: [whatsapp, sms]\n", "");
    let story = format!("{ADA}\n01-05 10:00 ada Begin {{}}\n01-05 11:00");
    tells(
        &journey,
        &story,
        "01-05 10:00 ada whatsapp note
         01-05 10:15 ada ends j completed",
    );
}

#[test]
fn a_dead_number_falls_to_the_next_channel_and_else_runs_when_none_is_left() {
    let send = "    channel: [sms, email]\n    else:\n      - exit: nothing-reached-them\n";
    let journey = journey(send, "  - wait: 2d\n");
    let bounced = |minute: u32, channel: &str, address: &str| {
        format!(
            "01-05 10:{minute:02} ada Message Bounced {{\"message_id\": \"@note\", \"kind\": \"hard\", \
             \"channel\": \"{channel}\", \"address\": \"{address}\"}}\n"
        )
    };
    let story = format!(
        "{ADA}\n01-05 10:00 ada Begin {{}}\n{}01-05 12:00 ada Begin {{}}\n01-05 13:00",
        bounced(1, "sms", "+4915112345678")
    );
    // The run has gone on; the message has not reached her all the same.
    tells(
        &journey,
        &story,
        "01-05 10:00 ada sms note
         01-05 10:01 ada email note
         01-05 10:01 ada refused j/note failed
         01-05 12:00 ada refused j joined",
    );
}

#[test]
fn escalate_speaks_by_the_next_channel_to_who_has_not_reacted() {
    let send = "    channel: [email, sms]\n    escalate: { after: 4h, unless: clicked }\n";
    let journey = journey(send, "  - exit: done\n    if: note.clicked\n  - wait: 1h\n");
    let story = format!(
        "{ADA}
         01-05 09:00 bob identify {{\"email\": \"b@example.com\", \"phone\": \"+4915112345679\"}}
         01-05 09:00 cem identify {{\"email\": \"c@example.com\"}}
         01-05 10:00 ada Begin {{}}
         01-05 10:00 bob Begin {{}}
         01-05 10:00 cem Begin {{}}
         01-05 11:00 ada Message Opened {{\"message_id\": \"@note\"}}
         01-05 12:00 bob Message Clicked {{\"message_id\": \"@note\"}}
         01-05 16:00"
    );
    tells(
        &journey,
        &story,
        "01-05 10:00 ada email note
         01-05 10:00 bob email note
         01-05 10:00 cem email note
         01-05 11:00 cem ends j completed
         01-05 12:00 bob ends j exit_step: done
         01-05 14:00 ada sms note
         01-05 15:00 ada ends j completed",
    );
}

#[test]
fn a_leg_that_is_kept_back_too_long_leaves_what_was_sent() {
    let send = "    channel: [email, sms]\n    escalate: { after: 1h, unless: clicked }\n    within: 3h\n";
    let journey = journey(send, "  - exit: sent\n    if: note.sent\n");
    let shop = format!("{SHOP}quiet_hours: {{ sms: 10:30-18:00 }}\n");
    let story = format!("{ADA}\n01-05 10:00 ada Begin {{}}\n01-05 20:00");
    check(
        &Stage { journeys: &[&journey], shop: &shop, story: &story, ..Stage::default() },
        "01-05 10:00 ada email note
         01-05 13:00 ada refused j/note quiet_hours
         01-05 13:00 ada ends j exit_step: sent",
    );
}
