//! The way out of these benches: one relay, the sink.

use std::net::SocketAddr;
use std::sync::Arc;

use journeyman_channels::email::dkim;
use journeyman_delivery::smtp;
use journeyman_domain::plan::Stream;
use journeyman_engine::outlet::{Email, Outlet, Relay};

use crate::bench::nowhere;

/// The domain of the senders, and of the signatures.
const DOMAIN: &str = "mail.shop.example";

/// Whether mail is signed, and with what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Dkim {
    /// Not at all.
    #[default]
    Off,
    /// With Ed25519.
    Ed25519,
    /// With RSA of 2048 bits.
    Rsa,
}

impl Dkim {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        }
    }

    /// Keys that everybody knows.
    fn keys(self) -> anyhow::Result<Arc<[dkim::Key]>> {
        let pem = match self {
            Self::Off => return Ok(Arc::from([])),
            Self::Ed25519 => include_str!("../../../../channels/src/dkim/samples/ed25519-rfc8463.pem"),
            Self::Rsa => include_str!("../../../../channels/src/dkim/samples/rsa-pkcs8.pem"),
        };
        Ok(Arc::from([dkim::Key::from_pem(DOMAIN, "bench", pem)?]))
    }
}

/// An outlet in production whose only relay is the sink.
pub(super) fn outlet(sink: SocketAddr, connections: usize, dkim: Dkim) -> anyhow::Result<Outlet> {
    let mut host = smtp::Relay::new(sink.ip().to_string(), sink.port(), smtp::Tls::None);
    host.connections = connections;
    let pool = smtp::Pool::new(host)?;
    let relay = Relay { name: sink.to_string().into(), pool, connections, allowed: None };
    let email = Email {
        relays: [(Stream::Marketing, relay.clone()), (Stream::Transactional, relay)].into(),
        bounces: Some("bounces.shop.example".into()),
        dkim: dkim.keys()?,
    };
    Ok(Outlet { production: true, email: Some(email), ..nowhere()? })
}
