//! From the configuration to the way out: the same for the daemon and for a test.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use journeyman_channels::email::dkim;
use journeyman_channels::smtp::ehlo;
use journeyman_delivery::call::Caller;
use journeyman_delivery::{http, smtp};
use journeyman_domain::plan::Stream;
use journeyman_engine::machine::{Allowed, DispatcherLimits, OnUnknown};
use journeyman_engine::outlet::{Email, Outlet, Provider, Relay};

use crate::config::{self, Config, Environment};

/// How messages leave this process. `public` is where its public listener listens: where links lead unless the shop names
/// a domain.
///
/// # Errors
/// A relay or key that can't be one, with its place in the configuration.
pub(crate) fn of(config: &Config, public: SocketAddr) -> anyhow::Result<Outlet> {
    let channels = &config.channels;
    Ok(Outlet {
        production: config.environment == Environment::Production,
        redirect: channels
            .redirect_all_to
            .iter()
            .map(|(channel, to)| (*channel, to.as_str().into()))
            .collect(),
        allow_only: channels.allow_only.iter().map(|allowed| allowed.as_str().into()).collect(),
        keys: channels.links.clone(),
        base: format!("http://{}", reachable(public)).into(),
        email: channels.email.as_ref().map(email).transpose()?,
        http: channels
            .http
            .iter()
            .map(|(channel, provider)| Ok((*channel, told(provider)?)))
            .collect::<anyhow::Result<_>>()?,
        calls: Some(calls(config)?),
    })
}

/// Steps call with the secrets of this process's environment, by the names that they give.
fn calls(config: &Config) -> anyhow::Result<Caller> {
    let production = config.environment == Environment::Production;
    let secrets = Arc::new(|name: &str| std::env::var(name).ok().filter(|secret| !secret.is_empty()));
    Caller::new(config.calls_allow.clone(), production, secrets).context("calls")
}

fn told(written: &config::Provider) -> anyhow::Result<Provider> {
    let config::Provider { codec, host, connections, allowed, answer } = written;
    let sender = http::Sender::new(codec.clone(), *connections, *answer);
    Ok(Provider {
        sender: sender.with_context(|| format!("channels.{}", codec.channel()))?,
        host: host.as_str().into(),
        connections: *connections,
        allowed: allowed.map(|(count, per)| Allowed { count, per }),
    })
}

/// What the dispatcher of this configuration allows itself.
pub(crate) fn limits(config: &Config) -> DispatcherLimits {
    let (marketing_hold, transactional_hold) =
        config.channels.email.as_ref().map_or((true, false), |email| email.hold_unknown);
    DispatcherLimits {
        on_unknown: OnUnknown { marketing_hold, transactional_hold },
        ..DispatcherLimits::default()
    }
}

/// A listener on every address is reached here by this machine's own.
fn reachable(public: SocketAddr) -> SocketAddr {
    let ip = match public.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, public.port())
}

fn email(email: &config::Email) -> anyhow::Result<Email> {
    let mut relays: BTreeMap<Stream, Relay> = BTreeMap::new();
    for (place, streams) in by_relay(email) {
        let Some(written) = streams.first().and_then(|stream| email.relays.get(stream)) else { continue };
        let relay = made(&place, written)?;
        let taken = relays.values().any(|other| other.name == relay.name);
        for stream in streams {
            // Two ways to one server are two: each has its own connections.
            let name =
                if taken { format!("{} ({})", relay.name, stream.name()).into() } else { relay.name.clone() };
            relays.insert(stream, Relay { name, ..relay.clone() });
        }
    }
    let keys: Result<Vec<dkim::Key>, _> = email
        .dkim
        .iter()
        .enumerate()
        .map(|(nth, key)| {
            let made = dkim::Key::from_pem(&key.domain, &key.selector, &key.pem);
            made.with_context(|| format!("channels.email.dkim[{nth}]"))
        })
        .collect();
    Ok(Email { relays, bounces: email.bounces.as_deref().map(Into::into), dkim: keys?.into() })
}

/// The streams of each relay, with its place in the configuration: one that serves both is one.
pub(crate) fn by_relay(email: &config::Email) -> Vec<(String, Vec<Stream>)> {
    let mut found: Vec<(&config::Relay, Vec<Stream>)> = Vec::new();
    for (stream, relay) in &email.relays {
        match found.iter_mut().find(|(known, _)| *known == relay) {
            Some((_, streams)) => streams.push(*stream),
            None => found.push((relay, vec![*stream])),
        }
    }
    let place = |streams: &[Stream]| match streams {
        [one] => format!("channels.email.smtp.{}", one.name()),
        _ => "channels.email.smtp".to_owned(),
    };
    found.into_iter().map(|(_, streams)| (place(&streams), streams)).collect()
}

fn made(place: &str, written: &config::Relay) -> anyhow::Result<Relay> {
    let relay = relay(place, written)?;
    let (name, connections) = (format!("{}:{}", relay.host, relay.port), relay.connections);
    let allowed = written.allowed(place)?.map(|(count, per)| Allowed { count, per });
    let pool = smtp::Pool::new(relay).with_context(|| place.to_owned())?;
    Ok(Relay { name: name.into(), pool, connections, allowed })
}

