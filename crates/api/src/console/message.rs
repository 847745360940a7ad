//! `GET /messages/{message}`: one message as its channel shows it; `…/html`: its HTML, for the frame.
//!
//! A mail's HTML stands in a frame from an address of its own and not in `srcdoc`, since that would put it under the page's
//! policy, and the page would have to allow what mails are made of: styles in attributes. So the page stays strict and the
//! frame has a policy of its own: a sandbox of no origin, no script, no form, nothing loaded.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode};
use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;
use journeyman_store::messages::{self, MessageRow};
use journeyman_store::{console, suppressions};
use serde::Deserialize;

use super::inbox::name_of;
use super::{Console, Fault, Head, Page, Words, answer, minute, piece, sent};

/// What a mail may do in its frame.
const MAIL_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";
/// The same, with its pictures.
const MAIL_POLICY_PICTURES: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; frame-ancestors 'self'";

/// Whether the mail's pictures are to be loaded: from wherever they lie, so that is asked for.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    pictures: bool,
}

#[derive(Template)]
#[template(path = "console/message.html")]
struct Message {
    head: Head,
    title: String,
    state: String,
    seen: &'static str,
    channel: &'static str,
    person: String,
    person_link: String,
    facts: Vec<(&'static str, String)>,
    words: Words,
    /// Why there are no words.
    why_none: String,
    frame: String,
    pictures: bool,
    pictures_link: String,
    journey: String,
    journey_link: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Path(message): Path<String>,
    asked: Query<Asked>,
) -> Page {
    let row = console.message(&message).await?;
    let address = &row.message.address;
    let suppressed = suppressions::of_address(&console.pool, row.message.channel, address).await?;
    let person = row.message.person;
    let names = console::names(&console.pool, &[person]).await?;
    let seen = console::engaged_of(&console.pool, &[(row.message.message, person)]).await?;
    let (words, why_none) = match console.archive.words(&row).await? {
        Ok(words) => (words, String::new()),
        Err(why) => (Words::default(), why),
    };
    let title =
        if words.subject.is_empty() { row.message.template.to_string() } else { words.subject.clone() };
    let link = format!("/messages/{}", row.message.message);
    let pictures = asked.pictures;
    let message = Message {
        head: Head::new("inbox"),
        title,
        state: row.state.to_string(),
        seen: match seen.get(&row.message.message) {
            Some(true) => "clicked",
            Some(false) => "opened",
            None => "",
        },
        channel: row.message.channel.name(),
        person: name_of(person, names.get(&person)),
        person_link: format!("/people/{person}"),
        facts: facts(&row, !suppressed.is_empty()),
        words,
        why_none,
        frame: format!("{link}/html{}", if pictures { "?pictures=true" } else { "" }),
        pictures,
        pictures_link: format!("{link}?pictures={}", !pictures),
        journey: row.message.journey.to_string(),
        journey_link: format!("/journeys/{}", piece(&row.message.journey)),
    };
    Ok(answer(StatusCode::OK, &message))
}

pub(super) async fn html(
    State(console): State<Arc<Console>>,
    Path(message): Path<String>,
    asked: Query<Asked>,
) -> Page {
    let row = console.message(&message).await?;
    let words = console.archive.words(&row).await?.ok().and_then(|words| words.html);
    let html = words.ok_or(Fault::Missing("This message has no HTML."))?;
    let policy = if asked.pictures { MAIL_POLICY_PICTURES } else { MAIL_POLICY };
    Ok(sent(StatusCode::OK, html, HeaderValue::from_static(policy), "SAMEORIGIN"))
}

impl Console {
    async fn message(&self, id: &str) -> Result<MessageRow, Fault> {
        const NONE: Fault = Fault::Missing("There is no such message, or it is older than what is kept.");
        let id: MessageId = id.parse().map_err(|_| NONE)?;
        messages::find(&self.pool, id).await?.ok_or(NONE)
    }
}

fn facts(row: &MessageRow, suppressed: bool) -> Vec<(&'static str, String)> {
    let message = &row.message;
    let mut facts = vec![
        ("Template", message.template.to_string()),
        ("Step", message.step.to_string()),
        ("Run", message.run.to_string()),
    ];
    if message.channel != Channel::Inbox {
        facts.push(("To", message.address.to_string()));
    }
    let kind = if message.marketing { "marketing" } else { "transactional" };
    let topic = message.topic.as_ref().map_or(String::new(), |topic| format!(", topic {topic}"));
    facts.push(("Kind", format!("{kind}{topic}")));
    facts.push(("Queued", minute(message.queued_at)));
    facts.extend(row.not_before.map(|at| ("Again not before", minute(at))));
    facts.extend(row.finished_at.map(|at| ("Over since", minute(at))));
    facts.push(("Attempts", row.attempts.to_string()));
    facts.extend(row.reason.as_ref().map(|reason| ("Reason", reason.clone())));
    facts.extend(row.provider_id.as_ref().map(|id| ("Known there as", id.clone())));
    facts.push(("Deployment", row.deployment.to_string()));
    facts.push(("Message", message.message.to_string()));
    if suppressed {
        facts.push(("Address", "is suppressed by now".to_owned()));
    }
    facts
}
