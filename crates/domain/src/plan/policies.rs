//! Policies: what `journeyman.yaml` says of everybody.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::ShopTime;
use crate::template::Localized;
use crate::value::{Rates, Span};

/// By what a message reaches somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Mail.
    Email,
    /// Text messages.
    Sms,
    /// Push notifications.
    Push,
    /// WhatsApp.
    Whatsapp,
    /// Inside the shop's app or site.
    InApp,
    /// A call to the shop's own systems.
    Webhook,
    /// The development channel.
    Inbox,
    /// What a step `call` asks: no message to anybody.
    Call,
}

impl Channel {
    /// All, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Email,
        Self::Sms,
        Self::Push,
        Self::Whatsapp,
        Self::InApp,
        Self::Webhook,
        Self::Inbox,
        Self::Call,
    ];

    /// Those by which somebody is spoken to.
    pub const SPOKEN: [Self; 7] =
        [Self::Email, Self::Sms, Self::Push, Self::Whatsapp, Self::InApp, Self::Webhook, Self::Inbox];

    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::Whatsapp => "whatsapp",
            Self::InApp => "in_app",
            Self::Webhook => "webhook",
            Self::Inbox => "inbox",
            Self::Call => "call",
        }
    }

    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        Self::ALL.iter().position(|channel| *channel == self).map_or(-1, |nth| nth as i16)
    }

    /// The channel of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// The trait by which it reaches a person; `None` reaches everybody.
    pub fn address_trait(self) -> Option<&'static str> {
        match self {
            Self::Email => Some("email"),
            Self::Sms | Self::Whatsapp => Some("phone"),
            Self::Push => Some("push_token"),
            Self::InApp | Self::Webhook | Self::Inbox | Self::Call => None,
        }
    }
}

impl FromStr for Channel {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|channel| channel.name() == name).ok_or(())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// So many per so long, rolling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least 1.
    pub count: u32,
    /// In how long.
    pub per: Span,
}

/// What somebody who has said nothing about a topic has agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nothing: they have to ask for it.
    OptIn,
    /// It, until they say no.
    OptOut,
}

/// A consent topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The default.
    pub consent: Consent,
    /// What people read on the preference page.
    pub name: Localized,
}

/// What a sender's mail is to the world: the two are kept apart, so that a campaign never spoils a receipt's reputation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What people have agreed to hear.
    Marketing,
    /// What they have a right to hear.
    Transactional,
}

impl Stream {
    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Transactional => "transactional",
        }
    }
}

/// Who mail is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The address, one of a domain.
    pub from: Arc<str>,
    /// What stands before it.
    pub name: Localized,
    /// Where answers go, if elsewhere.
    pub reply_to: Option<Arc<str>>,
    /// What it is used for.
    pub stream: Stream,
    /// At most so many; paced evenly.
    pub rate: Option<Rate>,
}

/// Tracked links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// `go.shop.example`, or a whole base such as `http://127.0.0.1:8080`; `None` is the daemon's own address.
    pub domain: Option<Arc<str>>,
    /// Parameters added to every tracked link: name without `utm_`, and a pattern with `{{channel}}`, `{{journey}}`,
    /// `{{step}}`, `{{template}}`, `{{variant}}`.
    pub utm: Vec<(Arc<str>, Arc<str>)>,
}

/// Hours of the day in the person's zone; over midnight where `from` is later than `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first quiet minute.
    pub from: Time,
    /// The first loud one.
    pub to: Time,
}

/// A span of the calendar, in each person's own zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The calendar's name for it.
    pub name: Arc<str>,
    /// Its first moment on the person's clock.
    pub from: DateTime,
    /// Its last minute on the person's clock, included.
    pub to: DateTime,
    /// For people whose trait `country` is one of these; empty is everybody.
    pub countries: Vec<Arc<str>>,
    /// Where nothing of marketing is said in it: what becomes of a message that comes due.
    pub blackout: Option<BlackoutEnd>,
}

impl Occasion {
    /// Until when it lasts for somebody of that zone and country; `None` where it is not now, or not theirs.
    pub fn until(&self, now: ShopTime, zone: &TimeZone, country: Option<&str>) -> Option<ShopTime> {
        let theirs = self.countries.is_empty()
            || country.is_some_and(|country| self.countries.iter().any(|one| &**one == country));
        let (from, until) = self.lasts(zone)?;
        (theirs && (from..until).contains(&now)).then_some(until)
    }

    /// The first moment after now at which it begins or is over there.
    pub fn turns(&self, now: ShopTime, zone: &TimeZone) -> Option<ShopTime> {
        let (from, until) = self.lasts(zone)?;
        [from, until].into_iter().find(|moment| *moment > now)
    }

    /// From when on, and until when.
    fn lasts(&self, zone: &TimeZone) -> Option<(ShopTime, ShopTime)> {
        let moment = |local: DateTime| {
            let at = zone.to_ambiguous_timestamp(local).compatible();
            at.ok().map(ShopTime::new)
        };
        // Its last minute is part of it.
        let over = self.to.checked_add(jiff::Span::new().minutes(1)).ok();
        Some((moment(self.from)?, over.and_then(moment)?))
    }
}

/// What becomes of a message that comes due in a blackout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlackoutEnd {
    /// It is not sent.
    Drop,
    /// It waits for the end, as long as its `within` allows.
    Wait,
}

/// Everything the actor asks of `journeyman.yaml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    /// The shop's zone: of people whose own is unknown.
    pub zone: TimeZone,
    /// The shop's currency and the day's rates.
    pub rates: Rates,
    /// Consent topics.
    pub topics: BTreeMap<Arc<str>, Topic>,
    /// Between two marketing messages to one person.
    pub minimum_gap: Option<Span>,
    /// Share of people to whom no marketing is sent at all, 0 to 1.
    pub holdout: f64,
    /// When a channel is quiet.
    pub quiet_hours: BTreeMap<Channel, Hours>,
    /// Marketing messages to one person by channel.
    pub caps: BTreeMap<Channel, Rate>,
    /// The shop's occasions; several may have one name.
    pub calendar: Vec<Occasion>,
    /// Who mail is from, by name.
    pub senders: BTreeMap<Arc<str>, Sender>,
    /// Tracked links.
    pub links: Links,
    /// The shop's locales, the default first; never empty.
    pub locales: Vec<Arc<str>>,
    /// How many people other than its author have to say yes to a change before it goes live.
    pub approvals: u32,
}

impl Policies {
    /// The locale of people whose own is unknown or not spoken here.
    pub fn locale(&self) -> Arc<str> {
        self.locales.first().cloned().unwrap_or_else(|| "en".into())
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            rates: Rates::default(),
            topics: BTreeMap::new(),
            minimum_gap: None,
            holdout: 0.0,
            quiet_hours: BTreeMap::new(),
            caps: BTreeMap::new(),
            calendar: Vec::new(),
            senders: BTreeMap::new(),
            links: Links::default(),
            locales: vec!["en".into()],
            approvals: 0,
        }
    }
}
