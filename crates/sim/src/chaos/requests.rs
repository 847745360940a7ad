//! One machine's next step: its question, what goes wrong with it, and the answer.

use std::time::Duration;

use journeyman_engine::machine::{Answer, Ask, Fault, Reply, Request};

use super::faults::Trouble;
use super::machines::{Machine, Next, Question, Told};
use super::{IDLE_PACE, Plant, Storm};

/// How many requests a machine may make after it was asked to leave.
const FAREWELL: u32 = 100;

impl Storm<'_> {
    /// What comes next of a machine.
    pub(super) fn machine(&mut self, nth: usize) -> Result<(), String> {
        match std::mem::replace(&mut self.machines[nth].next, Next::Restart) {
            Next::Restart => {
                let at = self.now + self.random.millis(1, 2_000);
                if self.machines[nth].is_worker() {
                    self.machines[nth] = Machine::worker(&mut self.random, at);
                } else {
                    let id = self.machines[nth].id;
                    self.machines.retain(|machine| machine.id != id);
                    self.machines.extend(Machine::dispatcher(&mut self.random, at));
                }
                Ok(())
            }
            Next::Left => Ok(()),
            Next::Wake => {
                let told = self.machines[nth].rested();
                self.tell(nth, told)
            }
            Next::Tell(told) => self.tell(nth, told),
            Next::Ask(question) => self.ask(nth, question),
        }
    }

    /// A machine hears something and asks something.
    fn tell(&mut self, nth: usize, told: Told) -> Result<(), String> {
        self.witness.heard(&told, &mut self.tally);
        let now = self.now;
        let clock = self.machines[nth].clock(&self.hand, now);
        let Some(question) = self.machines[nth].hear(told, clock) else {
            self.note(|| format!("machine {nth} has left"));
            // What it left open, if anything, is closed with its connection.
            self.memory.broken(&mut self.machines[nth].session);
            self.left(nth);
            return Ok(());
        };
        let wake = self.machines[nth].to_wake();
        let id = self.machines[nth].id;
        for machine in self.machines.iter_mut().filter(|machine| machine.id == id && machine.is_of(&wake)) {
            if matches!(machine.next, Next::Wake) {
                machine.at = machine.at.min(now + Duration::from_millis(1));
            }
        }
        self.pace(nth, &question)?;
        let mut wait = self.random.millis(0, self.slowness);
        if let Some(rest) = question.rest() {
            let leaving = self.machines[nth].leaving.filter(|_| self.machines[nth].is_worker());
            wait = match (leaving, self.machines[nth].bell.iter().next()) {
                // Whoever is to leave does not rest, and who was rung for while at work does not either.
                (Some(_), _) | (_, Some(_)) => Duration::from_millis(1),
                (None, None) => rest,
            };
            self.machines[nth].next = Next::Wake;
        } else {
            self.machines[nth].next = Next::Ask(question);
        }
        self.machines[nth].at = now + wait;
        Ok(())
    }

    /// A machine has left: another takes its place, of a dispatcher's when all its parts have.
    fn left(&mut self, nth: usize) {
        self.machines[nth].next = Next::Left;
        self.machines[nth].at = Duration::MAX;
        let id = self.machines[nth].id;
        let here = |machine: &Machine| machine.id == id && !matches!(machine.next, Next::Left);
        if !self.machines.iter().any(here) {
            (self.machines[nth].next, self.machines[nth].at) = (Next::Restart, self.now);
        }
    }

    /// Nobody may ask without end while there is nothing to do or nobody answers, nor after being asked to leave.
    fn pace(&mut self, nth: usize, question: &Question) -> Result<(), String> {
        self.tally.requests += 1;
        let (now, away) = (self.now, self.now < self.away_until);
        let machine = &mut self.machines[nth];
        // A part of a dispatcher that leaves waits for the others, which may be slow: that is rest.
        let waits = !machine.is_worker() && question.rest().is_some();
        if let Some(asked) = &mut machine.leaving {
            *asked += u32::from(!waits);
            if *asked > FAREWELL {
                return Err(format!("machine {nth} was asked to leave and goes on: {question:?}"));
            }
            return Ok(());
        }
        if now.saturating_sub(machine.pace.0) >= Duration::from_secs(1) {
            machine.pace = (now, 0);
        }
        machine.pace.1 += 1;
        if away && machine.pace.1 > IDLE_PACE * 4 {
            return Err(format!("machine {nth} does not rest while the database is away: {question:?}"));
        }
        Ok(())
    }

    /// A question reaches the store, or something goes wrong.
    fn ask(&mut self, nth: usize, question: Question) -> Result<(), String> {
        if !question.is_of_store() {
            let told = self.done(nth, question)?;
            return self.answer(nth, told, Duration::ZERO);
        }
        if std::mem::take(&mut self.machines[nth].cut) && is_inside(&question) {
            return self.fail(nth, Fault::Unavailable);
        }
        if self.now < self.away_until {
            return self.fail(nth, Fault::Unavailable);
        }
        let trouble = self.weather.as_ref().and_then(|weather| weather.trouble(&mut self.random));
        if let Some(trouble) = trouble {
            self.tally.count(trouble.name());
            self.note(|| format!("machine {nth}: {} {}", trouble.name(), brief(&question)));
        }
        match trouble {
            Some(Trouble::CrashBefore) => self.crash(nth),
            Some(Trouble::CrashAfter) => {
                self.done(nth, question)?;
                self.crash(nth)
            }
            Some(Trouble::LostBefore) => self.fail(nth, Fault::Unavailable),
            Some(Trouble::LostAfter) => {
                self.done(nth, question)?;
                self.fail(nth, Fault::Unavailable)
            }
            Some(Trouble::Busy) => self.fail(nth, Fault::Busy),
            Some(Trouble::StallBefore) => {
                self.machines[nth].next = Next::Ask(question);
                self.machines[nth].at = self.now + self.random.millis(1_000, 20_000);
                Ok(())
            }
            Some(Trouble::StallAfter) => {
                let told = self.done(nth, question)?;
                let stall = self.random.millis(1_000, 20_000);
                self.answer(nth, told, stall)
            }
            Some(Trouble::Leave) => {
                let id = self.machines[nth].id;
                for machine in self.machines.iter_mut().filter(|machine| machine.id == id) {
                    if machine.leaving.is_none() {
                        machine.leave();
                    }
                }
                let told = self.done(nth, question)?;
                self.answer(nth, told, Duration::ZERO)
            }
            None => {
                let told = self.done(nth, question)?;
                self.answer(nth, told, Duration::ZERO)
            }
        }
    }

    fn answer(&mut self, nth: usize, told: Told, later: Duration) -> Result<(), String> {
        let wait = later + self.random.millis(0, self.slowness);
        let machine = &mut self.machines[nth];
        machine.next = Next::Tell(told);
        machine.at = self.now + wait;
        Ok(())
    }

    /// A request fails, and its transaction with it.
    fn fail(&mut self, nth: usize, fault: Fault) -> Result<(), String> {
        let machine = &mut self.machines[nth];
        self.memory.broken(&mut machine.session);
        let told = machine.failed(fault);
        self.answer(nth, told, Duration::ZERO)
    }

    /// A machine dies. The server may take a while to notice.
    fn crash(&mut self, nth: usize) -> Result<(), String> {
        let id = self.machines[nth].id;
        for machine in self.machines.iter_mut().filter(|machine| machine.id == id) {
            let mut session = std::mem::take(&mut machine.session);
            if self.random.chance(300) {
                self.orphans.push((self.now, session));
            } else {
                self.memory.broken(&mut session);
            }
            (machine.next, machine.at) = (Next::Left, Duration::MAX);
        }
        (self.machines[nth].next, self.machines[nth].at) = (Next::Restart, self.now);
        Ok(())
    }

    /// The store does what it is asked.
    fn done(&mut self, nth: usize, question: Question) -> Result<Told, String> {
        let now = self.now;
        self.note(|| format!("machine {nth}: {}", brief(&question)));
        let told = match question {
            Question::Work(request) => Told::Work(self.work(nth, request)?),
            Question::Send(ask) => {
                let answer = self.memory.ask_outbox(ask, now);
                if matches!(answer, Answer::Finished(true)) {
                    self.witness.delivered(&self.memory)?;
                    self.ring();
                }
                Told::Send(answer)
            }
        };
        self.machines[nth].spoke_at = now;
        self.note(|| format!("machine {nth}:   {}", said(&told)));
        Ok(told)
    }

    fn work(&mut self, nth: usize, mut request: Request) -> Result<Reply, String> {
        let now = self.now;
        if let Request::Begin { held, .. } = &request {
            self.machines[nth].begun.clone_from(held);
        }
        if self.options.plant == Some(Plant::NoFullScan) {
            never_back(&mut self.machines[nth], &mut request);
        }
        if let Request::Deployment(number) = request {
            let plans = self.scenery.plans(number, self.memory.deployment(number))?;
            return Ok(Reply::Plans(plans));
        }
        let machine = &mut self.machines[nth];
        let Request::Commit(write) = request else {
            let reply = self.memory.ask(&mut machine.session, request, now);
            if matches!(&reply, Reply::Leased(held) if *held != machine.begun) {
                machine.marks.clear();
            }
            return Ok(reply);
        };
        let before = self.witness.before(&self.memory, machine.id, &machine.begun, &write);
        let queued = !write.queued.is_empty();
        let reply = self.memory.ask(&mut machine.session, Request::Commit(write), now);
        if matches!(reply, Reply::Committed) {
            self.tally.commits += 1;
            self.witness.committed(&self.memory, before)?;
            if queued {
                self.ring();
            }
        }
        Ok(reply)
    }
}

