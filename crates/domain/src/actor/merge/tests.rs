mod lives;

use serde_json::json;

use super::*;
use crate::actor::{Input, Outcome, step};
use crate::merge::Merge;
use crate::person::{Person, Position, SendState};
use crate::plan::sample::{at, goal, plan, plans, send};
use crate::plan::{Channel, IfRunning, Plans, Policies, Share, Step, Trigger};
use crate::row::StoredEvent;
use crate::value::Value;
use crate::{EventId, Kind, SeenKey, ShopTime};

/// Two people who are one, under the ids of a browser and of the shop.
struct Two {
    plans: Plans,
    ada: Person,
    browser: Person,
    events: usize,
}

/// So many minutes after ten.
fn minute(nth: i64) -> ShopTime {
    at("2026-01-05T10:00:00Z").saturating_add(jiff::SignedDuration::from_mins(nth))
}

impl Two {
    fn new(of: Vec<Plan>) -> Self {
        let plans = plans(of, Policies::default());
        let [ada, browser] = [1, 2].map(|id| Person::new(PersonId(id), id));
        Self { plans, ada, browser, events: 0 }
    }

    /// Something happens to one of them.
    fn happen(&mut self, who: i64, nth: i64, name: &str, properties: serde_json::Value) -> Outcome {
        self.events += 1;
        let event = StoredEvent {
            id: EventId::new(minute(nth), SeenKey::new("merge", &self.events.to_string())),
            kind: if name.is_empty() { Kind::Identify } else { Kind::Track },
            name: name.into(),
            occurred_at: minute(nth),
            received_at: minute(nth),
            historical: false,
            payload: json!({ "properties": properties, "traits": properties }).to_string(),
        };
        let person = if who == 1 { &mut self.ada } else { &mut self.browser };
        step(&self.plans, person, Input::Event(&event), minute(nth), None).unwrap()
    }

    /// It turns out that they are one.
    fn merge(&mut self, nth: i64) -> Outcome {
        let merge = Merge { loser: self.browser.id, winner: self.ada.id };
        let now = minute(nth);
        let close = Input::Close { merge, at: now };
        let closed = step(&self.plans, &mut self.browser, close, now, None).unwrap();
        let state = closed.handed.unwrap();
        // As it arrives.
        let stored = crate::person::encode_handover(&state);
        let arrived = crate::person::decode_handover(&stored).unwrap();
        let arrived = Handover { features: state.features, ..arrived };
        let take = Input::Take { merge, at: now, state: &arrived };
        step(&self.plans, &mut self.ada, take, now, None).unwrap()
    }

    fn timers(&mut self, nth: i64) -> Outcome {
        let mut all = Outcome::default();
        while self.ada.next_due().is_some_and(|due| due <= minute(nth)) {
            let due = Input::Timers(minute(nth));
            let outcome = step(&self.plans, &mut self.ada, due, minute(nth), None).unwrap();
            all.queued.extend(outcome.queued);
            all.refusals.extend(outcome.refusals);
        }
        all
    }

    fn journeys(&self) -> Vec<(&str, u32)> {
        self.ada.runs.iter().map(|run| (run.journey.as_ref(), run.number)).collect()
    }
}

fn ended(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.ended.iter().map(|run| (run.journey.as_ref(), run.reason.as_str())).collect()
}

fn refused(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.refusals.iter().map(|refusal| (refusal.of.as_ref(), refusal.reason.code())).collect()
}

/// Waits an hour, then sends; an order is its goal.
fn waits(name: &str, on: &str) -> Plan {
    let mut plan = plan(name, on, vec![Step::Wait(Span::hours(1)), send(name, Channel::Inbox)]);
    plan.goal = Some(goal("Order Completed", Span::Days(3)));
    plan
}

/// Begins after 45 minutes of silence, unless there is an order.
fn idle() -> Plan {
    let mut plan = plan("cart", "Cart Updated", vec![send("cart", Channel::Inbox)]);
    plan.enter.idle = Some(Span::minutes(45));
    plan.enter.unless = vec!["Order Completed".into()];
    plan.goal = Some(goal("Order Completed", Span::Days(3)));
    plan.exits = vec![Trigger { on: vec!["Order Completed".into()], condition: None }];
    plan
}

