//! A backtest of what was recorded does what the machines had done when it happened: the same entries, messages, refusals
//! and ends, at the same moments.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use journeyman_domain::plan::Plans;
use journeyman_domain::row::{EndedRow, StoredEvent};
use journeyman_domain::{EventId, Kind, MessageId, PersonId, SeenKey, ShopTime};
use journeyman_engine::machine::StoredSource;
use journeyman_sim::backtest::{History, Line, Timeline, What, Window, live};
use journeyman_sim::{MessageState, Random, World};

use crate::shop::sources;
use crate::written;

/// How many shops one run of the tests lets live; more by `JOURNEYMAN_LIVES`.
const SHOPS: u64 = 40;
const PEOPLE: i64 = 5;
const EVENTS: usize = 60;
const DAYS: i64 = 12;

const POLICIES: &str = "
time_zone: Europe/Berlin
topics:
  news: { consent: opt_out }
  offers: { consent: opt_in }
minimum_gap: 2h
caps: { email: 3 per 2d }
quiet_hours: { sms: 20:00-08:00, inbox: 23:00-06:00 }
holdout: 5%
";

/// Policies that keep nothing back.
const OPEN: &str = "topics: { offers: { consent: opt_out } }\n";

const JOURNEYS: [&str; 4] = [
    "
journey: cart
topic: news
lane: shop
priority: 70
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
  - id: nudge
    send: cart-reminder
    channel: [sms, email]
    within: 12h
  - wait_for:
      if: nudge.clicked
    within: 20h
    else:
      - send: cart-last-call
        channel: email
        if: cart.items.count() > 0
        within: 2h
",
    "
journey: welcome
topic: news
enter:
  on: Signed Up
  again: every 2d
holdout: 20%
goal:
  on: Order Completed
  within: 2d
  exit: no
exit:
  - if: profile.blocked == true
steps:
  - id: hello
    send: welcome
    channel: [email, inbox]
  - wait_until: weekdays 09:00
  - choose: present
    by: fixed
    options:
      rose:
        share: 50%
        then:
          - send: rose
            channel: inbox
      none:
        share: 50%
        then:
          - exit: nothing-to-give
  - wait_for:
      if: hello.clicked
    within: 1d
    else:
      - send: welcome-again
        channel: inbox
",
    "
journey: viewed
topic: offers
lane: shop
priority: 40
cap: 2 per 3d
enter:
  on: Product Viewed
  if: count('Product Viewed', 7d, product_id == event.product_id) >= 2
  per: product_id
  if_running: restart
  again: every 2h
steps:
  - wait: 10m
  - send: still-interested
    channel: inbox
    within: 3h
  - wait: 1d
  - send: more-like-this
    channel: email
",
    "
journey: receipt
kind: transactional
enter:
  on: Order Completed
  per: order_id
steps:
  - send: receipt
    channel: [email, inbox]
    else:
      - send: receipt-by-paper
        channel: inbox
",
];

fn begin() -> ShopTime {
    ShopTime::from_millisecond(1_767_571_200_000).unwrap()
}

/// What happens, in the order of time: to whom, and what.
type Stream = Vec<(PersonId, StoredEvent)>;

