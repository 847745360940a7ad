//! Random journeys and random histories: the batch tells of them what the model tells.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::SignedDuration;
use journeyman_domain::row::StoredEvent;
use journeyman_domain::{EventId, Kind, PersonId, SeenKey, ShardSet, ShopTime};
use journeyman_engine::machine::{Clock, Reply, Request, StoredSource, Worker, WorkerLimits};
use journeyman_sim::{Memory, MessageState, Random, Session};
use uuid::Uuid;

use crate::model::{Again, Arrivals, Event, Goal, IfRunning, Journey, Minute, Step, live};
use crate::shop::sources;

/// How many random lives; more by `JOURNEYMAN_LIVES`.
const LIVES: u64 = 1_500;
const ADA: PersonId = PersonId(7);

fn begin() -> ShopTime {
    ShopTime::from_millisecond(1_767_571_200_000).unwrap()
}

fn moment(minute: Minute) -> ShopTime {
    begin().saturating_add(SignedDuration::from_mins(minute))
}

fn minute(at: ShopTime) -> Minute {
    at.since(begin()).as_mins()
}

/// A journey's YAML.
fn yaml(journey: &Journey) -> String {
    let mut text = "journey: j\ntopic: news\nenter:\n  on: Start\n".to_owned();
    if journey.keyed {
        text.push_str("  per: key\n");
    }
    let again = match journey.again {
        Again::Never => "never".to_owned(),
        Again::Always => "always".to_owned(),
        Again::Every(span) => format!("every {span}m"),
    };
    let running = match journey.if_running {
        IfRunning::Join => "join",
        IfRunning::Restart => "restart",
        IfRunning::Ignore => "ignore",
    };
    let _ = write!(text, "  again: {again}\n  if_running: {running}\n");
    if journey.stops {
        text.push_str("exit:\n  - on: Stop\n");
    }
    if let Some(goal) = journey.goal {
        let since = if goal.since_first_send { "first_send" } else { "entry" };
        let exits = if goal.exits { "yes" } else { "no" };
        let _ = write!(
            text,
            "goal:\n  on: Goal\n  within: {}m\n  since: {since}\n  exit: {exits}\n",
            goal.within
        );
    }
    text.push_str("steps:\n");
    steps(&mut text, &journey.steps, 2);
    text
}

fn steps(text: &mut String, of: &[Step], indent: usize) {
    for step in of {
        let _ = match step {
            Step::Wait(span) => writeln!(text, "{:indent$}- wait: {span}m", ""),
            Step::Send(name, guard) => {
                let _ = write!(text, "{:indent$}- send: {name}\n{:indent$}  channel: inbox\n", "", "");
                match guard {
                    Some(true) => writeln!(text, "{:indent$}  if: profile.vip == true", ""),
                    Some(false) => writeln!(text, "{:indent$}  if: not (profile.vip == true)", ""),
                    None => Ok(()),
                }
            }
            Step::Repeat(times, every, these) => {
                let _ = writeln!(text, "{:indent$}- repeat: {times}", "");
                if let Some(every) = every {
                    let _ = writeln!(text, "{:indent$}  every: {every}m", "");
                }
                let _ = writeln!(text, "{:indent$}  then:", "");
                steps(text, these, indent + 4);
                Ok(())
            }
            Step::WaitFor(event, span, then, otherwise) => {
                let _ = write!(text, "{:indent$}- wait_for: {event}\n{:indent$}  within: {span}m\n", "", "");
                for (word, these) in [("then", then), ("else", otherwise)] {
                    if !these.is_empty() {
                        let _ = writeln!(text, "{:indent$}  {word}:", "");
                        steps(text, these, indent + 4);
                    }
                }
                Ok(())
            }
        };
    }
}

/// A shop of one person, looked after by one worker.
struct Shop {
    memory: Memory,
    session: Session,
    worker: Worker,
    reply: Reply,
    machine: Duration,
}

impl Shop {
    fn new(deployed: Vec<StoredSource>) -> Self {
        let mut memory = Memory::new();
        memory.deploy(deployed);
        memory.born(ADA, 99);
        Self {
            memory,
            session: Session::default(),
            worker: Worker::new(Uuid::from_u128(1), WorkerLimits::default()),
            reply: Reply::Start,
            machine: Duration::ZERO,
        }
    }