fn product() -> serde_json::Value {
    json!({ "cart_id": "c", "product_id": "p", "price": 30 })
}

#[test]
fn an_order_under_either_id_cancels_the_start_that_the_other_awaits() {
    for (cart, order) in [(1, 2), (2, 1)] {
        let mut two = Two::new(vec![idle()]);
        two.happen(cart, 0, "Product Added", product());
        two.happen(order, 10, "Order Completed", json!({}));
        let outcome = two.merge(20);
        assert_eq!(refused(&outcome), [("cart", "cancelled")], "cart of {cart}");
        assert_eq!(two.ada.hot.carts.latest(), None);
        assert_eq!((two.timers(100).queued.len(), two.ada.next_due()), (0, None));
    }
}

#[test]
fn what_is_added_after_the_order_is_awaited_still() {
    for (cart, order) in [(1, 2), (2, 1)] {
        let mut two = Two::new(vec![idle()]);
        two.happen(order, 0, "Order Completed", json!({}));
        two.happen(cart, 10, "Product Added", product());
        assert_eq!(refused(&two.merge(20)), []);
        assert_eq!(two.timers(100).queued.len(), 1, "cart of {cart}");
    }
}

#[test]
fn a_goal_reached_under_either_id_ends_the_run_of_the_other_with_its_worth() {
    for (run, order) in [(1, 2), (2, 1)] {
        let mut plan = waits("j", "Begin");
        let revenue = crate::expr::Expr::Path(crate::expr::Root::Event, ["revenue".into()].into());
        plan.goal.as_mut().unwrap().value = Some(crate::plan::Condition::new("event.revenue", revenue));
        let mut two = Two::new(vec![plan]);
        two.happen(run, 0, "Begin", json!({}));
        two.happen(order, 10, "Order Completed", json!({ "revenue": 12.5, "coupon": "x" }));
        let outcome = two.merge(20);
        assert_eq!(ended(&outcome), [("j", "goal")]);
        let row = &outcome.ended[0];
        assert_eq!((row.person, row.goal_value, row.goal_at), (PersonId(1), Some(12.5), Some(minute(10))));
        assert_eq!(two.timers(200).queued.len(), 0);
    }
}

#[test]
fn what_happened_before_the_entry_is_no_goal() {
    let mut two = Two::new(vec![waits("j", "Begin")]);
    two.happen(1, 0, "Order Completed", json!({}));
    two.happen(2, 10, "Begin", json!({}));
    assert_eq!(ended(&two.merge(20)), []);
    assert_eq!(two.timers(200).queued.len(), 1);
}

#[test]
fn a_message_that_has_not_left_is_called_off_by_the_order_under_the_other_id() {
    let mut plan = plan("j", "Begin", vec![send("hello", Channel::Inbox), Step::Wait(Span::Days(1))]);
    plan.goal = Some(goal("Order Completed", Span::Days(3)));
    let mut two = Two::new(vec![plan]);
    let message = two.happen(2, 0, "Begin", json!({})).queued[0].message;
    two.happen(1, 10, "Order Completed", json!({}));
    let outcome = two.merge(20);
    assert_eq!(outcome.cancelled, [message]);
    assert_eq!(ended(&outcome), [("j", "goal")]);
}

#[test]
fn runs_and_their_timers_move_with_new_numbers() {
    let mut two = Two::new(vec![waits("a", "A"), waits("b", "B"), waits("c", "C")]);
    two.happen(1, 0, "A", json!({}));
    two.happen(2, 0, "B", json!({}));
    two.happen(2, 5, "C", json!({}));
    assert_eq!(refused(&two.merge(10)), []);
    assert_eq!(two.journeys(), [("a", 1), ("b", 2), ("c", 3)]);
    assert!(two.ada.runs.iter().skip(1).all(|run| run.dirty && !run.stored));
    assert_eq!((two.browser.runs.len(), two.browser.next_due()), (0, None));
    assert_eq!(two.browser.merged_into, Some(PersonId(1)));
    let sent = two.timers(61).queued;
    let sent: Vec<_> = sent.iter().map(|row| (row.person.0, row.run, row.template.as_ref())).collect();
    assert_eq!(sent, [(1, 1, "a"), (1, 2, "b")]);
    assert_eq!(two.timers(65).queued.len(), 1);
}

