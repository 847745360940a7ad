//! The shoppers' phones: the providers of text messages, push and WhatsApp, played inside this program behind real HTTP. They
//! take what their codecs say, check who says it, and report as the real ones do, signed.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use journeyman_channels::codec::Codec;
use journeyman_channels::push::fcm::Fcm;
use journeyman_channels::sms::gateway::{Description, Gateway};
use journeyman_channels::whatsapp::{Account, Cloud, VERSION};
use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;
use ring::hmac;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::letter::{Letter, paths};
use super::voice;

/// The key of the service account by which push is spoken. It stands in the sources: it opens this program's own play alone.
const PUSH_KEY: &str = include_str!("../../../data/play_push_key.pem");
/// What each provider wants to hear from who speaks.
const TOKEN: &str = "demo";
/// What the providers sign their reports with.
const SIGNED: &str = "demo-signature";
/// The largest request that is taken.
const REQUEST_BYTES: usize = 64 * 1024;
/// WhatsApp's number of the shop.
const NUMBER: &str = "1000";

type Arrivals = Arc<Mutex<Kept>>;

/// What came to the phones.
#[derive(Default)]
struct Kept {
    letters: Vec<Letter>,
    /// Messages that were refused since nobody is there any more.
    refused: u64,
}

/// The providers; they end with this value.
pub(super) struct Phones {
    address: SocketAddr,
    arrivals: Arrivals,
    _stop: DropGuard,
}

/// What a provider tells the shop: where, under which signature, in which words.
pub(super) struct Report {
    pub(super) path: &'static str,
    pub(super) header: &'static str,
    pub(super) signature: String,
    pub(super) body: String,
}

impl Phones {
    /// Starts them on a free port.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (arrivals, stop) = (Arrivals::default(), CancellationToken::new());
        let (kept, until) = (arrivals.clone(), stop.clone());
        tokio::spawn(async move { until.run_until_cancelled(listen(listener, kept)).await });
        Ok(Self { address, arrivals, _stop: stop.drop_guard() })
    }

    /// Their codecs, as a configuration would make them.
    ///
    /// # Errors
    /// Where what stands here is none.
    pub(super) fn codecs(&self) -> anyhow::Result<Vec<Arc<dyn Codec>>> {
        let base = format!("http://{}", self.address);
        let gateway: Description = serde_json::from_value(json!({
            "url": format!("{base}/sms"),
            "headers": { "Authorization": format!("Bearer {TOKEN}") },
            "json": { "to": "{{to}}", "text": "{{text}}", "reference": "{{message}}" },
            "success": { "status": [202], "at": "/state", "is": ["queued"] },
            "id": "/id",
            "repeatable": true,
            "reports": {
                "header": "X-Signature", "secret": SIGNED, "message": "/reference", "id": "/id", "status": "/state",
                "delivered": ["DELIVRD"], "from": "/from", "text": "/text",
            },
        }))?;
        let service_account = json!({
            "project_id": "demo",
            "client_email": "journeyman@demo.example",
            "private_key": PUSH_KEY,
            "private_key_id": "demo",
            "token_uri": format!("{base}/token"),
        });
        let account = Account {
            phone_number_id: NUMBER.to_owned(),
            token: TOKEN.to_owned(),
            app_secret: Some(SIGNED.to_owned()),
            verify_token: None,
            version: VERSION.to_owned(),
            base_url: base.clone(),
        };
        let refused =
            |refusal: journeyman_channels::Refusal| anyhow::anyhow!("the demo's providers: {refusal}");
        Ok(vec![
            Arc::new(Gateway::new(gateway).map_err(refused)?),
            Arc::new(Fcm::new(&service_account.to_string(), &base).map_err(refused)?),
            Arc::new(Cloud::new(account).map_err(refused)?),
        ])
    }

    /// Takes out what has arrived.
    pub(super) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut lock(&self.arrivals).letters)
    }

    /// How many messages were refused for good.
    pub(super) fn refused(&self) -> u64 {
        lock(&self.arrivals).refused
    }
}

/// That a message arrived; `None` of what nobody reports.
pub(super) fn delivered(letter: &Letter) -> Option<Report> {
    match letter.channel {
        Channel::Sms => {
            let body =
                json!({ "reference": letter.message.to_string(), "id": letter.id, "state": "DELIVRD" });
            Some(gateway(&body))
        }
        Channel::Whatsapp => Some(status(letter, "delivered")),
        _ => None,
    }
}

/// That a message was looked at; `None` where only its reader knows.
pub(super) fn read(letter: &Letter) -> Option<Report> {
    (letter.channel == Channel::Whatsapp).then(|| status(letter, "read"))
}

/// That somebody answers by one word; `None` where there is no answering.
pub(super) fn answer(letter: &Letter, word: &str) -> Option<Report> {
    let key = format!("{}-{word}", letter.id);
    match letter.channel {
        Channel::Sms => {
            Some(gateway(&json!({ "id": key, "from": letter.to, "text": word, "state": "RECEIVED" })))
        }
        Channel::Whatsapp => {
            let from = letter.to.trim_start_matches('+');
            let message = json!({ "id": key, "from": from, "type": "text", "text": { "body": word },
                                  "context": { "id": letter.id } });
            Some(meta(&json!({ "messages": [message] })))
        }
        _ => None,
    }
}

