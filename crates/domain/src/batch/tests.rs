use uuid::Uuid;

use super::*;
use std::sync::Arc;

use crate::interest;
use crate::merge::Merge;
use crate::news::{Heard, Mention, News, Topic};
use crate::person::{Hot, Person, STATE_BYTES, decode_hot, encode_hot};
use crate::plan::Plans;
use crate::plan::sample::{at, panics, plan, plans, send};
use crate::plan::{Channel, Plan, Policies, Step};
use crate::row::{Arrival, Arriving, Place, StoredEvent};
use crate::value::{Span, Value};
use crate::{EventId, Kind, Lane, MessageId, SeenKey, Shard};

#[test]
fn timers_wait_where_more_may_have_happened_than_was_read() {
    let plans = plans(vec![waits("j", false)], Policies::default());
    let begun = apply(&plans, at(TEN), &[nobody_yet(1)], vec![event(1, 1, TEN, "Begin")], Vec::new());
    // At noon the wait is over; of the queue one event was read, and the order behind it was not.
    let cut: ShardSet = [Shard::of(PersonId(1))].into_iter().collect();
    let other = vec![event(1, 2, NOON, "Other")];
    let write = super::apply(&plans, at(NOON), &[stored(&begun, 1)], other.clone(), Vec::new(), cut);
    assert_eq!((write.journal.len(), write.queued.len(), write.disarmed.len()), (1, 0, 0));
    let write = apply(&plans, at(NOON), &[stored(&begun, 1)], other, begun.armed.clone());
    assert_eq!((write.journal.len(), write.queued.len(), write.disarmed.len()), (2, 1, 1));
}

const TEN: &str = "2026-01-05T10:00:00Z";
const NOON: &str = "2026-01-05T12:00:00Z";

/// Of queues that were read to their end.
fn apply(
    plans: &Plans,
    now: ShopTime,
    people: &[StoredPerson],
    arrived: Vec<Arrived>,
    due: Vec<Due>,
) -> Write {
    super::apply(plans, now, people, arrived, due, ShardSet::default())
}

fn arrived(person: i64, seq: i64, what: Arrival) -> Arrived {
    let person = PersonId(person);
    Arrived { place: Place { shard: Shard::of(person), lane: Lane::Live, seq }, person, what }
}

fn event(person: i64, seq: i64, moment: &str, name: &str) -> Arrived {
    let event = StoredEvent {
        id: EventId::new(at(moment), SeenKey::new("batch", &format!("{person} {seq}"))),
        kind: Kind::Track,
        name: name.into(),
        occurred_at: at(moment),
        received_at: at(moment),
        historical: false,
        payload: "{}".to_owned(),
    };
    arrived(person, seq, Arrival::Event(event))
}

fn with_payload(mut arrived: Arrived, payload: &str) -> Arrived {
    if let Arrival::Event(event) = &mut arrived.what {
        event.payload = payload.to_owned();
    }
    arrived
}

fn nobody_yet(id: i64) -> StoredPerson {
    StoredPerson { id, assignment_key: id, ..StoredPerson::default() }
}

/// What the next batch reads of a person that this one wrote.
fn stored(write: &Write, id: i64) -> StoredPerson {
    let row = write.people.iter().find(|row| row.person.0 == id).unwrap();
    let runs = write.begun.iter().chain(&write.moved).filter(|run| run.person.0 == id);
    StoredPerson {
        version: row.version + 1,
        n: row.n,
        armed: row.armed,
        hot: row.hot.clone(),
        runs: runs.map(|run| (run.number, run.state.clone())).collect(),
        ..nobody_yet(id)
    }
}

/// Sends on `Good`; a condition with a defect in it is asked on `Poison`.
fn sample() -> Plans {
    let good = plan("good", "Good", vec![send("good", Channel::Inbox)]);
    let mut poison = plan("poison", "Poison", vec![send("poison", Channel::Inbox)]);
    poison.enter.condition = Some(panics());
    plans(vec![good, poison], Policies::default())
}

fn parked(write: &Write) -> Vec<(i64, i64, &'static str)> {
    let place = |row: &ParkedRow| row.place.map_or(0, |place| place.seq);
    let mut parked: Vec<_> = write.parked.iter().map(|row| (row.person.0, place(row), row.reason)).collect();
    parked.sort_unstable();
    parked
}

fn done(write: &Write) -> Vec<i64> {
    let mut done: Vec<i64> = write.done.iter().map(|place| place.seq).collect();
    done.sort_unstable();
    done
}

fn sent(write: &Write) -> Vec<(i64, &str)> {
    write.queued.iter().map(|row| (row.person.0, row.template.as_ref())).collect()
}

