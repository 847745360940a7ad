//! Carts: the scope `cart`, and the event `Cart Updated` that the engine makes of what shops send.

use crate::stage::{Stage, check, tells};

const ADA: &str = r#"01-05 09:00 ada identify {"email": "ada@example.com", "phone": "+49151"}"#;

#[test]
fn a_cart_left_behind_is_reminded_of_after_silence() {
    let cart = "
journey: cart
topic: news
enter:
  on: Cart Updated
  if: cart.value >= 20 EUR
  idle: 45m
  unless: Order Completed
  per: cart_id
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
steps:
  - send: cart-reminder
    channel: email
";
    let story = format!(
        r#"{ADA}
        01-05 10:00 ada Product Added {{"cart_id": "c", "product_id": "p", "price": 30}}
        01-05 10:30 ada Product Added {{"cart_id": "c", "product_id": "q", "price": 5}}
        01-05 12:00 ada Order Completed {{"order_id": "o", "revenue": 35}}
        01-10 10:00"#
    );
    let stage = Stage { journeys: &[cart], story: &story, ..Stage::default() };
    check(
        &stage,
        "01-05 11:15 ada email cart-reminder
         01-05 11:15 ada ends cart[c] completed (goal, worth 35)",
    );
}

#[test]
fn cart_updated_comes_of_every_event_that_changes_a_cart() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Cart Updated
          per: cart_id
          again: always
          if_running: restart
        steps:
          - wait: 1m
          - exit: one
            if: entry.value == 10 EUR and entry.count == 1 and entry.items.any(product_id == 'p')
          - exit: other
        ";
    tells(
        journey,
        r#"01-05 10:00 ada Product Added {"cart_id": "c", "product_id": "p", "price": 10}
           01-05 10:10 ada Product Added {"cart_id": "c", "product_id": "p", "price": 10}
           01-05 10:20 ada Product Removed {"cart_id": "c", "product_id": "p", "quantity": 1}
           01-05 10:30 ada Product Removed {"cart_id": "c", "product_id": "unknown"}
           01-05 10:40 ada Cart Viewed {"cart_id": "c"}
           01-05 10:50 ada Cart Viewed {"cart_id": "c", "products": []}
           01-05 11:00"#,
        "01-05 10:01 ada ends j[c] exit_step: one
         01-05 10:11 ada ends j[c] exit_step: other
         01-05 10:21 ada ends j[c] exit_step: one
         01-05 10:51 ada ends j[c] exit_step: other",
    );
}

#[test]
fn a_run_sees_its_own_cart_and_one_that_was_bought_is_empty() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Cart Updated
          if: cart.value >= 20 EUR
          per: cart_id
        exit:
          - if: cart.items.count() == 0
        steps:
          - wait: 1h
          - send: yours
            channel: inbox
            if: cart.value == 30 EUR and cart.id == entry.cart_id
        ";
    tells(
        journey,
        r#"01-05 10:00 ada Product Added {"cart_id": "c", "product_id": "p", "price": 30}
           01-05 10:10 ada Product Added {"cart_id": "d", "product_id": "q", "price": 5}
           01-05 10:00 bob Product Added {"cart_id": "c", "product_id": "p", "price": 30}
           01-05 10:10 bob Product Added {"cart_id": "d", "product_id": "q", "price": 5}
           01-05 10:30 bob Order Completed {"cart_id": "c"}
           01-05 12:00"#,
        "01-05 10:30 bob ends j[c] exit
         01-05 11:00 ada inbox yours
         01-05 11:00 ada ends j[c] completed",
    );
}

#[test]
fn without_a_cart_there_is_an_empty_one() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          if: cart.count == 0 and cart.value == 0 EUR and cart.items.count() == 0 and not has(cart.id)
          again: always
        steps:
          - exit: done
        ";
    tells(journey, "01-05 10:00 ada Begin {}", "01-05 10:00 ada ends j exit_step: done");
}

#[test]
fn late_news_of_a_cart_that_was_bought_opens_none() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Cart Updated
          idle: 45m
          per: cart_id
        steps:
          - send: reminder
            channel: inbox
        ";
    tells(
        journey,
        r#"01-05 10:20 ada Order Completed {"order_id": "o"}
           01-05 10:21 ada @10:10 Product Added {"product_id": "p", "price": 10}
           01-05 10:20 bob Order Completed {"order_id": "o"}
           01-05 10:30 bob Product Added {"cart_id": "next", "product_id": "p", "price": 10}
           01-05 12:00"#,
        "01-05 11:15 bob inbox reminder
         01-05 11:15 bob ends j[next] completed",
    );
}
