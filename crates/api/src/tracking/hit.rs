//! What was seen of a message: a link that was followed, a pixel that was loaded.

use std::sync::Arc;

use journeyman_domain::actor::engage::{FOLLOWED, HONEYPOT, LOADED};
use journeyman_domain::plan::Channel;
use journeyman_domain::{Event, MessageId, PersonId, ShopTime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::SOURCE;

/// Something that was seen, as it waits for the database. No address, no browser: what a journey asks for, and no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hit {
    pub(super) message: MessageId,
    pub(super) person: i64,
    pub(super) at: ShopTime,
    pub(super) seen: Seen,
    /// The rule that says a machine was at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) machine: Option<Arc<str>>,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Seen {
    /// A link was followed: which, and where it leads.
    Link(u16, String),
    /// The link was followed that no human sees.
    Trap,
    /// The pixel was loaded.
    Pixel,
}

impl Hit {
    /// As an event. Two clicks are two events; a pixel that is loaded again within the second is not.
    pub(super) fn event(&self) -> Event {
        let Self { message, at, .. } = self;
        let ms = at.as_millisecond();
        let mut properties = Map::new();
        let mut put = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        put("message_id", message.to_string().into());
        put("channel", Channel::Email.name().into());
        let (name, key) = match &self.seen {
            Seen::Link(position, target) => {
                put("link", (*position).into());
                put("url", target.as_str().into());
                (FOLLOWED, format!("{message} link {position} {ms}"))
            }
            Seen::Trap => (FOLLOWED, format!("{message} trap {ms}")),
            Seen::Pixel => (LOADED, format!("{message} pixel {}", ms.div_euclid(1000))),
        };
        let trap = matches!(self.seen, Seen::Trap).then_some(HONEYPOT);
        if let Some(machine) = trap.or(self.machine.as_deref()) {
            put("machine", machine.into());
        }
        Event::told(SOURCE, name, &key, PersonId(self.person), *at, properties.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(seen: Seen, ms: i64) -> Hit {
        let message = MessageId(uuid::Uuid::from_u128(7));
        Hit { message, person: 5, at: ShopTime::from_millisecond(ms).unwrap(), seen, machine: None }
    }

    #[test]
    fn what_counts_as_the_same() {
        let link = |position, ms| hit(Seen::Link(position, "https://shop.example/".into()), ms).event().key;
        let pixel = |ms| hit(Seen::Pixel, ms).event().key;
        let trap = |ms| hit(Seen::Trap, ms).event().key;
        assert_eq!(link(1, 5_000), link(1, 5_000));
        assert_ne!(link(1, 5_000), link(1, 5_001));
        assert_ne!(link(1, 5_000), link(2, 5_000));
        assert_eq!(pixel(5_000), pixel(5_999));
        assert_ne!(pixel(5_999), pixel(6_000));
        assert_ne!(trap(5_000), link(0, 5_000));
    }

    #[test]
    fn what_an_event_says() {
        let mut seen = hit(Seen::Link(3, "https://shop.example/?a=\"ä\"".into()), 5_000);
        let said = |hit: &Hit| -> Value { serde_json::from_str(&hit.event().payload).unwrap() };
        let properties = said(&seen)["properties"].clone();
        let wanted = serde_json::json!({
            "message_id": "msg_00000000000000000000000000000007",
            "channel": "email",
            "link": 3,
            "url": "https://shop.example/?a=\"ä\"",
        });
        assert_eq!(properties, wanted);
        seen.machine = Some("head".into());
        assert_eq!(said(&seen)["properties"]["machine"], "head");
        assert_eq!(said(&hit(Seen::Trap, 1))["properties"]["machine"], HONEYPOT);
        assert_eq!(seen.event().person, Some(PersonId(5)));
        let line = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Hit>(&line).unwrap(), seen);
    }
}
