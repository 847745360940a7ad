//! Calls of steps: to any host that the shop's journeys name, but for those of private networks unless they are allowed.
//!
//! A name is resolved once and the connection goes to what was looked at: a name that leads into a private network between a look
//! and a connection finds no way in. Redirects are not followed.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use journeyman_channels::call::{Asked, MessageId, judge, patience, request};
use journeyman_channels::webhook::Signer;
use journeyman_channels::{Reason, Verdict};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::http::{Error, Lost, ask, client};

/// Where the secrets are that calls are signed with: the environment of the process, by their names.
pub type Secrets = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The way to the shop's own systems. Cloned, it is the same.
#[derive(Clone)]
pub struct Caller(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    allowed: Arc<BTreeSet<String>>,
    /// Outside production only those are called that are allowed.
    production: bool,
    secrets: Secrets,
}

impl Caller {
    /// A way. `allowed`: hosts, in small letters, that may be of a private network, and outside production the only ones.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(allowed: BTreeSet<String>, production: bool, secrets: Secrets) -> Result<Self, Error> {
        let allowed = Arc::new(allowed);
        let guard = Arc::new(Guard(allowed.clone()));
        let client =
            client(journeyman_channels::call::ATTEMPT, CONNECTIONS, |builder| builder.dns_resolver(guard))?;
        Ok(Self(Arc::new(Inner { client, allowed, production, secrets })))
    }

    /// Asks once. `now`: seconds since 1970, of the attempt.
    ///
    /// # Errors
    /// What became of the call, where that is no answer.
    pub async fn call(&self, asked: &Asked, message: MessageId, now: i64) -> Result<String, Verdict> {
        let never = |detail: &str| {
            Err(Verdict::Rejected { reason: Reason::Unsendable, detail: detail.to_owned(), suppress: false })
        };
        let inner = &self.0;
        let Ok(url) = Url::parse(&asked.url) else { return never("the address is none") };
        let Some(host) = url.host_str().map(str::to_ascii_lowercase) else { return never("no host") };
        let allowed = inner.allowed.contains(&host);
        if !inner.production && !allowed {
            return never("outside production only hosts that `calls.allow` names are called");
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let (Ok(ip), false) = (literal, allowed)
            && is_private(ip)
        {
            return never(PRIVATE);
        }
        let signer = match &asked.secret {
            None => None,
            Some(name) => match (inner.secrets)(name).map(|secret| Signer::new(&[secret])) {
                Some(Ok(signer)) => Some(signer),
                Some(Err(_)) => return never("the secret is no whsec_ and base64 of 24 to 64 bytes"),
                None => return never("the secret is not in the environment"),
            },
        };
        let request = request(asked, message, signer.as_ref(), now);
        match ask(&inner.client, request, Some(patience(asked))).await {
            Ok(response) => judge(&response),
            Err(Lost::Unsent(words)) if words == PRIVATE => never(PRIVATE),
            // Whether it was read or not: it is known by its id there, and may be asked again.
            Err(Lost::Unsent(reason) | Lost::Unknown(reason)) => {
                Err(Verdict::Retry { after: None, reason, host: true })
            }
        }
    }
}

/// How many connections to one host are kept.
const CONNECTIONS: usize = 20;
const PRIVATE: &str = "the address is of a private network, and `calls.allow` does not name its host";

/// Resolves names, but not into private networks.
struct Guard(Arc<BTreeSet<String>>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.contains(&name.as_str().to_ascii_lowercase());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !allowed && found.iter().any(|address| is_private(address.ip())) {
                return Err(PRIVATE.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is this machine's, of a private network, or of nobody: RFC 1918, 6598, 3927, 4193, 4291 and what else is
/// not of the internet.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b))
        }
        IpAddr::V6(ip) => {
            // An IPv4 address in the clothes of the other is what it is: mapped, compatible, translated (RFC 6052), 6to4.
            let [a, b, ..] = ip.segments();
            let octets = ip.octets();
            let last = IpAddr::from([octets[12], octets[13], octets[14], octets[15]]);
            let within = match (a, b) {
                (0, 0) if ip.segments()[2..5] == [0, 0, 0] => Some(last),
                (0x64, 0xff9b) => Some(last),
                (0x2002, _) => Some(IpAddr::from([octets[2], octets[3], octets[4], octets[5]])),
                _ => None,
            };
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || (a & 0xfe00) == 0xfc00
                || (a & 0xffc0) == 0xfe80
                || (a == 0x2001 && b == 0xdb8)
                || within.is_some_and(is_private)
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("allowed", &self.0.allowed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
