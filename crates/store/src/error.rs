//! What went wrong, told by what happens next.

/// A statement that failed. The variant is chosen from the SQLSTATE where the error arises.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, starting, stopping, read-only or full of connections: try again later.
    #[error("the database is away: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// No room on the database's disk, or it can't write: free some; until then nothing is taken.
    #[error("the database has no room or can't write to its disk: {0}")]
    DiskFull(#[source] sqlx::Error),
    /// Broken off to resolve a conflict: the same may pass when tried again at once.
    #[error("the database broke the transaction off: {0}")]
    Busy(#[source] sqlx::Error),
    /// A value the database will never store.
    #[error("the database refuses a value: {0}")]
    Refused(#[source] sqlx::Error),
    /// A row has no partition: they have to be made first.
    #[error("a partition is missing: {0}")]
    NoPartition(#[source] sqlx::Error),
    /// Every row of several is refused: not the rows are at fault, but the schema or the server.
    #[error("the database refuses every row; is its schema another version's? {0}")]
    RefusesAll(String),
    /// Somebody else did it meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// A lease is another's now: drop what was known under it.
    #[error("the lease is another's now: {0}")]
    Lost(String),
    /// The schema is not the one this program writes.
    #[error("the schema does not fit this program: {0}")]
    Schema(#[source] sqlx::migrate::MigrateError),
    /// Anything else: a defect of ours or a right that is missing.
    #[error("the database answered: {0}")]
    Other(#[source] sqlx::Error),
}

impl Error {
    /// Whether the same may pass later without anybody changing the request.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::DiskFull(_)
                | Self::Busy(_)
                | Self::NoPartition(_)
                | Self::RefusesAll(_)
        )
    }

    /// Whether the server was asked for more than it does within the time that a statement may take.
    pub fn took_too_long(&self) -> bool {
        let Self::Unavailable(error) = self else { return false };
        error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("57014"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
                _ => Self::Other(error),
            };
        };
        match database.code().as_deref().unwrap_or_default() {
            "53100" => Self::DiskFull(error),
            // A write cut off by a quota or a failing disk arrives as io_error.
            "58030" => Self::DiskFull(error),
            // A check without a name is the one of the bounds; its text is in the server's language.
            "23514" if database.constraint().is_none() => Self::NoPartition(error),
            "40001" | "40P01" | "55P03" => Self::Busy(error),
            // A replica, until it is promoted; a statement or an idle transaction that took too long: more of the same
            // at once would only add to the load. 57P..: shutting down, starting, dropped.
            "25006" | "25P03" | "57014" => Self::Unavailable(error),
            code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
                Self::Unavailable(error)
            }
            // A class 28 or 3D answer while the server restarts elsewhere is no passing matter: the operator must look.
            code if code.starts_with("22") || code.starts_with("54") || code.starts_with("23") => {
                Self::Refused(error)
            }
            _ => Self::Other(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error)
            | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => error.into(),
            error => Self::Schema(error),
        }
    }
}
