//! How the daemon speaks to the world: relays, keys of signatures and links, and what holds messages back outside
//! production.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use journeyman_channels::phone;
use journeyman_domain::link::KeyRing;
use journeyman_domain::plan::{Channel, Stream};
use serde::Deserialize;

use super::providers::{Provider, WrittenPush, WrittenSms, WrittenWebhook, WrittenWhatsapp};
use super::{Environment, Error};

/// The key of an installation for development that names none: whoever can read this program can forge its links.
const DEV_LINK_KEY: &[u8] = b"journeyman development links";

/// Everything about channels. Holds secrets: no `Debug`.
#[derive(Clone)]
pub struct Channels {
    /// How mail is sent; `None` sends none.
    pub email: Option<Email>,
    /// The providers that are spoken to over HTTP, one a channel.
    pub http: BTreeMap<Channel, Provider>,
    /// Where providers reach this daemon: `https://hooks.shop.example`. `None` has them report nothing.
    pub reports: Option<String>,
    /// The keys of tracked links, and whether they are development's own.
    pub links: KeyRing,
    /// Whether the links' key is the one everybody knows.
    pub links_for_development: bool,
    /// Outside production: whom everything goes to instead, by channel.
    pub redirect_all_to: BTreeMap<Channel, String>,
    /// Outside production: addresses, or domains of them, that are written to all the same.
    pub allow_only: Vec<String>,
}

/// How mail is sent.
#[derive(Clone)]
pub struct Email {
    /// The relay of each stream; often one for both.
    pub relays: BTreeMap<Stream, Relay>,
    /// The domain to which bounces return: `b-…@` it. `None` has them return to the sender.
    pub bounces: Option<String>,
    /// Keys that mail is signed with, by domain.
    pub dkim: Vec<Dkim>,
    /// Whether messages wait for somebody where nobody knows whether they have left: marketing, transactional.
    pub hold_unknown: (bool, bool),
}

/// A server that takes mail.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port; 587 with STARTTLS, 465 with TLS from the start, 25 without.
    pub port: Option<u16>,
    /// How the connection is secured.
    #[serde(default)]
    pub tls: Tls,
    /// Who we are there.
    pub user: Option<String>,
    /// `$NAME` of a variable, or the password.
    pub password: Option<String>,
    /// How many connections are open at most.
    #[serde(default = "connections")]
    pub connections: usize,
    /// At most so many messages: `500 per 1m`.
    pub rate: Option<String>,
    /// What we call ourselves in EHLO; this machine's name unless said.
    pub hello: Option<String>,
    /// A certificate authority of one's own, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long one answer may take, `60s`.
    pub timeout: Option<String>,
}

/// How a connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all: a relay on this machine.
    None,
    /// Begun in the clear, then secured; never sent without.
    #[default]
    Starttls,
    /// From the first byte.
    Implicit,
}

/// A key that mail of a domain is signed with.
#[derive(Clone)]
pub struct Dkim {
    /// Of which domain.
    pub domain: String,
    /// Under which selector its public half stands in DNS.
    pub selector: String,
    /// The private half, PEM.
    pub pem: String,
}

fn connections() -> usize {
    20
}

/// The most connections to one relay.
pub(super) const CONNECTIONS: usize = 1_000;

/// As it is written under `channels`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    email: Option<WrittenEmail>,
    sms: Option<WrittenSms>,
    push: Option<WrittenPush>,
    whatsapp: Option<WrittenWhatsapp>,
    webhook: Option<WrittenWebhook>,
    reports: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEmail {
    smtp: WrittenSmtp,
    bounces: Option<String>,
    #[serde(default)]
    dkim: Vec<WrittenDkim>,
    #[serde(default)]
    on_unknown: OnUnknown,
}

