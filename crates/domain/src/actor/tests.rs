use serde_json::json;

use super::*;
use crate::person::{ENTERED, ENTRY_BYTES, PENDING, PENDING_BYTES, RUNS, SendState, VARIABLE_BYTES, Waiting};
use crate::plan::sample::{always, at, goal, plan, plans, send, zone};
use crate::plan::{Again, Channel, Policies, Rate, Setting, Step, Trigger};
use crate::value::Span;
use crate::{Kind, PersonId, SeenKey};

const TEN: &str = "2026-01-05T10:00:00Z";

fn event(nth: usize, name: &str, moment: &str, properties: serde_json::Value) -> StoredEvent {
    StoredEvent {
        id: crate::EventId::new(at(moment), SeenKey::new("actor", &format!("{name} {nth}"))),
        kind: Kind::Track,
        name: name.into(),
        occurred_at: at(moment),
        received_at: at(moment),
        historical: false,
        payload: json!({ "properties": properties }).to_string(),
    }
}

fn person() -> Person {
    Person::new(PersonId(1), 1)
}

fn happen(plans: &Plans, person: &mut Person, name: &str, properties: serde_json::Value) -> Outcome {
    let event = event(person.n as usize, name, TEN, properties);
    step(plans, person, Input::Event(&event), at(TEN), None).unwrap()
}

fn refused(outcome: &Outcome) -> Vec<&'static str> {
    outcome.refusals.iter().map(|refusal| refusal.reason.code()).collect()
}

fn report(plans: &Plans, person: &mut Person, message: MessageId, accepted: bool) -> Outcome {
    step(plans, person, Input::Report { message, accepted, at: at(TEN) }, at(TEN), None).unwrap()
}

fn plans_of(of: Vec<Plan>) -> Plans {
    plans(of, Policies::default())
}

/// A send whose `else` sends `other`.
fn with_else(name: &str) -> Plan {
    let mut plan = plan(name, "Begin", vec![send(name, Channel::Inbox), send("other", Channel::Inbox)]);
    (plan.nodes[0].next, plan.nodes[0].otherwise) = (None, Some(1));
    plan
}

#[test]
fn a_report_may_end_one_run_of_several() {
    let plans = plans(vec![with_else("a"), with_else("b")], Policies::default());
    let mut ada = person();
    let outcome = happen(&plans, &mut ada, "Begin", json!({}));
    let [a, b] = [outcome.queued[0].message, outcome.queued[1].message];
    let outcome = report(&plans, &mut ada, a, true);
    assert_eq!((outcome.ended.len(), outcome.queued.len(), ada.runs.len()), (1, 0, 1));
    let outcome = report(&plans, &mut ada, b, false);
    assert_eq!(refused(&outcome), ["failed"]);
    assert_eq!((outcome.ended.len(), outcome.queued[0].template.as_ref(), ada.runs.len()), (1, "other", 0));
}

#[test]
fn a_message_that_failed_for_good_says_so() {
    let mut stays = with_else("a");
    stays.nodes[1].step = Step::Wait(Span::Days(1));
    let plans = plans_of(vec![stays]);
    let mut ada = person();
    let message = happen(&plans, &mut ada, "Begin", json!({})).queued[0].message;
    report(&plans, &mut ada, message, false);
    let result = ada.runs[0].result("step_0").unwrap();
    assert_eq!(result.field("reason").as_text(), Some("failed"));
    assert!(result.field("failed").is_true() && !result.field("sent").is_true());
    // The first word counts.
    let again = report(&plans, &mut ada, message, true);
    assert_eq!(again, Outcome::default());
    assert_eq!(ada.runs[0].result("step_0").unwrap().state, SendState::Failed);
}

#[test]
fn a_message_called_off_too_late_was_sent_after_all() {
    let mut stays = with_else("a");
    stays.nodes[1].step = Step::Wait(Span::Days(1));
    let plans = plans_of(vec![stays]);
    let mut ada = person();
    let message = happen(&plans, &mut ada, "Begin", json!({})).queued[0].message;
    let outcome = happen(&plans, &mut ada, "Unsubscribed", json!({}));
    assert_eq!((&outcome.cancelled, refused(&outcome)), (&vec![message], vec!["no_consent"]));
    assert_eq!(ada.runs[0].result("step_0").unwrap().field("reason").as_text(), Some("no_consent"));
    report(&plans, &mut ada, message, true);
    assert!(ada.runs[0].result("step_0").unwrap().field("sent").is_true());
}

