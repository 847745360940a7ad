//! Configuration: `journeyman.yaml`, overridden by the environment.

mod channels;
mod providers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::postgres::{self, Source};

pub use channels::{Channels, Dkim, Email, Relay, Tls};
pub use providers::Provider;

/// Everything a command needs to know before it begins. Holds secrets: no `Debug`.
#[derive(Clone)]
pub struct Config {
    /// What this installation is for.
    pub environment: Environment,
    /// ISO 4217, of money without one.
    pub currency: String,
    /// The shop's time zone, IANA.
    pub time_zone: String,
    /// Where the world reaches ingest.
    pub public: SocketAddr,
    /// Where the operator's network reaches the rest.
    pub private: SocketAddr,
    /// Where a private cluster and other local files live.
    pub data_dir: PathBuf,
    /// A Postgres to use instead of a private cluster.
    pub database_url: Option<String>,
    /// Which binaries a private cluster runs on.
    pub postgres: Source,
    /// Name of the source -> write key.
    pub write_keys: BTreeMap<String, String>,
    /// Name of who changes the catalog -> key. Apart from those of events, which stand in web pages.
    pub catalog_keys: BTreeMap<String, String>,
    /// How messages leave.
    pub channels: Channels,
    /// Hosts of private networks that steps may call; outside production the only ones.
    pub calls_allow: BTreeSet<String>,
    /// How often the daemon learns from what was bought; `None` is never.
    pub learn_every: Option<Duration>,
}

/// What an installation is for. Outside production no message reaches a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Real customers.
    Production,
    /// A rehearsal.
    Staging,
    /// Somebody's machine.
    #[default]
    Dev,
}

impl Environment {
    /// The word in files and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Dev => "dev",
        }
    }
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Production, Self::Staging, Self::Dev]
            .into_iter()
            .find(|environment| environment.name() == text)
            .ok_or_else(|| format!("`{text}` is no environment; write production, staging or dev"))
    }
}

/// What is wrong with the configuration: where, what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: {message}", path.display())]
    Text {
        /// Which.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A variable or a value is not what it should be.
    #[error("{name}: {message}")]
    Value {
        /// The variable or key.
        name: String,
        /// What and what to do.
        message: String,
    },
}

