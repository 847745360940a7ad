use serde_json::json;

use super::*;
use crate::actor::{Input, Outcome, step};
use crate::person::Person;
use crate::plan::sample::{at, plan, plans, send};
use crate::plan::{IfRunning, Plans, Policies, Step};
use crate::row::StoredEvent;
use crate::{Kind, PersonId, SeenKey};

/// Somebody whose message was accepted at 10:00:00; seconds count from there.
struct Life {
    plans: Plans,
    person: Person,
    message: MessageId,
}

fn moment(seconds: f64) -> ShopTime {
    let start = at("2026-01-05T10:00:00Z");
    ShopTime::from_microsecond(start.as_microsecond() + (seconds * 1e6) as i64).unwrap()
}

impl Life {
    fn new() -> Self {
        let steps = vec![send("hello", Channel::Email), Step::Wait(Span::Days(9))];
        let mut plan = plan("j", "Begin", steps);
        plan.enter.if_running = IfRunning::Restart;
        let plans = plans(vec![plan], Policies::default());
        let person = Person::new(PersonId(1), 1);
        let mut life = Self { plans, person, message: MessageId(uuid::Uuid::nil()) };
        let address = json!({ "email": "Ada@Shop.example" });
        life.event(Kind::Identify, "", -20.0, json!({ "traits": address }));
        life.message = life.event(Kind::Track, "Begin", -10.0, json!({})).queued[0].message;
        let report = Input::Report { message: life.message, accepted: true, at: moment(0.0) };
        step(&life.plans, &mut life.person, report, moment(0.0), None).unwrap();
        life
    }

    fn event(&mut self, kind: Kind, name: &str, seconds: f64, payload: serde_json::Value) -> Outcome {
        // What came due before it comes first.
        while let Some(due) = self.person.next_due().filter(|due| *due < moment(seconds)) {
            step(&self.plans, &mut self.person, Input::Timers(due), due, None).unwrap();
        }
        let event = StoredEvent {
            id: crate::EventId::new(moment(seconds), SeenKey::new("engage", &format!("{name}{seconds}"))),
            kind,
            name: name.into(),
            occurred_at: moment(seconds),
            received_at: moment(seconds),
            historical: false,
            payload: payload.to_string(),
        };
        step(&self.plans, &mut self.person, Input::Event(&event), moment(seconds), None).unwrap()
    }

    fn tell(&mut self, name: &str, seconds: f64, mut properties: serde_json::Value) -> Outcome {
        properties["message_id"] = self.message.to_string().into();
        self.event(Kind::Track, name, seconds, json!({ "properties": properties }))
    }

    /// What is known of the message at that moment: opened, clicked.
    fn at(&mut self, seconds: f64) -> (bool, bool) {
        self.event(Kind::Track, "Elsewhere", seconds, json!({}));
        let result = self.person.runs[0].result("step_0").unwrap();
        (result.opened, result.clicked)
    }
}

#[test]
fn a_click_is_provisional_for_3_seconds() {
    let mut life = Life::new();
    life.tell(FOLLOWED, 60.0, json!({ "link": 1, "url": "https://shop.example" }));
    assert_eq!(life.at(62.9), (false, false));
    assert_eq!(life.at(63.1), (true, true));
    assert!(life.person.hot.clicks.is_empty());
}

/// Follows as `seconds link` or `seconds link:machine`; who clicked in the end.
fn check(follows: &[(f64, i32, &str)], clicked: bool) {
    let mut life = Life::new();
    for (seconds, link, machine) in follows {
        let mut properties = json!({ "link": link, "url": "https://shop.example" });
        if !machine.is_empty() {
            properties["machine"] = (*machine).into();
        }
        life.tell(FOLLOWED, *seconds, properties);
    }
    assert_eq!(life.at(900.0).1, clicked, "{follows:?}");
}

