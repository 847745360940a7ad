//! Scripts of requests with what is answered, the same of both stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::person::{Hot, encode_hot};
use journeyman_domain::plan::PlanHash;
use journeyman_domain::row::{
    Applied, Arrival, Arriving, Due, EndedRow, JournalRow, Lifted, ParkedRow, PersonRow, Place, QueuedRow,
    RunRow, StoredEvent, StoredFeature, Write,
};
use journeyman_domain::{Kind as EventKind, Lane, MessageId, PersonId, Shard, ShopTime};
use journeyman_engine::machine::{Held, HeldQueue, Reply, Request};
use journeyman_store::outbox::{Claimed, OnUnknown, Outcome, Started, Whose};
use journeyman_store::suppressions::{Kind, Suppression};
use uuid::Uuid;

use super::backend::{Backend, Fenced, InMemory, InPostgres, START, Template, channel};
use super::contents::{event_id, of_memory, of_postgres, same};

pub const ANNA: PersonId = PersonId(1);
pub const BEN: PersonId = PersonId(2);
const INBOX: i16 = 6;

/// One request, by whom.
enum Step {
    /// A worker leases slices, gives them up, begins, ends.
    Lease(u8),
    Release(u8),
    Begin(u8),
    Rollback(u8),
    /// All leases run out.
    Expire,
    /// An event of somebody waits: its number.
    Receive(PersonId, u128),
    /// The door merges two people.
    Merge(PersonId, PersonId),
    /// A worker reads a lane of both people's shards, from a mark, at most so many of one shard and in all.
    Read(u8, Lane, i64, usize, usize),
    /// Wake-ups from one minute to another.
    ReadDue(u8, i64, i64, usize),
    Load(u8, bool),
    Commit(u8, fn(&mut Write)),
    /// A dispatcher leases queues, gives them up, and so on, all of the inbox.
    Queues(u8),
    GiveUp(u8),
    /// Whose, and whether what was started is held back: of marketing, of the rest.
    Recover(u8, Whose, bool, bool),
    /// From the channel's own line: from a mark, at most so many, at which minute.
    Claim(u8, i64, usize, i64),
    /// From another line, all.
    ClaimOf(u8, i16),
    Start(u8, &'static [PersonId]),
    Finish(u8, PersonId, Outcome),
    /// Senders get lines.
    Lines(&'static [&'static str]),
    /// An address is suppressed, perhaps on a topic, in which minute.
    Suppress(&'static str, Option<&'static str>, Kind, i64),
}

use Step::{
    Begin, Claim, ClaimOf, Commit, Expire, Finish, GiveUp, Lease, Lines, Load, Merge, Queues, Read, ReadDue,
    Receive, Recover, Release, Rollback, Start, Suppress,
};

/// So many minutes after the start.
fn minute(nth: i64) -> ShopTime {
    ShopTime::from_millisecond(START + nth * 60_000).unwrap()
}

fn name(nth: u8) -> Uuid {
    Uuid::from_u128(u128::from(nth))
}

fn event(nth: u128) -> StoredEvent {
    StoredEvent {
        id: event_id(nth),
        kind: EventKind::Track,
        name: "Seen".into(),
        occurred_at: minute(1),
        received_at: minute(1),
        historical: nth >= 100,
        payload: r#"{"properties": {}}"#.to_owned(),
    }
}

fn place(person: PersonId, seq: i64) -> Place {
    Place { shard: Shard::of(person), lane: Lane::Live, seq }
}

fn person(person: PersonId, version: i64, armed: Option<i64>) -> PersonRow {
    let hot = encode_hot(&Hot::default());
    PersonRow {
        person,
        version,
        n: version + 1,
        zone: None,
        armed: armed.map(minute),
        hot,
        merged_into: None,
    }
}

fn applied(person: PersonId, n: i64, nth: u128) -> JournalRow {
    JournalRow { person, n, what: Applied::Event(event_id(nth)), at: minute(2), refusals: Vec::new() }
}

fn wake(person: PersonId, at: i64) -> Due {
    Due { shard: Shard::of(person), due_at: minute(at), person }
}

fn run(person: PersonId, step: &str) -> RunRow {
    RunRow {
        person,
        number: 1,
        journey: "cart".into(),
        plan: PlanHash(7),
        step: step.into(),
        started_at: minute(2),
        state: vec![1, 2, 3],
    }
}

fn ended(person: PersonId, stored: bool) -> EndedRow {
    EndedRow {
        person,
        number: 1,
        journey: "cart".into(),
        plan: PlanHash(7),
        key: Some("c1".into()),
        started_at: minute(2),
        entered_at: minute(1),
        ended_at: minute(3),
        reason: "completed".to_owned(),
        held_out: 0,
        first_send: None,
        goal_at: Some(minute(3)),
        goal_value: Some(12.5),
        stored,
        state: vec![4],
    }
}