/// One relay, or one for each stream. Not two forms to be tried: what is wrong in one of them would be told of neither.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenSmtp {
    marketing: Option<Relay>,
    transactional: Option<Relay>,
    host: Option<String>,
    port: Option<u16>,
    tls: Option<Tls>,
    user: Option<String>,
    password: Option<String>,
    connections: Option<usize>,
    rate: Option<String>,
    hello: Option<String>,
    ca_file: Option<PathBuf>,
    timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDkim {
    domain: String,
    selector: String,
    key: Option<String>,
    key_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnUnknown {
    marketing: Option<Unknown>,
    transactional: Option<Unknown>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unknown {
    Hold,
    Resend,
}

/// `links`, as far as it is the daemon's: the rest is the shop's, and deployed.
#[derive(Default, Deserialize)]
pub(super) struct WrittenLinks {
    #[serde(default)]
    keys: BTreeMap<u8, String>,
}

/// Everything about channels that a file says.
pub(super) struct File {
    pub(super) channels: Option<Written>,
    pub(super) links: Option<WrittenLinks>,
    pub(super) redirect_all_to: BTreeMap<String, String>,
    pub(super) allow_only: Vec<String>,
}

impl Channels {
    pub(super) fn read(
        file: File,
        environment: Environment,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let written = file.channels.unwrap_or_default();
        let email = written.email.map(|email| email.read(variable)).transpose()?;
        let reports = written.reports.map(|url| super::providers::reports(&url)).transpose()?;
        let providers = [
            written.sms.map(|sms| sms.read(reports.as_deref(), variable)),
            written.push.map(|push| push.read(variable)),
            written.whatsapp.map(|whatsapp| whatsapp.read(variable)),
            written.webhook.map(|webhook| webhook.read(variable)),
        ];
        let mut http = BTreeMap::new();
        for provider in providers.into_iter().flatten() {
            let provider = provider?;
            http.insert(provider.codec.channel(), provider);
        }
        let (links, links_for_development) = keys(file.links.unwrap_or_default(), environment, variable)?;
        let sends = email.is_some() || !http.is_empty();
        if environment == Environment::Production && links_for_development && sends {
            let message = "there are none, and messages need links that nobody can forge; make one of chance \
                           (openssl rand -hex 32), put it into a variable and write 1: $NAME";
            return Err(fault("links.keys", message));
        }
        let mut redirect_all_to = BTreeMap::new();
        for (channel, address) in file.redirect_all_to {
            let name = format!("redirect_all_to.{channel}");
            let channel: Channel = channel.parse().map_err(|()| {
                let known: Vec<&str> = Channel::SPOKEN.iter().map(|channel| channel.name()).collect();
                fault(&name, format!("`{channel}` is no channel; write one of {}", known.join(", ")))
            })?;
            let address = match channel {
                Channel::Email => mail_address(&name, &address).map(|()| address)?,
                Channel::Sms | Channel::Whatsapp => {
                    phone::checked("number", &address).map_err(|refusal| fault(&name, refusal.detail))?
                }
                Channel::Push => address,
                Channel::InApp | Channel::Webhook | Channel::Inbox | Channel::Call => {
                    let message = "what goes by this channel has no address that another could take the place of; leave it out";
                    return Err(fault(&name, message));
                }
            };
            redirect_all_to.insert(channel, address);
        }
        for allowed in &file.allow_only {
            let domain = allowed.rsplit_once('@').map_or(allowed.as_str(), |(_, domain)| domain);
            if domain.is_empty() || domain.contains(char::is_whitespace) {
                let message = format!("`{allowed}` is neither a domain nor an address");
                return Err(fault("allow_only", message));
            }
        }
        let allow_only = file.allow_only.iter().map(|allowed| allowed.to_lowercase()).collect();
        Ok(Self { email, http, reports, links, links_for_development, redirect_all_to, allow_only })
    }
}

impl WrittenEmail {
    fn read(self, variable: &impl Fn(&str) -> Option<String>) -> Result<Email, Error> {
        let relay = |name: &str, relay: Relay| relay.read(&format!("channels.email.smtp{name}"), variable);
        let relays = match self.smtp.relays()? {
            (one, None) => {
                let relay = relay("", one)?;
                [(Stream::Marketing, relay.clone()), (Stream::Transactional, relay)].into()
            }
            (marketing, Some(transactional)) => [
                (Stream::Marketing, relay(".marketing", marketing)?),
                (Stream::Transactional, relay(".transactional", transactional)?),
            ]
            .into(),
        };
        if let Some(domain) = &self.bounces {
            mail_address("channels.email.bounces", &format!("b@{domain}"))?;
        }
        let dkim = self.dkim.into_iter().enumerate().map(|(nth, dkim)| {
            let place = format!("channels.email.dkim[{nth}]");
            let pem = match (dkim.key, dkim.key_file) {
                (Some(key), None) => secret(&place, key, variable)?,
                (None, Some(file)) => std::fs::read_to_string(&file)
                    .map_err(|error| fault(&place, format!("can't read {}: {error}", file.display())))?,
                _ => {
                    let message = "write `key: $NAME` of a variable that holds the PEM, or `key_file: PATH`";
                    return Err(fault(&place, message));
                }
            };
            Ok(Dkim { domain: dkim.domain.to_lowercase(), selector: dkim.selector, pem })
        });
        let hold = |unknown: Option<Unknown>, default| unknown.unwrap_or(default) == Unknown::Hold;
        Ok(Email {
            relays,
            bounces: self.bounces,
            dkim: dkim.collect::<Result<_, Error>>()?,
            hold_unknown: (
                hold(self.on_unknown.marketing, Unknown::Hold),
                hold(self.on_unknown.transactional, Unknown::Resend),
            ),
        })
    }
}

impl WrittenSmtp {
    /// The relay of all mail; or that of marketing, and that of the rest.
    fn relays(self) -> Result<(Relay, Option<Relay>), Error> {
        let place = "channels.email.smtp";
        match (self.marketing, self.transactional, self.host) {
            (None, None, Some(host)) => {
                let one = Relay {
                    host,
                    port: self.port,
                    tls: self.tls.unwrap_or_default(),
                    user: self.user,
                    password: self.password,
                    connections: self.connections.unwrap_or_else(connections),
                    rate: self.rate,
                    hello: self.hello,
                    ca_file: self.ca_file,
                    timeout: self.timeout,
                };
                Ok((one, None))
            }
            (Some(marketing), Some(transactional), None) => Ok((marketing, Some(transactional))),
            (None, None, None) => {
                Err(fault(place, "write `host`, or a relay each below `marketing` and `transactional`"))
            }
            (Some(_), Some(_), Some(_)) => Err(fault(
                place,
                "a `host` for all mail and one for each stream are one too many; leave one out",
            )),
            (marketing, ..) => {
                let missing = if marketing.is_some() { "transactional" } else { "marketing" };
                Err(fault(place, format!("write `{missing}` beside the other, or one `host` for all mail")))
            }
        }
    }
}

impl Relay {
    fn read(mut self, place: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        if self.host.trim().is_empty() || self.host.contains(char::is_whitespace) {
            return Err(fault(&format!("{place}.host"), "write the relay's name or address"));
        }
        if !(1..=CONNECTIONS).contains(&self.connections) {
            let message = format!("write a number from 1 to {CONNECTIONS}");
            return Err(fault(&format!("{place}.connections"), message));
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(fault(place, "`user` and `password` belong together"));
        }
        self.password = self
            .password
            .map(|password| secret(&format!("{place}.password"), password, variable))
            .transpose()?;
        // Said here, where it stands, and not when the first message leaves.
        self.allowed(place)?;
        self.answers_within(place)?;
        Ok(self)
    }

    /// The port, as written or as usual.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::None => 25,
            Tls::Starttls => 587,
            Tls::Implicit => 465,
        })
    }

    /// The rate: how many in how long.
    ///
    /// # Errors
    /// Where what is written is no rate.
    pub fn allowed(&self, place: &str) -> Result<Option<(u32, Duration)>, Error> {
        self.rate.as_deref().map(|text| rate(place, text)).transpose()
    }

    /// How long one answer may take.
    ///
    /// # Errors
    /// Where what is written is no length of time.
    pub fn answers_within(&self, place: &str) -> Result<Option<Duration>, Error> {
        let Some(text) = &self.timeout else { return Ok(None) };
        duration(text).map(Some).ok_or_else(|| {
            fault(&format!("{place}.timeout"), format!("`{text}` is no length of time; write `60s`"))
        })
    }
}

