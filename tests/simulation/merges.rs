//! People who turn out to be one, over two workers: every order in which a cart, an order, the merge and the timer may come,
//! with every schedule of the workers between them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use journeyman_domain::person::decode_hot;
use journeyman_domain::plan::Plans;
use journeyman_domain::row::{Applied, StoredEvent};
use journeyman_domain::{EventId, Kind, MessageId, PersonId, SeenKey, Shard, ShardSet, ShopTime};
use journeyman_engine::deploy;
use journeyman_engine::machine::{
    Answer, Ask, Clock, Dispatcher, DispatcherLimits, Reply, Request, STATE_PATIENCE, Worker, WorkerLimits,
};
use journeyman_sim::{Memory, Session};
use uuid::Uuid;

use crate::shop::sources;

const CART: &str = "
journey: cart
topic: news
enter:
  on: Cart Updated
  if: cart.value >= 20 EUR
  idle: 45m
  unless: Order Completed
  per: cart_id
goal:
  on: Order Completed
  within: 3d
steps:
  - send: cart-reminder
    channel: inbox
  - wait_for: Order Completed
    within: 1h
    else:
      - send: cart-last-call
        channel: inbox
";

const POLICIES: &str = "topics:\n  news: { consent: opt_out }\n";

/// So many minutes after ten.
fn minute(nth: i64) -> ShopTime {
    ShopTime::from_millisecond(1_767_607_200_000 + nth * 60_000).unwrap()
}

fn plans() -> Arc<Plans> {
    Arc::new(Plans::new(deploy::compile(1, &sources(&[CART], POLICIES)).unwrap()))
}

/// Somebody of the first half of the slices, and somebody of the second: each worker has one.
fn two() -> [PersonId; 2] {
    let first = |second: bool| {
        (1..).map(PersonId).find(|person| (Shard::of(*person).slice() >= 16) == second).unwrap()
    };
    [first(false), first(true)]
}

/// A worker with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Lower,
    Upper,
}

/// A shop with two workers and a dispatcher, each of which goes on when it is told to.
struct Shop {
    memory: Memory,
    /// Compiled once: there are thousands of shops.
    plans: Arc<Plans>,
    workers: Vec<(Worker, Session, Reply)>,
    dispatcher: Dispatcher,
    answers: Vec<Answer>,
    now: ShopTime,
    machine: Duration,
    /// How many came so far.
    events: usize,
}

impl Shop {
    fn new(plans: &Arc<Plans>) -> Self {
        let mut memory = Memory::new();
        memory.deploy(Vec::new());
        for person in two() {
            memory.born(person, person.0);
        }
        let limits = DispatcherLimits::default();
        let dispatcher = Dispatcher::new(Uuid::from_u128(9), limits);
        let mut shop = Self {
            memory,
            plans: plans.clone(),
            workers: Vec::new(),
            answers: vec![Answer::Start; dispatcher.parts()],
            dispatcher,
            now: minute(30),
            machine: Duration::ZERO,
            events: 0,
        };
        shop.hire(1);
        shop.hire(2);
        // Until each has its half.
        for _ in 0..3 {
            shop.machine += Duration::from_secs(2);
            (0..2).for_each(|nth| shop.work_as(nth));
        }
        shop
    }

    fn hire(&mut self, id: u128) {
        let worker = Worker::new(Uuid::from_u128(id), WorkerLimits::default());
        self.workers.push((worker, Session::default(), Reply::Start));
    }