fn message(person: PersonId) -> MessageId {
    MessageId::new(person, 1, minute(2), "nudge", 1, 1)
}

fn queued(person: PersonId) -> QueuedRow {
    QueuedRow {
        message: message(person),
        person,
        run: 1,
        journey: "cart".into(),
        step: "nudge".into(),
        visit: 1,
        leg: 1,
        channel: channel(INBOX),
        address: "".into(),
        template: "nudge".into(),
        marketing: true,
        topic: Some("news".into()),
        sender: None,
        data: r#"{"zone":"UTC","vars":{"name":"Zoë ☃"}}"#.into(),
        queued_at: minute(2),
    }
}

fn feature(last: i64) -> StoredFeature {
    StoredFeature {
        feature: 5,
        last_at: Some(minute(last)),
        times: vec![minute(last).as_microsecond()],
        amounts: vec![1.5],
        values: Vec::new(),
        days: Vec::new(),
        day_counts: Vec::new(),
        day_sums: Vec::new(),
    }
}

/// Everybody at work in a script.
struct Cast<B> {
    backend: B,
    held: BTreeMap<u8, Vec<Held>>,
    queues: BTreeMap<u8, Vec<HeldQueue>>,
    /// How often something was started: each start offers a context of its own.
    starts: usize,
}

impl<B: Backend> Cast<B> {
    async fn new(mut backend: B) -> Self {
        backend.born(ANNA).await;
        backend.born(BEN).await;
        Self { backend, held: BTreeMap::new(), queues: BTreeMap::new(), starts: 0 }
    }

    async fn play(&mut self, steps: &[Step]) -> Vec<String> {
        let mut lines = Vec::new();
        for step in steps {
            if let Some(line) = self.step(step).await {
                lines.push(line);
            }
        }
        lines
    }

    async fn ask(&mut self, who: u8, request: Request) -> Option<String> {
        let reply = self.backend.ask(name(who), request).await;
        if let Reply::Leased(held) = &reply {
            self.held.insert(who, held.clone());
        }
        Some(format!("{who}: {}", said(&reply)))
    }

    /// The inbox as a dispatcher has it, or had it.
    fn inbox(&self, who: u8) -> HeldQueue {
        let held =
            self.queues.get(&who).and_then(|held| held.iter().find(|queue| queue.channel == channel(INBOX)));
        held.copied().unwrap_or(HeldQueue { channel: channel(INBOX), worker: name(who), epoch: 1 })
    }

    async fn step(&mut self, step: &Step) -> Option<String> {
        let shards = [Shard::of(ANNA), Shard::of(BEN)];
        match step {
            Lease(who) => self.ask(*who, Request::Lease { worker: name(*who) }).await,
            Release(who) => self.ask(*who, Request::Release { worker: name(*who) }).await,
            Begin(who) => {
                let held = self.held.get(who).cloned().unwrap_or_default();
                self.ask(*who, Request::Begin { worker: name(*who), held }).await
            }
            Rollback(who) => self.ask(*who, Request::Rollback).await,
            Expire => {
                self.backend.expire().await;
                None
            }
            Receive(person, nth) => {
                self.backend.receive(*person, event(*nth)).await;
                None
            }
            Merge(loser, winner) => {
                self.backend.merge(*loser, *winner, minute(1)).await;
                None
            }
            Read(who, lane, low, per_shard, total) => {
                let from = shards.map(|shard| (shard, *low)).to_vec();
                let (lane, per_shard, total) = (*lane, *per_shard, *total);
                self.ask(*who, Request::ReadIntake { lane, from, per_shard, total }).await
            }
            ReadDue(who, low, now, total) => {
                let from = shards.map(|shard| (shard, minute(*low))).to_vec();
                let (now, per_shard, total) = (minute(*now), *total, *total);
                self.ask(*who, Request::ReadDue { from, now, per_shard, total }).await
            }
            Load(who, features) => {
                let people = vec![ANNA, BEN, PersonId(99)];
                self.ask(*who, Request::Load { people, features: *features }).await
            }
            Commit(who, fill) => {
                let mut write = Write { now: minute(2), deployment: 1, ..Write::default() };
                fill(&mut write);
                self.ask(*who, Request::Commit(Box::new(write))).await
            }
            Lines(senders) => {
                self.backend.ensure_lines(channel(INBOX), senders).await;
                Some(format!("{:?}", self.backend.lines(channel(INBOX)).await))
            }
            Suppress(address, topic, kind, at) => {
                let (address, topic) = ((*address).to_owned(), topic.map(Arc::from));
                let (channel, kind, at) = (channel(INBOX), *kind, minute(*at));
                self.backend.suppress(Suppression { channel, address, topic, kind, at, event: None }).await;
                None
            }
            step => self.dispatch(step).await,
        }
    }