fn gateway(body: &Value) -> Report {
    let body = body.to_string();
    Report { path: "/webhooks/gateway", header: "x-signature", signature: signed(&body), body }
}

fn status(letter: &Letter, word: &str) -> Report {
    let status = json!({ "id": letter.id, "status": word, "recipient_id": letter.to.trim_start_matches('+'),
                         "biz_opaque_callback_data": letter.message.to_string() });
    meta(&json!({ "messaging_product": "whatsapp", "statuses": [status] }))
}

fn meta(value: &Value) -> Report {
    let change = json!({ "field": "messages", "value": value });
    let entry = json!({ "id": NUMBER, "changes": [change] });
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string();
    let signature = format!("sha256={}", signed(&body));
    Report { path: "/webhooks/whatsapp", header: "x-hub-signature-256", signature, body }
}

fn signed(body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNED.as_bytes());
    HEXLOWER.encode(hmac::sign(&key, body.as_bytes()).as_ref())
}

async fn listen(listener: TcpListener, arrivals: Arrivals) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, arrivals.clone()));
    }
}

async fn converse(stream: TcpStream, arrivals: Arrivals) {
    let answering = service_fn(|request| answered(request, &arrivals));
    // A client that goes away in the middle is its own matter: it was not told that the message is here.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answering).await;
}

async fn answered(
    request: Request<Incoming>,
    arrivals: &Arrivals,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let speaker = request.headers().get("authorization").and_then(|said| said.to_str().ok());
    let known = path == "/token" || speaker == Some(&format!("Bearer {TOKEN}"));
    let body = Limited::new(request.into_body(), REQUEST_BYTES).collect().await;
    let body: Option<Value> = body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
    let (status, said) = match (known, path.as_str(), body) {
        (false, ..) => (401, json!({ "error": { "status": "UNAUTHENTICATED" } })),
        (_, "/token", _) => (200, json!({ "access_token": TOKEN, "expires_in": 3600 })),
        (_, path, Some(body)) => {
            took(path, &body, arrivals).unwrap_or((404, json!({ "error": "not taken" })))
        }
        _ => (400, json!({ "error": "no JSON" })),
    };
    let mut response = Response::new(Full::new(Bytes::from(said.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

/// What a provider answers to a message, which is handed over before; `None` of what is none.
fn took(path: &str, body: &Value, arrivals: &Arrivals) -> Option<(u16, Value)> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let keep = |channel, to: String, message: MessageId, id: &str, words: String, links: Vec<String>| {
        let letter =
            Letter { channel, message, id: id.to_owned(), to, words, pixel: None, links, unsubscribe: None };
        lock(arrivals).letters.push(letter);
    };
    match path {
        "/sms" => {
            let (to, words, message) = (text("/to"), text("/text"), text("/reference").parse().ok()?);
            let (id, links) = (format!("sms-{message}"), paths(&words, "/c/").collect());
            keep(Channel::Sms, to, message, &id, words, links);
            Some((202, json!({ "state": "queued", "id": id })))
        }
        "/v1/projects/demo/messages:send" => {
            let (to, message) = (text("/message/token"), text("/message/data/message_id").parse().ok()?);
            if to.ends_with(voice::GONE) {
                lock(arrivals).refused += 1;
                let detail = json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
                                     "errorCode": "UNREGISTERED" });
                let error = json!({ "code": 404, "status": "NOT_FOUND", "message": "Requested entity was not found.",
                                    "details": [detail] });
                return Some((404, json!({ "error": error })));
            }
            let words = [text("/message/notification/title"), text("/message/notification/body")].join("\n");
            let (id, url) = (format!("projects/demo/messages/{message}"), text("/message/data/url"));
            keep(Channel::Push, to, message, &id, words, paths(&url, "/c/").collect());
            Some((200, json!({ "name": id })))
        }
        _ if path == format!("/{VERSION}/{NUMBER}/messages") => {
            let message: MessageId = text("/biz_opaque_callback_data").parse().ok()?;
            let parts = body.pointer("/template/components").and_then(Value::as_array)?;
            let of = |kind: &str| {
                let parts = parts.iter().filter(|part| part["type"] == kind).collect::<Vec<_>>();
                let said =
                    parts.into_iter().flat_map(|part| part["parameters"].as_array().into_iter().flatten());
                said.filter_map(|one| one["text"].as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            let links = of("button").into_iter().map(|end| format!("/c/{end}")).collect();
            let (id, to) = (format!("wamid.{message}"), format!("+{}", text("/to")));
            keep(Channel::Whatsapp, to, message, &id, of("body").join("\n"), links);
            Some((
                200,
                json!({ "messaging_product": "whatsapp",
                               "messages": [{ "id": id, "message_status": "accepted" }] }),
            ))
        }
        _ => None,
    }
}

fn lock(arrivals: &Arrivals) -> MutexGuard<'_, Kept> {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner)
}
