//! What right journeys become.

use std::fmt::Write as _;
use std::sync::Arc;

use journeyman_domain::expr::{Comparison, Expr, ListCall, Root, Type};
use journeyman_domain::plan::{Again, IfRunning, JourneyKind, Plan, Setting, Since, Status, Step};
use journeyman_domain::value::{Span, Value};

use super::door::{around, plan, with_steps};
use crate::{Source, check};

/// A plan's graph, a line for each node: id, what it does, where it goes.
fn graph(plan: &Plan) -> String {
    let to = |nth: Option<usize>| nth.map_or("end", |nth| plan.nodes[nth].id.as_ref());
    let mut told = String::new();
    for node in &plan.nodes {
        let step = match &node.step {
            Step::Send(send) => format!("send {} {:?} {}", send.template, send.channels, send.within),
            Step::Wait(span) => format!("wait {span}"),
            Step::WaitUntil(when) => format!("until {:?} {}", when.days, when.at),
            Step::WaitFor { branches, within } => {
                let branch = |branch: &journeyman_domain::plan::Branch| {
                    format!(
                        "{:?} {:?} -> {}",
                        branch.trigger.on,
                        branch.trigger.condition,
                        branch.then.map_or("next", |then| to(Some(then)))
                    )
                };
                format!("for {:?} within {within}", branches.iter().map(branch).collect::<Vec<_>>())
            }
            Step::If(arms) => {
                let arm = |arm: &journeyman_domain::plan::Arm| {
                    format!("{:?} -> {}", arm.condition, arm.then.map_or("next", |then| to(Some(then))))
                };
                format!("if {:?}", arms.iter().map(arm).collect::<Vec<_>>())
            }
            Step::Set(set) => {
                let set: Vec<String> = set
                    .iter()
                    .map(|(name, setting)| match setting {
                        Setting::Text(text) => format!("{name}: {text}"),
                        Setting::Computed(condition) => format!("{name}: = {condition:?}"),
                    })
                    .collect();
                format!("set {}", set.join(", "))
            }
            Step::WaitUntilComputed(moment) => format!("until = {moment:?}"),
            Step::Update(set) => format!("update {set:?}"),
            Step::Track { event, with } => format!("track {event} {with:?}"),
            Step::Start { journey, with } => format!("start {journey} {with:?}"),
            Step::Use { snippet, with, then } => format!("use {snippet} {with:?} -> {}", to(*then)),
            Step::Repeat { times, every, condition, then } => {
                let every = every.map_or(String::new(), |every| format!(" every {every}"));
                let condition = condition.as_ref().map_or(String::new(), |asked| format!(" while {asked:?}"));
                format!("repeat {times}{every}{condition} -> {}", to(*then))
            }
            Step::Call(call) => format!("call {} {} {:?}", call.method, call.url, call.fields),
            Step::Exit(reason) => format!("exit {reason}"),
            Step::Choose(shares) => {
                let share = |share: &journeyman_domain::plan::Share| {
                    format!(
                        "{} {} -> {}",
                        share.name,
                        share.share,
                        share.then.map_or("next", |then| to(Some(then)))
                    )
                };
                format!("choose {:?}", shares.iter().map(share).collect::<Vec<_>>())
            }
        };
        let otherwise = node.otherwise.map_or(String::new(), |nth| format!(" else {}", to(Some(nth))));
        let guard = node.guard.as_ref().map_or(String::new(), |guard| format!(" guard {guard:?}"));
        let holdout = if node.in_holdout { " in_holdout" } else { "" };
        writeln!(told, "{}: {step}{guard}{otherwise} next {}{holdout}", node.id, to(node.next)).unwrap();
    }
    told
}

