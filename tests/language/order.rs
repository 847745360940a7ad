//! Rule 9: the order in which an event meets a person.

use crate::stage::{Stage, check, tells};

#[test]
fn rule_9_the_event_that_starts_a_run_is_never_its_goal_exit_or_awaited() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Order Completed
          again: always
        goal:
          on: Order Completed
          if: event.n >= 2
        exit:
          - on: Order Completed
            if: event.n == 1
        steps:
          - wait_for: Order Completed
            within: 1h
            then:
              - exit: awaited
          - exit: none-of-them
        ",
        r#"01-05 10:00 ada Order Completed {"n": 1}
           01-05 10:00 bob Order Completed {"n": 2}
           01-05 12:00"#,
        "01-05 11:00 ada ends j exit_step: none-of-them
         01-05 11:00 bob ends j exit_step: none-of-them",
    );
}

const ALL_THREE: &str = "
journey: j
topic: news
enter:
  on: Begin
  again: always
goal:
  on: Reply
  if: event.goal == true
exit:
  - on: Reply
    if: event.exit == true
steps:
  - wait_for: Reply
    within: 1d
    then:
      - exit: awaited
";

#[test]
fn rule_9_goal_before_exit_before_wait() {
    tells(
        ALL_THREE,
        r#"01-05 10:00 ada Begin {}
           01-05 11:00 ada Reply {"goal": true, "exit": true}
           01-05 10:00 bob Begin {}
           01-05 11:00 bob Reply {"exit": true}
           01-05 10:00 cem Begin {}
           01-05 11:00 cem Reply {}"#,
        "01-05 11:00 ada ends j goal (goal)
         01-05 11:00 bob ends j exit
         01-05 11:00 cem ends j exit_step: awaited",
    );
}

#[test]
fn rule_9_running_runs_before_entries() {
    // The run of the first order ends by the second, which then begins one of its own: it is not joined.
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Order Completed
          again: always
        goal:
          on: Order Completed
        steps:
          - wait: 1d
        ",
        "01-05 10:00 ada Order Completed {}
         01-05 11:00 ada Order Completed {}
         01-07 10:00",
        "01-05 11:00 ada ends j goal (goal)
         01-06 11:00 ada ends j completed",
    );
}

#[test]
fn rule_9_conditions_see_the_profile_including_the_event() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          if: count('Begin') == 2
          again: always
        exit:
          - if: profile.city == 'Ulm'
        steps:
          - wait: 1d
        ",
        r#"01-05 10:00 ada Begin {}
           01-05 11:00 ada Begin {}
           01-05 12:00 ada identify {"city": "Ulm"}"#,
        "01-05 12:00 ada ends j exit",
    );
}

#[test]
fn rule_9_exits_act_at_once_inside_any_wait() {
    let stage = Stage {
        journeys: &["
            journey: j
            topic: news
            enter:
              on: Begin
              again: always
            exit:
              - on: Stop
              - if: cart.count > 0
              - on: Word
                if: event.word == 'stop'
            steps:
              - wait: 1h
                if: entry.at_step == 'wait'
              - wait_until: day 12:00
                if: entry.at_step == 'wait_until'
              - wait_for: Never
                if: entry.at_step == 'wait_for'
                within: 1d
              - send: held
                channel: email
            "],
        shop: "quiet_hours: { email: 09:00-20:00 }",
        story: r#"
            01-05 10:00 ada identify {"email": "a@example.com"}
            01-05 10:00 ada Begin {"at_step": "wait"}
            01-05 10:10 ada Stop {}
            01-05 10:00 bob Begin {"at_step": "wait_until"}
            01-05 10:10 bob Product Added {"product_id": "p"}
            01-05 10:00 cem Begin {"at_step": "wait_for"}
            01-05 10:09 cem Word {"word": "go"}
            01-05 10:10 cem Word {"word": "stop"}
            01-05 10:20 ada Begin {"at_step": "send"}
            01-05 10:30 ada Stop {}
            01-07 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:10 ada ends j exit
         01-05 10:10 bob ends j exit
         01-05 10:10 cem ends j exit
         01-05 10:30 ada ends j exit",
    );
}

#[test]
fn an_exit_that_is_true_already_lets_nothing_be_sent() {
    // Nobody who should be out is spoken to, neither at the beginning nor when time alone has made it true.
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        exit:
          - if: profile.staff == true
          - if: now - entry.at >= 2h
        steps:
          - wait: 1h
          - send: one
            channel: inbox
          - wait: 1h
          - send: two
            channel: inbox
        ",
        r#"01-05 09:00 bob identify {"staff": true}
           01-05 10:00 ada Begin {}
           01-05 10:00 bob Begin {}
           01-05 13:00"#,
        "01-05 10:00 bob ends j exit
         01-05 11:00 ada inbox one
         01-05 12:00 ada ends j exit",
    );
}

#[test]
fn an_exit_calls_off_what_is_queued_and_not_yet_on_its_way() {
    // The message and the exit are of one batch.
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        exit:
          - on: Stop
        steps:
          - send: note
            channel: inbox
            else:
              - send: never
                channel: inbox
        ";
    let told = crate::sweep::alone(journey, "", |alone| {
        alone.event("01-05 10:00", "Begin", "{}");
        alone.event("01-05 10:00", "Stop", "{}");
    });
    assert_eq!(told, ["01-05 10:00 queued note", "01-05 10:00 ends exit", "01-05 10:00 calls off note"]);
}

#[test]
fn a_page_is_no_event_of_that_name() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Order Completed
          again: always
        steps:
          - exit: done
        ",
        "01-05 10:00 ada page Order Completed {}",
        "",
    );
}

#[test]
fn rule_19_two_things_at_once_are_two_journeys() {
    let journey = |name: &str, wait: &str| {
        format!(
            "\njourney: {name}\ntopic: news\nenter: {{ on: Begin, again: always }}\nsteps:\n  - wait: {wait}\n  - send: {name}\n    channel: inbox\n"
        )
    };
    let (one, two) = (journey("one", "2h"), journey("two", "1h"));
    let stage =
        Stage { journeys: &[&one, &two], story: "01-05 10:00 ada Begin {}\n01-05 13:00", ..Stage::default() };
    check(
        &stage,
        "01-05 11:00 ada inbox two
         01-05 11:00 ada ends two completed
         01-05 12:00 ada inbox one
         01-05 12:00 ada ends one completed",
    );
}