    fn receive(&mut self, person: PersonId, at: i64, name: &str, properties: &str) -> EventId {
        self.events += 1;
        let id = EventId::new(self.now, SeenKey::new("merges", &self.events.to_string()));
        let event = StoredEvent {
            id,
            kind: Kind::Track,
            name: name.into(),
            occurred_at: minute(at),
            received_at: self.now,
            historical: false,
            payload: format!(r#"{{"properties":{properties}}}"#),
        };
        let head = self.memory.head(person);
        self.memory.receive(head, event);
        id
    }

    fn clock(&mut self) -> Clock {
        self.machine += Duration::from_millis(1);
        Clock { shop: self.now, machine: self.machine }
    }

    /// A worker goes on until it rests.
    fn work_as(&mut self, nth: usize) {
        loop {
            let clock = self.clock();
            let (worker, session, reply) = &mut self.workers[nth];
            let Some(request) = worker.next(std::mem::replace(reply, Reply::Start), clock) else { return };
            if matches!(request, Request::Rest(_)) {
                *reply = Reply::Rested(ShardSet::ALL);
                return;
            }
            *reply = match request {
                Request::Deployment(_) => Reply::Plans(self.plans.clone()),
                request => self.memory.ask(session, request, clock.machine),
            };
        }
    }

    fn work(&mut self, who: Who) {
        self.work_as(usize::from(who == Who::Upper));
    }

    /// Each part of the dispatcher goes on until it rests.
    fn dispatch(&mut self) {
        for part in (0..self.answers.len()).chain(0..self.answers.len()) {
            loop {
                let clock = self.clock();
                let answer = std::mem::replace(&mut self.answers[part], Answer::Start);
                let Some(ask) = self.dispatcher.next(part, answer, clock) else { break };
                let rests = matches!(ask, Ask::Rest(_));
                self.answers[part] = match self.memory.ask_outbox(ask, clock.machine) {
                    Answer::Rested { .. } => Answer::Rested { rung: true },
                    answer => answer,
                };
                if rests {
                    break;
                }
            }
        }
    }

    /// Nobody has anything left to apply.
    fn settle(&mut self) {
        for _ in 0..20 {
            self.work(Who::Lower);
            self.work(Who::Upper);
            let due = self.memory.due.iter().any(|due| due.due_at <= self.now);
            if self.memory.waiting() == 0 && !due {
                return;
            }
        }
        panic!("{} inputs wait: {:?}", self.memory.waiting(), self.memory.intake());
    }

    fn queued(&self) -> BTreeSet<MessageId> {
        self.memory.outbox.messages.keys().copied().collect()
    }

    fn applied(&self, event: EventId) -> usize {
        self.memory.journal.iter().filter(|row| row.what == Applied::Event(event)).count()
    }
}

/// What comes, in some order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    Cart,
    Merge,
    Order,
    Timer,
}

fn orders() -> Vec<[Comes; 4]> {
    let all = [Comes::Cart, Comes::Merge, Comes::Order, Comes::Timer];
    let mut orders = Vec::new();
    for nth in 0..24 {
        let (mut left, mut rest) = (all.to_vec(), nth);
        let order = [4, 3, 2, 1].map(|of| {
            let picked = left.remove(rest % of);
            rest /= of;
            picked
        });
        orders.push(order);
    }
    orders
}

/// Who goes on between two things that come, in which order.
const WORK: [&[Who]; 5] =
    [&[], &[Who::Lower], &[Who::Upper], &[Who::Lower, Who::Upper], &[Who::Upper, Who::Lower]];

