//! Whether the links of messages lead to a daemon.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use journeyman_domain::plan::Links;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Finding, Health};
use crate::told;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A link that nobody signed: a daemon says that there is no such thing.
const UNSIGNED: &str = "/o/doctor";

/// Asks the domain of links.
pub(super) async fn look(links: &Links) -> Finding {
    look_from(links, known()).await
}

/// The roots that mail programs and browsers know.
fn known() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

async fn look_from(links: &Links, roots: RootCertStore) -> Finding {
    let Some(domain) = links.domain.as_deref() else {
        let what = "links lead to the daemon's own address, which customers can't reach";
        return Finding::new(
            Health::Look,
            "links",
            what,
            "write links.domain, and let it lead to the public listener",
        );
    };
    let base = if domain.contains("://") { domain.to_owned() } else { format!("https://{domain}") };
    let asked = tokio::time::timeout(PATIENCE, ask(&base, roots)).await;
    let found = match asked {
        Ok(Ok(answer)) => said(&base, &answer),
        Ok(Err(error)) => {
            let todo = "let it lead to the public listener, with a certificate of its name";
            Finding::new(Health::Broken, "links", format!("{base} can't be reached: {}", told(&error)), todo)
        }
        Err(_) => Finding::new(
            Health::Broken,
            "links",
            format!("{base} did not answer within {} s", PATIENCE.as_secs()),
            "let it lead to the public listener",
        ),
    };
    match found.health {
        Health::Ok if base.starts_with("http://") => {
            let what = format!("{base}: mail programs warn of links without https");
            Finding::new(
                Health::Look,
                "links",
                what,
                "put a proxy with a certificate before the public listener",
            )
        }
        _ => found,
    }
}

fn said<T>(base: &str, answer: &Response<T>) -> Finding {
    let ours =
        answer.status() == hyper::StatusCode::NOT_FOUND && answer.headers().contains_key("x-robots-tag");
    if ours {
        return Finding::ok("links", format!("{base} leads to a daemon"));
    }
    let what = format!("{base} leads to something else, which answered {}", answer.status().as_u16());
    Finding::new(Health::Broken, "links", what, "let it lead to the public listener, with paths as they are")
}

async fn ask(base: &str, roots: RootCertStore) -> anyhow::Result<Response<hyper::body::Incoming>> {
    let uri: Uri = format!("{base}{UNSIGNED}").parse()?;
    let host = uri.host().context("no host")?.to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let bare = host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((bare, port)).await?;
    if !secure {
        return get(stream, &uri, &host).await;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(bare.to_owned())?;
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await?;
    get(stream, &uri, &host).await
}

async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &Uri,
    host: &str,
) -> anyhow::Result<Response<hyper::body::Incoming>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path();
    let request = Request::get(path)
        .header("host", uri.authority().map_or(host, |authority| authority.as_str()))
        .header("user-agent", concat!("journeyman/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())?;
    let driven = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    driven.abort();
    match answer {
        Ok(answer) => Ok(answer),
        Err(error) => bail!("it answers no HTTP: {error}"),
    }
}

#[cfg(test)]
mod tests;
