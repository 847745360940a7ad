//! `GET /people?q=`: people by what somebody knows of them.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use journeyman_domain::{Identity, PersonId};
use journeyman_store::{REPORT_SILENCE, console, history, read};
use serde::Deserialize;

use super::inbox::name_of;
use super::{Console, Fault, Head, Page, answer};

/// How many people with one address are listed.
const LISTED: usize = 50;
/// The longest that is looked for, bytes: that of a name.
const LONGEST: usize = Identity::VALUE_BYTES;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
}

#[derive(Template)]
#[template(path = "console/people.html")]
struct People {
    head: Head,
    /// Each with its link and by what it was found.
    found: Vec<(String, String, &'static str)>,
}

pub(super) async fn search(State(console): State<Arc<Console>>, asked: Query<Asked>) -> Page {
    let q = asked.q.trim();
    let found = if q.is_empty() || q.len() > LONGEST { Vec::new() } else { console.find(q).await? };
    // Nobody else can be meant.
    if let [(person, _)] = found.as_slice() {
        return Ok(Redirect::to(&format!("/people/{person}")).into_response());
    }
    let ids: Vec<PersonId> = found.iter().map(|(person, _)| *person).collect();
    let names = console::names(&console.pool, &ids).await?;
    let found = found
        .into_iter()
        .map(|(person, by)| (name_of(person, names.get(&person)), format!("/people/{person}"), by));
    let head = Head { section: "people", asked: q.to_owned() };
    Ok(answer(StatusCode::OK, &People { head, found: found.collect() }))
}

impl Console {
    /// Who is known by this, each once, and by what.
    async fn find(&self, q: &str) -> Result<Vec<(PersonId, &'static str)>, Fault> {
        let ours = q.strip_prefix("person_").unwrap_or(q).parse().ok().map(PersonId);
        let name = q.replace('\0', "\u{fffd}");
        let bare = |prefix: &str| name.strip_prefix(prefix).unwrap_or(&name).to_owned();
        let named = [
            (Identity::external(bare("external:")), "the shop's id (userId)"),
            (Identity::anonymous(bare("anonymous:")), "a device's id (anonymousId)"),
        ];
        let mut found = read(&self.pool, REPORT_SILENCE, async |connection| {
            let mut found = Vec::new();
            for (name, by) in &named {
                found.extend(history::person_named(connection, name).await?.map(|person| (person, *by)));
            }
            if let Some(ours) = ours {
                found.extend(history::person(connection, ours).await?.map(|person| (person, "our own id")));
            }
            Ok(found)
        })
        .await?;
        if q.contains('@') {
            for person in console::people_by_email(&self.pool, q, LISTED).await? {
                let head = async |connection: &mut _| history::person(connection, person).await;
                let head = read(&self.pool, REPORT_SILENCE, head).await?;
                found.extend(head.map(|person| (person, "their address")));
            }
        }
        found.sort_by_key(|(person, _)| *person);
        found.dedup_by_key(|(person, _)| *person);
        Ok(found)
    }
}