/// The file's form.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    environment: Option<Environment>,
    currency: Option<String>,
    time_zone: Option<String>,
    listen: Option<Listen>,
    data_dir: Option<PathBuf>,
    postgres: Option<String>,
    #[serde(default)]
    write_keys: BTreeMap<String, String>,
    #[serde(default)]
    catalog_keys: BTreeMap<String, String>,
    channels: Option<channels::Written>,
    links: Option<channels::WrittenLinks>,
    #[serde(default)]
    redirect_all_to: BTreeMap<String, String>,
    #[serde(default)]
    allow_only: Vec<String>,
    learn: Option<Learn>,
    #[serde(default)]
    calls: Calls,
    // Policies: the journey crate reads them, and knows every place.
    #[serde(rename = "topics")]
    _topics: Option<IgnoredAny>,
    #[serde(rename = "minimum_gap")]
    _minimum_gap: Option<IgnoredAny>,
    #[serde(rename = "holdout")]
    _holdout: Option<IgnoredAny>,
    #[serde(rename = "hold_marketing")]
    _hold_marketing: Option<IgnoredAny>,
    #[serde(rename = "rates")]
    _rates: Option<IgnoredAny>,
    #[serde(rename = "quiet_hours")]
    _quiet_hours: Option<IgnoredAny>,
    #[serde(rename = "caps")]
    _caps: Option<IgnoredAny>,
    #[serde(rename = "calendar")]
    _calendar: Option<IgnoredAny>,
    #[serde(rename = "senders")]
    _senders: Option<IgnoredAny>,
    #[serde(rename = "approvals")]
    _approvals: Option<IgnoredAny>,
    #[serde(rename = "locales")]
    _locales: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Calls {
    allow: BTreeSet<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Learn {
    every: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listen {
    public: Option<String>,
    private: Option<String>,
}

/// Keys of the language that this version does not read yet. Taking them without acting on them would be a lie.
const NOT_YET: [&str; 2] = ["alerts", "secrets"];

/// The file that is read when none is named, where there is one.
pub const FILE: &str = "journeyman.yaml";
/// The write key of an installation for development that names none.
pub const DEV_KEY: &str = "dev";

impl Config {
    /// Reads `file`, or [`FILE`] where that exists, then the process's environment.
    ///
    /// # Errors
    /// [`Error`], naming the place.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        Self::read(file, |name| std::env::var(name).ok())
    }

    /// As [`Config::load`], with the environment as an argument.
    ///
    /// # Errors
    /// [`Error`], naming the place.
    pub fn read(file: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let path = file.unwrap_or(Path::new(FILE));
        let file = match std::fs::read_to_string(path) {
            Ok(text) => parse(path, &text)?,
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(error) => return Err(Error::File { path: path.to_owned(), error }),
        };
        let listen = file.listen.unwrap_or_default();
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let or = |name: &str, key: &str, written: Option<String>, default: &str| match variable(name) {
            Some(value) => (name.to_owned(), value),
            None => (key.to_owned(), written.unwrap_or_else(|| default.to_owned())),
        };
        let environment = match variable("JOURNEYMAN_ENVIRONMENT") {
            Some(value) => parsed(("JOURNEYMAN_ENVIRONMENT".to_owned(), value))?,
            None => file.environment.unwrap_or_default(),
        };
        let (zone_key, time_zone) = or("JOURNEYMAN_TIME_ZONE", "time_zone", file.time_zone, "UTC");
        if jiff::tz::TimeZone::get(&time_zone).is_err() {
            let message = format!("`{time_zone}` is no time zone; write one such as Europe/Berlin");
            return Err(Error::Value { name: zone_key, message });
        }
        let public = or("JOURNEYMAN_LISTEN_PUBLIC", "listen.public", listen.public, "127.0.0.1:8080");
        let private = or("JOURNEYMAN_LISTEN_PRIVATE", "listen.private", listen.private, "127.0.0.1:8081");
        let postgres = or("JOURNEYMAN_POSTGRES", "postgres", file.postgres, "auto");
        let every =
            or("JOURNEYMAN_LEARN_EVERY", "learn.every", file.learn.and_then(|learn| learn.every), "1d");
        let data_dir = variable("JOURNEYMAN_DATA_DIR").map(PathBuf::from).or(file.data_dir);
        Ok(Self {
            environment,
            currency: currency(file.currency.as_deref().unwrap_or("EUR"))?,
            time_zone,
            public: address(public)?,
            private: address(private)?,
            data_dir: data_dir.unwrap_or_else(|| PathBuf::from(".journeyman")),
            database_url: variable("DATABASE_URL"),
            postgres: postgres.1.parse().map_err(|error: postgres::Error| Error::Value {
                name: postgres.0,
                message: error.to_string(),
            })?,
            write_keys: write_keys(environment, file.write_keys, &variable)?,
            catalog_keys: catalog_keys(environment, file.catalog_keys, &variable)?,
            channels: Channels::read(
                channels::File {
                    channels: file.channels,
                    links: file.links,
                    redirect_all_to: file.redirect_all_to,
                    allow_only: file.allow_only,
                },
                environment,
                &variable,
            )?,
            calls_allow: file.calls.allow.iter().map(|host| host.trim().to_ascii_lowercase()).collect(),
            learn_every: rhythm(every)?,
        })
    }

    /// What to look for.
    pub fn wanted(&self) -> postgres::Wanted {
        postgres::Wanted {
            database_url: self.database_url.clone(),
            data_dir: self.data_dir.clone(),
            source: self.postgres.clone(),
            settings: Vec::new(),
        }
    }
}

/// What the installation of a configuration is for, without asking for anything else in it.
///
/// # Errors
/// [`Error`], naming the place.
pub fn environment(file: &Path) -> Result<Environment, Error> {
    let written = match std::fs::read_to_string(file) {
        Ok(text) => parse(file, &text)?.environment,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::File { path: file.to_owned(), error }),
    };
    match std::env::var("JOURNEYMAN_ENVIRONMENT") {
        Ok(value) if !value.trim().is_empty() => parsed(("JOURNEYMAN_ENVIRONMENT".to_owned(), value)),
        _ => Ok(written.unwrap_or_default()),
    }
}

