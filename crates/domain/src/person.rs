//! A person, as the actor holds them: what is kept between two inputs.

mod cart;
mod consent;
mod feature;
mod handover;
mod memory;
mod run;
mod session;
mod stored;
mod traits;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::plan::Channel;
use crate::value::Value;
use crate::{PersonId, ShopTime};

pub use cart::{CART_BYTES, CART_EVENTS, CARTS, Cart, CartItem, Carts, ITEMS};
pub use consent::{CONSENTS, Consents, TOPIC_BYTES};
pub use feature::{ANY_EVENT, DAYS, Day, Feature, FeatureKey, Occurrence, RECENT};
pub use handover::{Handover, decode_handover, encode_handover};
pub use memory::{
    BURST, CLICKS, Click, DEAD, ENTERED, Entered, MET, MET_BYTES, MET_OF_NAME, Mark, PENDING, PENDING_BYTES,
    Pending, SENT, Seen, Sent, UNDERWAY, URL_BYTES, Underway, WATCHED, mark,
};
pub use run::{
    ENTRY_BYTES, EndReason, Entry, GoalReached, HeldBy, HeldOut, Position, RESULT_BYTES, Run, RunId,
    SendState, StepResult, VARIABLE_BYTES, Waiting, Watching,
};
pub use session::{SESSION_GAP_MINUTES, Session};
pub use stored::{STATE_BYTES, Undecodable, decode_hot, decode_run, encode_hot, encode_run, size};
pub use traits::{TRAIT_BYTES, TRAITS, Trait, Traits};

/// A person: identity, counters, state, runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// What sticky draws hang on.
    pub assignment_key: i64,
    /// Of the stored row; 0 where there is none yet. Every write checks and advances it.
    pub version: i64,
    /// How many inputs have been applied: the person's own counter, the order of their journal.
    pub n: i64,
    /// The wake-up that stands in `due`, if any.
    pub armed: Option<ShopTime>,
    /// What is read and written with every input.
    pub hot: Hot,
    /// What identify said of them.
    pub traits: Traits,
    /// Their live runs, by number.
    pub runs: Vec<Run>,
    /// Counters that deployed plans ask for.
    pub features: BTreeMap<FeatureKey, Feature>,
    /// Where their state went when they turned out to be somebody else: nothing is applied to them any more.
    pub merged_into: Option<PersonId>,
}

impl Person {
    /// Somebody of whom nothing is known yet.
    pub fn new(id: PersonId, assignment_key: i64) -> Self {
        Self {
            id,
            assignment_key,
            version: 0,
            n: 0,
            armed: None,
            hot: Hot::default(),
            traits: Traits::default(),
            runs: Vec::new(),
            features: BTreeMap::new(),
            merged_into: None,
        }
    }

    /// The earliest moment at which something of theirs comes due.
    pub fn next_due(&self) -> Option<ShopTime> {
        let runs = self.runs.iter().filter_map(Run::due);
        let clicks = self.hot.clicks.iter().map(|click| click.due);
        let watched = self.hot.watched.iter().filter_map(|seen| seen.due);
        runs.chain(self.hot.pending.iter().map(|pending| pending.due)).chain(clicks).chain(watched).min()
    }
}

/// The small state that every input reads and writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hot {
    /// Their time zone as they or their browser said, and when. Always one that exists.
    pub zone: Option<(Arc<str>, ShopTime)>,
    /// When they were first heard of.
    pub first_seen: Option<ShopTime>,
    /// When they did something last.
    pub last_seen: Option<ShopTime>,
    /// Their latest session.
    pub session: Session,
    /// Open carts.
    pub carts: Carts,
    /// What they agreed to.
    pub consents: Consents,
    /// Messages queued for them, the oldest first: what caps and the minimum gap count. Kept as long as a cap asks.
    pub sent: Vec<Sent>,
    /// Marketing messages on their way, the oldest first.
    pub underway: Vec<Underway>,
    /// When they entered which journey, by key where it has one: what `again` asks.
    pub entered: Vec<Entered>,
    /// Starts that wait for silence.
    pub pending: Vec<Pending>,
    /// The number of their latest run.
    pub last_run: u32,
    /// The locale of their device.
    pub locale: Option<Arc<str>>,
    /// Clicks of which it is not known yet whether a human made them.
    pub clicks: Vec<Click>,
    /// Addresses that are dead, as marks of their lower case.
    pub dead: Vec<(Channel, Mark)>,
    /// What happened to them that runs wait or end for, the oldest first: should they turn out to be the same as somebody
    /// else, it is news to the other's runs.
    pub met: Vec<Entry>,
    /// What of them is watched for journeys to begin on.
    pub watched: Vec<Seen>,
}

/// How many runs one person may have at once, those included that only watch for their goal.
pub const RUNS: usize = 100;

impl Person {
    /// A built-in or a trait of the profile.
    pub fn profile(&self, name: &str) -> Value {
        match name {
            "first_seen" => self.hot.first_seen.map_or(Value::Missing, Value::Time),
            "last_seen" => self.hot.last_seen.map_or(Value::Missing, Value::Time),
            "sessions" => Value::Number(f64::from(self.hot.session.number)),
            "time_zone" => {
                self.hot.zone.as_ref().map_or(Value::Missing, |(zone, _)| Value::Text(zone.clone()))
            }
            name => self.traits.get(name).clone(),
        }
    }

    /// The address by which a channel reaches them; empty of a channel that needs none.
    pub fn address(&self, channel: Channel) -> Option<Arc<str>> {
        match channel.address_trait() {
            None => Some("".into()),
            Some(name) => self.traits.get(name).key(),
        }
    }

    /// Whether mail to an address of theirs came back for good.
    pub fn is_dead(&self, channel: Channel, address: &str) -> bool {
        let dead = &self.hot.dead;
        !dead.is_empty() && dead.contains(&(channel, mark(&[&address.trim().to_lowercase()])))
    }
}
