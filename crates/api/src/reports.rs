//! `POST /webhooks/<provider>`: what providers report of messages, and what people say to us. The signature is checked before
//! anything is read; what is read stands in the database before it is answered; the same told again is one event.

mod meaning;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use journeyman_channels::codec::{Codec, News, Unread, What};
use journeyman_channels::http::{Arrived, Method};
use journeyman_channels::phone;
use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, Reason, Reject, SeenKey, ShopClock, ShopTime};
use journeyman_store::ingest::Rejected;
use journeyman_store::messages::{self, Addressed};
use journeyman_store::reports::{self, NEWS_BYTES, Unmatched};
use journeyman_store::told::{self, Told};
use journeyman_store::{Error, suppressions};
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::ingest::answer::Answer;
use crate::ingest::body::{self, Unread as NotRead};
use crate::{Ingest, Wake};

/// The largest report, bytes: Meta sends several at once, of 3 MB at most.
const REPORT_BYTES: usize = 3 << 20;
/// How many of those that waited are looked at in one go.
const MATCHED: usize = 500;

/// The state of the endpoints that providers tell.
pub struct Reports {
    ingest: Arc<Ingest>,
    pool: PgPool,
    clock: Arc<dyn ShopClock>,
    wake: Wake,
    codecs: BTreeMap<&'static str, Arc<dyn Codec>>,
    /// Where providers reach us: Twilio signs the address that it was told.
    base: String,
}

impl Reports {
    /// The endpoints of these providers, which reach us at `base`.
    pub fn new(
        ingest: Arc<Ingest>,
        pool: PgPool,
        clock: Arc<dyn ShopClock>,
        wake: Wake,
        codecs: impl IntoIterator<Item = Arc<dyn Codec>>,
        base: String,
    ) -> Arc<Self> {
        let codecs = codecs.into_iter().map(|codec| (codec.name(), codec)).collect();
        Arc::new(Self { ingest, pool, clock, wake, codecs, base })
    }

    /// The endpoints, to be merged into the public router.
    pub fn routes(self: &Arc<Self>) -> Router {
        Router::new().route("/webhooks/{provider}", get(greet).post(endpoint)).with_state(self.clone())
    }

    /// Looks again at reports that came before their messages were known.
    ///
    /// # Errors
    /// As the store's; the same may be done again then.
    pub async fn matched(&self) -> Result<usize, Error> {
        let found = reports::matched(&self.pool, MATCHED).await?;
        let mut done = Vec::with_capacity(found.len());
        for report in &found {
            let news: Option<News> = serde_json::from_str(&report.news).ok();
            // What a later version wrote stays for it.
            let Some(news) = news else { continue };
            let left = self.take(&report.provider, report.channel, vec![news], report.received_at).await?;
            if left.is_empty() {
                done.push(report.id);
            }
        }
        reports::forget(&self.pool, &done).await?;
        Ok(done.len())
    }

    /// Writes what is told as events of the messages' people; answers with what is about no message that is known here.
    async fn take(
        &self,
        provider: &str,
        channel: Channel,
        news: Vec<News>,
        now: ShopTime,
    ) -> Result<Vec<News>, Error> {
        let mut unnamed: Vec<&str> = Vec::new();
        unnamed.extend(
            news.iter().filter(|one| one.message.is_none()).filter_map(|one| one.provider_id.as_deref()),
        );
        let called = reports::by_provider_id(&self.pool, channel, &unnamed).await?;
        let mut of: Vec<(News, Option<MessageId>)> = Vec::with_capacity(news.len());
        for one in news {
            let named = || one.provider_id.as_ref().and_then(|id| called.get(id)).copied();
            let mut message = one.message.or_else(named);
            if let (None, What::Said { from, .. }) = (message, &one.what) {
                message = reports::contact(&self.pool, channel, &phone::digits(from)).await?;
            }
            of.push((one, message));
        }
        let ids: Vec<MessageId> = of.iter().filter_map(|(_, message)| *message).collect();
        let known: BTreeMap<MessageId, Addressed> = messages::addressed(&self.pool, &ids).await?;
        let (mut told, mut stops, mut left): (Vec<Told>, Vec<_>, Vec<News>) = Default::default();
        for (one, message) in of {
            match message.and_then(|message| Some((message, known.get(&message)?))) {
                Some((message, addressed)) => {
                    told.extend(meaning::of(provider, &one, message, addressed, now));
                }
                None => {
                    // Of a stranger a no holds all the same.
                    stops.extend(meaning::stranger(&one, channel, now));
                    left.push(one);
                }
            }
        }
        if !stops.is_empty() {
            suppressions::add(&self.pool, &stops).await?;
        }
        if !told.is_empty() {
            let written = told::write(&self.pool, &told).await?;
            (self.wake)(written.shards);
        }
        Ok(left)
    }

