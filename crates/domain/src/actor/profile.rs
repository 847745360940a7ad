//! What an event says of the person, before any journey sees it.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Actor, Happening, engage};
use crate::call::ANSWERED;
use crate::person::{ANY_EVENT, CART_EVENTS, Hot, Occurrence, TOPIC_BYTES, Underway};
use crate::plan::Channel;
use crate::row::Lifted;
use crate::score::{self, SCORED};
use crate::value::Value;
use crate::{Refused, ShopTime};

impl Actor<'_> {
    /// Profile, consents, counters, carts: all that conditions may ask about. Emits what follows from it.
    pub(super) fn profile(&mut self, event: &Happening, depth: u32) {
        if depth == 0 {
            self.seen(event);
        }
        self.identified(event);
        match event.name.as_ref() {
            "Subscribed" => self.consented(event, true),
            "Unsubscribed" => self.consented(event, false),
            engage::DELIVERED
            | engage::OPENED
            | engage::CLICKED
            | engage::LOADED
            | engage::FOLLOWED
            | engage::BOUNCED
            | engage::SENT
            | engage::FAILED
            | engage::COMPLAINED => self.engaged(event, depth),
            engage::RESTORED => self.restored(event),
            SCORED => self.scored(event, depth),
            "Order Completed" => self.bought(event, depth),
            engage::REPLIED => self.replied(event),
            ANSWERED if depth == 0 => self.answered(event),
            _ => {}
        }
        self.counted(event);
        self.carted(event, depth);
    }

    fn seen(&mut self, event: &Happening) {
        if !event.by_them() {
            return;
        }
        for key in self.plans.demands.of_event(ANY_EVENT) {
            self.person.features.entry(key.clone()).or_default().observe_hour(event.at);
        }
        let hot = &mut self.person.hot;
        hot.first_seen = Some(hot.first_seen.map_or(event.at, |first| first.min(event.at)));
        hot.last_seen = hot.last_seen.max(Some(event.at));
        hot.session.seen(event.at);
    }

    /// What identify says counts more than what the device says: it is said on purpose.
    fn identified(&mut self, event: &Happening) {
        let mut zone = event.zone.clone();
        let mut room = true;
        let traits = event.traits();
        // What they call the id themselves counts more.
        if let Some(id) = event.user.as_ref().filter(|_| traits.field(ID).is_missing()) {
            room &= self.person.traits.say(ID, Value::Text(id.clone()), event.at);
        }
        if let Value::Record(traits) = traits {
            // What is computed of somebody nobody says of themselves.
            for (name, value) in traits.iter().filter(|(name, _)| name.as_ref() != score::TRAIT) {
                room &= self.person.traits.say(name, value.clone(), event.at);
                if let ("timezone", Value::Text(said)) = (name.as_ref(), value) {
                    zone = Some(said.clone());
                }
            }
        }
        if !room {
            self.refuse("".into(), Refused::TooLarge);
        }
        if let Some(zone) = zone {
            self.moved_to(zone, event.at);
        }
        if let Some(locale) = &event.locale
            && locale.len() <= LOCALE_BYTES
        {
            self.person.hot.locale = Some(locale.clone());
        }
    }

    /// A person is in another zone: what hangs on the clock there comes due by the new one.
    pub(super) fn moved_to(&mut self, zone: Arc<str>, at: ShopTime) {
        match &mut self.person.hot.zone {
            Some((_, since)) if *since > at => return,
            // Said again: what comes late and is older must not undo it.
            Some((known, since)) if *known == zone => {
                *since = at;
                return;
            }
            _ => {}
        }
        let Ok(found) = TimeZone::get(&zone) else {
            self.refuse("".into(), Refused::BadZone);
            return;
        };
        self.person.hot.zone = Some((zone, at));
        if found != self.zone {
            self.zone = found;
            self.rearm();
        }
    }

    /// A yes or no about a channel, a topic, both or everything. Of one that can't be understood a yes gives nothing, and a
    /// no takes everything back: better silent than unasked.
    fn consented(&mut self, event: &Happening, given: bool) {
        let channel = match event.properties().field("channel") {
            Value::Missing => Ok(None),
            // As shops write them: `Email`, `SMS`, `in-app`, `e-mail`.
            Value::Text(name) => match spelled(name) {
                Some(channel) => Ok(Some(channel)),
                // Nothing is sent there.
                None if FOREIGN.contains(&name.to_ascii_lowercase().as_str()) => {
                    return self.refuse("".into(), Refused::UnknownChannel);
                }
                None => Err(Refused::UnknownChannel),
            },
            _ => Err(Refused::UnknownChannel),
        };
        let topic = match event.properties().field("topic") {
            Value::Missing => Ok(None),
            Value::Text(topic) if topic.len() > TOPIC_BYTES => {
                return self.refuse("".into(), Refused::UnknownTopic);
            }
            Value::Text(topic) => Ok(Some(topic.clone())),
            _ => Err(Refused::UnknownTopic),
        };
        let (channel, topic) = match (channel, topic) {
            (Ok(channel), Ok(topic)) => (channel, topic),
            (Err(reason), _) | (_, Err(reason)) => {
                self.refuse("".into(), reason);
                if given {
                    return;
                }
                (None, None)
            }
        };
        self.person.hot.consents.say(channel, topic.clone(), given, event.at);
        if given {
            self.lift(channel, topic.as_ref(), event.at);
        } else {
            self.call_off_unwanted();
        }
    }

    /// Who asks for it again is written to again: what was suppressed because they had said no is lifted.
    fn lift(&mut self, channel: Option<Channel>, topic: Option<&Arc<str>>, at: ShopTime) {
        let channels =
            Channel::ALL.into_iter().filter(|known| channel.is_none_or(|channel| channel == *known));
        for channel in channels {
            let Some(address) = channel.address_trait().map(|name| self.person.traits.get(name)) else {
                continue;
            };
            if let Some(address) = address.key() {
                self.outcome.lifted.push(Lifted { channel, address, topic: topic.cloned(), at });
            }
        }
    }

    /// What is on its way and no longer agreed to is called off.
    pub(super) fn call_off_unwanted(&mut self) {
        let Hot { consents, underway, .. } = &mut self.person.hot;
        let policies = &self.plans.policies;
        let unwanted =
            |message: &mut Underway| !consents.allow(message.channel, message.topic.as_deref(), policies);
        for Underway { message, .. } in underway.extract_if(.., unwanted) {
            self.outcome.cancelled.push(message);
            self.called_off.push(message);
        }
    }

    fn counted(&mut self, event: &Happening) {
        let rates = &self.plans.policies.rates;
        // What is called so is no other event.
        for key in self.plans.demands.of_event(&event.name).filter(|key| *key.event != *ANY_EVENT) {
            let feature = self.person.features.entry(key.clone()).or_default();
            feature.observe(Occurrence::of(key, event.at, event.properties(), rates), key.by.is_none());
        }
    }

    fn carted(&mut self, event: &Happening, depth: u32) {
        if !CART_EVENTS.contains(&event.name.as_ref()) {
            return;
        }
        let rates = &self.plans.policies.rates;
        let carts = &mut self.person.hot.carts;
        let changed = carts.apply(&event.name, event.id, event.properties(), event.at, rates.base);
        if let Some(cart) = changed.and_then(|id| carts.get(&id)) {
            let updated = event.caused(1, "Cart Updated", cart.updated(rates));
            self.caused.push_back((updated, depth + 1));
        }
    }
}

/// The trait that is the shop's own id of somebody, as identify's `userId` has it.
const ID: &str = "id";
/// The longest locale that is kept, bytes; BCP 47's own tags are shorter.
const LOCALE_BYTES: usize = 35;

/// Channels that shops have and we do not: what is said of them is about nothing of ours.
const FOREIGN: [&str; 9] =
    ["telegram", "viber", "line", "wechat", "signal", "phone", "post", "facebook", "instagram"];

/// A channel, however it is spelled: case, hyphens and spaces say nothing.
fn spelled(name: &str) -> Option<Channel> {
    let letters = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let name = letters(name);
    Channel::ALL.into_iter().find(|channel| letters(channel.name()) == name)
}