fn check_graph(steps: &str, expected: &str) {
    let plan = plan(&with_steps(steps));
    assert_eq!(graph(&plan), expected, "{steps}");
    assert_eq!(plan.first, Some(0));
    let ids: std::collections::BTreeSet<_> = plan.nodes.iter().map(|node| &node.id).collect();
    assert_eq!(ids.len(), plan.nodes.len());
    assert!(plan.nodes.is_sorted_by_key(|node| node.line), "nodes are in the order of the source");
}

#[test]
fn a_row_of_steps() {
    check_graph(
        "  - send: cart-reminder\n    channel: [push, email]\n  - wait: 2w\n  - wait: 12h\n    id: nap\n    in_holdout: yes\n  - wait_until: monday 09:00\n  - set:\n      zip: 01234\n      country: NO\n      pick: = entry.products.max_by(price)\n    note: as written\n  - send: last\n    channel: sms\n    within: 3h\n    at: now\n    if: run.country == 'NO'\n    else:\n      - exit: no\n",
        "cart_reminder: send cart-reminder [Push, Email] 1d next wait_1\n\
         wait_1: wait 14d next nap\n\
         nap: wait 12h next wait_until_1 in_holdout\n\
         wait_until_1: until Week([Monday]) 09:00:00 next set_1\n\
         set_1: set zip: 01234, country: NO, pick: = entry.products.max_by(price) next last\n\
         last: send last [Sms] 3h guard run.country == 'NO' else exit_1 next end\n\
         exit_1: exit no next end\n",
    );
}

#[test]
fn blocks_join_where_their_step_goes_on() {
    check_graph(
        "  - if: profile.x\n    then:\n      - wait: 1h\n      - if: profile.y\n        then: { wait: 2h }\n    else:\n      - wait: 3h\n  - branch:\n      - if: profile.a\n        then: { wait: 4h }\n      - if: profile.b\n        then: []\n      - else: { exit: gone }\n  - wait: 5h\n",
        "if_1: if [\"profile.x -> wait_1\"] else wait_3 next branch_1\n\
         wait_1: wait 1h next if_2\n\
         if_2: if [\"profile.y -> wait_2\"] next branch_1\n\
         wait_2: wait 2h next branch_1\n\
         wait_3: wait 3h next branch_1\n\
         branch_1: if [\"profile.a -> wait_4\", \"profile.b -> next\"] else exit_1 next wait_5\n\
         wait_4: wait 4h next wait_5\n\
         exit_1: exit gone next wait_5\n\
         wait_5: wait 5h next end\n",
    );
}

#[test]
fn waits_for_one_or_the_other() {
    check_graph(
        "  - send: a\n    channel: inbox\n  - wait_for: Order Delivered\n    within: 21d\n    else: { exit: no-news }\n  - wait_for:\n      if: a.clicked\n    within: 4h\n    then: { wait: 1h }\n  - wait_for:\n      - on: Product Reviewed\n        if: event.rating > 3\n        then: { exit: reviewed }\n      - if: a.failed\n      - on: [X, Y]\n    else: { wait: 2h }\n    within: 6d\n    if: profile.x\n  - wait: 3h\n",
        "a: send a [Inbox] 1d next wait_for_1\n\
         wait_for_1: for [\"[\\\"Order Delivered\\\"] None -> next\"] within 21d else exit_1 next wait_for_2\n\
         exit_1: exit no-news next wait_for_2\n\
         wait_for_2: for [\"[] Some(a.clicked) -> wait_1\"] within 4h next wait_for_3\n\
         wait_1: wait 1h next wait_for_3\n\
         wait_for_3: for [\"[\\\"Product Reviewed\\\"] Some(event.rating > 3) -> exit_2\", \"[] Some(a.failed) -> next\", \"[\\\"X\\\", \\\"Y\\\"] None -> next\"] within 6d guard profile.x else wait_2 next wait_3\n\
         exit_2: exit reviewed next wait_3\n\
         wait_2: wait 2h next wait_3\n\
         wait_3: wait 3h next end\n",
    );
}

