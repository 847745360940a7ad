//! The ingest door in this process, on a free port.

use std::sync::Arc;

use journeyman_api::ingest::{Limits, WriteKeys};
use journeyman_api::{Ingest, public, server};
use journeyman_cli::SystemClock;
use journeyman_domain::{ShopClock as _, ShopTime};
use journeyman_engine::Doorbell;
use journeyman_store::{Limits as Connections, connect};
use reqwest::RequestBuilder;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::postgres::Database;

/// The write key every door of the tests takes.
pub const KEY: &str = "wk_test";

pub fn now() -> ShopTime {
    SystemClock.now()
}

pub struct Door {
    pub url: String,
    pub bell: Doorbell,
    pub ingest: Arc<Ingest>,
    http: reqwest::Client,
    stop: CancellationToken,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Door {
    pub async fn open(database: &Database) -> Self {
        Self::with(&database.options, Limits::DEFAULT).await
    }

    pub async fn with(options: &PgConnectOptions, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let bell = Doorbell::default();
        let wake = {
            let bell = bell.clone();
            Arc::new(move |shards| bell.ring(shards))
        };
        let pool = connect(options, Connections::INGEST);
        let keys = WriteKeys::new([("web", KEY)]);
        let ingest = Ingest::start(pool, keys, Arc::new(SystemClock), wake, limits);
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(listener, public(ingest.clone()), stop.clone()));
        Self { url, bell, ingest, http: client(), stop }
    }

    /// A request with the tests' key, to be given a body.
    pub fn request(&self, path: &str) -> RequestBuilder {
        self.bare(path).basic_auth(KEY, Some(""))
    }

    /// A request without a key.
    pub fn bare(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json")
    }

    /// Posts a body with the tests' key.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        answer(self.request(path).body(body)).await
    }

    /// Posts and asserts 200.
    pub async fn take(&self, path: &str, body: impl Into<reqwest::Body>) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The tests' clients. TLS by ring, as everywhere here; reqwest takes none by itself.
pub fn builder() -> reqwest::ClientBuilder {
    // The first one installs it; that it is there is all the others need.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

/// A client that never goes through a proxy of the machine's.
pub fn client() -> reqwest::Client {
    builder().build().expect("a client")
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after");
    let retry_after = header.map(|value| value.to_str().expect("text").to_owned());
    let body = response.bytes().await.expect("a body");
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
    Answer { status, retry_after, body }
}

/// A batch of messages, one a line, as a body.
pub fn batch(messages: &[String]) -> String {
    format!(r#"{{"batch":[{}]}}"#, messages.join(","))
}

/// A track message.
pub fn track(message_id: &str, user: &str) -> String {
    format!(r#"{{"type":"track","event":"Product Viewed","userId":"{user}","messageId":"{message_id}"}}"#)
}
