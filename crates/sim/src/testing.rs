//! Runs the tests of journey files: the actor, one person, and a clock that jumps from one thing that happens to the next.

mod verdict;

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use journeyman_domain::actor::engage::{BOUNCED, DELIVERED, FOLLOWED, OPENED};
use journeyman_domain::catalog::{Item, Patch};
use journeyman_domain::person::Person;
use journeyman_domain::plan::{Deployment, Plan, Plans, Status, Step};
use journeyman_domain::row::{QueuedRow, StoredEvent};
use journeyman_domain::score::SCORED;
use journeyman_domain::{Event, EventId, Identity, Kind, PersonId, SeenKey, ShopTime, assignment_key};
use journeyman_journey::testing::{Deed, Reaction, Test};
use journeyman_render::Templates;
use serde_json::{Map, Value, json};

use crate::backtest::{Life, Line, Timeline, Window, World};

/// By what the events of a test are told.
const SOURCE: &str = "test";
/// How long before its beginning what is known of the person was said.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What is otherwise than expected; empty where nothing is.
    pub faults: Vec<String>,
    /// Everything that happened, in order, for whoever looks for the fault.
    pub happened: Vec<String>,
}

/// Runs a test with its journey alone among the policies and segments of a deployment. `templates` are what words are looked for in.
pub fn run(deployment: &Deployment, templates: Option<&Templates>, test: &Test) -> Ran {
    let deployment = alone(deployment, test);
    let plans = Plans::new(deployment);
    let zone = zone_of(test, &plans.policies.zone);
    let begin = test.begin.to_zoned(zone.clone()).map_or(ShopTime::EPOCH, |at| ShopTime::new(at.timestamp()));
    let catalog = catalog(test, &plans);
    let last =
        test.events.iter().filter_map(|event| event.after).map(|after| after.after(begin, &zone)).max();
    let until = test.lasts.after(begin, &zone).max(last.unwrap_or(begin));
    let window = Window { from: Some(begin), until };
    let world = World { plans: &plans, window, catalog: &catalog, tellings: &[] };
    let key = assignment_key(&Identity::external("somebody"));
    let life = Life::new(world, Person::new(PersonId(1), key), true).kept();
    let mut running = Running { test, begin, zone, life, post: Vec::new(), told: 0, faults: Vec::new() };
    running.before();
    running.events();
    let Running { life, post, zone, mut faults, .. } = running;
    let (lines, post) = over(life, post);
    let seen = verdict::Seen { test, begin, zone: &zone, lines: &lines, post: &post };
    faults.extend(seen.faults(&plans.policies, templates));
    Ran { faults, happened: seen.told() }
}

/// What happened to the end, and what was sent.
fn over(mut life: Life<'_>, mut post: Vec<QueuedRow>) -> (Vec<Line>, Vec<QueuedRow>) {
    life.wait_to_the_end();
    post.extend(life.post());
    (life.finish(), post)
}

/// The journey alone, live, with the person in it or held out of it as the test says.
fn alone(deployment: &Deployment, test: &Test) -> Deployment {
    let mut alone = deployment.clone();
    alone.plans.retain(|plan| plan.name == test.journey);
    alone.pinned.clear();
    alone.policies.holdout = 0.0;
    for plan in &mut alone.plans {
        let plan: &mut Plan = Arc::make_mut(plan);
        plan.status = Status::Live;
        plan.holdout = if test.holdout { 1.0 } else { 0.0 };
        for node in &mut plan.nodes {
            match &mut node.step {
                Step::Send(send) => send.holdout = 0.0,
                Step::Choose(shares) => {
                    if let Some(option) = test.choose.get(&node.id) {
                        shares.iter_mut().for_each(|share| share.share = f64::from(share.name == *option));
                    }
                }
                _ => {}
            }
        }
    }
    alone
}

/// The person's zone, else the shop's.
fn zone_of(test: &Test, shop: &TimeZone) -> TimeZone {
    let named = ["timezone", "time_zone"].into_iter().find_map(|name| test.profile.get(name)?.as_str());
    named.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| shop.clone())
}

