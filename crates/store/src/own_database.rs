//! A database that a command makes for itself beside the configured one, knows by its mark, and may replace.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};

use crate::{Error, statements};

/// How long making or dropping one may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The code of what is in use (PostgreSQL, appendix A).
const IN_USE: &str = "55006";

/// Why there is no such database.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// A name that is none.
    #[error(
        "`{0}` can't be a database's name here; write small letters, digits and _, 63 at most, a letter first"
    )]
    Name(String),
    /// Somebody else's.
    #[error(
        "there is a database `{0}` already, and it was not made by this command: nothing was touched; name another"
    )]
    NotOurs(String),
    /// Somebody is connected to it.
    #[error("the database `{0}` is in use: end what uses it, or name another")]
    InUse(String),
    /// The server refused.
    #[error("can't make the database `{0}`; the role needs CREATEDB")]
    Refused(String, #[source] Error),
}

/// Makes an empty database of this name on the server that `server` leads to, in the place of one that bears the same mark.
/// One that does not bear it, or is in use, is left alone.
///
/// # Errors
/// [`NotMade`]; nothing is changed then, but for a marked database that may be gone.
pub async fn replace(server: &PgConnectOptions, name: &str, mark: &str) -> Result<PgConnectOptions, NotMade> {
    // The name stands in statements that take no parameters.
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.starts_with(|first: char| first.is_ascii_lowercase())
        || name.len() > 63
        || !name.bytes().all(letters)
        || mark.contains('\'')
    {
        return Err(NotMade::Name(name.to_owned()));
    }
    let refused = |error: sqlx::Error| NotMade::Refused(name.to_owned(), error.into());
    // Making and dropping one takes seconds, as it should: no log needs to say so.
    let quiet = server.clone().disable_statement_logging();
    let mut admin = match tokio::time::timeout(PATIENCE, quiet.connect()).await {
        Ok(connected) => connected.map_err(refused)?,
        Err(_) => return Err(refused(sqlx::Error::PoolTimedOut)),
    };
    let made = tokio::time::timeout(PATIENCE, remade(&mut admin, name, mark)).await;
    let made = made.unwrap_or_else(|_| Err(refused(sqlx::Error::PoolTimedOut)));
    // What it was for is done; nothing hangs on its end.
    let _ = admin.close().await;
    made.map(|()| server.clone().database(name))
}

async fn remade(admin: &mut PgConnection, name: &str, mark: &str) -> Result<(), NotMade> {
    let refused = |error: sqlx::Error| NotMade::Refused(name.to_owned(), error.into());
    let found = sqlx::query(statements::FIND_OWN_DATABASE).bind(name).fetch_optional(&mut *admin).await;
    if let Some(found) = found.map_err(refused)? {
        let marked: Option<String> = found.try_get("mark").map_err(refused)?;
        if marked.as_deref() != Some(mark) {
            return Err(NotMade::NotOurs(name.to_owned()));
        }
        // The server waits some seconds for those who are about to leave.
        execute(admin, format!("DROP DATABASE {name}")).await.map_err(|error| {
            let code = error.as_database_error().and_then(|error| error.code());
            if code.as_deref() == Some(IN_USE) { NotMade::InUse(name.to_owned()) } else { refused(error) }
        })?;
    }
    execute(admin, format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
        .await
        .map_err(refused)?;
    execute(admin, format!("COMMENT ON DATABASE {name} IS '{mark}'")).await.map_err(refused)
}

async fn execute(admin: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    admin.execute(sqlx::AssertSqlSafe(statement)).await.map(|_| ())
}