    /// As [`Reports::take`], and what is left waits.
    async fn keep(&self, codec: &dyn Codec, news: Vec<News>, now: ShopTime) -> Result<(), Error> {
        let left = self.take(codec.name(), codec.channel(), news, now).await?;
        let waits = left.into_iter().filter_map(|one| {
            let text = serde_json::to_string(&one).ok().filter(|text| text.len() <= NEWS_BYTES);
            let Some(text) = text else {
                tracing::error!(
                    provider = codec.name(),
                    "a report of {} that is too large to wait was dropped",
                    codec.name()
                );
                return None;
            };
            Some(Unmatched {
                id: Uuid::from_u128(SeenKey::new(codec.name(), &one.key).0),
                provider: codec.name().to_owned(),
                channel: codec.channel(),
                provider_id: one.provider_id,
                message: one.message,
                news: text,
                received_at: now,
            })
        });
        reports::keep(&self.pool, &waits.collect::<Vec<_>>()).await
    }

    /// The address as the provider was told it.
    fn url(&self, uri: &Uri) -> String {
        format!("{}{}", self.base, uri.path_and_query().map_or("", |asked| asked.as_str()))
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

/// A provider that only asks whether we are here.
async fn greet(
    State(reports): State<Arc<Reports>>,
    Path(provider): Path<String>,
    uri: Uri,
    head: HeaderMap,
) -> Response {
    let Some(codec) = reports.codecs.get(provider.as_str()) else { return not_here() };
    let (url, headers) = (reports.url(&uri), headers(&head));
    let arrived = Arrived { method: Method::Get, url: &url, headers: &headers, body: b"", now: 0 };
    codec
        .greet(&arrived)
        .map_or_else(|| StatusCode::FORBIDDEN.into_response(), axum::response::IntoResponse::into_response)
}

fn not_here() -> Response {
    (StatusCode::NOT_FOUND, "no provider of that name is configured here\n").into_response()
}

async fn endpoint(
    State(reports): State<Arc<Reports>>,
    Path(provider): Path<String>,
    request: Request,
) -> Response {
    let (head, mut body) = request.into_parts();
    let answer = match reports.codecs.get(provider.as_str()).cloned() {
        Some(codec) => reports.answer(codec, &head.uri, &head.headers, &mut body).await,
        None => not_here(),
    };
    if answer.status() != StatusCode::OK {
        body::discard(body).await;
    }
    answer
}

impl Reports {
    async fn answer(&self, codec: Arc<dyn Codec>, uri: &Uri, head: &HeaderMap, body: &mut Body) -> Response {
        let mut room = self.ingest.room();
        let bytes = match body::read(body, REPORT_BYTES, self.ingest.body_deadline(), &mut room).await {
            Ok(bytes) => bytes,
            Err(NotRead::TooSlow) => return Answer::TooSlow.into_response(),
            Err(NotRead::NoRoom) => return Answer::Overloaded.into_response(),
            Err(NotRead::TooLarge(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Err(NotRead::Broken(_)) => return StatusCode::BAD_REQUEST.into_response(),
        };
        let now = self.clock.now();
        let (url, headers) = (self.url(uri), headers(head));
        let seconds = now.as_millisecond().div_euclid(1000);
        let arrived =
            Arrived { method: Method::Post, url: &url, headers: &headers, body: &bytes, now: seconds };
        let provider = codec.name();
        match codec.read(&arrived) {
            Ok(news) => match self.keep(codec.as_ref(), news, now).await {
                Ok(()) => StatusCode::OK.into_response(),
                Err(error) => {
                    tracing::error!(%error, provider, "a report of {provider} was not stored; it is told to come again");
                    Answer::Unavailable("could not be stored now. Send it again.".to_owned()).into_response()
                }
            },
            Err(Unread::Signature(why)) => {
                tracing::warn!(
                    provider,
                    "a report to /webhooks/{provider} was refused: the signature: {why}"
                );
                StatusCode::FORBIDDEN.into_response()
            }
            Err(Unread::Nothing) => not_here(),
            // It is the provider's, and nobody here can read it: kept for somebody who can, and not asked for again.
            Err(Unread::Malformed(why)) => {
                tracing::warn!(provider, "a report of {provider} is not what it documents: {why}");
                let kept = bytes.slice(..bytes.len().min(Rejected::BODY_BYTES)).to_vec();
                let reject = Reject::new("", Reason::Malformed, why);
                let source = format!("webhooks/{provider}");
                let rejected = Rejected { received_at: now, source, index: 0, reject, body: kept };
                match self.ingest.submit(Vec::new(), vec![rejected]).await {
                    Ok(_) => StatusCode::OK.into_response(),
                    Err(_) => Answer::Unavailable("could not be stored now. Send it again.".to_owned())
                        .into_response(),
                }
            }
        }
    }
}
