//! `POST /v1/{track,identify,alias,page,screen,group,batch}`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, Request};
use axum::response::{IntoResponse as _, Response};
use journeyman_domain::tracking::{self, BATCH_BYTES, Defaults, Door};
use journeyman_domain::{Event, Kind, Reason, Reject, ShopTime};
use journeyman_store::ingest::{Outcome, Rejected};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Answer, Fault};
use super::body::{self, Unread};
use super::{Ingest, keys};

/// What a path takes.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    One(Kind),
    Batch,
}

impl Form {
    /// The word of the path; browsers' clients shorten it to its first letter.
    fn of(path: &str) -> Option<Self> {
        let short = |kind: &Kind| kind.name().get(..1) == Some(path);
        match path {
            "batch" | "b" => Some(Self::Batch),
            _ => Kind::from_name(path).or_else(|| Kind::ALL.into_iter().find(short)).map(Self::One),
        }
    }
}

/// A request's messages, read.
#[derive(Default)]
struct Read {
    events: Vec<Event>,
    /// Where each event stood in the request.
    places: Vec<usize>,
    rejected: Vec<Rejected>,
    faults: Vec<Fault>,
}

pub(crate) async fn endpoint(
    State(ingest): State<Arc<Ingest>>,
    Path(path): Path<String>,
    request: Request<Body>,
) -> Response {
    ingest.take(path, request).await.into_response()
}

impl Ingest {
    async fn take(&self, path: String, request: Request<Body>) -> Answer {
        let Some(form) = Form::of(&path) else { return Answer::NoSuchPath(path) };
        let key = keys::of_header(request.headers());
        if key.as_ref().is_some_and(|key| self.keys.source(key).is_none()) {
            return Answer::Unauthorized;
        }
        // Held until the answer: what is under way is bounded from before the first byte is read.
        let Some(_room) = self.room(request.headers()) else { return Answer::Overloaded };
        let body = body::read(request.into_body(), BATCH_BYTES, self.limits.body_deadline).await;
        let received_at = self.clock.now();
        let (bytes, unread) = match body {
            Ok(bytes) => (bytes, None),
            Err(Unread::TooSlow) => return Answer::TooSlow,
            Err(Unread::Broken(error)) => return Answer::Broken(error),
            Err(Unread::TooLarge(start)) => {
                let detail = format!("over {BATCH_BYTES} bytes decompressed. Send fewer messages at once.");
                (Bytes::from(start), Some(Reject::new("", Reason::TooLarge, detail)))
            }
        };
        let key = key.or_else(|| unread.is_none().then(|| key_in_body(&bytes)).flatten());
        let Some((key, source)) = key.as_ref().and_then(|key| Some((key, self.keys.source(key)?))) else {
            return Answer::Unauthorized;
        };
        let door = Door { write_key: key, source, received_at, message_id: None, historical: false };
        let mut read = Read::default();
        match &unread {
            Some(reject) => read.reject(0, reject.clone(), &bytes, &door),
            None => read.all(form, &bytes, &door),
        }
        self.commit(read, unread, form).await
    }

    /// Room for a request's body, by what it declares; the most it may have where it declares nothing or is packed.
    fn room(&self, headers: &HeaderMap) -> Option<OwnedSemaphorePermit> {
        let declared = headers.get(CONTENT_LENGTH).filter(|_| !headers.contains_key(CONTENT_ENCODING));
        let bytes = declared.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(BATCH_BYTES);
        // The body and the messages made of it.
        let kib = 2 * bytes.min(BATCH_BYTES).div_ceil(1024).max(1);
        self.in_flight.clone().try_acquire_many_owned(u32::try_from(kib).ok()?).ok()
    }

    async fn commit(&self, read: Read, unread: Option<Reject>, form: Form) -> Answer {
        let Read { events, places, rejected, mut faults } = read;
        if events.is_empty() && rejected.is_empty() {
            return Answer::Taken { accepted: 0, duplicates: 0, errors: faults };
        }
        let submitted = self.committer.submit(events, rejected);
        let outcomes = match tokio::time::timeout(self.limits.commit_deadline, submitted).await {
            Ok(Ok(outcomes)) => outcomes,
            Ok(Err(error)) => {
                let later = if error.is_passing() { "Send it again." } else { "The log says more." };
                return Answer::Unavailable(format!("could not be stored now. {later}"));
            }
            Err(_) => return Answer::Unavailable("not stored in time. Send it again.".to_owned()),
        };
        if let Some(reject) = unread {
            return Answer::TooLarge(reject.detail);
        }
        let (mut accepted, mut duplicates) = (0, 0);
        for (outcome, place) in outcomes.into_iter().zip(places) {
            match outcome {
                Outcome::Accepted => accepted += 1,
                Outcome::Duplicate => duplicates += 1,
                Outcome::Refused(reject) => faults.push(Fault::new(place, reject)),
            }
        }
        faults.sort_by_key(Fault::index);
        match faults.first() {
            Some(fault) if form != Form::Batch && fault.is(Reason::TooLarge) => {
                Answer::TooLarge(fault.message().to_owned())
            }
            _ => Answer::Taken { accepted, duplicates, errors: faults },
        }
    }
}

impl Read {
    fn all(&mut self, form: Form, bytes: &[u8], door: &Door<'_>) {
        match form {
            Form::One(kind) => match std::str::from_utf8(bytes) {
                Ok(raw) => {
                    self.one(0, raw.trim(), &Defaults { kind: Some(kind), ..Defaults::default() }, door)
                }
                Err(error) => {
                    let detail = format!("not UTF-8: {error}. Send JSON in UTF-8.");
                    self.reject(0, Reject::new("", Reason::Malformed, detail), bytes, door);
                }
            },
            Form::Batch => match tracking::batch(bytes) {
                Ok(batch) => {
                    let defaults = Defaults { kind: None, sent_at: batch.sent_at, context: batch.context };
                    for (index, raw) in batch.messages.iter().enumerate() {
                        self.one(index, raw.get(), &defaults, door);
                    }
                }
                Err(reject) => self.reject(0, reject, bytes, door),
            },
        }
    }

    fn one(&mut self, index: usize, raw: &str, defaults: &Defaults<'_>, door: &Door<'_>) {
        match tracking::read(raw, defaults, door, || uuid::Uuid::new_v4().as_u128()) {
            Ok(event) => {
                self.events.push(event);
                self.places.push(index);
            }
            Err(reject) => self.reject(index, reject, raw.as_bytes(), door),
        }
    }

    fn reject(&mut self, index: usize, reject: Reject, raw: &[u8], door: &Door<'_>) {
        let received_at: ShopTime = door.received_at;
        self.rejected.push(Rejected {
            received_at,
            source: door.source.to_owned(),
            index: u32::try_from(index).unwrap_or(u32::MAX),
            reject: reject.clone(),
            body: raw[..raw.len().min(Rejected::BODY_BYTES)].to_vec(),
        });
        self.faults.push(Fault::new(index, reject));
    }
}

/// The write key of clients that can't set a header.
fn key_in_body(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Keyed {
        write_key: String,
    }
    serde_json::from_slice::<Keyed>(body).ok().map(|keyed| keyed.write_key)
}