/// Whether a question belongs to a transaction that stands.
fn is_inside(question: &Question) -> bool {
    !matches!(
        question,
        Question::Send(_)
            | Question::Work(Request::Lease { .. } | Request::Release { .. } | Request::Begin { .. })
    )
}

/// The defect: a worker that never goes back behind its marks.
fn never_back(machine: &mut Machine, request: &mut Request) {
    if let Request::ReadIntake { lane, from, .. } = request {
        for (shard, low) in from {
            let mark = machine.marks.entry((*shard, *lane)).or_default();
            *mark = (*mark).max(*low);
            *low = *mark;
        }
    }
}

/// A question in a line.
fn brief(question: &Question) -> String {
    match question {
        Question::Work(request) => match request {
            Request::Begin { held, .. } => format!("begins under {} slices", held.len()),
            Request::ReadIntake { lane, from, total, .. } => {
                let marked = from.iter().filter(|(_, low)| *low > 0).count();
                format!("reads up to {total} inputs of {lane:?}, {} shards, {marked} from a mark", from.len())
            }
            Request::ReadDue { from, now, total, .. } => {
                format!("reads up to {total} wake-ups until {now} of {} shards", from.len())
            }
            Request::Commit(write) => format!(
                "commits {} people, {} inputs, {} journal, {} queued, {} cancelled, {} parked, {} disarmed, armed {:?}",
                write.people.len(),
                write.done.len(),
                write.journal.len(),
                write.queued.len(),
                write.cancelled.len(),
                write.parked.len(),
                write.disarmed.len(),
                write.armed
            ),
            other => format!("{other:?}"),
        },
        Question::Send(Ask::Deliver(messages)) => format!("delivers {}", messages.len()),
        Question::Send(ask) => format!("{ask:?}"),
    }
}

/// An answer in a line.
fn said(told: &Told) -> String {
    match told {
        Told::Work(Reply::Leased(held)) => format!("holds {} slices", held.len()),
        Told::Work(Reply::Intake(arrived)) => {
            let places: Vec<i64> = arrived.iter().map(|input| input.place.seq).collect();
            format!("inputs {places:?}")
        }
        Told::Work(Reply::People(people)) => {
            let people: Vec<(i64, i64)> = people.iter().map(|person| (person.id, person.version)).collect();
            format!("people and versions {people:?}")
        }
        Told::Work(Reply::Plans(plans)) => format!("deployment {}", plans.deployment),
        Told::Work(reply) => format!("{reply:?}"),
        Told::Send(Answer::Claimed(claimed)) => format!("{} claimed", claimed.len()),
        Told::Send(answer) => format!("{answer:?}"),
    }
}