#[test]
fn a_version_that_is_gone_ends_its_runs_and_keeps_what_is_known_of_those_that_watch() {
    let mut watches = plan("watches", "Begin", vec![send("note", Channel::Inbox)]);
    watches.goal = Some(goal("Bought", Span::Days(3)));
    let before = plans_of(vec![plan("walks", "Begin", vec![Step::Wait(Span::Days(1))]), watches]);
    let mut ada = person();
    happen(&before, &mut ada, "Begin", json!({}));
    assert_eq!(ada.runs.len(), 2);
    let outcome = happen(&plans_of(Vec::new()), &mut ada, "Other", json!({}));
    let ended: Vec<_> = outcome.ended.iter().map(|run| (run.journey.as_ref(), run.reason.as_str())).collect();
    assert_eq!(ended, [("walks", "failed"), ("watches", "completed")]);
}

#[test]
fn runs_are_bounded() {
    let mut keyed = plan("j", "Begin", vec![Step::Wait(Span::Days(1))]);
    keyed.enter.per = Some(["n".into()].into());
    let restarts = Plan {
        enter: crate::plan::Enter { if_running: crate::plan::IfRunning::Restart, ..keyed.enter.clone() },
        ..keyed.clone()
    };
    let plans = plans_of(vec![keyed]);
    let mut ada = person();
    for n in 0..RUNS {
        assert_eq!(refused(&happen(&plans, &mut ada, "Begin", json!({ "n": n }))), [""; 0]);
    }
    assert_eq!(refused(&happen(&plans, &mut ada, "Begin", json!({ "n": RUNS }))), ["too_many"]);
    assert_eq!(ada.runs.len(), RUNS);
    // Who takes the place of another needs none.
    let outcome = happen(&plans_of(vec![restarts]), &mut ada, "Begin", json!({ "n": 7 }));
    assert_eq!((refused(&outcome).len(), outcome.ended.len(), ada.runs.len()), (0, 1, RUNS));
}

#[test]
fn remembered_entries_are_bounded_and_those_that_are_over_give_way() {
    let mut keyed = plan("j", "Begin", Vec::new());
    keyed.enter.per = Some(["n".into()].into());
    keyed.enter.again = Again::Every(Span::Days(1));
    let plans = plans_of(vec![keyed]);
    let mut ada = person();
    for n in 0..ENTERED {
        assert_eq!(happen(&plans, &mut ada, "Begin", json!({ "n": n })).ended.len(), 1);
    }
    assert_eq!(refused(&happen(&plans, &mut ada, "Begin", json!({ "n": ENTERED }))), ["too_many"]);
    // A day later they bar nobody any more.
    let later = "2026-01-06T10:00:00Z";
    let next = event(0, "Begin", later, json!({ "n": ENTERED }));
    let outcome = step(&plans, &mut ada, Input::Event(&next), at(later), None).unwrap();
    assert_eq!((refused(&outcome).len(), ada.hot.entered.len()), (0, 1));
}

#[test]
fn awaited_starts_are_bounded_in_number_and_in_bytes() {
    let mut idle = plan("j", "Begin", Vec::new());
    idle.enter.per = Some(["n".into()].into());
    idle.enter.idle = Some(Span::hours(1));
    idle.entry_properties = vec!["text".into()];
    let plans = plans_of(vec![idle]);
    let mut ada = person();
    for n in 0..PENDING {
        assert_eq!(refused(&happen(&plans, &mut ada, "Begin", json!({ "n": n }))), [""; 0]);
    }
    assert_eq!(refused(&happen(&plans, &mut ada, "Begin", json!({ "n": PENDING }))), ["too_many"]);
    // One that is awaited already may go on, unless it becomes too large.
    assert_eq!(refused(&happen(&plans, &mut ada, "Begin", json!({ "n": 0, "text": "x" }))), [""; 0]);
    let long = "x".repeat(PENDING_BYTES);
    assert_eq!(refused(&happen(&plans, &mut ada, "Begin", json!({ "n": 0, "text": long }))), ["too_many"]);
    assert_eq!(ada.hot.pending.len(), PENDING);
}