    async fn dispatch(&mut self, step: &Step) -> Option<String> {
        match step {
            Queues(who) => {
                let held = self.backend.lease_queues(name(*who)).await;
                let said: Vec<String> =
                    held.iter().map(|queue| format!("{}@{}", queue.channel, queue.epoch)).collect();
                self.queues.insert(*who, held);
                Some(format!("{who}: {}", said.join(" ")))
            }
            GiveUp(who) => {
                self.backend.release_queues(name(*who)).await;
                Some(format!("{who}: Released"))
            }
            Recover(who, whose, marketing_hold, transactional_hold) => {
                let (marketing_hold, transactional_hold) = (*marketing_hold, *transactional_hold);
                let on_unknown = OnUnknown { marketing_hold, transactional_hold, inbox: false };
                let found = self.backend.recover(self.inbox(*who), whose, on_unknown).await;
                answered(*who, found, |(queued, unknown)| format!("{queued} again, {unknown} unknown"))
            }
            Claim(who, low, limit, now) => {
                let (low, limit, now) = (*low, *limit, minute(*now));
                answered(*who, self.backend.claim(channel(INBOX), INBOX, low, limit, now).await, claimed)
            }
            ClaimOf(who, line) => {
                let claiming = self.backend.claim(channel(INBOX), *line, 0, 9, minute(9));
                answered(*who, claiming.await, claimed)
            }
            Start(who, people) => {
                self.starts += 1;
                let context = format!("c{}", self.starts);
                let messages: Vec<(MessageId, String)> =
                    people.iter().map(|person| (message(*person), context.clone())).collect();
                answered(*who, self.backend.start(self.inbox(*who), &messages, minute(4)).await, started)
            }
            Finish(who, person, outcome) => {
                let outcomes = [(message(*person), outcome.clone())];
                let finished = self.backend.finish(self.inbox(*who), &outcomes, minute(4)).await;
                answered(*who, finished, |()| "finished".to_owned())
            }
            _ => None,
        }
    }
}

/// Minutes after the start.
fn after(at: ShopTime) -> String {
    format!("+{}m", (at.as_millisecond() - START) / 60_000)
}

/// Who a message is to.
fn whose(id: MessageId) -> &'static str {
    if id == message(ANNA) { "anna's" } else { "ben's" }
}

fn said(reply: &Reply) -> String {
    match reply {
        Reply::Leased(held) => {
            let ends = held.first().zip(held.last());
            let ends = ends.map(|(first, last)| format!(", {} to {}", first.slice, last.slice));
            let epochs: i64 = held.iter().map(|held| held.epoch).sum();
            format!("{} slices{}, epochs together {epochs}", held.len(), ends.unwrap_or_default())
        }
        Reply::Begun { held: true, .. } => "holds all".to_owned(),
        Reply::Begun { held: false, .. } => "is fenced off".to_owned(),
        Reply::Intake(arrived) => {
            let input = |input: &journeyman_domain::row::Arrived| {
                let what = match &input.what {
                    Arrival::Event(event) => format!("{} {}", event.name, after(event.occurred_at)),
                    Arrival::News { heard, .. } => {
                        format!("{} {}", heard.news.topic.event(), after(heard.news.occurred_at))
                    }
                    Arrival::Report { message, accepted: true, at } => {
                        format!("{} taken {}", whose(*message), after(*at))
                    }
                    Arrival::Report { message, at, .. } => {
                        format!("{} refused {}", whose(*message), after(*at))
                    }
                    Arrival::Close { merge, at } => format!("close, {merge} {}", after(*at)),
                    Arrival::Take { merge, at, state } => {
                        format!("take, {merge} {}: {}", after(*at), arriving(state))
                    }
                    Arrival::Unknown { kind, .. } => format!("unknown {kind}"),
                };
                format!("{} of {}: {what}", input.place.seq, input.person)
            };
            format!("[{}]", arrived.iter().map(input).collect::<Vec<_>>().join(", "))
        }
        Reply::Due(due) => {
            let due = due.iter().map(|due| format!("{} {}", due.person, after(due.due_at)));
            format!("[{}]", due.collect::<Vec<_>>().join(", "))
        }
        Reply::People(people) => {
            let person = |stored: &journeyman_domain::row::StoredPerson| {
                format!(
                    "{} key {} v{} n{} armed {} traits {} runs {:?} counters {}{}",
                    stored.id,
                    stored.assignment_key,
                    stored.version,
                    stored.n,
                    stored.armed.map_or("never".to_owned(), after),
                    stored.traits.is_some(),
                    stored.runs,
                    stored.features.len(),
                    stored.merged_into.map_or(String::new(), |into| format!(" merged into {into}"))
                )
            };
            people.iter().map(person).collect::<Vec<_>>().join("; ")
        }
        reply => format!("{reply:?}"),
    }
}