#[test]
fn machines_are_told_from_humans() {
    check(&[(60.0, 1, "")], true);
    check(&[(60.0, 1, ""), (61.0, 1, ""), (62.0, 2, "")], true);
    // Everything at once is a scanner; one after another is a reader.
    check(&[(60.0, 1, ""), (60.2, 2, ""), (60.4, 3, "")], false);
    check(&[(60.0, 1, ""), (64.0, 2, ""), (68.0, 3, "")], true);
    // As soon as the mail is there only machines click.
    check(&[(2.9, 1, "")], false);
    check(&[(3.0, 1, "")], true);
    check(&[(-1.0, 1, "")], false);
    check(&[(1.0, 1, ""), (200.0, 1, "")], true);
    // What a rule of the door has struck does not count; it speaks of nobody else.
    check(&[(60.0, 1, "head")], false);
    check(&[(60.0, 1, "scanner"), (60.5, 1, "")], true);
    // But for the honeypot, before or after.
    check(&[(60.0, 1, ""), (61.0, 0, HONEYPOT)], false);
    check(&[(60.0, 0, HONEYPOT), (61.0, 1, "")], false);
    check(&[(60.0, 0, HONEYPOT), (70.0, 1, "")], true);
}

#[test]
fn opens_count_people() {
    for (seconds, properties, opened) in
        [(60.0, json!({}), true), (1.0, json!({}), false), (60.0, json!({ "machine": "prefetch" }), false)]
    {
        let mut life = Life::new();
        life.tell(LOADED, seconds, properties);
        assert_eq!(life.at(100.0), (opened, false));
    }
}

#[test]
fn a_dead_address_is_not_written_to() {
    let mut life = Life::new();
    let bounced = life.tell(BOUNCED, 60.0, json!({ "kind": "soft", "channel": "email" }));
    assert_eq!(bounced.refusals, []);
    let bounced = json!({ "kind": "hard", "channel": "email", "address": "ada@shop.example" });
    let bounced = life.tell(BOUNCED, 61.0, bounced);
    assert_eq!(bounced.refusals[0].reason, Refused::Failed);
    assert!(life.person.runs[0].result("step_0").unwrap().field("failed").is_true());
    let again = life.event(Kind::Track, "Begin", 70.0, json!({}));
    assert_eq!((again.queued.len(), again.refusals[0].reason), (0, Refused::Suppressed));
    // Another address is another matter.
    life.event(Kind::Identify, "", 80.0, json!({ "traits": { "email": "ada@new.example" } }));
    assert_eq!(life.event(Kind::Track, "Begin", 90.0, json!({})).queued.len(), 1);
    // And so is one that somebody of the shop knows to live.
    life.event(Kind::Identify, "", 100.0, json!({ "traits": { "email": "ada@shop.example" } }));
    assert_eq!(life.event(Kind::Track, "Begin", 110.0, json!({})).queued.len(), 0);
    let restored = json!({ "properties": { "channel": "email", "address": " ADA@shop.example" } });
    life.event(Kind::Track, RESTORED, 120.0, restored);
    assert_eq!(life.event(Kind::Track, "Begin", 130.0, json!({})).queued.len(), 1);
}

#[test]
fn who_complains_hears_no_more_and_who_asks_again_does() {
    let mut life = Life::new();
    life.tell(COMPLAINED, 60.0, json!({ "channel": "email" }));
    let again = life.event(Kind::Track, "Begin", 70.0, json!({}));
    assert_eq!((again.queued.len(), again.refusals[0].reason), (0, Refused::NoConsent));
    let asked = json!({ "properties": { "channel": "email" } });
    let asked = life.event(Kind::Track, "Subscribed", 80.0, asked);
    let lifted = &asked.lifted[0];
    assert_eq!(
        (lifted.channel, lifted.address.as_ref(), lifted.topic.as_deref()),
        (Channel::Email, "Ada@Shop.example", None)
    );
    assert_eq!(life.event(Kind::Track, "Begin", 90.0, json!({})).queued.len(), 1);
}

#[test]
fn what_can_not_be_understood_changes_nothing() {
    let mut life = Life::new();
    for properties in [json!({ "message_id": "msg_x" }), json!({ "message_id": 7 }), json!({})] {
        for name in [FOLLOWED, LOADED, BOUNCED, COMPLAINED, OPENED, CLICKED, DELIVERED] {
            life.event(Kind::Track, name, 60.0, json!({ "properties": properties }));
        }
    }
    assert_eq!(life.at(100.0), (false, false));
    // Of a message of a run that is long over a click is told all the same.
    let other = MessageId(uuid::Uuid::from_u128(77));
    life.event(
        Kind::Track,
        FOLLOWED,
        110.0,
        json!({ "properties": { "message_id": other.to_string(), "link": 1e99, "url": "x".repeat(9_000) } }),
    );
    assert_eq!(life.person.hot.clicks.len(), 1);
    assert_eq!(life.at(200.0), (false, false));
}
