//! Rule 12: lanes.

use crate::stage::{Stage, check};

fn journey(name: &str, priority: u8, lane: &str) -> String {
    format!(
        "\njourney: {name}\ntopic: news\npriority: {priority}\nlane: {lane}\nenter:\n  on: {name}\n  per: n\nsteps:\n  - wait: 5d\n  - send: {name}\n    channel: inbox\n"
    )
}

#[test]
fn rule_12_one_run_per_person_and_lane() {
    let (low, same, high) = (journey("low", 10, "l"), journey("same", 10, "l"), journey("high", 20, "l"));
    let other = journey("other", 10, "m");
    let stage = Stage {
        journeys: &[&low, &same, &high, &other],
        story: r#"
            01-05 10:00 ada low {"n": 1}
            01-05 11:00 ada same {"n": 1}
            01-05 12:00 ada low {"n": 2}
            01-05 13:00 ada other {"n": 1}
            01-05 13:00 bob same {"n": 1}
            01-06 10:00 ada high {"n": 1}
            01-06 11:00 ada low {"n": 3}
            01-06 12:00 bob Nothing {}
            01-11 10:00 ada low {"n": 4}
            01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 11:00 ada refused same lane_busy
         01-05 12:00 ada refused low lane_busy
         01-06 10:00 ada ends low[1] lane_taken
         01-06 11:00 ada refused low lane_busy
         01-10 13:00 ada inbox other
         01-10 13:00 bob inbox same
         01-10 13:00 ada ends other[1] completed
         01-10 13:00 bob ends same[1] completed
         01-11 10:00 ada inbox high
         01-11 10:00 ada ends high[1] completed
         01-16 10:00 ada inbox low
         01-16 10:00 ada ends low[4] completed",
    );
}

#[test]
fn rule_12_of_one_event_the_higher_priority_gets_the_lane() {
    let low = journey("low", 10, "l").replace("on: low", "on: Begin");
    let high = journey("high", 20, "l").replace("on: high", "on: Begin");
    let stage = Stage {
        journeys: &[&low, &high],
        story: r#"01-05 10:00 ada Begin {"n": 1}
                  01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada refused low lane_busy
         01-10 10:00 ada inbox high
         01-10 10:00 ada ends high[1] completed",
    );
}

#[test]
fn rule_12_a_run_that_only_watches_for_its_goal_has_left_the_lane() {
    let quick = "
        journey: quick
        topic: news
        lane: l
        enter: { on: Quick, again: always }
        goal:
          on: Bought
          within: 9d
        steps:
          - send: quick
            channel: inbox
        ";
    let low = journey("low", 10, "l");
    let stage = Stage {
        journeys: &[quick, &low],
        story: r#"
            01-05 10:00 ada Quick {}
            01-05 11:00 ada low {"n": 1}
            01-06 10:00 ada Bought {}
            01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada inbox quick
         01-05 10:00 ada ends quick completed (goal)
         01-10 11:00 ada inbox low
         01-10 11:00 ada ends low[1] completed",
    );
}

#[test]
fn rule_12_who_loses_the_lane_loses_what_is_not_sent_yet() {
    let (low, high) = (journey("low", 10, "l").replace("wait: 5d", "wait: 1h"), journey("high", 20, "l"));
    let stage = Stage {
        journeys: &[&low, &high],
        shop: "quiet_hours: { inbox: 10:00-20:00 }",
        story: r#"
            01-05 10:00 ada low {"n": 1}
            01-05 12:00 ada high {"n": 1}
            01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 12:00 ada ends low[1] lane_taken
         01-10 20:00 ada inbox high
         01-10 20:00 ada ends high[1] completed",
    );
}