#[test]
fn an_entry_that_is_too_large_begins_nothing() {
    let mut wants = plan("j", "Begin", Vec::new());
    wants.entry_properties = vec!["list".into()];
    let plans = plans_of(vec![wants]);
    let mut ada = person();
    // Numbers are larger as they are stored than as JSON: nine bytes each.
    let list = |bytes: usize| json!({ "list": vec![1; bytes / 9] });
    assert_eq!(refused(&happen(&plans, &mut ada, "Begin", list(ENTRY_BYTES + 9))), ["too_large"]);
    assert_eq!(happen(&plans, &mut ada, "Begin", list(ENTRY_BYTES - 100)).ended.len(), 1);
}

#[test]
fn a_variable_that_is_too_large_is_missing_and_the_run_goes_on() {
    use crate::expr::{Expr, Root};
    let path = Expr::Path(Root::Entry, ["text".into()].into());
    let setting = Setting::Computed(crate::plan::Condition::new("entry.text", path));
    let mut sets =
        plan("j", "Begin", vec![Step::Set(vec![("v".into(), setting)]), Step::Wait(Span::Days(1))]);
    sets.entry_properties = vec!["text".into()];
    let plans = plans_of(vec![sets]);
    let mut ada = person();
    let outcome = happen(&plans, &mut ada, "Begin", json!({ "text": "x".repeat(VARIABLE_BYTES) }));
    assert_eq!(refused(&outcome), ["too_large"]);
    assert!(ada.runs[0].variable("v").is_missing());
}

#[test]
fn what_caps_remember_is_bounded_and_forgets_what_nobody_counts() {
    let mut bill = plan("bill", "Bill", vec![send("bill", Channel::Inbox)]);
    bill.kind = crate::plan::JourneyKind::Transactional;
    let note = plan("note", "Note", vec![send("note", Channel::Inbox)]);
    let policies = Policies {
        caps: [(Channel::Inbox, Rate { count: 1, per: Span::Days(7) })].into(),
        ..Policies::default()
    };
    let plans = plans(vec![bill, note], policies);
    let mut ada = person();
    assert_eq!(happen(&plans, &mut ada, "Note", json!({})).queued.len(), 1);
    for _ in 0..crate::person::SENT + 50 {
        assert_eq!(happen(&plans, &mut ada, "Bill", json!({})).queued.len(), 1);
    }
    assert_eq!(ada.hot.sent.len(), crate::person::SENT);
    // However many bills there were, the cap still knows of the note.
    assert_eq!(happen(&plans, &mut ada, "Note", json!({})).queued.len(), 0);
}

#[test]
fn a_goals_worth_is_a_number_or_money() {
    use crate::expr::{Expr, Root};
    let path = Expr::Path(Root::Event, ["worth".into()].into());
    let mut wants = plan("j", "Begin", vec![Step::Wait(Span::Days(1))]);
    wants.goal = Some(crate::plan::Goal {
        value: Some(crate::plan::Condition::new("event.worth", path)),
        ..goal("Bought", Span::Days(3))
    });
    let plans = plans_of(vec![wants]);
    for (worth, value) in
        [(json!(7.5), Some(7.5)), (json!(["a"]), None), (json!("7"), None), (json!(null), None)]
    {
        let mut ada = person();
        happen(&plans, &mut ada, "Begin", json!({}));
        let outcome = happen(&plans, &mut ada, "Bought", json!({ "worth": worth }));
        assert_eq!(outcome.ended[0].goal_value, value, "{worth}");
        assert!(outcome.ended[0].goal_at.is_some());
    }
}

#[test]
fn an_unreadable_event_changes_nothing_and_says_nothing_of_what_it_held() {
    let plans = Plans::default();
    let mut ada = person();
    for payload in ["", "\"ada@example.com\"", "{\"properties\": ", "{\"context\": \"ada@example.com\"}"] {
        let event = StoredEvent { payload: payload.to_owned(), ..event(0, "Begin", TEN, json!({})) };
        let error = step(&plans, &mut ada, Input::Event(&event), at(TEN), None).unwrap_err();
        assert!(!error.to_string().contains("ada"), "{error}");
    }
    assert_eq!(ada, person());
}