#[test]
fn of_two_runs_of_one_journey_and_key_one_goes_on() {
    // (what an entry does to a run under way, who entered first, whose run goes on)
    for (if_running, first, goes_on) in [
        (IfRunning::Join, 1, 1),
        (IfRunning::Join, 2, 2),
        (IfRunning::Ignore, 2, 2),
        (IfRunning::Restart, 1, 2),
        (IfRunning::Restart, 2, 1),
    ] {
        let mut plan = waits("j", "Begin");
        plan.enter.if_running = if_running;
        plan.enter.per = Some(["key".into()].into());
        let mut two = Two::new(vec![plan]);
        two.happen(first, 0, "Begin", json!({ "key": "k" }));
        two.happen(3 - first, 10, "Begin", json!({ "key": "k" }));
        two.happen(2, 11, "Begin", json!({ "key": "another" }));
        let outcome = two.merge(20);
        assert_eq!(ended(&outcome), [("j", "merged")], "{if_running:?}");
        let runs: Vec<_> = two.ada.runs.iter().map(|run| (run.key.as_deref(), run.number)).collect();
        let mine = if goes_on == 1 { 1 } else { 2 };
        assert_eq!(runs, [(Some("k"), mine), (Some("another"), 3)], "{if_running:?}, {first} first");
    }
}

#[test]
fn who_had_entered_once_under_the_other_id_does_not_walk_it_again() {
    let mut once = plan("once", "Begin", vec![send("hello", Channel::Inbox), Step::Wait(Span::Days(1))]);
    once.enter.again = Again::Never;
    // The run under the first id is long over.
    let mut short = once.clone();
    short.nodes.truncate(1);
    short.nodes[0].next = None;
    for (first, plan) in [(1, &short), (2, &short)] {
        let mut two = Two::new(vec![plan.clone()]);
        two.happen(first, 0, "Begin", json!({}));
        two.plans = plans(vec![once.clone()], Policies::default());
        two.happen(3 - first, 10, "Begin", json!({}));
        let outcome = two.merge(20);
        assert_eq!(ended(&outcome), [("once", "merged")]);
        let again = two.happen(1, 30, "Begin", json!({}));
        assert_eq!(refused(&again), [("once", "again")]);
    }
}

#[test]
fn the_lane_goes_to_the_higher_priority() {
    let lane = |name: &str, on: &str, priority: u8| {
        let mut plan = waits(name, on);
        (plan.lane, plan.priority) = (Some("shop".into()), priority);
        plan
    };
    for (one, other) in [("A", "B"), ("B", "A")] {
        let mut two = Two::new(vec![lane("low", "A", 10), lane("high", "B", 70)]);
        two.happen(1, 0, one, json!({}));
        two.happen(2, 10, other, json!({}));
        two.merge(20);
        let walking = two.ada.runs.iter().filter(|run| run.walks());
        assert_eq!(walking.map(|run| run.journey.as_ref()).collect::<Vec<_>>(), ["high"]);
    }
}

#[test]
fn a_wait_is_over_for_what_happened_since_it_began() {
    use crate::plan::Branch;
    let trigger = Trigger { on: vec!["Reply".into()], condition: None };
    let branches = vec![Branch { trigger, then: None }];
    let wait = Step::WaitFor { branches, within: Span::Days(1) };
    let plan = plan("j", "Begin", vec![Step::Wait(Span::minutes(30)), wait, send("thanks", Channel::Inbox)]);
    for (reply, thanked) in [(20, false), (40, true)] {
        let mut two = Two::new(vec![plan.clone()]);
        two.happen(1, 0, "Begin", json!({}));
        two.timers(30);
        two.happen(2, reply, "Reply", json!({}));
        let outcome = two.merge(50);
        assert_eq!(!outcome.queued.is_empty(), thanked, "a reply in minute {reply}");
    }
}

