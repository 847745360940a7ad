//! `each`: one run for each element of a list.

use crate::stage::tells;

const REFILL: &str = "
journey: refill
topic: news
enter:
  on: Order Completed
  each: products
  if: item.kind == 'food'
  per: item.product_id
  if_running: restart
goal:
  on: Order Completed
  if: event.products.any(product_id == item.product_id)
exit:
  - on: Subscription Started
    if: event.product_id == item.product_id
steps:
  - wait: 10d
  - set:
      many: = item.quantity * 2
  - send: refill
    channel: inbox
    if: item.kind == 'food' and run.many == 4
    with:
      what: = item.product_id
";

#[test]
fn every_element_begins_a_run_of_its_own() {
    tells(
        REFILL,
        r#"01-05 10:00 ada Order Completed {"products": [{"product_id": "a", "kind": "food", "quantity": 2}, {"product_id": "b", "kind": "food", "quantity": 2}, {"product_id": "c", "kind": "toy"}, {"product_id": "d", "kind": "food", "quantity": 1}]}
           01-08 10:00 ada Subscription Started {"product_id": "b"}
           05-05 10:00"#,
        "01-08 10:00 ada ends refill[b] exit
         01-15 10:00 ada inbox refill
         01-15 10:00 ada refused refill/refill guard
         01-15 10:00 ada ends refill[a] completed
         01-15 10:00 ada ends refill[d] completed",
    );
}

#[test]
fn a_goal_is_of_the_item_and_the_next_order_begins_its_own() {
    tells(
        REFILL,
        r#"01-05 10:00 ada Order Completed {"products": [{"product_id": "a", "kind": "food", "quantity": 2}, {"product_id": "b", "kind": "food", "quantity": 2}]}
           01-06 10:00 ada Order Completed {"products": [{"product_id": "a", "kind": "food", "quantity": 2}]}
           05-05 10:00"#,
        "01-06 10:00 ada ends refill[a] goal (goal)
         01-15 10:00 ada inbox refill
         01-15 10:00 ada ends refill[b] completed
         01-16 10:00 ada inbox refill
         01-16 10:00 ada ends refill[a] completed",
    );
}

#[test]
fn an_item_that_comes_again_restarts_its_run_alone() {
    tells(
        &REFILL.replace(
            "goal:\n  on: Order Completed\n  if: event.products.any(product_id == item.product_id)\n",
            "",
        ),
        r#"01-05 10:00 ada Order Completed {"products": [{"product_id": "a", "kind": "food", "quantity": 2}, {"product_id": "b", "kind": "food", "quantity": 2}]}
           01-06 10:00 ada Order Completed {"products": [{"product_id": "a", "kind": "food", "quantity": 2}]}
           05-05 10:00"#,
        "01-06 10:00 ada ends refill[a] restarted
         01-15 10:00 ada inbox refill
         01-15 10:00 ada ends refill[b] completed
         01-16 10:00 ada inbox refill
         01-16 10:00 ada ends refill[a] completed",
    );
}

#[test]
fn without_a_list_or_a_key_nothing_begins_and_it_is_told() {
    tells(
        REFILL,
        r#"01-05 10:00 ada Order Completed {}
           01-05 10:00 bob Order Completed {"products": []}
           01-05 10:00 cem Order Completed {"products": "a"}
           01-05 10:00 dan Order Completed {"products": [{"kind": "food"}, "x"]}"#,
        "01-05 10:00 ada refused refill no_item
         01-05 10:00 bob refused refill no_item
         01-05 10:00 cem refused refill no_item
         01-05 10:00 dan refused refill no_key",
    );
}
