//! A PostgreSQL that was given by `DATABASE_URL`: connected to, and nothing else.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Row};

use super::binaries::MINIMUM_MAJOR;
use super::{Error, Found, Source};

/// How long a given server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

pub(super) async fn connect(url: &str, source: &Source) -> Result<Found, Error> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("postgres" | "postgresql")) {
        return Err(Error::Url { reason: "it does not begin with postgres://".to_owned() });
    }
    let options =
        PgConnectOptions::from_str(url).map_err(|refused| Error::Url { reason: refused.to_string() })?;
    let place = place(&options);
    let version = match tokio::time::timeout(ANSWER_LIMIT, version(&options)).await {
        Ok(Ok(version)) => version,
        Ok(Err(refused)) => return Err(Error::Unreachable { place, cause: Box::new(refused) }),
        Err(_) => return Err(Error::Silent { place, seconds: ANSWER_LIMIT.as_secs() }),
    };
    let major = version.split('.').next().and_then(leading_number);
    if major.is_some_and(|major| major < MINIMUM_MAJOR) {
        return Err(Error::TooOld { place, version, minimum: MINIMUM_MAJOR });
    }
    let instead = match source {
        Source::Auto => String::new(),
        other => format!(", which goes before JOURNEYMAN_POSTGRES ({other})"),
    };
    Ok(Found {
        url: url.to_owned(),
        tcp_url: None,
        why: format!("PostgreSQL {version} at {place}, because DATABASE_URL is set{instead}"),
        options,
        superuser: None,
        server: None,
    })
}

async fn version(options: &PgConnectOptions) -> Result<String, sqlx::Error> {
    let mut connection = options.connect().await?;
    let version = server_version(&mut connection).await;
    // The answer is in hand; how the goodbye goes does not matter.
    let _ = connection.close().await;
    version
}

/// The server's version as its own words have it, without the packager's: `15.20`.
pub(super) async fn server_version(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    // Unprepared, so that it passes through a pooler in transaction mode.
    let row = sqlx::raw_sql("SHOW server_version").fetch_one(connection).await?;
    let said: String = row.try_get(0)?;
    Ok(said.split_whitespace().next().unwrap_or("of unknown version").to_owned())
}

/// The number a text begins with: 18 for `18`, `18beta1` and `18devel`.
pub(super) fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Where it is, without user and password.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{}, port {}, database {database}", socket.display(), options.get_port()),
        None => format!("{}:{}/{database}", options.get_host(), options.get_port()),
    }
}
