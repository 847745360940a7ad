//! `GET /u/{token}` asks, `POST /u/{token}` unsubscribes: by one click of a mail program (RFC 8058), or of the page.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use journeyman_domain::link::{Link, Purpose};
use journeyman_domain::plan::Channel;
use journeyman_store::messages;

use super::form::Form;
use super::words::{self, filled};
use super::{Head, Notice};
use crate::Tracking;
use crate::shop::Face;
use crate::tracking::Token;
use crate::wishes::{Via, What, Wish};

/// Asks what is meant.
#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Page<'a> {
    head: Head<'a>,
    words: &'a words::Unsubscribe,
    what: String,
    stop: String,
    stop_all: String,
    preferences: String,
}

/// What is known of a message; little where the database is away.
#[derive(Default)]
struct Known {
    face: Option<Arc<Face>>,
    topic: Option<Arc<str>>,
    channel: Option<Channel>,
    locale: Option<String>,
}

/// Never unsubscribes: whatever looks at mail for people follows every link in it.
pub(crate) async fn ask(State(tracking): State<Arc<Tracking>>, headers: HeaderMap, token: Token) -> Response {
    let Some(link) = of(&tracking, &token) else { return tracking.pages.no_such_link(&headers) };
    let known = known(&tracking, &link).await;
    let (pages, face) = (&tracking.pages, known.face.as_deref());
    let (lang, told) = pages.words(&[known.locale.as_deref()], &headers, face);
    let by = told.by(known.channel.unwrap_or(Channel::Email));
    let words = &told.unsubscribe;
    let topic = known.topic.as_deref().zip(face).map(|(topic, face)| face.topic(topic, lang));
    let values = [("topic", topic.as_deref().unwrap_or_default()), ("by", by)];
    let (what, stop) =
        if topic.is_some() { (&words.topic, &words.stop_topic) } else { (&words.these, &words.stop_these) };
    let page = Page {
        head: pages.head(lang, face),
        words,
        what: filled(what, &values),
        stop: filled(stop, &values),
        stop_all: filled(&words.stop_all, &values),
        preferences: preferences(&tracking, &link),
    };
    pages.answer(StatusCode::OK, lang, &page)
}

/// Unsubscribes. What our page does not say is a mail program's one click, in whatever form it comes.
pub(crate) async fn done(
    State(tracking): State<Arc<Tracking>>,
    headers: HeaderMap,
    token: Token,
    body: Body,
) -> Response {
    let Some(link) = of(&tracking, &token) else { return tracking.pages.no_such_link(&headers) };
    let form = Form::read(&tracking.keeper.ingest, body).await;
    let what = match form.get("scope") {
        Some("channel") => What::NoMoreByChannel(Via::Page),
        Some(_) => What::Less(Via::Page),
        None => What::Less(Via::OneClick),
    };
    let all = matches!(what, What::NoMoreByChannel(_));
    let wish = Wish { message: link.message, person: link.person.0, at: tracking.clock.now(), what };
    let kept = tracking.keeper.wish(wish).await;
    let (pages, face) = (&tracking.pages, tracking.keeper.shop.last_face());
    let (lang, told) = pages.words(&[form.get("lang")], &headers, face.as_deref());
    if kept.is_err() {
        return pages.away(lang, told, face.as_deref());
    }
    let text = if all {
        filled(&told.done.channel, &[("by", told.by(Channel::Email))])
    } else {
        told.done.less.clone()
    };
    let notice = Notice {
        head: pages.head(lang, face.as_deref()),
        title: &told.done.title,
        text: &text,
        link: Some((preferences(&tracking, &link), &told.done.change)),
    };
    pages.answer(StatusCode::OK, lang, &notice)
}

fn of(tracking: &Tracking, token: &Token) -> Option<Link> {
    tracking.link(token).filter(|link| link.purpose == Purpose::Unsubscribe)
}

/// Where the same person chooses, seen from here.
fn preferences(tracking: &Tracking, link: &Link) -> String {
    let link = Link { purpose: Purpose::Preferences, ..link.clone() };
    format!("../p/{}", tracking.keys.sign(tracking.keys.current(), &link))
}

/// What is known in time.
async fn known(tracking: &Tracking, link: &Link) -> Known {
    let shop = &tracking.keeper.shop;
    let asked = async {
        let face = shop.face().await?;
        let message = messages::addressed(&shop.pool, &[link.message]).await?.remove(&link.message);
        let standing = shop.standing(link.person).await?;
        let channel = message.as_ref().map(|message| message.channel);
        let topic = message.and_then(|message| message.topic);
        let locale = standing.and_then(|standing| standing.0.locale);
        Ok(Known { face: Some(face), topic, channel, locale })
    };
    let known = tracking.in_time(asked).await;
    known.unwrap_or_else(|| Known { face: shop.last_face(), ..Known::default() })
}
