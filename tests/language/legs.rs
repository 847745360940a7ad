//! One message by several channels: what falls to the next because the one before failed, or because nobody reacted.

use crate::stage::{Stage, check, play};

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
         01-08 22:02"
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
    let story = format!("{ADA}\n01-05 10:00 ada Begin {{}}\n01-06 11:00");
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

const TWO: &str = r#"01-05 09:00 ada identify {"email": "a@example.com", "phone": "+4915112345678"}
    01-05 10:00 ada Begin {}
"#;

/// The channel that was drawn for ada, and the one that is left.
fn drawn(journey: &str) -> (&'static str, &'static str) {
    let told = play(&Stage { journeys: &[journey], shop: SHOP, story: TWO, ..Stage::default() });
    let email = told.contains("note takes email");
    assert!(email != told.contains("note takes sms"), "{told}");
    if email { ("email", "sms") } else { ("sms", "email") }
}

fn bounced(at: &str, channel: &str) -> String {
    let address = if channel == "email" { "a@example.com" } else { "+4915112345678" };
    format!(
        "{at} ada Message Bounced {{\"message_id\": \"@note\", \"kind\": \"hard\", \"channel\": \"{channel}\", \
         \"address\": \"{address}\"}}\n"
    )
}

#[test]
fn what_was_drawn_and_fails_falls_to_the_other_which_is_no_choice() {
    let journey = journey("    best_of: [email, sms]\n", "  - wait: 2d\n");
    let (first, second) = drawn(&journey);
    tells(
        &journey,
        &format!("{TWO}{}01-05 13:00", bounced("01-05 10:01", first)),
        &format!(
            "01-05 10:00 ada {first} note
             01-05 10:00 ada note takes {first}
             01-05 10:01 ada {second} note
             01-05 10:01 ada refused j/note failed"
        ),
    );
}

#[test]
fn what_was_drawn_and_finds_no_reaction_escalates_to_the_other() {
    let send = "    best_of: [email, sms]\n    escalate: { after: 4h, unless: clicked }\n";
    let journey = journey(send, "  - wait: 2d\n");
    let (first, second) = drawn(&journey);
    let clicked = "01-05 12:00 ada Message Clicked {\"message_id\": \"@note\"}\n";
    let at_first = format!(
        "01-05 10:00 ada {first} note\n01-05 10:00 ada note takes {first}\n01-05 14:00 ada {second} note"
    );
    tells(&journey, &format!("{TWO}01-05 15:00"), &at_first);
    let reacted = at_first.lines().take(2).collect::<Vec<_>>().join("\n");
    tells(&journey, &format!("{TWO}{clicked}01-05 15:00"), &reacted);
}

#[test]
fn a_last_message_that_fails_goes_by_the_next_channel_though_the_run_is_over() {
    let journey = journey("    channel: [sms, email]\n", "");
    let too_late = "01-07 13:00";
    let expected = "01-05 10:00 ada sms note
         01-05 10:00 ada ends j completed
         01-05 10:01 ada email note
         01-05 10:01 ada refused j/note failed";
    tells(&journey, &format!("{TWO}{}{too_late}", bounced("01-05 10:01", "sms")), expected);
    // Beyond the step's `within`, and where it has arrived, nothing follows.
    let alone = expected.lines().take(2).collect::<Vec<_>>().join("\n");
    tells(&journey, &format!("{TWO}{}{too_late}", bounced("01-06 10:01", "sms")), &alone);
    let arrived = "01-05 10:01 ada Message Delivered {\"message_id\": \"@note\", \"channel\": \"sms\"}\n";
    tells(&journey, &format!("{TWO}{arrived}{too_late}"), &alone);
}

#[test]
fn who_has_left_is_not_written_to_by_the_next_channel() {
    let header =
        |what: &str| journey("    channel: [sms, email]\n", "").replace("steps:", &format!("{what}\nsteps:"));
    let story = |event: &str| {
        format!("{TWO}01-05 10:01 ada {event} {{}}\n{}01-09 13:00", bounced("01-05 10:02", "sms"))
    };
    let goal = header("goal:\n  on: Bought\n  within: 2d");
    tells(
        &goal,
        &story("Bought"),
        "01-05 10:00 ada sms note
         01-05 10:00 ada ends j completed (goal)",
    );
    let exit = header("exit:\n  - on: Returned\ngoal:\n  on: Bought\n  within: 2d");
    tells(
        &exit,
        &story("Returned"),
        "01-05 10:00 ada sms note
         01-05 10:00 ada ends j completed
         01-05 10:02 ada refused j/note failed",
    );
    // A goal without a time of its own is not reached by a run that only looks for news of its message.
    tells(
        &header("goal:\n  on: Bought"),
        &story("Bought"),
        "01-05 10:00 ada sms note
         01-05 10:00 ada ends j completed
         01-05 10:02 ada email note
         01-05 10:02 ada refused j/note failed",
    );
}
