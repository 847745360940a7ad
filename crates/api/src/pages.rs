//! Pages that people see: plain HTML that works without script, loads nothing, and is kept by nobody.

mod form;
pub(crate) mod preferences;
pub(crate) mod unsubscribe;
mod words;

use askama::Template;
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use self::words::{Told, Words};
use crate::shop::Face;
use crate::tracking::robots;

const STYLE: &str = include_str!("../templates/page.css");
/// After how long somebody who was turned away is asked to come again, seconds.
const COME_AGAIN: u64 = 60;

/// The words of pages by locale, and what every page has.
pub(crate) struct Pages {
    words: Words,
    policy: HeaderValue,
}

/// What stands around a page.
struct Head<'a> {
    lang: &'a str,
    shop: String,
    style: &'static str,
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    head: Head<'a>,
    title: &'a str,
    text: &'a str,
    link: Option<(String, &'a str)>,
}

impl Pages {
    /// Reads the words.
    ///
    /// # Errors
    /// What is wrong with their file.
    pub(crate) fn read() -> Result<Self, String> {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::try_from(policy).map_err(|error| error.to_string())?;
        Ok(Self { words: Words::read()?, policy })
    }

    /// The words for somebody: in the first locale of `said` that is spoken here, else of what their browser asks for,
    /// else the shop's.
    fn words<'s>(
        &'s self,
        said: &[Option<&str>],
        headers: &HeaderMap,
        face: Option<&Face>,
    ) -> (&'s str, &'s Told) {
        let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let shop = face.map(|face| face.policies.locale());
        let wished = said.iter().flatten().copied().chain(words::by_weight(asked)).chain(shop.as_deref());
        self.words.first(wished)
    }

    fn head<'a>(&self, lang: &'a str, face: Option<&Face>) -> Head<'a> {
        Head { lang, shop: face.map(|face| face.name(lang)).unwrap_or_default(), style: STYLE }
    }

    /// 404: nothing that was signed here.
    pub(crate) fn no_such_link(&self, headers: &HeaderMap) -> Response {
        let (lang, told) = self.words(&[], headers, None);
        let (title, text) = (told.no_such_link.title.as_str(), told.no_such_link.text.as_str());
        self.answer(
            StatusCode::NOT_FOUND,
            lang,
            &Notice { head: self.head(lang, None), title, text, link: None },
        )
    }

    /// 503: come again.
    fn away(&self, lang: &str, told: &Told, face: Option<&Face>) -> Response {
        let (title, text) = (told.away.title.as_str(), told.away.text.as_str());
        let notice = Notice { head: self.head(lang, face), title, text, link: None };
        let mut response = self.answer(StatusCode::SERVICE_UNAVAILABLE, lang, &notice);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(COME_AGAIN));
        response
    }

    fn answer(&self, status: StatusCode, lang: &str, page: &impl Template) -> Response {
        let html = match page.render() {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, "a page can't be made");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store, private"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            // The address of the page is the authority over it.
            (REFERRER_POLICY, "no-referrer"),
            (robots(), "noindex, nofollow"),
            (CONTENT_LANGUAGE, lang),
        ];
        let mut response = (status, headers, html).into_response();
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        response
    }
}

/// An address so that its owner knows it and nobody else does: `a•••@shop.example`.
fn masked(address: &str) -> String {
    match address.trim().split_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}•••@{domain}")
        }
        None => "•••".to_owned(),
    }
}