/// Who goes on behind each of the first three, and whether the dispatcher does then: every order of workers, each with one of
/// the ways in which the dispatcher may come between; with all of them where there is time (`JOURNEYMAN_SEEDS`).
fn schedules() -> Vec<[(&'static [Who], bool); 3]> {
    let all = std::env::var_os("JOURNEYMAN_SEEDS").is_some();
    let mut schedules = Vec::new();
    for nth in 0..125_usize {
        let workers = [nth / 25, nth / 5 % 5, nth % 5].map(|digit| WORK[digit]);
        let dispatches: Vec<usize> = if all { (0..8).collect() } else { vec![nth % 8] };
        for bits in dispatches {
            schedules.push([0, 1, 2].map(|place| (workers[place], bits >> place & 1 == 1)));
        }
    }
    schedules
}

struct Case {
    order: [Comes; 4],
    schedule: [(&'static [Who], bool); 3],
    /// Whose the cart is, whose the order, and who stays.
    cart: PersonId,
    buyer: PersonId,
    winner: PersonId,
}

fn happens(plans: &Arc<Plans>, case: &Case) {
    let mut shop = Shop::new(plans);
    let loser = if case.winner == case.cart { case.buyer } else { case.cart };
    let (mut merged, mut ordered, mut known) = (false, false, None);
    let mut events = Vec::new();
    let said =
        |what: &str| format!("{what}: {:?}, {:?}, {loser} into {}", case.order, case.schedule, case.winner);
    for (nth, comes) in case.order.iter().enumerate() {
        match comes {
            Comes::Cart => {
                let product = r#"{"cart_id":"c","product_id":"p","price":30}"#;
                events.push(shop.receive(case.cart, 0, "Product Added", product));
            }
            Comes::Merge => merged = shop.memory.merge(loser, case.winner, shop.now),
            Comes::Order => {
                events.push(shop.receive(case.buyer, 20, "Order Completed", r#"{"order_id":"o"}"#));
                ordered = true;
            }
            // The silence is over by far, and the last call would be due too, were it begun.
            Comes::Timer => shop.now = minute(60),
        }
        if merged && ordered && known.is_none() {
            known = Some(shop.queued());
        }
        if let Some((workers, dispatch)) = case.schedule.get(nth) {
            workers.iter().for_each(|who| shop.work(*who));
            if *dispatch {
                shop.dispatch();
            }
        }
    }
    shop.settle();
    let delivered = shop.memory.outbox.inbox.len();
    // From now on only what must not be could be sent.
    for later in [60, 120, 300, 6_000] {
        shop.now = minute(later);
        shop.settle();
        shop.dispatch();
        shop.settle();
    }
    let late: Vec<_> = shop.queued().difference(&known.unwrap()).copied().collect();
    assert!(late.is_empty(), "{}", said("queued after the order"));
    assert_eq!(shop.memory.outbox.inbox.len(), delivered, "{}", said("left after the order was applied"));
    for event in events {
        assert_eq!(shop.applied(event), 1, "{}", said("an event was not applied once"));
    }
    assert!(shop.memory.parked.is_empty() && shop.memory.handovers.is_empty(), "{}", said("left over"));
    let hot = decode_hot(&shop.memory.people[&case.winner].hot).unwrap();
    assert!(hot.carts.latest().is_none() && hot.pending.is_empty(), "{}", said("the cart is there still"));
    assert!(!shop.memory.runs.keys().any(|(person, _)| *person == loser), "{}", said("runs of the loser"));
}

#[test]
fn whatever_comes_first_nothing_is_sent_after_the_order() {
    let plans = plans();
    let [lower, upper] = two();
    let schedules = schedules();
    let cases: Vec<_> = orders()
        .into_iter()
        .flat_map(|order| schedules.iter().map(move |schedule| (order, *schedule)))
        .collect();
    assert!(cases.len() >= 24 * 125);
    // The browser's cart and the known person's order, and the other way about: each with a merge over the shards.
    std::thread::scope(|scope| {
        for (cart, winner) in [(lower, upper), (lower, lower)] {
            let (cases, plans) = (&cases, &plans);
            scope.spawn(move || {
                for (order, schedule) in cases {
                    let case = Case { order: *order, schedule: *schedule, cart, buyer: upper, winner };
                    happens(plans, &case);
                }
            });
        }
    });
}

/// A cart under one id and the order under the other, all applied, and the merge at the door.
fn merging(plans: &Arc<Plans>) -> (Shop, [PersonId; 2]) {
    let mut shop = Shop::new(plans);
    let [browser, ada] = two();
    shop.receive(browser, 0, "Product Added", r#"{"cart_id":"c","product_id":"p","price":30}"#);
    shop.receive(ada, 1, "Order Completed", r#"{"order_id":"o"}"#);
    shop.settle();
    assert!(shop.memory.merge(browser, ada, shop.now));
    (shop, [browser, ada])
}

#[test]
fn who_dies_between_closing_and_taking_loses_nothing() {
    let plans = plans();
    // The loser's worker dies before it closes, after it, or after the winner's has taken.
    for (closes, takes) in [(false, false), (true, false), (true, true)] {
        let (mut shop, [browser, ada]) = merging(&plans);
        shop.receive(ada, 2, "Seen", "{}");
        if closes {
            shop.work(Who::Lower);
        }
        if takes {
            shop.work(Who::Upper);
        }
        // Both are gone; somebody else takes their slices when the leases are over.
        shop.workers.clear();
        shop.machine += Duration::from_secs(7);
        shop.hire(3);
        shop.hire(4);
        for _ in 0..4 {
            shop.machine += Duration::from_secs(2);
            (0..2).for_each(|nth| shop.work_as(nth));
        }
        shop.now = minute(600);
        shop.settle();
        let whats: Vec<_> = shop.memory.journal.iter().map(|row| (row.person, row.what)).collect();
        let merges =
            whats.iter().filter(|(_, what)| matches!(what, Applied::Closed { .. } | Applied::Taken { .. }));
        let people: Vec<PersonId> = merges.map(|(person, _)| *person).collect();
        assert_eq!(people, [browser, ada], "{closes} {takes}");
        assert_eq!((shop.memory.waiting(), shop.queued().len()), (0, 0));
        assert_eq!(shop.memory.handovers.len(), 0);
    }
}

#[test]
fn what_came_later_waits_for_the_state_and_half_a_minute_at_most() {
    let plans = plans();
    let (mut shop, [_, ada]) = merging(&plans);
    let before = shop.memory.waiting();
    let seen = shop.receive(ada, 2, "Seen", "{}");
    let begun = shop.machine;
    let mut waited = Duration::ZERO;
    // The loser's worker does nothing.
    while shop.applied(seen) == 0 {
        waited = shop.machine - begun;
        assert!(waited < STATE_PATIENCE * 2, "it waits for ever");
        shop.machine += Duration::from_millis(250);
        // It is alive, and has much to do.
        let (machine, worker) = (shop.machine, Uuid::from_u128(1));
        shop.memory.ask(&mut Session::default(), Request::Lease { worker }, machine);
        shop.work(Who::Upper);
    }
    assert!(waited + Duration::from_secs(1) > STATE_PATIENCE, "it waited {waited:?}");
    assert_eq!(shop.memory.waiting(), before);
    // When the state comes after all it is taken.
    shop.work(Who::Lower);
    for _ in 0..60 {
        shop.machine += Duration::from_millis(250);
        shop.work(Who::Upper);
    }
    assert_eq!((shop.memory.waiting(), shop.memory.handovers.len()), (0, 0));
    shop.now = minute(600);
    shop.settle();
    assert_eq!(shop.queued().len(), 0);
}

#[test]
fn strays_go_on_to_whoever_they_are_now_through_chains() {
    let plans = plans();
    let [browser, ada] = two();
    let mut shop = Shop::new(&plans);
    let tablet = (ada.0 + 1..).map(PersonId).find(|person| Shard::of(*person).slice() < 16).unwrap();
    shop.memory.born(tablet, 7);
    shop.receive(browser, 0, "Product Added", r#"{"cart_id":"c","product_id":"p","price":30}"#);
    shop.settle();
    // The door's transaction knows the browser still, and commits when all is over.
    let slow: Vec<_> = (0..3_u128)
        .map(|nth| {
            let event = StoredEvent {
                id: EventId::new(shop.now, SeenKey(nth + 1)),
                kind: Kind::Track,
                name: "Seen".into(),
                occurred_at: shop.now,
                received_at: shop.now,
                historical: nth == 1,
                payload: "{}".to_owned(),
            };
            (shop.memory.begin_receive(event.id).unwrap(), event)
        })
        .collect();
    assert!(shop.memory.merge(browser, tablet, shop.now));
    assert!(shop.memory.merge(tablet, ada, shop.now));
    assert!(!shop.memory.merge(browser, ada, shop.now), "they are one already");
    shop.settle();
    for (seq, event) in slow {
        let id = event.id;
        shop.memory.end_receive(seq, browser, event);
        // Behind its mark the queue is read every 10 s.
        shop.machine += Duration::from_secs(11);
        shop.settle();
        let by: Vec<PersonId> = shop
            .memory
            .journal
            .iter()
            .filter(|row| row.what == Applied::Event(id))
            .map(|row| row.person)
            .collect();
        assert_eq!(by, [ada]);
    }
    let hot = decode_hot(&shop.memory.people[&ada].hot).unwrap();
    assert_eq!((hot.pending.len(), shop.memory.waiting()), (1, 0));
    shop.now = minute(50);
    shop.settle();
    shop.dispatch();
    assert_eq!(shop.memory.outbox.inbox.len(), 1, "the cart that nobody bought is spoken of, once");
}
