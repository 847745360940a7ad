//! Worker and dispatcher in corners that storms come to seldom: overload, inputs at fault among many, leaving.

use std::time::Duration;

use journeyman_domain::plan::Channel;
use journeyman_domain::row::{Due, QueuedRow, StoredEvent, Write};
use journeyman_domain::{EventId, Kind, MessageId, PersonId, SeenKey, Shard, ShopTime};
use journeyman_engine::machine::{
    Answer, Ask, Clock, Dispatcher, DispatcherLimits, Fault, Outcome, Reply, Request, STRANGERS, Worker,
    WorkerLimits,
};
use journeyman_sim::{Memory, MessageState, Poison, Session};
use uuid::Uuid;

fn shop() -> ShopTime {
    ShopTime::from_millisecond(1_767_571_200_000).unwrap()
}

fn clock(machine: Duration) -> Clock {
    Clock { shop: shop(), machine }
}

/// A worker at its store.
struct Desk {
    memory: Memory,
    session: Session,
    worker: Worker,
    reply: Reply,
    machine: Duration,
    received: u64,
}

impl Desk {
    fn new(batch: usize) -> Self {
        Self {
            memory: Memory::new(),
            session: Session::default(),
            worker: Worker::new(Uuid::from_u128(1), WorkerLimits { batch, ..WorkerLimits::default() }),
            reply: Reply::Start,
            machine: Duration::ZERO,
            received: 0,
        }
    }

    /// So many events of somebody.
    fn receive_all(&mut self, events: usize, person: i64, historical: bool) {
        for _ in 0..events {
            self.receive(person, historical);
        }
    }

    fn receive(&mut self, person: i64, historical: bool) -> EventId {
        self.received += 1;
        let id = EventId::new(shop(), SeenKey::new("desk", &self.received.to_string()));
        self.memory.born(PersonId(person), person);
        let event = StoredEvent {
            id,
            kind: Kind::Track,
            name: "Seen".into(),
            occurred_at: shop(),
            received_at: shop(),
            historical,
            payload: "{}".to_owned(),
        };
        self.memory.receive(PersonId(person), event);
        id
    }

    /// One request, answered by `fault` where it has something to say. `None`: the worker has left.
    fn step(&mut self, fault: impl Fn(&Request) -> Option<Fault>) -> Option<Request> {
        self.machine += Duration::from_millis(1);
        let reply = std::mem::replace(&mut self.reply, Reply::Start);
        let request = self.worker.next(reply, clock(self.machine))?;
        if let Request::Rest(patience) = &request {
            self.machine += *patience;
        }
        // Resting can't fail.
        self.reply = match fault(&request).filter(|_| !matches!(request, Request::Rest(_))) {
            Some(fault) => {
                self.memory.broken(&mut self.session);
                Reply::Failed(fault)
            }
            None => self.memory.ask(&mut self.session, request.clone(), self.machine),
        };
        Some(request)
    }

    fn commits(&mut self, commits: usize) {
        let mut seen = 0;
        while seen < commits {
            seen += usize::from(matches!(self.step(|_| None), Some(Request::Commit(_))));
        }
    }

    fn applied(&self, person: i64) -> usize {
        self.memory.journal.iter().filter(|row| row.person == PersonId(person)).count()
    }
}

/// People of different shards.
fn spread(people: usize) -> Vec<i64> {
    let mut shards = Vec::new();
    let fresh = |person: &i64| {
        let shard = Shard::of(PersonId(*person));
        let fresh = !shards.contains(&shard);
        shards.push(shard);
        fresh
    };
    (1..5_000).filter(fresh).take(people).collect()
}

