//! Mail to a relay by SMTP (RFC 5321) over TCP and TLS: a pool of connections to one host.
//!
//! The dialogue is written here and not taken from lettre, whose connection was tried (0.11.23). It takes
//! plain text that arrived before TLS for answers inside TLS (RFC 3207 4.2), so that somebody between could
//! say `250` to us; it reads a `250` without text, or with a byte of Latin-1, as no answer, which behind the
//! final dot makes a delivered mail an unknown one; it waits for the end of a line of any length; and it does
//! not see what a server says while the mail is being written. What is unknown and what is not is what this
//! crate is for.

mod connection;
mod pool;
mod relay;
mod transaction;

pub use pool::{Pool, Seen, Sent};
pub use relay::{Login, Relay, Timeouts, Tls};

use journeyman_channels::smtp::Stage;

/// Why there is no pool, or what a check found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name that we greet with can't stand on the wire.
    #[error("hello_name is the name of this host, like mail.shop.example")]
    BadHelloName,
    /// The host can't be named in a certificate.
    #[error("the relay's host is no name that a certificate could have")]
    BadHost,
    /// The extra root is no certificate.
    #[error("ca is a certificate in PEM (BEGIN CERTIFICATE)")]
    BadCa,
    /// A password, and nothing that hides it.
    #[error("a password goes over the net only inside TLS; say tls: starttls, or tls: implicit")]
    PasswordInTheClear,
    /// No connection is allowed, or no message on one.
    #[error("connections and messages_per_connection are 1 at least")]
    NoConnections,
    /// TLS could not be set up on our side.
    #[error("TLS: {0}")]
    Tls(String),
    /// A check got as far as this.
    #[error("{detail}")]
    Failed {
        /// Where in the dialogue.
        stage: Stage,
        /// Stage and what happened.
        detail: String,
    },
}

#[cfg(test)]
mod tests;