#[test]
fn else_before_then_and_guards_with_else() {
    check_graph(
        "  - if: profile.x\n    else: { wait: 1h }\n    then: { wait: 2h }\n  - wait: 3h\n    if: profile.y\n    else:\n      - wait: 4h\n  - choose: last-offer\n    by: fixed\n    options:\n      nothing:\n        share: 33.3%\n      mail:\n        share: 66.7%\n        then:\n          - send: b\n            channel: email\n    if: profile.z\n    else: { exit: none }\n",
        "if_1: if [\"profile.x -> wait_2\"] else wait_1 next wait_3\n\
         wait_1: wait 1h next wait_3\n\
         wait_2: wait 2h next wait_3\n\
         wait_3: wait 3h guard profile.y else wait_4 next last_offer\n\
         wait_4: wait 4h next last_offer\n\
         last_offer: choose [\"nothing 0.333 -> next\", \"mail 0.667 -> b\"] guard profile.z else exit_1 next end\n\
         b: send b [Email] 1d next end\n\
         exit_1: exit none next end\n",
    );
}

#[test]
fn one_step_needs_no_list() {
    let plan = plan(
        "journey: t\nkind: transactional\nenter: { on: X, again: never }\nsteps: { send: a, channel: inbox }\n",
    );
    assert_eq!(graph(&plan), "a: send a [Inbox] 1d next end\n");
}

#[test]
fn a_header_with_everything() {
    let text = "\
journey: t
description: \"What it does: much\"
owner: ada
lang: 1
pin: no
seed: older-name
kind: transactional
topic: offers
status: draft
priority: 70
lane: abandonment
cap: 3 per 7d
quiet_hours: respect
holdout: 12.5%
enter:
  on: [Cart Updated, Cart Viewed]
  if: cart.value >= 20 EUR and event.cart_id != 'x' and has(event.cart_id)
  to: vip
  except: [staff]
  idle: 45m
  unless: Order Completed
  per: cart_id
  if_running: restart
  again: every 3d
  max_age: 2h
goal:
  on: Order Completed
  if: event.revenue > entry.value
  within: 3d
  since: first_send
  value: event.revenue - event.discount
  exit: no
exit:
  - if: cart.items.count() == 0
  - on: Order Refunded
    if: event.order_id == entry.whatever.deep
steps:
  - wait: 1d
";
    let plan = plan(text);
    assert_eq!((plan.kind, plan.status, plan.priority), (JourneyKind::Transactional, Status::Draft, 70));
    assert_eq!(plan.seed.as_ref(), "older-name");
    assert_eq!(plan.lane.as_deref(), Some("abandonment"));
    assert_eq!(plan.cap.map(|cap| (cap.count, cap.per)), Some((3, Span::Days(7))));
    assert!(plan.quiet_hours && (plan.holdout - 0.125).abs() < 1e-12);
    let enter = &plan.enter;
    assert_eq!(enter.on.len(), 2);
    assert_eq!((enter.idle, enter.max_age), (Some(Span::minutes(45)), Span::hours(2)));
    assert_eq!((enter.if_running, enter.again), (IfRunning::Restart, Again::Every(Span::Days(3))));
    assert_eq!(enter.per.as_deref(), Some(&[Arc::from("cart_id")][..]));
    let goal = plan.goal.as_ref().unwrap();
    assert_eq!((goal.since, goal.exit, goal.within), (Since::FirstSend, false, Some(Span::Days(3))));
    assert_eq!(goal.value.as_ref().unwrap().text.as_ref(), "event.revenue - event.discount");
    assert_eq!(plan.exits.len(), 2);
    let properties: Vec<&str> = plan.entry_properties.iter().map(AsRef::as_ref).collect();
    // `currency` beside the amount; `cart_id` for the key, for `idle` and for the run's own cart.
    assert_eq!(properties, ["cart_id", "currency", "value", "whatever"]);
}