fn parse(path: &Path, text: &str) -> Result<File, Error> {
    let fault = |message: String| Error::Text { path: path.to_owned(), message };
    let options = serde_yaml::options! { strict_booleans: true };
    // An empty file, or one of comments alone, configures nothing.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(File::default());
    }
    let keys: BTreeMap<String, IgnoredAny> =
        serde_yaml::from_str_with_options(text, options.clone()).map_err(|error| fault(error.to_string()))?;
    if let Some(key) = keys.keys().find(|key| NOT_YET.contains(&key.as_str())) {
        return Err(fault(format!("`{key}` is not read by this version yet; leave it out")));
    }
    serde_yaml::from_str_with_options(text, options).map_err(|error| fault(error.to_string()))
}

fn parsed<T: FromStr<Err = String>>((name, value): (String, String)) -> Result<T, Error> {
    value.parse().map_err(|message| Error::Value { name, message })
}

fn address((name, value): (String, String)) -> Result<SocketAddr, Error> {
    value.parse().map_err(|_| Error::Value {
        name,
        message: format!("`{value}` is no address; write one such as 127.0.0.1:8080 or [::]:8080"),
    })
}

/// A rhythm in hours, days or weeks, or `never`.
fn rhythm((name, value): (String, String)) -> Result<Option<Duration>, Error> {
    if value == "never" {
        return Ok(None);
    }
    let each = |unit| match unit {
        "h" => Some(3_600),
        "d" => Some(86_400),
        "w" => Some(7 * 86_400),
        _ => None,
    };
    let (number, unit) = value.split_at_checked(value.len().saturating_sub(1)).unwrap_or_default();
    let seconds = number.parse::<u16>().ok().filter(|number| *number > 0).zip(each(unit));
    match seconds {
        Some((number, each)) => Ok(Some(Duration::from_secs(u64::from(number) * each))),
        None => {
            let message =
                format!("`{value}` is no rhythm; write hours, days or weeks such as 12h, 1d, 1w, or never");
            Err(Error::Value { name, message })
        }
    }
}

fn currency(code: &str) -> Result<String, Error> {
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code.to_owned());
    }
    let message = format!("`{code}` is no currency; write an ISO 4217 code such as EUR");
    Err(Error::Value { name: "currency".to_owned(), message })
}

/// The write keys: `$NAME` is read from the environment, `JOURNEYMAN_WRITE_KEYS=web=KEY,server=KEY` goes before the
/// file, and development gets a key where there is none.
fn write_keys(
    environment: Environment,
    written: BTreeMap<String, String>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Error> {
    let keys = keys_of(environment, "write_keys", "JOURNEYMAN_WRITE_KEYS", written, variable)?;
    if keys.is_empty() {
        let message =
            format!("there are none, and {} takes events from nobody else; add one", environment.name());
        return Err(Error::Value { name: "write_keys".to_owned(), message });
    }
    Ok(keys)
}

/// The keys of the catalog, written as those of events. Where there are none outside development, nobody changes it by HTTP.
fn catalog_keys(
    environment: Environment,
    written: BTreeMap<String, String>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Error> {
    keys_of(environment, "catalog_keys", "JOURNEYMAN_CATALOG_KEYS", written, variable)
}

fn keys_of(
    environment: Environment,
    what: &str,
    name: &str,
    written: BTreeMap<String, String>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Error> {
    let fault = |name: &str, message: String| Error::Value { name: name.to_owned(), message };
    let mut keys = BTreeMap::new();
    for (source, key) in written {
        let place = format!("{what}.{source}");
        let key = match key.strip_prefix('$') {
            Some(name) => variable(name)
                .ok_or_else(|| fault(&place, format!("the variable {name} is not set; set it")))?,
            None => key,
        };
        if key.is_empty() {
            return Err(fault(
                &place,
                "is empty; write the key, or $NAME of a variable that holds it".to_owned(),
            ));
        }
        keys.insert(source, key);
    }
    for pair in variable(name).iter().flat_map(|pairs| pairs.split(',')) {
        match pair.trim().split_once('=') {
            Some((source, key)) if !source.is_empty() && !key.is_empty() => {
                keys.insert(source.to_owned(), key.to_owned());
            }
            _ => return Err(fault(name, "write it as web=KEY,server=KEY".to_owned())),
        }
    }
    let mut sources: BTreeMap<&str, &str> = BTreeMap::new();
    for (source, key) in &keys {
        if let Some(other) = sources.insert(key, source) {
            let message = format!("has the same key as {other}; give each source its own");
            return Err(fault(&format!("{what}.{source}"), message));
        }
    }
    if keys.is_empty() && environment == Environment::Dev {
        keys.insert("dev".to_owned(), DEV_KEY.to_owned());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
