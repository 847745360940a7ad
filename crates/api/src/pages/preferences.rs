//! `GET /p/{token}` shows what somebody gets, `POST /p/{token}` changes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use journeyman_domain::link::{Link, Purpose};
use journeyman_domain::plan::Channel;

use super::form::{self, Form};
use super::words::{self, Told, filled};
use super::{Head, Notice, masked};
use crate::Tracking;
use crate::shop::{Face, Standing};
use crate::tracking::Token;
use crate::wishes::{Pair, What, Wish};

#[derive(Template)]
#[template(path = "preferences.html")]
struct Page<'a> {
    head: Head<'a>,
    words: &'a words::Preferences,
    said: &'a str,
    address: String,
    notes: Vec<String>,
    topics: Vec<Topic>,
}

/// One row of the page.
struct Topic {
    name: String,
    ways: Vec<Way>,
}

/// A topic by one channel.
struct Way {
    value: String,
    name: String,
    on: bool,
    /// Nothing can be sent there, whatever is chosen.
    cut_off: bool,
}

pub(crate) async fn show(
    State(tracking): State<Arc<Tracking>>,
    headers: HeaderMap,
    token: Token,
) -> Response {
    let Some(link) = of(&tracking, &token) else { return tracking.pages.no_such_link(&headers) };
    let Some((face, standing)) = known(&tracking, &link).await else {
        let face = tracking.keeper.shop.last_face();
        let (lang, told) = tracking.pages.words(&[], &headers, face.as_deref());
        return tracking.pages.away(lang, told, face.as_deref());
    };
    let Some(standing) = standing else { return tracking.pages.no_such_link(&headers) };
    let (lang, told) = tracking.pages.words(&[standing.0.locale.as_deref()], &headers, Some(&face));
    page(&tracking, lang, told, &face, &standing, "", |pair| {
        standing.gets(pair.channel, &pair.topic, &face.policies)
    })
}

pub(crate) async fn save(
    State(tracking): State<Arc<Tracking>>,
    headers: HeaderMap,
    token: Token,
    body: Body,
) -> Response {
    let Some(link) = of(&tracking, &token) else { return tracking.pages.no_such_link(&headers) };
    let form = Form::read(&tracking.keeper.ingest, body).await;
    let ticked: BTreeSet<Pair> = form.pairs("on").into_iter().collect();
    let nothing = form.get("nothing").is_some();
    let what = if nothing { What::Nothing } else { choice(&form, &ticked) };
    let wish = Wish { message: link.message, person: link.person.0, at: tracking.clock.now(), what };
    let kept = tracking.keeper.wish(wish).await;
    let last = tracking.keeper.shop.last_face();
    let (lang, told) = tracking.pages.words(&[form.get("lang")], &headers, last.as_deref());
    if kept.is_err() {
        return tracking.pages.away(lang, told, last.as_deref());
    }
    let words = &told.preferences;
    let said = if nothing { &words.saved_nothing } else { &words.saved };
    if let Some((face, Some(standing))) = known(&tracking, &link).await {
        // What was chosen, not what is known: it takes a moment until it is applied.
        let shown = |pair: &Pair| !nothing && ticked.contains(pair);
        return page(&tracking, lang, told, &face, &standing, said, shown);
    }
    let head = tracking.pages.head(lang, last.as_deref());
    let notice = Notice { head, title: &words.title, text: said, link: None };
    tracking.pages.answer(StatusCode::OK, lang, &notice)
}

/// What was changed on the page, by what it showed.
fn choice(form: &Form, ticked: &BTreeSet<Pair>) -> What {
    let (was, was_not) = (form.pairs("was"), form.pairs("was_not"));
    let off = was.into_iter().filter(|pair| !ticked.contains(pair)).collect();
    let (on, left) = was_not.into_iter().partition(|pair| ticked.contains(pair));
    What::Choice { on, off, left }
}

fn of(tracking: &Tracking, token: &Token) -> Option<Link> {
    tracking.link(token).filter(|link| link.purpose == Purpose::Preferences)
}

/// What is known in time; of nobody there is no standing.
async fn known(tracking: &Tracking, link: &Link) -> Option<(Arc<Face>, Option<Standing>)> {
    let shop = &tracking.keeper.shop;
    tracking.in_time(async { Ok((shop.face().await?, shop.standing(link.person).await?)) }).await
}

fn page(
    tracking: &Tracking,
    lang: &str,
    told: &Told,
    face: &Face,
    standing: &Standing,
    said: &str,
    on: impl Fn(&Pair) -> bool,
) -> Response {
    let channels = standing.channels(face);
    let way = |channel: Channel, topic: &Arc<str>| {
        let pair = Pair { channel, topic: topic.clone() };
        let cut_off = standing.is_cut_off(channel);
        let name = told.channel(channel).to_owned();
        Way { value: form::value(&pair), name, on: !cut_off && on(&pair), cut_off }
    };
    let topics = face.policies.topics.keys().map(|topic| Topic {
        name: face.topic(topic, lang),
        ways: channels.iter().map(|channel| way(*channel, topic)).collect(),
    });
    let words = &told.preferences;
    let cut_off = channels.iter().filter(|channel| standing.is_cut_off(**channel));
    let address = standing.0.addresses.get(&Channel::Email);
    let page = Page {
        head: tracking.pages.head(lang, Some(face)),
        words,
        said,
        address: address
            .map_or(String::new(), |address| filled(&words.for_address, &[("address", &masked(address))])),
        notes: cut_off.map(|channel| filled(&words.cut_off, &[("by", told.by(*channel))])).collect(),
        topics: topics.collect(),
    };
    tracking.pages.answer(StatusCode::OK, lang, &page)
}
