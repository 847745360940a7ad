//! Journeys as graphs: nodes and edges as data, and the two forms they are drawn in.

use std::collections::BTreeMap;

use super::door::{plan, with_steps};
use crate::graph::{self, Graph, Kind, Mark, Standing, svg, text};

/// A line for each node: `kind step: title | lines -> where (when)`.
fn said(graph: &Graph) -> Vec<String> {
    let name = |nth: usize| {
        let node = &graph.nodes[nth];
        node.step.as_deref().unwrap_or(node.kind.code()).to_owned()
    };
    let node = |(nth, node): (usize, &graph::Node)| {
        let lines: Vec<&str> = node.lines.iter().map(graph::Line::text).collect();
        let ways = graph.edges.iter().filter(|edge| edge.from == nth).map(|edge| {
            let label = edge.label.as_ref().map_or(String::new(), |label| format!(" ({label})"));
            format!("{}{label}", name(edge.to))
        });
        let ways: Vec<String> = ways.collect();
        let step = node.step.as_ref().map_or(String::new(), |step| format!(" {step}"));
        format!("{}{step}: {} | {} -> {}", node.kind.code(), node.title, lines.join("; "), ways.join(", "))
    };
    graph.nodes.iter().enumerate().map(node).collect()
}

/// One door: a journey to its graph, which every form draws without fault.
fn check(journey: &str, expected: &[&str]) {
    let graph = graph::of(&plan(journey));
    assert_eq!(said(&graph), expected, "{journey}");
    let drawn = text(&graph, 100);
    assert!(drawn.lines().all(|line| line.chars().count() <= 100), "{drawn}");
    for node in graph.nodes.iter().filter_map(|node| node.step.as_ref()) {
        let once = drawn.matches(&format!("[{node}]")).count();
        assert_eq!(once, 1, "{node} stands {once} times in\n{drawn}");
    }
    let picture = svg(&graph, Standing::Alone, &BTreeMap::new());
    assert_eq!(picture.matches("<g class=").count(), graph.nodes.len(), "{picture}");
    assert_eq!(picture.matches(r#"<path class="way"#).count(), graph.edges.len());
}

const CART: &str = "\
journey: t
topic: offers
lane: carts
cap: 3 per 7d
enter:
  on: Cart Updated
  if: cart.value >= 20 EUR
  except: [staff]
  idle: 45m
  unless: Order Completed
  per: cart_id
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
exit:
  - if: cart.items.count() == 0
holdout: 12.5%
steps:
  - id: nudge
    send: cart-reminder
    channel: [push, email]
    within: 12h
  - wait_for:
      if: nudge.clicked
    within: 1d
    else:
      - send: cart-last-call
        channel: email
        if: cart.items.count() > 0
";

#[test]
fn a_journey_with_everything_around_its_steps() {
    check(
        CART,
        &[
            "trigger: Cart Updated | if cart.value >= 20 EUR; after 45m without another; unless Order Completed; not for \
             staff; one run per cart_id -> nudge",
            "send nudge: cart-reminder | within 12h -> wait_for_1",
            "wait_for wait_for_1: nudge.clicked | at most 1d -> end (nudge.clicked), cart_last_call (after 1d)",
            "send cart_last_call: cart-last-call | if cart.items.count() > 0; within 1d -> end",
            "end: End |  -> ",
            "goal: Order Completed | within 3d; worth event.revenue; ends the run -> ",
            "exits: cart.items.count() == 0 | ends the run, wherever it stands -> ",
            "holdout: 12.5% of people | walk it and get no message -> ",
        ],
    );
}

#[test]
fn every_kind_of_step() {
    check(
        &with_steps(
            "  - send: a
    channel: email
    else:
      - exit: nobody
  - wait: 2d
  - wait_until: weekdays 10:00
  - wait_for:
      - on: Order Shipped
        then:
          - send: b
            channel: email
      - on: Order Cancelled
        if: event.x > 5
    within: 3d
  - set:
      tone: warm
      twice: = 1 + 1
  - branch:
      - if: profile.x == 1
        then:
          - send: c
            channel: email
      - if: profile.x == 2
        then:
          - wait: 1h
  - if: profile.y == 1
    then:
      - exit: done
",
        ),
        &[
            "trigger: Order Completed | one run per order_id -> a",
            "send a: a | within 1d -> wait_1 (sent), exit_1 (not sent)",
            "exit exit_1: nobody |  -> ",
            "wait wait_1: 2d |  -> wait_until_1",
            "wait wait_until_1: weekdays 10:00 |  -> wait_for_1",
            "wait_for wait_for_1: the first of 2 | at most 3d -> b (Order Shipped), set_1 (Order Cancelled if event.x > 5), \
             set_1 (after 3d)",
            "send b: b | within 1d -> set_1",
            "set set_1: tone, twice | tone: warm; twice = 1 + 1 -> branch_1",
            "if branch_1: the first of 2 that holds |  -> c (profile.x == 1), wait_2 (profile.x == 2), if_1 (else)",
            "send c: c | within 1d -> if_1",
            "wait wait_2: 1h |  -> if_1",
            "if if_1: profile.y == 1 |  -> exit_2 (yes), end (no)",
            "exit exit_2: done |  -> ",
            "end: End |  -> ",
        ],
    );
}

#[test]
fn shares_and_a_journey_that_never_comes_to_its_end() {
    check(
        &with_steps(
            "  - choose: offer
    by: fixed
    options:
      none:
        share: 25%
      ten:
        share: 75%
        then:
          - send: ten-off
            channel: email
  - exit: over
",
        ),
        &[
            "trigger: Order Completed | one run per order_id -> offer",
            "choose offer: 2 options |  -> exit_1 (none 25%), ten_off (ten 75%)",
            "send ten_off: ten-off | within 1d -> exit_1",
            "exit exit_1: over |  -> ",
        ],
    );
}

#[test]
fn a_terminal_shows_branches_under_their_labels() {
    let drawn = text(&graph::of(&plan(CART)), 100);
    assert_eq!(
        drawn,
        "\
t
marketing · topic offers · live · priority 50 · lane carts · at most 3 per 7d

▶ Begins on: Cart Updated
│   if cart.value >= 20 EUR
│   after 45m without another
│   unless Order Completed
│   not for staff
│   one run per cart_id
✉ Send by push, else email: cart-reminder [nudge]
│   within 12h
◷ Wait for: nudge.clicked [wait_for_1]
│   at most 1d
├─ nudge.clicked: goes on below
├─ after 1d
│   ✉ Send by email: cart-last-call [cart_last_call]
│   │   if cart.items.count() > 0
│   │   within 1d
■ End

Goal: Order Completed; within 3d; worth event.revenue; ends the run
Exit: cart.items.count() == 0; ends the run, wherever it stands
Holdout: 12.5% of people; walk it and get no message
"
    );
}

#[test]
fn what_a_file_says_is_text_in_the_picture() {
    let graph = graph::of(&plan(&with_steps(
        "  - if: profile.x == '<script>alert(1)</script>\"&'
    then:
      - send: a
        channel: email
",
    )));
    let note = Some("</text><script>".to_owned());
    let marks = BTreeMap::from([(2, Mark { here: Some(12_345), note })]);
    for standing in [Standing::Alone, Standing::Inside] {
        let picture = svg(&graph, standing, &marks);
        assert!(!picture.contains("<script"), "{picture}");
        assert!(picture.contains("&lt;script&gt;") && picture.contains(">12,345<"), "{picture}");
        assert_eq!(picture.contains("<style>"), standing == Standing::Alone);
    }
    assert_eq!(graph.nodes[2].kind, Kind::Send);
}

#[test]
fn a_long_journey_is_drawn() {
    let deep = |depth: usize| {
        let mut steps = String::new();
        for level in 0..depth {
            let indent = "      ".repeat(level);
            steps.push_str(&format!("{indent}  - if: profile.x == {level}\n{indent}    then:\n"));
        }
        let indent = "      ".repeat(depth);
        steps.push_str(&format!("{indent}  - wait: 1h\n"));
        with_steps(&steps)
    };
    let drawn = graph::of(&plan(&deep(6)));
    assert!(text(&drawn, 100).lines().all(|line| line.chars().count() <= 100));
    let many: String = (0..150).map(|nth| format!("  - wait: {}h\n", nth + 1)).collect();
    let drawn = graph::of(&plan(&with_steps(&many)));
    assert_eq!(drawn.nodes.len(), 152);
    assert!(svg(&drawn, Standing::Alone, &BTreeMap::new()).len() < 200_000);
}

/// No way leads upwards: the end of a turn goes where the last turn's does.
#[test]
fn repeats_and_what_steps_do_beside_speaking() {
    check(
        &with_steps(
            "  - repeat: 3
    every: 3d
    while: profile.x == 'y'
    then:
      - send: a
        channel: email
        days: weekdays
        between: 09:00-20:00
        holdout: 10%
      - if: turn > 1
        then:
          - wait_until: = now + 2d
  - update: { tier: gold }
  - track: Lapsed
    with:
      n: = entry.n
  - exit: over
",
        ),
        &[
            "trigger: Order Completed | one run per order_id -> repeat_1",
            "if repeat_1: 3 times at most | while profile.x == 'y'; every 3d, after the last too -> a (each turn), update_1 (none)",
            "send a: a | within 1d; weekdays 09:00-20:00; withheld from 10% of people -> if_1",
            "if if_1: turn > 1 |  -> wait_until_1 (yes), update_1 (no)",
            "wait wait_until_1: now + 2d |  -> update_1 (after the last turn)",
            "set update_1: tier | tier: gold -> track_1",
            "set track_1: Lapsed | n = entry.n -> exit_1",
            "exit exit_1: over |  -> ",
        ],
    );
    let held = "hold:\n  while: profile.tickets > 0\n  within: 14d\nsteps:\n  - repeat: 2\n    then:\n      - exit: x\n";
    check(
        &with_steps("").replace("steps:\n", held),
        &[
            "trigger: Order Completed | one run per order_id -> repeat_1",
            "if repeat_1: 2 times at most |  -> exit_1 (each turn), end (none)",
            "exit exit_1: x |  -> ",
            "end: End |  -> ",
            "hold: profile.tickets > 0 | no run walks on; at most 14d, then it goes on -> ",
        ],
    );
}
