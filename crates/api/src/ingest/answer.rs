//! What a client is told.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use journeyman_domain::{Reason, Reject};
use serde::Serialize;

/// After how many seconds a client may come again when something was away.
const RETRY_SECONDS: u32 = 1;
/// The same after 429. Segment's clients give a message up after a number of tries, not a time: longer waits bridge
/// longer floods.
const FLOOD_SECONDS: u32 = 10;

/// One message that was not taken.
#[derive(Serialize)]
pub(crate) struct Fault {
    /// Which message of the request, from 0.
    index: u32,
    /// The field at fault, in dots.
    field: String,
    /// The code.
    reason: &'static str,
    /// What was found and what to do.
    message: String,
}

impl Fault {
    pub(super) fn new(index: u32, reject: Reject) -> Self {
        Self { index, field: reject.field, reason: reject.reason.code(), message: reject.detail }
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }

    pub(super) fn is(&self, reason: Reason) -> bool {
        self.reason == reason.code()
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

/// Every answer of the ingest endpoints.
pub(crate) enum Answer {
    /// 200, or 400 where nothing was usable.
    Taken { accepted: usize, duplicates: usize, errors: Vec<Fault> },
    /// 413.
    TooLarge(String),
    /// 401.
    Unauthorized,
    /// 404.
    NoSuchPath(String),
    /// 408.
    TooSlow,
    /// 429: come again.
    Overloaded,
    /// 503: come again.
    Unavailable(String),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Taken { success: bool, accepted: usize, duplicates: usize, errors: Vec<Fault> },
    Refused { success: bool, reason: &'static str, message: String },
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let refused = |reason, message| Said::Refused { success: false, reason, message };
        let (status, said) = match self {
            Self::Taken { accepted, duplicates, errors } => {
                let success = accepted + duplicates > 0 || errors.is_empty();
                let status = if success { StatusCode::OK } else { StatusCode::BAD_REQUEST };
                (status, Said::Taken { success, accepted, duplicates, errors })
            }
            Self::TooLarge(message) => (StatusCode::PAYLOAD_TOO_LARGE, refused("too_large", message)),
            Self::Unauthorized => {
                let message = "no write key, or an unknown one. Send it as the user of basic authentication.";
                (StatusCode::UNAUTHORIZED, refused("unauthorized", message.to_owned()))
            }
            Self::NoSuchPath(path) => {
                let message = format!(
                    "there is no /v1/{path}. Post to track, identify, alias, page, screen, group or batch."
                );
                (StatusCode::NOT_FOUND, refused("not_found", message))
            }
            Self::TooSlow => {
                let message = "the body did not arrive in time. Send it again.".to_owned();
                (StatusCode::REQUEST_TIMEOUT, refused("too_slow", message))
            }
            Self::Overloaded => {
                let message = "more is under way than can be held. Send it again.".to_owned();
                (StatusCode::TOO_MANY_REQUESTS, refused("overloaded", message))
            }
            Self::Unavailable(message) => (StatusCode::SERVICE_UNAVAILABLE, refused("unavailable", message)),
        };
        let mut response = (status, Json(said)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, HeaderValue::from(FLOOD_SECONDS));
            // Segment's older browser clients wait by this one, in seconds from now.
            headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(FLOOD_SECONDS));
        }
        if status == StatusCode::REQUEST_TIMEOUT {
            // The rest of the body may still arrive; it must not be read as a request.
            headers.insert("connection", HeaderValue::from_static("close"));
        }
        response
    }
}