fn event(random: &mut Random, nth: usize, at: ShopTime) -> StoredEvent {
    let properties = |inside: String| format!(r#"{{"properties":{{{inside}}}}}"#);
    let product = format!(r#""product_id":"p{}","price":{}"#, random.below(2), random.between(5, 40));
    let order = format!(r#""order_id":"o{}","revenue":{}"#, random.below(1_000), random.between(5, 80));
    let traits = random.among(&[
        r#"{"traits":{"email":"a@example.com"}}"#,
        r#"{"traits":{"email":"b@example.com","phone":"+4915100000"}}"#,
        r#"{"traits":{"phone":null}}"#,
        r#"{"traits":{"blocked":true}}"#,
        r#"{"traits":{"blocked":false}}"#,
        r#"{"traits":{"timezone":"Asia/Tokyo"}}"#,
        r#"{"traits":{"timezone":"America/New_York"}}"#,
    ]);
    let consent = random.among(&["", r#""topic":"news""#, r#""topic":"offers""#, r#""channel":"email""#]);
    let (kind, name, payload) = match random.below(12) {
        0 | 1 => (Kind::Track, "Product Added", properties(product)),
        2 => (Kind::Track, "Product Removed", properties(product)),
        3..=5 => (Kind::Track, "Product Viewed", properties(product)),
        6 => (Kind::Track, "Order Completed", properties(order)),
        7 => (Kind::Track, "Signed Up", properties(String::new())),
        8 => (Kind::Track, "Subscribed", properties(consent.to_owned())),
        9 if random.chance(300) => (Kind::Track, "Unsubscribed", properties(consent.to_owned())),
        10 if random.chance(100) => (Kind::Track, "Product Viewed", "{".to_owned()),
        _ => (Kind::Identify, "", traits.to_owned()),
    };
    stored(nth, at, kind, name, payload)
}

fn stored(nth: usize, at: ShopTime, kind: Kind, name: &str, payload: String) -> StoredEvent {
    let id = EventId::new(at, SeenKey::new("backtest", &nth.to_string()));
    StoredEvent { id, kind, name: name.into(), occurred_at: at, received_at: at, historical: false, payload }
}

/// A moment of no other's, so that no timer that an event sets comes due with another event: the world's clock would show
/// the timer first. Some share one: those go together.
fn stream(random: &mut Random) -> Stream {
    let mut at: Vec<i64> =
        (0..EVENTS as i64).map(|nth| minute(random) * 60_000_000 + 7 * (nth + 1)).collect();
    for nth in 1..EVENTS {
        if random.chance(100) {
            at[nth] = at[nth - 1];
        }
    }
    let mut stream: Stream = at
        .into_iter()
        .enumerate()
        .map(|(nth, micros)| {
            let at = begin().saturating_add(SignedDuration::from_micros(micros));
            (PersonId(random.between(1, PEOPLE)), event(random, nth, at))
        })
        .collect();
    stream.sort_by_key(|(_, event)| event.received_at);
    stream
}

fn minute(random: &mut Random) -> i64 {
    random.between(1, DAYS * 24 * 60)
}

fn end() -> ShopTime {
    begin().saturating_add(SignedDuration::from_hours((DAYS + 3) * 24))
}

/// Somebody clicks what they got.
fn clicks(random: &mut Random, sent: &[(PersonId, MessageId, ShopTime)], stream: &mut Stream) {
    for (nth, (person, message, at)) in (EVENTS..).zip(sent) {
        if !random.chance(400) {
            continue;
        }
        let later = SignedDuration::from_micros(random.between(1, 600) * 60_000_000 + 7 * (nth as i64 + 1));
        let payload = format!(r#"{{"properties":{{"message_id":"{message}","link":1,"url":"/"}}}}"#);
        let event = stored(nth, at.saturating_add(later), Kind::Track, "Message Followed", payload);
        stream.push((*person, event));
    }
    stream.sort_by_key(|(_, event)| event.received_at);
}

/// What is compared, as sorted lines of text.
fn backtested(plans: &Plans, stream: &Stream) -> (Vec<String>, Vec<(PersonId, MessageId, ShopTime)>) {
    let (mut told, mut sent) = (Vec::new(), Vec::new());
    for person in (1..=PEOPLE).map(PersonId) {
        let events = stream.iter().filter(|(whose, _)| *whose == person).map(|(_, event)| event.clone());
        let history = History { person, assignment_key: person.0 * 0x9e37_79b9, events: events.collect() };
        for Line { at, what } in
            live(plans, Window { from: None, until: end() }, &Timeline::default(), history)
        {
            let line = match what {
                What::Entered { journey, run, key, held_out } => {
                    format!("{at} began {journey} {run} {key:?} {held_out}")
                }
                What::Sent(message) => {
                    sent.push((person, message.message, at));
                    format!(
                        "{at} {:?} {} {}",
                        MessageState::Accepted,
                        message.message,
                        message.channel.name()
                    )
                }
                What::Withheld(message) => {
                    format!(
                        "{at} {:?} {} {}",
                        MessageState::Withheld,
                        message.message,
                        message.channel.name()
                    )
                }
                What::CalledOff(message) => {
                    format!(
                        "{at} {:?} {} {}",
                        MessageState::Cancelled,
                        message.message,
                        message.channel.name()
                    )
                }
                What::NotSent { journey, step, reason } => format!("{at} {journey}/{step} {}", reason.code()),
                What::Refused { journey, reason } => format!("{at} {journey} {}", reason.code()),
                What::LeftOut { of, reason } => format!("{at} {of} {}", reason.code()),
                What::Goal { journey, run, value, .. } => format!("{at} goal {journey} {run} {value:?}"),
                What::Ended { journey, run, reason } => format!("{at} ended {journey} {run} {reason}"),
                What::UnderWay { journey, run, step } => format!("{at} at {journey} {run} {step}"),
                What::Parked { reason } => format!("parked {reason}"),
            };
            told.push(format!("{person} {line}"));
        }
    }
    told.sort();
    (told, sent)
}

/// The same of a shop whose worker and dispatcher met it as it happened.
fn lived(sources: &[StoredSource], plans: &Plans, stream: &Stream) -> Vec<String> {
    let mut world = World::new(begin());
    world.deploy(sources.to_vec());
    for person in 1..=PEOPLE {
        world.memory.born(PersonId(person), person * 0x9e37_79b9);
    }
    for together in stream.chunk_by(|one, other| one.1.received_at == other.1.received_at) {
        world.run_until(together[0].1.received_at);
        together.iter().for_each(|(person, event)| world.receive(*person, event.clone()));
        world.settle();
    }
    world.run_until(end());
    world.memory.told(plans)
}

trait Told {
    fn told(&self, plans: &Plans) -> Vec<String>;
}

impl Told for journeyman_sim::Memory {
    fn told(&self, plans: &Plans) -> Vec<String> {
        let mut told = Vec::new();
        for outgoing in self.outbox.messages.values() {
            let row = &outgoing.row;
            let (at, state, channel) = (row.queued_at, outgoing.state, row.channel.name());
            told.push(format!("{} {at} {state:?} {} {channel}", row.person, row.message));
        }
        for row in &self.journal {
            let refusals = row.refusals.iter();
            told.extend(
                refusals.map(|said| format!("{} {} {} {}", row.person, row.at, said.of, said.reason.code())),
            );
        }
        for row in &self.ended {
            let EndedRow { person, number, journey, key, held_out, started_at, .. } = row;
            told.push(format!("{person} {started_at} began {journey} {number} {key:?} {}", *held_out != 0));
            if let Some(at) = row.goal_at {
                told.push(format!("{person} {at} goal {journey} {number} {:?}", row.goal_value));
            }
            told.push(format!("{person} {} ended {journey} {number} {}", row.ended_at, row.reason));
        }
        for row in self.runs.values() {
            let run = journeyman_domain::person::decode_run(&row.state).unwrap();
            let (person, number, journey) = (row.person, row.number, &row.journey);
            let held_out = run.held_out != journeyman_domain::person::HeldOut::No;
            told.push(format!(
                "{person} {} began {journey} {number} {:?} {held_out}",
                run.started_at, run.key
            ));
            if let Some(goal) = &run.goal {
                let value = plans.policies.rates.worth(&goal.value);
                told.push(format!("{person} {} goal {journey} {number} {value:?}", goal.at));
            }
            match run.position {
                journeyman_domain::person::Position::At { step, .. } => {
                    told.push(format!("{person} {} at {journey} {number} {step}", end()));
                }
                journeyman_domain::person::Position::Watching(watching) => {
                    let (at, reason) = (watching.ended_at, watching.reason);
                    told.push(format!("{person} {at} ended {journey} {number} {reason}"));
                }
            }
        }
        told.extend(self.parked.iter().map(|parked| format!("{} parked {}", parked.person, parked.reason)));
        told.sort();
        told
    }
}

fn shops() -> u64 {
    std::env::var("JOURNEYMAN_LIVES").map_or(SHOPS, |shops| shops.parse().expect("a number"))
}

/// Lets people live by both, and counts what happened to them.
fn compare(sources: &[StoredSource], mut random: Random, shop: &str, kinds: &mut BTreeMap<String, usize>) {
    let plans = Plans::new(journeyman_engine::deploy::compile(1, sources).unwrap());
    let mut stream = stream(&mut random);
    let (_, sent) = backtested(&plans, &stream);
    clicks(&mut random, &sent, &mut stream);
    stream.retain(|(_, event)| event.received_at < end());
    let (ours, _) = backtested(&plans, &stream);
    let theirs = lived(sources, &plans, &stream);
    let only = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|line| !others.contains(line)).cloned().collect()
    };
    assert_eq!(
        (only(&ours, &theirs), only(&theirs, &ours)),
        (Vec::new(), Vec::new()),
        "{shop}: what only the backtest says, and what only the machines do"
    );
    assert_eq!(ours, theirs, "{shop}: something is told twice");
    for line in ours {
        let words: Vec<&str> = line.split(' ').collect();
        let kind = if words[1] == "parked" { words[1] } else { words[2] };
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
}

/// Whatever journeys chance writes.
#[test]
fn a_backtest_of_any_journeys_does_what_the_machines_had_done() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..shops() {
        let mut random = Random::new(1_000_000 + seed);
        let written: Vec<String> =
            ["a", "b", "c"].iter().map(|name| written::journey(&mut random, name)).collect();
        let texts: Vec<&str> = written.iter().map(String::as_str).collect();
        let shop = format!("seed {seed}, these journeys:\n{}", written.join("\n"));
        let sources = sources(&texts, POLICIES);
        compare(&sources, random, &shop, &mut kinds);
    }
    for kind in ["began", "goal", "ended", "at", "Accepted", "Withheld", "parked"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 0), "no {kind} in any shop: {kinds:?}");
    }
}

#[test]
fn a_backtest_does_what_the_machines_had_done() {
    let sources = sources(&JOURNEYS, POLICIES);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..shops() {
        compare(&sources, Random::new(seed), &format!("seed {seed}"), &mut kinds);
    }
    // The shops are worth comparing: all of it has happened in them.
    for kind in ["began", "goal", "ended", "at", "Accepted", "Withheld", "cart/nudge", "viewed", "parked"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 0), "no {kind} in any shop: {kinds:?}");
    }
}

