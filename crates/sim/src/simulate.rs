//! Synthetic people before journeys: shoppers live by a file of figures, each alone with the actor, and react to what it sends them.
//!
//! What a backtest can't show is shown here: what follows from messages that were never sent before. The shoppers are those of the demo
//! ([`crate::shoppers`]), the actor and its clock are those of a backtest ([`crate::backtest`]). There is no door and no channel between
//! them: an event arrives when it happens, a message when it leaves.

mod came;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use journeyman_domain::actor::engage::{FOLLOWED, LOADED, OPENED};
use journeyman_domain::catalog::product_ids_of_json;
use journeyman_domain::person::Person;
use journeyman_domain::plan::{Channel, Plans};
use journeyman_domain::row::{QueuedRow, StoredEvent};
use journeyman_domain::{Event, Identity, MessageId, PersonId, ShopTime, assignment_key};
use serde_json::json;

use crate::backtest::{Life, Timeline, Window, World};
use crate::shoppers::{Act, Bought, Deed, Reaction, STEP_MINUTES, Shoppers};

pub use came::{Came, Reactions};

/// What a reaction's event is told by.
const SOURCE: &str = "simulate";
/// Who wants no more.
const UNSUBSCRIBED: &str = "Unsubscribed";

/// How shoppers say what they do.
pub trait Voice {
    /// Who somebody is and what they bought before the shop's first day.
    fn before(&mut self, bought: &Bought) -> Vec<Event>;
    /// The events of an act, at a moment: that of the step.
    fn says(&mut self, deed: Doing<'_>, step: u32, at: ShopTime) -> Vec<Event>;
    /// The shopper's product of this id: its index.
    fn product(&self, id: &str) -> Option<usize>;
    /// The ids of all of them.
    fn products(&self) -> BTreeSet<Arc<str>>;
}

/// Something done in the shop.
#[derive(Clone, Copy, Debug)]
pub struct Doing<'a> {
    /// Who, from 0.
    pub shopper: usize,
    /// On which of their devices, from 0.
    pub device: u8,
    /// Whether the shop knows there who they are.
    pub known: bool,
    /// What.
    pub act: &'a Act,
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The journeys.
    pub plans: &'a Plans,
    /// What the shop sells when.
    pub catalog: &'a Timeline,
    /// The moment of step 0.
    pub opens: ShopTime,
}

impl Setting<'_> {
    /// The moment of a step.
    pub fn at(&self, step: u32) -> ShopTime {
        self.opens.saturating_add(SignedDuration::from_mins(i64::from(step) * i64::from(STEP_MINUTES)))
    }

    /// The first step that is not before a moment.
    fn step_of(&self, moment: ShopTime) -> u32 {
        let micros = moment.since(self.opens).as_micros().max(0);
        let step = i128::from(STEP_MINUTES) * 60_000_000;
        u32::try_from((micros + step - 1) / step).unwrap_or(u32::MAX)
    }
}

/// Lets these shoppers live to their end. The same setting, shoppers and voice: the same outcome, however the shoppers are divided among
/// several calls. `tell` hears of every step that is over.
pub fn simulate(
    setting: Setting<'_>,
    shoppers: Shoppers,
    voice: &mut impl Voice,
    tell: impl Fn(u32),
) -> Came {
    let Setting { plans, catalog, opens } = setting;
    let until = setting.at(shoppers.end());
    let hears = plans.keeps_interest() && !catalog.is_empty();
    let tellings = if hears { catalog.tellings(&voice.products()) } else { Vec::new() };
    let world = World { plans, catalog, tellings: &tellings, window: Window { from: Some(opens), until } };
    let mut simulation = Simulation {
        setting,
        world,
        shoppers,
        voice,
        lives: BTreeMap::new(),
        due: BTreeSet::new(),
        letters: Vec::new(),
        came: Came::default(),
    };
    simulation.past();
    simulation.days(tell);
    simulation.over()
}

/// A message that somebody got.
struct Letter {
    message: MessageId,
    channel: Channel,
    topic: Option<Arc<str>>,
}

struct Simulation<'a, V> {
    setting: Setting<'a>,
    world: World<'a>,
    shoppers: Shoppers,
    voice: &'a mut V,
    /// Everybody to whom anything has happened, and when something is due by itself.
    lives: BTreeMap<usize, (Life<'a>, Option<ShopTime>)>,
    /// The same moments, in order.
    due: BTreeSet<(ShopTime, usize)>,
    letters: Vec<Letter>,
    came: Came,
}