#[test]
fn a_poison_input_is_parked_and_everything_else_is_applied() {
    let poisons: [(&str, Arrived); 5] = [
        ("undecodable", with_payload(event(1, 2, TEN, "Good"), "{\"properties\": ")),
        ("undecodable", with_payload(event(1, 2, TEN, "Good"), "7")),
        ("unknown_kind", arrived(1, 2, Arrival::Unknown { kind: 9, reference: Uuid::from_u128(9) })),
        ("unknown_kind", arrived(1, 2, Arrival::Unknown { kind: 1, reference: Uuid::from_u128(9) })),
        ("panicked", event(1, 2, TEN, "Poison")),
    ];
    for (reason, poison) in poisons {
        let reference = poison.what.reference();
        let inputs =
            vec![event(1, 1, TEN, "Good"), poison, event(1, 3, TEN, "Good"), event(2, 4, TEN, "Good")];
        let write = apply(&sample(), at(TEN), &[nobody_yet(1), nobody_yet(2)], inputs, Vec::new());
        assert_eq!(parked(&write), [(1, 2, reason)]);
        assert_eq!((write.parked[0].kind, write.parked[0].reference), reference);
        assert_eq!(done(&write), [1, 3, 4]);
        assert_eq!(sent(&write), [(1, "good"), (1, "good"), (2, "good")]);
        // The person's own counter has no gap.
        let journal: Vec<_> = write.journal.iter().map(|row| (row.person.0, row.n)).collect();
        assert_eq!(journal, [(1, 1), (1, 2), (2, 1)]);
    }
}

#[test]
fn somebody_whose_state_cant_be_read_is_set_aside_and_nobody_else() {
    let damaged = StoredPerson { version: 1, hot: vec![255, 1, 2], ..nobody_yet(1) };
    let run = StoredPerson { version: 1, runs: vec![(1, vec![9])], ..nobody_yet(3) };
    let traits = ("{\"a\": 1}".to_owned(), "{\"a\": \"ada@example.com\"}".to_owned());
    let traits = StoredPerson { version: 1, traits: Some(traits), ..nobody_yet(4) };
    let due = Due { shard: Shard::of(PersonId(1)), due_at: at(TEN), person: PersonId(1) };
    let inputs = vec![
        event(1, 1, TEN, "Good"),
        event(2, 2, TEN, "Good"),
        event(3, 3, TEN, "Good"),
        event(4, 4, TEN, "Good"),
    ];
    let write = apply(&sample(), at(TEN), &[damaged, nobody_yet(2), run, traits], inputs, vec![due]);
    // The wake-up, which has no place in intake, is parked with it.
    let expected =
        [(1, 0, "undecodable"), (1, 1, "undecodable"), (3, 3, "undecodable"), (4, 4, "undecodable")];
    assert_eq!(parked(&write), expected);
    assert_eq!((done(&write), sent(&write)), (vec![2], vec![(2, "good")]));
    assert_eq!(write.disarmed, [due]);
    assert!(write.people.iter().all(|row| row.person.0 == 2), "what can't be read is not written over");
    assert!(write.parked.iter().all(|row| !row.detail.contains("ada@")));
}

#[test]
fn inputs_of_somebody_who_does_not_exist_are_parked() {
    let due = Due { shard: Shard::of(PersonId(7)), due_at: at(TEN), person: PersonId(7) };
    let write = apply(&sample(), at(TEN), &[], vec![event(7, 1, TEN, "Good")], vec![due]);
    assert_eq!((parked(&write), write.disarmed), (vec![(7, 1, "no_person")], vec![due]));
}

/// Waits an hour, then sends; of `poison` the guard of the send has a defect.
fn waits(name: &str, poison: bool) -> Plan {
    let mut plan = plan(name, "Begin", vec![Step::Wait(Span::hours(1)), send(name, Channel::Inbox)]);
    plan.nodes[1].guard = poison.then(panics);
    plan
}

#[test]
fn a_poison_timer_costs_its_own_run_alone() {
    let plans = plans(vec![waits("a", false), waits("b", true), waits("c", false)], Policies::default());
    let begun = apply(&plans, at(TEN), &[nobody_yet(1)], vec![event(1, 1, TEN, "Begin")], Vec::new());
    let due = begun.armed.clone();
    assert_eq!(due[0].due_at, at("2026-01-05T11:00:00Z"));
    let write = apply(&plans, at(NOON), &[stored(&begun, 1)], vec![event(1, 2, NOON, "Good")], due);
    assert_eq!(parked(&write), [(1, 0, "panicked")]);
    assert_eq!(sent(&write), [(1, "a"), (1, "c")]);
    let ended: Vec<_> = write.ended.iter().map(|run| (run.journey.as_ref(), run.reason.as_str())).collect();
    assert_eq!(ended, [("a", "completed"), ("b", "failed"), ("c", "completed")]);
    assert_eq!(done(&write), [2]);
    assert_eq!(write.people[0].armed, None);
}