    /// The worker looks, and goes on until it rests.
    fn look(&mut self, shop: ShopTime) {
        for _ in 0..1_000 {
            self.machine += Duration::from_millis(1);
            let clock = Clock { shop, machine: self.machine };
            let reply = std::mem::replace(&mut self.reply, Reply::Start);
            let request = self.worker.next(reply, clock).expect("a worker that was not asked to leave");
            if let Request::Rest(_) = request {
                self.reply = Reply::Rested(ShardSet::ALL);
                self.machine += Duration::from_secs(1);
                return;
            }
            self.reply = self.memory.ask(&mut self.session, request, self.machine);
        }
        panic!("the worker never rests");
    }
}

/// What the batch makes of it, told as the model tells it.
fn told(journey: &Journey, arrivals: &[Arrivals]) -> Vec<String> {
    let mut shop = Shop::new(sources(&[&yaml(journey)], "topics:\n  news: { consent: opt_out }\n"));
    let mut events = 0_u64;
    for batch in arrivals {
        for event in &batch.events {
            events += 1;
            let stored = stored(event, batch.now, events);
            shop.memory.receive(ADA, stored.clone());
            // Every event twice: the door takes it once.
            assert!(!shop.memory.receive(ADA, stored));
        }
        shop.look(moment(batch.now));
    }
    let memory = &shop.memory;
    assert!(memory.parked.is_empty() && memory.waiting() == 0, "{:?}", memory.parked);
    let mut told: Vec<String> = memory
        .ended
        .iter()
        .map(|run| {
            let goal = run.goal_at.map_or(String::new(), |at| format!(", goal at {}", minute(at)));
            let (at, key) = (minute(run.ended_at), run.key.as_deref().unwrap_or("-"));
            format!("{at:>6} run {} [{key}] ends {}{goal}", run.number, run.reason)
        })
        .collect();
    for outgoing in memory.outbox.messages.values() {
        let off = if outgoing.state == MessageState::Cancelled { " called off" } else { "" };
        let row = &outgoing.row;
        told.push(format!("{:>6} run {} sends {}{off}", minute(row.queued_at), row.run, row.template));
    }
    told.sort();
    told
}