impl<V: Voice> Simulation<'_, V> {
    fn past(&mut self) {
        for bought in self.shoppers.past().to_vec() {
            let events = self.voice.before(&bought);
            self.arrive(bought.who, events);
        }
    }

    /// One moment after the other; what is due comes before what is done at the same one.
    fn days(&mut self, tell: impl Fn(u32)) {
        let end = self.shoppers.end();
        loop {
            let deed = self.shoppers.next().map(|step| (self.setting.at(step), step));
            let due = self.due.first().map(|(at, _)| *at).filter(|at| *at < self.world.window.until);
            match (deed, due) {
                (None, None) => break,
                (Some((at, step)), due) if due.is_none_or(|due| due > at) => {
                    tell(step);
                    self.act(step, at);
                }
                _ => self.wake(),
            }
        }
        tell(end);
    }

    /// The next thing that is due.
    fn wake(&mut self) {
        let Some((at, who)) = self.due.pop_first() else { return };
        if let Some((life, armed)) = self.lives.get_mut(&who) {
            *armed = None;
            life.wait_until(at);
        }
        self.follows(who, at);
    }

    fn act(&mut self, step: u32, at: ShopTime) {
        let deeds = self.shoppers.act(step);
        for deeds in deeds.chunk_by(|one, other| one.shopper() == other.shopper()) {
            let Some(who) = deeds.first().map(Deed::shopper) else { continue };
            let mut events = Vec::new();
            for deed in deeds {
                match deed {
                    Deed::InShop { shopper, device, known, act } => {
                        let doing = Doing { shopper: *shopper, device: *device, known: *known, act };
                        events.extend(self.voice.says(doing, step, at));
                    }
                    Deed::WithLetter { letter, reaction, .. } => {
                        events.extend(self.reacts(who, *letter, *reaction, at));
                    }
                }
            }
            self.arrive(who, events);
        }
    }

    /// What the shop sees of a reaction.
    fn reacts(&mut self, who: usize, letter: usize, reaction: Reaction, at: ShopTime) -> Option<Event> {
        let Letter { message, channel, topic } = self.letters.get(letter)?;
        let mut properties = json!({ "message_id": message.to_string(), "channel": channel.name() });
        let name = match (reaction, channel) {
            (Reaction::Opens, Channel::Email) => LOADED,
            (Reaction::Opens, Channel::Whatsapp) => OPENED,
            // Of a text and of a push nobody hears that they were looked at.
            (Reaction::Opens, _) => return None,
            (Reaction::Clicks(which), _) => {
                properties["link"] = json!(which % 8);
                FOLLOWED
            }
            (Reaction::UnsubscribesByButton | Reaction::UnsubscribesByPage, channel) => {
                if let (Channel::Email, Some(topic)) = (channel, topic) {
                    properties["topic"] = json!(topic);
                }
                UNSUBSCRIBED
            }
        };
        self.came.reactions.note(reaction);
        let key = format!("{message} {name} {}", at.as_millisecond());
        Some(Event::told(SOURCE, name, &key, person(who), at, properties))
    }

    fn arrive(&mut self, who: usize, events: Vec<Event>) {
        let opens = self.world.window.from;
        let events: Vec<StoredEvent> = events.into_iter().map(|event| stored(event, opens)).collect();
        self.came.events += events.len() as u64;
        let (world, shoppers) = (self.world, &self.shoppers);
        let (life, _) = self.lives.entry(who).or_insert_with(|| {
            let name = format!("{}-{who}", shoppers.seed());
            let person = Person::new(person(who), assignment_key(&Identity::external(&name)));
            (Life::new(world, person, true).kept(), None)
        });
        let mut last = None;
        for events in events.chunk_by(|one, other| one.received_at == other.received_at) {
            last = events.first().map(|event| event.received_at);
            life.arrive(events);
        }
        if let Some(at) = last {
            self.follows(who, at);
        }
    }

    /// What was sent reaches its reader, and the next moment of theirs is known.
    fn follows(&mut self, who: usize, at: ShopTime) {
        let Some((life, armed)) = self.lives.get_mut(&who) else { return };
        let (post, next) = (life.post(), life.next());
        if let Some(before) = armed.take() {
            self.due.remove(&(before, who));
        }
        if let Some(next) = next {
            *armed = Some(next);
            self.due.insert((next, who));
        }
        for message in post {
            self.receives(who, at, message);
        }
    }

    fn receives(&mut self, who: usize, at: ShopTime, message: QueuedRow) {
        let mut products = Vec::new();
        product_ids_of_json(&message.data, &mut |id| products.extend(self.voice.product(&id)));
        let step = self.setting.step_of(at);
        let number = self.shoppers.receives(who, step, message.channel, &products);
        // Numbers are given in this order.
        debug_assert_eq!(number, self.letters.len());
        let QueuedRow { message, channel, topic, .. } = message;
        self.letters.push(Letter { message, channel, topic });
    }

    fn over(mut self) -> Came {
        let zone = &self.world.plans.policies.zone;
        for (life, _) in std::mem::take(&mut self.lives).into_values() {
            self.came.add(&life.finish(), zone);
        }
        self.came
    }
}

fn person(who: usize) -> PersonId {
    PersonId(i64::try_from(who).map_or(i64::MAX, |who| who.saturating_add(1)))
}

/// An event as the store would have it: it arrived when it happened.
fn stored(event: Event, opens: Option<ShopTime>) -> StoredEvent {
    let at = event.occurred_at;
    StoredEvent {
        id: event.id,
        kind: event.kind,
        name: event.name.into(),
        occurred_at: at,
        received_at: at,
        historical: opens.is_some_and(|opens| at < opens),
        payload: event.payload,
    }
}
