//! Providers over HTTP: a request is made by a codec, told over connections that are kept, and its answer judged by the
//! same codec.
//!
//! What failed before a connection stood was not delivered; whatever failed after that is unknown, since the provider may
//! have read it. Redirects are not followed: a message belongs to whom it was meant for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use journeyman_channels::Verdict;
use journeyman_channels::codec::{self, Codec, Content};
use journeyman_channels::http::{ANSWER_BYTES, Method, Request, Response};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, redirect};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take unless said.
pub const ANSWER: Duration = Duration::from_secs(30);
/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(60);
/// How long a failure to get leave is remembered: each message would ask again.
const REFUSED: Duration = Duration::from_secs(5);

/// A client that speaks to whom it is told, and to nobody else.
pub(crate) fn client(
    answer: Duration,
    connections: usize,
    also: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        // Whom we speak to says the configuration, and nothing of the environment.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT.min(answer))
        .timeout(answer)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(connections)
        .user_agent(concat!("journeyman/", env!("CARGO_PKG_VERSION")));
    also(builder).build().map_err(|error| Error::Client(innermost(&error)))
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// TLS could not be set up on our side.
    #[error("TLS: {0}")]
    Tls(String),
    /// The client could not be made.
    #[error("HTTP: {0}")]
    Client(String),
}

/// The way to one provider. Cloned, it is the same: connections and leave are shared.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    client: Client,
    codec: Arc<dyn Codec>,
    permit: Mutex<Held>,
}

/// Leave to speak, until when.
enum Held {
    None,
    Given { token: String, until: Instant },
    Refused { verdict: Verdict, until: Instant },
}

/// What became of a request without an answer.
pub(crate) enum Lost {
    /// It never left.
    Unsent(String),
    /// It may have been read.
    Unknown(String),
}

impl Sender {
    /// A way to the provider of `codec`. `connections`: how many are kept; `answer`: how long one may take.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(codec: Arc<dyn Codec>, connections: usize, answer: Duration) -> Result<Self, Error> {
        let client = client(answer, connections, |builder| builder)?;
        Ok(Self(Arc::new(Inner { client, codec, permit: Mutex::new(Held::None) })))
    }

    /// Its codec: for what the provider tells us.
    pub fn codec(&self) -> &Arc<dyn Codec> {
        &self.0.codec
    }

    /// Tells the provider of a message. `now`: seconds since 1970, of the attempt.
    pub async fn send(&self, content: &Content, now: i64) -> Verdict {
        let codec = self.0.codec.as_ref();
        let permit = match self.permit(now).await {
            Ok(permit) => permit,
            Err(verdict) => return verdict,
        };
        let request = match codec.request(content, permit.as_deref(), now) {
            Ok(request) => request,
            Err(refusal) => return refusal.into(),
        };
        let verdict = match ask(&self.0.client, request, None).await {
            Ok(response) => {
                // Leave that is taken back is asked for again.
                if permit.is_some() && response.status == 401 {
                    *self.0.permit.lock().await = Held::None;
                }
                codec.judge(&response)
            }
            Err(lost) => lost.into(),
        };
        codec::settled(codec, verdict)
    }

    /// Asks whether the provider takes our credentials, and sends nothing: `Ok(true)` where it does, `Ok(false)` where it can't be
    /// asked. `now`: seconds since 1970.
    ///
    /// # Errors
    /// What it said, in words without addresses.
    pub async fn probe(&self, now: i64) -> Result<bool, String> {
        let permit = self.permit(now).await.map_err(|verdict| match verdict {
            Verdict::Rejected { detail, .. } => detail,
            Verdict::Retry { reason, .. } | Verdict::Unknown { reason } => reason,
            Verdict::Accepted { .. } => "it gave no leave to speak".to_owned(),
        })?;
        let Some(request) = self.0.codec.probe() else { return Ok(permit.is_some()) };
        match ask(&self.0.client, request, None).await {
            Ok(response) if response.is_fine() => Ok(true),
            Ok(response) => Err(response.words()),
            Err(Lost::Unsent(reason) | Lost::Unknown(reason)) => Err(reason),
        }
    }

    /// Leave to speak, asked for once however many wait for it.
    async fn permit(&self, now: i64) -> Result<Option<String>, Verdict> {
        let mut held = self.0.permit.lock().await;
        let moment = Instant::now();
        match &*held {
            Held::Given { token, until } if *until > moment => return Ok(Some(token.clone())),
            Held::Refused { verdict, until } if *until > moment => return Err(verdict.clone()),
            _ => {}
        }
        let Some(request) = self.0.codec.permit(now).map_err(Verdict::from)? else { return Ok(None) };
        let given = match ask(&self.0.client, request, None).await {
            Ok(response) => self.0.codec.permitted(&response),
            // Nothing of the message has left, whatever became of this.
            Err(Lost::Unsent(reason) | Lost::Unknown(reason)) => Err(Verdict::Retry {
                after: None,
                reason: format!("no leave to speak: {reason}"),
                host: true,
            }),
        };
        match given {
            Ok(permit) => {
                *held = Held::Given { token: permit.token.clone(), until: moment + permit.used() };
                Ok(Some(permit.token))
            }
            Err(verdict) => {
                *held = Held::Refused { verdict: verdict.clone(), until: moment + REFUSED };
                Err(verdict)
            }
        }
    }
}

/// Asks, and reads the answer; `within` where it may take less long than the client lets it.
pub(crate) async fn ask(
    client: &Client,
    request: Request,
    within: Option<Duration>,
) -> Result<Response, Lost> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let pair = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
        let Some((name, mut value)) = pair else {
            return Err(Lost::Unsent(format!("the header `{name}` can't stand in a request")));
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let mut asked = client.request(method, &request.url).headers(headers).body(request.body);
    if let Some(within) = within {
        asked = asked.timeout(within);
    }
    let mut answer = asked.send().await.map_err(|error| Lost::of(&error))?;
    let status = answer.status().as_u16();
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = answer.headers().iter().filter_map(header).collect();
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // A status of failure is believed without the rest of its words; one of success is not.
            Err(error) if (200..300).contains(&status) => return Err(Lost::Unknown(innermost(&error))),
            Err(_) => break,
        }
    }
    body.truncate(ANSWER_BYTES);
    Ok(Response { status, headers, body })
}

impl Lost {
    fn of(error: &reqwest::Error) -> Self {
        let words = innermost(error);
        if error.is_connect() || error.is_builder() { Self::Unsent(words) } else { Self::Unknown(words) }
    }
}

impl From<Lost> for Verdict {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Unsent(reason) => Self::Retry { after: None, reason, host: true },
            Lost::Unknown(reason) => Self::Unknown { reason },
        }
    }
}

/// What is at the bottom of an error: the words above it quote the address.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut at: &dyn std::error::Error = error;
    while let Some(source) = at.source() {
        at = source;
    }
    if std::ptr::addr_eq(at, error) { "the request failed".to_owned() } else { at.to_string() }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.0.codec.name()).finish()
    }
}

#[cfg(test)]
mod tests;
