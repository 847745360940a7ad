//! What comes back by mail: one door for `POST /v1/bounces` and for the command that reads mailboxes.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use journeyman_channels::bounce::{self, Kind, MAIL_BYTES, Report};
use journeyman_domain::actor::engage::{BOUNCED, COMPLAINED, DELIVERED, RESTORED};
use journeyman_domain::plan::Channel;
use journeyman_domain::{Event, MessageId, PersonId, Reason, Reject, ShardSet, ShopTime};
use journeyman_store::ingest::{Outcome, Rejected};
use journeyman_store::suppressions::{self, Suppression};
use journeyman_store::told::{self, Told};
use journeyman_store::{Error, REPORT_SILENCE, history, messages, read};
use serde_json::{Map, Value, json};
use sqlx::postgres::PgPool;

use crate::ingest::answer::Answer;
use crate::ingest::body::{self, Unread};
use crate::{SOURCE, Tracking};

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is an event of the message's person.
    Recorded {
        /// About which message.
        message: MessageId,
        /// The event's name.
        event: &'static str,
        /// Whether the address is not written to any more.
        suppressed: bool,
        /// Where intake has grown.
        shards: ShardSet,
    },
    /// The same was reported before.
    Again(MessageId),
    /// It says nothing that anybody has to know: an answering machine, a delay.
    Nothing,
    /// Nothing is known of what it says, or it may be anybody's word.
    Refused(&'static str),
}