#[test]
fn a_no_under_either_id_calls_off_what_the_other_has_on_its_way() {
    for (no, sent) in [(1, 2), (2, 1)] {
        let plan = plan("j", "Begin", vec![send("hello", Channel::Email), Step::Wait(Span::Days(1))]);
        let mut two = Two::new(vec![plan]);
        two.happen(sent, 0, "", json!({ "email": "a@example.com" }));
        let message = two.happen(sent, 1, "Begin", json!({})).queued[0].message;
        two.happen(no, 5, "Unsubscribed", json!({}));
        let outcome = two.merge(10);
        assert_eq!(outcome.cancelled, [message]);
        let result = two.ada.runs[0].results[0].1.state.clone();
        assert_eq!(result, SendState::NotSent(Refused::NoConsent));
    }
}

#[test]
fn traits_counters_caps_and_clocks_are_those_of_both() {
    let mut two = Two::new(vec![waits("j", "Begin")]);
    two.happen(1, 0, "", json!({ "name": "Ada", "city": "Rome", "timezone": "Europe/Rome" }));
    two.happen(2, 5, "", json!({ "city": "Tokyo", "timezone": "Asia/Tokyo" }));
    two.happen(1, 9, "", json!({ "name": "Ada L" }));
    two.happen(2, 12, "Begin", json!({}));
    two.merge(20);
    let trait_of = |name: &str| two.ada.profile(name);
    assert_eq!([trait_of("name"), trait_of("city")], [Value::text("Ada L"), Value::text("Tokyo")]);
    assert_eq!(trait_of("time_zone"), Value::text("Asia/Tokyo"));
    assert_eq!(trait_of("first_seen"), Value::Time(minute(12)));
    // The hour goes on from the step's own beginning.
    let Position::At { reached, .. } = &two.ada.runs[0].position else { panic!("it waits") };
    assert_eq!((*reached, two.ada.next_due()), (minute(12), Some(minute(72))));
}

#[test]
fn who_was_drawn_into_two_options_is_marked() {
    let mut held = waits("held", "Begin");
    held.holdout = 0.5;
    let share = |name: &str, share| Share { name: name.into(), share, then: None };
    let choose = Step::Choose(vec![share("a", 0.5), share("b", 0.5)]);
    let plans = vec![held, plan("chooses", "Begin", vec![choose]), waits("same", "Begin")];
    let (mut marked, mut stay) = (0, 0);
    for key in 1..60 {
        let mut two = Two::new(plans.clone());
        two.browser.assignment_key = key + 1_000;
        two.happen(2, 0, "Begin", json!({}));
        let held_out = two.browser.runs.iter().find(|run| run.journey.as_ref() == "held").unwrap().held_out;
        let mixed = two.merge(10).mixed;
        let ours = two.happen(1, 20, "Other", json!({}));
        assert!(!mixed.iter().any(|journey| journey.as_ref() == "same") && ours.mixed.is_empty());
        let run = two.ada.runs.iter().find(|run| run.journey.as_ref() == "held").unwrap();
        assert_eq!((run.held_out, two.ada.assignment_key), (held_out, 1), "both stay as they were drawn");
        (marked, stay) = (marked + mixed.len(), stay + 2 - mixed.len());
    }
    assert!(marked > 30 && stay > 30, "{marked} marked, {stay} not");
    // Who was in nothing was in no option.
    let mut two = Two::new(plans);
    two.browser.assignment_key = 1_001;
    two.happen(2, 0, "Other", json!({}));
    assert_eq!(two.merge(10).mixed, [] as [Arc<str>; 0]);
}

#[test]
fn a_merge_keeps_within_every_limit() {
    let mut two = Two::new(vec![waits("j", "Begin")]);
    two.plans = plans(
        (0..RUNS + 5).map(|nth| waits(&format!("j{nth}"), &format!("E{nth}"))).collect(),
        Policies::default(),
    );
    for nth in 0..RUNS {
        two.happen(1, 0, &format!("E{nth}"), json!({}));
    }
    for nth in RUNS..RUNS + 5 {
        two.happen(2, 1, &format!("E{nth}"), json!({}));
    }
    let outcome = two.merge(10);
    assert_eq!((two.ada.runs.len(), outcome.ended.len()), (RUNS, 5));
    assert_eq!(refused(&outcome).iter().filter(|(_, reason)| *reason == "too_many").count(), 5);
}
