use serde_json::json;

use super::*;
use crate::actor::{Input, Outcome, Shared, step};
use crate::decision::{Models, Recorded};
use crate::person::{Person, SendState};
use crate::plan::sample::{at, goal, hours, plan, plans, send, zone};
use crate::plan::{Plans, Policies, Step};
use crate::row::StoredEvent;
use crate::value::Span;
use crate::{Kind, PersonId, SeenKey};

const TEN: &str = "2026-01-05T10:00:00Z";

/// Believes in one channel and in one hour of the day, and remembers nothing.
#[derive(Debug)]
struct Believes(Channel, usize);

impl Believes {
    fn answer(yes: impl Iterator<Item = bool>) -> Answer {
        let beliefs = yes.map(|yes| Belief { alpha: if yes { 900.0 } else { 10.0 }, beta: 1000.0 }).collect();
        Answer::Beliefs { snapshot: 7, beliefs, cohort: "test" }
    }
}

impl Models for Believes {
    fn channels(&self, asked: &ChannelAsked<'_>) -> Answer {
        Self::answer(asked.channels.iter().map(|channel| *channel == self.0))
    }

    fn hours(&self, asked: &HourAsked<'_>) -> Answer {
        Self::answer(asked.hours.iter().map(|hour| hour.number() % 24 == self.1))
    }
}

/// A journey of one learned send and a wait.
fn learned(change: impl Fn(&mut Send), policies: Policies) -> Plans {
    let Step::Send(mut nudge) = send("nudge", Channel::InApp) else { unreachable!() };
    nudge.channels = vec![Channel::Email, Channel::InApp, Channel::Inbox];
    change(&mut nudge);
    let mut plan = plan("j", "Begin", vec![Step::Send(nudge), Step::Wait(Span::Days(20))]);
    plan.goal = Some(goal("Bought", Span::Days(9)));
    plans(vec![plan], policies)
}

fn best_of(send: &mut Send) {
    send.best_of = true;
}

fn at_best(send: &mut Send) {
    (send.at_best, send.channels) = (true, vec![Channel::InApp]);
}

fn happen(
    plans: &Plans,
    person: &mut Person,
    name: &str,
    moment: &str,
    properties: serde_json::Value,
) -> Outcome {
    let event = event(person, name, moment, properties);
    step(plans, person, Input::Event(&event), at(moment), None).unwrap()
}

fn event(person: &Person, name: &str, moment: &str, properties: serde_json::Value) -> StoredEvent {
    StoredEvent {
        id: crate::EventId::new(at(moment), SeenKey::new("choose", &format!("{name} {}", person.n))),
        kind: Kind::Track,
        name: name.into(),
        occurred_at: at(moment),
        received_at: at(moment),
        historical: false,
        payload: json!({ "properties": properties }).to_string(),
    }
}

fn begin(plans: &Plans, key: i64) -> (Person, Outcome) {
    let mut person = Person::new(PersonId(key), key);
    let outcome = happen(plans, &mut person, "Begin", TEN, json!({}));
    (person, outcome)
}