#[test]
fn a_shard_with_endless_work_starves_nobody() {
    for historical in [false, true] {
        let mut desk = Desk::new(4);
        let people = spread(40);
        people.iter().for_each(|person| desk.receive_all(1, *person, historical));
        // Whoever comes first in the round always has more than fits into a batch.
        let busy = people.iter().copied().min_by_key(|person| Shard::of(PersonId(*person))).unwrap();
        desk.receive_all(40, busy, historical);
        for _ in 0..60 {
            desk.commits(1);
            desk.receive_all(8, busy, historical);
        }
        let left: Vec<i64> = people.into_iter().filter(|person| desk.applied(*person) == 0).collect();
        assert!(left.is_empty(), "nothing was done for {left:?}, historical: {historical}");
    }
}

#[test]
fn the_bulk_lane_has_its_quarter_while_the_live_one_is_full() {
    let mut desk = Desk::new(8);
    desk.receive_all(100, 1, false);
    desk.receive_all(100, 2, true);
    desk.commits(10);
    desk.step(|_| None);
    assert_eq!((desk.applied(1), desk.applied(2)), (80, 20));
}

#[test]
fn the_bulk_lane_holds_back_for_a_second_after_the_live_one() {
    let mut desk = Desk::new(8);
    desk.receive_all(1, 1, false);
    desk.receive_all(400, 2, true);
    desk.commits(1);
    let whole = |desk: &mut Desk| {
        let before = desk.memory.waiting();
        desk.commits(1);
        before - desk.memory.waiting()
    };
    // Whoever comes next waits for no more than a small batch …
    for _ in 0..5 {
        assert_eq!(whole(&mut desk), 2);
    }
    // … but not for ever.
    desk.machine += Duration::from_secs(1);
    assert_eq!(whole(&mut desk), 8);
    desk.receive_all(1, 2, false);
    assert_eq!((whole(&mut desk), whole(&mut desk)), (1 + 2, 2));
}

#[test]
fn inputs_at_fault_are_moved_aside_whatever_else_waits() {
    let mut desk = Desk::new(64);
    let people = spread(200);
    let mut poisoned = Vec::new();
    for round in 0..10 {
        for (nth, person) in people.iter().enumerate() {
            let event = desk.receive(*person, false);
            // Two people, several of whose inputs are at fault.
            if (nth == 17 && round % 3 == 0) || nth == 120 {
                poisoned.push(event);
                desk.memory.poison.insert(Poison::Event(event));
            }
        }
    }
    let mut commits = 0;
    while desk.memory.waiting() > 0 && commits < 1_000 {
        commits += usize::from(matches!(desk.step(|_| None), Some(Request::Commit(_))));
    }
    let parked: Vec<Uuid> = desk.memory.parked.iter().map(|row| row.reference).collect();
    assert_eq!(desk.memory.waiting(), 0, "after {commits} commits");
    assert_eq!(parked.len(), poisoned.len());
    assert!(poisoned.iter().all(|event| parked.contains(&event.0)));
    // 2,000 inputs are 32 whole batches; looking for 14 at fault may cost some more.
    assert!(commits < 32 + 14 * 20, "{commits} commits");
}

#[test]
fn an_input_at_fault_is_found_though_others_fill_every_batch() {
    let mut desk = Desk::new(8);
    let people = spread(60);
    let event = desk.receive(people[30], false);
    desk.memory.poison.insert(Poison::Event(event));
    people.iter().for_each(|person| desk.receive_all(2, *person, false));
    let mut commits = 0;
    while desk.memory.parked.is_empty() && commits < 300 {
        if let Some(Request::Commit(write)) = desk.step(|_| None) {
            commits += 1;
            let done: Vec<i64> = write.journal.iter().map(|row| row.person.0).collect();
            done.into_iter().for_each(|person| desk.receive_all(1, person, false));
        }
    }
    assert_eq!(desk.memory.parked.len(), 1, "after {commits} commits");
}

