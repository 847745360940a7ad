//! Asking DNS, with short patience: a server that does not answer is another thing than a name that is not there.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a question may take with everything: other servers, TCP where an answer was too long.
const WHOLE: Duration = Duration::from_secs(5);

/// Whom to ask.
pub(super) struct Dns(TokioResolver);

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// These, at least one.
    Found(Vec<String>),
    /// The name, or such a record of it, does not exist.
    Nothing,
    /// Nobody knows: why.
    Silent(String),
}

impl Dns {
    /// The machine's own servers, or the one that is named.
    pub(super) fn new(server: Option<SocketAddr>) -> Result<Self, String> {
        let made = match server {
            None => TokioResolver::builder_tokio(),
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
            }
        };
        let mut builder = made.map_err(|error| error.to_string())?;
        let options = builder.options_mut();
        (options.timeout, options.attempts) = (PATIENCE, 1);
        options.use_hosts_file = ResolveHosts::Never;
        builder.build().map(Self).map_err(|error| error.to_string())
    }

    /// The texts of a name, each with its pieces put together.
    pub(super) async fn texts(&self, name: &str) -> Answer {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        })
        .await
    }

    /// The hosts that take a domain's mail; `.` where it says that none does.
    pub(super) async fn mail_hosts(&self, domain: &str) -> Answer {
        self.ask(domain, RecordType::MX, |data| match data {
            RData::MX(host) => Some(host.exchange.to_string()),
            _ => None,
        })
        .await
    }

    /// The addresses of a host.
    pub(super) async fn addresses(&self, host: &str) -> Answer {
        let four = self.ask(host, RecordType::A, |data| match data {
            RData::A(address) => Some(address.to_string()),
            _ => None,
        });
        match four.await {
            Answer::Nothing => {
                let six = self.ask(host, RecordType::AAAA, |data| match data {
                    RData::AAAA(address) => Some(address.to_string()),
                    _ => None,
                });
                six.await
            }
            known => known,
        }
    }

    async fn ask(&self, name: &str, kind: RecordType, read: impl Fn(&RData) -> Option<String>) -> Answer {
        let Ok(mut asked) = Name::from_utf8(name) else {
            return Answer::Silent(format!("{name} is no name of DNS"));
        };
        // As it stands, not below this machine's own domain.
        asked.set_fqdn(true);
        let found = match tokio::time::timeout(WHOLE, self.0.lookup(asked, kind)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) if error.is_no_records_found() => return Answer::Nothing,
            Ok(Err(error)) => return Answer::Silent(why(&error)),
            Err(_) => return Answer::Silent("no answer in time".to_owned()),
        };
        let found: Vec<String> = found.answers().iter().filter_map(|record| read(&record.data)).collect();
        if found.is_empty() { Answer::Nothing } else { Answer::Found(found) }
    }
}

fn why(error: &NetError) -> String {
    match error {
        NetError::Timeout | NetError::NoConnections => "no answer in time".to_owned(),
        error => error.to_string(),
    }
}
