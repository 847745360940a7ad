//! `GET /people/{person}`: who somebody is, where they stand, what they got, and why.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use journeyman_domain::{IdentityKind, PersonId};
use journeyman_store::messages::{self, Filter};
use journeyman_store::{REPORT_SILENCE, console, history, read};
use serde::Deserialize;

use super::inbox::{Line, name_of};
use super::{Chapter, Console, Fault, Head, Page, Story, answer, minute, piece, second};

/// How many of the latest inputs are told, and how many where more are asked for.
const TOLD: usize = 50;
const MOST: usize = 5_000;
/// How many of their names and messages are listed.
const NAMES: usize = 50;
const MESSAGES: usize = 20;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    all: bool,
}

#[derive(Template)]
#[template(path = "console/person.html")]
struct Person {
    head: Head,
    name: String,
    id: String,
    all_link: String,
    /// Nothing has happened to them yet.
    untouched: bool,
    names: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
    story: Story,
    chapters: Vec<Told>,
    messages: Vec<Line>,
}

/// A chapter, as it is shown.
struct Told {
    at: String,
    chapter: Chapter,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Path(person): Path<String>,
    asked: Query<Asked>,
) -> Page {
    const NOBODY: Fault = Fault::Missing("There is nobody of that id.");
    let id: i64 = person.strip_prefix("person_").and_then(|id| id.parse().ok()).ok_or(NOBODY)?;
    let head = async |connection: &mut _| history::person(connection, PersonId(id)).await;
    let id = read(&console.pool, REPORT_SILENCE, head).await?.ok_or(NOBODY)?;
    let last = if asked.all { MOST } else { TOLD };
    let story = console.archive.story(id, last).await?;
    // What was written of them while they were somebody else stands under that id.
    let earlier = story.iter().flat_map(|story| &story.earlier).copied();
    let all: Vec<PersonId> = std::iter::once(id).chain(earlier).collect();
    let names = console::identities(&console.pool, &all, NAMES).await?;
    let mut found = Vec::new();
    for id in &all {
        let filter = Filter { person: Some(*id), limit: MESSAGES, ..Filter::default() };
        found.extend(messages::list(&console.pool, &filter).await?);
    }
    found.sort_by_key(|row| std::cmp::Reverse(row.message.message));
    found.truncate(MESSAGES);
    let messages = console.lines(&found).await?;
    let untouched = story.is_none();
    let mut story = story.unwrap_or_default();
    let chapters = std::mem::take(&mut story.chapters);
    let person = Person {
        head: Head::new("people"),
        name: name_of(id, names.first()),
        id: id.to_string(),
        all_link: format!("/people/{id}?all=true"),
        untouched,
        names: names
            .into_iter()
            .map(|name| match name.kind {
                IdentityKind::External => ("userId", name.value),
                IdentityKind::Anonymous => ("anonymousId", name.value),
            })
            .collect(),
        facts: facts(&story),
        chapters: chapters.into_iter().map(|chapter| Told { at: second(chapter.at), chapter }).collect(),
        story,
        messages,
    };
    Ok(answer(StatusCode::OK, &person))
}

fn facts(story: &Story) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.extend(story.first_seen.map(|at| ("First seen", minute(at))));
    facts.extend(story.last_seen.map(|at| ("Last seen", minute(at))));
    facts.push(("Time zone", story.zone.clone().unwrap_or_else(|| "unknown, the shop's".to_owned())));
    facts.push(("Inputs applied", story.inputs.to_string()));
    facts.extend(story.earlier.iter().map(|id| ("Was also", id.to_string())));
    let mixed = story.mixed.iter().map(|journey| format!("of {journey}, and counts for no lift of it"));
    facts.extend(mixed.map(|of| ("In two options", of)));
    facts
}

impl Told {
    /// Where a journey of an item is drawn.
    fn link(journey: &str) -> String {
        format!("/journeys/{}", piece(journey))
    }
}
