//! `GET /c/{token}` and `GET /o/{token}`: answered at once, from the link alone. What was seen is written behind the answer.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use journeyman_domain::link::{Link, Purpose};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Tracking;
use super::hit::{Hit, Seen};
use super::machines::Asked;

/// A GIF of one transparent pixel.
const PIXEL: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
/// What a browser would have to guess in a header: everything but a URL's own characters. Escapes that are there stay.
const GUESSED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A token as it came; one that is no text is none.
pub(crate) type Token = Result<Path<String>, axum::extract::rejection::PathRejection>;

/// Follows a link.
///
/// No `Referrer-Policy`: on the way through a redirect it would replace the one of the page where the link was clicked,
/// somebody's mailbox, which is not ours to loosen, and the shop's to see as far as that page allows.
pub(super) async fn click(
    State(tracking): State<Arc<Tracking>>,
    method: Method,
    headers: HeaderMap,
    token: Token,
) -> Response {
    let Some(link) = tracking.link(&token) else { return tracking.pages.no_such_link(&headers) };
    let (seen, target) = match &link.purpose {
        Purpose::Click { position, target } => match location(target) {
            Some(location) => (Seen::Link(*position, target.clone()), Some(location)),
            None => return tracking.pages.no_such_link(&headers),
        },
        Purpose::Honeypot => (Seen::Trap, None),
        _ => return tracking.pages.no_such_link(&headers),
    };
    tracking.see(&link, seen, Asked::Click, &method, &headers);
    let quiet = [(CACHE_CONTROL, "no-store, private"), (robots(), "noindex, nofollow")];
    match target {
        Some(target) => (StatusCode::FOUND, quiet, [(LOCATION, target)]).into_response(),
        // Nothing here, and nothing that says so.
        None => (quiet, [(CONTENT_TYPE, "text/html; charset=utf-8")], "").into_response(),
    }
}

/// Shows the pixel.
pub(super) async fn open(
    State(tracking): State<Arc<Tracking>>,
    method: Method,
    headers: HeaderMap,
    token: Token,
) -> Response {
    match tracking.link(&token) {
        Some(link) if link.purpose == Purpose::Open => {
            tracking.see(&link, Seen::Pixel, Asked::Open, &method, &headers);
            let quiet = [(CACHE_CONTROL, "no-store, private"), (robots(), "noindex, nofollow")];
            (quiet, [(CONTENT_TYPE, "image/gif")], &PIXEL[..]).into_response()
        }
        _ => tracking.pages.no_such_link(&headers),
    }
}

pub(crate) fn robots() -> HeaderName {
    HeaderName::from_static("x-robots-tag")
}

impl Tracking {
    /// What a token says, if it was signed here. A pixel's may end like the file it is.
    pub(crate) fn link(&self, token: &Token) -> Option<Link> {
        let Path(token) = token.as_ref().ok()?;
        self.keys.verify(token.strip_suffix(".gif").unwrap_or(token))
    }

    /// Keeps what was seen, without waiting.
    fn see(&self, link: &Link, seen: Seen, asked: Asked, method: &Method, headers: &HeaderMap) {
        let hit = Hit {
            message: link.message,
            person: link.person.0,
            at: self.clock.now(),
            seen,
            machine: self.machines.strikes(asked, method, headers),
        };
        if self.hits.try_send(hit).is_err() {
            self.keeper.lose(1, "more clicks and opens wait than may");
        }
    }
}

/// A target as a header says it, where it is one that may be followed: whatever was signed, nothing but the web is.
fn location(target: &str) -> Option<HeaderValue> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains('\\') || target.chars().any(char::is_control) {
        return None;
    }
    HeaderValue::from_str(&utf8_percent_encode(target, GUESSED).to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_followed() {
        let same = [
            "https://shop.example/cart?id=1&x=%C3%A4#top",
            "HTTP://shop.example",
            "http://[::1]:8080/a,b;c='(!)'",
        ];
        for target in same {
            assert_eq!(location(target).unwrap(), target);
        }
        for (target, header) in [
            ("https://shop.example/käse ?q=\"<a>\"", "https://shop.example/k%C3%A4se%20?q=%22%3Ca%3E%22"),
            ("https://shop.example/a\\b", "https://shop.example/a%5Cb"),
        ] {
            assert_eq!(location(target).unwrap(), header);
        }
        for target in [
            "",
            "/cart",
            "//evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "https://",
            "https://?q",
            "https://\\evil.example",
            "javascript:alert(1)",
            "javascript://shop.example/%0aalert(1)",
            "data:text/html,x",
            "ftp://shop.example/",
            " https://shop.example/",
            "https://shop.example/\r\nSet-Cookie: a=b",
            "https://shop.example/\u{85}",
            "https://shop.example/\0",
        ] {
            assert_eq!(location(target), None, "{target:?}");
        }
    }

    #[test]
    fn the_pixel_is_a_gif() {
        assert!(PIXEL.starts_with(b"GIF89a") && PIXEL.ends_with(b";"));
    }
}
