//! Where mail is handed over, and how.

use std::sync::Arc;
use std::time::Duration;

use journeyman_channels::smtp;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;

use super::Error;

/// How a connection is hidden. There is none that uses TLS only where the server offers it: whoever stands
/// between could take the offer away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: for a relay on this machine or in a closed net.
    None,
    /// Begins in the clear; without STARTTLS nothing is sent.
    Starttls,
    /// From the first byte, usually on port 465.
    Implicit,
}

/// Who we are to the relay. A secret: no `Debug`.
#[derive(Clone)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For each address of the host to be reached.
    pub connect: Duration,
    /// For the whole answer to a command, and for a handshake of TLS.
    pub command: Duration,
    /// For the server to take all of a mail's lines.
    pub body: Duration,
    /// For the answer to the final dot: the server may be at work on the mail, and whoever hangs up early
    /// gets it sent twice (RFC 5321 4.5.3.2.6).
    pub dot: Duration,
    /// For all of it together, so that no server holds a message by answering slowly, command by command.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            command: seconds(60),
            body: seconds(180),
            dot: seconds(600),
            total: seconds(900),
        }
    }
}

/// A host that takes mail. Holds a secret: no `Debug`.
#[derive(Clone)]
pub struct Relay {
    /// Its name or number.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is hidden.
    pub tls: Tls,
    /// Who we are, where it asks.
    pub login: Option<Login>,
    /// The most connections at once.
    pub connections: usize,
    /// After so many messages a connection is closed.
    pub messages_per_connection: u32,
    /// After so long without a message too.
    pub idle: Duration,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// What we call ourselves.
    pub hello_name: String,
    /// A root that is trusted besides those of the web, in PEM: for a CA of one's own.
    pub ca: Option<String>,
}

impl Relay {
    /// A relay with everything else at its default: 20 connections of 100 messages each, closed after 30 s
    /// without one.
    pub fn new(host: impl Into<String>, port: u16, tls: Tls) -> Self {
        Self {
            host: host.into(),
            port,
            tls,
            login: None,
            connections: 20,
            messages_per_connection: 100,
            idle: Duration::from_secs(30),
            timeouts: Timeouts::default(),
            hello_name: "localhost".into(),
            ca: None,
        }
    }
}

/// A relay, checked, with what every connection to it needs.
pub(super) struct Checked {
    pub(super) relay: Relay,
    pub(super) ehlo: String,
    pub(super) secure: Option<(TlsConnector, ServerName<'static>)>,
}

impl Checked {
    pub(super) fn new(relay: Relay) -> Result<Self, Error> {
        if relay.connections == 0 || relay.messages_per_connection == 0 {
            return Err(Error::NoConnections);
        }
        let ehlo = smtp::ehlo(&relay.hello_name).ok_or(Error::BadHelloName)?;
        let here = matches!(relay.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if relay.login.is_some() && relay.tls == Tls::None && !here {
            return Err(Error::PasswordInTheClear);
        }
        let secure = match relay.tls {
            Tls::None => None,
            Tls::Starttls | Tls::Implicit => {
                let name = ServerName::try_from(relay.host.clone()).map_err(|_| Error::BadHost)?;
                Some((connector(relay.ca.as_deref())?, name))
            }
        };
        Ok(Self { relay, ehlo, secure })
    }
}

fn connector(ca: Option<&str>) -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = ca {
        let mut found = 0;
        for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(root.map_err(|_| Error::BadCa)?).map_err(|_| Error::BadCa)?;
            found += 1;
        }
        if found == 0 {
            return Err(Error::BadCa);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
