//! `GET /inbox`: the latest messages, of all channels.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use journeyman_domain::plan::Channel;
use journeyman_domain::{Identity, IdentityKind, MessageId, PersonId};
use journeyman_store::console;
use journeyman_store::messages::{self, Filter, MessageRow};
use journeyman_store::outbox::State as Stands;
use serde::Deserialize;

use super::{Console, Fault, Head, Page, answer, minute, piece};

/// How many messages are listed. Each is rendered once more for its subject.
const LISTED: usize = 50;

/// What is asked for; what is no word of ours narrows nothing.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    journey: String,
    channel: String,
    state: String,
    /// The message that the page before this one ended with.
    before: String,
}

#[derive(Template)]
#[template(path = "console/inbox.html")]
struct Inbox {
    head: Head,
    rows: Vec<Line>,
    /// Where the older ones are, and from here the newest.
    older: Option<String>,
    newest: Option<String>,
    /// Whether only some are asked for.
    narrowed: bool,
    journeys: Vec<Choice>,
    channels: Vec<Choice>,
    states: Vec<Choice>,
}

/// An option of a list, and whether it is chosen.
struct Choice {
    name: String,
    chosen: bool,
}

/// A message in a list.
pub(super) struct Line {
    pub(super) link: String,
    pub(super) subject: String,
    pub(super) person: String,
    pub(super) person_link: String,
    pub(super) journey: String,
    pub(super) journey_link: String,
    pub(super) step: String,
    pub(super) channel: &'static str,
    pub(super) state: String,
    pub(super) seen: &'static str,
    pub(super) at: String,
}

pub(super) async fn list(State(console): State<Arc<Console>>, asked: Query<Asked>) -> Page {
    let asked = asked.0;
    let live = console.archive.live().await?.map_err(Fault::Unreadable)?;
    let channel: Option<Channel> = asked.channel.parse().ok();
    let state = Stands::ALL.into_iter().find(|state| state.to_string() == asked.state);
    let filter = Filter {
        states: state.into_iter().collect(),
        person: None,
        channel,
        journey: (!asked.journey.is_empty()).then(|| asked.journey.clone()),
        before: asked.before.parse().ok(),
        limit: LISTED + 1,
    };
    let mut found = messages::list(&console.pool, &filter).await?;
    let more = found.len() > LISTED;
    found.truncate(LISTED);
    let last = found.last().filter(|_| more).map(|row| row.message.message);
    let rows = console.lines(&found).await?;
    let choice = |name: String, asked: &str| Choice { chosen: name == asked, name };
    let mut journeys: Vec<String> = live.plans.iter().map(|plan| plan.name.to_string()).collect();
    journeys.sort();
    let inbox = Inbox {
        head: Head::new("inbox"),
        rows,
        older: last.map(|last| asked.page(Some(last))),
        newest: filter.before.map(|_| asked.page(None)),
        narrowed: !filter.states.is_empty() || filter.channel.is_some() || filter.journey.is_some(),
        journeys: journeys.into_iter().map(|name| choice(name, &asked.journey)).collect(),
        channels: Channel::ALL.map(|channel| choice(channel.name().to_owned(), &asked.channel)).into(),
        states: Stands::ALL.map(|state| choice(state.to_string(), &asked.state)).into(),
    };
    Ok(answer(StatusCode::OK, &inbox))
}

impl Asked {
    /// The page of what is asked for that is older than this message; without one the newest.
    fn page(&self, before: Option<MessageId>) -> String {
        let before = before.map(|before| before.to_string()).unwrap_or_default();
        let asked = [
            ("journey", self.journey.as_str()),
            ("channel", &self.channel),
            ("state", &self.state),
            ("before", &before),
        ];
        let asked = asked.iter().filter(|(_, value)| !value.is_empty());
        let asked: Vec<String> = asked.map(|(name, value)| format!("{name}={}", piece(value))).collect();
        if asked.is_empty() { "/inbox".to_owned() } else { format!("/inbox?{}", asked.join("&")) }
    }
}

impl Console {
    /// Messages as rows: with their subjects, their people's names, and what was seen of them.
    pub(super) async fn lines(&self, found: &[MessageRow]) -> Result<Vec<Line>, Fault> {
        let people: Vec<PersonId> = found.iter().map(|row| row.message.person).collect();
        let names = console::names(&self.pool, &people).await?;
        let sent: Vec<(MessageId, PersonId)> =
            found.iter().map(|row| (row.message.message, row.message.person)).collect();
        let seen = console::engaged_of(&self.pool, &sent).await?;
        let mut lines = Vec::with_capacity(found.len());
        for row in found {
            let message = &row.message;
            let subject = match self.archive.words(row).await? {
                Ok(words) if !words.subject.is_empty() => words.subject,
                Ok(words) => words.text.lines().next().unwrap_or_default().to_owned(),
                Err(_) => message.template.to_string(),
            };
            lines.push(Line {
                link: format!("/messages/{}", message.message),
                subject,
                person: name_of(message.person, names.get(&message.person)),
                person_link: format!("/people/{}", message.person),
                journey: message.journey.to_string(),
                journey_link: format!("/journeys/{}", piece(&message.journey)),
                step: message.step.to_string(),
                channel: message.channel.name(),
                state: row.state.to_string(),
                seen: match seen.get(&message.message) {
                    Some(true) => "clicked",
                    Some(false) => "opened",
                    None => "",
                },
                at: minute(message.queued_at),
            });
        }
        Ok(lines)
    }
}

/// What a person is called: the shop's id of them, a device's, else ours.
pub(super) fn name_of(person: PersonId, name: Option<&Identity>) -> String {
    match name {
        Some(Identity { kind: IdentityKind::External, value }) => value.clone(),
        Some(Identity { kind: IdentityKind::Anonymous, value }) => format!("anonymous {value}"),
        None => person.to_string(),
    }
}