#[test]
fn defaults() {
    let plan = plan("journey: t\ntopic: offers\nenter:\n  on: X\n  per: a.b\nsteps:\n  - wait: 1d\n");
    assert_eq!((plan.kind, plan.status, plan.priority), (JourneyKind::Marketing, Status::Live, 50));
    assert_eq!(
        (plan.name.as_ref(), plan.seed.as_ref(), plan.quiet_hours, plan.holdout),
        ("t", "t", true, 0.0)
    );
    assert_eq!(
        (plan.enter.again, plan.enter.if_running, plan.enter.max_age),
        (Again::Always, IfRunning::Join, Span::hours(24))
    );
    assert_eq!(plan.enter.per.as_deref().map(<[_]>::len), Some(2));
    assert_eq!(plan.entry_properties, [Arc::from("a")] as [Arc<str>; 1]);
    let sources = around(
        "journeys/t.yaml",
        "journey: t\nkind: transactional\nenter:\n  on: X\n  again: never\nsteps:\n  - wait: 1d\n",
    );
    let plan = check(&sources, None, false).deployment.unwrap().plans[0].clone();
    assert!(!plan.quiet_hours && plan.topic.is_none());
}

/// The expression of a step's guard.
fn expr(condition: &str) -> Expr {
    let steps = format!(
        "  - set:\n      n: = 1\n      pick: = entry.products.max_by(price)\n  - send: a\n    channel: email\n    if: \"{condition}\"\n"
    );
    plan(&with_steps(&steps)).nodes[1].guard.clone().unwrap().expr.as_ref().clone()
}

fn path(root: Root, fields: &[&str]) -> Box<Expr> {
    Box::new(Expr::Path(root, fields.iter().map(|field| Arc::from(*field)).collect()))
}

fn money(of: Box<Expr>) -> Box<Expr> {
    Box::new(Expr::As(Type::Money, of))
}

#[test]
fn what_is_of_unknown_type_becomes_what_the_other_side_is() {
    let literal = |text: &str| match expr(&format!("cart.value == {text}")) {
        Expr::Compare(_, _, right) => right,
        other => panic!("{other:?}"),
    };
    let twenty = || literal("20 EUR");
    let ge = |a, b| Expr::Compare(Comparison::Ge, a, b);
    assert_eq!(expr("profile.spent >= 20 EUR"), ge(money(path(Root::Profile, &["spent"])), twenty()));
    // A described amount of an event is a number in JSON; one of the cart is money already.
    assert_eq!(expr("entry.revenue >= 20 EUR"), ge(money(path(Root::Entry, &["revenue"])), twenty()));
    assert_eq!(expr("cart.value >= 20 EUR"), ge(path(Root::Cart, &["value"]), twenty()));
    // Scores are kept among the traits, where no identify gets to; money among them as in an event.
    assert_eq!(expr("scores.clv >= 20 EUR"), ge(money(path(Root::Profile, &["$scores", "clv"])), twenty()));
    assert_eq!(
        expr("scores.churn >= 0.5"),
        ge(path(Root::Profile, &["$scores", "churn"]), Box::new(Expr::Literal(Value::Number(0.5))))
    );
    assert_eq!(expr("run.pick.price >= 20 EUR"), ge(money(path(Root::Run, &["pick", "price"])), twenty()));
    assert_eq!(expr("run.n >= 3"), ge(path(Root::Run, &["n"]), Box::new(Expr::Literal(Value::Number(3.0)))));
    assert_eq!(
        expr("entry.products.any(price >= 20 EUR)"),
        Expr::Call(
            ListCall::Any,
            path(Root::Entry, &["products"]),
            Some(Box::new(ge(money(path(Root::Element, &["price"])), twenty()))),
        )
    );
    assert_eq!(
        expr("cart.items.any(price >= 20 EUR)"),
        Expr::Call(
            ListCall::Any,
            path(Root::Cart, &["items"]),
            Some(Box::new(ge(path(Root::Element, &["price"]), twenty()))),
        )
    );
    assert_eq!(
        expr("profile.birthday >= now"),
        ge(Box::new(Expr::As(Type::Time, path(Root::Profile, &["birthday"]))), Box::new(Expr::Now))
    );
    assert_eq!(
        expr("profile.n >= 10%"),
        ge(path(Root::Profile, &["n"]), Box::new(Expr::Literal(Value::Number(0.1))))
    );
    // Asking whether something is there asks for the thing itself.
    assert_eq!(expr("has(entry.revenue)"), Expr::Has(path(Root::Entry, &["revenue"])));
}