#[test]
fn a_poison_start_is_forgotten_alone() {
    let mut idle = plan("idle", "Begin", vec![send("idle", Channel::Inbox)]);
    idle.enter.idle = Some(Span::hours(1));
    let before = plans(vec![idle.clone(), waits("a", false)], Policies::default());
    let begun = apply(&before, at(TEN), &[nobody_yet(1)], vec![event(1, 1, TEN, "Begin")], Vec::new());
    idle.enter.condition = Some(panics());
    let after = plans(vec![idle, waits("a", false)], Policies::default());
    let write = apply(&after, at(NOON), &[stored(&begun, 1)], Vec::new(), begun.armed.clone());
    assert_eq!((parked(&write), sent(&write)), (vec![(1, 0, "panicked")], vec![(1, "a")]));
    assert_eq!(decode_hot(&write.people[0].hot).unwrap().pending, []);
}

/// Waits an hour for a reply.
fn replies() -> Plans {
    use crate::plan::{Branch, Trigger};
    let trigger = Trigger { on: vec!["Reply".into()], condition: None };
    let wait = Step::WaitFor { branches: vec![Branch { trigger, then: Some(1) }], within: Span::hours(1) };
    let mut plan =
        plan("j", "Begin", vec![wait, send("replied", Channel::Inbox), send("silent", Channel::Inbox)]);
    (plan.nodes[0].next, plan.nodes[0].otherwise, plan.nodes[1].next) = (None, Some(2), None);
    plans(vec![plan], Policies::default())
}

#[test]
fn due_timers_and_events_go_together_by_time_the_event_first_on_a_tie() {
    let plans = replies();
    let begun = apply(&plans, at(TEN), &[nobody_yet(1)], vec![event(1, 1, TEN, "Begin")], Vec::new());
    for (reply, told) in [
        ("2026-01-05T10:30:00Z", "replied"),
        ("2026-01-05T11:00:00Z", "replied"),
        ("2026-01-05T11:00:01Z", "silent"),
    ] {
        let inputs = vec![event(1, 2, reply, "Reply")];
        let write = apply(&plans, at(NOON), &[stored(&begun, 1)], inputs, begun.armed.clone());
        assert_eq!(sent(&write), [(1, told)], "{reply}");
    }
    // The queue's order is not the order of time.
    let inputs =
        vec![event(1, 2, "2026-01-05T11:30:00Z", "Other"), event(1, 3, "2026-01-05T10:30:00Z", "Reply")];
    let write = apply(&plans, at(NOON), &[stored(&begun, 1)], inputs, begun.armed.clone());
    assert_eq!(sent(&write), [(1, "replied")]);
}

#[test]
fn one_wake_up_stands_for_all_timers_moved_only_earlier() {
    let plans = replies();
    let begun = apply(&plans, at(TEN), &[nobody_yet(1)], vec![event(1, 1, TEN, "Begin")], Vec::new());
    assert_eq!(begun.armed.len(), 1);
    let armed = begun.armed[0];
    // What ends the wait leaves the wake-up where it is; it comes too early then, and arms nothing.
    let soon = "2026-01-05T10:30:00Z";
    let write = apply(&plans, at(soon), &[stored(&begun, 1)], vec![event(1, 2, soon, "Reply")], Vec::new());
    assert_eq!(
        (&write.armed, &write.disarmed, write.people[0].armed),
        (&vec![], &vec![], Some(armed.due_at))
    );
    let early = apply(&plans, at(NOON), &[stored(&write, 1)], Vec::new(), vec![armed]);
    assert_eq!((&early.armed, &early.disarmed, early.people[0].armed), (&vec![], &vec![armed], None));
    assert!(early.queued.is_empty() && early.journal.is_empty());
}

