//! What pages know of the shop and of a person.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use journeyman_domain::PersonId;
use journeyman_domain::plan::{Channel, Deployment, JourneyKind, Policies, Send, Status, Step, Stream};
use journeyman_domain::template::Localized;
use journeyman_journey::Source;
use journeyman_store::consents::{self, Known};
use journeyman_store::deployments::{self, StoredSource};
use journeyman_store::suppressions::{Kind, Suppression};
use journeyman_store::{Error, REPORT_SILENCE, read};
use sqlx::postgres::PgPool;

/// How long it is taken for granted which deployment is live.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// The channels by which marketing reaches people elsewhere than in the shop's own app and systems.
const OUTWARD: [Channel; 4] = [Channel::Email, Channel::Sms, Channel::Push, Channel::Whatsapp];

/// The database, and what is live in it.
pub(crate) struct Shop {
    pub(crate) pool: PgPool,
    known: Mutex<Option<(Instant, Arc<Face>)>>,
}

/// What of a deployment people get to see.
#[derive(Debug, Default)]
pub(crate) struct Face {
    number: i64,
    pub(crate) policies: Policies,
    /// By which channels its marketing goes.
    channels: BTreeSet<Channel>,
    /// The name of the sender that most of its marketing is from.
    voice: Localized,
}

/// Where a person stands.
pub(crate) struct Standing(pub(crate) Known);

impl Shop {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, known: Mutex::new(None) }
    }

    /// What is live.
    pub(crate) async fn face(&self) -> Result<Arc<Face>, Error> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = match known {
            Some((looked, face)) if looked.elapsed() < KNOWN_FOR => return Ok(face),
            Some((_, face)) => Some(face),
            None => None,
        };
        let current = async |connection: &mut _| deployments::current(connection).await;
        let number = read(&self.pool, REPORT_SILENCE, current).await?;
        let face = match known.filter(|face| face.number == number) {
            Some(face) => face,
            None => {
                let load = async |connection: &mut _| deployments::load(connection, number).await;
                let stored = read(&self.pool, REPORT_SILENCE, load).await?;
                let read = tokio::task::spawn_blocking(move || Face::read(number, &stored)).await;
                Arc::new(read.unwrap_or_default())
            }
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), face.clone()));
        Ok(face)
    }

    /// What was live when the database answered last.
    pub(crate) fn last_face(&self) -> Option<Arc<Face>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, face)| face.clone())
    }

    /// Where a person stands; `None` of nobody.
    pub(crate) async fn standing(&self, person: PersonId) -> Result<Option<Standing>, Error> {
        Ok(consents::of(&self.pool, person).await?.map(Standing))
    }
}

impl Face {
    fn read(number: i64, stored: &[StoredSource]) -> Self {
        // Their words are nothing to these pages.
        let live = stored.iter().filter(|stored| !stored.pinned && !stored.path.starts_with("templates/"));
        let source = |stored: &StoredSource| Source { path: stored.path.clone(), text: stored.text.clone() };
        let sources: Vec<Source> = live.map(source).collect();
        let checked = journeyman_journey::check(&sources, None, false).deployment;
        let policies = || {
            let policies = journeyman_journey::policies(&sources)?;
            Some(Deployment { policies, ..Deployment::default() })
        };
        let Some(deployment) = checked.or_else(policies) else {
            tracing::error!(number, "deployment {number} can't be read; pages show nothing of it");
            return Self { number, ..Self::default() };
        };
        let channels = sends(&deployment).flat_map(|send| &send.channels).copied();
        let channels = channels.filter(|channel| OUTWARD.contains(channel)).collect();
        let policies = &deployment.policies;
        let used =
            |name: &Arc<str>| sends(&deployment).filter(|send| send.sender.as_ref() == Some(name)).count();
        let marketing = policies.senders.iter().filter(|(_, sender)| sender.stream == Stream::Marketing);
        // Of those used alike the first.
        let voice = marketing.rev().max_by_key(|(name, _)| used(name)).map(|(_, sender)| sender.name.clone());
        Self { number, policies: deployment.policies, channels, voice: voice.unwrap_or_default() }
    }

    /// What the shop calls itself.
    pub(crate) fn name(&self, locale: &str) -> String {
        self.voice.get(locale, &self.policies.locale()).to_owned()
    }

    /// What a topic is called.
    pub(crate) fn topic(&self, topic: &str, locale: &str) -> String {
        let known = self.policies.topics.get(topic);
        let name = known.map_or("", |topic| topic.name.get(locale, &self.policies.locale()));
        if name.is_empty() { topic.to_owned() } else { name.to_owned() }
    }
}

/// What live marketing journeys send.
fn sends(deployment: &Deployment) -> impl Iterator<Item = &Send> {
    let live = deployment.plans.iter();
    let live = live.filter(|plan| plan.kind == JourneyKind::Marketing && plan.status == Status::Live);
    live.flat_map(|plan| &plan.nodes).filter_map(|node| match &node.step {
        Step::Send(send) => Some(send),
        _ => None,
    })
}

impl Standing {
    /// The channels there is something to choose for: by which marketing goes, and which reach this person. Mail is one
    /// however little is known, since it is by mail that people come here.
    pub(crate) fn channels(&self, face: &Face) -> Vec<Channel> {
        let reached = |channel: &Channel| {
            *channel == Channel::Email
                || (face.channels.contains(channel) && self.0.addresses.contains_key(channel))
        };
        OUTWARD.into_iter().filter(reached).collect()
    }

    /// Whether marketing on a topic goes by a channel.
    pub(crate) fn gets(&self, channel: Channel, topic: &str, policies: &Policies) -> bool {
        let stops = |one: &&Suppression| one.topic.as_deref().is_none_or(|stopped| stopped == topic);
        self.0.consents.allow(channel, Some(topic), policies) && self.of(channel).all(|one| !stops(&one))
    }

    /// Whether nothing at all goes by a channel: what is sent there comes back, or the shop itself said so.
    pub(crate) fn is_cut_off(&self, channel: Channel) -> bool {
        self.of(channel).any(|one| !one.kind.spares_transactional() && one.topic.is_none())
    }

    /// What was said against a channel as a whole by those who may take it back: the person.
    pub(crate) fn refused(&self, channel: Channel) -> impl Iterator<Item = &Suppression> {
        self.of(channel).filter(|one| one.kind.spares_transactional() && one.topic.is_none())
    }

    fn of(&self, channel: Channel) -> impl Iterator<Item = &Suppression> {
        self.0.suppressed.iter().filter(move |one| one.channel == channel)
    }
}

/// What a person can take back of what they said.
pub(crate) const THEIRS: [Kind; 2] = [Kind::Unsubscribed, Kind::Complained];