#[test]
fn a_database_that_refuses_everything_empties_no_queue() {
    let mut desk = Desk::new(64);
    spread(100).into_iter().for_each(|person| desk.receive_all(1, person, false));
    let refuses = |request: &Request| match request {
        // It takes what moves inputs aside, as it would where a table of the actor's has changed.
        Request::Commit(write) if write.people.is_empty() => None,
        Request::Commit(_) => Some(Fault::Refused),
        _ => None,
    };
    (0..20_000).for_each(|_| drop(desk.step(refuses)));
    assert_eq!(desk.memory.parked.len(), STRANGERS);
    // It goes on when the database does.
    (0..2_000).for_each(|_| drop(desk.step(|_| None)));
    assert_eq!((desk.memory.waiting(), desk.memory.parked.len()), (0, STRANGERS));
}

#[test]
fn what_is_too_much_for_the_time_there_is_is_done_in_parts() {
    let mut desk = Desk::new(1_000);
    desk.receive_all(500, 3, false);
    let slow = |request: &Request| match request {
        Request::Commit(write) => (write.done.len() > 100).then_some(Fault::Unavailable),
        _ => None,
    };
    (0..2_000).for_each(|_| drop(desk.step(slow)));
    assert_eq!((desk.applied(3), desk.memory.waiting()), (500, 0));
}

#[test]
fn a_worker_leaves_from_wherever_it_is() {
    type Database = fn(&Request) -> Option<Fault>;
    let databases: [Database; 3] = [|_| None, |_| Some(Fault::Unavailable), |_| Some(Fault::Busy)];
    for database in databases {
        for requests in 0..60 {
            let mut desk = Desk::new(2);
            spread(6).into_iter().for_each(|person| desk.receive_all(1, person, person % 2 == 0));
            (0..requests).for_each(|_| drop(desk.step(|_| None)));
            desk.worker.leave();
            let left = (0..20).any(|_| desk.step(database).is_none());
            assert!(left, "after {requests} requests");
            assert!(desk.step(|_| None).is_none());
        }
    }
}

/// A dispatcher at its store, with some messages. Its parts ask one after another.
struct Post {
    memory: Memory,
    dispatcher: Dispatcher,
    answers: Vec<Answer>,
    next: usize,
    left: usize,
    machine: Duration,
    delivered: usize,
}

fn message(nth: i64) -> MessageId {
    MessageId::new(PersonId(nth), 1, shop(), "step", 1, 1)
}

impl Post {
    fn new(messages: i64, limits: DispatcherLimits) -> Self {
        let mut memory = Memory::new();
        let row = |nth| QueuedRow {
            message: message(nth),
            person: PersonId(nth),
            run: 1,
            journey: "j".into(),
            step: "step".into(),
            visit: 1,
            leg: 1,
            channel: Channel::Inbox,
            address: "".into(),
            template: "t".into(),
            marketing: true,
            topic: None,
            sender: None,
            data: "".into(),
            queued_at: shop(),
        };
        let write = Write { queued: (0..messages).map(row).collect(), ..Write::default() };
        let mut session = Session::default();
        let begin = Request::Begin { worker: Uuid::nil(), held: Vec::new() };
        memory.ask(&mut session, begin, Duration::ZERO);
        memory.ask(&mut session, Request::Commit(Box::new(write)), Duration::ZERO);
        let limits = DispatcherLimits { channels: &[Channel::Inbox], ..limits };
        let dispatcher = Dispatcher::new(Uuid::from_u128(2), limits);
        let answers = vec![Answer::Start; dispatcher.parts()];
        Self { memory, dispatcher, answers, next: 0, left: 0, machine: Duration::ZERO, delivered: 0 }
    }