fn catalog(test: &Test, plans: &Plans) -> Timeline {
    let mut timeline = Timeline::new(Arc::default(), plans.policies.rates.base);
    for product in &test.products {
        let Ok(patch) = Patch::read(product.clone()) else { continue };
        if let Ok(item) = Item::default().patched(&patch) {
            timeline.add(&patch.id, ShopTime::EPOCH, item);
        }
    }
    timeline
}

struct Running<'a> {
    test: &'a Test,
    begin: ShopTime,
    zone: TimeZone,
    life: Life<'a>,
    /// What was sent so far.
    post: Vec<QueuedRow>,
    /// How many events were told.
    told: u32,
    faults: Vec<String>,
}

impl Running<'_> {
    /// What is known before anything happens.
    fn before(&mut self) {
        let at = self.begin.saturating_add(-BEFORE);
        for product in &self.test.products {
            if let Err(fault) = Patch::read(product.clone()).and_then(|patch| Item::default().patched(&patch))
            {
                self.faults.push(format!("`products`: {fault}"));
            }
        }
        if !self.test.profile.is_empty() {
            self.identify(at, self.test.profile.clone());
        }
        if !self.test.scores.is_empty() {
            self.track(at, SCORED, self.test.scores.clone().into());
        }
        for topic in &self.test.consents {
            self.track(at, "Subscribed", json!({ "topic": topic }));
        }
    }

    fn events(&mut self) {
        let moment = |after: Option<journeyman_domain::value::Span>| {
            after.map_or(self.begin, |after| after.after(self.begin, &self.zone))
        };
        let mut events: Vec<_> = self.test.events.iter().map(|event| (moment(event.after), event)).collect();
        events.sort_by_key(|(at, _)| *at);
        for (at, event) in events {
            match &event.what {
                Deed::Event(name, with) => self.track(at, name, with.clone().into()),
                Deed::Profile(traits) => self.identify(at, traits.clone()),
                Deed::Message(reaction, step) => self.reacts(at, *reaction, step),
            }
        }
    }

    fn reacts(&mut self, at: ShopTime, reaction: Reaction, step: &str) {
        self.life.wait_until(at);
        let new = self.life.post();
        self.post.extend(new);
        let Some(row) = self.post.iter().rev().find(|row| *row.step == *step) else {
            let after = verdict::duration(at.since(self.begin));
            self.faults
                .push(format!("nothing had been sent by `{step}` {after}: nobody can do anything with it"));
            return;
        };
        let mut properties = json!({ "message_id": row.message.to_string(), "channel": row.channel.name() });
        let name = match reaction {
            Reaction::Clicked => {
                properties["link"] = json!(1);
                properties["url"] = json!("/");
                FOLLOWED
            }
            Reaction::Opened => OPENED,
            Reaction::Delivered => DELIVERED,
            Reaction::Bounced => {
                properties["kind"] = json!("hard");
                BOUNCED
            }
        };
        self.track(at, name, properties);
    }

    fn track(&mut self, at: ShopTime, name: &str, properties: Value) {
        self.told += 1;
        let event = Event::told(SOURCE, name, &self.told.to_string(), PersonId(1), at, properties);
        let Event { id, kind, name, payload, .. } = event;
        self.arrive(StoredEvent {
            id,
            kind,
            name: name.into(),
            occurred_at: at,
            received_at: at,
            historical: at < self.begin,
            payload,
        });
    }

    fn identify(&mut self, at: ShopTime, traits: Map<String, Value>) {
        self.told += 1;
        let payload = json!({ "type": "identify", "traits": traits }).to_string();
        let id = EventId::new(at, SeenKey::new(SOURCE, &self.told.to_string()));
        let historical = at < self.begin;
        let (kind, name) = (Kind::Identify, "".into());
        self.arrive(StoredEvent { id, kind, name, occurred_at: at, received_at: at, historical, payload });
    }

    fn arrive(&mut self, event: StoredEvent) {
        self.life.arrive(&[event]);
        let new = self.life.post();
        self.post.extend(new);
    }
}