/// `500 per 1m`: how many in how long.
pub(super) fn rate(place: &str, text: &str) -> Result<(u32, Duration), Error> {
    let parsed = text.split_once(" per ").and_then(|(count, per)| {
        let count: u32 = count.trim().parse().ok().filter(|count| *count > 0)?;
        Some((count, duration(per)?))
    });
    parsed.ok_or_else(|| fault(&format!("{place}.rate"), format!("`{text}` is no rate; write `500 per 1m`")))
}

/// `60s`, `1m`, `2h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    (count > 0).then(|| count.checked_mul(unit).map(Duration::from_secs)).flatten()
}

fn keys(
    links: WrittenLinks,
    environment: Environment,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(KeyRing, bool), Error> {
    let for_development = links.keys.is_empty();
    let mut keys = Vec::new();
    for (id, key) in links.keys {
        let place = format!("links.keys.{id}");
        if environment == Environment::Production && !key.starts_with('$') {
            return Err(fault(&place, "a key does not belong into a file; write $NAME of a variable"));
        }
        keys.push((id, secret(&place, key, variable)?.into_bytes()));
    }
    if for_development {
        keys.push((0, DEV_LINK_KEY.to_vec()));
    }
    let ring = KeyRing::new(keys).map_err(|error| fault("links.keys", error.to_string()))?;
    Ok((ring, for_development))
}

/// A secret: `$NAME` is read from the environment.
pub(super) fn secret(
    place: &str,
    written: String,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<String, Error> {
    match written.strip_prefix('$') {
        None => Ok(written),
        Some(name) => {
            variable(name).ok_or_else(|| fault(place, format!("the variable {name} is not set; set it")))
        }
    }
}

fn mail_address(place: &str, address: &str) -> Result<(), Error> {
    let parts = address.rsplit_once('@').filter(|(left, domain)| !left.is_empty() && !domain.is_empty());
    let plain = address.chars().all(|character| character.is_ascii_graphic());
    if parts.is_some() && plain && address.len() <= 254 {
        return Ok(());
    }
    Err(fault(place, format!("`{address}` is no mail address")))
}

pub(super) fn fault(name: &str, message: impl Into<String>) -> Error {
    Error::Value { name: name.to_owned(), message: message.into() }
}