/// A relay as connections are made to it.
///
/// # Errors
/// A certificate that can't be read, with its place in the configuration.
pub(crate) fn relay(place: &str, written: &config::Relay) -> anyhow::Result<smtp::Relay> {
    let tls = match written.tls {
        config::Tls::None => smtp::Tls::None,
        config::Tls::Starttls => smtp::Tls::Starttls,
        config::Tls::Implicit => smtp::Tls::Implicit,
    };
    let mut relay = smtp::Relay::new(&written.host, written.port(), tls);
    relay.connections = written.connections;
    relay.hello_name = written.hello.clone().unwrap_or_else(machine);
    relay.login = written
        .user
        .clone()
        .zip(written.password.clone())
        .map(|(user, password)| smtp::Login { user, password });
    if let Some(patience) = written.answers_within(place)? {
        relay.timeouts.command = patience;
        relay.timeouts.connect = patience.min(relay.timeouts.connect);
    }
    if let Some(file) = &written.ca_file {
        let ca = std::fs::read_to_string(file);
        relay.ca = Some(ca.with_context(|| format!("{place}.ca_file: can't read {}", file.display()))?);
    }
    Ok(relay)
}

/// What this machine calls itself, where that can be said in a greeting.
fn machine() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if ehlo(&name).is_some() { name } else { "localhost".to_owned() }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::plan::Channel;

    use super::*;

    fn read(yaml: &str) -> anyhow::Result<Outlet> {
        let dir = std::env::temp_dir().join(format!("journeyman-outlet-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&dir)?;
        let file = dir.join("journeyman.yaml");
        std::fs::write(&file, yaml)?;
        let config = Config::read(Some(&file), |_| None);
        std::fs::remove_dir_all(&dir)?;
        of(&config?, "0.0.0.0:8080".parse()?)
    }

    /// One door: how mail is written to a line about each stream's relay, or to the error.
    fn check(smtp: &str, expected: &str) {
        let got = match read(&format!("channels:\n  email:\n{smtp}")) {
            Ok(outlet) => {
                let email = outlet.email.unwrap();
                let relay =
                    |relay: &Relay| format!("{} {} {:?}", relay.name, relay.connections, relay.allowed);
                let relays: Vec<String> = email
                    .relays
                    .iter()
                    .map(|(stream, one)| format!("{}: {}", stream.name(), relay(one)))
                    .collect();
                format!("{}; {:?}; {} keys", relays.join(", "), email.bounces, email.dkim.len())
            }
            Err(error) => crate::told(&error),
        };
        assert!(got.starts_with(expected), "{smtp}\n   got {got}\nwanted {expected}");
    }

    #[test]
    fn relays_are_made_of_the_configuration() {
        check(
            "    smtp: { host: relay.example, connections: 3, rate: 500 per 1m }\n    bounces: b.shop.example\n",
            "marketing: relay.example:587 3 Some(Allowed { count: 500, per: 60s }), \
             transactional: relay.example:587 3 Some(Allowed { count: 500, per: 60s }); Some(\"b.shop.example\"); 0 keys",
        );
        check(
            "    smtp:\n      marketing: { host: relay.example }\n      transactional: { host: relay.example, tls: implicit }\n",
            "marketing: relay.example:587 20 None, transactional: relay.example:465 20 None; None; 0 keys",
        );
        // One server, two users: each has its own connections, and a name of its own.
        check(
            "    smtp:\n      marketing: { host: relay.example, user: a, password: a }\n      \
             transactional: { host: relay.example, user: b, password: b }\n",
            "marketing: relay.example:587 20 None, transactional: relay.example:587 (transactional) 20 None",
        );
        check(
            "    smtp: { host: relay.example, tls: none, user: a, password: b }\n",
            "channels.email.smtp: a password goes over the net only inside TLS",
        );
        check(
            "    smtp: { host: relay.example, ca_file: /nowhere/ca.pem }\n",
            "channels.email.smtp.ca_file: can't read /nowhere/ca.pem",
        );
        check(
            "    smtp: { host: relay.example }\n    dkim: [{ domain: shop.example, selector: s1, key: abc }]\n",
            "channels.email.dkim[0]: not a private key in PEM",
        );
    }

    #[test]
    fn the_outlet_knows_who_may_be_written_to() {
        let outlet = read(
            "environment: staging\nwrite_keys: { web: k }\nredirect_all_to: { email: qa@shop.example }\n\
             allow_only: [Shop.example]\nchannels:\n  email:\n    smtp: { host: relay.example }\n",
        );
        let outlet = outlet.unwrap();
        assert!(!outlet.production && outlet.allow_only.contains("shop.example"));
        assert_eq!(outlet.redirect.get(&Channel::Email).map(AsRef::as_ref), Some("qa@shop.example"));
        assert_eq!(outlet.base.as_ref(), "http://127.0.0.1:8080");
        let none = read("environment: dev\n").unwrap();
        assert!(none.email.is_none());
    }
}
