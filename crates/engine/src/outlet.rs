//! The way out: where a message goes from this process, made ready for the wire.

mod wording;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_channels::email::dkim;
use journeyman_channels::phone;
use journeyman_delivery::call::Caller;
use journeyman_delivery::http;
use journeyman_delivery::smtp::Pool;
use journeyman_domain::link::KeyRing;
use journeyman_domain::plan::{Channel, Policies, Rate, Stream};
use journeyman_store::lines;

use crate::machine::{Allowed, Line};

pub use wording::{Cache, Prepared, Wordings, again, prepare};

/// How many messages may be under way at once where no host bounds them.
const UNBOUND: usize = 2_000;

/// How a process speaks to the world. Holds secrets: no `Debug`.
#[derive(Clone)]
pub struct Outlet {
    /// Whether messages reach customers: only in production.
    pub production: bool,
    /// Outside production: whom everything goes to instead, by channel.
    pub redirect: BTreeMap<Channel, Arc<str>>,
    /// Outside production: addresses, or domains of them, in lower case, that are written to all the same.
    pub allow_only: BTreeSet<Arc<str>>,
    /// What links are signed with.
    pub keys: KeyRing,
    /// Where links lead where the shop names no domain of its own: `http://127.0.0.1:8080`.
    pub base: Arc<str>,
    /// How mail is sent; `None` sends none.
    pub email: Option<Email>,
    /// The providers that are spoken to over HTTP, one a channel.
    pub http: BTreeMap<Channel, Provider>,
    /// How steps call the shop's own systems; `None` calls nobody.
    pub calls: Option<Caller>,
}

/// A provider that is spoken to over HTTP.
#[derive(Clone)]
pub struct Provider {
    /// The way to it.
    pub sender: http::Sender,
    /// Where it is: of a webhook what `allow_only` is held against.
    pub host: Arc<str>,
    /// How many messages are under way at once at most.
    pub connections: usize,
    /// At most so many messages.
    pub allowed: Option<Allowed>,
}

/// How mail is sent.
#[derive(Clone)]
pub struct Email {
    /// The relay of each stream.
    pub relays: BTreeMap<Stream, Relay>,
    /// The domain to which bounces return.
    pub bounces: Option<Arc<str>>,
    /// Keys that mail is signed with.
    pub dkim: Arc<[dkim::Key]>,
}

/// A server that takes mail.
#[derive(Clone)]
pub struct Relay {
    /// What tells it from others: its name and port.
    pub name: Arc<str>,
    /// Connections to it.
    pub pool: Pool,
    /// How many there are at most.
    pub connections: usize,
    /// At most so many messages.
    pub allowed: Option<Allowed>,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the development channel.
    Inbox,
    /// To this address.
    Out(Arc<str>),
    /// Nowhere: why.
    Nowhere(&'static str),
}

impl Outlet {
    /// An outlet that leads to the inbox alone.
    pub fn inbox(keys: KeyRing) -> Self {
        Self {
            production: false,
            redirect: BTreeMap::new(),
            allow_only: BTreeSet::new(),
            keys,
            base: "http://127.0.0.1:8080".into(),
            email: None,
            http: BTreeMap::new(),
            calls: None,
        }
    }

    /// Whether messages of a channel leave here at all.
    fn sends(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email.is_some(),
            channel => self.http.contains_key(&channel),
        }
    }

    /// Whether what has started and was lost sight of may start again without anybody getting it twice.
    pub fn starts_again(&self, channel: Channel) -> bool {
        // Its receiver knows a call by its id.
        if channel == Channel::Call {
            return true;
        }
        let repeatable = |provider: &Provider| provider.sender.codec().repeatable();
        self.is_inbox(channel) || self.http.get(&channel).is_some_and(repeatable)
    }

    /// Where a message to `address` goes. Outside production it reaches nobody but those that are named.
    pub fn way(&self, channel: Channel, address: &Arc<str>) -> Way {
        if channel == Channel::Inbox {
            return Way::Inbox;
        }
        let sends = self.sends(channel);
        if self.production {
            return if sends {
                Way::Out(address.clone())
            } else {
                Way::Nowhere("nothing sends by this channel")
            };
        }
        if !sends {
            return Way::Inbox;
        }
        if self.allows(channel, address) {
            return Way::Out(address.clone());
        }
        self.redirect.get(&channel).map_or(Way::Inbox, |to| Way::Out(to.clone()))
    }

