//! Rules 5 and 6: words of conditions, and what is missing.

use crate::stage::tells;

/// Who of ada (`x: 1`), bob (`x: 2`) and cem, who has none, enters under a condition.
#[track_caller]
fn enters(condition: &str, expected: &str) {
    let journey = format!(
        "
journey: j
topic: news
enter:
  on: Begin
  if: \"{condition}\"
  again: always
steps:
  - exit: done
"
    );
    let story = r#"
        01-05 10:00 ada Begin {"x": 1}
        01-05 10:00 bob Begin {"x": 2}
        01-05 10:00 cem Begin {}"#;
    let lines: String = expected
        .split_whitespace()
        .map(|name| format!("01-05 10:00 {name} ends j exit_step: done\n"))
        .collect();
    tells(&journey, story, &lines);
}

#[test]
fn rule_4_scalars_are_the_text_that_was_written() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - set:
              zip: 01234
              sku: 1e5
              country: NO
              none: null
          - exit: right
            if: run.zip == '01234' and run.sku == '1e5' and run.country == 'NO' and run.none == 'null'
        ",
        "01-05 10:00 ada Begin {}",
        "01-05 10:00 ada ends j exit_step: right",
    );
}

#[test]
fn rule_5_what_begins_with_an_equals_sign_is_computed() {
    tells(
        "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - set:
              text: 1 + 1
              sum: = 1 + 1
          - exit: right
            if: run.text == '1 + 1' and run.sum == 2
        ",
        "01-05 10:00 ada Begin {}",
        "01-05 10:00 ada ends j exit_step: right",
    );
}

#[test]
fn rule_5_and_or_not_in() {
    enters("event.x == 1 or event.x == 2", "ada bob");
    enters("event.x == 1 and event.x == 2", "");
    enters("event.x in [1, 3]", "ada");
    enters("not (event.x in [1, 3])", "bob cem");
    // `not` binds tighter than `and`, `and` tighter than `or`.
    enters("event.x == 1 or event.x == 2 and event.x == 3", "ada");
    enters("not event.x == 1 and event.x == 2", "bob");
}

#[test]
fn rule_6_equal_and_less_with_something_missing_are_false() {
    enters("event.x == 1", "ada");
    enters("event.x < 5", "ada bob");
    enters("event.x <= 1", "ada");
    enters("event.x > 0", "ada bob");
    enters("event.y == event.z", "");
    enters("event.y <= event.z", "");
}

#[test]
fn rule_6_unequal_and_not_are_the_exact_negations() {
    enters("event.x != 1", "bob cem");
    enters("not (event.x == 1)", "bob cem");
    enters("event.y != event.z", "ada bob cem");
    enters("not (event.x < 2)", "bob cem");
    enters("not (event.x != 1)", "ada");
}

#[test]
fn rule_6_what_is_missing_is_in_no_list() {
    enters("event.x in [1]", "ada");
    enters("not (event.x in [1, 2])", "cem");
    enters("event.list.has(1)", "");
    enters("event.list.any(y == 1)", "");
    enters("event.list.all(y == 1)", "ada bob cem");
    enters("event.list.count() == 0", "ada bob cem");
}

#[test]
fn rule_6_has_asks() {
    enters("has(event.x)", "ada bob");
    enters("not has(event.x)", "cem");
}

#[test]
fn rule_6_computing_with_something_missing_gives_nothing() {
    enters("event.x + 1 == 2", "ada");
    enters("event.x + event.y == event.x + event.y", "");
    enters("event.x / 0 > 0", "");
    enters("not (event.x / 0 > 0)", "ada bob cem");
}

#[test]
fn rule_6_null_is_missing_and_another_type_is_unequal() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          if: \"event.x != 1\"
          again: always
        steps:
          - exit: done
        ";
    tells(
        journey,
        r#"01-05 10:00 ada Begin {"x": null}
           01-05 10:00 bob Begin {"x": "1"}
           01-05 10:00 cem Begin {"x": 1}
           01-05 10:00 dan Begin {"x": [1]}"#,
        "01-05 10:00 ada ends j exit_step: done
         01-05 10:00 bob ends j exit_step: done
         01-05 10:00 dan ends j exit_step: done",
    );
}

#[test]
fn money_is_compared_in_the_shops_currency() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Order Completed
          if: event.revenue >= 20 EUR
          again: always
        steps:
          - exit: done
        ";
    let stage = crate::stage::Stage {
        journeys: &[journey],
        shop: "rates: { USD: 0.5 }",
        story: r#"
            01-05 10:00 ada Order Completed {"revenue": 20}
            01-05 10:00 bob Order Completed {"revenue": 39, "currency": "USD"}
            01-05 10:00 cem Order Completed {"revenue": 40, "currency": "USD"}
            01-05 10:00 dan Order Completed {"revenue": 900, "currency": "JPY"}
            01-05 10:00 eve Order Completed {}"#,
        ..Default::default()
    };
    crate::stage::check(
        &stage,
        "01-05 10:00 ada ends j exit_step: done
         01-05 10:00 cem ends j exit_step: done",
    );
}
