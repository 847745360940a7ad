//! `POST /v1/{track,identify,alias,page,screen,group,batch,start}`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use journeyman_domain::tracking::{self, BATCH_BYTES, Defaults, Door};
use journeyman_domain::{Event, Kind, Reason, Reject};
use journeyman_store::ingest::{Outcome, Rejected};
use serde::Deserialize;

use super::answer::{Answer, Fault};
use super::body::{self, Room, Unread};
use super::{Ingest, keys};

/// What a path takes.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    One(Kind),
    Batch,
    /// A wish that a journey begins.
    Start,
}

impl Form {
    /// The word of the path; browsers' clients shorten it to its first letter.
    fn of(path: &str) -> Option<Self> {
        let short = |kind: &Kind| kind.name().get(..1) == Some(path);
        match path {
            "batch" | "b" => Some(Self::Batch),
            "start" => Some(Self::Start),
            _ => Kind::from_name(path).or_else(|| Kind::ALL.into_iter().find(short)).map(Self::One),
        }
    }
}

/// A request's messages, read.
#[derive(Default)]
struct Read {
    events: Vec<Event>,
    rejected: Vec<Rejected>,
    faults: Vec<Fault>,
    /// What is said is said of the request, not of a message in it.
    whole: bool,
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
        let key = keys::of_header(request.headers());
        let mut body = request.into_body();
        let answer = self.answer(path, key, &mut body).await;
        if !matches!(answer, Answer::Taken { .. } | Answer::TooSlow) {
            body::discard(body).await;
        }
        answer
    }

    async fn answer(&self, path: String, key: Option<String>, body: &mut Body) -> Answer {
        let Some(form) = Form::of(&path) else { return Answer::NoSuchPath(path) };
        if key.as_ref().is_some_and(|key| self.keys.source(key).is_none()) {
            return Answer::Unauthorized;
        }
        let mut room = Room::new(&self.in_flight);
        let read = body::read(body, BATCH_BYTES, self.limits.body_deadline, &mut room).await;
        let received_at = self.clock.now();
        let (bytes, unread) = match read {
            Ok(bytes) => (bytes, None),
            Err(Unread::TooSlow) => return Answer::TooSlow,
            Err(Unread::NoRoom) => return Answer::Overloaded,
            Err(Unread::Broken(error)) => {
                let detail = format!("the body can't be read: {error}. Send it whole.");
                (Bytes::new(), Some(Reject::new("", Reason::Malformed, detail)))
            }
            Err(Unread::TooLarge(start)) => {
                let detail = format!("over {BATCH_BYTES} bytes decompressed. Send fewer messages at once.");
                (Bytes::from(start), Some(Reject::new("", Reason::TooLarge, detail)))
            }
        };
        let key = key.or_else(|| unread.is_none().then(|| key_in_body(&bytes)).flatten());
        let Some((key, source)) = key.as_ref().and_then(|key| Some((key, self.keys.source(key)?))) else {
            return Answer::Unauthorized;
        };
        let door =
            Door { write_key: key, source, received_at, index: 0, message_id: None, historical: false };
        let mut messages = Read::default();
        match unread {
            Some(reject) => messages.reject_whole(reject, &bytes, &door),
            None => messages.all(form, &bytes, &door),
        }
        self.commit(messages, room).await
    }

    async fn commit(&self, read: Read, room: Room) -> Answer {
        let Read { events, rejected, mut faults, whole } = read;
        let places: Vec<u32> = events.iter().map(|event| event.index).collect();
        if events.is_empty() && rejected.is_empty() {
            return Answer::Taken { accepted: 0, duplicates: 0, errors: faults };
        }
        let submitted = self.committer.submit(events, rejected, room);
        let outcomes = match tokio::time::timeout(self.limits.commit_deadline, submitted).await {
            Ok(Ok(outcomes)) => outcomes,
            Ok(Err(error)) => {
                let later = if error.is_passing() { "Send it again." } else { "The log says more." };
                return Answer::Unavailable(format!("could not be stored now. {later}"));
            }
            Err(_) => return Answer::Unavailable("not stored in time. Send it again.".to_owned()),
        };
        let (mut accepted, mut duplicates) = (0, 0);
        for (outcome, place) in outcomes.into_iter().zip(places) {
            match outcome {
                Outcome::Accepted => accepted += 1,
                Outcome::Duplicate => duplicates += 1,
                // The database's own words are for its operator, in `rejected_events` and the log.
                Outcome::Refused(reject) => {
                    let detail = "the database would not store it. Send it in another form.";
                    faults.push(Fault::new(place, Reject { detail: detail.to_owned(), ..reject }));
                }
            }
        }
        faults.sort_by_key(Fault::index);
        match faults.first() {
            Some(fault) if fault.is(Reason::TooLarge) && whole => {
                Answer::TooLarge(fault.message().to_owned())
            }
            _ => Answer::Taken { accepted, duplicates, errors: faults },
        }
    }
}

impl Read {
    fn all(&mut self, form: Form, bytes: &[u8], door: &Door<'_>) {
        // Bytes that are no UTF-8 spoil the messages they are in, and no other.
        let text = String::from_utf8_lossy(bytes);
        let spoilt = matches!(text, Cow::Owned(_));
        match form {
            Form::One(kind) => {
                self.whole = true;
                self.one(text.trim(), spoilt, &Defaults { kind: Some(kind), ..Defaults::default() }, door);
            }
            Form::Start => {
                self.whole = true;
                self.put(tracking::start(text.trim(), door), text.trim(), spoilt, door);
            }
            Form::Batch => match tracking::batch(&text) {
                Ok(batch) => {
                    let defaults = Defaults { kind: None, sent_at: batch.sent_at, context: batch.context };
                    for (index, raw) in (0..).zip(&batch.messages) {
                        self.one(raw.get(), spoilt, &defaults, &Door { index, ..*door });
                    }
                }
                Err(reject) => self.reject_whole(reject, bytes, door),
            },
        }
    }

    fn reject_whole(&mut self, reject: Reject, raw: &[u8], door: &Door<'_>) {
        self.whole = true;
        self.reject(reject, raw, door);
    }

    fn one(&mut self, raw: &str, spoilt: bool, defaults: &Defaults<'_>, door: &Door<'_>) {
        let read = tracking::read(raw, defaults, door, || uuid::Uuid::new_v4().as_u128());
        self.put(read, raw, spoilt, door);
    }

    fn put(&mut self, read: Result<Event, Reject>, raw: &str, spoilt: bool, door: &Door<'_>) {
        if spoilt && raw.contains(char::REPLACEMENT_CHARACTER) {
            let reject = Reject::new("", Reason::Malformed, "not UTF-8. Send JSON in UTF-8.");
            return self.reject(reject, raw.as_bytes(), door);
        }
        match read {
            Ok(event) => self.events.push(event),
            Err(reject) => self.reject(reject, raw.as_bytes(), door),
        }
    }

    fn reject(&mut self, reject: Reject, raw: &[u8], door: &Door<'_>) {
        self.faults.push(Fault::new(door.index, reject.clone()));
        self.rejected.push(Rejected {
            received_at: door.received_at,
            source: door.source.to_owned(),
            index: door.index,
            reject,
            body: raw[..raw.len().min(Rejected::BODY_BYTES)].to_vec(),
        });
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
