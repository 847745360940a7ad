//! A shop in memory: one worker and one dispatcher over the memory store, under a clock that jumps from one thing that
//! happens to the next.

use std::time::Duration;

use journeyman_domain::row::StoredEvent;
use journeyman_domain::{PersonId, ShopTime};
use journeyman_engine::machine::{
    Answer, Ask, Clock, Dispatcher, DispatcherLimits, Reply, Request, StoredSource, Worker, WorkerLimits,
};
use uuid::Uuid;

use crate::memory::{Memory, Session};

/// How many requests it may take until nothing is left to do at one moment; more is a machine that never rests.
const REQUESTS: usize = 1_000_000;

/// The shop.
pub struct World {
    /// What is kept.
    pub memory: Memory,
    worker: Worker,
    session: Session,
    reply: Reply,
    dispatcher: Dispatcher,
    /// What each part is told next.
    answers: Vec<Answer>,
    now: ShopTime,
    machine: Duration,
}

impl World {
    /// An empty shop at a moment.
    pub fn new(now: ShopTime) -> Self {
        let dispatcher = Dispatcher::new(Uuid::from_u128(2), DispatcherLimits::default());
        Self {
            memory: Memory::new(),
            worker: Worker::new(Uuid::from_u128(1), WorkerLimits::default()),
            session: Session::default(),
            reply: Reply::Start,
            answers: vec![Answer::Start; dispatcher.parts()],
            dispatcher,
            now,
            machine: Duration::ZERO,
        }
    }

    /// The present moment.
    pub fn now(&self) -> ShopTime {
        self.now
    }

    /// A deployment goes live.
    pub fn deploy(&mut self, sources: Vec<StoredSource>) {
        self.memory.deploy(sources);
    }

    /// An event comes through the door now.
    pub fn receive(&mut self, person: PersonId, event: StoredEvent) {
        self.memory.receive(person, event);
    }

    /// Lets time pass up to a moment, stopping at each that something is due.
    pub fn run_until(&mut self, until: ShopTime) {
        self.settle();
        while let Some(next) = self.memory.due.iter().map(|due| due.due_at).min().filter(|due| *due <= until)
        {
            self.now = self.now.max(next);
            self.settle();
        }
        self.now = self.now.max(until);
        self.settle();
    }

    /// Does all that can be done at this moment.
    pub fn settle(&mut self) {
        for _ in 0..REQUESTS {
            let worked = self.work();
            let sent = self.dispatch();
            if !worked && !sent && self.is_quiet() {
                return;
            }
        }
    }

    fn is_quiet(&self) -> bool {
        self.memory.waiting() == 0
            && self.memory.unsent() == 0
            && !self.memory.due.iter().any(|due| due.due_at <= self.now)
    }

    fn clock(&mut self) -> Clock {
        self.machine += Duration::from_millis(1);
        Clock { shop: self.now, machine: self.machine }
    }

    /// The worker goes on until it rests; whether it wrote anything.
    fn work(&mut self) -> bool {
        let mut wrote = false;
        loop {
            let clock = self.clock();
            let reply = std::mem::replace(&mut self.reply, Reply::Start);
            let Some(request) = self.worker.next(reply, clock) else { return wrote };
            wrote |= matches!(request, Request::Commit(_));
            let rests = if let Request::Rest(patience) = &request {
                self.machine += *patience;
                true
            } else {
                false
            };
            self.reply = self.memory.ask(&mut self.session, request, clock.machine);
            if rests {
                return wrote;
            }
        }
    }

    /// Each part of the dispatcher goes on until it rests; whether anything left.
    fn dispatch(&mut self) -> bool {
        let parts = self.dispatcher.parts();
        let mut sent = false;
        for part in 0..parts {
            sent |= self.part(part);
        }
        sent
    }

    fn part(&mut self, part: usize) -> bool {
        let mut sent = false;
        loop {
            let clock = self.clock();
            let answer = std::mem::replace(&mut self.answers[part], Answer::Start);
            let Some(ask) = self.dispatcher.next(part, answer, clock) else { return sent };
            sent |= matches!(ask, Ask::Finish { .. });
            let rests = matches!(ask, Ask::Rest(_));
            self.answers[part] = match self.memory.ask_outbox(ask, clock.machine) {
                // Time stands still here: whoever rests looks again.
                Answer::Rested { .. } => Answer::Rested { rung: true },
                answer => answer,
            };
            if rests {
                return sent;
            }
        }
    }
}
