//! The same random history over both stores, driven by the same machines: what each holds in the end is the same.

use std::time::Duration;

use journeyman_channels::{Reason, Verdict};
use journeyman_domain::plan::{Channel, Plans};
use journeyman_domain::row::{Applied, StoredEvent};
use journeyman_domain::{Kind, PersonId, Shard, ShardSet, ShopTime};
use journeyman_engine::deploy;
use journeyman_engine::machine::{
    Answer, Ask, Clock, Dispatcher, DispatcherLimits, Reply, Request, Said, StoredSource, Worker,
    WorkerLimits,
};
use journeyman_journey::{Severity, Source};
use journeyman_sim::Random;
use uuid::Uuid;

use super::backend::{Backend, InMemory, InPostgres, START, Template};
use super::contents::{event_id, of_memory, of_postgres, same};
use super::driven;

/// How many histories.
const HISTORIES: u64 = 12;
/// How many things happen in each.
const OPERATIONS: u64 = 120;

const POLICIES: &str = "
topics:
  news: { consent: opt_out }
senders:
  shop: { from: shop@shop.example, name: Shop, stream: marketing }
minimum_gap: 10m
";

const CART: &str = "
journey: cart
topic: news
enter:
  on: Cart Updated
  idle: 45m
  unless: Order Completed
  per: cart_id
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
holdout: 20%
steps:
  - send: reminder
    channel: [email, inbox]
    within: 2h
  - choose: way
    by: fixed
    options:
      short: { share: 50% }
      long:
        share: 50%
        then:
          - wait: 3h
  - wait_for: Order Completed
    within: 1d
    else:
      - send: last-call
        channel: inbox
";

const VIEWED: &str = "
journey: viewed
topic: news
enter:
  on: Product Viewed
  if: count('Product Viewed', 7d) >= 2 and profile.name != 'Nobody'
  per: product_id
  again: every 2h
exit:
  - on: Order Completed
steps:
  - wait: 10m
  - send: still-interested
    channel: inbox
    within: 3h
    else:
      - send: too-late
        channel: sms
";

fn sources(journeys: &[&str]) -> Vec<StoredSource> {
    let mut files = vec![Source { path: "journeyman.yaml".into(), text: POLICIES.to_owned() }];
    for text in journeys {
        let name = text.lines().find_map(|line| line.strip_prefix("journey: ")).unwrap();
        files.push(Source { path: format!("journeys/{name}.yaml"), text: (*text).to_owned() });
    }
    let checked = journeyman_journey::check(&files, None, false);
    let errors = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    let errors: Vec<String> = errors.map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    deploy::sources(&checked, &files)
}

/// Machines over a store. Without faults a machine goes on until it rests.
struct Shop<B> {
    backend: B,
    workers: Vec<(Uuid, Worker, Reply)>,
    dispatchers: Vec<(Dispatcher, Vec<Answer>)>,
    now: ShopTime,
    machine: Duration,
    random: Random,
}

impl<B: Backend> Shop<B> {
    fn new(backend: B, seed: u64) -> Self {
        let now = ShopTime::from_millisecond(START).unwrap();
        let mut shop = Self {
            backend,
            workers: Vec::new(),
            dispatchers: Vec::new(),
            now,
            machine: Duration::ZERO,
            random: Random::new(seed),
        };
        (0..2).for_each(|_| shop.hire());
        shop
    }

    fn hire(&mut self) {
        let id = Uuid::from_u128(self.random.name());
        let limits = WorkerLimits { batch: self.random.among(&[1, 3, 1_000]), ..WorkerLimits::default() };
        self.workers.push((id, Worker::new(id, limits), Reply::Start));
        // One by one, so that the order of their reports is that of the queue.
        let limits = DispatcherLimits { group: 1, claim: 2, lanes: 1, ..DispatcherLimits::default() };
        let dispatcher = Dispatcher::new(Uuid::from_u128(self.random.name()), limits);
        let answers = vec![Answer::Start; dispatcher.parts()];
        self.dispatchers.push((dispatcher, answers));
    }

