//! The console: pages about a shop for the people who run it, on the private listener. They show personal data, run no
//! script, load nothing from elsewhere, and change nothing.

mod archive;
mod figures;
mod inbox;
mod journeys;
mod message;
mod people;
mod person;

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
pub use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, REFRESH, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use journeyman_domain::{ShopClock, ShopTime};
use journeyman_journey::graph;
use journeyman_store::Error;
use journeyman_store::console::COUNT_MINUTES;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::postgres::PgPool;

pub use self::archive::{Answer, Archive, Chapter, Item, Story, Underway, Words};
use self::figures::Counter;

const STYLE: &str = include_str!("../templates/console/console.css");
const ICON: &str = include_str!("../templates/console/icon.svg");
/// What pages may load: their style, their picture and, in a frame, a message.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
/// After how long somebody who was turned away is asked to come again, seconds.
const COME_AGAIN: u64 = 10;

/// The state of the pages.
pub struct Console {
    pool: PgPool,
    clock: Arc<dyn ShopClock>,
    archive: Arc<dyn Archive>,
    counter: Counter,
}

impl Console {
    /// `pool` is for reports; `clock` says from when on back is counted.
    pub fn new(pool: PgPool, clock: Arc<dyn ShopClock>, archive: Arc<dyn Archive>) -> Arc<Self> {
        Arc::new(Self { pool, clock, archive, counter: Counter::default() })
    }

    /// The pages, to be merged into the private router.
    pub fn routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(journeys::list))
            .route("/journeys/{name}", get(journeys::show))
            .route("/inbox", get(inbox::list))
            .route("/messages/{message}", get(message::show))
            .route("/messages/{message}/html", get(message::html))
            .route("/people", get(people::search))
            .route("/people/{person}", get(person::show))
            .route("/console.css", get(style))
            .route("/icon.svg", get(icon))
            .fallback(async || Fault::Missing("There is no such page."))
            .layer(middleware::from_fn(at_home))
            .with_state(self.clone())
    }
}

/// Lets nobody in who comes by a name of the public net: a page elsewhere could let its own name lead here, and read with
/// the eyes of who opened it (DNS rebinding).
async fn at_home(request: Request, next: Next) -> Response {
    if is_home(request.headers()) {
        return next.run(request).await;
    }
    let notice = Notice {
        head: Head::new(""),
        title: "This name does not lead here",
        text: "The console answers to IP addresses, to localhost, and to names of private networks (one word, or \
               ending in .internal, .local, .home.arpa or .localhost).",
    };
    answer(StatusCode::MISDIRECTED_REQUEST, &notice)
}

fn is_home(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    if let Some(ip) = host.strip_prefix('[').and_then(|host| host.split(']').next()) {
        return ip.parse::<IpAddr>().is_ok();
    }
    let name =
        host.rsplit_once(':').map_or(host, |(name, _)| name).trim_end_matches('.').to_ascii_lowercase();
    let private = [".internal", ".local", ".home.arpa", ".localhost"];
    !name.is_empty()
        && (name.parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || private.iter().any(|ending| name.ends_with(ending)))
}

/// What stands around a page.
struct Head {
    /// Which of the sections it is in: `journeys`, `inbox`, `people`, or none.
    section: &'static str,
    /// What somebody looked for.
    asked: String,
}

impl Head {
    fn new(section: &'static str) -> Self {
        Self { section, asked: String::new() }
    }

    /// Which of the three links is the one of this page.
    fn current(&self, section: &str) -> &'static str {
        if self.section == section { r#" aria-current="page""# } else { "" }
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "console/notice.html")]
struct Notice<'a> {
    head: Head,
    title: &'a str,
    text: &'a str,
}

/// Why a page can't be shown.
enum Fault {
    /// There is nothing of that name.
    Missing(&'static str),
    /// The database.
    Store(Arc<Error>),
    /// It is still being counted what the page is to show.
    Counting,
    /// That takes longer than it may.
    Uncountable,
    /// What is deployed can't be read by this version.
    Unreadable(String),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let notice =
            |status, title: &str, text: &str| answer(status, &Notice { head: Head::new(""), title, text });
        match self {
            Self::Missing(what) => notice(StatusCode::NOT_FOUND, "Nothing here", what),
            Self::Unreadable(why) => notice(
                StatusCode::SERVICE_UNAVAILABLE,
                "This version can't read what is deployed",
                &format!("Run the version that applied it. {why}"),
            ),
            Self::Counting => {
                let mut response = notice(
                    StatusCode::ACCEPTED,
                    "Still counting",
                    "There is a lot to count here, and it has not been before since the daemon began. This page looks again by \
                     itself; the inbox and people are there meanwhile.",
                );
                response.headers_mut().insert(REFRESH, HeaderValue::from(COME_AGAIN));
                response
            }
            Self::Uncountable => notice(
                StatusCode::SERVICE_UNAVAILABLE,
                "This shop could not be counted",
                &format!(
                    "A statement took longer than {COUNT_MINUTES} minutes. It is tried again later; the inbox and people are \
                     there meanwhile."
                ),
            ),
            Self::Store(error) if error.is_passing() => {
                tracing::warn!(%error, "a page of the console can't be shown");
                let mut response = notice(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The database does not answer",
                    "Nothing is lost. The daemon finds it again by itself; load this page again in a moment.",
                );
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(COME_AGAIN));
                response
            }
            Self::Store(error) => {
                tracing::error!(%error, "a page of the console can't be shown");
                notice(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "This page can't be shown",
                    "The daemon's log says why.",
                )
            }
        }
    }
}

type Page = Result<Response, Fault>;

/// A page, as it is sent.
fn answer(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => sent(status, html, HeaderValue::from_static(POLICY), "DENY"),
        Err(error) => {
            tracing::error!(%error, "a page can't be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn sent(status: StatusCode, html: String, policy: HeaderValue, framed: &'static str) -> Response {
    // No X-Robots-Tag: by it `doctor` knows a public listener, and this is none.
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store, private"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, framed),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let mut response = (status, headers, html).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, format!("{STYLE}{}", graph::STYLE)).into_response()
}

async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=86400")], ICON).into_response()
}

/// A moment to the minute, UTC.
fn minute(at: ShopTime) -> String {
    at.timestamp().strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment to the second, UTC.
fn second(at: ShopTime) -> String {
    at.timestamp().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A part of a whole: `12.3 %`; nothing of nothing.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 { String::new() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}

/// A text as one piece of an address.
fn piece(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_at_home_is_let_in() {
        for (host, home) in [
            ("127.0.0.1:8081", true),
            ("10.0.0.7", true),
            ("[::1]:8081", true),
            ("localhost:8081", true),
            ("Journeyman", true),
            ("shop.internal:80", true),
            ("console.shop.svc.cluster.local", true),
            ("evil.example:8081", false),
            ("127.0.0.1.evil.example", false),
            ("local.evil.example.", false),
            ("[evil.example]", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            assert_eq!(is_home(&headers), home, "{host}");
        }
        assert!(!is_home(&HeaderMap::new()));
    }

    #[test]
    fn figures_read_well() {
        assert_eq!((share(1, 8), share(1, 0)), ("12.5 %".to_owned(), String::new()));
        assert_eq!(piece("a/b ?ä"), "a%2Fb%20%3F%C3%A4");
    }
}