#[test]
fn a_batch_writes_only_what_changed() {
    let plans = replies();
    let begun = apply(&plans, at(TEN), &[nobody_yet(1)], vec![event(1, 1, TEN, "Begin")], Vec::new());
    let report = Arrival::Report { message: MessageId(Uuid::from_u128(1)), accepted: true, at: at(TEN) };
    let inputs = vec![arrived(1, 2, report), event(1, 3, TEN, "Other")];
    let write = apply(&plans, at(TEN), &[stored(&begun, 1)], inputs, Vec::new());
    assert!(write.moved.is_empty() && write.traits.is_empty() && write.features.is_empty());
    assert_eq!((write.people.len(), write.journal.len()), (1, 2));
    // Said again, a trait is no change.
    let identify = |seq| with_payload(event(1, seq, TEN, ""), r#"{"traits": {"city": "Ulm"}}"#);
    let identify = |seq| match identify(seq) {
        Arrived { what: Arrival::Event(event), place, person } => {
            let what = Arrival::Event(StoredEvent { kind: Kind::Identify, ..event });
            Arrived { what, place, person }
        }
        other => other,
    };
    let first = apply(&plans, at(TEN), &[nobody_yet(1)], vec![identify(1)], Vec::new());
    let (_, traits, times) = first.traits[0].clone();
    let known = StoredPerson { traits: Some((traits, times)), ..stored(&first, 1) };
    assert!(apply(&plans, at(NOON), &[known], vec![identify(2)], Vec::new()).traits.is_empty());
}

#[test]
fn what_is_stored_is_what_was() {
    let hot = Hot { last_run: 7, ..Hot::default() };
    let stored = StoredPerson { version: 3, n: 5, hot: encode_hot(&hot), ..nobody_yet(1) };
    assert!(stored.hot.len() < STATE_BYTES);
    let restored = restore(&stored, &crate::expr::Demands::default()).unwrap();
    assert_eq!(restored, Person { version: 3, n: 5, hot, ..Person::new(PersonId(1), 1) });
}

/// News of one item for these people, in one row.
fn news(people: &[i64], seq: i64) -> Vec<Arrived> {
    let mention = Mention { item: 0, interest: interest::Kind::Wishlist, since: at(TEN) };
    let news = Arc::new(News {
        id: EventId::new(at(TEN), SeenKey::new("batch", "news")),
        topic: Topic::PriceDropped,
        occurred_at: at(TEN),
        received_at: at(TEN),
        items: [Value::record([("product_id", Value::text("lamp"))])].into(),
    });
    let heard = |person: &i64| Arrived {
        place: Place { shard: Shard(0), lane: Lane::Bulk, seq },
        person: PersonId(*person),
        what: Arrival::News {
            heard: Heard { news: news.clone(), mentions: [mention].into() },
            alone: people.len() == 1,
        },
    };
    people.iter().map(heard).collect()
}

#[test]
fn of_news_for_many_the_part_of_those_who_can_not_hear_it_now_goes_on_by_itself() {
    let plans =
        plans(vec![plan("drop", "Price Dropped", vec![send("drop", Channel::Inbox)])], Policies::default());
    let closed = StoredPerson { merged_into: Some(PersonId(9)), ..nobody_yet(2) };
    let people = [nobody_yet(1), closed, nobody_yet(3)];
    let merge = Merge { loser: PersonId(30), winner: PersonId(3) };
    let take = Arrival::Take { merge, at: at(TEN), state: Arriving::Awaited };
    let write = apply(
        &plans,
        at(TEN),
        &people,
        [vec![arrived(3, 1, take.clone())], news(&[1, 2, 3], 2)].concat(),
        Vec::new(),
    );
    let queued: Vec<i64> = write.queued.iter().map(|row| row.person.0).collect();
    assert_eq!(queued, [1]);
    let alone: Vec<Vec<i64>> =
        write.retold.iter().map(|row| row.mentions.iter().map(|(person, _)| person.0).collect()).collect();
    assert_eq!(alone, [[9], [3]], "to whom they turned out to be, and to who waits");
    assert_eq!(write.retold[0].items.len(), 1);
    assert_eq!((done(&write), write.held.len()), (vec![2, 2, 2], 1), "the row is done with for all");
    // Theirs alone, it waits where it is.
    let write =
        apply(&plans, at(TEN), &people[2..], [vec![arrived(3, 1, take)], news(&[3], 2)].concat(), Vec::new());
    assert_eq!((write.retold.len(), write.held.len(), done(&write)), (0, 2, vec![]));
}

#[test]
fn what_people_say_of_products_is_kept_where_a_journey_waits_for_news_and_nowhere_else() {
    let payload = r#"{"properties": {"product_id": "lamp", "products": [{"product_id": "mug"}, {"product_id": "mug"}]}}"#;
    let inputs = || {
        let seen = ["Product Viewed", "Product Added to Wishlist", "Order Completed", "Product Viewed"];
        let each = seen.iter().enumerate();
        each.map(|(nth, name)| with_payload(event(1, nth as i64, TEN, name), payload)).collect::<Vec<_>>()
    };
    let listens = plans(vec![plan("back", "Back In Stock", vec![])], Policies::default());
    let write = apply(&listens, at(NOON), &[nobody_yet(1)], inputs(), Vec::new());
    let rows: Vec<(&str, usize)> = write
        .interests
        .iter()
        .map(|row| (row.product.as_ref(), row.interest.0.iter().flatten().count()))
        .collect();
    assert_eq!(rows, [("lamp", 2), ("mug", 1)]);
    let deaf = plans(vec![plan("other", "Other", vec![])], Policies::default());
    assert!(apply(&deaf, at(NOON), &[nobody_yet(1)], inputs(), Vec::new()).interests.is_empty());
}