    fn clock(&mut self) -> Clock {
        self.machine += Duration::from_millis(1);
        Clock { shop: self.now, machine: self.machine }
    }

    /// A worker goes on until it rests, or has left.
    async fn work(&mut self, nth: usize) {
        for _ in 0..10_000 {
            let clock = self.clock();
            let (id, worker, reply) = &mut self.workers[nth];
            let Some(request) = worker.next(std::mem::replace(reply, Reply::Start), clock) else { return };
            if let Request::Rest(patience) = request {
                self.machine += patience;
                self.workers[nth].2 = Reply::Rested(ShardSet::ALL);
                return;
            }
            self.workers[nth].2 = self.backend.ask(*id, request).await;
        }
        panic!("a worker never rests");
    }

    /// Each part of a dispatcher likewise, the one that leases last when it leaves.
    async fn dispatch(&mut self, nth: usize) {
        let parts = self.dispatchers[nth].0.parts();
        for part in (0..parts).chain([0]) {
            self.dispatch_part(nth, part).await;
        }
    }

    /// The channel takes some, refuses some, and wants others again later.
    async fn dispatch_part(&mut self, nth: usize, part: usize) {
        for _ in 0..10_000 {
            let clock = self.clock();
            let (dispatcher, answers) = &mut self.dispatchers[nth];
            let answer = std::mem::replace(&mut answers[part], Answer::Start);
            let Some(ask) = dispatcher.next(part, answer, clock) else { return };
            let answer = match ask {
                Ask::Rest(_) => {
                    self.machine += Duration::from_millis(50);
                    self.dispatchers[nth].1[part] = Answer::Rested { rung: true };
                    return;
                }
                Ask::Deliver(messages) => {
                    let said = |claimed: journeyman_engine::machine::Claimed| {
                        let reason = "so it is".to_owned();
                        let said = match (self.random.below(7), claimed.attempts) {
                            (0, _) => Said::Channel(Verdict::Rejected {
                                reason: Reason::Policy,
                                detail: reason,
                                suppress: false,
                            }),
                            (1, 0..2) => Said::Channel(Verdict::Retry { after: None, reason, host: false }),
                            (2, 2..) | (3, 0) => Said::Channel(Verdict::Unknown { reason }),
                            (4, _) => {
                                let provider_id = Some(format!("250 {}", claimed.message.step));
                                Said::Channel(Verdict::Accepted { provider_id })
                            }
                            _ => Said::Inbox,
                        };
                        (claimed.message.message, said)
                    };
                    Answer::Delivered(messages.into_iter().map(said).collect())
                }
                ask => driven::send(&mut self.backend, ask).await,
            };
            self.dispatchers[nth].1[part] = answer;
        }
        panic!("a dispatcher never rests");
    }

    async fn happen(&mut self, people: &[PersonId]) {
        let quick = VIEWED.replace("wait: 10m", "wait: 1m");
        let deployments = [sources(&[CART, VIEWED]), sources(&[CART, &quick]), sources(&[VIEWED])];
        let demands = |sources: &[StoredSource]| {
            Plans::new(deploy::compile(1, sources).unwrap()).demands.iter().cloned().collect::<Vec<_>>()
        };
        for person in people {
            self.backend.born(*person).await;
        }
        let all = demands(&deployments[0]);
        self.backend.ensure_lines(Channel::Email, &["shop"]).await;
        self.backend.deploy(&deployments[0], &all).await;
        for nth in 0..OPERATIONS {
            match self.random.below(12) {
                0..5 => {
                    let person = self.random.among(people);
                    let event = self.event(nth);
                    self.backend.receive(person, event).await;
                }
                5 | 6 => {
                    let minutes = self.random.among(&[1, 15, 60, 60, 600]);
                    self.now = self.now.saturating_add(jiff::SignedDuration::from_mins(minutes));
                }
                7 => {
                    self.machine += Duration::from_secs(3);
                    self.backend.expire().await;
                }
                8 if self.workers.len() < 4 => self.hire(),
                8 => {
                    let leaves = self.random.below(self.workers.len() as u64) as usize;
                    self.workers[leaves].1.leave();
                    self.dispatchers[leaves].0.leave();
                    self.work(leaves).await;
                    self.dispatch(leaves).await;
                    self.workers.remove(leaves);
                    self.dispatchers.remove(leaves);
                    if self.workers.is_empty() {
                        self.hire();
                    }
                }
                9 if self.random.chance(300) => {
                    let which = self.random.below(3) as usize;
                    self.backend.deploy(&deployments[which], &all).await;
                }
                10 if self.random.chance(250) => {
                    let (loser, winner) = (self.random.among(people), self.random.among(people));
                    self.backend.merge(loser, winner, self.now).await;
                }
                _ => {
                    let nth = self.random.below(self.workers.len() as u64) as usize;
                    self.work(nth).await;
                    self.dispatch(nth).await;
                }
            }
        }
        // Nearly to the end: something is to be left.
        for nth in 0..self.workers.len() {
            self.work(nth).await;
            self.dispatch(nth).await;
        }
    }