    /// Whether `allow_only` names whom a message is for: an address, its domain, a number however it is written, a token; of
    /// a webhook the host that it goes to.
    fn allows(&self, channel: Channel, address: &str) -> bool {
        let named = |name: &str| self.allow_only.contains(name);
        let lower = address.trim().to_lowercase();
        match channel {
            Channel::Webhook => self.http.get(&channel).is_some_and(|provider| named(&provider.host)),
            Channel::Sms | Channel::Whatsapp => {
                let digits = phone::digits(&lower);
                let numbers = self.allow_only.iter().filter(|allowed| allowed.starts_with('+'));
                !digits.is_empty()
                    && numbers.map(|allowed| phone::digits(allowed)).any(|known| known == digits)
            }
            _ => named(&lower) || named(lower.rsplit_once('@').map_or("", |(_, domain)| domain)),
        }
    }

    /// Whether all of a channel's messages go to the inbox here.
    pub fn is_inbox(&self, channel: Channel) -> bool {
        channel == Channel::Inbox || (channel != Channel::Call && !self.production && !self.sends(channel))
    }

    /// The relay by which a sender's mail leaves; that of marketing where nobody is named.
    pub fn relay(&self, sender: Option<&str>, policies: &Policies) -> Option<&Relay> {
        let stream = sender.and_then(|sender| policies.senders.get(sender)).map(|sender| sender.stream);
        self.email.as_ref()?.relays.get(&stream.unwrap_or(Stream::Marketing))
    }

    /// A line of the outbox, as the dispatcher wants to know it.
    pub fn line(&self, channel: Channel, line: &lines::Line, policies: &Policies) -> Line {
        let sender = line.sender.as_deref().and_then(|sender| policies.senders.get(sender));
        let relay = self.relay(line.sender.as_deref(), policies).filter(|_| channel == Channel::Email);
        let provider = self.http.get(&channel);
        Line {
            channel,
            line: line.line,
            first: sender.is_some_and(|sender| sender.stream == Stream::Transactional),
            allowed: sender.and_then(|sender| sender.rate.as_ref()).map(allowed),
            host: relay.map_or_else(|| channel.name().into(), |relay| relay.name.clone()),
            host_allowed: relay.map_or(provider.and_then(|provider| provider.allowed), |relay| relay.allowed),
            connections: relay
                .map(|relay| relay.connections)
                .or(provider.map(|provider| provider.connections))
                .unwrap_or(UNBOUND),
        }
    }
}

/// A rate of files; a day has 24 hours here.
fn allowed(rate: &Rate) -> Allowed {
    let per = rate.per.nominal().unsigned_abs();
    Allowed { count: rate.count, per }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlet(production: bool) -> Outlet {
        let keys = KeyRing::new([(1, vec![7; 32])]).unwrap();
        let email = Email { relays: BTreeMap::new(), bounces: None, dkim: Arc::from([]) };
        Outlet { production, email: Some(email), ..Outlet::inbox(keys) }
    }

    fn check(outlet: &Outlet, channel: Channel, address: &str, way: Way) {
        assert_eq!(outlet.way(channel, &address.into()), way, "{channel} to {address}");
    }

    #[test]
    fn outside_production_nobody_is_written_to_who_is_not_named() {
        let mut outlet = outlet(false);
        check(&outlet, Channel::Email, "ada@customer.example", Way::Inbox);
        outlet.allow_only = ["shop.example".into(), "bob@partner.example".into()].into();
        check(&outlet, Channel::Email, "ada@customer.example", Way::Inbox);
        check(&outlet, Channel::Email, "QA@Shop.example", Way::Out("QA@Shop.example".into()));
        check(&outlet, Channel::Email, "bob@partner.example", Way::Out("bob@partner.example".into()));
        // A domain that only ends like an allowed one, and one that stands left of the sign.
        check(&outlet, Channel::Email, "eve@evilshop.example", Way::Inbox);
        check(&outlet, Channel::Email, "shop.example@customer.example", Way::Inbox);
        outlet.redirect = [(Channel::Email, "qa@shop.example".into())].into();
        check(&outlet, Channel::Email, "ada@customer.example", Way::Out("qa@shop.example".into()));
        check(&outlet, Channel::Sms, "+491", Way::Inbox);
        // Without a relay nothing leaves at all.
        outlet.email = None;
        check(&outlet, Channel::Email, "qa@shop.example", Way::Inbox);
    }

    #[test]
    fn in_production_there_is_no_other_way() {
        let outlet = outlet(true);
        check(&outlet, Channel::Email, "ada@customer.example", Way::Out("ada@customer.example".into()));
        check(&outlet, Channel::Inbox, "", Way::Inbox);
        assert!(matches!(outlet.way(Channel::Sms, &"+491".into()), Way::Nowhere(_)));
    }
}
