//! What shoppers reach the shop with: HTTP over a real socket.

use std::net::SocketAddr;

use anyhow::Context as _;
use base64::Engine as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::phones::Report;
use crate::config::DEV_KEY;

/// A browser of today; a request without a name is a machine's.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// One connection, opened when it is needed. One request at a time: what comes first is there first.
pub(super) struct Browser {
    address: SocketAddr,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Browser {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// Sends a batch of the tracking form; answers how many of its messages were taken as new.
    ///
    /// # Errors
    /// Where not all of them were.
    pub(super) async fn track(&mut self, batch: String) -> anyhow::Result<u64> {
        let key = authorization();
        let headers = [("content-type", "application/json"), ("authorization", key.as_str())];
        let (status, said) = self.ask(Method::POST, "/v1/batch", &headers, batch).await?;
        let said = String::from_utf8_lossy(&said).into_owned();
        anyhow::ensure!(status == StatusCode::OK, "the door answered {status}: {said}");
        let answer: serde_json::Value = serde_json::from_str(&said).context("the door's answer")?;
        let faults = answer.get("errors").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        anyhow::ensure!(faults == 0, "the door did not take all of a batch: {said}");
        answer.get("accepted").and_then(serde_json::Value::as_u64).context("the door's answer counts nothing")
    }

    /// Loads something.
    ///
    /// # Errors
    /// Where it is not there.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<()> {
        let headers = [("accept", "*/*"), ("accept-language", "de,en;q=0.8")];
        let (status, _) = self.ask(Method::GET, path, &headers, String::new()).await?;
        anyhow::ensure!(status.is_success() || status.is_redirection(), "{path} was answered {status}");
        Ok(())
    }

    /// Sends a form.
    ///
    /// # Errors
    /// Where it is not taken.
    pub(super) async fn post(&mut self, path: &str, form: &str) -> anyhow::Result<()> {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (status, _) = self.ask(Method::POST, path, &headers, form.to_owned()).await?;
        anyhow::ensure!(status.is_success() || status.is_redirection(), "{path} was answered {status}");
        Ok(())
    }

    /// Tells what a provider tells.
    ///
    /// # Errors
    /// Where it is not taken.
    pub(super) async fn report(&mut self, report: Report) -> anyhow::Result<()> {
        let Report { path, header, signature, body } = report;
        let headers = [("content-type", "application/json"), (header, signature.as_str())];
        let (status, said) = self.ask(Method::POST, path, &headers, body).await?;
        anyhow::ensure!(
            status == StatusCode::OK,
            "{path} was answered {status}: {}",
            String::from_utf8_lossy(&said)
        );
        Ok(())
    }

    /// Tells what the shop sells; all of it has to be taken.
    ///
    /// # Errors
    /// Where it is not.
    pub(super) async fn sells(&mut self, items: String) -> anyhow::Result<()> {
        let key = authorization();
        let headers = [("content-type", "application/json"), ("authorization", key.as_str())];
        let (status, said) = self.ask(Method::POST, "/v1/catalog/items", &headers, items).await?;
        let answer: serde_json::Value = serde_json::from_slice(&said).context("the catalog's answer")?;
        let taken = status == StatusCode::OK && answer["errors"].as_array().is_some_and(Vec::is_empty);
        anyhow::ensure!(taken, "the catalog answered {status}: {answer}");
        Ok(())
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        // The names that links bear all lead to this daemon, as the shop's DNS would have it.
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", self.address.to_string()).header("user-agent", AGENT);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let connection = self.connection().await?;
        let answer = connection.send_request(request).await.context("the daemon closed the connection")?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    async fn connection(&mut self) -> anyhow::Result<&mut SendRequest<Full<Bytes>>> {
        let open = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !open {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        self.connection.as_mut().context("no connection")
    }
}

/// The key of development, as basic authentication has it.
fn authorization() -> String {
    let key = base64::engine::general_purpose::STANDARD.encode(format!("{DEV_KEY}:"));
    format!("Basic {key}")
}
