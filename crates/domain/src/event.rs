//! Events: everything that happens to a person.

use crate::{EventId, Identity, Lane, PersonId, SeenKey, ShopTime};

/// What a message of the tracking form says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something a person did.
    Track,
    /// Who a person is: traits.
    Identify,
    /// Two names of one person.
    Alias,
    /// A page seen.
    Page,
    /// A screen seen.
    Screen,
    /// The group a person belongs to.
    Group,
}

impl Kind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Track, Self::Identify, Self::Alias, Self::Page, Self::Screen, Self::Group];

    /// The word of the tracking form: `type` in a batch, the path of a single message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Alias => "alias",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        match self {
            Self::Track => 0,
            Self::Identify => 1,
            Self::Alias => 2,
            Self::Page => 3,
            Self::Screen => 4,
            Self::Group => 5,
        }
    }
}

/// One event at the door, whose person is not resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What makes the message one message.
    pub key: SeenKey,
    /// Its id, from `received_at` and `key`.
    pub id: EventId,
    /// What the message says.
    pub kind: Kind,
    /// The event's name; the page's or screen's; empty for the other kinds.
    pub name: String,
    /// When it happened: the client's clock, skew corrected, never after `received_at` nor before 1970.
    pub occurred_at: ShopTime,
    /// When we got it.
    pub received_at: ShopTime,
    /// Whom it is about, where we know it ourselves: a click on a link of ours. Names are not asked then.
    pub person: Option<PersonId>,
    /// The shop's own id of the person.
    pub external: Option<String>,
    /// The browser's or device's id.
    pub anonymous: Option<String>,
    /// Of an alias: the name the person had before.
    pub previous: Option<String>,
    /// Which source (the name of the write key) sent it.
    pub source: String,
    /// Where it stood: in its request from 0, or its line in a file.
    pub index: u32,
    /// Imported history: changes profile, counters and segments, starts nothing.
    pub historical: bool,
    /// The message as it was written, with its batch's context where it has none; JSON, at most
    /// [`crate::tracking::EVENT_BYTES`].
    pub payload: String,
}

impl Event {
    /// What we tell ourselves of a person we know by id: that it happened at `at`. `key` is what makes it one event of its
    /// source: of the same key the first counts. `properties` is a JSON object.
    pub fn told(
        source: &str,
        name: &str,
        key: &str,
        person: PersonId,
        at: ShopTime,
        properties: serde_json::Value,
    ) -> Self {
        let key = SeenKey::new(source, key);
        Self {
            key,
            id: EventId::new(at, key),
            kind: Kind::Track,
            name: name.to_owned(),
            occurred_at: at,
            received_at: at,
            person: Some(person),
            external: None,
            anonymous: None,
            previous: None,
            source: source.to_owned(),
            index: 0,
            historical: false,
            payload: serde_json::json!({ "type": "track", "event": name, "properties": properties })
                .to_string(),
        }
    }

    /// The names this event gives its person, the strongest first. An alias's earlier name counts as a device's.
    pub fn identities(&self) -> impl Iterator<Item = Identity> + '_ {
        let external = self.external.iter().map(Identity::external);
        let anonymous = self.anonymous.iter().chain(&self.previous).map(Identity::anonymous);
        external.chain(anonymous)
    }

    /// Which queue of its shard it waits in.
    pub fn lane(&self) -> Lane {
        let bulk = self.historical || self.name == crate::score::SCORED;
        if bulk { Lane::Bulk } else { Lane::Live }
    }
}
