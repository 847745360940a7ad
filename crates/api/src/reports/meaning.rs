//! What a provider's words mean: an event of the message's person, and what becomes of the address.

use journeyman_channels::codec::{News, What, Wish};
use journeyman_channels::{Reason, phone};
use journeyman_domain::actor::engage::{BOUNCED, DELIVERED, FAILED, OPENED, REPLIED, SENT};
use journeyman_domain::plan::Channel;
use journeyman_domain::{Event, MessageId, ShopTime};
use journeyman_store::messages::Addressed;
use journeyman_store::suppressions::{Kind, Suppression};
use journeyman_store::told::Told;
use serde_json::{Map, Value};

/// The longest text of a reply that is kept, bytes.
const TEXT_BYTES: usize = 4096;

/// What is written of a report about a message: nothing of what nobody waits for.
pub(super) fn of(
    provider: &str,
    news: &News,
    message: MessageId,
    addressed: &Addressed,
    now: ShopTime,
) -> Vec<Told> {
    let about = About { provider, news, message, addressed, now };
    match &news.what {
        // Only WhatsApp says later that what it took goes nowhere; of others nobody waits for this.
        What::Sent if addressed.channel != Channel::Whatsapp => Vec::new(),
        What::Sent => vec![about.plain(SENT, &[])],
        What::Delivered => vec![about.plain(DELIVERED, &[])],
        What::Opened => vec![about.plain(OPENED, &[])],
        What::Failed { reason, code, detail, suppress } => about.failed(*reason, code, detail, *suppress),
        What::Said { from, text, wish } => about.said(from, text, *wish),
    }
}

/// Somebody who was never written to says no: their number is not written to, whoever they are.
pub(super) fn stranger(news: &News, channel: Channel, now: ShopTime) -> Option<Suppression> {
    let What::Said { from, wish: Some(Wish::Stop), .. } = &news.what else { return None };
    let address = phone::checked("from", from).unwrap_or_else(|_| from.clone());
    Some(Suppression { channel, address, topic: None, kind: Kind::Unsubscribed, at: now, event: None })
}

struct About<'a> {
    provider: &'a str,
    news: &'a News,
    message: MessageId,
    addressed: &'a Addressed,
    now: ShopTime,
}

impl About<'_> {
    fn event(&self, name: &str, more: &[(&str, &str)]) -> Event {
        let mut properties = Map::new();
        let mut put = |name: &str, value: &str| properties.insert(name.to_owned(), Value::from(value));
        put("message_id", &self.message.to_string());
        put("channel", self.addressed.channel.name());
        put("provider", self.provider);
        for (name, value) in more {
            put(name, value);
        }
        let key = format!("{name} {}", self.news.key);
        Event::told(self.provider, name, &key, self.addressed.person, self.now, properties.into())
    }

    fn plain(&self, name: &str, more: &[(&str, &str)]) -> Told {
        Told { event: self.event(name, more), suppress: Vec::new(), lift: Vec::new() }
    }

    fn suppression(&self, event: &Event, kind: Kind, address: &str) -> Suppression {
        Suppression {
            channel: self.addressed.channel,
            address: address.to_owned(),
            topic: None,
            kind,
            at: self.now,
            event: Some(event.id),
        }
    }

    fn failed(&self, reason: Reason, code: &str, detail: &str, suppress: bool) -> Vec<Told> {
        let words = [("reason", reason.code()), ("status", code), ("diagnostic", detail)];
        if suppress {
            let address = self.addressed.address.as_ref();
            let words = [&words[..], &[("kind", "hard"), ("address", address)]].concat();
            let event = self.event(BOUNCED, &words);
            let stopped = self.suppression(&event, Kind::Bounced, address);
            return vec![Told { event, suppress: vec![stopped], lift: Vec::new() }];
        }
        let mut told = vec![self.plain(FAILED, &words)];
        if reason == Reason::Unsubscribed {
            told.push(self.unsubscribed(None));
        }
        told
    }

    /// No more marketing by this channel.
    fn unsubscribed(&self, from: Option<&str>) -> Told {
        let event = self.event("Unsubscribed", &[("via", if from.is_some() { "reply" } else { "provider" })]);
        let mut suppress = vec![self.suppression(&event, Kind::Unsubscribed, &self.addressed.address)];
        suppress.extend(from.map(|from| self.suppression(&event, Kind::Unsubscribed, from)));
        Told { event, suppress, lift: Vec::new() }
    }

    fn said(&self, from: &str, text: &str, wish: Option<Wish>) -> Vec<Told> {
        let kept = &text[..text.floor_char_boundary(TEXT_BYTES)];
        let mut told = vec![self.plain(REPLIED, &[("text", kept)])];
        match wish {
            Some(Wish::Stop) => told.push(self.unsubscribed(Some(from))),
            Some(Wish::Start) => {
                let event = self.event("Subscribed", &[("via", "reply")]);
                let of = |address: &str| self.suppression(&event, Kind::Unsubscribed, address);
                let lift = vec![of(&self.addressed.address), of(from)];
                told.push(Told { suppress: Vec::new(), lift, event });
            }
            Some(Wish::Help) | None => {}
        }
        told
    }
}
