//! What is transactional is free of policies, but for what it says itself.

use crate::stage::{Stage, check};

const SHOP: &str = "
topics: { news: { consent: opt_in } }
caps: { inbox: 1 per 7d }
minimum_gap: 4h
quiet_hours: { inbox: 09:00-17:00 }
calendar:
  fair: { from: 2026-01-01 00:00, to: 2026-01-31 23:59, blackout: marketing, then: drop }
";

fn bill(header: &str) -> String {
    format!(
        "\njourney: bill\nkind: transactional\n{header}\nenter: {{ on: Bill, again: always }}\nsteps:\n  - send: bill\n    channel: inbox\n    within: 12h\n"
    )
}

#[test]
fn transactional_asks_no_consent_and_obeys_no_cap_gap_blackout_or_quiet_hours() {
    let stage = Stage {
        journeys: &[&bill("")],
        shop: SHOP,
        story: "
            01-05 09:00 ada Unsubscribed {}
            01-05 10:00 ada Bill {}
            01-05 10:01 ada Bill {}",
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox bill
         01-05 10:00 ada ends bill completed
         01-05 10:01 ada inbox bill
         01-05 10:01 ada ends bill completed",
    );
}

#[test]
fn transactional_respects_quiet_hours_where_it_says_so() {
    let stage = Stage {
        journeys: &[&bill("quiet_hours: respect")],
        shop: SHOP,
        story: "01-05 10:00 ada Bill {}\n01-06 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 17:00 ada inbox bill
         01-05 17:00 ada ends bill completed",
    );
}

#[test]
fn marketing_ignores_quiet_hours_where_it_says_so() {
    let alert = "
        journey: alert
        topic: news
        quiet_hours: ignore
        enter: { on: Alert, again: always }
        steps:
          - send: alert
            channel: inbox
        ";
    let stage = Stage {
        journeys: &[alert],
        shop: "quiet_hours: { inbox: 09:00-17:00 }",
        story: "01-05 10:00 ada Alert {}",
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox alert
         01-05 10:00 ada ends alert completed",
    );
}

#[test]
fn transactional_obeys_the_cap_of_its_own_journey() {
    let stage = Stage {
        journeys: &[&bill("cap: 1 per 1h")],
        shop: SHOP,
        story: "
            01-05 10:00 ada Bill {}
            01-05 10:30 ada Bill {}
            01-06 10:00",
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox bill
         01-05 10:00 ada ends bill completed
         01-05 11:00 ada inbox bill
         01-05 11:00 ada ends bill completed",
    );
}