    fn event(&mut self, nth: u64) -> StoredEvent {
        let (cart, product) = (self.random.below(2), self.random.below(2));
        let properties =
            format!(r#""cart_id": "c{cart}", "product_id": "p{product}", "price": 12.50, "revenue": 30"#);
        let (kind, name, field, said) = match self.random.below(6) {
            0 | 1 => (Kind::Track, "Product Added", "properties", properties),
            2 | 3 => (Kind::Track, "Product Viewed", "properties", properties),
            4 => (Kind::Track, "Order Completed", "properties", properties),
            _ => {
                let said = self.random.among(&[
                    r#""email": "a@example.com", "age": 41.50"#,
                    r#""name": "Zoë ☃", "email": null"#,
                    r#""timezone": "Asia/Tokyo", "tags": ["b", "a"]"#,
                    r#""phone": "+49", "since": {"a": [1e3, 0.10], "b": 1}"#,
                ]);
                (Kind::Identify, "", "traits", said.to_owned())
            }
        };
        let late = self.random.among(&[0, 0, 0, 10, 2_000]);
        StoredEvent {
            id: event_id(u128::from(nth) + 1),
            kind,
            name: name.into(),
            occurred_at: self.now.saturating_add(jiff::SignedDuration::from_mins(-late)),
            received_at: self.now,
            historical: self.random.chance(100),
            payload: format!(r#"{{"{field}": {{{said}}}}}"#),
        }
    }
}

#[tokio::test]
async fn the_same_history_leaves_the_same_in_both_stores() {
    // Several of one shard, others elsewhere.
    let shard = Shard::of(PersonId(1));
    let mut people: Vec<PersonId> =
        (1..5_000).map(PersonId).filter(|p| Shard::of(*p) == shard).take(3).collect();
    people.extend([PersonId(2), PersonId(3)]);
    let mut told = [0, 0, 0];
    let mut taken = 0;
    let template = Template::new().await;
    for seed in 0..HISTORIES {
        let mut memory = Shop::new(InMemory::new(), seed);
        memory.happen(&people).await;
        let mut postgres = Shop::new(InPostgres::new(&template).await, seed);
        postgres.happen(&people).await;
        let ours = of_memory(&memory.backend.memory);
        let theirs = of_postgres(&postgres.backend, &people).await;
        same(&ours, &theirs, &format!("history {seed}"));
        for (nth, kind) in ["journal", "messages", "ended"].into_iter().enumerate() {
            told[nth] += ours.get(kind).map_or(0, Vec::len);
        }
        let merges = memory.backend.memory.journal.iter();
        taken += merges.filter(|row| matches!(row.what, Applied::Taken { .. })).count();
    }
    println!(
        "{HISTORIES} histories: {} inputs applied, {} messages, {} runs ended, {taken} states taken over",
        told[0], told[1], told[2]
    );
    assert!(told.iter().all(|count| *count > 20) && taken > 5, "too little happened: {told:?}");
}
