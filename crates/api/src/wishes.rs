//! What people wish of us: less, more, nothing any more. Said as events, with what it means for their addresses.
//!
//! A wish is what was asked for and when; what it means is found out when it is written, since the database may be away
//! before. Addresses are suppressed in the transaction of the event, so that nothing leaves for them from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::plan::{Channel, Policies};
use journeyman_domain::{Event, MessageId, PersonId, ShopTime};
use journeyman_store::suppressions::{Kind, Suppression};
use journeyman_store::told::Told;
use journeyman_store::{Error, messages};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::SOURCE;
use crate::shop::{Shop, Standing, THEIRS};

/// How a wish of the preference page says where it comes from.
const PREFERENCES: &str = "preferences";

/// Somebody's wish, as it waits for the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    /// The message from which they came.
    pub(crate) message: MessageId,
    pub(crate) person: i64,
    pub(crate) at: ShopTime,
    pub(crate) what: What,
}

/// What somebody wishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// No more of what the message was about.
    Less(Via),
    /// No more marketing by the message's channel.
    NoMoreByChannel(Via),
    /// No more marketing at all.
    Nothing,
    /// What is chosen on the preference page.
    Choice {
        /// What was ticked.
        on: Vec<Pair>,
        /// What was unticked.
        off: Vec<Pair>,
        /// What was left unticked.
        left: Vec<Pair>,
    },
}

/// By which way somebody unsubscribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Via {
    /// Their mail program's button (RFC 8058).
    OneClick,
    /// Our page.
    Page,
}

/// A topic by a channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) channel: Channel,
    pub(crate) topic: Arc<str>,
}

/// What a wish means now.
pub(crate) async fn told(shop: &Shop, wish: &Wish) -> Result<Vec<Told>, Error> {
    match &wish.what {
        What::Less(via) => Ok(vec![unsubscribed(shop, wish, *via, true).await?]),
        What::NoMoreByChannel(via) => Ok(vec![unsubscribed(shop, wish, *via, false).await?]),
        What::Nothing => {
            let standing = shop.standing(PersonId(wish.person)).await?;
            let addresses = standing.map(|standing| standing.0.addresses).unwrap_or_default();
            Ok(vec![nothing(wish, &addresses)])
        }
        What::Choice { on, off, left } => {
            let face = shop.face().await?;
            let Some(standing) = shop.standing(PersonId(wish.person)).await? else { return Ok(Vec::new()) };
            let given: BTreeSet<&Pair> =
                on.iter().filter(|pair| face.policies.topics.contains_key(&pair.topic)).collect();
            // Said otherwise meanwhile, by another page or the shop: what was shown as a no is one.
            let stale = left.iter().filter(|pair| standing.gets(pair.channel, &pair.topic, &face.policies));
            let withdrawn = off.iter().chain(stale);
            let withdrawn = withdrawn.map(|pair| withdrawal(wish, pair, &standing));
            let given_all = given.iter().map(|pair| consent(wish, pair, &given, &standing, &face.policies));
            Ok(withdrawn.chain(given_all).collect())
        }
    }
}

/// No more of the message's topic, or none by its channel. Where nobody knows the message any more, it counts as one by
/// mail, to the person's address, about no topic.
async fn unsubscribed(shop: &Shop, wish: &Wish, via: Via, topic: bool) -> Result<Told, Error> {
    let known = messages::addressed(&shop.pool, &[wish.message]).await?.remove(&wish.message);
    let channel = known.as_ref().map_or(Channel::Email, |known| known.channel);
    let about = known.as_ref().and_then(|known| known.topic.clone()).filter(|_| topic);
    let mut address = known.map(|known| known.address.to_string()).filter(|address| !address.is_empty());
    if address.is_none() {
        let standing = shop.standing(PersonId(wish.person)).await?;
        address = standing.and_then(|mut standing| standing.0.addresses.remove(&channel));
    }
    let event = wish.event("Unsubscribed", Some(channel), about.as_deref(), via.name());
    let suppress = address.map(|address| wish.suppression(&event, channel, &address, about));
    Ok(Told { suppress: suppress.into_iter().collect(), lift: Vec::new(), event })
}

fn nothing(wish: &Wish, addresses: &BTreeMap<Channel, String>) -> Told {
    let event = wish.event("Unsubscribed", None, None, PREFERENCES);
    let suppress =
        addresses.iter().map(|(channel, address)| wish.suppression(&event, *channel, address, None));
    Told { suppress: suppress.collect(), lift: Vec::new(), event }
}

/// A change is said whatever is known of it now: what was said a moment ago may not be applied yet.
fn withdrawal(wish: &Wish, Pair { channel, topic }: &Pair, standing: &Standing) -> Told {
    let event = wish.event("Unsubscribed", Some(*channel), Some(topic), PREFERENCES);
    let address = standing.0.addresses.get(channel);
    let suppress = address.map(|address| wish.suppression(&event, *channel, address, Some(topic.clone())));
    Told { suppress: suppress.into_iter().collect(), lift: Vec::new(), event }
}

fn consent(
    wish: &Wish,
    Pair { channel, topic }: &Pair,
    given: &BTreeSet<&Pair>,
    standing: &Standing,
    policies: &Policies,
) -> Told {
    let event = wish.event("Subscribed", Some(*channel), Some(topic), PREFERENCES);
    let mut told = Told { suppress: Vec::new(), lift: Vec::new(), event };
    let Some(address) = standing.0.addresses.get(channel) else { return told };
    let word = |kind, topic| Suppression { kind, ..wish.suppression(&told.event, *channel, address, topic) };
    let mut lift: Vec<Suppression> = THEIRS.map(|kind| word(kind, Some(topic.clone()))).into();
    let mut suppress = Vec::new();
    for refused in standing.refused(*channel) {
        lift.push(word(refused.kind, None));
        // A no to all of a channel becomes a no to all else of it.
        let others = policies.topics.keys();
        let others = others
            .filter(|other| !given.iter().any(|pair| pair.channel == *channel && pair.topic == **other));
        suppress.extend(others.map(|other| word(Kind::Unsubscribed, Some(other.clone()))));
    }
    (told.lift, told.suppress) = (lift, suppress);
    told
}

impl Wish {
    /// The same wish is the same event, however often it is written. Said again a second later it is another: a yes that was
    /// said between must not outlive the no after it.
    fn event(&self, name: &str, channel: Option<Channel>, topic: Option<&str>, via: &str) -> Event {
        let mut properties = Map::new();
        let mut put = |name: &str, value: String| properties.insert(name.to_owned(), Value::String(value));
        put("message_id", self.message.to_string());
        put("via", via.to_owned());
        if let Some(channel) = channel {
            put("channel", channel.name().to_owned());
        }
        if let Some(topic) = topic {
            put("topic", topic.to_owned());
        }
        let about = [channel.map_or("", Channel::name), topic.unwrap_or("")].join(" ");
        let second = self.at.as_millisecond().div_euclid(1000);
        let key = format!("{} {name} {second} {about}", self.message);
        Event::told(SOURCE, name, &key, PersonId(self.person), self.at, properties.into())
    }

    fn suppression(
        &self,
        event: &Event,
        channel: Channel,
        address: &str,
        topic: Option<Arc<str>>,
    ) -> Suppression {
        let address = address.to_owned();
        Suppression { channel, address, topic, kind: Kind::Unsubscribed, at: self.at, event: Some(event.id) }
    }
}

impl Via {
    fn name(self) -> &'static str {
        match self {
            Self::OneClick => "one_click",
            Self::Page => "page",
        }
    }
}