#[test]
fn counters_and_operators() {
    let Expr::Compare(_, count, _) = expr("count('Product Viewed', 24h, entry.order_id == sku) > 1") else {
        panic!()
    };
    let Expr::Count(counted) = *count else { panic!() };
    assert_eq!((counted.event.as_ref(), counted.window), ("Product Viewed", Some(Span::hours(24))));
    assert_eq!(counted.filter.map(|filter| filter.property), Some(Arc::from("sku")));
    let Expr::Compare(_, sum, _) = expr("sum('Order Completed', 'revenue') > 100 EUR") else { panic!() };
    let Expr::As(Type::Money, sum) = *sum else { panic!() };
    let Expr::Sum(counted) = *sum else { panic!() };
    assert!(counted.money && counted.window.is_none());
    // or > and > not > comparison > + > *, the loosest first.
    let same = [
        (
            "profile.a or profile.b and not profile.c == 1 + 2 * 3",
            "profile.a or (profile.b and (not (profile.c == (1 + (2 * 3)))))",
        ),
        ("profile.a - 1 - 2 == 0", "((profile.a - 1) - 2) == 0"),
        ("!profile.a && profile.b || profile.c", "(not profile.a and profile.b) or profile.c"),
        ("profile.a not in ['x']", "not (profile.a in ['x'])"),
        ("profile.a == -5", "profile.a == (-5)"),
    ];
    for (a, b) in same {
        assert_eq!(expr(a), expr(b), "{a}");
    }
}

#[test]
fn variables_have_the_type_of_what_they_are_set_to() {
    let told = |set: &str, condition: &str| {
        let text =
            with_steps(&format!("  - if: {condition}\n    then: {{ exit: x }}\n  - set:\n      {set}\n"));
        super::door::said(&super::door::of("journeys/t.yaml", &text)).join("\n")
    };
    assert_eq!(told("a: = cart.value * 2", "run.a > 20 EUR"), "");
    assert!(told("a: = cart.value * 2", "run.a > 20").starts_with("J0508"));
    assert!(told("a: 5", "run.a > 20").starts_with("J0507"));
    assert_eq!(told("a: = now + 3d", "run.a > now"), "");
    // Of what another step makes of it nothing is known.
    assert_eq!(told("a: = 1\n  - set:\n      a: x", "run.a > 20"), "");
    // One variable of another, and of itself.
    assert!(told("b: = 1\n      a: = run.b + 1", "run.a == 'x'").starts_with("J0507"));
    assert_eq!(told("a: = run.a + 1", "run.a == 3"), "");
}

#[test]
fn a_deployment_has_everything() {
    let mut sources = around("journeys/t.yaml", &with_steps("  - wait: 1d\n"));
    sources.push(Source {
        path: "journeys/deep/er/u.yaml".to_owned(),
        text: "journey: u\ntopic: offers\nstatus: archived\nenter: { on: X, again: never }\nsteps: { wait: 1d }\n".to_owned(),
    });
    let deployment = check(&sources, None, false).deployment.unwrap();
    assert_eq!(deployment.number, 0);
    assert_eq!(deployment.plans.len(), 2);
    assert_eq!(deployment.segments.len(), 2);
    assert_eq!(deployment.policies.topics.len(), 2);
    assert_eq!(deployment.policies.zone.iana_name(), Some("Europe/Berlin"));
}