    /// The next part that has not left asks; `None` when all have.
    fn step(&mut self, fault: impl Fn(&Ask) -> Option<Fault>, pause: Duration) -> Option<Ask> {
        while self.left < self.answers.len() {
            self.machine += Duration::from_millis(1) + pause;
            let part = self.next % self.answers.len();
            self.next += 1;
            let answer = std::mem::replace(&mut self.answers[part], Answer::Released);
            let Some(ask) = self.dispatcher.next(part, answer, clock(self.machine)) else {
                self.left += 1;
                continue;
            };
            self.left = 0;
            match &ask {
                Ask::Rest(patience) => self.machine += *patience / self.answers.len() as u32,
                Ask::Deliver(messages) => self.delivered += messages.len(),
                _ => {}
            }
            self.answers[part] = match fault(&ask).filter(|_| !matches!(ask, Ask::Rest(_) | Ask::Deliver(_)))
            {
                Some(fault) => Answer::Failed(fault),
                None => self.memory.ask_outbox(ask.clone(), self.machine),
            };
            return Some(ask);
        }
        None
    }
}

#[test]
fn a_dispatcher_leaves_from_wherever_it_is() {
    type Database = fn(&Ask) -> Option<Fault>;
    let databases: [Database; 3] = [|_| None, |_| Some(Fault::Unavailable), |_| Some(Fault::Refused)];
    for database in databases {
        for requests in 0..60 {
            let mut post =
                Post::new(6, DispatcherLimits { claim: 4, group: 2, ..DispatcherLimits::default() });
            (0..requests).for_each(|_| drop(post.step(|_| None, Duration::ZERO)));
            post.dispatcher.leave();
            let left = (0..200).any(|_| post.step(database, Duration::ZERO).is_none());
            assert!(left, "after {requests} requests");
        }
    }
}

#[test]
fn nothing_is_handed_to_a_channel_after_the_lease_may_have_run_out() {
    let mut post = Post::new(3, DispatcherLimits { lanes: 1, ..DispatcherLimits::default() });
    while !matches!(post.step(|_| None, Duration::ZERO), Some(Ask::Start { .. })) {}
    // Stopped for longer than a lease lasts, between the commit of `started` and the first byte.
    post.next = 1;
    let next = post.step(|_| None, Duration::from_secs(7));
    assert!(
        matches!(&next, Some(Ask::Finish { outcomes, .. })
        if outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Retry { .. }))),
        "{next:?}"
    );
    assert_eq!(post.delivered, 0);
    (0..400).for_each(|_| drop(post.step(|_| None, Duration::ZERO)));
    assert_eq!((post.memory.outbox.inbox.len(), post.delivered), (3, 3));
}

#[test]
fn an_outcome_that_is_refused_holds_no_other_up() {
    let mut post = Post::new(8, DispatcherLimits::default());
    let refuses = |ask: &Ask| match ask {
        Ask::Finish { outcomes, .. } => {
            let bad = |(id, outcome): &(MessageId, Outcome)| {
                *id == message(5) && matches!(outcome, Outcome::Accepted { .. })
            };
            outcomes.iter().any(bad).then_some(Fault::Refused)
        }
        _ => None,
    };
    (0..600).for_each(|_| drop(post.step(refuses, Duration::ZERO)));
    let state = |nth| post.memory.outbox.messages[&message(nth)].state;
    assert_eq!(state(5), MessageState::Unknown);
    assert!((0..8).filter(|nth| *nth != 5).all(|nth| state(nth) == MessageState::Accepted));
}

#[test]
fn timers_that_nobody_can_fire_are_moved_aside_and_the_rest_goes_on() {
    let mut desk = Desk::new(8);
    let people = spread(20);
    for person in &people {
        desk.receive(*person, false);
    }
    desk.commits(3);
    while desk.memory.waiting() > 0 {
        desk.step(|_| None);
    }
    // Wake-ups that stand in `due` though nothing is due: an early wake disarms.
    for person in &people {
        let person = PersonId(*person);
        desk.memory.due.insert(Due { shard: Shard::of(person), due_at: shop(), person });
    }
    (0..300).for_each(|_| drop(desk.step(|_| None)));
    assert!(desk.memory.due.is_empty(), "{:?}", desk.memory.due);
}
