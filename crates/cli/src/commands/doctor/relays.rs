//! Whether the relays take us: connecting, greeting, TLS, name and password.

use std::time::Duration;

use futures::future::join_all;
use journeyman_channels::smtp::Stage;
use journeyman_delivery::smtp::{Error, Pool, Seen};

use super::{Finding, Health};
use crate::config::{self, Config, Environment, Tls};
use crate::{outlet, told};

/// How long one answer may take here.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a relay may take with all of it.
const WHOLE: Duration = Duration::from_secs(15);

/// Every relay, each once.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let Some(email) = &config.channels.email else { return Vec::new() };
    let relays = outlet::by_relay(email);
    let production = config.environment == Environment::Production;
    let looked = relays.iter().filter_map(|(place, streams)| {
        let written = email.relays.get(streams.first()?)?;
        Some(async move {
            let finding = one(place, written).await;
            match (finding.health, written.tls) {
                // On this machine nobody listens between.
                (Health::Ok, Tls::None) if production && !is_here(&written.host) => Finding {
                    health: Health::Look,
                    todo: "write tls: starttls or tls: implicit".to_owned(),
                    ..finding
                },
                _ => finding,
            }
        })
    });
    join_all(looked).await
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn one(place: &str, written: &config::Relay) -> Finding {
    let name = format!("{}:{}", written.host, written.port());
    let broken = |what: String, todo: &str| Finding::new(Health::Broken, "relay", what, todo);
    let mut relay = match outlet::relay(place, written) {
        Ok(relay) => relay,
        Err(error) => return broken(told(&error), ""),
    };
    relay.timeouts.connect = relay.timeouts.connect.min(PATIENCE);
    relay.timeouts.command = relay.timeouts.command.min(PATIENCE);
    relay.timeouts.total = WHOLE;
    let pool = match Pool::new(relay) {
        Ok(pool) => pool,
        Err(error) => return broken(format!("{place}: {error}"), ""),
    };
    match pool.check().await {
        Ok(seen) => Finding::ok("relay", format!("{name}: {}", said(&seen))),
        Err(Error::Failed { stage, detail }) => broken(format!("{name}: {detail}"), todo(stage)),
        Err(error) => broken(format!("{name}: {error}"), ""),
    }
}

fn said(seen: &Seen) -> String {
    let mut said = match &seen.tls {
        Some(version) => format!("answers with {version}"),
        None => "answers, without TLS".to_owned(),
    };
    said.push_str(if seen.logged_in { ", took name and password" } else { ", asks for no name" });
    if let Some(size) = seen.size {
        said.push_str(&format!(", takes mails of {} MB", size / 1_000_000));
    }
    said
}

fn todo(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => {
            "see that host and port are right, and that no firewall stands between (many block port 25)"
        }
        Stage::Tls => {
            "see that tls fits the port (465: implicit, 587: starttls) and that the certificate is the host's; \
                       a CA of your own goes into ca_file"
        }
        Stage::Greeting | Stage::Hello => {
            "the server does not want to talk to this machine: ask who runs it; hello says how \
                                           this one calls itself"
        }
        Stage::Starttls => "the server offers no STARTTLS on this port: try 587, or tls: implicit with 465",
        Stage::Auth => "see that user and password are right",
        _ => "",
    }
}