fn arriving(state: &Arriving) -> String {
    match state {
        Arriving::Here(bytes, counters) => format!("{bytes:?} and {} counters", counters.len()),
        state => format!("{state:?}").to_lowercase(),
    }
}

fn answered<T>(who: u8, answer: Fenced<T>, said: impl Fn(T) -> String) -> Option<String> {
    Some(match answer {
        Ok(Some(answer)) => format!("{who}: {}", said(answer)),
        Ok(None) => format!("{who}: lost"),
        Err(fault) => format!("{who}: {fault:?}"),
    })
}

fn claimed(claimed: Vec<Claimed>) -> String {
    let one = |claimed: &Claimed| {
        let context = claimed.context.as_ref().map(|context| format!(" with {context}"));
        let (line, under) = (claimed.line, claimed.deployment);
        let whose = whose(claimed.message.message);
        format!(
            "{whose} attempt {} of line {line} under {under}{}",
            claimed.attempts,
            context.unwrap_or_default()
        )
    };
    format!("claimed [{}]", claimed.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn started(started: Started) -> String {
    let list = |mut messages: Vec<MessageId>| {
        messages.sort();
        messages.iter().map(|id| whose(*id)).collect::<Vec<_>>().join(", ")
    };
    match list(started.suppressed) {
        none if none.is_empty() => format!("started [{}]", list(started.started)),
        suppressed => format!("started [{}], suppressed [{suppressed}]", list(started.started)),
    }
}

/// A script, what is answered, and of which kinds something is left in the end.
struct Script {
    name: &'static str,
    steps: Vec<Step>,
    answers: &'static str,
}

/// The first batch of a script: Anna begins, with all that there is.
fn anna_begins(write: &mut Write) {
    write.people.push(person(ANNA, 0, Some(10)));
    write.traits.push((ANNA, r#"{"b":1,"a":"x"}"#.to_owned(), r#"{"b":1,"a":2}"#.to_owned()));
    write.begun.push(run(ANNA, "nudge"));
    write.features.push((ANNA, feature(1)));
    write.armed.push(wake(ANNA, 10));
    write.queued.push(queued(ANNA));
    write.journal.push(applied(ANNA, 1, 1));
    write.done.push(place(ANNA, 1));
}

/// What a script about the outbox begins with.
fn both_have_messages() -> Vec<Step> {
    vec![
        Lease(1),
        Begin(1),
        Commit(1, |write| {
            write.people.extend([person(ANNA, 0, None), person(BEN, 0, None)]);
            write.queued.extend([queued(ANNA), queued(BEN)]);
        }),
    ]
}

const HELD: &str = "1: 32 slices, 0 to 31, epochs together 32\n1: holds all\n1: Committed\n";

mod mail;
mod merges;
mod table;
use table::scripts;

#[tokio::test]
async fn scripts_are_answered_alike() {
    let mut wrong = Vec::new();
    let template = Template::new().await;
    for script in scripts() {
        let mut memory = Cast::new(InMemory::new()).await;
        let ours = memory.play(&script.steps).await;
        let mut postgres = Cast::new(InPostgres::new(&template).await).await;
        let theirs = postgres.play(&script.steps).await;
        let expected = script.answers.replace("{addressed}", mail::ADDRESSED).replace("{held}", HELD);
        let lines = |line: &str| line.trim().to_owned();
        let expected: Vec<String> = expected.lines().map(lines).filter(|line| !line.is_empty()).collect();
        let ours: Vec<String> = ours.iter().map(|line| line.trim().to_owned()).collect();
        let theirs: Vec<String> = theirs.iter().map(|line| line.trim().to_owned()).collect();
        assert_eq!(ours, theirs, "{}: memory (left) and Postgres", script.name);
        if ours != expected {
            wrong.push(format!("{}:\n{}", script.name, ours.join("\n")));
        }
        let ours = of_memory(&memory.backend.memory);
        let theirs = of_postgres(&postgres.backend, &[ANNA, BEN]).await;
        same(&ours, &theirs, script.name);
    }
    assert!(wrong.is_empty(), "both say what is not meant:\n{}", wrong.join("\n\n"));
}
