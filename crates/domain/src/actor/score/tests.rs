use serde_json::{Value as Json, json};

use crate::actor::{Input, Outcome, step};
use crate::person::{Person, Traits};
use crate::plan::sample::{at, plan, plans};
use crate::plan::{IfRunning, Plans, Policies, Step};
use crate::row::StoredEvent;
use crate::score::{CHANGED, SCORED, TRAIT};
use crate::value::Span;
use crate::{Kind, PersonId, Refused, SeenKey, ShopTime};

struct Life {
    plans: Plans,
    person: Person,
}

impl Life {
    /// Somebody whom each `Score Changed` lets enter.
    fn new() -> Self {
        let mut plan = plan("j", CHANGED, vec![Step::Wait(Span::Days(90))]);
        plan.enter.if_running = IfRunning::Restart;
        let plans = plans(vec![plan], Policies::default());
        Self { plans, person: Person::new(PersonId(1), 1) }
    }

    fn event(&mut self, kind: Kind, name: &str, day: i64, payload: Json) -> Outcome {
        let start = at("2026-01-05T10:00:00Z").as_microsecond();
        let moment = ShopTime::from_microsecond(start + day * 86_400_000_000).unwrap();
        let event = StoredEvent {
            id: crate::EventId::new(moment, SeenKey::new("score", &format!("{name}{day}{payload}"))),
            kind,
            name: name.into(),
            occurred_at: moment,
            received_at: moment,
            historical: false,
            payload: payload.to_string(),
        };
        step(&self.plans, &mut self.person, Input::Event(&event), moment, None).unwrap()
    }

    /// How many runs the person has had after these scores.
    fn scored(&mut self, day: i64, scores: Json) -> u32 {
        self.event(Kind::Track, SCORED, day, json!({ "properties": scores }));
        self.person.hot.last_run
    }

    fn kept(&self) -> Json {
        self.person.traits.get(TRAIT).to_json()
    }
}

#[test]
fn a_band_that_flips_is_news() {
    let mut life = Life::new();
    let scores = |churn: f64, band: &str| json!({ "churn": churn, "churn_band": band, "clv": 120.5, "currency": "EUR" });
    let runs = [
        (1, 0.2, "low"),
        (2, 0.4, "low"),
        (3, 0.9, "high"),
        (4, 0.95, "high"),
        // Older than what is known: it changes nothing.
        (2, 0.1, "low"),
        (9, 0.6, "medium"),
    ];
    let had: Vec<u32> =
        runs.iter().map(|(day, churn, band)| life.scored(*day, scores(*churn, band))).collect();
    assert_eq!(had, [1, 1, 2, 2, 2, 3]);
    assert_eq!(life.kept(), json!({ "clv": 120.5, "churn": 0.6, "currency": "EUR", "churn_band": "medium" }));
    let entry = &life.person.runs.last().unwrap().entry;
    assert_eq!(entry.name.as_ref(), CHANGED);
    // That we computed something is nothing they did.
    assert_eq!(life.person.hot.last_seen, None);
    // Read again, it is the same, to the order of its fields: as jsonb keeps them.
    let (traits, times) = life.person.traits.write();
    let mut read = Traits::read(&traits, &times).unwrap();
    read.dirty = life.person.traits.dirty;
    assert_eq!(read, life.person.traits);
}

#[test]
fn who_buys_is_not_silent() {
    let mut life = Life::new();
    life.event(Kind::Track, "Order Completed", 0, json!({ "properties": { "order_id": "a" } }));
    assert_eq!((life.kept(), life.person.hot.last_run), (Json::Null, 0));
    life.scored(
        5,
        json!({ "churn": 0.9, "churn_band": "high", "clv": 10, "alive": 0.4, "model": "bg-nbd 3" }),
    );
    // One that happened before tells nothing new.
    life.event(Kind::Track, "Order Completed", 4, json!({ "properties": { "order_id": "b" } }));
    assert_eq!(life.kept()["churn_band"], "high");
    life.event(Kind::Track, "Order Completed", 6, json!({ "properties": { "order_id": "c" } }));
    let wanted = json!({ "clv": 10, "alive": 0.4, "churn": 0, "model": "bg-nbd 3", "churn_band": "low" });
    assert_eq!((life.kept(), life.person.hot.last_run), (wanted, 2));
}

#[test]
fn what_is_no_score_is_none() {
    let mut life = Life::new();
    for wrong in [
        json!({}),
        json!({ "churn": 1.5, "churn_band": "high" }),
        json!({ "churn": "0.5", "churn_band": "high" }),
        json!({ "churn": 0.5, "churn_band": "purple" }),
        json!({ "churn": 0.5 }),
    ] {
        let outcome = life.event(Kind::Track, SCORED, 1, json!({ "properties": wrong }));
        assert_eq!(outcome.refusals.first().map(|refusal| refusal.reason), Some(Refused::BadScore));
        assert_eq!(life.kept(), Json::Null);
    }
    let strange =
        json!({ "churn": 0.5, "churn_band": "medium", "clv": "much", "model": "x".repeat(99), "x": 1 });
    life.scored(2, strange);
    assert_eq!(life.kept(), json!({ "churn": 0.5, "churn_band": "medium" }));
    // Nobody says it of themselves.
    life.event(Kind::Identify, "", 3, json!({ "traits": { "$scores": { "churn": 0 }, "city": "Rome" } }));
    assert_eq!(life.kept()["churn"], 0.5);
    assert_eq!(life.person.traits.get("city").as_text(), Some("Rome"));
}