#[test]
fn without_a_model_channels_are_drawn_evenly_among_those_that_reach_them() {
    let plans = learned(best_of, Policies::default());
    let mut taken = [0; 2];
    for key in 0..400 {
        let (_, outcome) = begin(&plans, key);
        let [row] = outcome.decisions.as_slice() else { panic!("one choice") };
        // Nobody here has an address.
        assert_eq!(row.options, ["in_app".into(), "inbox".into()]);
        assert_eq!(
            (row.propensities.as_slice(), row.rule, row.snapshot),
            (&[0.5, 0.5][..], Rule::NoModel, 0)
        );
        assert_eq!((row.what, row.features.as_ref()), (Choice::Channel, r#"{"cohort":"fresh"}"#));
        let [message] = outcome.queued.as_slice() else { panic!("one message") };
        assert_eq!((row.message, row.choice.as_ref()), (Some(message.message), message.channel.name()));
        taken[usize::from(message.channel == Channel::Inbox)] += 1;
    }
    assert!(taken[0] > 160 && taken[1] > 160, "{taken:?}");
}

#[test]
fn a_model_is_followed_but_for_the_floor() {
    let plans =
        learned(best_of, Policies::default()).with_models(std::sync::Arc::new(Believes(Channel::Inbox, 0)));
    let mut taken = 0;
    for key in 0..400 {
        let (_, outcome) = begin(&plans, key);
        let row = &outcome.decisions[0];
        assert_eq!((row.rule, row.snapshot), (Rule::Learned, 7));
        assert!((row.propensities[0] - 0.05).abs() < 1e-9 && (row.propensities[1] - 0.95).abs() < 1e-9);
        taken += i32::from(outcome.queued[0].channel == Channel::Inbox);
    }
    assert!((360..400).contains(&taken), "{taken}");
}

#[test]
fn the_only_channel_that_is_free_is_taken() {
    let mut policies = Policies::default();
    policies.quiet_hours.insert(Channel::Inbox, hours(9, 0, 11, 0));
    let plans = learned(best_of, policies).with_models(std::sync::Arc::new(Believes(Channel::Inbox, 0)));
    let (_, outcome) = begin(&plans, 1);
    assert_eq!(
        (outcome.decisions[0].options.as_slice(), outcome.queued[0].channel),
        (&["in_app".into()][..], Channel::InApp)
    );
    assert_eq!(outcome.decisions[0].propensities, [1.0]);
    // A listed order is an order: nothing is drawn, nothing logged.
    let (_, outcome) = begin(&learned(|_| {}, Policies::default()), 1);
    assert_eq!((outcome.decisions.len(), outcome.queued[0].channel), (0, Channel::InApp));
}

#[test]
fn a_message_waits_for_the_hour_that_was_drawn() {
    let mut policies = Policies::default();
    policies.quiet_hours.insert(Channel::InApp, hours(21, 30, 8, 0));
    let plans = learned(at_best, policies).with_models(std::sync::Arc::new(Believes(Channel::InApp, 18)));
    let mut waited = 0;
    for key in 0..100 {
        let (mut person, outcome) = begin(&plans, key);
        let row = &outcome.decisions[0];
        // From now until ten tomorrow, but for the quiet hours, in which none stands; the last is cut by the deadline.
        let quiet = |hour: &str| ["mon-22", "mon-23", "tue-00", "tue-03", "tue-07"].contains(&hour);
        assert_eq!(row.options[0].as_ref(), "mon-10");
        assert!(
            (13..=15).contains(&row.options.len()) && !row.options.iter().any(|hour| quiet(hour)),
            "{row:?}"
        );
        assert!((row.propensities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(row.features.contains("\"active_hours\":1"), "{}", row.features);
        if row.choice.as_ref() != "mon-18" {
            continue;
        }
        waited += 1;
        assert!(outcome.queued.is_empty());
        let due = person.next_due().unwrap();
        assert!((at("2026-01-05T18:00:00Z")..at("2026-01-05T19:00:00Z")).contains(&due), "{due}");
        let sent = step(&plans, &mut person, Input::Timers(due), due, None).unwrap();
        assert_eq!((sent.queued.len(), sent.decisions.len()), (1, 0));
        assert_eq!(Some(sent.queued[0].message), row.message);
    }
    assert!(waited > 75, "{waited}");
}

#[test]
fn without_a_model_it_goes_at_once_and_says_so() {
    let plans = learned(at_best, Policies::default());
    let (_, outcome) = begin(&plans, 1);
    let row = &outcome.decisions[0];
    assert_eq!((outcome.queued.len(), row.choice.as_ref(), row.rule), (1, "mon-10", Rule::NoModel));
    assert_eq!((row.options.len(), row.propensities[0]), (24, 1.0));
}

#[test]
fn no_hour_of_the_window_is_free() {
    let mut policies = Policies::default();
    policies.quiet_hours.insert(Channel::InApp, hours(9, 0, 20, 0));
    let short = |send: &mut Send| {
        at_best(send);
        send.within = Span::hours(3);
    };
    let (person, outcome) = begin(&learned(short, policies), 1);
    // As any message then: it waits, to be refused at its deadline.
    assert_eq!((outcome.decisions.len(), outcome.queued.len()), (0, 0));
    assert_eq!(person.next_due(), Some(at("2026-01-05T13:00:00Z")));
}

#[test]
fn a_guard_that_is_false_chooses_nothing() {
    let mut plan = plan("j", "Begin", vec![send("nudge", Channel::InApp)]);
    let Step::Send(nudge) = &mut plan.nodes[0].step else { unreachable!() };
    nudge.at_best = true;
    plan.nodes[0].guard = Some(crate::plan::Condition::new(
        "false",
        crate::expr::Expr::Literal(crate::value::Value::Bool(false)),
    ));
    let (_, outcome) = begin(&plans(vec![plan], Policies::default()), 1);
    assert_eq!((outcome.decisions.len(), outcome.refusals[0].reason.code()), (0, "guard"));
}

#[test]
fn a_clock_put_back_strikes_an_hour_once() {
    let mut policies = Policies { zone: zone("Europe/Berlin"), ..Policies::default() };
    policies.caps.clear();
    let plans = learned(at_best, policies);
    let mut person = Person::new(PersonId(1), 1);
    // The night of 2026-10-25, when three o'clock is two again.
    let outcome = happen(&plans, &mut person, "Begin", "2026-10-24T22:10:00Z", json!({}));
    let options = &outcome.decisions[0].options;
    let mut distinct = options.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((options.len(), distinct.len()), (24, 24));
}

/// Applied again under other models it is as it was; without the record it can't be known.
#[test]
fn what_was_chosen_is_taken_from_the_record() {
    let both = |send: &mut Send| {
        at_best(send);
        best_of(send);
        send.channels = vec![Channel::InApp, Channel::Inbox];
    };
    let then =
        learned(both, Policies::default()).with_models(std::sync::Arc::new(Believes(Channel::Inbox, 18)));
    let later = then.with_models(std::sync::Arc::new(Believes(Channel::InApp, 3)));
    let mut person = Person::new(PersonId(5), 5);
    let begun = event(&person, "Begin", TEN, json!({}));
    let mut decisions = step(&then, &mut person, Input::Event(&begun), at(TEN), None).unwrap().decisions;
    let due = person.next_due().unwrap();
    decisions.extend(step(&then, &mut person, Input::Timers(due), due, None).unwrap().decisions);
    assert_eq!(decisions.iter().map(|row| row.what).collect::<Vec<_>>(), [Choice::SendTime, Choice::Channel]);
    let recorded = Recorded::new(&decisions);
    let mut again = Person::new(PersonId(5), 5);
    let as_then = Shared { recorded: Some(&recorded), ..Shared::from(&later) };
    let first = step(as_then, &mut again, Input::Event(&begun), at(TEN), None).unwrap();
    let second = step(as_then, &mut again, Input::Timers(due), due, None).unwrap();
    assert_eq!([first.decisions, second.decisions].concat(), decisions);
    assert!(!first.unrecorded && !second.unrecorded);
    assert_eq!((&again.hot, &again.runs), (&person.hot, &person.runs));
    let mut lost = Person::new(PersonId(5), 5);
    let nothing = Recorded::default();
    let unknown = Shared { recorded: Some(&nothing), ..as_then };
    assert!(step(unknown, &mut lost, Input::Event(&begun), at(TEN), None).unwrap().unrecorded);
}

#[test]
fn clicks_and_goals_are_rewards() {
    let plans = learned(best_of, Policies::default());
    let (mut person, outcome) = begin(&plans, 1);
    let message = outcome.queued[0].message;
    let report = Input::Report { message, accepted: true, at: at(TEN) };
    step(&plans, &mut person, report, at(TEN), None).unwrap();
    let click = json!({ "message_id": message.to_string() });
    let later = "2026-01-05T12:00:00Z";
    let clicked = happen(&plans, &mut person, "Message Clicked", later, click.clone()).rewards;
    let reward = RewardRow { person: PersonId(1), message, goal: false, at: at(later), value: None };
    assert_eq!(clicked, [reward]);
    // A second click is no second reward.
    assert!(happen(&plans, &mut person, "Message Clicked", later, click).rewards.is_empty());
    let bought = happen(&plans, &mut person, "Bought", later, json!({})).rewards;
    assert_eq!(bought, [RewardRow { goal: true, ..reward }]);
    // Where nothing is learned, nothing is rewarded.
    let (mut person, outcome) = begin(&learned(|_| {}, Policies::default()), 1);
    let click = json!({ "message_id": outcome.queued[0].message.to_string() });
    let plain = learned(|_| {}, Policies::default());
    assert!(happen(&plain, &mut person, "Message Clicked", later, click).rewards.is_empty());
    assert!(happen(&plain, &mut person, "Bought", later, json!({})).rewards.is_empty());
}

#[test]
fn who_is_held_out_walks_the_same_way_and_teaches_nothing() {
    let plans = learned(best_of, Policies { holdout: 1.0, ..Policies::default() });
    let (mut person, outcome) = begin(&plans, 1);
    assert_eq!((outcome.queued.len(), outcome.withheld.len()), (0, 1));
    assert_eq!((outcome.decisions.len(), outcome.decisions[0].message), (1, None));
    assert_eq!(person.runs[0].result("step_0").unwrap().state, SendState::Withheld);
    assert!(happen(&plans, &mut person, "Bought", "2026-01-05T12:00:00Z", json!({})).rewards.is_empty());
}