#[test]
fn odd_values_are_no_panic() {
    let exit = Trigger { on: vec!["Bought".into()], condition: Some(always()) };
    let mut keyed =
        plan("j", "Begin", vec![Step::Wait(Span::Days(i32::MAX)), Step::Wait(Span::Exact(i64::MAX))]);
    keyed.enter.per = Some(["a".into(), "b".into()].into());
    keyed.exits = vec![exit];
    let plans = plans_of(vec![keyed]);
    let mut ada = person();
    let odd = [
        json!({}),
        json!({ "a": 1 }),
        json!({ "a": { "b": "k" } }),
        json!({ "a": { "b": 1e308 }, "quantity": -1e308, "price": 1e308, "products": [[], {}, 7], "cart_id": [1] }),
        json!({ "channel": {}, "topic": [], "message_id": "msg_x", "products": { "price": 1 } }),
    ];
    for properties in odd {
        for name in [
            "Begin",
            "Product Added",
            "Cart Viewed",
            "Product Removed",
            "Order Completed",
            "Subscribed",
            "Message Clicked",
        ] {
            happen(&plans, &mut ada, name, properties.clone());
        }
    }
    for until in [crate::ShopTime::EPOCH, at(TEN), crate::ShopTime::new(jiff::Timestamp::MAX)] {
        step(&plans, &mut ada, Input::Timers(until), until, None).unwrap();
        step(&plans, &mut ada, Input::Timers(until), until, None).unwrap();
    }
}

#[test]
fn timers_fire_one_by_one_in_their_order() {
    let mut low = plan("low", "Begin", vec![Step::Wait(Span::hours(1)), send("low", Channel::Inbox)]);
    low.priority = 10;
    let high = plan("high", "Begin", vec![Step::Wait(Span::hours(1)), send("high", Channel::Inbox)]);
    let soon = plan("soon", "Begin", vec![Step::Wait(Span::minutes(30)), send("soon", Channel::Inbox)]);
    let plans = plans_of(vec![low, high, soon]);
    let mut ada = person();
    happen(&plans, &mut ada, "Begin", json!({}));
    let late = at("2026-01-05T12:00:00Z");
    let mut order = Vec::new();
    while ada.next_due().is_some_and(|due| due <= late) {
        let outcome = step(&plans, &mut ada, Input::Timers(late), late, None).unwrap();
        order.extend(outcome.queued.iter().map(|row| row.template.to_string()));
    }
    assert_eq!(order, ["soon", "high", "low"]);
}

#[test]
fn what_is_told_is_what_happens() {
    let mut idle = plan("idle", "Begin", Vec::new());
    idle.enter.idle = Some(Span::hours(1));
    let walks = plan("walks", "Begin", vec![Step::Wait(Span::hours(1))]);
    let plans = plans_of(vec![idle, walks]);
    let mut ada = person();
    let mut told = Vec::new();
    // The later event comes first: the silence runs from it, and that is what is told of the earlier one too.
    for moment in [TEN, "2026-01-05T09:30:00Z"] {
        let event = event(0, "Begin", moment, json!({}));
        step(&plans, &mut ada, Input::Event(&event), at(TEN), Some(&mut told)).unwrap();
    }
    let eleven = at("2026-01-05T11:00:00Z");
    let awaits = |told: &&Told| matches!(told, Told::Awaits { until, .. } if *until == eleven);
    assert_eq!(told.iter().filter(awaits).count(), 2);
    assert!(
        matches!(&ada.runs[0].position, Position::At { waiting: Waiting::Until(due), .. } if *due == eleven)
    );
}

#[test]
fn days_of_silence_go_by_the_clock() {
    let mut idle = plan("idle", "Begin", Vec::new());
    idle.enter.idle = Some(Span::Days(1));
    let policies = Policies { zone: zone("Europe/Berlin"), ..Policies::default() };
    let plans = plans(vec![idle], policies);
    let mut ada = person();
    let before = "2026-03-28T12:00:00Z";
    let event = event(0, "Begin", before, json!({}));
    step(&plans, &mut ada, Input::Event(&event), at(before), None).unwrap();
    assert_eq!(ada.next_due(), Some(at("2026-03-29T11:00:00Z")));
}

#[test]
fn somebody_at_a_step_that_is_gone_ends() {
    let plans = plans_of(vec![plan("j", "Begin", vec![Step::Wait(Span::hours(1))])]);
    let mut ada = person();
    happen(&plans, &mut ada, "Begin", json!({}));
    if let Position::At { step, .. } = &mut ada.runs[0].position {
        *step = "gone".into();
    }
    let late = at("2026-01-05T12:00:00Z");
    let outcome = step(&plans, &mut ada, Input::Timers(late), late, None).unwrap();
    assert_eq!(outcome.ended[0].reason, "failed");
}