fn stored(event: &Event, now: Minute, nth: u64) -> StoredEvent {
    let key = event.key.map_or(String::new(), |key| format!(r#""key": "{key}""#));
    let (kind, name, payload) = match event.name.strip_prefix("vip:") {
        Some(vip) => (Kind::Identify, "", format!(r#"{{"traits": {{"vip": {vip}}}}}"#)),
        None => (Kind::Track, event.name, format!(r#"{{"properties": {{{key}}}}}"#)),
    };
    StoredEvent {
        id: EventId::new(moment(now), SeenKey::new("model", &nth.to_string())),
        kind,
        name: name.into(),
        occurred_at: moment(event.at),
        received_at: moment(now),
        historical: event.historical,
        payload,
    }
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn draw_steps(random: &mut Random, depth: u32, names: &mut impl Iterator<Item = &'static str>) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..random.between(if depth == 0 { 1 } else { 0 }, 3) {
        let step = match random.below(6) {
            0 | 1 => Some(Step::Wait(random.among(&[1, 30, 60, 600, 3_000]))),
            2 if depth < 2 => {
                let (then, otherwise) =
                    (draw_steps(random, depth + 1, names), draw_steps(random, depth + 1, names));
                Some(Step::WaitFor(
                    random.among(&["Click", "Goal"]),
                    random.among(&[10, 60, 2_000]),
                    then,
                    otherwise,
                ))
            }
            3 if depth < 2 => {
                let (times, every) =
                    (random.between(1, 3) as usize, random.among(&[None, Some(10), Some(600)]));
                let steps = draw_steps(random, depth + 1, names);
                (!steps.is_empty()).then_some(Step::Repeat(times, every, steps))
            }
            _ => names
                .next()
                .map(|name| Step::Send(name, random.among(&[None, None, Some(true), Some(false)]))),
        };
        steps.extend(step);
    }
    steps
}

fn draw_journey(random: &mut Random) -> Journey {
    let keyed = random.chance(600);
    let steps = loop {
        let steps = draw_steps(random, 0, &mut NAMES.into_iter());
        if !steps.is_empty() {
            break steps;
        }
    };
    Journey {
        keyed,
        again: random.among(&[Again::Never, Again::Always, Again::Every(120), Again::Every(3_000)]),
        if_running: random.among(&[IfRunning::Join, IfRunning::Restart, IfRunning::Ignore]),
        stops: random.chance(500),
        goal: random.chance(700).then(|| Goal {
            within: random.among(&[60, 1_000, 5_000]),
            since_first_send: random.chance(500),
            exits: random.chance(600),
        }),
        steps,
    }
}

fn draw_arrivals(random: &mut Random) -> Vec<Arrivals> {
    let mut now = 0;
    let mut arrivals = Vec::new();
    for _ in 0..random.between(1, 14) {
        now += random.among(&[0, 1, 10, 60, 61, 700, 5_000]);
        // The clock was set back a little.
        now -= if random.chance(60) { random.between(0, 5).min(now) } else { 0 };
        let mut events = Vec::new();
        for _ in 0..random.below(4) {
            let late = random.among(&[0, 0, 0, 1, 30, 90, 1_000, 2_000]);
            events.push(Event {
                name: random.among(&[
                    "Start",
                    "Start",
                    "Start",
                    "Click",
                    "Goal",
                    "Stop",
                    "vip:true",
                    "vip:false",
                ]),
                at: (now - late).max(0),
                key: random.among(&[None, Some("x"), Some("x"), Some("y")]),
                historical: random.chance(60),
            });
        }
        arrivals.push(Arrivals { now, events });
    }
    // All timers come due in the end.
    arrivals.extend([10_000, 20_000, 30_000].map(|later| Arrivals { now: now + later, events: Vec::new() }));
    arrivals
}

/// Something smaller that still differs, as long as there is such a thing.
fn shrink(journey: Journey, arrivals: Vec<Arrivals>) -> (Journey, Vec<Arrivals>) {
    let differs =
        |journey: &Journey, arrivals: &[Arrivals]| told(journey, arrivals) != live(journey, arrivals);
    let (mut journey, mut arrivals) = (journey, arrivals);
    loop {
        let mut smaller: Vec<(Journey, Vec<Arrivals>)> = Vec::new();
        for nth in 0..arrivals.len() {
            let mut fewer = arrivals.clone();
            fewer.remove(nth);
            smaller.push((journey.clone(), fewer));
            for event in 0..arrivals[nth].events.len() {
                let mut fewer = arrivals.clone();
                fewer[nth].events.remove(event);
                smaller.push((journey.clone(), fewer));
            }
        }
        for nth in (0..journey.steps.len()).filter(|_| journey.steps.len() > 1) {
            let mut shorter = journey.clone();
            shorter.steps.remove(nth);
            smaller.push((shorter, arrivals.clone()));
        }
        smaller.push((Journey { goal: None, ..journey.clone() }, arrivals.clone()));
        smaller.push((Journey { stops: false, ..journey.clone() }, arrivals.clone()));
        smaller.push((Journey { keyed: false, ..journey.clone() }, arrivals.clone()));
        smaller.retain(|(other, fewer)| (other, fewer) != (&journey, &arrivals));
        match smaller.into_iter().find(|(journey, arrivals)| differs(journey, arrivals)) {
            Some(found) => (journey, arrivals) = found,
            None => return (journey, arrivals),
        }
    }
}

fn life(seed: u64) -> (Journey, Vec<Arrivals>) {
    let mut random = Random::new(seed);
    let journey = draw_journey(&mut random);
    (journey, draw_arrivals(&mut random))
}

#[test]
fn the_actor_lives_as_the_model_does() {
    let only = std::env::var("JOURNEYMAN_SEED").ok().map(|seed| seed.parse::<u64>().expect("a number"));
    let lives = std::env::var("JOURNEYMAN_LIVES").map_or(LIVES, |lives| lives.parse().expect("a number"));
    let mut lines = 0;
    for seed in only.map_or(0..lives, |seed| seed..seed + 1) {
        let (journey, arrivals) = life(seed);
        let (actor, model) = (told(&journey, &arrivals), live(&journey, &arrivals));
        lines += model.len();
        if actor == model {
            continue;
        }
        let (journey, arrivals) = shrink(journey, arrivals);
        let (actor, model) = (told(&journey, &arrivals), live(&journey, &arrivals));
        panic!(
            "seed {seed}, made smaller:\n{}\n{arrivals:#?}\nthe actor:\n{}\nthe model:\n{}",
            yaml(&journey),
            actor.join("\n"),
            model.join("\n")
        );
    }
    assert!(only.is_some() || lines as u64 > lives, "too little was told: {lines} lines");
}