/// What a report means: an event, and what becomes of the address.
struct Meaning {
    name: &'static str,
    /// What, beside the message, makes it one event.
    key: String,
    suppress: Option<suppressions::Kind>,
    properties: Vec<(&'static str, String)>,
}

/// Takes a report: as an event of the message's person, with a dead address or a complaint suppressed in the same
/// transaction. What our key has not signed may be anybody's word: of it a bounce is told as a soft one, which changes
/// nothing, and everything else is refused.
///
/// # Errors
/// As [`told::write`]; the same may be taken again then.
pub async fn take(pool: &PgPool, report: &Report, now: ShopTime) -> Result<Taken, Error> {
    let Some(message) = report.message else { return Ok(without_message(&report.kind)) };
    let meaning = match meaning(report) {
        Ok(meaning) => meaning,
        Err(taken) => return Ok(taken),
    };
    let known = messages::addressed(pool, &[message]).await?.remove(&message);
    // Whose it is says the signature; else the message itself, if it is one of ours.
    let signed = report.person.filter(|_| report.signed);
    let Some(person) = signed.or_else(|| known.as_ref().map(|known| known.person)) else {
        return Ok(Taken::Refused("it is about no message that is known here"));
    };
    let channel = known.as_ref().map_or(Channel::Email, |known| known.channel);
    // The address we wrote to, not the one where it ended up.
    let address = known.map(|known| known.address.to_string()).filter(|address| !address.is_empty());
    let address = address.or_else(|| report.recipient.clone().filter(|_| report.signed));

    let event = meaning.event(message, person, channel, address.as_deref(), now);
    let stopped = meaning.suppress.zip(address);
    let suppressed = stopped.is_some();
    let mut suppress = Vec::new();
    if let Some((kind, address)) = stopped {
        let known = suppressions::of_address(pool, channel, &address).await?;
        // Said again it stays as it was said first.
        if !known.iter().any(|one| one.kind == kind && one.topic.is_none()) {
            let event = Some(event.id);
            suppress.push(Suppression { channel, address, topic: None, kind, at: now, event });
        }
    }
    let told = Told { suppress, lift: Vec::new(), event };
    let written = told::write(pool, &[told]).await?;
    Ok(match written.outcomes.first() {
        Some(Outcome::Duplicate) => Taken::Again(message),
        Some(Outcome::Refused(_)) => Taken::Refused("it is about nobody who is known here"),
        _ => Taken::Recorded { message, event: meaning.name, suppressed, shards: written.shards },
    })
}

/// Takes back that addresses are suppressed, as somebody of the shop wishes. Of a dead one its person is told that it lives,
/// in the same transaction.
///
/// # Errors
/// As [`told::write`]'s and [`suppressions::remove`]'s.
pub async fn restore(pool: &PgPool, suppressed: &[Suppression], now: ShopTime) -> Result<(), Error> {
    let (mut told, mut others) = (Vec::new(), Vec::new());
    for one in suppressed {
        let bounce = one.event.filter(|_| one.kind == suppressions::Kind::Bounced);
        let person = match bounce {
            Some(bounce) => {
                let person = async |connection: &mut _| history::person_of(connection, bounce).await;
                read(pool, REPORT_SILENCE, person).await?.zip(Some(bounce))
            }
            None => None,
        };
        let Some((person, bounce)) = person else {
            others.push(one.clone());
            continue;
        };
        let properties = json!({ "channel": one.channel.name(), "address": one.address });
        let event = Event::told(SOURCE, RESTORED, &format!("restored {bounce}"), person, now, properties);
        told.push(Told { event, suppress: Vec::new(), lift: vec![one.clone()] });
    }
    told::write(pool, &told).await?;
    suppressions::remove(pool, &others).await?;
    Ok(())
}

fn without_message(kind: &Kind) -> Taken {
    match kind {
        Kind::Automatic | Kind::Delayed { .. } | Kind::Delivered => Taken::Nothing,
        Kind::Unrecognised { why } => Taken::Refused(why),
        Kind::Bounced { .. } | Kind::Complained { .. } => Taken::Refused("it names no message of ours"),
    }
}

fn meaning(report: &Report) -> Result<Meaning, Taken> {
    match &report.kind {
        Kind::Bounced { hard, status, diagnostic } => {
            let hard = *hard && report.signed;
            let kind = if hard { "hard" } else { "soft" };
            Ok(Meaning {
                name: BOUNCED,
                key: format!("bounced {kind} {status}"),
                suppress: hard.then_some(suppressions::Kind::Bounced),
                properties: vec![
                    ("kind", kind.to_owned()),
                    ("status", status.clone()),
                    ("reason", diagnostic.clone()),
                ],
            })
        }
        Kind::Complained { .. } | Kind::Delivered if !report.signed => {
            Err(Taken::Refused("it came to no address that was signed here; anybody may have written it"))
        }
        Kind::Complained { feedback_type } => Ok(Meaning {
            name: COMPLAINED,
            key: "complained".to_owned(),
            suppress: Some(suppressions::Kind::Complained),
            properties: vec![("kind", feedback_type.clone())],
        }),
        Kind::Delivered => Ok(Meaning {
            name: DELIVERED,
            key: "delivered".to_owned(),
            suppress: None,
            properties: Vec::new(),
        }),
        Kind::Delayed { .. } | Kind::Automatic => Err(Taken::Nothing),
        Kind::Unrecognised { why } => Err(Taken::Refused(why)),
    }
}

impl Meaning {
    fn event(
        &self,
        message: MessageId,
        person: PersonId,
        channel: Channel,
        address: Option<&str>,
        now: ShopTime,
    ) -> Event {
        let mut properties = Map::new();
        let mut put = |name: &str, value: &str| properties.insert(name.to_owned(), value.into());
        put("message_id", &message.to_string());
        put("channel", channel.name());
        if let Some(address) = address {
            put("address", address);
        }
        for (name, value) in &self.properties {
            put(name, value);
        }
        Event::told(SOURCE, self.name, &format!("{message} {}", self.key), person, now, properties.into())
    }
}

/// `POST /v1/bounces`: one mail as it came, `message/rfc822`, under a write key.
pub(crate) async fn endpoint(State(tracking): State<Arc<Tracking>>, request: Request) -> Response {
    let Some(source) = tracking.keeper.ingest.source(request.headers()).map(str::to_owned) else {
        body::discard(request.into_body()).await;
        return Answer::Unauthorized.into_response();
    };
    let mut body: Body = request.into_body();
    let answer = answer(&tracking, source, &mut body).await;
    if answer.status() != StatusCode::OK {
        body::discard(body).await;
    }
    answer
}

async fn answer(tracking: &Tracking, source: String, body: &mut Body) -> Response {
    let ingest = &tracking.keeper.ingest;
    let mut room = ingest.room();
    let mail = match body::read(body, MAIL_BYTES, ingest.body_deadline(), &mut room).await {
        Ok(mail) => mail,
        Err(Unread::TooSlow) => return Answer::TooSlow.into_response(),
        Err(Unread::NoRoom) => return Answer::Overloaded.into_response(),
        Err(Unread::TooLarge(_)) => {
            return Answer::TooLarge(format!("over {MAIL_BYTES} bytes; no report is that large."))
                .into_response();
        }
        Err(Unread::Broken(error)) => {
            let message = format!("the body can't be read: {error}. Send it whole.");
            return refused(StatusCode::BAD_REQUEST, "malformed", &message);
        }
    };
    let now = tracking.clock.now();
    let keys = tracking.keys.clone();
    let kept = mail.slice(..mail.len().min(Rejected::BODY_BYTES)).to_vec();
    // Megabytes of MIME take a while: not where clicks are answered.
    let read = tokio::task::spawn_blocking(move || bounce::read(&mail, &keys)).await;
    let reports = read.unwrap_or_else(|error| {
        tracing::error!(%error, "a mail broke its reader");
        Vec::new()
    });
    drop(room);
    let mut why = "a defect of ours; the log says more";
    let mut said = Vec::new();
    for report in &reports {
        match take(&tracking.keeper.shop.pool, report, now).await {
            Ok(Taken::Refused(reason)) => why = reason,
            Ok(taken) => said.push(tracking.told(taken)),
            Err(error) => {
                tracing::error!(%error, "a report was not stored; who sent it is told to retry");
                return Answer::Unavailable("could not be stored now. Send it again.".to_owned())
                    .into_response();
            }
        }
    }
    if !said.is_empty() {
        return Json(json!({ "success": true, "reports": said })).into_response();
    }
    let reject = Reject::new("", Reason::Malformed, why);
    let rejected = Rejected { received_at: now, source, index: 0, reject, body: kept };
    if ingest.submit(Vec::new(), vec![rejected]).await.is_err() {
        return Answer::Unavailable("could not be stored now. Send it again.".to_owned()).into_response();
    }
    refused(StatusCode::UNPROCESSABLE_ENTITY, "unrecognised", &format!("nothing was done: {why}."))
}

impl Tracking {
    fn told(&self, taken: Taken) -> Value {
        match taken {
            Taken::Recorded { message, event, suppressed, shards } => {
                self.keeper.ring(shards);
                json!({ "message_id": message.to_string(), "event": event, "suppressed": suppressed, "new": true })
            }
            Taken::Again(message) => json!({ "message_id": message.to_string(), "new": false }),
            Taken::Nothing | Taken::Refused(_) => json!({ "new": false }),
        }
    }
}

fn refused(status: StatusCode, reason: &str, message: &str) -> Response {
    (status, Json(json!({ "success": false, "reason": reason, "message": message }))).into_response()
}