#[test]
fn before_the_window_history_builds_the_profile_and_starts_nothing() {
    let deployment = journeyman_engine::deploy::compile(1, &sources(&JOURNEYS[2..3], OPEN)).unwrap();
    let plans = Plans::new(deployment);
    let at = |hour: i64| begin().saturating_add(SignedDuration::from_hours(hour));
    let view = |hour: i64| {
        let payload = r#"{"properties":{"product_id":"p"}}"#.to_owned();
        stored(hour as usize, at(hour), Kind::Track, "Product Viewed", payload)
    };
    // Two views are needed. The first two stand before the window: alone they would have begun a run.
    let events = vec![view(1), view(2), view(30)];
    let lives = |from: Option<ShopTime>, until: ShopTime| {
        let history = History { person: PersonId(1), assignment_key: 1, events: events.clone() };
        let lines = live(&plans, Window { from, until }, &Timeline::default(), history);
        let what = |line: &Line| match &line.what {
            What::Entered { journey, .. } => {
                format!("{} entered {journey}", line.at.since(begin()).as_hours())
            }
            What::Sent(message) => format!("{} sent {}", line.at.since(begin()).as_hours(), message.step),
            other => format!("{other:?}"),
        };
        let told: Vec<String> = lines.iter().map(what).collect();
        told.into_iter()
            .filter(|told| told.contains(" entered ") || told.contains(" sent "))
            .collect::<Vec<_>>()
    };
    let sent = |hour: i64| format!("{hour} sent still_interested");
    assert_eq!(lives(None, at(29)), ["2 entered viewed".to_owned(), sent(2)]);
    assert_eq!(lives(Some(at(29)), at(40)), ["30 entered viewed".to_owned(), sent(30)]);
    // The window's end is the clock's: what is due after it is not.
    assert_eq!(lives(Some(at(29)), at(30)), ["30 entered viewed"]);
    assert!(lives(Some(at(31)), at(40)).is_empty());
}
