//! Rule 8: keys.

use crate::stage::tells;

const ORDER: &str = "
journey: order
topic: news
enter:
  on: Order Completed
  per: order_id
goal:
  on: [Order Completed, Order Praised]
exit:
  - on: Order Cancelled
steps:
  - wait_for: Order Delivered
    within: 5d
  - send: delivered
    channel: inbox
  - wait: 10d
";

#[test]
fn rule_8_a_run_is_journey_person_and_key() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Viewed
          per: product.id
          if_running: ignore
        steps:
          - wait: 1d
        ",
        r#"01-05 10:00 ada Viewed {"product": {"id": "p"}}
           01-05 11:00 ada Viewed {"product": {"id": "q"}}
           01-05 12:00 ada Viewed {"product": {"id": "p"}}
           01-05 12:00 bob Viewed {"product": {"id": "p"}}
           01-07 10:00"#,
        "01-05 12:00 ada refused j already_running
         01-06 10:00 ada ends j[p] completed
         01-06 11:00 ada ends j[q] completed
         01-06 12:00 bob ends j[p] completed",
    );
}

#[test]
fn rule_8_without_the_key_there_is_no_entry() {
    tells(
        ORDER,
        r#"01-05 10:00 ada Order Completed {}
           01-05 10:01 ada Order Completed {"order_id": null}
           01-05 10:02 ada Order Completed {"order_id": ""}
           01-05 10:03 ada Order Completed {"order_id": ["o"]}"#,
        "01-05 10:00 ada refused order no_key
         01-05 10:01 ada refused order no_key
         01-05 10:02 ada refused order no_key
         01-05 10:03 ada refused order no_key",
    );
}

#[test]
fn rule_8_an_event_that_has_the_property_must_agree() {
    tells(
        ORDER,
        r#"01-05 10:00 ada Order Completed {"order_id": "o"}
           01-05 11:00 ada Order Delivered {"order_id": "p"}
           01-05 12:00 ada Order Cancelled {"order_id": "p"}
           01-05 12:30 ada Order Cancelled {"order_id": ["o"]}
           01-05 13:00 ada Order Delivered {"order_id": "o"}
           01-05 14:00 ada Order Cancelled {"order_id": "o"}"#,
        "01-05 13:00 ada inbox delivered
         01-05 14:00 ada ends order[o] exit",
    );
}

#[test]
fn rule_8_a_number_and_the_same_in_quotes_are_one_key() {
    tells(
        ORDER,
        r#"01-05 10:00 ada Order Completed {"order_id": 7}
           01-05 13:00 ada Order Delivered {"order_id": "7"}
           01-05 14:00 ada Order Cancelled {"order_id": 8}"#,
        "01-05 13:00 ada inbox delivered",
    );
}

#[test]
fn rule_8_one_that_lacks_it_counts_for_all_runs() {
    tells(
        ORDER,
        r#"01-05 10:00 ada Order Completed {"order_id": "o"}
           01-05 10:30 bob Order Completed {"order_id": "p"}
           01-05 10:30 bob Order Praised {"order_id": "q"}
           01-05 11:00 bob Order Cancelled {}
           01-05 12:00 ada Order Delivered {}
           01-05 13:00 ada Order Praised {"order_id": null}"#,
        "01-05 11:00 bob ends order[p] exit
         01-05 12:00 ada inbox delivered
         01-05 13:00 ada ends order[o] goal (goal)",
    );
}

#[test]
fn rule_8_a_goal_on_an_event_that_also_starts_is_free_of_the_key() {
    tells(
        ORDER,
        r#"01-05 10:00 ada Order Completed {"order_id": "o"}
           01-06 10:00 ada Order Completed {"order_id": "p"}
           01-07 10:00"#,
        "01-06 10:00 ada ends order[o] goal (goal)",
    );
}

#[test]
fn rule_8_a_goal_on_any_other_event_is_not() {
    tells(
        ORDER,
        r#"01-05 10:00 ada Order Completed {"order_id": "o"}
           01-06 10:00 ada Order Praised {"order_id": "p"}
           01-07 10:00 ada Order Praised {"order_id": "o"}"#,
        "01-07 10:00 ada ends order[o] goal (goal)",
    );
}
